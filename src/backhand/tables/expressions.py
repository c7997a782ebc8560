"""SQL for the cells of a table's column: as number, as day, as text, as position in a list.

Texts are parameters, except those that mean missing (`cells.sql_text`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from backhand.tables.cells.dates import DAY_US, WITH_YEAR, canonical_days, clock_in, moment_in
from backhand.tables.cells.numbers import may_be_number, number_in, plain_number
from backhand.tables.cells.texts import MISSING, spelled, spellings, sql_text, trimmed
from backhand.tables.column_families import NUMPY_TYPES, TIME_TYPES

if TYPE_CHECKING:
    from backhand.tables.table import Table

_numbers = count()
"""Numbers for the temporary tables and types of `position`, so that no two share a name."""


def number(
    table: Table,
    column: int,
    missing: Sequence[str] = (),
    decimal: str = ".",
    *,
    booleans: bool = True,
) -> str:
    """SQL for a column as numbers; NULL, nan or infinite where missing or not a number.

    Dates are in days since 1970. `missing` are the texts that mean missing, `decimal` is the
    decimal sign of texts; `booleans` says whether true and false are numbers, 1 and 0.
    """
    name, family, kind = f"c{column}", table.family(column), table.types[column]
    if family == "date":
        return days(table, column, missing)
    if kind == "BOOLEAN":
        name = f"CAST({name} AS DOUBLE)"
    elif family == "text" and decimal == "." and column in table.plain:
        name = plain_number(name)
        missing = missing if any(map(may_be_number, missing)) else ()
    elif family == "text":
        name = number_in(spelled(name, kind), decimal, points=table.points, booleans=booleans)
        # Most words are not numbers anyway, and need not be compared.
        missing = missing if any(map(may_be_number, missing)) else ()
    elif kind not in NUMPY_TYPES:
        name = plain_number(f"CAST({name} AS VARCHAR)")  # rounded once: DuckDB would round twice
    return _unless_equal(_unless_missing(table, column, name, missing), named_numbers(missing))


def named_numbers(missing: Sequence[str]) -> list[float]:
    """Return the numbers among the texts that mean missing: -999.00 is -999."""
    numbers = (float(word) for word in missing if re.fullmatch(r"[+-]?\d+(\.\d+)?", word))
    return sorted(set(numbers))


def _unless_equal(value: str, numbers: Sequence[float]) -> str:
    if not numbers:
        return value
    listed = ", ".join(map(double, numbers))
    return f"CASE WHEN list_position([{listed}], CAST({value} AS DOUBLE)) IS NULL THEN {value} END"


def double(number: float) -> str:
    """SQL for a number; without a cast, DuckDB would read its digits as a DECIMAL."""
    return f"'{number!r}'::DOUBLE"


def days(table: Table, column: int, missing: Sequence[str] = (), order: str = "") -> str:
    """SQL for a column of dates or times as days since 1970, otherwise as `number`.

    `order` is that of day and month in texts (`cells.dates`).
    """
    name, kind = f"c{column}", table.types[column]
    if table.family(column) == "text":
        cell = text(table, column, missing)
        read = f"coalesce({moment_in(cell, order)}, {clock_in(cell)})"
        if any(map(WITH_YEAR.match, missing)):
            return read
        return f"CASE {canonical_days(spelled(name, kind))} ELSE {read} END"
    if kind == "TIMESTAMPTZ_NS":  # for which DuckDB has no functions
        name = f"CAST({name} AS TIMESTAMP WITH TIME ZONE)"
    value = f"epoch({name}) / 86400.0" if kind == "DATE" else f"epoch_us({name}) / {DAY_US}"
    if kind not in TIME_TYPES:
        value = f"CASE WHEN isinf({name}) THEN 'inf'::DOUBLE ELSE {value} END"
    return _unless_missing(table, column, value, missing)


def text(table: Table, column: int, missing: Sequence[str] = ("",)) -> str:
    """SQL for a column as trimmed text; NULL where missing or one of those texts."""
    return _unless_missing(table, column, cell(table, column), missing)


def cell(table: Table, column: int) -> str:
    """SQL for a column as trimmed text, as it is spelled."""
    value = spelled(f"c{column}", table.types[column])
    return trimmed(value) if table.family(column) == "text" else value


def text_counts(table: Table, column: int, rows: str = "rows") -> str:
    """SQL for the distinct trimmed texts s of a column, and the number of rows n of each."""
    # Distinct texts are trimmed, which are often few.
    exact = spelled(f"c{column}", table.types[column])
    short = trimmed("s") if table.family(column) == "text" else "s"
    return (
        f"SELECT {short} AS s, CAST(sum(n) AS BIGINT) AS n FROM "
        f"(SELECT {exact} AS s, count(*) AS n FROM {rows} GROUP BY s) GROUP BY {short}"
    )


def missing_words(table: Table, column: int, missing: Sequence[str]) -> list[str]:
    """Return the texts that mean missing, in every spelling, that the column's type can hold."""
    return list(_words_of(tuple(missing), table.family(column) != "text"))


@cache
def _words_of(missing: tuple[str, ...], typed: bool) -> tuple[str, ...]:
    return tuple(spellings([word for word in missing if not (typed and word in MISSING)]))


def _unless_missing(table: Table, column: int, value: str, missing: Sequence[str]) -> str:
    """SQL for a value of the column, NULL where its text is one of those that mean missing."""
    return unless_one_of(missing_words(table, column, missing), cell(table, column), value)


def unless_one_of(words: Sequence[str], text: str, value: str) -> str:
    """SQL for a value, NULL where a text is one of the words."""
    if not words:
        return value
    # An ENUM, as for categories, takes a hundred times as long for what is not in it. IN and
    # list_contains become a join, after which rows come in another order.
    listed = ", ".join(map(sql_text, words))
    return f"CASE WHEN list_position([{listed}], {text}) IS NULL THEN {value} END"


def position(table: Table, column: int, known: Sequence[str], otherwise: str = "NULL") -> str:
    """SQL for the position of a column's text in `known`, in any spelling, from 0."""
    if not known:
        return f"CAST({otherwise} AS INTEGER)"
    places, exact = spellings(known), spelled(f"c{column}", table.types[column])
    enum, short = _enum_of(table, list(places)), cell(table, column)

    def found(text: str) -> str:
        code = f"enum_code(TRY_CAST({text} AS {enum}))"
        if len(places) == len(known):
            return code
        return f"[{', '.join(map(str, places.values()))}][1 + {code}]"

    if short != exact:
        otherwise = f"coalesce(CASE WHEN {short} <> {exact} THEN {found(short)} END, {otherwise})"
    # A known text without spaces around it costs no trimming. (DuckDB would compute parts of
    # `otherwise` for all rows if it stood in a coalesce.)
    return f"CASE WHEN {found(exact)} IS NOT NULL THEN {found(exact)} ELSE {otherwise} END"


def _enum_of(table: Table, texts: Sequence[str]) -> str:
    """Create an ENUM of texts, which finds the position of one, and return its name."""
    name = f"known{next(_numbers)}"
    table.connection.execute(
        f"CREATE TEMP TABLE {name}_values AS "
        "SELECT unnest($known) AS v, generate_subscripts($known, 1) AS i",
        {"known": list(texts)},
    )
    table.connection.execute(f"CREATE TYPE {name} AS ENUM (SELECT v FROM {name}_values ORDER BY i)")
    return name
