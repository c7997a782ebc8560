"""Row counters and identifiers are found, and nothing else."""

import duckdb
import numpy as np
import pytest

from backhand.tables.reading.reader import read_table
from backhand.tables.schema import identifiers as module
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.targets import read_target

RNG = np.random.default_rng(0)
N = 100


def table_of(folder, ending: str, kind: str = "BIGINT", **columns):
    """A table of whole numbers beside a measure x and a target t."""
    path = folder / f"t.{ending}"
    values = {f"c{i}": [None if v is None else int(v) for v in column]
              for i, column in enumerate(columns.values())}  # fmt: skip
    unnested = ", ".join(f"unnest(CAST($c{i} AS HUGEINT[])) AS c{i}" for i in range(len(values)))
    cells = ", ".join(f'CAST(c{i} AS {kind}) AS "{name}"' for i, name in enumerate(columns))
    duckdb.connect().execute(
        f"COPY (SELECT {cells}, sin(row_number() OVER () * 7) AS x, "
        f"['a', 'b'][row_number() OVER () % 2 + 1] AS t FROM (SELECT {unnested})) TO '{path}'",
        values,
    )
    return read_table(path)


def dropped(table, **choices) -> list[str]:
    _, notes, _ = fit_schema(
        table, read_target(table, "t"), np.ones(table.rows, bool), ColumnChoices(**choices)
    )
    return [note.column for note in notes if note.kind == "dropped"]


def distinct(n: int, largest: int) -> np.ndarray:
    return RNG.permutation(largest)[:n]


FOUND = {
    "a counter from 1": ("n", range(1, N + 1)),
    "a counter from 0": ("n", range(N)),
    "a shuffled counter": ("n", RNG.permutation(N) + 5000),
    "a counter backwards": ("n", range(N, 0, -1)),
    "a counter with gaps": ("n", np.sort(distinct(N, 2 * N))),
    "keys that would repeat": ("code", distinct(300, 4000)),
    "few rows with a name": ("customer_id", distinct(12, 10**6)),
    "camel case": ("PassengerId", distinct(12, 10**6)),
    "id first": ("ID Number", distinct(12, 10**6)),
    "a number of something": ("Invoice No.", distinct(12, 10**6)),
    "of pandas": ("Unnamed: 0", distinct(12, 10**6)),
    "of R": ("rownames", distinct(12, 10**6)),
    "repeated rows": ("id", [*range(10**6, 10**6 + N), *range(10**6, 10**6 + 30)]),
    "missing here and there": ("id", [*distinct(N, 10**6), *[None] * 20]),
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("case", FOUND)
def test_what_names_the_rows_is_dropped_with_a_word(tmp_path, ending, case) -> None:
    name, values = FOUND[case]
    table = table_of(tmp_path, ending, **{name: values})
    called = table.names[0]
    assert dropped(table) == [called]
    for option in ("keep", "numeric", "categorical"):
        assert dropped(table, **{option: [called]}) == []
    notes = fit_schema(table, read_target(table, "t"), np.ones(table.rows, bool))[1]
    assert "whole numbers" in notes[0].what and notes[0].advice == f"--keep '{called}' uses it"


KEPT = {
    "consecutive years": ("Year", range(1950, 2010)),
    "a year in a column of its own": ("year", RNG.permutation(range(1990, 2015))),
    "prices that differ in a small table": ("price", distinct(30, 10**6)),
    "few rows": ("n", range(1, 13)),
    "hours": ("hour", range(24)),
    "ages": ("age", RNG.integers(18, 80, 500)),
    "sorted ages": ("age", np.sort(RNG.integers(18, 80, 500))),
    "amounts": ("amount", RNG.integers(0, 10**7, 20_000)),
    "sorted amounts": ("amount", np.sort(RNG.integers(0, 10**9, 2000))),
    "a measure without repeats": ("weight", np.sort(distinct(60, 10**5))),
    "hours since 1970 in seconds": ("when", range(0, 3600 * 1000, 3600)),
    "rooms": ("no_of_rooms", RNG.integers(1, 9, 200)),
    "numbers paid": ("paid", distinct(40, 10**6)),
    "shops by id": ("shop_id", RNG.integers(1, 20, 300)),
    "missing in most rows": ("n", [*range(50), *[None] * 60]),
}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("case", KEPT)
def test_measures_are_kept(tmp_path, ending, case) -> None:
    name, values = KEPT[case]
    assert dropped(table_of(tmp_path, ending, **{name: values})) == []


@pytest.mark.parametrize("kind", ["INTEGER", "UBIGINT", "HUGEINT", "DOUBLE", "DECIMAL(18, 2)"])
def test_identifiers_of_every_type(tmp_path, kind) -> None:
    assert dropped(table_of(tmp_path, "parquet", kind, n=range(1, N + 1))) == ["n"]


def test_identifiers_beyond_the_digits_of_a_double(tmp_path) -> None:
    """As doubles, many of them are equal."""
    ids = [2**60 + int(k) for k in np.cumsum(RNG.integers(1, 9, 500))]
    for ending in ("csv", "parquet"):
        assert dropped(table_of(tmp_path, ending, **{"tweet id": ids})) == ["tweet id"]


def test_texts_that_differ_are_identifiers_too(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    duckdb.sql(f"""COPY (SELECT uuid() AS u, 'A' || k AS code, '0' || (k + 10) AS zeros,
        sin(k) AS x, k % 2 AS t FROM range(50) AS r(k)) TO '{path}'""")
    assert dropped(read_table(path)) == ["u", "code", "zeros"]
    assert dropped(read_table(path), keep=["zeros"]) == ["u", "code"]


def test_a_column_without_a_name_is_one_among_columns_with_names(tmp_path) -> None:
    rows = [f"{k},{v},{'ab'[k % 2]}" for k, v in enumerate(distinct(15, 10**6))]
    for header, found in ((",price,t", ["column1"]), (",,t", []), ("#,price,t", ["#"])):
        (tmp_path / "t.csv").write_text("\n".join([header, *rows]) + "\n")
        assert dropped(read_table(tmp_path / "t.csv")) == found


def test_a_long_table_is_counted_in_its_first_rows(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FIRST", 50)
    monkeypatch.setattr(module, "PREFIX", 200)
    counter, late = range(1000), [*range(200), *[7] * 400, *range(200, 600)]
    early = [*[7] * 400, *range(600)]
    table = table_of(tmp_path, "csv", a=counter, b=late, c=early)
    assert dropped(table) == ["a"]
