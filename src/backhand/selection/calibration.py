"""Calibration: the temperature, found on rows that the members did not learn from.

The logits S become S/T. Where it is in doubt whether that is better than always answering with the
class shares π, the network answers with these: its W2 becomes 0, and its b2 log π. Both are changes
of the second layer alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Rows
from backhand.equations import Parameters, log_softmax

STEPS = 50
"""Maximum number of Newton steps."""

ENOUGH = 1e-12
"""A Newton step that promises less of an improvement of the loss is the last."""

STRETCH = 2**16
"""Logits that are computed at a time."""


@dataclass(frozen=True)
class Calibration:
    """What becomes of logits.

    Attributes
    ----------
    scale : float
        a = 1/T, by which they are multiplied; 0: they become log π.
    log_shares : ndarray of shape (K,)
        log π.
    """

    scale: float
    log_shares: NDArray[np.float64]

    def of_logits(self, S: NDArray[Any]) -> NDArray[np.float64]:
        """Return the calibrated logits of logits S (n, K)."""
        scaled: NDArray[np.float64] = self.scale * S.astype(np.float64)
        return scaled if self.scale > 0 else scaled + self.log_shares

    def folded(self, params: Parameters) -> Parameters:
        """Return the network whose logits are the calibrated ones."""
        W1, b1, W2, b2 = params
        W2 = (self.scale * W2.astype(np.float64)).astype(W2.dtype)
        return Parameters(W1, b1, W2, self.of_logits(b2).astype(b2.dtype))


class Logits(NamedTuple):
    """Logits S (n, K) of rows that the members did not learn from, their classes and weights."""

    S: NDArray[Any]
    y: NDArray[np.int64]
    sample_weight: NDArray[Any] | None = None

    def stretches(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[Any]]]:
        """Return S, y and the weights of some rows at a time, in float64."""
        for start in range(0, len(self.y), STRETCH):
            there = slice(start, start + STRETCH)
            w = self.sample_weight
            y = self.y[there]
            weights = np.ones(len(y)) if w is None else w[there].astype(np.float64)
            yield self.S[there].astype(np.float64), y, weights


def counted(rows: int, weights: NDArray[Any] | None) -> float:
    """Return how many rows weights (n,) stand for: a weight of 2 for two rows.

    It is their sum, or the number of positive weights if that is larger: a weight of 0.01 stands
    for one row.
    """
    if weights is None:
        return float(rows)
    return max(float(weights.sum(dtype=np.float64)), float(np.count_nonzero(weights)))


def log_shares(data: Rows, K: int) -> NDArray[np.float64]:
    """Return log π (K,) of the classes, half a row being added to each, so that none is 0."""
    counts, y, weights = np.zeros(K), data.labels, data.weights
    for start in range(0, data.rows, STRETCH):
        there = slice(start, start + STRETCH)
        w = None if weights is None else weights[there]
        counts += np.bincount(y[there], w, minlength=K)
    counts *= counted(data.rows, weights) / counts.sum()
    shares: NDArray[np.float64] = np.log((counts + 0.5) / (counts + 0.5).sum())
    return shares


def mean_loss(rows: Logits, calibration: Calibration | None = None) -> float:
    """Return the mean cross-entropy of the rows' logits, calibrated or as they are."""
    total = weight = 0.0
    for S, y, w in rows.stretches():
        logits = S if calibration is None else calibration.of_logits(S)
        total += float(w @ _losses(logits, y))
        weight += float(w.sum())
    return total / weight


def calibrate(rows: Logits, log_shares: NDArray[np.float64]) -> Calibration:
    """Return the calibration with the least mean cross-entropy by T, or the class shares.

    The shares are taken unless T is better by one standard error of the difference: the loss is
    that of the best penalty at the best epochs, and so of the luckiest of several.

    To the loss, (a - 1)² / 2n is added, so that a few rows that happen to be all correct do not
    make a infinite. The sum is strictly convex in a, and Newton's method finds its minimum, with
    steps that are halved until they improve it.
    """
    a = 1.0
    loss, slope, curvature = _derivatives(rows, a)
    for _ in range(STEPS):
        step = -slope / curvature
        if -slope * step < ENOUGH:
            break
        found = _derivatives(rows, a + step)
        while not found[0] < loss and abs(step) > ENOUGH:
            step /= 2
            found = _derivatives(rows, a + step)
        if not found[0] < loss:
            break
        a, (loss, slope, curvature) = a + step, found
    scaled, shares = Calibration(a, log_shares), Calibration(0.0, log_shares)
    if a <= 0:
        return shares
    gain, error = _gain(rows, scaled, shares)
    return scaled if gain > error else shares


def _gain(rows: Logits, better: Calibration, worse: Calibration) -> tuple[float, float]:
    """Return how much less the mean loss is with one calibration, and its standard error."""
    total = weight = 0.0
    sums = np.zeros(3)  # of w² g², w² g and w²
    for S, y, w in rows.stretches():
        g = _losses(worse.of_logits(S), y) - _losses(better.of_logits(S), y)
        total += float(w @ g)
        weight += float(w.sum())
        sums += (w * w) @ np.stack([g * g, g, np.ones_like(g)], axis=1)
    gain = total / weight
    variance = max(0.0, float(sums @ [1, -2 * gain, gain * gain]))
    return gain, math.sqrt(variance) / weight


def _losses(S: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the cross-entropy of each row, (n,)."""
    losses: NDArray[np.float64] = -log_softmax(S)[np.arange(len(y)), y]
    return losses


def _derivatives(rows: Logits, a: float) -> tuple[float, float, float]:
    """Return the loss at a, and its first and second derivative."""
    sums, weight = np.zeros(3), 0.0
    for S, y, w in rows.stretches():
        log_P = log_softmax(a * S)
        P, at = np.exp(log_P), (np.arange(len(y)), y)
        mean = (P * S).sum(axis=1)
        variance = (P * (S - mean[:, None]) ** 2).sum(axis=1)
        sums += -(w @ log_P[at]), w @ (mean - S[at]), w @ variance
        weight += float(w.sum())
    n = counted(len(rows.y), rows.sample_weight)
    loss, slope, curvature = (sums / weight).tolist()
    return loss + (a - 1) ** 2 / (2 * n), slope + (a - 1) / n, curvature + 1 / n
