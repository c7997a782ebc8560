"""A training whose rows are shared out: parameters and updates are here, the sums elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.part_sums import (
    EngineChoice,
    Figures,
    Model,
    added,
    figures_of_parts,
    stub,
    sums_of_parts,
)
from backhand.cluster.parted_data import PartedData
from backhand.cluster.tree import Node, Tree
from backhand.engines import (
    Block,
    BlockMetrics,
    Engine,
    Objective,
    OptimizerState,
    Sums,
)
from backhand.engines.argument_checks import (
    check_block,
    check_columns,
    check_data,
    check_l2,
    check_labelled,
    checked_optimizer,
    checked_rows,
)
from backhand.engines.batching import WEIGHTLESS, session_repr, with_class_fixed
from backhand.equations import Parameters, penalty
from backhand.errors import InputError
from backhand.optimizers import Optimizer

T = TypeVar("T")


class PartedSession:
    """A training under way on rows in parts; see `contract.Session`.

    Each update sends the parameters to the workers, which return the sums of their parts' rows in
    the batch. These are added in the order of the tree, and the update is done here. So workers
    have no state, and the bits depend on the number of parts, not on that of the workers.

    Parameters
    ----------
    engine : Engine
        The engine of the driver, which does the updates.
    choice : EngineChoice
        That of the workers.
    state, data, optimizer, objective, validation
        As for `Engine.start`.
    """

    def __init__(
        self,
        engine: Engine,
        choice: EngineChoice,
        state: OptimizerState,
        data: PartedData,
        optimizer: Optimizer | None,
        objective: Objective,
        validation: Any,
    ) -> None:
        self._local = engine.start(state, stub(state.params), optimizer, objective)
        for rows in (data,) if validation is None else (data, validation):
            check_rows_of(rows, state.params)
        self._engine, self._choice = engine, choice
        self._data, self._validation = data, validation
        self._optimizer, self._objective = optimizer, objective
        # Without what belongs to updates only.
        self._plain = replace(objective, dropout=0.0, loss_cap=math.inf)
        self._take_parameters(state.updates)

    def __repr__(self) -> str:
        name = f"{self._engine.name}, parted"
        return session_repr(name, self._params, self._data.rows, self._updates)

    def state(self) -> OptimizerState:
        return self._local.state()

    def restore(self, state: OptimizerState) -> None:
        self._local.restore(state)
        self._take_parameters(state.updates)

    def apply(self, gradient: Parameters, learning_rate: float) -> None:
        self._local.apply(gradient, learning_rate)
        self._take_parameters(self._updates + 1)

    def _take_parameters(self, updates: int) -> None:
        self._updates, self._params = updates, self._local.parameters()

    def parameters(self) -> Parameters:
        return self._local.parameters()

    def advance(self, block: Block) -> BlockMetrics:
        checked_optimizer(self._optimizer)
        check_block(block, self._data.rows, self._validation)
        figures = []
        for epoch in range(block.epochs):
            of_training = self._epoch(block, epoch)
            figures.append((*of_training, *self._validate(block, epoch)))
            if not math.isfinite(of_training[0]):
                break
        return BlockMetrics(*np.array(figures).T)

    def _epoch(self, block: Block, epoch: int) -> tuple[float, float]:
        """Do an epoch's updates; return its loss and accuracy."""
        total = np.zeros(3)
        batches = _batches(block, epoch, self._data.rows)
        for rows, eta, l2 in zip(
            batches, block.learning_rate[epoch].tolist(), block.l2[epoch].tolist(), strict=True
        ):
            total += self._update(rows, eta, l2)
        with np.errstate(invalid="ignore"):  # nan if they all weigh 0
            loss, accuracy = (total[:2] / total[2]).tolist()
        return loss, accuracy

    def _update(self, rows: Any, learning_rate: float, l2: float) -> Figures:
        """Do one update; return the figures of its batch, with the penalty."""
        sums = self._summed(self._objective, self._data, rows)
        figures = np.array(sums[1:])
        figures[0] += sums.weight * self._penalty(l2)
        self.apply(self._mean_gradient(sums, l2), learning_rate)
        return figures

    def _penalty(self, l2: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # reported as a loss that is not finite
            return float(penalty(self._params, l2)) if l2 else 0.0

    def sums(self, rows: Any = None, first: int = 0, data: Any = None) -> Sums:
        if data is not None and not isinstance(data, PartedData):
            return self._local.sums(rows, first, data)
        data = self._data if data is None else data
        return self._summed(self._objective, data, checked_rows(rows, data.rows), first)

    def gradient(self, rows: Any = None, l2: float | None = None) -> tuple[float, Parameters]:
        sums = self._summed(self._plain, self._data, checked_rows(rows, self._data.rows))
        if not sums.weight > 0:
            raise InputError(WEIGHTLESS)
        l2 = self._objective.l2_of(sums.weight) if l2 is None else l2
        check_l2(l2)
        return sums.loss / sums.weight + self._penalty(l2), self._mean_gradient(sums, l2)

    def evaluate(self, data: Any) -> tuple[float, float]:
        if not isinstance(data, PartedData):
            return self._local.evaluate(data)
        return evaluated(self._choice, self._model(self._plain), data)

    def _validate(self, block: Block, epoch: int) -> tuple[float, float]:
        if self._validation is None or block.validated is None or not block.validated[epoch]:
            return math.nan, math.nan
        return self.evaluate(self._validation)

    def _model(self, objective: Objective) -> Model:
        return Model(self._params, self._updates, objective)

    def _summed(self, objective: Objective, data: PartedData, rows: Any, first: int = 0) -> Sums:
        """The sums of some rows, which are sorted by part."""
        pieces = [(some, first + place) for some, place in data.pieces(rows)]
        model = self._model(objective)
        return _reduced(sums_of_parts, added, self._choice, model, data, pieces)

    def _mean_gradient(self, sums: Sums, l2: float) -> Parameters:
        """Return Σ gradient / Σw + λθ; λθ alone if the rows weigh nothing."""
        weight = sums.weight if sums.weight > 0 else 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            found = Parameters(*(g / g.dtype.type(weight) for g in sums.gradient))
            if l2:
                for name in ("W1", "W2"):
                    theta, gradient = getattr(self._params, name), getattr(found, name)
                    gradient += theta.dtype.type(l2) * theta
        return with_class_fixed(found, self._objective)


def check_rows_of(data: Any, params: Parameters) -> None:
    """Check rows, in parts or not, before anything is sent: see `argument_checks.check_data`."""
    d, K = params.W1.shape[0], params.b2.shape[0]
    if isinstance(data, PartedData):
        check_columns(data.X, d)
        check_labelled(data, K)
    else:
        check_data(data, d, K)


def evaluated(choice: EngineChoice, model: Model, data: PartedData) -> tuple[float, float]:
    """Mean loss, without penalty, and accuracy on rows in parts, by one call for each worker."""
    check_rows_of(data, model.params)
    total = _reduced(figures_of_parts, np.add, choice, model, data, data.pieces())
    loss, hits, weight = total.tolist()
    return loss / weight, hits / weight


def _reduced(
    function: Callable[..., dict[Node, T | None]],
    add: Callable[[T, T], T],
    choice: EngineChoice,
    model: Model,
    data: PartedData,
    pieces: Sequence[tuple[Any, int]],
) -> T:
    """Return the sum over all parts of what a function of `part_sums` computes of each."""
    parts = data.parts
    tree, shared = Tree(parts.count, add), parts.transport.share(model)
    for nodes in parts.by_worker(function, choice, shared, data.name, parts.count, of_part=pieces):
        tree.put_all(nodes)
    assert tree.total is not None  # there are rows
    return tree.total


def _batches(block: Block, epoch: int, N: int) -> Iterator[slice | NDArray[np.int64]]:
    """The rows of each batch of an epoch."""
    order, size = None if block.order is None else block.order[epoch], block.batch_size
    n = N if order is None else len(order)
    for start in range(0, n, size):
        here = slice(start, min(start + size, n))
        yield here if order is None else order[here]
