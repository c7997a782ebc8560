"""Which folders may be trusted, files of ours in them, and temporary folders that do not stay.

Trust is in folders. In one that others may write to, a file can be exchanged between any check of
it and its use; in one that only this user may write to, every file is this user's own doing. Where
a system has no owners of files (Windows), all folders are trusted.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backhand.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    LOCKS = False
else:
    LOCKS = True

OWNERS = hasattr(os, "getuid")
"""Whether the system knows whose a file is."""

OTHERS = stat.S_IWGRP | stat.S_IWOTH

WITHOUT_LINKS = (
    getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)
"""Flags to open a file with: not through a link, and without waiting at a pipe."""

LOCK = "lock"
"""The file in a temporary folder that its process holds locked."""

NAME = re.compile(r"\.?backhand-[a-z]+-[a-z0-9_]{8}(\.part)?")
"""What temporary folders are called."""

ATTEMPTS = 20

DAY = 86_400.0


class Folder:
    """A folder that only this user may write to, open; see `opened`."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    def open(self, name: str, flags: int) -> int:
        """The descriptor of a regular file in it that is this user's and has no other name.

        Raises
        ------
        InputError
            If what has that name is something else, a link for example.
        OSError
            If it cannot be opened.
        """
        path = self.path / name
        here = path if self._descriptor is None else name
        try:
            descriptor = os.open(here, flags | WITHOUT_LINKS, 0o600, dir_fd=self._descriptor)
        except OSError as error:
            if path.is_symlink():
                raise InputError(f"{path} is a link, which is not followed; remove it.") from error
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{path} is not a regular file; remove it.")
            if status.st_nlink > 1:
                raise InputError(f"{path} has another name as well (a hard link); remove it.")
            if OWNERS and status.st_uid != os.getuid():
                raise InputError(f"{path} belongs to another user; remove it.")
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def read(self, name: str) -> bytes:
        """What a file in it holds, which nobody else can have written.

        Raises
        ------
        InputError, OSError
            As for `open`; InputError also if others may write to the file.
        """
        with os.fdopen(self.open(name, os.O_RDONLY), "rb") as file:
            if OWNERS and os.fstat(file.fileno()).st_mode & OTHERS:
                raise InputError(f"{self.path / name} can be written to by other users; remove it.")
            return file.read()


@contextmanager
def opened(path: Path, what: str) -> Iterator[Folder]:
    """A folder that only this user may write to; files in it are opened through its descriptor.

    Raises
    ------
    InputError
        If others may write to it, or it is a link; the message says what to do.
    OSError
        If it is not there, or cannot be opened.
    """
    check_private(path, what)
    if not OWNERS:
        yield Folder(path, None)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | WITHOUT_LINKS)
    try:
        _refuse(path, what, os.fstat(descriptor))  # what is open now cannot be exchanged
        yield Folder(path, descriptor)
    finally:
        with suppress(OSError):
            os.close(descriptor)


def check_private(path: Path, what: str) -> None:
    """Whether only this user may write to a folder; raises as `opened`."""
    _refuse(path, what, path.lstat())


def check_parent(path: Path, what: str) -> None:
    """Whether what this user makes in a folder cannot be exchanged by others; raises as `opened`.

    So it is in a folder that only the user or root may write to, and in a sticky one, as /tmp.
    A link is followed.
    """
    status = path.stat()
    if OWNERS and status.st_uid not in (0, os.getuid()):
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
    if status.st_uid != os.getuid():
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
    """Make a folder, and those above it that are not there, for this user alone."""
    missing = []
    while not path.exists() and not path.is_symlink():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def temporary(parent: Path, kind: str) -> Iterator[Path]:
    """A new folder that only this user may enter; it is removed with all in it at the end.

    It is called `backhand-<kind>-…`, or `.backhand-part-….part` of the kind "part". Those that
    killed processes have left in `parent` are removed first: a process holds a lock on its own.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    clear(parent, kind)
    folder, lock = _made(parent, kind)
    process = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == process:  # and not a child that was forked meanwhile
            with suppress(OSError):
                _remove(folder)
        if lock is not None:
            with suppress(OSError):
                os.close(lock)


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """While the context lasts, another process waits to remove the folder should this one die.

    It waits for the end of a pipe, which the system closes however this process ends.
    """
    waiting, held = os.pipe()
    try:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; exec rm -rf -- "$0"', str(folder)], cwd="/",
            stdin=waiting, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError:  # without a shell: the next process clears it
        guard = None
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


def _made(parent: Path, kind: str) -> tuple[Path, int | None]:
    """A folder and the descriptor of its lock; another one if somebody took it for abandoned."""
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
                if LOCKS:
                    return folder, lock
                os.close(lock)  # Windows removes no file that is open
                return folder, None
        except BaseException:
            with suppress(OSError):
                _remove(folder)
            os.close(lock)
            raise
        with suppress(OSError):  # who looks whether it is abandoned leaves one without a host
            _remove(folder)
        os.close(lock)
    raise OSError(f"no temporary folder could be kept in {parent}")


def _locked(descriptor: int) -> bool | None:
    """Lock a file, unless somebody holds it (False) or the file system has no locks (None)."""
    if not LOCKS:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _host() -> bytes:
    return f"backhand on {os.uname().nodename if OWNERS else ''}\n".encode()


def clear(parent: Path, kind: str) -> None:
    """Remove the temporary folders of that kind whose process is gone, where that is possible."""
    with suppress(OSError), os.scandir(parent) as entries:
        for name in [entry.name for entry in entries]:
            if NAME.fullmatch(name) and f"backhand-{kind}-" in name:
                with suppress(OSError, InputError):
                    _clear_one(parent / name)


def _clear_one(folder: Path) -> None:
    with opened(folder, "the temporary folder") as inside:
        try:
            lock = inside.open(LOCK, os.O_RDWR)
        except FileNotFoundError:
            folder.rmdir()  # made, and not yet locked: whose it is makes another one
            return
        try:
            if _locked(lock) is True and _abandoned(lock):
                _remove(folder)
        finally:
            os.close(lock)


def _abandoned(lock: int) -> bool:
    """Whether nobody can be using the folder, on this machine or on another one.

    Whoever made it died before it locked it, or finds now that it cannot and makes another. On some
    network file systems a lock is not seen by other machines: their folders have a day.
    """
    written = os.read(lock, 1000)
    return written in (b"", _host()) or time.time() - os.fstat(lock).st_mtime > DAY


def _remove(folder: Path) -> None:
    """All in the folder, its lock last: what cannot be removed now, the next process can."""
    with os.scandir(folder) as entries:
        inside = [entry for entry in entries if entry.name != LOCK]
    for entry in inside:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    (folder / LOCK).unlink()
    folder.rmdir()
