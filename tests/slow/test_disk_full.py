"""A disk that is full: one sentence with the path, the good file intact, and nothing left behind.

The disk is a small one in memory, which only root may mount.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import backhand

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts a small disk"
    ),
]

ROWS, DISK = 600_000, 6_000_000


@pytest.fixture(scope="module")
def csv(tmp_path_factory) -> Path:
    """A table whose matrix, and whose predictions, the small disk has no room for."""
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    numbers = ", ".join(f"sin(i * {j + 2}) AS x{j}" for j in range(30))
    duckdb.connect().execute(
        f"COPY (SELECT {numbers}, i % 3 AS y FROM range({ROWS}) AS r(i)) TO '{path}'"
    )
    return path


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A folder with room for a few MB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this root may not mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backhand", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def carried_out(*arguments: str | Path) -> None:
    """A command succeeds."""
    result = run(*arguments)
    assert result.returncode == 0, result


def refused(*arguments: str | Path) -> str:
    """What a command that finds the disk full says: one line, exit code 1."""
    result = run(*arguments)
    last = result.stderr.strip().splitlines()[-1] if result.stderr.strip() else ""
    assert result.returncode == 1, result
    assert "Traceback" not in result.stderr and last.startswith("backhand: "), result.stderr
    return last


def test_encoding(csv, disk, tmp_path) -> None:
    said = refused("train", "--quick", csv, "--target", "y", "--memory", "64MB", "--cache-dir",
                   disk, "-o", tmp_path / "model")  # fmt: skip
    assert str(disk) in said and "space" in said and " MiB" in said
    assert not list(disk.iterdir()) and not (tmp_path / "model").exists()


def test_the_matrix(csv, disk, tmp_path) -> None:
    """Parquet is read where it is, so what has no room is the encoded matrix."""
    parquet = tmp_path / "rows.parquet"
    duckdb.connect().execute(f"COPY (SELECT * FROM '{csv}') TO '{parquet}' (FORMAT parquet)")
    said = refused("train", "--quick", parquet, "--target", "y", "--memory", "128MB", "--cache-dir",
                   disk, "-o", tmp_path / "model")  # fmt: skip
    assert str(disk) in said and " MB" in said
    assert not list(disk.iterdir()) and not (tmp_path / "model").exists()


def test_checkpoints(csv, disk, tmp_path) -> None:
    """There is room for two of them, and with more of it training goes on from there."""
    folder, model = disk / "checkpoints", tmp_path / "model"
    command = ("train", "--quick", csv, "--target", "y", "--epochs", "4", "--hidden", "5000", "-o",
               model, "--batch-size", "4096", "--checkpoint", folder, "--every",
               "1epochs")  # fmt: skip
    said = refused(*command)
    assert str(folder) in said and "No space left" in said and " MB" in said and "resume" in said
    kept = sorted(path.name for path in folder.iterdir() if path.name != "held-by")
    assert kept == ["checkpoint-00000001.safetensors", "checkpoint-00000002.safetensors"]
    assert not model.exists()
    subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
    carried_out(*command, "--resume")
    assert backhand.load(model).hyperparameters["epochs"] == 4


def test_the_model(csv, disk, tmp_path) -> None:
    model = disk / "model"
    common = ("train", "--quick", csv, "--target", "y", "--epochs", "1", "-o", model)
    carried_out(*common)
    good = model.read_bytes()
    free = os.statvfs(disk)
    (disk / "filler").write_bytes(b"\0" * (free.f_bavail * free.f_frsize - 8192))
    said = refused(*common, "--hidden", "200")
    assert str(model) in said and "No space left" in said
    assert model.read_bytes() == good and {p.name for p in disk.iterdir()} == {model.name, "filler"}
    backhand.load(model)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".csv.gz"])
def test_predictions(csv, disk, tmp_path, ending) -> None:
    model, output = tmp_path / "model", disk / f"predictions{ending}"
    carried_out("train", "--quick", csv, "--target", "y", "--epochs", "1", "-o", model)
    output.write_bytes(b"the good file")
    said = refused("predict", model, csv, "-o", output)
    assert str(output) in said and "no space" in said.lower() and " MB" in said
    assert output.read_bytes() == b"the good file" and list(disk.iterdir()) == [output]
