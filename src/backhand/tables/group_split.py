"""Divides rows into parts so that no group has rows in two of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.option_names import named
from backhand.stratified import NONE, Seed
from backhand.tables.cells.texts import canonical
from backhand.tables.expressions import text
from backhand.tables.queries import MARKED, chunks, joined, mark
from backhand.tables.table import Table
from backhand.tables.value_counts import count_values

CODES = 2**22
"""Number of codes that a group may have: a hash of its text. Groups with one code stay together."""

MOST_PLACED, MOST_COUNTS = 10_000, 2**22
"""Maximum number of groups that are placed one by one, and of their counts by class."""


def group_codes(table: Table, column: str, missing: Sequence[str]) -> NDArray[np.int32]:
    """Return a code for the group of each row, (N,); -1 where it is missing."""
    return joined(table.each(_group_codes, column, missing))


def _group_codes(part: Table, column: str, missing: Sequence[str]) -> NDArray[np.int32]:
    codes = np.empty(part.rows, np.int32)
    name = _group_name(part, column, missing)
    hashed = f"coalesce(CAST(md5_number_lower({name}) % {CODES} AS INTEGER), -1)"
    for rows, (some,) in chunks(part, [hashed]):
        codes[rows] = some
    return codes


def count_groups(
    table: Table, column: str, missing: Sequence[str], chosen: NDArray[np.bool_]
) -> int:
    """Return the number of groups that the chosen rows have."""
    mark(table, chosen)
    name = _group_name(table, column, missing)
    sql = f"SELECT {name} AS v, count(*) AS n FROM {MARKED} AND {name} IS NOT NULL GROUP BY v"
    return count_values(table, sql, 1).distinct


def _group_name(table: Table, column: str, missing: Sequence[str]) -> str:
    """SQL for the name of a row's group, in one spelling; NULL where it is missing."""
    return canonical(text(table, table.index(column, "group column"), missing))


def parts_of_groups(
    codes: NDArray[np.int32], y: NDArray[np.integer], shares: Sequence[float], seed: Seed
) -> NDArray[np.uint8]:
    """Return the part of each row, (N,): whole groups, about `shares` of all rows and each class.

    Rows without a class or a group are in no part, `NONE`. The same arguments give the same parts.

    Raises
    ------
    InputError
        If there are fewer groups than parts.
    """
    there = (codes >= 0) & (y >= 0)
    sizes = np.bincount(codes[there], minlength=CODES)
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.flatnonzero(sizes))
    # The large ones first, at random among those of about one size.
    groups = groups[np.argsort(-np.floor(np.log2(sizes[groups])), kind="stable")]
    if len(groups) < len(shares):
        raise InputError(
            f"the column of {named('group')} has {len(groups):,} "
            f"group{'s' if len(groups) != 1 else ''} in rows with a class; expected {len(shares)} "
            "or more, one for each part of the rows. Name another column, or use fewer parts."
        )
    K = int(y.max()) + 1
    placed = groups[: min(MOST_PLACED, max(len(shares), MOST_COUNTS // K))]
    place = np.full(CODES, -1, np.int32)
    place[placed] = np.arange(len(placed), dtype=np.int32)
    of_row = np.where(there, place[codes], -1)
    known = of_row >= 0
    counts = np.bincount(of_row[known].astype(np.int64) * K + y[known], minlength=len(placed) * K)
    part = np.full(CODES, NONE, np.uint8)
    part[placed] = placed_greedily(counts.reshape(len(placed), K), shares)
    rest = groups[len(placed) :]
    if len(rest):  # so many small groups are balanced by chance
        filled = np.bincount(part[placed], sizes[placed], minlength=len(shares))
        room = np.maximum(np.asarray(shares) * sizes.sum() - filled, 0)
        part[rest] = rng.choice(len(shares), len(rest), p=room / room.sum())
    return np.where(there, part[codes], np.uint8(NONE))


def placed_greedily(counts: NDArray[np.int64], shares: Sequence[float]) -> NDArray[np.uint8]:
    """Return the part of each group, from its rows by class (G, K).

    One after the other, each is put where the rows of each class, and all rows, come closest to
    their shares: where Σ (rows / wanted - 1)² grows least. No part stays empty.
    """
    rows = np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1).astype(np.float64)
    wanted = np.maximum(np.outer(shares, rows.sum(axis=0)), 1e-300)  # a class may have no rows here
    filled = np.zeros_like(wanted)
    part = np.empty(len(rows), np.uint8)
    for g, added in enumerate(rows):
        before, after = filled / wanted - 1, (filled + added) / wanted - 1
        part[g] = np.where(added > 0, after**2 - before**2, 0).sum(axis=1).argmin()
        filled[part[g]] += added
    for empty in set(range(len(shares))) - set(part.tolist()):
        among = np.flatnonzero(np.bincount(part, minlength=len(shares))[part] > 1)
        part[among[rows[among, -1].argmin()]] = empty
    return part
