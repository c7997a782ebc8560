"""Calling a user's function: matching its parameters, array types and the time limit."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe import outputs
from backhand.doctor.probe.exceptions import about_arrays
from backhand.doctor.probe.outputs import Outputs
from backhand.doctor.probe.problems import ETA, L2, Problem
from backhand.doctor.probe.process_state import put_back_names
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.signature import arguments_of
from backhand.doctor.probe.time_limit import in_time
from backhand.doctor.probe.trace import Trace, recording
from backhand.equations import Parameters
from backhand.errors import InputError, listed

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
    """The result of a call.

    Outputs, inputs changed in place, duration in seconds, and what the function computed on its way
    if that was recorded.
    """

    outputs: Outputs
    changed: dict[str, NDArray[Any]]
    seconds: float
    trace: Trace


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
            raise InputError(
                f"layout is '{self.layout}'; expected {listed(LAYOUTS, conjunction='or')}."
            )
        self.arguments = arguments_of(self.f)
        if self.indices:
            self.arguments = tuple(one._replace(meaning="y" if one.meaning == "Y" else one.meaning)
                                   for one in self.arguments)  # fmt: skip
        self.meanings = {one.meaning for one in self.arguments}

    @property
    def takes_l2(self) -> bool:
        """Whether it takes λ."""
        return "l2" in self.meanings

    @property
    def l2(self) -> float:
        """λ; 0 if it takes none."""
        return L2 if self.takes_l2 else 0.0

    @property
    def takes_params(self) -> bool:
        """Whether it takes all parameters as one argument."""
        return "params" in self.meanings

    @property
    def takes_one_hot(self) -> bool:
        """Whether it takes Y."""
        return "Y" in self.meanings

    @property
    def takes_eta(self) -> bool:
        """Whether it takes a learning rate."""
        return "eta" in self.meanings

    def call(self, problem: Problem, *, traced: bool = True) -> Called:
        """Call it on copies of a problem's arrays; `traced`: record its variables.

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
                called = self._called(problem, kind, traced=traced)
            except Refusal as refusal:
                first = first if first and not about_arrays(first) else refusal
                if refusal.reason is not Reason.RAISES:
                    break  # other arrays change nothing
            else:
                self.kind = kind
                return called
        assert first is not None
        raise first

    def loss(self, problem: Problem) -> float | None:
        """The loss that it returns on a problem, if it returns one."""
        value = self.call(problem, traced=False).outputs.values.get("L")
        return None if value is None or value.size != 1 else float(value.reshape(-1)[0])

    def _called(self, problem: Problem, kind: str, *, traced: bool) -> Called:
        arguments = self._arguments(problem)
        before = {name: _converted(value, kind) for name, value in arguments.items()}
        arrays = dict(before)
        if {"W1", "b1", "W2", "b2"} <= set(arrays):
            four = {name: arrays[name] for name in ("W1", "b1", "W2", "b2")}
            arrays["params"] = Keyed(four) if self.keyed else Given(**four)
        keywords: dict[str, Any] = {}
        positional: list[Any] = []
        for name, meaning, by_position in self.arguments:
            value = {"l2": L2, "eta": ETA}.get(meaning, arrays.get(meaning))
            if by_position:
                positional.append(value)
            else:
                keywords[name] = value
        return in_time(
            lambda: self._returned(positional, keywords, arguments, before, traced=traced),
            self.seconds,
        )

    def _returned(
        self, positional: list[Any], keywords: dict[str, Any],
        arguments: dict[str, NDArray[Any]], before: dict[str, Any], *, traced: bool,
    ) -> Called:  # fmt: skip
        """Call it and read what it returned, whose own methods may do anything too."""
        began = time.perf_counter()
        try:
            with recording(self.f, wanted=traced) as trace:
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
        return Called(found._replace(values=values, bare=bare), changed, seconds, trace)

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
