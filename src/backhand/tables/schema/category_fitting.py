"""Fits a category column to the training rows: which categories it has."""

from __future__ import annotations

from collections.abc import Sequence

from backhand.tables.expressions import text
from backhand.tables.queries import MARKED
from backhand.tables.reductions import count, total, totals
from backhand.tables.schema.cell_counts import rare
from backhand.tables.schema.columns import Category
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.schema.targets import spelled_values, warn_of_spellings
from backhand.tables.table import Table
from backhand.tables.value_counts import ValueCounts, count_values

MAX_CATEGORIES = 100
"""Maximum number of categories of a column: the most frequent ones are kept."""

WORDS = 3
"""Average number of words from which texts that differ are free text."""


def fit_category(
    table: Table, column: int, requested: bool, absent: Sequence[str], rows: int
) -> tuple[Category | None, Note | None]:
    """Return a column's categories, and what is to be told of it.

    Rare values, and all but the most frequent ones, are pooled into one category. Unless the column
    was `requested`, it is not used if it is constant or like an identifier. `rows` is the number of
    training rows.
    """
    name = table.names[column]
    # A column with millions of values is only counted.
    values = spelled_values(table, column, absent, MARKED)
    found = count_values(table, values, MAX_CATEGORIES + 1)
    warn_of_spellings(name, found.values)
    missing = 1 - found.rows / rows if found.rows < rows else 0.0
    if not found.distinct:
        return None, dropped(name, "is missing in every training row")
    if found.distinct == 1 and not missing and not requested:
        return None, dropped(name, f"is constant ('{found.values[0].value}')")
    if not requested and found.distinct > max(2, found.rows / 2):
        return None, _dropped(table, column, found, absent)
    kept = found.values[: _how_many(found, rare(rows))]
    left = found.rows - sum(value.rows for value in kept)
    other = left / rows
    fitted = Category(name, tuple(sorted(value.value for value in kept)), missing, other)
    return fitted, _pooled(name, found, len(kept), left) if other else None


def _how_many(found: ValueCounts, rare: int) -> int:
    """Return how many of the most frequent values are categories of their own."""
    frequent = sum(value.rows >= rare for value in found.values)
    # Only one rare value needs no pool; if all are rare, the first are kept.
    single = found.distinct - frequent < 2
    wanted = found.distinct if single or not frequent else frequent
    return min(wanted, MAX_CATEGORIES)


def _pooled(name: str, found: ValueCounts, kept: int, left: int) -> Note:
    share = f"{100 * left / found.rows:.1f} %"
    return Note(
        name, "categories",
        f"{kept:,} of its {_number(found)} values are categories; the rest, {share} of the "
        "training rows with a value, count as one, 'other'",
    )  # fmt: skip


def _number(found: ValueCounts) -> str:
    return f"{found.distinct:,}" if found.exact else f"about {found.distinct:,}"


def _dropped(table: Table, column: int, found: ValueCounts, absent: Sequence[str]) -> Note:
    """Return the note of a column whose texts differ in most rows."""
    name = table.names[column]
    cell = text(table, column, absent)
    spaced = f"length({cell}) - length(replace({cell}, ' ', '')) + 1"
    # The parts of a telephone number are no words.
    words = f"CASE WHEN regexp_matches({cell}, '\\pL') THEN {spaced} ELSE 1 END"
    of_all, rows = totals(table, [total(words), count(words)], MARKED)
    average = int(of_all) / int(rows)
    if average >= WORDS:
        return dropped(
            name, f"is free text (about {average:.0f} words each)",
            "use features made of it: numbers with --query, or embeddings in Python",
        )  # fmt: skip
    like = "an identifier or free text" if average >= 1.5 else "an identifier"
    return dropped(
        name,
        f"looks like {like}: {_number(found)} distinct values in {found.rows:,} training rows",
        f"--keep '{name}' uses its {MAX_CATEGORIES} most frequent values",
    )
