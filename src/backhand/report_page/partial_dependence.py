"""Partial dependence: the mean probability of each class as one column takes each of its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.report_page.varied_column import Place, Sample
from backhand.tables.schema.columns import CYCLES, WAVES, Category, Column, Date, Number

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
        Numbers, days since 1970, or names of categories, months, weekdays or hours.
    P : ndarray of shape (len(values), K)
        Mean probabilities, over the rows of a sample with all else as it is.
    missing : ndarray of shape (K,), optional
        The same if the value were missing, where training had missing values.
    left_out : int
        Categories that are not among the values.
    part : str
        Of a date with cycles, what is varied alone: "trend" or one of `CYCLES`; otherwise "".
    """

    column: Column
    values: list[Any]
    P: NDArray[np.float64]
    missing: NDArray[np.float64] | None
    left_out: int = 0
    part: str = ""


PARTS = {
    "year": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "week": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "day": [f"{hour}:00" for hour in range(24)],
}
"""The parts of each cycle of a date."""

MONDAY = 4
"""Days since 1970 of a Monday, where a week begins."""


def dependences(sample: Sample, place: Place) -> list[Dependence]:
    """Return how the probabilities depend on one column; of a date, on its trend and each cycle."""
    column = place.column
    if not isinstance(column, Date) or not column.cycles or is_time(column):
        return [dependence(sample, place)]
    return [_trend(sample, place, column),
            *(_cycle(sample, place, column, cycle) for cycle in column.cycles)]  # fmt: skip


def is_time(column: Date) -> bool:
    """Whether a column has times of day without a date."""
    return (
        column.least is not None
        and column.most is not None
        and (column.least >= 0 and column.most < 1)
    )


def _trend(sample: Sample, place: Place, column: Date) -> Dependence:
    """Return how the probabilities depend on a date, while season, weekday and hour stay."""
    block = _present(column, sample.block(place.features))
    values = _grid(column, block)
    return _of_part(sample, place, column, "trend", values, values, slice(0, 1))


def _cycle(sample: Sample, place: Place, column: Date, cycle: str) -> Dependence:
    """Return how the probabilities depend on the month, weekday or hour of a date."""
    names, length = PARTS[cycle], CYCLES[cycle]
    noon = 0.5 if cycle == "week" and "day" in column.cycles else 0.0
    middle = 0.5 if cycle == "year" else 0.0
    first = MONDAY + noon if cycle == "week" else 0.0
    days = [first + (i + middle) * length / len(names) for i in range(len(names))]
    start = 1 + len(WAVES) * column.cycles.index(cycle)
    return _of_part(
        sample, place, column, cycle, names, days, slice(start, start + len(WAVES))
    )  # fmt: skip


def _of_part(
    sample: Sample, place: Place, column: Date, part: str, values: Sequence[Any],
    days: Sequence[float], varied: slice,
) -> Dependence:  # fmt: skip
    """Return the dependence on some features of a date, set to those of some days.

    The others stay as they are; where the date is missing, they are those of other rows.
    """
    present = _present(column, sample.block(place.features))
    given = np.resize(present, (sample.rows, column.width)) if len(present) else present
    if column.missing:
        kept = sample.block(place.features)
        given = np.where(kept[:, -1:] == 0, kept, given) if len(given) else kept
    rest, means = sample.without(place.features), []
    for encoded in _encoded(column, days):
        given[:, varied] = encoded[varied]
        means.append(sample.varied(place.features, rest, given).P.mean(axis=0))
    absent = None
    if column.missing:
        missing = _encoded(column, [float("nan")])
        absent = sample.varied(place.features, rest, missing).P.mean(axis=0)
    P = np.array(means).reshape(len(days), sample.computed.P.shape[1])
    return Dependence(column, list(values), P, absent, part=part)


def _encoded(column: Column, codes: Sequence[float]) -> NDArray[np.float64]:
    out = np.empty((len(codes), column.width), np.float32)
    column.encode(np.array(codes), out)
    return out.astype(np.float64)


def _present(column: Number | Date, block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows of a column's features in which it is not missing."""
    return block[block[:, -1] == 0] if column.missing else block


def dependence(sample: Sample, place: Place) -> Dependence:
    """Return how the probabilities depend on the values of one column."""
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
        P = sample.varied(place.features, rest, _encoded(column, [code])).P
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
    values = column.decode(_present(column, block))
    rounded: NDArray[np.float64] = np.round(values, 5 - int(np.floor(np.log10(column.std))))
    return rounded + 0.0  # never -0
