"""What members say of the rows that they did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine
from backhand.equations import Parameters, softmax
from backhand.selection.calibration import STRETCH, Calibration, Rows, mean_loss
from backhand.selection.folds import InnerFolds

MOST_LOGITS = 2**24
"""Maximum number of out-of-fold logits that are kept: of more rows, evenly spaced ones are."""

CHUNK = 2**20
"""Numbers of X whose logits are computed at a time."""


@dataclass(frozen=True)
class OutOfFold:
    """What members say of the rows of their own folds, after calibration.

    Attributes
    ----------
    rows : ndarray of shape (n,)
        The numbers of the rows: all of these folds, or evenly spaced ones of them.
    probabilities : ndarray of shape (n, K)
        float32.
    loss, calibrated_loss : float
        Mean loss before and after calibration.
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    loss: float
    calibrated_loss: float


def rows_of_folds(folds: InnerFolds, of: Sequence[int], K: int) -> NDArray[np.int64]:
    """Return the rows of these folds; evenly spaced ones, if their logits would be too many."""
    rows = np.flatnonzero(np.isin(folds.of_row, np.array(of, np.uint8)))
    most = MOST_LOGITS // K
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def logits_of_rows(
    rows: NDArray[np.int64],
    data: Data,
    folds: InnerFolds,
    members: Sequence[tuple[int, Parameters]],
    engine: Engine,
) -> NDArray[np.float32]:
    """Return log P (n, K), which are logits, of each row by the member of its fold."""
    S = np.empty((len(rows), len(members[0][1].b2)), np.float32)
    for fold, params in members:
        exact = Parameters(*(value.astype(np.float64) for value in params))
        there = np.flatnonzero(folds.of_row[rows] == fold)
        length = max(1, CHUNK // params.W1.shape[0])
        for begin in range(0, len(there), length):
            some = there[begin : begin + length]
            P = engine.predict_proba(exact, data.X[rows[some]])
            S[some] = np.log(np.maximum(P, np.finfo(np.float64).tiny))
    return S


def rows_with_logits(rows: NDArray[np.int64], S: NDArray[np.float32], data: Data) -> Rows:
    """Return these rows' logits with their classes and weights."""
    w = data.sample_weight
    return Rows(S, data.y[rows], None if w is None else w[rows])


def out_of_fold(rows: NDArray[np.int64], held: Rows, calibration: Calibration) -> OutOfFold:
    """Return what was said of the rows; their logits become the probabilities, in place."""
    before, S = mean_loss(held), held.S
    for begin in range(0, len(S), STRETCH):
        there = slice(begin, begin + STRETCH)
        S[there] = calibration.of_logits(S[there])
    after = mean_loss(held)
    for begin in range(0, len(S), STRETCH):
        there = slice(begin, begin + STRETCH)
        S[there] = softmax(S[there].astype(np.float64))
    return OutOfFold(rows, S, before, after)
