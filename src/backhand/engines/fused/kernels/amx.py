"""Products of bf16 pairs on AMX's tiles: blocks of 16 rows of 16 words in registers of their own.

A tile instruction multiplies 16 rows of 16 pairs with 16 pairs of rows of 16 numbers, and adds
16 × 16 sums of float32. Two tiles of A and two of B give four of C: each that is loaded is used
twice. A block at the lower edge of C, which has fewer than 16 rows, is stored beside it and copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from llvmlite import ir

from backhand.engines.fused.kernels.gemm import Size
from backhand.engines.fused.llvm.builder import Code, Value, constant, function
from backhand.engines.fused.llvm.precision import AMX

ROWS = 16
"""Rows of a tile, and numbers or pairs in one of its rows."""

TILES = 8
"""Tile registers: sums in 0 to 3, A in 4 and 5, B in 6 and 7."""

PALETTE = bytes([1, *[0] * 15, *[64, 0] * TILES, *[0] * 16, *[ROWS] * TILES, *[0] * 8])
"""The configuration (Intel's manual, LDTILECFG): every tile has 16 rows of 64 bytes."""

LOAD, STORE, MULTIPLY = "llvm.x86.tileloadd64", "llvm.x86.tilestored64", "llvm.x86.tdpbf16ps"
CONFIGURE, RELEASE = "llvm.x86.ldtilecfg", "llvm.x86.tilerelease"

BYTE = ir.IntType(8)


@contextmanager
def configured_tiles(code: Code) -> Iterator[None]:
    """Configure the thread's tiles while the context lasts, if the program uses any."""
    if code.precision.products != AMX:
        yield
        return
    kind = ir.ArrayType(BYTE, len(PALETTE))
    where = code.builder.alloca(kind)
    where.align = len(PALETTE)
    code.builder.store(ir.Constant(kind, bytearray(PALETTE)), where)
    address = code.builder.bitcast(where, BYTE.as_pointer())
    code.call(CONFIGURE, ir.VoidType(), address)
    yield
    code.call(RELEASE, ir.VoidType())


class _Block(NamedTuple):
    """Where the tiles of a block of C are loaded from and stored to: `row` numbers a row."""

    numbers: Value
    row: Value


@function
def multiply_tiles(
    code: Code, A: Value, a_row: Value, B: Value, C: Value, start: Value, size: Size, add: Value
) -> None:
    """C = start + A B, or with `add` C + A B; see `bf16_gemm.multiply`."""
    spare = _Block(_spare(code), code.integer(2 * ROWS))
    with (
        code.loop(size.rows, step=2 * ROWS) as i,
        code.loop(size.vectors, step=2) as v,
    ):
        left = size.rows - i
        a, b = code.at(A, i * a_row), code.at(B, v * ROWS)
        c = _Block(code.at(C, i * size.row + v * ROWS), size.row)
        tall, wide = left > ROWS, size.vectors - v > 1
        whole = code.select(left < 2 * ROWS, left.equals(ROWS), tall)
        begin = code.at(start, v * ROWS)

        def shape(r: int, w: int, a: Value = a, b: Value = b, c: _Block = c, left: Value = left,
                  whole: Value = whole, begin: Value = begin) -> None:  # fmt: skip
            rows = code.minimum(left, r * ROWS)
            with code.if_(_not(whole) & (add > 0)):
                _copy(code, c, spare, rows, w)
            used = _Block(code.select(whole, c.numbers, spare.numbers),
                          code.select(whole, c.row, spare.row))  # fmt: skip
            _tiles(code, (r, w), a, a_row, b, used, begin, size, add)
            with code.if_(_not(whole)):
                _copy(code, spare, c, rows, w)

        number = code.select(tall, 2, 0) + code.select(wide, 1, 0)
        shapes: dict[int, Callable[[], None]] = {
            2 * r + w: partial(shape, r + 1, w + 1) for r in (0, 1) for w in (0, 1)
        }
        code.switch(number, shapes)


def _tiles(
    code: Code, shape: tuple[int, int], A: Value, a_row: Value, B: Value, C: _Block, start: Value,
    size: Size, add: Value,
) -> None:  # fmt: skip
    """A block of rows × vectors tiles of C."""
    rows, vectors = shape
    sums = [(r, v) for r in range(rows) for v in range(vectors)]
    with code.if_(add > 0):
        for r, v in sums:
            _load(code, 2 * r + v, code.at(C.numbers, C.row * (ROWS * r) + ROWS * v), C.row)
    with code.if_(add.equals(0)):
        for r, v in sums:  # every row of the tile from the same numbers
            _load(code, 2 * r + v, code.at(start, ROWS * v), code.integer(0))
    with code.loop(size.inner, step=ROWS) as k:
        for r in range(rows):
            _load(code, 4 + r, code.at(A, a_row * (ROWS * r) + k), a_row)
        for v in range(vectors):
            _load(code, 6 + v, code.at(B, k * size.width + ROWS * v), size.width)
        for r, v in sums:
            code.call(MULTIPLY, ir.VoidType(), *map(_tile, (2 * r + v, 4 + r, 6 + v)))
    for r, v in sums:
        where = code.at(C.numbers, C.row * (ROWS * r) + ROWS * v)
        code.call(STORE, ir.VoidType(), _tile(2 * r + v), *_address(code, where, C.row))


def add_products_of_tiles(code: Code, numbers: Value, rounds: Value) -> None:
    """Add products of tiles to four tiles of sums, `rounds` times; numbers (4, 16, 16)."""
    row = code.integer(ROWS)
    for tile in range(TILES):
        _load(code, tile, code.at(numbers, tile % 4 * ROWS * ROWS), row)
    with code.loop(rounds):
        for r in (0, 1):
            for v in (0, 1):
                code.call(MULTIPLY, ir.VoidType(), *map(_tile, (2 * r + v, 4 + r, 6 + v)))
    for tile in range(4):
        where = code.at(numbers, tile * ROWS * ROWS)
        code.call(STORE, ir.VoidType(), _tile(tile), *_address(code, where, row))


def _load(code: Code, tile: int, where: Value, row: Value) -> None:
    code.call(LOAD, ir.VoidType(), _tile(tile), *_address(code, where, row))


def _tile(number: int) -> Any:
    return constant(BYTE, number)


def _address(code: Code, where: Value, row: Value) -> tuple[Any, Any]:
    """The address of a tile, and the bytes from one of its rows to the next."""
    return code.builder.bitcast(where.ir, BYTE.as_pointer()), (row << 2).ir


def _spare(code: Code) -> Value:
    """Memory for a block of four tiles."""
    where = code.builder.alloca(ir.ArrayType(code.real_type, 4 * ROWS * ROWS))
    where.align = 64
    return Value(code, code.builder.bitcast(where, code.real_type.as_pointer()))


def _copy(code: Code, source: _Block, target: _Block, rows: Value, vectors: int) -> None:
    with code.loop(rows) as i:
        for v in range(vectors):
            numbers = code.load(source.numbers, source.row * i + ROWS * v)
            code.store(numbers, target.numbers, target.row * i + ROWS * v)


def _not(condition: Value) -> Value:
    code = condition.code
    return Value(code, code.builder.not_(condition.ir))
