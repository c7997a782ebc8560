"""An engine that is the equations themselves, run step by step on one array library.

The reference (NumPy) and the torch engine are this one class; they differ in how an array gets
into the library and back (`put`, `get`) and in what surrounds the computation (`computing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand import equations
from backhand.engines.contract import Block, Data, Record, State
from backhand.equations import Gradients, Parameters
from backhand.namespaces import array_namespace
from backhand.optimizers import Optimizer

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
        with self.computing():
            theta = self._parameters(params)
            batch = self._data(data)
            acts = equations.forward(theta, batch.X)
            loss = objective(theta, acts.S, batch.y, batch.sample_weight, l2)
            grads = equations.backward(theta, *batch[:2], acts, batch.sample_weight, l2)
            return float(loss), Gradients(*map(self.get, grads))

    def start(self, params: Parameters, data: Data, optimizer: Optimizer) -> ArrayRun:
        return ArrayRun(self, params, data, optimizer)

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        with self.computing():
            theta = self._parameters(params)
            P = np.empty((X.shape[0], params.b2.shape[0]), params.b2.dtype)
            for rows in chunks(params, X.shape[0]):
                P[rows] = self.get(equations.forward(theta, self.put(X[rows])).P)
            return P

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
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
        return Data(self.put(data.X), self.put(data.y), w)


class ArrayRun:
    """Training in progress on one `ArrayEngine`."""

    def __init__(
        self, engine: ArrayEngine, params: Parameters, data: Data, optimizer: Optimizer
    ) -> None:
        zeros = Parameters(*(np.zeros_like(value) for value in params))
        self._engine = engine
        self._optimizer = optimizer
        self._data = engine._data(data)
        # A batch's weights are summed on the host, where they came from: no round trip.
        self._weights = data.sample_weight
        self.restore(State(params, (zeros,) * optimizer.slots, 0))

    def state(self) -> State:
        def copy(value: Any) -> NDArray[Any]:
            return np.array(self._engine.get(value))

        slots = tuple(Parameters(*map(copy, slot)) for slot in self._slots)
        return State(Parameters(*map(copy, self._theta)), slots, self._updates)

    def restore(self, state: State) -> None:
        put = self._engine._parameters
        self._theta = put(state.params)
        self._slots = tuple(put(slot) for slot in state.slots)
        self._updates = state.updates

    def evaluate(self, data: Data) -> tuple[float, float]:
        with self._engine.computing():
            return self._engine._evaluate(self._theta, data)

    def advance(self, block: Block) -> Record:
        records = []
        with self._engine.computing():
            for epoch in range(block.epochs):
                order = None if block.order is None else block.order[epoch]
                rates, l2s = block.learning_rate[epoch].tolist(), block.l2[epoch].tolist()
                records.append(self._epoch(block.batch_size, order, rates, l2s))
                if not np.isfinite(records[-1][0]):
                    break
        loss, accuracy = zip(*records, strict=True)
        return Record(np.array(loss), np.array(accuracy))

    def _epoch(
        self, batch_size: int, order: Any, rates: list[float], l2s: list[float]
    ) -> tuple[float, float]:
        mean = WeightedMean()
        for (weight, batch), eta, l2 in zip(
            self._batches(batch_size, order), rates, l2s, strict=True
        ):
            mean.add(weight, *self._update(batch, eta, l2))
        return mean.result()

    def _batches(self, batch_size: int, order: Any) -> Iterator[tuple[float, Data]]:
        """Each batch, with what it weighs in the epoch's mean."""
        N = self._data.rows
        device_order = None if order is None else self._engine.put(order)
        for start in range(0, N, batch_size):
            here = slice(start, min(start + batch_size, N))
            rows = here if device_order is None else device_order[here]
            batch = self._data.at(rows)
            w = None
            if self._weights is not None:
                w = self._weights[here if order is None else order[here]]
            xp = array_namespace(batch.X)
            X = xp.astype(batch.X, self._theta.W1.dtype, copy=False)
            yield total_weight(w, batch.rows), batch._replace(X=X)

    def _update(self, batch: Data, learning_rate: float, l2: float) -> tuple[Any, Any]:
        """One update; loss and accuracy from the forward pass that it began with."""
        X, y, w = batch
        acts = equations.forward(self._theta, X)
        loss = objective(self._theta, acts.S, y, w, l2)
        accuracy = equations.accuracy(acts.S, y, w)
        grads = equations.backward(self._theta, X, y, acts, w, l2)
        self._updates += 1
        self._theta, self._slots = self._optimizer.update(
            self._theta, grads, self._slots, learning_rate, self._updates
        )
        return loss, accuracy


class WeightedMean:
    """Mean of (loss, accuracy) pairs by weight, in float64.

    The figures may stay on a device until the result is asked for: nothing waits for it before.
    """

    def __init__(self) -> None:
        self._weight = 0.0
        self._sums: list[Any] = [0.0, 0.0]

    def add(self, weight: float, *figures: Any) -> None:
        self._weight += weight
        for i, figure in enumerate(figures):
            xp = array_namespace(figure)
            self._sums[i] = self._sums[i] + weight * xp.astype(figure, xp.float64)

    def result(self) -> tuple[float, float]:
        loss, accuracy = (float(total) / self._weight for total in self._sums)
        return loss, accuracy


def objective(theta: Parameters, S: Any, y: Any, w: Any, l2: float) -> Any:
    """The loss that is trained on: cross-entropy plus, where there is one, the penalty."""
    loss = equations.cross_entropy(S, y, w)
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
