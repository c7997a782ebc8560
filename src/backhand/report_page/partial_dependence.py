"""Partial dependence: the mean probability of each class as one column takes each of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.report_page.varied_column import Place, Sample
from backhand.tables.schema.columns import Category, Column, Date, Number

GRID = 20
"""Values at which a column of numbers or dates is examined."""

MOST_CATEGORIES = 12
"""Categories that are shown, the most frequent ones."""


@dataclass(frozen=True)
class Dependence:
    """Mean probabilities of the classes if every row had one value of a column.

    Attributes
    ----------
    column : Column
    values : list
        Numbers, days since 1970 or names of categories.
    P : ndarray of shape (len(values), K)
        Mean probabilities, over the rows of a sample with all else as it is.
    missing : ndarray of shape (K,), optional
        The same if the value were missing, where training had missing values.
    left_out : int
        Categories that are not among the values.
    """

    column: Column
    values: list[Any]
    P: NDArray[np.float64]
    missing: NDArray[np.float64] | None
    left_out: int = 0


def dependence(sample: Sample, place: Place) -> Dependence:
    """Return how the probabilities depend on one column."""
    column, block = place.column, sample.block(place.features)
    values: list[Any]
    left_out = 0
    if isinstance(column, Category):
        values, codes, left_out = _categories(column, block)
    else:
        values = _grid(column, block)
        codes = np.array(values)
    rest = sample.without(place.features)

    def mean_of(code: float) -> NDArray[np.float64]:
        encoded = np.empty((1, column.width), np.float32)
        column.encode(np.array([code]), encoded)
        P = sample.varied(place.features, rest, encoded.astype(np.float64)).P
        mean: NDArray[np.float64] = P.mean(axis=0)
        return mean

    P = np.array([mean_of(code) for code in codes]).reshape(len(codes), -1)
    absent = -2.0 if isinstance(column, Category) else float("nan")
    return Dependence(column, values, P, mean_of(absent) if column.missing else None, left_out)


def _categories(
    column: Category, block: NDArray[np.float64]
) -> tuple[list[str], NDArray[Any], int]:
    """Return names and positions of the most frequent categories, and the number of the others."""
    known = len(column.categories)
    by_share = np.argsort(-block[:, :known].sum(axis=0), kind="stable")[:MOST_CATEGORIES]
    names = [column.categories[i] for i in by_share]
    if column.other:
        return [*names, "another"], np.array([*by_share, -1]), known - len(by_share)
    return names, by_share, known - len(by_share)


def _grid(column: Number | Date, block: NDArray[np.float64]) -> list[float]:
    """Return quantiles of a column's values in the sample, in the table's own unit."""
    present = original(column, block)
    if not len(present):
        return []
    distinct = np.unique(present)
    if len(distinct) > GRID:
        distinct = np.unique(np.quantile(present, np.linspace(0.01, 0.99, GRID)))
    return [float(value) for value in distinct]


def original(column: Number | Date, block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of a column of numbers or dates, where they are not missing.

    The matrix clips what is far from the mean, and has seven digits of a standardised value: values
    are rounded to what it can tell apart.
    """
    present = block[block[:, -1] == 0] if column.missing else block
    values = present[:, 0] * column.std + column.mean
    rounded: NDArray[np.float64] = np.round(values, 5 - int(np.floor(np.log10(column.std))))
    return rounded + 0.0  # never -0
