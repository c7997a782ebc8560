"""Signs and units beside the numbers of a column: what they mean, and where they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backhand.errors import comma_list
from backhand.tables.cells.numbers import CURRENCY
from backhand.tables.cells.texts import sql_name, sql_text
from backhand.tables.distinct_sketch import about_distinct
from backhand.tables.expressions import text
from backhand.tables.queries import FIRST_ROWS
from backhand.tables.reductions import any_row, totals
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table
from backhand.tables.value_counts import count_values

SIGN = f"%|{CURRENCY}"
"""What is written beside a number that is read."""

UNIT = r"^[+-]?(?:[0-9]+(?:[.,][0-9]+)*|[.][0-9]+)\s*([\pL°µ][\pL°µ/²³.]*)$"
"""A number and a word, which is not read."""

ORDINALS = ("st", "nd", "rd", "th")
"""Endings of 1st, 2nd, 3rd and 4th, which are no units."""

IN_DOUBLE_QUOTES = re.compile(r'[\\"$`]')
"""Characters that a shell replaces within double quotes."""

FIRST = 2**12
"""Rows in which units are searched first."""

MOST, FEWEST_NUMBERS = 3, 5
"""Units that a column of numbers has at most; numbers that differ, at least."""


def sign_notes(
    table: Table, counts: dict[int, CellCounts], missing: Sequence[str]
) -> list[tuple[int, Note]]:
    """Return notes of number columns in which some numbers have a percent sign and others none.

    So are those with several currencies.
    """
    notes = []
    for i in counts:
        if table.types[i] != "VARCHAR" or i in table.plain:
            continue
        cell = text(table, i, missing)
        found = count_values(
            table,
            f"SELECT regexp_extract(t, {sql_text(SIGN)}) AS v, count(*) AS n FROM (SELECT {cell} "
            f"AS t, {counts[i].finite} AS x FROM rows) WHERE x IS NOT NULL AND t IS NOT NULL "
            "GROUP BY v",
        )
        if what := _mixed({sign.value: sign.rows for sign in found.values}):
            notes.append((i, Note(table.names[i], "numbers", *what)))
    return notes


def _mixed(signs: dict[str, int]) -> tuple[str, str] | None:
    """Return what is to be told of the signs of a column's numbers, with their counts."""
    percents, currencies = signs.get("%", 0), {s: n for s, n in signs.items() if s not in "%"}
    total = sum(signs.values())
    if percents and percents < total:
        have = "has" if percents == 1 else "have"
        counted = "counts" if percents == 1 else "count"
        return (
            f"{percents:,} of {total:,} numbers {have} a percent sign and {counted} as hundredths "
            f"(95% is 0.95); {total - percents:,} have none",
            "if all are percentages, write all alike in the file",
        )
    if len(currencies) > 1:
        each = comma_list(f"{sign} {n:,}" for sign, n in currencies.items())
        return (
            f"its numbers are in several currencies ({each}), and are read as if in one",
            "convert them, or split the table by currency",
        )
    return None


def unit_notes(
    table: Table, columns: Sequence[int], missing: Sequence[str]
) -> list[tuple[int, Note]]:
    """Return notes of columns of texts of which most are numbers with a unit, such as 12.3 kg."""
    notes = []
    for i in _likely(table, [i for i in columns if table.types[i] == "VARCHAR"]):
        if _units(table, i, missing, FIRST) and (units := _units(table, i, missing)):
            notes.append((i, _unit_note(table.names[i], units)))
    return notes


def _likely(table: Table, columns: Sequence[int]) -> list[int]:
    """Return those columns in whose first rows some texts begin as a number and end otherwise."""
    tests = [any_row(_begins_as_number(i)) for i in columns]
    found = totals(table, tests, FIRST_ROWS, first=FIRST)
    return [i for i, likely in zip(columns, found, strict=True) if likely]


def _begins_as_number(column: int) -> str:
    cell = f"c{column}"  # comparisons, since patterns take long to compile
    return f"{cell} > '+' AND {cell} < ':' AND {cell}[-1] > '9'"


def _units(
    table: Table, column: int, missing: Sequence[str], first: int | None = None
) -> dict[str, int]:
    """Return the units of the numbers in all or the first rows, the most frequent first.

    There are none unless most texts are numbers with one of a few units.
    """
    rows, cell = "rows" if first is None else FIRST_ROWS, text(table, column, missing)
    found = count_values(
        table,
        f"SELECT regexp_extract(t, {sql_text(UNIT)}, 1) AS v, count(*) AS n "
        f"FROM (SELECT {cell} AS t FROM {rows}) WHERE t IS NOT NULL GROUP BY v",
        MOST + 2,  # one more, and the texts without a unit
        first=first,
    )
    units = {unit.value: unit.rows for unit in found.values if unit.value}
    if not units or len(units) > MOST or any(u.lower() in ORDINALS for u in units):
        return {}
    if 2 * sum(units.values()) <= found.rows:
        return {}
    (distinct,) = about_distinct(table, [cell], rows, first=first)
    return units if distinct >= FEWEST_NUMBERS else {}


def _unit_note(name: str, units: dict[str, int]) -> Note:
    each = comma_list(f"'{unit}' {n:,}" for unit, n in units.items())
    many = len(units) > 1
    what = f"looks like numbers with {'units' if many else 'a unit'} ({each}): not read as numbers"
    if many:
        return Note(name, "categories", what, "convert them to one unit in the file")
    (unit,) = units
    without = f"replace({sql_name(name)}, {sql_text(unit)}, '') AS {sql_name(name)}"
    query = IN_DOUBLE_QUOTES.sub(r"\\\g<0>", f"SELECT * REPLACE ({without}) FROM data")
    return Note(name, "categories", what, f'--query "{query}" takes the unit away')
