"""Lines of code in the layout of the function: transposed, with biases of its shape.

Each part of a line is written in every way in which its value can be laid out; the way that the
function has is taken, and the shortest text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from backhand.doctor.frame.form import Form
from backhand.formulas import FUNCTIONS
from backhand.support.source_trees import parse

PLAIN, TRANSPOSED = "plain", "transposed"
"""Ways of a matrix: as in the equations, or the other way round."""

FLAT, ROW, COLUMN = "flat", "row", "column"
"""Ways of a vector: (m,), (1, m), (m, 1)."""

NUMBER = "number"
"""The only way of a number."""

Ways = dict[str, ast.expr]
"""A value as code, for each way in which it can be laid out."""

EXAMPLES = frozenset({"X", "Y", "Z1", "H1", "S", "P", "dS", "dH1", "dZ1"})
WEIGHTS = frozenset({"W1", "W2", "dW1", "dW2", "new W1", "new W2"})
BIASES = frozenset({"b1", "b2", "db1", "db2", "new b1", "new b2"})
NUMBERS = frozenset({"N", "d", "H", "K", "l2", "eta", "c", "L"})
EARLIER = frozenset({"before", "last", "first"})
"""Values of earlier calls are read from these with a dot."""

REDUCTIONS = frozenset({"sum", "mean", "max", "min", "any", "all", "std"})
"""Methods that take an axis away."""

ALONG_AN_AXIS = {"softmax": 1, "roll": None}
"""Functions that keep the shape, and the axis that they take by default."""

PARTICULAR = frozenset({"norm", "eye", "without_row", *ALONG_AN_AXIS})
"""Functions that are not taken entry by entry."""


CONVERSION = 6
"""Characters that a conversion counts for: an axis is preferred to a transposition."""


class Symbol(NamedTuple):
    """How a value of the equations is written in a function.

    Attributes
    ----------
    text : str
        A name, or an expression.
    way : str
        How it is laid out.
    """

    text: str
    way: str


class _NotExpressible(Exception):
    """The line has a part that is not known here."""


def way_of(name: str, form: Form) -> str:
    """How a function of this form lays out a value."""
    if name in EXAMPLES:
        return TRANSPOSED if form.layout == "columns" else PLAIN
    if name in WEIGHTS:
        return PLAIN if form.layout == "rows" else TRANSPOSED
    if name in BIASES:
        return FLAT if form.biases == "none" else form.biases
    if name == "y":
        return FLAT
    if name in NUMBERS:
        return NUMBER
    raise _NotExpressible


def shape_in(name: str, shape: tuple[int, ...], form: Form) -> tuple[int, ...]:
    """The shape of a value, or the place of an entry in it, as a function of this form has it."""
    if name in BIASES and form.biases == "column":
        if len(shape) == 2 and shape[0] == 1:  # as `canonical` has a flat one
            return shape[1:]
        return (*shape, 1) if len(shape) == 1 else shape[::-1]
    if name in BIASES:
        return (1, *shape) if form.biases == "row" and len(shape) == 1 else shape
    known = name in EXAMPLES | WEIGHTS and len(shape) == 2
    return shape[::-1] if known and way_of(name, form) == TRANSPOSED else shape


def place_in(name: str, place: tuple[int, ...], form: Form) -> tuple[int, ...]:
    """The place of an entry as a function of this form has it, in a value of the right shape."""
    if name in BIASES and len(place) == 1:
        return {"column": (*place, 0), "row": (0, *place)}.get(form.biases, place)
    return shape_in(name, place, form) if name not in BIASES else place


def shapes_in(form: Form) -> str:
    """The shapes of what a function of this form takes: "X (N, d), W1 (d, H), …"."""
    K = "1" if form.outputs == "one" else "K"
    shapes = {"X": ("N", "d"), "W1": ("d", "H"), "b1": ("H",), "W2": ("H", K), "b2": (K,)}
    said = []
    for name, shape in shapes.items():
        if name in BIASES:
            if form.biases == "none":
                continue
            shape = {"column": (*shape, "1"), "row": ("1", *shape)}.get(form.biases, shape)
        elif way_of(name, form) == TRANSPOSED:
            shape = shape[::-1]
        said.append(f"{name} ({', '.join(shape)}{',' if len(shape) == 1 else ''})")
    return ", ".join(said)


@cache
def in_layout(name: str, code: str, form: Form) -> str | None:
    """The right-hand side of `name = code`, as a function of this form has to compute it.

    None if the line has a part that cannot be written in another layout.
    """
    return written(name, code, form, {})


def written(name: str, code: str, form: Form, symbols: Mapping[str, Symbol]) -> str | None:
    """The same in a function's own symbols; a value without one is called as in the equations."""
    if not symbols and (form.layout, form.biases) in (("rows", "flat"), ("rows", "none")):
        return code
    try:
        ways = _Writer(form, symbols).ways(parse(code, "eval").body)
        way = symbols[name].way if name in symbols else way_of(name, form)
    except (_NotExpressible, KeyError):
        return None
    if way not in ways:  # the line gives another shape
        of_matrix = TRANSPOSED if form.layout == "columns" else PLAIN
        way = next(way for way in (NUMBER, of_matrix, FLAT) if way in ways)
    return text_of(ways[way])


