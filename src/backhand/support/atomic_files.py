"""Replaces files atomically: the only place that does."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from backhand.errors import BackhandError, InputError, OutputError, warn
from backhand.support import system
from backhand.support.system.files import WITHOUT_LINKS
from backhand.support.trusted_folders import check_parent, temporary

MAX_NAME = 255
"""Maximum bytes of a file's name, where the file system reports no other."""

HEAD = 256
"""Bytes at the beginning of a file that identify one that Backhand wrote."""

NOT_PERMITTED = {errno.EACCES, errno.EPERM, errno.EROFS}

NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EISDIR, errno.EBADF, *NOT_PERMITTED}
"""Errors of systems that cannot flush a folder, or do not allow it to be read."""


def check_output(
    path: str | PathLike[str],
    role: str,
    inputs: Iterable[str | Path] = (),
    ending: str = "",
    *,
    ours: re.Pattern[bytes] | None = None,
) -> Path:
    """Check that a file can be written, before any work is done for it.

    Parameters
    ----------
    path : path
    role : str
        What the file is, for messages.
    inputs : iterable of path
        Files that are read, and must not be replaced.
    ending : str
        How its name must end, so that it does not replace a file of another kind.
    ours : pattern, optional
        How a file that Backhand wrote begins. If it is given, no other file is replaced: for a name
        that the user did not choose.

    Raises
    ------
    InputError
        If the path is a folder, a device or a file that is read; if its folder does not exist or
        cannot be written to; if the name is too long or has another ending; or if the existing
        file cannot be replaced.
    OutputError
        If nothing can be created in its folder for another reason, such as a full disk.
    """
    try:
        path = Path(path)
    except TypeError:
        raise InputError(
            f"{role} is to be written to a {type(path).__name__}; expected a path."
        ) from None
    try:
        _check(path, role, inputs, ending)
        if ours is not None:
            _check_ours(path, role, ours)
        with temporary(_target(path).parent, "part"):
            pass  # if this fails, writing at the end would fail
    except BackhandError:
        raise
    except ValueError as error:
        raise InputError(f"{role} {str(path)!r} is not a valid file name: {error}.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in NOT_PERMITTED:
            raise InputError(
                f"{role} {path}: no permission to write in the folder {_target(path).parent} "
                f"({reason})."
            ) from error
        raise OutputError(f"{role} {path} cannot be written: {reason}.") from error
    return path


def _check(path: Path, role: str, inputs: Iterable[str | Path], ending: str) -> None:
    if len(os.fsencode(path.name)) > _max_name(path.parent):
        raise InputError(
            f"{role} {path} has a name of {len(os.fsencode(path.name))} bytes; at most "
            f"{_max_name(path.parent)} are allowed; choose a shorter name."
        )
    if path.is_dir():
        raise InputError(f"{role} {path} is a folder; name a file.")
    if not path.name.lower().endswith(ending):
        raise InputError(f"{role} {path} must end in {ending}, the format that is written.")
    target = _target(path)
    if (path.exists() and not path.is_file()) or target.is_symlink():  # links in a circle
        raise InputError(f"{role} {path} is not a regular file; name a file.")
    if any(_is_same(target, _target(Path(other))) for other in inputs):
        raise InputError(f"{role} {path} is also the input; choose another output file.")
    if not target.parent.is_dir():
        raise InputError(
            f"{role} {path}: the folder {target.parent} does not exist; create it first."
        )
    if path.exists() and (reason := _unreplaceable(target)):
        raise InputError(f"{role} {path} cannot be replaced: {reason}; choose another output file.")


def _is_same(target: Path, other: Path) -> bool:
    """Return whether two names are one existing file, also where case makes no difference."""
    if target.name.casefold() != other.name.casefold() or not other.exists():
        return False
    return target == other or (target.exists() and target.samefile(other))


def _check_ours(path: Path, role: str, ours: re.Pattern[bytes]) -> None:
    if os.path.lexists(path) and not begins_with(path, ours):
        raise InputError(
            f"{path} already exists and was not written by Backhand; choose another name for "
            f"{role} with --output (-o)."
        )


def begins_with(path: Path, head: re.Pattern[bytes]) -> bool:
    """Return whether a path is a regular file, not a link to one, that begins with a pattern."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False  # a pipe that is opened and closed would lose its writer
        descriptor = os.open(path, os.O_RDONLY | WITHOUT_LINKS)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode) and not path.is_symlink()
        return regular and head.match(file.read(HEAD)) is not None


def _max_name(folder: Path) -> int:
    return system.files.longest_name(folder) or MAX_NAME


def _unreplaceable(target: Path) -> str:
    """Return why the file cannot be replaced, as far as that is known in advance, or nothing."""
    file, folder = target.stat(), target.parent.stat()
    mine = system.files.user() in (0, file.st_uid, folder.st_uid)
    if folder.st_mode & stat.S_ISVTX and not mine:
        return f"it belongs to another user, and the folder {target.parent} is sticky"
    return "it is immutable" if system.files.is_immutable(target) else ""


def check_folder(folder: Path | None, *, keep: bool = False) -> Path | None:
    """Check that temporary files can be created in a folder; with `keep`, it must be named.

    Raises
    ------
    InputError
        If it does not exist, is not a folder, cannot be written to, or is not named; or if other
        users could replace the files in it.
    """
    if folder is None:
        if keep:
            raise InputError("--keep-cache keeps files in a folder: name it with --cache-dir.")
        return None
    if keep and not system.files.removes_open_files():
        raise InputError(
            "--keep-cache needs a system that can rename a file while it is mapped to memory, "
            "which Windows cannot; leave it out."
        )
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist; create it first"
        raise InputError(f"the cache folder {folder} {what}.")
    check_parent(folder, "the cache folder")
    if not os.access(folder, os.W_OK):
        raise InputError(f"the cache folder {folder}: no permission to write there.")
    return folder


@contextmanager
def replacing(path: str | Path, *, mode: int = 0o666, links: bool = True) -> Iterator[Path]:
    """Replace a file at the end of the context by the one written to the temporary path in it.

    The temporary file is in a new folder beside `path`. It is flushed to disk and renamed, which is
    atomic, and the folder is flushed. If the body raises, the temporary file is removed and `path`
    is unchanged. If the process is killed, the next process that writes in that folder removes the
    temporary file.

    Parameters
    ----------
    path : path
    mode : int
        Permissions of a new file, without those that the umask removes. If a file is replaced, its
        permissions are kept, and its owner and group if the system allows it.
    links : bool
        If `path` is a link: whether its target is replaced, or the link itself.

    Raises
    ------
    OutputError
        If writing fails: no space left, no permission.
    """
    target = _target(Path(path)) if links else Path(path)
    try:
        with temporary(target.parent, "part") as folder:
            new = folder / "new"
            old = _regular(target)
            os.close(os.open(
                new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | WITHOUT_LINKS,
                mode if old is None else 0o600 | 0o666 & old.st_mode,
            ))  # fmt: skip
            yield new
            _finish(new, old)
            system.files.replace(new, target)
    except BackhandError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{target} could not be written: {reason}. Nothing was left behind, and an existing "
            "file is unchanged."
        ) from error
    _flush_folder(target)


def _target(path: Path) -> Path:
    """Return the file that a path leads to, through all links."""
    return Path(os.path.realpath(path))


def _regular(path: Path) -> os.stat_result | None:
    """Return the status of the file that is to be replaced, if there is one."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _finish(new: Path, old: os.stat_result | None) -> None:
    """Flush the new file to disk, with the permissions of the old one."""
    descriptor = os.open(new, os.O_RDWR | WITHOUT_LINKS)
    try:
        if old is not None:
            system.files.inherit(descriptor, old)
        system.files.flush(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(target: Path) -> None:
    """Flush the new name to disk. If this fails, the file is in its place nevertheless."""
    try:
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            warn(
                f"{target} was written, but its folder could not be flushed to the disk "
                f"({error.strerror or error}): after a power failure the old file may be back."
            )  # fmt: skip
