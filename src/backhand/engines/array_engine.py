"""An engine that is the equations themselves, run step by step on one array library.

The reference (NumPy) and the torch engine are this one class; they differ in how an array gets
into the library and back (`put`, `get`) and in what surrounds the computation (`computing`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand import bf16, equations
from backhand.choices import PrecisionName
from backhand.dropout import mask_of, scale, threshold, update_keys
from backhand.engines.argument_checks import (
    check_block,
    check_data,
    check_gradient,
    check_group,
    check_l2,
    check_learning,
    check_learning_rate,
    check_outputs,
    check_precision,
    check_rows,
    check_start,
    check_state,
    check_theta,
    checked_batch,
    checked_first,
    checked_optimizer,
    checked_rows,
)
from backhand.engines.batching import (
    WeightedMean,
    chunks,
    session_repr,
    total_weight,
    weight_of,
    with_class_fixed,
)
from backhand.engines.contract import (
    CROSS_ENTROPY,
    Block,
    BlockMetrics,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
    Sums,
    advance_each,
    zeros_like,
)
from backhand.engines.matrices import check_finite, dense, is_sparse
from backhand.equations import Activations, Gradients, Parameters
from backhand.optimizers import Optimizer, Slots, as_gradients, of_parameters
from backhand.support.array_namespace import array_namespace


class Passes(NamedTuple):
    """The forward and the backward pass, as of `equations`, that an engine trains with."""

    forward: Callable[..., Activations]
    backward: Callable[..., Gradients]


PASSES: dict[PrecisionName, Passes] = {
    "auto": Passes(equations.forward, equations.backward),
    "bf16": Passes(bf16.forward, bf16.backward),
}


class ArrayEngine:
    """The equations on arrays of one library."""

    name: str
    group = 1
    overhead = 0.0
    precision: PrecisionName = "auto"

    @property
    def passes(self) -> Passes:
        """The passes of its precision."""
        return PASSES[self.precision]

    def put(self, array: Any) -> Any:
        """The NumPy array in this library, and on its device."""
        raise NotImplementedError

    def get(self, array: Any) -> NDArray[Any]:
        """Return the library's array as a NumPy array."""
        raise NotImplementedError

    def put_keys(self, keys: NDArray[np.uint32]) -> Any:
        """Keys of dropout in this library, of a dtype whose products it computes."""
        raise NotImplementedError

    def put_shared(self, array: Any) -> Any:
        """As `put`, of an array that stays as it is while a session reads it."""
        return self.put(array)

    def computing(self) -> AbstractContextManager[Any]:
        """What must hold while this engine computes: number of threads, no gradient tape."""
        raise NotImplementedError

    def divided(self, parts: int) -> list[Engine]:  # noqa: ARG002
        """Return this engine alone: its library's threads are those of the whole process."""
        return [self]

    def advance_all(
        self, sessions: Sequence[Session], blocks: Sequence[Block]
    ) -> list[BlockMetrics]:
        check_group(sessions, blocks)
        return advance_each(sessions, blocks)

    def depends_on(self) -> dict[str, str]:
        raise NotImplementedError

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        """Nothing has to be done."""

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        check_learning(params, data)
        check_precision(self.precision, params, data)
        check_l2(l2)
        with self.computing():
            whole = self._data(data.at(slice(0, data.rows)))
            loss, grads = both(self.passes, self._parameters(params), whole, l2)
            return float(loss), Gradients(*map(self.get, grads))

    def start(
        self,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Data | None = None,
    ) -> ArraySession:
        return ArraySession(self, state, data, optimizer, objective, validation)

    def predictor(self, params: Parameters) -> ArrayPredictor:
        return ArrayPredictor(self, params)

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        return self.predictor(params).predict_proba(X)

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        check_learning(params, data)
        check_precision(self.precision, params, data)
        with self.computing():
            return self._evaluate(self._parameters(params), data)

    def _evaluate(self, theta: Parameters, data: Data) -> tuple[float, float]:
        mean = WeightedMean()
        for rows in chunks(theta, data.rows):
            part = data.at(rows)
            chunk = self._data(part)
            weight = total_weight(part.sample_weight, part.rows)
            mean.add(weight, *measured(self.passes, chunk, theta))
        return mean.result()

    def _parameters(self, params: Parameters) -> Parameters:
        return Parameters(*map(self.put, params))

    def _data(self, data: Data) -> Data:
        """Some rows, copied out of the data, in this library."""
        w = None if data.sample_weight is None else self.put(data.sample_weight)
        return Data(self.put(dense(data.X)), self.put(data.y), w)

    def _shared(self, data: Data) -> Data:
        """The data, which may select rows, in this library: X, y and weights as shared arrays."""
        w, numbers = data.sample_weight, data.numbers
        return Data(
            self.put_shared(data.X), self.put_shared(data.y),
            None if w is None else self.put_shared(w),
            None if numbers is None else self.put(numbers.astype(np.int64)),  # torch's indices
        )  # fmt: skip


