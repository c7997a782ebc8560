"""Columns of a table in a report."""

from __future__ import annotations

from backhand.errors import comma_list
from backhand.tables.schema.columns import Category, Column, Date
from backhand.tables.schema.date_orders import FIRST
from backhand.tables.schema.schema import Schema

PLACES = {"year": "time of year", "week": "day of week", "day": "time of day"}
"""What the place of a date in a cycle is called."""


def columns_by_kind(schema: Schema) -> list[tuple[str, str]]:
    """Return the number of columns of each kind and their names, titled by the kind."""
    names: dict[str, list[str]] = {}
    for column in schema.columns:
        names.setdefault(column.kind, []).append(column.name + _details(column))
    titles = {"number": "numbers", "category": "categories", "date": "dates"}
    return [(titles[kind], f"{len(found):,}: {comma_list(found)}") for kind, found in names.items()]


def _details(column: Column) -> str:
    """Return, in parentheses, how many categories a column has, or how a date is read and used."""
    if isinstance(column, Category):
        return f" ({len(column.categories):,})"
    if not isinstance(column, Date):
        return ""
    order = [f"{FIRST[column.order]} first"] if column.order else []
    cycles = [PLACES[cycle] for cycle in column.cycles]
    found = "; ".join(filter(None, [*order, ", ".join(cycles)]))
    return f" ({found})" if found else ""
