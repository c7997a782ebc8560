"""Calling a function in many forms, and stopping where the answer is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from backhand.doctor.frame.form import Form, Outputs
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.problems import Problem, problems
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.run import Calls, call_on
from backhand.formulas import GRADIENTS, UPDATED

WHATEVER_IS_GIVEN = frozenset({Reason.TIMEOUT, Reason.MEMORY, Reason.NOT_WRITTEN})
"""Refusals that other arguments would not change."""

TOGETHER = 2.0
"""Seconds of CPU time for the first calls in all forms, after which no further form is tried.

The very first is not counted: it may import libraries.
"""


@dataclass(frozen=True)
class Try:
    """One call in one form: what came back, or why nothing did.

    Attributes
    ----------
    function : CheckedFunction
    wanted : sequence of Problem
        The problems; the call was on the first of them.
    called : Called, optional
    refusal : Refusal, optional
    """

    function: CheckedFunction
    wanted: Sequence[Problem]
    called: Called | None
    refusal: Refusal | None = None

    @property
    def problem(self) -> Problem:
        """That of the call."""
        return self.wanted[0]

    @property
    def in_shape(self) -> bool:
        """Whether all gradients have the shapes of the parameters, or there are none."""
        return self.called is not None and (
            self.called.outputs.forward_only or fits(self.called, self.problem)
        )

    @cached_property
    def calls(self) -> Calls:
        """The calls on all problems."""
        assert self.called is not None
        return call_on(self.function, self.wanted, self.called)


def tries(
    f: Callable[..., Any],
    forms: Iterable[Form],
    seconds: float,
    problems: Callable[[Outputs], Sequence[Problem]] = problems,
    *,
    forward: bool = False,
) -> Iterator[Try]:
    """Call in each form on the first problem, and on all where the shapes of what it returns fit.

    Where all gradients have the shapes of the parameters, layout and container are known: from then
    on, only biases, labels and outputs vary, unless sizes are equal: then every layout fits. No
    form is tried after `TOGETHER` seconds of CPU time, or the time limit of one call.

    Parameters
    ----------
    f : callable
    forms : iterable of Form
    seconds : float
    problems : callable
        The problems for a number of outputs.
    forward : bool
        As for `CheckedFunction`.
    """
    began, spent = time.perf_counter(), list[float]()
    known: Form | None = None
    for form in forms:
        if known and not _has_layout_of(form, known):
            continue
        if sum(spent[1:]) > TOGETHER or time.perf_counter() - began > seconds:
            break
        function = CheckedFunction(f, form, seconds, forward=forward)
        wanted = problems(form.outputs)
        before = time.process_time()  # which does not depend on what else the machine does
        try:
            found = Try(function, wanted, function.call(wanted[0]))
        except Refusal as refusal:
            spent.append(time.process_time() - before)
            yield Try(function, wanted, None, refusal)
            if refusal.reason in WHATEVER_IS_GIVEN:
                break
            continue
        spent.append(time.process_time() - before)
        if found.in_shape:
            known = known or (None if wanted[0].equal else form)
            _ = found.calls  # now: a call in another form may change what the function remembers
        yield found


def _has_layout_of(form: Form, other: Form) -> bool:
    """Whether two forms have one layout and container; b1[:, 0] is of any shape of biases."""
    return (form.layout, form.container) == (other.layout, other.container)


def fits(called: Called, problem: Problem) -> bool:
    """Whether there are gradients of both weights, and all have the shapes of the parameters."""
    shapes = {name: getattr(problem.params, theta).shape
              for name, theta in (*GRADIENTS.items(), *UPDATED.items())}  # fmt: skip
    values = called.outputs.values
    found = [name for name in shapes if name in values]
    weights = {name.removeprefix("new ").removeprefix("d") for name in found} >= {"W1", "W2"}
    return weights and all(values[name].shape == shapes[name] for name in found)
