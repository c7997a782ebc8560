"""What a setting may be: constraints as data, which check a value and say what was expected.

Settings are declared with their constraint (`training.config`, `estimator.parameters`), so that a
list of settings is the list of their checks too. Nothing here needs NumPy: the command line reads
its defaults from such declarations before anything is computed.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

from backhand.errors import InputError, did_you_mean, listed
from backhand.option_names import is_option, named


def is_integer(value: object) -> bool:
    """Whether value is a whole number of an integer type (a bool is not)."""
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not _is_bool(value)


def _is_bool(value: object) -> bool:
    """Whether value is True or False, Python's or NumPy's (`bool_`, and `bool` from NumPy 2 on)."""
    return type(value).__name__ in ("bool", "bool_")


class Constraint(Protocol):
    """What the value of a setting has to be.

    Attributes
    ----------
    expected : str
        What it says so in a message, after "expected".
    """

    @property
    def expected(self) -> str: ...

    def allows(self, value: Any) -> bool:
        """Whether that value is one; never raises."""
        ...


def check(name: str, value: Any, constraint: Constraint) -> None:
    """Check one setting.

    Raises
    ------
    InputError
        If the value is not allowed: the name, the value and what was expected.
    """
    if constraint.allows(value):
        return
    if is_option(name) and isinstance(constraint, Or) and constraint.first == Exactly(None):
        constraint = constraint.second  # None is an option that is left out
    if isinstance(constraint, Choice):
        shown = f"'{value}'" if isinstance(value, str) else repr(value)
        close = did_you_mean(str(value), constraint.choices)
        if close.startswith("Did") and len(constraint.choices) > 1:
            close += f" Available: {listed(constraint.choices)}."
        raise InputError(f"{named(name)} is {shown}. {close}")
    raise InputError(f"{named(name)} is {value!r}; expected {constraint.expected}.")


def check_all(record: object, constraints: Mapping[str, Constraint]) -> None:
    """Check each attribute of a record that has a constraint.

    Raises
    ------
    InputError
        For the first that is not allowed.
    """
    for name, constraint in constraints.items():
        value = getattr(record, name)
        if not constraint.allows(value):
            check(name, value, constraint)


@dataclass(frozen=True)
class Number:
    """A finite number between `least` and `most`; `above` and `below` leave out that end."""

    least: float = 0.0
    most: float = math.inf
    above: bool = False
    below: bool = False
    kind = "a number"

    @property
    def expected(self) -> str:
        if math.isinf(self.least):
            return f"a finite {self.kind.split()[1]}"
        lower = f"above {self.least:g}" if self.above else f"of {self.least:g} or more"
        if math.isinf(self.most):
            return f"{self.kind} {lower}"
        upper = f" and below {self.most:g}" if self.below else f", at most {self.most:g}"
        return f"{self.kind} {lower}{upper}"

    def allows(self, value: Any) -> bool:
        try:
            if not (self.least <= value <= self.most and math.isfinite(value)):
                return False
            ends = (self.above and value == self.least) or (self.below and value == self.most)
            return not ends
        except (TypeError, ValueError, OverflowError):  # of no number, or of an array of several
            return False


@dataclass(frozen=True)
class Integer(Number):
    """A whole number of an integer type, between `least` and `most`."""

    least: float = 1
    kind = "an integer"

    def allows(self, value: Any) -> bool:
        return (type(value) is int or is_integer(value)) and super().allows(value)


@dataclass(frozen=True)
class Choice:
    """One of some names."""

    choices: tuple[str, ...]

    @property
    def expected(self) -> str:
        return f"one of {', '.join(map(repr, self.choices))}"

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.choices


@dataclass(frozen=True)
class Flag:
    """True or False, Python's or NumPy's."""

    expected = "True or False"

    def allows(self, value: Any) -> bool:
        return value is True or value is False or _is_bool(value)


@dataclass(frozen=True)
class Exactly:
    """One special value: None, a name or a number."""

    value: str | float | None

    @property
    def expected(self) -> str:
        return repr(self.value)

    def allows(self, value: Any) -> bool:
        comparable = value is None or isinstance(value, str | float)
        return comparable and bool(value == self.value)


@dataclass(frozen=True)
class Text:
    """A text that is not empty."""

    expected = "a text"

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and bool(value)


@dataclass(frozen=True)
class Or:
    """What one constraint allows, or the other."""

    first: Constraint
    second: Constraint

    @property
    def expected(self) -> str:
        return f"{self.first.expected} or {self.second.expected}"

    def allows(self, value: Any) -> bool:
        return self.first.allows(value) or self.second.allows(value)


UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
"""Seconds in each unit of time."""


def seconds_in(span: str) -> float | None:
    """Return the seconds in a span of time such as 30s, 5min or 1h; None if the text is not one."""
    found = re.fullmatch(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})\s*", span)
    return None if found is None else float(found[1]) * UNITS[found[2]]


@dataclass(frozen=True)
class Span:
    """A span of time, as a text."""

    expected = "a span of time such as 30s, 5min or 1h"

    def allows(self, value: Any) -> bool:
        seconds = seconds_in(value) if isinstance(value, str) else None
        return seconds is not None and 0 < seconds < math.inf


@dataclass(frozen=True)
class Weights:
    """A mapping from names to numbers of 0 or more."""

    expected = "a dict from class to a number of 0 or more"

    def allows(self, value: Any) -> bool:
        return isinstance(value, Mapping) and all(
            isinstance(weight, Real) and 0 <= float(weight) < math.inf for weight in value.values()
        )
