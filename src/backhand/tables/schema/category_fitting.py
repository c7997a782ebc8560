"""Fits a category column to the training rows: which categories it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backhand.tables.expressions import text
from backhand.tables.queries import MARKED, all_rows, first_row
from backhand.tables.schema.cell_counts import rare
from backhand.tables.schema.columns import Category
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.schema.targets import value_counts, warn_of_spellings
from backhand.tables.table import Table

MAX_CATEGORIES = 100
"""Maximum number of categories of a column: the most frequent ones are kept."""

WORDS = 3
"""Average number of words from which texts that differ are free text."""


@dataclass(frozen=True)
class _Found:
    """What the training rows hold: the most frequent values (value, rows), and counts of all."""

    values: list[tuple[str, int]]
    distinct: int
    present: int
    frequent: int
    missing: float


def fit_category(
    table: Table, column: int, requested: bool, absent: Sequence[str], rows: int
) -> tuple[Category | None, Note | None]:
    """Return a column's categories, and what is to be told of it.

    Rare values, and all but the most frequent ones, are pooled into one category. Unless the column
    was `requested`, it is not used if it is constant or like an identifier. `rows` is the number of
    training rows.
    """
    name, found = table.names[column], _found(table, column, absent, rows)
    if not found.distinct:
        return None, dropped(name, "is missing in every training row")
    if found.distinct == 1 and not found.missing and not requested:
        return None, dropped(name, f"is constant ('{found.values[0][0]}')")
    if not requested and found.distinct > max(2, found.present / 2):
        return None, _dropped(table, column, found, absent)
    kept = found.values[: _how_many(found)]
    left = found.present - sum(n for _, n in kept)
    other = left / rows
    fitted = Category(name, tuple(sorted(v for v, _ in kept)), found.missing, other)
    return fitted, _pooled(name, found, len(kept), left) if other else None


def _found(table: Table, column: int, absent: Sequence[str], training: int) -> _Found:
    # A column with millions of values is only counted.
    rows = all_rows(
        table,
        "SELECT v, n, count(v) OVER (), sum(n) FILTER (v IS NOT NULL) OVER (), "
        f"count(v) FILTER (n >= {rare(training)}) OVER (), a, b "
        f"FROM ({value_counts(table, column, absent, MARKED)}) "
        f"ORDER BY v IS NULL, n DESC, v LIMIT {MAX_CATEGORIES + 1}",
    )
    counts = [int(x or 0) for x in rows[0][2:5]] if rows else [0] * 3
    distinct, present, frequent = counts
    values = [(str(v), int(n), a, b) for v, n, *_, a, b in rows if v is not None]
    warn_of_spellings(table.names[column], [(a, b) for _, _, a, b in values])
    missing = 1 - present / training if present < training else 0.0
    return _Found([(v, n) for v, n, _, _ in values], distinct, present, frequent, missing)


def _how_many(found: _Found) -> int:
    """Return how many of the most frequent values are categories of their own."""
    # Only one rare value needs no pool; if all are rare, the first are kept.
    single = found.distinct - found.frequent < 2
    wanted = found.distinct if single or not found.frequent else found.frequent
    return min(wanted, MAX_CATEGORIES)


def _pooled(name: str, found: _Found, kept: int, left: int) -> Note:
    share = f"{100 * left / found.present:.1f} %"
    return Note(
        name, "categories",
        f"{kept:,} of its {found.distinct:,} values are categories; the rest, {share} of the "
        "training rows with a value, count as one, 'other'",
    )  # fmt: skip


def _dropped(table: Table, column: int, found: _Found, absent: Sequence[str]) -> Note:
    """Return the note of a column whose texts differ in most rows."""
    name = table.names[column]
    cell = text(table, column, absent)
    count = f"length({cell}) - length(replace({cell}, ' ', '')) + 1"
    # The parts of a telephone number are no words.
    words = f"avg(CASE WHEN regexp_matches({cell}, '\\pL') THEN {count} ELSE 1 END)"
    average = float(first_row(table, f"SELECT {words} FROM {MARKED}")[0])
    if average >= WORDS:
        return dropped(
            name, f"is free text (about {average:.0f} words each)",
            "use features made of it: numbers with --query, or embeddings in Python",
        )  # fmt: skip
    like = "an identifier or free text" if average >= 1.5 else "an identifier"
    return dropped(
        name,
        f"looks like {like}: {found.distinct:,} distinct values in {found.present:,} training rows",
        f"--keep '{name}' uses its {MAX_CATEGORIES} most frequent values",
    )
