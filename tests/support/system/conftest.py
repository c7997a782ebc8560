"""Windows and macOS, simulated: what they lack is absent."""

from __future__ import annotations

import ctypes
import os
import sys
import types
from typing import Any

import pytest

from backhand.support import trusted_folders


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    from helpers.other_systems import Kernel32, fake_msvcrt

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", fake_msvcrt())
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=Kernel32), raising=False)
    monkeypatch.setattr(trusted_folders, "OWNERS", False)


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """The calls of `fcntl.fcntl`."""
    import fcntl

    calls: list[tuple[int, Any]] = []
    module: Any = types.ModuleType("fcntl")
    module.F_FULLFSYNC, module.flock = 51, fcntl.flock
    module.LOCK_EX, module.LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB
    module.fcntl = lambda descriptor, number, what=0: calls.append((number, what))
    monkeypatch.setitem(sys.modules, "fcntl", module)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    return calls


@pytest.fixture(params=["here", "windows"])
def anywhere(request: pytest.FixtureRequest) -> str:
    if request.param == "windows":
        request.getfixturevalue("windows")
    return request.param
