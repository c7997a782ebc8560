"""Whether a model has learned its training rows by heart, or has not learned enough of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.evaluation import Evaluation
from backhand.model import Model

GAP = 1.2
"""Held-out loss, in training losses, from which more epochs are not advised."""

RISE, LEAST_RISE = 1.05, 0.02
"""How far the held-out loss has risen from its lowest, as a ratio and in nats, to be told of."""

FAR, FAR_OF_BASE = 3.0, 1 / 3
"""Held-out loss that is told of without a rise: in training losses, and its distance from them as a
share of the baseline's loss."""

LEARNED = 0.8
"""Training loss, as a share of the baseline's, below which more epochs are of no use."""

END, FALL = 0.1, 0.99
"""Last share of the epochs in which the lowest loss is if it still falls, and its ratio to the loss
of halfway."""


class Fit(NamedTuple):
    """What the losses say of the number of epochs, and the lowest held-out loss if it rose since.

    `epochs` are "too many", "too few" or "enough". `lowest` is nan and `epoch` 0 without a rise.
    """

    epochs: Literal["too many", "too few", "enough"]
    lowest: float = float("nan")
    epoch: int = 0


def fit_of(model: Model, evaluation: Evaluation) -> Fit:
    """Return what the losses of a model say, those of training, of held-out rows and their curve.

    With early stopping, and in a search, there are never too many epochs: the best of them is
    returned.
    """
    training, held_out = float(model.metrics["training_loss"]), evaluation.loss
    curve = model.history.validation_loss
    # Then the curve is that of other rows.
    stopped_early = "best_epoch" in model.metrics or model.chosen is not None
    base = evaluation.baseline.loss
    clear = evaluation.figures["loss"].low > training or held_out > max(FAR * training, base)
    if clear and not stopped_early:
        measured = np.flatnonzero(np.isfinite(curve))
        best = int(measured[curve[measured].argmin()]) if len(measured) else -1
        lowest = float(curve[best]) if len(measured) else base  # about that of no epochs
        if held_out > max(GAP * training, RISE * lowest, LEAST_RISE + lowest):
            return Fit("too many", lowest, best + 1)
        if held_out > max(FAR * training, training + FAR_OF_BASE * base):
            return Fit("too many")
    unlearned = training >= LEARNED * base and held_out < GAP * training
    return Fit("too few" if unlearned and _falls(curve, model.history.loss) else "enough")


def _falls(validation: NDArray[np.float64], training: NDArray[np.float64]) -> bool:
    """Whether the loss of validation rows, or else of training rows, falls until the end."""
    curve = validation[np.isfinite(validation)]
    curve = curve if len(curve) else training
    n = len(curve)
    if n < 1 / END:
        return n < 3 or bool(curve[-1] == curve.min())
    return bool(curve.argmin() >= (1 - END) * n - 1 and curve[-1] < FALL * curve[n // 2])
