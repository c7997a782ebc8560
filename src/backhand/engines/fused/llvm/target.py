"""The CPU that is compiled for: what LLVM knows of it, and the tile that suits its registers."""

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
    def is_x86(self) -> bool:
        """Whether it runs x86 code of 64 bits."""
        return self.triple.startswith(("x86_64", "amd64"))


@cache
def host() -> Host:
    """What this is; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say otherwise, as they do to Numba."""
    name = os.environ.get("NUMBA_CPU_NAME")
    features = os.environ.get("NUMBA_CPU_FEATURES", "" if name == "generic" else None)
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    return Host(binding.get_process_triple(), name or binding.get_host_cpu_name(), features)


class Tile(NamedTuple):
    """The block of a product that is held in registers.

    Attributes
    ----------
    lanes : int
        Numbers in a vector register.
    rows, vectors : int
        The block is `rows` × (`vectors` · `lanes`) numbers.
    dot_rows, dot_columns : int
        For products along the vectors: `dot_rows` × `dot_columns` sums, each in a register.
    """

    lanes: int
    rows: int
    vectors: int
    dot_rows: int
    dot_columns: int

    @property
    def block(self) -> int:
        """Rows of the data that are worked on together: whole vectors, and whole blocks of sums."""
        return max(self.lanes, self.dot_rows)


@cache
def tile(bits: int) -> Tile:
    """The tile for floating point numbers of so many bits.

    A step along the inner dimension loads `vectors` registers, broadcasts one number a row and
    needs an accumulator for each of rows × vectors; all have to fit, and there have to be enough
    sums under way to hide the time that one takes.
    """
    width, registers = _registers(host())
    # 24 accumulators, 4 vectors, 1 broadcast of 32 registers; or 12, 3 and 1 of 16.
    rows, vectors, dot_columns = (6, 4, 4) if registers >= 32 else (4, 3, 3)
    return Tile(width * 8 // bits, rows, vectors, 4, dot_columns)


def _registers(machine: Host) -> tuple[int, int]:
    """Bytes of a vector register, and how many there are."""
    has = {feature[1:] for feature in machine.features.split(",") if feature.startswith("+")}
    if machine.is_x86:
        if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= has:
            return 64, 32
        return (32, 16) if "avx2" in has else (16, 16)
    return 16, 32
