"""Faults about the L2 penalty, in the loss and in its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from backhand.doctor.faults.fault import Fault, Need, fault
from backhand.doctor.faults.pieces import pieces
from backhand.doctor.frame.network import SQUARES, Network
from backhand.formulas import Line


class Penalty(NamedTuple):
    """Another penalty: its terms in the loss and in the weights' gradients, or None."""

    what: str
    loss: str | None
    loss_message: str
    gradient: str | None
    gradient_message: str


PENALTIES = (
    Penalty("missing", "", "the penalty is missing",
            "", "the penalty's gradient l2 · {W} is missing"),
    Penalty("doubled", f" + l2 * {SQUARES}", "the penalty's factor 1/2 is missing",
            " + 2 * l2 * {W}", "the penalty is doubled: l2 · {W} is expected"),
    Penalty("halved", None, "",
            " + l2 / 2 * {W}", "the penalty is halved: l2 · {W} is expected"),
    Penalty("by_N", f" + l2 / (2 * N) * {SQUARES}", "the penalty is divided by N",
            " + l2 * {W} / N", "the penalty is divided by N"),
    Penalty("doubled_by_N", f" + l2 / N * {SQUARES}",
            "the penalty is divided by N, and its factor 1/2 is missing", None, ""),
    Penalty("no_l2", f" + 1 / 2 * {SQUARES}", "the penalty's factor l2 is missing",
            " + {W}", "the penalty's factor l2 is missing"),
    Penalty("doubled_no_l2", f" + {SQUARES}", "the penalty's factor l2 / 2 is missing", None, ""),
    Penalty("subtracted", f" - l2 / 2 * {SQUARES}", "the penalty is subtracted",
            " - l2 * {W}", "the penalty is subtracted"),
    Penalty("W1_only", " + l2 / 2 * (W1**2).sum()", "the penalty includes W1 only", None, ""),
    Penalty("W2_only", " + l2 / 2 * (W2**2).sum()", "the penalty includes W2 only", None, ""),
    Penalty("of_half_norms", " + l2 / 2 * (norm(W1) + norm(W2))",
            "the penalty uses the norms instead of their squares",
            " + l2 / 2 * {W} / norm({W})", "the penalty is half the norm, not its square"),
    Penalty("of_norms", " + l2 * (norm(W1) + norm(W2))",
            "the penalty uses the norms instead of their squares",
            " + l2 * {W} / norm({W})", "the penalty uses the norm instead of its square"),
    Penalty("of_absolute_values", " + l2 * (abs(W1).sum() + abs(W2).sum())",
            "the penalty is L1 instead of L2",
            " + l2 * sign({W})", "the penalty is L1 instead of L2"),
    Penalty("squared", None, "", " + l2 * {W}**2", "the penalty's gradient is squared"),
    Penalty("times_N", None, "", " + l2 * {W} * N", "the penalty is multiplied by N"),
    Penalty("three_times", None, "", " + 3 * l2 * {W}",
            "the penalty is added three times"),
    Penalty("no_weights", None, "", " + l2", "l2 is added instead of l2 · {W}"),
)  # fmt: skip
"""Instead of λ/2 (‖W1‖² + ‖W2‖²) and of λW."""

NEEDED = (Need.PENALTY,)


def penalty_faults(network: Network) -> Iterator[Fault]:
    """Faults of one line."""
    for name, W in (("dW2", "W2"), ("dW1", "W1")):
        for one in PENALTIES:
            if one.gradient is not None:
                line = Line(network.lines[name].data, one.gradient.format(W=W))
                message = one.gradient_message.format(W=W)
                yield fault(network, name, f"penalty.{one.what}", line, message, needs=NEEDED)
        if network.reduction != "sum":
            line = network.lines[name].within("({0}) / N")
            yield fault(network, name, "scale.mean_twice.with_penalty", line,
                        "1/N is applied twice, to the penalty too", needs=NEEDED)  # fmt: skip
    biases = f" + l2 / 2 * ({SQUARES} + (b1**2).sum() + (b2**2).sum())"
    message = "the penalty includes the biases"
    for one in (*PENALTIES, Penalty("with_biases", biases, message, None, "")):
        if one.loss is not None:
            line = Line(network.lines["L"].data, one.loss)
            yield fault(network, "L", f"penalty.{one.what}", line,
                        one.loss_message, needs=NEEDED)  # fmt: skip
            yield fault(network,
                "L", f"penalty.{one.what}.no_mean", Line(pieces(network)["loss"], one.loss),
                f"sums over the rows instead of averaging, and {one.loss_message}",
                needs=NEEDED,
            )  # fmt: skip
