"""The held-out rows: a seeded, stratified draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRETCH = 2**20
"""Rows from which the same share is drawn at a time, to limit the memory of a draw."""


def held_out(y: NDArray[np.integer], share: float, seed: int) -> NDArray[np.bool_]:
    """Return which of N rows to hold out, (N,) bool: about `share` of each class, at random.

    At least one row of each class stays for training. The rows lost to rounding are drawn from the
    classes with the largest remainders, so that the total is round(share · N), as nearly as that
    rule allows. The same y, share and seed give the same draw. Rows without a class, -1, are not
    held out.
    """
    chosen = np.zeros(len(y), dtype=bool)
    rng = np.random.default_rng(seed)
    counts = _counts(y)
    take = _how_many(counts, share)
    seen, taken = np.zeros_like(counts), np.zeros_like(counts)
    for start in range(0, len(y), STRETCH):
        some = y[start : start + STRETCH]
        labelled = np.flatnonzero(some >= 0)
        part = some[labelled]
        seen += np.bincount(part, minlength=len(counts))
        due = take * seen // np.maximum(counts, 1)
        chosen[start + labelled[_drawn(part, due - taken, rng)]] = True
        taken = due
    return chosen


def _counts(y: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the number of rows of each class."""
    K = max(0, int(y.max(initial=-1)) + 1)
    counts = np.zeros(K, np.int64)
    for start in range(0, len(y), STRETCH):
        some = y[start : start + STRETCH]
        counts += np.bincount(some[some >= 0], minlength=K)
    return counts


def _how_many(counts: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Return how many rows of each class to hold out."""
    exact = counts * share
    take = np.floor(exact).astype(np.int64)
    short = round(share * int(counts.sum())) - int(take.sum())
    by_remainder = np.argsort(-(exact - take), kind="stable")
    take[by_remainder[:short]] += 1
    fewest: NDArray[np.int64] = np.minimum(take, np.maximum(counts - 1, 0))
    return fewest


def _drawn(
    y: NDArray[np.integer], take: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw `take` rows of each class at random, and return their positions in y (n,)."""
    shuffled = rng.permutation(len(y))
    counts = np.bincount(y, minlength=len(take))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    pieces = [by_class[s : s + n] for s, n in zip(starts, take, strict=True)]
    return np.concatenate([np.zeros(0, np.int64), *pieces])
