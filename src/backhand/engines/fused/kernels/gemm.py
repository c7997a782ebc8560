"""The five matrix products, in BLIS's terms: micro-kernels of MR × NR sums in registers.

Four of them are `gemm`: numbers of A, broadcast, times rows of a panel of B, whose vectors run
along the hidden units. The fifth, S = H1 W2, sums along the hidden units: `gemm_nt`. An epilogue
is applied to the sums before they leave the registers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from backhand.engines.fused.kernels.reductions import across
from backhand.engines.fused.llvm.builder import Code, Value, Variable, function

STORE, RELU, MASK = 0, 1, 2
"""Epilogues, x being a sum: x; max(0, x); or x where C was above 0 and else 0."""

AHEAD = 16
"""Numbers of A that are prefetched ahead: a cache line of float32, two of float64."""


class Matrix(NamedTuple):
    """A matrix by its strides: number (i, k) is at i · row + k · column of `numbers`."""

    numbers: Any
    row: Any
    column: Any


class Size(NamedTuple):
    """The sizes of a product: (rows, inner) times (inner, vectors · lanes).

    `width` numbers are from a row of B to the next, `row` from a row of C to the next.
    """

    rows: Any
    inner: Any
    vectors: Any
    width: Any
    row: Any


@function
def gemm(
    code: Code, A: Matrix, B: Value, C: Value, size: Size, add: Value, epilogue: Value
) -> None:
    """C = epilogue(A B), or with `add` epilogue(C + A B), one panel wide.

    A (rows, inner); B (inner, vectors · lanes), a panel or a part of one; C (rows,
    vectors · lanes), which is read with `add`, and for MASK.
    """

    def tiles(i: Value, count: int) -> None:
        a = A._replace(numbers=code.at(A.numbers, i * A.row))
        c = code.at(C, i * size.row)

        def shape(v: int) -> None:
            _micro_kernel(code, (count, v), a, B, c, size, add, epilogue)

        code.switch(size.vectors, {v: partial(shape, v) for v in range(1, code.tile.NV + 1)})

    in_tiles(code, size.rows, code.tile.MR, tiles)


def in_tiles(code: Code, count: Value, most: int, write: Callable[[Value, int], None]) -> None:
    """Cut 0..count in tiles of `most`; the last two share the fringe.

    A tile of only one or two would have too few sums under way to hide the latency of an addition.
    """
    position = code.variable(code.integer(0))
    with code.while_(lambda: position.get() < count):
        i = position.get()
        left = count - i
        half = code.select(left > most, (left + 1) // 2, left)
        take = code.select(left >= 2 * most, most, half)
        code.switch(take, {n: partial(write, i, n) for n in range(1, most + 1)})
        position.set(i + take)


def _micro_kernel(
    code: Code, shape: tuple[int, int], A: Matrix, B: Value, C: Value, size: Size, add: Value,
    epilogue: Value,
) -> None:  # fmt: skip
    """The micro-kernel: (rows, vectors · lanes) of C, each vector of sums in its own register.

    A (rows, inner), B (inner, vectors · lanes), C (rows, vectors · lanes).
    """
    rows, vectors = shape
    lanes, width, row, zero = code.lanes, size.width, size.row, code.splat(0.0)
    where = {(i, v): row * i + v * lanes for i in range(rows) for v in range(vectors)}
    sums = {key: code.variable(zero) for key in where}
    for i in range(rows):  # the next tile of C
        for v in range(vectors):
            code.prefetch(C, row * (i + rows) + v * lanes, writing=True)
    with code.if_(add > 0):
        for key, offset in where.items():
            sums[key].set(code.load(C, offset))
    starts = [code.at(A.numbers, A.row * i) for i in range(rows)]
    with code.loop(size.inner) as k:
        # Where A is transposed, as Xᵀ is, the next cache line of each row is needed soon.
        code.prefetch(A.numbers, k * A.column + AHEAD)
        b = [code.load(B, k * width + v * lanes) for v in range(vectors)]
        for i in range(rows):
            a = code.broadcast(code.load_scalar(starts[i], k * A.column))
            for v in range(vectors):
                sums[i, v].set(a * b[v] + sums[i, v].get())

    def store(change: Callable[[Value, Value], Value]) -> None:
        for key, offset in where.items():
            code.store(change(sums[key].get(), offset), C, offset)

    code.switch(epilogue, {
        STORE: lambda: store(lambda x, _: x),
        RELU: lambda: store(lambda x, _: code.relu(x)),
        MASK: lambda: store(lambda x, o: code.select(code.load(C, o) > zero, x, zero)),
    })  # fmt: skip


def masked_gemm(code: Code, A: Matrix, B: Value, C: Value, size: Size) -> None:
    """C = A B where C was above 0, else 0.

    If B has as few rows as a tile, all of it stays in registers: rows of C follow one another
    without the cost of a tile, which is more than that of so short sums.
    """
    thin = size.inner < code.tile.MR + 1
    with code.if_(thin):
        _masked_thin(code, A, B, C, size)
    with code.if_(thin.equals(0)):
        gemm(code, A, B, C, size, 0, MASK)


@function
def _masked_thin(code: Code, A: Matrix, B: Value, C: Value, size: Size) -> None:
    """`masked_gemm` for an inner length of 1 to MR."""
    lanes, zero = code.lanes, code.splat(0.0)

    def multiply(inner: int, vectors: int) -> None:
        b = [
            [code.load(B, size.width * k + v * lanes) for v in range(vectors)] for k in range(inner)
        ]
        with code.loop(size.rows) as i:
            numbers = [A.row * i + A.column * k for k in range(inner)]
            a = [code.broadcast(code.load_scalar(A.numbers, at)) for at in numbers]
            for v in range(vectors):
                sum_ = a[0] * b[0][v]
                for k in range(1, inner):
                    sum_ = a[k] * b[k][v] + sum_
                here = size.row * i + v * lanes
                code.store(code.select(code.load(C, here) > zero, sum_, zero), C, here)

    def shapes(inner: int) -> None:
        widths = range(1, code.tile.NV + 1)
        code.switch(size.vectors, {v: partial(multiply, inner, v) for v in widths})

    code.switch(size.inner, {k: partial(shapes, k) for k in range(1, code.tile.MR + 1)})


@function
def gemm_nt(
    code: Code, A: Value, a_panel: Value, B: Value, b_panel: Value, panels: Value, C: Value,
    c_column: Value, rows: Value, columns: Value, vectors: Value, width: Value,
) -> None:  # fmt: skip
    """Cᵀ = B Aᵀ: rows of A times rows of B, both in panels along the hidden units.

    A (panels, rows, width), panels `a_panel` numbers apart; B (panels, columns, width), `b_panel`
    apart; C (columns, rows): number (i, k) is at k · c_column + i, so that vectors run along the
    rows. `rows` is a multiple of dot_MR.
    """
    with code.loop(rows, step=code.tile.dot_MR) as i:
        a = code.at(A, i * width)

        def tiles(k: Value, count: int, i: Value = i, a: Value = a) -> None:
            sums = _sums_along(
                code, count, a, a_panel, code.at(B, k * width), b_panel, panels, vectors, width
            )
            for j in range(count):
                total = across(code, [sums[r, j].get() for r in range(code.tile.dot_MR)])
                code.store(total, C, (k + j) * c_column + i)

        in_tiles(code, columns, code.tile.dot_NR, tiles)


def _sums_along(
    code: Code, columns: int, A: Value, a_panel: Value, B: Value, b_panel: Value, panels: Value,
    vectors: Value, width: Value,
) -> dict[tuple[int, int], Variable]:  # fmt: skip
    """For each pair of dot_MR rows of A and rows of B: a vector whose lanes add up to it."""
    pairs = [(i, k) for i in range(code.tile.dot_MR) for k in range(columns)]
    sums = {pair: code.variable(code.splat(0.0)) for pair in pairs}
    with code.loop(panels) as p:
        a_here, b_here = code.at(A, p * a_panel), code.at(B, p * b_panel)
        with code.loop(vectors) as v:
            offset = v * code.lanes
            b = [code.load(b_here, width * k + offset) for k in range(columns)]
            for i in range(code.tile.dot_MR):
                a = code.load(a_here, width * i + offset)
                for k in range(columns):
                    sums[i, k].set(a * b[k] + sums[i, k].get())
    return sums
