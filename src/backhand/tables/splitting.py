"""The held-out rows: a seeded, stratified draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def held_out(y: NDArray[np.integer], share: float, seed: int) -> NDArray[np.bool_]:
    """Which of N rows to hold out, (N,) bool: about `share` of each class, at random.

    Of each class at least one row stays for training. What rounding leaves over goes to the
    classes with the largest remainders, so that the whole comes out at round(share · N), as near
    as that rule allows. The same y, share and seed give the same draw.
    """
    chosen = np.zeros(len(y), dtype=bool)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(y))
    counts = np.bincount(y)
    exact = counts * share
    take = np.floor(exact).astype(int)
    short = round(share * len(y)) - int(take.sum())
    by_remainder = np.argsort(-(exact - take), kind="stable")
    take[by_remainder[:short]] += 1
    take = np.minimum(take, np.maximum(counts - 1, 0))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    for start, number in zip(np.cumsum(counts) - counts, take, strict=True):
        chosen[by_class[start : start + number]] = True
    return chosen
