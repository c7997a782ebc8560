"""Faults in the update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backhand.doctor.faults.fault import Fault, fault, number
from backhand.doctor.frame.network import Network
from backhand.formulas import UPDATED

UPDATE = (
    ("sign.uphill", "{W} + eta * d{W}", "the gradient is added: the step goes uphill"),
    ("missing.step", "{W}", "not updated"),
    ("scale.no_eta", "{W} - d{W}", "the learning rate is missing"),
    ("scale.eta_twice", "{W} - eta**2 * d{W}", "the learning rate is applied twice"),
    ("scale.mean_twice", "{W} - eta * d{W} / N", "the step is divided by N"),
    ("scale.doubled", "{W} - 2 * eta * d{W}", "the step is taken twice"),
    ("missing.parameter", "-eta * d{W}", "the parameter is missing: this is the step alone"),
    ("penalty.shrunk_by_eta", "(1 - eta) * {W} - eta * d{W}",
     "the parameter is shrunk by the learning rate"),
    ("function.sign", "{W} - eta * sign(d{W})", "only the sign of the gradient is used"),
    ("operand.parameter_for_gradient", "{W} - eta * {W}",
     "the parameter is used instead of its gradient"),
    ("operand.exchanged", "d{W} - eta * {W}", "parameter and gradient are exchanged"),
    ("factor.parameter", "{W} * (1 - eta * d{W})",
     "the gradient is multiplied by the parameter"),
    ("penalty.twice", "{W} - eta * (d{W} + l2 * {W})",
     "the penalty's gradient is added twice"),
    ("scale.over_eta", "{W} - d{W} / eta", "divided by the learning rate"),
    ("clip.unit_length", "{W} - eta * d{W} / norm(d{W})", "the gradient is scaled to length 1"),
    ("function.absolute", "{W} - eta * abs(d{W})", "the absolute value of the gradient is used"),
)  # fmt: skip
"""Instead of {W} - eta * d{W}, for one parameter or for all."""

BIASES = (
    ("missing.step", "{W}", "the biases are not updated"),
    ("scale.no_eta", "{W} - d{W}", "the learning rate is missing for the biases"),
    ("sign.uphill", "{W} + eta * d{W}",
     "the gradient is added to the biases: their step goes uphill"),
    ("reduction.mean_of_gradient", "{W} - eta * d{W}.mean()",
     "the mean of the gradient is used for all biases"),
)  # fmt: skip
"""The same for both biases."""

OF_ONE = (
    ("new b2", "operand.db1_for_db2", "b2 - eta * db1", "updated with db1 of the other layer"),
    ("new b1", "operand.db2_for_db1", "b1 - eta * db2", "updated with db2 of the other layer"),
    ("new b2", "operand.first_entries_of_db1", "b2 - eta * db1[:K]",
     "updated with the first entries of db1"),
    ("new b2", "operand.sum_of_db1", "b2 - eta * db1.sum()", "updated with the sum of db1"),
    ("new b2", "operand.mean_of_db1", "b2 - eta * db1.mean()", "updated with the mean of db1"),
)  # fmt: skip

NORM = "sqrt((dW1**2).sum() + (db1**2).sum() + (dW2**2).sum() + (db2**2).sum())"

CLIPPED = tuple(
    (f"clip.norm_{number(most)}{guarded}",
     f"{{W}} - eta * d{{W}} * minimum(1, {most} / ({NORM}{guard}))",
     f"the gradients are clipped to a norm of {most}")
    for most in ("5", "1", "0.5", "0.1", "0.01")
    for guarded, guard in (("", ""), ("_guarded_1e-6", " + 1e-6"), ("_guarded_1e-12", " + 1e-12"))
)  # fmt: skip

OPTIMIZERS = (
    ("penalty.decay", "{W} - eta * d{W} - c * {W}",
     "the parameters are shrunk as well: weight decay"),
    ("accumulation.momentum", "{W} - eta * d{W} + c * (last.new_{W} - before.{W})",
     "the step of the previous call is added: momentum"),
    ("function.adam", "{W} - eta * d{W} / (abs(d{W}) + 1e-8)", "the step is Adam's"),
)  # fmt: skip
"""Steps of other optimizers."""


def _lines(code: str, parameters: str) -> dict[str, str]:
    """The same line for some parameters."""
    return {name: code.format(W=W) for name, W in UPDATED.items() if W in parameters.split()}


def _of_several(network: Network, what: str, lines: Mapping[str, str], message: str) -> Fault:
    (name, line), *others = lines.items()
    return fault(network, name, what, line, message, dict(others))


ALL, BOTH_BIASES, BOTH_WEIGHTS = "W1 b1 W2 b2", "b1 b2", "W1 W2"


def update_faults(network: Network) -> Iterator[Fault]:
    """Faults of the step, the usual ones first."""
    for name, W in UPDATED.items():
        for what, code, message in UPDATE:
            if W == "W1":
                yield _of_several(
                    network, what, _lines(code, ALL), f"{message}, for all parameters"
                )
            yield fault(network, name, f"{what}.{W}", code.format(W=W), f"{message} ({W})")
    for what, code, message in BIASES:
        yield _of_several(network, f"{what}.biases", _lines(code, BOTH_BIASES), message)
        if what.startswith("reduction"):
            for name in ("new b1", "new b2"):
                W = UPDATED[name]
                yield fault(network, name, f"{what}.{W}", code.format(W=W), f"{message} ({W})")
    for name, what, code, message in OF_ONE:
        yield fault(network, name, what, code, message)
    for what, code, message in (*CLIPPED, *OPTIMIZERS):
        yield _of_several(network, what, _lines(code, ALL), message)
    decay = "{W} - eta * d{W} - c * {W}"
    yield _of_several(network, "penalty.decay.weights", _lines(decay, BOTH_WEIGHTS),
                      "the weights are shrunk as well: weight decay")  # fmt: skip
    yield fault(network, "new W1", "scale.own_rate_of_layer_1", "W1 - c * dW1",
                "the first layer has a different learning rate",
                {"new b1": "b1 - c * db1"})  # fmt: skip
