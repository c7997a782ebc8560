"""Conversions in a process of their own: a library that aborts on a damaged file ends only that.

The libraries for workbooks and Arrow files are compiled. What a damaged file makes them do (end the
process, allocate memory without a limit) cannot be caught in the same process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from backhand import errors
from backhand.errors import BackhandError, InputError, OutputError
from backhand.support import system
from backhand.support.memory_budget import format_size

OWN_MEMORY = 2**28
"""Bytes that a process needs for itself, at most."""


def run_apart(
    module: str, name: str, memory: int, arguments: list[object], copy: str
) -> str | None:
    """Run the conversion of a module, which calls `answer`, and return what it returns.

    Parameters
    ----------
    module : str
    name : str
        What messages call the file.
    memory : int
        Bytes that it may use.
    arguments : list
        What JSON can hold.
    copy : str
        The file that it writes, which is removed if it fails.

    Raises
    ------
    BackhandError
        What the conversion raises; InputError if it ends in another way, OutputError if that is
        for lack of memory.
    """
    command = [sys.executable, "-P", "-m", module, json.dumps([memory, arguments])]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, encoding="utf-8",
            errors="replace",
        )  # fmt: skip
        if done.returncode == 0:
            told: str | None = json.loads(done.stdout)
            return told
        raise _failed(name, memory, done)
    except BaseException:
        with suppress(OSError):
            Path(copy).unlink()
        raise


def _failed(name: str, memory: int, done: subprocess.CompletedProcess[str]) -> BackhandError:
    with suppress(ValueError):
        kind, message = json.loads(done.stdout)
        error: BackhandError = getattr(errors, kind)(message)
        return error
    if "memory allocation" in done.stderr or "MemoryError" in done.stderr:
        return OutputError(
            f"{name} cannot be read within {format_size(memory)} of memory: it is damaged, or "
            "needs more, which --memory (memory) allows."
        )
    return InputError(f"{name} is damaged: reading it failed.")


def answer(convert: Callable[..., str | None]) -> None:
    """Run a conversion with the arguments of this process, and print what it returns or raises."""
    memory, arguments = json.loads(sys.argv[1])
    system.memory.limit_memory(memory + OWN_MEMORY)
    system.processes.no_core_file()
    try:
        print(json.dumps(convert(*arguments)))
    except BackhandError as error:
        print(json.dumps([type(error).__name__, str(error)]))
        sys.exit(1)
