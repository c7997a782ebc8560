"""Calibration: how far logits can be trusted, found on rows that the members did not learn from.

The logits S become a S + c log π, π being the class shares; 1/a is the temperature. Both constants
fold into the second layer: W2 becomes a W2, and b2 becomes a b2 + c log π. With a = 0 and c = 1 the
network answers with the class shares, so that the best a and c are never worse than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters, log_softmax

STEPS = 50
"""Maximum number of Newton steps."""

ENOUGH = 1e-12
"""A Newton step that promises less of an improvement of the loss is the last."""

STRETCH = 2**16
"""Rows that are computed at a time."""


@dataclass(frozen=True)
class Calibration:
    """The constants a ≥ 0 and c of a S + c log π.

    Attributes
    ----------
    scale, shrinkage : float
        a and c.
    log_shares : ndarray of shape (K,)
        log π.
    """

    scale: float
    shrinkage: float
    log_shares: NDArray[np.float64]

    @property
    def temperature(self) -> float:
        """T = 1/a; infinite where the network answers with the class shares."""
        return 1 / self.scale if self.scale > 0 else float("inf")

    def of_logits(self, S: NDArray[Any]) -> NDArray[np.float64]:
        """Return the calibrated logits of logits S (n, K)."""
        return self.scale * S.astype(np.float64) + self.shrinkage * self.log_shares

    def folded(self, params: Parameters) -> Parameters:
        """Return the network whose logits are the calibrated ones."""
        W1, b1, W2, b2 = params
        W2 = (self.scale * W2.astype(np.float64)).astype(W2.dtype)
        return Parameters(W1, b1, W2, self.of_logits(b2).astype(b2.dtype))


class Rows(NamedTuple):
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


def log_shares(y: NDArray[np.int64], K: int, weights: NDArray[Any] | None) -> NDArray[np.float64]:
    """Return log π (K,) of the classes, half a row being added to each, so that none is 0."""
    counts = np.zeros(K)
    for start in range(0, len(y), STRETCH):
        rows = slice(start, start + STRETCH)
        counts += np.bincount(y[rows], None if weights is None else weights[rows], minlength=K)
    counts *= len(y) / counts.sum()
    shares: NDArray[np.float64] = np.log((counts + 0.5) / (counts + 0.5).sum())
    return shares


def mean_loss(rows: Rows) -> float:
    """Return the mean cross-entropy of the rows' logits, in float64."""
    total = weight = 0.0
    for S, y, w in rows.stretches():
        total -= float(w @ log_softmax(S)[np.arange(len(y)), y])
        weight += float(w.sum())
    return total / weight


def calibrate(rows: Rows, shares: NDArray[np.float64]) -> Calibration:
    """Return the a ≥ 0 and c with the least mean cross-entropy.

    To it, ((a - 1)² + c²) / 2n is added, so that a few rows that happen to be all correct do not
    make a infinite. The sum is strictly convex in (a, c), and Newton's method finds its minimum,
    with steps that are halved until they improve it. Where that has a ≤ 0, the minimum with a ≥ 0
    is at a = 0: the class shares.
    """
    point = np.array([1.0, 0.0])
    loss, gradient, hessian = _derivatives(rows, shares, point)
    for _ in range(STEPS):
        step = -np.linalg.solve(hessian, gradient)
        if -gradient @ step < ENOUGH:
            break
        found = _derivatives(rows, shares, point + step)
        while not found[0] < loss and np.abs(step).max() > ENOUGH:
            step = step / 2
            found = _derivatives(rows, shares, point + step)
        if not found[0] < loss:
            break
        point, (loss, gradient, hessian) = point + step, found
    if point[0] <= 0:
        return Calibration(0.0, 1.0, shares)
    return Calibration(float(point[0]), float(point[1]), shares)


def _derivatives(
    rows: Rows, shares: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the loss at (a, c), its gradient (2,) and its second derivatives (2, 2)."""
    loss, weight, gradient, hessian = 0.0, 0.0, np.zeros(2), np.zeros((2, 2))
    for S, y, w in rows.stretches():
        at = np.arange(len(y)), y
        basis = S, np.broadcast_to(shares, S.shape)
        log_P = log_softmax(point[0] * basis[0] + point[1] * basis[1])
        P = np.exp(log_P)
        means = [(P * part).sum(axis=1) for part in basis]
        loss -= float(w @ log_P[at])
        weight += float(w.sum())
        for i in range(2):
            gradient[i] += w @ (means[i] - basis[i][at])
            for j in range(2):
                hessian[i, j] += w @ ((P * basis[i] * basis[j]).sum(axis=1) - means[i] * means[j])
    away = point - np.array([1.0, 0.0])
    n = len(rows.y)
    return (
        loss / weight + float(away @ away) / (2 * n),
        gradient / weight + away / n,
        hessian / weight + np.eye(2) / n,
    )