class ArrayPredictor:
    """A network in one library's arrays, for many predictions; see `contract.Predictor`."""

    def __init__(self, engine: ArrayEngine, params: Parameters) -> None:
        check_theta(params)
        self.params, self._engine = params, engine
        with engine.computing():
            self._theta = engine._parameters(params)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        return self._forward(X, "P")

    def logits(self, X: Any) -> NDArray[Any]:
        """S (N, K) of X (N, d)."""
        return self._forward(X, "S")

    def _forward(self, X: Any, name: str) -> NDArray[Any]:
        """Return an activation of all rows."""
        params, get = self.params, self._engine.get
        check_rows(X, params.W1.shape[0])
        dtype = params.W1.dtype
        check_finite(X, dtype)
        found = np.empty((X.shape[0], params.b2.shape[0]), dtype)
        with self._engine.computing():
            for rows in chunks(params, X.shape[0]):
                theta, part = self._theta, X[rows]
                if is_sparse(part):
                    theta, part = self._of_features(part)
                part = self._engine.put(part.astype(dtype, copy=False))
                found[rows] = get(getattr(equations.forward(theta, part), name))
        check_outputs(found, params)
        return found

    def _of_features(self, X: Any) -> tuple[Parameters, Any]:
        """The parameters of the features that a sparse X has, and X with only these, dense."""
        features = np.unique(X.indices[: X.indptr[-1]])
        W1 = self._engine.put(self.params.W1[features])
        return self._theta._replace(W1=W1), dense(X[:, features])


class Tensors(NamedTuple):
    """θ and the slots of a session, as arrays of one library."""

    theta: Parameters
    slots: Slots

    def each(self, function: Callable[[Any], Any]) -> Tensors:
        """The function's value for each array."""
        theta, *slots = (Parameters(*map(function, values)) for values in (self.theta, *self.slots))
        return Tensors(theta, tuple(slots))

    def copied(self, get: Callable[[Any], NDArray[Any]]) -> Tensors:
        """Copies as NumPy arrays."""
        return self.each(lambda array: np.array(get(array)))


