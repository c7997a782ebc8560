"""Rows of DuckDB as NumPy arrays: values, NULLs, lengths and errors."""

from __future__ import annotations

from itertools import count

import duckdb
import numpy as np
import pytest

from backhand.tables.database import arrow_streams
from backhand.tables.database.arrow_streams import StreamError, read_arrays, stream

ROWS = 10_000

COLUMNS = {
    "(i % 100)::TINYINT": lambda i: i % 100,
    "CASE WHEN i % 7 > 0 THEN i::SMALLINT END": lambda i: np.where(i % 7 > 0, i, np.nan),
    "CASE WHEN i % 5 > 0 THEN i / 3 END": lambda i: np.where(i % 5 > 0, i / 3, np.nan),
    "CASE WHEN i % 3 > 0 THEN i::FLOAT END": lambda i: np.where(i % 3 > 0, i, np.nan),
    "CASE WHEN i > 7000 THEN i::UBIGINT END": lambda i: np.where(i > 7000, i, np.nan),
    "CASE WHEN i < 7000 THEN i::INTEGER END": lambda i: np.where(i < 7000, i, np.nan),
    "CASE WHEN i < 0 THEN 1 END": lambda i: np.full(len(i), np.nan),
    "i % 2 = 0": lambda i: i % 2 == 0,
}
"""SQL of columns, and their values."""


@pytest.mark.parametrize(("length", "batch"), [(3000, 2048), (4096, 3001), (ROWS, 1), (2**16, 999)])
def test_every_type_comes_with_nan_for_null_in_arrays_of_one_length(
    monkeypatch, length, batch
) -> None:
    batches = arrow_streams._batches
    monkeypatch.setattr(arrow_streams, "_batches", lambda con, sql, _: batches(con, sql, batch))
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE rows AS SELECT {', '.join(map('{} AS c{}'.format, COLUMNS, count()))} FROM"
        f"  range({ROWS if batch > 1 else 50}) AS r(i)"
    )
    found = list(read_arrays(connection, "SELECT * FROM rows", len(COLUMNS), length))
    assert {len(arrays[0]) for arrays in found[:-1]} <= {length}
    columns = [np.concatenate(pieces) for pieces in zip(*found, strict=True)]
    i = np.arange(len(columns[0]))
    assert len(i) == (ROWS if batch > 1 else 50)
    for x, expected in zip(columns, COLUMNS.values(), strict=True):
        assert np.array_equal(x.astype(float), expected(i).astype(float), equal_nan=True)
    assert columns[0].dtype == np.int8 and columns[3].dtype == np.float32


def test_what_fails_in_duckdb_or_in_an_iterator_is_raised_with_its_message() -> None:
    connection = duckdb.connect()
    with pytest.raises(StreamError, match="Could not convert string 'x' to DOUBLE"):
        list(read_arrays(connection, "SELECT 'x'::VARCHAR::DOUBLE FROM range(9)", 1, 10))

    def chunks():
        yield [np.array([1, 0]), np.array([1.5, 2.5])]
        raise ValueError("this one")

    connection.register(
        "added", stream(["a", "b"], [np.array(["é", "no"]), np.dtype(float)], chunks())
    )
    with pytest.raises(duckdb.Error, match="this one"):
        connection.execute("SELECT * FROM added").fetchall()


def test_arrays_arrive_in_duckdb_as_they_are() -> None:
    texts, P = np.array(["", "é", "long text"]), np.arange(6, dtype=np.float32).reshape(3, 2).T
    connection = duckdb.connect()
    given = stream(
        ["t", "p", "q"], [texts, P.dtype, P.dtype], iter([[np.array([1, 0, 2]), *P]] * 2)
    )
    connection.register("added", given)
    expected = [("é", 0.0, 1.0), ("", 2.0, 3.0), ("long text", 4.0, 5.0)]
    assert connection.execute("SELECT * FROM added").fetchall() == expected * 2
