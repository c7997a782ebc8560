"""Working memory, aligned to cache lines: no vector is stored across two."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from backhand.engines.fused.bf16_buffers import (
    Bf16Chunk,
    Image,
    bf16_chunk_of,
    bf16_thread_view,
    image_of,
)
from backhand.engines.fused.llvm.abi import (
    Doubles,
    Integer,
    Integers,
    Labels,
    Reals,
    aligned,
    spread,
)
from backhand.engines.fused.llvm.builder import Code, Value, rounded_up
from backhand.engines.fused.llvm.precision import Precision
from backhand.engines.fused.packing import Layout
from backhand.support.system.cpu_caches import cache_sizes

SUMS = 8
"""Numbers per thread: three sums, padded to a cache line."""

MC = 128
"""Rows that dW1 sums at a time, whose dZ1 of a panel fits the L1 cache; and the rows of a chunk of
a batch that is several: enough to reuse each weight that is read."""

BATCH_BYTES = 1_300_000
"""The maximum of X and H1 of a batch that is one chunk: X is copied once if it is in order, and the
gradient of W1 is never stored as a whole."""

SPARSE_ROWS = 256
"""The same for a sparse X, whose chunk is small: the cost is
reading and writing a gradient that exceeds the caches, which does not happen if a batch is one
chunk."""

SHORTEST = 128
"""Features of a block that make it worth while to read and write H1 for each block."""

STRIP = 48
"""Features whose weights are updated together, while their gradient is in the cache."""

PART_FLOPS = 2_000_000
"""The minimum work in a chunk per part of the hidden units, below which a thread does not pay."""

MAX_PARTS = 16
"""The maximum number of parts of the hidden units; each is one more sum per logit."""


class ParameterBuffers(NamedTuple):
    """θ, the optimizer's slots (v, or m and v) and the gradient, (size,), in a `Layout`.

    In bf16 there is an image of θ too, from which products are computed.
    """

    theta: Reals
    first: Reals
    second: Reals
    gradient: Reals
    image: Image


def parameter_buffers(net: Layout, precision: Precision, slots: int) -> ParameterBuffers:
    """Return buffers for an optimizer of that many slots; those that it does not use are short."""
    theta, first, second, gradient = (
        aligned(net.size if used else 1, precision.storage)
        for used in (True, slots > 0, slots > 1, True)
    )
    return ParameterBuffers(theta, first, second, gradient, image_of(net, precision))


class Entries(NamedTuple):
    """The entries of a chunk of a sparse X, by feature; each thread has its own copy.

    Attributes
    ----------
    most : int
        How many numbers there is room for; 0 if X is dense.
    numbers, rows : (threads, most)
        Those of one feature after those of the one before, and the row of each. The 1 of every
        row, for b1, comes last.
    borders : (threads, d + 3)
        Feature j has the numbers from borders[j] to borders[j + 1].
    """

    most: Integer
    numbers: Reals
    rows: Integers
    borders: Integers


NO_ENTRIES = Entries(0, *(np.empty(0),) * 3)
"""Those of a dense X."""


class Chunk(NamedTuple):
    """Memory for as many rows as are worked on at a time, `rows`, whole blocks of them.

    Attributes
    ----------
    threads, parts : int
        How many threads work on it, and how many parts the hidden units are in.
    claimed : (parts,) int64
        How often each part was begun and finished, over the phases of all steps.
    kc : int
        Columns in a block of X: the weights of that many features in a panel fit the L1 cache.
    X : (threads, blocks, rows, x_row)
        The features, and a 1 for b1, `kc` columns after the other, so that a block is on few
        pages; empty if they are in `entries`. Each thread has its own copy, also of labels and
        weights: that is faster than reading what another core has written.
    labels, weights : (threads, rows)
    H1 : (panels, rows, width)
        The hidden units, which become dZ1.
    strip : (threads, STRIP, width)
        The gradient of as many features, for the update that follows.
    S : (1 + parts, K, s_column)
        The logits, transposed, which become dS; then what each part adds to them.
    figures : (3, rows) float64
        Each row's weighted loss and hit, and its weight.
    sums : (threads, SUMS) float64
        Their sums, each thread's on a separate cache line.
    squares : (panels,) float64
        Of the weights in each panel.
    bf16 : Bf16Chunk
        X, H1 and dZ1 where products are those of bf16 numbers; theirs are then empty here.
    """

    rows: Integer
    threads: Integer
    parts: Integer
    claimed: Integers
    kc: Integer
    X: Reals
    x_row: Integer
    entries: Entries
    labels: Labels
    weights: Reals
    H1: Reals
    S: Reals
    s_column: Integer
    strip: Reals
    figures: Doubles
    sums: Doubles
    squares: Doubles
    bf16: Bf16Chunk

    def column(self, code: Code, k: Value) -> Value:
        """Return where column k of X begins, `x_row` numbers from each row to the next."""
        block = k // self.kc
        return code.at(self.X, block * (self.rows * self.x_row) + (k - block * self.kc))


def chunk_rows(net: Layout, precision: Precision, batch: int, sparse: bool = False) -> int:
    """Return the rows of a chunk of a batch of that size, which is cut evenly.

    Sums over rows are computed chunk by chunk, so the number must not depend on the machine.
    """
    size = batch * (net.d + 1 + net.H) * precision.bytes
    if size <= BATCH_BYTES and not sparse:
        return batch
    pieces = -(-batch // (SPARSE_ROWS if sparse else MC))
    return -(-batch // pieces)


def chunk_rows_of_sums(net: Layout, precision: Precision, batch: int, sparse: bool = False) -> int:
    """As `chunk_rows`, of a batch that is another one in every call: a few numbers serve all sizes.

    So its memory is there from earlier calls.
    """
    most = SPARSE_ROWS if sparse else MC
    rows = rounded_up(batch, 32 if batch <= most else most)
    size = rows * (net.d + 1 + net.H) * precision.bytes
    return int(rows) if size <= BATCH_BYTES and not sparse else min(int(rows), most)


def columns_of_block(net: Layout, itemsize: int) -> int:
    """Return how many features are multiplied at a time: whole strips.

    Their weights in a panel fill four fifths of the L1 cache; the rest is for rows of X and H1.
    Where that is too short for the cost of each tile, they are read from the L2 cache.
    """
    caches, row = cache_sizes(), net.width * itemsize
    most: int = caches.L1 * 4 // 5 // row
    if most < SHORTEST:
        most = caches.L2 // 4 // row
    return max(1, most // STRIP) * STRIP


def parts_of(net: Layout, rows: int) -> int:
    """Return the number of parts of the hidden units for chunks of that many rows.

    Sums over the hidden units are computed part by part, so the number must not depend on the
    threads. It is a power of two, which most numbers of threads divide evenly.
    """
    flops = 4 * rows * net.d * net.H + 6 * rows * net.H * net.K
    most = max(1, min(int(net.panels), MAX_PARTS, int(flops) // PART_FLOPS))
    return 1 << (most.bit_length() - 1)


def whole_blocks(rows: int, precision: Precision) -> int:
    """Return the number of rows rounded up to whole blocks."""
    return int(rounded_up(rows, precision.block))


def chunk_of(net: Layout, precision: Precision, rows: int, threads: int, entries: int = 0) -> Chunk:
    """Return memory for chunks of that many rows; for a sparse X, of at most `entries` entries."""
    kind = np.dtype(precision.storage)
    parts = parts_of(net, rows)
    rows = whole_blocks(rows, precision)
    in_pairs = precision.rounds_to_bf16
    kc = columns_of_block(net, kind.itemsize)
    blocks = -(-(net.d + 1) // kc)
    x_row = 0 if entries or in_pairs else spread(min(net.d + 1, kc), kind.itemsize)
    s_column = spread(rows, kind.itemsize)
    hidden = 0 if in_pairs else net.panels * net.width
    label = np.int32 if kind.itemsize == 4 else np.int64
    return Chunk(
        rows, threads, parts, aligned(parts, np.int64),
        kc, aligned(threads * blocks * rows * x_row, kind), x_row,
        _entries(net, kind, threads, entries),
        aligned(threads * rows, label), aligned(threads * rows, kind),
        aligned(rows * hidden, kind),
        aligned((1 + parts) * net.K * s_column, kind), s_column,
        aligned(threads * STRIP * net.width, kind),
        aligned(3 * rows, np.float64), aligned(SUMS * threads, np.float64),
        aligned(net.panels, np.float64),
        bf16_chunk_of(net, precision, rows, threads),
    )  # fmt: skip


def _entries(net: Layout, kind: Any, threads: int, most: int) -> Entries:
    if not most:
        return NO_ENTRIES
    return Entries(
        most, aligned(threads * most, kind), aligned(threads * most, np.int64),
        aligned(threads * (net.d + 3), np.int64),
    )  # fmt: skip


def thread_view(code: Code, chunk: Chunk, d: Value, width: Value, me: Value) -> Chunk:
    """Return the chunk with the buffers of thread `me`."""
    at, mine, entries = code.at, me * chunk.rows, chunk.entries
    blocks = (d + chunk.kc) // chunk.kc
    return chunk._replace(
        X=at(chunk.X, mine * chunk.x_row * blocks), labels=at(chunk.labels, mine),
        weights=at(chunk.weights, mine), sums=at(chunk.sums, me * SUMS),
        strip=at(chunk.strip, me * STRIP * width),
        entries=Entries(
            entries.most, at(entries.numbers, me * entries.most),
            at(entries.rows, me * entries.most), at(entries.borders, me * (d + 3)),
        ),
        bf16=bf16_thread_view(code, chunk.bf16, chunk.rows, width, me),
    )  # fmt: skip