class ArraySession:
    """A training under way on one `ArrayEngine`."""

    def __init__(
        self,
        engine: ArrayEngine,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective,
        validation: Data | None,
    ) -> None:
        check_start(state, data, optimizer, objective, validation)
        check_precision(engine.precision, state.params, data, validation)
        self._engine = engine
        self._optimizer, self._objective = optimizer, objective
        self._like = zeros_like(state.params)
        self._hidden, self._dtype = state.params.b1.shape[0], state.params.b1.dtype
        # Sparse rows stay on the host, for a batch at a time to be made dense and put.
        self._on_host = is_sparse(data.X)
        self._source, self._data = data, data if self._on_host else engine._shared(data)
        # A batch's weights are summed on the host, where they came from: no round trip.
        self._weights, self._validation = data.weights, validation
        self._tensors: Any  # Tensors, or another record that has them
        self._load(state)

    def __repr__(self) -> str:
        return session_repr(self._engine.name, self._like, self._data.rows, self._updates)

    def state(self) -> OptimizerState:
        copied = self._tensors.copied(self._engine.get)
        return OptimizerState(copied.theta, copied.slots, self._updates)

    def parameters(self) -> Parameters:
        get = self._engine.get
        return Parameters(*(np.array(get(value)) for value in self._tensors.theta))

    def restore(self, state: OptimizerState) -> None:
        check_state(state, self._like, len(self._tensors.slots))
        self._load(state)

    def _load(self, state: OptimizerState) -> None:
        copied = Tensors(state.params, state.slots).each(np.array)
        self._tensors = copied.each(self._engine.put)
        self._updates = state.updates

    def evaluate(self, data: Data) -> tuple[float, float]:
        check_data(data, self._like.W1.shape[0], self._like.b2.shape[0])
        check_precision(self._engine.precision, self._like, data)
        with self._engine.computing():
            return self._engine._evaluate(self._tensors.theta, data)

    def gradient(self, rows: Any = None, l2: float | None = None) -> tuple[float, Parameters]:
        chosen = checked_rows(rows, self._data.rows)
        weight = weight_of(self._source, chosen)
        l2 = self._objective.l2_of(weight) if l2 is None else l2
        check_l2(l2)
        mean = WeightedMean(5)
        with self._engine.computing():
            for part in self._chunks_of(chosen):
                weight, chunk = self._batch(part, self._there(part))
                loss, grads = both(self._engine.passes, self._tensors.theta, chunk, l2)
                mean.add(weight, loss, *of_parameters(grads))
            loss, *dtheta = map(self._engine.get, mean.on_device())
        found = Parameters(*(g.astype(self._dtype) for g in dtheta))
        return float(loss), with_class_fixed(found, self._objective)

    def sums(self, rows: Any = None, first: int = 0, data: Data | None = None) -> Sums:
        data = self._source if data is None else data
        chosen = checked_batch(data, rows, self._like.W1.shape[0], self._like.b2.shape[0])
        check_precision(self._engine.precision, self._like, data)
        place, mean = checked_first(first), WeightedMean(6)
        with self._engine.computing():
            for part in self._chunks_of(chosen):
                some = data.at(part)
                if (weight := total_weight(some.sample_weight, some.rows)) > 0:
                    mean.add(weight, *self._means(self._engine._data(some), place))
                place += some.rows
            if not mean.weight:
                return Sums(Parameters(*map(np.array, self._like)), 0.0, 0.0, 0.0)
            total, hit, *dtheta = map(self._engine.get, mean.sums)
        found = Parameters(*(g.astype(self._dtype) for g in dtheta))
        # The accuracy of unweighted rows may be rounded; their number is whole.
        hits = float(hit) if data.sample_weight is not None else float(np.rint(hit))
        return Sums(with_class_fixed(found, self._objective), float(total), hits, mean.weight)

    def _means(self, batch: Data, first: int) -> tuple[Any, ...]:
        """Mean loss, accuracy and dθ of rows first, first + 1, … of the next update's batch."""
        passes, theta = self._engine.passes, self._tensors.theta
        X, y, w = batch[:3]
        X = array_namespace(X).astype(X, theta.W1.dtype, copy=False)
        mask = self._mask(batch.rows, first) if self._objective.dropout else None
        acts = passes.forward(theta, X, mask)
        loss = loss_with_penalty(theta, acts.S, y, w, 0, self._objective.loss_cap)
        dtheta = of_parameters(passes.backward(theta, X, y, acts, w, 0.0, mask))
        return loss, equations.accuracy(acts.S, y, w), *dtheta

    def _chunks_of(self, rows: Any) -> Iterator[Any]:
        """The rows in chunks: slices of a slice, arrays of an array."""
        if isinstance(rows, slice):
            for part in chunks(self._tensors.theta, rows.stop - rows.start):
                yield slice(rows.start + part.start, rows.start + part.stop)
        else:
            for part in chunks(self._tensors.theta, len(rows)):
                yield rows[part]

    def apply(self, gradient: Parameters, learning_rate: float) -> None:
        optimizer = checked_optimizer(self._optimizer)
        check_gradient(gradient, self._like)
        check_learning_rate(learning_rate)
        # A copy: the first class may be set to 0 in it, and torch may hold on to it.
        copied = with_class_fixed(Parameters(*map(np.array, gradient)), self._objective)
        with self._engine.computing():
            self._updates += 1
            theta, slots = self._tensors.theta, self._tensors.slots
            dtheta = as_gradients(self._engine._parameters(copied))
            self._tensors = Tensors(
                *optimizer.update(theta, dtheta, slots, float(learning_rate), self._updates)
            )

    def advance(self, block: Block) -> BlockMetrics:
        optimizer = checked_optimizer(self._optimizer)
        check_block(block, self._data.rows, self._validation)
        figures = []
        with self._engine.computing():
            for epoch in range(block.epochs):
                of_training = self._epoch(optimizer, block, epoch)
                figures.append((*of_training, *self._validate(block, epoch)))
                if not np.isfinite(of_training[0]):
                    break
        return BlockMetrics(*np.array(figures).T)

    def _validate(self, block: Block, epoch: int) -> tuple[float, float]:
        if self._validation is None or block.validated is None or not block.validated[epoch]:
            return math.nan, math.nan
        return self._engine._evaluate(self._tensors.theta, self._validation)

    @cached_property
    def _validation_there(self) -> Data | None:
        """The validation rows in the engine's library, where they are not sparse."""
        rows = self._validation
        return None if rows is None or is_sparse(rows.X) else self._engine._shared(rows)

    def _epoch(self, optimizer: Optimizer, block: Block, epoch: int) -> tuple[float, float]:
        order = None if block.order is None else block.order[epoch]
        rates, l2s = block.learning_rate[epoch].tolist(), block.l2[epoch].tolist()
        mean = WeightedMean()
        for (weight, batch), eta, l2 in zip(
            self._batches(block.batch_size, order), rates, l2s, strict=True
        ):
            mean.add(weight, *self._step(optimizer, batch, eta, l2))
        return mean.result()

    def _batches(self, batch_size: int, order: Any) -> Iterator[tuple[float, Data]]:
        """Return each batch, with its weight in the epoch's mean."""
        n = self._data.rows if order is None else len(order)
        there = self._there(order)
        for start in range(0, n, batch_size):
            here = slice(start, min(start + batch_size, n))
            if order is None:
                yield self._batch(here, here)
            else:
                yield self._batch(order[here], there[here])

    def _there(self, rows: Any) -> Any:
        """Return row numbers on the data's device; a slice or None is returned unchanged."""
        on_device = isinstance(rows, np.ndarray) and not self._on_host
        return self._engine.put(rows) if on_device else rows

    def _batch(self, rows: Any, there: Any) -> tuple[float, Data]:
        """Return the weight of rows, and the rows; `there` are their numbers on the device."""
        batch = self._data.at(there)
        if self._on_host:
            batch = self._engine._data(batch)
        X = array_namespace(batch.X).astype(batch.X, self._tensors.theta.W1.dtype, copy=False)
        w = None if self._weights is None else self._weights[rows]
        return total_weight(w, batch.rows), batch._replace(X=X)

    def _step(
        self, optimizer: Optimizer, batch: Data, learning_rate: float, l2: float
    ) -> tuple[Any, Any]:
        """One update; loss and accuracy from the forward pass that it began with."""
        mask = self._mask(batch.rows) if self._objective.dropout else None
        self._updates += 1
        self._tensors, loss, accuracy = updated(
            self._engine.passes, optimizer, self._objective, self._tensors, batch,
            learning_rate, l2, self._updates, mask,
        )  # fmt: skip
        return loss, accuracy

    def _mask(self, rows: int, first: int = 0) -> Any:
        """M (rows, H) of the next update, for the rows of its batch from `first` on."""
        p, seed = self._objective.dropout, self._objective.dropout_seed
        key = self._engine.put_keys(update_keys(seed, np.array([self._updates + 1])))
        dtype = self._tensors.theta.W1.dtype
        return mask_of(key, rows, self._hidden, threshold(p), scale(p), dtype, first)


