"""Tables as other libraries read them, their rows divided as Backhand divides them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backhand.table_settings import Settings
from backhand.tables.reading.reader import read_table
from backhand.tabular.training import prepare_table

MISSING = ("", "NA")


@dataclass(frozen=True)
class Columns:
    """X (N, columns) of objects, numbers (nan where missing) or texts; y (N,) of texts."""

    X: NDArray[np.object_]
    y: NDArray[np.str_]
    numbers: list[int]
    texts: list[int]


@dataclass(frozen=True)
class Problem:
    """A table, the seed that divided it, and which rows are for testing."""

    path: Path
    target: str
    seed: int
    columns: Columns
    is_test: NDArray[np.bool_]

    @property
    def training(self) -> tuple[NDArray[np.object_], NDArray[np.str_]]:
        """X and y of the training rows."""
        return self.columns.X[~self.is_test], self.columns.y[~self.is_test]

    @property
    def test(self) -> tuple[NDArray[np.object_], NDArray[np.str_]]:
        """X and y of the test rows."""
        return self.columns.X[self.is_test], self.columns.y[self.is_test]


def read_columns(path: Path, target: str) -> Columns:
    """Read a CSV file; a column is of numbers if each cell is one or is missing."""
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
    at = names.index(target)
    body = [row for row in rows if row[at] not in MISSING]
    y = np.array([row.pop(at) for row in body])
    X: NDArray[np.object_] = np.array(body, dtype=object)
    numbers = [i for i in range(X.shape[1]) if all(map(_is_number, X[:, i]))]
    for i in numbers:
        X[:, i] = [float("nan") if cell in MISSING else float(cell) for cell in X[:, i]]
    return Columns(X, y, numbers, [i for i in range(X.shape[1]) if i not in numbers])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in MISSING
    return True


def make_problem(path: Path, target: str, seed: int, columns: Columns) -> Problem:
    """Hold out the rows that `backhand train --seed` holds out."""
    is_test = prepare_table(read_table(path), target, Settings(seed=seed)).is_held_out
    return Problem(path, target, seed, columns, is_test)
