"""Calling a user's function: matching its parameters, array types and the time limit."""

from __future__ import annotations

import ctypes
import inspect
import linecache
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe import outputs
from backhand.doctor.probe.outputs import Outputs
from backhand.doctor.probe.problems import ETA, L2, Problem
from backhand.doctor.probe.process_state import put_back_names, quiet
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.equations import Parameters
from backhand.errors import InputError, listed

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

LAYOUTS = ("rows", "linear", "columns")

ARRAYS = ("numpy", "torch", "torch float32", "jax")


class Given(Parameters):
    """Parameters that can be read by attribute, by key and in order."""

    def __getitem__(self, key: Any) -> Any:
        return getattr(self, key) if isinstance(key, str) else super().__getitem__(key)

    def keys(self) -> tuple[str, ...]:
        """The four names."""
        return self._fields

    def items(self) -> list[tuple[str, Any]]:
        """Names and arrays."""
        return list(zip(self._fields, self, strict=True))


class Keyed(dict[str, Any]):
    """Parameters as a dict, for functions that assign to them or iterate over their names."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Called:
    """The result of a call: outputs, inputs changed in place, duration in seconds."""

    outputs: Outputs
    changed: dict[str, NDArray[Any]]
    seconds: float


@dataclass
class CheckedFunction:
    """A function to check, and how to call it.

    Attributes
    ----------
    f : callable
    layout : {"rows", "linear", "columns"}
        Layout of its arrays: as in the equations; weights as in `nn.Linear`; or all transposed,
        with examples as columns.
    seconds : float
        Time limit for one call.
    kind : str, optional
        The arrays that it takes, once known: one of `ARRAYS`.
    indices : bool
        Whether what seems to be Y, by its name or position, is y: class indices.
    keyed : bool
        Whether `params` is to be a dict; else it is a named tuple with keys.
    """

    f: Callable[..., Any]
    layout: str = "rows"
    seconds: float = 10.0
    kind: str | None = None
    indices: bool = False
    keyed: bool = False

    def __post_init__(self) -> None:
        if not callable(self.f):
            raise InputError(f"f is not callable but of type {type(self.f).__name__}.")
        if self.layout not in LAYOUTS:
            raise InputError(f"layout is '{self.layout}'; expected {listed(LAYOUTS)}.")
        self.parameters = _parameters(self.f)
        if self.indices:
            self.parameters = {
                name: "y" if meaning == "Y" else meaning
                for name, meaning in self.parameters.items()
            }

    @property
    def takes_l2(self) -> bool:
        """Whether it takes λ."""
        return "l2" in self.parameters.values()

    @property
    def l2(self) -> float:
        """λ; 0 if it takes none."""
        return L2 if self.takes_l2 else 0.0

    @property
    def takes_params(self) -> bool:
        """Whether it takes all parameters as one argument."""
        return "params" in self.parameters.values()

    @property
    def takes_one_hot(self) -> bool:
        """Whether it takes Y."""
        return "Y" in self.parameters.values()

    @property
    def takes_eta(self) -> bool:
        """Whether it takes a learning rate."""
        return "eta" in self.parameters.values()

    def call(self, problem: Problem) -> Called:
        """Call it on copies of a problem's arrays.

        Raises
        ------
        Refusal
            If it raises, takes too long, or returns no gradients.
        """
        first: Refusal | None = None
        for kind in (self.kind,) if self.kind else ARRAYS:
            if not _usable(kind):  # which a call may change that imports what it wants
                continue
            try:
                called = self._called(problem, kind)
            except Refusal as refusal:
                first = first if first and not _about_arrays(first) else refusal
                if refusal.reason is not Reason.RAISES:
                    break  # other arrays change nothing
            else:
                self.kind = kind
                return called
        assert first is not None
        raise first

    def loss(self, problem: Problem) -> float | None:
        """The loss that it returns on a problem, if it returns one."""
        value = self.call(problem).outputs.values.get("L")
        return None if value is None or value.size != 1 else float(value.reshape(-1)[0])

    def _called(self, problem: Problem, kind: str) -> Called:
        arguments = self._arguments(problem)
        before = {name: _converted(value, kind) for name, value in arguments.items()}
        arrays = dict(before)
        if {"W1", "b1", "W2", "b2"} <= set(arrays):
            four = {name: arrays[name] for name in ("W1", "b1", "W2", "b2")}
            arrays["params"] = Keyed(four) if self.keyed else Given(**four)
        keywords: dict[str, Any] = {}
        positional: list[Any] = []
        for name, meaning in self.parameters.items():
            value = {"l2": L2, "eta": ETA}.get(meaning, arrays.get(meaning))
            if name.startswith("*"):
                positional.append(value)
            else:
                keywords[name] = value
        return _in_time(
            lambda: self._returned(positional, keywords, arguments, before), self.seconds
        )

    def _returned(
        self, positional: list[Any], keywords: dict[str, Any],
        arguments: dict[str, NDArray[Any]], before: dict[str, Any],
    ) -> Called:  # fmt: skip
        """Call it and read what it returned, whose own methods may do anything too."""
        began = time.perf_counter()
        try:
            returned = self.f(*positional, **keywords)
        finally:
            put_back_names()
        seconds = time.perf_counter() - began
        found = outputs.read(returned)
        changed = {}
        for name, value in arguments.items():
            now = outputs.as_array(name, before[name])
            if now.shape != value.shape or not np.array_equal(now, value.astype(now.dtype)):
                changed[name] = self._canonical(name, now)
        values, bare = (
            {name: self._canonical(name, value) for name, value in some.items()}
            for some in (found.values, found.bare)
        )
        return Called(found._replace(values=values, bare=bare), changed, seconds)

    def _arguments(self, problem: Problem) -> dict[str, NDArray[Any]]:
        """The arrays as this function takes them."""
        W1, b1, W2, b2 = problem.params
        given = {"X": problem.X, "Y": problem.Y, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
        if self.layout == "linear":
            given |= {"W1": W1.T, "W2": W2.T}
        if self.layout == "columns":
            given = {name: v.T if v.ndim == 2 else v.reshape(-1, 1) for name, v in given.items()}
        return {**{name: np.ascontiguousarray(v) for name, v in given.items()}, "y": problem.y}

    def _canonical(self, name: str, value: NDArray[Any]) -> NDArray[Any]:
        """A returned array, in the layout of the equations."""
        if name == "L":
            return value.reshape(()) if value.size == 1 else value
        weight = name.removeprefix("new ").removeprefix("d") in ("W1", "W2")
        if value.ndim == 2 and (self.layout == "columns" or (self.layout == "linear" and weight)):
            value = value.T
        bias = name.removeprefix("new ").removeprefix("d") in ("b1", "b2")
        if self.layout == "columns" and bias:
            # (H, 1) is (1, H) by now, which is right here; a flat one meets it as a row would.
            if value.ndim == 2:
                return value[0] if len(value) == 1 else value
            return value[None]
        return value


def _parameters(f: Callable[..., Any]) -> dict[str, str]:
    """The parameters to pass and what each means; those passed by position have a star in front."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        return {f"*{name}": name for name in POSITIONS}
    kinds = [p.kind for p in signature.parameters.values()]
    meanings = {other: name for name, others in NAMES.items() for other in others}
    known: dict[str, str] = {}
    unknown = []
    required = []
    for name, p in signature.parameters.items():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            continue
        star = "*" if p.kind == p.POSITIONAL_ONLY else ""
        if p.default is p.empty:
            required.append(star + name)
        if name in meanings:
            known[star + name] = meanings[name]
        elif p.default is p.empty:
            unknown.append(name)
    if not unknown and known:
        return known
    if len(required) == len(POSITIONS):
        return {f"*{name.removeprefix('*')}": meaning
                for name, meaning in zip(required, POSITIONS, strict=True)}  # fmt: skip
    if not required and inspect.Parameter.VAR_POSITIONAL in kinds:
        return {f"*{name}": name for name in POSITIONS}
    if not required and inspect.Parameter.VAR_KEYWORD in kinds:
        return {name: name for name in POSITIONS}
    what = (
        f"its parameters {listed(unknown)} are unknown" if unknown
        else "it has no array parameters"
    )  # fmt: skip
    raise Refusal(
        Reason.PARAMETERS,
        f"{what}; expected X, Y (or y, class indices), W1, b1, W2, b2 or some of them",
    )


