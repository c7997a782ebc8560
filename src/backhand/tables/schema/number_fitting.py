"""Fits number and date columns to the training rows: their mean and standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.tables.expressions import days, number
from backhand.tables.queries import chunks
from backhand.tables.schema.columns import Column, Date, Number, day_shown, finite_doubles
from backhand.tables.schema.cycles import Places
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.table import Table


class _Moments(NamedTuple):
    """What is known of a column's numbers: `square` is the sum of squared deviations."""

    n: float
    missing: float
    mean: float
    square: float
    least: float
    most: float


class _MomentsOfColumns:
    """The moments of several columns, by their places, and where the days of dates lie."""

    def __init__(self, columns: int, dates: Iterable[int]) -> None:
        self.places = {j: Places() for j in dates}
        self._n, self._missing, self._mean, self._square = (np.zeros(columns) for _ in range(4))
        self._least, self._most = np.full(columns, np.inf), np.full(columns, -np.inf)

    def add(self, j: int, x: NDArray[np.float64]) -> None:
        """Take in numbers x (n,) of a column; nan is missing."""
        present = x[~np.isnan(x)]
        missing = float(len(x) - len(present))
        if j in self.places:
            self.places[j].add(present)
        if not len(present):
            self._missing[j] += missing
            return
        with np.errstate(over="ignore", invalid="ignore"):  # `_number` reports an overflow
            n = float(len(present))
            mean, square = present.mean(), present.var() * n
        self._merge(j, _Moments(n, missing, mean, square, present.min(), present.max()))

    def merge(self, other: _MomentsOfColumns) -> None:
        """Take in the numbers of other rows."""
        for j, places in self.places.items():
            places.merge(other.places[j])
        for j in range(len(self._n)):
            self._merge(j, other.of(j))

    def _merge(self, j: int, other: _Moments) -> None:
        self._missing[j] += other.missing
        if not other.n:
            return
        self._least[j] = min(self._least[j], other.least)
        self._most[j] = max(self._most[j], other.most)
        # Chan, Golub and LeVeque (1979), eq. 2.1: merge the moments of two sets of rows.
        with np.errstate(over="ignore", invalid="ignore"):
            delta, total = other.mean - self._mean[j], self._n[j] + other.n
            between = delta**2 * self._n[j] * other.n / total
            self._square[j] += other.square + between
            self._mean[j] += delta * other.n / total
        self._n[j] = total

    def of(self, j: int) -> _Moments:
        """Return the moments of a column."""
        return _Moments(
            self._n[j], self._missing[j], self._mean[j], self._square[j], self._least[j],
            self._most[j],
        )  # fmt: skip


def fit_numbers(
    table: Table,
    decimals: dict[int, str],
    orders: dict[int, str],
    training: NDArray[np.bool_],
    absent: Sequence[str],
    wanted: Sequence[int] = (),
) -> dict[int, Column | Note]:
    """Compute mean and standard deviation of number columns, in an order that never changes.

    The columns are those that have a decimal sign. Those that have an order of day and month, if an
    empty one, are dates. A constant is not used, unless the column is `wanted`.
    """
    columns = list(decimals)
    first, *others = table.each(
        _moments_of, decimals, orders, absent, of_part=table.by_part(training)
    )
    moments = deepcopy(first)  # what a worker sends is read-only
    for part in others:
        moments.merge(part)
    fitted: dict[int, Column | Note] = {}
    for j, i in enumerate(columns):
        found = moments.of(j)
        shown = day_shown if i in orders else "{:g}".format
        made: Column | Note = _number(table.names[i], found, shown, wanted=i in wanted)
        if isinstance(made, Number):
            made = replace(
                made, decimal=decimals[i], least=float(found.least), most=float(found.most)
            )  # fmt: skip
            made = _date(made, orders[i], moments.places[j]) if i in orders else made
        fitted[i] = made
    return fitted


def _moments_of(
    part: Table,
    decimals: dict[int, str],
    orders: dict[int, str],
    absent: Sequence[str],
    training: NDArray[np.bool_],
) -> _MomentsOfColumns:
    """Return the moments of the training rows of a part."""
    columns = list(decimals)
    moments = _MomentsOfColumns(len(columns), (j for j, i in enumerate(columns) if i in orders))
    values = [
        days(part, i, absent, orders[i]) if i in orders else number(part, i, absent, decimals[i])
        for i in columns
    ]
    for rows, arrays in chunks(part, values) if columns else ():
        keep = training[rows]
        for j, array in enumerate(arrays):
            moments.add(j, finite_doubles(array)[keep])
    return moments


def _date(number: Number, order: str, places: Places) -> Date:
    return Date(
        number.name, number.mean, number.std, number.missing, order, places.cycles(),
        number.least, number.most,
    )  # fmt: skip


def _number(
    name: str, found: _Moments, shown: Callable[[float], str], *, wanted: bool
) -> Number | Note:
    n, missing, mean = found.n, found.missing, found.mean
    if not n:
        return dropped(name, "is missing in every training row")
    std = float(np.sqrt(found.square / n))
    if not np.isfinite(std):
        raise InputError(
            f"the numbers of column '{name}' are too large to be standardised; scale them with "
            f"--query (query), or add --drop '{name}' (drop='{name}')."
        )
    constant = std <= 1e-12 * abs(mean)
    if constant and not missing and not wanted:
        if found.least < found.most or abs(mean) >= 2**53:
            return dropped(
                name, f"varies only beyond the precision of its numbers (all about {shown(mean)})",
                f"--categorical '{name}' keeps its values apart, if they are names such as account "
                "numbers",
            )  # fmt: skip
        return dropped(name, f"is constant ({shown(mean)})")
    return Number(name, float(mean), 1.0 if constant else std, float(missing / (n + missing)))
