"""Calling a user's function in a form, with arrays that it accepts and a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from backhand.doctor.frame.form import Form
from backhand.doctor.probe.arrays import KINDS, converted, given, held, in_container, usable
from backhand.doctor.probe.exceptions import about_arrays
from backhand.doctor.probe.names import THETA
from backhand.doctor.probe.outputs import Outputs
from backhand.doctor.probe.problems import ETA, L2, Problem
from backhand.doctor.probe.process_state import put_back_names
from backhand.doctor.probe.reading import Reader
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.signature import arguments_of
from backhand.doctor.probe.time_limit import in_time
from backhand.doctor.probe.trace import Trace, recording


@dataclass
class Called:
    """The result of a call.

    Attributes
    ----------
    outputs : Outputs
        What was returned, in the layout of the equations.
    changed : dict
        Inputs that were changed in place, as they are then.
    seconds : float
        How much CPU time the call took.
    readings : tuple of Outputs
        All that it may mean, the likeliest first.
    trace : Trace
        What was recorded of the function's own variables.
    """

    outputs: Outputs
    changed: dict[str, NDArray[Any]]
    seconds: float
    readings: tuple[Outputs, ...] = ()
    trace: Trace = field(default_factory=Trace)


@dataclass
class CheckedFunction:
    """A function to check, and how to call it.

    Attributes
    ----------
    f : callable
    form : Form
        The shapes and containers of its arguments, one of `forms_of(arguments_of(f), …)`.
    seconds : float
        Time limit for one call.
    kind : str, optional
        The arrays that it takes, once known: one of `arrays.KINDS`.
    forward : bool
        Whether values of the forward pass are an answer without names too, and the loss alone. In
        a function without labels they always are.
    """

    f: Callable[..., Any]
    form: Form
    seconds: float = 10.0
    kind: str | None = None
    forward: bool = False

    def __post_init__(self) -> None:
        self.arguments = arguments_of(self.f)
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
        for kind in (self.kind,) if self.kind else KINDS:
            if not usable(kind):  # which a call may change that imports what it wants
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

    def losses(self, problems: Iterable[Problem]) -> list[float] | None:
        """The losses that it returns on problems, within the time limit of one call.

        None if it does not return a number on each. Arrays are of the kind that is known.
        """
        kind = self.kind or KINDS[0]
        actions = [self._action(problem, kind, traced=False) for problem in problems]
        try:
            outputs = in_time(lambda: [action().outputs for action in actions], self.seconds)
        except Refusal:
            return None
        values = [one.values["L"] for one in outputs if "L" in one.values]
        if len(values) < len(actions) or any(value.size != 1 for value in values):
            return None
        return [float(value.reshape(-1)[0]) for value in values]

    def _called(self, problem: Problem, kind: str, *, traced: bool) -> Called:
        return in_time(self._action(problem, kind, traced=traced), self.seconds)

    def _action(self, problem: Problem, kind: str, *, traced: bool) -> Callable[[], Called]:
        """The call itself, with copies of the arrays."""
        arguments = given(problem, self.form)
        before = {name: converted(value, kind) for name, value in arguments.items()}
        values = {**before, **self._other_arguments(problem, before)}
        keywords = {name: values.get(meaning) for name, meaning, positional in self.arguments
                    if not positional}  # fmt: skip
        positional = [values.get(one.meaning) for one in self.arguments if one.positional]
        return lambda: self._returned(problem, positional, keywords, before, values, traced=traced)

    def _other_arguments(self, problem: Problem, arrays: dict[str, Any]) -> dict[str, Any]:
        """What is passed beside X, Y or y and the four parameters, by its meaning."""
        sizes = {name: problem.values(0.0, ETA)[name] for name in ("N", "d", "H", "K")}
        both = {"Y", "y"} <= self.meanings
        labels = arrays["y" if self.form.labels == "indices" else "Y"]
        return {
            **sizes,
            "sizes": [sizes[name] for name in ("d", "H", "K")],
            "shapes": [arrays[name].shape for name in THETA if name in arrays],
            "l2": L2,
            "eta": ETA,
            "params": in_container(arrays, self.form),
            "weights": [arrays["W1"], arrays["W2"]],
            "biases": [arrays[name] for name in ("b1", "b2") if name in arrays],
            **({} if both else {"Y": labels, "y": labels}),
        }

    def _returned(
        self, problem: Problem, positional: list[Any], keywords: dict[str, Any],
        before: dict[str, Any], values: dict[str, Any], *, traced: bool,
    ) -> Called:  # fmt: skip
        """Call it and read what it returned, whose own methods may do anything too."""
        began = time.process_time()
        with recording(self.f, wanted=traced) as trace:
            try:
                returned = self.f(*positional, **keywords)
            finally:
                put_back_names()
        seconds = time.process_time() - began
        forward = self.forward or not self.meanings & {"Y", "y"}
        reader = Reader(problem, self.form, steps=self.takes_eta, forward=forward, trace=trace)
        found, changed = reader.read(returned, before, held(values, before))
        return Called(found[0], changed, seconds, tuple(found), trace)
