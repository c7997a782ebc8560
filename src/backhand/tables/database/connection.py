"""DuckDB connections: how much memory they use, where they spill, and how far a statement is."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from backhand.errors import InputError, OutputError
from backhand.support import system
from backhand.support.logs import Log
from backhand.support.memory_budget import format_size
from backhand.support.optional import extra
from backhand.support.signals import signals_held
from backhand.support.trusted_folders import check_parent, guarded, temporary

LOG = Log(__name__)


for name in ("duckdb", "arro3.core"):
    extra(name, "reading tables")
with signals_held():  # DuckDB aborts the process if it is interrupted while it is imported
    import arro3.core as arro3
    import duckdb

__all__ = [
    "arro3", "as_utf8", "connect", "cursor_of", "disconnect", "duckdb", "has_rooms",
    "interrupt_rooms", "reporting_progress", "room_in",
]  # fmt: skip
"""DuckDB and arro3 are imported here alone, guarded; other modules import them from here."""

THREAD_BYTES = 128_000_000
"""Bytes of memory for each DuckDB thread, which holds a row group or two."""


def as_utf8(path: str | Path) -> str:
    """Return a path in UTF-8, as DuckDB reads it, whatever the locale made of its bytes.

    Raises
    ------
    InputError
        If its bytes are not UTF-8.
    """
    try:
        return os.fsencode(path).decode("utf-8")
    except UnicodeError as error:
        raise InputError(f"{path} cannot be used: its name is not UTF-8; rename it.") from error


def connect(
    memory: int, cache_dir: str | Path | None, share: float = 0.5
) -> duckdb.DuckDBPyConnection:
    """Open a database in memory, which spills what does not fit into a folder.

    Parameters
    ----------
    memory : int
        Bytes that the database and its readers may use together. The macro `memory_allowed`, which
        every cursor has, returns it.
    cache_dir : path, optional
        Where the spill folder is created; by default in the system's folder for temporary files.
    share : float
        The part of `memory` that DuckDB uses.

    Returns
    -------
    duckdb connection
        `disconnect` closes it.

    Raises
    ------
    InputError
        If other users could replace what is created in `cache_dir`, or its name is not UTF-8.
    OutputError
        If no folder can be created there.
    """
    spilling = ExitStack()
    folder = _spill_folder(cache_dir, spilling)
    try:
        connection = duckdb.connect(config={
            "autoinstall_known_extensions": False,
            "memory_limit": f"{int(memory * share)}B",
            "temp_directory": as_utf8(folder),
        })  # fmt: skip
    except BaseException:
        spilling.close()
        raise
    _ends[connection] = weakref.finalize(connection, spilling.close)
    with suppress(duckdb.InvalidInputException):  # in a notebook without ipywidgets: no bar there
        connection.execute("SET enable_progress_bar = false")
    cores = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    threads = max(1, min(cores, memory // THREAD_BYTES))
    connection.execute(f"SET threads = {threads}")
    LOG.debug("DuckDB: %s of %s of memory, %d threads, spills to %s", format_size(memory * share),
              format_size(memory), threads, folder)  # fmt: skip
    connection.execute(f"CREATE MACRO memory_allowed() AS {memory}")
    # A table name in a query is never a variable of this program.
    connection.execute("SET python_enable_replacements = false")
    # Times mean the same on every machine; GLOBAL, since a cursor has its own settings.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


_ends: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, weakref.finalize[..., Any]]
_ends = weakref.WeakKeyDictionary()
"""Removes the spill folder of each connection: called by `disconnect`, or when the connection or
the process ends."""


def cursor_of(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return another connection to the same database, which finds the same `rows`."""
    made = connection.cursor()
    if room := _rooms.get(connection):
        _rooms[made] = room
        made.execute(f"SET search_path = '{room.schema},main'")
    return made


def room_in(connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyConnection:
    """Return a connection to the same database with `rows` of its own, in a schema of that name.

    Its memory, threads and spill folder are those of the database. `disconnect` removes the schema.
    """
    made = connection.cursor()
    made.execute(f"CREATE SCHEMA {name}")
    _rooms[made] = _Room(connection, name)
    made.execute(f"SET search_path = '{name},main'")
    _ends[made] = weakref.finalize(made, _drop, connection, name)
    _ends[made].atexit = False
    return made


def interrupt_rooms(database: duckdb.DuckDBPyConnection) -> None:
    """End the queries of all rooms in a database; they raise an error in their threads."""
    for connection, room in list(_rooms.items()):
        if room.database is database:
            with suppress(duckdb.Error):  # it is closed
                connection.interrupt()


def has_rooms(database: duckdb.DuckDBPyConnection) -> bool:
    """Whether a database has a room that has not been disconnected."""
    sql = "SELECT 1 FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'main' LIMIT 1"
    return bool(database.cursor().execute(sql).fetchall())


def _drop(database: duckdb.DuckDBPyConnection, schema: str) -> None:
    with suppress(duckdb.Error):  # the database is closed
        database.cursor().execute(f"DROP SCHEMA {schema} CASCADE")


class _Room(NamedTuple):
    database: duckdb.DuckDBPyConnection
    schema: str


_rooms: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, _Room] = weakref.WeakKeyDictionary()
"""The room of each connection that `room_in` made, and of their cursors."""


def disconnect(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection, and remove what it wrote to disk."""
    connection.close()
    if end := _ends.pop(connection, None):
        end()


def _spill_folder(cache_dir: str | Path | None, stack: ExitStack) -> Path:
    """Create a folder for rows that do not fit in memory; the stack removes it.

    The rows may be private, so only the owner can read them. They are removed when the process
    ends, however it ends: at the latest by the next process that uses the parent folder.
    """
    parent = Path(tempfile.gettempdir() if cache_dir is None else cache_dir).resolve()
    try:
        check_parent(parent, "the cache folder")
        folder = stack.enter_context(temporary(parent, "spill"))
        stack.enter_context(guarded(folder))
    except OSError as error:
        stack.close()
        raise OutputError(
            f"the cache folder {parent} cannot be used: {error.strerror or error}. Name another "
            "one with --cache-dir (cache_dir)."
        ) from error
    system.files.for_owner_only(folder)  # whatever umask and DuckDB set
    return folder


@contextmanager
def reporting_progress(
    connection: duckdb.DuckDBPyConnection, on_progress: Callable[[float], None] | None
) -> Iterator[None]:
    """While the context lasts, call a function with the share of the statement that is done."""
    if on_progress is None:
        yield
        return
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(0.1):
            percent = connection.query_progress()
            if percent >= 0:
                on_progress(percent / 100)

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()
        connection.execute("SET enable_progress_bar = false")
