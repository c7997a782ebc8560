"""Callbacks: called with a `Progress`, between blocks of updates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backhand.constraints import Exactly, Integer, Or, check
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.support import display
from backhand.training.history import History
from backhand.training.schedules import Schedule


@display.shown
@dataclass(frozen=True)
class Progress:
    """The state of training, passed to each callback.

    Attributes
    ----------
    epoch, epochs : int
        Epochs done, and epochs in all.
    share : float
        Fraction of the current epoch that is done, 0..1: a long epoch is done in several blocks.
    rows : int
        Training rows per epoch.
    seconds : float
        Wall time since training began.
    history : History
        The epochs done.
    finished : bool
        Whether this is the end: all epochs are done, or early stopping ends training here.
    schedule : Schedule
        The learning rate's, with the cuts that "adaptive" has made so far.
    parameters : callable
        Returns a copy of the present parameters; call it only where they are needed.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> X, y = np.eye(3), np.arange(3)
    >>> def show(progress):
    ...     print(f"epoch {progress.epoch} of {progress.epochs}")
    >>> result = backhand.train(
    ...     backhand.init(3, 4, 3, dtype=np.float64), X, y, epochs=2, callbacks=[show])
    epoch 1 of 2
    epoch 2 of 2
    """

    epoch: int
    epochs: int
    share: float
    rows: int
    seconds: float
    history: History
    finished: bool
    schedule: Schedule
    parameters: Callable[[], Parameters]

    def _summary(self) -> display.Summary:
        done = self.epoch + self.share
        title = f"Progress: {done:,.4g} of {self.epochs:,} epochs in {self.seconds:.3g} s"
        return display.Summary(title, self.history.figures(), (), self.history.loss)


class Callback(Protocol):
    """A callable that `train` calls with a `Progress`: any function with one argument.

    See Also
    --------
    Every : Calls it every few epochs.
    StopTraining : Raised by a callback, ends training.
    FleetCallback : That of `train_many`.

    Examples
    --------
    A function is enough; a class can keep something between two calls:

    >>> import backhand
    >>> import numpy as np
    >>> class Norms:
    ...     def __init__(self):
    ...         self.found = []
    ...     def __call__(self, progress):
    ...         W1 = progress.parameters().W1
    ...         self.found.append(np.linalg.norm(W1))
    >>> norms = Norms()
    >>> params, X, y = backhand.init(3, 4, 3), np.eye(3), np.arange(3)
    >>> result = backhand.train(params, X, y, epochs=5, callbacks=[norms])
    >>> len(norms.found)
    5
    """

    def __call__(self, progress: Progress, /) -> None: ...


@dataclass(frozen=True)
class Every:
    """Call a callback every `epochs` epochs and after the last one; or after every block.

    Training does many epochs in one call of the engine: a block. A plain callback is called after
    each epoch, and so ends each block after one epoch; `Every(10, f)` ends it after ten.
    `Every(None, f)` shortens no block: it is called after each one, several times per second, which
    suits a progress bar. A long epoch is done in several blocks, so it may be called before the
    history has its first entry.

    Parameters
    ----------
    epochs : int or None
        Epochs between two calls; None: after every block.
    callback : Callback
        Called with a `Progress`.

    Raises
    ------
    InputError
        If `epochs` is not an integer of 1 or more, or None.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> seen = []
    >>> result = backhand.train(
    ...     backhand.init(3, 4, 3, dtype=np.float64), np.eye(3), np.arange(3), epochs=25,
    ...     callbacks=[backhand.Every(10, lambda progress: seen.append(progress.epoch))])
    >>> seen
    [10, 20, 25]
    """

    epochs: int | None
    callback: Callback

    def __post_init__(self) -> None:
        check("the period of Every", self.epochs, Or(Exactly(None), Integer(1)))

    def __call__(self, progress: Progress) -> None:
        """Call the callback."""
        self.callback(progress)


class AfterBlocks:
    """Base of callbacks that are called after every block, several times per second."""


class StopTraining(Exception):
    """Raised by a callback, ends training; `train` returns what there is at that point.

    The callbacks after it in the list are called before that, so that all of them see the last
    epoch.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> def enough(progress):
    ...     if progress.epoch == 3:
    ...         raise backhand.StopTraining
    >>> result = backhand.train(
    ...     backhand.init(3, 4, 3, dtype=np.float64), np.eye(3), np.arange(3), callbacks=[enough])
    >>> len(result.history), result.ended
    (3, 'callback')
    """


def period(callback: Callback) -> int | None:
    """Epochs between two calls of a callback; None: it is called after every block."""
    if isinstance(callback, AfterBlocks):
        return None
    return callback.epochs if isinstance(callback, Every) else 1


def call_callbacks(callbacks: Sequence[Callback], progress: Progress) -> None:
    """Call the callbacks that are due, as `call_each` does."""

    def due(callback: Callback) -> bool:
        if (every := period(callback)) is None:
            return True
        return not progress.share and (progress.finished or progress.epoch % every == 0)

    call_each([callback for callback in callbacks if due(callback)], progress)


def call_each(callbacks: Iterable[Callable[[Any], object]], progress: object) -> None:
    """Call all callbacks, also those after one that raises `StopTraining`, and raise it then.

    So all of them see the epoch in which training is ended, in whichever order they are.
    """
    stop: StopTraining | None = None
    for callback in callbacks:
        try:
            callback(progress)
        except StopTraining as raised:
            stop = stop or raised
    if stop is not None:
        raise stop


def check_callbacks(callbacks: object) -> None:
    """Check that the callbacks are a sequence of callables.

    Raises
    ------
    InputError
        If they are not; an `EarlyStopping` is passed as a separate argument.
    """
    if not isinstance(callbacks, tuple | list) or not all(map(callable, callbacks)):
        raise InputError(
            f"callbacks is {callbacks!r}; expected a list of callables. (An EarlyStopping is "
            "passed as early_stopping=.)"
        )
    for callback in callbacks:
        called = callback.callback if isinstance(callback, Every) else callback
        if isinstance(called, type):
            raise InputError(_class_given(called))


def _class_given(kind: type) -> str:
    """What is wrong with a class among the callbacks: it would make an object of each progress."""
    if issubclass(kind, BaseException):
        return (
            f"callbacks has {kind.__name__}, which is no callback: a function that raises it ends "
            "training."
        )
    return (
        f"callbacks has the class {kind.__name__}; expected an object that it makes: "
        f"{kind.__name__}(…)."
    )
