"""Numbers that look like a code for missing: -999, 9999 or -1, far from all others."""

from __future__ import annotations

import re

from backhand.tables.queries import first_row
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table

CODES = re.compile(r"-?(9+|8{2,}|7{2,})|-1|-?(32768|32767|2147483648|2147483647)")
"""Numbers that people and programs write for missing."""

FEWEST = 3
"""Fewest rows with such a number."""

NEGATIVE = 3
"""A lone negative -1 has more than so many times the rows of the next value."""


def sentinels(table: Table, counts: dict[int, CellCounts]) -> list[tuple[int, Note]]:
    """Return a note for each number column whose least or largest value looks like a code."""
    notes = []
    for i, c in counts.items():
        for value, others in ((c.least, "min"), (c.most, "max")):
            if c.least < c.most and CODES.fullmatch(f"{value:.0f}") and value == int(value):
                rows = _rows_of_code(table, c, value, others)
                if rows:
                    notes.append((i, _note(table.names[i], f"{value:.0f}", rows)))
    return notes


def _note(name: str, code: str, rows: int) -> Note:
    return Note(
        name, "missing",
        f"{code} in {rows:,} row{'s' if rows > 1 else ''} looks like a code for missing",
        f"--missing {code} counts it as missing",
    )  # fmt: skip


def _rows_of_code(table: Table, counts: CellCounts, value: float, extreme: str) -> int:
    """Return the number of rows with an extreme value that is far from the others; else 0."""
    cells = f"SELECT {counts.finite} AS x FROM rows"
    row = first_row(
        table,
        f"WITH cells AS ({cells}), others AS (SELECT min(x) AS a, max(x) AS b FROM cells "
        f"WHERE x <> {value!r}) SELECT count(CASE WHEN x = {value!r} THEN 1 END), any_value(a), "
        f"any_value(b), count(CASE WHEN x = {'a' if extreme == 'min' else 'b'} THEN 1 END) "
        "FROM cells, others",
    )
    n, least, most, nearest = int(row[0]), float(row[1]), float(row[2]), int(row[3])
    gap, spread = (
        (least - value, most - least) if extreme == "min" else (value - most, most - least)
    )
    if n < FEWEST or not spread:
        return 0
    if value == -1:
        alone = least >= 0 and most > FEWEST and n > NEGATIVE * nearest
        return n if alone or gap > spread else 0
    return n if gap > (spread / 2 if abs(value) > 9 else spread) else 0
