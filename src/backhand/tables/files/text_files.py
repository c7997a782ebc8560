"""Text files of strangers, plain or .gz: opened, read line by line in bounds, found to be whole."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import AnyStr, BinaryIO, Generic, TextIO, cast

from backhand.errors import InputError

LONGEST_LINE = 4_000_000
"""Characters or bytes of one row of CSV, at most: DuckDB passes over more than its buffer holds."""

LONGEST_JSON = 2**24
"""Bytes of one line of JSON, at most: as in DuckDB."""

PIECE = 2**20
"""Bytes that are unpacked at a time."""


def is_gzip(path: str) -> bool:
    """Whether its name says that it is packed."""
    return path.lower().endswith(".gz")


def opened(path: str) -> BinaryIO:
    """The bytes of a file, unpacked."""
    return cast(BinaryIO, gzip.open(path)) if is_gzip(path) else Path(path).open("rb")


def opened_as_text(path: str) -> TextIO:
    """The characters of a file in UTF-8, unpacked, line breaks as they are."""
    return io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="")


class Lines(Generic[AnyStr]):
    """The lines of a file, of which no record may take more than so many characters or bytes.

    A few kilobytes can unpack to a line without an end. `begin` says that a record begins; for a
    file whose records are its lines, `each` calls it.

    Raises
    ------
    InputError
        If a record is longer; the message is a clause about its line ("line 7 is …").
    """

    def __init__(self, file: BinaryIO | TextIO, most: int) -> None:
        self._file, self._most, self._left = file, most, most
        self._number = self._first = 1

    def __iter__(self) -> Iterator[AnyStr]:
        return self

    def __next__(self) -> AnyStr:
        line = cast(AnyStr, self._file.readline(self._left + 1))
        if len(line) > self._left:
            raise InputError(
                f"line {self._first} is longer than {self._most:,} characters, which is the most "
                "that is read"
            )
        if not line:
            raise StopIteration
        self._left -= len(line)
        self._number += 1
        return line

    def begin(self) -> None:
        """What comes next is another record."""
        self._left, self._first = self._most, self._number

    def each(self) -> Iterator[AnyStr]:
        """The lines, each a record."""
        for line in self:
            yield line
            self.begin()


def check_text(path: str, longest: int | None = None) -> None:
    """Go through a file to its end for what DuckDB passes over without a word.

    It compares neither checksums nor lengths of a gzip, and may leave out a line of CSV that is
    longer than its buffer.

    Raises
    ------
    InputError
        If a gzip is damaged or cut off, or is none; or if a line has more bytes than `longest`.
    """
    length = 0
    try:
        with opened(path) as file:
            while piece := file.read(PIECE):
                first = min((place for sign in (b"\n", b"\r") if (place := piece.find(sign)) >= 0),
                            default=len(piece))  # fmt: skip
                ends = [place for sign in (b"\n", b"\r") if (place := piece.rfind(sign)) >= 0]
                if longest is not None and length + first > longest:
                    raise InputError(
                        f"{path} has a line of more than {longest:,} bytes, which is the most that "
                        "is read; is it a table?"
                    )
                length = len(piece) - 1 - max(ends) if ends else length + len(piece)
    except EOFError as error:
        raise cut_off(path) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read: it is damaged, or no gzip file ({error})."
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def cut_off(path: str) -> InputError:
    """The error that a gzip file has no end."""
    return InputError(f"{path} is cut off: its gzip stream has no end; fetch or make it again.")
