"""The file and line of a table's row. Files are read up to it: this is for messages only."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backhand.errors import InputError
from backhand.tables.files.source import Source
from backhand.tables.files.text_files import MAX_CSV_ROW, MAX_JSON_LINE, BoundedLines, open_text

if TYPE_CHECKING:
    from backhand.tables.reading.csv_head import Head

UNREADABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error, InputError)


def locate_record(sources: Sequence[Source], heads: Sequence[Head], row: int) -> str | None:
    """Return `t.csv (line 14)` for a row of CSV files, counted from 1; None if it is not found.

    For a workbook it is the row of the sheet; for a database the row of the table.
    """
    try:
        for source, head in zip(sources, heads, strict=True):
            for number, line in _records(source, head):
                row -= 1
                if not row:
                    place = {"excel": f"row {len(head.above) + head.header + number}",
                             "sqlite": f"row {number}"}  # fmt: skip
                    return f"{source.name} ({place.get(source.format, f'line {line}')})"
    except UNREADABLE:
        pass
    return None


def _records(source: Source, head: Head) -> Iterator[tuple[int, int]]:
    """Yield the number of each record below the names, from 1, and its line."""
    with open_text(source.path) as file:
        lines = BoundedLines[str](file, MAX_CSV_ROW)
        for _ in range(len(head.above)):
            next(lines)
            lines.begin()
        reader = csv.reader(lines, delimiter=head.delimiter, skipinitialspace=True)
        start, number, named = len(head.above) + 1, 0, not head.header
        for values in reader:
            lines.begin()
            # An empty line is a row of one column only.
            if named and (values or len(head.names) == 1):
                number += 1
                yield number, start
            named = named or bool(values)
            start = len(head.above) + reader.line_num + 1


def locate_json_line(sources: Sequence[Source], row: int) -> str | None:
    """Return `t.jsonl (line 14)` for a row of JSON lines, counted from 1; None if not found."""
    try:
        for source in sources:
            with open_text(source.path) as file:
                for line, text in enumerate(BoundedLines[str](file, MAX_JSON_LINE).each(), 1):
                    row -= bool(text.strip())
                    if not row:
                        return f"{source.name} (line {line})"
    except UNREADABLE:
        pass
    return None
