"""Tables of SQLite databases, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from backhand.errors import InputError, listed, shortened
from backhand.support.optional import extra
from backhand.tables.files.copies import new_copy

if TYPE_CHECKING:
    import sqlite3

ROWS = 1000
"""Rows that are read and written at a time."""


def table_as_csv(name: str, path: str, table: str | None, copy: str) -> None:
    """Write a table or view to a new CSV file, in the order of its rows.

    Raises
    ------
    InputError
        If it cannot be read, or the database has several tables, none, or not the named one.
    OutputError
        If the disk is full.
    """
    sqlite3 = extra("sqlite3", "reading SQLite databases")  # some builds of Python do not have it
    try:
        with closing(sqlite3.connect(_address(path), uri=True)) as database:
            database.execute("PRAGMA query_only = true")
            database.execute("PRAGMA trusted_schema = false")
            database.text_factory = lambda text: text.decode("utf-8", "replace")
            chosen = _chosen(name, database, table)
            found = database.execute(f'SELECT * FROM "{chosen.replace(chr(34), chr(34) * 2)}"')
            declared = _declared(database, chosen)
            logical = [declared.get(column[0]) in ("BOOL", "BOOLEAN")
                       for column in found.description]  # fmt: skip
            _write(found, logical, copy)
    except sqlite3.Error as error:
        raise InputError(
            f"{name} cannot be read as an SQLite database: {shortened(str(error))}."
        ) from error


def _address(path: str) -> str:
    """The address to read a database by, without a change to it or beside it.

    A file without a journal is read as one that does not change; whether it changes is checked.
    """
    absolute = Path(path).absolute()
    journals = (Path(f"{absolute}{ending}") for ending in ("-wal", "-journal"))
    alone = not any(journal.exists() and journal.stat().st_size for journal in journals)
    return f"file:{quote(str(absolute))}?mode=ro{'&immutable=1' if alone else ''}"


def _chosen(name: str, database: sqlite3.Connection, table: str | None) -> str:
    kinds: dict[str, str] = dict(database.execute(
        "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ))  # fmt: skip
    tables = [known for known, kind in kinds.items() if kind == "table"] or list(kinds)
    if table is not None:
        if table not in kinds:
            raise InputError(f"{name} has no table '{table}'; its tables are {listed(kinds, 20)}.")
        return table
    if not tables:
        raise InputError(f"{name} is a database without tables.")
    if len(tables) > 1:
        raise InputError(
            f"{name} has the tables {listed(tables, 20)}; name the one to read with --table "
            "(table)."
        )
    return tables[0]


def _declared(database: sqlite3.Connection, table: str) -> dict[str, str]:
    """The types of the columns as the database declares them; its values may be of others."""
    rows = database.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {str(column): str(kind).upper() for column, kind in rows}


def _write(rows: sqlite3.Cursor, logical: list[bool], copy: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column[0] for column in rows.description])
    with new_copy(copy) as file:
        while some := rows.fetchmany(ROWS):
            writer.writerows(_spelled(row, logical) for row in some)
            file.write(text.getvalue().encode("utf-8", "replace"))
            text.seek(0)
            text.truncate()
        file.write(text.getvalue().encode("utf-8", "replace"))


def _spelled(row: Iterable[object], logical: list[bool]) -> list[str]:
    """Values as a CSV file would spell them; 1 and 0 of a column declared as boolean as such."""
    return [
        ("true" if value else "false") if truth and value in (0, 1) else _text(value)
        for value, truth in zip(row, logical, strict=True)
    ]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
