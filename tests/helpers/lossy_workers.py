"""Workers of this process that are lost when a test says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count
from typing import Any

from backhand.cluster.in_process import InProcess
from backhand.cluster.transport import WorkerLost


class LossyWorkers(InProcess):
    """Threads of this process; after some calls, the worker is gone with its memory.

    Parameters
    ----------
    workers : int
    lose : callable
        Whether to lose the worker as it does a call, by the numbers of both.
    spare : float
        How many lost workers can be replaced.
    """

    def __init__(
        self, workers: int, lose: Callable[[int, int], bool], spare: float = math.inf
    ) -> None:
        super().__init__(workers)
        self.lose, self.spare, self.losses = lose, spare, 0
        self._numbers = count()
        self._lost: set[int] = set()

    def submit(self, worker: int, function: Callable[..., Any], *args: Any) -> Any:
        incarnation = self._incarnations[worker]
        if worker in self._lost:
            return LostAnswer(worker, incarnation)
        answer = super().submit(worker, function, *args)
        if not self.lose(worker, next(self._numbers)):
            return answer
        self._lost.add(worker)
        self.losses += 1
        return LostAnswer(worker, incarnation)

    def replace(self, lost: WorkerLost) -> bool:
        if lost.incarnation != self._incarnations[lost.worker]:
            return True
        if self.spare < 1:
            return False
        self.spare -= 1
        super().replace(lost)
        self._lost.discard(lost.worker)
        return True


class LostAnswer:
    """A call whose worker is lost."""

    def __init__(self, worker: int, incarnation: int) -> None:
        self._worker, self._incarnation = worker, incarnation

    def result(self, seconds: float) -> Any:
        raise WorkerLost(self._worker, "a test has lost it", self._incarnation)
