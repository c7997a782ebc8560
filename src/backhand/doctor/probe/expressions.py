"""Evaluating parts of a statement without side effects: arithmetic, comparisons, NumPy's functions.

Only what is known to change nothing is evaluated: operators on NumPy's arrays and numbers, items of
containers, attributes that an object itself has, and functions of NumPy from a list.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

UNKNOWN = object()
"""The value of an expression that is not evaluated."""

OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow, ast.MatMult: operator.matmul, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.USub: operator.neg,
    ast.UAdd: operator.pos, ast.Not: operator.not_, ast.Invert: operator.invert,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip

FUNCTIONS = {
    id(function): function
    for function in (
        *(one for one in vars(np).values() if isinstance(one, np.ufunc)),
        np.sum, np.mean, np.prod, np.cumsum, np.max, np.min, np.amax, np.amin, np.argmax, np.dot,
        np.where, np.clip, np.transpose, np.outer, np.inner, np.einsum, np.tensordot, np.reshape,
        np.ravel, np.squeeze, np.expand_dims, np.eye, np.identity, np.zeros, np.ones, np.zeros_like,
        np.ones_like, np.full, np.full_like, np.arange, np.array, np.asarray, np.atleast_2d,
        np.concatenate, np.hstack, np.vstack, np.stack, np.append, np.broadcast_to, np.repeat,
        np.tile, np.diag, np.average, np.any, np.all, np.copy, np.round, np.linalg.norm, np.size,
        np.shape, np.float64, np.float32, np.take_along_axis, np.roll, np.nan_to_num,
        len, float, int, bool, abs, sum, max, min, range, slice, pow, round,
        math.exp, math.log, math.sqrt, math.tanh, math.erf,
    )
}  # fmt: skip

METHODS = {
    "sum", "mean", "prod", "cumsum", "max", "min", "argmax", "dot", "reshape", "ravel", "flatten",
    "transpose", "squeeze", "clip", "copy", "astype", "any", "all", "repeat", "round", "item",
    "conj", "diagonal",
}  # fmt: skip

OF_ARRAYS = {"T", "shape", "size", "ndim", "dtype"}

PLAIN = {np.ndarray, np.float64, np.float32, np.float16, np.int64, np.int32, np.bool_,
         int, float, bool}  # fmt: skip
"""Types whose operators change nothing."""


class Expressions:
    """Evaluates parts of one statement in a frame.

    `calls` are the values that functions of the user's returned while the statement ran, with their
    names; before it ran there are none, and what reads them is left for a second time.
    """

    def __init__(
        self, local: Mapping[str, Any], world: Mapping[str, Any],
        observe: Callable[[ast.expr, Any], None],
    ) -> None:  # fmt: skip
        self.local, self.world, self.observe = local, world, observe
        self.known: dict[ast.expr, Any] = {}
        self.calls: list[tuple[str, Any]] = []

    def value(self, node: ast.expr) -> Any:
        """The value of an expression, or `UNKNOWN`; its parts are observed."""
        if node in self.known:
            return self.known[node]
        rule = RULES.get(type(node))
        value = rule(self, node) if rule else UNKNOWN
        if value is not UNKNOWN:
            self.known[node] = value
            if type(node) in OBSERVED:
                self.observe(node, value)
        return value

    def values(self, nodes: Iterable[ast.expr]) -> None:
        """Evaluate several."""
        for node in nodes:
            self.value(node)

    def _parts(self, *nodes: ast.expr | None) -> list[Any] | None:
        """The values of several, of which all are evaluated; None if any is unknown."""
        values = [None if node is None else self.value(node) for node in nodes]
        return None if any(value is UNKNOWN for value in values) else values

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        for names in (self.local, self.world, vars(builtins)):
            if node.id in names:
                return names[node.id]
        return UNKNOWN

    def _attribute(self, node: ast.Attribute) -> Any:
        thing = self.value(node.value)
        if type(thing) is np.ndarray:
            return getattr(thing, node.attr) if node.attr in OF_ARRAYS else UNKNOWN
        if type(thing) is ModuleType:
            return vars(thing).get(node.attr, UNKNOWN)
        if (
            issubclass(type(thing), dict | tuple)
            and (item := _item(thing, node.attr)) is not UNKNOWN
        ):
            return item
        try:
            return object.__getattribute__(thing, "__dict__").get(node.attr, UNKNOWN)
        except AttributeError:
            return UNKNOWN

    def _operation(self, node: ast.BinOp | ast.UnaryOp) -> Any:
        sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.operand,)
        return self._operated(node.op, self._parts(*sides))

    def _comparison(self, node: ast.Compare) -> Any:
        values = self._parts(node.left, *node.comparators)
        return self._operated(node.ops[0], values) if len(node.ops) == 1 else UNKNOWN

    def _operated(self, sign: ast.AST, values: list[Any] | None) -> Any:
        operation = OPERATORS.get(type(sign))
        if operation is None or values is None or not all(map(_is_plain, values)):
            return UNKNOWN
        return _safely(operation, *values)

    def _item(self, node: ast.Subscript) -> Any:
        values = self._parts(node.value, node.slice)
        return UNKNOWN if values is None else _item(*values)

    def _slice(self, node: ast.Slice) -> Any:
        values = self._parts(node.lower, node.upper, node.step)
        return UNKNOWN if values is None else slice(*values)

    def _several(self, node: ast.Tuple | ast.List) -> Any:
        values = self._parts(*node.elts)
        if values is None or isinstance(node, ast.List):
            return UNKNOWN if values is None else values
        return tuple(values)

    def _dict(self, node: ast.Dict) -> Any:
        for value in node.values:
            self.value(value)
        return UNKNOWN

    def _choice(self, node: ast.IfExp) -> Any:
        test = self.value(node.test)
        if type(test) not in (bool, np.bool_):
            return UNKNOWN
        return self.value(node.body if test else node.orelse)

    def _call(self, node: ast.Call) -> Any:
        values = self._parts(*node.args)
        named = {keyword.arg or "": self.value(keyword.value) for keyword in node.keywords}
        known = values is not None and not {"", "out"} & named.keys()
        known = known and all(_is_given(value) for value in (*(values or ()), *named.values()))
        thing = self.value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        if isinstance(node.func, ast.Attribute) and _is_plain(thing):
            if known and node.func.attr in METHODS:
                return _safely(getattr(thing, node.func.attr), *values or (), **named)
            return UNKNOWN
        function = self.value(node.func)
        if id(function) in FUNCTIONS:
            return _safely(function, *values or (), **named) if known else UNKNOWN
        return self._of_the_user(node.func)

    def _of_the_user(self, function: ast.expr) -> Any:
        """What a function returned that was called by the statement."""
        name = {ast.Name: "id", ast.Attribute: "attr"}.get(type(function), "")
        if self.calls and self.calls[0][0] in (getattr(function, name, ""), "<lambda>", "__call__"):
            return self.calls.pop(0)[1]
        return UNKNOWN


def _is_plain(value: Any) -> bool:
    """Whether operators and methods of a value run no code of the user's."""
    return type(value) in PLAIN and (type(value) is not np.ndarray or value.dtype.kind in "biufc")


