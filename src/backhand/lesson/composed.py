"""A backward pass that is right but for one equation, which is somebody's function.

The function has the values that it reads as arguments, by the names of the equations:
`def dW2(H1, dS): return …`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import takewhile
from types import FunctionType
from typing import Any

import numpy as np

from backhand.equations import Parameters
from backhand.errors import InputError, did_you_mean
from backhand.formulas import FAILURES, LINES, UPDATED, Values

Equation = Callable[..., Any]

GIVEN = ("X", "Y", "W1", "b1", "W2", "b2", "N", "d", "H", "K")
"""What a pass starts from, and the sizes."""

COMPUTED = tuple(name for name in LINES if name not in UPDATED)
"""Z1, …, db1, in the order of the derivation."""

FORWARD = ("Z1", "H1", "S", "P", "L")

BLANKS = tuple(name for name in COMPUTED if name not in FORWARD)
"""The seven gradients."""


def given(X: Any, Y: Any, params: Parameters) -> Values:
    """The values that the first equations read, and 0 for the penalty."""
    (N, d), (H, K) = X.shape, params.W2.shape
    return {"X": X, "Y": Y, **params._asdict(), "N": N, "d": d, "H": H, "K": K, "l2": 0.0}


def known_before(name: str) -> tuple[str, ...]:
    """The names that the equation of a value may read."""
    return (*GIVEN, *takewhile(lambda other: other != name, COMPUTED))


def arguments_of(f: Equation, name: str) -> tuple[str, ...]:
    """The names of the values that a function for this equation has as arguments.

    Raises
    ------
    InputError
        If one of its arguments is not the name of a value that is computed before.
    """
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        raise InputError(
            f"the arguments of {f!r} are unknown; expected a function such as {definition(name)}."
        ) from None
    known = known_before(name)
    read: list[str] = []
    for parameter in parameters:
        if parameter.name in known:
            read.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise InputError(unknown("the function has the argument", parameter.name, name))
    return tuple(read)


def later_values(f: Equation, name: str) -> list[str]:
    """The names of values that a function reads although they are computed later.

    They are those of the notebook: other rows, other sizes.
    """
    code = getattr(f, "__code__", None)
    used = () if code is None else code.co_names
    defined, known = getattr(f, "__globals__", {}), known_before(name)
    return [one for one in used if one in COMPUTED and one not in (*known, name) and one in defined]


def unknown(says: str, other: str, name: str) -> str:
    """A sentence on a name that is not that of a value at this point of the pass.

    `says` is its beginning: "the function has the argument", "your line reads".
    """
    known = known_before(name)
    if other == name:
        return f"{says} {name}, but {name} is what it should return."
    if other in COMPUTED:
        return (f"{says} {other}, but {other} is computed after {name}. "
                f"Available: {', '.join(known)}.")  # fmt: skip
    return f"{says} '{other}', which is not the name of a value. {did_you_mean(other, known)}"


def definition(name: str) -> str:
    """How a function for an equation begins: `def dW2(H1, dS): …`."""
    reads = LINES[name].reads(penalty=False)
    inputs = [other for other in (*COMPUTED, *GIVEN) if other in reads and other != name]
    return f"`def {name}({', '.join(inputs)}): …`"


def answer(f: Equation, reads: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """What a function returns of these values: of copies, so that it cannot change them.

    The name of a value that is not among its arguments means the value of this pass as well, and
    not the notebook's, which has other rows: `(P - Y) / len(X)`.
    """
    own = {name: _copied(value) for name, value in values.items()}
    return _reading(f, own)(**{name: own[name] for name in reads})


def _reading(f: Equation, values: Mapping[str, Any]) -> Equation:
    """The function, with these values in the place of global ones."""
    if not isinstance(f, FunctionType):
        return f
    found = FunctionType(
        f.__code__, {**f.__globals__, **values}, f.__name__, f.__defaults__, f.__closure__
    )
    found.__kwdefaults__ = f.__kwdefaults__
    return found


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def composed(name: str, f: Equation, reads: tuple[str, ...]) -> Callable[..., dict[str, Any]]:
    """The pass with this function in place of an equation, for the doctor.

    What is computed from a wrong value may have no shape that fits. It is left out then: it would
    say nothing about this equation.
    """

    def backward(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> dict[str, Any]:
        values = given(X, Y, Parameters(W1, b1, W2, b2))
        for other in COMPUTED[: COMPUTED.index(name)]:
            values[other] = LINES[other].evaluated(values, penalty=False)
        values[name] = answer(f, reads, values)
        for other in COMPUTED[COMPUTED.index(name) + 1 :]:
            with suppress(*FAILURES):
                values[other] = LINES[other].evaluated(values, penalty=False)
        return {other: values[other] for other in COMPUTED if other in values}

    return backward


def right_pass(X: Any, Y: Any, params: Parameters) -> Values:
    """All values of a pass, by the lines of the equations."""
    return complete({}, given(X, Y, params))


def complete(functions: Mapping[str, tuple[Equation, tuple[str, ...]]], values: Values) -> Values:
    """All values of a pass: of these functions where there is one, else of the right line."""
    results = dict(values)
    for name in COMPUTED:
        if name in functions:
            results[name] = np.asarray(answer(*functions[name], results))
        else:
            results[name] = LINES[name].evaluated(results, penalty=False)
    return results
