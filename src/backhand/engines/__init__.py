"""Engines: the equations at work on batches. Same few methods, interchangeable.

`make_engine(name)` gives one; `contract.Engine` says what it must do. Nobody above this floor
asks which engine it has.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

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
from backhand.errors import InputError, MissingDependencyError, did_you_mean
from backhand.support.optional import extra, install

EngineName = Literal["auto", "fused", "reference", "torch"]
ENGINES: tuple[str, ...] = get_args(EngineName)

__all__ = [
    "CROSS_ENTROPY",
    "ENGINES",
    "Block",
    "BlockMetrics",
    "Data",
    "Engine",
    "EngineName",
    "Objective",
    "OptimizerState",
    "Session",
    "is_sparse",
    "make_engine",
]


def make_engine(
    name: str = "auto", device: str | None = None, threads: int | None = None
) -> Engine:
    """Make an engine, which computes the equations on batches.

    Parameters
    ----------
    name : {"auto", "fused", "reference", "torch"}
        "auto" is torch for a device other than the CPU, else fused. Where that is not installed
        or cannot be compiled it is the reference, and the first training warns of it.
    device : str, optional
        Where torch computes: "cpu" (the default), "cuda", "cuda:1".
    threads : int, optional
        At most that many, where a step is work enough to be shared; None: as many as the process
        has cores, or as `OMP_NUM_THREADS` or threadpoolctl's limit of NumPy's BLAS allow.

    Returns
    -------
    Engine

    Raises
    ------
    InputError
        For an unknown name or device, or a number of threads below 1.
    MissingDependencyError
        If what the engine needs is not installed.

    Examples
    --------
    >>> import backhand
    >>> backhand.make_engine("reference").name
    'reference'
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
    notice = _why_not_fused() if name == "auto" else ""
    if name == "fused" or (name == "auto" and not notice):
        extra("llvmlite")
        from backhand.engines.fused.engine import FusedEngine

        return FusedEngine(threads)
    from backhand.engines.reference import ReferenceEngine

    return ReferenceEngine(threads, notice)


@cache
def _why_not_fused() -> str:
    """Nothing if the fused engine works here; else a sentence that says why it does not."""
    try:
        extra("llvmlite")
        from backhand.engines.fused.roofline import check_compiler

        check_compiler()
    except MissingDependencyError:
        return (
            "llvmlite is not installed, so the reference engine computes, with the same results "
            f"but more slowly; install the fast engine with: {install('fast')}."
        )
    except Exception as error:  # whatever LLVM may raise on a machine that it does not know
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        return (
            f"the fused engine cannot be used here ({reason[0]}); the reference engine computes "
            "the same, more slowly."
        )
    return ""
