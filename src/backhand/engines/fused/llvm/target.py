"""The CPU that is compiled for: what LLVM calls it, and the tile that suits its registers."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from llvmlite import binding


class Host(NamedTuple):
    """What LLVM calls this machine, its CPU and the CPU's features."""

    triple: str
    cpu: str
    features: str

    @property
    def has(self) -> frozenset[str]:
        """The features that it has, by LLVM's names."""
        given = self.features.split(",")
        return frozenset(feature[1:] for feature in given if feature.startswith("+"))

    @property
    def is_x86(self) -> bool:
        """Whether it runs x86 code of 64 bits."""
        return self.triple.startswith(("x86_64", "amd64"))


@cache
def host() -> Host:
    """Return this machine; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES override it, as for Numba."""
    name = os.environ.get("NUMBA_CPU_NAME")
    features = os.environ.get("NUMBA_CPU_FEATURES", "" if name == "generic" else None)
    if features is None:
        try:
            features = binding.get_host_cpu_features().flatten()
        except RuntimeError:  # older LLVM on macOS: they follow from the CPU's name
            features = ""
    return Host(binding.get_process_triple(), name or binding.get_host_cpu_name(), features)


class Tile(NamedTuple):
    """The block of C that a micro-kernel of gemm holds in registers, in BLIS's words.

    Attributes
    ----------
    lanes : int
        Numbers in a vector register.
    MR : int
        Rows of the block.
    NV : int
        Vectors that it is wide: NR is NV · lanes.
    dot_MR, dot_NR : int
        For products along the vectors: dot_MR × dot_NR sums, each in a register.
    """

    lanes: int
    MR: int
    NV: int
    dot_MR: int
    dot_NR: int

    @property
    def NR(self) -> int:
        """Numbers that the block is wide."""
        return self.NV * self.lanes


@cache
def tile_of(lanes: int) -> Tile:
    """Return the tile for vectors of that many numbers.

    A step along the inner dimension loads NV registers, broadcasts one number per row and needs an
    accumulator for each of MR × NV; all have to fit, with enough independent sums to hide the
    latency of one.
    """
    _, registers = registers_of(host())
    # 24 accumulators, 4 vectors, 1 broadcast of 32 registers; or 12, 3 and 1 of 16.
    MR, NV, dot_NR = (6, 4, 4) if registers >= 32 else (4, 3, 3)
    return Tile(lanes, MR, NV, 4, dot_NR)


def registers_of(machine: Host) -> tuple[int, int]:
    """Bytes of a vector register, and the number of such registers."""
    if machine.is_x86:
        if machine.has >= {"avx512f", "avx512dq", "avx512bw", "avx512vl"}:
            return 64, 32
        return (32, 16) if "avx2" in machine.has else (16, 16)
    return 16, 32
