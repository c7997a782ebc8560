"""Signals that end a program: delayed where they would do harm, recorded, or raised.

They are Ctrl-C, SIGTERM and SIGHUP, which a closed terminal sends; on Windows Ctrl-C and SIGBREAK,
which is Ctrl-Break, and sent by a console that is closed. An ignored signal, as SIGHUP
under nohup, stays ignored. Python runs handlers in the main thread only; in other threads these
contexts do nothing.
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

from backhand.support import system
from backhand.support.system.processes import SIGNALS

SAME_REQUEST = 1.0
"""Seconds in which further signals are the same request: a shell or an init may send two."""

_waiting: list[int] = []
"""Signals received since `hold_signals`."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the work. What was done is saved, or there was nothing to save.

    Attributes
    ----------
    signal : int
        SIGINT, SIGTERM, SIGHUP or, on Windows, SIGBREAK.
    place : str
        How far the work was and where it is saved, as the beginning of a sentence; or empty.

    See Also
    --------
    Checkpoint : Where a training is saved when a signal ends it.

    Examples
    --------
    A batch system ends a job with SIGTERM; here a callback does:

    >>> import backhand
    >>> import signal
    >>> import tempfile
    >>> import numpy as np
    >>> X, y, params = np.eye(3), np.arange(3), backhand.init(3, 4, 3)
    >>> folder = tempfile.mkdtemp()
    >>> try:
    ...     result = backhand.train(
    ...         params, X, y, checkpoint=backhand.Checkpoint(folder),
    ...         callbacks=[lambda progress: signal.raise_signal(signal.SIGTERM)])
    ... except backhand.Interrupted as error:
    ...     print(error.signal == signal.SIGTERM)
    True
    >>> result = backhand.train(params, X, y, checkpoint=backhand.Checkpoint(folder, resume=True))
    >>> len(result.history)
    100
    """

    def __init__(self, number: int, place: str = "") -> None:
        super().__init__(place)
        self.signal, self.place = number, place


def meant(came: Sequence[int]) -> int:
    """Return the signal that ends the work: SIGTERM if it was received, else the first.

    If two arrive at once, Python handles the one with the smaller number first.
    """
    return signal.SIGTERM if signal.SIGTERM in came else came[0]


def hold_signals() -> None:
    """Delay signals from now on, until `signals_raised` handles them."""
    for number in _handlers():
        signal.signal(number, lambda number, _: _waiting.append(number))


def ignore_signals() -> None:
    """Ignore signals until the process ends: Python would restore their default as it ends."""
    for number in _handlers():
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def signals_raised() -> Iterator[list[int]]:
    """Raise `Interrupted` when a signal arrives; the list holds the signals in order.

    The list also records a signal that an extension module turns into another error. An exception
    in a place where Python must ignore it, such as a finaliser, is raised again.
    """
    came: list[int] = []
    raised_at = -SAME_REQUEST
    show_swallowed = sys.unraisablehook

    def end(number: int) -> None:
        nonlocal raised_at
        came.append(number)
        # The work that the first one ends may still be cleaning up, and must not be interrupted.
        if time.monotonic() - raised_at >= SAME_REQUEST:
            raised_at = time.monotonic()
            raise Interrupted(came[0])

    def raise_again(swallowed: Any) -> None:
        nonlocal raised_at
        if not isinstance(swallowed.exc_value, Interrupted):
            show_swallowed(swallowed)
            return
        raised_at = -SAME_REQUEST
        # Raised here, it would be ignored as well.
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
    """Record the signals that arrive while the context lasts in a list, in order.

    The code in the context reads the list and ends when it can. Another signal, more than
    `SAME_REQUEST` after the first, ends it at once.

    Raises
    ------
    Interrupted
        In the context, with the first signal, when such another signal arrives.
    """
    came: list[int] = []
    began = 0.0

    def note(number: int) -> None:
        nonlocal began
        if not came:
            began = time.monotonic()
        came.append(number)
        if time.monotonic() - began >= SAME_REQUEST:
            raise Interrupted(came[0])

    with _handled_by(note):
        yield came


@contextmanager
def signals_seen(see: Callable[[int], None]) -> Iterator[None]:
    """Call `see` with the first signal that arrives, at once and in a new thread.

    The signal is handled as well; but handlers run in the main thread, and not while an extension
    module waits there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    read, write = os.pipe()
    system.files.without_waiting(write)

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
    """Delay signals until the context ends.

    An extension module that is interrupted while it is initialised may abort the process.
    """
    came: list[int] = []
    try:
        with _handled_by(came.append):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


def _handlers() -> dict[int, Any]:
    """Return the present handlers of the signals that can be handled here and are not ignored."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    return {n: what for n, what in handlers.items() if what not in (signal.SIG_IGN, None)}


@contextmanager
def _handled_by(handle: Callable[[int], None]) -> Iterator[None]:
    """Handle signals by a function while the context lasts."""
    before = _handlers()
    lasts = True

    def arrived(number: int, _: Any) -> None:
        if lasts:
            handle(number)
        else:  # it arrived between two of the lines that restore the handlers
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
