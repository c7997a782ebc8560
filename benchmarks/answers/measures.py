"""What is measured of probabilities: log loss, accuracy, calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-15
BINS = 15
ENOUGH_ROWS = 1000
"""Test rows from which the calibration error is more than noise."""


def measures(
    P: NDArray[np.floating[Any]], classes: Sequence[str], y: NDArray[np.str_]
) -> dict[str, float]:
    """Measure P (N, K) against the true classes y (N,); a class without a column has p = 0."""
    at = {name: k for k, name in enumerate(classes)}
    true = np.array([at.get(name, -1) for name in y])
    P = np.asarray(P, dtype=np.float64)
    p = np.where(true >= 0, P[np.arange(len(y)), true], 0.0)
    is_right = P.argmax(axis=1) == true
    found = {
        "loss": float(-np.log(np.clip(p, LEAST, 1)).mean()),
        "accuracy": float(is_right.mean()),
    }
    if len(y) >= ENOUGH_ROWS:
        found["calibration"] = calibration_error(P.max(axis=1), is_right)
    return found


def calibration_error(top: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    """Mean difference of confidence and accuracy over bins of equal width, weighted by rows."""
    bins = np.minimum((top * BINS).astype(int), BINS - 1)
    difference = np.bincount(bins, weights=top - is_right, minlength=BINS)
    return float(np.abs(difference).sum() / len(top))


def base_rate(trained: NDArray[np.str_], y: NDArray[np.str_]) -> dict[str, float]:
    """The same measures of the class shares of the training rows, as the answer for each row."""
    classes, counts = np.unique(trained, return_counts=True)
    return measures(np.tile(counts / counts.sum(), (len(y), 1)), classes.tolist(), y)
