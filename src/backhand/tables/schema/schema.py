"""The schema: how a table's columns become the columns of a float32 matrix.

Learned on training rows (`learning.py`), kept as JSON in the model file, applied by column name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, did_you_mean, listed
from backhand.tables.cells import MISSING, SEPARATED
from backhand.tables.table import Table, numbers

FARTHEST = 10.0
"""Standard deviations from the mean at which a number is cut off."""

LARGEST_STD = 1e155
"""Beyond it the squares of which it is learned have no sum, and mean + std may be infinite."""


@dataclass(frozen=True)
class Number:
    """(x - mean) / std; missing becomes 0, and 1 in a column of its own where training had any.

    What lies farther than `FARTHEST` standard deviations out is cut off there: one wild value in a
    column that hardly varied in training would otherwise drown all the others.
    """

    name: str
    mean: float
    std: float
    missing: bool
    kind: ClassVar[str] = "number"

    @property
    def features(self) -> list[str]:
        """Names of the columns it becomes."""
        return [self.name, f"{self.name} is missing"] if self.missing else [self.name]

    @property
    def width(self) -> int:
        """How many columns it becomes."""
        return 1 + self.missing

    def expression(self, table: Table, column: int, missing: Sequence[str]) -> str:
        """SQL that gives what `encode` wants; `missing` are the texts that mean so."""
        return table.number(column, missing)

    def encode(self, x: NDArray[np.float64], out: NDArray[np.float32]) -> None:
        """Write numbers x (n,), nan where missing, to `out` (n, features)."""
        missing = np.isnan(x)
        with np.errstate(over="ignore"):  # what lies infinitely far out is cut off like the rest
            standardised = np.clip((x - self.mean) / self.std, -FARTHEST, FARTHEST)
        out[:, 0] = np.where(missing, 0.0, standardised)
        if self.missing:
            out[:, 1] = missing


@dataclass(frozen=True)
class Date(Number):
    """A date, a time or both, as days since 1970, standardised like any number."""

    kind: ClassVar[str] = "date"

    def expression(self, table: Table, column: int, missing: Sequence[str]) -> str:
        """SQL that gives what `encode` wants; `missing` are the texts that mean so."""
        return table.days(column, missing)


@dataclass(frozen=True)
class Category:
    """One-hot: a 1 in the column of its value, all zeros for a value that training never saw.

    Missing is a value like the others where training had any.
    """

    name: str
    categories: tuple[str, ...]
    missing: bool
    kind: ClassVar[str] = "category"

    @property
    def features(self) -> list[str]:
        """Names of the columns it becomes."""
        names = [f"{self.name} = {category}" for category in self.categories]
        return [*names, f"{self.name} is missing"] if self.missing else names

    @property
    def width(self) -> int:
        """How many columns it becomes."""
        return len(self.categories) + self.missing

    def expression(self, table: Table, column: int, missing: Sequence[str]) -> str:
        """SQL that gives what `encode` wants; `missing` are the texts that mean so."""
        missing = [text for text in missing if text not in self.categories]
        absent = f"CASE WHEN {table.present(column, missing)} IS NULL THEN -2 ELSE -1 END"
        return f"coalesce({table.place(column, self.categories)}, {absent})"

    def encode(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write positions (n,) to `out`: 0.. in the categories, -1 unseen, -2 missing."""
        out[:] = 0
        position = np.asarray(values, dtype=np.int64)
        rows = np.flatnonzero(position >= 0)
        out[rows, position[rows]] = 1
        if self.missing:
            out[:, -1] = position == -2


Column = Number | Category
KINDS: dict[str, type[Number] | type[Category]] = {
    kind.kind: kind for kind in (Number, Date, Category)
}


