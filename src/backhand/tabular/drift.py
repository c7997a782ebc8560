"""Columns along which later rows may differ: dates with changing classes, and the rows' order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Rows
from backhand.tables.schema.columns import Category, Column, Date
from backhand.tables.schema.schema import Schema
from backhand.tabular.sampling import sampled

MOST_ROWS = 20_000
"""Rows on which columns are compared with the class and with the order of the rows."""

FEWEST_ROWS = 25
"""Rows of a quarter below which nothing is said."""

CHANGE = 0.15
"""Change of a class's share that is told of."""

ERRORS = 4.0
"""How many standard errors it must be."""

FEWEST_VALUES = 20
"""Distinct values of a column from which the order of the rows by it is told of."""


class Drift(NamedTuple):
    """A date column, and the share of a class in the first and last quarter of the rows by it."""

    column: str
    name: str
    first: float
    last: float


def drifts(schema: Schema, training: Rows, held_out: Rows, classes: Sequence[str]) -> list[Drift]:
    """Return the date columns along which the share of a class changes, with the largest change."""
    found = []
    for column, values, y in _columns(schema, training, held_out):
        n = len(y) // 4
        if not isinstance(column, Date) or n < FEWEST_ROWS:
            continue
        y = y[np.argsort(values, kind="stable")]
        first, last = (np.bincount(part, minlength=len(classes)) / n for part in (y[:n], y[-n:]))
        error = np.sqrt((first * (1 - first) + last * (1 - last)) / n)
        change = np.where(np.abs(last - first) > ERRORS * error, last - first, 0.0)
        k = int(np.abs(change).argmax())
        if abs(change[k]) >= CHANGE:
            found.append(Drift(column.name, classes[k], float(first[k]), float(last[k])))
    return found


def orders(schema: Schema, training: Rows, held_out: Rows) -> list[str]:
    """Return the columns by which the rows are sorted, in increasing order."""
    if training.rows + held_out.rows < 4 * FEWEST_ROWS:
        return []
    return [
        column.name
        for column, values, _ in _columns(schema, training, held_out)
        if (np.diff(values) >= 0).all() and len(np.unique(values)) >= FEWEST_VALUES
    ]


def _columns(
    schema: Schema, training: Rows, held_out: Rows
) -> Iterator[tuple[Column, NDArray[Any], NDArray[np.int64]]]:
    """Yield number and date columns with their present values in some training rows, and classes.

    A column of which all held-out values come after those of training is left out: then the latest
    rows are held out already.
    """
    rows, others = sampled(training, MOST_ROWS), sampled(held_out, MOST_ROWS)
    start = 0
    for column in schema.columns:
        place, start = start, start + column.width
        if isinstance(column, Category):
            continue
        known, also = (
            part.X[:, start - 1] == 0 if column.missing else np.ones(part.rows, bool)
            for part in (rows, others)
        )
        values, later = rows.X[known, place], others.X[also, place]
        if len(values) and not (len(later) and later.min() >= values.max()):
            yield column, values, rows.y[known]
