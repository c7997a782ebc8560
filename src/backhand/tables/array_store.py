"""Where a table's matrix lies: in memory, or on the disk and mapped.

The operating system brings in what is read of a mapped file, and lets it go when memory is short.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import BackhandError, InputError, OutputError
from backhand.support.atomic_files import begins_with, replacing
from backhand.support.memory_budget import shown
from backhand.support.trusted_folders import check_parent

HEADER = 4096
"""Bytes before the numbers of a file that is kept, so that rows begin with a page. The format
allows it, and no other program does it: by this a file of ours is known."""

MAGIC = b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little")
OURS = re.compile(re.escape(MAGIC))


class Matrices:
    """Makes arrays, in memory while there is room for them, else in files of a folder.

    A context, in which the arrays are written: files that are kept get their names when it ends
    well, and are not there when it does not.

    Parameters
    ----------
    memory : int
        Bytes that all the arrays in memory may take.
    folder : path, optional
        Where files are made; by default the system's folder for temporary files.
    keep : bool
        Make all as files, which stay: `.npy` files that `numpy.load(…, mmap_mode="r")` maps. Else
        files have no name, and are gone with the process, however it ends.
    """

    def __init__(
        self, memory: int, folder: str | Path | None = None, *, keep: bool = False
    ) -> None:
        self._left = memory
        self._folder = Path(tempfile.gettempdir() if folder is None else folder)
        self._keep = keep
        self._kept = ExitStack()

    def __enter__(self) -> Matrices:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._kept.__exit__(kind, error, trace)

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array to be written to, once.

        Raises
        ------
        InputError
            If others could exchange what is made in the folder, or a file that is to be kept would
            replace one that Backhand did not write.
        OutputError
            If the disk has no room for it, or the folder cannot be written to.
        """
        size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        if not self._keep and size <= self._left:
            self._left -= size
            return np.empty(shape, dtype)
        if size == 0:  # which cannot be mapped
            return np.empty(shape, dtype)
        with _naming(self._folder, size):
            if self._keep:
                path = self._folder / f"{name}.npy"
                _check_ours(path)
                temporary = self._kept.enter_context(replacing(path, links=False))
                return _file(temporary, shape, np.dtype(dtype))
            return _nameless(self._folder, size, shape, np.dtype(dtype))


@contextmanager
def _naming(folder: Path, size: int) -> Iterator[None]:
    try:
        check_parent(folder, "the cache folder")
        yield
    except BackhandError:
        raise
    except OSError as error:
        raise OutputError(
            f"the table's matrix needs {shown(size)} in the folder {folder}, which cannot be had: "
            f"{error.strerror or error}. Free some, or name another folder with --cache-dir."
        ) from error


def _check_ours(path: Path) -> None:
    if os.path.lexists(path) and not begins_with(path, OURS):
        raise InputError(
            f"--keep-cache writes {path}, and what is there was not written by Backhand; move it, "
            "or name another folder with --cache-dir."
        )


def _file(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array mapped from a .npy file, which gets its header and its room."""
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False,
                 "shape": tuple(map(int, shape))}  # fmt: skip
    text = repr(described).encode().ljust(HEADER - len(MAGIC) - 1) + b"\n"
    with path.open("r+b") as file:
        file.write(MAGIC + text)
        _reserve(file.fileno(), HEADER + int(np.prod(shape, dtype=object)) * dtype.itemsize)
        return np.memmap(file, dtype, "r+", offset=HEADER, shape=shape)


def _nameless(
    folder: Path, size: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    with tempfile.TemporaryFile(prefix="backhand-", dir=folder) as file:
        _reserve(file.fileno(), size)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def _reserve(descriptor: int, size: int) -> None:
    """Take the room on the disk now: to lack it while writing to mapped memory kills a process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)
