"""Fits a category column to the training rows: which categories it has."""

from __future__ import annotations

from collections.abc import Sequence

from backhand.tables.queries import MARKED, all_rows
from backhand.tables.schema.columns import Category
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.schema.targets import value_counts, warn_of_spellings
from backhand.tables.table import Table

MAX_CATEGORIES = 1000
"""Maximum number of categories of a column: the most frequent ones are kept."""


def fit_category(
    table: Table, column: int, requested: bool, absent: Sequence[str]
) -> Category | Note:
    """Return a column's most frequent categories, unless it is constant or like an identifier."""
    name = table.names[column]
    # A column with millions of values is only counted.
    found = all_rows(
        table,
        "SELECT v, count(v) OVER (), sum(n) FILTER (v IS NOT NULL) OVER (), count(*) OVER (), a, b "
        f"FROM ({value_counts(table, column, absent, MARKED)}) "
        f"ORDER BY v IS NULL, n DESC, v LIMIT {MAX_CATEGORIES}",
    )
    distinct, present, groups = map(int, (x or 0 for x in found[0][1:4])) if found else (0, 0, 0)
    missing = distinct < groups
    if not distinct:
        return dropped(name, "is missing in every training row")
    if distinct == 1 and not missing:
        return dropped(name, f"is constant ('{found[0][0]}')")
    if not requested and distinct > max(2, present / 2):
        return dropped(
            name,
            f"has {distinct:,} distinct values in {present:,} rows, and looks like an identifier "
            "or free text",
        )
    warn_of_spellings(name, [(a, b) for value, *_, a, b in found if value is not None])
    categories = sorted(str(value) for value, *_ in found if value is not None)
    return Category(name, tuple(categories), missing)
