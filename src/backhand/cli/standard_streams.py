"""Standard input, output and error, which may be closed, full, or not UTF-8."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO

from backhand.support.output_streams import whole
from backhand.support.visible_text import MAX_CHARACTERS, ascii_form, printable

closed_streams: set[int] = set()
"""Descriptors of the standard streams that were closed when the process began."""


def prepare_streams() -> None:
    """Open closed standard streams on the null device, and make all of them accept any text.

    Must be called before any file is opened: libraries write to the descriptors of the standard
    streams, so no file may get the descriptor of a closed one.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)  # like the other standard streams
        closed_streams.add(number)
    os.close(number)
    codecs.register_error("backhand.ascii", _replace_unencodable)
    sys.stdin = sys.stdin or _open_null(0, "r")
    sys.stdout = sys.stdout or _open_null(1, "w")
    sys.stderr = sys.stderr or _open_null(2, "w")
    sys.stdout, sys.stderr = whole(sys.stdout), whole(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backhand.ascii")  # type: ignore[attr-defined]


def write_message(sentence: str) -> None:
    """Write a sentence for the user to standard error."""
    write_stderr(f"backhand: {printable(sentence, MAX_CHARACTERS)}")


def write_stderr(line: str) -> None:
    """Write a line to standard error; if it cannot be written, only the line is lost."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        discard_output(sys.stderr)


def discard_output(stream: TextIO) -> None:
    """Send the rest of the stream to the null device, so that Python can close it silently."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _open_null(number: int, mode: str) -> TextIO:
    return open(number, mode, encoding="utf-8", closefd=False)  # type: ignore[return-value]


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Return an ASCII form of each character that cannot be encoded, or its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(map(ascii_form, characters)), error.end
