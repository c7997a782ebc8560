"""Recording the variables of a function while it runs, those of its helpers and methods too."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.expressions import Expressions
from backhand.doctor.probe.statements import Loop, Source, Statement, source_of

MOST_EVENTS = 20_000
"""Number of lines and calls after which recording stops."""

MOST_LINES = 8_000
"""Lines of one function after which only the values that it ends with are recorded."""

MOST_CALLS = 64
"""Calls of one function that are recorded."""

MOST_VISITS = 256
"""Number of times that a statement in a loop is observed."""

MOST_EACH = 16
"""Number of times that its values are recorded one by one, and that its parts are evaluated."""

MOST_ENTRIES = 100_000
"""Of an array that is recorded."""

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep  # noqa: PTH100, PTH120

INNER = {"<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"}
"""Functions that are parts of a statement."""


class Seen(NamedTuple):
    """A value that was there while the function ran.

    Attributes
    ----------
    value : array
    text : str
        The expression, as it was written: a name, or what was computed.
    is_name : bool
        Whether it is a name, or an attribute or item, that was given the value there.
    file : str
    line : int
    function : str
        The qualified name of the function that the line is in.
    order : int
        When: the first is 0.
    passed : bool
        Whether it is a parameter that was passed.
    """

    value: NDArray[Any]
    text: str
    is_name: bool
    file: str
    line: int
    function: str
    order: int
    passed: bool = False


@dataclass
class Trace:
    """The values that a function computed in a call, in their order.

    Attributes
    ----------
    seen : list of Seen
    complete : bool
        Whether all its statements were observed.
    """

    seen: list[Seen] = field(default_factory=list)
    complete: bool = True

    def matching(self, value: Any, tolerance: float = 1e-9) -> list[Seen]:
        """What equals a value, transposed or of another shape; the earliest first.

        The tolerance is relative to the largest entry.
        """
        wanted = np.asarray(value, np.float64)
        seen, rows = self._by_size.get(wanted.size, ([], np.empty((0, wanted.size))))
        fits = np.zeros(len(seen), bool)
        for flat in (wanted.ravel(), wanted.T.ravel())[: max(1, min(wanted.ndim, 2))]:
            fits |= _equal(rows, flat, tolerance).all(axis=1)
        return [one for one, fit in zip(seen, fits, strict=True) if fit]

    def pairs(
        self, function: Callable[[NDArray[Any]], NDArray[Any]], tolerance: float = 1e-9
    ) -> list[tuple[Seen, Seen]]:
        """Each value and a later one that is an elementwise function of it, and differs from it."""
        found = []
        with np.errstate(all="ignore"):
            for seen, rows in self._by_size.values():
                images = function(rows)
                for i, (row, image) in enumerate(zip(rows, images, strict=True)):
                    if _equal(row, image, tolerance).all():
                        continue
                    fits = _equal(rows[i + 1 :], image, tolerance).all(axis=1)
                    found += [(seen[i], seen[i + 1 + int(j)]) for j in np.flatnonzero(fits)]
        return sorted(found, key=lambda pair: (pair[0].order, pair[1].order))

    @cached_property
    def _by_size(self) -> dict[int, tuple[list[Seen], NDArray[np.float64]]]:
        """The values of each size, as rows of a matrix."""
        groups: dict[int, list[Seen]] = {}
        for one in self.seen:
            groups.setdefault(one.value.size, []).append(one)
        return {
            size: (group, np.array([one.value.ravel() for one in group], np.float64))
            for size, group in groups.items()
        }


def _equal(rows: NDArray[Any], row: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    """Where the entries are equal to rounding of the largest; nan is like nan."""
    finite = np.abs(row[np.isfinite(row)])
    with np.errstate(invalid="ignore"):
        near = np.abs(rows - row) <= tolerance * finite.max(initial=0.0)
    equal: NDArray[np.bool_] = near | (rows == row) | (np.isnan(rows) & np.isnan(row))
    return equal


@contextmanager
def recording(f: Callable[..., Any], *, wanted: bool = True) -> Iterator[Trace]:
    """Record what `f` computes if it is called inside, in this thread; nothing if not `wanted`.

    Recorded is what is in the file of `f` and in files of its folder. A tracer that was there, of a
    debugger or of coverage, is put back in the end.
    """
    trace = Trace()
    code = _code_of(f) if wanted else None
    if code is None:
        trace.complete = False
        yield trace
        return
    before = sys.gettrace()
    recorder = _Recorder(trace, _own_folder(code), before)
    sys.settrace(recorder.called)
    try:
        yield trace
    finally:
        sys.settrace(before)
        recorder.put_together()


def _code_of(f: Any) -> CodeType | None:
    """The code that a callable runs first, if it can be told."""
    try:
        while isinstance(f, partial):
            f = f.func
        f = inspect.unwrap(f)
        if inspect.ismethod(f):
            f = f.__func__
        if isinstance(f, type):
            f = vars(f).get("__init__")
        elif not hasattr(f, "__code__"):
            f = getattr(type(f), "__call__", None)  # noqa: B004
        code = getattr(f, "__code__", None)
    except Exception:  # of an object of a class of its own
        return None
    return code if isinstance(code, CodeType) else None


def _own_folder(code: CodeType) -> str:
    """How the names of the user's files begin."""
    if code.co_filename.startswith("<"):
        return "<"
    return os.path.dirname(os.path.abspath(code.co_filename)) + os.sep  # noqa: PTH100, PTH120