@dataclass(frozen=True)
class Schema:
    """The columns that are used, in the order of the matrix, and the target's name.

    `named_missing` are the texts that mean missing, where the user named them.
    """

    target: str
    columns: tuple[Column, ...]
    named_missing: tuple[str, ...] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Texts that mean missing in a feature: `MISSING` too, unless the empty text was named."""
        named = self.named_missing or ()
        return tuple(dict.fromkeys(("", *(() if "" in named else MISSING), *named)))

    @property
    def features(self) -> list[str]:
        """Names of the d columns of the matrix."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def width(self) -> int:
        """d, without the names."""
        return sum(column.width for column in self.columns)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """X (N, d) float32 of a table's rows; columns are found by name, in whatever order.

        Raises
        ------
        InputError
            If a column is missing, or holds what cannot be what it was in training.
        """
        X = np.empty((table.rows, self.width), dtype=np.float32)
        for rows, part, _ in self.stretches(table):
            X[rows] = part
        return X

    def stretches(
        self, table: Table, beside: Sequence[str] = (), *, checked: bool = False
    ) -> Iterator[tuple[slice, NDArray[np.float32], list[NDArray[Any]]]]:
        """X (n, d) of a stretch of rows at a time, in their order, and where the stretch is.

        Beside it come the values of further SQL expressions. Raises as `encode` does, but for
        texts where numbers are expected if they have been `checked`.
        """
        found = self._find(table)
        columns = list(zip(self.columns, found, strict=True))
        expressions = [column.expression(table, i, self.missing) for column, i in columns]
        texts = [] if checked else [
            (column, i) for column, i in columns
            if column.kind != "category" and table.family(i) == "text"
        ]  # fmt: skip
        doubts = [wrong_text(table, i, column.kind, self.missing) for column, i in texts]
        for rows, arrays in table.arrays([*expressions, *doubts, *beside]):
            given, doubtful = arrays[: len(columns)], arrays[len(columns) :][: len(texts)]
            for (column, i), wrong in zip(texts, doubtful, strict=True):
                if wrong.any():
                    check_texts(table, i, column.kind, self.missing)
            values = (  # one column of doubles at a time
                numbers(table, i, x, rows.start) if isinstance(column, Number) else x
                for (column, i), x in zip(columns, given, strict=True)
            )
            X = np.empty((rows.stop - rows.start, self.width), dtype=np.float32)
            self.encode_values(values, X)
            yield rows, X, arrays[len(columns) + len(texts) :]

    def encode_values(self, values: Iterable[NDArray[Any]], out: NDArray[np.float32]) -> None:
        """Write to `out` (n, d) what each column's `encode` makes of its values, (n,) a column."""
        start = 0
        for column, given in zip(self.columns, values, strict=True):
            stop = start + column.width
            column.encode(given, out[:, start:stop])
            start = stop

    def _find(self, table: Table) -> list[int]:
        absent = [column.name for column in self.columns if column.name not in table.places]
        if absent:
            raise InputError(
                f"{table.source} has no column{'s' if len(absent) > 1 else ''} {listed(absent)}, "
                f"which the model was trained with. {did_you_mean(absent[0], table.names)}"
            )
        found = [table.index(column.name) for column in self.columns]
        for column, i in zip(self.columns, found, strict=True):
            check_kind(table, i, column.kind)
        return found

    def to_json(self) -> dict[str, Any]:
        """The schema as JSON values."""
        columns = [{"kind": column.kind, **asdict(column)} for column in self.columns]
        named = {} if self.named_missing is None else {"missing": list(self.named_missing)}
        return {"target": self.target, "columns": columns, **named}

    @classmethod
    def from_json(cls, value: Any) -> Schema:
        """The schema of `to_json`.

        Raises
        ------
        InputError
            If it is something else; the message is a clause about it ("its schema …").
        """
        if not isinstance(value, dict) or set(value) - {"missing"} != {"target", "columns"}:
            raise InputError("its schema is not a target and columns")
        if not isinstance(value["target"], str):
            raise InputError("its schema's target is no text")
        if not isinstance(value["columns"], list | tuple):
            raise InputError("its schema's columns are no list")
        columns = tuple(_column(i, entry) for i, entry in enumerate(value["columns"], 1))
        if len({column.name for column in columns}) < len(columns):
            raise InputError("two columns of its schema have one name")
        if "missing" not in value:
            return cls(value["target"], columns)
        missing = value["missing"]
        if not isinstance(missing, list | tuple) or not set(map(type, missing)) <= {str}:
            raise InputError("its schema has no texts that mean missing")
        if any("\0" in text for text in missing):
            raise InputError("a text of its schema that means missing holds a NUL byte")
        return cls(value["target"], columns, tuple(missing))


def missing_in_target(named: Sequence[str] | None) -> tuple[str, ...]:
    """Texts that mean missing in the target: none but those that were named."""
    return tuple(dict.fromkeys(("", *(named or ()))))


