"""The process that a check runs in: it reads a request, and writes the report to a pipe.

Whatever else is written there, by the function or by a process that it forks, lacks the token of
the request, and the reader ignores it. Empty lines on the pipe are heartbeats. None arrives while C
code holds the interpreter, which no thread in the same process could detect.

`main` begins with the imports that every check needs: `CheckProcess` starts the process before it
knows what is to be checked.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backhand.support import system

if TYPE_CHECKING:
    from backhand.doctor.report.report import Report

MEMORY = 2**30
"""Bytes that the process may allocate by default; or half of the free memory, if that is more."""

RESERVE = 2**26
"""Bytes beyond these, for saying that they were not enough."""

BEAT = 0.1

ORPHANED = 10.0
"""Seconds without heartbeats, beyond the time limit, after which the process ends itself."""


class _Pipe:
    """The child's end of the pipe; a process forked from the child does not write to it."""

    def __init__(self) -> None:
        self.token, self.process = "", os.getpid()
        self.descriptor = os.dup(1)

    def send(self, message: dict[str, Any]) -> None:
        """Write a message on a line of its own."""
        self._write(b"\n" + json.dumps(message | {"token": self.token}).encode() + b"\n")

    def beat(self) -> None:
        """Send a heartbeat."""
        self._write(b"\n")

    def here_only(self) -> None:
        """End a process that was forked from this one."""
        if os.getpid() != self.process:
            os._exit(1)

    def _write(self, data: bytes) -> None:
        self.here_only()
        try:
            while data:
                data = data[os.write(self.descriptor, data) :]
        except OSError:  # the parent has closed the pipe
            os._exit(1)


def main() -> None:
    """Read the request from stdin, check, and write the report to the pipe."""
    import backhand.doctor.diagnosis
    import backhand.doctor.probe.loading  # noqa: F401

    line = sys.stdin.buffer.read()
    if not line:  # the parent did not need it after all
        return
    pipe, request = _Pipe(), json.loads(line)
    pipe.token = request.pop("token")
    _read_and_print_nowhere()
    try:
        result: dict[str, Any] = {"report": _checked(pipe, **request).to_json()}
    except BaseException as error:
        system.memory.use_reserve()
        if os.environ.get("BACKHAND_TRACEBACK"):
            sys.excepthook(type(error), error, error.__traceback__)
        result = {"error": type(error).__name__, "text": str(error)}
    pipe.send(result)
    os._exit(0)  # despite threads or exit handlers that the function started


def _checked(
    pipe: _Pipe, named: str, memory: int | None, reading: float, **options: Any
) -> Report:  # fmt: skip
    from backhand.doctor import check, oracles
    from backhand.doctor.probe.loading import load_function
    from backhand.doctor.probe.process_state import names_kept
    from backhand.doctor.probe.refusal import Reason, Refusal
    from backhand.doctor.report.wording import refused

    if options.get("autograd"):
        oracles.need_autograd()
    _limit_memory(memory)
    pipe.send({"stage": "reading"})
    system.processes.end_after(reading + ORPHANED)
    try:
        with names_kept():
            f, failed = load_function(named)
    except Refusal as refusal:
        return refused(named.rpartition(":")[2], refusal, 0.0)
    finally:
        pipe.here_only()
    pipe.send({"stage": "calling"})
    threading.Thread(target=_beat, args=(pipe, options["seconds"]), daemon=True).start()
    report = check(f, **options)
    if failed and not report.verdicts:  # it needs perhaps what the cell would have made
        raised = Refusal(Reason.IMPORT_RAISES, failed[0])
        return refused(report.function, raised, report.seconds)
    return replace(report, remarks=[*report.remarks, *(f"{one}." for one in failed)])


def _read_and_print_nowhere() -> None:
    """Redirect stdin and stdout, of C code and children too, to the null device."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if not os.environ.get("BACKHAND_TRACEBACK"):
        os.dup2(nowhere, 2)


def _limit_memory(most: int | None) -> None:
    """Limit the memory of this process, where the system allows it: more is a MemoryError."""
    from backhand.support.memory_budget import free_memory

    with suppress(OSError, ValueError):  # of reading what is free
        system.memory.limit_memory(most or max(MEMORY, free_memory() // 2), RESERVE)


def _beat(pipe: _Pipe, seconds: float) -> None:
    while True:
        pipe.beat()
        system.processes.end_after(seconds + ORPHANED)  # should the parent be gone
        time.sleep(BEAT)
