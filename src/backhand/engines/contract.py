"""What an engine is, whatever computes underneath.

An engine returns the loss with all gradients, predicts in bounded memory, and trains: `start` puts
parameters and data where it computes and gives a `Run`, whose `advance` does a whole block of
updates without coming back to Python's caller between them. Everything that crosses this border is
a NumPy array. Every method is deterministic: the same call gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Gradients, Parameters
from backhand.optimizers import Optimizer, Slots


class Data(NamedTuple):
    """Rows to learn from or be judged on: X (N, d), y (N,) indices, sample_weight (N,) or None.

    X may be of any real dtype and memory-mapped; a batch of it is converted to the parameters'
    dtype when its turn comes. (An engine may copy an X whole whose rows do not lie each in one
    piece, such as one in Fortran's order.)
    """

    X: Any
    y: NDArray[np.int64]
    sample_weight: NDArray[Any] | None = None

    @property
    def rows(self) -> int:
        """N."""
        return int(self.X.shape[0])

    def at(self, rows: Any) -> Data:
        """These rows of each array: a slice, indices or a mask."""
        w = None if self.sample_weight is None else self.sample_weight[rows]
        return Data(self.X[rows], self.y[rows], w)


@dataclass(frozen=True)
class Block:
    """E epochs of B = ⌈N / batch_size⌉ updates each; the last batch of an epoch may be short.

    Attributes
    ----------
    batch_size : int
        Rows a batch, 1..N.
    learning_rate : (E, B) float64
        η of each update.
    l2 : (E, B) float64
        λ of each update.
    order : (E, N) int64, optional
        The order in which each epoch visits the rows; None: as they stand.
    """

    batch_size: int
    learning_rate: NDArray[np.float64]
    l2: NDArray[np.float64]
    order: NDArray[np.int64] | None = None

    @property
    def epochs(self) -> int:
        """E."""
        return int(self.learning_rate.shape[0])


class Record(NamedTuple):
    """Loss (penalty included) and accuracy of each epoch, (E,) float64.

    Each batch is measured by the forward pass of its own update, so before that update; an epoch's
    figure is the mean over its rows, each row weighing what it weighs in the loss. An engine
    ends a block after the first epoch whose loss is not finite: the record is then shorter.
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]


class State(NamedTuple):
    """What a run needs to go on: parameters, optimizer memory, number of updates done."""

    params: Parameters
    slots: Slots
    updates: int


class Run(Protocol):
    """Training in progress: parameters, optimizer memory and data, where the engine keeps them."""

    def advance(self, block: Block) -> Record:
        """Do the updates of the block."""
        ...

    def state(self) -> State:
        """A copy of the state, as NumPy arrays."""
        ...

    def restore(self, state: State) -> None:
        """Go back (or on) to a state."""
        ...

    def evaluate(self, data: Data) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy of the present parameters on other rows."""
        ...


class Engine(Protocol):
    """The two-layer MLP's training and prediction on one kind of hardware or library."""

    name: str

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        """Do what has to be done once before computing in that dtype.

        It is done when needed in any case; `notify` is told what, in a few words, if it takes
        seconds.
        """
        ...

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        """The loss, penalty included, and all seven gradients, of all rows as one batch."""
        ...

    def start(self, params: Parameters, data: Data, optimizer: Optimizer) -> Run:
        """Begin training from these parameters (copied, never changed) on these rows."""
        ...

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        """P (N, K) of X (N, d), in the parameters' dtype, in memory bounded but for X and P."""
        ...

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy, in bounded memory."""
        ...
