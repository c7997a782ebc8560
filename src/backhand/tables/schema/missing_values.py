"""Missing values of a table: how many rows of each column, and which texts mean so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backhand.tables.expressions import missing_words, text_counts, unless_one_of
from backhand.tables.reductions import count, totals
from backhand.tables.schema.columns import Category
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tables.table import Table
from backhand.tables.value_counts import count_values

NEARLY_ALL = 0.95
"""Share of missing values from which a column is reported."""


@dataclass(frozen=True)
class Missing:
    """The number of rows in which a column is missing, and of those in which a text means so."""

    rows: int
    texts: dict[str, int]


def count_missing(table: Table, schema: Schema, present: Mapping[str, int]) -> dict[str, Missing]:
    """Return the columns that are missing in some rows; a cell that is not read is missing.

    `present` are the numbers of cells that are read in columns of numbers and dates, if known.
    """
    numbers: dict[int, str] = {}
    for column in schema.columns:
        if isinstance(column, Category):
            continue
        i = table.index(column.name)
        numbers[i] = column.expression(table, i, schema.missing)
        if table.family(i) != "number" or table.types[i] in ("FLOAT", "DOUBLE"):
            numbers[i] = f"CASE WHEN isfinite({numbers[i]}) THEN 1 END"
    counts = {i: present[table.names[i]] for i in numbers if table.names[i] in present}
    left = [i for i in numbers if i not in counts]
    counts |= zip(left, totals(table, [count(numbers[i]) for i in left]), strict=True)
    absent = {i: table.rows - n for i, n in counts.items()}
    found: dict[str, Missing] = {}
    for name in (column.name for column in schema.columns):
        i = table.index(name)
        if not absent.get(i, 1):
            continue
        some = f"rows WHERE {numbers[i]} IS NULL" if i in numbers else "rows"
        texts = _missing_texts(table, i, schema.missing, some)
        rows = absent.get(i, sum(texts.values()))
        texts.pop("", None)
        if rows:
            found[name] = Missing(rows, texts)
    return found


def notes_of_missing(missing: dict[str, Missing], rows: int) -> list[Note]:
    """Return a note for each column that is missing in nearly all of so many rows."""
    return [
        Note(
            name, "missing", f"is missing in {found.rows:,} of {rows:,} rows",
            f"--drop '{name}' leaves it out",
        )
        for name, found in missing.items() if found.rows >= NEARLY_ALL * rows
    ]  # fmt: skip


def _missing_texts(table: Table, column: int, missing: Sequence[str], rows: str) -> dict[str, int]:
    """Return how many of some rows have each text that means missing; "" if they have no value."""
    present = unless_one_of(missing_words(table, column, missing), "s", "s")
    found = count_values(
        table,
        f"SELECT coalesce(s, '') AS v, sum(n) AS n FROM ({text_counts(table, column, rows)}) "
        f"WHERE {present} IS NULL GROUP BY 1",
    )
    return {value.value: value.rows for value in found.values}
