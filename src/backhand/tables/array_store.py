"""Where a table's matrix is stored: in memory, or memory-mapped from disk.

The operating system loads the pages of a mapped file that are read, and drops them when memory is
short.
"""

from __future__ import annotations

import os
import re
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import BackhandError, InputError, OutputError
from backhand.support import system
from backhand.support.atomic_files import begins_with, replacing
from backhand.support.logs import Log
from backhand.support.memory_budget import format_size
from backhand.support.trusted_folders import check_parent

LOG = Log(__name__)


HEADER_BYTES = 4096
"""Length of the header of a file that is kept, so that rows begin at a page. The format allows it,
and no other program does it: this identifies a file that Backhand wrote."""

MAGIC = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little")
BACKHAND_FILE = re.compile(re.escape(MAGIC))


class ArrayStore:
    """Creates arrays, in memory while they fit the budget, otherwise in files of a folder.

    A context in which the arrays are written. Files that are kept get their names when it ends
    normally, and are removed when it raises.

    Parameters
    ----------
    memory : int
        Maximum number of bytes of all arrays in memory at a time.
    folder : path, optional
        Where files are created; by default the system's folder for temporary files.
    keep : bool
        Create all arrays as files that stay: `.npy` files that `numpy.load(…, mmap_mode="r")` maps.
        Otherwise files have no name, and disappear with the process, however it ends.
    """

    def __init__(
        self, memory: int, folder: str | Path | None = None, *, keep: bool = False
    ) -> None:
        self._left, self._lock = memory, RLock()
        self._folder = Path(tempfile.gettempdir() if folder is None else folder)
        self._keep = keep
        self._kept = ExitStack()

    def __enter__(self) -> ArrayStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._kept.__exit__(kind, error, trace)

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Create an array to write to, once per name.

        Raises
        ------
        InputError
            If other users could replace the files in the folder, or a file that is to be kept
            would replace one that Backhand did not write.
        OutputError
            If the disk has no space for it, or the folder cannot be written to.
        """
        size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        if not self._keep and size <= self._left:
            array = np.empty(shape, dtype)
            self._take(size)
            weakref.finalize(array, self._take, -size).atexit = False
            return array
        if size == 0:  # an empty file cannot be mapped
            return np.empty(shape, dtype)
        LOG.info("%s of %s is mapped from a file in %s; %s of memory are left", name,
                 format_size(size), self._folder, format_size(self._left))  # fmt: skip
        with _disk_errors(self._folder, size):
            if self._keep:
                path = self._folder / f"{name}.npy"
                _check_replaceable(path)
                temporary = self._kept.enter_context(replacing(path, links=False))
                return _named_file(temporary, shape, np.dtype(dtype))
            return _unnamed_file(self._folder, size, shape, np.dtype(dtype))

    def _take(self, size: int) -> None:
        with self._lock:
            self._left -= size


@contextmanager
def _disk_errors(folder: Path, size: int) -> Iterator[None]:
    try:
        check_parent(folder, "the cache folder")
        yield
    except BackhandError:
        raise
    except OSError as error:
        raise OutputError(
            f"the table's matrix needs {format_size(size)} in the folder {folder}, which is not "
            f"available: {error.strerror or error}. Free some space, or name another folder with "
            "--cache-dir."
        ) from error


def _check_replaceable(path: Path) -> None:
    if os.path.lexists(path) and not begins_with(path, BACKHAND_FILE):
        raise InputError(
            f"--keep-cache writes {path}, but a file of that name exists that Backhand did not "
            "write; move it, or name another folder with --cache-dir."
        )


def _named_file(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Map an array from a .npy file, after its header is written and its space reserved."""
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False,
                 "shape": tuple(map(int, shape))}  # fmt: skip
    text = repr(described).encode().ljust(HEADER_BYTES - len(MAGIC) - 1) + b"\n"
    with path.open("r+b") as file:
        file.write(MAGIC + text)
        size = HEADER_BYTES + int(np.prod(shape, dtype=object)) * dtype.itemsize
        system.files.reserve(file.fileno(), size)
        return np.memmap(file, dtype, "r+", offset=HEADER_BYTES, shape=shape)


def _unnamed_file(
    folder: Path, size: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    with tempfile.TemporaryFile(prefix="backhand-", dir=folder) as file:
        system.files.reserve(file.fileno(), size)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
