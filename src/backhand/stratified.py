"""The held-out rows, and the folds of a cross-validation: seeded, stratified draws of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Seed = int | np.random.Generator
"""What draws: a seed, or a generator, which is left where the draw ends."""

STRETCH = 2**20
"""Rows from which the same share is drawn at a time, to limit the memory of a draw."""

NONE = 255
"""The part of a row that is in none."""


def held_out(y: NDArray[np.integer], share: float, seed: Seed) -> NDArray[np.bool_]:
    """Return which of N rows to hold out, (N,) bool: about `share` of each class, at random.

    At least one row of each class stays for training. The rows lost to rounding are drawn from the
    classes with the largest remainders, so that the total is round(share · N), as nearly as that
    rule allows. The same y, share and seed give the same draw. Rows without a class, -1, are not
    held out.
    """
    chosen = np.zeros(len(y), dtype=bool)
    rng = np.random.default_rng(seed)
    counts = class_counts(y)
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


def folds(y: NDArray[np.integer], count: int, seed: Seed) -> NDArray[np.uint8]:
    """Deal N rows out to `count` folds at random: the fold of each row, (N,).

    Two folds differ by one row at most, and by one row of each class. Rows without a class
    are in none, `NONE`.
    """
    found = np.full(len(y), NONE, np.uint8)
    rng = np.random.default_rng(seed)
    counts = class_counts(y)
    next_fold = np.cumsum(counts) - counts  # each class begins where the one before it ends
    for start in range(0, len(y), STRETCH):
        some = y[start : start + STRETCH]
        shuffled = rng.permutation(np.flatnonzero(some >= 0))
        by_class = shuffled[np.argsort(some[shuffled], kind="stable")]
        there = np.bincount(some[by_class], minlength=len(counts))
        within = np.arange(len(by_class)) - np.repeat(np.cumsum(there) - there, there)
        found[start + by_class] = (np.repeat(next_fold, there) + within) % count
        next_fold += there
    return found


def class_counts(y: NDArray[np.integer], K: int | None = None) -> NDArray[np.int64]:
    """Return the number of rows of each class; rows of -1 have none."""
    K = max(0, int(y.max(initial=-1)) + 1) if K is None else K
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
