"""Calling a function on every problem, and putting what it returned under its names."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.form import Biases
from backhand.doctor.frame.network import REFERENCE, Network
from backhand.doctor.probe.differences import step_of
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.function import Called, CheckedFunction
from backhand.doctor.probe.outputs import Outputs, as_updated
from backhand.doctor.probe.problems import ETA, Problem, problems
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.formulas import GRADIENTS, UPDATED, derive

SATURATED = 15.0
"""Size of a logit from which on 1 - sigmoid(S) has too few digits for its logarithm."""

ROUGHLY = 1e-3
"""How near finite differences come to a gradient at least."""

MOSTLY = 0.7
"""From this share of W1 on, the returned array counts as a new W1, not as its gradient."""

NEAR = 1e-6
"""Error of a value that agrees with the equations, relative to its largest entry."""

LARGE_SCORE = 1000.0
"""exp of which is infinite."""

CROSSED = {"dW1": "dW2", "db1": "db2", "dW2": "dW1", "db2": "db1"}

Values = dict[str, NDArray[Any]]


@dataclass
class Calls:
    """The calls that returned gradients, and the refusals of the others."""

    returned: list[tuple[Problem, Called]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    biases: Biases | None = None
    """The shape of all biases that are returned, where it is not that of those given."""

    @property
    def problems(self) -> int:
        """Number of different problems with gradients."""
        return len({problem.name for problem, _ in self.returned})


def call_on(function: CheckedFunction, wanted: Iterable[Problem], first: Called) -> Calls:
    """Call on some problems, on the first of which it was called already.

    A function may remember a call: so the calls that count come one after the other.
    """
    one, *others = wanted
    calls = Calls([(one, first)])
    for problem in others:
        try:
            calls.returned.append((problem, function.call(problem)))
        except Refusal as refusal:
            calls.refusals.append(refusal)
            if refusal.reason is Reason.TIMEOUT:
                break
    return calls


def settled(function: CheckedFunction, calls: Calls, network: Network) -> Calls:
    """The same calls in the reading that agrees best with the equations, the likeliest of several.

    Where all gradients are correct, a value is left out that may have another meaning than its
    name has in that reading: then it is a matter of naming.
    """
    if not calls.returned:
        return calls
    l2 = network.strength or function.l2

    @cache
    def right(place: int, rate: float | None) -> Mapping[str, Any]:
        problem, _ = calls.returned[place]
        return derive(problem.values(l2, rate or ETA), {}, {}, lines=network.lines)[0]

    readings = [one.reading for one in calls.returned[0][1].readings]
    agreed = {
        reading: sum(
            name in values and alike(values[name], value, NEAR)
            for place, (_, called) in enumerate(calls.returned)
            for one in called.readings if one.reading == reading
            for values in [right(place, one.rate)]
            for name, value in one.values.items()
        )
        for reading in readings
    }  # fmt: skip
    best = max(readings, key=lambda reading: agreed[reading])  # the first of equal ones
    found = []
    for place, (problem, called) in enumerate(calls.returned):
        outputs = next((one for one in called.readings if one.reading == best), called.outputs)
        values = right(place, outputs.rate)
        found.append((problem, replace(called, outputs=_without_other_meanings(outputs, values))))
    return replace(calls, returned=found)


def _without_other_meanings(outputs: Outputs, right: Mapping[str, Any]) -> Outputs:
    """Without values of uncertain names that are not as expected, if all gradients are correct."""
    values = outputs.values
    gradients = [name for name in GRADIENTS if name in values]
    correct = {name for name, value in values.items()
               if name in right and alike(right[name], value, NEAR)}  # fmt: skip
    if not gradients or not correct.issuperset(gradients):
        return outputs
    left = {name: value for name, value in values.items()
            if name in correct or name not in outputs.uncertain}  # fmt: skip
    return outputs._replace(values=left)


def finite_differences(function: CheckedFunction, calls: Calls, network: Network) -> Refusal | None:
    """Why there is nothing to judge, if the gradients are finite differences of the loss."""
    for problem, called in calls.returned:
        l2 = network.strength or function.l2
        right = derive(problem.values(l2, ETA), {}, {}, lines=network.lines)[0]
        values = called.outputs.values
        near = any(name in values and alike(right[name], values[name], ROUGHLY)
                   for name in GRADIENTS if name in right)  # fmt: skip
        step = step_of(values, float(right["L"])) if near else None
        if step is not None:
            return Refusal(
                Reason.FINITE_DIFFERENCES,
                f"the gradients are finite differences of the loss, with a step of about {step:.0e}"
                "; the backward pass is still to be written",
            )
    return None


def overflows(function: CheckedFunction) -> str:
    """What goes wrong where one score is far above the others and the gradients are nan.

    "exp" if exp overflowed, "nan" if something else did, "" if nothing.
    """
    smooth = next(one for one in problems(function.form.outputs) if one.kind == "smooth")
    b2 = smooth.params.b2.copy()
    b2[0] += LARGE_SCORE
    try:
        called = function.call(smooth._replace(params=smooth.params._replace(b2=b2)))
    except Refusal:
        return ""
    values = called.outputs.values
    if not any(
        np.isnan(values[name]).any() for name in ("P", *GRADIENTS, *UPDATED) if name in values
    ):
        return ""
    first = next((seen for seen in called.trace.seen if np.isinf(seen.value).any()), None)
    line = linecache.getline(first.file, first.line) if first else ""
    return "nan" if first and "exp" not in line else "exp"


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
    shape, returned = _own_shape_of_biases(returned)
    return (
        Calls(returned, calls.refusals, shape),
        [reason for reason in Reason if reason in found],
    )


def _own_shape_of_biases(
    returned: list[tuple[Problem, Called]],
) -> tuple[Biases | None, list[tuple[Problem, Called]]]:
    """Biases that are all (1, H) or all (H, 1), as (H,): the function keeps its own in that shape.

    One alone is a fault: a dimension that is kept by mistake.
    """
    shapes: tuple[Biases, Biases] = ("row", "column")
    for shape in shapes:
        found = [(problem, _with_flat_biases(problem, called, shape))
                 for problem, called in returned]  # fmt: skip
        flat = [(problem, called) for problem, called in found if called is not None]
        if found and len(flat) == len(found):
            return shape, flat
    return None, returned


def _with_flat_biases(problem: Problem, called: Called, shape: Biases) -> Called | None:
    """The same call with its biases as (H,); None unless all of them have that shape."""
    values = called.outputs.values
    names = [name for name in values if name.removeprefix("new ").removeprefix("d") in ("b1", "b2")]
    for name in names:
        size = getattr(problem.params, name[-2:]).size
        if values[name].shape != ((1, size) if shape == "row" else (size, 1)):
            return None
    if len(names) < 2:
        return None
    bare = called.outputs.bare
    flat = {name: values[name].reshape(-1) for name in names}
    own = {name: flat[name] if name in flat and bare[name] is values[name] else bare[name]
           for name in bare}  # fmt: skip
    return replace(called, outputs=called.outputs._replace(values={**values, **flat}, bare=own))


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
        rate = called.outputs.rate
        given = problem.values(function.l2, rate or ETA)
        if not (function.takes_eta or rate):
            del given["eta"]
        observed = dict(called.outputs.values)
        if updated:
            given["eta"] = ETA
            explicit = {n: v for n, v in observed.items() if n not in called.outputs.bare}
            observed = explicit | as_updated(
                called.outputs.bare or {n: observed[n] for n in GRADIENTS if n in observed}
            )
        observed = {name: observed[name] for name in network.lines if name in observed}
        loose = {"L": np.inf} if "L" in observed and _is_saturated(given, network) else {}
        if found and found[-1].given["N"] == given["N"]:
            found.append(found[-1].next(given, problem.name, observed, loose))
        else:
            found.append(Evidence(problem.name, given, observed, loose, network))
    return found


def _is_saturated(given: Mapping[str, Any], network: Network) -> bool:
    """Whether 1 - P is too inexact to compare the loss with other ways of writing it."""
    if network.loss != "binary_cross_entropy":
        return False
    S = derive(given, {}, {}, ("Z1", "H1", "S"), lines=network.lines)[1]["S"]
    return float(np.abs(S).max()) > SATURATED


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
