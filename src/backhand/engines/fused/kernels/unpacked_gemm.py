"""Products with weights that stay in the user's arrays: C + A W.

Each number of C is summed over the rows of W in their order, one fused multiply-add after the
other. That holds for all ways through W, which therefore give the same bits: `add_rows` reads the
rows of W that a sparse row of A names; `add_product` multiplies a dense A. W is read in place: many
rows of A are cut into tiles that are high enough for the second cache to keep up. Only where W's
rows are no whole vectors, or its numbers no neighbours, a strip of it at a time is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from backhand.engines.fused.kernels.gemm import RELU, STORE, Matrix, Size, gemm, in_tiles
from backhand.engines.fused.llvm.builder import Code, Value, function

KC = 256
"""Maximum number of rows of W that are multiplied at a time."""

TOGETHER = 4
"""Rows of W that are added at a time: C is loaded and stored once for all of them."""


class Weights(NamedTuple):
    """W (rows, columns); its number (j, h) is at j · row + h · column."""

    numbers: Any
    row: Any
    column: Any
    rows: Any
    columns: Any


def add_rows(
    code: Code, W: Weights, c: Value, start: Value, stop: Value,
    entry: Callable[[Value], tuple[Value, Value]], later: Callable[[Value], Value] | None = None,
) -> None:  # fmt: skip
    """Add x · W[j] to c for the entries (j, x) of numbers start..stop.

    `later`, for rows that are not consecutive, returns the row of one of the next few entries, or
    any row if there is no such entry: that row is prefetched.
    """

    def add(n: Value, count: int) -> None:
        entries = [entry(n + t) for t in range(count)]
        rows = [(code.at(W.numbers, j * W.row), x) for j, x in entries]
        with code.if_(W.column.equals(1)):
            ahead = []
            if later is not None and count > 1:
                ahead = [code.at(W.numbers, later(n + count + t) * W.row) for t in range(count)]
            _add_neighbours(code, rows, ahead, W.columns, c)
        with code.if_((W.column - 1) * (W.column - 1) > 0), code.loop(W.columns) as h:
            sum_ = code.load_scalar(c, h)
            for w, x in rows:
                sum_ = x * code.load_scalar(w, h * W.column) + sum_
            code.store(sum_, c, h)

    border = start + (stop - start) // TOGETHER * TOGETHER
    with code.loop(border, start=start, step=TOGETHER) as n:
        add(n, TOGETHER)
    with code.loop(stop, start=border) as n:
        add(n, 1)


def _add_neighbours(
    code: Code, rows: list[tuple[Value, Value]], ahead: list[Value], columns: Value, c: Value
) -> None:
    """Add x · w to c for rows w whose numbers are neighbours."""
    lanes = code.lanes
    rows = [(w, code.broadcast(x)) for w, x in rows]

    def add(h: Value, load: Callable[[Value], Value]) -> None:
        sum_ = code.load(c, h)
        for w, x in rows:
            sum_ = x * load(w) + sum_
        code.store(sum_, c, h)

    whole = columns // lanes * lanes
    with code.loop(whole, step=lanes) as h:
        for w in ahead:
            code.prefetch(w, h)
        add(h, lambda w: code.load(w, h))
    with code.if_(whole < columns):
        mask = code.iota(whole) < columns
        add(whole, lambda w: code.masked_load(w, whole, mask))


@function
def add_product(
    code: Code, A: Matrix, W: Weights, C: Value, c_row: Value, strip: Value, rows: Value
) -> None:
    """C (rows, columns) = max(0, C + A W); A (rows, W.rows).

    C's rows are padded to whole vectors. The strip (KC, NR) receives packed columns of W.
    """
    one = W.column.equals(1) & rows.equals(1)
    with code.if_(one):
        _add_row(code, A, W, C)
    with code.if_(one.equals(0)):
        _add_tiles(code, A, W, C, c_row, strip, rows)


def _add_row(code: Code, A: Matrix, W: Weights, c: Value) -> None:
    """Set c (columns,) to max(0, c + a W) of one row a: W is read once, from begin to end."""
    lanes = code.lanes

    def add(vector: Value, count: int, load: Callable[[Value, Value], Value]) -> None:
        places = [(vector + v) * lanes for v in range(count)]
        sums = [code.variable(code.load(c, h)) for h in places]
        with code.loop(W.rows) as k:
            w = code.at(W.numbers, k * W.row)
            x = code.broadcast(code.load_scalar(A.numbers, k * A.column))
            for h, sum_ in zip(places, sums, strict=True):
                sum_.set(x * load(w, h) + sum_.get())
        for h, sum_ in zip(places, sums, strict=True):
            code.store(code.relu(sum_.get()), c, h)

    whole = W.columns // lanes
    sums = code.tile.MR * code.tile.NV * 2 // 3
    in_tiles(code, whole, sums, lambda vector, count: add(vector, count, code.load))
    with code.if_(whole * lanes < W.columns):
        mask = code.iota(whole * lanes) < W.columns
        add(whole, 1, lambda w, h: code.masked_load(w, h, mask))


def _add_tiles(
    code: Code, A: Matrix, W: Weights, C: Value, c_row: Value, strip: Value, rows: Value
) -> None:
    """The same of several rows, in tiles."""
    lanes = code.lanes
    vectors = (W.columns + (lanes - 1)) // lanes
    in_place = code.select(W.column.equals(1), W.columns // lanes, 0)
    with code.loop(W.rows, step=KC) as first:
        inner = code.minimum(W.rows - first, KC)
        a = A._replace(numbers=code.at(A.numbers, first * A.column))
        epilogue = code.select((first + inner).equals(W.rows), RELU, STORE)

        def multiply(vector: Value, count: int, B: Value, width: Value) -> None:
            c = code.at(C, vector * lanes)
            size = Size(rows, inner, count, width, c_row)
            gemm(code, a, B, c, size, 1, epilogue)

        def read(vector: Value, count: int) -> None:
            multiply(vector, count, code.at(W.numbers, first * W.row + vector * lanes), W.row)

        def copy(vector: Value, count: int) -> None:
            vector = vector + in_place
            _copy(code, W, first, inner, vector * lanes, count, strip)
            multiply(vector, count, strip, code.integer(count * lanes))

        in_tiles(code, in_place, code.tile.NV, read)
        in_tiles(code, vectors - in_place, code.tile.NV, copy)


def _copy(
    code: Code, W: Weights, first: Value, inner: Value, h: Value, vectors: int, strip: Value
) -> None:
    """Copy that many vectors of columns, from h on, of rows first.. of W; 0 after the last."""
    lanes = code.lanes
    with code.loop(inner) as n:
        w, target = (
            code.at(W.numbers, (first + n) * W.row + h * W.column),
            code.at(strip, n * (vectors * lanes)),
        )
        with code.if_(W.column.equals(1)):
            for v in range(vectors):
                mask = code.iota(h + v * lanes) < W.columns
                code.store(code.masked_load(w, v * lanes, mask), target, v * lanes)
        with code.if_((W.column - 1) * (W.column - 1) > 0):
            with code.loop(vectors * lanes) as i:
                code.store(code.real(0.0), target, i)
            with code.loop(code.minimum(W.columns - h, vectors * lanes)) as i:
                code.store(code.load_scalar(w, i * W.column), target, i)
