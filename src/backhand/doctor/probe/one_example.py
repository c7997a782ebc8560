"""A backward pass for one example, a column: it is called on each, and the gradients are added."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import reduce, wraps
from typing import Any

from backhand.doctor.probe.adapters import adapted
from backhand.doctor.probe.run import Calls
from backhand.doctor.probe.signature import arguments_of


def is_of_one_example(f: Callable[..., Any], calls: Calls) -> bool:
    """Whether `f` takes one column `x`: of a matrix of them, it sums neither bias's gradient."""
    if not calls.returned or "x" not in inspect.signature(inspect.unwrap(f)).parameters:
        return False
    problem, called = calls.returned[0]
    N, (H, K) = len(problem.X), problem.params.W2.shape
    values = called.outputs.values
    shapes = {"dW1": problem.params.W1.shape, "db1": (N, H), "dW2": (H, K), "db2": (N, K)}
    return all(name in values and values[name].shape == shape for name, shape in shapes.items())


def of_each_example(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of all examples, as columns, that calls `f` on each and adds what it returns."""
    f = adapted(f)
    data = [one.name for one in arguments_of(f) if one.meaning in ("X", "Y", "y")]
    signature = inspect.signature(f)

    @wraps(f)
    def call(*positional: Any, **named: Any) -> Any:
        given = signature.bind(*positional, **named).arguments
        X = next(given[name] for name in data if given[name].ndim == 2)
        found = [
            f(**{name: _column(value, place) if name in data else value
                 for name, value in given.items()})
            for place in range(X.shape[1])
        ]  # fmt: skip
        return reduce(_sum, found)

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _column(array: Any, place: int) -> Any:
    return array[:, [place]] if array.ndim == 2 else array[place]


def _sum(one: Any, other: Any) -> Any:
    """The sums of what two calls returned."""
    if isinstance(one, Mapping):
        return {name: _sum(value, other[name]) for name, value in one.items()}
    if isinstance(one, list | tuple):
        return [_sum(*pair) for pair in zip(one, other, strict=True)]
    return None if one is None else one + other
