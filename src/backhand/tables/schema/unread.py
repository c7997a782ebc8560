"""Cells that are not what their column holds, such as a word among numbers: read as missing."""

from __future__ import annotations

from collections.abc import Sequence

from backhand.tables.expressions import cell, text
from backhand.tables.queries import all_rows
from backhand.tables.table import Table

SHOWN = 5
"""Texts that are listed, by default."""


def is_unread(table: Table, column: int, value: str, missing: Sequence[str]) -> str:
    """SQL for whether a cell is present, but its value is NULL or not finite.

    `value` is SQL for the column's numbers or days, `missing` are the texts that mean missing.
    """
    present = text(table, column, missing)
    return f"CASE WHEN isfinite({value}) THEN false ELSE {present} IS NOT NULL END"


def unread_texts(
    table: Table, column: int, value: str, missing: Sequence[str], most: int = SHOWN
) -> tuple[int, list[tuple[str, int]]]:
    """Return in how many rows a cell is not read, and the most frequent texts of them, with counts.

    `value` is SQL for the column's numbers or days, as of `Column.expression`; `missing` are the
    texts that mean missing.
    """
    found = all_rows(
        table,
        "SELECT t, n, sum(n) OVER () FROM (SELECT t, count(*) AS n FROM "
        f"(SELECT {cell(table, column)} AS t, {is_unread(table, column, value, missing)} AS bad "
        f"FROM rows) WHERE bad GROUP BY t) ORDER BY n DESC, t LIMIT {most}",
    )
    return (int(found[0][2]) if found else 0), [(str(t), int(n)) for t, n, _ in found]
