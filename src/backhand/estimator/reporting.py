"""What is said while training: scikit-learn's callbacks, the lines of `verbose`, and warnings."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from backhand.equations import Parameters
from backhand.training import Callback, Checkpoint, Every, Progress, StopTraining, TrainResult

SCIKIT_LEARNS = "sklearn.neural_network._multilayer_perceptron"
"""The module that scikit-learn's own class warns from."""


class Tasks:
    """scikit-learn's callback interface (1.9): a task for the fit, and one for each epoch in it.

    Parameters
    ----------
    estimator : MLPClassifier
    X, y, sample_weight
        As the user passed them, which is what a scorer wants.
    most : int or None
        Epochs, or steps, at most; None where that is not known.
    name : str
        Of an inner task.
    fitted : callable
        The attributes that make a fitted estimator of parameters.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, most: int | None, name: str,
        fitted: Callable[[Parameters], dict[str, Any]],
    ) -> None:  # fmt: skip
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._name, self._fitted = name, fitted
        self._fit = estimator._init_callback_context(max_subtasks=most)
        self._fit.call_on_fit_task_begin(**self._told)
        self._inner: Any = None
        listening = getattr(estimator, "_skl_callbacks", None) or []
        self.wanted = any(not isinstance(callback, Checkpoint) for callback in listening)

    def begin(self) -> None:
        """An epoch begins."""
        self._inner = self._fit.subcontext(task_name=self._name)
        self._inner.call_on_fit_task_begin(**self._told)

    def end(self, parameters: Callable[[], Parameters]) -> bool:
        """An epoch has ended, with these parameters; whether a callback wants it to be the last."""
        inner, self._inner = self._inner, None
        return bool(
            inner.call_on_fit_task_end(
                **self._told, reconstruction_attributes=lambda: self._fitted(parameters())
            )
        )

    def close(self) -> None:
        """The fit has ended: nothing more will be done of an epoch that was begun."""
        if self._inner is not None:
            self._inner.call_on_fit_task_end(estimator=self._told["estimator"])
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes=dict)

    def callbacks(self) -> list[Callback]:
        """As `train` wants them: none if nobody listens, for each would cost."""
        if not self.wanted:
            return []
        self.begin()
        return [self._after_epoch]

    def _after_epoch(self, progress: Progress) -> None:
        if self.end(progress.parameters):
            raise StopTraining
        if not progress.finished:
            self.begin()


def printer(estimator: Any) -> Callback:
    """Print each epoch's loss, its validation score if any, and each cut of the learning rate.

    It cuts no block.
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
                print(f"{_impatience(estimator)} Setting learning rate to {rate:f}")
        shown = len(history)

    return Every(None, show)


def print_end(estimator: Any, result: TrainResult) -> None:
    """Print why training ended before its last epoch."""
    if result.ended == "perfect":
        print("The validation score is 1. Stopping.")
    if result.ended == "patience":
        too_small = " Learning rate too small." if result.schedule.name == "adaptive" else ""
        print(f"{_impatience(estimator)}{too_small} Stopping.")


def _impatience(estimator: Any) -> str:
    what = "Validation score" if estimator.early_stopping else "Training loss"
    return (
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change} consecutive epochs."
    )


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called Backhand, as if scikit-learn's module did.

    Programs silence scikit-learn's warnings by their first words or by the module that they come
    from: such a filter shall hold for this class too.
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
