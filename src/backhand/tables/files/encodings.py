"""Text in other encodings than UTF-8, and with line ends of several kinds, as plain UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from contextlib import suppress

from backhand.errors import InputError
from backhand.tables.files.copies import PIECE, new_copy
from backhand.tables.files.text_files import open_bytes

MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""Byte order marks, the longest first, and their encodings."""

LINE_END = re.compile(r"\r\n|\r|\n")
OTHER_LINE_END = re.compile(rb"\r\n?")


def stated_encoding(name: str | None) -> str | None:
    """Return Python's name of an encoding; None for UTF-8, which needs no decoding.

    Raises
    ------
    InputError
        If Python has no encoding of texts by that name.
    """
    if name is None:
        return None
    try:
        found = codecs.lookup(name)
        "".encode(name)  # fails for what encodes something else than texts
    except (LookupError, ValueError) as error:
        raise InputError(
            f"encoding (--encoding) is '{name}', which Python does not know; expected a name such "
            "as latin-1, cp1252 or utf-16."
        ) from error
    return None if found.name in ("utf-8", "utf-8-sig") else found.name


def marked_encoding(path: str) -> str | None:
    """Return the encoding that a file's first bytes state, if it is another one than UTF-8."""
    with open_bytes(path) as file:
        head = file.read(4)
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), None)


def decode(name: str, path: str, encoding: str, copy: str) -> None:
    """Write a text file as UTF-8 to a new file.

    Raises
    ------
    InputError
        If a part of it is not text in that encoding; the message has the line.
    OutputError
        If the disk is full.
    """
    decoder, lines, first = codecs.getincrementaldecoder(encoding)(), 1, True
    with open_bytes(path) as file, new_copy(copy) as out:
        while True:
            piece = file.read(PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeError as error:
                with suppress(UnicodeError):
                    before = getattr(error, "object", b"")[: getattr(error, "start", 0)]
                    lines += len(LINE_END.findall(before.decode(encoding)))
                raise InputError(
                    f"{name}, line {lines}: not text in the encoding {encoding}; name another one "
                    "with --encoding (encoding)."
                ) from error
            if first:
                text, first = text.removeprefix("\ufeff"), not text
            lines += len(LINE_END.findall(text))
            out.write(text.encode("utf-8", "replace"))
            if not piece:
                return


def invalid_line(path: str) -> int | None:
    """Return the first line that is not UTF-8, if there is one; the file is read up to it."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with open_bytes(path) as file:
        while True:
            piece = file.read(PIECE)
            try:
                line += len(LINE_END.findall(decoder.decode(piece, final=not piece)))
            except UnicodeDecodeError as error:
                return line + len(LINE_END.findall(error.object[: error.start].decode()))
            if not piece:
                return None


def not_utf8(place: str) -> str:
    """Return a sentence about text that is not UTF-8."""
    return (
        f"{place}: not UTF-8 text; name its encoding with --encoding (encoding), such as cp1252 or "
        "latin-1, or save the file as UTF-8."
    )


def with_one_line_end(path: str, copy: str) -> None:
    """Write a CSV file to a new file, with the same line end in all places outside quotes."""
    quoted, held = False, b""
    with open_bytes(path) as file, new_copy(copy) as out:
        while piece := file.read(PIECE):
            piece = held + piece
            held = b"\r" if piece.endswith(b"\r") else b""
            parts = piece[: len(piece) - len(held)].split(b'"')
            for i, part in enumerate(parts):
                outside = (i % 2 == 0) != quoted
                parts[i] = OTHER_LINE_END.sub(b"\n", part) if outside else part
            quoted ^= len(parts) % 2 == 0
            out.write(b'"'.join(parts))
        out.write(b"\n" if held and not quoted else held)


def with_empty_lines(path: str, lines: Sequence[str], copy: str) -> None:
    """Write a text file to a new file, with its first lines, which are given, empty."""
    with open_bytes(path) as file, new_copy(copy) as out:
        mark = codecs.BOM_UTF8 if file.read(3) == codecs.BOM_UTF8 else b""
        file.seek(len(mark) + sum(len(line.encode()) for line in lines))
        out.write("".join(line[len(line.rstrip("\r\n")) :] for line in lines).encode())
        while piece := file.read(PIECE):
            out.write(piece)
