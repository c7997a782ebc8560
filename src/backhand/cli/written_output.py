"""What a command has written by the time it is ended, so that the last sentence is true."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class _Expected(NamedTuple):
    path: Path
    sentence: str
    before: tuple[int, ...] | None


NOTHING = "nothing was written"

_expected: list[_Expected] = []
_rows = False


def begin() -> None:
    """A command begins: nothing is expected of it."""
    global _rows
    _expected.clear()
    _rows = False


def expect(path: Path, sentence: str) -> None:
    """A command is about to write `path`; `sentence` says that it is written, if it is found so."""
    _expected.append(_Expected(path, sentence, _identity(path)))


def expect_rows() -> None:
    """Rows go to standard output as they come."""
    global _rows
    _rows = True


def is_file() -> bool:
    """Whether a file is to be written."""
    return bool(_expected)


def written() -> str:
    """Which of the files are written, as a clause; or nothing.

    The files themselves are looked at: a signal may come right after one took its place.
    """
    return ", and ".join(one.sentence for one in _expected if _identity(one.path) != one.before)


def so_far() -> str:
    """What is there of the command's output when a signal ends it, as a clause."""
    return written() or ("the rows on standard output are not all" if _rows else NOTHING)


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
