"""The types that all texts of a column allow without losing a digit.

They are used for a user's query and for Parquet output. A model's input does not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from backhand.tables.cells.dates import CLOCK, ISO
from backhand.tables.cells.numbers import CODE, plain_number
from backhand.tables.cells.texts import MISSING, matches
from backhand.tables.expressions import text
from backhand.tables.queries import FIRST_ROWS
from backhand.tables.reductions import Aggregate, count, every_row, totals
from backhand.tables.table import Table

ISO_DAY = r"\d{4}-\d\d-\d\d"
"""A date as DuckDB writes it."""


FIRST = 2**11
"""Rows that are examined first: they exclude most types, so that all rows are read only once."""


def typed(table: Table) -> list[str]:
    """SQL for each column of a table of texts, cast to the narrowest type of all its texts.

    Texts of `cells.MISSING` are NULL unless the column stays a text.
    """
    columns = range(len(table.names))
    kinds = dict.fromkeys(columns, 0)
    fitting = _exclude(table, kinds, FIRST)
    (examined,) = totals(table, [count("*")], FIRST_ROWS, first=FIRST)
    if examined == FIRST:  # there may be more
        fitting = _exclude(table, kinds)
    return [_cast(table, i, TYPES[kinds[i]]) if i in fitting else f"c{i}" for i in columns]


def _exclude(table: Table, kinds: dict[int, int], first: int | None = None) -> set[int]:
    """Advance each column to the first type that all texts of all or the first rows have.

    Return the columns that have such a type, and texts at all in these rows.
    """
    fitting, tried, rows = set(), list(kinds), "rows" if first is None else FIRST_ROWS
    while tried := [i for i in tried if kinds[i] < len(TYPES)]:
        tests = [_fits(table, i, TYPES[kinds[i]]) for i in tried]
        found = totals(table, tests, rows, first=first)
        fitting |= {i for i, fits in zip(tried, found, strict=True) if fits}
        tried = [i for i, fits in zip(tried, found, strict=True) if fits is False]
        for i in tried:
            kinds[i] += 1
    return fitting


def _fits(table: Table, column: int, kind: Type) -> Aggregate:
    """Whether all texts of a column have a type; None if there is none."""
    name, value = f"c{column}", text(table, column, MISSING)
    return every_row(
        f"CASE WHEN {kind.surely_fits(name)} THEN true "
        f"WHEN {value} IS NOT NULL THEN coalesce({kind.fits(value)}, false) END"
    )


def _cast(table: Table, column: int, kind: Type) -> str:
    """SQL for a column whose texts have a type; NULL where missing."""
    cast = f"TRY_CAST(c{column} AS {kind.name})"
    # nan is a text that means missing. (DuckDB computes parts of a coalesce for all rows.)
    read = f"isfinite({cast})" if kind.name == "DOUBLE" else f"{cast} IS NOT NULL"
    careful = f"TRY_CAST({text(table, column, MISSING)} AS {kind.name})"
    return f"CASE WHEN {read} THEN {cast} ELSE {careful} END"


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


def _is_surely_number(cell: str) -> str:
    # A code has no point and begins with 0, or with spaces, which are less than a minus sign.
    finite = f"isfinite({plain_number(cell)})"
    no_code = f"{cell} >= '-' AND NOT ({cell} >= '0' AND {cell} < '1')"
    return f"CASE WHEN contains({cell}, '.') THEN {finite} WHEN {no_code} THEN {finite} END"


class Type(NamedTuple):
    """A type of DuckDB.

    Attributes
    ----------
    name : str
    fits : callable
        Makes SQL that tests whether a text has the type, from SQL for the text without the spaces
        around it.
    surely_fits : callable
        The same from SQL for the text as it is in the file: false or NULL also for some texts that
        have the type, and never true for one that means missing. It saves removing spaces and
        comparing.
    """

    name: str
    fits: Callable[[str], str]
    surely_fits: Callable[[str], str]


TYPES = (
    Type("BIGINT", _is_whole, _is_whole),
    Type("DOUBLE", _is_number, _is_surely_number),
    Type("DATE", _is_day, _is_day),
    Type("TIME", _is_clock, _is_clock),
    Type("TIMESTAMP WITH TIME ZONE", _is_moment, _is_moment),
)
"""The narrowest type first."""
