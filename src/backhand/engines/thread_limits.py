"""Numbers of threads: how many this process may use, and holding a library to a number."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from backhand.errors import MissingDependencyError
from backhand.support.optional import extra


def available_threads() -> int:
    """As many as the process has cores, and no more than other libraries are limited to.

    That is `OMP_NUM_THREADS`, and what NumPy's BLAS is set to, by its own variables or by
    `threadpoolctl.threadpool_limits`. A joblib worker shares the machine with others: it has one.
    """
    joblib = extra("joblib", "counting the available cores")  # late, for small tables never need it
    if joblib.parallel.get_active_backend()[0].nesting_level > 0:
        return 1
    limits = [joblib.cpu_count()]
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # then of nested regions
    if first.isdecimal() and int(first):
        limits.append(int(first))
    for blas in _blas():
        # Built without threads, it says 1, which is nobody's wish.
        if getattr(blas, "threading_layer", None) not in ("disabled", "sequential"):
            limits.append(blas.num_threads)
    return int(min(limits))


@cache
def _blas() -> list[Any]:
    """The BLAS that NumPy calls, as threadpoolctl finds it; none where it finds or is none."""
    try:
        controller = extra("threadpoolctl", "limiting NumPy's threads").ThreadpoolController()
    except MissingDependencyError:
        return []
    found: list[Any] = controller.select(user_api="blas").lib_controllers
    return found


def blas_described() -> str:
    """The BLAS that NumPy calls: its name, version and the CPU that it chose its routines for."""
    parts = ("internal_api", "version", "architecture")
    return ", ".join(" ".join(str(one.info().get(part)) for part in parts) for one in _blas())


@cache
def blas_threads() -> ThreadSetting:
    """The threads of the BLAS that NumPy calls."""

    def read() -> int:
        return max((blas.num_threads for blas in _blas()), default=1)

    def write(threads: int) -> None:
        for blas in _blas():
            blas.set_num_threads(threads)

    return ThreadSetting(read, write)


class ThreadSetting:
    """The number of threads of one library, with functions to read and to set it.

    The number is a setting of the whole process, and several Python threads may compute at once. So
    those that are at it are counted: the first remembers the number that was there, and the last
    puts it back.
    """

    def __init__(self, read: Callable[[], int], write: Callable[[int], object]) -> None:
        self.read, self.write = read, write
        self._lock = Lock()
        self._users = 0
        self._before = 0

    @contextmanager
    def limited(self, threads: int | None) -> Iterator[None]:
        """Exactly so many threads while the context lasts; None: as it is."""
        if threads is None:
            yield
            return
        with self._lock:
            if self._users == 0:
                self._before = self.read()
            self._users += 1
            self.write(threads)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self.write(self._before)
