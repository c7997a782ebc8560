"""The most that one core can do: products and sums on registers alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from backhand.choices import PrecisionName
from backhand.engines.fused.arithmetic import bf16_products
from backhand.engines.fused.kernels.amx import ROWS, add_products_of_tiles, configured_tiles
from backhand.engines.fused.kernels.bf16 import dot
from backhand.engines.fused.llvm.abi import aligned, marshal
from backhand.engines.fused.llvm.builder import Code, Value
from backhand.engines.fused.llvm.compiler import Registers, entry, multiply_add
from backhand.engines.fused.llvm.precision import AMX, bf16_precision, precision_of
from backhand.engines.fused.llvm.target import tile_of

ROUNDS = 100_000


def peak_gflops(dtype: Any = np.float32, precision: PrecisionName = "auto") -> float:
    """Measure what one thread reaches with numbers of a dtype, or of bf16, in GFLOP/s.

    A multiply-add is two, and so is each product of a dot product; on a CPU that has no such
    instruction it counts the same.
    """
    if precision == "auto":
        program, of, pairs = multiply_add, precision_of(dtype), 1
    else:
        program, of, pairs = multiply_dots, bf16_precision(bf16_products()), 2
    shape = tile_of(of.lanes)
    count = shape.MR * shape.NR
    products = 4 * ROWS**3 if of.products == AMX else count
    numbers = aligned(max(count, 4 * ROWS**2), dtype)
    run, call = entry(program, of), marshal(Registers(numbers))
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        run(call.ctypes.data, ROUNDS)
        seconds = time.perf_counter() - began
        best = max(best, 2 * pairs * products * ROUNDS / seconds / 1e9)
    return best


def multiply_dots(code: Code, registers: Registers, rounds: Value) -> None:
    """Do x ← x + a · b of pairs of bf16 as `multiply_add`, or on four tiles of sums."""
    if code.precision.products == AMX:
        with configured_tiles(code):
            add_products_of_tiles(code, registers.numbers, rounds)
        return
    lanes, pairs = code.lanes, code.bits_of(code.load(registers.numbers))
    count = code.tile.MR * code.tile.NV
    sums = [code.variable(code.load(registers.numbers, i * lanes)) for i in range(count)]
    with code.loop(rounds):
        for x in sums:
            x.set(dot(code, pairs, pairs, x.get()))
    for i, x in enumerate(sums):
        code.store(x.get(), registers.numbers, i * lanes)
