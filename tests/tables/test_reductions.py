"""Figures of a table's rows do not depend on the parts in which these are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from backhand.errors import InputError
from backhand.tables import value_counts
from backhand.tables.distinct_sketch import about_distinct
from backhand.tables.order_statistics import value_at
from backhand.tables.queries import FIRST_ROWS, mark
from backhand.tables.reading.reader import read_table
from backhand.tables.reductions import (
    any_row,
    count,
    count_where,
    distinct,
    distinct_in_first,
    every_row,
    first_true,
    least,
    marked_rows,
    most,
    total,
    totals,
)
from backhand.tables.schema.checks import check_no_nul
from backhand.tables.table import Table
from backhand.tables.value_counts import count_values
from helpers.cut_tables import CutTable

VALUES = "SELECT c1 AS v, count(*) AS n FROM rows WHERE c1 IS NOT NULL GROUP BY v"

N = 300


@pytest.fixture(scope="module")
def tables() -> Iterator[list[Table]]:
    """The same rows in one part, and in 4."""
    cells = (
        "CASE WHEN range % 10 > 0 THEN (range * 37) % 101 END AS x, "
        "CASE WHEN range % 7 > 0 THEN 'w' || (range * range % 43) END AS t, "
        "range >= 250 AS late, sin(range) AS s"
    )
    plain = read_table(query=f"SELECT {cells} FROM range({N})")
    made = [plain, CutTable(plain, 4)]
    yield made
    for table in made:
        table.close()


def test_totals_are_those_of_one_part(tables) -> None:
    aggregates = [
        count("*"), count("c0"), count_where("c0 > 50"), total("c0"), least("c0"), most("c0"),
        least("c1"), most("c1"), any_row("c2"), every_row("c2"), every_row("c0 < 101"),
        any_row("NULL"), least("CASE WHEN c0 > 500 THEN c0 END"), total("NULL::INTEGER"),
    ]  # fmt: skip
    found = [totals(table, aggregates) for table in tables]
    assert found == [found[0]] * len(tables)
    x = [i * 37 % 101 for i in range(N) if i % 10]
    assert found[0][:6] == [N, len(x), sum(v > 50 for v in x), sum(x), min(x), max(x)]
    assert found[0][8:] == [True, False, True, None, None, None]
    sets = [set(totals(table, [distinct("c1")])[0]) for table in tables]
    assert sets == [sets[0]] * len(tables) and None not in sets[0]


@pytest.mark.parametrize("first", [250, 10 * N])
def test_the_first_rows_are_those_of_the_first_parts(tables, first) -> None:
    for table in tables:
        (rows, late) = totals(table, [count("*"), count_where("c2")], FIRST_ROWS, first=first)
        assert (rows, late) == (min(first, N), max(0, min(first, N) - 250))
        ((numbers, different),) = distinct_in_first(table, ["c0"], first)
        x = [(i * 37) % 101 for i in range(min(first, N)) if i % 10]
        assert (numbers, different) == (len(x), len(set(x)))


def test_the_first_row_of_a_kind_is_counted_through_all_parts(tables) -> None:
    for table in tables:
        assert first_true(table, "c2") == 251
        assert first_true(table, "c0 > 1000") is None


def test_a_nul_byte_is_reported_with_the_row_of_the_table() -> None:
    plain = read_table(query="SELECT CASE range WHEN 83 THEN 'a' || chr(0) ELSE 'b' END AS t "
                             "FROM range(100)")  # fmt: skip
    with pytest.raises(InputError, match="in row 84"):
        check_no_nul(CutTable(plain, 3), [0])


def test_marked_rows_come_in_order(tables) -> None:
    chosen = np.arange(N) % 11 == 3
    for table in tables:
        mark(table, chosen)
        assert [x for (x,) in marked_rows(table, ["c3"])] == np.sin(np.flatnonzero(chosen)).tolist()


def test_values_are_counted_in_all_parts(tables) -> None:
    found = [count_values(table, VALUES) for table in tables]
    assert found == [found[0]] * len(tables) and found[0].exact
    three = [count_values(table, VALUES, 3) for table in tables]
    assert three == [three[0]] * len(tables) and three[0].values == found[0].values[:3]
    assert (three[0].distinct, three[0].rows) == (len(found[0].values), 257)


@pytest.mark.parametrize(
    "bound", ["MOST_VALUES", pytest.param("MOST_CHARACTERS", marks=pytest.mark.slow)]
)
def test_of_very_many_values_the_most_frequent_have_exact_numbers(monkeypatch, bound) -> None:
    """Every third row has one of five values; of the others, each has a value of its own."""
    plain = read_table(query="SELECT 0 AS x, CASE WHEN range % 3 = 0 THEN 'often' || range % 5 "
                             "ELSE 'once' || range END AS t FROM range(6000)")  # fmt: skip
    exact = count_values(plain, VALUES, 5)
    monkeypatch.setattr(value_counts, bound, 700)
    monkeypatch.setattr(value_counts, "FETCHED", 50)
    found = count_values(CutTable(plain, 3), VALUES, 5)
    assert exact.exact and not found.exact
    assert found.values == exact.values and found.rows == exact.rows
    assert found.distinct == pytest.approx(exact.distinct, rel=0.06)


@pytest.mark.parametrize(
    "distinct",
    [pytest.param(0, marks=pytest.mark.slow), pytest.param(40, marks=pytest.mark.slow), 9000],
)
def test_a_sketch_of_distinct_values_is_that_of_all_rows(distinct) -> None:
    value = f"CASE WHEN range % 3 > 0 THEN hash(range % {distinct or 1}) % 1000003 END"
    plain = read_table(query=f"SELECT {value if distinct else 'NULL::INTEGER'} AS x, 0 AS y "
                             "FROM range(30000)")  # fmt: skip
    (exact,) = totals(plain, [distinct_number("c0")])
    found = [about_distinct(table, ["c0"]) for table in (plain, CutTable(plain, 3))]
    assert found[0] == found[1] == [pytest.approx(exact, rel=0.06, abs=0)]


def distinct_number(value: str):
    return count("DISTINCT " + value)


NUMBERS = {
    "whole": np.random.default_rng(1).integers(0, 50, 400).astype(float),
    "far apart": np.array([-1.7e308, 1.7e308, 5e-324, 0, -5e-324, 1, 1 + 2**-52, 1e300] * 4),
    "one": np.full(30, 0.1),
}


@pytest.mark.parametrize(
    "name", ["far apart", *(pytest.param(n, marks=pytest.mark.slow) for n in ("whole", "one"))]
)
def test_the_number_at_a_place_is_that_of_the_sorted_rows(tmp_path, name) -> None:
    x = NUMBERS[name]
    connection = duckdb.connect()
    connection.register("given", {"x": x})
    connection.execute(f"COPY (SELECT x FROM given) TO '{tmp_path}/x.parquet'")
    plain = read_table(tmp_path / "x.parquet")
    ordered = np.sort(x)
    for table in (plain, CutTable(plain, 3)):
        for place in (0, len(x) - 2):
            assert value_at(table, "SELECT c0 AS v FROM rows", place) == ordered[place]


def test_no_expression_is_read_from_a_table_that_is_not_its_part(tmp_path: Path) -> None:
    """A stand-in has no connection: whatever reads rows asks the parts."""
    (tmp_path / "t.csv").write_text("a,y\n1,p\n2,q\n")
    cut = CutTable(read_table(tmp_path / "t.csv"), 1)
    assert not hasattr(cut, "connection")
    assert cut.plain == frozenset() and cut.rows == 2
