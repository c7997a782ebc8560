"""Curves of an evaluation, as points: ROC, precision and recall, calibration."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of the calibration."""

MOST_POINTS = 200
"""Points of a curve, which the eye cannot tell from more."""


class RocCurve(NamedTuple):
    """Share of the other rows, and of the rows of the class, above each threshold."""

    false_positive: NDArray[np.float64]
    true_positive: NDArray[np.float64]


class PrecisionRecallCurve(NamedTuple):
    """Precision and recall above each threshold, from the highest threshold down."""

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


class Calibration(NamedTuple):
    """Of each bin that has rows: mean probability, share that is right, number of rows."""

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    rows: NDArray[np.int64]


def ranked(
    score: NDArray[Any], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the place of each row's score among the distinct ones, and their rows of each side."""
    _, group = np.unique(score, return_inverse=True)
    counts = np.bincount(group)
    positives = np.bincount(group[positive], minlength=len(counts))
    return group, positives, counts - positives


def _above(
    score: NDArray[Any], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many rows of the class, and how many others, reach each distinct score."""
    _, positives, negatives = ranked(score, positive)
    return np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])


def roc_curve(score: NDArray[Any], positive: NDArray[np.bool_]) -> RocCurve:
    """Return the ROC curve of one class against the rest, from (0, 0) to (1, 1).

    Parameters
    ----------
    score : ndarray of shape (n,)
        Probability of the class.
    positive : ndarray of shape (n,)
        Whether a row is of the class; there must be rows of both kinds.
    """
    right, wrong = (np.concatenate([[0], counts]) for counts in _above(score, positive))
    keep = _thinned(wrong / wrong[-1], right / right[-1])
    return RocCurve(wrong[keep] / wrong[-1], right[keep] / right[-1])


def precision_recall_curve(
    score: NDArray[Any], positive: NDArray[np.bool_]
) -> PrecisionRecallCurve:
    """Return precision and recall of one class at each threshold; arguments as `roc_curve`."""
    right, wrong = _above(score, positive)
    recall, precision = right / right[-1], right / (right + wrong)
    last = int(np.searchsorted(recall, 1.0)) + 1  # further down, only precision falls
    recall, precision = recall[:last], precision[:last]
    keep = _thinned(recall, precision)
    return PrecisionRecallCurve(recall[keep], precision[keep])


def average_precision(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Return the mean precision over the rows of the class, each at its own threshold."""
    right, wrong = _above(score, positive)
    return float(np.diff(right, prepend=0) @ (right / (right + wrong))) / int(right[-1])


def calibration(P: NDArray[Any], y: NDArray[np.int64]) -> Calibration:
    """Return the calibration of the most probable class, in `BINS` bins of equal width."""
    return binned(P.max(axis=1), P.argmax(axis=1) == y)


def class_calibration(score: NDArray[Any], positive: NDArray[np.bool_]) -> Calibration:
    """Return the calibration of one class; arguments as `roc_curve`."""
    return binned(score, positive)


def binned(probability: NDArray[Any], happened: NDArray[np.bool_]) -> Calibration:
    """Return mean probability, and share of rows for which it happened, of each bin with rows."""
    of_bin = np.clip(np.ceil(probability * BINS).astype(np.int64) - 1, 0, BINS - 1)
    rows = np.bincount(of_bin, minlength=BINS)
    there = rows > 0
    confidence, accuracy = (
        np.bincount(of_bin, values.astype(np.float64), minlength=BINS)[there] / rows[there]
        for values in (probability, happened)
    )
    return Calibration(confidence, accuracy, rows[there])


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of at most `MOST_POINTS` points, evenly spread along the curve."""
    if len(x) <= MOST_POINTS:
        return np.arange(len(x))
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    places = np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS - 1))
    return np.unique([0, *np.minimum(places, len(x) - 1), len(x) - 1])