def _is_given(value: Any) -> bool:
    """Whether a function of NumPy that is given this runs no code of the user's."""
    if type(value) in (tuple, list):
        return all(map(_is_given, value))
    return (
        value is None
        or _is_plain(value)
        or type(value) in (str, slice, range, np.dtype)
        or (type(value) is type and value in PLAIN)
    )


def _item(thing: Any, key: Any) -> Any:
    """An item of an array, a list, or a mapping or tuple, of whatever class that is."""
    if type(thing) is np.ndarray or type(thing) is list:
        return (
            _safely(operator.getitem, thing, key) if _is_plain(thing) or _is_given(key) else UNKNOWN
        )
    if issubclass(type(thing), dict):
        return dict.get(thing, key, UNKNOWN) if type(key) in (str, int) else UNKNOWN
    if issubclass(type(thing), tuple):
        names = getattr(type(thing), "_fields", ())
        place = names.index(key) if key in names else key
        return _safely(tuple.__getitem__, thing, place)
    return UNKNOWN


def _safely(function: Callable[..., Any], *values: Any, **keywords: Any) -> Any:
    try:
        return function(*values, **keywords)
    except Exception:  # the statement itself will raise it, if it comes so far
        return UNKNOWN


RULES: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Constant: Expressions._constant, ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute, ast.BinOp: Expressions._operation,
    ast.UnaryOp: Expressions._operation, ast.Compare: Expressions._comparison,
    ast.Subscript: Expressions._item, ast.Slice: Expressions._slice,
    ast.Tuple: Expressions._several, ast.List: Expressions._several, ast.Dict: Expressions._dict,
    ast.IfExp: Expressions._choice, ast.Call: Expressions._call,
}  # fmt: skip

OBSERVED = {ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Subscript, ast.Attribute,
            ast.IfExp}  # fmt: skip
"""Expressions whose values are of interest."""
