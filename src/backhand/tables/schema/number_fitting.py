"""Fits number and date columns to the training rows: their mean and standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    n, missing, mean, square = (np.zeros(len(columns)) for _ in range(4))
    least, most = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    places = {i: Places() for i in orders}
    values = [
        days(table, i, absent, orders[i]) if i in orders else number(table, i, absent, decimals[i])
        for i in columns
    ]
    for rows, arrays in chunks(table, values) if columns else ():
        keep = training[rows]
        for j, array in enumerate(arrays):
            x = finite_doubles(array)[keep]
            present = x[~np.isnan(x)]
            missing[j] += len(x) - len(present)
            if columns[j] in places:
                places[columns[j]].add(present)
            if len(present):
                least[j] = min(least[j], present.min())
                most[j] = max(most[j], present.max())
                # Chan, Golub and LeVeque (1979), eq. 2.1: merge the moments of two sets of rows.
                # `_number` reports an overflow.
                with np.errstate(over="ignore", invalid="ignore"):
                    delta, total = present.mean() - mean[j], n[j] + len(present)
                    between = delta**2 * n[j] * len(present) / total
                    square[j] += present.var() * len(present) + between
                    mean[j] += delta * len(present) / total
                n[j] = total
    fitted: dict[int, Column | Note] = {}
    for j, i in enumerate(columns):
        moments = _Moments(n[j], missing[j], mean[j], square[j], least[j], most[j])
        shown = day_shown if i in orders else "{:g}".format
        made: Column | Note = _number(table.names[i], moments, shown, wanted=i in wanted)
        if isinstance(made, Number):
            made = replace(
                made, decimal=decimals[i], least=float(least[j]), most=float(most[j])
            )  # fmt: skip
            made = _date(made, orders[i], places[i]) if i in orders else made
        fitted[i] = made
    return fitted


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
