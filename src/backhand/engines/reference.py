"""The reference engine: the equations on NumPy arrays. The others are tested against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from backhand.engines.arrays import ArrayEngine
from backhand.engines.threads import ThreadSetting


class ReferenceEngine(ArrayEngine):
    """The equations on NumPy; `threads` are those of NumPy's BLAS."""

    name = "reference"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads

    def depends_on(self) -> dict[str, str]:
        with blas_threads().limited(self._threads):
            threads = str(blas_threads().read())
            return {"NumPy": np.__version__, "BLAS": _blas(), "BLAS threads": threads}

    def put(self, array: Any) -> NDArray[Any]:
        return np.asarray(array)

    def get(self, array: Any) -> NDArray[Any]:
        return np.asarray(array)

    @contextmanager
    def computing(self) -> Iterator[None]:
        # Overflow shows as a loss that is not finite, which training reports; NumPy's own warning
        # would name a line of this package instead.
        with np.errstate(over="ignore", invalid="ignore"), blas_threads().limited(self._threads):
            yield


def _blas() -> str:
    """The BLAS that NumPy calls: its name, version and the CPU that it chose its routines for."""
    libraries = ThreadpoolController().select(user_api="blas").info()
    parts = ("internal_api", "version", "architecture")
    return ", ".join(" ".join(str(one.get(part)) for part in parts) for one in libraries)


@cache
def blas_threads() -> ThreadSetting:
    """The threads of the BLAS that NumPy calls."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers

    def read() -> int:
        return max((library.num_threads for library in libraries), default=1)

    def write(threads: int) -> None:
        for library in libraries:
            library.set_num_threads(threads)

    return ThreadSetting(read, write)
