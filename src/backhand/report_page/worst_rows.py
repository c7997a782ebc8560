"""The rows that a model was most sure about, and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.evaluation import Scores
from backhand.tables.expressions import text
from backhand.tables.queries import mark
from backhand.tables.reductions import marked_rows
from backhand.tables.table import Table

MOST = 10
"""Number of rows that are shown."""

MOST_CELLS = 40
"""Number of cells of a row that are read."""


@dataclass(frozen=True)
class WorstRow:
    """A row that was predicted wrongly: its number in the table, from 1, and its cells.

    `of_predicted` and `of_true` are the probabilities of the predicted and of the true class.
    """

    row: int
    true: str
    predicted: str
    of_predicted: float
    of_true: float
    cells: dict[str, str | None]


def worst_rows(
    scores: Scores, classes: Sequence[str], table: Table, columns: Sequence[str]
) -> list[WorstRow]:
    """Return the wrongly predicted rows of the highest loss, the highest first.

    Parameters
    ----------
    scores : Scores
        Of the evaluated rows, or of a sample of them.
    classes : sequence of str
    table : Table
        The table of these rows.
    columns : sequence of str
        The columns whose cells are wanted, the most interesting first.
    """
    P, y, rows, _ = scores
    of_true = P[np.arange(len(y)), y]
    predicted = P.argmax(axis=1)
    wrong = np.flatnonzero(predicted != y)
    worst = wrong[np.argsort(of_true[wrong], kind="stable")[:MOST]]
    cells = _cells(table, rows[worst], columns)
    return [
        WorstRow(
            int(rows[i]) + 1, classes[y[i]], classes[predicted[i]],
            float(P[i, predicted[i]]), float(of_true[i]), cells.get(int(rows[i]), {}),
        )
        for i in worst
    ]  # fmt: skip


def _cells(
    table: Table, rows: NDArray[np.integer[Any]], columns: Sequence[str]
) -> dict[int, dict[str, str | None]]:
    """Return the cells of some rows as texts, by the row's position."""
    names = [name for name in columns if name in table.places][:MOST_CELLS]
    if not len(rows) or not names:
        return {}
    chosen = np.zeros(table.rows, bool)
    chosen[rows] = True
    mark(table, chosen)
    found = marked_rows(table, [text(table, table.index(name), ()) for name in names])
    return {
        int(row): dict(zip(names, cells, strict=True))
        for row, cells in zip(np.sort(rows), found, strict=True)
    }
