"""Finding the lines of the user's source that compute a value, by their names."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from backhand.doctor.probe.names import meaning


class Line(NamedTuple):
    """A line of source: its number in the file, and its text."""

    number: int
    text: str


AMBIGUOUS = {"hidden", "dhidden", "h", "value", "delta1", "delta2", "p", "s", "l", "l1", "l2", "o",
             "j", "out", "output", "outputs", "pred"}  # fmt: skip
"""Names in use for more than one value."""


def lines_of(f: Callable[..., Any]) -> dict[str, list[Line]]:
    """For each value of the derivation, the lines of `f` that compute it, judging by the names.

    Empty where there is no source. Names are read as in what a function returns: `dscores` is dS.
    """
    while isinstance(f, partial):
        f = f.func
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(f))
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, dict[int, Line]] = {}
    for key, node in _assigned(tree):
        name = None if key.lower() in AMBIGUOUS else meaning(key)[0]
        if name:
            number = first + node.lineno - 1
            text = lines[node.lineno - 1].strip()
            found.setdefault(name, {})[number] = Line(number, text)
    return {name: [places[n] for n in sorted(places)] for name, places in found.items()}


def _assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr | ast.stmt]]:
    """Names, keys and attributes that are given a value, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple)
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if not several or not isinstance(node.value, ast.Name | ast.Call):
                        yield _key(part), node
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield _key(node.target), node
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and not isinstance(value, ast.Name):
                    yield str(key.value), value
        elif isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.BinOp):
            yield node.arg, node.value


def _key(target: ast.expr) -> str:
    """The name that a target has: of a variable, an attribute or a constant key."""
    while isinstance(target, ast.Subscript):
        if isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str):
            return target.slice.value
        target = target.value
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""
