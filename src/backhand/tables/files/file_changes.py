"""Whether the files of a table have changed since reading began.

A file is opened by its name for each pass. If it is overwritten or replaced between two passes, the
rows of two tables would be mixed.
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
    changed: int  # the ctime, which no program can set


class FileSnapshots:
    """The state of files when reading begins, to compare with later.

    Parameters
    ----------
    paths : sequence of str
        Files that exist. Pipes and addresses, which are read once, are left out.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._first = {path: _identity(path) for path in paths if Path(path).is_file()}

    def change(self) -> InputError | None:
        """Return an error about the first file that has changed, or None."""
        for path, first in self._first.items():
            now = _identity(path)
            if now is None and first is not None:
                return InputError(f"{path} was removed, or became unreadable, while it was read.")
            if now != first:
                return changed(path)
        return None

    def check(self) -> None:
        """Raise `InputError` if a file has changed."""
        if (change := self.change()) is not None:
            raise change

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raise at the end of the context if a file has changed, in place of any other error.

        Raises
        ------
        InputError
            If a file has changed.
        """
        try:
            yield
        except Exception as error:
            if (change := self.change()) is not None:
                raise change from error
            raise
        self.check()


def changed(source: str) -> InputError:
    """Return the error that a file or table changed while it was read."""
    return InputError(f"{source} changed while it was read; try again when nothing writes to it.")


def _identity(path: str) -> _Identity | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return _Identity(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )
