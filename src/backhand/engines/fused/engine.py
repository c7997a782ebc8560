"""The fused engine: the hand-written pass, compiled for the CPU that it runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines.argument_checks import (
    check_block,
    check_data,
    check_l2,
    check_learning,
    check_prediction,
    check_state,
    stand_in,
)
from backhand.engines.array_engine import WeightedMean, chunks, total_weight
from backhand.engines.contract import Block, Data, Record, State, is_sparse
from backhand.engines.fused.buffers import (
    Chunk,
    Network,
    aligned,
    chunk_of,
    chunk_rows,
    parts_of,
    whole_blocks,
)
from backhand.engines.fused.kernels.dropout import dropout_of
from backhand.engines.fused.kernels.gather import Rows, most_numbers, rows_of
from backhand.engines.fused.kernels.optimizers import GRADIENT, NO_RULE, RULES
from backhand.engines.fused.llvm.abi import words
from backhand.engines.fused.llvm.compiler import check_bits, compiled_by, entry
from backhand.engines.fused.packing import layout_of, pack, places_of, unpack
from backhand.engines.fused.prediction import predict_proba
from backhand.engines.fused.program import DONE, MEASURE, TRAIN, Job, Plan, passes
from backhand.engines.fused.threads import threads_for, together
from backhand.equations import Gradients, Parameters
from backhand.optimizers import SGD, Adam, Optimizer


class FusedEngine:
    """Whole blocks of updates in one compiled call.

    `threads` None takes as many as the work in a step is worth. The bits are the same for every
    number.
    """

    name = "fused"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        entry(passes, np.dtype(dtype).itemsize * 8, notify)

    def depends_on(self) -> dict[str, str]:
        return compiled_by()

    def loss_and_gradients(
        self, params: Parameters, data: Data, l2: float = 0.0
    ) -> tuple[float, Gradients]:
        check_learning(params, data)
        check_l2(l2)
        work = _Work(params, 0, self._threads)
        net, kind = work.net, params.W1.dtype
        chunk = work.chunk(data, data.rows)  # all rows at once, which keeps dS and dZ1
        loss, (dW1, db1, dW2, db2) = work.gradient(data, l2, chunk)
        # What the compiled pass keeps are sums: only an update divides by Σw.
        mean = kind.type(1 / (chunk.sums[2] or 1.0))
        dS = mean * chunk.S[: net.K * chunk.s_column].reshape(net.K, -1)[:, : data.rows].T
        panels = chunk.dZ1.reshape(net.panels, chunk.rows, net.width)[:, : data.rows]
        dZ1 = mean * panels.transpose(1, 0, 2).reshape(data.rows, -1)[:, places_of(net)]
        # Nor does it ever hold dH1: the sums are masked as they leave the registers.
        dH1 = dS @ params.W2.T
        return loss, Gradients(dS, dW2, db2, dH1, dZ1, dW1, db1)

    def start(self, params: Parameters, data: Data, optimizer: Optimizer) -> FusedRun:
        return FusedRun(params, data, optimizer, self._threads)

    def predict_proba(self, params: Parameters, X: Any) -> NDArray[Any]:
        check_prediction(params, X)
        return predict_proba(params, X, self._threads)

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        check_learning(params, data)
        work, mean = _Work(params, 0, self._threads), WeightedMean()
        for rows in chunks(params, data.rows):
            part = data.at(rows)
            if (weight := total_weight(part.sample_weight, part.rows)) > 0:
                mean.add(weight, *map(np.asarray, work.measure(part)))
        return mean.result()


class FusedRun:
    """Training in progress."""

    def __init__(
        self, params: Parameters, data: Data, optimizer: Optimizer, threads: int | None
    ) -> None:
        check_learning(params, data, optimizer)
        self._work = _Work(params, optimizer.slots, threads)
        self._data, self._optimizer, self._updates = data, optimizer, 0

    @property
    def _slots(self) -> tuple[NDArray[Any], ...]:
        network = self._work.network
        return (network.first, network.second)[: self._optimizer.slots]

    def state(self) -> State:
        net = self._work.net
        slots = tuple(unpack(slot, net) for slot in self._slots)
        return State(unpack(self._work.network.theta, net), slots, self._updates)

    def restore(self, state: State) -> None:
        check_state(state, self._work.like, self._optimizer.slots)
        pack(state.params, self._work.net, self._work.network.theta)
        for slot, values in zip(self._slots, state.slots, strict=True):
            pack(values, self._work.net, slot)
        self._updates = state.updates

    def gradient(self, l2: float = 0.0) -> tuple[float, Parameters]:
        self._check_data()
        check_l2(l2)
        return self._work.gradient(self._data, l2)

    def advance(self, block: Block) -> Record:
        self._check_data()
        check_block(block, self._data.rows)
        record = self._work.compute(
            TRAIN, self._data, _plan(block, self._data.rows, self._optimizer, self._updates)
        )
        self._updates += len(record.loss) * block.learning_rate.shape[1]
        return record

    def evaluate(self, data: Data) -> tuple[float, float]:
        check_data(data, self._work.net.d, self._work.net.K)
        return self._work.measure(data)

    def _check_data(self) -> None:
        """Again before each compiled call: the arrays are the user's, and may have changed."""
        check_data(self._data, self._work.net.d, self._work.net.K)


