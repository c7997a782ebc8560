"""Memory: how much this machine has, and how much of it a process may use."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def installed_memory() -> int:
    """Return the bytes of memory of this machine."""
    if sys.platform == "win32":
        return _windows_memory()[0]
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_memory() -> int:
    """Return the bytes that are not in use, as Windows reports them; elsewhere half of all."""
    return _windows_memory()[1] if sys.platform == "win32" else installed_memory() // 2


def _windows_memory() -> tuple[int, int]:
    """Bytes that are installed and available, of MEMORYSTATUSEX in <sysinfoapi.h>."""
    import ctypes

    status = (ctypes.c_uint64 * 8)()
    ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(status):  # type: ignore[attr-defined,unused-ignore]
        raise OSError("the system does not report its memory")
    return status[1], status[2]


def limit_of(name: str) -> int | None:
    """Return the soft limit of a resource such as "RLIMIT_AS", or None if there is none."""
    try:
        import resource
    except ImportError:
        return None
    if sys.platform == "win32":
        return None
    soft = resource.getrlimit(getattr(resource, name))[0]
    return None if soft == resource.RLIM_INFINITY else soft


def limit_memory(most: int, reserve: int = 0) -> bool:
    """Limit the data of this process, if the system can; `use_reserve` adds the reserve to it.

    The data segment: address space that libraries reserve and do not use is not counted. macOS
    accepts the limit, and does not keep to it.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        if sys.platform != "win32":
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            if hard != resource.RLIM_INFINITY:
                most = min(most, hard - reserve)
            resource.setrlimit(resource.RLIMIT_DATA, (most, most + reserve))
            return True
    return False


def use_reserve() -> None:
    """Raise the limit of `limit_memory` by its reserve."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        if sys.platform != "win32":
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
