"""Files to the table or view `rows`, by their format: CSV, JSON lines and Parquet.

What cannot be read raises `InputError` with the file and, where one line is to blame, the line.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backhand.errors import InputError, listed
from backhand.tables.cells import spelled
from backhand.tables.database.connection import as_utf8, duckdb
from backhand.tables.database.duckdb_errors import as_error, bad_json, explained, memory_allowed
from backhand.tables.files.text_files import LONGEST_LINE, check_text, is_gzip
from backhand.tables.reading.column_names import names_in_files
from backhand.tables.reading.csv_header import check_headers_agree, check_names, read_header
from backhand.tables.reading.row_location import place_of
from backhand.tables.table import GROUP, NULL_TYPE, Table, family_of, quote

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json",
           ".parquet": "parquet", ".pq": "parquet"}  # fmt: skip

DIALECT = (
    "auto_detect=false, header=true, skip=0, delim=$delim, quote='\"', escape='\"', comment='', "
    "nullstr='', allow_quoted_nulls=true, null_padding=false, ignore_errors=false, "
    "strict_mode=true, buffer_size=4194304"
)
"""Of CSV: nothing is guessed. A reader that may skip lines to make sense of the rest would.

DuckDB's own buffers of 32 MB are no faster, and more than a small memory has room for.
"""

BYTES_ALONE = "hive_partitioning=false, union_by_name=false, filename=false"
"""No column comes from the name of a file or folder."""

READERS = {
    "parquet": f"read_parquet($paths, {BYTES_ALONE}, file_row_number=false)",
    "csv": f"read_csv($paths, {DIALECT}, {BYTES_ALONE}, columns=$columns)",
    "json": f"read_json($paths, {BYTES_ALONE}, ignore_errors=false, records='true', "
    "columns=$columns)",
    # For a query, which may look into what is nested. Types are those of all rows.
    "json with types": f"read_json($paths, {BYTES_ALONE}, ignore_errors=false, sample_size=-1, "
    "maximum_depth=-1, field_appearance_threshold=0, map_inference_threshold=-1, "
    "convert_strings_to_integers=false)",
    "json as objects": f"read_json_objects($paths, {BYTES_ALONE}, ignore_errors=false)",
}
"""CSV and JSON are read as texts, as they stand there: what they mean is not the reader's business.

All that a reader would decide by itself is written out.
"""

VALUE_BYTES, BLOCK_BYTES = 16, 2**18
"""What a value of a loaded table takes, about, and what a column does at least."""


def load_files(
    connection: duckdb.DuckDBPyConnection,
    data: str,
    paths: list[str],
    *,
    in_place: bool,
    query: bool,
) -> Table:
    """The files as a table, whose rows are the table or view `rows`; for a query, with types."""
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
            check_text(path, LONGEST_LINE if kind == "csv" else None)
    if kind == "csv":
        return _load_csv(connection, data, paths, in_place=in_place)
    try:
        if kind == "parquet":
            return _load_parquet(connection, data, paths)
        return _load_json(connection, data, paths, in_place=in_place, types=query)
    except duckdb.Error as error:
        line = bad_json(paths) if kind == "json" else None
        raise as_error(connection, error, line or explained(error, data)) from error


def _format(path: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = FORMATS.get(suffixes[-1] if suffixes else "")
    if kind is None:
        raise InputError(
            f"{path} does not end in a known format; expected {listed(FORMATS)}, "
            "or one of the text formats with .gz behind."
        )
    return kind


def _load_parquet(connection: duckdb.DuckDBPyConnection, data: str, paths: list[str]) -> Table:
    """A view of the files. Where their types differ, the column is of texts, which lose nothing."""
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
        cells = [_as_text(quote(name), columns[name]) if name in differing else quote(name)
                 for name in names]  # fmt: skip
        parts.append(f"SELECT {', '.join(cells)} FROM {reader}")
        parameters[f"path{i}"] = _literally([path])
    del parameters["paths"]
    _load(connection, f"({' UNION ALL '.join(parts)})", parameters, names, in_place=not loaded)
    return Table(connection, in_files, data)


def _as_text(cell: str, kind: str) -> str:
    """SQL for a value as a text that means the same."""
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
    table = Table(connection, names, data, as_text=True)
    if all(path.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")) for path in paths):
        table.placed_by(partial(place_of, paths, None, len(names)))
    return table


def _json_names(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> list[str]:
    """The keys of all objects, those of the first one first; each file has the same ones."""
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
                f"{path} holds no JSON objects; expected one a row, the columns' names as its keys."
            )
        _check_same_names(path, found[-1], paths[0], found[0])
    return found[0]


def _described(connection: duckdb.DuckDBPyConnection, reader: str, path: str) -> dict[str, str]:
    """The columns that the reader finds in the file, and their types."""
    described = connection.execute(
        f"DESCRIBE SELECT * FROM {reader}", {"paths": _literally([path])}
    )
    return {str(name): str(kind) for name, kind, *_ in described.fetchall()}


def _check_same_families(paths: Sequence[str], found: Sequence[dict[str, str]]) -> None:
    """The columns of all files are of the same sort; what is nested, of the same type.

    A column that is missing throughout a file may be of another sort in the others.
    """
    first: dict[str, tuple[str, str]] = {}
    for path, columns in zip(paths, found, strict=True):
        for name, kind in columns.items():
            if kind == NULL_TYPE:
                continue
            family, (other, where) = family_of(kind), first.setdefault(name, (kind, path))
            if family != family_of(other) or (family == "other" and kind != other):
                raise InputError(
                    f"column '{name}' of {path} holds {kind} values, and that of {where} "
                    f"{other} values; expected one type in all files."
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
        raise as_error(connection, error, explained(error, paths[0], names)) from error
    table = Table(connection, names, data, as_text=True)
    table.placed_by(partial(place_of, paths, delimiter, len(names)))
    return table


def _literally(paths: Sequence[str]) -> list[str]:
    """Names of files as DuckDB takes them to the letter: no pattern, no home folder, no address."""
    return [as_utf8(glob.escape(_absolute(path))) for path in paths]


def _absolute(path: str) -> str:
    """The path; if DuckDB would read more into it, an absolute one."""
    return str(Path(path).absolute()) if re.search(r"~|^[A-Za-z][\w+.-]+:", path) else path


def _is_wide(connection: duckdb.DuckDBPyConnection, columns: int) -> bool:
    """Whether rows that could stay in their files are better loaded, and the memory allows it.

    They are asked for in groups of columns. On a view, each group of a text file reads all lines
    again, and each of a Parquet file binds all columns.
    """
    return columns > GROUP and columns * BLOCK_BYTES <= memory_allowed(connection) // 4


def _is_small(connection: duckdb.DuckDBPyConnection, paths: list[str], columns: int) -> bool:
    """Whether what Parquet files hold fits in a part of the memory."""
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
    """Make what is read the table or view `rows`, its columns called c0, c1, …"""
    selected = f"SELECT * FROM (SELECT * FROM {reader}) AS t({_positions(names)})"
    if not in_place:
        connection.execute(f"CREATE TABLE rows AS {selected}", parameters)
        return
    # A view takes no parameters: DuckDB writes them into it, as literals.
    connection.sql(selected, params=parameters).create_view("rows")


def in_files(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether `rows` are read from their files in each pass, and not loaded."""
    views = "SELECT 1 FROM duckdb_views() WHERE view_name = 'rows'"
    return bool(connection.execute(views).fetchall())


def _positions(names: Sequence[str]) -> str:
    return ",".join(f"c{i}" for i in range(len(names)))
