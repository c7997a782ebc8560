"""Products with weights that stay in the user's arrays: C + A W, in double precision.

A weight is widened in a register as it is loaded, so that W may be of float32 and is never copied
whole. Each number of C is summed over the rows of W in their order, one fused multiply-add after
the other. That holds for both ways through W, which therefore give the same bits: `add_rows` reads
it once for each row of A, which is best for few rows and for sparse ones; `add_product` copies a
strip of it at a time, which many rows then share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from backhand.engines.fused.kernels.gemm import STORE, Matrix, Size, gemm, in_tiles
from backhand.engines.fused.llvm.builder import Code, Value, function

KC = 256
"""Maximum number of rows of W in a strip: it fits the L2 cache with the rows of A and C."""

TOGETHER = 4
"""Rows of W that are added at a time: C is loaded and stored once for all of them."""


class Weights(NamedTuple):
    """W (rows, columns) of float32 or float64; its number (j, h) is at j · row + h · column."""

    numbers: Any
    row: Any
    column: Any
    rows: Any
    columns: Any


class Reach(NamedTuple):
    """Rows of A, C and the strip: how many, and how many numbers from one to the next."""

    rows: Any
    a_row: Any
    c_row: Any


@function
def add_dense_rows(
    code: Code, A: Value, W: Weights, C: Value, reach: Reach, first: Value, inner: Value
) -> None:
    """C (rows, columns) += A (rows, inner) W[first:first + inner], by `add_rows`."""
    with code.loop(reach.rows) as i:
        a = code.at(A, i * reach.a_row)

        def entry(n: Value, a: Value = a) -> tuple[Value, Value]:
            return first + n, code.load_scalar(a, n)

        add_rows(code, W, code.at(C, i * reach.c_row), code.integer(0), inner, entry)


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
                sum_ = x * code.widened(code.load_scalar(w, h * W.column)) + sum_
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
            sum_ = x * code.widened(load(w)) + sum_
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
    code: Code, A: Value, W: Weights, C: Value, strip: Value, reach: Reach, first: Value,
    inner: Value,
) -> None:  # fmt: skip
    """C (rows, columns) += A (rows, inner) W[first:first + inner] (inner, columns), in tiles.

    The strip (KC, NR) holds packed columns of W. C's rows are padded to whole vectors.
    """
    lanes, a = code.lanes, Matrix(A, reach.a_row, 1)

    def multiply(vector: Value, vectors: int) -> None:
        h = vector * lanes
        _copy(code, W, first, inner, h, vectors, strip)
        size = Size(reach.rows, inner, vectors, vectors * lanes, reach.c_row)
        c = code.at(C, h)
        gemm(code, a, strip, c, size, 1, STORE)

    in_tiles(code, (W.columns + (lanes - 1)) // lanes, code.tile.NV, multiply)


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
                code.store(code.widened(code.masked_load(w, v * lanes, mask)), target, v * lanes)
        with code.if_((W.column - 1) * (W.column - 1) > 0):
            with code.loop(vectors * lanes) as i:
                code.store(code.real(0.0), target, i)
            with code.loop(code.minimum(W.columns - h, vectors * lanes)) as i:
                code.store(code.widened(code.load_scalar(w, i * W.column)), target, i)
