"""Calling a function in many forms, and stopping where the answer is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from backhand.doctor.frame.form import Form
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.problems import Problem, problems
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.formulas import GRADIENTS, UPDATED

WHATEVER_IS_GIVEN = frozenset({Reason.TIMEOUT, Reason.MEMORY, Reason.NOT_WRITTEN})
"""Refusals that other arguments would not change."""


@dataclass(frozen=True)
class Try:
    """One call in one form: what came back, or why nothing did."""

    function: CheckedFunction
    problem: Problem
    called: Called | None
    refusal: Refusal | None = None


def tries(
    f: Callable[..., Any], forms: Iterable[Form], seconds: float, problem: Problem | None = None
) -> Iterator[Try]:
    """Call in each form on one problem, the first by default.

    Where all gradients have the shapes of the parameters, layout, biases and container are known:
    from then on, only labels and outputs vary. All calls together have the time limit of one.
    """
    began = time.perf_counter()
    known: Form | None = None
    for form in forms:
        if known and not _differ_in_labels_only(form, known):
            continue
        if time.perf_counter() - began > seconds:
            break
        function = CheckedFunction(f, form, seconds)
        on = problem or problems(form.outputs)[0]
        try:
            called = function.call(on)
        except Refusal as refusal:
            yield Try(function, on, None, refusal)
            if refusal.reason in WHATEVER_IS_GIVEN:
                break
            continue
        if known is None and fits(called, on):
            known = form
        yield Try(function, on, called)


def _differ_in_labels_only(form: Form, other: Form) -> bool:
    """Whether two forms have one layout, biases and container."""
    return (form.layout, form.biases, form.container) == (
        other.layout, other.biases, other.container)  # fmt: skip


def fits(called: Called, problem: Problem) -> bool:
    """Whether there are gradients of both weights, and all have the shapes of the parameters."""
    shapes = {name: getattr(problem.params, theta).shape
              for name, theta in (*GRADIENTS.items(), *UPDATED.items())}  # fmt: skip
    values = called.outputs.values
    found = [name for name in shapes if name in values]
    weights = {name.removeprefix("new ").removeprefix("d") for name in found} >= {"W1", "W2"}
    return weights and all(values[name].shape == shapes[name] for name in found)
