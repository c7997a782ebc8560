"""Safetensors files, tensors and a JSON header: the only place that reads and writes them.

A file is data from a stranger. What it says of itself is bounded, and checked against itself and
against the file's size, before anything of the size that it names is allocated; nothing in it is
ever executed. The format (8 bytes with the length of a JSON object, that object, the numbers) is
simple enough to be read here byte by byte, so that no check can be forgotten by a library.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, MissingFileError, listed
from backhand.support.memory_budget import shown
from backhand.support.trusted_folders import WITHOUT_LINKS
from backhand.support.untrusted_json import dump, parse

T = TypeVar("T")

MOST_HEADER = 64 * 2**20
"""Bytes of the JSON object. That of 20,000 numbers has 2.5 MiB, of 1000 columns of 1000 categories
of 20 letters each 25 MiB, of 100,000 epochs 4 MiB."""

MOST_TENSORS, MOST_DIMENSIONS, MOST_NAME = 256, 8, 256
"""Tensors in a file; dimensions of one; letters of its name."""

MOST_NUMBERS = 2**48
"""In a tensor, an empty dimension taken as 1: what NumPy can address, whatever the itemsize."""

LENGTH = 8
"""Bytes at the file's beginning that hold the length of the JSON object, a little-endian integer;
the object is padded with spaces to a multiple of as many."""

DTYPES = {
    name: np.dtype(code)
    for name, code in (("U64", "<u8"), ("I64", "<i8"), ("F64", "<f8"), ("F32", "<f4"),
                       ("U32", "<u4"), ("I32", "<i4"), ("U8", "u1"))
}  # fmt: skip
"""The dtypes that a file may hold. No BOOL: a byte that is neither 0 nor 1 has no meaning in it."""


class Entry(NamedTuple):
    """What a file says of one tensor and is found to fit; its data's bytes `start` to `stop`."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def stand_in(self) -> NDArray[Any]:
        """Zeros of that dtype and shape that take no memory, for checks of shapes."""
        return np.broadcast_to(np.zeros((), self.dtype.newbyteorder("=")), self.shape)


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, NDArray[Any]],
    header: Mapping[str, Any],
    key: str = "backhand",
) -> None:
    """Write tensors and a header. Equal ones give equal bytes; they are what safetensors writes.

    Parameters
    ----------
    path : path
        Written to directly; `files.replacing` makes it whole or not at all.
    tensors : mapping of str to array
        Of the dtypes in `DTYPES`. One at a time is copied, if it is not contiguous.
    header : mapping
        JSON values, with which the file can be read again.
    key : str
        The entry of the file's metadata that the header becomes.

    Raises
    ------
    InputError
        If the header is no JSON, a tensor has another dtype, or there is more than can be read.
    OSError
        If writing fails.
    """
    order, raw = check_writable(tensors, header, key)
    try:
        with Path(path).open("wb") as file:
            file.write(len(raw).to_bytes(LENGTH, "little") + raw)
            for name in order:
                little = np.ascontiguousarray(tensors[name], DTYPES[_code(name, tensors)])
                file.write(little.reshape(-1).view(np.uint8).data)
    except OSError as error:
        size = LENGTH + len(raw) + sum(value.nbytes for value in tensors.values())
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"{reason}; it needs {shown(size)}") from error


def check_writable(
    tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], key: str = "backhand"
) -> tuple[list[str], bytes]:
    """The order of the tensors in a file and its JSON object, whatever the tensors' numbers are.

    Raises
    ------
    InputError
        As `write_tensors` does.
    """
    # Wide numbers first, so that all are aligned; as the library sorts them.
    order = sorted(tensors, key=lambda name: (list(DTYPES).index(_code(name, tensors)), name))
    try:
        metadata = {key: dump(header)}
    except InputError as error:
        raise InputError(f"what is said of a model must be JSON values: {error}.") from error
    return order, _header(tensors, order, metadata)


def _code(name: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """What the format calls a tensor's dtype."""
    for code, dtype in DTYPES.items():
        if tensors[name].dtype.newbyteorder("<") == dtype:
            return code
    raise InputError(f"the tensor {name} is {tensors[name].dtype}; expected {listed(DTYPES)}.")


def _header(
    tensors: Mapping[str, NDArray[Any]], order: Sequence[str], metadata: dict[str, str]
) -> bytes:
    """The JSON object with what tensors there are and where, in that order."""
    described: dict[str, Any] = {"__metadata__": metadata}
    start = 0
    for name in order:
        stop = start + tensors[name].nbytes
        described[name] = {"dtype": _code(name, tensors), "shape": list(tensors[name].shape),
                           "data_offsets": [start, stop]}  # fmt: skip
        start = stop
    raw = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % LENGTH)
    if len(raw) > MOST_HEADER:
        raise InputError(
            f"what is said of the tensors takes {len(raw):,} bytes, more than the {MOST_HEADER:,} "
            "that are read again; use fewer columns, or fewer or shorter categories."
        )
    return raw


