"""Reads tables: files of one format, globs and SQL queries, with DuckDB."""

from __future__ import annotations

import glob
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from backhand.errors import InputError, MissingFileError
from backhand.support.memory_budget import budget
from backhand.tables.cells.texts import sql_name
from backhand.tables.database.connection import connect, duckdb, reporting_progress
from backhand.tables.database.duckdb_errors import first_line, to_error
from backhand.tables.database.query_guard import check_query
from backhand.tables.files.file_changes import FileSnapshots
from backhand.tables.reading.csv_header import check_names
from backhand.tables.reading.formats import in_files, load_files
from backhand.tables.schema.column_types import typed
from backhand.tables.table import Table


def read_table(
    data: str | Path | None = None,
    query: str | None = None,
    *,
    memory: int | str | None = None,
    cache_dir: str | Path | None = None,
    once: bool = False,
    watch: Callable[[float], None] | None = None,
) -> Table:
    """Read a table; rows that do not fit in memory are stored on disk while it is used.

    Parquet files are read in place. CSV, JSON and the result of a query are loaded. The columns of
    CSV and JSON are texts; in a query they have the types that all their rows allow.

    Parameters
    ----------
    data : path or glob, optional
        Files ending in .csv, .tsv, .jsonl, .ndjson, .json or .parquet, or in a text format followed
        by .gz. The files of a glob have one format, and are read in the order of their names.
    query : str, optional
        A SELECT statement in DuckDB's SQL, in which the table `data` has the rows of the files.
        Files that the query names itself, in quotes, are read by DuckDB's rules.
    memory : int or str, optional
        Maximum memory in bytes, or a size such as "512MB"; by default half of the free memory.
        DuckDB uses half of it, and three quarters with `once`, as no matrix is stored then.
    cache_dir : path, optional
        Where to store rows that do not fit; by default the system's folder for temporary files.
    once : bool
        The rows will be read only once: CSV and JSON files are read in place, too.
    watch : callable, optional
        Called several times per second with the fraction of the rows that is loaded, from another
        thread.

    Returns
    -------
    Table

    Raises
    ------
    MissingFileError
        If no file has that name.
    InputError
        If it cannot be read as a table, has no rows, or the query is not one SELECT.

    Examples
    --------
    >>> import backhand
    >>> backhand.read_table(query="SELECT range AS x, x % 2 = 0 AS even FROM range(10)")
    Table of the query's result: 10 rows, 2 columns
    """
    if data is None and query is None:
        raise InputError("no input: give a file or a query (--query).")
    if not isinstance(data, str | PathLike | None):
        raise InputError(
            f"data is a {type(data).__name__}; expected the name of a file or a glob. A "
            "data frame can be passed to `Model.predict`."
        )
    connection = connect(budget(memory), cache_dir, 0.75 if once else 0.5)
    source = str(data)
    files = FileSnapshots([] if data is None else expand(source))
    with files.unchanged(), reporting_progress(connection, watch):
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
        raise InputError(f"{table.source} has column names but no rows; expected at least one row.")
    return table


def _load_query(
    connection: duckdb.DuckDBPyConnection, query: str, table: Table | None
) -> list[str]:
    """Run the user's query into the table `rows`, and return the names of its columns.

    `table` is the present content of `rows`, if there is any: in the query it is called `data`.
    """
    if table is not None:
        check_names(table.names, table.source)
        cells = typed(table) if table.as_text else [f"c{i}" for i in range(len(table.names))]
        named = [f"{c} AS {sql_name(name)}" for c, name in zip(cells, table.names, strict=True)]
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
        raise to_error(connection, error, f"the query failed: {first_line(error)}") from error
    if table is not None:
        connection.execute("DROP VIEW data")
        connection.execute(f"DROP {'VIEW' if in_files(connection) else 'TABLE'} rows")
    connection.execute("ALTER TABLE selected RENAME TO rows")
    return found


def expand(data: str) -> list[str]:
    """Return the files that a path or glob names.

    Raises
    ------
    MissingFileError
        If there is none.
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
        where = f" in {folder.resolve()}" if folder.is_dir() else ""
        raise MissingFileError(f"{data} does not exist{where}.")
    return paths
