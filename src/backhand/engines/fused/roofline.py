"""The most that one core can do: fused multiply-adds on registers alone."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from backhand.engines.fused.buffers import aligned
from backhand.engines.fused.llvm.abi import Reals, words
from backhand.engines.fused.llvm.builder import Code, Value
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.target import tile

ROUNDS = 100_000


class Numbers(NamedTuple):
    """A register full for each sum of a tile."""

    numbers: Reals


def multiply_add(code: Code, numbers: Numbers, rounds: Value) -> None:
    """Do x ← a x + b on as many registers as a tile has sums, `rounds` times."""
    lanes = code.tile.lanes
    a, b = code.splat(0.5), code.splat(1.0)
    count = code.tile.rows * code.tile.vectors
    sums = [code.variable(code.load(numbers.numbers, i * lanes)) for i in range(count)]
    with code.loop(rounds):
        for x in sums:
            x.set(x.get() * a + b)
    for i, x in enumerate(sums):
        code.store(x.get(), numbers.numbers, i * lanes)


def check_compiler() -> None:
    """Compile, run and check the smallest program; what goes wrong is raised."""
    numbers = aligned(64 * 32, np.float32)
    run, call = entry(multiply_add, 32), words(Numbers(numbers))
    run(call.ctypes.data, 2)  # `call` has a name: without one, its memory is free by now
    if numbers[0] != 1.5:
        raise ArithmeticError(f"compiled code says that 1 + 1 / 2 is {numbers[0]}")


def peak_gflops(bits: int = 32) -> float:
    """Measure what one thread reaches with real numbers of so many bits, in GFLOP/s.

    A multiply-add is two; on a CPU that has no such instruction it counts the same.
    """
    shape = tile(bits)
    count = shape.rows * shape.vectors * shape.lanes
    numbers = aligned(count, np.float32 if bits == 32 else np.float64)
    run, call = entry(multiply_add, bits), words(Numbers(numbers))
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        run(call.ctypes.data, ROUNDS)
        best = max(best, 2 * count * ROUNDS / (time.perf_counter() - began) / 1e9)
    return best