@dataclass(eq=False)
class _Visited:
    """The values of one expression of a statement, of every time that it was reached."""

    first: Seen
    values: list[NDArray[Any]]


class _Recorder:
    """The trace function of a thread."""

    def __init__(self, trace: Trace, folder: str, before: Any) -> None:
        self.trace, self.folder, self.before = trace, folder, before
        self.events = 0
        self.sources: dict[str, Source | None] = {}
        self.frames: dict[FrameType, _Frame] = {}
        self.calls: dict[CodeType, int] = {}
        self.visits: dict[Statement, int] = {}
        self.visited: dict[ast.AST, _Visited] = {}

    def called(self, frame: FrameType, event: str, _: Any) -> Any:
        """A function is called: its own trace function, if it is the user's."""
        try:
            code = frame.f_code
            if event != "call" or not self.goes_on() or code.co_name in INNER:
                return None
            source = self._source(frame)
            calls = self.calls[code] = self.calls.get(code, 0) + 1
            if source is None or calls > MOST_CALLS:
                self.trace.complete &= source is None
                return None
            self.frames[frame] = own = _Frame(self, frame, source)
            return own.event
        except Exception:
            self.stop()
            return None

    def stop(self) -> None:
        """Let the function go on without being recorded."""
        self.trace.complete = False
        sys.settrace(self.before)

    def goes_on(self) -> bool:
        """Count an event; stop at the last one."""
        self.events += 1
        if self.events > MOST_EVENTS:
            self.stop()
        return self.events <= MOST_EVENTS

    def visit(self, statement: Statement) -> int:
        """How often a statement was reached, this time included."""
        self.visits[statement] = visits = self.visits.get(statement, 0) + 1
        return visits

    def put_together(self) -> None:
        """Record the values of a statement in a loop as one array, where its first one is."""
        found = list(self.trace.seen)
        for one in self.visited.values():
            if 1 < len(one.values) < MOST_VISITS and len({v.shape for v in one.values}) == 1:
                found.append(one.first._replace(value=np.array(one.values)))
        found.sort(key=lambda seen: seen.order)
        self.trace.seen = [seen._replace(order=order) for order, seen in enumerate(found)]

    def observe(
        self, node: ast.AST, value: Any, where: Seen, *, always: bool = False
    ) -> None:  # fmt: skip
        """Record the value of an expression, if it is an array or a number."""
        array = _as_array(value)
        if array is None or not 0 < array.size <= MOST_ENTRIES:
            return
        seen = where._replace(value=array, order=len(self.trace.seen))
        visited = self.visited.setdefault(node, _Visited(seen, []))
        if always or len(visited.values) < MOST_EACH:
            self.trace.seen.append(seen)
        if not always and len(visited.values) < MOST_VISITS:
            visited.values.append(array)

    def _source(self, frame: FrameType) -> Source | None:
        """The source of a function of the user's; None for another one."""
        name = frame.f_code.co_filename
        if name not in self.sources:
            path = name if name.startswith("<") else os.path.abspath(name)  # noqa: PTH100
            own = path.startswith(self.folder) and not path.startswith(PACKAGE)
            own = own and "site-packages" not in path and "dist-packages" not in path
            self.sources[name] = source_of(name, frame.f_globals) if own else None
        return self.sources[name]


