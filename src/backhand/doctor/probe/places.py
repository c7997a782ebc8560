"""Where a function's code computes a value: the statements in which it appears while it runs."""

from __future__ import annotations

import ast
import linecache
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.names import meaning
from backhand.doctor.probe.statements import key_of, source_of
from backhand.doctor.probe.trace import Seen, Trace
from backhand.formulas import FAILURES, FUNCTIONS, Line, Values, compiled
from backhand.support.source_trees import parse

MOST_CALLS = 3
"""Number of calls, on different problems, in which a value has to appear at the same place."""

READERS = {
    "Z1": ("H1",), "H1": ("S",), "S": ("P", "dS"), "P": ("dS", "L"), "dS": ("dH1", "dZ1", "dW2"),
    "dH1": ("dZ1", "dW1", "db1"), "dZ1": ("dW1", "db1"),
}  # fmt: skip
"""The values that are computed next: what is written in one expression has no value of its own."""

AMBIGUOUS = {"hidden", "dhidden", "h", "value", "delta1", "delta2", "p", "s", "l", "l1", "l2", "o",
             "j", "out", "output", "outputs", "pred"}  # fmt: skip
"""Names in use for more than one value."""

NOTHING = 1e-12
"""Sums up to this are 0 but for rounding."""

MOST_LINES = 3
"""Lines that are shown for one value; the last ones."""


class Place(NamedTuple):
    """A line of source.

    Attributes
    ----------
    number : int
        Its number in the file.
    text : str
    function : str
        The function or method that it is in, if that is not the one that is checked.
    file : str
        The file, if that is another one.
    """

    number: int
    text: str
    function: str = ""
    file: str = ""

    def __str__(self) -> str:
        number = str(self.number)
        if self.file:
            is_cell = self.file.startswith("cell ")
            number = f"{self.file}, line {number}" if is_cell else f"{self.file}:{number}"
        return f"{number}{f', in {self.function}' if self.function else ''}: {self.text}"


class Where(NamedTuple):
    """The lines that compute a value.

    Attributes
    ----------
    lines : tuple of Place
    by_name : bool
        Whether only the names in them tell so.
    near : bool
        Whether they compute another value, next to which it should be.
    """

    lines: tuple[Place, ...] = ()
    by_name: bool = False
    near: bool = False


class Scope(NamedTuple):
    """What some lines of one function assign, and what is there when they are reached.

    Attributes
    ----------
    target : Seen, optional
        The wrong value under the name that they assign it to, if they do.
    readable : dict of str to Seen
        What each name, attribute and item has last been seen to be before these lines.
    read : set of str
        What the lines themselves read.
    """

    target: Seen | None
    readable: dict[str, Seen]
    read: frozenset[str]

    def named(self, name: str, value: Any, tolerance: float) -> Seen | None:
        """A value as these lines can read it: by what they read, or else by the usual name."""
        fits = [seen for seen in self.readable.values()
                if Trace([seen]).matching(value, tolerance)]  # fmt: skip
        assigned = self.target.text if self.target else ""
        return max(fits, default=None, key=lambda seen: (
            seen.text != assigned, seen.text in self.read, _means(seen, name), seen.order
        ))  # fmt: skip


CELL = re.compile(r"\.ipynb (cell \d+)$")
"""The end of the file's name that a notebook's code is compiled with."""

Position = tuple[str, int, str, str]

Value = Callable[[Values], Any]
"""A value of the diagnosed program, by all that it computes in a call."""


class Places:
    """The statements of a function, by the values that they gave in some calls.

    Parameters
    ----------
    calls : sequence of (Trace, dict)
        What was seen in a call, and what the diagnosed program gives there for every name.
    tolerance : float
        Error that counts as rounding, relative to the largest entry.
    named : dict
        The lines that compute each value, judging by the names in them: for want of better.
    """

    def __init__(
        self, calls: Sequence[tuple[Trace, Values]], tolerance: float,
        named: Mapping[str, Sequence[Place]],
    ) -> None:  # fmt: skip
        self.calls = [(trace, values) for trace, values in calls if trace.seen][:MOST_CALLS]
        self.tolerance, self.named = tolerance, named
        first = self.calls[0][0].seen[0] if self.calls else None
        self.home = (first.file, first.function) if first else ("", "")

    def of_fault(
        self, name: str, line: Line, equations: Mapping[str, Line], *, penalty: bool
    ) -> Where:  # fmt: skip
        """The lines in which a value is computed by `line` instead of its equation.

        The first statement that gives a part of the faulty line which is in no equation; if no such
        part appears, the statement that gives the value itself.
        """
        own = {part for one in equations.values() for part in _parts(one.code(penalty=penalty))}
        parts = [part for part in _parts(line.code(penalty=penalty)) if part not in own]
        found = [
            *(self.appearances(_computed(part)) for part in parts[:-1]),
            self._own_appearances(name) if parts else [],
        ]
        first = [some[0] for some in found if some and not _is_constant(some[0].value)]
        places = dict.fromkeys(map(self._place, sorted(first, key=lambda seen: seen.order)))
        if len(places) > 1:
            return Where(tuple(places)[:MOST_LINES])
        if places:
            return self._with_steps(first[0], but=name)
        return self.of_value(name, *READERS.get(name, ()), is_copy=not parts)

    def of_value(self, *names: str, is_copy: bool = False) -> Where:
        """The lines that give the first of some values which is known to appear.

        If it is a copy, its value is that of something else too, which appears before it.
        """
        for name in names:
            found = self._own_appearances(name)
            if found:
                called = [seen for seen in found if is_called(seen, name)]
                stored = [seen for seen in found if seen.is_name]
                best = (called or stored or found if is_copy else found)[0]
                near = name != names[0] or (is_copy and not called)
                return self._with_steps(best, but=name)._replace(near=near)
        for name in names:
            if lines := self._lines_by_name(name):
                return Where(tuple(lines[-MOST_LINES:]), by_name=True)
        return Where()

    def _own_appearances(self, name: str) -> list[Seen]:
        """Where a value appears, and not another one that only happens to be the same.

        If there is a variable of its name, that is where it or its lines have the value. Zeros may
        be anything.
        """
        found = self.appearances(partial(_value_of, name))
        called = [seen for seen in found if is_called(seen, name)]
        if called:
            alone = called[0].function == found[0].function or self._is_nothing(name)
            return called if alone else found
        own = self._lines_by_name(name) if found else []
        if own or (found and self._is_nothing(name)):
            return [seen for seen in found if self._place(seen) in own]
        return found

    def _is_nothing(self, name: str) -> bool:
        """Whether a value is an array of zeros but for rounding."""
        value = np.asarray(self.calls[0][1][name])
        return bool(value.size > 1 and value.dtype != bool and np.abs(value).max() <= NOTHING)

    def _lines_by_name(self, name: str) -> Sequence[Place]:
        """The lines that assign to a variable which is called so."""
        seen_by_name = [seen for trace, _ in self.calls[:1] for seen in trace.seen
                        if is_called(seen, name)]  # fmt: skip
        return [*dict.fromkeys(map(self._place, seen_by_name))] or self.named.get(name, ())

    def scope(self, name: str, lines: Sequence[Place]) -> Scope | None:
        """What lines that compute a value assign and can read; None if they run several times."""
        if not self.calls or not lines or len({(one.function, one.file) for one in lines}) > 1:
            return None
        trace, values = self.calls[0]
        there = [seen for seen in trace.seen if not seen.passed and self._place(seen) in lines]
        if not there or name not in values:
            return None
        first = there[0]
        inside = [seen for seen in trace.seen
                  if (seen.file, seen.function) == (first.file, first.function)]  # fmt: skip
        at = {one.number for one in lines}
        again = Counter(position(seen) for seen in inside
                        if seen.passed or (seen.is_name and seen.line in at))  # fmt: skip
        if max(again.values(), default=1) > 1:
            return None
        fits = self._matching(Trace([seen for seen in there if seen.is_name]), values[name])
        assigned = {seen.text for seen in there if seen.is_name}
        target = fits[-1] if fits and len(assigned) == 1 else None
        readable = {seen.text: seen for seen in inside if seen.order < first.order
                    and (seen.is_name or seen.passed or _is_short(seen))}  # fmt: skip
        readable |= {seen.text: seen for seen in inside if seen.line == first.line
                     and not seen.is_name and _is_short(seen)}  # fmt: skip
        read = {text for seen in there for text, is_call in _read(seen) if not is_call}
        return Scope(target, readable, frozenset(read))

    def appearances(self, value: Value) -> list[Seen]:
        """Where a value appears in every call, in order, except as a parameter that is passed."""
        found: list[Seen] = []
        for number, (trace, values) in enumerate(self.calls):
            wanted = value(values)
            if wanted is None or not np.size(wanted):
                return []
            fits = [seen for seen in self._matching(trace, wanted) if not seen.passed]
            if np.asarray(wanted).dtype == bool:
                fits += [seen for seen in trace.matching(~np.asarray(wanted)) if not seen.passed]
            if number:
                again = {position(seen) for seen in fits}
                fits = [seen for seen in found if position(seen) in again]
            found = fits
        return found

    def _matching(self, trace: Trace, wanted: Any) -> list[Seen]:
        """The same as `Trace.matching`; a sum that is 0 but for rounding is like another one."""
        if np.asarray(wanted).dtype == bool or np.abs(wanted).max() > NOTHING:
            return trace.matching(wanted, self.tolerance)
        return [seen for seen in trace.seen
                if seen.value.size == np.size(wanted) and seen.value.dtype.kind == "f"
                and np.abs(seen.value).max() <= NOTHING
                and (seen.value.any() or (seen.value.size == 1 and not seen.is_name))]  # fmt: skip

    def names(self, function: str = "") -> dict[str, str]:
        """What values are called in the code: first in a function, then anywhere."""
        return {name: seen.text for name, (seen, _) in self.called(function).items()}

    def called(self, function: str = "") -> dict[str, tuple[Seen, NDArray[Any]]]:
        """What values are called in the code, as it has them and as the lines have them.

        Names of values that are not there as a variable, an attribute or an item are left out.
        """
        found: dict[str, tuple[Seen, NDArray[Any]]] = {}
        if not self.calls:
            return found
        trace, values = self.calls[0]
        for name, value in values.items():
            if isinstance(value, np.ndarray) and value.ndim:
                fits = [seen for seen in trace.matching(value, self.tolerance) if _is_short(seen)]
                here = [seen for seen in fits if self._function(seen) == function]
                if fits:
                    found[name] = (here or fits)[0], value
        return found

    def constant_mask(self) -> tuple[Where, str, bool] | None:
        """A comparison for every hidden unit that gave the same everywhere, in every call.

        Where it is, how it is written, and what it gave.
        """
        found: dict[Position, Seen] = {}
        for number, (trace, values) in enumerate(self.calls):
            fits = {position(seen): seen for seen in trace.seen
                    if seen.value.dtype == bool and not seen.is_name
                    and seen.value.size == np.size(values["Z1"])
                    and seen.value.all() == seen.value.any()}  # fmt: skip
            if number:
                fits = {place: seen for place, seen in found.items() if place in fits
                        and seen.value.all() == fits[place].value.all()}  # fmt: skip
            found = fits
        for seen in found.values():
            return Where((self._place(seen),)), seen.text, bool(seen.value.all())
        return None

    def branches_on(self, names: frozenset[str]) -> bool:
        """Whether a function that was run asks for the shape or size of one of some variables."""
        ran = {(seen.file, _plain(seen.function).rpartition(".")[2])
               for trace, _ in self.calls[:1] for seen in trace.seen}  # fmt: skip
        for file in {file for file, _ in ran}:
            try:
                tree = parse("".join(linecache.getlines(file)))
            except (SyntaxError, ValueError):
                continue
            for one in ast.walk(tree):
                if isinstance(one, ast.FunctionDef) and (file, one.name) in ran:
                    tests = (node.test for node in ast.walk(one)
                             if isinstance(node, ast.If | ast.IfExp))  # fmt: skip
                    if any(_asks_for_shape(test, names) for test in tests):
                        return True
        return False

    def overwritten_gradients(self) -> Where:
        """The lines of a tape that assign a gradient where they should add to it."""
        lines = {self._place(seen) for trace, _ in self.calls[:1] for seen in trace.seen
                 if _replaces_gradient(seen)}  # fmt: skip
        return Where(tuple(sorted(lines)))

    def _with_steps(self, last: Seen, but: str) -> Where:
        """The statement that gave a value, and those before it on the way from known values."""
        known = [value for name, value in self.calls[0][1].items()
                 if name != but and isinstance(value, np.ndarray)]  # fmt: skip
        times = Counter(position(seen) for seen in self.calls[0][0].seen if seen.is_name)
        steps: dict[Place, int] = {}
        waiting = [last]
        while waiting:
            seen = waiting.pop()
            place = self._place(seen)
            if place in steps:
                continue
            steps[place] = seen.order
            for before in self._read_by(seen):
                own = Trace([before])
                if times[position(before)] > 1 or not before.value.ndim:
                    continue  # a row of a loop, or a number such as λ
                if not any(own.matching(value, self.tolerance) for value in known):
                    waiting.append(before)
        latest = sorted(steps, key=lambda place: steps[place])[-MOST_LINES:]
        return Where(tuple(sorted(latest, key=lambda place: (place.file, place.number))))

    def _read_by(self, seen: Seen) -> Iterator[Seen]:
        """The values that a statement read, and the ends of the functions that it called."""
        earlier = self.calls[0][0].seen[: seen.order]
        for text, is_call in _read(seen):
            for before in reversed(earlier):
                if is_call and _plain(before.function).rpartition(".")[2] == text:
                    if before.line != seen.line and not before.passed:
                        yield before
                    break
                if before.text == text and before.function == seen.function and before.is_name:
                    if not before.passed and before.line != seen.line:
                        yield before
                    break

    def _place(self, seen: Seen) -> Place:
        text = linecache.getline(seen.file, seen.line).strip()
        cell = CELL.search(seen.file)
        file = Path(seen.file).name if seen.file != self.home[0] else ""
        file = cell[1] if cell else file
        return Place(seen.line, text, self._function(seen), file)

    def _function(self, seen: Seen) -> str:
        """The function that a value was seen in, if it is not the one that is checked."""
        return "" if seen.function == self.home[1] else _plain(seen.function)


def _value_of(name: str, values: Values) -> Any:
    return values.get(name)


def is_called(seen: Seen, name: str) -> bool:
    """Whether the name that a value was assigned to means one of the equations' values."""
    if not seen.is_name or seen.passed:
        return False
    called = key_of(parse(seen.text, "eval").body)
    return called.lower() not in AMBIGUOUS and meaning(called) == (name, False)


def _means(seen: Seen, name: str) -> bool:
    """Whether a name, attribute or item is what a value is usually called."""
    return meaning(key_of(parse(seen.text, "eval").body)) == (name, False)


def _plain(function: str) -> str:
    """The name of a function without those that it is defined in."""
    return function.rpartition("<locals>.")[2]


def position(seen: Seen) -> Position:
    """Where and under which name a value appears."""
    return seen.file, seen.line, seen.function, seen.text


def _replaces_gradient(seen: Seen) -> bool:
    """Whether it is a `.grad`, from another one in its line, without the one that was there."""
    if not seen.is_name or not seen.text.endswith(".grad"):
        return False
    try:
        (statement,) = parse(linecache.getline(seen.file, seen.line).strip()).body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(statement, ast.Assign):
        return False
    read = {ast.unparse(node) for node in ast.walk(statement.value)
            if isinstance(node, ast.Attribute) and node.attr == "grad"}  # fmt: skip
    return bool(read) and seen.text not in read


