"""What a command had written when it ended, so that its last sentence is true."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class _Expected(NamedTuple):
    path: Path
    sentence: str
    before: tuple[int, ...] | None


NOTHING = "nothing was written"
INCOMPLETE = "the rows on standard output are incomplete"

_expected: list[_Expected] = []
_writes_stdout = False


def reset() -> None:
    """Forget all outputs; called when a command begins."""
    global _writes_stdout
    _expected.clear()
    _writes_stdout = False


def expect_file(path: Path, sentence: str) -> None:
    """Register a file that the command will write, and the clause that reports it once written."""
    _expected.append(_Expected(path, sentence, _identity(path)))


def expect_stdout() -> None:
    """Register that the command writes rows to standard output."""
    global _writes_stdout
    _writes_stdout = True


def expects_file() -> bool:
    """Whether the command writes a file."""
    return bool(_expected)


def replaced(path: Path) -> str | None:
    """Return when the file was written that a registered output has replaced; None if none was."""
    known = next((one for one in reversed(_expected) if one.path == path), None)
    if known is None or known.before is None:
        return None
    return f"{datetime.fromtimestamp(known.before[2] / 1e9):%Y-%m-%d %H:%M}"


def replacing_clause(path: Path) -> str:
    """Return ` (replaced the one of 2026-05-01 23:10)` if an output has replaced a file, or ``."""
    written = replaced(path)
    return "" if written is None else f" (replaced the one of {written})"


def written_files() -> str:
    """Return a clause that names the files written so far, or an empty string.

    The files themselves are examined, since a signal may arrive right after one was renamed.
    """
    return ", and ".join(one.sentence for one in _expected if _identity(one.path) != one.before)


def at_interrupt() -> str:
    """Return a clause about the command's output when a signal ends it."""
    return written_files() or (INCOMPLETE if _writes_stdout else NOTHING)


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
