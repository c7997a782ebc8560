"""Checks that folders can be trusted, opens files in them, and creates temporary folders.

In a folder that other users can write to, a file can be replaced between a check and its use; in
one that only this user can write to, every file was written by this user. On a system without file
owners, all folders are trusted: on Windows, a user's own folders are closed to others by default.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from backhand.errors import InputError
from backhand.support import system
from backhand.support.system.files import OWNERS, WITHOUT_LINKS

OTHERS = stat.S_IWGRP | stat.S_IWOTH

LOCK = "lock"
"""The file in a temporary folder that its process keeps locked."""

TEMPORARY_NAME = re.compile(r"\.?backhand-[a-z]+-[a-z0-9_]{8}(\.part)?")
"""Names of temporary folders."""

ATTEMPTS = 20

SECONDS_PER_DAY = 86_400.0


class Folder:
    """An open folder that only this user can write to; see `opened`."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    def open(self, name: str, flags: int) -> int:
        """Open a regular file of this user without another name, and return its descriptor.

        Raises
        ------
        InputError
            If the name is something else, such as a link.
        OSError
            If it cannot be opened.
        """
        path = self.path / name
        here = path if self._descriptor is None else name
        try:
            descriptor = os.open(here, flags | WITHOUT_LINKS, 0o600, dir_fd=self._descriptor)
        except OSError as error:
            if path.is_symlink():
                raise InputError(f"{path} is a link and is not followed; remove it.") from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{path} is not a regular file; remove it.")
            if status.st_nlink > 1:
                raise InputError(f"{path} has another name as well (a hard link); remove it.")
            if OWNERS and status.st_uid != system.files.user():
                raise InputError(f"{path} belongs to another user; remove it.")
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def read(self, name: str) -> bytes:
        """Return the content of a file that no other user can have written.

        Raises
        ------
        InputError, OSError
            As for `open`; InputError also if other users can write to the file.
        """
        with os.fdopen(self.open(name, os.O_RDONLY), "rb") as file:
            if OWNERS and os.fstat(file.fileno()).st_mode & OTHERS:
                raise InputError(f"{self.path / name} can be written to by other users; remove it.")
            return file.read()


@contextmanager
def opened(path: Path, what: str) -> Iterator[Folder]:
    """Open a folder that only this user can write to; files are opened through its descriptor.

    Raises
    ------
    InputError
        If other users can write to it, or it is a link; the message says what to do.
    OSError
        If it does not exist, or cannot be opened.
    """
    check_private(path, what)
    if not OWNERS:
        yield Folder(path, None)
        return
    descriptor = system.files.open_folder(path)
    try:
        _refuse(path, what, os.fstat(descriptor))  # the open folder cannot be replaced
        yield Folder(path, descriptor)
    finally:
        with suppress(OSError):
            os.close(descriptor)


def check_private(path: Path, what: str) -> None:
    """Check that only this user can write to a folder; raise as `opened`."""
    _refuse(path, what, path.lstat())


def check_parent(path: Path, what: str) -> None:
    """Check that other users cannot replace this user's files in a folder; raise as `opened`.

    They cannot if only the user or root can write to it, or if it is sticky, as /tmp is. A link is
    followed.
    """
    status = path.stat()
    if OWNERS and status.st_uid not in (0, system.files.user()):
        raise InputError(f"{what} {path} belongs to another user; name a folder of your own.")
    if OWNERS and status.st_mode & OTHERS and not status.st_mode & stat.S_ISVTX:
        raise _writable(path, what, status)


