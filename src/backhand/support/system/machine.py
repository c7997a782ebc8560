"""The machine: its name, its CPU, and the cores that a process may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def host_name() -> str:
    """Return the name of this machine."""
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename


def cpu_name() -> str:
    """Return what the system calls its CPU, or an empty text."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return ""
    names = [line for line in text.splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else ""


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def confine(numbers: list[int]) -> None:
    """Let this process, or the calling thread, use these cores alone; not on macOS and Windows."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, numbers)
