"""Held-out rows that are copies of training rows, exact or near: figures on them are too good."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data
from backhand.evaluation import Scores
from backhand.tabular.sampling import VALUES, sampled

FEWEST = 20
"""Held-out rows below which nothing is said."""

WORTH_TELLING = 0.05
"""Share of exact twins from which they are told of."""

NEIGHBOURS, NEAR_ROWS, AMONG = 64, 256, 50_000
"""Neighbours that are looked for, of how many held-out rows, among how many training rows."""

GAP = 3.0
"""How much further the other rows are than near copies."""

GROUPED = 0.3
"""Share of rows with near copies from which they are told of; smooth data have fewer."""

CACHED = 2**17
"""Numbers that are hashed at a time, so that they stay in the processor's cache."""


class Twins(NamedTuple):
    """Held-out rows that equal a training row: their share, and accuracy with and without."""

    rows: int
    share: float
    accuracy: float
    others: float

    @property
    def matters(self) -> bool:
        """Whether they are many, and predicted better than the others."""
        return self.share >= WORTH_TELLING and (self.share == 1 or self.accuracy > self.others)


def exact(training: Data, held_out: Data, scores: Scores | None) -> Twins:
    """Compare the held-out rows that were scored with all training rows, by a hash of each.

    `scores` number the rows of `held_out`.
    """
    if scores is None or len(scores.y) < FEWEST:
        return Twins(0, 0.0, 0.0, 0.0)
    d = training.X.shape[1]
    weights = np.random.default_rng(0).integers(0, 2**64, d, np.uint64) | np.uint64(1)  # odd
    length = max(1, CACHED // d)
    wanted = np.concatenate([
        hashes(held_out.X[scores.rows[i : i + length]], weights)
        for i in range(0, len(scores.rows), length)
    ])  # fmt: skip
    distinct = np.unique(wanted)
    seen = np.zeros(len(distinct), bool)
    for start in range(0, training.rows, length):
        found = hashes(training.X[start : start + length], weights)
        place = np.minimum(np.searchsorted(distinct, found), len(distinct) - 1)
        seen[place[distinct[place] == found]] = True
    twin = seen[np.searchsorted(distinct, wanted)]
    right = scores.P.argmax(axis=1) == scores.y
    shares = [float(right[rows].mean()) if rows.any() else 0.0 for rows in (twin, ~twin)]
    return Twins(len(twin), float(twin.mean()), *shares)


def hashes(X: NDArray[np.float32], weights: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row; two rows that differ have the same one by chance only."""
    mixed = np.ascontiguousarray(X).view(np.uint32).astype(np.uint64) + np.uint64(1)
    mixed *= weights
    mixed ^= mixed >> np.uint64(32)
    found: NDArray[np.uint64] = mixed.sum(axis=1, dtype=np.uint64)
    return found


def near(training: Data, held_out: Data) -> tuple[float, int]:
    """Return the share of held-out rows that have near copies, and how many were looked at.

    Near copies are two or more training rows after which a gap follows: the next is `GAP` times
    further away. In data without groups, distances grow smoothly from neighbour to neighbour.
    """
    if held_out.rows < FEWEST or training.rows < 2 * NEIGHBOURS:
        return 0.0, 0
    rows, others = sampled(held_out, NEAR_ROWS), sampled(training, AMONG)
    nearest = _nearest(rows.X.astype(np.float64), others.X)
    distances = np.sqrt(np.maximum(nearest, 0))[:, 1:]  # the nearest alone may be so by chance
    gap = (distances[:, 1:] > GAP * distances[:, :-1]) & (distances[:, :-1] > 0)
    return float(gap.any(axis=1).mean()), rows.rows


def _nearest(X: NDArray[np.float64], others: NDArray[Any]) -> NDArray[np.float64]:
    """Return the squares of the distances to the nearest `NEIGHBOURS` of the other rows, sorted."""
    squares = (X**2).sum(axis=1)
    nearest = np.full((len(X), NEIGHBOURS), np.inf)
    length = max(NEIGHBOURS, min(4096, VALUES // 8 // X.shape[1]))
    for start in range(0, len(others), length):
        part = others[start : start + length].astype(np.float64)
        found = squares[:, None] + (part**2).sum(axis=1) - 2 * X @ part.T
        both = np.concatenate([nearest, found], axis=1)
        nearest = np.partition(both, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    nearest.sort(axis=1)
    return nearest