def text_of(expression: ast.expr) -> str:
    """Code as the equations are printed."""
    return ast.unparse(expression).replace(" ** ", "**")


class _Writer:
    """Writes expressions in the layout of a form."""

    def __init__(self, form: Form, symbols: Mapping[str, Symbol]) -> None:
        self.form = form
        self.symbols = symbols

    def ways(self, node: ast.expr) -> Ways:
        """The value of an expression, in all ways."""
        return _completed(self._direct(node))

    def _direct(self, node: ast.expr) -> Ways:
        """Those that need no conversion of the value itself."""
        match node:
            case ast.Constant():
                return {NUMBER: node}
            case ast.Name(id=name):
                symbol = self.symbols.get(name) or Symbol(name, way_of(name, self.form))
                return {symbol.way: _verbatim(symbol.text)}
            case ast.Attribute(value=ast.Name(id=when), attr=name) if when in EARLIER:
                return {way_of(name.replace("_", " "), self.form): node}
            case ast.Attribute(attr="T"):
                return _exchanged(self.ways(node.value))
            case ast.BinOp(op=ast.MatMult()):
                return _product(self.ways(node.left), self.ways(node.right))
            case ast.BinOp():
                return _entrywise(
                    [self.ways(node.left), self.ways(node.right)],
                    lambda left, right: ast.BinOp(left, node.op, right),
                )
            case ast.UnaryOp():
                return _entrywise([self.ways(node.operand)], lambda x: ast.UnaryOp(node.op, x))
            case ast.Compare(comparators=[right]):
                return _entrywise(
                    [self.ways(node.left), self.ways(right)],
                    lambda left, right: ast.Compare(left, node.ops, [right]),
                )
            case ast.Subscript():
                return self._item(node)
            case ast.Call(func=ast.Attribute() as method):
                return self._method(node, method)
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                return self._function(node, name)
        raise _NotExpressible

    def _method(self, node: ast.Call, method: ast.Attribute) -> Ways:
        value, options = self.ways(method.value), _options(node)
        if method.attr in REDUCTIONS:
            return _reduced(value, options, lambda x, **given: _call(_attribute(x, method.attr),
                                                                     [], given))  # fmt: skip
        if method.attr == "reshape" and FLAT in value:
            return _reshaped(value, node)
        if method.attr == "cumsum" and "axis" in options:
            return _along(value, options["axis"], lambda x, axis: _call(
                _attribute(x, "cumsum"), [], {"axis": axis}
            ))  # fmt: skip
        if method.attr == "round":
            return _entrywise([value], lambda x: _call(_attribute(x, "round"), [], {}))
        raise _NotExpressible

    def _function(self, node: ast.Call, name: str) -> Ways:
        options = _options(node)
        if name == "eye":
            return _identity(node, options)
        first, *others = map(self.ways, node.args)
        if name == "norm":
            return _reduced(first, options, lambda x, **given: _call(node.func, [x], given))
        if name in ALONG_AN_AXIS:
            further = [other[NUMBER] for other in others]
            return _along(first, options.get("axis", ALONG_AN_AXIS[name]), lambda x, axis: _call(
                node.func, [x, *further], {} if axis == ALONG_AN_AXIS[name] else {"axis": axis}
            ))  # fmt: skip
        if name == "without_row":
            kept = {way: x for way, x in first.items() if way in (PLAIN, FLAT, COLUMN)}
            return {way: _call(node.func, [x, *node.args[1:]], {}) for way, x in kept.items()}
        if options:
            raise _NotExpressible
        return _entrywise([first, *others], lambda *args: _call(node.func, args, {}))

    def _item(self, node: ast.Subscript) -> Ways:
        value, index = self.ways(node.value), node.slice
        if FLAT in value:
            if isinstance(index, ast.Slice):
                return {FLAT: _at(value[FLAT], index), COLUMN: _at(value[COLUMN], index),
                        ROW: _at(value[ROW], ast.Slice(), index)}  # fmt: skip
            if isinstance(index, ast.Name):  # an array of indices
                return {FLAT: _at(value[FLAT], index)}
            first = ast.Constant(0)
            return {NUMBER: _shortest(_at(value[FLAT], index), _at(value[COLUMN], index, first),
                                      _at(value[ROW], first, index))}  # fmt: skip
        if PLAIN not in value:
            raise _NotExpressible
        match index:
            case ast.Slice():
                return {PLAIN: _at(value[PLAIN], index),
                        TRANSPOSED: _at(value[TRANSPOSED], ast.Slice(), index)}  # fmt: skip
            case ast.Tuple(elts=[ast.Slice(lower=None, upper=None, step=None), i]) if isinstance(
                i, ast.Slice | ast.Name
            ):
                return {PLAIN: _at(value[PLAIN], ast.Slice(), i),
                        TRANSPOSED: _at(value[TRANSPOSED], i)}  # fmt: skip
            case ast.Constant() | ast.UnaryOp():
                return {FLAT: _shortest(_at(value[PLAIN], index),
                                        _at(value[TRANSPOSED], ast.Slice(), index))}  # fmt: skip
        raise _NotExpressible


