"""The reference engine: the equations on NumPy arrays. The others are tested against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.choices import PrecisionName
from backhand.engines.array_engine import ArrayEngine, ArraySession
from backhand.engines.contract import CROSS_ENTROPY, Data, Engine, Objective, OptimizerState
from backhand.engines.thread_limits import blas_described, blas_threads
from backhand.errors import warn_once
from backhand.optimizers import Optimizer
from backhand.support.optional import extra


class ReferenceEngine(ArrayEngine):
    """The equations on NumPy; `threads` are those of NumPy's BLAS.

    The first training warns with `notice`: why this engine is used instead of another.
    """

    name = "reference"

    def __init__(
        self, threads: int | None = None, notice: str = "", precision: PrecisionName = "auto"
    ) -> None:
        if threads is not None:
            extra("threadpoolctl", "limiting NumPy's threads")
        self._threads = threads
        self._notice = notice
        self.precision = precision

    def divided(self, parts: int) -> list[Engine]:
        self._warn()  # here, at the line of the caller: a thread of a fleet has none
        return super().divided(parts)

    def _warn(self) -> None:
        if self._notice:
            warn_once(self._notice)

    def start(
        self,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Data | None = None,
    ) -> ArraySession:
        self._warn()
        return super().start(state, data, optimizer, objective, validation)

    def depends_on(self) -> dict[str, str]:
        with blas_threads().limited(self._threads):
            threads = str(blas_threads().read())
            return {"NumPy": np.__version__, "BLAS": blas_described(), "BLAS threads": threads}

    def put(self, array: Any) -> NDArray[Any]:
        return np.asarray(array)

    def put_keys(self, keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
        return keys

    def get(self, array: Any) -> NDArray[Any]:
        return np.asarray(array)

    @contextmanager
    def computing(self) -> Iterator[None]:
        # Overflow shows as a loss that is not finite, which training reports; NumPy's own warning
        # would name a line of this package instead.
        with np.errstate(over="ignore", invalid="ignore"), blas_threads().limited(self._threads):
            yield
