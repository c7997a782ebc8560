"""The one family of errors: each says what was wrong, where, what was expected and what to do.

`BackhandError` is the root. Where a caller would expect a built-in exception, the error is
that too: wrong input is a `ValueError`, a missing file a `FileNotFoundError`. One member lives with
what it carries: `DivergenceError`, in `training/stopping.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BackhandError(Exception):
    """Root of every error that Backhand raises on purpose."""


class InputError(BackhandError, ValueError):
    """An argument, an array or a file's content is not what was expected."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that was named does not exist."""

    def __str__(self) -> str:
        # OSError would print an errno; this family prints its sentence.
        return str(self.args[0])


class OutputError(BackhandError, OSError):
    """A result could not be written where it was wanted; nothing was left half-written."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingDependencyError(BackhandError, ImportError):
    """An optional package is needed for what was asked, and is not installed."""


class BackhandWarning(UserWarning):
    """Something works otherwise than asked for, or more slowly; the message says why."""


MOST_IN_NAME = 100
"""Letters of a name that is quoted in a sentence."""


def shortened(text: str, most: int = MOST_IN_NAME) -> str:
    """The text; without its middle, if it is longer than that."""
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]} … {text[-(most // 3) :]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """One sentence naming what comes closest to `name` among `known`, or listing what there is."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    folded = [other for other in names if other.casefold() == name.casefold()]
    close = list(dict.fromkeys(folded + close))
    if close:
        return f"Did you mean {listed(close)}?"
    return f"There is {listed(names)}."


def listed(names: Iterable[object], most: int = 8) -> str:
    """`'a', 'b' and 'c'`: names in quotes, the list cut after `most`."""
    quoted = [f"'{shortened(str(name))}'" for name in names]
    if len(quoted) > most:
        return ", ".join(quoted[:most]) + f" and {len(quoted) - most} more"
    if len(quoted) < 2:
        return "".join(quoted) or "nothing"
    return ", ".join(quoted[:-1]) + " and " + quoted[-1]