def _completed(ways: Ways) -> Ways:
    """Add the ways that a transposition or a change of shape gives, where that is shorter."""
    found = dict(ways)
    for way, x in ways.items():
        for other, converted in _conversions(way, x):
            found[other] = _shortest(found[other], converted) if other in found else converted
    return found


def _conversions(way: str, x: ast.expr) -> Iterable[tuple[str, ast.expr]]:
    transposed = _attribute(x, "T")
    if way in (PLAIN, TRANSPOSED):
        yield (TRANSPOSED if way == PLAIN else PLAIN), transposed
    elif way == FLAT:
        yield ROW, _at(x, ast.Constant(None), ast.Slice())
        yield COLUMN, _at(x, ast.Slice(), ast.Constant(None))
    elif way in (ROW, COLUMN):
        yield (COLUMN if way == ROW else ROW), transposed
        yield FLAT, _call(_attribute(x, "ravel"), [], {})


def _exchanged(ways: Ways) -> Ways:
    """Of the transpose; that of a vector or a number is itself."""
    if PLAIN not in ways:
        return ways
    return {PLAIN: ways[TRANSPOSED], TRANSPOSED: ways[PLAIN]}


def _product(left: Ways, right: Ways) -> Ways:
    def times(a: ast.expr, b: ast.expr) -> ast.expr:
        return ast.BinOp(a, ast.MatMult(), b)

    if PLAIN in left and PLAIN in right:
        return {PLAIN: times(left[PLAIN], right[PLAIN]),
                TRANSPOSED: times(right[TRANSPOSED], left[TRANSPOSED])}  # fmt: skip
    if PLAIN in left and FLAT in right:
        return {
            FLAT: times(left[PLAIN], right[FLAT]),
            COLUMN: times(left[PLAIN], right[COLUMN]),
            ROW: times(right[ROW], left[TRANSPOSED]),
        }
    if FLAT in left and PLAIN in right:
        return {
            FLAT: times(left[FLAT], right[PLAIN]),
            ROW: times(left[ROW], right[PLAIN]),
            COLUMN: times(right[TRANSPOSED], left[COLUMN]),
        }
    raise _NotExpressible


