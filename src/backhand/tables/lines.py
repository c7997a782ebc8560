"""In which line of which file a row of a table stands."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Sequence


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
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error):
        pass
    return None


def _seek(path: str, delimiter: str | None, columns: int, row: int) -> tuple[int, int]:
    """How many rows are still to go behind this file; or 0 and the row's line in it."""
    opener = gzip.open if path.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        if delimiter is None:
            for line, text in enumerate(file, 1):
                row -= bool(text.strip())
                if not row:
                    return 0, line
            return row, 0
        reader = csv.reader(file, delimiter=delimiter)
        next(reader)
        start = reader.line_num + 1
        for values in reader:
            row -= bool(values) or columns == 1  # an empty line is a row of one column only
            if not row:
                return 0, start
            start = reader.line_num + 1
    return row, 0
