"""Figures of an evaluation, each with an interval for the number of rows.

An interval contains the figure that unlimited rows of the same kind would give, in 95 of 100
evaluations. It does not cover what another training would give. `tests/test_evaluation.py`
compares the figures with scikit-learn, and counts how often the intervals contain the true value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.evaluation.curves import calibration, ranked

Z = 1.959963984540054
"""The quantile of the normal distribution for 95 %."""

UNDEFINED = float("nan")


class Figure(NamedTuple):
    """A figure and the ends of its 95 % interval; nan where undefined."""

    value: float
    low: float = UNDEFINED
    high: float = UNDEFINED


def proportion(successes: float, trials: float) -> Figure:
    """Return a share with Wilson's interval (Wilson 1927), which has a width also at 0 and 1."""
    if not trials:
        return Figure(UNDEFINED)
    low, high = _wilson(np.array([successes]), np.array([trials]))
    return Figure(successes / trials, float(low[0]), float(high[0]))


def _wilson(
    successes: NDArray[Any], trials: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    share, z2 = successes / trials, Z**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = (
        Z / (1 + z2 / trials) * np.sqrt(share * (1 - share) / trials + (z2 / trials / 2) ** 2 / z2)
    )
    return np.where(successes == 0, 0.0, centre - half), np.where(
        successes == trials, 1.0, centre + half
    )


def mean(total: float, squares: float, rows: int) -> Figure:
    """Return the mean of values with the interval of the central limit theorem."""
    if not rows:
        return Figure(UNDEFINED)
    value = total / rows
    variance = max(squares / rows - value**2, 0.0) / max(rows - 1, 1)
    half = Z * float(np.sqrt(variance)) if rows > 1 else UNDEFINED
    return Figure(value, value - half, value + half)


def balanced_accuracy(confusion: NDArray[np.int64]) -> Figure:
    """Return the mean recall of the classes present.

    The Wilson intervals of the recalls are combined by MOVER (Zou and Donner 2008): the squares of
    their half widths add up, as the variances of independent means do.
    """
    rows = confusion.sum(axis=1)
    present = rows > 0
    if not present.any():
        return Figure(UNDEFINED)
    right, rows = np.diag(confusion)[present], rows[present]
    recall = right / rows
    low, high = _wilson(right, rows)
    value = float(recall.mean())
    down, up = (float(np.sqrt(((end - recall) ** 2).sum())) / len(recall) for end in (low, high))
    return Figure(value, value - down, value + up)


def roc_auc(P: NDArray[Any], y: NDArray[np.int64]) -> Figure:
    """Return the area under the ROC curve: each class present against the rest, their mean.

    The variance is that of DeLong, DeLong and Clarke-Pearson (1988), from each row's influence on
    the mean; the interval is symmetric on the logit scale. If all pairs of rows are in order, the
    variance is 0; then the lower end is Wilson's for as many successes as the smaller of the two
    sides has rows.
    """
    counts = np.bincount(y, minlength=P.shape[1])
    present = np.flatnonzero((counts > 0) & (counts < len(y)))
    if not len(present):
        return Figure(UNDEFINED)
    if P.shape[1] == 2:
        present = present[-1:]  # both classes have the same area
    influence, areas = np.zeros(len(y)), []
    for k in present:
        area, of_rows = _area(P[:, k], y == k)
        areas.append(area)
        influence += of_rows / len(present)
    value, error = float(np.mean(areas)), float(np.sqrt(influence @ influence))
    if value == 1:
        smaller = np.minimum(counts[present], len(y) - counts[present])
        return Figure(1.0, float((smaller / (smaller + Z**2)).mean()), 1.0)
    if value == 0:
        return Figure(0.0, 0.0, 1 - roc_auc(-P, y).low)
    logit, half = np.log(value / (1 - value)), Z * error / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-(logit + side * half))) for side in (-1, 1))
    return Figure(value, float(low), float(high))


def _area(score: NDArray[Any], positive: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """Return the area of one class, and the influence of each row on it."""
    group, positives, negatives = ranked(score, positive)
    below = [np.cumsum(counts) - counts / 2 for counts in (negatives, positives)]
    m, n = int(positive.sum()), int((~positive).sum())
    area = float(positives @ below[0]) / m / n
    share = np.where(positive, below[0][group] / n, 1 - below[1][group] / m)
    influence = share - area
    for side, rows in ((positive, m), (~positive, n)):
        # Of a side of one row, the variance is unknown; the largest that its value allows counts.
        one = np.sqrt(area * (1 - area))
        influence[side] = influence[side] / np.sqrt(rows * (rows - 1)) if rows > 1 else one
    return area, influence


def calibration_error(P: NDArray[Any], y: NDArray[np.int64]) -> Figure:
    """Return the expected calibration error: |accuracy - confidence| of the most probable class.

    It is the mean over 15 bins of equal width, weighted by their rows (Guo et al. 2017). Chance
    alone makes it positive: for a calibrated model its mean is that of folded normal variables. The
    lower end subtracts this as well, so the interval is wide rather than narrow.
    """
    bins = calibration(P, y)
    if not len(bins.rows):
        return Figure(UNDEFINED)
    weight = bins.rows / bins.rows.sum()
    value = float(weight @ np.abs(bins.accuracy - bins.confidence))
    smoothed = (bins.accuracy * bins.rows + 2) / (bins.rows + 4)
    error = weight * np.sqrt(smoothed * (1 - smoothed) / bins.rows)
    half, by_chance = Z * float(np.sqrt(error @ error)), float(error.sum()) * np.sqrt(2 / np.pi)
    return Figure(value, max(0.0, value - half - by_chance), min(1.0, value + half))
