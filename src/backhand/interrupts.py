"""Ctrl-C and SIGTERM: held back for a moment where they would do harm, or until work is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A signal ended the work; what was done is saved, or there was nothing to save.

    Attributes
    ----------
    signal : int
        SIGINT or SIGTERM.
    place : str
        How far the work was and where it is saved, as the beginning of a sentence; or nothing.
    """

    def __init__(self, number: int, place: str = "") -> None:
        super().__init__(place)
        self.signal, self.place = number, place


def is_interrupt(error: Exception) -> bool:
    """Whether an error is how DuckDB takes Ctrl-C."""
    return str(error) == "Query interrupted" or "INTERRUPT" in str(error)


def end_on_sigterm() -> None:
    """From now on SIGTERM is an `Interrupted`: so whatever has to be cleared away, is."""

    def end(number: int, _: Any) -> None:
        raise Interrupted(number)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


@contextmanager
def signals_noted() -> Iterator[list[int]]:
    """A list that holds the first SIGINT or SIGTERM that comes while the context lasts.

    Whoever is in the context looks there and ends when it can; a second signal ends it at once. In
    other threads than the main one, which none reaches, the list stays empty; so does it of a
    signal that is ignored.
    """
    came: list[int] = []

    def note(number: int, _: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    wanted = (signal.SIGINT, signal.SIGTERM)
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in wanted} if main else {}
    before = {n: what for n, what in before.items() if what not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, note)
    try:
        yield came
    finally:
        for number, what in before.items():
            signal.signal(number, what)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the context ends.

    For what does not survive it: an extension module that is interrupted while it sets itself up
    may abort the process. In other threads than the main one, which none reaches, nothing is done,
    nor where Ctrl-C is ignored, as in a shell's background.
    """
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or before in (signal.SIG_IGN, None):
        yield
        return
    came: list[Any] = []
    signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
