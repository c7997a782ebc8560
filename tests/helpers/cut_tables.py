"""A table cut into parts without workers: each is a `Table` of some rows, in this thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.tables.database.connection import connect
from backhand.tables.table import T, Table


class CutTable(Table):
    """Stands in for a table whose rows are in `count` parts, of which one has no rows.

    Parts are cut at random, but always in the same places.
    """

    def __init__(self, table: Table, count: int) -> None:
        self._describe(
            table.names, table.types, table.source, as_text=table.as_text, points=table.points
        )
        self.rows, self.delimiter = table.rows, table.delimiter
        inner = np.sort(np.random.default_rng(count).integers(0, table.rows + 1, count - 1))
        inner[1:2] = inner[:1][: len(inner[1:2])]  # the second part of several is empty
        self._cuts = [0, *inner.tolist(), table.rows]
        with TemporaryDirectory() as folder:
            stored = _store(table, Path(folder))
            self.parts = [_part(table, stored, *rows) for rows in pairwise(self._cuts)]

    def each(
        self,
        function: Callable[..., T],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
    ) -> list[T]:
        given = of_part or [()] * len(self.parts)
        return [function(part, *args, *own) for part, own in zip(self.parts, given, strict=True)]

    def keep(
        self,
        function: Callable[..., T],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        name: Hashable = None,
    ) -> list[T]:
        return self.each(function, *args, of_part=of_part)

    def by_part(self, *arrays: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
        return [tuple(array[a:b] for array in arrays) for a, b in pairwise(self._cuts)]

    def know_plain(self, columns: Iterable[int]) -> None:
        super().know_plain(columns)
        for part in self.parts:
            part.know_plain(self.plain)

    def _count(self) -> int:
        return self.rows

    def close(self) -> None:
        for part in self.parts:
            part.close()


def _part(table: Table, stored: Path, first: int, stop: int) -> Table:
    """Return the rows from `first` to `stop` of a stored table, in a database of its own."""
    connection = connect(2**30, None)
    connection.execute(f"ATTACH '{stored}' AS stored (READ_ONLY)")
    rows = f"SELECT * FROM stored.rows LIMIT {stop - first} OFFSET {first}"
    connection.execute(f"CREATE TABLE rows AS {rows}")
    connection.execute("DETACH stored")
    return Table(
        connection, table.names, table.source, as_text=table.as_text, points=table.points
    )  # fmt: skip


def _store(table: Table, folder: Path) -> Path:
    path = folder / "rows.duckdb"
    cursor = table.connection.cursor()
    cursor.execute(f"ATTACH '{path}' AS stored")
    cursor.execute("CREATE TABLE stored.rows AS SELECT * FROM rows")
    cursor.execute("DETACH stored")
    return path
