"""`backhand train --workers`: what is printed, resumed and refused."""

import json

import duckdb
import numpy as np
import pytest

from helpers.command_line import run

QUICK = ("--quick", "--epochs", 3, "--hidden", 4, "--batch-size", 32)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a table in three Parquet files."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=150).round(2)
    t = np.where(x + rng.normal(size=150) > 0.5, "a", "b")
    with duckdb.connect() as connection:
        connection.register("frame", {"x": x, "g": rng.integers(0, 3, 150), "t": t.astype(object)})
        for i in range(3):
            connection.execute(
                f"COPY (SELECT * FROM frame LIMIT 50 OFFSET {50 * i}) TO 'p{i}.parquet'"
            )
    return tmp_path


def train(*arguments, expect=0):
    return run("train", "p*.parquet", "-t", "t", *QUICK, *arguments, expect=expect)


def events(printed: str) -> dict[str, dict]:
    """The last event of each kind that was printed."""
    return {event["event"]: event for event in map(json.loads, printed.splitlines())}


def test_the_report_says_who_reads_what(here) -> None:
    found = events(train("--workers", 2, "--json", "-o", "m.safetensors").stdout)
    readers = found["workers"]["workers"]
    assert found["workers"]["shared"] == "rows"
    assert [reader["parts"] for reader in readers] == [1, 2]
    assert [reader["files"] for reader in readers] == [
        ["p0.parquet"], ["p1.parquet", "p2.parquet"]
    ]  # fmt: skip
    assert sum(reader["rows"] for reader in readers) == found["table"]["rows"] == 150
    assert all(reader["rows_per_second"] > 0 for reader in readers)


@pytest.mark.slow
def test_the_model_file_is_the_same_with_any_number_of_workers(here) -> None:
    for workers in (1, 2, 5):
        printed = train("--workers", workers, "-o", f"{workers}.safetensors").stdout
        assert f"by {workers} worker" in printed
    files = [(here / f"{workers}.safetensors").read_bytes() for workers in (1, 2, 5)]
    assert files[0] == files[1] == files[2]
    assert "2 of 5 workers have no rows" in printed
