"""Streams that take all of what is written to them, or raise.

A raw stream may take a part of it and say how much; one that does not block may take nothing.
Python's `print`, where Python does not buffer, ignores both: lines would be lost and nobody told.
"""

from __future__ import annotations

import errno
import io
import os
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PATIENCE = 20.0
"""Seconds that a stream which does not block may be full: nobody may be there to empty it."""


def write_all(write: Callable[[Any], int | None], data: ReadableBuffer, file: Any) -> int:
    """Call `write` of a raw stream until it has taken all bytes; their number.

    Where it does not block and is full, wait. `file` is the stream or its descriptor.

    Raises
    ------
    OSError
        If it takes no more: the disk is full, or the reader has left, or does not read.
    """
    left = memoryview(data).cast("B")
    size = len(left)
    while left:
        taken = write(left)
        if taken is not None:
            left = left[taken:]
        elif not select.select([], [file], [], PATIENCE)[1]:
            raise BlockingIOError(errno.EAGAIN, f"nobody has read from it for {PATIENCE:.0f} s")
    return size


class WholeFile(io.FileIO):
    """A raw file whose `write` takes everything, or raises."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all bytes; their number."""
        return write_all(super().write, data, self.fileno())


def whole(stream: TextIO) -> TextIO:
    """The same standard stream, in which every line arrives or an error is raised.

    What is no file of the system comes back as it is, and so does everything on Windows, which has
    consoles that are none and no pipes that do not block.
    """
    if os.name == "nt" or not isinstance(stream, io.TextIOWrapper):
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
