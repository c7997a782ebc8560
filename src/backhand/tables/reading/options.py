"""How a file is to be read, where its name and its contents do not say it."""

from __future__ import annotations

from dataclasses import dataclass

from backhand.errors import InputError


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
        The sheet of a workbook, by name or number; the first that is not empty by default.
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

    def __post_init__(self) -> None:
        """Check the types."""
        for name in ("format", "encoding", "sheet", "table"):
            value = getattr(self, name)
            if not isinstance(value, str | None):
                raise InputError(f"{name} is {value!r}; expected a text or None.")
        if not isinstance(self.header, bool | None):
            raise InputError(f"header is {self.header!r}; expected True, False or None.")


AS_FOUND = ReadingOptions()
"""Nothing is stated about the file."""
