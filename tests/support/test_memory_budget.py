"""How much memory may be used: every limit on the process is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backhand.support import memory_budget
from backhand.support.memory_budget import MIN_MEMORY, budget, free_memory
from helpers.optional_packages import optional

psutil = optional("psutil")

MB = 10**6


def group(folder: Path, **files: int | str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("_DOT_", ".")).write_text(f"{value}\n")


@pytest.fixture
def groups(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(memory_budget, "GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory_budget, "MEMBERSHIP", tmp_path / "membership")
    return tmp_path


def version_2(folder: Path, most: int | str, used: int, cached: int = 0, **more: int) -> None:
    group(folder, memory_DOT_max=most, memory_DOT_current=used, **more)
    (folder / "memory.stat").write_text(f"anon {used - cached}\ninactive_file {cached}\n")


def version_1(folder: Path, most: int, used: int) -> None:
    group(folder, memory_DOT_limit_in_bytes=most, memory_DOT_usage_in_bytes=used)


def test_a_group_below_the_root_and_all_above_it_count(groups) -> None:
    root = groups / "cgroup"
    (groups / "membership").write_text("0::/slurm/job_7/step_0\n")
    version_2(root / "slurm" / "job_7" / "step_0", "max", 50 * MB)
    version_2(root / "slurm" / "job_7", 300 * MB, 80 * MB, cached=30 * MB)
    version_2(root / "slurm", 900 * MB, 100 * MB)
    assert free_memory() == 250 * MB and budget(None) == 125 * MB
    group(root / "slurm", memory_DOT_high=200 * MB)  # beyond it the system slows a process down
    assert free_memory() == 100 * MB
    version_2(root / "slurm" / "job_7" / "step_0", 40 * MB, 50 * MB)
    assert free_memory() == 0 and budget(None) == MIN_MEMORY


def test_groups_of_the_first_version_count(groups) -> None:
    (groups / "membership").write_text(
        "5:cpu,cpuacct:/x\n4:memory:/docker/7\n1:name=systemd:/\n0::/\n"
    )
    version_1(groups / "cgroup" / "memory", 2**63 - 4096, 10**10)
    assert free_memory() > 400 * MB
    version_1(groups / "cgroup" / "memory" / "docker" / "7", 400 * MB, 90 * MB)
    assert free_memory() == 310 * MB


def test_a_container_whose_path_begins_above_what_is_mounted_sees_its_root(groups) -> None:
    (groups / "membership").write_text("0::/docker/0123\n")
    version_2(groups / "cgroup", 200 * MB, 50 * MB)
    assert free_memory() == 150 * MB


def test_without_groups_what_the_system_has_free_is_free(groups) -> None:
    assert free_memory() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(limit) -> None:
    script = (
        f"import resource; resource.setrlimit(resource.{limit}, (10**9, 10**9))\n"
        "from backhand.support.memory_budget import free_memory; print(free_memory())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert 0 < int(done.stdout) < 10**9
