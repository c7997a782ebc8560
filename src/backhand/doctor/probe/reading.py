"""Reading one call: what was returned or changed in place, in the layout of the equations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.form import Form
from backhand.doctor.probe.arrays import as_array, canonical, given, shapes_of
from backhand.doctor.probe.names import THETA
from backhand.doctor.probe.outputs import Arrays, Outputs, read
from backhand.doctor.probe.problems import Problem
from backhand.doctor.probe.rates import rates
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.probe.trace import Trace
from backhand.formulas import GRADIENTS, UPDATED

STEP = "a step"
"""The reading of a step that was made in place, or whose learning rate is in the code."""


@dataclass(frozen=True)
class Reader:
    """Reads a call on one problem in one form.

    Attributes
    ----------
    problem : Problem
    form : Form
    steps : bool
        Whether the function takes a learning rate, so that it may change its parameters.
    forward : bool
        Whether values of the forward pass are an answer without names too, and the loss alone.
    trace : Trace
        What was recorded of the call.
    """

    problem: Problem
    form: Form
    steps: bool
    forward: bool
    trace: Trace = field(default_factory=Trace)

    def read(
        self, returned: Any, passed: dict[str, Any], after: dict[str, Any]
    ) -> tuple[list[Outputs], Arrays]:
        """What the call may mean, the likeliest first, and the inputs that it changed in place.

        Parameters
        ----------
        returned : object
        passed : dict
            The arrays that were passed, by name.
        after : dict
            The parameters that the function's arguments hold after the call.

        Raises
        ------
        Refusal
            If there is neither a gradient nor anything else to judge.
        """
        before = given(self.problem, self.form)
        changed = _changed(passed, before)
        readings, refusal = self._readings(returned, forward=self.forward)
        stepped = self._stepped(returned, readings, before, after)
        if stepped:
            readings = stepped
            changed = {name: value for name, value in changed.items() if name not in THETA}
        elif refusal:
            raise refusal
        elif not self.steps and (same := _as_given(readings[0], before)):
            raise Refusal(
                Reason.RETURNS_INPUTS,
                f"it returns {', '.join(same)} as it was given them; there are no gradients in "
                "what it returns",
            )
        form = self.form
        return [_canonical(one, form) for one in readings], {
            name: canonical(name, value, form) for name, value in changed.items()
        }

    def _stepped(
        self, returned: Any, readings: list[Outputs], before: Arrays, after: dict[str, Any]
    ) -> list[Outputs]:
        """The call as a step that was made in place, or whose rate is in the code; or nothing."""
        theta = {name: as_array(name, after[name]) for name in THETA if name in after}
        in_place = bool(_changed(theta, before)) and all(
            one.forward_only or _holds(one, theta) for one in readings
        )
        if not in_place and (self.steps or not readings):
            return []
        now = theta if in_place else _new(readings[0], before)
        found = [None] if self.steps else rates(self.trace, before, now)
        beside = {}
        if not in_place or any(one.forward_only for one in readings):
            beside = readings[0].values
        elif not readings:
            others = self._readings(returned, forward=True)[0]
            beside = others[0].values if others else {}
        values = {name: value for name, value in beside.items() if name not in (*GRADIENTS, *now)}
        values |= {f"new {name}": value for name, value in now.items()}
        return [Outputs(values, [], {}, f"{STEP}, rate {rate}", rate=rate) for rate in found]

    def _readings(self, returned: Any, *, forward: bool) -> tuple[list[Outputs], Refusal | None]:
        try:
            return read(returned, shapes_of(self.problem, self.form), forward=forward), None
        except Refusal as refusal:
            return [], refusal


def _changed(arrays: dict[str, Any], before: Arrays) -> Arrays:
    """The arrays that are not as they were."""
    now = {name: as_array(name, value) for name, value in arrays.items()}
    return {name: value for name, value in now.items() if not _same(value, before[name])}


def _same(now: NDArray[Any], before: NDArray[Any]) -> bool:
    return now.shape == before.shape and np.array_equal(now, before.astype(now.dtype))


def _as_given(outputs: Outputs, before: Arrays) -> list[str]:
    """The names of parameters that are all that was returned, unchanged."""
    names = {name.removeprefix("d"): value for name, value in outputs.bare.items()
             if outputs.values.get(name) is value}  # fmt: skip
    if len(names) < len(outputs.bare) or not all(
        _same(value, before[name]) for name, value in names.items()
    ):
        return []
    return [*names]


def _holds(outputs: Outputs, theta: Arrays) -> bool:
    """Whether all that was returned under the parameters' names is what these hold now."""
    now = {name.removeprefix("d"): value for name, value in outputs.bare.items()}
    explicit = GRADIENTS.keys() & outputs.values.keys() - outputs.bare.keys()
    return (
        bool(now)
        and not explicit
        and all(name in theta and _same(value, theta[name]) for name, value in now.items())
    )


def _new(outputs: Outputs, before: Arrays) -> Arrays:
    """What may be new parameters, of those that were returned: both weights in their shapes."""
    now = {name.removeprefix("d"): value for name, value in outputs.bare.items()
           if outputs.values.get(name) is value}  # fmt: skip
    now |= {W: outputs.values[name] for name, W in UPDATED.items() if name in outputs.values}
    fitting = {name for name, value in now.items() if value.shape == before[name].shape}
    return now if fitting >= {"W1", "W2"} else {}


def _canonical(outputs: Outputs, form: Form) -> Outputs:
    """The same in the layout of the equations; what is one array stays one."""
    biases = {value.ndim for name, value in outputs.values.items() if name[-2:] in ("b1", "b2")}
    if form.biases == "row" and len(biases) > 1:  # in one of them the dimension is kept by mistake
        form = replace(form, biases="flat")
    values = {name: canonical(name, value, form) for name, value in outputs.values.items()}
    bare = {
        name: values[name] if outputs.values.get(name) is value else canonical(name, value, form)
        for name, value in outputs.bare.items()
    }
    return outputs._replace(values=values, bare=bare)