class _Work:
    """Parameters as they are computed with, and the memory that computing takes."""

    def __init__(self, params: Parameters, slots: int, threads: int | None) -> None:
        self._dtype = params.W1.dtype
        check_bits(self._dtype.itemsize * 8)
        self.net, self._threads = layout_of(params), threads
        self.like = stand_in(params)
        size = self.net.size
        sizes = (size, size if slots > 0 else 1, size if slots > 1 else 1, size)
        self.network = Network(*(aligned(n, self._dtype) for n in sizes))
        pack(params, self.net, self.network.theta)
        self._chunks: dict[tuple[int, int, bool], Chunk] = {}
        self._rows: list[tuple[Data, Rows]] = []

    def chunk(self, data: Data, rows: int) -> Chunk:
        """Memory for so many rows of these data, and for the threads that they are worth."""
        threads = threads_for(parts_of(self.net, rows), self._threads)
        numbers = most_numbers(data, whole_blocks(rows, self._dtype))
        key = (rows, threads, is_sparse(data.X))
        if key not in self._chunks or self._chunks[key].entries.most < numbers:
            self._chunks[key] = chunk_of(self.net, self._dtype, rows, threads, numbers)
        return self._chunks[key]

    def _rows_of(self, data: Data) -> Rows:
        """Where the rows are; of those seen last, training's and validation's, it is known."""
        known = [pair for pair in self._rows if pair[0] is data]
        others = [pair for pair in self._rows if pair[0] is not data]
        self._rows = [*others[-1:], *(known or [(data, rows_of(data, self._dtype))])]
        return self._rows[-1][1]

    def measure(self, data: Data) -> tuple[float, float]:
        record = self.compute(MEASURE, data, _once(data.rows))
        return float(record.loss[0]), float(record.accuracy[0])

    def gradient(
        self, data: Data, l2: float, chunk: Chunk | None = None
    ) -> tuple[float, Parameters]:
        """The loss, penalty included, and dθ."""
        plan = _once(data.rows, l2)._replace(rule=GRADIENT)
        record = self.compute(TRAIN, data, plan, chunk)
        return float(record.loss[0]), unpack(self.network.gradient, self.net)

    def compute(self, what: int, data: Data, plan: Plan, chunk: Chunk | None = None) -> Record:
        """The compiled call, on each of the threads."""
        rows = self._rows_of(data)
        chunk = chunk or self.chunk(data, chunk_rows(plan.batch, is_sparse(data.X)))
        record, sync = np.full((2, plan.epochs), np.nan), aligned(8, np.int64)
        chunk.claimed[:] = 0
        job = Job(what, sync, self.net, self.network, rows, chunk, plan, record)
        call = words(job)
        run, address = entry(passes, self._dtype.itemsize * 8), call.ctypes.data

        def work(me: int, _alive: Any = (job, call)) -> None:
            run(address, me)

        together(work, chunk.threads)
        loss, accuracy = record[:, : sync[DONE]]
        return Record(loss, accuracy)


def _plan(block: Block, N: int, optimizer: Optimizer, updates: int) -> Plan:
    rates, order = np.array(block.learning_rate, np.float64, order="C"), block.order
    constants = float(getattr(optimizer, "momentum", 0.0)), 0.0, 0.0
    if isinstance(optimizer, Adam):
        constants = float(optimizer.beta_1), float(optimizer.beta_2), float(optimizer.epsilon)
        t = updates + 1 + np.arange(rates.size).reshape(rates.shape)
        rates = optimizer.rate(rates, t)
    rows = np.zeros(1, np.int64) if order is None else np.require(order, np.int64, ["C", "A"])
    l2s, visited = np.ascontiguousarray(block.l2, np.float64), N
    if order is not None:
        visited = order.shape[1]
    return Plan(
        block.batch_size, visited, block.epochs, rates.shape[1], rates, l2s, rows,
        order is not None,
        dropout_of(block, updates), float(block.most_loss), block.first_class_held,
        RULES.index(optimizer.name), *constants,
    )  # fmt: skip


def _once(rows: int, l2: float = 0.0) -> Plan:
    """All rows as one batch, in order, with no update."""
    block = Block(rows, np.zeros((1, 1)), np.full((1, 1), float(l2)))
    return _plan(block, rows, SGD(), 0)._replace(rule=NO_RULE)
