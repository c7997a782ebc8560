"""Working memory that is kept after its session, so that the next small training has it at once.

A `partial_fit` of 32 rows spent more time on allocating buffers, and on the views of their parts,
than on its update.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from contextlib import suppress
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")

SPARE_BYTES = 2**24
"""The most that a process keeps."""


class Spares(Generic[T]):
    """Objects that are not in use, by key; the oldest are dropped when they take too much memory.

    Threads may call its methods at the same time, and so may a finaliser, in the middle of a call:
    each operation on a deque is atomic, but for a loop over it, and no lock is held.
    """

    def __init__(self, most_bytes: int = SPARE_BYTES) -> None:
        self._most = most_bytes
        self._kept: deque[tuple[Hashable, int, T]] = deque()

    def take(self, key: Hashable) -> T | None:
        """Return an object with this key, which is kept no longer, or None."""
        for _ in range(len(self._kept)):
            try:
                found = self._kept.pop()
            except IndexError:
                break
            if found[0] == key:
                return found[2]
            self._kept.appendleft(found)
        return None

    def give(self, key: Hashable, size: int, value: T) -> None:
        """Keep an object of `size` bytes for the next `take` with this key."""
        if size > self._most:
            return
        self._kept.append((key, size, value))
        while self._bytes() > self._most:
            with suppress(IndexError):  # if all were taken in the meantime
                self._kept.popleft()

    def _bytes(self) -> int:
        """Return the bytes of all; without the GIL, a thread may change the deque meanwhile."""
        while True:
            with suppress(RuntimeError):
                return sum(size for _, size, _ in list(self._kept))


def size_of(record: tuple[object, ...]) -> int:
    """Return the bytes of the arrays in a named tuple."""
    return sum(
        value.nbytes if isinstance(value, np.ndarray) else
        size_of(value) if isinstance(value, tuple) else 0
        for value in record
    )  # fmt: skip
