"""The border at which errors, warnings and signals become sentences and exit codes."""

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
from backhand.cli.standard_streams import give_up, say, write_error
from backhand.cli.terminal_text import printable
from backhand.errors import BackhandError, BackhandWarning, InputError, MissingDependencyError
from backhand.support.signals import meant, signals_raised

P = ParamSpec("P")

FAILED, WRONG_INPUT, SIGNALLED = 1, 2, 128
"""Exit codes; the last with the number of a signal added, as shells do: 130 for Ctrl-C."""

EXPECTED = (BackhandError, OSError, MemoryError)
"""Errors that say all that there is to say."""


def bordered(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends in one sentence and an exit code, never in a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        came: list[int] = []
        written_output.begin()
        try:
            with _warnings_told(), _threads_told(), signals_raised() as came:
                command(*args, **kwargs)
                sys.stdout.flush()
        except (typer.Exit, SystemExit):
            raise
        except BaseException as error:
            signalled = _signalled(error)
            if came or signalled is not None:
                sentence, code = _interrupted(signalled, came)
            else:
                if os.environ.get("BACKHAND_TRACEBACK") and not isinstance(error, EXPECTED):
                    raise
                sentence, code = _failed(error)
            if isinstance(error, OSError) and not isinstance(error, BackhandError):
                give_up(sys.stdout)
            if sentence:
                say(sentence)
            raise typer.Exit(code) from None

    return run


def _signalled(error: BaseException | None) -> BaseException | None:
    """How a signal was raised, where another error may have come while that was on its way."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _interrupted(error: BaseException | None, came: list[int]) -> tuple[str, int]:
    number = meant(came) if came else getattr(error, "signal", signal.SIGINT)
    if place := getattr(error, "place", ""):
        return f"interrupted; {place}; the same command with --resume goes on.", SIGNALLED + number
    return f"interrupted; {written_output.so_far()}.", SIGNALLED + number


def _failed(error: BaseException) -> tuple[str, int]:
    notes, there = getattr(error, "__notes__", []), written_output.written()
    if isinstance(error, BrokenPipeError) and not written_output.is_file():
        return "", FAILED  # whoever read the rows has read enough
    sentences = [_sentence(error), *notes]
    if there:
        sentences.append(f"{there[0].upper()}{there[1:]}.")
    elif isinstance(error, BrokenPipeError) and not notes:
        sentences.append("Nothing was written.")
    wrong = isinstance(error, InputError | MissingDependencyError)
    return " ".join(sentences), WRONG_INPUT if wrong else FAILED


def _sentence(error: BaseException) -> str:
    """What was wrong, of an error of ours, of the system or of a library."""
    reason = next(iter(str(error).strip().splitlines()), "")
    kind = type(error)
    if isinstance(error, BackhandError):
        return str(error)
    if isinstance(error, BrokenPipeError):
        return "the output is not read any more."
    if isinstance(error, OSError):
        what = error.filename or "the output could not be written"
        return f"{what}: {error.strerror or error}."
    if isinstance(error, MemoryError):
        return "there is not enough memory for this."
    if isinstance(error, Warning):
        return f"a warning is an error here, by PYTHONWARNINGS: {kind.__name__}: {reason}"
    if isinstance(error, ImportError):
        return (
            f"a library could not be loaded: {reason.rstrip('.')}. It is damaged, or there is not "
            "enough memory for it (ulimit -v)."
        )
    if isinstance(error, RuntimeError) and "start new thread" in reason:
        return "no thread can be started: raise the limit (ulimit -u, ulimit -v), or use --threads."
    if "duckdb" in kind.__module__:
        return f"DuckDB cannot do this: {reason.rstrip('.')}."
    return (
        f"something went wrong that should not: {kind.__name__}{': ' if reason else ''}{reason}. "
        "Please report it, with what the same command prints after BACKHAND_TRACEBACK=1."
    )


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Our own warnings as sentences, and never as errors; those of others as Python prints them."""

    def tell(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object
    ) -> None:
        if issubclass(category, BackhandWarning):
            say(str(message))
            return
        for line in warnings.formatwarning(message, category, filename, lineno).splitlines():
            write_error(printable(line))

    with warnings.catch_warnings():
        warnings.filterwarnings("default", category=BackhandWarning)
        warnings.showwarning = tell  # type: ignore[assignment]
        yield


@contextmanager
def _threads_told() -> Iterator[None]:
    """A lost output is met in the main thread as well; one that draws a bar need not say so."""
    before = threading.excepthook

    def tell(what: threading.ExceptHookArgs) -> None:
        if not issubclass(what.exc_type, OSError):
            before(what)

    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = before
