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
    """Root of all errors that Backhand raises deliberately.

    Each is also the built-in exception that fits: an `InputError` is a `ValueError`, a
    `MissingFileError` a `FileNotFoundError`, an `OutputError` an `OSError`, and a
    `MissingDependencyError` an `ImportError`.

    Examples
    --------
    >>> import backhand
    >>> try:
    ...     model = backhand.load("churn.safetensors")
    ... except backhand.BackhandError as error:
    ...     print(f"{type(error).__name__}: {error}")
    MissingFileError: ...churn.safetensors...
    """


class InputError(BackhandError, ValueError):
    """An argument, an array or the content of a file is invalid.

    The message says what was wrong, what was expected and, where it helps, what to do.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> params = backhand.init(d=4, H=8, K=2)
    >>> try:
    ...     backhand.forward(params, np.zeros((3, 5)))
    ... except backhand.InputError as error:
    ...     print(error)
    X is (3, 5) and W1 is (4, 8): X has 5 columns where W1 expects 4.
    """


class MissingFileError(InputError, FileNotFoundError):
    """A named file does not exist.

    Examples
    --------
    >>> import backhand
    >>> try:
    ...     params = backhand.load("yesterday.safetensors").params
    ... except backhand.MissingFileError:  # the first run
    ...     params = backhand.init(d=4, H=8, K=2, seed=0)
    >>> params
    Parameters (float32): W1 (4, 8), b1 (8,), W2 (8, 2), b2 (2,)
    """

    def __str__(self) -> str:
        # OSError would print an errno instead of the sentence.
        return str(self.args[0])


class OutputError(BackhandError, OSError):
    """An output could not be written; no partial file was left.

    A file that was to be replaced is as it was.

    Examples
    --------
    >>> import backhand
    >>> import pathlib
    >>> import tempfile
    >>> from unittest import mock
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> no_space = OSError(28, "No space left on device")
    >>> with mock.patch("pathlib.Path.replace", side_effect=no_space):  # as if the disk were full
    ...     try:
    ...         backhand.save(backhand.init(d=4, H=8, K=2), path)
    ...     except backhand.OutputError as error:
    ...         print(str(error).removeprefix(str(path.parent))[1:])
    model.safetensors could not be written: No space left on device. Nothing was left behind, and
    an existing file is unchanged.
    >>> path.exists()
    False
    """

    def __str__(self) -> str:
        return str(self.args[0])


class MissingDependencyError(BackhandError, ImportError):
    """An optional package that the call needs is not installed.

    The message has the command that installs it.

    Examples
    --------
    >>> import backhand
    >>> import sys
    >>> from unittest import mock
    >>> with mock.patch.dict(sys.modules, tensorboardX=None):  # as if it were not installed
    ...     try:
    ...         backhand.TensorBoard("runs")
    ...     except backhand.MissingDependencyError as error:
    ...         print(error)
    TensorBoard needs tensorboardX, ... pip install 'backhand[tensorboard]'.
    """


class BackhandWarning(UserWarning):
    """Something works differently from the request, or more slowly; the message says why.

    Examples
    --------
    Make it an error where a run must be as requested, or not at all:

    >>> import backhand
    >>> import numpy as np
    >>> import warnings
    >>> X, y = np.eye(3), np.arange(3)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", backhand.BackhandWarning)
    ...     result = backhand.train(backhand.init(3, 4, 3), X, y, engine="reference")
    >>> result.ended
    'done'
    """


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
