"""A check in a process of its own, for functions that one does not trust to return.

The process reads the function's file, calls the function and judges what it returned; the report
comes back as JSON on a pipe. What else is written there, by the function or by a process that it
has forked, lacks the word that this process was given, and is passed over. It is killed if it does
not keep to its time; without a report nothing is right. Both ends of the pipe are here. Nothing is
imported at the upper end that would let the process wait to be started.

An empty line on the pipe says that Python goes on over there. None comes while C code holds the
interpreter, which no thread in the same process could notice.
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
"""Seconds in which Python and NumPy have to be there, on the slowest of disks."""

CALLING, READING = 10.0, 60.0
"""Seconds for a call, and for reading the file, which may import torch; unless they are given."""

GRACE = 1.0
"""Seconds beyond those of a call, after which it is taken to hold the interpreter."""

CALLS, JUDGING = 200, 60.0
"""Calls that a check may wait for in full (it makes up to 140), and seconds for judging."""

BEAT = 0.1
LONGEST = 2**24
"""Bytes that a report may have."""

MEMORY = 2**30
"""Bytes that the process may allocate; or half of the free memory, if that is more."""


class CheckProcess:
    """A check under way in a process of its own, which ends with the context.

    Parameters
    ----------
    named : str
        As for `load_function`.
    seconds : float, optional
        How long one call may take, and reading the file.
    layout, autograd
        As for `check`.
    """

    def __init__(
        self, named: str, *, layout: str = "rows", autograd: bool | None = None,
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        self.place, _, self.function = named.rpartition(":")
        self.calling = CALLING if seconds is None else seconds
        self.reading = READING if seconds is None else seconds
        self.began = time.perf_counter()
        self.word = secrets.token_hex()
        request = json.dumps({"word": self.word, "named": named, "layout": layout,
                              "autograd": autograd, "seconds": self.calling})  # fmt: skip
        # In a session of its own, so that Ctrl-C reaches this process alone, which then ends that
        # one. -P: a file of the working folder must not take the place of a library.
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "backhand.doctor.process"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise errors.BackhandError(
                f"the process for the check did not start: {error.strerror}."
            ) from error
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
        """Wait for what was found. Whatever keeps the function from being judged is a finding.

        Raises
        ------
        InputError, MissingFileError, MissingDependencyError
            As `load_function` and `check` raise it; also if the file ends the process, or takes too
            long to be read.
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
                return self._unanswered(stage, Reason.TIMEOUT, self._endless())
            if line is None:
                return self._unanswered(stage, Reason.BLOCKED, self._late(stage))
            if not line.endswith(b"\n"):
                clause = f"it ended the process ({self._end()})"
                return self._unanswered(stage, Reason.PROCESS_ENDED, clause)
            message = self._message(line)
            if "error" in message:
                raise _error(message)
            if "report" in message:
                return Report.from_json(message["report"])
            if "stage" in message:
                stage, until = message["stage"], now + self.reading
                if stage == "calling":
                    last = now + CALLS * self.calling + JUDGING
            if stage == "calling":
                until = now + self.calling + GRACE

    def _message(self, line: bytes) -> dict[str, Any]:
        """What a line says; nothing, if it is a beat or not by the process that was started."""
        if self.word.encode() not in line:
            return {}
        with suppress(ValueError, RecursionError):
            message = json.loads(line)
            if isinstance(message, dict) and message.pop("word", None) == self.word:
                return message
        return {}

    def _receive(self) -> None:
        assert self.process.stdout is not None
        line = b"\n"
        with self.process.stdout as pipe:
            while line.endswith(b"\n"):
                line = pipe.readline(LONGEST)
                self.lines.put(line)

    def _late(self, stage: str) -> str:
        if stage == "reading":
            return f"it did not end within {self.reading:g} s (--seconds allows more)"
        return f"it does not return within {self.calling:g} s, and lets nothing else run meanwhile"

    def _endless(self) -> str:
        return (f"there is no verdict within {CALLS * self.calling + JUDGING:g} s, the most that "
                "all calls and judging may take")  # fmt: skip

    def _unanswered(self, stage: str, reason: Reason, clause: str) -> Report:
        from backhand.doctor.probe.refusal import Refusal
        from backhand.doctor.report.wording import refused

        if stage == "starting":
            raise errors.BackhandError(f"the process for the check did not start: {clause}.")
        if stage == "reading":
            raise errors.InputError(f"{self.place} could not be run: {clause}.")
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


def _error(message: dict[str, Any]) -> Exception:
    for kind in (errors.InputError, errors.MissingFileError, errors.MissingDependencyError):
        if message["error"] == kind.__name__:
            return kind(message["says"])
    return RuntimeError(f"{message['error']}: {message['says']}")


class _Pipe:
    """The lower end of the pipe, which this process alone writes to: no child that it forks."""

    def __init__(self, word: str) -> None:
        self.word, self.process = word, os.getpid()
        self.descriptor = os.dup(1)

    def send(self, message: dict[str, Any]) -> None:
        """Write a message, in a line of its own whatever else was written."""
        self._write(b"\n" + json.dumps(message | {"word": self.word}).encode() + b"\n")

    def beat(self) -> None:
        """Say that Python goes on here."""
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
        except OSError:  # nobody waits for it any more
            os._exit(1)


def main() -> None:
    """Check in this process what is asked for on stdin, and write the report to the pipe."""
    request = json.loads(sys.stdin.buffer.read())
    pipe = _Pipe(request["word"])
    _read_and_print_nowhere()
    try:
        answer: dict[str, Any] = {"report": _checked(request, pipe)}
    except BaseException as error:
        if os.environ.get("BACKHAND_TRACEBACK"):
            sys.excepthook(type(error), error, error.__traceback__)
        answer = {"error": type(error).__name__, "says": str(error)}
    pipe.send(answer)
    os._exit(0)  # whatever the function has left behind: threads, functions to be called at exit


def _checked(request: dict[str, Any], pipe: _Pipe) -> dict[str, Any]:
    from backhand.doctor import check, oracles
    from backhand.doctor.probe.loading import load_function
    from backhand.doctor.probe.process_state import names_kept

    if request["autograd"]:
        oracles.need_autograd()
    _limit_memory()
    pipe.send({"stage": "reading"})
    try:
        with names_kept():
            f = load_function(request["named"])
    finally:
        pipe.here_only()
    pipe.send({"stage": "calling"})
    threading.Thread(target=_beat, args=(pipe, request["seconds"]), daemon=True).start()
    return check(
        f, layout=request["layout"], autograd=request["autograd"], seconds=request["seconds"]
    ).to_json()


def _read_and_print_nowhere() -> None:
    """Nothing that is printed, by C code or by children either, reaches the pipe or a terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if not os.environ.get("BACKHAND_TRACEBACK"):
        os.dup2(nowhere, 2)


def _limit_memory() -> None:
    """Let what is allocated too much be a MemoryError, where the system has such a limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        from backhand.support.memory_budget import free_memory

        # Of data: what libraries reserve of the address space without using it is not counted.
        most = max(MEMORY, free_memory() // 2)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _beat(pipe: _Pipe, seconds: float) -> None:
    while True:
        pipe.beat()
        if hasattr(signal, "setitimer"):  # should nobody be there to kill it: no beat, no life
            signal.setitimer(signal.ITIMER_REAL, seconds + 10 * GRACE)
        time.sleep(BEAT)


if __name__ == "__main__":
    main()
