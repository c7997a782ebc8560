"""The values of a column with their numbers of rows: all, or the most frequent of very many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from backhand.tables.distinct_sketch import about_distinct
from backhand.tables.queries import reading
from backhand.tables.reductions import limits

if TYPE_CHECKING:
    from backhand.tables.table import Table

MOST_VALUES, MOST_CHARACTERS = 2**17, 2**26
"""Values, and characters of them, that the parts of a table send together."""

CANDIDATES = 4
"""How many times more values are counted a second time than are wanted."""

FETCHED = 2**12
"""Rows of a result that are fetched at a time."""

NO_LIMIT: Mapping[str, Any] = {}


class Value(NamedTuple):
    """A value, its number of rows, and what a query has of it besides.

    `first` and `last` are the first and the last text that spell it, in the order of characters.
    """

    value: str
    rows: int
    first: str = ""
    last: str = ""
    number: float | None = None


@dataclass(frozen=True)
class ValueCounts:
    """The values that were found, the most frequent first, and equally frequent ones in order.

    Attributes
    ----------
    values : list of Value
    distinct, rows : int
        How many values there are, and how many rows have one.
    exact : bool
        Whether `values` and `distinct` are exact, rather than estimates.
    """

    values: list[Value]
    distinct: int
    rows: int
    exact: bool = True


class _OfPart(NamedTuple):
    values: list[Value]
    distinct: int
    rows: int


def count_values(
    table: Table, sql: str, wanted: int | None = None, *, first: int | None = None
) -> ValueCounts:
    """Count the rows of each value.

    It is exact for a plain table, and if the parts of one have up to `MOST_VALUES` values together.
    Of more, each part sends its most frequent ones, and those that are the most frequent of these
    are counted again in all parts. Their numbers are exact then, but a value may be missed that is
    among those of no part. Which is so depends on the parts alone.

    Parameters
    ----------
    table : Table
    sql : str
        A SELECT of texts v that differ and are not NULL, their numbers of rows n, and perhaps the
        further fields of a `Value`.
    wanted : int, optional
        The number of values to return; by default all, or of several parts what they may send.
    first : int, optional
        As of `totals`.
    """
    parts, limit = len(table.by_part()), limits(table, first)
    if parts == 1:
        (found,) = table.each(_values, sql, wanted, math.inf, None, of_part=limit)
        return ValueCounts(*found)
    most = max(MOST_VALUES // parts, CANDIDATES * (wanted or 1))
    sent = table.each(_values, sql, most, MOST_CHARACTERS // parts, None, of_part=limit)
    values, rows = _merged(sent), sum(part.rows for part in sent)
    if all(len(part.values) == part.distinct for part in sent):
        return ValueCounts(values[:wanted], len(values), rows)
    (about,) = about_distinct(table, ["v"], f"({sql})", first=first)
    if wanted is not None:
        chosen = [value.value for value in values[: CANDIDATES * wanted]]
        counted = table.each(_values, sql, None, math.inf, chosen, of_part=limit)
        values = _merged(counted)[:wanted]
    return ValueCounts(values, max(about, len(values)), rows, exact=False)


def _values(
    part: Table,
    sql: str,
    most: int | None,
    characters: float,
    chosen: list[str] | None,
    limit: Mapping[str, Any] = NO_LIMIT,
) -> _OfPart:
    """Return the most frequent values of a part, and how many it has.

    They are `most` at most, and together not much longer than so many `characters`; if some are
    `chosen`, only these.
    """
    counted = f"SELECT count(*) OVER (), sum(n) OVER (), * FROM ({sql})"
    among = "" if chosen is None else "WHERE v IN (SELECT unnest($chosen))"
    bound = "" if most is None else f"LIMIT {most}"
    given = {**limit, **({} if chosen is None else {"chosen": chosen})}
    rows: list[tuple[Any, ...]] = []
    with reading(part):
        result = part.connection.execute(f"{counted} {among} ORDER BY n DESC, v {bound}", given)
        while characters > 0 and (some := result.fetchmany(FETCHED)):
            rows += some
            characters -= sum(len(value) for _, _, value, *_ in some)
    distinct, total = rows[0][:2] if rows else (0, 0)
    values = [Value(str(value), int(n), *more) for _, _, value, n, *more in rows]
    return _OfPart(values, int(distinct), int(total))


def _merged(parts: Sequence[_OfPart]) -> list[Value]:
    """Return the values of all parts, the most frequent first."""
    found: dict[str, Value] = {}
    for value in chain.from_iterable(part.values for part in parts):
        other = found.get(value.value, value._replace(rows=0))
        found[value.value] = Value(
            value.value, other.rows + value.rows, min(other.first, value.first),
            max(other.last, value.last), value.number,
        )  # fmt: skip
    return sorted(found.values(), key=lambda value: (-value.rows, value.value))
