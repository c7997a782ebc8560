"""The same rows in every format are the same table: equal models, equal predictions."""

from __future__ import annotations

import numpy as np
import pytest

from backhand.model import Model
from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tabular.training import fit_table, prepare_table
from helpers.table_files import all_formats, some_rows

ROWS = some_rows()
ENCODED = {"latin1.csv": "latin-1", "t.latin1.csv.gz": "cp1252"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return all_formats(tmp_path_factory.mktemp("formats"), ROWS)


def trained(table) -> Model:
    prepared = prepare_table(table, "t", Settings(quick=True, hidden=4, epochs=2))
    return fit_table(prepared, Settings(quick=True, hidden=4, epochs=2))[0]


@pytest.fixture(scope="module")
def first(files) -> Model:
    return trained(read_table(files["t.csv"]))


NAMES = [
    "t.tsv", "semicolons.csv", "t.jsonl", "t.json", "t.parquet", "t.xlsx", "t.sqlite", "t.feather",
    "t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst", "t.jsonl.xz", "t.xlsx.gz", "t.db.zst",
    "t.parquet.bz2", "utf16.csv", "latin1.csv", "t.latin1.csv.gz", "mixed.csv", "sep.csv",
    "titled.csv", "text.dat", "lines", "book.csv", "database.bin", "arrow.bin", "t.zip", "one.zip",
    "book.zip",
]  # fmt: skip


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if place % 3 == 1 else name
    for place, name in enumerate(NAMES)
])  # fmt: skip
@pytest.mark.filterwarnings("ignore::backhand.errors.BackhandWarning")
def test_every_format_gives_the_same_model_and_predictions(files, first, name) -> None:
    table = read_table(files[name], encoding=ENCODED.get(name))
    assert table.names == list(ROWS[0]) and table.rows == len(ROWS)
    model = trained(table)
    assert model.schema == first.schema and model.classes == first.classes
    for a, b in zip(model.params, first.params, strict=True):
        np.testing.assert_array_equal(a, b)
    again = read_table(files[name], encoding=ENCODED.get(name), once=True)
    np.testing.assert_array_equal(
        first.predict_proba(again), first.predict_proba(str(files["t.csv"]))
    )
