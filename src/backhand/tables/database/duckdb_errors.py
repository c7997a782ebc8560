"""DuckDB's errors as sentences about the user's file."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backhand.errors import InputError, OutputError
from backhand.support.memory_budget import shown
from backhand.support.signals import is_interrupt
from backhand.tables.files.text_files import LONGEST_JSON, Lines, opened

if TYPE_CHECKING:
    import duckdb


LONGEST_PARSED = 2**20
"""Bytes of a line that is parsed to say what is wrong: Python takes twenty times as many for it."""


def explained(error: Exception, data: str, names: Sequence[str] = ()) -> str:
    """What was wrong, and where: the file, and the line if one is to blame.

    `names` are those of the columns that DuckDB knows as c0, c1, …
    """
    text = str(error)
    line = re.search(r"Line: (\d+)", text)
    file = re.search(r"^\s*file = (.+)$", text, re.MULTILINE)
    place = (file.group(1) if file else data) + (f", line {line.group(1)}" if line else "")
    if "not utf-8" in text.lower() or "invalid unicode" in text.lower():
        return f"{place}: not UTF-8 text; save the file as UTF-8."
    if found := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text):
        if int(found.group(2)) > int(found.group(1)):
            return (
                f"{place} has more values than the {found.group(1)} columns that the first line "
                "names; mend that line."
            )
        return (
            f"{place} has {found.group(2)} values where the first line names "
            f"{found.group(1)} columns; mend that line."
        )
    if found := re.search(r"Unexpected end of GZIP stream: (.+)", text):
        return f"{found.group(1)} is cut off: its gzip stream has no end; fetch or make it again."
    if found := re.search(r"Could not convert string \"(.*)\" to '(\w+)'", text):
        column = re.search(r'Error when converting column "c(\d+)"', text)
        called = f", '{names[int(column.group(1))]}'" if column and names else ""
        return (
            f"{place} has '{found.group(1)}' in a column of numbers or dates{called}; mend it, or "
            "leave it empty if it is missing."
        )
    if "unterminated quote" in text.lower() or "quote" in text.splitlines()[0].lower():
        return f"{place}: a quote is opened and never closed."
    return f"{data} cannot be read: {first_line(error)}"


def bad_json(paths: Sequence[str]) -> str | None:
    """The first line of JSON lines that is none. (DuckDB counts from another line on.)"""
    for path in paths:
        if not path.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson")):
            return None
        try:
            with opened(path) as file:
                for number, line in enumerate(Lines[bytes](file, LONGEST_JSON).each(), 1):
                    if len(line) <= LONGEST_PARSED and line.strip() and not _is_json(line):
                        return f"{path}, line {number} is no JSON; mend that line."
        except InputError as error:
            return f"{path}, {error}; split it."
        except (OSError, EOFError, zlib.error):
            return None
    return None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def first_line(error: Exception) -> str:
    """The first line of what it says, as the end of a sentence."""
    line = str(error).splitlines()[0]
    if found := re.search(r'"exception_message":("(?:[^"\\]|\\.)*")', line):
        line = (json.loads(found.group(1)).splitlines() or [""])[0]  # of a thread of DuckDB's own
    line = re.sub(r"^[\w ]*Error: ", "", line).rstrip(" .:!")
    return line + "."


def as_error(
    connection: duckdb.DuckDBPyConnection, error: Exception, sentence: str
) -> BaseException:
    """The sentence as wrong input; or Ctrl-C, or what is lacking, if that is what it says."""
    if is_interrupt(error):
        return KeyboardInterrupt()
    lacking = lack_of_room(connection, error)
    return InputError(sentence) if lacking is None else OutputError(lacking)


def lack_of_room(connection: duckdb.DuckDBPyConnection, error: Exception) -> str | None:
    """The sentence, if what DuckDB lacks is memory or room on the disk."""
    text = str(error)
    if any(words in text for words in ("No space left", "temp_directory", "offload data block")):
        setting = connection.cursor().execute("SELECT current_setting('temp_directory')").fetchall()
        used = re.search(r"\(([\d.]+ \w+)/([\d.]+ \w+) used\)", text)
        limit = f": all of {used.group(2)} is used, and it needs more" if used else ""
        return (
            f"there is no room left in the folder {Path(setting[0][0]).parent} for what does not "
            f"fit in memory{limit}. Free some, name another folder with --cache-dir, or allow more "
            "with --memory."
        )
    if "Out of Memory" in text or "could not allocate" in text or "failed to allocate" in text:
        return (
            f"the table needs more memory than the {shown(memory_allowed(connection))} it may use; "
            "allow more with --memory. (Of a Parquet file a whole row group is read at a time: in "
            "smaller ones it needs less.)"
        )
    return None


def memory_allowed(connection: duckdb.DuckDBPyConnection) -> int:
    """Bytes that a database of ours and what it is read for may use together."""
    return int(connection.cursor().execute("SELECT memory_allowed()").fetchall()[0][0])
