"""The registry: engines by name, their requirements and devices, and what "auto" selects.

A package adds an engine by an entry point in the group `backhand.engines`, whose object is an
`EngineSpec`; a program does by `register_engine`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import get_args

from backhand.choices import EngineName, PrecisionName, names
from backhand.constraints import is_integer
from backhand.engines.contract import Engine
from backhand.errors import InputError, MissingDependencyError, did_you_mean
from backhand.support.logs import Log
from backhand.support.optional import extra, pip

LOG = Log(__name__)


ENTRY_POINTS = "backhand.engines"
"""The group of entry points by which other packages add engines."""

PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)


@dataclass(frozen=True)
class EngineOptions:
    """Where an engine computes, with how many threads, and how precisely it trains.

    Attributes
    ----------
    device : str
        "cpu", "cuda", "cuda:1".
    threads : int, optional
        The maximum number of threads; None: the engine chooses.
    notice : str
        Why this engine is used instead of another; the first training warns of it.
    precision : {"auto", "bf16"}
        One of the spec's `precisions`.
    """

    device: str = "cpu"
    threads: int | None = None
    notice: str = ""
    precision: PrecisionName = "auto"


@dataclass(frozen=True)
class EngineSpec:
    """An engine's entry in the registry, before any of its modules is imported.

    Attributes
    ----------
    name : str
    make : callable
        Returns the engine for some `EngineOptions`.
    devices : tuple of str, optional
        The kinds of devices that it serves; None: whatever its library finds.
    needs : tuple of str
        Modules that have to be installed beside NumPy.
    check : callable, optional
        Raises if the engine cannot compute on this machine. "auto" then tries the next one.
    precisions : tuple of str
        The precisions that it can train in.

    Examples
    --------
    >>> from backhand.engines.reference import ReferenceEngine
    >>> mine = EngineSpec("mine", lambda options: ReferenceEngine(options.threads))
    >>> mine.serves("cpu"), mine.serves("cuda:1")
    (True, False)
    """

    name: str
    make: Callable[[EngineOptions], Engine]
    devices: tuple[str, ...] | None = ("cpu",)
    needs: tuple[str, ...] = ()
    check: Callable[[], None] | None = None
    precisions: tuple[PrecisionName, ...] = ("auto",)

    def serves(self, device: str, precision: str = "auto") -> bool:
        """Whether it computes on devices of this kind, and trains in that precision."""
        on_device = self.devices is None or device.split(":")[0] in self.devices
        return on_device and precision in self.precisions


def _make_fused(options: EngineOptions) -> Engine:
    from backhand.engines.fused.engine import FusedEngine

    return FusedEngine(options.threads, precision=options.precision)


def _check_fused() -> None:
    from backhand.engines.fused.llvm.compiler import check_compiler

    check_compiler()


def _make_reference(options: EngineOptions) -> Engine:
    from backhand.engines.reference import ReferenceEngine

    return ReferenceEngine(options.threads, options.notice, options.precision)


def _make_torch(options: EngineOptions) -> Engine:
    from backhand.engines.torch import TorchEngine

    return TorchEngine(options.device, options.threads, options.precision)


_registry: dict[str, EngineSpec] = {
    spec.name: spec
    for spec in (
        EngineSpec(
            "fused", _make_fused, needs=("llvmlite",), check=_check_fused, precisions=PRECISIONS
        ),
        EngineSpec("reference", _make_reference, precisions=PRECISIONS),
        EngineSpec("torch", _make_torch, devices=None, needs=("torch",), precisions=PRECISIONS),
    )
}
"""In the order in which "auto" tries them."""

ENGINES = names(EngineName)
"""The engines that come with Backhand; to a type checker, another one is passed as itself."""


def register_engine(spec: EngineSpec) -> None:
    """Add an engine, which `make_engine` makes by its name from then on.

    "auto" selects it only for a device that no earlier engine serves.

    Parameters
    ----------
    spec : EngineSpec

    Raises
    ------
    InputError
        If the name is taken.

    Examples
    --------
    >>> from backhand.engines.reference import ReferenceEngine
    >>> register_engine(EngineSpec("plain", lambda options: ReferenceEngine(options.threads)))
    >>> make_engine("plain").name
    'reference'
    """
    if spec.name in ("auto", *_registry):
        raise InputError(f"an engine named '{spec.name}' is registered; choose another name.")
    _registry[spec.name] = spec


def make_engine(
    name: str = "auto",
    device: str | None = None,
    threads: int | None = None,
    precision: str = "auto",
) -> Engine:
    """Make an engine, which computes the equations on batches.

    Parameters
    ----------
    name : {"auto", "fused", "reference", "torch"} or that of a registered engine
        "auto" is torch for a device other than the CPU, else fused. Where that is not installed
        or cannot be compiled it is the reference, and the first training warns of it.
    device : str, optional
        Where torch computes: "cpu" (the default), "cuda", "cuda:1".
    threads : int, optional
        The maximum number of threads, where a step is work enough to be shared; None: as many as
        the process has cores, or as `OMP_NUM_THREADS` or threadpoolctl's limit of NumPy's BLAS
        allow.
    precision : {"auto", "bf16"}
        What the products of training are computed from: "auto" from numbers of the parameters'
        dtype, "bf16" from numbers rounded to bfloat16, with sums, parameters and updates in
        float32 (https://backhand-mlp.github.io/backhand/precision.html). Predictions do not depend
        on it. With "bf16" the fused engine's `depends_on()` names the instructions under "bf16".

    Returns
    -------
    Engine
        To be passed to `train` and others as `engine`; it can be used again and again.

    Raises
    ------
    InputError
        For an unknown name, device or precision, a number of threads below 1, or an engine that
        does not train in that precision.
    MissingDependencyError
        If what the engine needs is not installed.

    Examples
    --------
    >>> import backhand
    >>> backhand.make_engine("reference").name
    'reference'
    """
    if threads is not None and (not is_integer(threads) or threads < 1):
        raise InputError(f"threads is {threads!r}; expected an integer of 1 or more.")
    if device is not None and not isinstance(device, str):
        raise InputError(f"device is {device!r}; expected a text such as 'cpu' or 'cuda:1'.")
    device = device or "cpu"
    wanted = _checked_precision(precision)
    if name == "auto":
        spec, notice = _automatic(device, wanted)
    else:
        spec, notice = _spec_of(name), ""
        _check_serves(spec, device, wanted)
        for module in spec.needs:
            extra(module, f"the {name} engine")
    why = notice or ("the first that works here" if name == "auto" else "asked for")
    LOG.debug("engine %s on %s, threads %s, precision %s: %s", spec.name, device,
              threads or "as available", wanted, why)  # fmt: skip
    return spec.make(EngineOptions(device, threads, notice, wanted))


def _checked_precision(name: str) -> PrecisionName:
    for known in PRECISIONS:
        if known == name:
            return known
    raise InputError(f"precision is {name!r}. {did_you_mean(str(name), PRECISIONS)}")


def _check_serves(spec: EngineSpec, device: str, precision: PrecisionName) -> None:
    if not spec.serves(device):
        raise InputError(
            f"the {spec.name} engine computes on {' and '.join(spec.devices or ())}; for "
            f"device='{device}' use engine='torch'."
        )
    if not spec.serves(device, precision):
        others = [f"engine='{s.name}'" for s in _registry.values() if s.serves(device, precision)]
        raise InputError(
            f"the {spec.name} engine does not train in precision '{precision}'; use "
            f"{', '.join(others)} or precision='auto'."
        )


def engine_of(
    engine: object, device: str | None, threads: int | None, precision: str = "auto"
) -> Engine:
    """Return the engine of a name, or an engine as it is: device, threads, precision are its own.

    Raises
    ------
    InputError
        As `make_engine`; if it is neither; if device, threads or precision are given beside an
        engine.
    """
    if isinstance(engine, str):
        return make_engine(engine, device, threads, precision)
    if isinstance(engine, type) or not hasattr(engine, "start"):
        raise InputError(
            f"engine is a {type(engine).__name__}; expected a name or an Engine, as "
            "`backhand.make_engine` returns it."
        )
    if device is not None or threads is not None or precision != "auto":
        raise InputError(
            "device, threads and precision are the engine's own; give them to `make_engine`."
        )
    made: Engine = engine  # type: ignore[assignment]
    return made


def preload() -> None:
    """Import the modules of the engine that "auto" selects on a CPU, where they can be imported.

    Otherwise the first training imports them: libraries of LLVM, which take 25 ms to load.
    """
    with suppress(ImportError, OSError):
        import_module("backhand.engines.fused.engine")


def _spec_of(name: str) -> EngineSpec:
    if not isinstance(name, str) or name not in _registry:
        _load_entry_points()
    if not isinstance(name, str) or name not in _registry:
        raise InputError(f"engine is '{name}'. {did_you_mean(str(name), ('auto', *_registry))}")
    return _registry[name]


@cache
def _load_entry_points() -> None:
    """Register the engines of other packages, once, when a name or device is not known else."""
    for point in entry_points(group=ENTRY_POINTS):
        register_engine(point.load())


def _automatic(device: str, precision: PrecisionName = "auto") -> tuple[EngineSpec, str]:
    """The first engine that serves both and works here, and why it is not the first of all.

    If none works it is the last, which raises its own error.
    """
    reason = remedy = ""
    for spec in [spec for spec in _registry.values() if spec.serves(device, precision)]:
        found, command = _why_not(spec)
        if not found:
            break
        reason, remedy = reason or found, remedy or command
    if not reason:
        return spec, ""
    name = "slower reference engine (NumPy)" if spec.name == "reference" else f"{spec.name} engine"
    what = f"so the {name} is used"
    return spec, f"{reason}, {what}{remedy}."


@cache
def _why_not(spec: EngineSpec) -> tuple[str, str]:
    """Why the engine does not work on this machine, and what to do; nothing if it does."""
    if spec.check is None:
        return "", ""
    for module in spec.needs:
        try:
            extra(module, f"the {spec.name} engine")
        except MissingDependencyError:
            return f"{module} is not installed", f"; install the fused engine with: {pip(module)}"
    try:
        spec.check()
    except Exception as error:  # any compiler error on an unknown CPU
        said = str(error).strip().splitlines()[:1] or [type(error).__name__]
        return f"the {spec.name} engine cannot be used here ({said[0]})", ""
    return "", ""
