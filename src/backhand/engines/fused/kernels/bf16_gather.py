"""Gather rows of the user's arrays into a chunk of bf16 pairs, and transpose them."""

from __future__ import annotations

from functools import partial

from backhand.engines.fused.bf16_buffers import Bf16Chunk
from backhand.engines.fused.kernels.bf16 import store_rounded
from backhand.engines.fused.kernels.gather import SOURCES, Numbers, Picked
from backhand.engines.fused.kernels.transposition import transpose
from backhand.engines.fused.llvm.builder import Code, Value, function


@function
def load_pairs(code: Code, chunk: Bf16Chunk, X: Numbers, picked: Picked, features: Value) -> None:
    """Load X (padded, x_row) of a thread's chunk, rounded, a 1 after each row, and Xᵀ."""

    def copy(name: str) -> None:
        with code.loop(picked.count) as i:
            target = code.at(chunk.X, i * chunk.x_row)
            _write_rounded(name, code, X, picked.number(code, i), target, features)

    code.switch(X.kind, {n: partial(copy, name) for n, name in enumerate(SOURCES)})
    zero = code.bits_of(code.splat(0.0))
    end = picked.padded * chunk.x_row
    with code.loop(end, start=picked.count * chunk.x_row, step=code.lanes) as i:
        code.store(zero, chunk.X, i)
    transpose(code, chunk.X, chunk.x_row, picked.padded, chunk.x_words, chunk.XT, chunk.t_row)


def _write_rounded(
    name: str, code: Code, X: Numbers, row: Value, target: Value, features: Value
) -> None:
    """Load a row of numbers of that dtype, rounding each, and a 1 after it; then 0."""
    here = code.pointer(X.numbers + row * X.stride, code.type_of(name))
    whole = features // code.lanes * code.lanes
    with code.loop(whole, step=code.lanes) as j:
        store_rounded(code, code.real_from(code.load(here, j), name), target, j // 2)
    rest = code.variable(code.splat(0.0))

    def insert(number: Value, lane: Value) -> None:
        vector, at = rest.get().ir, code.trunc32(lane).ir
        rest.set(Value(code, code.builder.insert_element(vector, number.ir, at)))

    with code.loop(features, start=whole) as j:
        insert(code.real_from(code.load_scalar(here, j), name), j - whole)
    insert(code.real(1.0), features - whole)
    store_rounded(code, rest.get(), target, whole // 2)
