"""Tables that change while they are read: a sentence, and nothing in the output's place."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from backhand import Parameters
from backhand.errors import InputError
from backhand.model import Model
from backhand.table_settings import Settings
from backhand.tables.reading import csv_tables
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.columns import Number
from backhand.tables.schema.schema import Schema
from backhand.tabular.prediction import evaluate_table, predict_table, print_predictions
from backhand.tabular.training import prepare_table

ROWS = 1000


def content(ending: str, sign: int, rows: int = ROWS) -> bytes:
    """x and t of so many rows; `sign` turns all of them round."""
    values = [
        (100 * sign if i % 2 else -100 * sign, "high" if i % 2 else "low") for i in range(rows)
    ]
    if ending.startswith(".parquet"):
        out = io.BytesIO()
        x, t = zip(*values, strict=True)
        pyarrow.parquet.write_table(pyarrow.table({"x": x, "t": t}), out)
        return out.getvalue()
    if ending.startswith(".jsonl"):
        text = "".join(json.dumps({"x": x, "t": t}) + "\n" for x, t in values)
    else:
        text = "x,t\n" + "".join(f"{x},{t}\n" for x, t in values)
    return gzip.compress(text.encode()) if ending.endswith(".gz") else text.encode()


def replaced(path: Path, ending: str) -> None:
    other = path.with_name("other" + ending)
    other.write_bytes(content(ending, -1))
    other.replace(path)


def rewritten(path: Path, ending: str) -> None:
    path.write_bytes(content(ending, -1))


def grown(path: Path, ending: str) -> None:
    path.write_bytes(content(ending, 1, ROWS + 500))


def removed(path: Path, ending: str) -> None:
    path.unlink()


CHANGES = [replaced, rewritten, grown, removed]
ENDINGS = [".csv", ".csv.gz", ".jsonl", ".parquet"]


@pytest.fixture
def model() -> Model:
    values = ([[1.0]], [0.0], [[0.2, -0.2]], [-1.0, 0.0])
    schema = Schema("t", (Number("x", 0.0, 1.0, False),))
    return Model(Parameters(*(np.array(v, np.float32) for v in values)), ("high", "low"), schema)


@pytest.fixture
def source(tmp_path) -> Callable[[str], Path]:
    def make(ending: str) -> Path:
        path = tmp_path / f"d{ending}"
        path.write_bytes(content(ending, 1))
        return path

    return make


def told(path: Path) -> pytest.RaisesExc:
    return pytest.raises(InputError, match=f"{path.name} (changed|was removed)")


@pytest.mark.parametrize(
    ("ending", "change"),
    [*((".csv", change) for change in CHANGES), *((ending, replaced) for ending in ENDINGS[1:])],
)
def test_predictions_never_stand_beside_rows_of_another_file(
    source, model, tmp_path, ending, change
) -> None:
    path = source(ending)
    for output in (tmp_path / "out.csv", None):
        path.write_bytes(content(ending, 1))
        table = read_table(path, once=True)
        table.watched_by(lambda _: change(path, ending) if path.exists() else None)
        with told(path):
            if output is None:
                print_predictions(model, table, io.BytesIO())
            else:
                predict_table(model, table, output)
        assert not list(tmp_path.glob("*out.csv*"))


@pytest.mark.parametrize(("ending", "change"), [(".csv", grown), (".parquet", replaced)])
def test_an_evaluation_is_of_one_file(source, model, ending, change) -> None:
    path = source(ending)
    for job in (evaluate_table, Model.predict_proba):
        path.write_bytes(content(ending, 1))
        table = read_table(path, once=True)
        table.watched_by(lambda _: change(path, ending) if path.exists() else None)
        with told(path):
            job(model, table)


@pytest.mark.parametrize("during", ["reading", "learning", "encoding"])
@pytest.mark.parametrize("change", [replaced, grown, removed])
def test_training_reads_one_file_in_all_its_passes(source, change, during) -> None:
    path = source(".parquet")
    table = read_table(path)

    def watch(now) -> None:
        if now.what == during and path.exists():
            change(path, ".parquet")

    with told(path):
        prepare_table(table, "t", Settings(quick=True), watch=watch)


@pytest.mark.parametrize("change", [replaced, removed])
def test_what_is_loaded_may_change_afterwards(source, change) -> None:
    path = source(".csv")
    table = read_table(path)
    change(path, ".csv")
    prepared = prepare_table(table, "t", Settings(quick=True))
    assert prepared.rows == ROWS
    assert table.where(5) == str(path), "no line of a file that is another one now"


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_loaded_is_told(source, change, monkeypatch) -> None:
    path = source(".csv")
    read_head = csv_tables.read_head

    def and_then(*arguments):
        found = read_head(*arguments)
        change(path, ".csv")
        return found

    monkeypatch.setattr(csv_tables, "read_head", and_then)
    with told(path):
        read_table(path)
