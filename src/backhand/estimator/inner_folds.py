"""Inner folds from what scikit-learn's users pass as `cv`: a number, a splitter, or splits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, check_cv

from backhand.constraints import is_integer
from backhand.errors import InputError
from backhand.selection import InnerFolds, folds_for
from backhand.stratified import NONE
from backhand.table_settings import MOST_FOLDS


def inner_folds(cv: Any, X: Any, y: NDArray[np.int64], groups: Any, seed: int) -> InnerFolds:
    """Return the fold of each of N rows.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        A number of folds, which are stratified, and keep groups together if there are any.
    X, y, groups
        What a splitter is passed.
    seed : int

    Raises
    ------
    InputError
        If the splits are not folds.
    """
    if cv is None or isinstance(cv, bool | np.bool_):
        raise InputError(f"cv is {cv}; expected a number of folds, a splitter, or splits.")
    if not is_integer(cv):
        return _folds_of(list(check_cv(cv, y, classifier=True).split(X, y, groups)), len(y))
    if not 2 <= cv <= MOST_FOLDS:
        raise InputError(f"cv is {cv}; expected 2..{MOST_FOLDS} folds, a splitter, or splits.")
    if groups is not None:
        splitter = StratifiedGroupKFold(cv, shuffle=True, random_state=seed)
        return _folds_of(list(splitter.split(X, y, groups)), len(y))
    return InnerFolds(folds_for(y, seed, cv))


def _folds_of(splits: list[Any], N: int) -> InnerFolds:
    """Return splits as folds, or as folds in the order of time."""
    of_row = np.full(N, NONE, np.uint8)
    sets = [tuple(_numbers(rows, N) for rows in pair) for pair in splits]
    if not 1 <= len(sets) <= MOST_FOLDS:
        raise InputError(f"cv makes {len(sets)} splits; expected 1..{MOST_FOLDS}.")
    for number, (_, test) in enumerate(sets):
        if (of_row[test] != NONE).any():
            raise InputError(
                "cv has a row in the test sets of two splits; expected folds, as of KFold, "
                "StratifiedKFold, GroupKFold or TimeSeriesSplit."
            )
        of_row[test] = number
    folds = InnerFolds(of_row)
    if _are(sets, folds, 0):
        return folds
    of_row = np.where(of_row == NONE, 0, of_row + 1).astype(np.uint8)
    forward = InnerFolds(of_row, forward=True)
    if _are(sets, forward, 1):
        return forward
    raise InputError(
        "cv has a split whose training rows are neither all rows outside its test set, nor all "
        "before it; expected folds, as of KFold, StratifiedKFold, GroupKFold or TimeSeriesSplit."
    )


def _are(sets: list[Any], folds: InnerFolds, first: int) -> bool:
    """Whether the training rows of each split are those of its fold, from number `first` on."""
    everything = np.arange(len(folds.of_row))
    return all(
        np.array_equal(np.sort(train), everything[folds.training(number)])
        for number, (train, _) in enumerate(sets, start=first)
    )


def _numbers(rows: Any, N: int) -> NDArray[np.int64]:
    """Return the numbers of rows, of a mask and negative ones too."""
    found: NDArray[np.int64] = np.arange(N)[np.asarray(rows)]
    return found
