"""The five matrix products, on tiles that stay in registers.

Four of them are `product`: numbers of A, broadcast, times rows of a panel of B, whose vectors lie
along the hidden units. The fifth, S = H1 W2, runs along the hidden units itself: `row_products`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from backhand.engines.fused.kernels.reductions import across
from backhand.engines.fused.llvm.builder import Code, Value, Variable, function

STORE, RELU, MASK = 0, 1, 2
"""What becomes of a product's sums: as they are, max(0, ·), or 0 where the mask is not above 0."""

AHEAD = 16
"""Numbers ahead that are fetched: a cache line of single ones, two of double ones."""


class Matrix(NamedTuple):
    """Number (i, k) is at i · row + k · column of `numbers`."""

    numbers: Any
    row: Any
    column: Any


class Size(NamedTuple):
    """Of a product: (rows, inner) times (inner, vectors · lanes).

    B has a row every `width` numbers, C and the mask every `row`.
    """

    rows: Any
    inner: Any
    vectors: Any
    width: Any
    row: Any


@function
def product(
    code: Code, A: Matrix, B: Value, C: Value, mask: Value, size: Size, add: Value, finish: Value
) -> None:
    """C = A B, or with `add` C + A B, one panel wide.

    The mask is looked at for MASK only, and else may be anything.
    """

    def tiles(i: Value, count: int) -> None:
        a = A._replace(numbers=code.at(A.numbers, i * A.row))
        c, m = code.at(C, i * size.row), code.at(mask, i * size.row)

        def shape(v: int) -> None:
            _tile(code, (count, v), a, B, c, m, size, add, finish)

        code.cases(size.vectors, {v: partial(shape, v) for v in range(1, code.tile.vectors + 1)})

    in_tiles(code, size.rows, code.tile.rows, tiles)


def in_tiles(code: Code, count: Value, most: int, write: Callable[[Value, int], None]) -> None:
    """Cut 0..count in tiles of `most`; the last two share what is left.

    A tile of only one or two would have too few sums under way to hide the time an addition takes.
    """
    position = code.variable(code.integer(0))
    with code.repeat_while(lambda: position.get() < count):
        i = position.get()
        left = count - i
        half = code.select(left > most, (left + 1) // 2, left)
        take = code.select(left >= 2 * most, most, half)
        code.cases(take, {n: partial(write, i, n) for n in range(1, most + 1)})
        position.set(i + take)


def _tile(
    code: Code, shape: tuple[int, int], A: Matrix, B: Value, C: Value, mask: Value, size: Size,
    add: Value, finish: Value,
) -> None:  # fmt: skip
    """Rows × vectors sums, each in a register of its own."""
    rows, vectors = shape
    lanes, width, row, zero = code.tile.lanes, size.width, size.row, code.splat(0.0)
    where = {(i, v): row * i + v * lanes for i in range(rows) for v in range(vectors)}
    sums = {key: code.variable(zero) for key in where}
    for i in range(rows):
        code.prefetch(C, row * i, writing=True)
    with code.when(add > 0):
        for key, offset in where.items():
            sums[key].set(code.load(C, offset))
    starts = [code.at(A.numbers, A.row * i) for i in range(rows)]
    with code.loop(size.inner) as k:
        # Where A's rows lie across, as in Xᵀ, the next line of each is needed soon.
        code.prefetch(A.numbers, k * A.column + AHEAD)
        b = [code.load(B, k * width + v * lanes) for v in range(vectors)]
        for i in range(rows):
            a = code.broadcast(code.load_one(starts[i], k * A.column))
            for v in range(vectors):
                sums[i, v].set(a * b[v] + sums[i, v].get())

    def store(change: Callable[[Value, Value], Value]) -> None:
        for key, offset in where.items():
            code.store(change(sums[key].get(), offset), C, offset)

    code.cases(finish, {
        STORE: lambda: store(lambda x, _: x),
        RELU: lambda: store(lambda x, _: code.relu(x)),
        MASK: lambda: store(lambda x, o: code.select(code.load(mask, o) > zero, x, zero)),
    })  # fmt: skip


@function
def row_products(
    code: Code, A: Value, a_panel: Value, B: Value, b_panel: Value, panels: Value, C: Value,
    c_column: Value, rows: Value, columns: Value, vectors: Value, width: Value,
) -> None:  # fmt: skip
    """Cᵀ = (A Bᵀ)ᵀ: rows of A times rows of B, both in panels along the hidden units.

    Panels are `a_panel` and `b_panel` numbers apart, with rows of `width` numbers; C's number
    (i, k) is at k · c_column + i, so that its vectors lie along the rows. `rows` is a multiple of
    the tile's.
    """
    with code.loop(rows, step=code.tile.dot_rows) as i:
        a = code.at(A, i * width)

        def tiles(k: Value, count: int, i: Value = i, a: Value = a) -> None:
            sums = _sums_along(
                code, count, a, a_panel, code.at(B, k * width), b_panel, panels, vectors, width
            )
            for j in range(count):
                total = across(code, [sums[r, j].get() for r in range(code.tile.dot_rows)])
                code.store(total, C, (k + j) * c_column + i)

        in_tiles(code, columns, code.tile.dot_columns, tiles)


def _sums_along(
    code: Code, columns: int, A: Value, a_panel: Value, B: Value, b_panel: Value, panels: Value,
    vectors: Value, width: Value,
) -> dict[tuple[int, int], Variable]:  # fmt: skip
    """For each row of A and each of B: a vector whose lanes' sum is their product."""
    pairs = [(i, k) for i in range(code.tile.dot_rows) for k in range(columns)]
    sums = {pair: code.variable(code.splat(0.0)) for pair in pairs}
    with code.loop(panels) as p:
        a_here, b_here = code.at(A, p * a_panel), code.at(B, p * b_panel)
        with code.loop(vectors) as v:
            offset = v * code.tile.lanes
            b = [code.load(b_here, width * k + offset) for k in range(columns)]
            for i in range(code.tile.dot_rows):
                a = code.load(a_here, width * i + offset)
                for k in range(columns):
                    sums[i, k].set(a * b[k] + sums[i, k].get())
    return sums
