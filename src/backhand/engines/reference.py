"""The reference engine: the equations on NumPy arrays. The others are tested against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from backhand.engines.arrays import ArrayEngine


class ReferenceEngine(ArrayEngine):
    """The equations on NumPy; `threads` are those of NumPy's BLAS."""

    name = "reference"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads
        self._blas = None if threads is None else ThreadpoolController()

    def put(self, array: Any, dtype: Any = None) -> NDArray[Any]:
        return np.asarray(array, dtype)

    def get(self, array: Any) -> NDArray[Any]:
        return np.asarray(array)

    @contextmanager
    def computing(self) -> Iterator[None]:
        # Overflow shows as a loss that is not finite, which training reports; NumPy's own warning
        # would name a line of this package instead.
        with np.errstate(over="ignore", invalid="ignore"):
            if self._blas is None:
                yield
            else:
                with self._blas.limit(limits=self._threads, user_api="blas"):
                    yield