class _Frame:
    """Records one call of one function."""

    def __init__(self, recorder: _Recorder, frame: FrameType, source: Source) -> None:
        self.recorder, self.source = recorder, source
        code = frame.f_code
        self.body = source.of_lambda(code) if code.co_name == "<lambda>" else None
        name = getattr(code, "co_qualname", code.co_name)
        self.place = Seen(np.empty(0), "", False, code.co_filename, code.co_firstlineno, name, 0)
        self.lines = 0
        self.current: list[Statement] = []
        self.expressions: Expressions | None = None
        self.loop: Loop | None = None
        self.of_loop: dict[ast.expr, Statement] = {}
        if not code.co_flags & inspect.CO_GENERATOR:
            for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
                if (value := frame.f_locals.get(name)) is not None:
                    where = self.place._replace(text=name, is_name=True, passed=True)
                    recorder.observe(source.parameter(code, name), value, where)

    def event(self, frame: FrameType, event: str, value: Any) -> Any:
        """The trace function of the frame."""
        try:
            if event == "line":
                self._line(frame)
            elif event == "exception":
                self.current, self.expressions = [], None
            elif event == "return":
                self._returns(frame, value)
        except Exception:
            self.recorder.stop()
        return self.event

    def _line(self, frame: FrameType) -> None:
        line = frame.f_lineno
        self.lines += 1
        if not self.recorder.goes_on():
            return
        if self.lines > MOST_LINES:
            self.recorder.trace.complete = False
            frame.f_trace_lines = False
        statements = [self.body] if self.body else self.source.at.get(line, [])
        if statements and statements == self.current:
            return  # a further line of it
        self._finish(frame)
        if self.loop and not self.loop[0] <= line <= self.loop[1]:
            self._end_loop(frame)
        self.current = statements
        if statements and frame.f_trace_lines:
            first = statements[0]
            if self.recorder.visit(first) <= MOST_EACH and first.expressions:
                self.expressions = Expressions(frame.f_locals, frame.f_globals, self._part)
                self.expressions.values(first.expressions)

    def _finish(self, frame: FrameType) -> None:
        """Record what the statement did that was reached last."""
        statements, expressions = self.current, self.expressions
        self.current, self.expressions = [], None
        if not statements or self.recorder.visits.get(statements[0], 0) > MOST_VISITS:
            return
        if expressions and expressions.calls:
            expressions.values(statements[0].expressions)
        for statement in statements:
            for target in statement.targets:
                self._target(frame, statement, target)
                if statement.loop:
                    self.loop = statement.loop
                    self.of_loop[target] = statement

    def _part(self, node: ast.expr, value: Any) -> None:
        """Record what a part of a statement gives."""
        where = self.place._replace(text=self.source.text(node), line=node.lineno)
        self.recorder.observe(node, value, where)

    def _target(
        self, frame: FrameType, statement: Statement, target: ast.expr, *, finally_: bool = False
    ) -> None:
        """Record what has a new value: of a changed item, the whole array."""
        read = Expressions(frame.f_locals, frame.f_globals, lambda *_: None).value
        while isinstance(target, ast.Subscript) and _as_array(read(target.value)) is not None:
            target = target.value
        text = self.source.text(target)
        where = self.place._replace(text=text, is_name=True, line=statement.line)
        self.recorder.observe(target, read(target), where, always=finally_)

    def _end_loop(self, frame: FrameType) -> None:
        """Record once more what a long loop has changed, as it is in the end."""
        for target, statement in self.of_loop.items():
            if self.recorder.visits.get(statement, 0) > MOST_EACH:
                self._target(frame, statement, target, finally_=True)
        self.loop, self.of_loop = None, {}

    def _returns(self, frame: FrameType, value: Any) -> None:
        statement = self.current[0] if self.current else None
        expressions = self.expressions
        self._finish(frame)
        if statement and statement.returned is not None:
            self._result(statement.returned, value, expressions)
        if frame.f_trace_lines:
            self._end_loop(frame)
        else:
            for one in self.source.within(frame.f_code):
                for target in one.targets:
                    self._target(frame, one, target, finally_=True)
        del self.recorder.frames[frame]
        caller = self.recorder.frames.get(frame.f_back) if frame.f_back else None
        if caller and caller.expressions and not frame.f_code.co_flags & inspect.CO_GENERATOR:
            caller.expressions.calls.append((frame.f_code.co_name, value))

    def _result(self, node: ast.expr, value: Any, expressions: Expressions | None) -> None:
        """Record what is returned, or the parts of a tuple, if they are not names."""
        known = expressions.known if expressions else {}
        if isinstance(node, ast.Tuple | ast.List) and type(value) in (tuple, list):
            if len(node.elts) == len(value):
                for part, one in zip(node.elts, value, strict=True):
                    self._result(part, one, expressions)
        elif isinstance(node, ast.Dict) and type(value) is dict:
            for part, one in zip(node.values, value.values(), strict=False):
                self._result(part, one, expressions)
        elif node not in known and not isinstance(node, ast.Name | ast.Attribute):
            self._part(node, value)


def _as_array(value: Any) -> NDArray[Any] | None:
    """A copy of an array, a tensor, a number with a fraction, or a list of such; else None.

    No `isinstance`: it may run code of the value's own class.
    """
    kind = type(value)
    if kind is np.ndarray:
        return value.copy() if value.dtype.kind in "biuf" else None
    if kind is float or issubclass(kind, np.floating):
        return np.array(value)
    if kind is list and _are_numbers(value):
        return np.array(value, np.float64)
    library = str(type.__getattribute__(kind, "__module__")).partition(".")[0]
    if library == "torch" and hasattr(kind, "detach"):
        value = value.detach().cpu().numpy()
    elif library in ("jax", "jaxlib") and hasattr(kind, "__array__"):
        value = np.asarray(value)
    else:
        return None
    return np.array(value) if value.dtype.kind in "biuf" else None


def _are_numbers(values: list[Any]) -> bool:
    """Whether a list is one of numbers, or of lists of them of one length."""
    if not values or len(values) > MOST_ENTRIES:
        return False
    first = values[0]
    if type(first) is list:
        length = len(first)
        return all(type(v) is list and len(v) == length and _are_numbers(v) for v in values)
    return all(type(v) is float or issubclass(type(v), np.floating) for v in values)
