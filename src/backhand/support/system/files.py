"""Files, folders and pipes: owners, locks, links, and how a file is replaced and flushed."""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

OWNERS = hasattr(os, "getuid")
"""Whether files have owners. On Windows they have access lists, which are not examined."""

WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file as bytes, and without waiting if it is a pipe."""

WITHOUT_LINKS = getattr(os, "O_NOFOLLOW", 0) | WITHOUT_WAITING
"""Flags to open a file without following a link as well."""

ATTEMPTS, PAUSE = 6, 0.02
"""How often a file is replaced that another program has open, and seconds before the second."""

FAR = 2**30
"""The byte that is locked on Windows, beyond the end of the file: a locked byte cannot be read."""


def user() -> int:
    """Return the number of this user; 0, which may do everything, where users have none."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def open_folder(path: Path) -> int:
    """Open a folder that is not a link, through which its files are then opened."""
    if sys.platform == "win32":
        raise NotImplementedError("a folder has no descriptor on Windows")
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | WITHOUT_LINKS)


def lock(descriptor: int) -> bool | None:
    """Lock a file; return False if it is locked already, None if this system has no locks.

    The system unlocks it when the descriptor is closed, and so when the process ends.

    Raises
    ------
    OSError
        If the file system has no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                return False
            raise
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    try:
        import fcntl
    except ImportError:  # in a browser
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def removes_open_files() -> bool:
    """Whether an open file can be removed or replaced. On Windows it cannot."""
    return sys.platform != "win32"


def replace(new: Path, target: Path) -> None:
    """Rename a file to a name that may exist, atomically.

    Windows refuses while a program has the target open, as virus scanners and indexers do for
    milliseconds after a file was written: it is tried again for about half a second.

    Raises
    ------
    OSError
        As the system raises it.
    """
    for attempt in range(ATTEMPTS):
        try:
            new.replace(target)
            return
        except PermissionError:
            if removes_open_files() or attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE * 2**attempt)


def flush(descriptor: int) -> None:
    """Write a file from the system's memory to the disk, on macOS also from the disk's memory."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # a file system that has no such call
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def reserve(descriptor: int, size: int) -> None:
    """Reserve space on disk now: a full disk kills a process that writes to mapped memory.

    Raises
    ------
    OSError
        If there is not enough of it.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    if sys.platform == "darwin":
        import fcntl

        # struct fstore of <sys/fcntl.h>: all of it, wherever it is on the disk, from the end on.
        preallocate, whole, from_the_end = 42, 4, 3
        with suppress(AttributeError):
            fcntl.fcntl(descriptor, preallocate, struct.pack("Iiqqq", whole, from_the_end, 0,
                                                             size, 0))  # fmt: skip
    os.truncate(descriptor, size)  # which on Windows writes zeros


def longest_name(folder: Path) -> int | None:
    """Return the bytes that a file's name in a folder may have; None if it is not reported."""
    if sys.platform != "win32":
        with suppress(OSError, ValueError):
            return os.pathconf(folder, "PC_NAME_MAX")
    return None


def is_immutable(path: Path) -> bool:
    """Return whether an attribute of the file forbids changes, besides its permissions."""
    with suppress(OSError, ImportError):
        status = path.stat()
        if sys.platform == "win32":
            attributes = getattr(status, "st_file_attributes", 0)
            return bool(attributes & stat.FILE_ATTRIBUTE_READONLY)
        flags = getattr(status, "st_flags", 0)  # of macOS and BSD
        if flags & (stat.UF_IMMUTABLE | stat.SF_IMMUTABLE | stat.UF_APPEND | stat.SF_APPEND):
            return True
        if sys.platform != "linux":
            return False
        import fcntl

        get_flags, immutable, append_only = 0x8008_6601, 0x10, 0x20  # linux/fs.h
        descriptor = os.open(path, os.O_RDONLY | WITHOUT_LINKS)
        try:
            found = fcntl.ioctl(descriptor, get_flags, bytes(8))
        finally:
            os.close(descriptor)
        return bool(int.from_bytes(found[:4], "little") & (immutable | append_only))
    return False


def inherit(descriptor: int, old: os.stat_result) -> None:
    """Give a file the owner, group and permissions of another, or fewer permissions."""
    if sys.platform == "win32":  # it has those of its folder
        return
    now = os.fstat(descriptor)
    mode = old.st_mode & 0o777
    if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        for owner in (old.st_uid, -1):
            with suppress(OSError):
                os.fchown(descriptor, owner, old.st_gid)
                break
        else:  # the permissions of the old group are not for another group
            mode &= ~0o070 | mode << 3
    if mode != now.st_mode & 0o777:
        with suppress(OSError):  # on a file system without permissions
            os.fchmod(descriptor, mode)


def for_owner_only(folder: Path) -> None:
    """Let only the owner read and write what is created in a folder, whatever umask is set.

    This is a default access list of Linux (linux/posix_acl_xattr.h); elsewhere nothing is done.
    """
    if sys.platform == "linux":
        entries = ((1, 6), (4, 0), (32, 0))
        rights = b"".join(struct.pack("<HHI", tag, what, 0xFFFF_FFFF) for tag, what in entries)
        with suppress(OSError):  # the folder is closed to other users even without it
            os.setxattr(folder, "system.posix_acl_default", struct.pack("<I", 2) + rights)


def descriptor_path(descriptor: int) -> str | None:
    """Return a path that leads to an open file or pipe, or None."""
    return None if sys.platform == "win32" else f"/dev/fd/{descriptor}"


def pipes_may_be_full() -> bool:
    """Whether a write to a full pipe can fail or be partial, if its other end is non-blocking."""
    return sys.platform != "win32"


def without_waiting(descriptor: int) -> None:
    """Let writes to a full pipe fail, where the system can (Windows from Python 3.12 on)."""
    if hasattr(os, "set_blocking"):
        with suppress(OSError):
            os.set_blocking(descriptor, False)


def cache_folder() -> Path | None:
    """Return where the system keeps what a user's programs can make again, or None.

    A relative folder is ignored: it would depend on the working directory.
    """
    named = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    if (given := Path(os.environ.get(named, ""))).is_absolute():
        return given
    try:
        home = Path.home()
    except RuntimeError:
        return None
    inside = {"win32": "AppData/Local", "darwin": "Library/Caches"}.get(sys.platform, ".cache")
    return home / inside if home.is_absolute() else None
