"""The machine and the library versions of a measurement."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from backhand.support.system.cpu_caches import cache_sizes
from backhand.support.system.machine import cores, cpu_name

LIBRARIES = (
    "backhand", "numpy", "llvmlite", "torch", "scikit-learn", "scipy", "jax", "jaxlib",
    "onnxruntime", "duckdb",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """The CPU's name, the cores that this process may use, and the versions of its libraries.

    `caches` are the bytes of its data caches, from which the fused engine's blocks follow.
    """

    cpu: str
    cores: int
    caches: dict[str, int]
    system: str
    python: str
    versions: dict[str, str]


def this_machine() -> Machine:
    """Describe this machine, without importing any library."""
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    system = f"{platform.system()} {platform.machine()}"
    caches = cache_sizes()._asdict()
    python = platform.python_version()
    return Machine(_cpu(), len(allowed_cores()), caches, system, python, versions)


def allowed_cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    return cores()


def _cpu() -> str:
    return cpu_name() or platform.processor() or platform.machine()
