"""Finding the lines of the user's source that compute a value, by their names.

For functions whose variables cannot be recorded; `places` finds the lines by values.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from backhand.doctor.probe.names import meaning
from backhand.doctor.probe.places import AMBIGUOUS, Place
from backhand.doctor.probe.statements import key_of
from backhand.support.source_trees import parse


def lines_of(f: Callable[..., Any]) -> dict[str, list[Place]]:
    """For each value of the derivation, the lines of `f` that compute it, judging by the names.

    Empty where there is no source. Names are read as in what a function returns: `dscores` is dS.
    """
    while isinstance(f, partial):
        f = f.func
    try:
        lines, first = inspect.getsourcelines(inspect.unwrap(f))
        tree = parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, dict[int, Place]] = {}
    for key, node in _assigned(tree):
        name = None if key.lower() in AMBIGUOUS else meaning(key)[0]
        if name:
            number = first + node.lineno - 1
            text = lines[node.lineno - 1].strip()
            found.setdefault(name, {})[number] = Place(number, text)
    return {name: [places[n] for n in sorted(places)] for name, places in found.items()}


def _assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr | ast.stmt]]:
    """Names, keys and attributes that are given a value, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                several = isinstance(target, ast.Tuple)
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    called = key_of(part)
                    # A bare W2 is a gradient where it is returned, not where it is assigned.
                    if not meaning(called)[1] and not (
                        several and isinstance(node.value, ast.Name | ast.Call)
                    ):
                        yield called, node
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield key_of(node.target), node
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and not isinstance(value, ast.Name):
                    yield str(key.value), value
        elif isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.BinOp):
            yield node.arg, node.value


def is_empty(f: Callable[..., Any]) -> bool:
    """Whether a function does nothing: its body is `pass`, `...` or `return None`."""
    code = getattr(f, "__code__", None)
    return (
        code is not None
        and code.co_name != "<lambda>"
        and code.co_consts[-1] is None  # what it returns
        and code.co_code in {one.__code__.co_code for one in (_nothing, _described)}
    )


def _nothing() -> None:
    pass


def _described() -> None:
    """Beside its docstring."""
