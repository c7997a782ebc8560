"""The probabilities of the rows, all of them or an even sample, for what counts cannot tell."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_ROWS, MOST_VALUES = 100_000, 2**23
"""Rows, and rows times classes, beyond which a sample is kept."""

LARGEST = np.uint64(2**64 - 1)
"""The largest key: a sample that is bounded by it has all rows, up to its size."""


class Scores(NamedTuple):
    """Probabilities and true classes of rows whose class the model has.

    Attributes
    ----------
    P : ndarray of shape (n, K)
        Probabilities.
    y : ndarray of shape (n,)
        Class indices.
    rows : ndarray of shape (n,)
        Numbers of the rows in their table, from 0.
    complete : bool
        Whether these are all rows, not a sample.
    """

    P: NDArray[Any]
    y: NDArray[np.int64]
    rows: NDArray[np.int64]
    complete: bool


class Sample:
    """An even sample of rows that arrive in parts: those with the smallest keys.

    The key of a row is a hash of its number, so the sample does not depend on the parts.

    Parameters
    ----------
    K : int
        Number of classes.
    most : int, optional
        Maximum number of rows.
    bound : uint64
        The largest key that the sample of all rows has, if it is known: `bound_of` them.
    """

    def __init__(self, K: int, most: int | None = None, bound: np.uint64 = LARGEST) -> None:
        self._most = rows_for(K, most)
        self._held = Scores(
            np.empty((0, K), np.float32), np.empty(0, np.int64), np.empty(0, np.int64), True
        )
        self._waiting: list[Scores] = []
        self._bound = bound

    def add(self, P: NDArray[Any], y: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Add rows; each number comes once."""
        self.merge(Scores(P, y, rows, True))

    def merge(self, scores: Scores) -> None:
        """Add the sample of other rows."""
        P, y, rows, complete = scores
        keep = keys(rows) <= self._bound
        complete = complete and bool(keep.all())
        self._waiting.append(Scores(P[keep], y[keep], rows[keep], complete))
        if sum(len(part.y) for part in self._waiting) > self._most // 4:
            self.result()

    def result(self) -> Scores:
        """Return the sample of the rows so far."""
        parts = [self._held, *self._waiting] if len(self._held.y) else self._waiting
        if self._waiting:
            P, y, rows, complete = zip(*parts, strict=True)
            self._held = self._cut(
                Scores(np.concatenate(P), np.concatenate(y), np.concatenate(rows), all(complete))
            )
            self._waiting = []
        return self._held

    def _cut(self, found: Scores) -> Scores:
        if len(found.y) <= self._most:
            return found
        key = keys(found.rows)
        self._bound = np.partition(key, self._most - 1)[self._most - 1]
        keep = key <= self._bound
        return Scores(found.P[keep], found.y[keep], found.rows[keep], False)


def rows_for(K: int, most: int | None = None) -> int:
    """Return the size of a sample of rows of K classes."""
    return max(1, min(most or MOST_ROWS, MOST_VALUES // K))


def bound_of(rows: NDArray[np.int64], K: int) -> np.uint64:
    """Return the largest key in the sample of rows with these numbers."""
    most = rows_for(K)
    if len(rows) <= most:
        return LARGEST
    found: np.uint64 = np.partition(keys(rows), most - 1)[most - 1]
    return found


def keys(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a hash of each number that is as good as random (SplitMix64)."""
    key = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))
