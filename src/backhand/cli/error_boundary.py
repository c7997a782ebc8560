"""Turn the errors, warnings and signals of a command into sentences and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import typer

from backhand.cli import written_output
from backhand.cli.records import records_on_stderr
from backhand.cli.standard_streams import discard_output, write_message, write_stderr
from backhand.errors import BackhandError, BackhandWarning, InputError, MissingDependencyError
from backhand.support.project import ISSUES
from backhand.support.signals import meant, signals_raised
from backhand.support.visible_text import printable

P = ParamSpec("P")

FAILED, WRONG_INPUT, SIGNALLED = 1, 2, 128
"""Exit codes. A signal's number is added to the last, as shells do: 130 for Ctrl-C."""

EXPECTED = (BackhandError, OSError, MemoryError)
"""Errors for which a traceback adds nothing."""


def error_boundary(command: Callable[P, None], failed: int = FAILED) -> Callable[P, None]:
    """Wrap a command so that it ends with one sentence and an exit code, never a traceback.

    `failed` is the exit code after an error that the user's input did not cause.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        received: list[int] = []
        written_output.reset()
        try:
            with (
                _warnings_as_sentences(), _thread_errors_silenced(), signals_raised() as received,
                records_on_stderr(),
            ):  # fmt: skip
                command(*args, **kwargs)
                sys.stdout.flush()
        except (typer.Exit, SystemExit):
            raise
        except BaseException as error:
            interrupt = _interrupt_in_chain(error)
            if received or interrupt is not None:
                sentence, code = _interrupt_message(interrupt, received)
            else:
                if os.environ.get("BACKHAND_TRACEBACK") and not isinstance(error, EXPECTED):
                    raise
                sentence, code = _error_message(error)
                code = failed if code == FAILED else code
            if isinstance(error, OSError) and not isinstance(error, BackhandError):
                discard_output(sys.stdout)
            if sentence:
                write_message(sentence)
            raise typer.Exit(code) from None

    return run


def _interrupt_in_chain(error: BaseException | None) -> BaseException | None:
    """Return the KeyboardInterrupt in the error's chain of contexts, if there is one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _interrupt_message(error: BaseException | None, received: list[int]) -> tuple[str, int]:
    number = meant(received) if received else getattr(error, "signal", signal.SIGINT)
    if place := getattr(error, "place", ""):
        sentence = f"interrupted; {place}; to continue, run the same command with --resume."
        return sentence, SIGNALLED + number
    return f"interrupted; {written_output.at_interrupt()}.", SIGNALLED + number


def _error_message(error: BaseException) -> tuple[str, int]:
    notes, written = getattr(error, "__notes__", []), written_output.written_files()
    if isinstance(error, BrokenPipeError) and not written_output.expects_file():
        return "", FAILED  # the reader of the rows has closed the pipe, as `head` does
    sentences = [_sentence(error), *notes]
    if written:
        sentences.append(f"{written[0].upper()}{written[1:]}.")
    elif isinstance(error, BrokenPipeError) and not notes:
        sentences.append("Nothing was written.")
    wrong = isinstance(error, InputError | MissingDependencyError)
    return " ".join(sentences), WRONG_INPUT if wrong else FAILED


def _sentence(error: BaseException) -> str:
    """Say what was wrong, for an error of Backhand, of the system or of a library."""
    reason = next(iter(str(error).strip().splitlines()), "")
    kind = type(error)
    if isinstance(error, BackhandError):
        return str(error)
    if isinstance(error, BrokenPipeError):
        return "the reader of the output has closed it."
    if isinstance(error, OSError):
        what = error.filename or "the output could not be written"
        return f"{what}: {error.strerror or error}."
    if isinstance(error, MemoryError) or ("duckdb" in kind.__module__ and "Memory" in reason):
        return (
            "not enough memory: allow the process more (ulimit -d and -v show its limits), end "
            "other programs, or give a smaller table."
        )
    if isinstance(error, Warning):
        return f"PYTHONWARNINGS turns a warning into an error: {kind.__name__}: {reason}"
    if isinstance(error, ImportError):
        return (
            f"a library could not be loaded: {reason.rstrip('.')}. It is damaged, or "
            "there is not enough memory to load it (ulimit -v)."
        )
    if isinstance(error, RuntimeError) and "start new thread" in reason:
        return "no thread could be started: raise ulimit -u or ulimit -v, or use --threads 1."
    if "duckdb" in kind.__module__:
        return f"DuckDB failed: {reason.rstrip('.')}."
    return (
        f"internal error: {kind.__name__}{': ' if reason else ''}{reason}. This is a bug in "
        f"Backhand; please report it at {ISSUES}, with the traceback "
        "that the same command prints when the environment variable BACKHAND_TRACEBACK is 1."
    )


@contextmanager
def _warnings_as_sentences() -> Iterator[None]:
    """Print Backhand's warnings as sentences, never as errors; print others as Python does."""

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object
    ) -> None:
        if issubclass(category, BackhandWarning):
            write_message(str(message))
            return
        for line in warnings.formatwarning(message, category, filename, lineno).splitlines():
            write_stderr(printable(line))

    with warnings.catch_warnings():
        warnings.filterwarnings("default", category=BackhandWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


@contextmanager
def _thread_errors_silenced() -> Iterator[None]:
    """Ignore a lost output in the progress bar's thread, since the main thread reports it."""
    before = threading.excepthook

    def show(arguments: threading.ExceptHookArgs) -> None:
        if not issubclass(arguments.exc_type, OSError):
            before(arguments)

    threading.excepthook = show
    try:
        yield
    finally:
        threading.excepthook = before
