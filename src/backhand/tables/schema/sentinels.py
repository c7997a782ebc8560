"""Numbers that look like a code for missing: -999, 9999 or -1, far from all others."""

from __future__ import annotations

import re
from typing import NamedTuple

from backhand.tables.expressions import double
from backhand.tables.queries import GROUP
from backhand.tables.reductions import count_where, least, most, totals
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table

CODES = re.compile(r"-?(9+|8{2,}|7{2,})|-1|-?(32768|32767|2147483648|2147483647)")
"""Numbers that people and programs write for missing."""

FEWEST = 3
"""Fewest rows with such a number."""

MORE = 3
"""A lone -1 among numbers from 0 has more than so many times the rows of the least of them."""


class _Candidate(NamedTuple):
    """The least or the largest value of a column, which looks like a code."""

    column: int
    code: int


def sentinels(table: Table, counts: dict[int, CellCounts]) -> list[tuple[int, Note]]:
    """Return a note for each number column whose least or largest value looks like a code."""
    found = [
        _Candidate(i, int(value))
        for i, c in counts.items()
        for value in (c.least, c.most)
        if c.least < c.most and CODES.fullmatch(f"{value:.0f}") and value == int(value)
    ]
    notes = []
    for start in range(0, len(found), GROUP // 3):
        some = found[start : start + GROUP // 3]
        for (i, code), rows in zip(some, _rows(table, counts, some), strict=True):
            notes += [(i, _note(table.names[i], code, rows))] if rows else []
    return notes


def _note(name: str, code: int, rows: int) -> Note:
    return Note(
        name, "missing", f"{code} in {rows:,} rows looks like a code for missing",
        f"--missing {code} counts it as missing",
    )  # fmt: skip


def _rows(table: Table, counts: dict[int, CellCounts], some: list[_Candidate]) -> list[int]:
    """Return the rows of each code that is far from the other values of its column; else 0."""
    cells = ", ".join(f"{counts[i].finite} AS x{i}" for i in dict.fromkeys(i for i, _ in some))
    others = [f"CASE WHEN x{i} <> {code} THEN x{i} END" for i, code in some]
    tests = [
        figure for (i, code), other in zip(some, others, strict=True)
        for figure in (count_where(f"x{i} = {code}"), least(other), most(other))
    ]  # fmt: skip
    row = totals(table, tests, f"(SELECT {cells} FROM rows)")
    found = []
    for (i, code), n, a, b in zip(some, row[::3], row[1::3], row[2::3], strict=True):
        far = n >= FEWEST and _is_far(table, counts[i].finite, code, n, float(a), float(b))
        found.append(n if far else 0)
    return found


def _is_far(table: Table, x: str, code: int, rows: int, low: float, high: float) -> bool:
    """Return whether a code in so many rows is far from all others, `low` to `high`."""
    gap, spread = (low - code if code < low else code - high), high - low
    if code == -1 and low >= 0 and high > FEWEST:
        (nearest,) = totals(table, [count_where(f"{x} = {double(low)}")])
        return rows > MORE * int(nearest)
    # One digit is more often a number.
    return 0 < spread < gap * (2 if abs(code) > 9 else 1)
