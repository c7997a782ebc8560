"""Columns that alone nearly decide the class: perhaps the answer in disguise."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Rows
from backhand.tables.schema.columns import Category, Column
from backhand.tables.schema.schema import Schema
from backhand.tabular.sampling import sampled

MOST_ROWS = 20_000
"""Rows on which columns are compared with the class, of training and held-out rows each."""

MOST_CELLS = 2_000_000
"""Cells on which they are; with more columns, there are fewer rows."""

BINS = 50
"""Bins of equal numbers of rows into which a number is divided."""

FEWEST_HELD_OUT = 20
"""Held-out rows below which nothing is said."""

NEARLY = 0.98
"""Accuracy of a column that nearly decides the class, on both kinds of rows."""

ERRORS_LEFT = 0.1
"""Share of the errors of the commonest class that such a column leaves at most."""


class Deciding(NamedTuple):
    """A column, its accuracy alone on held-out rows, and that of the commonest class."""

    column: str
    accuracy: float
    baseline: float
    rows: int


def deciding_columns(schema: Schema, training: Rows, held_out: Rows) -> list[Deciding]:
    """Return the columns that nearly decide the class, the most accurate first.

    The class of a value (a category, a range of numbers, missing) is the commonest among the
    training rows with it; it is compared with the class of the held-out rows.
    """
    if held_out.rows < FEWEST_HELD_OUT:
        return []
    most = max(FEWEST_HELD_OUT, min(MOST_ROWS, MOST_CELLS // len(schema.columns)))
    rows, others = sampled(training, most), sampled(held_out, most)
    commonest = np.bincount(rows.y).argmax()
    baselines = [float((part.y == commonest).mean()) for part in (rows, others)]
    found, start = [], 0
    for column in schema.columns:
        stop = start + column.width
        values, other_values = _values(column, rows.X[:, start:stop], others.X[:, start:stop])
        start = stop
        answers = _commonest_class(values, rows.y, 1 + int(max(values.max(), other_values.max())))
        accuracies = [
            float((answers[v] == part.y).mean())
            for v, part in ((values, rows), (other_values, others))
        ]
        if all(
            accuracy >= max(NEARLY, 1 - ERRORS_LEFT * (1 - baseline))
            for accuracy, baseline in zip(accuracies, baselines, strict=True)
        ):
            found.append(Deciding(column.name, accuracies[1], baselines[1], others.rows))
    return sorted(found, key=lambda deciding: -deciding.accuracy)


def _values(
    column: Column, X: NDArray[Any], others: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a whole number for the value of a column in each row of two matrices."""
    if isinstance(column, Category):
        first, second = (
            np.where(part.any(axis=1), 1 + part.argmax(axis=1), 0) for part in (X, others)
        )
        return first, second
    bounds = np.unique(np.quantile(X[:, 0], np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    values = [np.searchsorted(bounds, part[:, 0], side="left") for part in (X, others)]
    if column.missing:
        values = [np.where(part[:, -1] > 0, len(bounds) + 1, v)
                  for part, v in zip((X, others), values, strict=True)]  # fmt: skip
    return values[0], values[1]


def _commonest_class(values: NDArray[np.int64], y: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the commonest class of each value, and of all rows for a value without rows."""
    K = int(y.max()) + 1
    counts = np.bincount(values * K + y, minlength=n * K).reshape(n, K)
    answers: NDArray[np.int64] = counts.argmax(axis=1)
    answers[counts.sum(axis=1) == 0] = np.bincount(y).argmax()
    return answers
