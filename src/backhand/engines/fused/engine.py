"""The fused engine: the hand-written pass, compiled for the CPU that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from backhand.bf16 import r
from backhand.choices import PrecisionName
from backhand.engines.argument_checks import (
    check_block,
    check_data,
    check_gradient,
    check_group,
    check_l2,
    check_learning,
    check_learning_rate,
    check_precision,
    check_start,
    check_state,
    checked_batch,
    checked_first,
    checked_optimizer,
    checked_rows,
)
from backhand.engines.batching import (
    WeightedMean,
    chunks,
    flatten_batch,
    flatten_block,
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
)
from backhand.engines.fused.arithmetic import bf16_products
from backhand.engines.fused.bf16_buffers import unpacked
from backhand.engines.fused.buffers import (
    Chunk,
)
from backhand.engines.fused.kernels.dropout import dropout_of
from backhand.engines.fused.kernels.optimizers import RULES
from backhand.engines.fused.llvm.compiler import compiled_by, entry
from backhand.engines.fused.llvm.precision import (
    CONVERSION,
    Precision,
    bf16_precision,
    precision_of,
)
from backhand.engines.fused.packing import Layout, layout_of, places_of
from backhand.engines.fused.prediction import FusedPredictor
from backhand.engines.fused.program import (
    BlockArgs,
    train_program,
)
from backhand.engines.fused.work import SPARES, Scratch, Work
from backhand.engines.thread_limits import available_threads
from backhand.equations import Gradients, Parameters
from backhand.errors import warn_once
from backhand.optimizers import Optimizer, Slots

SLOWER_THAN_FLOAT32 = (
    "this CPU has no instructions for bf16: its numbers are converted to float32 and multiplied "
    "as such, which takes longer than training in float32. Precision 'auto' is faster here."
)


class FusedEngine:
    """Whole blocks of updates in one compiled call.

    With `threads` None, the number follows from the work in a step. The bits are the same for every
    number of threads. In bf16 on a CPU without instructions for it, the first training warns.
    """

    name = "fused"
    group = 1
    overhead = 0.0

    def __init__(
        self,
        threads: int | None = None,
        scratch: Scratch | None = None,
        precision: PrecisionName = "auto",
    ) -> None:
        self._threads, self._scratch = threads, scratch
        self.precision: PrecisionName = precision

    def divided(self, parts: int) -> list[Engine]:
        self._warn()  # here, at the line of the caller: a thread of a fleet has none
        threads = self._threads or available_threads()
        count = min(parts, threads)
        return [
            FusedEngine((threads + n) // count, Scratch(), self.precision) for n in range(count)
        ]

    def advance_all(
        self, sessions: Sequence[Session], blocks: Sequence[Block]
    ) -> list[BlockMetrics]:
        check_group(sessions, blocks)
        return advance_each(sessions, blocks)

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        entry(train_program, self._precision_of(dtype), notify)

    def depends_on(self) -> dict[str, str]:
        if self.precision == "auto":
            return compiled_by()
        return {**compiled_by(), "bf16": bf16_products()}

    def _warn(self) -> None:
        if self.precision == "bf16" and bf16_products() == CONVERSION:
            warn_once(SLOWER_THAN_FLOAT32)

    def _precision_of(self, dtype: Any) -> Precision:
        return precision_of(dtype) if self.precision == "auto" else bf16_precision(bf16_products())

    def _work(self, params: Parameters, slots: Slots = ()) -> Work:
        precision = self._precision_of(params.W1.dtype)
        if self._scratch is not None:
            return Work(params, slots, precision, self._threads, self._scratch)
        work = SPARES.take((layout_of(params), precision, len(slots)))
        if work is None:
            return Work(params, slots, precision, self._threads)
        work.begin(params, slots, self._threads)
        return work

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        check_learning(params, data)
        check_l2(l2)
        check_precision(self.precision, params, data)
        work = self._work(params)
        net, kind = work.net, params.W1.dtype
        fixed = work.chunk(data, data.rows)  # all rows at once, which keeps dS and dZ1
        chunk: Chunk = fixed.record
        loss, (dW1, db1, dW2, db2) = work.gradient(data, flatten_batch(data.rows, None, l2), fixed)
        # What the compiled pass keeps are sums: only an update divides by Σw.
        mean = kind.type(1 / (chunk.sums[2] or 1.0))
        sums = chunk.S[: net.K * chunk.s_column].reshape(net.K, -1)[:, : data.rows].T
        dS = mean * sums
        panels = _dZ1_of(chunk, net).reshape(net.panels, chunk.rows, net.width)[:, : data.rows]
        dZ1 = mean * panels.transpose(1, 0, 2).reshape(data.rows, -1)[:, places_of(net)]
        # dH1 is never in memory there: its sums are masked as they leave the registers.
        dH1 = dS @ params.W2.T if self.precision == "auto" else mean * (r(sums) @ r(params.W2).T)
        return loss, Gradients(dS, dW2, db2, dH1, dZ1, dW1, db1)

    def start(
        self,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Data | None = None,
    ) -> FusedSession:
        check_start(state, data, optimizer, objective, validation)
        check_precision(self.precision, state.params, data, validation)
        self._warn()
        work = self._work(state.params, state.slots)
        session = FusedSession(
            work, state.updates, data, optimizer, objective, validation, self.precision
        )
        if self._scratch is None:
            finalize(session, work.give_back).atexit = False
        return session

    def predictor(self, params: Parameters) -> FusedPredictor:
        return FusedPredictor(params, self._threads)

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        return self.predictor(params).predict_proba(X)

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        check_learning(params, data)
        check_precision(self.precision, params, data)
        work, mean = self._work(params), WeightedMean()
        for rows in chunks(params, data.rows):
            part = data.at(rows)
            if (weight := total_weight(part.sample_weight, part.rows)) > 0:
                mean.add(weight, *map(np.asarray, work.measure(part)))
        if self._scratch is None:
            work.give_back()
        return mean.result()


class FusedSession:
    """A training under way, its parameters and slots packed for the compiled code."""

    def __init__(
        self,
        work: Work,
        updates: int,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective,
        validation: Data | None,
        precision: PrecisionName,
    ) -> None:
        self._work, self._updates, self._precision = work, updates, precision
        self._data, self._optimizer = data, optimizer
        self._objective, self._validation = objective, validation
        self._constants = float(objective.loss_cap), int(objective.first_class_fixed), 0
        self._rule = () if optimizer is None else _rule_of(optimizer)

    def __repr__(self) -> str:
        return session_repr("fused", self._work.like, self._data.rows, self._updates)

    def state(self) -> OptimizerState:
        return OptimizerState(*self._work.unpacked(), self._updates)

    def parameters(self) -> Parameters:
        return self._work.parameters()

    def restore(self, state: OptimizerState) -> None:
        check_state(state, self._work.like, len(self._work.slots))
        self._work.load(state.params, state.slots)
        self._updates = state.updates

    def gradient(self, rows: Any = None, l2: float | None = None) -> tuple[float, Parameters]:
        self._check_data()
        chosen = checked_rows(rows, self._data.rows)
        weight = weight_of(self._data, chosen)
        l2 = self._objective.l2_of(weight) if l2 is None else l2
        check_l2(l2)
        batch = flatten_batch(self._data.rows, chosen, l2)
        loss, dtheta = self._work.gradient(self._data, batch)
        return loss, with_class_fixed(dtheta, self._objective)

    def sums(self, rows: Any = None, first: int = 0, data: Data | None = None) -> Sums:
        data = self._data if data is None else data
        chosen = checked_batch(data, rows, self._work.net.d, self._work.net.K)
        check_precision(self._precision, self._work.like, data)
        if data.numbers is not None:  # the rows are found once for all calls with these arrays
            chosen, data = data.places(chosen), data._replace(numbers=None)
        batch, place = flatten_batch(data.rows, chosen), checked_first(first)
        dropout = dropout_of(self._objective, batch.rates.shape, self._updates, place)
        found = self._work.sums(data, batch, dropout, self._constants[0])
        with_class_fixed(found.gradient, self._objective)
        return found

    def apply(self, gradient: Parameters, learning_rate: float) -> None:
        optimizer = checked_optimizer(self._optimizer)
        check_gradient(gradient, self._work.like)
        check_learning_rate(learning_rate)
        if self._objective.first_class_fixed:
            gradient = gradient._replace(W2=gradient.W2.copy(), b2=gradient.b2.copy())
            gradient = with_class_fixed(gradient, self._objective)
        rate = np.full((1, 1), float(learning_rate))
        one = flatten_block(Block(1, rate, rate), 1, optimizer, self._updates)
        self._work.apply(gradient, float(one.rates[0, 0]), self._constants[1], self._rule)
        self._updates += 1

    def advance(self, block: Block) -> BlockMetrics:
        optimizer = checked_optimizer(self._optimizer)
        self._check_data()
        check_block(block, self._data.rows, self._validation)
        validation = None
        if block.validated is not None and block.validated.any():
            validation = self._validation
            check_data(validation, self._work.net.d, self._work.net.K)
        flat = flatten_block(block, self._data.rows, optimizer, self._updates)
        dropout = dropout_of(self._objective, flat.rates.shape, self._updates)
        args = BlockArgs(*flat, dropout, *self._constants, *self._rule)
        metrics = self._work.compute(self._data, args, validation=validation)
        self._updates += len(metrics.loss) * flat.batches
        return metrics

    def evaluate(self, data: Data) -> tuple[float, float]:
        check_data(data, self._work.net.d, self._work.net.K)
        check_precision(self._precision, self._work.like, data)
        return self._work.measure(data)

    def _check_data(self) -> None:
        """Check before each compiled call: the arrays are the user's, and may have changed."""
        check_data(self._data, self._work.net.d, self._work.net.K)


def _dZ1_of(chunk: Chunk, net: Layout) -> NDArray[Any]:
    """Return dZ1 (panels, rows, width), flattened."""
    dZ1: NDArray[Any] = chunk.H1
    if chunk.bf16.pairs:
        dZ1 = unpacked(chunk.bf16.dZ1).reshape(-1, net.width, 2).transpose(0, 2, 1)
    return dZ1.reshape(-1)


def _rule_of(optimizer: Optimizer) -> tuple[Any, ...]:
    """Return the rule's number and its constants, padded to three."""
    a, b, epsilon = (*optimizer.constants(), 0.0, 0.0, 0.0)[:3]
    return RULES.index(optimizer.name), a, b, epsilon
