"""Untrusted text files, plain or .gz: opened, read by lines of limited length, checked."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import AnyStr, BinaryIO, Generic, TextIO, cast

from backhand.errors import InputError

MAX_CSV_ROW = 4_000_000
"""Maximum characters or bytes of one CSV row: DuckDB skips a row that exceeds its buffer."""

MAX_JSON_LINE = 2**24
"""Maximum bytes of one line of JSON, as in DuckDB."""

PIECE = 2**20
"""Bytes that are decompressed at a time."""


def is_gzip(path: str) -> bool:
    """Return whether the file's name has the ending of a compressed file."""
    return path.lower().endswith(".gz")


def open_bytes(path: str) -> BinaryIO:
    """Open a file for reading its bytes, decompressed."""
    return cast(BinaryIO, gzip.open(path)) if is_gzip(path) else Path(path).open("rb")


def open_text(path: str) -> TextIO:
    """Open a file for reading its UTF-8 text, decompressed, with line breaks unchanged."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="")


class BoundedLines(Generic[AnyStr]):
    """The lines of a file in which the length of a record is limited.

    A few kilobytes can decompress to an endless line. `begin` starts a new record; for a file whose
    records are its lines, `each` calls it.

    Parameters
    ----------
    file : file object
    most : int
        Maximum characters or bytes of a record.

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
                f"line {self._first} is longer than {self._most:,} characters, the maximum length"
            )
        if not line:
            raise StopIteration
        self._left -= len(line)
        self._number += 1
        return line

    def begin(self) -> None:
        """Start a new record."""
        self._left, self._first = self._most, self._number

    def each(self) -> Iterator[AnyStr]:
        """Return the lines, each as a separate record."""
        for line in self:
            yield line
            self.begin()


def check_text(name: str, path: str, longest: int | None = None) -> bool:
    """Read a file to its end to find the damage that DuckDB ignores silently.

    DuckDB checks neither the checksum nor the length of a gzip file, and may skip a CSV line that
    is longer than its buffer. Returns whether its lines end in several ways, which DuckDB does not
    read.

    Parameters
    ----------
    name, path : str
        What messages call the file, and the file.
    longest : int, optional
        Maximum bytes of a line.

    Raises
    ------
    InputError
        If a gzip file is damaged, truncated or not gzip; or if a line has more bytes than
        `longest`.
    """
    length, ends_seen = 0, set[bytes]()
    try:
        with open_bytes(path) as file:
            while piece := file.read(PIECE):
                if piece.endswith(b"\r"):
                    piece += file.read(1)
                _line_ends(piece, ends_seen)
                first = min((place for sign in (b"\n", b"\r") if (place := piece.find(sign)) >= 0),
                            default=len(piece))  # fmt: skip
                ends = [place for sign in (b"\n", b"\r") if (place := piece.rfind(sign)) >= 0]
                if longest is not None and length + first > longest:
                    raise InputError(
                        f"{name} has a line of more than {longest:,} bytes, the maximum length; is "
                        "it a table?"
                    )
                length = len(piece) - 1 - max(ends) if ends else length + len(piece)
    except EOFError as error:
        raise truncated_gzip(name) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{name} cannot be read: it is damaged or not a gzip file ({error})."
        ) from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error
    return len(ends_seen) > 1


def _line_ends(piece: bytes, seen: set[bytes]) -> None:
    """Add the ways in which the lines of a piece end."""
    returns = piece.count(b"\r")
    both = piece.count(b"\r\n") if returns else 0
    if both:
        seen.add(b"\r\n")
    if returns > both:
        seen.add(b"\r")
    if b"\n" not in seen and (piece.count(b"\n") > both if both else b"\n" in piece):
        seen.add(b"\n")


def truncated_gzip(name: str) -> InputError:
    """Return the error that a gzip file is incomplete."""
    return InputError(
        f"{name} is truncated: its gzip stream has no end; download or compress it again."
    )
