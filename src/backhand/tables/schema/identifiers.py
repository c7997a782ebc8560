"""Columns of whole numbers that name the rows: row counters and identifiers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backhand.tables.queries import GROUP, first_row, totals
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.table import Table

NEARLY, NAMED = 0.99, 0.5
"""Shares of distinct values in the rows of an identifier, without and with the name of one.

Rows may be repeated.
"""

EXPECTED_REPEATS = 10
"""Pairs of equal values expected by chance, from which their absence is no accident.

Consecutive numbers reach it in 21 rows.
"""

FIRST, PREFIX = 2**13, 2**20
"""Rows in which repeats are searched first; rows in which distinct values are counted exactly."""

INEXACT = 0.15
"""How far an estimated share of distinct values may be off."""

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
WHOLE_NAMES = {
    "index", "idx", "key", "no", "nr", "obs", "observation", "row", "rows", "rowid", "rowname",
    "rownames", "rownum", "rownumber", "serial", "sn", "unnamed", "uid", "uuid", "guid",
}  # fmt: skip
LAST_WORDS = {"id", "ids", "uid", "uuid", "guid", "key", "no", "nr", "number", "idx", "pk"}
YEARS, YEAR = range(1700, 2200), {"year", "years", "yr", "jahr"}
"""Consecutive years are no counter."""


def identifiers(table: Table, counts: dict[int, CellCounts]) -> dict[int, str]:
    """Return the number columns that name the rows, each with the reason.

    They hold whole numbers. Most differ, and the name of the column is that of an identifier; or
    they differ in nearly every row, although measured ones would repeat.

    Parameters
    ----------
    table : Table
    counts : dict of int to CellCounts
        The number columns and the counts of their cells.
    """
    nameless = _lone_nameless(table)
    shares = {i: _least_share(table, i, c, nameless) for i, c in counts.items()}
    least = {i: share for i, share in shares.items() if share is not None}
    return {i: _reason(counts[i], distinct)
            for i, distinct in _distinct_shares(table, least, counts).items()}  # fmt: skip


def _least_share(
    table: Table, column: int, counts: CellCounts, nameless: int | None
) -> float | None:
    """Return the share of distinct values from which a column is an identifier; None if never."""
    n, values = counts.numbers, counts.most - counts.least + 1
    if counts.fractions or n < NEARLY * counts.present or 2 * n <= table.rows or n < 2:
        return None
    words = [word.lower() for word in WORDS.findall(table.names[column])]
    if words[-1:] and words[-1] in YEAR and counts.least in YEARS and counts.most in YEARS:
        return None
    share = NEARLY
    if column == nameless or _names_rows(words):
        share = NAMED
    elif n**2 / 2 / values <= EXPECTED_REPEATS:
        return None
    return share if values >= share * n else None


def _reason(counts: CellCounts, distinct: float) -> str:
    span = f"whole numbers ({counts.least:,.0f} to {counts.most:,.0f})"
    if distinct < NEARLY:
        return f"looks like an identifier: {span}, most of which differ"
    if (counts.most - counts.least + 1) * NEARLY <= counts.numbers:
        return f"looks like a row number: consecutive {span}"
    return f"looks like an identifier: {span} that differ in nearly every row"


def _names_rows(words: Sequence[str]) -> bool:
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
    table: Table, least: dict[int, float], counts: dict[int, CellCounts]
) -> dict[int, float]:
    """Return the share of distinct values of the columns where it is at least that given.

    Most others have repeats in the first rows. Of a long table, distinct values are counted exactly
    in its first rows, and about in all.
    """
    # A hash of the cell takes the same memory for any type, and tells 2^53 and 2^53 + 1 apart.
    keys = {i: f"CASE WHEN isfinite({counts[i].value}) THEN hash(c{i}) END" for i in least}
    left = list(least)
    for start in range(0, len(least), GROUP // 2):
        some = list(least)[start : start + GROUP // 2]
        found = _shares(table, {i: keys[i] for i in some}, FIRST)
        left = [i for i in left if i not in found or found[i] >= least[i]]
    shares: dict[int, float] = {}
    for i in left:  # one at a time, to bound the memory
        shares |= _shares(table, {i: keys[i]}, PREFIX)
    shares = {i: share for i, share in shares.items() if share >= least[i]}
    if table.rows > PREFIX and shares:
        tests = [f"approx_count_distinct({keys[i]}) / count({keys[i]})" for i in shares]
        about = dict(zip(shares, totals(table, tests), strict=True))
        shares = {i: share for i, share in shares.items() if about[i] > least[i] - INEXACT}
    return shares


def _shares(table: Table, keys: dict[int, str], rows: int) -> dict[int, float]:
    """Return the share of distinct values in the first rows."""
    cells = ", ".join(f"{key} AS k{i}" for i, key in keys.items())
    counts = ", ".join(f"count(DISTINCT k{i}) / greatest(1, count(k{i}))" for i in keys)
    row = first_row(table, f"SELECT {counts} FROM (SELECT {cells} FROM rows LIMIT {rows})")
    return dict(zip(keys, row, strict=True))
