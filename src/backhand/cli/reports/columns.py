"""Columns of a table in a report."""

from __future__ import annotations

from backhand.errors import comma_list
from backhand.tables.schema.columns import Category
from backhand.tables.schema.schema import Schema


def columns_by_kind(schema: Schema) -> list[tuple[str, str]]:
    """Return the number of columns of each kind and their names, titled by the kind."""
    names: dict[str, list[str]] = {}
    for column in schema.columns:
        values = f" ({len(column.categories):,})" if isinstance(column, Category) else ""
        names.setdefault(column.kind, []).append(column.name + values)
    titles = {"number": "numbers", "category": "categories", "date": "dates"}
    return [(titles[kind], f"{len(found):,}: {comma_list(found)}") for kind, found in names.items()]
