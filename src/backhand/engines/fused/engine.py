"""The fused engine: the hand-written pass, compiled for the CPU that it runs on."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from operator import is_
from typing import Any
from weakref import finalize, ref

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
    checked_optimizer,
    checked_rows,
)
from backhand.engines.batching import (
    FlatBlock,
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
    advance_each,
    are_zeros,
    is_sparse,
    zeros_like,
)
from backhand.engines.fused.arithmetic import bf16_products
from backhand.engines.fused.bf16_buffers import unpacked
from backhand.engines.fused.buffers import (
    Chunk,
    chunk_of,
    chunk_rows,
    parameter_buffers,
    parts_of,
    whole_blocks,
)
from backhand.engines.fused.kernels.dropout import NO_DROPOUT, dropout_of
from backhand.engines.fused.kernels.gather import arrays_of, most_numbers, rows_of
from backhand.engines.fused.kernels.optimizers import GRADIENT, NO_RULE, RULES, Step
from backhand.engines.fused.llvm.abi import Fixed, aligned, marshal
from backhand.engines.fused.llvm.compiler import compiled_by, entry
from backhand.engines.fused.llvm.precision import (
    CONVERSION,
    Precision,
    bf16_precision,
    precision_of,
)
from backhand.engines.fused.packing import Layout, PackedParameters, immutable, layout_of, places_of
from backhand.engines.fused.prediction import FusedPredictor
from backhand.engines.fused.program import (
    DONE,
    ApplyArgs,
    BlockArgs,
    ProgramArgs,
    Side,
    apply_gradient,
    train_program,
)
from backhand.engines.fused.spare import Spares, size_of
from backhand.engines.fused.threads import run_threads, threads_for
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

    def _work(self, params: Parameters, slots: Slots = ()) -> _Work:
        precision = self._precision_of(params.W1.dtype)
        if self._scratch is not None:
            return _Work(params, slots, precision, self._threads, self._scratch)
        work = SPARES.take((layout_of(params), precision, len(slots)))
        if work is None:
            return _Work(params, slots, precision, self._threads)
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
        work: _Work,
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
        self._constants = float(objective.loss_cap), int(objective.first_class_fixed)
        self._rule = () if optimizer is None else _rule_of(optimizer)

    def __repr__(self) -> str:
        return session_repr("fused", self._work.like, self._data.rows, self._updates)

    def state(self) -> OptimizerState:
        return OptimizerState(*self._work.unpacked(), self._updates)

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


class Scratch:
    """Chunks, and where rows are: what sessions may share that are advanced one after the other.

    The last few are kept: of the training and validation rows of one session, and of one like it.
    """

    MOST_CHUNKS, MOST_ROWS = 4, 2

    def __init__(self) -> None:
        self.size = 0  # bytes of all chunks that were made
        self._chunks: dict[Hashable, Fixed] = {}
        self._rows: list[tuple[list[Any], Any, Fixed]] = []

    def chunk(self, net: Layout, precision: Precision, rows: int, threads: int, entries: int,
              validates: bool) -> Fixed:  # fmt: skip
        """Return a `Chunk` of that many rows, and of a sparse X of that many entries or more."""
        key = net, precision, rows, threads, entries > 0, validates
        found = self._chunks.pop(key, None)
        if found is None or found.record.entries.most < entries:
            found = Fixed(chunk_of(net, precision, rows, threads, entries))
            self.size += size_of(found.record)
        self._chunks[key] = found
        if len(self._chunks) > self.MOST_CHUNKS:
            del self._chunks[next(iter(self._chunks))]
        return found

    def rows_of(self, data: Data, dtype: Any) -> Fixed:
        """Return the `Rows` of the data, found once for these arrays."""
        arrays = arrays_of(data)
        for known, of, rows in self._rows:
            if of == dtype and len(known) == len(arrays) and all(map(is_, known, arrays)):
                return rows
        rows = Fixed(rows_of(data, dtype))
        self._rows = [*self._rows[1 - self.MOST_ROWS :], (arrays, dtype, rows)]
        return rows

    def forget_rows(self) -> None:
        """Hold no data any longer."""
        self._rows.clear()


def _dZ1_of(chunk: Chunk, net: Layout) -> NDArray[Any]:
    """Return dZ1 (panels, rows, width), flattened."""
    dZ1: NDArray[Any] = chunk.H1
    if chunk.bf16.pairs:
        dZ1 = unpacked(chunk.bf16.dZ1).reshape(-1, net.width, 2).transpose(0, 2, 1)
    return dZ1.reshape(-1)


class _Work:
    """Packed parameters and slots, and the working memory."""

    def __init__(
        self,
        params: Parameters,
        slots: Slots,
        precision: Precision,
        threads: int | None,
        scratch: Scratch | None = None,
    ) -> None:
        self._dtype, self._precision = params.W1.dtype, precision
        self.net, self._threads = layout_of(params), threads
        self.like = zeros_like(params)
        self.buffers = parameter_buffers(self.net, precision, len(slots))
        used = (self.buffers.theta, self.buffers.first, self.buffers.second)[: 1 + len(slots)]
        self._theta, *self.slots = (PackedParameters(flat, self.net) for flat in used)
        self._theta.write(params)
        for slot, values in zip(self.slots, slots, strict=True):
            if not are_zeros(values):  # as a new buffer is
                slot.write(values)
        self._scratch = scratch or Scratch()
        self._idle = True
        self._copies: tuple[ref[NDArray[Any]], ...] = ()
        self._sync = aligned(8, np.int64)
        self._own: tuple[Any, Any] = Fixed(self.net), Fixed(self.buffers)

    @cached_property
    def _gradient(self) -> PackedParameters:
        return PackedParameters(self.buffers.gradient, self.net)

    def begin(self, params: Parameters, slots: Slots, threads: int | None) -> None:
        """Take the place of a new work."""
        self._threads = threads
        self.load(params, slots)

    def give_back(self) -> None:
        """Keep this for the next training, unless an exception may have left it in use."""
        if self._idle:
            self._scratch.forget_rows()
            size = size_of(self.buffers) + self._scratch.size
            SPARES.give((self.net, self._precision, len(self.slots)), size, self)

    def load(self, params: Parameters, slots: Slots) -> None:
        """Write parameters and slots, whatever the memory was used for before."""
        self._theta.write(params)
        if not self._has_copies(slots):
            self._copies = ()
            for slot, values in zip(self.slots, slots, strict=True):
                if are_zeros(values):
                    slot.clear()
                else:
                    slot.write(values)

    def unpacked(self) -> tuple[Parameters, Slots]:
        """Copies of parameters and slots; those of the slots can never be changed."""
        slots = tuple(Parameters(*map(immutable, slot.read())) for slot in self.slots)
        self._copies = tuple(ref(value) for values in slots for value in values)
        return self._theta.read(), slots

    def _has_copies(self, slots: Slots) -> bool:
        """Whether these are the very arrays that were read, and the slots still have their values.

        A `partial_fit` continues from them: for 32 rows of 784 features, writing them again takes a
        tenth of the whole call.
        """
        given = [value for values in slots for value in values]
        return len(given) == len(self._copies) and all(
            value is known() for value, known in zip(given, self._copies, strict=True)
        )

    def chunk(
        self,
        data: Data,
        rows: int,
        order: NDArray[np.int64] | None = None,
        validation_threads: int | None = None,
    ) -> Fixed:
        """Return a `Chunk` for that many rows of these data, and for the threads that suit them.

        With `validation_threads`, it is for validation rows, and for that many threads.
        """
        threads = validation_threads or threads_for(parts_of(self.net, rows), self._threads)
        numbers = most_numbers(data, whole_blocks(rows, self._precision), order)
        validates = validation_threads is not None
        return self._scratch.chunk(self.net, self._precision, rows, threads, numbers, validates)

    def chunk_rows(self, data: Data, batch: int | None = None) -> int:
        """Return the rows of a chunk of these data, or of a batch of them."""
        return chunk_rows(self.net, self._precision, batch or data.rows, is_sparse(data.X))

    def measure(self, data: Data) -> tuple[float, float]:
        """Loss and accuracy: an epoch of no batches, which is validated on these rows."""
        rows = self.chunk_rows(data)
        threads = threads_for(parts_of(self.net, rows), self._threads)
        chunk = self.chunk(data, rows, validation_threads=threads)
        nothing = flatten_batch(data.rows)._replace(batches=0, validated=VALIDATED)
        metrics = self.compute(data, _without_update(nothing, NO_RULE), chunk, data)
        return float(metrics.validation_loss[0]), float(metrics.validation_accuracy[0])

    def gradient(
        self, data: Data, batch: FlatBlock, chunk: Fixed | None = None
    ) -> tuple[float, Parameters]:
        """The loss, penalty included, and dθ."""
        metrics = self.compute(data, _without_update(batch, GRADIENT), chunk)
        return float(metrics.loss[0]), self._gradient.read()

    def apply(
        self, gradient: Parameters, rate: float, class_fixed: int, rule: tuple[Any, ...]
    ) -> None:
        """Do one update with a given gradient."""
        self._copies = ()
        self._gradient.write(gradient)
        number, *constants = rule
        step = Step(number, 1.0, 0.0, rate, *constants)
        args = ApplyArgs(self.net, self.buffers, class_fixed, step)
        call = marshal(args)
        entry(apply_gradient, self._precision)(call.ctypes.data, 0)

    def compute(
        self,
        data: Data,
        block: BlockArgs,
        chunk: Fixed | None = None,
        validation: Data | None = None,
    ) -> BlockMetrics:
        """Run the compiled program on each of the threads."""
        order = block.order if block.ordered else None
        chunk = chunk or self.chunk(data, self.chunk_rows(data, block.batch), order)
        threads = int(chunk.record.threads)
        sides: list[Any] = [self._scratch.rows_of(data, self._dtype), chunk] * 2
        if validation is not None:
            rows = self.chunk_rows(validation)
            sides[2:] = (self._scratch.rows_of(validation, self._dtype),
                         self.chunk(validation, rows, validation_threads=threads))  # fmt: skip
        metrics, self._sync[:] = np.full((4, block.epochs), np.nan), 0
        for used in sides[1::2]:
            used.record.claimed[:] = 0
        training, measured = Side(*sides[:2]), Side(*sides[2:])
        args = ProgramArgs(self._sync, *self._own, training, measured, block, metrics)
        call = marshal(args)
        run, address = entry(train_program, self._precision), call.ctypes.data

        def work(me: int, _alive: Any = (args, call)) -> None:
            run(address, me)

        self._idle, self._copies = False, ()
        run_threads(work, threads)
        self._idle = True
        return BlockMetrics(*metrics[:, : self._sync[DONE]])


SPARES: Spares[_Work] = Spares()
"""Of trainings that have ended."""

VALIDATED = np.ones(1, np.int64)
"""Validation after the one epoch of a block."""


def _rule_of(optimizer: Optimizer) -> tuple[Any, ...]:
    """Return the rule's number and its constants, padded to three."""
    a, b, epsilon = (*optimizer.constants(), 0.0, 0.0, 0.0)[:3]
    return RULES.index(optimizer.name), a, b, epsilon


def _without_update(batch: FlatBlock, rule: int) -> BlockArgs:
    return BlockArgs(*batch, NO_DROPOUT, math.inf, 0, rule, 0.0, 0.0, 0.0)
