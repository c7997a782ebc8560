"""A model predicts from data in memory what it predicts from a file with the same content."""

import csv
import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import backhand
from backhand.errors import InputError, MissingFileError
from backhand.table_settings import Settings
from backhand.tables.queries import all_rows
from backhand.tables.reading.frames import as_table
from backhand.tables.reading.reader import read_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tabular.training import fit_table, prepare_table
from conftest import PENGUINS


@pytest.fixture(scope="module")
def columns() -> dict[str, list[Any]]:
    """The penguins with a date, a time, a moment, a boolean and a number that is a name."""
    with PENGUINS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    day, rng = datetime.datetime(2020, 2, 27, 13, 30), np.random.default_rng(0)
    moments = [day + datetime.timedelta(hours=7 * i) for i in range(len(rows))]

    def numbers(name: str, kind: type) -> list[Any]:
        return [None if row[name] in ("", "NA") else kind(row[name]) for row in rows]

    def texts(name: str) -> list[Any]:
        return [None if row[name] in ("", "NA") else row[name] for row in rows]

    def some(values: list[Any]) -> list[Any]:
        return [None if rng.random() < 0.1 else value for value in values]

    return {
        "species": texts("species"), "island": texts("island"), "sex": texts("sex"),
        "bill": numbers("bill_length_mm", float), "mass": numbers("body_mass_g", int),
        "flipper": [value or 0 for value in numbers("flipper_length_mm", int)],
        "day": some([moment.date() for moment in moments]),
        "clock": [moment.time() for moment in moments], "moment": some(moments),
        "ringed": some([bool(rng.random() < 0.5) for _ in rows]),
        "female": [row["sex"] == "female" for row in rows],
        "nest": [float(i % 4) for i in range(len(rows))],
    }  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, columns: dict[str, list[Any]]) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    frame = pl.DataFrame(columns, strict=False)
    assert frame.width == len(columns)
    duckdb.sql(f"COPY (SELECT * FROM frame) TO '{folder}/t.parquet'")
    return folder


@pytest.fixture(scope="module")
def model(files: Path) -> backhand.Model:
    settings = Settings(quick=True, epochs=3, hidden=6, test_size=0)
    prepared = prepare_table(
        read_table(files / "t.csv"), "species", settings, ColumnChoices(categorical=("nest",))
    )
    return fit_table(prepared, settings, engine="reference")[0]


