"""Engines: the equations at work on batches. Same few methods, interchangeable.

`make_engine(name)` gives one; `contract.Engine` says what it must do. Nobody above this floor
asks which engine it has.
"""

from __future__ import annotations

import warnings
from functools import cache

from backhand.constraints import is_integer
from backhand.engines.contract import (
    CROSS_ENTROPY,
    Block,
    BlockMetrics,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
    is_sparse,
)
from backhand.errors import BackhandWarning, InputError, did_you_mean

ENGINES = ("auto", "fused", "reference", "torch")

__all__ = [
    "CROSS_ENTROPY",
    "ENGINES",
    "Block",
    "BlockMetrics",
    "Data",
    "Engine",
    "Objective",
    "OptimizerState",
    "Session",
    "is_sparse",
    "make_engine",
]


def make_engine(
    name: str = "auto", device: str | None = None, threads: int | None = None
) -> Engine:
    """The engine of that name.

    Parameters
    ----------
    name : {"auto", "fused", "reference", "torch"}
        "auto" is torch where a device other than the CPU is asked for, else fused; and the
        reference, with a warning, where nothing can be compiled.
    device : str, optional
        Where torch computes: "cpu" (the default), "cuda", "cuda:1".
    threads : int, optional
        At most that many, where a step is work enough to be shared; None: as many as the process
        has cores, or as `OMP_NUM_THREADS` or threadpoolctl's limit of NumPy's BLAS allow.

    Raises
    ------
    InputError
        For an unknown name or device, or a number of threads below 1.
    MissingDependencyError
        If torch is asked for and not installed.
    """
    if name not in ENGINES:
        raise InputError(f"engine is '{name}'. {did_you_mean(str(name), ENGINES)}")
    if threads is not None and (not is_integer(threads) or threads < 1):
        raise InputError(f"threads is {threads!r}; expected an integer of 1 or more.")
    on_cpu = device is None or device == "cpu"
    if name == "torch" or (name == "auto" and not on_cpu):
        from backhand.engines.torch import TorchEngine

        return TorchEngine(device or "cpu", threads)
    if not on_cpu:
        raise InputError(
            f"the {name} engine computes on the CPU; for device='{device}' take engine='torch'."
        )
    if name == "fused" or (name == "auto" and _fused_works()):
        from backhand.engines.fused.engine import FusedEngine

        return FusedEngine(threads)
    from backhand.engines.reference import ReferenceEngine

    return ReferenceEngine(threads)


@cache
def _fused_works() -> bool:
    """Whether the fused engine can be compiled here; if not, a warning says why, once."""
    try:
        from backhand.engines.fused.roofline import check_compiler

        check_compiler()
    except Exception as error:  # whatever LLVM may raise on a machine that it does not know
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        warnings.warn(
            f"the fused engine cannot be used here ({reason[0]}); the reference engine computes "
            "the same, more slowly.",
            BackhandWarning,
            stacklevel=4,
        )
        return False
    return True