def updated(
    passes: Passes,
    optimizer: Optimizer,
    objective: Objective,
    tensors: Tensors,
    batch: Data,
    learning_rate: Any,
    l2: Any,
    t: Any,
    mask: Any,
) -> tuple[Tensors, Any, Any]:
    """One update, number t: the new tensors, and the loss and accuracy that it began with.

    Of the objective it reads `loss_cap` and `first_class_fixed`.
    """
    X, y, w = batch[:3]
    theta, slots = tensors.theta, tensors.slots
    acts = passes.forward(theta, X, mask)
    loss = loss_with_penalty(theta, acts.S, y, w, l2, objective.loss_cap)
    accuracy = equations.accuracy(acts.S, y, w)
    grads = passes.backward(theta, X, y, acts, w, l2, mask)
    dtheta = with_class_fixed(of_parameters(grads), objective)
    found = Tensors(*optimizer.update(theta, as_gradients(dtheta), slots, learning_rate, t))
    return found, loss, accuracy


def measured(passes: Passes, rows: Data, theta: Parameters) -> tuple[Any, Any]:
    """Mean loss, without penalty, and accuracy."""
    X, y, w = rows[:3]
    S = passes.forward(theta, X).S
    return equations.cross_entropy(S, y, w), equations.accuracy(S, y, w)


def both(passes: Passes, theta: Parameters, batch: Data, l2: float) -> tuple[Any, Gradients]:
    """Return the training loss and all its gradients."""
    X, y, w = batch[:3]
    acts = passes.forward(theta, X)
    loss = loss_with_penalty(theta, acts.S, y, w, l2)
    return loss, passes.backward(theta, X, y, acts, w, l2)


def loss_with_penalty(
    theta: Parameters, S: Any, y: Any, w: Any, l2: Any, loss_cap: float = math.inf
) -> Any:
    """Return the training loss: cross-entropy plus the penalty, if λ is not the number 0.

    One row's cross-entropy counts at most `loss_cap`; nan stays nan.
    """
    xp = array_namespace(S)
    losses = equations.row_losses(S, y)
    if loss_cap < math.inf:
        losses = xp.minimum(losses, loss_cap)
    loss = xp.sum(equations.mean_weights(S, w) * losses)
    unpenalised = isinstance(l2, Real) and not l2
    return loss if unpenalised else loss + equations.penalty(theta, l2)
