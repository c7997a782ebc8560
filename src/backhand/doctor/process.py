"""A check in a separate process, for functions that may not return.

The child process imports the function's file, calls the function and compares what it returned; it
sends the report as JSON through a pipe. Whatever else is written there, by the function or by a
process that it forks, lacks the token of this child and is ignored. The child is killed if it
exceeds its time limits; without a report the check fails. Both ends of the pipe are in this file.
The parent imports nothing heavy, so that the child starts without delay.

Empty lines on the pipe are heartbeats. None arrives while C code holds the interpreter, which no
thread in the same process could detect.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from backhand import errors

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

BEAT = 0.1
LONGEST = 2**24
"""Bytes that a report may have."""

MEMORY = 2**30
"""Bytes that the process may allocate by default; or half of the free memory, if that is more."""

RESERVE = 2**26
"""Bytes beyond these, for saying that they were not enough."""


class CheckProcess:
    """A check that runs in a process of its own, which ends with the context.

    Parameters
    ----------
    named : str
        As for `load_function`.
    seconds : float, optional
        Time limit for one call, and for importing the file.
    memory : int, optional
        Bytes that it may allocate, on Linux; by default half of the free memory, at least 1 GiB.
    layout, autograd
        As for `check`.
    """

    def __init__(
        self, named: str, *, layout: str = "rows", autograd: bool | None = None,
        seconds: float | None = None, memory: int | None = None,
    ) -> None:  # fmt: skip
        self.place, _, self.function = named.rpartition(":")
        self.calling = CALLING if seconds is None else seconds
        self.reading = READING if seconds is None else seconds
        self.began = time.perf_counter()
        self.token = secrets.token_hex()
        request = json.dumps({
            "token": self.token, "named": named, "layout": layout, "autograd": autograd,
            "seconds": self.calling, "memory": memory,
        })  # fmt: skip
        # In a session of its own, so that Ctrl-C reaches this process alone, which then ends that
        # one. -P: a file of the working folder must not take the place of a library.
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "backhand.doctor.process"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise errors.BackhandError(f"{NOT_STARTED}: {error.strerror}.") from error
        assert self.process.stdin is not None
        with suppress(OSError), self.process.stdin as stdin:  # it may have ended already
            stdin.write(request.encode())
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.receiver = threading.Thread(target=self._receive, daemon=True)
        self.receiver.start()

    def __enter__(self) -> CheckProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self._end()
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
                    last = now + CALLS * self.calling + COMPARING
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
            clause = f"{self.place} could not be run: it did not end within {self.reading:g} s"
            return self._refused(Reason.IMPORT_TIMEOUT, clause)
        clause = f"it does not return within {self.calling:g} s, and blocks the interpreter"
        return self._refused(Reason.BLOCKED, clause)

    def _endless(self) -> str:
        limit = CALLS * self.calling + COMPARING
        return f"the check did not finish within {limit:g} s, the limit for all calls together"

    def _ended(self, stage: str) -> Report:
        from backhand.doctor.probe.refusal import Reason

        clause = f"it ended the process ({self._end()})"
        if stage == "starting":
            raise errors.BackhandError(f"{NOT_STARTED}: {clause}.")
        if stage == "reading":
            return self._refused(Reason.IMPORT_ENDS, f"{self.place} could not be run: {clause}")
        return self._refused(Reason.PROCESS_ENDED, clause)

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

    def _end(self) -> str:
        """End the process and what it has started; how it ended before, if it had."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.05)  # it closes the pipe a moment before it ends
        if hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        with suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"


class _Pipe:
    """The child's end of the pipe; a process forked from the child does not write to it."""

    def __init__(self, token: str) -> None:
        self.token, self.process = token, os.getpid()
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
    request = json.loads(sys.stdin.buffer.read())
    pipe = _Pipe(request["token"])
    _read_and_print_nowhere()
    try:
        result: dict[str, Any] = {"report": _checked(request, pipe)}
    except BaseException as error:
        _use_reserve()
        if os.environ.get("BACKHAND_TRACEBACK"):
            sys.excepthook(type(error), error, error.__traceback__)
        result = {"error": type(error).__name__, "text": str(error)}
    pipe.send(result)
    os._exit(0)  # despite threads or exit handlers that the function started


def _checked(request: dict[str, Any], pipe: _Pipe) -> dict[str, Any]:
    from backhand.doctor import check, oracles
    from backhand.doctor.probe.loading import load_function
    from backhand.doctor.probe.process_state import names_kept
    from backhand.doctor.probe.refusal import Refusal
    from backhand.doctor.report.wording import refused

    if request["autograd"]:
        oracles.need_autograd()
    _limit_memory(request["memory"])
    pipe.send({"stage": "reading"})
    try:
        with names_kept():
            f = load_function(request["named"])
    except Refusal as refusal:
        return refused(request["named"].rpartition(":")[2], refusal, 0.0).to_json()
    finally:
        pipe.here_only()
    pipe.send({"stage": "calling"})
    threading.Thread(target=_beat, args=(pipe, request["seconds"]), daemon=True).start()
    return check(
        f, layout=request["layout"], autograd=request["autograd"], seconds=request["seconds"]
    ).to_json()


def _read_and_print_nowhere() -> None:
    """Redirect stdin and stdout, of C code and children too, to the null device."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if not os.environ.get("BACKHAND_TRACEBACK"):
        os.dup2(nowhere, 2)


def _limit_memory(most: int | None) -> None:
    """Limit the memory of this process, where the system allows it: more is a MemoryError."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        from backhand.support.memory_budget import free_memory

        # The data segment: address space that libraries reserve and do not use is not counted.
        most = most or max(MEMORY, free_memory() // 2)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard - RESERVE)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most + RESERVE))


def _use_reserve() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _beat(pipe: _Pipe, seconds: float) -> None:
    while True:
        pipe.beat()
        if hasattr(
            signal, "setitimer"
        ):  # should the parent be gone: without heartbeats it ends itself
            signal.setitimer(signal.ITIMER_REAL, seconds + 10 * GRACE)
        time.sleep(BEAT)


if __name__ == "__main__":
    main()
