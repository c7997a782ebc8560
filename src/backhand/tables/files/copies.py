"""Copies of what DuckDB cannot read in place, as plain files in the connection's own folder."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from backhand.errors import OutputError

PIECE = 2**20
"""Bytes that are copied at a time."""


def new_path(folder: Path) -> str:
    """Return the path of a new file in the folder of copies."""
    return str(Path(tempfile.mkdtemp(dir=folder, prefix="copy-")) / "table")


class CopyFile:
    """A new file, whose `write` tells of a full disk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        """Write all of the bytes."""
        try:
            return self._file.write(data)
        except OSError as error:
            raise no_copy(self._file.name, error) from error


@contextmanager
def new_copy(path: str) -> Iterator[CopyFile]:
    """Create a file to write a copy to; if the context fails, it is removed.

    Raises
    ------
    OutputError
        If it cannot be written, as when the disk is full.
    """
    try:
        file = Path(path).open("xb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise no_copy(path, error) from error
    try:
        with file:
            yield CopyFile(file)
            try:
                file.flush()
            except OSError as error:
                raise no_copy(path, error) from error
    except BaseException:
        with suppress(OSError):
            Path(path).unlink()
        raise


def no_copy(path: str, error: OSError) -> OutputError:
    """Return the error that a copy cannot be written."""
    folder = Path(path).parent.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(
            f"no space is left in the folder {folder} for the unpacked table. Free some space, or "
            "name another folder with --cache-dir (cache_dir)."
        )
    return OutputError(f"the unpacked table cannot be written in {folder}: {error.strerror}.")
