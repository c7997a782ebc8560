"""Exceptions of a user's function, as refusals."""

from __future__ import annotations

import linecache
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

import numpy as np

from backhand.doctor.probe.refusal import Reason, Refusal


def refusal_of(error: BaseException) -> Refusal:
    """The refusal for an exception, whose own class may run any code when it is inspected."""
    try:
        reason = _reason(error)
        clause = _described(error)
        if reason is Reason.NOT_WRITTEN:
            clause = f"it is not written yet: {clause}"
        refusal = Refusal(reason, clause)
        refusal.__cause__ = error
        about_arrays(refusal)
    except BaseException:
        if isinstance(error, MemoryError):
            return Refusal(Reason.MEMORY, "it needs more memory than it may use")
        return Refusal(Reason.RAISES_UNPRINTABLE, "it raises an exception that cannot be printed")
    return refusal


def _reason(error: BaseException) -> Reason:
    if isinstance(error, NotImplementedError):
        return Reason.NOT_WRITTEN
    if isinstance(error, MemoryError):
        return Reason.MEMORY
    return Reason.RAISES if isinstance(error, Exception) else Reason.EXITS


def _described(error: BaseException) -> str:
    """The exception, and the line of the user's own code that raised it."""
    text = ""
    with suppress(Exception):  # of a class of its own
        text = str(error)
    first = (text.strip().splitlines() or [""])[0]
    what = f"it raises {type(error).__name__}{f': {first}' if first else ''}"
    own = _own_frames(error)
    if own:
        line = linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()
        where = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
        what += f" ({where}{f': {line}' if line else ''})"
    return what


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The calls that led to the exception, of the user's own code if it is in any of them."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if Path(frame.filename).parent != Path(__file__).parent
              and frame.filename != threading.__file__]  # fmt: skip
    return [frame for frame in frames if "site-packages" not in frame.filename] or frames


def line_reached(refusal: Refusal) -> int:
    """The line of the checked function that raised, itself or in what it calls; 0 if unknown."""
    error = refusal.__cause__
    own = _own_frames(error) if error is not None else []
    return (own[0].lineno or 0) if own else 0


def about_arrays(refusal: Refusal) -> bool:
    """Whether it seems that the function needs arrays of another library, which it uses itself."""
    error = refusal.__cause__
    if isinstance(error, AttributeError):
        return isinstance(error.obj, np.ndarray)
    if not isinstance(error, TypeError):
        return False
    libraries = [sys.modules[name] for name in ("torch", "jax") if name in sys.modules]
    return any(
        frame.f_globals.get(name) is library
        for frame, _ in traceback.walk_tb(error.__traceback__)
        for name in frame.f_code.co_names
        for library in libraries
    )
