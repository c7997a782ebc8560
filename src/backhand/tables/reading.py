"""Reading tables: CSV, TSV, JSON lines and Parquet files, plain or .gz, globs and SQL, with DuckDB.

What cannot be read raises `InputError` with the file and, where one line is to blame, the line.
"""

from __future__ import annotations

import csv
import glob
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from backhand.errors import InputError, MissingFileError, listed
from backhand.memory import budget
from backhand.tables.cells import spelled
from backhand.tables.connecting import connect, duckdb, telling
from backhand.tables.explaining import as_error, bad_json, explained, first_line, memory_allowed
from backhand.tables.lines import place_of
from backhand.tables.naming import names_in_files
from backhand.tables.querying import check_query
from backhand.tables.table import GROUP, Table, family_of, quote
from backhand.tables.texts import (
    LONGEST_LINE,
    Lines,
    check_text,
    cut_off,
    is_gzip,
    opened_as_text,
)
from backhand.tables.typed import typed
from backhand.tables.unchanged import Files

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json",
           ".parquet": "parquet", ".pq": "parquet"}  # fmt: skip

VALUE_BYTES, BLOCK_BYTES = 16, 2**18
"""What a value of a loaded table takes, about, and what a column does at least."""

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


def read_table(
    data: str | Path | None = None,
    query: str | None = None,
    *,
    memory: int | str | None = None,
    cache_dir: str | Path | None = None,
    once: bool = False,
    watch: Callable[[float], None] | None = None,
) -> Table:
    """Read a table; what is too large for memory lies on the disk while it is used.

    Parquet files are read where they are. CSV, JSON and the result of a query are loaded. What CSV
    and JSON hold are texts; a query sees them with the types that all their rows allow.

    Parameters
    ----------
    data : path or glob, optional
        Files ending in .csv, .tsv, .jsonl, .ndjson, .json or .parquet, or those with .gz behind;
        of a glob, all in one format, in the order of their names.
    query : str, optional
        A SELECT in DuckDB's SQL; in it, the rows of `data` are the table `data`. Files that it
        names itself, in quotes, are read by DuckDB's own rules.
    memory : int or str, optional
        Bytes to work with, or a size such as "512MB"; by default half of what is free. DuckDB uses
        half of it, and with `once` three quarters: then no matrix wants to lie beside it.
    cache_dir : path, optional
        Where to put what does not fit; by default the system's folder for temporary files.
    once : bool
        The rows will be gone through once: so CSV and JSON files are read in place, too.
    watch : callable, optional
        Is told, several times a second, what share of the rows is loaded, from another thread.

    Raises
    ------
    MissingFileError
        If nothing is there by that name.
    InputError
        If it cannot be read as a table, has no rows, or the query is not one SELECT.
    """
    if data is None and query is None:
        raise InputError("there is no table to read: name a file, or give a query.")
    connection = connect(budget(memory), cache_dir, 0.75 if once else 0.5)
    source = str(data)
    files = Files([] if data is None else expand(source))
    with files.unchanged(), telling(connection, watch):
        if data is not None:
            table = _load_files(connection, source, in_place=once, query=query is not None)
        if query is not None:
            names = _load_query(connection, query, None if data is None else table)
            table = Table(connection, names, "the query's result")
    if query is None:
        table.read_from(files, again=_in_files(connection))
    _check_names(table.names, table.source)
    if table.empty:
        raise InputError(
            f"{table.source} has column names but no rows; a table needs at least one."
        )
    return table


def _load_files(
    connection: duckdb.DuckDBPyConnection, data: str, *, in_place: bool, query: bool
) -> Table:
    """The files as a table, whose rows are the table or view `rows`; for a query, with types."""
    paths = expand(data)
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


def _load_parquet(connection: duckdb.DuckDBPyConnection, data: str, paths: list[str]) -> Table:
    """A view of the files. Where their types differ, the column is of texts, which lose nothing."""
    found = [_described(connection, READERS["parquet"], path) for path in paths]
    first, names = found[0], list(found[0])
    for path, columns in zip(paths[1:], found[1:], strict=True):
        _check_same_names(path, list(columns), paths[0], names)
        _check_same_families(path, columns, paths[0], first)
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


