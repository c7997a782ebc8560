"""Restoring what a function changes of the process that it runs in."""

from __future__ import annotations

import builtins
import io
import json
import math
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np

RESTORED = (builtins, json, math, np, np.linalg, os, threading, time)
"""Modules that a check uses, whose names the function may replace."""

DOCTOR = ("backhand.doctor", "backhand.equations", "backhand.formulas")
"""Beginnings of the names of Backhand's modules that a check uses."""

_lock = threading.Lock()
_users: list[None] = []
_names: list[tuple[dict[str, Any], dict[str, Any]]] = []
_before = ExitStack()
_quiet: set[int] = set()


@contextmanager
def kept() -> Iterator[None]:
    """Restore what a function changes: streams, folder, environment, warnings, random numbers.

    Also names of the modules in `RESTORED` and of the doctor's own, which `put_back_names` restores
    after each call. Several threads may be in the context: there is one set of such things for all
    of them, so the first that enters notes it, and the last that leaves puts it back.
    """
    with _lock:
        if not _users:
            _note()
        _users.append(None)
    try:
        yield
    finally:
        with _lock:
            _users.pop()
            if not _users:
                _before.close()


@contextmanager
def names_kept() -> Iterator[None]:
    """Restore, at the end, the names that were replaced in or deleted from these modules.

    What was added stays: `np.float = float` is how old code is made to run.
    """
    names = _noted_names()
    try:
        yield
    finally:
        for namespace, before in names:
            namespace.update(before)


def put_back_names() -> None:
    """Put back the names as they were when `kept` was entered; nothing outside of it."""
    for namespace, before in _names:  # without a call of anything in `builtins`
        namespace.update(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what this thread prints, inside of `kept`; other threads print as before."""
    thread = threading.get_ident()
    _quiet.add(thread)
    try:
        yield
    finally:
        _quiet.discard(thread)


def _noted_names() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    own = [module for name, module in sys.modules.items() if name.startswith(DOCTOR)]
    return [(vars(module), dict(vars(module))) for module in (*RESTORED, *own)]


def _note() -> None:
    _names.extend(_noted_names())
    _before.callback(_names.clear)
    _before.callback(put_back_names)
    _before.enter_context(warnings.catch_warnings())
    for read, write in _settings():
        with suppress(Exception):  # such as a working folder that is not there any more
            _before.callback(_write, write, read())
    nowhere = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
    _before.callback(nowhere.close)
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        _before.callback(setattr, sys, name, stream)
        if name != "stdin" and stream is not None:
            setattr(sys, name, _Switch(stream, nowhere))


def _settings() -> Iterator[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Pairs of functions, of which the second sets what the first reads."""
    yield random.getstate, random.setstate
    yield np.random.get_state, np.random.set_state
    torch = sys.modules.get("torch")
    if torch is not None:
        yield torch.get_rng_state, torch.set_rng_state
    yield os.getcwd, os.chdir
    yield lambda: dict(os.environ), _set_environment
    yield lambda: list(sys.path), lambda before: sys.path.__setitem__(slice(None), before)
    yield sys.getrecursionlimit, sys.setrecursionlimit


def _write(write: Callable[[Any], Any], before: Any) -> None:
    with suppress(Exception):
        write(before)


def _set_environment(before: dict[str, str]) -> None:
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)


class _Switch:
    """A standard stream that drops what quiet threads write."""

    def __init__(self, stream: Any, nowhere: io.TextIOWrapper) -> None:
        self._stream, self._nowhere = stream, nowhere

    def __getattr__(self, name: str) -> Any:
        here = self._nowhere if threading.get_ident() in _quiet else self._stream
        return getattr(here, name)
