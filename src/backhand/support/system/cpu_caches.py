"""The sizes of the CPU's data caches, from which blocking sizes follow."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple


class CacheSizes(NamedTuple):
    """Bytes of a core's first and second data cache, and of the third; 0 if there is none."""

    L1: int
    L2: int
    L3: int


SMALLEST = CacheSizes(32 * 1024, 256 * 1024, 0)
"""What is assumed where the system does not report a size: CPUs with less are rare."""

_SYSFS = Path("/sys/devices/system/cpu/cpu0/cache")

_GLIBC = {1: 188, 2: 191, 3: 194}
"""`_SC_LEVEL1_DCACHE_SIZE` and so on of glibc's <unistd.h>, which Python has no names for."""


@cache
def cache_sizes() -> CacheSizes:
    """Return the sizes that the system reports, else `SMALLEST`.

    Results of training do not depend on them.

    Examples
    --------
    >>> cache_sizes().L1 >= 8 * 1024
    True
    """
    found = [_size(level) for level in (1, 2, 3)]
    return CacheSizes(*(n or least for n, least in zip(found, SMALLEST, strict=True)))


def _size(level: int) -> int:
    """Return the bytes of a level, or 0 if they are not known."""
    return _from_sysfs(level) or _from_glibc(level) or _from_sysctl(level)


def _from_sysfs(level: int) -> int:
    """Return what Linux lists for the first core."""
    for index in sorted(_SYSFS.glob("index*")):
        with suppress(OSError, ValueError):
            kind, its_level, size = (
                (index / name).read_text().strip() for name in ("type", "level", "size")
            )
            if kind != "Instruction" and int(its_level) == level:
                return int(size.removesuffix("K")) * 1024
    return 0


def _from_glibc(level: int) -> int:
    """Return what glibc finds with the CPUID instruction, also where sysfs is hidden."""
    if sys.platform == "win32" or platform.libc_ver()[0] != "glibc":
        return 0
    with suppress(ValueError, OSError):
        return max(0, os.sysconf(_GLIBC[level]))
    return 0


def _from_sysctl(level: int) -> int:
    """Return what macOS lists for its fastest cores, or for all where there is one kind."""
    if platform.system() != "Darwin":
        return 0
    name = f"l{level}{'d' if level == 1 else ''}cachesize"
    return _sysctl(f"hw.perflevel0.{name}") or _sysctl(f"hw.{name}")


def _sysctl(name: str) -> int:
    size, length = ctypes.c_int64(0), ctypes.c_size_t(8)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).sysctlbyname(
            name.encode(), ctypes.byref(size), ctypes.byref(length), None, ctypes.c_size_t(0)
        )
    return max(0, size.value)
