"""The types that the texts of a file allow: of all rows, and without losing a digit.

For a user's query and for Parquet that is written, which want more than texts. What a model reads
never depends on them.
"""

from __future__ import annotations

from backhand.tables.cells import CLOCK, CODE, MISSING, MOMENT, matches, number_in
from backhand.tables.table import Table

DAY = r"\d{4}-\d\d-\d\d"
"""A date as its type writes it."""


def typed(table: Table) -> list[str]:
    """SQL for each column of a table of texts, cast to the type that all its texts have.

    Texts of `cells.MISSING` are NULL in a column of another type than text.
    """
    columns = range(len(table.names))
    left, cells = list(columns), [f"c{i}" for i in columns]
    present = table.totals([f"count({_value(table, i)})" for i in columns])
    for kind, condition in TYPES.items():
        asked = [i for i in left if present[i]]
        tests = [f"count(CASE WHEN {condition(_value(table, i))} THEN 1 END)" for i in asked]
        for i, fitting in zip(asked, table.totals(tests), strict=True):
            if fitting == present[i]:
                cells[i] = f"TRY_CAST({_value(table, i)} AS {kind})"
                left.remove(i)
    return cells


def _value(table: Table, column: int) -> str:
    return table.present(column, MISSING)


def _is_whole(text: str) -> str:
    return f"CAST(TRY_CAST({text} AS BIGINT) AS VARCHAR) = {text}"


def _is_number(text: str) -> str:
    return f"{number_in(text)} IS NOT NULL AND NOT {matches(text, CODE)}"


def _is_day(text: str) -> str:
    return f"{matches(text, DAY)} AND TRY_CAST({text} AS DATE) IS NOT NULL"


def _is_clock(text: str) -> str:
    return f"{matches(text, CLOCK)} AND TRY_CAST({text} AS TIME) IS NOT NULL"


def _is_moment(text: str) -> str:
    zoned = f"TRY_CAST({text} AS TIMESTAMP WITH TIME ZONE)"
    return f"{matches(text, MOMENT)} AND {zoned} IS NOT NULL"


TYPES = {
    "BIGINT": _is_whole, "DOUBLE": _is_number, "DATE": _is_day, "TIME": _is_clock,
    "TIMESTAMP WITH TIME ZONE": _is_moment,
}  # fmt: skip
"""Types, the narrowest first, and SQL for whether a text is of one."""
