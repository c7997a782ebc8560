"""The types that all texts of a column allow without losing a digit.

They are used for a user's query and for Parquet output. A model's input does not depend on them.
"""

from __future__ import annotations

from backhand.tables.cells.dates import CLOCK, ISO
from backhand.tables.cells.numbers import CODE, plain_number
from backhand.tables.cells.texts import MISSING, matches
from backhand.tables.expressions import text
from backhand.tables.queries import totals
from backhand.tables.table import Table

ISO_DAY = r"\d{4}-\d\d-\d\d"
"""A date as DuckDB writes it."""


def typed(table: Table) -> list[str]:
    """SQL for each column of a table of texts, cast to the narrowest type of all its texts.

    Texts of `cells.MISSING` are NULL unless the column stays a text.
    """
    columns = range(len(table.names))
    left, cells = list(columns), [f"c{i}" for i in columns]
    present = totals(table, [f"count({_value(table, i)})" for i in columns])
    for kind, condition in TYPES.items():
        tried = [i for i in left if present[i]]
        tests = [f"count(CASE WHEN {condition(_value(table, i))} THEN 1 END)" for i in tried]
        for i, fitting in zip(tried, totals(table, tests), strict=True):
            if fitting == present[i]:
                cells[i] = f"TRY_CAST({_value(table, i)} AS {kind})"
                left.remove(i)
    return cells


def _value(table: Table, column: int) -> str:
    return text(table, column, MISSING)


def _is_whole(cell: str) -> str:
    return f"CAST(TRY_CAST({cell} AS BIGINT) AS VARCHAR) = {cell}"


def _is_number(cell: str) -> str:
    return f"{plain_number(cell)} IS NOT NULL AND NOT {matches(cell, CODE)}"


def _is_day(cell: str) -> str:
    return f"{matches(cell, ISO_DAY)} AND TRY_CAST({cell} AS DATE) IS NOT NULL"


def _is_clock(cell: str) -> str:
    return f"{matches(cell, CLOCK)} AND TRY_CAST({cell} AS TIME) IS NOT NULL"


def _is_moment(cell: str) -> str:
    zoned = f"TRY_CAST({cell} AS TIMESTAMP WITH TIME ZONE)"
    return f"{matches(cell, ISO)} AND {zoned} IS NOT NULL"


TYPES = {
    "BIGINT": _is_whole, "DOUBLE": _is_number, "DATE": _is_day, "TIME": _is_clock,
    "TIMESTAMP WITH TIME ZONE": _is_moment,
}  # fmt: skip
"""Types, the narrowest first, with SQL for whether a text has the type."""
