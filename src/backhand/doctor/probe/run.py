"""Calling a function on every problem, and putting what it returned under its names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.network import REFERENCE, Network
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.outputs import as_updated
from backhand.doctor.probe.problems import ETA, Problem, problems
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.formulas import GRADIENTS, derive

MOSTLY = 0.7
"""From this share of W1 on, the returned array counts as a new W1, not as its gradient."""

CROSSED = {"dW1": "dW2", "db1": "db2", "dW2": "dW1", "db2": "db1"}

Values = dict[str, NDArray[Any]]


@dataclass
class Calls:
    """The calls that returned gradients, and the refusals of the others."""

    returned: list[tuple[Problem, Called]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """Number of different problems with gradients."""
        return len({problem.name for problem, _ in self.returned})


def call_on_problems(function: CheckedFunction) -> Calls:
    """Call on all problems of unequal sizes; stop if the first call gives no gradients."""
    return call_on(function, problems(function.form.outputs))


def call_on(function: CheckedFunction, wanted: Iterable[Problem]) -> Calls:
    """Call on some problems; stop if the first call gives no gradients."""
    calls = Calls()
    for problem in wanted:
        try:
            calls.returned.append((problem, function.call(problem)))
        except Refusal as refusal:
            calls.refusals.append(refusal)
            if not calls.returned or refusal.reason is Reason.TIMEOUT:
                break
    return calls


def corrected(calls: Calls) -> tuple[Calls, list[Reason]]:
    """The same calls with gradients in their places and shapes, and what had to be corrected."""
    found: dict[Reason, None] = {}
    returned = []
    for problem, called in calls.returned:
        values = called.outputs.values
        for reason, correct in (
            (Reason.LAYERS_EXCHANGED, _exchanged_back),
            (Reason.FLATTENED, _unflattened),
        ):
            other = correct(problem, values)
            if other is not values:
                found[reason], values = None, other
        outputs = called.outputs._replace(values=values)
        returned.append((problem, replace(called, outputs=outputs)))
    return Calls(returned, calls.refusals), [reason for reason in Reason if reason in found]


def _exchanged_back(problem: Problem, values: Values) -> Values:
    """Gradients of the two layers that are exchanged, as their shapes tell, under their names."""
    if not values.keys() >= set(GRADIENTS):
        return values
    shapes = {f"d{name}": value.shape for name, value in problem.params._asdict().items()}
    crossed = [name for name in GRADIENTS if values[CROSSED[name]].shape == shapes[name]]
    if not {"dW1", "dW2"} <= set(crossed) or values["dW1"].shape == shapes["dW1"]:
        return values
    names: Iterable[str] = GRADIENTS if len(crossed) == len(GRADIENTS) else ("dW1", "dW2")
    return values | {name: values[CROSSED[name]] for name in names}


def _unflattened(problem: Problem, values: Values) -> Values:
    """Gradients of weights that are vectors, in the shape of the weights."""
    flat = {
        name: values[name].reshape(weights.shape)
        for name, weights in (("dW1", problem.params.W1), ("dW2", problem.params.W2))
        if name in values and values[name].shape == (weights.size,)
    }
    return values | flat if flat else values


def evidence_of(
    function: CheckedFunction, calls: Calls, network: Network = REFERENCE
) -> list[Evidence]:
    """The outputs as evidence, each with the state that may remain from the previous call."""
    found: list[Evidence] = []
    updated = _returns_parameters(function, calls)
    for problem, called in calls.returned:
        given = problem.values(function.l2, ETA)
        if not function.takes_eta:
            del given["eta"]
        observed = dict(called.outputs.values)
        if updated:
            given["eta"] = ETA
            explicit = {n: v for n, v in observed.items() if n not in called.outputs.bare}
            observed = explicit | as_updated(
                called.outputs.bare or {n: observed[n] for n in GRADIENTS if n in observed}
            )
        observed = {name: observed[name] for name in network.lines if name in observed}
        if found and found[-1].given["N"] == given["N"]:
            found.append(found[-1].next(given, problem.name, observed))
        else:
            found.append(Evidence(problem.name, given, observed, network=network))
    return found


def _returns_parameters(function: CheckedFunction, calls: Calls) -> bool:
    """Whether values under the parameters' names, or in their order, are new parameters."""
    if not function.takes_eta:
        return False
    for problem, called in calls.returned[:2]:
        outputs = called.outputs
        value = outputs.bare.get("dW1", outputs.values.get("dW1"))
        W1 = problem.params.W1
        if value is None or value.shape != W1.shape or not np.isfinite(value).all():
            return False
        if "dW1" in outputs.bare and outputs.values["dW1"] is not outputs.bare["dW1"]:
            return True
        share = np.sum(value * W1) / np.sum(W1 * W1)  # of W1 in it; a gradient has little
        if share < MOSTLY and not ("dW1" in outputs.bare and _is_a_step(function, called, problem)):
            return False
    return True


def _is_a_step(function: CheckedFunction, called: Called, problem: Problem) -> bool:
    """Whether bare names hold -η dθ: a step that forgot where it started."""
    right = derive(problem.values(function.l2, ETA), {}, {})[0]
    return alike(-ETA * right["dW1"], called.outputs.bare["dW1"], 1e-4)
