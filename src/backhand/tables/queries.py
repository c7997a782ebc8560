"""Passes over a table's rows: queries of a part, and chunks of rows as NumPy arrays.

Figures of all rows are made of those of the parts in `reductions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.tables.database.duckdb_errors import explain, to_error

if TYPE_CHECKING:
    from backhand.tables.table import Table

Parameters = Mapping[str, Any] | None
"""The values of what a query names with a dollar sign."""

CHUNK_VALUES, CHUNK_ROWS = 2**22, 2**16
"""Maximum number of values and of rows that are read from DuckDB into NumPy at a time."""

GROUP = 512
"""Expressions in one query: what DuckDB needs to plan one grows with their square."""

MARKED = "rows POSITIONAL JOIN mask WHERE keep"
"""The rows that `mark` selected, after FROM. (A view would name all columns each time.)"""


FIRST_ROWS = "(SELECT * FROM rows LIMIT $first)"
"""The first rows of a part, after FROM; how many, is a parameter of the query."""


def first_row(part: Table, sql: str, parameters: Parameters = None) -> tuple[Any, ...]:
    """Run a query of a part's rows and return the first row of its result."""
    return all_rows(part, sql, parameters)[0]


def all_rows(part: Table, sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
    """Run a query of a part's rows and return all rows of its result."""
    with reading(part):
        found: list[tuple[Any, ...]] = part.connection.execute(sql, parameters).fetchall()
    return found


def columns(part: Table, sql: str, parameters: Parameters = None) -> list[NDArray[Any]]:
    """Run a query of a part's rows and return the columns of its result, without what is NULL."""
    with reading(part):
        found = part.connection.execute(sql, parameters).fetchnumpy()
    return [np.ma.compressed(values) for values in found.values()]


@contextmanager
def reading(part: Table) -> Iterator[None]:
    """While the context lasts, raise what DuckDB reports as one of our errors."""
    from backhand.tables.database.connection import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise read_error(part, error) from error


def chunks(table: Table, expressions: Sequence[str]) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
    """Return the values of SQL expressions, (n,) each, for a chunk of rows at a time, in order.

    A number that is NULL becomes nan. Only a few chunks are in memory, however many rows there
    are. All chunks but the last have one length, which depends on the number of expressions alone:
    sums over them are the same, to the last bit, however the file and DuckDB cut the rows.
    """
    from backhand.tables.database.arrow_streams import StreamError, read_arrays

    length = max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(1, len(expressions))))
    groups = [expressions[i : i + GROUP] for i in range(0, len(expressions), GROUP)] or [["0"]]
    streams = [
        read_arrays(table.connection, f"SELECT {', '.join(group)} FROM rows", len(group), length)
        for group in groups
    ]
    start = 0
    try:
        for groups_read in zip(*streams, strict=False):  # a file that grows may end them unevenly
            n = min(len(arrays[0]) for arrays in groups_read)
            columns = [x[:n] for arrays in groups_read for x in arrays]
            yield slice(start, start + n), columns[: len(expressions)]
            start += n
            table.progressed(start)
    except StreamError as error:
        raise read_error(table, error) from error


def joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return what `Table.each` found for the rows of each part, (n,) each, as one array (N,)."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def mark(table: Table, chosen: NDArray[np.bool_]) -> None:
    """Select the rows, (N,), that `MARKED` names."""
    table.keep(_mark, of_part=table.by_part(chosen), name=MARKED)


def _mark(part: Table, chosen: NDArray[np.bool_]) -> None:
    part.connection.register("chosen_mask", {"keep": chosen})
    part.connection.execute("CREATE OR REPLACE TEMP TABLE mask AS SELECT * FROM chosen_mask")
    part.connection.unregister("chosen_mask")


def read_error(table: Table, error: Exception) -> BaseException:
    """Return what DuckDB reports while it reads the rows as one of our errors."""
    said = explain(error, table.source, table.names, table.sources)
    return to_error(table.connection, error, said)
