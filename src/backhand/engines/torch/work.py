"""What an update of stacked sessions reads and writes, on the device, and how it finds it.

Nothing is made or moved while a block goes on: a counter says which update it is, and all that
differs from one to the next (rows, η, λ, t) is looked up by it. So the same calls do every update.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from backhand.engines.array_engine import Passes, Tensors
from backhand.engines.contract import Objective
from backhand.engines.torch.arrays import StackedRows
from backhand.optimizers import Optimizer
from backhand.support.optional import extra

torch = extra("torch", "the torch engine")


class Numbers(NamedTuple):
    """What is a number for each of M members: η, λ, t and the dropout's.

    Of U updates the first five are (U, M); of one update, (M,).

    Attributes
    ----------
    learning_rate, rate, l2, t : tensor
        η, ηₜ with Adam's correction, λ and the number of the update; float64. λ is 0.0, and no
        tensor, without a penalty.
    key : tensor, or None without dropout
        As `mask_of` takes it.
    threshold, scale : tensor of shape (M,), or None without dropout
    """

    learning_rate: Any
    rate: Any
    l2: Any
    t: Any
    key: Any = None
    threshold: Any = None
    scale: Any = None


class Run(NamedTuple):
    """Batches of as many rows, one after the other."""

    rows: int
    batches: int


class Epochs(NamedTuple):
    """How an epoch visits rows.

    Attributes
    ----------
    rows, batch_size, batches : int
        Rows of an epoch, and of a batch but the last; number of batches.
    ordered : bool
        Whether each epoch has an order of its own.
    """

    rows: int
    batch_size: int
    batches: int
    ordered: bool

    def runs(self, epochs: int) -> list[Run]:
        """The batches of some epochs."""
        full, last = divmod(self.rows, self.batch_size)
        if self.batches == 1:
            return [Run(self.rows, epochs)]
        one = [Run(self.batch_size, full), Run(last, 1)] if last else [Run(self.batch_size, full)]
        return one * epochs


@dataclass(frozen=True)
class Work:
    """The arrays of M members and of at most U updates between two transfers.

    Attributes
    ----------
    passes : Passes
    optimizer : Optimizer
    objective : Objective
        Of it, what all members have in common: loss cap, fixed class.
    rows : StackedRows
    epochs : Epochs
    tensors : Tensors
        (M, ...) each. An update changes them in place, like all that follows but `numbers` and
        `places`.
    numbers : Numbers
    places : tensor of shape (M, n) or (M, E n), or None
        Where in X the rows of all epochs are, or those of each; None: as they are stored.
    counter : tensor of shape (M,)
        How many of the U updates are done, the same for each member; int64.
    going, failed : tensor of shape (M,)
        Whether a member still changes, and whether one of its losses was not finite: it stops
        after the epoch of that. bool.
    figures : tensor of shape (U, M, 3)
        Loss, accuracy and Σw of each update; float64.
    """

    passes: Passes
    optimizer: Optimizer
    objective: Objective
    rows: StackedRows
    epochs: Epochs
    tensors: Tensors
    numbers: Numbers
    places: Any
    counter: Any
    going: Any
    failed: Any
    figures: Any

    @property
    def members(self) -> int:
        """M."""
        return len(self.counter)

    def written(self) -> list[Any]:
        """What an update changes, but the figures, which are written only."""
        return [*leaves(self.tensors), self.counter, self.going, self.failed]


class Step(Protocol):
    """A way of doing updates."""

    def __call__(self, count: int) -> None:
        """Do the next update of all members, with a batch of `count` rows; wait for nothing."""
        ...


def leaves(tensors: Tensors) -> list[Any]:
    """All tensors of θ and the slots."""
    return [value for values in (tensors.theta, *tensors.slots) for value in values]
