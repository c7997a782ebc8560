"""Loads files into the table or view `rows`, by their format: CSV, JSON and Parquet.

A file that cannot be read raises `InputError` with its name and, if it is known, the line.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backhand.errors import InputError, listed
from backhand.tables.cells.texts import spelled, sql_name
from backhand.tables.column_families import NULL_TYPE, family_of
from backhand.tables.database.connection import as_utf8, duckdb
from backhand.tables.database.duckdb_errors import (
    explain,
    find_invalid_json,
    memory_allowed,
    to_error,
)
from backhand.tables.files.text_files import MAX_CSV_ROW, check_text, is_gzip
from backhand.tables.queries import GROUP
from backhand.tables.reading.column_names import names_in_files
from backhand.tables.reading.csv_header import check_headers_agree, check_names, read_header
from backhand.tables.reading.row_location import locate_row
from backhand.tables.table import Table

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json",
           ".parquet": "parquet", ".pq": "parquet"}  # fmt: skip

DIALECT = (
    "auto_detect=false, header=true, skip=0, delim=$delim, quote='\"', escape='\"', comment='', "
    "nullstr='', allow_quoted_nulls=true, null_padding=false, ignore_errors=false, "
    "strict_mode=true, buffer_size=4194304"
)
"""DuckDB's options for CSV, which leave nothing to guess: a reader that guesses may skip lines.

Its default buffers of 32 MB are not faster, and do not fit in a small memory.
"""

CONTENT_ONLY = "hive_partitioning=false, union_by_name=false, filename=false"
"""No column is made from the name of a file or folder."""

READERS = {
    "parquet": f"read_parquet($paths, {CONTENT_ONLY}, file_row_number=false)",
    "csv": f"read_csv($paths, {DIALECT}, {CONTENT_ONLY}, columns=$columns)",
    "json": f"read_json($paths, {CONTENT_ONLY}, ignore_errors=false, records='true', "
    "columns=$columns)",
    # For a query, which may read nested values. Types are those of all rows.
    "json with types": f"read_json($paths, {CONTENT_ONLY}, ignore_errors=false, sample_size=-1, "
    "maximum_depth=-1, field_appearance_threshold=0, map_inference_threshold=-1, "
    "convert_strings_to_integers=false)",
    "json as objects": f"read_json_objects($paths, {CONTENT_ONLY}, ignore_errors=false)",
}
"""How each format is read. CSV and JSON are read as unchanged texts, without an interpretation.

