"""Whether the numbers of a text column have a decimal point or a decimal comma, by all rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from backhand.tables.cells.numbers import number_in, plain_number
from backhand.tables.expressions import text
from backhand.tables.queries import GROUP, first_row, totals
from backhand.tables.table import Table


class _Counts(NamedTuple):
    """Texts with a point or comma that are not plain: numbers with one sign only, with both, all.

    With both, the number is not the same (1,234).
    """

    point: int
    comma: int
    either: int
    all: int


def decimals_of(
    table: Table,
    columns: Sequence[int],
    missing: Sequence[str] = (),
    stated: str | None = None,
    doubtful: Collection[int] | None = None,
) -> dict[int, str]:
    """Return the decimal sign of each column: "." or ",".

    A column has a comma if more of its texts are numbers only with a comma (1,5 and 1.234.567) than
    only with a point (1.5 and 1,234,567). Where no text decides (1,234), it has a comma if another
    column has and no column has a point.

    Parameters
    ----------
    table, columns
    missing : sequence of str
        The texts that mean missing.
    stated : {".", ","}, optional
        The sign that the user gave for all columns.
    doubtful : collection of int, optional
        The columns with texts that are not plain numbers, if it is known which they are.
    """
    found, texts = dict.fromkeys(columns, "."), [i for i in columns if table.types[i] == "VARCHAR"]
    if stated is not None:
        return found | dict.fromkeys(texts, stated)
    examined = [i for i in texts if doubtful is None or i in doubtful]
    signs = [f"bool_or(contains(c{i}, ',') OR c{i} LIKE '%.%.%')" for i in examined]
    examined = [i for i, some in zip(examined, totals(table, signs), strict=True) if some]
    counts = _dressed_counts(table, examined, missing)
    # In a column of addresses or sentences, the few texts that look like numbers decide nothing.
    commas = {i for i, n in counts.items() if 2 * (n.comma + n.either) > n.all and n.comma}
    if not commas:
        return found
    plain = [_plain(f"c{i}", f"{number_in(f'c{i}', ',')} IS NULL") for i in texts]
    points = dict(zip(texts, totals(table, plain), strict=True))
    for i, n in counts.items():
        points[i] += n.point
    commas = {i for i in commas if counts[i].comma > points[i]}
    found |= dict.fromkeys(commas, ",")
    if commas and not any(points[i] for i in texts if i not in commas):
        found |= dict.fromkeys(texts, ",")
    return found


def _plain(cell: str, condition: str) -> str:
    """SQL for the number of texts that are plain with a point, and of which a condition is true."""
    return (
        f"count(CASE WHEN contains({cell}, '.') THEN CASE WHEN {plain_number(cell)} IS NOT NULL "
        f"AND {condition} THEN 1 END END)"
    )


def _dressed_counts(
    table: Table, columns: Sequence[int], missing: Sequence[str]
) -> dict[int, _Counts]:
    """Count the texts of each column by the signs with which they are numbers."""
    counts = {}
    for start in range(0, len(columns), GROUP // 4):
        some = columns[start : start + GROUP // 4]
        dressed = ", ".join(
            f"CASE WHEN contains(c{i}, ',') OR contains(c{i}, '.') THEN "
            f"CASE WHEN {plain_number(f'c{i}')} IS NULL THEN {text(table, i, missing)} END END "
            f"AS t{i}" for i in some
        )  # fmt: skip
        numbers = ", ".join(
            f"t{i}, {number_in(f't{i}')} AS p{i}, {number_in(f't{i}', ',')} AS c{i}" for i in some
        )
        totals = ", ".join(
            f"count(CASE WHEN c{i} IS NULL THEN p{i} END), "
            f"count(CASE WHEN p{i} IS NULL THEN c{i} END), "
            f"count(CASE WHEN p{i} <> c{i} THEN 1 END), count(t{i})" for i in some
        )  # fmt: skip
        found = first_row(
            table, f"SELECT {totals} FROM (SELECT {numbers} FROM (SELECT {dressed} FROM rows))"
        )
        for j, i in enumerate(some):
            counts[i] = _Counts(*found[4 * j : 4 * j + 4])
    return counts
