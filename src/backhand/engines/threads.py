"""Holding a library to a number of threads while an engine computes, and giving it back its own.

The number is a setting of the whole process, and several Python threads may compute at once. So
those that are at it are counted: the first remembers the number that was there, and the last puts
it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class ThreadSetting:
    """The number of threads of one library, with functions to read and to set it."""

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