def read_tensors(
    path: str | Path,
    *,
    expected: Callable[[Mapping[str, Entry], Any], T],
    what: str = "model file",
    key: str = "backhand",
    links: bool = True,
) -> tuple[dict[str, NDArray[Any]], T]:
    """The tensors of a file that `write_tensors` wrote, and what `expected` makes of its header.

    Parameters
    ----------
    path : path
    expected : callable
        Called with the tensors' entries and the header's JSON value before anything is allocated;
        raises InputError with a clause ("its format is …") if they are not what they should be.
    what : str
        What the file should be, for messages.
    key : str
        The entry of the file's metadata that is the header.
    links : bool
        Whether a link is followed.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is a folder, no ordinary file, or cannot be read; if it is no safetensors file, or
        not one of Backhand's, or not whole; or if `expected` says so.
    """
    path = Path(path)
    with _opened(path, what, links=links) as (file, size):
        try:
            entries, metadata, begin = _described(file, size)
        except InputError as error:
            raise InputError(
                f"{path} cannot be read as a {what} ({error}); expected a .safetensors file that "
                "Backhand wrote."
            ) from error
        if key not in metadata:
            raise InputError(
                f"{path} is a safetensors file, but no {what} of Backhand: it holds "
                f"{listed(sorted(entries))} and no header."
            )
        try:
            made = expected(entries, parse(metadata.pop(key).encode()))
        except InputError as error:
            raise InputError(
                f"{path} is damaged or was not written by Backhand: {str(error).rstrip('.')}."
            ) from error
        return {name: _read(file, begin, path, entries[name]) for name in entries}, made


@contextmanager
def _opened(path: Path, what: str, *, links: bool) -> Iterator[tuple[BufferedReader, int]]:
    """An ordinary file and its size; whatever fails while it is read becomes a sentence."""
    try:
        mode = _mode(path, links=links)
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder; name the {what} in it.")
        if stat.S_ISREG(mode):
            # Should a pipe have taken its place just now, nobody waits for who writes to it.
            flags = os.O_RDONLY | (os.O_NONBLOCK if links else WITHOUT_LINKS)
            with os.fdopen(os.open(path, flags), "rb") as file:
                found = os.fstat(file.fileno())
                if stat.S_ISREG(found.st_mode):
                    yield file, found.st_size
                    return
        raise InputError(f"{path} is no ordinary file; expected a {what}.")
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: there is no {what} by that name.") from error
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise InputError(f"{path} holds more than fits in this machine's memory.") from error


def _mode(path: Path, *, links: bool) -> int:
    """What sort of thing a path is, or leads to through links; raises what `stat` raises."""
    try:
        return path.stat(follow_symlinks=links).st_mode
    except ValueError as error:  # NUL, or half a surrogate pair
        raise InputError(f"{str(path)!r} is no file's name: {error}.") from error


def _described(file: BufferedReader, size: int) -> tuple[dict[str, Entry], dict[str, str], int]:
    """The tensors, the metadata, and the byte at which the data begin; all is found to fit."""
    length = int.from_bytes(file.read(LENGTH), "little")
    begin = LENGTH + length
    if size < LENGTH or begin > size:
        raise InputError(f"it has {size:,} bytes, and its header would end at byte {begin:,}")
    if length > MOST_HEADER:
        raise InputError(f"its header has {length:,} bytes, more than {MOST_HEADER:,}")
    try:
        described = parse(file.read(length), most_letters=MOST_HEADER)
    except InputError as error:
        raise InputError(f"of its header: {error}") from error
    if not isinstance(described, dict):
        raise InputError("its header is no JSON object")
    metadata = described.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InputError("its metadata are not texts by name")
    if len(described) > MOST_TENSORS:
        raise InputError(f"it has {len(described):,} tensors, more than {MOST_TENSORS}")
    entries = {name: _entry(name, value) for name, value in described.items()}
    _check_tiled(entries, size - begin)
    return entries, metadata, begin


def _entry(name: str, value: Any) -> Entry:
    """What is said of a tensor, once dtype, shape and offsets are found to agree."""
    if len(name) > MOST_NAME:
        raise InputError(f"a tensor's name has {len(name):,} letters, more than {MOST_NAME}")
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise InputError(f"the tensor {name!r} is not described by dtype, shape and data_offsets")
    shape, offsets = value["shape"], value["data_offsets"]
    dtype = DTYPES.get(value["dtype"]) if isinstance(value["dtype"], str) else None
    if dtype is None:
        given = str(value["dtype"])[:20]
        raise InputError(f"the dtype of tensor {name!r} is {given!r}; expected {listed(DTYPES)}")
    if not _are_counts(shape) or len(shape) > MOST_DIMENSIONS:
        raise InputError(
            f"the shape of tensor {name!r} is no list of {MOST_DIMENSIONS} sizes or less"
        )
    if math.prod(max(1, n) for n in shape) > MOST_NUMBERS:
        raise InputError(f"the tensor {name!r} is larger than anything can be")
    if not _are_counts(offsets) or len(offsets) != 2:
        raise InputError(f"the offsets of tensor {name!r} are no two numbers")
    if offsets[1] - offsets[0] != math.prod(shape) * dtype.itemsize:
        raise InputError(f"the tensor {name!r} does not have as many bytes as its shape needs")
    return Entry(dtype, tuple(shape), offsets[0], offsets[1])


def _are_counts(value: Any) -> bool:
    """A list of whole numbers, none negative; true and false are none."""
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _check_tiled(entries: Mapping[str, Entry], size: int) -> None:
    """The tensors lie one behind the other from the first byte to the last."""
    end = 0
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.stop)):
        if entry.start != end:
            raise InputError("its tensors overlap, or there is a gap between them")
        end = entry.stop
    if end != size:
        raise InputError(f"its tensors have {end:,} bytes, and the file has {size:,} for them")
    if size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        raise InputError(f"its tensors have {size:,} bytes, more than this machine's memory")


def _read(file: BufferedReader, begin: int, path: Path, entry: Entry) -> NDArray[Any]:
    array = np.empty(entry.shape, entry.dtype)
    file.seek(begin + entry.start)
    if file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
        raise InputError(f"{path} became shorter while it was read; try again.")
    return array.astype(entry.dtype.newbyteorder("="), copy=False)
