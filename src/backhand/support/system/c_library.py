"""Functions of the system's libraries that Python does not offer."""

from __future__ import annotations

import sys


def missing_symbols() -> dict[str, int]:
    """Return functions that compiled code calls and this C library lacks, with their addresses.

    Windows has no `sched_yield`.
    """
    if sys.platform == "win32":
        import ctypes

        switch = ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p)
        return {"sched_yield": switch.value or 0}
    return {}


def system_call(number: int, *arguments: int) -> int:
    """Make a system call of Linux by its number; -1 where there is none."""
    import ctypes

    if sys.platform != "linux":
        return -1
    try:
        call = ctypes.CDLL(None, use_errno=True).syscall
    except (AttributeError, OSError, TypeError):  # no such function, or no such library
        return -1
    call.restype = ctypes.c_long
    return int(call(*map(ctypes.c_long, (number, *arguments))))
