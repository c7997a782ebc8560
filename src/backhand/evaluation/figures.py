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

PART = 2**20
"""Probabilities that are looked at together, to limit memory."""

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


def mean(total: float, squares: float, rows: int, least_variance: float = 0.0) -> Figure:
    """Return the mean of values with the interval of the central limit theorem.

    The variance of a value is that of these values, or `least_variance` if that is more.
    """
    if not rows:
        return Figure(UNDEFINED)
    value = total / rows
    observed = max(squares / rows - value**2, 0.0) * rows / max(rows - 1, 1)
    half = Z * float(np.sqrt(max(observed, least_variance) / rows)) if rows > 1 else UNDEFINED
    return Figure(value, value - half, value + half)


def implied_variance(P: NDArray[Any]) -> float:
    """Return the variance that the loss of a row has if the probabilities are true.

    Of a model that is nearly always right, the rows may hold none of the rare errors that make most
    of the loss; then the variance of the losses observed is much too small. (If the probabilities
    are far too sure as well, this one is too.)
    """
    expected, squares = np.empty(len(P)), np.empty(len(P))
    for rows in np.array_split(np.arange(len(P)), 1 + P.size // PART):
        some = P[rows].astype(np.float64)
        logarithms = np.log(np.maximum(some, np.finfo(np.float32).tiny))
        expected[rows] = -(some * logarithms).sum(axis=1)
        squares[rows] = (some * logarithms**2).sum(axis=1)
    return float((squares - expected**2).mean() + expected.var())


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
    the mean; the interval is symmetric on the logit scale. If all pairs of rows are in order, that
    variance is 0; then the lower end is the mean of the classes' own by Newcombe (2006, method 5).
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
    value, error = float(np.mean(areas)), float(np.sqrt((influence**2).sum()))
    if value == 1:
        lows = [_lowest_area(int(counts[k]), len(y) - int(counts[k])) for k in present]
        return Figure(1.0, float(np.mean(lows)), 1.0)
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
    area = float((positives * below[0]).sum()) / m / n
    share = np.where(positive, below[0][group] / n, 1 - below[1][group] / m)
    influence = share - area
    for side, rows in ((positive, m), (~positive, n)):
        # Of a side of one row, the variance is unknown; the largest that its value allows counts.
        one = np.sqrt(area * (1 - area))
        influence[side] = influence[side] / np.sqrt(rows * (rows - 1)) if rows > 1 else one
    return area, influence


def _lowest_area(m: int, n: int) -> float:
    """Return the least area from which 1 on m and n rows is Z standard errors away or less."""
    low, high, N = 0.0, 1.0, (m + n) / 2
    for _ in range(50):
        area = (low + high) / 2
        factor = 1 + (N - 1) * ((1 - area) / (2 - area) + area / (1 + area))
        if (1 - area) ** 2 > Z**2 * area * (1 - area) * factor / (m * n):
            low = area
        else:
            high = area
    return low


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
    value = float((weight * np.abs(bins.accuracy - bins.confidence)).sum())
    smoothed = (bins.accuracy * bins.rows + 2) / (bins.rows + 4)
    error = weight * np.sqrt(smoothed * (1 - smoothed) / bins.rows)
    half, by_chance = Z * float(np.sqrt((error**2).sum())), float(error.sum()) * np.sqrt(2 / np.pi)
    return Figure(value, max(0.0, value - half - by_chance), min(1.0, value + half))
