"""The derivation as text: each equation is a line of code; computing all values, with changes.

The text that is shown is the text that is computed. `tests/doctor/test_dictionary.py` compares the
lines with `equations.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = dict[str, Any]


@cache
def compiled(code: str) -> CodeType:
    """Compile a line. (All lines are our own: no code of a user's comes here.)"""
    return compile(code, f"<{code}>", "eval")


@cache
def parts_of(code: str) -> frozenset[str]:
    """The names in a line: all that it reads, and those of functions and their arguments."""
    return frozenset(_NAMES.findall(code))


_NAMES = re.compile(r"\b[A-Za-z_]\w*")


@dataclass(frozen=True)
class Line:
    """A line of code, with or without the penalty.

    Attributes
    ----------
    data : str
        The data term.
    penalty : str
        The penalty term, with its sign; left out where there is no penalty.
    form : str
        What surrounds both: "({0}) / N".
    shown : str
        What is displayed of the data term, if not its code.
    """

    data: str
    penalty: str = ""
    form: str = "{0}"
    shown: str = ""

    def code(self, *, penalty: bool) -> str:
        """The line as it is computed."""
        code = self.data + self.penalty if penalty else self.data
        return code if self.form == "{0}" else self.form.format(code)

    def text(self, *, penalty: bool) -> str:
        """The line as it is displayed."""
        if not self.shown:
            return self.code(penalty=penalty)
        return self.form.format(self.shown + self.penalty if penalty else self.shown)

    def evaluated(
        self, values: Values, *, penalty: bool, functions: Mapping[str, Any] | None = None
    ) -> Any:
        """What the line gives of these values; may raise `FAILURES`.

        `functions` are those of another library, by the names that lines have for them.
        """
        known: Any = FUNCTIONS if functions is None else functions
        return eval(self._with_penalty if penalty else self._without, known, values)

    @cached_property
    def _with_penalty(self) -> CodeType:
        return compiled(self.code(penalty=True))

    @cached_property
    def _without(self) -> CodeType:
        return compiled(self.code(penalty=False))

    def reads(self, *, penalty: bool) -> frozenset[str]:
        """The names that the line reads."""
        return parts_of(self.code(penalty=penalty))

    def with_constant(self, c: float) -> Line:
        """The line with a number instead of `c`."""
        data, penalty, form, shown = (
            re.sub(r"\bc\b", f"{c!r}", part)
            for part in (self.data, self.penalty, self.form, self.shown)
        )
        return Line(data, penalty, form, shown)

    def within(self, form: str) -> Line:
        """The line with something around it."""
        return Line(self.data, self.penalty, form, self.shown)


LINES = {
    "Z1": Line("X @ W1 + b1"),
    "H1": Line("maximum(Z1, 0)"),
    "S": Line("H1 @ W2 + b2"),
    "P": Line("softmax(S)"),
    "L": Line("-(Y * log(P)).sum() / N", " + l2 / 2 * ((W1**2).sum() + (W2**2).sum())"),
    "dS": Line("(P - Y) / N"),
    "dW2": Line("H1.T @ dS", " + l2 * W2"),
    "db2": Line("dS.sum(axis=0)"),
    "dH1": Line("dS @ W2.T"),
    "dZ1": Line("dH1 * (Z1 > 0)"),
    "dW1": Line("X.T @ dZ1", " + l2 * W1"),
    "db1": Line("dZ1.sum(axis=0)"),
    "new W1": Line("W1 - eta * dW1"),
    "new b1": Line("b1 - eta * db1"),
    "new W2": Line("W2 - eta * dW2"),
    "new b2": Line("b2 - eta * db2"),
}
"""Every equation, in the order of the derivation. The last four are the update's."""

GRADIENTS = {"dW1": "W1", "db1": "b1", "dW2": "W2", "db2": "b2"}
"""The gradients that a backward pass returns, in their usual order, and of what."""

UPDATED = {"new W1": "W1", "new b1": "b1", "new W2": "W2", "new b2": "b2"}
"""The parameters after a step, and before it."""


def equation_of(name: str) -> str:
    """The equation that gives a value: its own, or the update."""
    return "update" if name in UPDATED else name


def softmax(S: NDArray[Any], axis: int = 1) -> NDArray[Any]:
    """Along an axis, for the lines."""
    E = np.exp(S - S.max(axis=axis, keepdims=True))
    P: NDArray[Any] = E / E.sum(axis=axis, keepdims=True)
    return P


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """For the lines."""
    value: NDArray[Any] = 1 / (1 + np.exp(-x))
    return value


def gelu(x: NDArray[Any]) -> NDArray[Any]:
    """X Φ(x), for the lines."""
    value: NDArray[Any] = x * normal(x)
    return value


def gelu_slope(x: NDArray[Any]) -> NDArray[Any]:
    """Its derivative."""
    slope: NDArray[Any] = normal(x) + x * density(x)
    return slope


def density(x: NDArray[Any]) -> NDArray[Any]:
    """φ(x) of the normal distribution, for the lines."""
    value: NDArray[Any] = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return value


def gelu_tanh(x: NDArray[Any]) -> NDArray[Any]:
    """GELU's usual approximation with tanh, for the lines."""
    value: NDArray[Any] = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return value


def gelu_tanh_slope(x: NDArray[Any]) -> NDArray[Any]:
    """Its derivative."""
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    slope: NDArray[Any] = (1 + t) / 2 + x / 2 * (1 - t**2) * inner
    return slope


def normal(x: NDArray[Any]) -> NDArray[Any]:
    """Φ(x) of the normal distribution, for the lines."""
    share: NDArray[Any] = np.vectorize(
        lambda z: 0.5 * math.erfc(-z / math.sqrt(2)), otypes=[float]
    )(x)
    return share


def trunc(x: NDArray[Any]) -> NDArray[Any]:
    """What is left in an array of integers."""
    whole: NDArray[Any] = np.trunc(x)
    return whole


def float32(x: NDArray[Any]) -> NDArray[Any]:
    """Rounded, and back in float64 when it meets that."""
    return np.asarray(x, np.float32).astype(np.float64)


def float16(x: NDArray[Any]) -> NDArray[Any]:
    """Rounded, and back in float64 when it meets that."""
    return np.asarray(x, np.float16).astype(np.float64)


def without_row(x: NDArray[Any], row: int) -> NDArray[Any]:
    """That row is 0: a loop did not get there."""
    x = np.array(x)
    x[row] = 0
    return x


FUNCTIONS = {
    "maximum": np.maximum, "minimum": np.minimum, "exp": np.exp, "log": np.log, "log2": np.log2,
    "log10": np.log10, "sqrt": np.sqrt, "abs": np.abs, "sign": np.sign, "tanh": np.tanh,
    "where": np.where, "clip": np.clip, "roll": np.roll, "round": np.round, "norm": np.linalg.norm,
    "eye": np.eye, "log1p": np.log1p, "softmax": softmax, "sigmoid": sigmoid, "gelu": gelu,
    "gelu_slope": gelu_slope, "normal": normal, "density": density,
    "gelu_tanh": gelu_tanh, "gelu_tanh_slope": gelu_tanh_slope,
    "trunc": trunc, "float32": float32, "float16": float16, "without_row": without_row,
}  # fmt: skip


FAILURES = (ValueError, NameError, IndexError, AttributeError, TypeError)
"""Exceptions of a line that does not fit the shapes, or reads what could not be computed."""


def derive(
    given: Mapping[str, Any],
    changes: Mapping[str, Line],
    reused: Mapping[str, NDArray[Any]],
    names: Iterable[str] | None = None,
    *,
    lines: Mapping[str, Line] = LINES,
) -> tuple[Values, Values]:
    """Compute all values with some lines changed.

    Parameters
    ----------
    given : mapping
        X, Y, W1, …, N, d, H, K, l2, eta, and what lines of the dictionary may read besides.
    changes : mapping of str to Line
        Lines to compute instead.
    reused : mapping of str to array
        Values for later lines to read instead of what the line gives.
    names : iterable of str, optional
        The lines to compute; all of them by default.
    lines : mapping of str to Line
        The equations that are changed.

    Returns
    -------
    gave : dict
        What each line gave.
    values : dict
        What the lines read. A line that cannot be computed, or reads one that could not, is in
        neither.
    """
    values: Values = dict(given)
    gave: Values = {}
    penalty = bool(given["l2"])
    with np.errstate(all="ignore"):  # a log of 0 is an infinite loss, and compared as such
        for name in lines if names is None else names:
            line = changes.get(name, lines[name])
            try:
                gave[name] = values[name] = line.evaluated(values, penalty=penalty)
            except FAILURES:
                values.pop(name, None)
            if name in reused:
                values[name] = reused[name]
    return gave, values


def as_namespace(values: Mapping[str, Any]) -> SimpleNamespace:
    """Values that lines read with a dot."""
    return SimpleNamespace(**{name.replace(" ", "_"): value for name, value in values.items()})
