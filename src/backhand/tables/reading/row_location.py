"""The file and line of a table's row."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence

from backhand.errors import InputError
from backhand.tables.files.text_files import MAX_CSV_ROW, MAX_JSON_LINE, BoundedLines, open_text


def locate_row(paths: Sequence[str], delimiter: str | None, columns: int, row: int) -> str | None:
    """Return `t.csv (line 14)` for a row, counted from 1 over all files; None if it is not found.

    Files are CSV with that delimiter, or JSON lines if it is None. They are read up to the row, so
    this is for messages only.
    """
    try:
        for path in paths:
            row, line = _seek(path, delimiter, columns, row)
            if line:
                return f"{path} (line {line})"
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error, InputError):
        pass
    return None


def _seek(path: str, delimiter: str | None, columns: int, row: int) -> tuple[int, int]:
    """Return how many rows remain after this file and 0; or 0 and the row's line in it."""
    with open_text(path) as file:
        if delimiter is None:
            for line, text in enumerate(BoundedLines[str](file, MAX_JSON_LINE).each(), 1):
                row -= bool(text.strip())
                if not row:
                    return 0, line
            return row, 0
        lines = BoundedLines[str](file, MAX_CSV_ROW)
        reader = csv.reader(lines, delimiter=delimiter)
        next(reader)
        start = reader.line_num + 1
        lines.begin()
        for values in reader:
            lines.begin()
            row -= bool(values) or columns == 1  # an empty line is a row of one column only
            if not row:
                return 0, start
            start = reader.line_num + 1
    return row, 0
