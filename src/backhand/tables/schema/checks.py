"""Checks of a table's columns: the type is what the schema expects, and no text has a NUL byte."""

from __future__ import annotations

from collections.abc import Sequence

from backhand.errors import InputError
from backhand.tables.reductions import any_row, count, first_true, totals
from backhand.tables.table import Table


def check_kind(table: Table, column: int, kind: str) -> None:
    """Check that the type of a column is one of numbers, of dates, or not nested for a category.

    Raises
    ------
    InputError
        If the column's type is another one.
    """
    name, family = table.names[column], table.family(column)
    allowed = {"number": ("number", "text"), "date": ("date", "text")}.get(
        kind, ("number", "text", "date")
    )
    if kind == "date" and table.types[column] == "BOOLEAN":
        family = "other"
    if family not in allowed and totals(table, [count(f"c{column}")])[0]:
        expected = {"number": "numbers", "date": "dates"}.get(kind, "texts or numbers")
        raise InputError(
            f"column '{name}' of {table.source} holds {table.types[column]} values; "
            f"expected {expected}."
        )


def check_no_nul(table: Table, columns: Sequence[int]) -> None:
    """Check that no text of the columns has a NUL byte, which ends a text in NumPy.

    Raises
    ------
    InputError
        With the first row that has one.
    """
    texts = [i for i in columns if table.types[i] == "VARCHAR"]
    damaged = totals(table, [any_row(_has_nul(i)) for i in texts])
    for i, bad in zip(texts, damaged, strict=True):
        if bad and (row := first_true(table, _has_nul(i))):
            raise _nul_error(table, i, row)


def _has_nul(column: int) -> str:
    return f"contains(c{column}, chr(0))"


def _nul_error(table: Table, column: int, row: int) -> InputError:
    return InputError(
        f"column '{table.names[column]}' of {table.where(row)} holds a NUL byte in row {row}; "
        "fix it, and save the file as UTF-8."
    )