def _usable(kind: str) -> bool:
    """Whether arrays of a kind can be made: a function that wants them has imported the library."""
    return kind == "numpy" or kind.split()[0] in sys.modules


def _converted(value: NDArray[Any], kind: str) -> Any:
    if kind == "numpy":
        return value.copy()
    if kind == "jax":
        return sys.modules["jax"].numpy.array(value)
    torch = sys.modules["torch"]
    tensor = torch.tensor(value)
    return tensor.float() if kind.endswith("float32") and value.dtype.kind == "f" else tensor


def _about_arrays(refusal: Refusal) -> bool:
    """Whether it seems that the function needs arrays of another library, which it uses itself."""
    error = refusal.__cause__
    if isinstance(error, AttributeError):
        return isinstance(error.obj, np.ndarray)
    if not isinstance(error, TypeError):
        return False
    libraries = [sys.modules[name] for name in ("torch", "jax") if name in sys.modules]
    return any(
        frame.f_globals.get(name) is library
        for frame, _ in traceback.walk_tb(error.__traceback__)
        for name in frame.f_code.co_names
        for library in libraries
    )


def _in_time(action: Callable[[], Called], seconds: float) -> Called:
    """What it returns, computed in a thread, which is stopped if it takes too long.

    Raises
    ------
    Refusal
        If it raises, or does not end in time.
    """
    result: list[Called] = []
    failure: list[Refusal] = []

    def act() -> None:
        try:
            # Drop what it prints: there are a hundred calls.
            with quiet(), np.errstate(all="ignore"):
                result.append(action())
        except Refusal as refusal:
            failure.append(refusal)
        except BaseException as error:
            failure.append(_refused(error))

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
        late = thread.is_alive()
    finally:  # of Ctrl-C too
        _stop(thread)
        put_back_names()  # what a result changed that was read, or a call that was stopped
    if late:
        raise Refusal(Reason.TIMEOUT, f"it does not return within {seconds:g} s")
    if failure:
        raise failure[0]
    if not result:
        raise Refusal(Reason.NO_RESULT, "it ended without a result")
    return result[0]


