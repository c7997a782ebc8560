"""Sheets of Excel and OpenDocument workbooks, as CSV."""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from typing import Any

from backhand.errors import InputError, OutputError, listed, shortened
from backhand.support.memory_budget import format_size
from backhand.support.optional import extra
from backhand.tables.files.apart import answer, run_apart
from backhand.tables.files.copies import new_copy

ROWS = 1000
"""Rows that are written at a time."""


def sheet_as_csv(name: str, path: str, sheet: str | None, memory: int, copy: str) -> str | None:
    """Convert a sheet, as `_sheet_as_csv` does, in a process of its own."""
    extra("python_calamine", "reading workbooks (Excel, .ods)")
    _check_size(name, path, memory)
    return run_apart(__name__, name, memory, [name, path, sheet, copy], copy)


def _sheet_as_csv(name: str, path: str, sheet: str | None, copy: str) -> str | None:
    """Write a sheet to a new CSV file, row by row; return a sentence if there are other sheets.

    Line k of the file, where no cell has a line break, is row k of the sheet. Empty rows at its end
    and empty columns at its sides are left out. Of merged cells the first one has the value.

    Parameters
    ----------
    name, path : str
    sheet : str, optional
        Its name, or its number from 1; by default the first that is not empty.
    copy : str

    Raises
    ------
    InputError
        If it cannot be read, or has no such sheet, or only empty ones.
    OutputError
        If it needs more memory, or the disk is full.
    """
    calamine = extra("python_calamine", "reading workbooks (Excel, .ods)")
    try:
        with calamine.load_workbook(path) as book:
            found = _chosen(name, book, sheet)
            _write(found, copy)
            others = [other for other in book.sheet_names if other != found.name]
    except calamine.PasswordError as error:
        raise InputError(f"{name} is encrypted; save it without a password.") from error
    except (calamine.CalamineError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        said = shortened(str(error)).rstrip(".")
        raise InputError(f"{name} cannot be read as a workbook: {said}.") from error
    if not others or sheet is not None:
        return None
    return (
        f"{name} has {len(others) + 1} sheets; '{found.name}' is read. "
        f"--sheet NAME (sheet) reads another one: {listed(others, conjunction='or')}."
    )


def _check_size(name: str, path: str, memory: int) -> None:
    """Check that a workbook that is a zip file can be unpacked in memory."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > memory:
        raise OutputError(
            f"{name} holds {format_size(size)}, and a workbook is read in memory, of which "
            f"{format_size(memory)} may be used; allow more with --memory (memory), or save the "
            "sheet as CSV."
        )


def _chosen(name: str, book: Any, sheet: str | None) -> Any:
    names = list(book.sheet_names)
    if sheet is not None:
        if sheet not in names and sheet.isdecimal() and 0 < int(sheet) <= len(names):
            sheet = names[int(sheet) - 1]
        if sheet not in names:
            raise InputError(
                f"{name} has no sheet '{sheet}'; its sheets are {listed(names, most=20)}."
            )
        found = book.get_sheet_by_name(sheet)
        if found.start is None:
            raise InputError(f"the sheet '{sheet}' of {name} is empty.")
        return found
    for number in range(len(names)):
        try:
            found = book.get_sheet_by_index(number)
        except ValueError:  # a chart
            continue
        if found.start is not None:
            return found
    raise InputError(f"{name} has no sheet with cells; a table needs column names and rows.")


def _write(sheet: Any, copy: str) -> None:
    text = io.StringIO()
    writer, empty = csv.writer(text, lineterminator="\n"), 0
    with new_copy(copy) as file:
        for number, row in enumerate(sheet.iter_rows()):
            if all(cell == "" for cell in row):
                empty += 1
                continue
            writer.writerows([[""] * len(row)] * empty)
            empty = 0
            writer.writerow(map(_spelled, row))
            if number % ROWS == ROWS - 1:
                file.write(text.getvalue().encode("utf-8", "replace"))
                text.seek(0)
                text.truncate()
        file.write(text.getvalue().encode("utf-8", "replace"))


def _spelled(cell: object) -> str:
    """A cell as a CSV file would spell it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) <= 2**53 else repr(cell)
    if isinstance(cell, datetime.timedelta):
        return _clock(cell)
    return str(cell)


def _clock(length: datetime.timedelta) -> str:
    """A length of time as hours, minutes and seconds."""
    seconds = length.total_seconds()
    sign, seconds = "-" if seconds < 0 else "", abs(seconds)
    whole = int(seconds)
    rest = f"{seconds - whole:.6f}"[1:].rstrip("0").rstrip(".")
    return f"{sign}{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{rest}"


if __name__ == "__main__":
    answer(_sheet_as_csv)
