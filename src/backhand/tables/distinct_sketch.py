"""About how many different values a column has, however many these are.

Hashes of the values are spread evenly over registers. Each keeps its smallest hash, which is the
smaller the more values there are. That of all rows is the smallest of those of the parts, so that
the estimate is the same however the rows are divided (MinCount: Giroire, 2009; Lumbroso, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.tables.queries import columns
from backhand.tables.reductions import limits

if TYPE_CHECKING:
    from backhand.tables.table import Table

REGISTERS = 2**12
"""The standard error is one by their square root: 1.6 %, and less for few values."""

SHIFT = 52
"""The 12 bits of a hash that are above are the number of its register."""

MOSTLY_FULL = 7 / 8
"""Share of registers with a value from which their smallest hashes tell more than this share."""


def about_distinct(
    table: Table, values: Sequence[str], rows: str = "rows", *, first: int | None = None
) -> list[int]:
    """Return about how many different values SQL expressions have; NULL is none.

    Parameters
    ----------
    table : Table
    values : sequence of str
    rows, first
        As of `totals`.
    """
    queries = [
        "SELECT min(h) FROM (SELECT CASE WHEN v IS NOT NULL THEN hash(v) END AS h "
        f"FROM (SELECT {value} AS v FROM {rows})) GROUP BY h >> {SHIFT}"
        for value in values
    ]
    found = table.each(_smallest, queries, of_part=limits(table, first)) if queries else []
    return [_estimate(np.concatenate(parts)) for parts in zip(*found, strict=True)]


def _smallest(
    part: Table, queries: Sequence[str], limit: dict[str, int] | None = None
) -> list[NDArray[np.uint64]]:
    """Return the smallest hash of each register, of those that have one."""
    return [hashes for sql in queries for hashes in columns(part, sql, limit)]


def _estimate(hashes: NDArray[Any]) -> int:
    """Return the number of values, from the registers' smallest hashes in each part."""
    hashes = np.sort(hashes.astype(np.uint64, copy=False))
    _, smallest = np.unique(hashes >> np.uint64(SHIFT), return_index=True)
    full = len(smallest)
    if full < MOSTLY_FULL * REGISTERS:
        return round(-REGISTERS * math.log1p(-full / REGISTERS))
    place = (hashes[smallest] & np.uint64(2**SHIFT - 1)) / 2**SHIFT  # in its register, 0 to 1
    mean = (float(place.sum()) + REGISTERS - full) / REGISTERS
    values = 1 / mean  # of a register: the mean place is (1 - exp(-values)) / values
    for _ in range(50):
        values = (1 - math.exp(-values)) / mean
    return round(REGISTERS * values)
