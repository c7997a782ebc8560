"""A check in a separate process, for functions that may not return.

The child imports the function's file, calls the function and compares what it returned; it sends
the report as JSON through a pipe. It is killed if it exceeds its time limits. There is a report in
any case, which is correct only if the child sent one that is. This file imports nothing heavy, so
that the child starts without delay.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from backhand import errors
from backhand.support import system

if TYPE_CHECKING:
    from backhand.doctor.probe.refusal import Reason
    from backhand.doctor.report.report import Report

STARTING = 120.0
"""Seconds for Python and NumPy to start, on slow disks."""

CALLING, READING = 10.0, 60.0
"""Seconds for a call, and for reading the file, which may import torch; unless they are given."""

GRACE = 1.0
"""Seconds after the time limit of a call, after which the child counts as blocked."""

CALLS, COMPARING = 200, 60.0
"""Calls that a check may wait for in full (it makes up to 140), and seconds for comparing."""

NOT_STARTED = "the process for the check did not start"
INTERNAL = "the check failed by a bug in Backhand, which please report"

LONGEST = 2**24
"""Bytes that a report may have."""

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg", "PYTHONHASHSEED": "0"}
"""The problems are too small for threads to pay, pictures open no windows, sets have one order."""

MAIN = "from backhand.doctor.apart.child import main; main()"

_ahead: list[subprocess.Popen[bytes]] = []


def start_ahead() -> None:
    """Start the process of the first check before it is known what it checks.

    If there is no check after all, the process ends with this one.
    """
    with suppress(errors.BackhandError):  # which the check will raise
        _ahead.append(_start())


def _start() -> subprocess.Popen[bytes]:
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends that one.
    # -P: a file of the working folder must not take the place of a library.
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", MAIN],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, **ENVIRONMENT}, **system.processes.own_group(),
        )  # fmt: skip
    except OSError as error:
        raise errors.BackhandError(f"{NOT_STARTED}: {error.strerror}.") from error


class CheckProcess:
    """A check that runs in a process of its own, which ends with the context.

    Parameters
    ----------
    named : str
        As for `load_function`.
    seconds : float, optional
        Time limit for one call, and for importing the file.
    whole : float, optional
        Time limit for all calls and comparisons together.
    memory : int, optional
        Bytes that it may allocate, on Linux; by default half of the free memory, at least 1 GiB.
    **options
        As for `check`.
    """

    def __init__(
        self, named: str, *, seconds: float | None = None, whole: float | None = None,
        memory: int | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.place, _, self.function = named.rpartition(":")
        self.calling = CALLING if seconds is None else seconds
        self.reading = READING if seconds is None else seconds
        self.whole = CALLS * self.calling + COMPARING if whole is None else whole
        self.began = time.perf_counter()
        self.token = os.urandom(32).hex()
        request = {"token": self.token, "named": named, "memory": memory,
                   "reading": self.reading, "seconds": self.calling, **options}  # fmt: skip
        self.process = _ahead.pop() if _ahead else _start()
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.receiver = threading.Thread(target=self._receive, daemon=True)
        try:
            self.receiver.start()
            assert self.process.stdin is not None
            with suppress(OSError), self.process.stdin as stdin:  # it may have ended already
                stdin.write(json.dumps(request).encode())
        except BaseException:  # Ctrl-C, when the context has not been entered
            self.end()
            raise

    def __enter__(self) -> CheckProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self.end()
        self.receiver.join(1)

    def report(self) -> Report:
        """Wait for the report, which there is whatever the file and the function do.

        Raises
        ------
        InputError, MissingFileError, MissingDependencyError
            As `load_function` and `check` raise it.
        BackhandError
            If the process does not start.
        """
        from backhand.doctor.probe.refusal import Reason
        from backhand.doctor.report.report import Report

        stage, until, last = "starting", self.began + STARTING, float("inf")
        while True:
            now = time.perf_counter()
            try:
                line = self.lines.get(timeout=max(0.0, min(until - now, last - now, 1e6)))
            except queue.Empty:
                line = None
            now = time.perf_counter()
            if now > last:
                return self._refused(Reason.UNFINISHED, self._endless())
            if line is None:
                return self._late(stage)
            if not line.endswith(b"\n"):
                return self._ended(stage)
            message = self._message(line)
            if "error" in message:
                return self._failed(message["error"], message["text"])
            if "report" in message:
                return Report.from_json(message["report"])
            if "stage" in message:
                stage, until = message["stage"], now + self.reading
                if stage == "calling":
                    last = now + self.whole
            if stage == "calling":
                until = now + self.calling + GRACE

    def _message(self, line: bytes) -> dict[str, Any]:
        """The message of a line; empty for a heartbeat and for what the child did not write."""
        if self.token.encode() not in line:
            return {}
        with suppress(ValueError, RecursionError):
            message = json.loads(line)
            if isinstance(message, dict) and message.pop("token", None) == self.token:
                return message
        return {}

    def _receive(self) -> None:
        assert self.process.stdout is not None
        line = b"\n"
        with self.process.stdout as pipe:
            while line.endswith(b"\n"):
                line = pipe.readline(LONGEST)
                self.lines.put(line)

    def _late(self, stage: str) -> Report:
        from backhand.doctor.probe.refusal import Reason

        if stage == "starting":
            raise errors.BackhandError(f"{NOT_STARTED} within {STARTING:g} s.")
        if stage == "reading":
            clause = f"it did not end within {self.reading:g} s"
            return self._refused(Reason.IMPORT_TIMEOUT, self._not_run(clause))
        clause = f"it does not return within {self.calling:g} s, and blocks the interpreter"
        return self._refused(Reason.BLOCKED, clause)

    def _endless(self) -> str:
        return f"the check did not finish within {self.whole:g} s, the limit for all calls together"

    def _ended(self, stage: str) -> Report:
        from backhand.doctor.probe.refusal import Reason

        clause = f"it ended the process ({self.end()})"
        if stage == "starting":
            raise errors.BackhandError(f"{NOT_STARTED}: {clause}.")
        if stage == "reading":
            return self._refused(Reason.IMPORT_ENDS, self._not_run(clause))
        return self._refused(Reason.PROCESS_ENDED, clause)

    def _not_run(self, clause: str) -> str:
        return f"the file {self.place} could not be run: {clause}"

    def _failed(self, kind: str, text: str) -> Report:
        """The report after an error of the check itself, unless the request was wrong."""
        from backhand.doctor.probe.refusal import Reason

        for known in (errors.InputError, errors.MissingFileError, errors.MissingDependencyError):
            if kind == known.__name__:
                raise known(text)
        if kind == "MemoryError":
            return self._refused(Reason.MEMORY, "it leaves no memory for the check")
        return self._refused(Reason.UNFINISHED, f"{INTERNAL}: {kind}: {text}")

    def _refused(self, reason: Reason, clause: str) -> Report:
        from backhand.doctor.probe.refusal import Refusal
        from backhand.doctor.report.wording import refused

        return refused(self.function, Refusal(reason, clause), time.perf_counter() - self.began)

    def end(self) -> str:
        """End the process and what it has started; how it ended before, if it had."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.05)  # it closes the pipe a moment before it ends
        system.processes.kill_group(self.process)
        code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"
