"""Inner folds: which rows a member learns from, and which it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.stratified import NONE, Seed, class_counts, folds

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

    @property
    def measured(self) -> list[int]:
        """The folds that a member is measured on.

        None where no two folds have rows, unless a single one has at most half of all rows.
        """
        counts = np.bincount(self.of_row, minlength=NONE + 1)[:NONE]
        present = np.flatnonzero(counts).tolist()
        if self.forward:
            return present[1:]
        measured = len(present) > 1 or 2 * counts.max() <= len(self.of_row)
        return present if measured else []

    def training(self, fold: int) -> NDArray[np.bool_]:
        """Return the rows that the member of a fold learns from, (N,)."""
        others: NDArray[np.bool_] = self.of_row != fold
        return others & ((self.of_row < fold) | (self.of_row == NONE)) if self.forward else others

    def validation(self, fold: int) -> NDArray[np.bool_]:
        """Return the rows that the member of a fold is measured on, (N,)."""
        own: NDArray[np.bool_] = self.of_row == fold
        return own