Every option that DuckDB would otherwise detect is set.
"""

VALUE_BYTES, BLOCK_BYTES = 16, 2**18
"""Bytes of a value of a loaded table, about, and minimum bytes of a column."""


def load_files(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    paths: list[str],
    *,
    in_place: bool,
    query: bool,
) -> Table:
    """Load files as the table or view `rows`; for a query, with types."""
    formats = {_format(path) for path in paths}
    if len(formats) > 1:
        raise InputError(
            f"{data} matches files of several formats ({listed(sorted(formats))}); expected one."
        )
    for path in paths:
        if Path(path).stat().st_size == 0:
            raise InputError(f"{path} is empty; a table needs column names and rows.")
    kind, in_place = formats.pop(), in_place and not query
    for path in paths:
        if kind == "csv" or is_gzip(path):
            check_text(path, MAX_CSV_ROW if kind == "csv" else None)
    if kind == "csv":
        return _load_csv(connection, data, paths, in_place=in_place)
    try:
        if kind == "parquet":
            return _load_parquet(connection, data, paths)
        return _load_json(connection, data, paths, in_place=in_place, types=query)
    except duckdb.Error as error:
        line = find_invalid_json(paths) if kind == "json" else None
        raise to_error(connection, error, line or explain(error, data)) from error


def _format(path: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = FORMATS.get(suffixes[-1] if suffixes else "")
    if kind is None:
        raise InputError(
            f"{path} does not end in a known format; expected "
            f"{listed(FORMATS, conjunction='or')}, or a text format followed by .gz."
        )
    return kind


def _load_parquet(connection: duckdb.DuckDBPyConnection, data: str, paths: list[str]) -> Table:
    """Make a view of Parquet files. A column whose types differ becomes texts, without loss."""
    found = [_described(connection, READERS["parquet"], path) for path in paths]
    names = list(found[0])
    for path, columns in zip(paths[1:], found[1:], strict=True):
        _check_same_names(path, list(columns), paths[0], names)
    _check_same_families(paths, found)
    in_files = names_in_files(connection, _literally(paths), names)
    loaded = _is_wide(connection, len(names)) and _is_small(
        connection, _literally(paths), len(names)
    )
    differing = {name for name in names if len({columns[name] for columns in found}) > 1}
    parameters: dict[str, Any] = {"paths": _literally(paths)}
    if not differing:
        _load(connection, READERS["parquet"], parameters, names, in_place=not loaded)
        return Table(connection, in_files, data)
    parts = []
    for i, (path, columns) in enumerate(zip(paths, found, strict=True)):
        reader = READERS["parquet"].replace("$paths", f"$path{i}")
        cells = [_as_text(sql_name(name), columns[name]) if name in differing else sql_name(name)
                 for name in names]  # fmt: skip
        parts.append(f"SELECT {', '.join(cells)} FROM {reader}")
        parameters[f"path{i}"] = _literally([path])
    del parameters["paths"]
    _load(connection, f"({' UNION ALL '.join(parts)})", parameters, names, in_place=not loaded)
    return Table(connection, in_files, data)


def _as_text(cell: str, kind: str) -> str:
    """SQL for a value as a text of the same meaning."""
    value = f"CAST({cell} AS DOUBLE)" if kind == "FLOAT" else cell
    return spelled(value, "DOUBLE" if kind == "FLOAT" else kind)


def _load_json(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    paths: list[str],
    *,
    in_place: bool,
    types: bool,
) -> Table:
    names = _json_names(connection, paths)
    parameters: dict[str, Any] = {"paths": _literally(paths)}
    if types:
        _load(connection, READERS["json with types"], parameters, names, in_place=False)
        return Table(connection, names, data)
    if len({name.casefold() for name in names}) == len(names):
        reader, parameters["columns"] = READERS["json"], dict.fromkeys(names, "VARCHAR")
    else:  # DuckDB has no columns whose names differ by case only
        keys = {f"k{i}": "/" + name.replace("~", "~0").replace("/", "~1")
                for i, name in enumerate(names)}  # fmt: skip
        cells = ", ".join(f"json_extract_string(json, ${key})" for key in keys)
        reader = f"(SELECT {cells} FROM {READERS['json as objects']})"
        parameters |= keys
    in_place = in_place and not _is_wide(connection, len(names))
    _load(connection, reader, parameters, names, in_place=in_place)
    table = Table(connection, names, data, as_text=True, json=True)
    if all(path.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")) for path in paths):
        table.located_by(partial(locate_row, paths, None, len(names)))
    return table


def _json_names(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> list[str]:
    """Return the keys of all objects, in order of appearance; all files have the same keys."""
    found: list[list[str]] = []
    for path in paths:
        rows = connection.execute(
            "SELECT keys FROM (SELECT json_keys(json) AS keys, row_number() OVER () AS i "
            f"FROM {READERS['json as objects']}) GROUP BY keys ORDER BY min(i)",
            {"paths": _literally([path])},
        ).fetchall()
        found.append(list(dict.fromkeys(str(key) for (keys,) in rows for key in keys or ())))
        if not found[-1]:
            raise InputError(
                f"{path} holds no JSON objects; expected one per row, with column names as keys."
            )
        _check_same_names(path, found[-1], paths[0], found[0])
    return found[0]


def _described(connection: duckdb.DuckDBPyConnection, reader: str, path: str) -> dict[str, str]:
    """Return the columns that a reader finds in a file, with their types."""
    described = connection.execute(
        f"DESCRIBE SELECT * FROM {reader}", {"paths": _literally([path])}
    )
    return {str(name): str(kind) for name, kind, *_ in described.fetchall()}


def _check_same_families(paths: Sequence[str], found: Sequence[dict[str, str]]) -> None:
    """Check that a column has the same family of types in all files; the same type if it is nested.

    A column without values in one file fits any family in the others.
    """
    first: dict[str, tuple[str, str]] = {}
    for path, columns in zip(paths, found, strict=True):
        for name, kind in columns.items():
            if kind == NULL_TYPE:
                continue
            family, (other, where) = family_of(kind), first.setdefault(name, (kind, path))
            if family != family_of(other) or (family == "other" and kind != other):
                raise InputError(
                    f"column '{name}' holds {kind} values in {path} and {other} values in "
                    f"{where}; expected one type in all files."
                )


def _check_same_names(path: str, names: list[str], first: str, expected: list[str]) -> None:
    if set(names) != set(expected):
        raise InputError(
            f"{path} does not have the columns of {first}: {listed(names)}; "
            f"expected {listed(expected)}."
        )


def _load_csv(
    connection: duckdb.DuckDBPyConnection, data: str, paths: list[str], *, in_place: bool
) -> Table:
    delimiter, names = read_header(paths[0])
    check_names(names, paths[0])
    check_headers_agree(paths, delimiter, names)
    parameters = {
        "paths": _literally(paths), "delim": delimiter,
        "columns": {f"c{i}": "VARCHAR" for i in range(len(names))},
    }  # fmt: skip
    in_place = in_place and not _is_wide(connection, len(names))
    try:
        _load(connection, READERS["csv"], parameters, names, in_place=in_place)
    except duckdb.Error as error:
        raise to_error(connection, error, explain(error, paths[0], names)) from error
    table = Table(connection, names, data, as_text=True)
    table.located_by(partial(locate_row, paths, delimiter, len(names)))
    return table


def _literally(paths: Sequence[str]) -> list[str]:
    """Return file names that DuckDB takes literally: no pattern, no home folder, no address."""
    return [as_utf8(glob.escape(_absolute(path))) for path in paths]


def _absolute(path: str) -> str:
    """Return the path; an absolute one if DuckDB would interpret it otherwise."""
    return str(Path(path).absolute()) if re.search(r"~|^[A-Za-z][\w+.-]+:", path) else path


def _is_wide(connection: duckdb.DuckDBPyConnection, columns: int) -> bool:
    """Return whether rows that could stay in their files should be loaded, and fit in memory.

    Columns are read in groups. On a view, each group reads all lines of a text file again, and
    binds all columns of a Parquet file.
    """
    return columns > GROUP and columns * BLOCK_BYTES <= memory_allowed(connection) // 4


def _is_small(connection: duckdb.DuckDBPyConnection, paths: list[str], columns: int) -> bool:
    """Return whether the values of Parquet files fit in a part of the memory."""
    counted = "SELECT sum(num_rows) FROM parquet_file_metadata($paths)"
    rows = int(connection.execute(counted, {"paths": paths}).fetchall()[0][0])
    return rows * columns * VALUE_BYTES <= memory_allowed(connection) // 8


def _load(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    parameters: dict[str, Any],
    names: Sequence[str],
    *,
    in_place: bool,
) -> None:
    """Create the table or view `rows` from a reader, with columns called c0, c1, …"""
    selected = f"SELECT * FROM (SELECT * FROM {reader}) AS t({_positions(names)})"
    if not in_place:
        connection.execute(f"CREATE TABLE rows AS {selected}", parameters)
        return
    # A view has no parameters: DuckDB writes them into it, as literals.
    connection.sql(selected, params=parameters).create_view("rows")


def in_files(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether `rows` are read from their files in each pass, and not loaded."""
    views = "SELECT 1 FROM duckdb_views() WHERE view_name = 'rows'"
    return bool(connection.execute(views).fetchall())


def _positions(names: Sequence[str]) -> str:
    return ",".join(f"c{i}" for i in range(len(names)))
