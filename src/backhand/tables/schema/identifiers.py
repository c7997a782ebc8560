"""Columns of whole numbers that name the rows: row counters and identifiers."""

from __future__ import annotations

import math
import re

from backhand.tables.distinct_sketch import about_distinct
from backhand.tables.reductions import count, distinct_in_first, totals
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.table import Table

NAMED = 0.5
"""Share of distinct values from which a column with the name of an identifier is one."""

EXPECTED, FEWER = 10, 10
"""Repeated values that must be expected by chance, and how many times fewer an identifier has.

Consecutive numbers reach it in 28 rows.
"""

NEARLY = 0.99
"""Share of distinct values that an identifier has in its rows: rows may be repeated."""

FIRST, PREFIX = 2**12, 2**18
"""Rows in which repeats are searched first; rows in which distinct values are counted exactly."""

TOGETHER = 2**8
"""Columns whose first rows are in memory together."""

INEXACT = 0.15
"""How far an estimated share of distinct values may be off."""

HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word begins in camelCase."""

WHOLE_NAMES = {
    "index", "idx", "key", "no", "nr", "obs", "observation", "row", "rows", "rowid", "rowname",
    "rownames", "rownum", "rownumber", "serial", "sn", "unnamed", "uid", "uuid", "guid",
}  # fmt: skip
LAST_WORDS = {"id", "ids", "uid", "uuid", "guid", "key", "no", "nr", "number", "idx", "pk"}

IDS = (["id"], ["ids"])
"""The last word of the name of a column that names something, in one row or in several."""

YEARS, YEAR = range(1700, 2200), {"year", "years", "yr", "jahr"}
"""Years that differ are not identifiers."""


def identifiers(table: Table, counts: dict[int, CellCounts]) -> dict[int, str]:
    """Return the number columns that name the rows, each with the reason.

    They hold whole numbers. Most differ, and the name of the column is that of an identifier; or
    nearly all differ, although more would repeat if they were measured.

    Parameters
    ----------
    table : Table
    counts : dict of int to CellCounts
        The number columns and the counts of their cells.
    """
    nameless = _lone_nameless(table)
    named: dict[int, bool] = {}
    for i, c in counts.items():
        words = _words(table.names[i])
        by_name = i == nameless or _name_rows(words)
        if _may_name_rows(table, c, words) and _differ(by_name, c.numbers, c.numbers, c):
            named[i] = by_name
    shares = _distinct_shares(table, named, counts)
    return {i: _reason(counts[i], share) for i, share in shares.items()}


def repeated_ids(table: Table, counts: dict[int, CellCounts]) -> dict[int, int]:
    """Return the number columns that name things in several rows each, with how many things.

    They hold whole numbers, and their name ends in "id". As quantities they mean nothing.
    """
    found = [
        i for i, c in counts.items()
        if _words(table.names[i])[-1:] in IDS and not c.fractions and c.most - c.least > 1
    ]  # fmt: skip
    things = about_distinct(table, [counts[i].value for i in found])
    return dict(zip(found, things, strict=True))


def _may_name_rows(table: Table, counts: CellCounts, words: list[str]) -> bool:
    """Return whether a column has whole numbers in most rows, and is not one of years."""
    years = words[-1:] and words[-1] in YEAR and {counts.least, counts.most} <= {*YEARS}
    whole = not counts.fractions and counts.numbers >= NEARLY * counts.present
    return whole and 2 * counts.numbers > table.rows and counts.numbers > 1 and not years


def _differ(by_name: bool, rows: int, distinct: float, counts: CellCounts) -> bool:
    """Return whether so many distinct values in so many rows are those of an identifier."""
    values = counts.most - counts.least + 1
    if by_name:
        return min(distinct, values) >= NAMED * rows
    # Equally probable values repeat least.
    expected = rows + values * math.expm1(-rows / values)
    repeats = rows - min(distinct, values)
    return expected > EXPECTED and repeats <= min(expected / FEWER, (1 - NEARLY) * rows)


def _reason(counts: CellCounts, distinct: float) -> str:
    span = f"whole numbers ({counts.least:,.0f} to {counts.most:,.0f})"
    if distinct < NEARLY:
        return f"looks like an identifier: {span}, most of which differ"
    if (counts.most - counts.least + 1) * NEARLY <= counts.numbers:
        return f"looks like a row number: consecutive {span}"
    return f"looks like an identifier: {span} that differ in nearly every row"


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W\d_]+", HUMP.sub(" ", name))]


def _name_rows(words: list[str]) -> bool:
    """Return whether the words of a column's name are those of an identifier."""
    last = len(words) > 1 and words[-1] in LAST_WORDS
    return bool(words) and (last or words[0] == "id" or "".join(words) in WHOLE_NAMES)


def _lone_nameless(table: Table) -> int | None:
    """Return the only column without a name: that of the row numbers of a data frame.

    A column without a name is called by its place when the file is read.
    """
    found = [i for i, name in enumerate(table.names)
             if name == f"column{i + 1}" or not any(map(str.isalnum, name))]  # fmt: skip
    return found[0] if len(found) == 1 and len(table.names) > 1 else None


def _distinct_shares(
    table: Table, named: dict[int, bool], counts: dict[int, CellCounts]
) -> dict[int, float]:
    """Return the share of distinct values of the columns that are identifiers.

    Most others have repeats in the first rows. Of a long table, distinct values are counted exactly
    in more of its first rows, and about in all.
    """
    # A hash of the cell takes the same memory for any type, and tells 2^53 and 2^53 + 1 apart.
    keys = {i: f"CASE WHEN isfinite({counts[i].value}) THEN hash(c{i}) END" for i in named}
    left: list[int] = []
    for start in range(0, len(keys), TOGETHER):
        some = list(keys)[start : start + TOGETHER]
        found = distinct_in_first(table, [keys[i] for i in some], FIRST)
        left += [
            i for i, (rows, distinct) in zip(some, found, strict=True)
            if distinct >= (NAMED if named[i] else NEARLY) * rows
        ]  # fmt: skip
    shares: dict[int, float] = {}
    for i in left:  # one at a time, to bound the memory
        ((rows, distinct),) = distinct_in_first(table, [keys[i]], PREFIX)
        if _differ(named[i], rows, distinct, counts[i]):
            shares[i] = distinct / rows
    if table.rows > PREFIX and shares:
        long = [keys[i] for i in shares]
        rows_of = totals(table, [count(key) for key in long])
        about = zip(shares.items(), about_distinct(table, long), rows_of, strict=True)
        shares = {i: share for (i, share), n, rows in about if n / rows > share - INEXACT}
    return shares
