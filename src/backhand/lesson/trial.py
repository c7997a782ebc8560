"""One call of an answer on a small problem whose sizes all differ: does it run, and in what shape?

The doctor compares numbers; this is for what comes before: a blank that is still there, an
exception, a shape. Since N, d, H and K differ, a shape can be read as letters.
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
from backhand.formulas import LINES, Values
from backhand.lesson.composed import COMPUTED, Equation, answer, given

SIZES = {"n": 7, "i": 4, "h": 5, "k": 3}
"""N, d, H and K of the small problem, by the letters of the indices."""

LETTERS = {SIZES["n"]: "N", SIZES["i"]: "d", SIZES["h"]: "H", SIZES["k"]: "K"}


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
    """

    written: bool
    problem: str = ""
    worst: str = ""


@cache
def small_problem() -> Values:
    """All values of the right pass on a few random rows."""
    N, d, H, K = SIZES.values()
    rng = np.random.default_rng(7)
    params = Parameters(rng.standard_normal((d, H)), rng.standard_normal(H) / 2,
                        rng.standard_normal((H, K)), rng.standard_normal(K) / 2)  # fmt: skip
    values = given(rng.standard_normal((N, d)), np.eye(K)[np.arange(N) % K], params)
    for name in COMPUTED:
        values[name] = LINES[name].evaluated(values, penalty=False)
    return values


def tried(name: str, f: Equation, reads: tuple[str, ...]) -> Trial:
    """Call an answer once, and describe what is wrong with it, if it can be seen from one call."""
    values = small_problem()
    try:
        with np.errstate(all="ignore"):
            returned = answer(f, reads, values)
    except NotImplementedError:
        return Trial(written=False)
    except Exception as error:  # whatever a learner's line raises is a remark about that line
        return Trial(written=not _is_blank(error), problem=_raised(name, error, reads))
    if returned is None or returned is Ellipsis:
        return Trial(written=False)
    return _compared(name, returned, values[name])


def _is_blank(error: Exception) -> bool:
    """Whether an operation failed on the `...` of a blank: `dS = ... / N`."""
    return isinstance(error, TypeError) and "ellipsis" in str(error).lower()


def _raised(name: str, error: Exception, reads: tuple[str, ...]) -> str:
    """A sentence on an exception: in terms of shapes, if it is about them."""
    if sizes := INNER_SIZES.search(str(error)):
        one, other = (LETTERS.get(int(size), size) for size in sizes.groups())
        why = f"a matrix product (@) needs equal inner sizes, and here they are {one} and {other}"
    elif shapes := BROADCAST.search(str(error)):
        one, other = (letters(_sizes(shape)) for shape in shapes.groups())
        why = f"arrays of shapes {one} and {other} cannot be combined entry by entry"
    else:
        return f"your line raised {type(error).__name__}: {error}. It may read {', '.join(reads)}."
    of_inputs = ", ".join(f"{one} is {shape_of(one)}" for one in reads if one in SHAPES)
    return f"your line raised an error: {why}. {of_inputs}; {name} must be {shape_of(name)}."


INNER_SIZES = re.compile(r"size (\d+) is different from (\d+)")

BROADCAST = re.compile(r"could not be broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)")


def _sizes(text: str) -> tuple[int, ...]:
    """The sizes of "7,5" or "5,"."""
    return tuple(int(size) for size in text.split(",") if size)


def _compared(name: str, returned: Any, right: NDArray[np.float64]) -> Trial:
    try:
        got = np.asarray(returned, np.float64)
    except (TypeError, ValueError):
        kind = type(returned).__name__
        return Trial(written=True, problem=f"it returns a value of type {kind}, not an array.")
    if got.shape != right.shape:
        return Trial(written=True, problem=(
            f"its shape is {letters(got.shape)}, but {name} has the shape of "
            f"{name.removeprefix('d')}, {shape_of(name)}."
        ))  # fmt: skip
    error = np.where(np.isfinite(got), np.abs(got - right), np.inf)
    if np.all(error <= 1e-9 * np.abs(right).max()):
        return Trial(written=True)
    worst = tuple(map(int, np.unravel_index(np.argmax(error), error.shape)))
    return Trial(written=True, worst=(
        f"the shape is right. On a small random problem, {name}{list(worst)} should be "
        f"{right[worst]:.4g}, and your line gives {got[worst]:.4g}."
    ))  # fmt: skip


def shape_of(name: str) -> str:
    """The shape of a value in letters: "(N, K)"."""
    return letters(tuple(SIZES[index] for index in SHAPES[name]))


def letters(shape: tuple[int, ...]) -> str:
    """A shape of the small problem, with the letter of each size that has one."""
    sizes = [LETTERS.get(size, str(size)) for size in shape]
    return f"({', '.join(sizes)},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
