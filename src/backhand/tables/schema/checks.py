"""Checks of a table's columns: each value is what the schema expects of its column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.tables import expressions
from backhand.tables.cells.dates import EITHER
from backhand.tables.cells.numbers import SEPARATED
from backhand.tables.queries import all_rows, first_row, totals
from backhand.tables.table import Table


def check_kind(table: Table, column: int, kind: str) -> None:
    """Check that a number column has numbers and a date column dates; a category, no nested values.

    Raises
    ------
    InputError
        If the column's type is another one.
    """
    name, family = table.names[column], table.family(column)
    allowed = {"number": ("number", "text"), "date": ("date", "text")}.get(
        kind, ("number", "text", "date")
    )
    if kind != "category" and table.types[column] == "BOOLEAN":
        family = "other"
    if family not in allowed and first_row(table, f"SELECT count(c{column}) FROM rows")[0]:
        expected = {"number": "numbers", "date": "dates"}.get(kind, "texts or numbers")
        raise InputError(
            f"column '{name}' of {table.source} holds {table.types[column]} values; "
            f"expected {expected}."
        )


def unreadable(
    table: Table, column: int, kind: str, missing: Sequence[str], order: str = EITHER
) -> str:
    """SQL for whether a text that is not missing is not a number, or not a date in that order."""
    value = expressions.number(table, column, missing)
    if kind == "date":
        value = expressions.days(table, column, missing, order)
    present = expressions.text(table, column, missing)
    return f"CASE WHEN {value} IS NULL THEN {present} IS NOT NULL ELSE false END"


def check_texts(
    table: Table, column: int, kind: str, missing: Sequence[str], order: str = EITHER
) -> None:
    """Check that every text of a column is a number, or a date, or means missing.

    Raises
    ------
    InputError
        With the first text that is not one of them, and its row.
    """
    bad = all_rows(
        table,
        f"SELECT row, text, n FROM (SELECT row, text, count(*) OVER () AS n FROM "
        f"(SELECT row_number() OVER () AS row, CAST(c{column} AS VARCHAR) AS text, "
        f"{unreadable(table, column, kind, missing, order)} AS bad FROM rows) WHERE bad) "
        "ORDER BY row LIMIT 1",
    )
    if not bad:
        return
    name, (row, text, n) = table.names[column], bad[0]
    if "\0" in text:
        raise _nul_error(table, column, row)
    others = f" (and {n - 1:,} more row{'s' if n > 2 else ''})" if n > 1 else ""
    advice = (
        "fix it, or leave it empty if it is missing; or use --missing if this text means missing, "
        f"--categorical '{name}' or --drop '{name}'."
    )
    if re.fullmatch(SEPARATED, text.strip()):
        advice = (
            "write it without thousands separators and with a decimal point; if it is a name, "
            f"train with --categorical '{name}'."
        )
    raise InputError(
        f"column '{name}' of {table.where(row)} holds '{text[:40]}' in row {row}{others}; "
        f"expected a {kind}; {advice}"
    )


def check_no_nul(table: Table, columns: Sequence[int]) -> None:
    """Check that no text of the columns has a NUL byte, which ends a text in NumPy.

    Raises
    ------
    InputError
        With the first row that has one.
    """
    texts = [i for i in columns if table.types[i] == "VARCHAR"]
    damaged = totals(table, [f"bool_or(contains(c{i}, chr(0)))" for i in texts])
    for i, bad in zip(texts, damaged, strict=True):
        if bad:
            sql = (
                f"SELECT row FROM (SELECT row_number() OVER () AS row, contains(c{i}, chr(0)) "
                "AS bad FROM rows) WHERE bad ORDER BY row LIMIT 1"
            )
            raise _nul_error(table, i, int(first_row(table, sql)[0]))


def _nul_error(table: Table, column: int, row: int) -> InputError:
    return InputError(
        f"column '{table.names[column]}' of {table.where(row)} holds a NUL byte in row {row}; "
        "fix it, and save the file as UTF-8."
    )


def finite_doubles(
    table: Table, column: int, values: NDArray[Any], start: int
) -> NDArray[np.float64]:
    """Return a chunk of a number column as (n,) float64, with nan where missing.

    Raises
    ------
    InputError
        If a value is infinite; the message names its row, where the chunk begins after `start`
        rows.
    """
    x = values.astype(np.float64, copy=False)
    infinite = np.isinf(x)
    if infinite.any():
        row = start + int(infinite.argmax()) + 1
        raise InputError(
            f"column '{table.names[column]}' of {table.where(row)} holds an infinite value in row "
            f"{row}; fix it, leave it empty if it is missing, or drop the column."
        )
    return x
