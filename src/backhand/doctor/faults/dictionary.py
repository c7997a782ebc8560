"""The dictionary: all faults, each as code that is computed instead of an equation.

In the lines, `c` is a number that is found by least squares; `before` holds the values of the call
before, `last` what the function returned there, and `first` the values of the first call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from backhand.doctor.faults.backward import BACKWARD, backward_faults
from backhand.doctor.faults.families import with_derivative
from backhand.doctor.faults.fault import Fault, fault
from backhand.doctor.faults.forward import CLIPPED, bounded, forward_faults, overwritten_faults
from backhand.doctor.faults.penalty import penalty_faults
from backhand.doctor.faults.sizes import narrow_faults, resized_faults
from backhand.doctor.faults.update import update_faults
from backhand.formulas import GRADIENTS, LINES, UPDATED, Line

NEXT = 1e-3
"""What a fault is less usual than the one listed before it."""

FURTHER_LINE = 0.1
"""What each line beside the first takes off."""

FITTED = 10.0
"""What a number that has to be found takes off."""


@cache
def dictionary() -> tuple[Fault, ...]:
    """All faults; their ids are unique."""
    found: dict[str, Fault] = {}
    for prior, faults in (
        (0.0, forward_faults()),
        (-0.2, backward_faults()),
        (20.0, update_faults()),  # where new parameters are seen, nearer than a gradient's
        (-0.6, penalty_faults()),
        (-0.7, bounded(CLIPPED)),
        (-0.8, resized_faults(found)),
        (-1.1, narrow_faults()),
        (-1.2, overwritten_faults()),
        (-1.3, _memory()),
        (-1.4, _fitted()),
        (-0.6, with_derivative(found)),
    ):
        for place, one in enumerate(faults):
            assert one.id not in found, one.id
            less = NEXT * place + FURTHER_LINE * (len(one.lines) - 1)
            step = prior if not one.fitted else min(prior, 0.0) - FITTED
            found[one.id] = replace(one, prior=step - less)
    return tuple(found.values())


def _memory() -> Iterator[Fault]:
    """What is kept from call to call."""
    for names, end, message in (
        (("dW2", "db2", "dW1", "db1"), "all_gradients", "as are all gradients"),
        (("dW2", "dW1"), "both_weights", "as is dW1"),
        (("db2", "db1"), "both_biases", "as is db1"),
    ):
        lines = {name: _added(name, f"last.{name}") for name in names}
        yield fault(names[0], f"accumulation.{end}", lines.pop(names[0]),
                    f"added to the result of earlier calls, {message}", lines)  # fmt: skip
    for name in GRADIENTS:
        yield fault(name, "accumulation.alone", _added(name, f"last.{name}"),
                    "added to the result of earlier calls")  # fmt: skip
        yield fault(
            name, "stale.result", Line(f"last.{name}"), "the value of the previous call is used"
        )
        yield fault(name, "accumulation.share", _added(name, f"c * last.{name}"),
                    "a fraction of the previous result is added")  # fmt: skip
    for name in ("Z1", "H1", "S", "P", "dS", "dH1", "dZ1"):
        yield fault(name, "stale.value", f"before.{name}", "the value of the previous call is used")


def _added(name: str, term: str) -> Line:
    return LINES[name].within(f"{{0}} + {term}")


def _fitted() -> Iterator[Fault]:
    """With a number that the equations do not have."""
    for name in BACKWARD:
        yield fault(name, "factor.unknown", LINES[name].within("c * ({0})"),
                    "there is an extra factor")  # fmt: skip
    for name in ("dW2", "dW1"):
        yield fault(name, "penalty.unasked", Line(f"{LINES[name].data} + c * {GRADIENTS[name]}"),
                    "an extra penalty is added")  # fmt: skip
    for name in ("db2", "db1"):
        yield fault(name, "penalty.unasked", f"{LINES[name].data} + c * {GRADIENTS[name]}",
                    "a penalty is added to the bias")  # fmt: skip
    yield fault("dS", "labels.not_1", "c * (P - Y) / N + (1 - c) * P / N",
                "the one-hot entries are not 1")  # fmt: skip
    yield fault("L", "factor.unknown", Line("c * (Y * log(P)).sum()"),
                "there is an extra factor")  # fmt: skip
    for name, W in UPDATED.items():
        yield fault(name, f"scale.another_step.{W}", f"{W} - c * d{W}",
                    f"the step of {W} has a different size")  # fmt: skip
