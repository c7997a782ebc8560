"""Where the columns of X come from: the columns of a table, and how a model encodes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from backhand.tables.schema.columns import CLIP, WAVES, Category, Column, Date, Number
from backhand.tables.schema.schema import Schema


@dataclass(frozen=True)
class Origin:
    """Where a column of X comes from.

    Attributes
    ----------
    column : str
        The column of the table.
    encoding : str
        How its numbers are computed from that column, in words.
    mean, std : float, optional
        Of (x - mean) / std, where it is that.
    """

    column: str
    encoding: str
    mean: float | None = None
    std: float | None = None

    def sentence(self, value: float) -> str:
        """Return how a number of the column of X was computed."""
        start = f"column '{self.column}' of the table, {self.encoding}"
        if self.mean is None or self.std is None:
            return start
        if abs(value) >= CLIP:
            return f"{start}: clipped to {value:g}"
        if value == 0:
            return f"{start}: the mean, {self.mean:.6g}, which also stands for a missing value"
        x = self.mean + value * self.std
        return f"{start}: ({x:.6g} - {self.mean:.6g}) / {self.std:.6g}"


def origins(schema: Schema) -> tuple[Origin, ...]:
    """Return where each of the d columns of X comes from."""
    return tuple(origin for column in schema.columns for origin in _of_column(column))


def _of_column(column: Column) -> Iterator[Origin]:
    name = column.name
    if isinstance(column, Category):
        for category in column.categories:
            yield Origin(name, f"1 where it is '{category}', else 0")
        if column.other:
            yield Origin(name, "1 where it is none of the categories, else 0")
    elif isinstance(column, Number) and column.bins:
        for low, high in pairwise(column.bins):
            yield Origin(name, f"its place from {low:g} (0) to {high:g} (1)")
    else:
        of_date = "days since 1970, " if isinstance(column, Date) else ""
        yield Origin(name, f"{of_date}standardised", column.mean, column.std)
    if isinstance(column, Date):
        for cycle in column.cycles:
            for sine in WAVES:
                yield Origin(name, f"the {sine} of its place in the {cycle}")
    if column.missing:
        yield Origin(name, "1 where it is missing, else 0")
