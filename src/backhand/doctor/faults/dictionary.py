"""The dictionary: all faults, each as code that is computed instead of an equation.

In the lines, `c` is a number that is found by least squares; `before` holds the values of the call
before, `last` what the function returned there, and `first` the values of the first call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from backhand.doctor.faults.averaged_later import averaged_later
from backhand.doctor.faults.backward import BACKWARD_LINES, backward_faults
from backhand.doctor.faults.families import with_derivative
from backhand.doctor.faults.fault import Fault, fault
from backhand.doctor.faults.forward import CLIPPED, bounded, forward_faults, overwritten_faults
from backhand.doctor.faults.penalty import penalty_faults
from backhand.doctor.faults.pieces import bare, pieces
from backhand.doctor.faults.sizes import narrow_faults, resized_faults
from backhand.doctor.faults.update import update_faults
from backhand.doctor.frame.network import REFERENCE, Network
from backhand.formulas import GRADIENTS, UPDATED, Line

NEXT = 1e-3
"""What a fault is less usual than the one listed before it."""

FURTHER_LINE = 0.1
"""What each line beside the first takes off."""

FITTED = 10.0
"""What a number that has to be found takes off."""


@cache
def dictionary(network: Network = REFERENCE) -> tuple[Fault, ...]:
    """All faults of a network; their ids are unique, and none is its equations."""
    if network.averaged == "gradients":
        return tuple(averaged_later(network, dictionary(replace(network, averaged="dS"))))
    found: dict[str, Fault] = {}
    seen: set[object] = set()
    for prior, faults in (
        (0.0, forward_faults(network)),
        (-0.2, backward_faults(network)),
        (20.0, update_faults(network)),  # where new parameters are seen, nearer than a gradient's
        (-0.6, penalty_faults(network)),
        (-0.7, bounded(network, CLIPPED)),
        (-0.8, resized_faults(network, found)),
        (-1.1, narrow_faults(network)),
        (-1.2, overwritten_faults(network)),
        (-1.3, _memory(network)),
        (-1.4, _fitted(network)),
        (-0.6, with_derivative(network, found)),
    ):
        for place, one in enumerate(faults):
            assert one.id not in found, one.id
            lines = _same(one)
            if lines in seen or not _is_possible(network, one):
                continue
            seen.add(lines)
            less = NEXT * place + FURTHER_LINE * (len(one.lines) - 1)
            step = prior if not one.fitted else min(prior, 0.0) - FITTED
            found[one.id] = replace(one, prior=step - less)
    return tuple(found.values())


def _same(one: Fault) -> object:
    """Equal for faults with the same lines."""
    lines = ((name, bare(line.code(penalty=True))) for name, line in one.lines.items())
    return frozenset(lines), one.returned


def _is_possible(network: Network, one: Fault) -> bool:
    """Whether its lines are the network's, read what there is, and differ from the equation."""
    if not one.lines or one.equation != one.id.partition(".")[0]:
        return False
    right = network.lines[one.name].code(penalty=True)
    if not one.returned and bare(one.line.code(penalty=True)) == bare(right):
        return False
    return network.biases or not one.reads & {"b1", "b2", "db1", "db2"}


def _memory(network: Network) -> Iterator[Fault]:
    """What is kept from call to call."""
    for names, end, message in (
        (("dW2", "db2", "dW1", "db1"), "all_gradients", "as are all gradients"),
        (("dW2", "dW1"), "both_weights", "as is dW1"),
        (("db2", "db1"), "both_biases", "as is db1"),
    ):
        lines = {
            name: _added(network, name, f"last.{name}") for name in names if name in network.lines
        }
        if not lines:
            continue
        first = names[0]
        yield fault(network, first, f"accumulation.{end}", lines.pop(first),
                    f"added to the result of earlier calls, {message}", lines)  # fmt: skip
    for name in (name for name in GRADIENTS if name in network.lines):
        yield fault(network, name, "accumulation.alone", _added(network, name, f"last.{name}"),
                    "added to the result of earlier calls")  # fmt: skip
        yield fault(
            network,
            name,
            "stale.result",
            Line(f"last.{name}"),
            "the value of the previous call is used",
        )
        yield fault(network, name, "accumulation.share", _added(network, name, f"c * last.{name}"),
                    "a fraction of the previous result is added")  # fmt: skip
    for name in ("Z1", "H1", "S", "P", "dS", "dH1", "dZ1"):
        yield fault(
            network, name, "stale.value", f"before.{name}", "the value of the previous call is used"
        )


def _added(network: Network, name: str, term: str) -> Line:
    return network.lines[name].within(f"{{0}} + {term}")


def _fitted(network: Network) -> Iterator[Fault]:
    """With a number that the equations do not have."""
    lines = network.lines
    for name in (name for name in BACKWARD_LINES if name in lines):
        yield fault(network, name, "factor.unknown", network.lines[name].within("c * ({0})"),
                    "there is an extra factor")  # fmt: skip
    for name in ("dW2", "dW1"):
        line = Line(f"{lines[name].data} + c * {GRADIENTS[name]}")
        yield fault(network, name, "penalty.unasked", line,
                    "an extra penalty is added")  # fmt: skip
    for name in ("db2", "db1") if network.biases else ():
        line = Line(f"{lines[name].data} + c * {GRADIENTS[name]}")
        yield fault(network, name, "penalty.unasked", line,
                    "a penalty is added to the bias")  # fmt: skip
    fields = pieces(network)
    if "squared" not in network.loss:
        mean = fields["mean"]
        yield fault(network, "dS", "labels.not_1", f"c * (P - Y){mean} + (1 - c) * P{mean}",
                    "the one-hot entries are not 1")  # fmt: skip
    loss = "(Y * log(P)).sum()" if network.loss == "cross_entropy" else fields["loss"]
    yield fault(network, "L", "factor.unknown", Line(f"c * {loss}"), "there is an extra factor")
    for name, W in UPDATED.items():
        yield fault(network, name, f"scale.another_step.{W}", f"{W} - c * d{W}",
                    f"the step of {W} has a different size")  # fmt: skip
