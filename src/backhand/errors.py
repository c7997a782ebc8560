"""The family of errors: each says what was wrong, where, what was expected and what to do.

`BackhandError` is the root. Each error is also the built-in exception that a caller would expect:
wrong input is a `ValueError`, a missing file a `FileNotFoundError`. `DivergenceError` is defined in
`training`, beside the parameters that it carries.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from functools import cache


class BackhandError(Exception):
    """Root of all errors that Backhand raises deliberately."""


class InputError(BackhandError, ValueError):
    """An argument, an array or the content of a file is invalid."""


class MissingFileError(InputError, FileNotFoundError):
    """A named file does not exist."""

    def __str__(self) -> str:
        # OSError would print an errno instead of the sentence.
        return str(self.args[0])


class OutputError(BackhandError, OSError):
    """An output could not be written; no partial file was left."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingDependencyError(BackhandError, ImportError):
    """An optional package that the call needs is not installed."""


class BackhandWarning(UserWarning):
    """Something works differently from the request, or more slowly; the message says why."""


class BackhandFutureWarning(BackhandWarning, FutureWarning):
    """Something works now and will not in a later version; the message names both.

    It is a `FutureWarning`, as scikit-learn's are, and not a `DeprecationWarning`: Python shows
    that one only where `__main__` calls, and hides it from most people who have to change a call.

    Examples
    --------
    A test suite that fails as soon as it uses something that will be removed:

    >>> import backhand, warnings
    >>> warnings.simplefilter("error", backhand.BackhandFutureWarning)
    """


INSIDE = f"{__name__.partition('.')[0]}."
"""How the names of Backhand's modules begin."""


def warn(sentence: str, category: type[BackhandWarning] = BackhandWarning) -> None:
    """Warn with a `BackhandWarning`, or a kind of it, at the line that called Backhand."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, category, stacklevel=level)


@cache
def warn_once(sentence: str) -> None:
    """`warn`, once in a process."""
    warn(sentence)


MOST_IN_NAME = 100
"""Number of characters of a name that are quoted in a sentence."""


def shortened(text: str, most: int = MOST_IN_NAME) -> str:
    """Return the text; if it has more than `most` characters, without its middle."""
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]} … {text[-(most // 3) :]}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the names closest to `name` among `known`, or with all of them."""
    names = list(known)
    if close := nearest(name, names):
        return f"Did you mean {listed(close, conjunction='or')}?"
    return f"Available: {listed(names)}."


def nearest(name: str, names: list[str]) -> list[str]:
    """Return up to three of the names that are close to `name`, and those that differ in case."""
    import difflib  # needed only after a mistake

    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    folded = [other for other in names if other.casefold() == name.casefold()]
    return list(dict.fromkeys(folded + close))


def listed(names: Iterable[object], most: int = 8, conjunction: str = "and") -> str:
    """Return the names in quotes: `'a', 'b' and 'c'`, or `'a', 'b' and 7 more` after `most`."""
    quoted = [f"'{shortened(str(name))}'" for name in names]
    if 1 < len(quoted) <= most:
        return ", ".join(quoted[:-1]) + f" {conjunction} " + quoted[-1]
    return _cut(quoted, most) or "nothing"


def comma_list(texts: Iterable[str], most: int = 12) -> str:
    """Return `a, b, c`; if there are more than `most`, `a, b and 7 more`."""
    return _cut([shortened(text) for text in texts], most)


def _cut(texts: list[str], most: int) -> str:
    rest = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + rest
