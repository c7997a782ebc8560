"""`FleetProgress`: how far a fleet is, as callbacks get it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backhand.errors import InputError
from backhand.support import display
from backhand.training.callbacks import Every, check_callbacks


@dataclass(frozen=True)
class UnderWay:
    """A member that is being trained.

    Attributes
    ----------
    member : int
        Its number, from 0.
    epoch, epochs : int
        Epochs done, and epochs in all.
    """

    member: int
    epoch: int
    epochs: int


@display.shown
@dataclass(frozen=True)
class FleetProgress:
    """The state of a fleet, passed to each callback.

    Attributes
    ----------
    done, members : int
        Members whose training has ended, and members in all.
    under_way : tuple of UnderWay
        Those that are being trained, with their `member`, `epoch` and `epochs`.
    seconds : float
        Wall time since the fleet began.
    finished : bool
        Whether this is the end: no member is left.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> def show(progress):
    ...     if progress.finished:
    ...         print(f"{progress.done} of {progress.members} members")
    >>> results = backhand.train_many(
    ...     [backhand.Member(hidden=4, seed=seed) for seed in range(3)], np.eye(3), np.arange(3),
    ...     callbacks=[show])
    3 of 3 members
    """

    done: int
    members: int
    under_way: tuple[UnderWay, ...]
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether no member is left."""
        return self.done == self.members

    def _summary(self) -> display.Summary:
        title = f"FleetProgress: {self.done:,} of {self.members:,} members in {self.seconds:.3g} s"
        rows = [(f"member {m.member:,}", f"epoch {m.epoch:,} of {m.epochs:,}")
                for m in self.under_way]  # fmt: skip
        return display.Summary(title, rows)


class FleetCallback(Protocol):
    """A callable that `train_many` calls with a `FleetProgress`: any function with one argument.

    See Also
    --------
    Callback : That of `train`.
    StopTraining : Raised by a callback, ends the fleet.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> counts = []
    >>> results = backhand.train_many(
    ...     [backhand.Member(hidden=4, epochs=10) for _ in range(3)], np.eye(3), np.arange(3),
    ...     callbacks=[lambda progress: counts.append(progress.done)])
    >>> counts[-1]
    3
    """

    def __call__(self, progress: FleetProgress, /) -> None: ...


def in_members(progress: FleetProgress) -> str:
    """Return how much is done in words."""
    return f"{progress.done:,} of {progress.members:,} members"


def check_fleet_callbacks(callbacks: object) -> None:
    """Check that the callbacks are a list of callables, none for every so many epochs.

    Raises
    ------
    InputError
        If they are not.
    """
    check_callbacks(callbacks)
    assert isinstance(callbacks, tuple | list)
    for callback in callbacks:
        if isinstance(callback, Every) and callback.epochs is not None:
            raise InputError(
                f"a callback is an Every({callback.epochs}, …), but each member of a fleet has "
                "epochs of its own; pass the function alone, which is called about ten times per "
                "second."
            )
