"""Whether numbers are also encoded by bins, and the schema that does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backhand.engines import Rows
from backhand.table_settings import LARGE, Settings
from backhand.tables.schema.bins import fit_bins
from backhand.tables.schema.columns import Column, Number
from backhand.tables.schema.schema import Schema
from backhand.tabular.sampling import sampled

MOST_ROWS, MOST_COUNTS = 100_000, 2**21
"""Rows that bins are fitted to at most, and these rows times classes."""

WORTHWHILE = 3
"""Bins of some column from which the search tries bins: two say little more than the number."""

DIGITS = 6
"""Digits of a standard deviation that edges have: the matrix has hardly more."""


def with_bins(schema: Schema, training: Rows, K: int) -> Schema:
    """Return a schema whose numbers have bins, fitted to a draw of its encoded training rows."""
    rows = sampled(training, min(MOST_ROWS, max(1, MOST_COUNTS // K)))
    columns: list[Column] = []
    start = 0
    for column in schema.columns:
        part = rows.X[:, start : start + column.width]
        start += column.width
        columns.append(_binned(column, part, rows.y) if isinstance(column, Number) else column)
    return replace(schema, columns=tuple(columns))


def _binned(column: Number, X: np.ndarray, y: np.ndarray) -> Number:
    """Return the column with bins from its least to its largest number."""
    present = X[:, -1] == 0 if column.missing else np.ones(len(X), bool)
    edges = fit_bins(column.decode(X[present]), y[present])
    low, high = column.least, column.most
    if low is None or high is None or not low < high:
        return column
    digits = DIGITS - int(np.floor(np.log10(column.std)))
    inner = {round(edge, digits) for edge in edges[1:-1]}
    return replace(column, bins=(low, *sorted(edge for edge in inner if low < edge < high), high))


def is_worthwhile(schema: Schema) -> bool:
    """Return whether the numbers of a schema with bins are worth a search of their own."""
    bins = [column.bins for column in schema.columns if isinstance(column, Number)]
    return any(len(edges) > WORTHWHILE for edges in bins)


def is_small(schema: Schema, rows: int, K: int) -> bool:
    """Return whether a search with this schema takes no longer than one that tries penalties."""
    return rows * (schema.width + K) <= LARGE


def may_compare(settings: Settings, folds: int) -> bool:
    """Return whether a search of so many folds may compare encodings."""
    return settings.number_encoding == "auto" and not settings.quick and folds > 1
