"""Workers in this process: threads, each with a memory of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Any

from backhand.cluster.transport import Memory, WorkerLost


class InProcess:
    """The transport without a cluster. Nothing is copied: what a worker receives must not change.

    Parameters
    ----------
    workers : int
    """

    in_this_process = True

    def __init__(self, workers: int) -> None:
        self.places = ["this process"] * workers
        self._memories: list[Memory] = [{} for _ in range(workers)]
        self._threads = [ThreadPoolExecutor(1, f"backhand-worker-{n + 1}") for n in range(workers)]

    def submit(self, worker: int, function: Callable[..., Any], *args: Any) -> Answer:
        future = self._threads[worker].submit(function, self._memories[worker], *args)
        return Answer(worker, future)

    def share(self, value: Any) -> Any:
        return value

    def replace(self, worker: int) -> bool:
        self._memories[worker] = {}
        return True

    def close(self) -> None:
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)
        for memory in self._memories:
            memory.clear()


class Answer:
    """A call under way."""

    def __init__(self, worker: int, future: Future[Any]) -> None:
        self._worker, self._future = worker, future

    def result(self, seconds: float) -> Any:
        try:
            return self._future.result(seconds)
        except NotInTime:
            if self._future.done():  # the function itself raised it
                raise
            raise WorkerLost(self._worker, f"no answer in {seconds:g} s") from None
