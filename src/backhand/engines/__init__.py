"""Engines: the equations at work on batches. Same few methods, interchangeable.

`make_engine(name)` gives one; `contract.Engine` says what it must do. Nobody above this floor
asks which engine it has.
"""

from __future__ import annotations

from backhand.engines.contract import Block, Data, Engine, Record, Run, State
from backhand.errors import InputError, did_you_mean
from backhand.shapes import is_integer

ENGINES = ("auto", "reference", "torch")

__all__ = ["ENGINES", "Block", "Data", "Engine", "Record", "Run", "State", "make_engine"]


def make_engine(
    name: str = "auto", device: str | None = None, threads: int | None = None
) -> Engine:
    """The engine of that name.

    Parameters
    ----------
    name : {"auto", "reference", "torch"}
        "auto" is torch where a device other than the CPU is asked for, else the reference.
    device : str, optional
        Where torch computes: "cpu" (the default), "cuda", "cuda:1".
    threads : int, optional
        Exactly that many threads; None leaves it to the engine's library.

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
    from backhand.engines.reference import ReferenceEngine

    return ReferenceEngine(threads)
