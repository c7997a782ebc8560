"""What a person should know of each column that a model uses: kind, missing values, statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.report_page.partial_dependence import original
from backhand.report_page.varied_column import places
from backhand.report_page.wording import day, number, percent
from backhand.tables.schema.columns import Category
from backhand.tables.schema.schema import Schema

SHOWN_CATEGORIES = 6
"""Categories that are named, the most frequent ones."""

MOST = (0.05, 0.95)
"""Quantiles between which most values are."""


@dataclass(frozen=True)
class ColumnFacts:
    """A column: its name, kind, shares of rows without a value, and statistics.

    `missing` is the share in the rows of the page, `in_training` that in the training rows.
    """

    name: str
    kind: str
    missing: float
    in_training: float
    values: str


def column_facts(
    schema: Schema, X: NDArray[Any], missing: Mapping[str, float]
) -> list[ColumnFacts]:
    """Return the facts of all columns.

    Parameters
    ----------
    schema : Schema
    X : ndarray of shape (n, d)
        Encoded rows, drawn at random.
    missing : dict
        Share of rows in which a column is missing; columns that are never missing may be left out.
    """
    found = []
    for column, features in places(schema):
        block = X[:, features].astype(np.float64)
        absent = missing.get(column.name, 0.0)
        if isinstance(column, Category):
            values = _categories(column, block)
        else:
            values = _spread(original(column, block), date=column.kind == "date")
        found.append(ColumnFacts(column.name, column.kind, absent, column.missing, values))
    return found


def _categories(column: Category, block: NDArray[np.float64]) -> str:
    known = len(column.categories)
    shares = block[:, :known].mean(axis=0)
    order = np.argsort(-shares, kind="stable")[:SHOWN_CATEGORIES]
    parts = [", ".join(f"{column.categories[i]} {percent(shares[i])}" for i in order)]
    if known > len(order):
        parts[0] += f", and {known - len(order):,} more"
    if column.other:
        parts.append(f"all others {percent(block[:, known].mean())}")
    if unseen := float((block.sum(axis=1) == 0).mean()):
        parts.append(f"not seen in training {percent(unseen)}")
    return "; ".join(parts)


def _spread(values: NDArray[np.float64], *, date: bool) -> str:
    if not len(values):
        return "no value"
    middle = float(np.median(values))
    low, high = np.quantile(values, MOST, method="inverted_cdf")  # values that there are
    shown = day if date else number
    return f"median {shown(middle)}, most from {shown(low)} to {shown(high)}"
