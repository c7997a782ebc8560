"""A backward pass that is right but for one equation, which is somebody's function.

The function has the values that it reads as parameters, by the names of the equations:
`def dW2(H1, dS): return …`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.equations import Parameters
from backhand.errors import InputError, did_you_mean
from backhand.formulas import FAILURES, LINES, UPDATED, Values
from backhand.training.data import host

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


def parameters_of(f: Equation, name: str) -> tuple[str, ...]:
    """The names of the values that a function for this equation reads.

    Raises
    ------
    InputError
        If one of its parameters is not the name of a value that is computed before.
    """
    if inspect.iscoroutinefunction(f):
        raise InputError(f"the function is defined by `async def`; expected {definition(name)}.")
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        raise InputError(
            f"the parameters of {f!r} are unknown; expected a function such as {definition(name)}."
        ) from None
    known = known_before(name)
    read: list[str] = []
    for parameter in parameters:
        if parameter.name in known:
            read.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise InputError(_unknown(parameter.name, name, known))
    return tuple(read)


def read_from_outside(f: Equation, name: str) -> list[str]:
    """The names of values that a function reads although they are not its parameters.

    They are those of the notebook: other rows, other sizes.
    """
    code = getattr(f, "__code__", None)
    used = () if code is None else code.co_names
    defined = getattr(f, "__globals__", {})
    return [one for one in used if one in (*GIVEN, *COMPUTED) and one != name and one in defined]


def _unknown(parameter: str, name: str, known: tuple[str, ...]) -> str:
    """A sentence on a parameter that is not a value of the pass at this point."""
    if parameter == name:
        return f"the function has {name} as a parameter, but {name} is what it should return."
    if parameter in COMPUTED:
        return (f"the function has {parameter} as a parameter, but {parameter} is computed after "
                f"{name}. Available: {', '.join(known)}.")  # fmt: skip
    return (f"the function has a parameter '{parameter}', which is not the name of a value. "
            f"{did_you_mean(parameter, known)}")  # fmt: skip


def definition(name: str) -> str:
    """How a function for an equation begins: `def dW2(H1, dS): …`."""
    reads = LINES[name].reads(penalty=False)
    inputs = [other for other in (*COMPUTED, *GIVEN) if other in reads and other != name]
    return f"`def {name}({', '.join(inputs)}): …`"


def answer(f: Equation, reads: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """What a function returns of these values: of copies, so that it cannot change them.

    Numbers of any kind (a tensor, a list, a matrix) become an array; anything else stays as it is.
    """
    returned = f(**{name: _copied(values[name]) for name in reads})
    try:
        array = np.asarray(host(returned))
        if not array.ndim:
            return returned
        return array.astype(np.float64) if array.dtype.kind in "biuO" else array
    except (TypeError, ValueError, InputError):
        return returned


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


def complete(
    functions: Mapping[str, tuple[Equation, tuple[str, ...]]], values: Values
) -> dict[str, NDArray[Any]]:
    """All values of a pass: of these functions where there is one, else of the right line."""
    results = dict(values)
    for name in COMPUTED:
        if name in functions:
            results[name] = answer(*functions[name], results)
        else:
            results[name] = LINES[name].evaluated(results, penalty=False)
    return results
