"""How the equations are written for one function: in its layout, and in its own names."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backhand.doctor.frame.form import Form
from backhand.doctor.report.layout import (
    COLUMN,
    FLAT,
    NUMBER,
    PLAIN,
    ROW,
    TRANSPOSED,
    Symbol,
    text_of,
    written,
)
from backhand.formulas import FUNCTIONS, UPDATED, Line
from backhand.support.source_trees import parse

_BROADCAST = re.compile(r" \+ \w+(?:\[[^]]*\])? \* 0(?![\w.])")
"""Adds zeros, so that a value has the shape of another."""

_DEVICE = re.compile(r"\* 0(?![\w.])|(?<![\w.])0 \*|without_row")
"""What only lines of the dictionary have."""


@dataclass
class Notation:
    """Writes lines of equations for a function.

    Attributes
    ----------
    form : Form
    penalty : bool
        Whether the lines have their penalty terms.
    numbers : mapping of str to str
        What is written instead of names of numbers: "0.01" instead of `l2`.
    as_rows : set of str
        The lines, so far, that could not be written in the layout, and are as in the equations.
    """

    form: Form
    penalty: bool
    numbers: Mapping[str, str] = field(default_factory=dict)
    as_rows: set[str] = field(default_factory=set)

    def code(self, name: str, line: Line, form: Form | None = None) -> str:
        """What a line computes, in the layout of the function or of another form."""
        text = _without_parentheses(line.text(penalty=self.penalty))
        numbers = {key: Symbol(value, NUMBER) for key, value in self.numbers.items()}
        found = written(name, text, form or self.form, numbers)
        if found is None:
            self.as_rows.add(text)
        return text if found is None else found

    def statement(self, name: str, line: Line, form: Form | None = None) -> str:
        """The line as an assignment."""
        return f"{label(name)} = {self.code(name, line, form)}"

    def faulty(self, name: str, line: Line) -> str:
        """The line of a fault as an assignment; nothing if only the dictionary has such a line."""
        text = _BROADCAST.sub("", line.text(penalty=self.penalty))
        return "" if _DEVICE.search(text) else self.statement(name, Line(text))

    def in_own_names(
        self, name: str, line: Line, own: Mapping[str, Symbol], *, dH1: Line | None = None
    ) -> str | None:  # fmt: skip
        """What the line computes, in the function's own names: an expression for its code.

        None where that cannot be written faithfully: a value that the line reads has no name there,
        or one name for two values, or the line calls a function that is not NumPy's. Where there is
        no dH1, its line is inside that of dZ1. `own[name]` says how the result is laid out.
        """
        text = _without_parentheses(line.text(penalty=self.penalty))
        if name == "dZ1" and dH1 and "dH1" not in own:
            text = re.sub(r"\bdH1\b", f"({dH1.text(penalty=False)})", text)
        parts = {node.id for node in ast.walk(parse(text)) if isinstance(node, ast.Name)}
        known = {part: own[part] for part in (parts | {name}) - FUNCTIONS.keys() if part in own}
        known |= {key: Symbol(value, NUMBER) for key, value in self.numbers.items()}
        read = parts - FUNCTIONS.keys()
        texts = [known[part].text for part in read if part in known]
        others = (parts & FUNCTIONS.keys()) - OF_NUMPY
        if others or len(set(texts)) < len(texts) or not read <= known.keys():
            return None
        return written(name, text, self.form, known)


def _without_parentheses(code: str) -> str:
    """The code without parentheses around all of it."""
    if not code.startswith("("):
        return code
    plain = text_of(parse(code, "eval").body)
    return code if plain.startswith("(") else plain


def without_dimension(form: Form) -> Form:
    """The form of a function that gives flat biases instead."""
    return replace(form, biases="flat")


ENTRYWISE = frozenset({"P", "L", "dS"})
"""Equations that are the same for one output as (N, 1) and as (N,)."""


def symbol(text: str, value: Any, right: Any, *, flat: bool = False) -> Symbol | None:
    """An expression of a function's code as the symbol of a value of the equations.

    None if its shape is none of a transposed or kept one; with `flat`, (N,) counts as (N, 1).
    """
    value, right = np.asarray(value), np.asarray(right)
    if flat and right.ndim == 2 and right.shape[1] == 1 and value.shape == right.shape[:1]:
        return Symbol(text, PLAIN)
    if right.ndim == 2 and value.ndim == 2:
        if value.shape == right.shape and (
            value.shape[0] != value.shape[1] or _nearer(value, right, right.T)
        ):
            return Symbol(text, PLAIN)
        return Symbol(text, TRANSPOSED) if value.shape == right.T.shape else None
    if right.ndim == 1 and value.size == right.size:
        ways = {(len(right),): FLAT, (1, len(right)): ROW, (len(right), 1): COLUMN}
        return Symbol(text, ways[value.shape]) if value.shape in ways else None
    return Symbol(text, NUMBER) if right.ndim == 0 and value.size == 1 else None


def _nearer(value: Any, one: Any, other: Any) -> bool:
    return bool(np.abs(value - one).max() <= np.abs(value - other).max())


OF_NUMPY = {name for name, f in FUNCTIONS.items()
            if isinstance(f, np.ufunc) or getattr(f, "__module__", "") == "numpy"}  # fmt: skip
"""Functions in lines that NumPy has by the same name."""


def with_library(line: str, prefix: str) -> str:
    """The line with NumPy's functions called by the module's name: `np.maximum`."""
    names = "|".join(sorted(OF_NUMPY))
    return re.sub(rf"(?<![\w.])(?:{names})\(", rf"{prefix}.\g<0>", line)


def name_of_numpy(f: Callable[..., Any]) -> str:
    """What the module of a function calls NumPy; "np" unless it says otherwise."""
    known = getattr(f, "__globals__", {})
    return next((name for name, value in known.items() if value is np), "np")


def label(name: str) -> str:
    """A value as it is spoken of: the update's are the parameters."""
    return UPDATED.get(name, name)
