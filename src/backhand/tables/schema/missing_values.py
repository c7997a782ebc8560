"""Missing values of a table: how many rows of each column, and which texts mean so."""

from __future__ import annotations

from dataclasses import dataclass

from backhand.tables.expressions import cell, missing_words, text
from backhand.tables.queries import all_rows, totals
from backhand.tables.schema.columns import Category
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import Schema
from backhand.tables.table import Table

NEARLY_ALL = 0.95
"""Share of missing values from which a column is reported."""


@dataclass(frozen=True)
class Missing:
    """The number of rows in which a column is missing, and of those in which a text means so."""

    rows: int
    texts: dict[str, int]


def count_missing(table: Table, schema: Schema) -> dict[str, Missing]:
    """Return the columns that are missing in some rows."""
    columns = {column.name: table.index(column.name) for column in schema.columns}
    values = []
    for column, i in zip(schema.columns, columns.values(), strict=True):
        value = column.expression(table, i, schema.missing)
        if isinstance(column, Category):
            value = text(table, i, schema.missing)
        elif table.family(i) != "number" or table.types[i] in ("FLOAT", "DOUBLE"):
            value = f"CASE WHEN isfinite({value}) THEN 1 END"
        values.append(value)
    found: dict[str, Missing] = {}
    counted = totals(table, [f"count({value})" for value in values])
    for (name, i), n in zip(columns.items(), counted, strict=True):
        if n == table.rows:
            continue
        texts: dict[str, int] = {}
        if missing_words(table, i, schema.missing):
            written = cell(table, i)
            texts = dict(all_rows(
                table, f"SELECT {written} AS v, count(*) AS n FROM rows WHERE {written} <> '' "
                f"AND {text(table, i, schema.missing)} IS NULL GROUP BY v ORDER BY n DESC, v"
            ))  # fmt: skip
        found[name] = Missing(table.rows - n, texts)
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
