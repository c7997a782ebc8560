"""Calling with a time limit, in a thread that is stopped if it exceeds it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np

from backhand.doctor.probe.exceptions import refusal_of
from backhand.doctor.probe.process_state import put_back_names, quiet
from backhand.doctor.probe.refusal import Reason, Refusal

T = TypeVar("T")


def in_time(action: Callable[[], T], seconds: float) -> T:
    """Run an action in a thread, stop it at the time limit, and return its result.

    Raises
    ------
    Refusal
        If it raises, or does not end in time.
    """
    result: list[T] = []
    failure: list[Refusal] = []
    # `Thread.join` calls `max`, which the action may have replaced: it would not wait.
    running = threading.Lock()
    running.acquire()

    def act() -> None:
        try:
            # Drop what it prints: there are a hundred calls.
            with quiet(), np.errstate(all="ignore"):
                result.append(action())
        except Refusal as refusal:
            failure.append(refusal)
        except BaseException as error:
            failure.append(refusal_of(error))
        finally:
            running.release()

    thread = threading.Thread(target=act, daemon=True)
    try:
        thread.start()
    except (MemoryError, RuntimeError) as error:  # can't start new thread
        raise Refusal(Reason.MEMORY, "it leaves no memory for another call") from error
    late = True
    try:
        late = not running.acquire(timeout=seconds)
    finally:  # of Ctrl-C too
        put_back_names()  # what a result changed that was read, or a call that is stopped
        if late:
            _stop(thread)
            put_back_names()
    if late:
        raise Refusal(Reason.TIMEOUT, f"it does not return within {seconds:g} s")
    if failure:
        raise failure[0]
    if not result:
        raise Refusal(Reason.NO_RESULT, "it ended without a result")
    return result[0]


def _stop(thread: threading.Thread) -> None:
    """End a thread at its next line of Python; in C code that does not return, it stays."""
    with suppress(AttributeError):  # other Pythons than CPython cannot
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        for _ in range(10):  # a bare `except` in a loop catches the first
            if not thread.is_alive():
                break
            raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
            thread.join(0.02)
