"""The machine and the library versions of a measurement."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from backhand.support.cpu_caches import cache_sizes

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
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
