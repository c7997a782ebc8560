"""Processes: forks, groups, the signals that end them, and what is removed after them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subprocess import Popen

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""Signals that end a program: Ctrl-C, a request, and a closed terminal: SIGHUP, or on Windows
SIGBREAK, which is Ctrl-Break as well."""


def in_forked_children(function: Callable[[], None]) -> None:
    """Call a function in each process that is forked from this one, where there are forks."""
    if sys.platform != "win32" and hasattr(os, "register_at_fork"):  # not in a browser
        os.register_at_fork(after_in_child=function)


def interrupt_thread(thread: int, number: int) -> None:
    """Send a signal to a thread, which ends a call that waits; on Windows nothing does."""
    if sys.platform != "win32":
        signal.pthread_kill(thread, number)


def end_after(seconds: float) -> None:
    """End this process after these seconds, unless this is called again before."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def own_group() -> dict[str, Any]:
    """Return arguments of `Popen` for a process that Ctrl-C in this terminal does not reach."""
    if sys.platform == "win32":
        import subprocess

        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def kill_group(process: Popen[Any]) -> None:
    """Kill a process with a group of its own, and what it has started (on Windows: it alone)."""
    if sys.platform != "win32":
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def waiting_remover(folder: Path, waiting: int) -> Popen[bytes] | None:
    """Start a process that removes a folder when the pipe `waiting` ends; None if it cannot be."""
    if sys.platform == "win32":
        return None
    import subprocess

    command = ["/bin/sh", "-c", 'read -r _; exec rm -rf -- "$0"', str(folder)]
    try:
        return subprocess.Popen(
            command, cwd="/", stdin=waiting, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **own_group(),
        )  # fmt: skip
    except OSError:  # without a shell
        return None


def no_core_file() -> None:
    """Leave no image of this process's memory on disk if it aborts."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        if sys.platform != "win32":
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
