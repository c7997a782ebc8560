"""Precision: what numbers are stored, computed and accumulated in, and how many a register holds.

It selects the micro-kernels, the packed layout and the name of a compiled program. A precision
that stores narrower numbers than it computes with would be defined here.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from backhand.engines.fused.llvm.target import host, registers_of
from backhand.errors import InputError


class Precision(NamedTuple):
    """The precision of a program.

    Attributes
    ----------
    storage, compute, accumulation : str
        NumPy's names of the dtypes of parameters and activations in memory; of the products and
        sums in registers; and of sums over rows or weights that are figures: losses, hits, squares.
    lanes : int
        Numbers of `compute` in a vector register.
    """

    storage: str
    compute: str
    accumulation: str
    lanes: int

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
    return Precision(name, name, "float64", register_bytes // np.dtype(name).itemsize)
