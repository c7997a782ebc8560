"""Matching the parameters of a user's function, by their names or positions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.errors import listed

POSITIONS = ("X", "Y", "W1", "b1", "W2", "b2")

NAMES = {
    "X": ("X", "x", "inputs", "data"),
    "Y": ("Y", "T", "Y_onehot", "Y_one_hot", "onehot", "one_hot", "Yoh", "y_onehot", "y_one_hot"),
    "y": ("y", "labels", "targets", "target", "y_true", "t"),
    "W1": ("W1", "w1", "W_1"), "b1": ("b1", "B1", "b_1", "bias1"),
    "W2": ("W2", "w2", "W_2"), "b2": ("b2", "B2", "b_2", "bias2"),
    "params": ("params", "parameters", "theta", "weights"),
    "l2": ("l2", "reg", "weight_decay", "lam", "lambda_", "lambd", "lmbda", "l2_reg", "λ"),
    "eta": ("learning_rate", "lr", "eta", "step_size", "η"),
}  # fmt: skip
"""Names of parameters that are matched."""

MEANINGS = {name: meaning for meaning, names in NAMES.items() for name in names}


class Argument(NamedTuple):
    """A parameter to pass: its name, what it means, and whether it is passed by position."""

    name: str
    meaning: str
    positional: bool = False


def arguments_of(f: Callable[..., Any]) -> tuple[Argument, ...]:
    """The parameters of `f` to pass: matched by name; if that fails, six by position.

    Raises
    ------
    Refusal
        If they cannot be matched.
    """
    by_position = tuple(Argument(name, name, positional=True) for name in POSITIONS)
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return by_position
    kinds = {p.kind for p in parameters}
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    unknown = [name for name in required if name not in MEANINGS]
    known = tuple(
        Argument(p.name, MEANINGS[p.name], p.kind == p.POSITIONAL_ONLY)
        for p in named
        if p.name in MEANINGS
    )
    if known and not unknown:
        return known
    if len(required) == len(POSITIONS):
        return by_position
    if not required and inspect.Parameter.VAR_POSITIONAL in kinds:
        return by_position
    if not required and inspect.Parameter.VAR_KEYWORD in kinds:
        return tuple(Argument(name, name) for name in POSITIONS)
    what = f"its parameters {listed(unknown)} are unknown" if unknown else (
        "it has no array parameters"
    )  # fmt: skip
    raise Refusal(
        Reason.PARAMETERS,
        f"{what}; expected X, Y (or y, class indices), W1, b1, W2, b2 or some of them",
    )
