"""An engine that is the equations themselves, run step by step on one array library.

The reference (NumPy) and the torch engine are this one class; they differ in how an array gets
into the library and back (`put`, `get`) and in what surrounds the computation (`computing`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand import equations
from backhand.dropout import dropout_mask
from backhand.engines.argument_checks import (
    check_block,
    check_data,
    check_l2,
    check_learning,
    check_prediction,
    check_state,
    stand_in,
)
from backhand.engines.contract import Block, Data, Record, State, dense, is_sparse
from backhand.equations import Gradients, Parameters
from backhand.optimizers import Optimizer, of_parameters
from backhand.support.array_namespace import array_namespace

CHUNK_BYTES = 2**25
"""Working memory for rows that are only looked at (prediction, validation), about."""


class ArrayEngine:
    """The equations on arrays of one library."""

    name: str

    def put(self, array: Any) -> Any:
        """The NumPy array in this library, and on its device."""
        raise NotImplementedError

    def get(self, array: Any) -> NDArray[Any]:
        """The library's array as a NumPy array."""
        raise NotImplementedError

    def computing(self) -> AbstractContextManager[Any]:
        """What must hold while this engine computes: number of threads, no gradient tape."""
        raise NotImplementedError

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        """Nothing has to be done."""

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        check_learning(params, data)
        check_l2(l2)
        with self.computing():
            loss, grads = both(self._parameters(params), self._data(data), l2)
            return float(loss), Gradients(*map(self.get, grads))

    def start(self, params: Parameters, data: Data, optimizer: Optimizer) -> ArrayRun:
        return ArrayRun(self, params, data, optimizer)

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        return self._forward(params, X, "P")

    def logits(self, params: Parameters, X: Any) -> NDArray[Any]:
        """S (N, K) of X (N, d), computed and rounded as P is."""
        return self._forward(params, X, "S")

    def _forward(self, params: Parameters, X: Any, name: str) -> NDArray[Any]:
        """That activation of all rows, computed in double and rounded to the parameters' dtype."""
        check_prediction(params, X)
        K, dtype = params.b2.shape[0], params.W1.dtype
        found = np.empty((X.shape[0], K), dtype)
        with self.computing():
            W1, b1, W2, b2 = params
            whole = None if is_sparse(X) else self._double(W1)
            others = [self._double(value) for value in (b1, W2, b2)]
            for rows in chunks(params, X.shape[0]):
                part, weights = X[rows], whole
                if weights is None:  # of a sparse X, the features that these rows have
                    features = np.unique(part.indices[: part.indptr[-1]])
                    part, weights = part[:, features], self._double(W1[features])
                theta = Parameters(weights, *others)
                acts = equations.forward(theta, self._double(dense(part), dtype))
                found[rows] = self.get(getattr(acts, name))
        return found

    def _double(self, array: Any, dtype: Any = None) -> Any:
        """The array in this library, in double; with a dtype, rounded to that before."""
        rounded = array if dtype is None else array.astype(dtype, copy=False)
        return self.put(rounded.astype(np.float64, copy=False))

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        check_learning(params, data)
        with self.computing():
            return self._evaluate(self._parameters(params), data)

    def _evaluate(self, theta: Parameters, data: Data) -> tuple[float, float]:
        mean = WeightedMean()
        for rows in chunks(theta, data.rows):
            part = data.at(rows)
            chunk = self._data(part)
            S = equations.forward(theta, chunk.X).S
            mean.add(
                total_weight(part.sample_weight, part.rows),
                equations.cross_entropy(S, chunk.y, chunk.sample_weight),
                equations.accuracy(S, chunk.y, chunk.sample_weight),
            )
        return mean.result()

    def _parameters(self, params: Parameters) -> Parameters:
        return Parameters(*map(self.put, params))

    def _data(self, data: Data) -> Data:
        w = None if data.sample_weight is None else self.put(data.sample_weight)
        return Data(self.put(dense(data.X)), self.put(data.y), w)


