"""Tables from a pipe, such as standard input, or from an address on the web, as a file."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import Any

from backhand.errors import BackhandError, InputError
from backhand.tables.files.copies import PIECE, new_copy

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")

STANDARD_INPUT = "standard input"


def is_address(data: str) -> bool:
    """Return whether the name of a table is an address such as https://…"""
    return ADDRESS.match(data) is not None


def is_stream(data: str) -> bool:
    """Return whether the name of a table names something that can be read only once."""
    return data == "-" or is_address(data) or not Path(data).is_file()


def receive(data: str, copy: str) -> tuple[str, str]:
    """Write what a pipe or an address gives to a new file.

    Returns what messages call it, and the name whose ending says the format.

    Raises
    ------
    InputError
        If it cannot be read.
    OutputError
        If the disk is full.
    """
    if is_address(data):
        from backhand.tables.files.downloads import download  # needed only here, and large

        return data, download(data, copy)
    name = STANDARD_INPUT if data == "-" else data
    try:
        with _pipe(name, data) as stream, new_copy(copy) as file:
            while piece := stream.read(PIECE):
                file.write(piece)
    except BackhandError:
        raise
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error
    return name, name


def _pipe(name: str, data: str) -> Any:
    if data == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise InputError("standard input is closed; name a file.")
        pipe = os.fdopen(os.dup(0), "rb")
    else:
        pipe = Path(data).open("rb")  # noqa: SIM115 (a context of the caller)
    status = os.fstat(pipe.fileno())
    if stat.S_ISCHR(status.st_mode) and not os.path.samestat(status, Path(os.devnull).stat()):
        what = "a terminal" if pipe.isatty() else "a device"
        pipe.close()
        raise InputError(f"{name} is {what}; expected a file or a pipe.")
    return pipe
