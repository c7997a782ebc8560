"""Asking a function: it is called on every problem, and what it answers is put under its names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.function import Called, Patient, Refusal
from backhand.doctor.probe.outputs import as_updated
from backhand.doctor.probe.problems import ETA, Problem, problems, square_problems
from backhand.formulas import GRADIENTS, LINES, derive

MOSTLY = 0.7
"""From this share of W1 on, what was returned is taken for a new W1, not for its gradient."""

CROSSED = {"dW1": "dW2", "db1": "db2", "dW2": "dW1", "db2": "db1"}


@dataclass
class History:
    """The calls that were answered, and what came in their way."""

    calls: list[tuple[Problem, Called]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """How many different problems were answered."""
        return len({problem.name for problem, _ in self.calls})


def ask(patient: Patient) -> History:
    """Call on all problems; on equal sizes, if it cannot do with unequal ones."""
    history = History()
    for wanted in (
        problems(),
        square_problems(all_sizes=False),
        square_problems(all_sizes=True),
    ):
        for problem in wanted:
            try:
                history.calls.append((problem, patient.call(problem)))
            except Refusal as refusal:
                history.refusals.append(refusal)
                if not history.calls or isinstance(refusal.__cause__, TimeoutError):
                    break
        if history.calls or not isinstance(history.refusals[0].__cause__, Exception):
            break
        if isinstance(history.refusals[0].__cause__, TimeoutError):
            break
    return history


def taken_otherwise(patient: Patient, history: History) -> tuple[Patient, History]:
    """A function that refuses may be written for another layout, for indices, or for a dict.

    If it answers all problems then, that is how it is taken.
    """
    if isinstance(history.refusals[0].__cause__, TimeoutError):
        return patient, history
    changes: list[dict[str, Any]] = [{"layout": "linear"}, {"layout": "columns"}]
    if patient.takes_one_hot:
        changes.insert(0, {"indices": True})
    if patient.takes_params:
        changes.insert(0, {"keyed": True})
    for change in changes:
        other = replace(patient, kind=None, **change)
        tried = History()
        try:
            tried.calls += [(problem, other.call(problem)) for problem in problems()]
        except Refusal:
            continue
        return other, tried
    return patient, history


def exchanged(history: History) -> bool:
    """Put exchanged gradients of the two layers, as their shapes tell, in their places."""
    found = False
    for problem, called in history.calls:
        values = called.answer.values
        if not set(values) >= set(GRADIENTS):
            continue
        shapes = {f"d{name}": value.shape for name, value in problem.params._asdict().items()}
        crossed = [name for name in GRADIENTS if values[CROSSED[name]].shape == shapes[name]]
        if {"dW1", "dW2"} <= set(crossed) and values["dW1"].shape != shapes["dW1"]:
            names = GRADIENTS if len(crossed) == len(GRADIENTS) else ("dW1", "dW2")
            values.update({name: values[CROSSED[name]] for name in names})
            found = True
    return found


def flattened(history: History) -> bool:
    """Give gradients of weights that are vectors the shape of the weights."""
    found = False
    for problem, called in history.calls:
        values = called.answer.values
        for name in ("dW1", "dW2"):
            weights = getattr(problem.params, name.removeprefix("d"))
            if name in values and values[name].shape == (weights.size,):
                values[name] = values[name].reshape(weights.shape)
                found = True
    return found


def evidence_of(patient: Patient, history: History) -> list[Evidence]:
    """The answers, each with what it may remember of the call before."""
    found: list[Evidence] = []
    updated = _returns_parameters(patient, history)
    for problem, called in history.calls:
        given = problem.values(patient.l2, ETA)
        if not patient.takes_eta:
            del given["eta"]
        observed = dict(called.answer.values)
        if updated:
            given["eta"] = ETA
            explicit = {n: v for n, v in observed.items() if n not in called.answer.bare}
            observed = explicit | as_updated(
                called.answer.bare or {n: observed[n] for n in GRADIENTS if n in observed}
            )
        observed = {name: observed[name] for name in LINES if name in observed}
        if found and found[-1].given["N"] == given["N"]:
            found.append(found[-1].next(given, problem.name, observed))
        else:
            found.append(Evidence(problem.name, given, observed))
    return found


def _returns_parameters(patient: Patient, history: History) -> bool:
    """Whether what came under the parameters' names, or in their order, is a step on."""
    if not patient.takes_eta:
        return False
    for problem, called in history.calls[:2]:
        answer = called.answer
        value = answer.bare.get("dW1", answer.values.get("dW1"))
        W1 = problem.params.W1
        if value is None or value.shape != W1.shape or not np.isfinite(value).all():
            return False
        if "dW1" in answer.bare and answer.values["dW1"] is not answer.bare["dW1"]:
            return True
        share = np.sum(value * W1) / np.sum(W1 * W1)  # of W1 in it; a gradient has little
        if share < MOSTLY and not ("dW1" in answer.bare and _is_a_step(patient, called, problem)):
            return False
    return True


def _is_a_step(patient: Patient, called: Called, problem: Problem) -> bool:
    """Whether bare names hold -η dθ: a step that forgot where it started."""
    right = derive(problem.values(patient.l2, ETA), {}, {})[0]
    return alike(-ETA * right["dW1"], called.answer.bare["dW1"], 1e-4)
