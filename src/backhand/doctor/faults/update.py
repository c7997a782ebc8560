"""Mistakes in the update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from backhand.doctor.faults.fault import Mistake, mistake
from backhand.formulas import LINES, UPDATED

UPDATE = (
    ("{W} + eta * d{W}", "the gradient is added: the step goes uphill"),
    ("{W}", "it is not updated"),
    ("{W} - d{W}", "the learning rate is left out"),
    ("{W} - eta**2 * d{W}", "the learning rate is multiplied in twice"),
    ("{W} - eta * d{W} / N", "the step is divided by N once more"),
    ("{W} - 2 * eta * d{W}", "the step is taken twice"),
    ("-eta * d{W}", "it is the step alone, without the parameter"),
    ("(1 - eta) * {W} - eta * d{W}", "the parameter is shrunk by the learning rate"),
    ("{W} - eta * sign(d{W})", "only the sign of the gradient counts"),
    ("{W} - eta * {W}", "the parameter stands for its gradient"),
    ("d{W} - eta * {W}", "parameter and gradient are exchanged"),
    ("{W} * (1 - eta * d{W})", "the gradient is multiplied with the parameter"),
    ("{W} - eta * (d{W} + l2 * {W})", "the penalty's gradient is in the step once more"),
    ("{W} - d{W} / eta", "it is divided by the learning rate"),
    ("{W} - eta * d{W} / norm(d{W})", "the gradient is scaled to length 1"),
    ("{W} - eta * abs(d{W})", "the absolute value of the gradient is taken"),
)
"""Of the update of each parameter, or of all."""


def _relatives(name: str, code: str) -> Mapping[str, str]:
    """The other three lines of an update in which the same mistake is made."""
    mine = name.removeprefix("new ")
    return {other: code.replace(mine, other.removeprefix("new "))
            for other in UPDATED if other != name}  # fmt: skip


def of_updates() -> Iterator[Mistake]:
    """All of them."""
    for name in UPDATED:
        W = name.removeprefix("new ")
        for code, says in UPDATE:
            line = code.format(W=W)
            if name == UPDATED[0]:
                yield mistake(name, line, f"{says}, for all parameters", _relatives(name, line))
            yield mistake(name, line, f"{says} ({W})")
    pairs = {"new b1": "b1", "new b2": "b2"}
    for code, says in (
        ("{W}", "the biases are not updated"),
        ("{W} - d{W}", "the learning rate is left out for the biases"),
        ("{W} + eta * d{W}", "the gradient is added to the biases: their step goes uphill"),
    ):
        lines = {name: code.format(W=W) for name, W in pairs.items()}
        yield Mistake("new b1", lines["new b1"], says, MappingProxyType(lines))
    yield mistake(
        "new W1",
        "W1 - c * dW1",
        "the first layer has a learning rate of its own",
        {"new b1": "b1 - c * db1"},
    )
    yield mistake("new b2", "b2 - eta * db1", "it is updated by db1, of the other layer")
    yield mistake("new b1", "b1 - eta * db2", "it is updated by db2, of the other layer")
    yield mistake("new b2", "b2 - eta * db1[:K]", "it is updated by the first entries of db1")
    yield mistake("new b2", "b2 - eta * db1.sum()", "it is updated by db1's sum")
    yield mistake("new b2", "b2 - eta * db1.mean()", "it is updated by db1's mean")
    total = "sqrt((dW1**2).sum() + (db1**2).sum() + (dW2**2).sum() + (db2**2).sum())"
    for most in ("5", "1", "0.5", "0.1", "0.01"):
        for small in ("", " + 1e-6", " + 1e-12"):
            line = f"W1 - eta * dW1 * minimum(1, {most} / ({total}{small}))"
            lines = {name: line.replace("W1 - eta * dW1", LINES[name]) for name in UPDATED}
            yield Mistake(
                "new W1",
                line,
                f"the gradients are clipped to a norm of {most}",
                MappingProxyType(lines),
            )
    shrunk = "W1 - eta * dW1 - c * W1"
    yield mistake(
        "new W1",
        shrunk,
        "the parameters are shrunk as well: weight decay",
        _relatives("new W1", shrunk),
    )
    yield mistake(
        "new W1",
        shrunk,
        "the weights are shrunk as well: weight decay",
        {"new W2": shrunk.replace("W1", "W2")},
    )
    velocity = "W1 - eta * dW1 + c * (last.new_W1 - before.W1)"
    yield mistake(
        "new W1",
        velocity,
        "the step of the call before is in it: momentum",
        _relatives("new W1", velocity),
    )
    adam = "W1 - eta * dW1 / (abs(dW1) + 1e-8)"
    yield mistake("new W1", adam, "it is Adam's step", _relatives("new W1", adam))
