"""A DuckDB of our own: how much it may use, where it spills, and how far it is."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backhand.interrupts import interrupts_held

with interrupts_held():
    # The first aborts the process if it is interrupted here. The other it imports itself, when it
    # first hands out rows, and an interrupt is lost there.
    import duckdb
    import pyarrow.dataset  # noqa: F401

__all__ = ["connect", "duckdb", "telling"]

THREAD_BYTES = 128_000_000
"""Memory for each thread of DuckDB's: it holds a row group or two of its own."""


def connect(
    memory: int, cache_dir: str | Path | None, share: float = 0.5
) -> duckdb.DuckDBPyConnection:
    """A database of our own, in memory, that puts what does not fit into a folder.

    It uses that share of the memory itself. How much there is in all stands in the macro
    `memory_allowed`, which every cursor knows.
    """
    folder = Path(tempfile.gettempdir() if cache_dir is None else cache_dir)
    connection = duckdb.connect(config={
        "autoinstall_known_extensions": False,
        "memory_limit": f"{int(memory * share)}B",
        # Made when it is needed, and removed with the database.
        "temp_directory": str(folder / f"backhand-{os.getpid()}-{secrets.token_hex(4)}"),
    })  # fmt: skip
    connection.execute("SET enable_progress_bar = false")
    cores = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    connection.execute(f"SET threads = {max(1, min(cores, memory // THREAD_BYTES))}")
    connection.execute(f"CREATE MACRO memory_allowed() AS {memory}")
    # A table name in a query is never a variable of this program.
    connection.execute("SET python_enable_replacements = false")
    # Times mean the same on every machine; GLOBAL, since a cursor has settings of its own.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


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
