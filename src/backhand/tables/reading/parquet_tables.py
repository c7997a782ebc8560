"""Loads Parquet files: all their rows, or those of some row groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from backhand.errors import InputError
from backhand.tables.cells.texts import spelled, sql_name
from backhand.tables.column_families import NULL_TYPE, family_of
from backhand.tables.database.connection import duckdb
from backhand.tables.database.duckdb_errors import memory_allowed
from backhand.tables.files.source import Source
from backhand.tables.reading.column_names import check_same_order, names_in_file, numbered
from backhand.tables.reading.rows import (
    CONTENT_ONLY,
    check_same_names,
    is_wide,
    literally,
    load_rows,
)
from backhand.tables.table import Table

READER = f"read_parquet($paths, {CONTENT_ONLY}, file_row_number=false)"

PLACE = "file_row_number"
"""DuckDB's name of the place of a row in its file, from 0: row groups without such rows are not
read. A column of a file may have the name, too, and hides it."""

VALUE_BYTES = 16
"""Bytes of a value of a loaded table, about."""


class FileColumns(NamedTuple):
    """The columns of a file.

    Attributes
    ----------
    types : dict of str to str
        The type of each, by the name that DuckDB gives it.
    names : list of str
        Their names in the file.
    """

    types: dict[str, str]
    names: list[str]


class ParquetColumns(NamedTuple):
    """The columns that all files have.

    Attributes
    ----------
    found : list of str
        The names that DuckDB gives them.
    names : list of str
        Those of the table, each of them once.
    differing : frozenset of str
        Those found whose types differ: they are read as texts.
    remarks : list of str
    """

    found: list[str]
    names: list[str]
    differing: frozenset[str]
    remarks: list[str]


class Piece(NamedTuple):
    """Rows of a file: all, or those from the first number to the second, exclusive, from 0."""

    source: Source
    types: dict[str, str]
    rows: tuple[int, int] | None = None


def load_parquet(
    connection: duckdb.DuckDBPyConnection, data: str, sources: Sequence[Source]
) -> Table:
    """Make a view of Parquet files. A column whose types differ becomes texts, without loss."""
    files = [columns_of(connection, source) for source in sources]
    pieces = [Piece(source, file.types) for source, file in zip(sources, files, strict=True)]
    return load_pieces(connection, data, agreed_columns(data, sources, files), pieces)


def load_pieces(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    columns: ParquetColumns,
    pieces: Sequence[Piece],
    tables: int = 1,
) -> Table:
    """Make a view of pieces of Parquet files, with the columns that all files of the table have.

    `tables` is how many tables of about this size there will be within the memory.
    """
    d = len(columns.names)
    loaded = is_wide(connection, d) and _are_small(connection, pieces, d * tables)
    parameters: dict[str, Any] = {}
    selects = []
    for i, (same, reader) in enumerate(_readers(columns, pieces)):
        parameters[f"paths{i}"] = literally([piece.source for piece in same])
        selects.append(reader.replace("$paths", f"$paths{i}"))
    load_rows(connection, selects, parameters, columns.found, in_place=not loaded)
    table = Table(connection, columns.names, data)
    table.remarks += columns.remarks
    table.sources = list(dict.fromkeys(piece.source for piece in pieces))
    return table


def _readers(columns: ParquetColumns, pieces: Sequence[Piece]) -> Iterator[tuple[list[Piece], str]]:
    """Return the pieces that one SELECT reads, neighbours, and its SQL."""

    def select(piece: Piece) -> str:
        where = "" if piece.rows is None else (
            f" WHERE {PLACE} >= {piece.rows[0]} AND {PLACE} < {piece.rows[1]}"
        )  # fmt: skip
        if not columns.differing and list(piece.types) == columns.found:
            return f"SELECT * FROM {READER}{where}"
        cells = [
            _as_text(sql_name(name), piece.types[name]) if name in columns.differing
            else sql_name(name) for name in columns.found
        ]  # fmt: skip
        return f"SELECT {', '.join(cells)} FROM {READER}{where}"

    def alike(piece: Piece) -> tuple[str, list[str]]:
        # Files that one SELECT reads have the types of the first of them.
        return select(piece), [piece.types[name] for name in sorted(columns.differing)]

    for (reader, _), some in groupby(pieces, alike):
        yield list(some), reader


def _as_text(cell: str, kind: str) -> str:
    """SQL for a value as a text of the same meaning."""
    value = f"CAST({cell} AS DOUBLE)" if kind == "FLOAT" else cell
    return spelled(value, "DOUBLE" if kind == "FLOAT" else kind)


def columns_of(connection: duckdb.DuckDBPyConnection, source: Source) -> FileColumns:
    """Return the columns of a file."""
    paths = literally([source])
    described = connection.execute(f"DESCRIBE SELECT * FROM {READER}", {"paths": paths})
    types = {str(name): str(kind) for name, kind, *_ in described.fetchall()}
    return FileColumns(types, names_in_file(connection, paths[0], list(types)))


def row_groups(connection: duckdb.DuckDBPyConnection, source: Source) -> list[tuple[int, int]]:
    """Return the rows of each row group of a file, and its bytes, from its footer."""
    found = connection.execute(
        "SELECT any_value(row_group_num_rows), sum(total_compressed_size) "
        "FROM parquet_metadata($paths) GROUP BY row_group_id ORDER BY row_group_id",
        {"paths": literally([source])},
    ).fetchall()
    return [(int(rows), int(size)) for rows, size in found]


def agreed_columns(
    data: str, sources: Sequence[Source], files: Sequence[FileColumns]
) -> ParquetColumns:
    """Return the columns of files, in the order of the first.

    Raises
    ------
    InputError
        If they do not have the same columns, each with types of one family.
    """
    found = list(files[0].types)
    for source, file in zip(sources[1:], files[1:], strict=True):
        check_same_names(source, list(file.types), sources[0], found)
    types = [file.types for file in files]
    _check_same_families(sources, types)
    check_same_order(found, [file.names for file in files])
    names, remarks = numbered(files[0].names, data)
    differing = {name for name in found if len({some[name] for some in types}) > 1}
    return ParquetColumns(found, names, frozenset(differing), remarks)


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


def _are_small(
    connection: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], columns: int
) -> bool:
    """Return whether the values of pieces of files fit in a part of the memory."""
    whole = literally([piece.source for piece in pieces if piece.rows is None])
    counted = "SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata($paths)"
    rows = int(connection.execute(counted, {"paths": whole}).fetchall()[0][0]) if whole else 0
    rows += sum(piece.rows[1] - piece.rows[0] for piece in pieces if piece.rows is not None)
    return rows * columns * VALUE_BYTES <= memory_allowed(connection) // 8