class ArrayRun:
    """Training in progress on one `ArrayEngine`."""

    def __init__(
        self, engine: ArrayEngine, params: Parameters, data: Data, optimizer: Optimizer
    ) -> None:
        check_learning(params, data, optimizer)
        zeros = Parameters(*(np.zeros_like(value) for value in params))
        self._engine = engine
        self._optimizer = optimizer
        self._like = stand_in(params)
        self._hidden, self._dtype = params.b1.shape[0], params.b1.dtype
        # Sparse rows stay on the host, for a batch at a time to be made dense and put.
        self._on_host = is_sparse(data.X)
        self._data = data if self._on_host else engine._data(data)
        # A batch's weights are summed on the host, where they came from: no round trip.
        self._weights = data.sample_weight
        self.restore(State(params, (zeros,) * optimizer.slots, 0))

    def state(self) -> State:
        def copy(value: Any) -> NDArray[Any]:
            return np.array(self._engine.get(value))

        slots = tuple(Parameters(*map(copy, slot)) for slot in self._slots)
        return State(Parameters(*map(copy, self._theta)), slots, self._updates)

    def restore(self, state: State) -> None:
        check_state(state, self._like, self._optimizer.slots)

        def put(values: Parameters) -> Parameters:
            return self._engine._parameters(Parameters(*map(np.array, values)))

        self._theta = put(state.params)
        self._slots = tuple(put(slot) for slot in state.slots)
        self._updates = state.updates

    def evaluate(self, data: Data) -> tuple[float, float]:
        check_data(data, self._like.W1.shape[0], self._like.b2.shape[0])
        with self._engine.computing():
            return self._engine._evaluate(self._theta, data)

    def gradient(self, l2: float = 0.0) -> tuple[float, Parameters]:
        check_l2(l2)
        mean = WeightedMean(5)
        with self._engine.computing():
            for rows in chunks(self._theta, self._data.rows):
                weight, chunk = self._batch(rows, rows)
                loss, grads = both(self._theta, chunk, l2)
                mean.add(weight, loss, *of_parameters(grads))
            loss, *dtheta = map(self._engine.get, mean.on_device())
        return float(loss), Parameters(*(g.astype(self._dtype) for g in dtheta))

    def advance(self, block: Block) -> Record:
        check_block(block, self._data.rows)
        records = []
        with self._engine.computing():
            for epoch in range(block.epochs):
                records.append(self._epoch(block, epoch))
                if not np.isfinite(records[-1][0]):
                    break
        loss, accuracy = zip(*records, strict=True)
        return Record(np.array(loss), np.array(accuracy))

    def _epoch(self, block: Block, epoch: int) -> tuple[float, float]:
        order = None if block.order is None else block.order[epoch]
        rates, l2s = block.learning_rate[epoch].tolist(), block.l2[epoch].tolist()
        mean = WeightedMean()
        for (weight, batch), eta, l2 in zip(
            self._batches(block.batch_size, order), rates, l2s, strict=True
        ):
            mean.add(weight, *self._update(batch, eta, l2, block))
        return mean.result()

    def _batches(self, batch_size: int, order: Any) -> Iterator[tuple[float, Data]]:
        """Each batch, with what it weighs in the epoch's mean."""
        n = self._data.rows if order is None else len(order)
        there = order if order is None or self._on_host else self._engine.put(order)
        for start in range(0, n, batch_size):
            here = slice(start, min(start + batch_size, n))
            if order is None:
                yield self._batch(here, here)
            else:
                yield self._batch(order[here], there[here])

    def _batch(self, rows: Any, there: Any) -> tuple[float, Data]:
        """Those rows and what they weigh; `there` are the same, where the data are."""
        batch = self._data.at(there)
        if self._on_host:
            batch = self._engine._data(batch)
        X = array_namespace(batch.X).astype(batch.X, self._theta.W1.dtype, copy=False)
        w = None if self._weights is None else self._weights[rows]
        return total_weight(w, batch.rows), batch._replace(X=X)

    def _update(
        self, batch: Data, learning_rate: float, l2: float, block: Block
    ) -> tuple[Any, Any]:
        """One update; loss and accuracy from the forward pass that it began with."""
        X, y, w = batch
        self._updates += 1
        mask = self._mask(batch.rows, block) if block.dropout else None
        acts = equations.forward(self._theta, X, mask)
        loss = objective(self._theta, acts.S, y, w, l2, block.most_loss)
        accuracy = equations.accuracy(acts.S, y, w)
        grads = equations.backward(self._theta, X, y, acts, w, l2, mask)
        if block.first_class_held:
            grads.dW2[:, 0], grads.db2[0] = 0, 0
        self._theta, self._slots = self._optimizer.update(
            self._theta, grads, self._slots, learning_rate, self._updates
        )
        return loss, accuracy

    def _mask(self, rows: int, block: Block) -> Any:
        """M of the update that is being done."""
        return self._engine.put(
            dropout_mask(block.dropout_seed, self._updates, rows, self._hidden, block.dropout,
                         self._dtype)
        )  # fmt: skip


class WeightedMean:
    """Mean by weight of figures such as (loss, accuracy), each a number or an array, in float64.

    The figures may stay on a device until the result is asked for: nothing waits for it before.
    """

    def __init__(self, figures: int = 2) -> None:
        self._weight = 0.0
        self._sums: list[Any] = [0.0] * figures

    def add(self, weight: float, *figures: Any) -> None:
        self._weight += weight
        for i, figure in enumerate(figures):
            xp = array_namespace(figure)
            self._sums[i] = self._sums[i] + weight * xp.astype(figure, xp.float64)

    def result(self) -> tuple[float, float]:
        """Of two numbers."""
        loss, accuracy = (float(total) / self._weight for total in self._sums)
        return loss, accuracy

    def on_device(self) -> list[Any]:
        """Of all figures, where they are."""
        return [total / self._weight for total in self._sums]


def both(theta: Parameters, batch: Data, l2: float) -> tuple[Any, Gradients]:
    """The loss that is trained on, and all its gradients."""
    X, y, w = batch
    acts = equations.forward(theta, X)
    loss = objective(theta, acts.S, y, w, l2)
    return loss, equations.backward(theta, X, y, acts, w, l2)


def objective(
    theta: Parameters, S: Any, y: Any, w: Any, l2: float, most_loss: float = math.inf
) -> Any:
    """The loss that is trained on: cross-entropy plus, where there is one, the penalty.

    One row's cross-entropy counts at most `most_loss`; nan stays nan.
    """
    xp = array_namespace(S)
    losses = equations.row_losses(S, y)
    if most_loss < math.inf:
        losses = xp.minimum(losses, most_loss)
    loss = xp.sum(equations.mean_weights(S, w) * losses)
    return loss + equations.penalty(theta, l2) if l2 else loss


def total_weight(w: NDArray[Any] | None, rows: int) -> float:
    """Σw of a batch, summed in float64: its rows, where there are no weights."""
    return float(rows) if w is None else float(np.sum(w, dtype=np.float64))


def chunks(params: Parameters, N: int) -> Iterator[slice]:
    """Cuts 0..N so that a chunk's X and activations stay within `CHUNK_BYTES`, about."""
    d, H, K = params.W1.shape[0], params.W1.shape[1], params.W2.shape[1]
    rows = max(1, CHUNK_BYTES // (8 * (d + 2 * H + 3 * K)))
    for start in range(0, N, rows):
        yield slice(start, min(start + rows, N))
