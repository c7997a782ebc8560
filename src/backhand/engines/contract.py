"""The contract of an engine, whatever computes underneath.

An engine returns the loss with all gradients, predicts in bounded memory, and trains: `start` puts
parameters and rows where it computes and returns a `Session`, whose `advance` does a whole block of
updates in one call. Everything that crosses this border is a NumPy array, and is checked in one
place (`argument_checks.py`). Every method is deterministic: the same call returns the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from backhand.choices import PrecisionName
from backhand.engines.matrices import check_finite, is_sparse
from backhand.equations import Gradients, Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer, Slots


class Data(NamedTuple):
    """Rows to learn from or to evaluate on.

    Attributes
    ----------
    X : ndarray of shape (N, d), or scipy.sparse CSR matrix or array
        Features, of any real dtype; a memory-mapped array is read as it is. Each batch is converted
        to the parameters' dtype when it is loaded. (An engine may copy an X whole whose rows are
        not contiguous, such as one in Fortran order.) A sparse X has float32 or float64 numbers and
        indices of 32 or 64 bits, in any order; entries at one position add up. At most one batch of
        it is made dense at a time. As long as a session uses them, X, y and sample_weight must not
        change: sessions share them, on a device too.
    y : ndarray of shape (N,)
        Class indices 0..K-1, int64.
    sample_weight : ndarray of shape (N,), optional
        Weights of the rows; None: each counts 1.
    numbers : ndarray of shape (n,), optional
        The numbers of the rows that these data have, int32 or int64, each 0..N-1, in any order and
        perhaps more than once; None: all N. `select` makes them. Whatever counts or orders rows
        (a batch, a permutation) counts them from 0 to n-1, and `places` says where they are.

    Examples
    --------
    >>> import numpy as np
    >>> data = Data(np.eye(3), np.array([0, 1, 1]))
    >>> data.rows, data.at(slice(1, 3)).y.tolist()
    (3, [1, 1])
    """

    X: Any
    y: NDArray[np.int64]
    sample_weight: NDArray[Any] | None = None
    numbers: NDArray[np.integer] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are: N, or n."""
        return int(self.X.shape[0] if self.numbers is None else self.numbers.shape[0])

    @property
    def row_bytes(self) -> int:
        """Size of a row of X in bytes, on average if it is sparse."""
        X = self.X
        if is_sparse(X):
            entries = int(np.diff(X.indptr)[self.places(slice(None))].sum())
            return 1 + int((X.data.itemsize + X.indices.itemsize) * entries // self.rows)
        return int(X.shape[1] * X.itemsize)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The labels, y, of these rows."""
        return self.y if self.numbers is None else self.y[self.numbers]

    @property
    def weights(self) -> NDArray[Any] | None:
        """The weights, sample_weight, of these rows, if there are any."""
        w = self.sample_weight
        return w if w is None or self.numbers is None else w[self.numbers]

    def places(self, rows: Any) -> Any:
        """Where some of these rows are in X, y and sample_weight: a slice, indices or a mask."""
        return rows if self.numbers is None else self.numbers[rows]

    def at(self, rows: Any) -> Data:
        """A slice of these rows, or some by their indices or a mask: of each array."""
        there = self.places(rows)
        w = None if self.sample_weight is None else self.sample_weight[there]
        return Data(self.X[there], self.y[there], w)

    def digest_of_X(self, digest: Callable[..., str]) -> str:
        """A digest of X of all N rows; `digest` is one of arrays."""
        X = self.X
        return digest(X.data, X.indices, X.indptr) if is_sparse(X) else digest(X)

    def check_finite(self, dtype: Any, first: int = 0) -> None:
        """Check that X of these rows is finite in that dtype; errors count rows from `first`.

        Raises
        ------
        InputError
            If it is not; the message names the first entry that is not.
        """
        check_finite(self.X, dtype, self.numbers, first)

    def select(self, rows: Any) -> Data:
        """Some of these rows, as data that share X, y and sample_weight: nothing is copied.

        To train on the selected rows is to train on a copy of them: the bits are the same.

        Parameters
        ----------
        rows : slice or ndarray of shape (n,)
            A slice of the rows, a mask, or their numbers, in any order.

        Returns
        -------
        Data
            It takes four bytes per row (eight if N is 2**31 or more).

        Raises
        ------
        InputError
            If there are no such rows.

        Examples
        --------
        >>> import numpy as np
        >>> data = Data(np.eye(5), np.array([0, 1, 1, 0, 2]))
        >>> fold = data.select(np.array([4, 1, 2]))
        >>> fold.rows, fold.labels.tolist(), fold.X is data.X
        (3, [2, 1, 1], True)
        >>> fold.select(fold.labels == 1).numbers.tolist()
        [1, 2]
        """
        try:
            numbers = _numbers(self.numbers, self.rows, rows)
        except (IndexError, TypeError, ValueError) as error:
            raise InputError(f"these are not some of {self.rows} rows: {error}.") from error
        if numbers.ndim != 1 or not len(numbers):
            raise InputError(
                f"the selection of rows is {numbers.shape}; expected one row or more, (n,)."
            )
        return self._replace(numbers=numbers)


def _numbers(all_rows: NDArray[np.integer] | None, N: int, rows: Any) -> NDArray[np.integer]:
    """The numbers of some of N rows, as a copy: a slice would keep those of all."""
    dtype = np.dtype(np.int32 if N < 2**31 else np.int64)
    whole = all_rows is None and isinstance(rows, np.ndarray) and rows.dtype == dtype
    if whole and len(rows) and rows.min() >= 0 and rows.max() < N:
        found: NDArray[np.integer] = rows.copy()
        return found
    return np.array((np.arange(N, dtype=dtype) if all_rows is None else all_rows)[rows])


class Rows(Protocol):
    """What plans, samplers, checkpoints and splits need to know of rows, wherever their X is.

    `Data` has X in this process. An engine whose rows are elsewhere has another class for them,
    which it takes in the place of `Data`.
    """

    @property
    def X(self) -> Any:
        """X of all N rows, or what has its shape and dtype."""
        ...

    @property
    def y(self) -> NDArray[np.integer]:
        """Labels of all N rows."""
        ...

    @property
    def sample_weight(self) -> NDArray[Any] | None:
        """Weights of all N rows, if there are any."""
        ...

    @property
    def numbers(self) -> NDArray[np.integer] | None:
        """The numbers of the rows that are selected; None: all."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are: N, or those that are selected."""
        ...

    @property
    def row_bytes(self) -> int:
        """Size of a row of X in bytes, on average."""
        ...

    @property
    def labels(self) -> NDArray[np.integer]:
        """Labels of these rows."""
        ...

    @property
    def weights(self) -> NDArray[Any] | None:
        """Weights of these rows, if there are any."""
        ...

    def at(self, rows: Any) -> Data:
        """A slice of these rows, or some by their indices or a mask, in this process."""
        ...

    def select(self, rows: Any) -> Rows:
        """Some of these rows, without a copy."""
        ...

    def digest_of_X(self, digest: Callable[..., str]) -> str:
        """A digest of X of all rows; `digest` is one of arrays."""
        ...

    def check_finite(self, dtype: Any) -> None:
        """Raise InputError if X of these rows is not finite in that dtype."""
        ...


@dataclass(frozen=True)
class Objective:
    """What is minimised, without what changes during training: the penalty, dropout, caps.

    Attributes
    ----------
    l2 : float
        λ of the penalty λ/2 (‖W1‖² + ‖W2‖²).
    alpha : float
        scikit-learn's form of the penalty: adds alpha / Σw to λ, Σw being what the batch weighs.
    dropout : float
        Share p of the hidden units, in [0, 1), that is dropped for each row of each batch: update
        t computes with `dropout_mask(dropout_seed, t, rows of the batch, H, p)`, t being the number
        of updates that the session has done before it, plus 1.
    dropout_seed : int
    loss_cap : float
        In `BlockMetrics`, one row's cross-entropy counts at most this; gradients are of the true
        loss. scikit-learn keeps probabilities above the ε of their dtype in the loss that it
        reports, which is loss_cap = -log ε.
    first_class_fixed : bool
        Leave W2[:, 0] and b2[0] as they are. Of two classes only the difference of the logits
        matters, for which the weights of one are enough; scikit-learn has no others.

    Examples
    --------
    >>> Objective(l2=0.01, alpha=1.0).l2_of(50.0)
    0.03
    """

    l2: float = 0.0
    alpha: float = 0.0
    dropout: float = 0.0
    dropout_seed: int = 0
    loss_cap: float = math.inf
    first_class_fixed: bool = False

    def l2_of(self, weights: Any) -> Any:
        """Return λ of a batch with this sum of weights, or of each of several; l2 where it is 0.

        Parameters
        ----------
        weights : float or array_like
            Σw of each batch.
        """
        if isinstance(weights, int | float):
            return self.l2 + (self.alpha / weights if weights > 0 else 0.0)
        sums = np.asarray(weights, np.float64)
        share = np.divide(self.alpha, sums, out=np.zeros_like(sums), where=sums > 0)
        return self.l2 + share if share.ndim else float(self.l2 + share)


CROSS_ENTROPY = Objective()
"""The mean cross-entropy alone."""


@dataclass(frozen=True)
class Block:
    """E epochs of B = ⌈n / batch_size⌉ updates each; the last batch of an epoch may be short.

    An epoch here visits n rows, which are all N, or those in `order`: a long epoch of training is
    done in several blocks of one short one.

    Attributes
    ----------
    batch_size : int
        Rows per batch, 1..n.
    learning_rate : ndarray of shape (E, B)
        η of each update, float64.
    l2 : ndarray of shape (E, B)
        λ of each update, float64.
    order : ndarray of shape (E, n), optional
        The rows that each epoch visits, in their order, int64; None: all rows as they are stored.
    validated : ndarray of shape (E,), optional
        After which of the epochs the session's validation rows are measured, bool; None: after
        none.

    Examples
    --------
    >>> import numpy as np
    >>> block = Block(32, np.full((5, 4), 0.1), np.zeros((5, 4)))
    >>> block.epochs
    5
    """

    batch_size: int
    learning_rate: NDArray[np.float64]
    l2: NDArray[np.float64]
    order: NDArray[np.int64] | None = None
    validated: NDArray[np.bool_] | None = None

    @property
    def epochs(self) -> int:
        """E."""
        return int(self.learning_rate.shape[0])


class BlockMetrics(NamedTuple):
    """Loss (penalty included) and accuracy of each epoch of a block.

    Each batch is measured by the forward pass of its own update, so before that update, and with
    dropout on the units that the mask leaves; an epoch's figure is the mean over its rows, weighted
    as in the loss. No row's loss counts more than `Objective.loss_cap`. An engine ends a block
    after the first epoch whose loss is not finite: the arrays are then shorter.

    Attributes
    ----------
    loss, accuracy : ndarray of shape (E,)
        float64.
    validation_loss, validation_accuracy : ndarray of shape (E,)
        Those of the validation rows after the epoch, without penalty, dropout and loss cap; nan
        where the block does not ask for them. float64.
    """

    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    validation_accuracy: NDArray[np.float64]


class Sums(NamedTuple):
    """Sums over some rows, from which means over these and other rows are made.

    The gradient of the mean loss over all of them is Σ gradient / Σ weight + λθ, their mean loss
    Σ loss / Σ weight, and their accuracy Σ hits / Σ weight.

    Attributes
    ----------
    gradient : Parameters
        Σ w ∂ℓ/∂θ, in the parameters' dtype, without a penalty.
    loss, hits, weight : float
        Σ w ℓ, Σ w over the rows that are classified correctly, and Σ w, summed in float64. No row's
        ℓ counts more than `Objective.loss_cap`.
    """

    gradient: Parameters
    loss: float
    hits: float
    weight: float


class OptimizerState(NamedTuple):
    """Parameters, the optimizer's memory and the number of updates: what a session resumes from.

    Attributes
    ----------
    params : Parameters
    slots : tuple of Parameters
        The optimizer's moments: none (sgd), v (momentum, nesterov), or m and v (adam).
    updates : int
        Updates done.
    """

    params: Parameters
    slots: Slots
    updates: int

    @classmethod
    def initial(cls, params: Parameters, optimizer: Optimizer | None) -> OptimizerState:
        """The state before the first update: these parameters, and slots of zeros.

        The zeros are read-only and take no memory; an engine copies what it starts from.
        """
        slots = 0 if optimizer is None else optimizer.slots
        return cls(params, (zeros_like(params),) * slots if slots else (), 0)


def zeros_like(params: Parameters) -> Parameters:
    """Zeros of the same shapes and dtypes, read-only, which take no memory."""
    return Parameters(*(
        np.ndarray(v.shape, v.dtype, bytes(v.itemsize), strides=(0,) * v.ndim) for v in params
    ))  # fmt: skip


def are_zeros(values: Parameters) -> bool:
    """Return whether these are the zeros of `zeros_like`, without reading them all."""
    return all(not any(v.strides) and not v.flat[0] for v in values)


class Session(Protocol):
    """A training under way: parameters, the optimizer's memory and rows, where the engine computes.

    Units are dropped in `advance` and `sums` only.
    """

    def advance(self, block: Block) -> BlockMetrics:
        """Do the block's updates, and measure the validation rows after the epochs that it names.

        Raises
        ------
        InputError
            If the block does not fit the rows, if it names epochs and the session has no validation
            rows, or if the session has no optimizer.
        """
        ...

    def state(self) -> OptimizerState:
        """A copy of the state, as NumPy arrays."""
        ...

    def parameters(self) -> Parameters:
        """A copy of the present parameters, as NumPy arrays: `state().params`, without the rest."""
        ...

    def restore(self, state: OptimizerState) -> None:
        """Continue from a state of the session's shapes and dtype, which is copied.

        The cost is about that of copying the parameters.
        """
        ...

    def gradient(self, rows: Any = None, l2: float | None = None) -> tuple[float, Parameters]:
        """The loss, penalty included, and dθ at the present parameters, of these rows as one batch.

        It changes nothing, uses bounded memory, and takes no longer than an update on these rows.
        No hidden unit is dropped: dropout belongs to `advance` and `sums`. Without dropout and loss
        cap it is `sums(rows)` divided by Σw, plus the penalty, to rounding.

        Parameters
        ----------
        rows : slice or ndarray of shape (n,), optional
            Which rows, as a slice or as row numbers; None: all.
        l2 : float, optional
            λ; None: the objective's, for what these rows weigh.

        Returns
        -------
        loss : float
        gradient : Parameters
            dW1, db1, dW2 and db2 as W1, b1, W2 and b2; where the objective fixes the
            first class, dW2[:, 0] and db2[0] are 0.

        Raises
        ------
        InputError
            If there are no such rows, or if they all weigh 0.
        """
        ...

    def sums(self, rows: Any = None, first: int = 0, data: Data | None = None) -> Sums:
        """The sums, at the present parameters, that some rows add to a batch of the next update.

        It changes nothing. The sums of several sets of rows add up to those of all of them as one
        batch, to rounding; with the division by Σw, the penalty and `apply` they are an update that
        `advance` does with that batch, to rounding. This is what data-parallel training needs.

        Parameters
        ----------
        rows : slice or ndarray of shape (n,), optional
            Which rows, as a slice or as row numbers; None: all.
        first : int
            The position of the first of them in the batch: with dropout, its row i has the units
            that the next update drops for row first + i of its batch.
        data : Data, optional
            Rows of which `rows` are some; None: the session's own. Several calls may name the same.

        Returns
        -------
        Sums
            All zeros if the rows all weigh 0.

        Raises
        ------
        InputError
            If there are no such rows, if labels or weights of theirs are not valid, or if `first`
            is not an integer of 0 or more.
        """
        ...

    def apply(self, gradient: Parameters, learning_rate: float) -> None:
        """Do one update of the optimizer with a given gradient, penalty included.

        The update is counted, like those of `advance`; after `gradient()` of all rows it is the
        update that `advance` does with all rows as one batch, to rounding.

        Parameters
        ----------
        gradient : Parameters
            dθ, in the form that `gradient` returns.
        learning_rate : float
            η.

        Raises
        ------
        InputError
            If the gradient is not of the parameters' shapes and dtype, or if the session has no
            optimizer.
        """
        ...

    def evaluate(self, data: Data) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy of the present parameters on other rows."""
        ...


def advance_each(sessions: Sequence[Session], blocks: Sequence[Block]) -> list[BlockMetrics]:
    """Advance sessions one after the other: `Engine.advance_all` of an engine without a better."""
    return [session.advance(block) for session, block in zip(sessions, blocks, strict=True)]


class Predictor(Protocol):
    """A network ready for predictions by an engine: for many calls, also from several threads.

    Attributes
    ----------
    params : Parameters
        As they were given. The arrays must not change while the predictor is in use, since an
        engine may have copied them to a device. (On the CPU, Backhand's engines read plain arrays
        in place, so a change takes effect at once.)
    """

    params: Parameters

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """P (N, K) of X (N, d), in bounded memory apart from X and P.

        X is rounded to the parameters' dtype, and P is computed in it. By the fused engine, P of a
        row has the same bits alone or among other rows, dense or sparse (with sorted indices), and
        with any number of threads. Engines and exported files sum in different orders: they agree
        to rounding, and labels differ only where two probabilities are equal to rounding. Of a
        sparse X, only the weights of features that its rows have are read.

        Raises
        ------
        InputError
            If X is not an array of finite numbers, (N, d), or such a sparse matrix in CSR form; or
            if its numbers are so large that the logits overflow.
        """
        ...


class Engine(Protocol):
    """The two-layer MLP's training and prediction on one kind of hardware or library."""

    name: str

    group: int
    """Maximum number of sessions that `advance_all` advances with gain; 1 where there is none."""

    overhead: float
    """Seconds that a call of `advance_all` takes beside its updates, such as to send states, or 0.
    Blocks are so long that this is a small share of them.
    """

    precision: PrecisionName
    """What the products of training are computed from: "auto", numbers of the parameters' dtype,
    or "bf16", numbers rounded to bfloat16 (see `backhand.bf16`). In bf16 an engine trains and
    evaluates float32 parameters on dense rows only.
    """

    def divided(self, parts: int) -> list[Engine]:
        """Return engines that may compute at the same time, each in a thread of its own.

        They share this engine's threads, and each computes what this engine does, to the bit. They
        are at most `parts`, and one where the engine has no threads to share, or where its bits
        depend on their number.
        """
        ...

    def advance_all(
        self, sessions: Sequence[Session], blocks: Sequence[Block]
    ) -> list[BlockMetrics]:
        """Advance each of several sessions of this engine by its block, and return what each would.

        The sessions, and their blocks, may differ in everything. A caller passes at most `group`
        sessions. With a `group` of 1 (reference, fused) they are advanced one after the other, and
        the bits of each are those that it has alone. With a larger one (torch) those that are alike
        (one X and y, equal shapes and update rules, as many rows and batches) may be advanced in
        one computation: what one has is then what it has alone to rounding, and its bits depend on
        which others are advanced with it; the same call returns the same bits.

        Raises
        ------
        InputError
            If there is not one block for each session, a session is given twice, or a block does
            not fit.
        """
        ...

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        """Do what has to be done once before computing in that dtype, such as compiling.

        It is done when needed in any case. If it takes seconds, `notify` is called with a short
        description of it.
        """
        ...

    def depends_on(self) -> dict[str, str]:
        """Return what the bits depend on besides the arguments, by name: versions, CPU, threads."""
        ...

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        """The loss, penalty included, and all seven gradients, of all rows as one batch."""
        ...

    def start(
        self,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Data | None = None,
    ) -> Session:
        """Begin or continue training from a state (copied, never changed) on these rows.

        Parameters
        ----------
        state : OptimizerState
            `OptimizerState.initial(params, optimizer)`, or that of another session.
        data : Data
            Rows to learn from.
        optimizer : Optimizer or None
            None for a session that only computes gradients and evaluates, as L-BFGS needs it.
        objective : Objective
        validation : Data or None
            Rows that `advance` measures where a block says so.
        """
        ...

    def predictor(self, params: Parameters) -> Predictor:
        """Return a `Predictor` of these parameters, which prepares once what each call needs.

        Raises
        ------
        InputError
            If the parameters do not fit together.
        """
        ...

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        """P (N, K) of X (N, d): `predictor(params).predict_proba(X)`."""
        ...

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        """Mean loss (without penalty) and accuracy, in bounded memory."""
        ...
