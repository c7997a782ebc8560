"""Where a table's matrix lies: in memory, or on the disk and mapped.

The operating system brings in what is read of a mapped file, and lets it go when memory is short.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import OutputError
from backhand.memory import shown


class Matrices:
    """Makes arrays, in memory while there is room for them, else in files of a folder.

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

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array to be written to, once.

        Raises
        ------
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
                return _kept(self._folder / f"{name}.npy", shape, np.dtype(dtype))
            return _nameless(self._folder, size, shape, np.dtype(dtype))


@contextmanager
def _naming(folder: Path, size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the table's matrix needs {shown(size)} in the folder {folder}, which cannot be had: "
            f"{error.strerror or error}. Free some, or name another folder with --cache-dir."
        ) from error


def _kept(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    try:
        with path.open("r+b") as file:
            _reserve(file.fileno(), path.stat().st_size)
    except OSError:
        path.unlink()
        raise
    return array


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