FRAMES = {
    "dict of lists": lambda columns: columns,
    "dict of arrays": lambda columns: {
        name: pd.Series(values, dtype=object if None in values else None).to_numpy()
        for name, values in columns.items()
    },
    "pandas": pd.DataFrame,
    "pandas, converted": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "pandas, categories": lambda columns: pd.DataFrame(columns).astype(
        {"island": "category", "sex": "category", "nest": "category"}
    ),
    "pandas, Arrow's types": lambda columns: pa.table(columns).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "polars, categories": lambda columns: pl.DataFrame(columns, strict=False).with_columns(
        pl.col("island", "sex").cast(pl.Categorical), pl.col("moment").dt.replace_time_zone("UTC")
    ),
    "Arrow": pa.table,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_predicts_what_its_file_does(
    kind: str, model: backhand.Model, columns: dict[str, list[Any]], files: Path
) -> None:
    expected = model.predict_proba(files / "t.csv", "reference")
    frame = FRAMES[kind](columns)
    assert np.array_equal(model.predict_proba(frame, "reference"), expected)
    assert np.array_equal(
        model.predict(frame, "reference")[:9], model.labels[expected.argmax(1)][:9]
    )
    assert len(expected) == 344 and expected.std() > 0.05


def test_files_and_tables_predict_the_same(
    model: backhand.Model, files: Path, columns: dict[str, list[Any]]
) -> None:
    expected = model.predict_proba(str(files / "t.csv"), "reference")
    assert np.array_equal(model.predict_proba(files / "t.parquet", "reference"), expected)
    with as_table(columns, columns) as table:
        assert np.array_equal(model.predict_proba(table, "reference"), expected)
        assert table.rows == 344  # what was passed in is left open
    encoded = model.schema.encode(read_table(files / "t.csv"))
    assert np.array_equal(model.predict_proba(encoded, "reference"), expected)


def test_columns_are_found_by_name_and_others_may_hold_anything(
    model: backhand.Model, columns: dict[str, list[Any]]
) -> None:
    turned = dict(reversed(columns.items())) | {"notes": [object()] * 344}
    expected = model.predict_proba(columns, "reference")
    del turned["species"]
    assert np.array_equal(model.predict_proba(turned, "reference"), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: {k: v for k, v in c.items() if k != "bill"}, "has no column 'bill'"),
        (lambda c: {}, "no column that the model was trained with"),
        (lambda c: c | {"bill": c["bill"][:-1]}, "one length"),
        (lambda c: {k: [] for k in c}, "the dict has no rows"),
        (lambda c: c | {"bill": [None, [1]] * 172}, "'bill' holds a list in row 2; exp"),
        (lambda c: c | {"bill": np.zeros((344, 2))}, "'bill' has 2 dimensions; expected 1"),
        (lambda c: c | {"bill": 3}, "column 'bill' is of type int; expected"),
        (lambda c: c | {"bill": np.zeros(344, complex)}, "holds a complex in row 1"),
        (lambda c: pl.LazyFrame({"bill": [1]}), "is of type LazyFrame; expected a data frame"),
        (lambda c: 3, "the data is of type int; expected a data frame"),
        (lambda c: "nothing.csv", "nothing.csv"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_an_error_in_a_sentence(
    change: Any, said: str, model: backhand.Model, columns: dict[str, list[Any]]
) -> None:
    kind = MissingFileError if said == "nothing.csv" else InputError
    with pytest.raises(kind, match=said):
        model.predict(change(columns), "reference")


def test_a_model_of_arrays_takes_no_frame(columns: dict[str, list[Any]]) -> None:
    plain = backhand.Model(backhand.init(2, 3, 2), (0, 1))
    with pytest.raises(InputError, match="X is a dict; expected an array"):
        plain.predict({"a": [1.0], "b": [2.0]})
    assert np.array_equal(
        plain.predict_proba([[1.0, 2.0]]), plain.predict_proba(np.array([[1, 2]]))
    )
    with pytest.raises(InputError, match="several lengths"):
        plain.predict([[1.0], [1.0, 2.0]])


def test_what_a_cell_means_is_what_it_means_in_a_file() -> None:
    given = {
        "decimal": [Decimal("7.50"), Decimal("8"), None],
        "large": [2**70, 1, None],
        "exact": [2**53 + 1, 1, None],
        "mixed": [1, True, "x"],
        "half": np.array([0.5, np.nan, 2], np.float16),
        "big-endian": np.array([1, 2, 3], ">i4"),
        "zoned": [datetime.datetime.fromisoformat("2020-01-01T01:00+02:00"), None, None],
        "empty": [None, float("nan"), pd.NaT],
    }
    with as_table(given, given) as table:
        values = list(zip(*all_rows(table, "SELECT * FROM rows"), strict=True))
    assert values[:4] == [("7.5", "8", None), (str(2**70), "1", None),
                          (2**53 + 1, 1, None), ("1", "True", "x")]  # fmt: skip
    assert values[4][0] == 0.5 and values[5] == (1, 2, 3)
    assert values[6][0] == datetime.datetime(2019, 12, 31, 23) and values[7] == (None,) * 3


def test_read_table_says_what_it_reads_instead_of_a_frame() -> None:
    with pytest.raises(backhand.InputError, match="data is a DataFrame; expected the name of a f"):
        backhand.read_table(pd.DataFrame({"x": [1.0]}))  # type: ignore[arg-type]
