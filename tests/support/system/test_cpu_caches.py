"""The sizes of caches: as the system reports them, and without a report."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backhand.support.system import cpu_caches
from backhand.support.system.cpu_caches import SMALLEST, CacheSizes, cache_sizes


@pytest.fixture(autouse=True)
def not_remembered() -> Iterator[None]:
    cache_sizes.cache_clear()
    yield
    cache_sizes.cache_clear()


def sysfs(folder: Path, *caches: tuple[str, int, str]) -> Path:
    for n, (kind, level, size) in enumerate(caches):
        index = folder / f"index{n}"
        index.mkdir()
        for name, text in (("type", kind), ("level", str(level)), ("size", size)):
            (index / name).write_text(f"{text}\n")
    return folder


def test_linux_lists_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _: 0, raising=False)
    listed = sysfs(tmp_path, ("Data", 1, "64K"), ("Instruction", 1, "32K"),
                   ("Unified", 2, "1024K"), ("Unified", 3, "nonsense"))  # fmt: skip
    monkeypatch.setattr(cpu_caches, "_SYSFS", listed)
    assert cache_sizes() == CacheSizes(65536, 2**20, 0)


def test_the_c_library_knows_what_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {188: 49152, 191: 2**21, 194: -1}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__, raising=False)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(cpu_caches, "_SYSFS", Path("/none"))
    assert cache_sizes() == CacheSizes(49152, 2**21, 0)


def test_without_a_report_small_caches_are_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: int) -> int:
        raise OSError(f"invalid argument {name}")

    monkeypatch.setattr(os, "sysconf", unknown, raising=False)
    monkeypatch.setattr(cpu_caches, "_SYSFS", Path("/none"))
    assert cache_sizes() == SMALLEST


@pytest.mark.parametrize(
    ("listed", "expected"),
    [({"hw.perflevel0.l1dcachesize": 131072, "hw.l1dcachesize": 65536}, 131072),
     ({"hw.l1dcachesize": 32768}, 32768)],
)  # fmt: skip
def test_macos_lists_caches_of_its_fastest_cores_or_of_all(
    listed: dict[str, int], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        @staticmethod
        def sysctlbyname(name: bytes, size: Any, *_: object) -> int:
            if (found := listed.get(name.decode())) is None:
                return -1
            size._obj.value = found
            return 0

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    assert cpu_caches._from_sysctl(1) == expected
