"""The five matrix products on pairs of bf16, all of one form: `multiply`.

A word of A, a pair of neighbours in a row, is broadcast and multiplied with words of B, whose pairs
are neighbours in a column: each is one dot product of two numbers. So the inner dimension is half
as long as that of `gemm`, and both matrices are at the same time what AMX's tiles expect.
"""

from __future__ import annotations

from functools import partial

from backhand.engines.fused.kernels.amx import multiply_tiles
from backhand.engines.fused.kernels.bf16 import dot, lower, paired, upper
from backhand.engines.fused.kernels.gemm import Size, in_tiles
from backhand.engines.fused.llvm.builder import Code, Value, function
from backhand.engines.fused.llvm.precision import AMX

FEW_PAIRS = 5
"""Pairs of classes whose weights in a panel of four vectors stay in 32 registers."""


@function
def multiply(
    code: Code, A: Value, a_row: Value, B: Value, C: Value, start: Value, size: Size, add: Value
) -> None:
    """C = start + A B, or with `add` C + A B, in float32.

    A (rows, inner) words, `a_row` from a row to the next; B (inner, vectors · lanes) words; C
    (rows, vectors · lanes). `start` has a number for each column, which is added to every row; if
    there are more than NV vectors, the same for each NV. AMX reads A and B up to whole tiles: rows
    of A in sixteens, `inner` in lanes; what is beyond `inner` is 0.
    """
    NV = code.tile.NV
    with code.loop(size.vectors, step=NV) as v:
        at = v * code.lanes
        here = size._replace(vectors=code.minimum(size.vectors - v, NV))
        panel = multiply_tiles if code.precision.products == AMX else _multiply_dots
        panel(code, A, a_row, code.at(B, at), code.at(C, at), start, here, add)


@function
def _multiply_dots(
    code: Code, A: Value, a_row: Value, B: Value, C: Value, start: Value, size: Size, add: Value
) -> None:
    """`multiply` of a panel of at most NV vectors, by dot products in registers."""

    def tiles(i: Value, count: int) -> None:
        a, c = code.at(A, i * a_row), code.at(C, i * size.row)

        def shape(v: int) -> None:
            _micro_kernel(code, (count, v), a, a_row, B, c, start, size, add)

        code.switch(size.vectors, {v: partial(shape, v) for v in range(1, code.tile.NV + 1)})

    in_tiles(code, size.rows, code.tile.MR, tiles)


def _micro_kernel(
    code: Code, shape: tuple[int, int], A: Value, a_row: Value, B: Value, C: Value, start: Value,
    size: Size, add: Value,
) -> None:  # fmt: skip
    """(rows, vectors · lanes) of C, each vector of sums in its own register."""
    rows, vectors = shape
    lanes = code.lanes
    where = {(i, v): size.row * i + v * lanes for i in range(rows) for v in range(vectors)}
    begin = [code.load(start, v * lanes) for v in range(vectors)]
    sums = {(i, v): code.variable(begin[v]) for i, v in where}
    for i in range(rows):
        code.prefetch(C, size.row * i, writing=True)
    with code.if_(add > 0):
        for key, offset in where.items():
            sums[key].set(code.load(C, offset))
    starts = [code.at(A, a_row * i) for i in range(rows)]
    with code.loop(size.inner) as k:
        b = [code.load(B, k * size.width + v * lanes) for v in range(vectors)]
        for i in range(rows):
            a = code.broadcast(code.load_scalar(starts[i], k))
            for v in range(vectors):
                sums[i, v].set(dot(code, a, b[v], sums[i, v].get()))
    for key, offset in where.items():
        code.store(sums[key].get(), C, offset)


def few_pairs(code: Code) -> int:
    """Return the most pairs of classes for `multiply_and_mask`; 0 where there are 16 registers."""
    return FEW_PAIRS if code.tile.NV >= 4 else 0


@function
def multiply_and_mask(
    code: Code, A: Value, a_row: Value, B: Value, H1: Value, C: Value, size: Size
) -> None:
    """C = r(A B ⊙ 1[H1 > 0]) for `inner` of at most FEW_PAIRS: B stays in registers.

    A (rows, inner) words, B (inner, vectors · lanes) words; H1 and C (rows / 2, vectors · lanes) by
    pairs of rows. A tile of so short a product would cost more than its sums.
    """
    zero = code.splat(0.0)

    def shape(inner: int, vectors: int) -> None:
        places = [v * code.lanes for v in range(vectors)]
        b = [[code.load(B, k * size.width + at) for at in places] for k in range(inner)]
        with code.loop(size.rows // 2) as i:
            both = []
            for row in (0, 1):
                sums = [zero] * vectors
                for k in range(inner):
                    a = code.broadcast(code.load_scalar(A, (i * 2 + row) * a_row + k))
                    sums = [dot(code, a, b[k][v], x) for v, x in enumerate(sums)]
                both.append(sums)
            for at, first, second in zip(places, *both, strict=True):
                h = code.load(H1, i * size.row + at)
                code.store(masked(code, h, first, second), C, i * size.row + at)

    number = size.inner * code.tile.NV + (size.vectors - 1)
    code.switch(number, {
        inner * code.tile.NV + v - 1: partial(shape, inner, v)
        for inner in range(1, FEW_PAIRS + 1) for v in range(1, code.tile.NV + 1)
    })  # fmt: skip


def masked(code: Code, h: Value, first: Value, second: Value) -> Value:
    """Pairs of the numbers of two vectors, rounded; 0 where the number in h is not above 0."""
    zero = code.splat(0.0)
    kept = (
        code.select(of > zero, number, zero)
        for of, number in ((lower(code, h), first), (upper(code, h), second))
    )
    return paired(code, *kept)
