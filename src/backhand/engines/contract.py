"""What an engine is, whatever computes underneath.

An engine returns the loss with all gradients, predicts in bounded memory, and trains: `start` puts
parameters and data where it computes and gives a `Run`, whose `advance` does a whole block of
updates without coming back to Python's caller between them. Everything that crosses this border is
a NumPy array, and is checked at one door (`door.py`), whoever calls. Every method is deterministic:
the same call gives the same bits.
"""

from __future__ import annotations

import math
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

    X may also be a matrix or array of scipy.sparse in CSR form, of float32 or float64 and with
    indices of 32 or 64 bits, in any order; entries of one place add up. No more of it is made
    dense at a time than a batch.
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


def is_sparse(X: Any) -> bool:
    """Whether X is one of scipy's CSR matrices. (scipy is not imported to find out.)"""
    return hasattr(X, "indptr")


def dense(X: Any) -> Any:
    """X as an array that holds each of its numbers."""
    return X.toarray() if is_sparse(X) else X


@dataclass(frozen=True)
class Block:
    """E epochs of B = ⌈n / batch_size⌉ updates each; the last batch of an epoch may be short.

    An epoch here visits n rows, which are all N, or those that `order` names: a long epoch of
    training is done in several blocks of one short one.

    Attributes
    ----------
    batch_size : int
        Rows a batch, 1..n.
    learning_rate : (E, B) float64
        η of each update.
    l2 : (E, B) float64
        λ of each update.
    order : (E, n) int64, optional
        The rows that each epoch visits, in their order; None: all, as they stand.
    dropout : float
        Share p of the hidden units, in [0, 1), that each row of each batch goes without: update
        t computes with `dropout_mask(dropout_seed, t, rows of the batch, H, p)`, t being the
        number of updates that the run has done, and 1.
    dropout_seed : int
    most_loss : float
        In the record, one row's cross-entropy counts at most so much; gradients are of the true
        loss. scikit-learn keeps probabilities above the ε of their dtype in the loss that it
        reports, which is most_loss = -log ε.
    first_class_held : bool
        Leave W2[:, 0] and b2[0] as they are. Of two classes only the difference of the logits
        matters, for which the weights of one are enough; scikit-learn has no others.
    """

    batch_size: int
    learning_rate: NDArray[np.float64]
    l2: NDArray[np.float64]
    order: NDArray[np.int64] | None = None
    dropout: float = 0.0
    dropout_seed: int = 0
    most_loss: float = math.inf
    first_class_held: bool = False

    @property
    def epochs(self) -> int:
        """E."""
        return int(self.learning_rate.shape[0])


class Record(NamedTuple):
    """Loss (penalty included) and accuracy of each epoch, (E,) float64.

    Each batch is measured by the forward pass of its own update, so before that update, and with
    dropout by what the mask leaves of H1; an epoch's figure is the mean over its rows, each row
    weighing what it weighs in the loss. No row's loss counts more than `Block.most_loss`. An engine
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
    """Training in progress: parameters, optimizer memory and data, where the engine keeps them.

    Units are dropped in `advance` only.
    """

    def advance(self, block: Block) -> Record:
        """Do the updates of the block."""
        ...

    def state(self) -> State:
        """A copy of the state, as NumPy arrays."""
        ...

    def restore(self, state: State) -> None:
        """Go back (or on) to a state, of the run's shapes and dtype, which is copied.

        It takes about as long as copying the parameters does.
        """
        ...

    def gradient(self, l2: float = 0.0) -> tuple[float, Parameters]:
        """The loss, penalty included, and dθ of the present parameters, on all rows as one batch.

        dW1, db1, dW2 and db2 are in the places of W1, b1, W2 and b2. Rows weigh what they weigh in
        training. It changes nothing, takes bounded memory, and as little time as a full-batch
        update: it may be called again and again.
        """
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

    def depends_on(self) -> dict[str, str]:
        """What the bits depend on beside the arguments, by name: versions, CPU, threads."""
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
        """P (N, K) of X (N, d), in the parameters' dtype, in memory bounded but for X and P.

        X is rounded to the parameters' dtype, and P is computed in double and rounded to it. A sum
        of hundreds of float32 products depends on their order, which differs from one engine, one
        machine and one exported file to the next: by more than 1e-6 of P where logits are large.
        Rounded from double, P is the same for all of them, to the last digit or so. Of a sparse X,
        no weights are copied but those of the features that its rows have.
        """
        ...

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy, in bounded memory."""
        ...
