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
from backhand.tables.connecting import connect, duckdb, telling
from backhand.tables.explaining import as_error, bad_json, explained, first_line, memory_allowed
from backhand.tables.lines import place_of
from backhand.tables.naming import names_in_files
from backhand.tables.querying import check_query
from backhand.tables.table import GROUP, Original, Table, family_of, quote
from backhand.tables.texts import (
    LONGEST_LINE,
    Lines,
    check_text,
    cut_off,
    is_gzip,
    opened_as_text,
)
from backhand.tables.unchanged import Files

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json",
           ".parquet": "parquet", ".pq": "parquet"}  # fmt: skip
MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?"]
"""Texts that stand for a missing value in a CSV file."""

VALUE_BYTES, BLOCK_BYTES = 16, 2**18
"""What a value of a loaded table takes, about, and what a column does at least."""

CSV_TYPES = ["BIGINT", "DOUBLE", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR"]
"""Types of CSV columns. No BOOLEAN: DuckDB would turn the texts yes and no into true and false."""

DIALECT = (
    "header=true, skip=0, delim=$delim, quote='\"', escape='\"', comment='', buffer_size=4194304"
)
"""Of CSV: nothing is guessed. A reader that may skip lines to make sense of the rest would.

DuckDB's own buffers of 32 MB are no faster, and more than a small memory has room for.
"""

READERS = {
    "parquet": "read_parquet($paths)",
    "json": "read_json($paths)",
    # Nobody guesses whether 01/02 is in January: a date that is not ISO stays text.
    "csv": f"read_csv($paths, {DIALECT}, names=$names, nullstr=$missing, "
    "auto_type_candidates=$types, dateformat='%Y-%m-%d')",
    "csv as text": f"read_csv($paths, {DIALECT}, auto_detect=false, columns=$columns)",
}


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

    Parquet files are read where they are. CSV, JSON and the result of a query are loaded.

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
    names: list[str] = []
    original = None
    files = Files([] if data is None else expand(source))
    with files.unchanged(), telling(connection, watch):
        if data is not None:
            names, original = _load_files(connection, source, in_place=once and query is None)
        if query is not None:
            names, original = _load_query(connection, query, names), None
            source = "the query's result"
    _check_names(names, source)
    table = Table(connection, names, source, original)
    if data is not None and query is None:
        table.placed_by(_placing(source, len(names), original))
        table.read_from(files, again=_in_files(connection))
    if table.empty:
        raise InputError(f"{source} has column names but no rows; a table needs at least one.")
    return table


def _placing(data: str, columns: int, original: Original | None) -> Callable[[int], str | None]:
    """What tells in which line of which file a row stands, where there are lines."""
    paths = expand(data)
    if original is not None:
        return partial(place_of, paths, original.parameters["delim"], columns)
    if all(path.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")) for path in paths):
        return partial(place_of, paths, None, columns)
    return lambda _: None


def _load_files(
    connection: duckdb.DuckDBPyConnection, data: str, *, in_place: bool
) -> tuple[list[str], Original | None]:
    """Make the files the table or view `rows`; the names of its columns, and CSV's own text."""
    paths = expand(data)
    formats = {_format(path) for path in paths}
    if len(formats) > 1:
        raise InputError(
            f"{data} matches files of several formats ({listed(sorted(formats))}); expected one."
        )
    for path in paths:
        if Path(path).stat().st_size == 0:
            raise InputError(f"{path} is empty; a table needs column names and rows.")
    parameters: dict[str, Any] = {"paths": [glob.escape(path) for path in paths]}
    kind = formats.pop()
    for path in paths:
        if kind == "csv" or is_gzip(path):
            check_text(path, LONGEST_LINE if kind == "csv" else None)
    if kind == "csv":
        return _load_csv(connection, paths, parameters, in_place=in_place)
    try:
        _check_columns_agree(connection, READERS[kind], paths)
        names = list(_described(connection, READERS[kind], parameters["paths"]))
        names = names_in_files(connection, kind, parameters["paths"], names)
        if kind == "parquet":
            wide = _is_wide(connection, len(names))
            in_place = not (wide and _is_small(connection, parameters["paths"], len(names)))
        _load(connection, READERS[kind], parameters, names, in_place=in_place)
    except duckdb.Error as error:
        line = bad_json(paths) if kind == "json" else None
        raise as_error(connection, error, line or explained(error, data)) from error
    return names, None


def _described(
    connection: duckdb.DuckDBPyConnection, reader: str, paths: list[str]
) -> dict[str, str]:
    """The columns that the reader finds in the files, and their types."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {reader}", {"paths": paths})
    return {str(name): str(kind) for name, kind, *_ in described.fetchall()}


def _check_columns_agree(
    connection: duckdb.DuckDBPyConnection, reader: str, paths: list[str]
) -> None:
    """All files of a glob have the columns of the first, and of the same sort.

    DuckDB would leave out what only a later file has.
    """
    if len(paths) == 1:
        return
    first = _described(connection, reader, [glob.escape(paths[0])])
    for path in paths[1:]:
        other = _described(connection, reader, [glob.escape(path)])
        _check_same_names(path, list(other), paths[0], list(first))
        for name, kind in other.items():
            sorts = {family_of(kind), family_of(first[name])}
            if len(sorts) > 1 and reader == READERS["parquet"]:
                raise InputError(
                    f"column '{name}' of {path} holds {kind} values, and that of {paths[0]} "
                    f"{first[name]} values; expected one type in all files."
                )


def _check_same_names(path: str, names: list[str], first: str, expected: list[str]) -> None:
    if set(names) != set(expected):
        raise InputError(
            f"{path} does not have the columns of {first}: {listed(names)}; "
            f"expected {listed(expected)}."
        )


def _load_csv(
    connection: duckdb.DuckDBPyConnection,
    paths: list[str],
    parameters: dict[str, Any],
    *,
    in_place: bool,
) -> tuple[list[str], Original]:
    delimiter, names = _read_header(paths[0])
    _check_names(names, paths[0])
    _check_headers_agree(paths, delimiter, names)
    positions = _positions(names).split(",")
    parameters |= {"delim": delimiter}
    as_text = Original(
        READERS["csv as text"], parameters | {"columns": dict.fromkeys(positions, "VARCHAR")}
    )
    typed = {"names": positions, "missing": MISSING, "types": CSV_TYPES}
    try:
        _load(connection, READERS["csv"], parameters | typed, names, in_place=in_place)
    except duckdb.OutOfMemoryException as error:
        raise as_error(connection, error, "") from error
    except duckdb.Error as error:
        # Reading all as text gives a plainer error, if the shape of a line is to blame.
        try:
            _load(connection, as_text.reader, as_text.parameters, names, in_place=False)
        except duckdb.Error as plainer:
            raise as_error(connection, plainer, explained(plainer, paths[0], names)) from plainer
        raise as_error(connection, error, explained(error, paths[0], names)) from error
    return names, as_text


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
    if not in_place or (reader != READERS["parquet"] and _is_wide(connection, len(names))):
        connection.execute(f"CREATE TABLE rows AS {selected}", parameters)
        return
    # A view takes no parameters: DuckDB writes them into it, as literals.
    connection.sql(selected, params=parameters).create_view("rows")


def _in_files(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether `rows` are read from their files in each pass, and not loaded."""
    views = "SELECT 1 FROM duckdb_views() WHERE view_name = 'rows'"
    return bool(connection.execute(views).fetchall())


def _load_query(
    connection: duckdb.DuckDBPyConnection, query: str, names: Sequence[str]
) -> list[str]:
    """Run the user's query into the table `rows`; the names of its columns.

    `names` are those of the columns that `rows` has so far, if any: the query knows it as `data`.
    """
    if names:
        quoted = ", ".join(quote(name) for name in names)
        connection.execute(f"CREATE VIEW data AS SELECT * FROM rows AS t({quoted})")
    try:
        check_query(connection, query)
        result = connection.sql(query)
        found = list(result.columns)
        # Column names of a result need not be unique; by position they are.
        numbered = ", ".join(f"#{i + 1} AS c{i}" for i in range(len(found)))
        result.select(numbered).create("selected")
    except duckdb.Error as error:
        raise as_error(connection, error, f"the query failed: {first_line(error)}") from error
    if names:
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
