"""Safetensors files, tensors and a JSON header: the only place that reads and writes them.

A file is untrusted. Its header is bounded, and checked for consistency and against the file's size,
before memory of the sizes that it names is allocated; nothing in it is executed. The format (8
bytes with the length of a JSON object, that object, the numbers) is simple enough to be read here
byte by byte, so that no check depends on a library.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, MissingFileError, listed
from backhand.support import system
from backhand.support.memory_budget import format_size
from backhand.support.system.files import WITHOUT_LINKS, WITHOUT_WAITING
from backhand.support.untrusted_json import dump, parse

T = TypeVar("T")

MAX_HEADER = 64 * 2**20
"""Maximum bytes of the JSON object. It has 2.5 MiB for 20,000 numbers, 25 MiB for 1,000 columns of
1,000 categories of 20 characters each, 4 MiB for 100,000 epochs."""

MAX_TENSORS, MAX_DIMENSIONS, MAX_TENSOR_NAME = 256, 8, 256
"""Maximum number of tensors in a file, unless its reader allows more; of dimensions of a tensor;
and of characters of its name."""

MAX_NUMBERS = 2**48
"""Maximum elements of a tensor, an empty dimension counted as 1: what NumPy can address."""

LENGTH = 8
"""Bytes at the file's beginning with the length of the JSON object, a little-endian integer. The
object is padded with spaces to a multiple of them."""

DTYPES = {
    name: np.dtype(code)
    for name, code in (("U64", "<u8"), ("I64", "<i8"), ("F64", "<f8"), ("F32", "<f4"),
                       ("U32", "<u4"), ("I32", "<i4"), ("U8", "u1"))
}  # fmt: skip
"""The dtypes that a file may hold. No BOOL: a byte that is neither 0 nor 1 has no meaning in it."""


VERSION = re.compile(r"\d[\w.+!-]{0,40}", re.ASCII)
"""A version as a file may name it."""


class NewerFormatError(InputError):
    """The file has a format that only a later version of Backhand reads."""


class Entry(NamedTuple):
    """The checked description of a tensor in a file; its data are the bytes `start` to `stop`."""

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
    """Write tensors and a header. Equal input gives equal bytes, those that safetensors writes.

    Parameters
    ----------
    path : path
        Written to directly; `atomic_files.replacing` makes the write atomic.
    tensors : mapping of str to array
        With dtypes in `DTYPES`. One at a time is copied, if it is not contiguous.
    header : mapping
        JSON values.
    key : str
        The entry of the file's metadata that holds the header.

    Raises
    ------
    InputError
        If the header is not JSON, a tensor has another dtype, or a bound for reading is exceeded.
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
        raise OSError(error.errno, f"{reason}; it needs {format_size(size)}") from error


def check_writable(
    tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any], key: str = "backhand"
) -> tuple[list[str], bytes]:
    """Return the order of the tensors in a file, and its JSON object.

    Raises
    ------
    InputError
        As `write_tensors` does.
    """
    # Wide dtypes first, so that all are aligned; safetensors sorts them so.
    order = sorted(tensors, key=lambda name: (list(DTYPES).index(_code(name, tensors)), name))
    try:
        metadata = {key: dump(header)}
    except InputError as error:
        raise InputError(f"a model's metadata must be JSON values: {error}.") from error
    return order, _header(tensors, order, metadata)


def _code(name: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """Return the format's name of a tensor's dtype."""
    for code, dtype in DTYPES.items():
        if tensors[name].dtype.newbyteorder("<") == dtype:
            return code
    raise InputError(f"the tensor {name} is {tensors[name].dtype}; expected {listed(DTYPES)}.")


def _header(
    tensors: Mapping[str, NDArray[Any]], order: Sequence[str], metadata: dict[str, str]
) -> bytes:
    """Return the JSON object with the tensors and their positions, in that order."""
    described: dict[str, Any] = {"__metadata__": metadata}
    start = 0
    for name in order:
        stop = start + tensors[name].nbytes
        described[name] = {"dtype": _code(name, tensors), "shape": list(tensors[name].shape),
                           "data_offsets": [start, stop]}  # fmt: skip
        start = stop
    raw = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % LENGTH)
    if len(raw) > MAX_HEADER:
        raise InputError(
            f"the header takes {len(raw):,} bytes, more than the maximum of {MAX_HEADER:,}; use "
            "fewer columns, or fewer or shorter categories."
        )
    return raw


