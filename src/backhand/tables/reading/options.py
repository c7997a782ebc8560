"""How a file is to be read, where its name and its contents do not say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingOptions:
    """What the user states about a file; None where it is found.

    Attributes
    ----------
    format : str, optional
        The format, whatever the ending of the name.
    encoding : str, optional
        The encoding of a text file, by Python's name; UTF-8 by default.
    sheet : str, optional
        The sheet of a workbook; the first by default.
    table : str, optional
        The table of a database; the only one by default.
    header : bool, optional
        Whether the first line has the names of the columns.
    """

    format: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    table: str | None = None
    header: bool | None = None


AS_FOUND = ReadingOptions()
"""Nothing is stated about the file."""
