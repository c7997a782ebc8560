"""Inner folds: which rows a member learns from, and which it is measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.stratified import NONE, STRETCH, Seed, class_counts, folds

FOLDS = 5
"""Number of inner folds."""


def folds_for(y: NDArray[np.integer], seed: Seed, count: int = FOLDS) -> NDArray[np.uint8]:
    """Deal N rows out to `count` folds, each class evenly: the fold of each row, (N,).

    A row that is the only one of its class is in no fold (`NONE`): every member learns from it.
    Where fewer rows than `count` are left, there are fewer folds.

    Examples
    --------
    >>> import numpy as np
    >>> folds_for(np.array([0, 0, 0, 1, 1, 2]), seed=0, count=3).tolist()
    [1, 2, 0, 0, 1, 255]
    """
    counts = class_counts(y)
    found = folds(y, max(1, min(count, len(y))), seed)
    if (counts == 1).any():
        found[np.isin(y, np.flatnonzero(counts == 1))] = NONE
    return found


@dataclass(frozen=True)
class InnerFolds:
    """The fold of each row, and what follows from it.

    Attributes
    ----------
    of_row : ndarray of shape (N,)
        Folds 0, 1, …; a row of `NONE` is in no fold: every member learns from it.
    forward : bool
        Whether a member learns only from the folds before its own, as rows in the order of time
        need it. Then no member is measured on fold 0.
    """

    of_row: NDArray[np.uint8]
    forward: bool = False

    def __post_init__(self) -> None:
        of_row = self.of_row
        if of_row.dtype != np.uint8 or of_row.ndim != 1:
            raise InputError(
                f"folds are {of_row.dtype} of shape {of_row.shape}; expected uint8 of shape (N,)."
            )
        if len(of_row) >= 2**31:
            raise InputError(f"there are {len(of_row):,} rows; expected fewer than {2**31:,}.")

    @cached_property
    def measured(self) -> list[int]:
        """The folds that a member is measured on.

        Empty where there is one fold only, unless it has at most half of the rows.
        """
        counts = np.zeros(NONE, np.int64)
        for _, some in self._stretches():
            counts += np.bincount(some, minlength=NONE + 1)[:NONE]
        present: list[int] = np.flatnonzero(counts).tolist()
        if self.forward:
            return present[1:]
        enough = len(present) > 1 or 2 * int(counts.max()) <= len(self.of_row)
        return present if enough else []

    def measuring(self, weights: NDArray[Any] | None) -> InnerFolds:
        """Return the folds without the rows of weight 0, so that none weighs nothing."""
        if weights is None or weights.all():
            return self
        return InnerFolds(np.where(weights == 0, np.uint8(NONE), self.of_row), self.forward)

    def training(self, fold: int) -> NDArray[np.int32]:
        """Return the numbers of the rows that the member of a fold learns from."""
        if self.forward:
            return self._rows(lambda of: (of < fold) | (of == NONE))
        return self._rows(lambda of: of != fold)

    def validation(self, fold: int) -> NDArray[np.int32]:
        """Return the numbers of the rows that the member of a fold is measured on."""
        return self._rows(lambda of: of == fold)

    def rows_in(self, folds: Sequence[int], most: int) -> NDArray[np.int32]:
        """Return the numbers of the rows in these folds, in order: all, or evenly spaced ones.

        Of more than `most` rows, every second is returned, or every third, and so on.
        """
        within = np.isin(np.arange(NONE + 1), folds)
        rows = sum(int(within[some].sum()) for _, some in self._stretches())
        step, passed = max(1, -(-rows // most)), 0
        found = []
        for start, some in self._stretches():
            there = np.flatnonzero(within[some])
            found.append((start + there[-passed % step :: step]).astype(np.int32))
            passed += len(there)
        return np.concatenate(found)

    def _rows(self, wanted: Callable[[NDArray[np.uint8]], NDArray[np.bool_]]) -> NDArray[np.int32]:
        """Return the numbers of rows whose fold is wanted; it takes little more than the result."""
        return np.concatenate([
            (start + np.flatnonzero(wanted(some))).astype(np.int32)
            for start, some in self._stretches()
        ])  # fmt: skip

    def _stretches(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Return the folds of some rows at a time, and the number of the first of these."""
        for start in range(0, len(self.of_row), STRETCH):
            yield start, self.of_row[start : start + STRETCH]
