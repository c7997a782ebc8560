"""In which line of which file a row of a table stands."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence

from backhand.errors import InputError
from backhand.tables.files.text_files import LONGEST_JSON, LONGEST_LINE, Lines, opened_as_text


def place_of(paths: Sequence[str], delimiter: str | None, columns: int, row: int) -> str | None:
    """`t.csv (line 14)` for a row, counted from 1 over all files; None if it cannot be found.

    Files are CSV with that delimiter, or JSON lines. They are gone through up to there: for the
    sake of a message only.
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
    """How many rows are still to go behind this file; or 0 and the row's line in it."""
    with opened_as_text(path) as file:
        if delimiter is None:
            for line, text in enumerate(Lines[str](file, LONGEST_JSON).each(), 1):
                row -= bool(text.strip())
                if not row:
                    return 0, line
            return row, 0
        lines = Lines[str](file, LONGEST_LINE)
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