def _stop(thread: threading.Thread) -> None:
    """End a thread at its next line of Python; in C code that does not return, it stays."""
    with suppress(AttributeError):  # other Pythons than CPython cannot
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        for _ in range(10):  # a bare `except` in a loop catches the first
            if not thread.is_alive():
                break
            raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
            thread.join(0.02)


def _refused(error: BaseException) -> Refusal:
    """The refusal that an exception is, whose own class may do anything when it is looked at."""
    try:
        reason = Reason.RAISES if isinstance(error, Exception) else Reason.EXITS
        refusal = Refusal(reason, _described(error))
        refusal.__cause__ = error
        _about_arrays(refusal)
    except BaseException:
        return Refusal(Reason.RAISES_UNPRINTABLE, "it raises an exception that cannot be printed")
    return refusal


def _described(error: BaseException) -> str:
    """The exception, and the line of the user's own code where it came up."""
    text = ""
    with suppress(Exception):  # of a class of its own
        text = str(error)
    first = (text.strip().splitlines() or [""])[0]
    what = f"it raises {type(error).__name__}{f': {first}' if first else ''}"
    ours = {__file__, outputs.__file__, threading.__file__}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if frame.filename not in ours]  # fmt: skip
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    if own:
        line = linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()
        where = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
        what += f" ({where}{f': {line}' if line else ''})"
    return what
