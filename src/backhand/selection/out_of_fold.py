"""What members say of the rows that they did not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Engine, Rows
from backhand.equations import Parameters, softmax
from backhand.selection.calibration import STRETCH, Calibration, Logits, mean_loss
from backhand.selection.folds import InnerFolds

MOST_LOGITS = 2**22
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

    rows: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    loss: float
    calibrated_loss: float


def held_out_logits(
    rows: NDArray[np.int32],
    data: Rows,
    folds: InnerFolds,
    nets: Mapping[int, Parameters],
    engine: Engine,
) -> Logits:
    """Return these rows with the logits of the network of their fold: log P.

    They are computed in double precision. In float32, P of a class that a network excludes would be
    0 from S of -104 on, and the temperature would be found on logits that are cut off there.
    """
    K = len(next(iter(nets.values())).b2)
    S = np.empty((len(rows), K), np.float32)
    for number, params in nets.items():
        exact = Parameters(*(value.astype(np.float64) for value in params))
        predictor = engine.predictor(exact)
        of_fold = np.flatnonzero(folds.of_row[rows] == number)
        length = max(1, CHUNK // params.W1.shape[0])
        for begin in range(0, len(of_fold), length):
            some = of_fold[begin : begin + length]
            P = predictor.predict_proba(data.at(rows[some]).X)
            S[some] = np.log(np.maximum(P, np.finfo(np.float64).tiny))
    y, w = data.labels[rows].astype(np.int64, copy=False), data.weights
    return Logits(S, y, None if w is None else w[rows])


def out_of_fold(rows: NDArray[np.int32], held: Logits, calibration: Calibration) -> OutOfFold:
    """Return what was said of the rows; their logits become the probabilities, in place."""
    before, after, S = mean_loss(held), mean_loss(held, calibration), held.S
    for begin in range(0, len(S), STRETCH):
        there = slice(begin, begin + STRETCH)
        S[there] = softmax(calibration.of_logits(S[there]))
    return OutOfFold(rows, S, before, after)
