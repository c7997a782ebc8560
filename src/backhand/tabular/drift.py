"""Dates along which the share of a class changes: later rows will differ from the held-out ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backhand.engines import Data
from backhand.tables.schema.columns import Date
from backhand.tables.schema.schema import Schema
from backhand.tabular.sampling import sampled

MOST_ROWS = 20_000
"""Rows on which dates are compared with the class."""

FEWEST_ROWS = 25
"""Rows of a quarter below which nothing is said."""

CHANGE = 0.15
"""Change of a class's share that is told of."""

ERRORS = 4.0
"""How many standard errors it must be."""


class Drift(NamedTuple):
    """A date column, and the share of a class in the first and last quarter of the rows by it."""

    column: str
    name: str
    first: float
    last: float


def drifts(schema: Schema, training: Data, classes: Sequence[str]) -> list[Drift]:
    """Return the date columns along which the share of a class changes, with the largest change."""
    if not any(isinstance(column, Date) for column in schema.columns):
        return []
    rows, found, start = sampled(training, MOST_ROWS), [], 0
    for column in schema.columns:
        place, start = start, start + column.width
        if not isinstance(column, Date):
            continue
        known = rows.X[:, start - 1] == 0 if column.missing else np.ones(rows.rows, bool)
        order = np.argsort(rows.X[known, place], kind="stable")
        n = len(order) // 4
        if n < FEWEST_ROWS:
            continue
        y = rows.y[known][order]
        first, last = (np.bincount(part, minlength=len(classes)) / n for part in (y[:n], y[-n:]))
        error = np.sqrt((first * (1 - first) + last * (1 - last)) / n)
        change = np.where(np.abs(last - first) > ERRORS * error, last - first, 0.0)
        k = int(np.abs(change).argmax())
        if abs(change[k]) >= CHANGE:
            found.append(Drift(column.name, classes[k], float(first[k]), float(last[k])))
    return found
