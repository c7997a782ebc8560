"""Turns each file that the user names into one that DuckDB reads, step by step.

What DuckDB cannot read in place is copied into the connection's folder: received from a pipe or an
address, unpacked, decoded, or converted, until it is plain UTF-8 text or Parquet. The folder is
removed with the connection.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from backhand.errors import BackhandError, InputError
from backhand.tables.database.connection import duckdb
from backhand.tables.database.duckdb_errors import memory_allowed, spill_folder
from backhand.tables.files import encodings, kinds
from backhand.tables.files.arrow_files import arrow_as_parquet
from backhand.tables.files.copies import new_path
from backhand.tables.files.databases import table_as_csv
from backhand.tables.files.packed_files import unpack
from backhand.tables.files.source import TEXTS, Source
from backhand.tables.files.streams import is_stream, receive
from backhand.tables.files.text_files import MAX_CSV_ROW, check_text, is_gzip
from backhand.tables.files.workbooks import sheet_as_csv
from backhand.tables.reading.options import ReadingOptions

MOST_LAYERS = 5
"""Compressed files inside each other, at most: a file can hold itself, without an end."""

Made = TypeVar("Made")


class _Copies:
    """The file that is read, and its copies, of which the last one is kept."""

    def __init__(self, path: str, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._named, self._connection = path, connection

    def make(self, write: Callable[[str], Made]) -> Made:
        """Go on with a new file, which a function writes, given its path."""
        copy = new_path(spill_folder(self._connection))
        made = write(copy)
        if self.path != self._named:
            with suppress(OSError):
                Path(self.path).unlink()
        self.path = copy
        return made


def prepare(connection: duckdb.DuckDBPyConnection, path: str, options: ReadingOptions) -> Source:
    """Return the file that DuckDB reads for a file, a pipe or an address.

    Raises
    ------
    InputError
        If it cannot be read: damaged, of another format than stated, or of no known one.
    OutputError
        If there is no room for a copy.
    """
    try:
        return _prepared(connection, path, options)
    except BackhandError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _prepared(connection: duckdb.DuckDBPyConnection, path: str, options: ReadingOptions) -> Source:
    stated = kinds.stated_format(options.format)
    encoding = encodings.stated_encoding(options.encoding)
    copies, name, inside = _Copies(path, connection), path, path
    if is_stream(path):
        name, inside = copies.make(lambda copy: receive(path, copy))
    _check_not_empty(name, copies.path)
    told: str | None
    if encoding is None and _stays_packed(copies.path, stated):
        kind, told = stated or kinds.format_by_name(path) or "csv", None
    else:
        inside = _unpack(name, inside, stated, copies)
        kind, told = kinds.format_of(name, inside, copies.path, stated)
    _check_options(name, kind, options)
    also = _make_plain(connection, name, kind, encoding, options, copies)
    return Source(name, copies.path, kind, tuple(said for said in (told, also) if said))


def _stays_packed(path: str, stated: str | None) -> bool:
    """Return whether DuckDB reads a .gz file itself: it does if it is UTF-8 text."""
    inside = path[: -len(".gz")]
    if not is_gzip(path) or kinds.packing_by_name(inside) is not None:
        return False
    if (stated or kinds.format_by_name(inside)) not in TEXTS:
        return False
    try:
        return encodings.marked_encoding(path) is None
    except (OSError, EOFError, zlib.error):  # damaged; told when it is read
        return True


def _unpack(name: str, inside: str, stated: str | None, copies: _Copies) -> str:
    """Unpack a file until it is not compressed; return the name whose ending says its format."""
    for _ in range(MOST_LAYERS):
        with Path(copies.path).open("rb") as file:
            packing = kinds.packing_of(file.read(kinds.HEAD))
        expected = kinds.packing_by_name(inside)
        if packing is None and expected is not None:
            raise InputError(f"{name} is damaged, or not a {expected} file.")
        if packing is None or (packing == "zip" and kinds.is_workbook(copies.path)):
            return inside
        if expected is None and (stated or kinds.format_by_name(inside) or "csv") not in TEXTS:
            return inside  # format_of tells what it is not
        held, path = inside, copies.path
        inside = copies.make(lambda copy: unpack(name, path, packing, held, copy))  # noqa: B023
        _check_not_empty(name, copies.path)
    raise InputError(f"{name} is compressed more than {MOST_LAYERS} times; unpack it first.")


def _make_plain(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    kind: str,
    encoding: str | None,
    options: ReadingOptions,
    copies: _Copies,
) -> str | None:
    """Convert a file that DuckDB does not read; return what a person should be told of it."""
    path = copies.path
    if kind == "excel":
        memory = memory_allowed(connection)
        return copies.make(lambda copy: sheet_as_csv(name, path, options.sheet, memory, copy))
    if kind == "sqlite":
        return copies.make(lambda copy: table_as_csv(name, path, options.table, copy))
    if kind == "arrow":
        memory = memory_allowed(connection)
        return copies.make(lambda copy: arrow_as_parquet(name, path, memory, copy))
    if kind in TEXTS and not is_gzip(path):
        encoding = encoding or encodings.marked_encoding(path)
        if encoding is not None:
            copies.make(lambda copy: encodings.decode(name, path, encoding, copy))
    text, lines = copies.path, kind in ("csv", "tsv")
    if not lines and not is_gzip(text):
        return None
    mixed = check_text(name, text, MAX_CSV_ROW if lines else None)
    if mixed and lines:
        copies.make(lambda copy: encodings.with_one_line_end(text, copy))
    return None


def _check_not_empty(name: str, path: str) -> None:
    if Path(path).stat().st_size == 0:
        raise InputError(f"{name} is empty; a table needs column names and rows.")


def _check_options(name: str, kind: str, options: ReadingOptions) -> None:
    """Check that the user states nothing that the format does not have."""
    stated = {
        "sheet": (options.sheet, ("excel",), "a workbook"),
        "table": (options.table, ("sqlite",), "an SQLite database"),
        "encoding": (options.encoding, TEXTS, "text"),
        "header": (options.header, ("csv", "tsv", "excel"), "CSV and workbooks"),
    }
    for option, (value, formats, what) in stated.items():
        if value is not None and kind not in formats:
            raise InputError(
                f"{option} (--{option}) is for {what}; {name} is {kinds.CALLED[kind]}."
            )
