"""A plane of two features through a network: the others stay as they are.

In such a plane Z1 of a hidden unit is a·x0 + b·x1 + c: everything follows from these three numbers
per unit, however many features there are.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backhand.equations import Parameters, softmax
from backhand.errors import InputError
from backhand.plot.source import Network, feature_place

Numbers = NDArray[np.float64]

Span = tuple[float, float]

MARGIN = 0.08
"""Of the range of the rows, around them."""


def two_places(network: Network, features: Sequence[int | str]) -> tuple[int, int]:
    """Return the columns of two features, given by their names or numbers."""
    if len(network.features) < 2:
        raise InputError("the network has one feature; a plane needs two.")
    if isinstance(features, str) or not isinstance(features, Sized) or len(features) != 2:
        raise InputError(f"features is {features!r}; expected two, such as (0, 1).")
    i, j = (feature_place(network, feature) for feature in features)
    if i == j:
        raise InputError(f"features names the feature {features[0]!r} twice; expected two.")
    return i, j


def span(values: Numbers) -> Span:
    """Return the range of an axis: that of the values, and a margin."""
    low, high = float(values.min()), float(values.max())
    around = MARGIN * (high - low) or 1.0
    return low - around, high + around


def hinges_of(
    params: Parameters, rows: Numbers, places: tuple[int, int], at: ArrayLike | None
) -> Numbers:
    """Return a, b and c (H, 3) of Z1 = a·x0 + b·x1 + c.

    The other features have the values of `at` (d,), or their means in `rows` (N, d).
    """
    try:
        rest = rows.mean(axis=0) if at is None else np.array(at, np.float64)
    except (TypeError, ValueError):
        rest = None
    if rest is None or rest.shape != rows.shape[1:] or not np.isfinite(rest).all():
        raise InputError(
            f"at is {at!r:.60}; expected ({rows.shape[1]},) finite numbers, a value per feature."
        )
    rest[list(places)] = 0
    with np.errstate(all="ignore"):  # `probabilities` reports what is too large
        c = rest @ params.W1 + params.b1
    return np.stack([params.W1[places[0]], params.W1[places[1]], c], axis=1)


def bends_of(params: Parameters, hinges: Numbers) -> Numbers:
    """Return how much the slope of the logits changes at each hinge (H,).

    What is the same for all classes does not count: softmax ignores it.
    """
    slopes = np.linalg.norm(hinges[:, :2], axis=1)
    apart = params.W2 - params.W2.mean(axis=1, keepdims=True)
    return np.asarray(slopes * np.linalg.norm(apart, axis=1))


def probabilities(params: Parameters, hinges: Numbers, x0: Numbers, x1: Numbers) -> Numbers:
    """Return P (m1, m0, K) at all pairs of the values x0 (m0,) and x1 (m1,)."""
    a, b, c = hinges.T
    with np.errstate(all="ignore"):
        P = np.stack([softmax(np.maximum(np.outer(x0, a) + b * up + c, 0) @ params.W2 + params.b2)
                      for up in x1])  # fmt: skip
    if not np.isfinite(P).all():
        raise InputError(
            "the probabilities are not finite: the numbers of X or of the parameters are too large "
            "to be computed with."
        )
    return P


def within(hinge: Numbers, x_span: Span, y_span: Span) -> Numbers | None:
    """Return the ends (2, 2) of the part of a hinge that is in a rectangle, or None."""
    a, b, c = map(float, hinge)
    ends = [(x, -(a * x + c) / b) for x in x_span if b]
    ends += [(-(b * y + c) / a, y) for y in y_span if a]
    found = sorted({(x, y) for x, y in ends if _between(x, x_span) and _between(y, y_span)})
    if len(found) < 2:
        return None
    return np.array([found[0], found[-1]])


def _between(value: float, ends: Span) -> bool:
    room = 1e-9 * (ends[1] - ends[0])
    return ends[0] - room <= value <= ends[1] + room
