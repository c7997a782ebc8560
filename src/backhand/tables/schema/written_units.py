"""Signs and units beside the numbers of a column: what they mean, and where they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from backhand.errors import comma_list
from backhand.tables.cells.numbers import CURRENCY
from backhand.tables.cells.texts import sql_name, sql_text
from backhand.tables.expressions import text
from backhand.tables.queries import GROUP, all_rows, first_row
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table

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
        found = all_rows(
            table,
            f"SELECT regexp_extract(t, {sql_text(SIGN)}), count(*) FROM (SELECT {cell} AS t, "
            f"{counts[i].finite} AS x FROM rows) WHERE x IS NOT NULL AND t IS NOT NULL "
            "GROUP BY ALL ORDER BY 2 DESC, 1",
        )
        if what := _mixed({str(sign): int(n) for sign, n in found}):
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
        first = _units(table, i, missing, f"(SELECT * FROM rows LIMIT {FIRST})")
        if first and (units := _units(table, i, missing, "rows")):
            notes.append((i, _unit_note(table.names[i], units)))
    return notes


def _likely(table: Table, columns: Sequence[int]) -> list[int]:
    """Return those columns in whose first rows some texts begin as a number and end otherwise."""
    found = []
    for start in range(0, len(columns), GROUP):
        some = columns[start : start + GROUP]
        tests = ", ".join(f"count(CASE WHEN {_begins_as_number(i)} THEN 1 END) > 0" for i in some)
        row = first_row(table, f"SELECT {tests} FROM (SELECT * FROM rows LIMIT {FIRST})")
        found += [i for i, likely in zip(some, row, strict=True) if likely]
    return found


def _begins_as_number(column: int) -> str:
    cell = f"c{column}"  # comparisons, since patterns take long to compile
    return f"{cell} > '+' AND {cell} < ':' AND {cell}[-1] > '9'"


def _units(table: Table, column: int, missing: Sequence[str], rows: str) -> dict[str, int]:
    """Return the units of the numbers in some rows, the most frequent first.

    There are none unless most texts are numbers with one of a few units.
    """
    unit = sql_text(UNIT)
    found: list[tuple[Any, ...]] = all_rows(
        table,
        f"SELECT u, count(*) AS n, sum(n) OVER (), sum(approx_count_distinct(t)) OVER () FROM "
        f"(SELECT t, regexp_extract(t, {unit}, 1) AS u "
        f"FROM (SELECT {text(table, column, missing)} AS t FROM {rows}) WHERE t IS NOT NULL) "
        "GROUP BY u ORDER BY u = '', n DESC, u LIMIT 100",
    )
    units = {str(u): int(n) for u, n, _, _ in found if u}
    if not units or len(units) > MOST or any(u.lower() in ORDINALS for u in units):
        return {}
    present, distinct = found[0][2:]
    return units if 2 * sum(units.values()) > present and distinct >= FEWEST_NUMBERS else {}


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
