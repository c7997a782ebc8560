"""A DuckDB of our own: how much it may use, where it spills, and how far it is."""

from __future__ import annotations

import os
import struct
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from backhand.errors import InputError, OutputError
from backhand.support.optional import extra
from backhand.support.signals import signals_held
from backhand.support.trusted_folders import check_parent, guarded, temporary

for module in ("duckdb", "pyarrow"):
    extra(module)
with signals_held():
    # The first aborts the process if it is interrupted here. The other it imports itself, when it
    # first hands out rows, and an interrupt is lost there.
    import duckdb
    import pyarrow
    import pyarrow.dataset

__all__ = ["as_utf8", "connect", "disconnect", "duckdb", "pyarrow", "telling"]
"""DuckDB and Arrow are imported here alone, guarded; other modules import them from here."""

THREAD_BYTES = 128_000_000
"""Memory for each thread of DuckDB's: it holds a row group or two of its own."""


def as_utf8(path: str | Path) -> str:
    """A path as DuckDB takes it, in UTF-8, whatever the locale made of its bytes.

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
    """A database of our own, in memory, that puts what does not fit into a folder.

    It uses that share of the memory itself. How much there is in all stands in the macro
    `memory_allowed`, which every cursor knows. `disconnect` ends it.

    Raises
    ------
    InputError
        If others could exchange what is made in `cache_dir`, or its name is not UTF-8.
    OutputError
        If nothing can be made there.
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
    connection.execute(f"SET threads = {max(1, min(cores, memory // THREAD_BYTES))}")
    connection.execute(f"CREATE MACRO memory_allowed() AS {memory}")
    # A table name in a query is never a variable of this program.
    connection.execute("SET python_enable_replacements = false")
    # Times mean the same on every machine; GLOBAL, since a cursor has settings of its own.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


_ends: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, weakref.finalize[..., Any]]
_ends = weakref.WeakKeyDictionary()
"""What removes the folder of each connection: called by `disconnect`, or with the connection's or
the process's end."""


def disconnect(connection: duckdb.DuckDBPyConnection) -> None:
    """Close it, and remove what it has put on the disk."""
    connection.close()
    if end := _ends.pop(connection, None):
        end()


def _spill_folder(cache_dir: str | Path | None, stack: ExitStack) -> Path:
    """A folder for rows that memory has no room for; the stack removes it.

    They may be private, so nobody else may read them, and they are gone when the process ends,
    however it does: at the latest another one sees to it.
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
    with suppress(OSError, AttributeError):  # the folder keeps others out even without it
        os.setxattr(folder, "system.posix_acl_default", OWNER_ALONE)
    return folder


OWNER_ALONE = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, permissions, 0xFFFF_FFFF)
    for tag, permissions in ((1, 6), (4, 0), (32, 0))
)
"""A default access list of Linux's (linux/posix_acl_xattr.h): what is made in a folder may be read
and written by its owner, and by nobody else, whatever the umask and DuckDB say."""


@contextmanager
def telling(
    connection: duckdb.DuckDBPyConnection, watch: Callable[[float], None] | None
) -> Iterator[None]:
    """While the context lasts, tell how far the connection's statement is."""
    if watch is None:
        yield
        return
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(0.1):
            percent = connection.query_progress()
            if percent >= 0:
                watch(percent / 100)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
        connection.execute("SET enable_progress_bar = false")
