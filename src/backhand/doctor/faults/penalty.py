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


def penalties(network: Network) -> tuple[Penalty, ...]:
    """What is written instead of a network's penalty."""
    if network.penalty == "half":
        return (*PENALTIES, *_further("l2"))
    fields = pieces(network)
    of_loss, of_weights = fields["l2 of loss"], fields["l2 of weights"]
    loss, gradient = f" + {of_loss} * {SQUARES}", f" + {of_weights} * {{W}}"
    is_expected = f": {of_weights} · {{W}} is expected"
    kept = (
        one._replace(loss=one.loss and one.loss.replace("l2 / 2", of_loss))
        for one in PENALTIES
        if one.what in ("missing", "W1_only", "W2_only", "of_half_norms", "of_norms",
                        "of_absolute_values")
    )  # fmt: skip
    return (
        *kept,
        Penalty("doubled", f" + 2 * {of_loss} * {SQUARES}", "the penalty is doubled",
                f" + 2 * {of_weights} * {{W}}", f"the penalty is doubled{is_expected}"),
        Penalty("halved", f" + {of_loss} / 2 * {SQUARES}", "the penalty is halved",
                f" + {of_weights} / 2 * {{W}}", f"the penalty is halved{is_expected}"),
        Penalty("times_N", f"{loss} * N", "the penalty is not divided by N"
                if network.penalty == "by_N" else "the penalty is multiplied by N",
                f"{gradient} * N", "the penalty is not divided by N"
                if network.penalty == "by_N" else "the penalty is multiplied by N"),
        Penalty("by_N", f"{loss} / N", "the penalty is divided by N",
                f"{gradient} / N", "the penalty is divided by N"),
        Penalty("no_l2", loss.replace("l2", "1"), "the penalty's factor l2 is missing",
                gradient.replace("l2", "1"), "the penalty's factor l2 is missing"),
        Penalty("subtracted", loss.replace("+", "-", 1), "the penalty is subtracted",
                gradient.replace("+", "-", 1), "the penalty is subtracted"),
        Penalty("squared", None, "", f"{gradient}**2", "the penalty's gradient is squared"),
        Penalty("signs", None, "", f" + {of_weights} * sign({{W}})",
                "the penalty's gradient is that of the absolute values"),
        Penalty("no_weights", None, "", f" + {of_weights}",
                f"{of_weights} is added instead of {of_weights} · {{W}}"),
        *_further(of_weights),
    )  # fmt: skip


def _further(of_weights: str) -> Iterator[Penalty]:
    for size in ("H", "d", "K"):
        yield Penalty(f"by_{size}", None, "", f" + {of_weights} / {size} * {{W}}",
                      f"the penalty is divided by {size}")  # fmt: skip


def penalty_faults(network: Network) -> Iterator[Fault]:
    """Faults of one line."""
    fields = pieces(network)
    for name, W in (("dW2", "W2"), ("dW1", "W1")):
        for one in penalties(network):
            if one.gradient is not None:
                line = Line(network.lines[name].data, one.gradient.format(W=W))
                message = one.gradient_message.format(W=W)
                yield fault(network, name, f"penalty.{one.what}", line, message, needs=NEEDED)
        if network.reduction != "sum":
            line = network.lines[name].within("({0}) / N")
            yield fault(network, name, "scale.mean_twice.with_penalty", line,
                        "1/N is applied twice, to the penalty too", needs=NEEDED)  # fmt: skip
        of_weights = fields["l2 of weights"]
        yield fault(network, name, "penalty.alone", Line(f"{of_weights} * {W}"),
                    "the penalty's gradient replaces the rest: = instead of +=",
                    needs=NEEDED)  # fmt: skip
        for what, instead, message in (
            ("of_positive_weights", "abs({W})", "has the absolute values of {W}"),
            ("times_norm", "{W} * norm({W})", "is multiplied by the norm of {W}"),
        ):
            line = Line(network.lines[name].data, f" + {of_weights} * {instead.format(W=W)}")
            yield fault(network, name, f"penalty.{what}", line,
                        f"the penalty's gradient {message.format(W=W)}", needs=NEEDED)  # fmt: skip
    of_loss = fields["l2 of loss"]
    for what, instead in (("b1_for_W2", "(W1**2).sum() + (b1**2).sum()"),
                          ("b2_for_W1", "(b2**2).sum() + (W2**2).sum()"),
                          ("W1_twice", "2 * (W1**2).sum()"), ("W2_twice", "2 * (W2**2).sum()"),
                          ("of_biases", "(b1**2).sum() + (b2**2).sum()")):  # fmt: skip
        yield fault(network, "L", f"penalty.{what}",
                    Line(network.lines["L"].data, f" + {of_loss} * ({instead})"),
                    "the penalty is of other parameters than W1 and W2", needs=NEEDED)  # fmt: skip
    biases = f" + {of_loss} * ({SQUARES} + (b1**2).sum() + (b2**2).sum())"
    message = "the penalty includes the biases"
    for one in (*penalties(network), Penalty("with_biases", biases, message, None, "")):
        if one.loss is not None:
            line = Line(network.lines["L"].data, one.loss)
            yield fault(network, "L", f"penalty.{one.what}", line,
                        one.loss_message, needs=NEEDED)  # fmt: skip
            yield fault(network,
                "L", f"penalty.{one.what}.no_mean", Line(fields["loss"], one.loss),
                f"sums over the rows instead of averaging, and {one.loss_message}",
                needs=NEEDED,
            )  # fmt: skip
