"""Counts of a column's cells by all rows: what its kind is decided from, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backhand.tables.cells.numbers import CODE, plain_number
from backhand.tables.cells.texts import matches
from backhand.tables.distinct_sketch import about_distinct
from backhand.tables.expressions import text
from backhand.tables.queries import GROUP
from backhand.tables.reductions import Aggregate, count, count_where, distinct, least, most, totals
from backhand.tables.table import Table

TOGETHER, OF_WIDE = 12, GROUP // 6
"""Columns that are counted in one query: a row group of more need not fit in a small memory. In a
table of more than `GROUP` columns it is more of them, since each query binds all columns."""


@dataclass(frozen=True)
class CellCounts:
    """Counts of the cells of one column.

    Attributes
    ----------
    value : str
        SQL for the numbers that were counted: NULL, nan or infinite where a cell is not one.
    numbers, unread : int
        Cells that are finite numbers; those that neither are nor mean missing.
    codes : int
        Texts that are numbers and would lose leading zeros.
    fractions : int
        Numbers that are not whole.
    least, most : float
        The smallest and the largest number; 0 if there is none.
    """

    value: str
    numbers: int
    unread: int
    codes: int
    fractions: int
    least: float
    most: float

    @property
    def present(self) -> int:
        """Cells that are not missing."""
        return self.numbers + self.unread

    @property
    def finite(self) -> str:
        """SQL for the numbers; NULL where a cell is not one."""
        return f"CASE WHEN isfinite({self.value}) THEN {self.value} END"


def count_plain(table: Table, columns: Sequence[int]) -> dict[int, CellCounts]:
    """Count the cells of those columns whose texts are all plain numbers, or empty.

    Most columns of numbers are such, and costs a cast per cell here and in each later pass.
    """
    found: dict[int, CellCounts] = {}
    texts = [i for i in columns if table.types[i] == "VARCHAR"]
    size = OF_WIDE if len(table.names) > GROUP else TOGETHER
    for start in range(0, len(texts), size):
        some = texts[start : start + size]
        cells = ", ".join(f"c{i}, {plain_number(f'c{i}')} AS v{i}" for i in some)
        finite = ", ".join(f"c{i}, {_finite(table, i)} AS x{i}" for i in some)
        counts = [
            figure for i in some
            for figure in (count_where(f"c{i} <> ''"), count(f"x{i}"), count(_code_of(i)),
                           _fractions_of(i), least(f"x{i}"), most(f"x{i}"))
        ]  # fmt: skip
        row = totals(table, counts, f"(SELECT {finite} FROM (SELECT {cells} FROM rows))")
        for j, i in enumerate(some):
            written, numbers, codes, fractions, low, high = row[6 * j : 6 * j + 6]
            if written == numbers:
                found[i] = CellCounts(
                    plain_number(f"c{i}"), numbers, 0, codes, fractions, float(low or 0),
                    float(high or 0),
                )  # fmt: skip
    table.know_plain(found)
    return found


def _code_of(i: int) -> str:
    return f"CASE WHEN x{i} IS NOT NULL THEN {code(f'CAST(c{i} AS VARCHAR)')} END"


def _fractions_of(i: int) -> Aggregate:
    return count_where(f"x{i} <> floor(x{i})")


def count_cells(
    table: Table, values: dict[int, str], missing: Sequence[str]
) -> dict[int, CellCounts]:
    """Count the cells of columns; `values` is SQL for the numbers of each."""
    found: dict[int, CellCounts] = {}
    columns = list(values)
    size = OF_WIDE if len(table.names) > GROUP else TOGETHER
    for start in range(0, len(columns), size):
        some = columns[start : start + size]
        cells = ", ".join(f"c{i}, {values[i]} AS v{i}" for i in some)
        finite = ", ".join(f"c{i}, {_finite(table, i)} AS x{i}" for i in some)
        counts = [figure for i in some for figure in _counts(table, i, missing)]
        row = totals(table, counts, f"(SELECT {finite} FROM (SELECT {cells} FROM rows))")
        for j, i in enumerate(some):
            numbers, unread, codes, fractions, low, high = row[6 * j : 6 * j + 6]
            found[i] = CellCounts(
                values[i], numbers, unread, codes, fractions, float(low or 0), float(high or 0)
            )
    return found


def _finite(table: Table, i: int) -> str:
    return f"v{i}" if _is_whole(table, i) else f"CASE WHEN isfinite(v{i}) THEN v{i} END"


def _is_whole(table: Table, column: int) -> bool:
    """Return whether a column's type has whole numbers only."""
    return table.family(column) == "number" and "INT" in table.types[column]


def _counts(table: Table, i: int, missing: Sequence[str]) -> list[Aggregate]:
    x, none = f"x{i}", count("NULL")
    unread, codes = none, none
    if table.family(i) == "text":
        codes = count(_code_of(i))
    if table.family(i) == "text" or table.types[i] in ("FLOAT", "DOUBLE"):
        unread = count(f"CASE WHEN {x} IS NULL THEN {text(table, i, missing)} END")
    fractions = none if _is_whole(table, i) else _fractions_of(i)
    return [count(x), unread, codes, fractions, least(x), most(x)]


def code(cell: str) -> str:
    """SQL that is NULL unless a text has leading zeros that it would lose as a number."""
    found = f"CASE WHEN {matches(cell, CODE)} THEN {cell} END"
    # A comparison costs a fraction of a pattern, and a column of 0.1, 0.2, … has few such texts.
    return f"CASE WHEN {cell} >= '00' AND {cell} < '0:' THEN {found} END"


def rare(rows: int) -> int:
    """Return the number of rows below which a value is rare in a table of so many rows."""
    return max(2, min(10, rows // 1000))


def count_distinct(
    table: Table, columns: Sequence[int], missing: Sequence[str], limit: int
) -> dict[int, int]:
    """Return the number of distinct texts of those columns that have at most `limit`."""
    texts = {i: text(table, i, missing) for i in columns}
    about = about_distinct(table, list(texts.values()))
    few = {i: value for (i, value), n in zip(texts.items(), about, strict=True) if n <= 2 * limit}
    exact = totals(table, [distinct(value) for value in few.values()])
    return {i: len(n or ()) for i, n in zip(few, exact, strict=True) if len(n or ()) <= limit}
