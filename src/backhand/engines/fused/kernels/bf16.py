"""Numbers of bfloat16 (bf16): rounding to them, pairs of them, and dot products of pairs.

A bf16 number is the upper half of a float32 number's bits. Two of them, neighbours along the inner
dimension of a product, are one 32-bit word: the first in the lower half, the second in the upper. A
vector of words has as many pairs as a vector of float32 has numbers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from backhand.engines.fused.llvm.builder import Code, Value, constant
from backhand.engines.fused.llvm.precision import CONVERSION

UPPER = -(2**16)
"""The mask of a word's upper half."""

NAN = 0x7FC0


class _BFloat(ir.types.Type):  # type: ignore[misc]
    """LLVM's type of a bf16 number, which llvmlite has no class for."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


def lower(code: Code, words: Value) -> Value:
    """The first number of each pair, as float32."""
    return code.real_of(words << 16)


def upper(code: Code, words: Value) -> Value:
    """The second number of each pair, as float32."""
    return code.real_of(_upper_half(code, words))


def merged(code: Code, first: Value, second: Value) -> tuple[Value, Value]:
    """Pairs of the first numbers of two vectors of pairs, and pairs of their second numbers."""
    low = first ^ _upper_half(code, first)
    return low | (second << 16), first.lshr(16) | _upper_half(code, second)


def paired(code: Code, first: Value, second: Value) -> Value:
    """Pairs of the numbers of two vectors of float32, rounded to bf16, ties to even."""
    if code.precision.products == CONVERSION:
        return _rounded(code, first) | (_rounded(code, second) << 16)
    lanes = first.lanes
    kind = ir.VectorType(_BFloat(), 2 * lanes)
    # This instruction puts its second operand's numbers first.
    both = code.call(f"llvm.x86.avx512bf16.cvtne2ps2bf16.{32 * lanes}", kind, second.ir, first.ir)
    order = [lane for n in range(lanes) for lane in (n, lanes + n)]
    pairs = code.shuffle(Value(code, both), Value(code, both), order)
    return _as_words(code, pairs)


def store_rounded(code: Code, numbers: Value, words: Value, offset: Any) -> None:
    """Store a vector of float32, rounded to bf16, as pairs of neighbours from word `offset` on."""
    if code.precision.products == CONVERSION:
        kind = ir.VectorType(ir.IntType(16), numbers.lanes)
        narrow = code.builder.trunc(_rounded(code, numbers).ir, kind)
    else:
        kind = ir.VectorType(_BFloat(), numbers.lanes)
        name = f"llvm.x86.avx512bf16.cvtneps2bf16.{32 * numbers.lanes}"
        narrow = code.call(name, kind, numbers.ir)
    where = code.builder.bitcast(code.at(words, offset).ir, kind.as_pointer())
    code.builder.store(narrow, where, align=2)


def dot(code: Code, a: Value, b: Value, sum_: Value) -> Value:
    """sum_ + a₀ b₀ + a₁ b₁ of vectors of pairs, in float32."""
    if code.precision.products == CONVERSION:
        sum_ = lower(code, a) * lower(code, b) + sum_
        return upper(code, a) * upper(code, b) + sum_
    kind = ir.VectorType(_BFloat(), 2 * sum_.lanes)
    pairs = (code.builder.bitcast(words.ir, kind) for words in (a, b))
    name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * sum_.lanes}"
    return Value(code, code.call(name, sum_.ir.type, sum_.ir, *pairs))


def _rounded(code: Code, numbers: Value) -> Value:
    """The bits of numbers rounded to bf16, in the lower half of words whose upper half is 0."""
    bits = code.bits_of(numbers)
    last = bits.lshr(16) ^ (bits.lshr(17) << 1)
    nearest = (bits + last + 0x7FFF).lshr(16)
    nan = Value(code, constant(bits.ir.type, NAN))
    return code.select(numbers.equals(numbers), nearest, nan)


def _upper_half(code: Code, words: Value) -> Value:
    return words & Value(code, constant(words.ir.type, UPPER))


def _as_words(code: Code, pairs: Value) -> Value:
    kind = ir.VectorType(ir.IntType(32), pairs.lanes // 2)
    return Value(code, code.builder.bitcast(pairs.ir, kind))