def _refuse(path: Path, what: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise InputError(f"{what} {path} is a link; name the folder that it leads to.")
    if not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{what} {path} is not a folder.")
    if not OWNERS:
        return
    if status.st_uid != system.files.user():
        raise InputError(f"{what} {path} belongs to another user; name a folder of your own.")
    if status.st_mode & OTHERS:
        raise _writable(path, what, status)


def _writable(path: Path, what: str, status: os.stat_result) -> InputError:
    return InputError(
        f"{what} {path} can be written to by other users (its mode is "
        f"{stat.S_IMODE(status.st_mode):o}); run `chmod go-w {shlex.quote(str(path))}`, or name "
        "another folder."
    )


def make(path: Path) -> None:
    """Create a folder, and missing folders above it, for this user only."""
    missing = []
    while not path.exists() and not path.is_symlink():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def temporary(parent: Path, kind: str) -> Iterator[Path]:
    """Create a folder that only this user can enter, and remove it at the end of the context.

    It is called `backhand-<kind>-…`, or `.backhand-part-….part` for the kind "part". Folders that
    killed processes left in `parent` are removed first: a process keeps its own locked.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    clear(parent, kind)
    folder, lock = _made(parent, kind)
    process = os.getpid()
    try:
        yield folder
    finally:
        with suppress(OSError):
            if os.getpid() == process:
                _remove(folder, lock)
            else:  # in a child that was forked meanwhile
                os.close(lock)


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Start a process that removes the folder if this process ends before the context does.

    It waits for the end of a pipe, which the system closes however this process ends.
    """
    waiting, held = os.pipe()
    guard = system.processes.waiting_remover(folder, waiting)  # else the next process clears it
    process = os.getpid()
    try:
        with suppress(OSError):
            os.close(waiting)
        yield
    finally:
        with suppress(OSError):
            os.close(held)
        if guard is not None and os.getpid() == process:
            guard.wait()


def _made(parent: Path, kind: str) -> tuple[Path, int]:
    """Create a folder and its lock; another one if a process removed it as abandoned."""
    dot, end = (".", ".part") if kind == "part" else ("", "")
    for attempt in range(ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=f"{dot}backhand-{kind}-", suffix=end, dir=parent))
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | WITHOUT_LINKS, 0o600)
        except OSError as error:
            with suppress(OSError):
                folder.rmdir()
            if isinstance(error, FileNotFoundError) and attempt < ATTEMPTS - 1:
                continue
            raise
        try:
            if _locked(lock) is not False and os.fstat(lock).st_nlink:
                os.write(lock, _host())
                return folder, lock
        except BaseException:
            with suppress(OSError):
                _remove(folder, lock)
            raise
        with suppress(OSError):  # the check for abandoned folders leaves one without a host
            _remove(folder, lock)
    raise OSError(f"no temporary folder could be created in {parent}")


def _locked(descriptor: int) -> bool | None:
    """Lock a file; return False if a process has locked it, None without locks."""
    try:
        return system.files.lock(descriptor)
    except OSError:
        return None


def _host() -> bytes:
    return f"backhand on {system.machine.host_name()}\n".encode()


def clear(parent: Path, kind: str) -> None:
    """Remove the temporary folders of a kind whose process has ended, if possible."""
    with suppress(OSError), os.scandir(parent) as entries:
        for name in [entry.name for entry in entries]:
            if TEMPORARY_NAME.fullmatch(name) and f"backhand-{kind}-" in name:
                with suppress(OSError, InputError):
                    _clear_one(parent / name)


def _clear_one(folder: Path) -> None:
    with opened(folder, "the temporary folder") as inside:
        try:
            lock = inside.open(LOCK, os.O_RDWR)
        except FileNotFoundError:
            folder.rmdir()  # created, and not yet locked: its process creates another one
            return
        if _locked(lock) is True and _abandoned(lock):
            _remove(folder, lock)
        else:
            os.close(lock)


def _abandoned(lock: int) -> bool:
    """Return whether no process can be using the folder, on this machine or another one.

    A process that has not locked its folder yet finds that it cannot, and creates another one. On
    some network file systems other machines do not see a lock: their folders are kept for a day.
    """
    written = os.read(lock, 1000)
    return written in (b"", _host()) or time.time() - os.fstat(lock).st_mtime > SECONDS_PER_DAY


def _remove(folder: Path, lock: int) -> None:
    """Remove a folder, its lock last, so that the next process can remove what this one cannot.

    The lock is closed, in any case.
    """
    with ExitStack() as locked:
        locked.callback(os.close, lock)
        with os.scandir(folder) as entries:
            inside = [entry for entry in entries if entry.name != LOCK]
        for entry in inside:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                Path(entry.path).unlink()
        if not system.files.removes_open_files():
            locked.close()
        (folder / LOCK).unlink()
        folder.rmdir()
