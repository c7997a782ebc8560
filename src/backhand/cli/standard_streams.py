"""Standard input, output and error as the command line finds them: closed, full, or not UTF-8."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO

from backhand.cli.terminal_text import MOST_LETTERS, printable
from backhand.support.output_streams import whole

PLAIN = {"→": "->", "–": "-", "·": ".", "×": "x", "÷": "/", "µ": "u", "…": "...", "║": "|",
         "η": "learning rate", "λ": "lambda", "‖": "|", "∞": "infinity"}  # fmt: skip
"""Signs of ours for a stream that cannot encode them; blocks of a chart become #."""

BLOCKS = "▁▂▃▄▅▆▇█━╸╺╭╮╰╯─│"


closed: set[int] = set()
"""Numbers of the standard streams that were closed when the process began."""


def make_ready() -> None:
    """Let the standard streams take every text, or raise; what is closed becomes one to nowhere.

    To be called before any file is opened: a file must not get the number of a closed stream, to
    which libraries write.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)  # as the others are
        closed.add(number)
    os.close(number)
    codecs.register_error("backhand.plain", _plain)
    sys.stdin = sys.stdin or _to_nowhere(0, "r")
    sys.stdout = sys.stdout or _to_nowhere(1, "w")
    sys.stderr = sys.stderr or _to_nowhere(2, "w")
    sys.stdout, sys.stderr = whole(sys.stdout), whole(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backhand.plain")  # type: ignore[attr-defined]


def say(sentence: str) -> None:
    """A sentence about what goes on, on standard error."""
    write_error(f"backhand: {printable(sentence, MOST_LETTERS)}")


def write_error(line: str) -> None:
    """A line on standard error; if that takes none, the line is lost and nothing else."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        give_up(sys.stderr)


def give_up(stream: TextIO) -> None:
    """Let the rest of the stream go nowhere: Python would complain when it closes it."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _to_nowhere(number: int, mode: str) -> TextIO:
    return open(number, mode, encoding="utf-8", closefd=False)  # type: ignore[return-value]


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What is written where a text cannot be encoded: a sign like it, or its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(map(_plain_letter, letters)), error.end


def _plain_letter(letter: str) -> str:
    if letter in BLOCKS:
        return "#"
    return PLAIN.get(letter) or letter.encode("unicode_escape").decode()
