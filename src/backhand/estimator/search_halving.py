"""Successive halving: after how many epochs candidates are compared, and which continue."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def stages(candidates: int, most: int, factor: float, least: int | None) -> list[int]:
    """Return the epochs of each comparison, as scikit-learn's halving searches choose them.

    Each has `factor` times those of the one before, and 1 / factor of its candidates. There are as
    many as leave fewer than `factor` candidates, if `most` epochs allow that. `least` are the
    epochs of the first one; None: those with which the last has `most`, or nearly.

    Examples
    --------
    >>> stages(24, 50, 3, None), stages(24, 50, 3, 20), stages(2, 50, 3, None)
    ([16, 48], [20], [50])
    >>> stages(27, 81, 3, None)
    [3, 9, 27, 81]
    """
    required = 1
    while factor**required <= candidates:
        required += 1
    first = max(1, int(most // factor ** (required - 1))) if least is None else least
    epochs = [int(first * factor**n) for n in range(required)]
    return [n for n in epochs if n <= most]


def best_of(results: Mapping[str, Any], stage: int, metric: str, count: int) -> NDArray[np.intp]:
    """Return the numbers of the best candidates of a comparison, the best one last."""
    scores = np.asarray(results[f"mean_test_{metric}"])[_of_stage(results, stage)]
    unmeasured = np.count_nonzero(np.isnan(scores))
    found: NDArray[np.intp] = np.roll(np.argsort(scores), unmeasured)[-count:]
    return found


def best_index(results: Mapping[str, Any], metric: str) -> int:
    """Return the place in the results of the best candidate of the last comparison."""
    places = _of_stage(results, int(np.max(results["iter"])))
    scores = np.asarray(results[f"mean_test_{metric}"])[places]
    return int(places[0 if np.isnan(scores).all() else np.nanargmax(scores)])


def kept(candidates: int, factor: float) -> int:
    """Return the number of candidates that continue."""
    return math.ceil(candidates / factor)


def _of_stage(results: Mapping[str, Any], stage: int) -> NDArray[np.intp]:
    return np.flatnonzero(np.asarray(results["iter"]) == stage)
