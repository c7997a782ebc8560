"""Permutation importance: how much worse a model predicts when it cannot use a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backhand.equations import row_losses
from backhand.report_page.varied_column import Place, Sample, places
from backhand.tables.schema.schema import Schema

REPEATS = 10
"""Permutations of each column."""

WORK = 3_000_000
"""Rows times columns of the table that are computed in each repeat, about."""

FEWEST_ROWS, MOST_ROWS = 500, 5000
"""Bounds of the number of rows."""

Z = 1.959964
"""Standard errors in half of a 95 % interval."""


@dataclass(frozen=True)
class Importance:
    """By how much the mean loss grows when a column's values are exchanged between the rows.

    `increase` ± `margin` is a 95 % interval for the number of rows.
    """

    column: str
    increase: float
    margin: float


def rows_for(columns: int) -> int:
    """Return the number of rows on which that many columns can be examined within seconds."""
    return max(FEWEST_ROWS, min(MOST_ROWS, WORK // (REPEATS * max(1, columns))))


def importances(sample: Sample, schema: Schema, seed: int) -> list[Importance]:
    """Return the importance of each column of the table, the largest first."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(sample.rows) for _ in range(REPEATS)]
    found = [_importance(sample, place, orders) for place in places(schema)]
    return sorted(found, key=lambda one: -one.increase)


def _importance(sample: Sample, place: Place, orders: list[np.ndarray]) -> Importance:
    block, rest = sample.block(place.features), sample.without(place.features)
    before = row_losses(sample.computed.S, sample.y)[:, 0]
    more = np.zeros(sample.rows)
    for order in orders:
        permuted = sample.varied(place.features, rest, block[order])
        more += row_losses(permuted.S, sample.y)[:, 0] - before
    more /= len(orders)
    error = more.std(ddof=1) / np.sqrt(sample.rows) if sample.rows > 1 else float("nan")
    return Importance(place.column.name, float(more.mean()), float(Z * error))
