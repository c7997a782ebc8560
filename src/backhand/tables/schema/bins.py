"""Bins of a number: the cuts of a classification tree that sees this column alone.

The tree is grown best first: of all leaves, the one is split next whose best cut lowers the mean
Gini impurity the most.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.tables.schema.columns import MOST_BINS

FEWEST_IN_BIN, SHARE_IN_BIN = 10, 100
"""Minimum of rows in a bin: a number, and a fraction of all rows, as its denominator."""

LEAST_GAIN = 1e-4
"""Decrease of the mean impurity from which a leaf is split."""


class Cut(NamedTuple):
    """A cut of the distinct values a..b, before value `at`; `gain` is what it lowers, negated."""

    gain: float
    a: int
    at: int
    b: int


def fit_bins(x: NDArray[np.floating], y: NDArray[np.integer]) -> tuple[float, ...]:
    """Return the edges of up to `MOST_BINS` bins of numbers x (n,) of classes y (n,).

    The outer edges are the least and the largest number; fewer than two different numbers have no
    bins.
    """
    order = np.argsort(x, kind="stable")
    values, first = np.unique(x[order].astype(np.float64), return_index=True)
    if len(values) < 2:
        return ()
    counts = _counts_below(y[order], np.append(first, len(x)))
    fewest = max(FEWEST_IN_BIN, len(x) // SHARE_IN_BIN)
    leaves = [cut for cut in [_best_cut(counts, 0, len(values), fewest)] if cut]
    cuts: list[int] = []
    while leaves and len(cuts) < MOST_BINS - 1:
        _, a, at, b = heapq.heappop(leaves)
        cuts.append(at)
        for part in ((a, at), (at, b)):
            if cut := _best_cut(counts, *part, fewest):
                heapq.heappush(leaves, cut)
    inner = [(values[at - 1] + values[at]) / 2 for at in cuts]
    return tuple(np.unique([values[0], *inner, values[-1]]).tolist())


def _counts_below(y: NDArray[np.integer], first: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return how many rows of each class come before each place of sorted rows, (places, K)."""
    _, code = np.unique(y, return_inverse=True)
    K = int(code.max()) + 1
    place = np.repeat(np.arange(len(first) - 1), np.diff(first))
    counts = np.bincount(place * K + code, minlength=(len(first) - 1) * K).reshape(-1, K)
    below = np.zeros((len(first), K), np.int64)
    np.cumsum(counts, axis=0, out=below[1:])
    return below


def _best_cut(counts: NDArray[np.int64], a: int, b: int, fewest: int) -> Cut | None:
    """Return the cut of the distinct values a..b that lowers the impurity the most, if any does."""
    left = (counts[a + 1 : b] - counts[a]).astype(np.float64)
    whole = (counts[b] - counts[a]).astype(np.float64)
    right = whole - left
    n_left, n_right = left.sum(axis=1), right.sum(axis=1)
    allowed = np.flatnonzero((n_left >= fewest) & (n_right >= fewest))
    if not len(allowed):
        return None
    # n times the Gini impurity is n - Σ counts² / n.
    purity = (left**2).sum(axis=1) / n_left + (right**2).sum(axis=1) / n_right
    best = int(allowed[purity[allowed].argmax()])
    gain = (purity[best] - (whole**2).sum() / whole.sum()) / float(counts[-1].sum())
    return Cut(-float(gain), a, a + 1 + best, b) if gain >= LEAST_GAIN else None
