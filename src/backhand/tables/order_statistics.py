"""The number at a place of a column in its order, found by counting, without sorting the rows.

The numbers are counted in buckets of equal width from the least to the largest; then those of the
bucket that holds the place, from its least to its largest, until these are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhand.tables.expressions import double
from backhand.tables.queries import all_rows
from backhand.tables.reductions import least, most, totals

if TYPE_CHECKING:
    from backhand.tables.table import Table

BUCKETS = 2**12

LARGE = 1e300
"""Numbers beyond it are halved, so that their difference does not overflow."""

_Bucket = tuple[int, int, float, float]
"""Its number, its rows, and the least and the largest of its numbers."""


def value_at(table: Table, values: str, place: int) -> float:
    """Return the number that has `place` numbers before it in their order.

    Parameters
    ----------
    table : Table
    values : str
        A SELECT of finite DOUBLEs v, more than `place`.
    place : int
    """
    low, high = map(float, totals(table, [least("v"), most("v")], f"({values})"))
    while low < high:
        for _, rows, first, last in _buckets(table, values, low, high):
            if place < rows:
                low, high = first, last
                break
            place -= rows
    return low


def _buckets(table: Table, values: str, low: float, high: float) -> list[_Bucket]:
    """Return the buckets of the numbers from `low` to `high` that have any, in order."""
    scale = 0.5 if max(abs(low), abs(high)) > LARGE else 1.0
    start, width = low * scale, high * scale - low * scale
    sql = (
        f"SELECT floor((v * {scale} - {double(start)}) / {double(width)} * {BUCKETS}) AS bucket, "
        f"count(*), min(v), max(v) FROM ({values}) "
        f"WHERE v BETWEEN {double(low)} AND {double(high)} GROUP BY bucket"
    )
    found: dict[int, _Bucket] = {}
    for part in table.each(all_rows, sql):
        for bucket, rows, first, last in part:
            _, others, least_, most_ = found.get(bucket, (bucket, 0, first, last))
            found[bucket] = (bucket, others + rows, min(least_, first), max(most_, last))
    return [found[bucket] for bucket in sorted(found)]