def read_tensors(
    path: str | Path,
    *,
    expected: Callable[[Mapping[str, Entry], Any], T],
    what: str = "model file",
    key: str = "backhand",
    newest: int | None = None,
    links: bool = True,
    most_tensors: int = MAX_TENSORS,
) -> tuple[dict[str, NDArray[Any]], T]:
    """Read the tensors of a file that `write_tensors` wrote, and check its header.

    Parameters
    ----------
    path : path
    expected : callable
        Called with the tensors' entries and the header's JSON value before anything is allocated.
        It raises InputError with a clause ("its format is …") if they are not as expected; its
        result is returned with the tensors.
    what : str
        The kind of file, for messages.
    key : str
        The entry of the file's metadata that is the header.
    newest : int, optional
        The newest format of the header that `expected` understands.
    links : bool
        Whether a link is followed.
    most_tensors : int
        Maximum number of tensors.

    Returns
    -------
    (dict of str to array, result of `expected`)

    Raises
    ------
    MissingFileError
        If there is no such file.
    NewerFormatError
        If the `format` of its header is above `newest`.
    InputError
        If it is not a regular file, or cannot be read; if it is not a safetensors file, was not
        written by Backhand, or is incomplete; or if `expected` raises it.
    """
    path = Path(path)
    with _opened(path, what, links=links) as (file, size):
        with _refused(path, what):
            described, metadata, begin = _described(file, size)
        header = _value_or_error(metadata.get(key))
        if newest is not None:
            _check_format(path, what, header, newest)
        with _refused(path, what):
            entries = _checked_entries(described, size - begin, most_tensors)
        if key not in metadata:
            raise InputError(
                f"{path} is a safetensors file, but not a {what} of Backhand: it holds "
                f"{listed(sorted(entries))} and no header."
            )
        try:
            if isinstance(header, InputError):
                raise header
            made = expected(entries, header)
        except InputError as error:
            raise InputError(
                f"{path} is damaged or was not written by Backhand: {str(error).rstrip('.')}."
            ) from error
        return {name: _read(file, begin, path, entries[name]) for name in entries}, made


