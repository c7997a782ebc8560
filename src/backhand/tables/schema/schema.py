"""The schema: how a table's columns become the columns of a float32 matrix.

Fitted to the training rows (`fitting.py`), stored as JSON in the model file, applied by column
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, did_you_mean, listed
from backhand.tables.cells.texts import MISSING
from backhand.tables.queries import chunks
from backhand.tables.schema.changes import ChangeCounts
from backhand.tables.schema.checks import check_kind
from backhand.tables.schema.columns import Column, column_from_json
from backhand.tables.table import Table


@dataclass(frozen=True)
class Schema:
    """The columns that a model reads, in the order of the matrix, and the target's name.

    `named_missing` are the texts that mean missing, if the user named them.
    """

    target: str
    columns: tuple[Column, ...]
    named_missing: tuple[str, ...] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Texts that mean missing in a feature: also `MISSING`, unless the empty text was named."""
        named = self.named_missing or ()
        return tuple(dict.fromkeys(("", *(() if "" in named else MISSING), *named)))

    @property
    def features(self) -> list[str]:
        """Names of the d columns of the matrix."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def width(self) -> int:
        """Number of columns of the matrix, d."""
        return sum(column.width for column in self.columns)

    def encode(self, table: Table) -> NDArray[np.float32]:
        """Return X (N, d) float32 of a table's rows; columns are found by name, in any order.

        Raises
        ------
        InputError
            If a column is missing, or its type is another one than in training.
        """
        X = np.empty((table.rows, self.width), dtype=np.float32)
        for rows, part, _ in self.encoded_chunks(table):
            X[rows] = part
        return X

    def encoded_chunks(
        self,
        table: Table,
        beside: Sequence[str] = (),
        *,
        changes: ChangeCounts | None = None,
    ) -> Iterator[tuple[slice, NDArray[np.float32], list[NDArray[Any]]]]:
        """Return X (n, d) for a chunk of rows at a time, in order.

        Parameters
        ----------
        table : Table
        beside : sequence of str
            Further SQL expressions, whose values are returned with each chunk.
        changes : ChangeCounts, optional
            Counts what is different from training, of `count_changes`.

        Returns
        -------
        iterator of (slice, X, list of arrays)
            The rows of the chunk, their matrix and the values of `beside`.

        Raises
        ------
        InputError
            As `encode`.
        """
        columns = zip(self.columns, self._find(table), strict=True)
        values = [column.expression(table, i, self.missing) for column, i in columns]
        for rows, arrays in chunks(table, [*values, *beside]):
            given: Iterable[NDArray[Any]] = arrays[: len(values)]
            if changes is not None:
                given = changes.counted(given)
            X = np.empty((rows.stop - rows.start, self.width), dtype=np.float32)
            self.encode_values(given, X)
            yield rows, X, arrays[len(values) :]

    def count_changes(self) -> ChangeCounts:
        """Return a counter of what is different in another table, for `encoded_chunks`."""
        return ChangeCounts(self.columns, self.missing)

    def encode_values(self, values: Iterable[NDArray[Any]], out: NDArray[np.float32]) -> None:
        """Write the encoded values, (n,) per column, to `out` (n, d)."""
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
                f"which the model needs. {did_you_mean(absent[0], table.names)}"
            )
        found = [table.index(column.name) for column in self.columns]
        for column, i in zip(self.columns, found, strict=True):
            check_kind(table, i, column.kind)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the schema as JSON values."""
        columns = [{"kind": column.kind, **asdict(column)} for column in self.columns]
        named = {} if self.named_missing is None else {"missing": list(self.named_missing)}
        return {"target": self.target, "columns": columns, **named}

    @classmethod
    def from_json(cls, value: Any) -> Schema:
        """Return the schema that `to_json` wrote.

        Raises
        ------
        InputError
            If the value is not a schema; the message is a clause about it ("its schema …").
        """
        if not isinstance(value, dict) or set(value) - {"missing"} != {"target", "columns"}:
            raise InputError("its schema is not a target and columns")
        if not isinstance(value["target"], str):
            raise InputError("its schema's target is not a string")
        if not isinstance(value["columns"], list | tuple):
            raise InputError("its schema's columns are not a list")
        columns = tuple(column_from_json(i, entry) for i, entry in enumerate(value["columns"], 1))
        if len({column.name for column in columns}) < len(columns):
            raise InputError("two columns of its schema have the same name")
        if "missing" not in value:
            return cls(value["target"], columns)
        missing = value["missing"]
        if not isinstance(missing, list | tuple) or not set(map(type, missing)) <= {str}:
            raise InputError("its schema's `missing` is not a list of strings")
        if any("\0" in text for text in missing):
            raise InputError("a string of its schema's `missing` holds a NUL byte")
        return cls(value["target"], columns, tuple(missing))


def missing_in_target(named: Sequence[str] | None) -> tuple[str, ...]:
    """Return the texts that mean missing in the target: the empty one and those that were named."""
    return tuple(dict.fromkeys(("", *(named or ()))))
