"""DuckDB's errors as sentences about the user's file."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backhand.errors import InputError, OutputError
from backhand.support.memory_budget import format_size
from backhand.tables.files.encodings import invalid_line, not_utf8
from backhand.tables.files.source import Source
from backhand.tables.files.text_files import (
    MAX_JSON_LINE,
    BoundedLines,
    open_bytes,
    truncated_gzip,
)

if TYPE_CHECKING:
    import duckdb


MAX_PARSED_LINE = 2**20
"""Maximum bytes of a line that is parsed for a message: Python needs twenty times its size."""


def explain(
    error: Exception, data: str, names: Sequence[str] = (), sources: Sequence[Source] = ()
) -> str:
    """Return what was wrong, and where: the file, and the line if DuckDB names one.

    `names` are those of the columns that are called c0, c1, … in DuckDB; `sources` are the files,
    of which a copy is called as the file that it is of.
    """
    text = str(error)
    for source in sources:
        if source.copied:
            text = text.replace(source.path, source.name)
    line = re.search(r"Line: (\d+)", text)
    file = re.search(r"^\s*file = (.+)$", text, re.MULTILINE)
    place = (file.group(1) if file else data) + (f", line {line.group(1)}" if line else "")
    if "not utf-8" in text.lower() or "invalid unicode" in text.lower():
        return not_utf8(place)
    if found := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        if int(found.group(2)) > int(found.group(1)):
            return (
                f"{place} has more values than the {found.group(1)} "
                f"column{'' if found.group(1) == '1' else 's'} that the first line names; fix that "
                "line, or name a table."
            )
        return (
            f"{place} has {found.group(2)} value{'' if found.group(2) == '1' else 's'} where the "
            f"first line names {found.group(1)} columns; fix that line."
        )
    if found := re.search(r"Unexpected end of GZIP stream: (.+)", text):
        return str(truncated_gzip(found.group(1)))
    if found := re.search(r"Could not convert string \"(.*)\" to '(\w+)'", text):
        column = re.search(r'Error when converting column "c(\d+)"', text)
        called = f", '{names[int(column.group(1))]}'" if column and names else ""
        return (
            f"{place} has '{found.group(1)}' in a column of numbers or dates{called}; fix it, or "
            "leave it empty if it is missing."
        )
    if "unterminated quote" in text.lower() or "quote" in text.splitlines()[0].lower():
        return f"{place}: a quote is opened but not closed."
    return f"{data} cannot be read: {first_line(text)}"


def find_invalid_json(sources: Sequence[Source]) -> str | None:
    """Return a sentence about the first line that is not JSON. (DuckDB's line numbers differ.)"""
    for source in sources:
        name = source.name
        try:
            if (number := invalid_line(source.path)) is not None:
                return not_utf8(f"{name}, line {number}")
            if source.format != "jsonl":
                continue
            with open_bytes(source.path) as file:
                for number, line in enumerate(BoundedLines[bytes](file, MAX_JSON_LINE).each(), 1):
                    if len(line) <= MAX_PARSED_LINE and line.strip() and not _is_json(line):
                        return f"{name}, line {number} is not JSON; fix that line."
        except InputError as error:
            return f"{name}, {error}; split it."
        except (OSError, EOFError, zlib.error):
            return None
    return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def first_line(error: Exception | str) -> str:
    """Return the first line of a message, as the end of a sentence."""
    line = str(error).splitlines()[0]
    if found := re.search(r'"exception_message":("(?:[^"\\]|\\.)*")', line):
        line = (json.loads(found.group(1)).splitlines() or [""])[0]  # from a DuckDB thread
    if found := re.search(r"install the required extension '(\w+)", line):
        return (
            f"it needs DuckDB's extension {found.group(1)}, which is not installed. Give the file "
            "as DATA instead, which the query calls data."
        )
    line = re.sub(r"^[\w ]*Error: ", "", line).rstrip(" .:!")
    if line.startswith("Table with name"):
        line += "; DATA is the table data in a query, and files of others are named in quotes"
    return line + "."


def to_error(
    connection: duckdb.DuckDBPyConnection, error: Exception, sentence: str
) -> BaseException:
    """Return an error of DuckDB as one of ours: Ctrl-C, out of space, or else wrong input."""
    if is_interrupt(error):
        return KeyboardInterrupt()
    space = out_of_space(connection, error)
    return InputError(sentence) if space is None else OutputError(space)


def is_interrupt(error: BaseException) -> bool:
    """Return whether an error is DuckDB's response to a signal, whichever signal it was.

    Its errors may quote texts of a table, too; they do not begin with these words.
    """
    return str(error).startswith("Query interrupted") or (
        "INTERRUPT Error: Interrupted" in str(error).partition("\n")[0]
    )


def out_of_space(connection: duckdb.DuckDBPyConnection, error: Exception) -> str | None:
    """Return a sentence if DuckDB ran out of memory or disk space, else None."""
    text = str(error)
    if any(words in text for words in ("No space left", "temp_directory", "offload data block")):
        used = re.search(r"\(([\d.]+ \w+)/([\d.]+ \w+) used\)", text)
        limit = f": all of {used.group(2)} is used, and more is needed" if used else ""
        folder = spill_folder(connection).parent
        return (
            f"no space is left in the folder {folder} for the rows that do not "
            f"fit in memory{limit}. Free some space, name another folder with --cache-dir, or "
            "allow more memory with --memory (memory)."
        )
    if "Out of Memory" in text or "could not allocate" in text or "failed to allocate" in text:
        allowed = format_size(memory_allowed(connection))
        return (
            f"the table needs more memory than the {allowed} it may use; "
            "allow more with --memory (memory). (A Parquet file is read by whole row groups: "
            "smaller row groups need less.)"
        )
    return None


def memory_allowed(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the bytes that a database and its readers may use together (see `connect`)."""
    return int(connection.cursor().execute("SELECT memory_allowed()").fetchall()[0][0])


def spill_folder(connection: duckdb.DuckDBPyConnection) -> Path:
    """Return the folder of a database for what does not fit in memory."""
    setting = connection.cursor().execute("SELECT current_setting('temp_directory')").fetchall()
    return Path(setting[0][0])