@contextmanager
def _refused(path: Path, what: str) -> Iterator[None]:
    """Turn a clause about the file into a sentence."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"{path} cannot be read as a {what} ({error}); expected a .safetensors file that "
            "Backhand wrote."
        ) from error


def _value_or_error(header: str | None) -> Any:
    """Return the JSON value of the header, or the error of reading it, which may have to wait."""
    try:
        return None if header is None else parse(header.encode())
    except InputError as error:
        return error


def _check_format(path: Path, what: str, header: Any, newest: int) -> None:
    """Check that a later version has not changed the format, before anything else is compared.

    Every format keeps the number in `format`, and the version that wrote the file in `versions` or
    `made_by`.
    """
    found = header.get("format") if isinstance(header, dict) else None
    if type(found) is not int or found <= newest:
        return
    made_by = [header.get("versions"), header.get("made_by")]
    names = [
        m.get(name) for m in made_by if isinstance(m, dict) for name in ("backhand", "Backhand")
    ]
    known = [name for name in names if isinstance(name, str) and VERSION.fullmatch(name)]
    writer = f"Backhand {known[0]}" if known else "a later version of Backhand"
    raise NewerFormatError(
        f"{path} was written by {writer}: its format is {found!s:.20}, and the installed Backhand "
        f"{version('backhand')} reads a {what} up to format {newest}. Install the later version."
    )


@contextmanager
def _opened(path: Path, what: str, *, links: bool) -> Iterator[tuple[BufferedReader, int]]:
    """Open a regular file, and return it with its size; errors while it is read become ours."""
    try:
        mode = _mode(path, links=links)
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder; name the {what} in it.")
        if stat.S_ISREG(mode):
            # If a pipe has just replaced it, opening does not wait for a writer.
            flags = os.O_RDONLY | (WITHOUT_WAITING if links else WITHOUT_LINKS)
            with os.fdopen(os.open(path, flags), "rb") as file:
                found = os.fstat(file.fileno())
                if stat.S_ISREG(found.st_mode):
                    yield file, found.st_size
                    return
        raise InputError(f"{path} is not a regular file; expected a {what}.")
    except FileNotFoundError as error:
        raise MissingFileError(f"{path} does not exist; expected a {what}.") from error
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise InputError(f"{path} does not fit in this machine's memory.") from error


def _mode(path: Path, *, links: bool) -> int:
    """Return the mode of a path, or of the target of a link; raise what `stat` raises."""
    try:
        return path.stat(follow_symlinks=links).st_mode
    except ValueError as error:  # NUL, or half a surrogate pair
        raise InputError(f"{str(path)!r} is not a valid file name: {error}.") from error


def _described(file: BufferedReader, size: int) -> tuple[dict[str, Any], dict[str, str], int]:
    """Read the header: return its tensors, metadata, and the byte at which data begin."""
    length = int.from_bytes(file.read(LENGTH), "little")
    begin = LENGTH + length
    if size < LENGTH or begin > size:
        raise InputError("it is not a .safetensors file, or its end is missing")
    if length > MAX_HEADER:
        raise InputError(f"its header has {length:,} bytes, more than {MAX_HEADER:,}")
    try:
        described = parse(file.read(length), max_characters=MAX_HEADER)
    except InputError as error:
        raise InputError(f"in its header, {error}") from error
    if not isinstance(described, dict):
        raise InputError("its header is not a JSON object")
    metadata = described.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InputError("its metadata are not strings by name")
    return described, metadata, begin


def _checked_entries(
    described: Mapping[str, Any], size: int, most_tensors: int
) -> dict[str, Entry]:
    """Return the descriptions of the tensors, whose data have `size` bytes, after checking them."""
    if len(described) > most_tensors:
        raise InputError(f"it has {len(described):,} tensors, more than {most_tensors}")
    entries = {name: _entry(name, value) for name, value in described.items()}
    _check_tiled(entries, size)
    return entries


def _entry(name: str, value: Any) -> Entry:
    """Return the description of a tensor, after checking that dtype, shape and offsets agree."""
    if len(name) > MAX_TENSOR_NAME:
        raise InputError(
            f"a tensor's name has {len(name):,} characters, more than {MAX_TENSOR_NAME}"
        )
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise InputError(f"the tensor {name!r} is not described by dtype, shape and data_offsets")
    shape, offsets = value["shape"], value["data_offsets"]
    dtype = DTYPES.get(value["dtype"]) if isinstance(value["dtype"], str) else None
    if dtype is None:
        given = str(value["dtype"])[:20]
        raise InputError(f"the dtype of tensor {name!r} is {given!r}; expected {listed(DTYPES)}")
    if not _are_counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise InputError(
            f"the shape of tensor {name!r} is not a list of at most {MAX_DIMENSIONS} sizes"
        )
    if math.prod(max(1, n) for n in shape) > MAX_NUMBERS:
        raise InputError(f"the tensor {name!r} is larger than any memory")
    if not _are_counts(offsets) or len(offsets) != 2:
        raise InputError(f"the offsets of tensor {name!r} are not two numbers")
    if offsets[1] - offsets[0] != math.prod(shape) * dtype.itemsize:
        raise InputError(f"the number of bytes of tensor {name!r} does not match its shape")
    return Entry(dtype, tuple(shape), offsets[0], offsets[1])


def _are_counts(value: Any) -> bool:
    """Return whether a value is a list of non-negative whole numbers, not true or false."""
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _check_tiled(entries: Mapping[str, Entry], size: int) -> None:
    """Check that the tensors follow each other from the first byte to the last."""
    end = 0
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.stop)):
        if entry.start != end:
            raise InputError("its tensors overlap, or there is a gap between them")
        end = entry.stop
    if end != size:
        raise InputError(f"its tensors have {end:,} bytes, and the file has {size:,}")
    if size > system.memory.installed_memory():
        raise InputError(f"its tensors have {size:,} bytes, more than this machine's memory")


def _read(file: BufferedReader, begin: int, path: Path, entry: Entry) -> NDArray[Any]:
    array = np.empty(entry.shape, entry.dtype)
    file.seek(begin + entry.start)
    if file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
        raise InputError(f"{path} became shorter while it was read; try again.")
    return array.astype(entry.dtype.newbyteorder("="), copy=False)
