"""Workers in this process: threads, each with a memory of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotInTime
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any

from backhand.cluster.part_memory import INTERRUPT, SHARED
from backhand.cluster.transport import Memory, WorkerLost

CLOSING = 60.0
"""Seconds in which a worker should end the call that it is in."""

PROMPT = 0.1
"""Seconds after which a call that has not ended is interrupted, again and again."""

_Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class InProcess:
    """The transport without a cluster. Nothing is copied: what a worker receives must not change.

    Parameters
    ----------
    workers : int
    threads : int
        Number of threads that a function on a worker may compute with.

    Examples
    --------
    >>> transport = InProcess(2)
    >>> transport.submit(1, lambda memory, a, b: a + b, 3, 4).result(seconds=10)
    7
    >>> transport.close()
    """

    in_this_process = True

    def __init__(self, workers: int, threads: int = 1) -> None:
        self.places = ["this process"] * workers
        self.machines = [socket.gethostname()] * workers
        self.threads = threads
        self._incarnations = [0] * workers
        self._closed = False
        self._lock = Lock()
        self._workers = [_Worker(f"backhand-worker-{n + 1}") for n in range(workers)]

    def submit(self, worker: int, function: Callable[..., Any], *args: Any) -> Answer:
        with self._lock:
            future = self._workers[worker].submit(function, args)
            return Answer(worker, future, self._incarnations[worker])

    def share(self, value: Any) -> Any:
        return value

    def replace(self, lost: WorkerLost) -> bool:
        with self._lock:
            if self._closed:
                return False
            if lost.incarnation == self._incarnations[lost.worker]:
                # A thread cannot be killed: it ends when its call does, if ever.
                self._workers[lost.worker].end()
                self._workers[lost.worker] = _Worker(f"backhand-worker-{lost.worker + 1}")
                self._incarnations[lost.worker] += 1
        return True

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.end()
        for worker in self._workers:
            worker.join()


class Answer:
    """A call under way."""

    def __init__(self, worker: int, future: Future[Any], incarnation: int) -> None:
        self._worker, self._future, self._incarnation = worker, future, incarnation

    def result(self, seconds: float) -> Any:
        try:
            return self._future.result(seconds)
        except NotInTime:
            if self._future.done():  # the function itself raised it, or has just ended
                return self._future.result()
            why = f"no answer in {seconds:g} s"
            raise WorkerLost(self._worker, why, self._incarnation) from None
        except CancelledError:
            raise WorkerLost(self._worker, "it has ended", self._incarnation) from None


class _Worker:
    """A thread that runs one function after the other; the process need not wait for it to end."""

    def __init__(self, name: str) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._ended = False
        self._memory: Memory = {}
        self.thread = Thread(target=self._work, name=name, daemon=True)
        self.thread.start()

    def submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        if self._ended:
            future.cancel()
        else:
            self._tasks.put((future, function, args))
        return future

    def end(self) -> None:
        """End after the call under way; those that wait are not begun."""
        self._ended = True
        self._tasks.put(None)

    def join(self) -> None:
        """Wait for the end of the call under way; what says how is interrupted."""
        last = monotonic() + CLOSING
        self.thread.join(PROMPT)
        while self.thread.is_alive() and monotonic() < last:
            if interrupt := self._memory.get(SHARED, {}).get(INTERRUPT):
                interrupt()
            self.thread.join(PROMPT)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, function, args = task
            if self._ended:
                future.cancel()
                continue
            try:
                answer = function(self._memory, *args)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(answer)
            del task, future, function, args  # else they stay until the next call
        self._memory.clear()
