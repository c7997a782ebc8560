"""Cells that are not what their column holds, such as a word among numbers: read as missing."""

from __future__ import annotations

from collections.abc import Sequence

from backhand.tables.expressions import cell, text
from backhand.tables.table import Table
from backhand.tables.value_counts import count_values

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
    found = count_values(
        table,
        f"SELECT v, count(*) AS n FROM (SELECT {cell(table, column)} AS v, "
        f"{is_unread(table, column, value, missing)} AS bad FROM rows) WHERE bad GROUP BY v",
        most,
    )
    return found.rows, [(value.value, value.rows) for value in found.values]
