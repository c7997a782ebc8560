"""The working memory of a training: packed parameters and slots, chunks, and the compiled calls."""

from __future__ import annotations

import math
from collections.abc import Hashable
from functools import cached_property
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from backhand.engines.batching import FlatBlock, flatten_batch
from backhand.engines.contract import (
    BlockMetrics,
    Data,
    Sums,
    are_zeros,
    zeros_like,
)
from backhand.engines.fused.buffers import (
    chunk_of,
    chunk_rows,
    chunk_rows_of_sums,
    parameter_buffers,
    parts_of,
    whole_blocks,
)
from backhand.engines.fused.kernels.dropout import NO_DROPOUT, Dropout
from backhand.engines.fused.kernels.gather import arrays_of, most_numbers, rows_of
from backhand.engines.fused.kernels.optimizers import GRADIENT, NO_RULE, Step
from backhand.engines.fused.llvm.abi import Fixed, aligned, marshal
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.precision import Precision
from backhand.engines.fused.packing import Layout, PackedParameters, immutable, layout_of
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
from backhand.engines.matrices import is_sparse
from backhand.equations import Parameters
from backhand.optimizers import Slots


class Scratch:
    """Chunks, and where rows are: what sessions may share that are advanced one after the other.

    The last few are kept: of the training and validation rows of one session, and of one like it.
    Rows whose sums are computed come in many parts.
    """

    MOST_CHUNKS, MOST_ROWS, MOST_PARTS = 4, 2, 1024

    def __init__(self) -> None:
        self.size = 0  # bytes of all chunks that were made
        self._chunks: dict[Hashable, Fixed] = {}
        self._rows: dict[Hashable, tuple[list[Any], Fixed]] = {}

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

    def rows_of(self, data: Data, dtype: Any, most: int = MOST_ROWS) -> Fixed:
        """Return the `Rows` of the data, found once for these arrays; those of `most` are kept."""
        arrays = arrays_of(data)  # which are kept, so that their ids stay theirs
        key = dtype, *map(id, arrays)
        found = self._rows.pop(key, None) or (arrays, Fixed(rows_of(data, dtype)))
        self._rows[key] = found
        while len(self._rows) > most:
            del self._rows[next(iter(self._rows))]
        return found[1]

    def forget_rows(self) -> None:
        """Hold no data any longer."""
        self._rows.clear()


class Work:
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

    def parameters(self) -> Parameters:
        """A copy of the parameters."""
        return self._theta.read()

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

    def sums(self, data: Data, batch: FlatBlock, dropout: Dropout, loss_cap: float) -> Sums:
        """The sums over the rows of a batch."""
        sparse = is_sparse(data.X)
        rows = chunk_rows_of_sums(self.net, self._precision, batch.batch_size, sparse)
        chunk = self.chunk(data, rows, batch.order if batch.ordered else None)
        block = BlockArgs(*batch, dropout, loss_cap, 0, 1, GRADIENT, *NO_CONSTANTS)
        metrics = self.compute(data, block, chunk, most_rows=Scratch.MOST_PARTS)
        loss, hits, weight = (float(figures[0]) for figures in metrics[:3])
        return Sums(self._gradient.read(), loss, hits, weight)

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
        most_rows: int = Scratch.MOST_ROWS,
    ) -> BlockMetrics:
        """Run the compiled program on each of the threads.

        Where the rows are is kept for the last `most_rows` data.
        """
        order = block.order if block.ordered else None
        chunk = chunk or self.chunk(data, self.chunk_rows(data, block.batch), order)
        threads = int(chunk.record.threads)
        sides: list[Any] = [self._scratch.rows_of(data, self._dtype, most_rows), chunk] * 2
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


SPARES: Spares[Work] = Spares()
"""Of trainings that have ended."""

VALIDATED = np.ones(1, np.int64)
"""Validation after the one epoch of a block."""


NO_CONSTANTS = 0.0, 0.0, 0.0
"""Those of no rule."""


def _without_update(batch: FlatBlock, rule: int) -> BlockArgs:
    return BlockArgs(*batch, NO_DROPOUT, math.inf, 0, 0, rule, *NO_CONSTANTS)
