"""The lock of a checkpoint folder, which one training at a time may hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backhand.errors import InputError, OutputError
from backhand.support import system
from backhand.support.trusted_folders import opened

FOLDER = "the checkpoint folder"

LOCK = "held-by"
"""The file that the training in the folder keeps locked; it names the process."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make and lock the folder while the context lasts; the system unlocks it with the process.

    Raises
    ------
    InputError
        If another training has locked it.
    OutputError
        If it cannot be made or locked.
    """
    with usable(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        with opened(folder, FOLDER) as inside:
            lock = inside.open(LOCK, os.O_RDWR | os.O_CREAT)
    try:
        with usable(folder):
            _lock(lock, folder)
        yield
    finally:
        with suppress(OSError):
            os.close(lock)


def _lock(lock: int, folder: Path) -> None:
    """Lock the file, unless it is locked or not ours, and write this process's number in it."""
    holder = os.read(lock, 100)
    if holder and not holder.startswith(b"process "):
        raise InputError(
            f"{folder / LOCK} was not written by Backhand, which needs a file of that name; name "
            "another folder for the checkpoints."
        )
    if system.files.lock(lock) is False:
        who = holder.decode(errors="replace").strip() or "another process"
        raise InputError(
            f"{FOLDER} {folder} is locked by another training ({who}); wait for it, or name "
            "another folder."
        )
    os.ftruncate(lock, 0)
    os.lseek(lock, 0, os.SEEK_SET)
    os.write(lock, f"process {os.getpid()} of {system.machine.host_name()}".encode())


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turn a system's error about the folder into a sentence."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{FOLDER} {folder} cannot be used: {error.strerror or error}. No checkpoint in it was "
            "changed; name another one."
        ) from error
