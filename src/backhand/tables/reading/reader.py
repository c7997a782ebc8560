"""Reading tables: files of one format, globs and SQL, with DuckDB."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path

from backhand.errors import InputError, MissingFileError
from backhand.support.memory_budget import budget
from backhand.tables.database.connection import connect, duckdb, telling
from backhand.tables.database.duckdb_errors import as_error, first_line
from backhand.tables.database.query_guard import check_query
from backhand.tables.files.file_changes import Files
from backhand.tables.reading.csv_header import check_names
from backhand.tables.reading.formats import in_files, load_files
from backhand.tables.schema.column_types import typed
from backhand.tables.table import Table, quote


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
            table = load_files(
                connection, source, expand(source), in_place=once, query=query is not None
            )
        if query is not None:
            names = _load_query(connection, query, None if data is None else table)
            table = Table(connection, names, "the query's result")
    if query is None:
        table.read_from(files, again=in_files(connection))
    check_names(table.names, table.source)
    if table.empty:
        raise InputError(
            f"{table.source} has column names but no rows; a table needs at least one."
        )
    return table


def _load_query(
    connection: duckdb.DuckDBPyConnection, query: str, table: Table | None
) -> list[str]:
    """Run the user's query into the table `rows`; the names of its columns.

    `table` is what `rows` has so far, if anything: the query knows it as `data`.
    """
    if table is not None:
        check_names(table.names, table.source)
        cells = typed(table) if table.as_text else [f"c{i}" for i in range(len(table.names))]
        named = [f"{c} AS {quote(name)}" for c, name in zip(cells, table.names, strict=True)]
        connection.execute(f"CREATE VIEW data AS SELECT {', '.join(named)} FROM rows")
    try:  # in the C locale Python does not decode an argument's bytes
        query = query.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError as error:
        raise InputError("the query is not UTF-8 text.") from error
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
        connection.execute(f"DROP {'VIEW' if in_files(connection) else 'TABLE'} rows")
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
