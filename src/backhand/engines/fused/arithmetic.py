"""How this machine multiplies bf16 numbers: on AMX's tiles, by AVX-512, or converted to float32."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from backhand.engines.fused.bf16_buffers import unpacked
from backhand.engines.fused.kernels.amx import configured_tiles
from backhand.engines.fused.kernels.bf16_gemm import multiply
from backhand.engines.fused.kernels.gemm import Size
from backhand.engines.fused.llvm.abi import Integer, Reals, Words, aligned, marshal
from backhand.engines.fused.llvm.builder import Code, Value
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.precision import (
    AMX,
    BF16_PRODUCTS,
    CONVERSION,
    DOTS,
    bf16_precision,
    precision_of,
)
from backhand.engines.fused.llvm.target import host
from backhand.support import system

ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA = 158, 0x1023, 18
"""Linux's number of the system call, and its request for the state of the tiles; see
https://docs.kernel.org/arch/x86/xstate.html."""


@cache
def bf16_products() -> str:
    """The fastest of `BF16_PRODUCTS` that works here."""
    has = host().has
    if precision_of(np.float32).lanes != 16 or "avx512bf16" not in has:
        return CONVERSION
    if has >= {"amx-tile", "amx-bf16"} and tiles_permitted() and products_are_right(AMX):
        return AMX
    return DOTS


def tiles_permitted() -> bool:
    """Ask Linux for the state of the tiles, once for the process and all its threads to come."""
    return system.c_library.system_call(ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0


class Factors(NamedTuple):
    """A (rows, inner) and B (inner, width), words; C (rows, width) and zeros (width,), float32."""

    rows: Integer
    inner: Integer
    width: Integer
    A: Words
    B: Words
    C: Reals
    zeros: Reals


def bf16_product(code: Code, args: Factors, _: Value) -> None:
    """C = A B."""
    with configured_tiles(code):
        vectors = args.width // code.lanes
        size = Size(args.rows, args.inner, vectors, args.width, args.width)
        multiply(code, args.A, args.inner, args.B, args.C, args.zeros, size, code.integer(0))


def products_are_right(products: str) -> bool:
    """Whether a product of small integers, which every arithmetic computes exactly, is right."""
    assert products in BF16_PRODUCTS
    precision = bf16_precision(products)
    rows, inner, width = 16 + 5, 2 * precision.lanes, 3 * precision.lanes
    rng = np.random.default_rng(0)
    A = aligned(32 * inner, np.int32)
    B = aligned(inner * width, np.int32)
    C = aligned(rows * width, np.float32)
    zeros = aligned(precision.lanes * 16, np.float32)
    for words in (A, B):
        numbers = rng.integers(-8, 9, 2 * len(words)).astype(np.float32)
        words.view(np.uint16)[:] = numbers.view(np.uint32) >> 16
    call = marshal(Factors(rows, inner, width, A, B, C, zeros))
    entry(bf16_product, precision)(call.ctypes.data, 0)
    a, b = (unpacked(words) for words in (A, B))
    pairs = a.reshape(32, inner, 2)[:rows], b.reshape(inner, width, 2)
    expected = np.einsum("ikp,kjp->ij", *pairs)
    return bool(np.array_equal(C.reshape(rows, width), expected))
