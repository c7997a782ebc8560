"""Signals that ask a program to end: held back where they would do harm, noted, or raised.

They are Ctrl-C, SIGTERM and SIGHUP, which a closed terminal sends. One that is ignored, as SIGHUP
is under nohup, stays ignored. Python runs handlers in the main thread alone; elsewhere nothing is
done.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

PATIENCE = 1.0
"""Seconds in which signals after the first are the same wish: a shell or an init may send two."""

_waiting: list[int] = []
"""Signals that came since `hold_signals`."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the work; what was done is saved, or there was nothing to save.

    Attributes
    ----------
    signal : int
        SIGINT, SIGTERM or SIGHUP.
    place : str
        How far the work was and where it is saved, as the beginning of a sentence; or nothing.
    """

    def __init__(self, number: int, place: str = "") -> None:
        super().__init__(place)
        self.signal, self.place = number, place


def is_interrupt(error: BaseException) -> bool:
    """Whether an error is how DuckDB takes a signal, whichever it was.

    Texts of a table may be in its errors, too; they do not begin with these words.
    """
    return str(error).startswith("Query interrupted") or (
        "INTERRUPT Error: Interrupted" in str(error).partition("\n")[0]
    )


def meant(came: Sequence[int]) -> int:
    """Which of some signals it is that the work ends by: SIGTERM if it is there, else the first.

    Of two that come at once, Python handles the one with the smaller number first.
    """
    return signal.SIGTERM if signal.SIGTERM in came else came[0]


def hold_signals() -> None:
    """From now on signals wait, except where `signals_raised` lets them through."""
    for number in _handlers():
        signal.signal(number, lambda number, _: _waiting.append(number))


def ignore_signals() -> None:
    """All is done: Python, as it ends, would give the signals back their power to kill."""
    for number in _handlers():
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_raised() -> Iterator[list[int]]:
    """Raise `Interrupted` when a signal comes; the list holds those that came, the first one first.

    The list remembers what an extension module turns into an error of its own. An exception that
    falls into a place where Python has to swallow it, such as a finaliser, is raised again.
    """
    came: list[int] = []
    raised_at = -PATIENCE
    show_swallowed = sys.unraisablehook

    def end(number: int) -> None:
        nonlocal raised_at
        came.append(number)
        # What the first one ends may still be clearing up; it must not be interrupted in that.
        if time.monotonic() - raised_at >= PATIENCE:
            raised_at = time.monotonic()
            raise Interrupted(came[0])

    def raise_again(swallowed: Any) -> None:
        nonlocal raised_at
        if not isinstance(swallowed.exc_value, Interrupted):
            show_swallowed(swallowed)
            return
        raised_at = -PATIENCE
        # Here it would be swallowed as well.
        threading.Timer(0.05, signal.raise_signal, [came[0]]).start()

    with _handled_by(end):
        sys.unraisablehook = raise_again
        try:
            if _waiting:
                first = _waiting[0]
                _waiting.clear()
                end(first)
            yield came
        finally:
            sys.unraisablehook = show_swallowed


@contextmanager
def signals_noted() -> Iterator[list[int]]:
    """A list of the signals that come while the context lasts, the first one first.

    Whoever is in the context looks there and ends when it can. Another signal, more than `PATIENCE`
    after the first, ends it at once.

    Raises
    ------
    Interrupted
        In the context, with the first signal, when such another one comes.
    """
    came: list[int] = []
    began = 0.0

    def note(number: int) -> None:
        nonlocal began
        if not came:
            began = time.monotonic()
        came.append(number)
        if time.monotonic() - began >= PATIENCE:
            raise Interrupted(came[0])

    with _handled_by(note):
        yield came


@contextmanager
def signals_seen(see: Callable[[int], None]) -> Iterator[None]:
    """Call `see` with the first signal that comes, at once and in a thread of its own.

    It is handled as well, but handlers run in the main thread, and an extension module that waits
    there lets none run.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    read, write = os.pipe()
    os.set_blocking(write, False)

    def watch() -> None:
        while number := os.read(read, 1)[0]:
            if number in SIGNALS:
                see(number)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        watcher.start()
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.write(write, b"\0")
        watcher.join()
        os.close(read)
        os.close(write)


@contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait until the context ends.

    For what does not survive them: an extension module that is interrupted while it sets itself up
    may abort the process.
    """
    came: list[int] = []
    try:
        with _handled_by(came.append):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


def _handlers() -> dict[int, Any]:
    """The present handlers of the signals that can be handled here and are not ignored."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    return {n: what for n, what in handlers.items() if what not in (signal.SIG_IGN, None)}


@contextmanager
def _handled_by(handle: Callable[[int], None]) -> Iterator[None]:
    """While the context lasts, signals are handled by this."""
    before = _handlers()
    lasts = True

    def arrived(number: int, _: Any) -> None:
        if lasts:
            handle(number)
        else:  # it came between two of the lines that put the handlers back
            signal.signal(number, before[number])
            signal.raise_signal(number)

    try:
        for number in before:
            signal.signal(number, arrived)
        yield
    finally:
        lasts = False
        for number, what in before.items():
            signal.signal(number, what)
