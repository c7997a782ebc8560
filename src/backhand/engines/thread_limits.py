"""Numbers of threads: how many this process may use, and limiting a library's."""

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
    """Return the number of cores of the process, or the limit of other libraries if it is lower.

    The limits are `OMP_NUM_THREADS` and the threads of NumPy's BLAS, set by its own variables or by
    `threadpoolctl.threadpool_limits`. A joblib worker shares the machine with others and gets one.
    """
    joblib = extra("joblib", "counting the available cores")  # late: small tables do not need it
    if joblib.parallel.get_active_backend()[0].nesting_level > 0:
        return 1
    limits = [joblib.cpu_count()]
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # then of nested regions
    if first.isdecimal() and int(first):
        limits.append(int(first))
    for blas in _blas():
        # A BLAS built without threads reports 1, which is not a limit that anyone set.
        if getattr(blas, "threading_layer", None) not in ("disabled", "sequential"):
            limits.append(blas.num_threads)
    return int(min(limits))


@cache
def _blas() -> list[Any]:
    """Return the BLAS that NumPy calls; empty without threadpoolctl, or if it finds none."""
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
    the users are counted: the first stores the previous number, and the last restores it.
    """

    def __init__(self, read: Callable[[], int], write: Callable[[int], object]) -> None:
        self.read, self.write = read, write
        self._lock = Lock()
        self._users = 0
        self._before = 0

    @contextmanager
    def limited(self, threads: int | None) -> Iterator[None]:
        """Set the number of threads while the context lasts; None leaves it unchanged."""
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
