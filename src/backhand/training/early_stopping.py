"""When training ends before its last epoch: early stopping, and divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters
from backhand.errors import BackhandError, InputError, did_you_mean
from backhand.training.history import History
from backhand.validation import is_integer

MONITORS = ("validation_loss", "validation_accuracy", "loss")


@dataclass(frozen=True)
class EarlyStopping:
    """Stop once the monitored figure has not improved `patience` times in a row.

    Parameters
    ----------
    patience : int or inf
        How often the figure is measured without improvement before training ends (or, with the
        schedule "adaptive", goes on more slowly).
    min_delta : float
        What counts as an improvement: better than the best before it by more than this. (The best
        epoch is the best, by however little.)
    monitor : {"validation_loss", "validation_accuracy", "loss"}
        The validation figures need `validation=`.
    best : {"validation_loss", "validation_accuracy"}, optional
        The figure that says which epoch's parameters are given back; by default the monitored one.
        The training loss belongs to no one set of parameters (each batch was measured with its
        own), so where only "loss" is monitored the last parameters are returned. A validation
        accuracy of 1 cannot be improved on: training ends there.
    or_equal : bool
        Whether better by exactly `min_delta` is an improvement, as in scikit-learn.
    """

    patience: float = 10
    min_delta: float = 0.0
    monitor: str = "validation_loss"
    best: str | None = None
    or_equal: bool = False

    def __post_init__(self) -> None:
        if self.patience != math.inf and (not is_integer(self.patience) or self.patience < 1):
            raise InputError(
                f"patience is {self.patience!r}; expected an integer of 1 or more, or inf."
            )
        if not isinstance(self.min_delta, int | float) or not math.isfinite(self.min_delta):
            raise InputError(f"min_delta is {self.min_delta!r}; expected a finite number.")
        if self.monitor not in MONITORS:
            raise InputError(f"monitor is '{self.monitor}'. {did_you_mean(self.monitor, MONITORS)}")
        if self.best is not None and self.best not in MONITORS[:2]:
            raise InputError(f"best is '{self.best}'. {did_you_mean(self.best, MONITORS[:2])}")

    @property
    def gives_back(self) -> str | None:
        """The figure of the epoch whose parameters are given back; None: the last epoch's are."""
        return self.best or (None if self.monitor == "loss" else self.monitor)

    @property
    def decisive(self) -> str:
        """The figure that says which epoch was best."""
        return self.gives_back or self.monitor

    @property
    def needs_validation(self) -> bool:
        """Whether it needs validation rows."""
        return self.monitor != "loss" or self.best is not None


class Watch:
    """Follows the monitored figure through training, and through the next, if it is kept.

    Attributes
    ----------
    in_vain : int
        How often in a row the monitored figure was measured without improvement.
    lowest : float
        The least of it so far; an accuracy counts as its negative.
    best_epoch : int or None
        The epoch of its training in which the figure that decides was best.
    """

    def __init__(self, rule: EarlyStopping) -> None:
        self.rule = rule
        self.best_epoch: int | None = None
        self.in_vain = 0
        self.lowest = math.inf
        self._best = math.inf

    def improves(self, epoch: int, history: History) -> bool:
        """Take the figures of an epoch, counted from 1; whether it is the best so far."""
        cost = _cost(self.rule.monitor, history, epoch)
        if not math.isnan(cost):
            least = self.lowest - self.rule.min_delta
            reached = cost <= least if self.rule.or_equal else cost < least
            self.in_vain = 0 if reached else self.in_vain + 1
            self.lowest = min(self.lowest, cost)
        decisive = _cost(self.rule.decisive, history, epoch)
        if not decisive < self._best:  # so also where it was not measured: nan
            return False
        self._best, self.best_epoch = decisive, epoch
        return True

    @property
    def impatient(self) -> bool:
        """Whether patience has run out."""
        return self.in_vain >= self.rule.patience

    @property
    def perfect(self) -> bool:
        """Whether what is given back cannot be improved on."""
        return self.rule.gives_back == "validation_accuracy" and self._best <= -1

    def judge_again(self, loss: float, accuracy: float) -> None:
        """The best so far has these figures on the rows that are validated on from now on."""
        figures = History(*(np.array([x]) for x in (math.nan, math.nan, loss, accuracy)))
        decisive = _cost(self.rule.decisive, figures, 1)
        if not math.isnan(decisive) and self._best < math.inf:
            self._best = decisive
            if self.rule.monitor == self.rule.gives_back:
                self.lowest = decisive

    @property
    def best(self) -> float | None:
        """The figure of what is given back; None if none was measured."""
        if self._best == math.inf:
            return None
        return -self._best if self.rule.gives_back == "validation_accuracy" else self._best

    def begin_again(self) -> None:
        """Be patient once more."""
        self.in_vain = 0

    def going_on(self, rule: EarlyStopping) -> Watch:
        """A watch by `rule` that has seen what this one has, of the figures that both look at."""
        watch = Watch(rule)
        if rule.monitor == self.rule.monitor:
            watch.in_vain, watch.lowest = self.in_vain, self.lowest
        if rule.decisive == self.rule.decisive:
            watch._best, watch.best_epoch = self._best, self.best_epoch
        return watch

    def memory(self) -> NDArray[np.float64]:
        """What it has seen, (4,), for another watch of the same rule to `remember`."""
        best_epoch = math.nan if self.best_epoch is None else self.best_epoch
        return np.array([self.in_vain, self.lowest, self._best, best_epoch])

    def remember(self, memory: NDArray[np.float64]) -> None:
        """Have seen what that watch had; ValueError if it is no such memory."""
        in_vain, self.lowest, self._best, best_epoch = memory.tolist()
        self.in_vain = int(in_vain)
        self.best_epoch = None if math.isnan(best_epoch) else int(best_epoch)


def _cost(figure: str, history: History, epoch: int) -> float:
    """The figure of that epoch, so that less is better; nan where it was not measured."""
    value = float(getattr(history, figure)[epoch - 1])
    return -value if figure == "validation_accuracy" else value


class DivergenceError(BackhandError, ArithmeticError, ValueError):
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
