"""Reads tables: files of one format, globs and SQL queries, with DuckDB."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from time import perf_counter

from backhand.errors import InputError, MissingFileError
from backhand.support.logs import Log
from backhand.support.memory_budget import budget
from backhand.tables.cells.texts import sql_name
from backhand.tables.database.connection import connect, disconnect, duckdb, reporting_progress
from backhand.tables.database.duckdb_errors import first_line, to_error
from backhand.tables.database.query_guard import check_query
from backhand.tables.files.file_changes import FileSnapshots
from backhand.tables.files.kinds import ENDINGS, PACKED
from backhand.tables.files.streams import STANDARD_INPUT, is_address
from backhand.tables.reading.column_names import numbered
from backhand.tables.reading.formats import load_files
from backhand.tables.reading.options import AS_FOUND, ReadingOptions
from backhand.tables.reading.rows import in_files
from backhand.tables.reading.sources import prepare
from backhand.tables.schema.column_types import typed
from backhand.tables.table import Table

LOG = Log(__name__)


RESULT = "the query's result"
"""What messages call the rows of a query."""


def read_table(
    data: str | Path | None = None,
    query: str | None = None,
    *,
    format: str | None = None,  # noqa: A002 (the name that other libraries have)
    encoding: str | None = None,
    sheet: str | int | None = None,
    table: str | None = None,
    header: bool | None = None,
    memory: int | str | None = None,
    cache_dir: str | Path | None = None,
    once: bool = False,
    watch: Callable[[float], None] | None = None,
) -> Table:
    """Read a table; rows that do not fit in memory are stored on disk while it is used.

    Parquet files are read in place. Text files and the result of a query are loaded. Workbooks,
    databases, Arrow files, compressed files and text that is not UTF-8 are first copied, as plain
    files, into the folder for rows that do not fit in memory. The columns of text files, workbooks
    and databases are texts; in a query they have the types that all their rows allow.

    Parameters
    ----------
    data : path, glob, address or "-", optional
        CSV (.csv, .tsv), JSON (.json, .jsonl, .ndjson), Parquet (.parquet, .pq), a workbook (.xlsx,
        .xls, .xlsb, .ods), Arrow (.feather, .arrow) or SQLite (.sqlite, .db), each also compressed
        (.gz, .bz2, .xz, .zst, or one table in a .zip file); "-" is standard input, and
        `https://…` is downloaded. With another ending, the format is found from the first bytes.
        The files of a glob have one format, and are read in the order of their names.
    query : str, optional
        A SELECT statement in DuckDB's SQL, in which the table `data` has the rows of the files.
        Files that the query names itself, in quotes, are read by DuckDB's rules.
    format : {"csv", "tsv", "json", "jsonl", "parquet", "excel", "arrow", "sqlite"}, optional
        The format, whatever the ending of the name.
    encoding : str, optional
        The encoding of a text file, such as "cp1252"; by default UTF-8, or what its byte order mark
        states.
    sheet : str or int, optional
        The sheet of a workbook, by its name or its number from 1; by default the first that is not
        empty.
    table : str, optional
        The table of a database; it need not be named if there is only one.
    header : bool, optional
        Whether the first line of a CSV file or sheet has the names of the columns. By default it
        has, with title lines above it left out, and it is an error if it looks like data. If False,
        the columns are called column1, column2, ….
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
        To be passed to `fit` or `Model.predict`, and closed afterwards.

    Raises
    ------
    MissingFileError
        If no file has that name.
    InputError
        If it cannot be read as a table, has no rows, or the query is not one SELECT.
    MissingDependencyError
        If the library that reads the format is not installed.
    OutputError
        If the disk is full.

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
    options = ReadingOptions(
        format, encoding, str(sheet) if isinstance(sheet, int) else sheet, table, header
    )
    if data is None and options != AS_FOUND:
        raise InputError(
            "format, encoding, sheet, table and header are those of a file; name one, or state "
            "them in the query."
        )
    began = perf_counter()
    connection = connect(budget(memory), cache_dir, 0.75 if once else 0.5)
    try:
        with reporting_progress(connection, watch):
            found = _loaded(connection, None if data is None else str(data), query, options, once)
        if found.empty:
            raise InputError(
                f"{found.source} has column names but no rows; expected at least one row."
            )
    except BaseException:
        disconnect(connection)
        raise
    LOG.info("%s: %d columns, %.2f s", found.source, len(found.names), perf_counter() - began)
    return found


def _loaded(
    connection: duckdb.DuckDBPyConnection,
    data: str | None,
    query: str | None,
    options: ReadingOptions,
    once: bool,
) -> Table:
    """Load files, or the result of a query, or that of a query of files."""
    if data is None:
        return _load_query(connection, query or "", None)
    paths = expand(data)
    files, source = FileSnapshots(paths), STANDARD_INPUT if data == "-" else data
    with files.unchanged():
        sources = [prepare(connection, path, options) for path in paths]
        table = load_files(
            connection, source, sources, options.header, in_place=once, query=query is not None
        )
        table.remarks = [told for each in sources for told in each.remarks] + table.remarks
        if query is not None:
            return _load_query(connection, query, table)
    table.read_from(files, again=in_files(connection))
    return table


def _load_query(connection: duckdb.DuckDBPyConnection, query: str, table: Table | None) -> Table:
    """Run the user's query into the table `rows`.

    `table` is the present content of `rows`, if there is any: in the query it is called `data`.
    """
    if table is not None:
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
        by_place = ", ".join(f"#{i + 1} AS c{i}" for i in range(len(found)))
        result.select(by_place).create("selected")
    except duckdb.Error as error:
        raise to_error(connection, error, f"the query failed: {first_line(error)}") from error
    if table is not None:
        connection.execute("DROP VIEW data")
        connection.execute(f"DROP {'VIEW' if in_files(connection) else 'TABLE'} rows")
    connection.execute("ALTER TABLE selected RENAME TO rows")
    names, remarks = numbered(found, RESULT)
    selected = Table(connection, names, RESULT)
    selected.remarks = (table.remarks if table is not None else []) + remarks
    return selected


def expand(data: str) -> list[str]:
    """Return the files that a path or glob names; an address and "-" as they are.

    Raises
    ------
    MissingFileError
        If there is none.
    InputError
        If it is a folder.
    """
    if not data.strip():
        raise InputError("the name of the table's file is empty.")
    if data == "-" or is_address(data):
        return [data]
    if Path(data).is_dir():
        ending = _ending_in(Path(data)) or ".csv"
        raise InputError(
            f"{data} is a folder; name a file in it, or a glob such as '{Path(data)}/*{ending}'."
        )
    if Path(data).exists():
        return [data]
    found = glob.glob(data, recursive=True)  # noqa: PTH207 (pathlib takes no absolute patterns)
    paths = sorted(path for path in found if Path(path).is_file())
    if not paths:
        folder = Path(data).parent
        where = f" in {folder.resolve()}" if folder.is_dir() else ""
        ending = _ending_in(folder) if set("*?[") & set(Path(data).name) else ""
        there = f"; there are files that end in {ending}" if ending else ""
        raise MissingFileError(f"{data} does not exist{where}{there}.")
    return paths


def _ending_in(folder: Path) -> str:
    """The ending of a table that most files in a folder have; empty if it has no table."""
    try:
        endings = Counter(path.suffix for path in folder.iterdir())
    except OSError:
        return ""
    known = ENDINGS.keys() | PACKED.keys()
    return next((ending for ending, _ in endings.most_common() if ending.lower() in known), "")
