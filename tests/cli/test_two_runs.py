"""Two runs at once in one folder, with the same names: each is whole, and nothing is left over."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand.support.atomic_files import replacing
from backhand.tables.reading.reader import read_table
from backhand.tabular.prediction import print_predictions

ROWS = 3000


@pytest.fixture
def folder(tmp_path) -> Path:
    """A table larger than what is kept in memory of it, and an empty folder for the rest."""
    values = np.random.default_rng(0).standard_normal((ROWS, 20)).round(3)
    lines = (",".join(map(str, row)) + f",{'ab'[int(row[0] > 0)]}\n" for row in values)
    names = ",".join(f"x{i}" for i in range(20)) + ",t\n"
    (tmp_path / "t.csv").write_text(names + "".join(lines))
    (tmp_path / "cache").mkdir()
    return tmp_path


def together(folder: Path, *commands: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "backhand", *command.split()], cwd=folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for command in commands
    ]  # fmt: skip
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def test_two_runs_with_one_output_and_one_cache_are_both_whole(folder) -> None:
    train = "train t.csv -t t --epochs 2 --hidden 8 --memory 64MB --cache-dir cache"
    together(folder, f"{train} -o m.safetensors", f"{train} -o m.safetensors")
    predict = "predict m.safetensors t.csv --memory 64MB --cache-dir cache"
    together(folder, f"{predict} -o o.csv", f"{predict} -o o.csv")
    model, out = backhand.load(folder / "m.safetensors"), io.BytesIO()
    print_predictions(model, read_table(folder / "t.csv", once=True), out)
    assert (folder / "o.csv").read_bytes() == out.getvalue()
    left = {path.name for path in folder.iterdir()}
    assert left == {"t.csv", "cache", "m.safetensors", "o.csv"}
    assert not list((folder / "cache").iterdir())


def test_one_that_fails_takes_nothing_from_the_other(tmp_path) -> None:
    path = tmp_path / "out"
    with replacing(path) as mine:
        mine.write_text("mine")
        with pytest.raises(RuntimeError), replacing(path) as other:
            other.write_text("half")
            raise RuntimeError
        with replacing(path) as another:
            another.write_text("another")
        assert path.read_text() == "another" and mine.read_text() == "mine"
    assert path.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
