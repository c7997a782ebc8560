"""Memory that Windows reports, and limits where there are none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from backhand.support import memory_budget, system

pytest.importorskip("fcntl")


def test_memory_is_that_which_windows_reports(
    windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_budget, "AVAILABLE", Path("/none"))
    monkeypatch.setattr(memory_budget, "MEMBERSHIP", Path("/none"))
    monkeypatch.setattr(memory_budget, "TAKEN", Path("/none"))
    monkeypatch.delattr(os, "sysconf")
    assert system.memory.installed_memory() == 8 * 2**30
    assert memory_budget.free_memory() == 3 * 2**30


def test_without_limits_of_processes_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert system.memory.limit_of("RLIMIT_AS") is None
    assert not system.memory.limit_memory(2**30)
    system.memory.use_reserve()
    system.processes.no_core_file()