def _column(number: int, entry: Any) -> Column:
    """A column of `Schema.to_json`, found to be one that could have been learned."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None or set(entry) != {"kind", *made.__dataclass_fields__}:
        raise InputError(f"column {number} of its schema is not described as a column is")
    if not isinstance(entry["name"], str) or not isinstance(entry["missing"], bool):
        raise InputError(f"column {number} of its schema has no text as its name, or no missing")
    if made is Category:
        categories = entry["categories"]
        if not isinstance(categories, list | tuple) or set(map(type, categories)) != {str}:
            raise InputError(f"column {number} of its schema has no texts as its categories")
        if len(set(categories)) < len(categories):
            raise InputError(f"column {number} of its schema has one category twice")
        return Category(entry["name"], tuple(categories), entry["missing"])
    mean, std = entry["mean"], entry["std"]
    if type(mean) not in (int, float) or type(std) not in (int, float):
        raise InputError(f"column {number} of its schema has no numbers as its mean and std")
    if not (math.isfinite(mean) and 0 < std <= LARGEST_STD):
        raise InputError(f"column {number} of its schema cannot be standardised")
    numbers = Date if made is Date else Number
    return numbers(entry["name"], float(mean), float(std), entry["missing"])


def check_kind(table: Table, column: int, kind: str) -> None:
    """A number column holds numbers, a date column dates; a category may be anything but nested."""
    name, family = table.names[column], table.family(column)
    wanted = {"number": ("number", "text"), "date": ("date", "text")}.get(
        kind, ("number", "text", "date")
    )
    if kind != "category" and table.types[column] == "BOOLEAN":
        family = "other"
    if family not in wanted and table.one(f"SELECT count(c{column}) FROM rows")[0]:
        expected = {"number": "numbers", "date": "dates"}.get(kind, "texts or numbers")
        raise InputError(
            f"column '{name}' of {table.source} holds {table.types[column]} values; "
            f"expected {expected}."
        )


def wrong_text(table: Table, column: int, kind: str, missing: Sequence[str]) -> str:
    """SQL for whether a text that is there is no number, or no date."""
    value = (table.days if kind == "date" else table.number)(column, missing)
    present = table.present(column, missing)
    return f"CASE WHEN {value} IS NULL THEN {present} IS NOT NULL ELSE false END"


def check_texts(table: Table, column: int, kind: str, missing: Sequence[str]) -> None:
    """Every text of the column is a number, or a date, or means missing."""
    bad = table.all(
        f"SELECT row, text, n FROM (SELECT row, text, count(*) OVER () AS n FROM "
        f"(SELECT row_number() OVER () AS row, CAST(c{column} AS VARCHAR) AS text, "
        f"{wrong_text(table, column, kind, missing)} AS bad FROM rows) WHERE bad) "
        "ORDER BY row LIMIT 1"
    )
    if not bad:
        return
    name, (row, text, n) = table.names[column], bad[0]
    if "\0" in text:
        raise _nul(table, column, row)
    others = f" (and {n - 1:,} more row{'s' if n > 2 else ''})" if n > 1 else ""
    advice = (
        "mend it, or leave it empty if it is missing; or train with --missing, if this text "
        f"means so, or with --categorical or --drop '{name}'."
    )
    if re.fullmatch(SEPARATED, text.strip()):
        advice = (
            "write it without thousands separators and with a decimal point; if it is a "
            f"name, train with --categorical '{name}'."
        )
    raise InputError(
        f"column '{name}' of {table.where(row)} holds '{text[:40]}' in "
        f"row {row}, where a {kind} is expected{others}; {advice}"
    )


def check_no_nul(table: Table, columns: Sequence[int]) -> None:
    """No text of the columns has a NUL byte: NumPy takes one for the end of a class's name."""
    texts = [i for i in columns if table.types[i] == "VARCHAR"]
    damaged = table.totals([f"bool_or(contains(c{i}, chr(0)))" for i in texts])
    for i, bad in zip(texts, damaged, strict=True):
        if bad:
            row = int(table.one(
                f"SELECT row FROM (SELECT row_number() OVER () AS row, contains(c{i}, chr(0)) "
                "AS bad FROM rows) WHERE bad ORDER BY row LIMIT 1"
            )[0])  # fmt: skip
            raise _nul(table, i, row)


def _nul(table: Table, column: int, row: int) -> InputError:
    return InputError(
        f"column '{table.names[column]}' of {table.where(row)} holds a NUL byte in row {row}; "
        "mend it, and save the file as UTF-8."
    )
