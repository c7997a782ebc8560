"""Figures of all rows of a table: of each part in SQL, and merged in the order of the parts.

A plain table is its only part. What is found depends on the parts alone, not on who computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add, and_, or_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.tables.queries import FIRST_ROWS, GROUP, MARKED, all_rows, columns, first_row

if TYPE_CHECKING:
    from backhand.tables.table import Table


class Aggregate(NamedTuple):
    """SQL for a figure of a part's rows, and what it is of those of two parts."""

    sql: str
    merge: Callable[[Any, Any], Any]


def count(value: str) -> Aggregate:
    """In how many rows a value is not NULL."""
    return Aggregate(f"count({value})", add)


def count_where(test: str) -> Aggregate:
    """In how many rows a test is true."""
    return count(f"CASE WHEN {test} THEN 1 END")


def total(value: str) -> Aggregate:
    """The sum of whole numbers; None if there is none."""
    return Aggregate(f"CAST(sum({value}) AS HUGEINT)", add)


def least(value: str) -> Aggregate:
    """The least number, or the first text in the order of characters; None if there is none."""
    return Aggregate(f"min({value})", min)


def most(value: str) -> Aggregate:
    """The largest number, or the last text in the order of characters; None if there is none."""
    return Aggregate(f"max({value})", max)


def any_row(test: str) -> Aggregate:
    """Whether a test is true in some row; None if it is NULL in all."""
    return Aggregate(f"bool_or({test})", or_)


def every_row(test: str) -> Aggregate:
    """Whether a test is false in no row; None if it is NULL in all."""
    return Aggregate(f"bool_and({test})", and_)


def distinct(value: str) -> Aggregate:
    """All values, each once, which have to be few; None if there is none."""
    return Aggregate(
        f"list(DISTINCT {value}) FILTER ({value} IS NOT NULL)",
        lambda some, others: list({*some, *others}),
    )


def totals(
    table: Table,
    aggregates: Sequence[Aggregate],
    rows: str = "rows",
    *,
    first: int | None = None,
) -> list[Any]:
    """Return the values of aggregates, in as few queries as DuckDB can plan.

    Parameters
    ----------
    table : Table
    aggregates : sequence of Aggregate
    rows : str
        SQL for the rows that are aggregated, after FROM.
    first : int, optional
        The number of rows of the table that `FIRST_ROWS` is, if it is in `rows`.
    """
    groups = (aggregates[i : i + GROUP] for i in range(0, len(aggregates), GROUP))
    queries = [f"SELECT {', '.join(one.sql for one in group)} FROM {rows}" for group in groups]
    found = table.each(_values, queries, of_part=limits(table, first)) if queries else []
    return [
        _merged(aggregate.merge, values)
        for aggregate, *values in zip(aggregates, *found, strict=True)
    ]


def _values(part: Table, queries: Sequence[str], limit: dict[str, int] | None = None) -> list[Any]:
    return [value for sql in queries for value in first_row(part, sql, limit)]


def _merged(merge: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
    present = [value for value in values if value is not None]
    return reduce(merge, present) if present else None


def limits(table: Table, first: int | None) -> list[tuple[dict[str, int]]] | None:
    """Return how many of the table's first rows each part has, as a parameter of its queries."""
    if first is None:
        return None
    if len(table.by_part()) == 1:
        return [({"first": first},)]
    found, left = list[tuple[dict[str, int]]](), first
    for rows in table.each(_rows_up_to, first):
        found.append(({"first": min(rows, left)},))
        left -= min(rows, left)
    return found


def _rows_up_to(part: Table, most: int) -> int:
    sql = "SELECT count(*) FROM (SELECT 1 FROM rows LIMIT $first)"
    return int(first_row(part, sql, {"first": most})[0])


def first_true(table: Table, test: str) -> int | None:
    """Return the number of the first row in which a test is true, from 1; None without one."""
    before = 0
    for row, rows in table.each(_first_true, test):
        if row is not None:
            return before + int(row)
        before += rows
    return None


def _first_true(part: Table, test: str) -> tuple[int | None, int]:
    sql = f"SELECT row_number() OVER () AS row, {test} AS found FROM rows"
    row, rows = first_row(part, f"SELECT min(row) FILTER (found), count(*) FROM ({sql})")
    return row, int(rows)


def marked_rows(table: Table, values: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the values of SQL expressions in each of the rows that `mark` selected, in order."""
    sql = f"SELECT {', '.join(values)} FROM {MARKED}"
    return [row for rows in table.each(all_rows, sql) for row in rows]


def distinct_in_first(table: Table, values: Sequence[str], first: int) -> list[tuple[int, int]]:
    """Return how many numbers the first rows have, and how many different ones, exactly.

    Parameters
    ----------
    table : Table
    values : sequence of str
        SQL for whole numbers, or NULL.
    first : int
        Number of rows; of each value, 8 bytes for each row are in memory.
    """
    names = [f"{value} AS k{i}" for i, value in enumerate(values)]
    sql = f"SELECT {', '.join(names)} FROM {FIRST_ROWS}"
    found = table.each(_counts_and_distinct, sql, of_part=limits(table, first)) if values else []
    return [
        (sum(n for n, _ in parts), len(np.unique(np.concatenate([some for _, some in parts]))))
        for parts in zip(*found, strict=True)
    ]


def _counts_and_distinct(
    part: Table, sql: str, limit: dict[str, int]
) -> list[tuple[int, NDArray[Any]]]:
    return [(len(found), np.unique(found)) for found in columns(part, sql, limit)]
