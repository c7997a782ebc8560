"""One call of an answer on one batch: does it run, and what shape and which numbers come back?

The doctor compares numbers on many; this is for what comes before: a blank that is still there, an
exception, a shape. Where N, d, H and K differ, a shape can be read as letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.refusal import Refusal
from backhand.doctor.probe.time_limit import in_time
from backhand.equations import Parameters
from backhand.explanation.rules import SHAPES
from backhand.formulas import Values
from backhand.lesson.composed import Equation, answer, known_before, right_pass, unknown

SIZES = {"n": "N", "i": "d", "h": "H", "k": "K"}
"""The size of each index."""

SECONDS = 10.0
"""Time limit of a call, as in `backhand.check`."""


@dataclass(frozen=True)
class Trial:
    """What one call of an answer showed.

    Attributes
    ----------
    written : bool
        Whether there is an answer at all, and not the blank: None, `...` or NotImplementedError.
    problem : str
        A sentence on an exception, a value that is no array of numbers, or a wrong shape; else "".
    worst : str
        A sentence on the entry with the largest error, if the shape is right and it is wrong.
    raised : bool
    ended : bool
        Whether the call ended by itself, and not by the time limit or by ending Python.
    """

    written: bool
    problem: str = ""
    worst: str = ""
    raised: bool = False
    ended: bool = True


@dataclass(frozen=True)
class Batch:
    """All values of the right pass on the rows of a trial, and what these rows are called."""

    values: Values
    called: str

    def letters(self, shape: tuple[int, ...]) -> str:
        """A shape, with the letter of each size that has one of its own: "(N, K)"."""
        sizes = [self.letter(size) for size in shape]
        return f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"

    def letter(self, size: int) -> str:
        """The letter of a size, or its digits where none or several have it."""
        found = [letter for letter in SIZES.values() if self.values[letter] == size]
        return found[0] if len(found) == 1 else str(size)


@cache
def random_batch() -> Batch:
    """A few random rows; all four sizes differ."""
    N, d, H, K = 7, 4, 5, 3
    rng = np.random.default_rng(7)
    params = Parameters(rng.standard_normal((d, H)), rng.standard_normal(H) / 2,
                        rng.standard_normal((H, K)), rng.standard_normal(K) / 2)  # fmt: skip
    X, Y = rng.standard_normal((N, d)), np.eye(K)[np.arange(N) % K]
    return Batch(right_pass(X, Y, params), "on a small random problem")


def tried(name: str, f: Equation, reads: tuple[str, ...], batch: Batch) -> Trial:
    """Call an answer once, and describe what is wrong with it, if it can be seen from one call."""
    before = {known: batch.values[known] for known in known_before(name)}
    try:
        returned = in_time(lambda: answer(f, reads, before), SECONDS)
    except Refusal as refusal:  # whatever a learner's line does is a remark about that line
        return _refused(name, refusal, reads, batch)
    if returned is None:
        return Trial(written=False, problem="the function returned nothing (None). Begin the line "
                                            "with `return`.")  # fmt: skip
    if returned is Ellipsis:
        return Trial(written=False)
    return _compared(name, returned, batch)


def _refused(name: str, refusal: Refusal, reads: tuple[str, ...], batch: Batch) -> Trial:
    """What is said of a call that did not return."""
    error = refusal.__cause__
    if isinstance(error, NotImplementedError):
        return Trial(written=False)
    if isinstance(error, Exception):
        if _is_blank(error):
            return Trial(written=False)
        return Trial(written=True, problem=_raised(name, error, reads, batch), raised=True)
    return Trial(written=True, problem=f"of your function: {refusal.clause}.", ended=False)


def _is_blank(error: Exception) -> bool:
    """Whether an operation failed on the `...` of a blank: `dS = ... / N`."""
    return isinstance(error, TypeError) and "ellipsis" in str(error).lower()


def _raised(name: str, error: Exception, reads: tuple[str, ...], batch: Batch) -> str:
    """A sentence on an exception: in terms of shapes, if it is about them."""
    if isinstance(error, NameError) and error.name:
        return unknown("your line reads", error.name, name)
    if sizes := INNER_SIZES.search(str(error)):
        one, other = (batch.letter(int(size)) for size in sizes.groups())
        why = f"a matrix product (@) needs equal inner sizes, and here they are {one} and {other}"
    elif shapes := BROADCAST.search(str(error)):
        one, other = (batch.letters(_sizes(shape)) for shape in shapes.groups())
        why = f"arrays of shapes {one} and {other} cannot be combined entry by entry"
    else:
        return f"your line raised {type(error).__name__}: {error}."
    of_inputs = ", ".join(f"{one} is {shape_of(one)}" for one in reads if one in SHAPES)
    return f"your line raised an error: {why}. {of_inputs}; {name} must be {shape_of(name)}."


INNER_SIZES = re.compile(r"size (\d+) is different from (\d+)")

BROADCAST = re.compile(r"could not be broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)")


def _sizes(text: str) -> tuple[int, ...]:
    """The sizes of "7,5" or "5,"."""
    return tuple(int(size) for size in text.split(",") if size)


def _compared(name: str, returned: Any, batch: Batch) -> Trial:
    right: NDArray[np.float64] = batch.values[name]
    array = returned if (is_array := isinstance(returned, np.ndarray)) else np.asarray(returned)
    if array.dtype.kind not in "biuf":
        kind = f"an array of {array.dtype}" if is_array else (
            f"a value of type {type(returned).__name__}"
        )  # fmt: skip
        return Trial(written=True, problem=f"it returns {kind}, not an array of real numbers.")
    got = array.astype(np.float64)
    if got.shape != right.shape:
        return Trial(written=True, problem=(
            f"its shape is {batch.letters(got.shape)}, but {name} has the shape of "
            f"{name.removeprefix('d')}, {shape_of(name)}."
        ))  # fmt: skip
    error = np.where(np.isfinite(got), np.abs(got - right), np.inf)
    if np.all(error <= 1e-9 * np.abs(right).max()):
        return Trial(written=True)
    worst = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    expected, given_here = _told_apart(right[worst], got[worst])
    rounded = "" if array.dtype == np.float64 else (
        f" Your array is of {array.dtype}, which rounds to fewer digits; leave it in float64."
    )  # fmt: skip
    return Trial(written=True, worst=(
        f"the shape is right, but {batch.called}, {name}{list(worst)} should be "
        f"{expected}, and your line gives {given_here}.{rounded}"
    ))  # fmt: skip


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with four digits, or as many more as it takes until the texts differ."""
    texts = ((f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in range(4, 18))
    return next((both for both in texts if both[0] != both[1]), (f"{one}", f"{other}"))


def shape_of(name: str) -> str:
    """The shape of a value in letters: "(N, K)"."""
    sizes = [SIZES[index] for index in SHAPES[name]]
    return f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
