"""What is reported while training: scikit-learn's callbacks, `verbose` lines, and warnings."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from backhand.equations import Parameters
from backhand.errors import BackhandWarning
from backhand.training.callbacks import Callback, Every, Progress, StopTraining
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.config import TrainConfig
from backhand.training.result import TrainResult

SCIKIT_LEARNS = "sklearn.neural_network._multilayer_perceptron"
"""The module that scikit-learn's own class warns from."""


class Tasks:
    """scikit-learn's callback interface (1.9): a task for the fit, and one for each epoch in it.

    Parameters
    ----------
    estimator : MLPClassifier
    X, y, sample_weight
        As the user passed them: a scorer is called with these.
    most : int or None
        Maximum number of epochs, or steps; None where that is not known.
    name : str
        Name of an inner task.
    fitted : callable
        Returns the attributes that make a fitted estimator of parameters.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, most: int | None, name: str,
        fitted: Callable[[Parameters], dict[str, Any]],
    ) -> None:  # fmt: skip
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._name, self._fitted = name, fitted
        self._fit = estimator._init_callback_context(max_subtasks=most)
        self._fit.call_on_fit_task_begin(**self._arguments)
        self._inner: Any = None
        callbacks = getattr(estimator, "_skl_callbacks", None) or []
        self.wanted = any(not isinstance(callback, Checkpoint) for callback in callbacks)

    def begin(self) -> None:
        """An epoch begins."""
        self._inner = self._fit.subcontext(task_name=self._name)
        self._inner.call_on_fit_task_begin(**self._arguments)

    def end(self, parameters: Callable[[], Parameters]) -> bool:
        """An epoch has ended, with these parameters; whether a callback ends training after it."""
        inner, self._inner = self._inner, None
        return bool(
            inner.call_on_fit_task_end(
                **self._arguments, reconstruction_attributes=lambda: self._fitted(parameters())
            )
        )

    def close(self) -> None:
        """The fit has ended, also in the middle of an epoch."""
        if self._inner is not None:
            self._inner.call_on_fit_task_end(estimator=self._arguments["estimator"])
        self._fit.call_on_fit_task_end(**self._arguments, reconstruction_attributes=dict)

    def callbacks(self) -> list[Callback]:
        """Return callbacks for `train`; an empty list if none is set, because each costs time."""
        if not self.wanted:
            return []
        self.begin()
        return [self._after_epoch]

    def _after_epoch(self, progress: Progress) -> None:
        if self.end(progress.parameters):
            raise StopTraining
        if not progress.finished:
            self.begin()


def printer(config: TrainConfig) -> Callback:
    """Print each epoch's loss, its validation score if any, and each cut of the learning rate.

    It shortens no block.
    """
    shown = 0

    def show(progress: Progress) -> None:
        nonlocal shown
        history, schedule = progress.history, progress.schedule
        for epoch in range(shown, len(history)):
            print(f"Iteration {epoch + 1}, loss = {history.loss[epoch]:.8f}")
            score = history.validation_accuracy[epoch]
            if score == score:  # measured
                print(f"Validation score: {score:.6f}")
            if epoch + 1 in schedule.cuts:
                rate = schedule.of_epoch(epoch + 1)
                print(f"{_out_of_patience(config)} Setting learning rate to {rate:f}")
        shown = len(history)

    return Every(None, show)


def print_end(result: TrainResult) -> None:
    """Print why training ended before its last epoch."""
    if result.ended == "perfect":
        print("The validation score is 1. Stopping.")
    if result.ended == "patience":
        too_small = " Learning rate too small." if result.schedule.name == "adaptive" else ""
        print(f"{_out_of_patience(result.config)}{too_small} Stopping.")


def _out_of_patience(config: TrainConfig) -> str:
    rule = config.early_stopping
    assert rule is not None
    what = "Training loss" if rule.monitor == "loss" else "Validation score"
    return (
        f"{what} did not improve more than tol={rule.min_delta:f} for "
        f"{rule.patience - 1} consecutive epochs."
    )


def warn_of_end(result: TrainResult) -> None:
    """Warn if training ended before it had converged."""
    if result.ended == "interrupt":
        warn("Training interrupted by user.", BackhandWarning)
    if result.ended == "done":
        warn(
            f"Stochastic Optimizer: Maximum iterations ({result.config.epochs}) reached and the "
            "optimization hasn't converged yet. Raise max_iter or tol, or scale the columns of X.",
            ConvergenceWarning,
        )


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called Backhand, as if scikit-learn's module did.

    Programs silence scikit-learn's warnings by their first words or by the module that they come
    from: such a filter holds for this class too.
    """
    frame = sys._getframe(1)
    while _within(frame) and frame.f_back is not None:
        frame = frame.f_back
    warnings.warn_explicit(
        message, category, frame.f_code.co_filename, frame.f_lineno, SCIKIT_LEARNS,
        frame.f_globals.setdefault("__warningregistry__", {}),
    )  # fmt: skip


def _within(frame: FrameType) -> bool:
    """Whether this is a call in Backhand, or in the decorator that scikit-learn has for `fit`."""
    return str(frame.f_globals.get("__name__")).startswith(("backhand.", "sklearn.callback."))
