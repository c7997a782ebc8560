"""The simple statements of a source file, by their lines: what each computes and assigns."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any

from backhand.support.source_trees import parse

Loop = tuple[int, int]
"""First and last line of a loop."""

Simple = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr


@dataclass(eq=False)
class Statement:
    """A simple statement, or the body of a lambda.

    Attributes
    ----------
    line : int
        Its first.
    expressions : tuple of ast.expr
        What it computes, except for what it only assigns.
    targets : tuple of ast.expr
        What may have a new value after it.
    reads : tuple of ast.expr
        All that it reads.
    returned : ast.expr, optional
    loop : tuple of int, optional
        Lines of the outermost loop of the function that it is in.
    """

    line: int
    expressions: tuple[ast.expr, ...] = ()
    targets: tuple[ast.expr, ...] = ()
    reads: tuple[ast.expr, ...] = ()
    returned: ast.expr | None = None
    loop: Loop | None = None


class Source:
    """A file's statements.

    Attributes
    ----------
    lines : list of str
    at : dict
        The statements of each line.
    lambdas : dict
        Those of each line, with the statement that each is.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at: dict[int, list[Statement]] = {}
        self.lambdas: dict[int, list[tuple[ast.Lambda, Statement]]] = {}
        self._parameters: dict[tuple[CodeType, str], ast.AST] = {}
        self._texts: dict[ast.expr, str] = {}
        self._visit(parse("".join(lines)), None)

    def text(self, node: ast.expr) -> str:
        """The expression as it was written, on one line."""
        if node not in self._texts:
            written = ast.get_source_segment("".join(self.lines), node) or ast.unparse(node)
            self._texts[node] = " ".join(written.split())
        return self._texts[node]

    def within(self, code: CodeType) -> list[Statement]:
        """The statements of a function, in order."""
        own = sorted({line for _, _, line in code.co_lines() if line})
        return list(dict.fromkeys(one for line in own for one in self.at.get(line, [])))

    def parameter(self, code: CodeType, name: str) -> ast.AST:
        """What is the same for every call: a parameter of a function."""
        return self._parameters.setdefault((code, name), ast.arg(name))

    def of_lambda(self, code: CodeType) -> Statement | None:
        """The body of a lambda, if it can be told from others on its line."""
        first = code.co_firstlineno
        places = {(line, column) for line, _, column, _ in code.co_positions()
                  if line and column}  # fmt: skip
        fitting = [
            (len(self.text(node)), statement)
            for node, statement in self.lambdas.get(first, [])
            if all(_contains(node, *place) for place in places)
        ]
        return min(fitting, key=lambda one: one[0])[1] if fitting else None

    def _visit(self, node: ast.AST, loop: Loop | None) -> None:
        if isinstance(node, Simple):
            statement = _statement(node, loop)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                self.at.setdefault(line, []).append(statement)
        elif isinstance(node, ast.For | ast.While) and loop is None:
            loop = node.lineno, node.end_lineno or node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            loop = None
        elif isinstance(node, ast.Lambda):
            loop = None
            body = Statement(
                node.body.lineno, _computed(node.body), (), (node.body,), returned=node.body
            )
            self.lambdas.setdefault(node.lineno, []).append((node, body))
        for child in ast.iter_child_nodes(node):
            self._visit(child, loop)


def source_of(filename: str, namespace: dict[str, Any]) -> Source | None:
    """The statements of a file or notebook cell; None where there is no source."""
    linecache.checkcache(filename)
    lines = tuple(linecache.getlines(filename, namespace))
    return _parsed(lines) if lines else None


@cache
def _parsed(lines: tuple[str, ...]) -> Source | None:
    try:
        return Source(list(lines))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _statement(node: Simple, loop: Loop | None) -> Statement:
    targets: tuple[ast.expr, ...] = ()
    expressions: tuple[ast.expr, ...] = ()
    if isinstance(node, ast.Assign):
        targets = tuple(part for target in node.targets for part in _parts(target))
        alone = len(targets) == 1 and not isinstance(targets[0], ast.Subscript)
        expressions = _computed(node.value) if alone else (node.value,)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = tuple(_parts(node.target))
        expressions = (node.value,) if node.value else ()
    elif isinstance(node, ast.Return):
        expressions = _computed(node.value) if node.value else ()
    elif isinstance(node.value, ast.Call):  # np.maximum(Z1, 0, out=Z1), dZ1.fill(0)
        call = node.value
        expressions = (call,)
        changed = [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(call.func, ast.Attribute):
            changed.append(call.func.value)
        places = (one for one in changed if isinstance(one, ast.Name | ast.Attribute))
        targets = tuple({ast.dump(one): one for one in places}.values())
    items = [target for target in targets if isinstance(target, ast.Subscript)]
    read = targets if isinstance(node, ast.AugAssign) else items
    walrus = [part for part in ast.walk(node) if isinstance(part, ast.NamedExpr)]
    return Statement(
        node.lineno,
        () if walrus else (*(item.slice for item in items), *expressions),
        (*(part.target for part in walrus), *targets),
        (*((node.value,) if node.value else ()), *read),
        node.value if isinstance(node, ast.Return) else None,
        loop,
    )


def _parts(target: ast.expr) -> Iterator[ast.expr]:
    """The targets of a tuple of them."""
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _parts(part)
    elif not isinstance(target, ast.Starred):
        yield target


def _computed(value: ast.expr) -> tuple[ast.expr, ...]:
    """What is computed on the way to a value that is observed itself."""
    return tuple(
        part for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr)
    ) + tuple(
        keyword.value for keyword in ast.iter_child_nodes(value) if isinstance(keyword, ast.keyword)
    )


def _contains(node: ast.Lambda, line: int, column: int) -> bool:
    body = node.body
    end = body.end_lineno or body.lineno, body.end_col_offset or 0
    return (body.lineno, body.col_offset) <= (line, column) <= end


def key_of(target: ast.expr) -> str:
    """The name that a target has: of a variable, an attribute or a constant key."""
    while isinstance(target, ast.Subscript):
        if isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str):
            return target.slice.value
        target = target.value
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""
