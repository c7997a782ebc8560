"""Windows and macOS, as far as they can be simulated on Linux: what they lack is taken away."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib
import os
import pkgutil
import signal
import sys
import types
from typing import Any

from backhand.support import system

WINDOWS_LACKS = (
    "chown", "fchmod", "fchown", "fork", "fpathconf", "getegid", "geteuid", "getgid", "getuid",
    "killpg", "mkfifo", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "pathconf", "posix_fallocate",
    "pread", "pwrite", "register_at_fork", "sched_getaffinity", "sched_setaffinity",
    "sched_yield", "setsid", "setxattr", "statvfs", "sysconf", "uname",
)  # fmt: skip
"""Names of `os`."""

NO_SIGNALS = ("SIGHUP", "SIGALRM", "setitimer", "ITIMER_REAL", "pthread_kill", "pthread_sigmask")
"""Names of `signal`."""

NO_MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "_posixshmem")


def fake_msvcrt() -> types.ModuleType:
    """A module `msvcrt` whose locks are those of Linux, with the errors of Windows."""
    flock, exclusively = fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == system.files.FAR, (
            "what is read would be locked"
        )
        try:
            flock(descriptor, exclusively)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    module: Any = types.ModuleType("msvcrt")
    module.locking, module.LK_NBLCK = locking, 2
    return module


class Kernel32:
    """The functions of Windows' kernel32 that are called, with 8 GiB of which 3 are free."""

    SwitchToThread = ctypes.CDLL(None).sched_yield

    @staticmethod
    def GlobalMemoryStatusEx(status: Any) -> int:
        assert status[0] == 64, "the length of the record is its first number"
        status[1], status[2] = 8 * 2**30, 3 * 2**30
        return 1


def take_away_what_windows_lacks() -> None:
    """Remove names and modules from this process, for good, and say that it is Windows."""
    import shutil
    import subprocess

    subprocess.CREATE_NEW_PROCESS_GROUP = 0  # type: ignore[attr-defined]
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for module, names in ((os, WINDOWS_LACKS), (signal, NO_SIGNALS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    sys.modules["msvcrt"] = fake_msvcrt()
    for name in NO_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    ctypes.windll = types.SimpleNamespace(kernel32=Kernel32)  # type: ignore[attr-defined]
    for name in [name for name in sys.modules if name.split(".")[0] == "backhand"]:
        del sys.modules[name]
    sys.platform = "win32"


def import_everything() -> list[str]:
    """Import each module of the package; return the names of those that lack a package."""
    import backhand

    lacking = []
    for found in pkgutil.walk_packages(backhand.__path__, "backhand."):
        if found.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(found.name)
        except ImportError as error:
            if (error.name or "").split(".")[0] == "backhand":
                raise
            lacking.append(f"{found.name}: {error}")
    return lacking
