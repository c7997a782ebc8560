"""How training reports: a callback is called with a `Progress`, between blocks of updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.training.history import History
from backhand.training.schedules import Schedule
from backhand.validation import is_integer


@dataclass(frozen=True)
class Progress:
    """How far training is.

    Attributes
    ----------
    epoch, epochs : int
        Epochs done, and to do in all.
    share : float
        Of the epoch that is under way, 0..1: a long one is done in several blocks.
    rows : int
        Training rows an epoch.
    seconds : float
        Since training began.
    history : History
        Of the epochs done.
    finished : bool
        Whether these are the last epochs: all are done, or early stopping ends training here.
    schedule : Schedule
        The learning rate's, with the cuts that "adaptive" has made so far.
    parameters : callable
        Returns a copy of the present parameters; call it only where they are needed.
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


Callback = Callable[[Progress], None]


@dataclass(frozen=True)
class Every:
    """Call a callback every so many epochs and after the last; with None, when it costs nothing.

    Training does many epochs in one call of the engine. A plain callback is called after each
    epoch, and so ends each such block after one; `Every(10, f)` after ten. `Every(None, f)` never
    cuts a block: it is called at the end of each, several times a second, as a progress bar needs;
    of a long epoch also when it is done in part, so that the history may still be empty.
    """

    epochs: int | None
    callback: Callback

    def __post_init__(self) -> None:
        if self.epochs is not None and (not is_integer(self.epochs) or self.epochs < 1):
            raise InputError(
                f"Every({self.epochs!r}, …): expected an integer of 1 or more, or None."
            )

    def __call__(self, progress: Progress) -> None:
        self.callback(progress)


class StopTraining(Exception):
    """Raised by a callback, ends training at once; `train` returns what there is by then."""


def period(callback: Callback) -> int | None:
    """After how many epochs a callback wants to be called; None: whenever a block ends."""
    return callback.epochs if isinstance(callback, Every) else 1


def announce(callbacks: Sequence[Callback], progress: Progress) -> None:
    """Call those whose turn it is."""
    for callback in callbacks:
        every = period(callback)
        turn = not progress.share and (progress.finished or progress.epoch % (every or 1) == 0)
        if every is None or turn:
            callback(progress)
