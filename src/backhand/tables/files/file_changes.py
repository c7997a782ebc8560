"""Whether the files of a table are still what they were when they were first looked at.

A file is opened by its name for each pass. What is written over it, or put in its place, meanwhile
would mix rows of two tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from backhand.errors import InputError


class _Identity(NamedTuple):
    device: int
    inode: int
    size: int
    modified: int
    changed: int  # which nobody can set back


class Files:
    """Files that must stay as they are while they are read.

    Parameters
    ----------
    paths : sequence of str
        They are there; how they are now is what they are compared with.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._first = {path: _identity(path) for path in paths}

    def change(self) -> InputError | None:
        """What is to be said of the first file that is not what it was, if there is one."""
        for path, first in self._first.items():
            now = _identity(path)
            if now is None and first is not None:
                return InputError(f"{path} is gone, or unreadable, since reading it began.")
            if now != first:
                return changed(path)
        return None

    def check(self) -> None:
        """Raise `InputError` if one is not what it was."""
        if (change := self.change()) is not None:
            raise change

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What is done in the context is void if a file changes: that explains every other error.

        Raises
        ------
        InputError
            If a file is not what it was.
        """
        try:
            yield
        except Exception as error:
            if (change := self.change()) is not None:
                raise change from error
            raise
        self.check()


def changed(source: str) -> InputError:
    """The error that something that was read is not what it was."""
    return InputError(f"{source} changed while it was read; let it be, and try again.")


def _identity(path: str) -> _Identity | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return _Identity(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )
