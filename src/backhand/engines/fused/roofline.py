"""The most that one core can do: fused multiply-adds on registers alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from backhand.engines.fused.llvm.abi import aligned, marshal
from backhand.engines.fused.llvm.compiler import Registers, entry, multiply_add
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.llvm.target import tile_of

ROUNDS = 100_000


def peak_gflops(dtype: Any = np.float32) -> float:
    """Measure what one thread reaches with numbers of a dtype, in GFLOP/s.

    A multiply-add is two; on a CPU that has no such instruction it counts the same.
    """
    precision = precision_of(dtype)
    shape = tile_of(precision.lanes)
    count = shape.MR * shape.NR
    numbers = aligned(count, dtype)
    run, call = entry(multiply_add, precision), marshal(Registers(numbers))
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        run(call.ctypes.data, ROUNDS)
        best = max(best, 2 * count * ROUNDS / (time.perf_counter() - began) / 1e9)
    return best
