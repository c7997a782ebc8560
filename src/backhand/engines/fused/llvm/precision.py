"""Precision: what numbers are stored, computed and accumulated in, and how many a register holds.

It selects the micro-kernels, the packed layout and the name of a compiled program.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from backhand.engines.fused.llvm.target import host, registers_of, tile_of
from backhand.errors import InputError

AMX, DOTS, CONVERSION = "amx-bf16", "avx512bf16", "conversion"
"""Products of bf16: on AMX's tiles; by AVX-512's dot products of pairs; of numbers that are
converted to float32 in registers."""

BF16_PRODUCTS = (AMX, DOTS, CONVERSION)


class Precision(NamedTuple):
    """The precision of a program.

    Attributes
    ----------
    storage, compute, accumulation : str
        NumPy's names of the dtypes of parameters and activations in memory; of the products and
        sums in registers; and of sums over rows or weights that are figures: losses, hits, squares.
    lanes : int
        Numbers of `compute` in a vector register.
    products : str
        How products are computed: that of `compute`, whose numbers they multiply; or from numbers
        rounded to bf16, one of `BF16_PRODUCTS`.
    """

    storage: str
    compute: str
    accumulation: str
    lanes: int
    products: str

    @property
    def name(self) -> str:
        """The precision in the name of a program."""
        return self.compute if self.products == self.compute else self.products

    @property
    def rounds_to_bf16(self) -> bool:
        """Whether products are those of numbers rounded to bf16."""
        return self.products in BF16_PRODUCTS

    @property
    def block(self) -> int:
        """Rows of the data that are worked on together: whole vectors, and whole blocks of sums.

        In bf16, rows are taken in pairs, and a block of whole vectors of pairs is transposed.
        """
        if self.rounds_to_bf16:
            return 2 * self.lanes
        return max(self.lanes, tile_of(self.lanes).dot_MR)

    @property
    def bits(self) -> int:
        """Bits of a number in a register, and of a class index beside it."""
        return np.dtype(self.compute).itemsize * 8

    @property
    def bytes(self) -> int:
        """Bytes of a number in memory."""
        return np.dtype(self.storage).itemsize


@cache
def precision_of(dtype: Any) -> Precision:
    """The precision that parameters of this dtype are trained in.

    Raises
    ------
    InputError
        If it is neither float32 nor float64.
    """
    name = np.dtype(dtype).name
    if name not in ("float32", "float64"):
        raise InputError(
            f"the fused engine computes in float32 or float64, not in {name}; convert the "
            "parameters, or use engine='reference'."
        )
    register_bytes, _ = registers_of(host())
    return Precision(name, name, "float64", register_bytes // np.dtype(name).itemsize, name)


@cache
def bf16_precision(products: str) -> Precision:
    """The precision of float32 parameters whose products are those of bf16 numbers."""
    return precision_of(np.float32)._replace(products=products)