def _check_same_families(
    path: str, columns: dict[str, str], first: str, expected: dict[str, str]
) -> None:
    """The columns of two files are of the same sort; what is nested, of the same type."""
    for name, kind in columns.items():
        family, other = family_of(kind), expected[name]
        if family != family_of(other) or (family == "other" and kind != other):
            raise InputError(
                f"column '{name}' of {path} holds {kind} values, and that of {first} "
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
    delimiter, names = _read_header(paths[0])
    _check_names(names, paths[0])
    _check_headers_agree(paths, delimiter, names)
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
    return [glob.escape(_absolute(path)) for path in paths]


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


def _in_files(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether `rows` are read from their files in each pass, and not loaded."""
    views = "SELECT 1 FROM duckdb_views() WHERE view_name = 'rows'"
    return bool(connection.execute(views).fetchall())


def _load_query(
    connection: duckdb.DuckDBPyConnection, query: str, table: Table | None
) -> list[str]:
    """Run the user's query into the table `rows`; the names of its columns.

    `table` is what `rows` has so far, if anything: the query knows it as `data`.
    """
    if table is not None:
        _check_names(table.names, table.source)
        cells = typed(table) if table.as_text else [f"c{i}" for i in range(len(table.names))]
        named = [f"{c} AS {quote(name)}" for c, name in zip(cells, table.names, strict=True)]
        connection.execute(f"CREATE VIEW data AS SELECT {', '.join(named)} FROM rows")
    try:
        check_query(connection, query)
        result = connection.sql(query)
        found = list(result.columns)
        # Column names of a result need not be unique; by position they are.
        numbered = ", ".join(f"#{i + 1} AS c{i}" for i in range(len(found)))
        result.select(numbered).create("selected")
    except duckdb.Error as error:
        raise as_error(connection, error, f"the query failed: {first_line(error)}") from error
    if table is not None:
        connection.execute("DROP VIEW data")
        connection.execute(f"DROP {'VIEW' if _in_files(connection) else 'TABLE'} rows")
    connection.execute("ALTER TABLE selected RENAME TO rows")
    return found


def expand(data: str) -> list[str]:
    """The files that a path or glob names.

    Raises
    ------
    MissingFileError
        If there are none.
    InputError
        If it is a folder.
    """
    if not data.strip():
        raise InputError("the name of the table's file is empty.")
    if Path(data).is_dir():
        raise InputError(
            f"{data} is a folder; name a file in it, or a glob such as '{data}/*.csv'."
        )
    if Path(data).exists():
        return [data]
    found = glob.glob(data, recursive=True)  # noqa: PTH207 (pathlib takes no absolute patterns)
    paths = sorted(path for path in found if Path(path).is_file())
    if not paths:
        folder = Path(data).parent
        where = f"is no file in {folder.resolve()}" if folder.is_dir() else "does not exist"
        raise MissingFileError(
            f"{data}: there {where} by that name." if folder.is_dir() else f"{data} {where}."
        )
    return paths


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


def _read_header(path: str) -> tuple[str, list[str]]:
    """The delimiter and the column names of a CSV file, from its first line."""
    try:
        with opened_as_text(path) as file:
            delimiter = _delimiter(path, next(Lines[str](file, LONGEST_LINE), ""))
            file.seek(0)
            lines = Lines[str](file, LONGEST_LINE)
            names = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start} of its first part is "
            f"0x{error.object[error.start]:02x}); save it as UTF-8."
        ) from error
    except InputError as error:
        raise InputError(f"{path}, {error}; is it a table?") from error
    except EOFError as error:
        raise cut_off(path) from error
    except (OSError, csv.Error, zlib.error) as error:
        if "unexpected end of data" in str(error):
            raise InputError(
                f"{path}, line 1: a quote among the column names is opened and never closed."
            ) from error
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not any(name.strip() for name in names):
        raise InputError(f"{path} begins with an empty line; expected the column names.")
    if any("\0" in name for name in names):
        raise InputError(f"{path}, line 1: a column name holds a NUL byte; save the file as UTF-8.")
    return delimiter, [name or f"column{i}" for i, name in enumerate(names, 1)]


def _check_headers_agree(paths: list[str], delimiter: str, names: list[str]) -> None:
    """All files of a glob have the columns of the first, in its order."""
    for path in paths[1:]:
        if _read_header(path) != (delimiter, names):
            raise InputError(
                f"{path} does not have the columns of {paths[0]}: {listed(_read_header(path)[1])}; "
                f"expected {listed(names)}, in that order."
            )


def _delimiter(path: str, header: str) -> str:
    if ".tsv" in Path(path).suffixes:
        return "\t"
    unquoted = re.sub(r'"[^"]*"', "", header)
    counts = Counter({sign: unquoted.count(sign) for sign in ",;\t|"})
    return counts.most_common(1)[0][0]


def _check_names(names: list[str], source: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(
            f"{source} has several columns named {listed(twice)}; names must differ, "
            "because a model knows its columns by name."
        )


def _positions(names: Sequence[str]) -> str:
    return ",".join(f"c{i}" for i in range(len(names)))
