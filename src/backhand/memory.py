"""How much memory there is, and sizes as people write them."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from backhand.errors import InputError

UNITS = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip

LEAST = 64 * 10**6
"""Bytes without which a table cannot be read at all."""

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux tells a container what it may use."""


def parse_size(text: str) -> int:
    """Bytes of `512MB`, `1.5 GiB` or a plain number.

    Raises
    ------
    InputError
        If it is no size, or too small to work with.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = UNITS.get(found.group(2).upper()) if found else None
    if found is None or unit is None:
        raise InputError(f"the memory '{text}' is no size; expected one such as 512MB or 2GB.")
    size = int(float(found.group(1)) * unit)
    if size < LEAST:
        raise InputError(f"the memory {text} is too little; expected {shown(LEAST)} or more.")
    return size


def free_memory() -> int:
    """Bytes that can be used without anything being driven out, within a container's limit."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        limit = int((CGROUP / "memory.max").read_text())  # "max" where there is none
        used = int((CGROUP / "memory.current").read_text())
        free = min(free, max(0, limit - used))
    return free


def budget(memory: int | str | None) -> int:
    """Bytes to work with: those that are given, or half of what is free."""
    if memory is None:
        return max(LEAST, free_memory() // 2)
    return parse_size(str(memory))


def shown(size: float) -> str:
    """1_300_000_000 as `1.3 GB`."""
    for unit in ("TB", "GB", "MB", "kB"):
        if size >= UNITS[unit.upper()]:
            return f"{size / UNITS[unit.upper()]:.3g} {unit}"
    return f"{size:.0f} B"
