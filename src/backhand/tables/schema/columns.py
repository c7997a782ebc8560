"""The columns of a schema: how the cells of one become columns of a float32 matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, listed
from backhand.tables import expressions
from backhand.tables.table import Table

CLIP = 10.0
"""Standard deviations from the mean at which a number is clipped."""

MOST_BINS = 8
"""Maximum number of bins of a number."""

SMALLEST_STD, LARGEST_STD = 1e-300, 1e155
"""Above it, the sum of squares that it is computed from, and mean + std, may overflow."""


def finite_doubles(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers as float64, with nan for those that are not finite: they mean missing."""
    x = values.astype(np.float64, copy=False)
    finite = np.isfinite(x)
    return x if finite.all() else np.where(finite, x, np.nan)


class Pieces(NamedTuple):
    """The features of a number x (n,): clip((x - start) / length, low, high), (T,) each."""

    start: NDArray[np.float64]
    length: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def of(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the features (n, T)."""
        with np.errstate(over="ignore"):  # an infinite quotient is clipped like the rest
            return np.clip((x[:, None] - self.start) / self.length, self.low, self.high)


@dataclass(frozen=True)
class Number:
    """(x - mean) / std, or the place of x in each of some bins.

    A text that is not a number, and a number that is not finite, counts as missing: it becomes the
    mean, and 1 in a last column if training had missing values.

    A value more than `CLIP` standard deviations from the mean is clipped: in a column that hardly
    varied in training, one outlier would otherwise dominate all other columns. `missing` is the
    share of training rows without a value, `decimal` the decimal sign of texts, `least` and `most`
    are the smallest and the largest number of training.

    With `bins`, the edges of T bins, there is a column for each bin (piecewise-linear encoding,
    arXiv 2203.05556): 0 below it, 1 above it, and linear between. The first and the last bin are
    linear beyond the outer edges too, for the length of the bin.
    """

    name: str
    mean: float
    std: float
    missing: float
    decimal: str = "."
    least: float | None = None
    most: float | None = None
    bins: tuple[float, ...] = ()
    kind: ClassVar[str] = "number"

    @property
    def features(self) -> list[str]:
        """Names of the matrix columns."""
        edges = [f"{edge:g}" for edge in self.bins]
        names = [f"{self.name} in {low} to {high}" for low, high in pairwise(edges)]
        return [*(names or [self.name]), *([f"{self.name} is missing"] if self.missing else [])]

    @property
    def width(self) -> int:
        """Number of matrix columns."""
        return max(1, len(self.bins) - 1) + bool(self.missing)

    @property
    def pieces(self) -> Pieces:
        """What the features are computed by."""
        if not self.bins:
            return Pieces(*np.array([[self.mean], [self.std], [-CLIP], [CLIP]], np.float64))
        edges = np.array(self.bins)
        low, high = np.zeros(len(edges) - 1), np.ones(len(edges) - 1)
        low[0], high[-1] = -1.0, 2.0
        return Pieces(edges[:-1], np.diff(edges), low, high)

    def expression(self, table: Table, column: int, missing: Sequence[str]) -> str:
        """SQL for the values of `encode`; `missing` are the texts that mean missing."""
        return expressions.number(table, column, missing, self.decimal)

    def encode(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write numbers (n,), not finite where missing, to `out` (n, features)."""
        x = finite_doubles(values)
        missing = np.isnan(x)
        pieces = self.pieces
        out[:, : len(pieces.start)] = pieces.of(np.where(missing, self.mean, x))
        if self.missing:
            out[:, -1] = missing

    def decode(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the numbers (n,) whose features these are, as far as they tell."""
        start, length, _, _ = self.pieces
        x: NDArray[np.float64] = start[0] + features[:, : len(start)].astype(np.float64) @ length
        return x


CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}
"""Lengths in days of the periods in which a date has a place."""

WAVES = {"sin": 0.0, "cos": np.pi / 2}
"""Phases of the sines that give a place in a cycle: equal at its beginning and end."""


def waves(x: NDArray[np.float64], cycle: str) -> list[NDArray[np.float64]]:
    """Return the sines of the place of days since 1970 x (n,) in a cycle, one for each phase."""
    place = x / CYCLES[cycle]
    angle = 2 * np.pi * (place - np.floor(place))
    return [np.sin(angle + phase) for phase in WAVES.values()]


MOST_DAYS = 1e8
"""Days since 1970 that NumPy counts in microseconds."""


def day_shown(x: float) -> str:
    """Return days since 1970 as a date, or as a time of day, as people read it."""
    if not abs(x) < MOST_DAYS:
        return f"{x:g} days since 1970"
    moment = np.datetime64(round(x * 86400e6), "us")
    return np.datetime_as_string(moment, unit="auto").removeprefix("1970-01-01T").replace("T", " ")


@dataclass(frozen=True)
class Date:
    """A date, a time or both: days since 1970, standardised like any number, and its cycles.

    For each period in `cycles`, sine and cosine of the place in it follow; missing is as for a
    number. `order` is that of day and month in texts that have the year last: "dmy", "mdy", or ""
    if no text of training had it.
    """

    name: str
    mean: float
    std: float
    missing: float
    order: str = ""
    cycles: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    kind: ClassVar[str] = "date"

    @property
    def features(self) -> list[str]:
        """Names of the matrix columns."""
        cycles = [f"{self.name} in the {cycle} ({sine})" for cycle in self.cycles for sine in WAVES]
        return [self.name, *cycles, *([f"{self.name} is missing"] if self.missing else [])]

    @property
    def width(self) -> int:
        """Number of matrix columns."""
        return 1 + len(WAVES) * len(self.cycles) + bool(self.missing)

    def expression(self, table: Table, column: int, missing: Sequence[str]) -> str:
        """SQL for the values of `encode`; `missing` are the texts that mean missing."""
        return expressions.days(table, column, missing, self.order)

    def encode(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write days since 1970 (n,), not finite where missing, to `out` (n, features)."""
        x = finite_doubles(values)
        self._number.encode(x, out)
        found = (wave for cycle in self.cycles for wave in waves(x, cycle))
        absent = np.flatnonzero(np.isnan(x))
        for i, wave in enumerate(found, 1):
            out[:, i] = wave
            out[absent, i] = 0

    def decode(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the days (n,) whose features these are, as far as they tell."""
        return self._number.decode(features)

    @property
    def pieces(self) -> Pieces:
        """What the first of the features is computed by."""
        return self._number.pieces

    @property
    def _number(self) -> Number:
        return Number(self.name, self.mean, self.std, self.missing)


@dataclass(frozen=True)
class Category:
    """One-hot: a 1 in the column of its value.

    Values that are not among the categories share a column, `other`, if there is one, which is so
    if training had rare ones; otherwise they are all zeros. Missing is a value like the others if
    training had missing values. `missing` and `other` are the shares of training rows with these.
    """

    name: str
    categories: tuple[str, ...]
    missing: float
    other: float = 0.0
    kind: ClassVar[str] = "category"

    @property
    def features(self) -> list[str]:
        """Names of the matrix columns."""
        names = [f"{self.name} = {category}" for category in self.categories]
        names += [f"{self.name} is another"] if self.other else []
        return [*names, f"{self.name} is missing"] if self.missing else names

    @property
    def width(self) -> int:
        """Number of matrix columns."""
        return len(self.categories) + bool(self.other) + bool(self.missing)

    def expression(self, table: Table, column: int, missing: Sequence[str]) -> str:
        """SQL for the values of `encode`; `missing` are the texts that mean missing."""
        missing = [text for text in missing if text not in self.categories]
        absent = f"CASE WHEN {expressions.text(table, column, missing)} IS NULL THEN -2 ELSE -1 END"
        return expressions.position(table, column, self.categories, absent)

    def encode(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write positions (n,) as one-hot rows to `out`; -1 is unseen, -2 missing."""
        out[:] = 0
        position = np.asarray(values, dtype=np.int64)
        rows = np.flatnonzero(position >= 0)
        out[rows, position[rows]] = 1
        if self.other:
            out[:, len(self.categories)] = position == -1
        if self.missing:
            out[:, -1] = position == -2


Column = Number | Date | Category
KINDS: dict[str, type[Number] | type[Date] | type[Category]] = {
    kind.kind: kind for kind in (Number, Date, Category)
}


def column_from_json(number: int, entry: Any) -> Column:
    """Return a column of `Schema.to_json`, after checking that it could have been fitted."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None or set(entry) != {"kind", *made.__dataclass_fields__}:
        raise InputError(f"column {number} of its schema does not have the fields of a column")
    if not isinstance(entry["name"], str) or not _is_share(entry["missing"]):
        raise InputError(
            f"column {number} of its schema needs a string `name` and a share of rows `missing`"
        )
    missing = float(entry["missing"])
    if made is Category:
        if not _is_share(entry["other"]):
            raise InputError(f"column {number} of its schema needs a share of rows `other`")
        categories = entry["categories"]
        if not isinstance(categories, list | tuple) or set(map(type, categories)) != {str}:
            raise InputError(
                f"column {number} of its schema needs a list of strings as `categories`"
            )
        if len(set(categories)) < len(categories):
            raise InputError(f"column {number} of its schema has the same category twice")
        return Category(entry["name"], tuple(categories), missing, float(entry["other"]))
    mean, std = entry["mean"], entry["std"]
    if type(mean) not in (int, float) or type(std) not in (int, float):
        raise InputError(f"column {number} of its schema needs numbers as `mean` and `std`")
    if not (abs(mean) <= LARGEST_STD and SMALLEST_STD <= std <= LARGEST_STD):
        raise InputError(f"column {number} of its schema has a `mean` or `std` out of range")
    moments = (entry["name"], float(mean), float(std), missing)
    span = (_limit(number, entry["least"]), _limit(number, entry["most"]))
    if made is Number:
        if entry["decimal"] not in (".", ","):
            raise InputError(f"column {number} of its schema needs . or , as `decimal`")
        return Number(*moments, entry["decimal"], *span, _bins(number, entry["bins"]))
    cycles = entry["cycles"]
    if entry["order"] not in ("", "dmy", "mdy") or not isinstance(cycles, list | tuple):
        raise InputError(f"column {number} of its schema has an `order` or `cycles` of no date")
    if not all(isinstance(cycle, str) and cycle in CYCLES for cycle in cycles):
        raise InputError(f"column {number} of its schema has `cycles` other than {listed(CYCLES)}")
    if len(set(cycles)) < len(cycles):
        raise InputError(f"column {number} of its schema has the same cycle twice")
    return Date(*moments, entry["order"], tuple(cycles), *span)


def _limit(number: int, value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InputError(f"column {number} of its schema needs numbers as `least` and `most`")
    return float(value)


def _bins(number: int, edges: Any) -> tuple[float, ...]:
    wrong = InputError(
        f"column {number} of its schema needs as `bins` no edges, or 2 to {MOST_BINS + 1} finite "
        "ones in increasing order"
    )
    if not isinstance(edges, list | tuple) or len(edges) == 1 or len(edges) > MOST_BINS + 1:
        raise wrong
    if not all(type(edge) in (int, float) and abs(edge) <= LARGEST_STD for edge in edges):
        raise wrong
    if any(not low < high for low, high in pairwise(map(float, edges))):
        raise wrong
    return tuple(map(float, edges))


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1
