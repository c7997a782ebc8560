"""How much memory is free, within all limits on this process, and sizes as text."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from backhand.errors import InputError
from backhand.support import system

SIZE_UNITS = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip

MIN_MEMORY = 64 * 10**6
"""Minimum bytes to read a table."""

GROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Linux's control groups, and the file with those that this process is in."""


AVAILABLE, TAKEN = Path("/proc/meminfo"), Path("/proc/self/statm")
"""Linux's free memory, and this process's pages: the total is first, its data sixth."""


class _GroupFiles(NamedTuple):
    """The files in a control group's folder with its limits and use, and a line of memory.stat."""

    limits: tuple[str, ...]
    used: str
    cached: str


VERSION_1 = _GroupFiles(("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = _GroupFiles(("memory.max", "memory.high"), "memory.current", "inactive_file")


def parse_size(text: str) -> int:
    """Return the bytes of `512MB`, `1.5 GiB` or a plain number.

    Raises
    ------
    InputError
        If it is not a size, or is too small to work with.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = SIZE_UNITS.get(found.group(2).upper()) if found else None
    if found is None or unit is None:
        raise InputError(f"the memory '{text}' is not a size; expected one such as 512MB or 2GB.")
    size = int(float(found.group(1)) * unit)
    if size < MIN_MEMORY:
        raise InputError(
            f"the memory {text}{'' if found.group(2) else ' bytes'} is too small; expected "
            f"{format_size(MIN_MEMORY)} or more, such as 200MB."
        )
    return size


def free_memory() -> int:
    """Return the bytes that this process can use within its limits, without any being swapped."""
    return max(0, min([_in_system(), *_in_groups(), *_in_process()]))


def _in_system() -> int:
    """Return the bytes that the system reports as available; on macOS, half of all."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", AVAILABLE.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found is not None:
        return int(found.group(1)) * 1024
    return system.memory.available_memory()


def _in_groups() -> Iterator[int]:
    """Return the bytes that are left in each control group of this process, of both versions.

    The limit of a group applies to all groups below it, so those above count, too. In a container
    the path may begin above the mounted part: then only the root exists.
    """
    try:
        memberships = MEMBERSHIP.read_text().splitlines()
    except OSError:
        memberships = []
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        if not controllers:
            root, files = GROUPS, VERSION_2
        elif "memory" in controllers.split(","):
            root, files = GROUPS / "memory", VERSION_1
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        for folder in (root / part for part in (group, *group.parents)):
            for limit in files.limits:
                with suppress(OSError, ValueError):  # "max" if there is no limit
                    yield int((folder / limit).read_text()) - _used(folder, files)


def _used(group: Path, files: _GroupFiles) -> int:
    """Return the bytes that a group uses, without cached files that it can drop."""
    used = int((group / files.used).read_text())
    with suppress(OSError):
        for line in (group / "memory.stat").read_text().splitlines():
            name, _, size = line.partition(" ")
            if name == files.cached:
                used -= int(size)
    return used


def _in_process() -> Iterator[int]:
    """Return the bytes that are left of this process's address space and data (ulimit)."""
    try:
        pages = [int(count) for count in TAKEN.read_text().split()]
    except OSError:  # not Linux
        return
    for limit, taken in (("RLIMIT_AS", pages[0]), ("RLIMIT_DATA", pages[5])):
        most = system.memory.limit_of(limit)
        if most is not None:
            yield most - taken * mmap.PAGESIZE


def budget(memory: int | str | None) -> int:
    """Return the bytes of a size, or half of the free memory if it is None."""
    if memory is None:
        return max(MIN_MEMORY, free_memory() // 2)
    return parse_size(str(memory))


def format_size(size: float) -> str:
    """Return 1_300_000_000 as `1.3 GB`."""
    for unit in ("TB", "GB", "MB", "kB"):
        if size >= SIZE_UNITS[unit.upper()]:
            return f"{size / SIZE_UNITS[unit.upper()]:.3g} {unit}"
    return f"{size:.0f} B"
