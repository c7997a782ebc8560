"""Divides rows into parts by the order of a column's values: the later part is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.stratified import NONE
from backhand.tables.expressions import double, text
from backhand.tables.order_statistics import value_at
from backhand.tables.queries import MARKED, chunks, joined, mark
from backhand.tables.reductions import Aggregate, count, count_where, least, totals
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.columns import Category
from backhand.tables.schema.fitting import fit_schema
from backhand.tables.schema.targets import Target
from backhand.tables.table import Table


@dataclass(frozen=True)
class TimeColumn:
    """A column of dates or numbers, and the SQL for its values: NULL or nan where missing."""

    table: Table
    name: str
    expression: str
    missing: tuple[str, ...]

    def cuts(self, chosen: NDArray[np.bool_], shares: Sequence[float]) -> list[float]:
        """Return the values at which the later parts begin, of `shares` of the chosen rows.

        Equal values stay together, so that a share is met as nearly as they allow.

        Raises
        ------
        InputError
            If there are too few different values for so many parts.
        """
        mark(self.table, chosen)
        rows, smallest = self._totals(count("v"), least("v"))
        ends = np.cumsum(shares)[:-1] / np.sum(shares)
        cuts = [self._cut(round(end * rows), rows) for end in ends.tolist()] if rows else []
        if not cuts or cuts[0] == smallest or sorted(set(cuts)) != cuts:
            raise InputError(
                f"column '{self.name}' cannot divide the rows into {len(shares)} parts in time: it "
                "has too few different values, or too many rows with one value; use fewer parts, "
                "or another column."
            )
        return cuts

    def _cut(self, place: int, rows: int) -> float:
        """Return a value with about `place` rows before it, and at least one row on each side."""
        place = min(max(place, 1), rows - 1)
        value = value_at(self.table, self._values, place)
        below, upto, after = self._totals(
            count_where(f"v < {double(value)}"), count_where(f"v <= {double(value)}"),
            least(f"CASE WHEN v > {double(value)} THEN v END"),
        )  # fmt: skip
        nearer = abs(upto - place) < abs(below - place)
        return float(after if after is not None and (nearer or not below) else value)

    def _totals(self, *aggregates: Aggregate) -> list[Any]:
        return totals(self.table, aggregates, f"({self._values})")

    @property
    def _values(self) -> str:
        """SQL for the numbers v of the marked rows."""
        values = f"SELECT CAST({self.expression} AS DOUBLE) AS v FROM {MARKED}"
        return f"SELECT v FROM ({values}) WHERE v IS NOT NULL AND isfinite(v)"

    def parts(self, cuts: Sequence[float]) -> NDArray[np.uint8]:
        """Return the part of each row, (N,): 0 before the first cut; `NONE` where it is missing."""
        return joined(self.table.each(_parts_of, self.expression, list(cuts)))

    def spelled(self, cut: float) -> str:
        """Return the text of a cell that has that value."""
        cell = text(self.table, self.table.index(self.name), self.missing)
        rows = f"rows WHERE CAST({self.expression} AS DOUBLE) = {double(cut)}"
        (spelled,) = totals(self.table, [least(cell)], rows)
        return str(spelled)


def _parts_of(part: Table, expression: str, cuts: list[float]) -> NDArray[np.uint8]:
    parts = np.empty(part.rows, np.uint8)
    for rows, (values,) in chunks(part, [expression]):
        x = values.astype(np.float64, copy=False)
        parts[rows] = np.where(~np.isfinite(x), NONE, np.searchsorted(cuts, x, side="right"))
    return parts


def time_column(table: Table, name: str, target: Target, choices: ColumnChoices) -> TimeColumn:
    """Return the column by which the rows are ordered, read as it would be as a feature.

    Raises
    ------
    InputError
        If there is no such column, or it holds neither dates nor numbers.
    """
    index = table.index(name, "time column")
    alone = ColumnChoices(
        drop=tuple(other for other in table.names if other not in (name, target.name)),
        keep=(name,), numeric=(name,) if name in choices.numeric else (), missing=choices.missing,
        decimal=choices.decimal, date_order=choices.date_order,
    )  # fmt: skip
    try:
        schema = fit_schema(table, target, target.y >= 0, alone).schema
    except InputError as error:
        raise InputError(f"the rows cannot be ordered by column '{name}': {error}") from error
    column = schema.columns[0]
    if isinstance(column, Category):
        raise InputError(
            f"the rows cannot be ordered by column '{name}', which holds texts such as "
            f"'{column.categories[0]}'; expected dates or numbers."
        )
    return TimeColumn(table, name, column.expression(table, index, schema.missing), schema.missing)
