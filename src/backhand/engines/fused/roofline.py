"""The most that one core can do: fused multiply-adds on registers alone."""

from __future__ import annotations

import time

import numpy as np

from backhand.engines.fused.llvm.abi import aligned, words
from backhand.engines.fused.llvm.compiler import Registers, entry, multiply_add
from backhand.engines.fused.llvm.target import tile

ROUNDS = 100_000


def peak_gflops(bits: int = 32) -> float:
    """Measure what one thread reaches with real numbers of so many bits, in GFLOP/s.

    A multiply-add is two; on a CPU that has no such instruction it counts the same.
    """
    shape = tile(bits)
    count = shape.rows * shape.vectors * shape.lanes
    numbers = aligned(count, np.float32 if bits == 32 else np.float64)
    run, call = entry(multiply_add, bits), words(Registers(numbers))
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        run(call.ctypes.data, ROUNDS)
        best = max(best, 2 * count * ROUNDS / (time.perf_counter() - began) / 1e9)
    return best
