"""When training ends before its last epoch: early stopping, and divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from backhand.choices import MonitorName, ValidationMonitor, names
from backhand.constraints import Choice, Exactly, Integer, Number, Or
from backhand.equations import Parameters
from backhand.errors import BackhandError
from backhand.training.config import check_settings, setting
from backhand.training.history import History


@dataclass(frozen=True)
class EarlyStopping:
    """Stop once the monitored figure has not improved `patience` times in a row.

    Parameters
    ----------
    patience : int or inf, default=10
        Measurements in a row without improvement after which training ends (or, with the schedule
        "adaptive", continues with a smaller learning rate).
    min_delta : float, default=0.0
        An improvement is better than the best before it by more than this. The best epoch is the
        best one, by however little.
    monitor : {"validation_loss", "validation_accuracy", "loss"}, default="validation_loss"
        The figure that has to improve. The validation figures need `validation=`.
    best : {"validation_loss", "validation_accuracy"}, optional
        The figure that decides which epoch's parameters are returned; by default the monitored
        one. The training loss belongs to no one set of parameters (each batch was measured with its
        own), so where only "loss" is monitored the last parameters are returned. A validation
        accuracy of 1 cannot be improved on: training ends there.
    or_equal : bool, default=False
        Whether better by exactly `min_delta` is an improvement, as in scikit-learn.

    Raises
    ------
    InputError
        If a parameter is not allowed.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((60, 4))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> params = backhand.init(4, 8, 2, dtype=np.float64)
    >>> result = backhand.train(
    ...     params, X[:40], y[:40], epochs=500, validation=(X[40:], y[40:]),
    ...     early_stopping=backhand.EarlyStopping(patience=5, monitor="validation_accuracy"))
    >>> len(result.history) < 500, result.best_epoch is not None
    (True, True)
    """

    patience: float = setting(10, constraint=Or(Exactly(math.inf), Integer(1)))
    min_delta: float = setting(0.0, constraint=Number(-math.inf))
    monitor: MonitorName = setting("validation_loss", constraint=Choice(names(MonitorName)))
    best: ValidationMonitor | None = setting(
        None, constraint=Or(Exactly(None), Choice(names(ValidationMonitor)))
    )
    or_equal: bool = False

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def restore_best(self) -> str | None:
        """The figure of the epoch whose parameters are returned; None: the last epoch's are."""
        return self.best or (None if self.monitor == "loss" else self.monitor)

    @property
    def best_by(self) -> str:
        """The figure that decides which epoch was best."""
        return self.restore_best or self.monitor

    @property
    def needs_validation(self) -> bool:
        """Whether it needs validation rows."""
        return self.monitor != "loss" or self.best is not None


@dataclass(frozen=True)
class EarlyStoppingState:
    """The state of early stopping. It is a value, like a history: each epoch makes a new one.

    Attributes
    ----------
    rule : EarlyStopping
    num_bad_epochs : int
        Measurements of the monitored figure in a row without improvement.
    lowest : float
        The lowest of it so far; an accuracy counts as its negative.
    lowest_best : float
        The same of the figure that decides which epoch was best.
    best_epoch : int or None
        That epoch of its training, counted from 1.
    """

    rule: EarlyStopping
    num_bad_epochs: int = 0
    lowest: float = math.inf
    lowest_best: float = math.inf
    best_epoch: int | None = None

    def step(self, epoch: int, history: History) -> tuple[EarlyStoppingState, bool]:
        """Return the state after an epoch, from 1, and whether that epoch is the best so far."""
        bad_epochs, lowest = self.num_bad_epochs, self.lowest
        cost = _cost(self.rule.monitor, history, epoch)
        if not math.isnan(cost):
            least = lowest - self.rule.min_delta
            improved = cost <= least if self.rule.or_equal else cost < least
            bad_epochs, lowest = 0 if improved else bad_epochs + 1, min(lowest, cost)
        lowest_best, best_epoch = self.lowest_best, self.best_epoch
        cost = _cost(self.rule.best_by, history, epoch)
        is_best = cost < lowest_best  # False also where it was not measured: nan
        if is_best:
            lowest_best, best_epoch = cost, epoch
        return EarlyStoppingState(self.rule, bad_epochs, lowest, lowest_best, best_epoch), is_best

    @property
    def measurements_left(self) -> float:
        """How many measurements of the monitored figure it takes at least to run out of patience.

        It is infinite where patience is.
        """
        return max(1, self.rule.patience - self.num_bad_epochs)

    @property
    def out_of_patience(self) -> bool:
        """Whether patience has run out."""
        return self.num_bad_epochs >= self.rule.patience

    @property
    def perfect(self) -> bool:
        """Whether what is returned cannot be improved on."""
        return self.rule.restore_best == "validation_accuracy" and self.lowest_best <= -1

    @property
    def best(self) -> float | None:
        """The figure of what is returned; None if none was measured."""
        if self.lowest_best == math.inf:
            return None
        accuracy = self.rule.restore_best == "validation_accuracy"
        return -self.lowest_best if accuracy else self.lowest_best

    def reset_wait(self) -> EarlyStoppingState:
        """Return the state with its patience reset."""
        return replace(self, num_bad_epochs=0)

    def rescore_best(self, loss: float, accuracy: float) -> EarlyStoppingState:
        """Return the state with the best so far as measured on the present validation rows."""
        figures = History(*(np.array([x]) for x in (math.nan, math.nan, loss, accuracy)))
        cost = _cost(self.rule.best_by, figures, 1)
        if math.isnan(cost) or self.lowest_best == math.inf:
            return self
        same = self.rule.monitor == self.rule.restore_best
        return replace(self, lowest_best=cost, lowest=cost if same else self.lowest)

    def under(self, rule: EarlyStopping) -> EarlyStoppingState:
        """Return the state under another rule, with the figures that both rules monitor."""
        if rule == self.rule:
            return self
        state = EarlyStoppingState(rule)
        if rule.monitor == self.rule.monitor:
            state = replace(state, num_bad_epochs=self.num_bad_epochs, lowest=self.lowest)
        if rule.best_by == self.rule.best_by:
            state = replace(state, lowest_best=self.lowest_best, best_epoch=self.best_epoch)
        return state


def _cost(figure: str, history: History, epoch: int) -> float:
    """Return an epoch's figure, negated if higher is better; nan where it was not measured."""
    value = float(getattr(history, figure)[epoch - 1])
    return -value if figure == "validation_accuracy" else value


class DivergenceError(BackhandError, ArithmeticError, ValueError):
    """The loss, or the last update's parameters, are not finite numbers.

    Attributes
    ----------
    epoch : int
        The epoch, counted from 1, whose loss was not finite; or the last one, if its update made
        parameters that are not.
    params : Parameters
        The last parameters whose loss was finite.
    history : History
        The epochs whose loss was finite.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> X, y = 1e3 * np.random.default_rng(0).standard_normal((30, 4)), np.arange(30) % 3
    >>> params = backhand.init(4, 8, 3, dtype=np.float64)
    >>> try:
    ...     backhand.train(params, X, y, learning_rate=1e8, epochs=100)
    ... except backhand.DivergenceError as error:
    ...     print(len(error.history) == error.epoch - 1, bool(np.isfinite(error.params.W1).all()))
    True True
    """

    def __init__(self, message: str, epoch: int, params: Parameters, history: History) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.params = params
        self.history = history

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # The default rebuilds an exception from its message alone, which would fail here.
        return type(self), (self.args[0], self.epoch, self.params, self.history)
