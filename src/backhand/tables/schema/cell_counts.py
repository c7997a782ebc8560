"""Counts of a column's cells by all rows: what its kind is decided from, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backhand.tables.cells.numbers import CODE
from backhand.tables.cells.texts import matches
from backhand.tables.expressions import number, text
from backhand.tables.queries import GROUP, all_rows, first_row, totals
from backhand.tables.table import Table

EXAMPLES, EXAMPLES_FROM = 3, 100
"""How many unread texts are quoted, and from how many of the first such rows."""


@dataclass(frozen=True)
class CellCounts:
    """Counts of the cells of one column.

    Attributes
    ----------
    numbers, unread : int
        Cells that are numbers; texts that are neither numbers nor mean missing.
    codes : int
        Texts that are numbers and would lose leading zeros.
    fractions : int
        Numbers that are not whole.
    least, most : float
        The smallest and the largest number; 0 if there is none.
    """

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


def count_cells(
    table: Table, columns: Sequence[int], missing: Sequence[str]
) -> dict[int, CellCounts]:
    """Count the cells of columns of texts or numbers."""
    found: dict[int, CellCounts] = {}
    for start in range(0, len(columns), GROUP // 6):
        some = columns[start : start + GROUP // 6]
        cells = [f"{_text(table, i)} AS c{i}, {finite_or_null(table, i, missing)} AS x{i}"
                 for i in some]  # fmt: skip
        counts = [_counts(table, i, missing) for i in some]
        row = first_row(
            table, f"SELECT {', '.join(counts)} FROM (SELECT {', '.join(cells)} FROM rows)"
        )
        for j, i in enumerate(some):
            numbers, unread, codes, fractions, least, most = row[6 * j : 6 * j + 6]
            found[i] = CellCounts(
                numbers, unread, codes, fractions, float(least or 0), float(most or 0)
            )
    return found


def finite_or_null(table: Table, column: int, missing: Sequence[str]) -> str:
    """SQL for a column as numbers, NULL also for nan."""
    value = number(table, column, missing)
    if table.family(column) == "number" and table.types[column] not in ("FLOAT", "DOUBLE"):
        return value
    return f"CASE WHEN NOT isnan({value}) THEN {value} END"


def _text(table: Table, column: int) -> str:
    """SQL for the cell as text where it is one already; typed numbers are not converted."""
    typed = table.family(column) == "number"
    return f"c{column}" if typed else f"CAST(c{column} AS VARCHAR)"


def _counts(table: Table, i: int, missing: Sequence[str]) -> str:
    x = f"x{i}"
    unread = codes = "0"
    if table.family(i) == "text":
        unread = f"count(CASE WHEN {x} IS NULL THEN {text(table, i, missing)} END)"
        codes = f"count(CASE WHEN {x} IS NOT NULL THEN {code(f'c{i}')} END)"
    fractions = f"count(CASE WHEN {x} <> floor({x}) THEN 1 END)"
    return f"count({x}), {unread}, {codes}, {fractions}, min({x}), max({x})"


def code(cell: str) -> str:
    """SQL that is NULL unless a text has leading zeros that it would lose as a number."""
    found = f"CASE WHEN {matches(cell, CODE)} THEN {cell} END"
    # A comparison costs a fraction of a pattern, and a column of 0.1, 0.2, … has few such texts.
    return f"CASE WHEN {cell} >= '00' AND {cell} < '0:' THEN {found} END"


def rare(rows: int) -> int:
    """Return the number of rows below which a value is rare in a table of so many rows."""
    return max(2, min(10, rows // 1000))


def count_distinct(
    table: Table, columns: Sequence[int], missing: Sequence[str], most: int
) -> dict[int, int]:
    """Return the number of distinct texts of those columns that have at most `most`."""
    texts = {i: text(table, i, missing) for i in columns}
    about = totals(table, [f"approx_count_distinct({value})" for value in texts.values()])
    few = {i: value for (i, value), n in zip(texts.items(), about, strict=True) if n <= 2 * most}
    exact = totals(table, [f"count(DISTINCT {value})" for value in few.values()])
    return {i: n for i, n in zip(few, exact, strict=True) if n <= most}


def first_texts(table: Table, column: int, condition: str) -> list[str]:
    """Return the first distinct texts of a column in the rows that fulfil an SQL condition."""
    cells = all_rows(
        table, f"SELECT CAST(c{column} AS VARCHAR) FROM rows WHERE {condition} "
        f"LIMIT {EXAMPLES_FROM}",
    )  # fmt: skip
    return list(dict.fromkeys(cell for (cell,) in cells))[:EXAMPLES]
