"""Recognising gradients that are finite differences of a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.formulas import GRADIENTS

EPSILON: float = float(np.finfo(float).eps)

STEPS: tuple[float, ...] = (
    *(float(f"1e-{power}") for power in range(10, 0, -1)),
    EPSILON ** (1 / 2),
    EPSILON ** (1 / 3),
    *(float(f"{digit}e-{power}") for digit in (5, 2) for power in range(10, 0, -1)),
)
"""Steps that are in use, the usual ones first."""

FINER = 8
"""By this factor the spacing of the loss is finer than of its expected value: it may be smaller."""

WHOLE = 0.02
"""Distance from a whole number that counts as rounding."""

FEWEST = 8
"""Different entries, from which on whole numbers are no accident."""

LARGEST = 4e13
"""Of a count that has digits left for its distance from a whole number."""


def step_of(values: Mapping[str, NDArray[Any]], loss: float) -> float | None:
    """The step of finite differences, if that is what the gradients are; None if they are not.

    The difference of two losses is a whole number of spacings between floating-point numbers: so is
    each entry, times the step. Sums of products of real numbers are not.

    Parameters
    ----------
    values : mapping of str to array
        What was returned, under the names of the equations.
    loss : float
        About the loss on that problem.
    """
    gradients = [values[name].ravel() for name in GRADIENTS if name in values]
    if not gradients or any(one.dtype != np.float64 for one in gradients):
        return None
    entries = np.concatenate(gradients)
    entries = np.abs(entries[np.isfinite(entries) & (entries != 0)])
    if len(set(entries.tolist())) < FEWEST:
        return None
    spacing = float(np.spacing(abs(loss))) / FINER
    for step in STEPS:
        for divisor in (step, 2 * step):
            counts = entries * (divisor / spacing)
            distances = np.abs(counts - np.round(counts))
            if 1e3 < counts.max() < LARGEST and distances.max() <= WHOLE:
                return float(step)
    return None
