"""Faults about the L2 penalty, in the loss and in its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from backhand.doctor.faults.fault import Fault, Need, fault
from backhand.formulas import LINES, Line

SQUARES = "((W1**2).sum() + (W2**2).sum())"


class Penalty(NamedTuple):
    """Another penalty: its terms in the loss and in the weights' gradients, or None."""

    what: str
    loss: str | None
    loss_message: str
    gradient: str | None
    gradient_message: str


PENALTIES = (
    Penalty("missing", "", "the penalty is left out",
            "", "the penalty's gradient l2 · {W} is missing"),
    Penalty("doubled", f" + l2 * {SQUARES}", "the penalty lacks its factor 1/2",
            " + 2 * l2 * {W}", "the penalty counts twice: l2 · {W} was to be added"),
    Penalty("halved", None, "",
            " + l2 / 2 * {W}", "the penalty counts half: l2 · {W} was to be added"),
    Penalty("by_N", f" + l2 / (2 * N) * {SQUARES}", "the penalty is divided by N",
            " + l2 * {W} / N", "the penalty is divided by N"),
    Penalty("doubled_by_N", f" + l2 / N * {SQUARES}",
            "the penalty is divided by N, and lacks its factor 1/2", None, ""),
    Penalty("no_l2", f" + 1 / 2 * {SQUARES}", "the penalty's factor l2 is missing",
            " + {W}", "the penalty's factor l2 is missing"),
    Penalty("doubled_no_l2", f" + {SQUARES}", "the penalty's factor l2 / 2 is missing", None, ""),
    Penalty("subtracted", f" - l2 / 2 * {SQUARES}", "the penalty is subtracted",
            " - l2 * {W}", "the penalty is subtracted"),
    Penalty("W1_only", " + l2 / 2 * (W1**2).sum()", "the penalty takes W1 alone", None, ""),
    Penalty("W2_only", " + l2 / 2 * (W2**2).sum()", "the penalty takes W2 alone", None, ""),
    Penalty("of_half_norms", " + l2 / 2 * (norm(W1) + norm(W2))",
            "the penalty takes the norms, not their squares",
            " + l2 / 2 * {W} / norm({W})", "the penalty is half the norm, not its square"),
    Penalty("of_norms", " + l2 * (norm(W1) + norm(W2))",
            "the penalty takes the norms, not their squares",
            " + l2 * {W} / norm({W})", "the penalty is the norm, not its square"),
    Penalty("of_absolute_values", " + l2 * (abs(W1).sum() + abs(W2).sum())",
            "the penalty is that of the absolute values",
            " + l2 * sign({W})", "the penalty is that of the absolute values"),
    Penalty("squared", None, "", " + l2 * {W}**2", "the penalty's gradient is squared"),
    Penalty("times_N", None, "", " + l2 * {W} * N", "the penalty is multiplied by N"),
    Penalty("three_times", None, "", " + 3 * l2 * {W}",
            "the penalty is added three times, once for each part of the rows"),
    Penalty("no_weights", None, "", " + l2", "l2 is added, without {W}"),
)  # fmt: skip
"""In place of λ/2 (‖W1‖² + ‖W2‖²) and of λW."""

NEEDED = (Need.PENALTY,)


def penalty_faults() -> Iterator[Fault]:
    """Faults of one line."""
    for name, W in (("dW2", "W2"), ("dW1", "W1")):
        for one in PENALTIES:
            if one.gradient is not None:
                line = Line(LINES[name].data, one.gradient.format(W=W))
                message = one.gradient_message.format(W=W)
                yield fault(name, f"penalty.{one.what}", line, message, needs=NEEDED)
        yield fault(name, "scale.mean_twice.with_penalty", LINES[name].within("({0}) / N"),
                    "1/N stands once more, for the penalty too", needs=NEEDED)  # fmt: skip
    biases = f" + l2 / 2 * ({SQUARES} + (b1**2).sum() + (b2**2).sum())"
    says = "the penalty takes in the biases"
    for one in (*PENALTIES, Penalty("with_biases", biases, says, None, "")):
        if one.loss is not None:
            yield fault("L", f"penalty.{one.what}", Line(LINES["L"].data, one.loss),
                        one.loss_message, needs=NEEDED)  # fmt: skip
            yield fault(
                "L", f"penalty.{one.what}.no_mean", Line("-(Y * log(P)).sum()", one.loss),
                f"the sum over the rows stands for their mean, and {one.loss_message}",
                needs=NEEDED,
            )  # fmt: skip