def _entrywise(operands: Sequence[Ways], build: Callable[..., ast.expr]) -> Ways:
    """What is computed entry by entry; a vector counts as a row beside a matrix."""
    if any(PLAIN in one for one in operands):
        beside = {PLAIN: (PLAIN, FLAT, ROW, NUMBER), TRANSPOSED: (TRANSPOSED, COLUMN, NUMBER)}
    elif any(FLAT in one for one in operands):
        beside = {way: (way, NUMBER) for way in (FLAT, ROW, COLUMN)}
    else:
        beside = {NUMBER: (NUMBER,)}
    return {
        way: build(*(_shortest(*(one[w] for w in fitting if w in one)) for one in operands))
        for way, fitting in beside.items()
    }


def _reduced(value: Ways, options: Mapping[str, object], build: Callable[..., ast.expr]) -> Ways:
    """Reduced along an axis, or to a number."""
    axis = options.get("axis")
    if axis is None:
        return {NUMBER: build(_shortest(*value.values()))}
    if PLAIN not in value or axis not in (0, 1):
        raise _NotExpressible
    if options.get("keepdims"):
        return _along(value, axis, lambda x, axis: build(x, axis=axis, keepdims=True))
    across, down = (TRANSPOSED, PLAIN) if axis == 0 else (PLAIN, TRANSPOSED)
    return {
        FLAT: _shortest(build(value[down], axis=0), build(value[across], axis=1)),
        ROW: build(value[down], axis=0, keepdims=True),
        COLUMN: build(value[across], axis=1, keepdims=True),
    }


def _along(value: Ways, axis: object, build: Callable[..., ast.expr]) -> Ways:
    """What keeps the number of dimensions and has an axis."""
    if PLAIN not in value or axis not in (0, 1):
        raise _NotExpressible
    other = 1 - int(axis == 1)
    return {PLAIN: build(value[PLAIN], axis=axis), TRANSPOSED: build(value[TRANSPOSED], axis=other)}


def _reshaped(value: Ways, node: ast.Call) -> Ways:
    """A vector as a column: `.reshape(N, 1)`; it stays a column when the vector is one."""
    match node.args:
        case [length, ast.Constant(value=1) as one]:
            reshape = _attribute(value[FLAT], "reshape")
            return {
                PLAIN: _shortest(value[COLUMN], _call(reshape, [length, one], {})),
                TRANSPOSED: _shortest(value[ROW], _call(reshape, [one, length], {})),
            }
    raise _NotExpressible


def _identity(node: ast.Call, options: Mapping[str, object]) -> Ways:
    if "k" in options:
        shifted = {"k": -int(str(options["k"]))}
        return {PLAIN: node, TRANSPOSED: _call(node.func, node.args, shifted)}
    return {PLAIN: node, TRANSPOSED: _call(node.func, node.args[::-1], {})}


def _options(node: ast.Call) -> dict[str, object]:
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}


def _attribute(x: ast.expr, name: str) -> ast.Attribute:
    return ast.Attribute(x, name)


def _call(f: ast.expr, args: Iterable[ast.expr], given: Mapping[str, object]) -> ast.Call:
    keywords = [ast.keyword(name, parse(repr(v), "eval").body) for name, v in given.items()]
    return ast.Call(f, list(args), keywords)


def _at(x: ast.expr, *index: ast.expr) -> ast.Subscript:
    return ast.Subscript(x, index[0] if len(index) == 1 else ast.Tuple(list(index)))


def _shortest(*expressions: ast.expr) -> ast.expr:
    return expressions[0] if len(expressions) == 1 else min(expressions, key=_cost)


def _cost(expression: ast.expr) -> int:
    """Characters, and something for each conversion."""
    text = ast.unparse(expression)
    return len(text) + CONVERSION * sum(map(text.count, (".T", "None", ".ravel")))


@cache
def _verbatim(text: str) -> ast.expr:
    """An expression that is printed as it is written, not as `ast` would."""
    node = parse(text, "eval").body
    closed = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.Constant)
    return ast.Name(text if closed else f"({text})")
