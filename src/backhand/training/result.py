"""`TrainResult`: what training returns."""

from __future__ import annotations

from dataclasses import dataclass

from backhand.engines import OptimizerState
from backhand.equations import Parameters
from backhand.support import display
from backhand.training.config import TrainConfig
from backhand.training.history import History
from backhand.training.schedules import Schedule
from backhand.training.state import TrainState

ENDINGS = {
    "done": "all epochs done",
    "patience": "stopped early",
    "perfect": "stopped early at a validation accuracy of 1",
    "callback": "stopped by a callback",
    "diverged": "ended where its loss stopped being finite",
    "interrupt": "interrupted",
}
"""How training ended, as a result is displayed."""


@display.shown
@dataclass(frozen=True)
class TrainResult:
    """What training returns: the trained parameters, what was recorded, and where it ended.

    Attributes
    ----------
    params : Parameters
        NumPy arrays: the last ones, or with early stopping on a validation figure the best.
    history : History
        One entry per epoch.
    best_epoch : int or None
        With early stopping: the epoch, counted from 1, whose figure was best.
    seconds : float
        Wall time; of a training that was resumed, since then.
    resumed_after : int
        Epochs that were done before, if it was resumed from a checkpoint; else 0.
    ended : {"done", "patience", "perfect", "callback", "interrupt", "diverged"}
        Why training ended: all epochs are done; patience ran out; the validation accuracy was 1; a
        callback stopped it; Ctrl-C did; or, in a fleet, the loss stopped being finite.
    last : OptimizerState
        The last parameters, with the optimizer state: pass it to `train` as `state`, and
        its `params`, to continue.
    best : OptimizerState or None
        The same at the best epoch, where early stopping returns that one's parameters.
    state : TrainState
        All that training needs to continue.
    schedule : Schedule
        The learning rate's, with the cuts that "adaptive" made.
    config : TrainConfig
        The settings.
    learning_rate : float
        η of the epoch that would come next, warm-up and cosine apart.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> X, y = np.eye(3), np.arange(3)
    >>> params = backhand.init(3, 4, 3, dtype=np.float64)
    >>> result = backhand.train(params, X, y, epochs=5)
    >>> result.params.W1.shape, result.history.loss.shape, result.ended
    ((3, 4), (5,), 'done')
    >>> more = backhand.train(result.params, X, y, epochs=5, state=result.last)
    >>> more.last.updates
    10
    """

    state: TrainState
    schedule: Schedule
    seconds: float
    resumed_after: int = 0

    @property
    def params(self) -> Parameters:
        """The trained parameters: the last ones, or with early stopping the best epoch's."""
        return self.state.returned.params

    @property
    def history(self) -> History:
        """What was recorded, one entry per epoch."""
        return self.state.history

    @property
    def best_epoch(self) -> int | None:
        """With early stopping: the epoch, counted from 1, whose figure was best."""
        seen = self.state.early_stopping
        return None if seen is None else seen.best_epoch

    @property
    def ended(self) -> str:
        """Why training ended, in a word: "done", "patience", …; see `TrainResult`."""
        return self.state.ended

    @property
    def last(self) -> OptimizerState:
        """The last parameters, with the optimizer state, from which `train` continues."""
        return self.state.optimizer

    @property
    def best(self) -> OptimizerState | None:
        """The same at the best epoch, where early stopping returns that one's parameters."""
        return self.state.best

    @property
    def config(self) -> TrainConfig:
        """The settings."""
        return self.schedule.config

    @property
    def learning_rate(self) -> float:
        """The η of the epoch that would come next, warm-up and cosine apart."""
        return self.schedule.of_epoch(len(self.history))

    def _summary(self) -> display.Summary:
        (d, H), K = self.params.W1.shape, self.params.b2.shape[0]
        best = "" if self.best_epoch is None else f" (the best is {self.best_epoch:,})"
        since = f", those after {self.resumed_after:,}" if self.resumed_after else ""
        title = (
            f"TrainResult: d {d:,}, H {H:,}, K {K:,} in {self.params.W1.dtype}, "
            f"{len(self.history):,} epochs{best}{since} in {self.seconds:.3g} s, "
            f"{ENDINGS.get(self.ended, 'not ended')}"
        )
        return display.Summary(title, self.history.figures(), (), self.history.loss)
