"""The reference engine: the equations on NumPy arrays. The others are tested against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines.array_engine import ArrayEngine
from backhand.engines.thread_limits import blas_described, blas_threads


class ReferenceEngine(ArrayEngine):
    """The equations on NumPy; `threads` are those of NumPy's BLAS."""

    name = "reference"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads

    def depends_on(self) -> dict[str, str]:
        with blas_threads().limited(self._threads):
            threads = str(blas_threads().read())
            return {"NumPy": np.__version__, "BLAS": blas_described(), "BLAS threads": threads}

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
