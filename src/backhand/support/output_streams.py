"""Streams that write all bytes, or raise.

A raw stream may write only a part, and one that does not block may write nothing. Unbuffered,
Python's `print` ignores both, and lines would be lost silently.
"""

from __future__ import annotations

import errno
import io
import os
import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, TextIO

from backhand.support import system

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

WRITE_TIMEOUT = 20.0
"""Seconds for which a non-blocking stream may stay full: perhaps nothing reads it."""


def write_all(write: Callable[[Any], int | None], data: ReadableBuffer, file: Any) -> int:
    """Call `write` of a raw stream until all bytes are written, and return their number.

    If the stream does not block and is full, wait. `file` is the stream or its descriptor.

    Raises
    ------
    OSError
        If the disk is full, or the reader has closed the stream or does not read.
    """
    left = memoryview(data).cast("B")
    size = len(left)
    while left:
        taken = write(left)
        if taken is not None:
            left = left[taken:]
        elif not select.select([], [file], [], WRITE_TIMEOUT)[1]:
            raise BlockingIOError(errno.EAGAIN, f"nothing has read it for {WRITE_TIMEOUT:.0f} s")
    return size


class WholeFile(io.FileIO):
    """A raw file whose `write` writes everything, or raises."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all bytes, and return their number."""
        return write_all(super().write, data, self.fileno())


@contextmanager
def nothing_printed() -> Iterator[None]:
    """Drop what is printed to stdout, also by C code and by what writes to its descriptor."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, ExitStack() as after:  # noqa: PTH123
        with suppress(OSError):  # stdout is closed
            before = os.dup(1)
            after.callback(os.close, before)
            os.dup2(nowhere.fileno(), 1)
            after.callback(os.dup2, before, 1)
        with redirect_stdout(nowhere):
            yield


def whole(stream: TextIO) -> TextIO:
    """Return a standard stream that writes every line, or raises.

    A stream without a file descriptor is returned unchanged, and so is every stream on Windows,
    which has consoles without descriptors and no non-blocking pipes.
    """
    if not system.files.pipes_may_be_full() or not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    unbuffered = isinstance(stream.buffer, io.RawIOBase)
    return io.TextIOWrapper(
        io.BufferedWriter(WholeFile(descriptor, "wb", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        newline="\n",
        line_buffering=unbuffered or stream.line_buffering,
    )