def _asks_for_shape(test: ast.expr, names: frozenset[str]) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in {"ndim", "shape", "size"}
        and key_of(node.value) in names
        for node in ast.walk(test)
    )  # fmt: skip


def _read(seen: Seen) -> list[tuple[str, bool]]:
    """The variables, attributes and items that an expression reads, and the functions it calls.

    Of a name, those of the statement that assigned it.
    """
    parts: list[ast.expr] = []
    if seen.is_name:
        source = source_of(seen.file, {})
        for statement in source.at.get(seen.line, []) if source else []:
            parts += statement.reads
    else:
        parts = [parse(seen.text, "eval").body]
    found: dict[tuple[str, bool], None] = {}
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.Call):
            found[getattr(node.func, "id", getattr(node.func, "attr", "")), True] = None
        elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            found[ast.unparse(node), False] = None
    return list(found)


def _is_short(seen: Seen) -> bool:
    """Whether an expression is a name, an attribute or an item with a constant key."""
    node = parse(seen.text, "eval").body
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return False
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return False
        node = node.value
    return isinstance(node, ast.Name)


def _is_constant(value: Any) -> bool:
    return bool(np.size(value) < 2 or np.min(value) == np.max(value))


@cache
def _parts(code: str) -> tuple[str, ...]:
    """The parts of a line that are computed, the smaller ones first, the whole line last."""
    return tuple(dict.fromkeys(_inside(parse(code, "eval").body)))


def _inside(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        yield from _inside(child)
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Call):
        yield ast.unparse(node)


def _computed(code: str) -> Value:
    def value(values: Mapping[str, Any]) -> Any:
        try:
            with np.errstate(all="ignore"):
                return eval(compiled(code), FUNCTIONS, dict(values))
        except FAILURES:
            return None

    return value
