"""Loads Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backhand.errors import InputError
from backhand.tables.cells.texts import spelled, sql_name
from backhand.tables.column_families import NULL_TYPE, family_of
from backhand.tables.database.connection import duckdb
from backhand.tables.database.duckdb_errors import memory_allowed
from backhand.tables.files.source import Source
from backhand.tables.reading.column_names import names_in_files, numbered
from backhand.tables.reading.rows import (
    CONTENT_ONLY,
    check_same_names,
    is_wide,
    literally,
    load_rows,
)
from backhand.tables.table import Table

READER = f"read_parquet($paths, {CONTENT_ONLY}, file_row_number=false)"

VALUE_BYTES = 16
"""Bytes of a value of a loaded table, about."""


def load_parquet(
    connection: duckdb.DuckDBPyConnection, data: str, sources: Sequence[Source]
) -> Table:
    """Make a view of Parquet files. A column whose types differ becomes texts, without loss."""
    found = [_described(connection, source) for source in sources]
    names = list(found[0])
    for source, columns in zip(sources[1:], found[1:], strict=True):
        check_same_names(source, list(columns), sources[0], names)
    _check_same_families(sources, found)
    paths = literally(sources)
    in_files, remarks = numbered(names_in_files(connection, paths, names), data)
    loaded = is_wide(connection, len(names)) and _is_small(connection, paths, len(names))
    differing = {name for name in names if len({columns[name] for columns in found}) > 1}
    parameters: dict[str, Any] = {"paths": paths}
    reader = READER
    if differing:
        parts = []
        for i, columns in enumerate(found):
            cells = [_as_text(sql_name(name), columns[name]) if name in differing
                     else sql_name(name) for name in names]  # fmt: skip
            parts.append(f"SELECT {', '.join(cells)} FROM {READER.replace('$paths', f'$path{i}')}")
        reader = f"({' UNION ALL '.join(parts)})"
        parameters = {f"path{i}": [path] for i, path in enumerate(paths)}
    load_rows(connection, reader, parameters, names, in_place=not loaded)
    table = Table(connection, in_files, data)
    table.remarks += remarks
    return table


def _as_text(cell: str, kind: str) -> str:
    """SQL for a value as a text of the same meaning."""
    value = f"CAST({cell} AS DOUBLE)" if kind == "FLOAT" else cell
    return spelled(value, "DOUBLE" if kind == "FLOAT" else kind)


def _described(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """Return the columns of a file, with their types."""
    described = connection.execute(
        f"DESCRIBE SELECT * FROM {READER}", {"paths": literally([source])}
    )
    return {str(name): str(kind) for name, kind, *_ in described.fetchall()}


def _check_same_families(sources: Sequence[Source], found: Sequence[dict[str, str]]) -> None:
    """Check that a column has the same family of types in all files; the same type if it is nested.

    A column without values in one file fits any family in the others.
    """
    first: dict[str, tuple[str, str]] = {}
    for source, columns in zip(sources, found, strict=True):
        for name, kind in columns.items():
            if kind == NULL_TYPE:
                continue
            family, (other, where) = family_of(kind), first.setdefault(name, (kind, source.name))
            if family != family_of(other) or (family == "other" and kind != other):
                raise InputError(
                    f"column '{name}' holds {kind} values in {source.name} and {other} values in "
                    f"{where}; expected one type in all files."
                )


def _is_small(connection: duckdb.DuckDBPyConnection, paths: list[str], columns: int) -> bool:
    """Return whether the values of Parquet files fit in a part of the memory."""
    counted = "SELECT sum(num_rows) FROM parquet_file_metadata($paths)"
    rows = int(connection.execute(counted, {"paths": paths}).fetchall()[0][0])
    return rows * columns * VALUE_BYTES <= memory_allowed(connection) // 8
