"""When training ends before its last epoch: early stopping, and divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass

from backhand.equations import Parameters
from backhand.errors import BackhandError, InputError, did_you_mean
from backhand.shapes import is_integer
from backhand.training.history import History

MONITORS = ("validation_loss", "validation_accuracy", "loss")


@dataclass(frozen=True)
class EarlyStopping:
    """Stop once the monitored figure has not improved `patience` times in a row.

    Parameters
    ----------
    patience : int
        How often the figure is measured without improvement before training ends.
    min_delta : float
        What counts as an improvement: better than the best before it by more than this. (The best
        epoch is the best, by however little.)
    monitor : {"validation_loss", "validation_accuracy", "loss"}
        The validation figures need `validation=`, and give the best epoch's parameters back. The
        training loss belongs to no one set of parameters (each batch was measured with its own), so
        with "loss" the last parameters are returned.
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str = "validation_loss"

    def __post_init__(self) -> None:
        if not is_integer(self.patience) or self.patience < 1:
            raise InputError(f"patience is {self.patience!r}; expected an integer of 1 or more.")
        if not isinstance(self.min_delta, int | float) or not math.isfinite(self.min_delta):
            raise InputError(f"min_delta is {self.min_delta!r}; expected a finite number.")
        if self.monitor not in MONITORS:
            raise InputError(f"monitor is '{self.monitor}'. {did_you_mean(self.monitor, MONITORS)}")


class Watch:
    """Follows the monitored figure through training."""

    def __init__(self, rule: EarlyStopping) -> None:
        self.rule = rule
        self.best_epoch: int | None = None
        self._best = math.inf
        self._in_vain = 0

    def improves(self, epoch: int, figure: float) -> bool:
        """Take the figure of an epoch (nan: not measured); whether it is the best so far."""
        if math.isnan(figure):
            return False
        cost = -figure if self.rule.monitor == "validation_accuracy" else figure
        self._in_vain = 0 if cost < self._best - self.rule.min_delta else self._in_vain + 1
        if not cost < self._best:
            return False
        self._best, self.best_epoch = cost, epoch
        return True

    @property
    def hopeless(self) -> bool:
        """Whether patience has run out."""
        return self._in_vain >= self.rule.patience


class DivergenceError(BackhandError, ArithmeticError):
    """The loss stopped being finite.

    Attributes
    ----------
    epoch : int
        The epoch, counted from 1, whose loss was not finite; or the last one, if its update made
        parameters that are not.
    params : Parameters
        The last parameters whose loss was finite.
    history : History
        Of the epochs whose loss was finite.
    """

    def __init__(self, message: str, epoch: int, params: Parameters, history: History) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.params = params
        self.history = history

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # The default rebuilds an exception from its message alone, which would fail here.
        return type(self), (self.args[0], self.epoch, self.params, self.history)
