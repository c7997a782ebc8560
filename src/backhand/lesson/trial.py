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

from backhand.equations import Parameters
from backhand.explanation.rules import SHAPES
from backhand.formulas import Values
from backhand.lesson.composed import Equation, answer, known_before, right_pass, unknown

SIZES = {"n": "N", "i": "d", "h": "H", "k": "K"}
"""The size of each index."""


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
    """

    written: bool
    problem: str = ""
    worst: str = ""
    raised: bool = False


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
        with np.errstate(all="ignore"):
            returned = answer(f, reads, before)
    except NotImplementedError:
        return Trial(written=False)
    except Exception as error:  # whatever a learner's line raises is a remark about that line
        if _is_blank(error):
            return Trial(written=False)
        return Trial(written=True, problem=_raised(name, error, reads, batch), raised=True)
    if returned is None:
        return Trial(written=False, problem="the function returned nothing (None). Begin the line "
                                            "with `return`.")  # fmt: skip
    if returned is Ellipsis:
        return Trial(written=False)
    return _compared(name, returned, batch)


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
    try:
        got = np.asarray(returned, np.float64)
    except (TypeError, ValueError):
        kind = type(returned).__name__
        return Trial(written=True, problem=f"it returns a value of type {kind}, not an array.")
    if got.shape != right.shape:
        return Trial(written=True, problem=(
            f"its shape is {batch.letters(got.shape)}, but {name} has the shape of "
            f"{name.removeprefix('d')}, {shape_of(name)}."
        ))  # fmt: skip
    error = np.where(np.isfinite(got), np.abs(got - right), np.inf)
    if np.all(error <= 1e-9 * np.abs(right).max()):
        return Trial(written=True)
    worst = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    return Trial(written=True, worst=(
        f"the shape is right, but {batch.called}, {name}{list(worst)} should be "
        f"{right[worst]:.4g}, and your line gives {got[worst]:.4g}."
    ))  # fmt: skip


def shape_of(name: str) -> str:
    """The shape of a value in letters: "(N, K)"."""
    sizes = [SIZES[index] for index in SHAPES[name]]
    return f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
