"""Mistakes about the L2 penalty, in the loss and in its gradients."""

from __future__ import annotations

from collections.abc import Iterator

from backhand.doctor.faults.fault import Mistake, mistake

PENALTY = (
    ("{sum}", "the penalty's gradient l2 · {W} is missing"),
    ("{sum} + 2 * l2 * {W}", "the penalty counts twice: l2 · {W} was to be added"),
    ("{sum} + l2 / 2 * {W}", "the penalty counts half: l2 · {W} was to be added"),
    ("{sum} + {W}", "the penalty's factor l2 is missing"),
    ("{sum} - l2 * {W}", "the penalty is subtracted"),
    ("{sum} + l2 * {W} / N", "the penalty is divided by N"),
    ("({sum} + l2 * {W}) / N", "1/N stands once more, for the penalty too"),
    ("{sum} + l2 * sign({W})", "the penalty is that of the absolute values"),
    ("{sum} + l2 * {W}**2", "the penalty's gradient is squared"),
    ("{sum} + l2 * {W} * N", "the penalty is multiplied by N"),
    ("{sum} + l2 * {W} / norm({W})", "the penalty is the norm, not its square"),
    ("{sum} + 3 * l2 * {W}", "the penalty is added three times, once for each part of the rows"),
    ("{sum} + l2", "l2 is added, without {W}"),
)
"""In place of the sum over rows and l2 times the weights."""


def of_penalties() -> Iterator[Mistake]:
    """All of them."""
    for name, W, bare in (("dW2", "W2", "H1.T @ dS"), ("dW1", "W1", "X.T @ dZ1")):
        for code, says in PENALTY:
            yield mistake(name, code.format(sum=bare, W=W), says.format(W=W))
    data = "-(Y * log(P)).sum() / N"
    squares = "((W1**2).sum() + (W2**2).sum())"
    for tail, says in (
        ("", "the penalty is left out"),
        (f" + l2 * {squares}", "the penalty lacks its factor 1/2"),
        (f" + l2 / (2 * N) * {squares}", "the penalty is divided by N"),
        (f" + l2 / N * {squares}", "the penalty is divided by N, and lacks its factor 1/2"),
        (f" - l2 / 2 * {squares}", "the penalty is subtracted"),
        (f" + 1 / 2 * {squares}", "the penalty's factor l2 is missing"),
        (f" + {squares}", "the penalty's factor l2 / 2 is missing"),
        (" + l2 / 2 * (W1**2).sum()", "the penalty takes W1 alone"),
        (" + l2 / 2 * (W2**2).sum()", "the penalty takes W2 alone"),
        (f" + l2 / 2 * ({squares} + (b1**2).sum() + (b2**2).sum())",
         "the penalty takes in the biases"),
        (" + l2 / 2 * (norm(W1) + norm(W2))", "the penalty takes the norms, not their squares"),
        (" + l2 * (norm(W1) + norm(W2))", "the penalty takes the norms, not their squares"),
        (" + l2 * (abs(W1).sum() + abs(W2).sum())", "the penalty is that of the absolute values"),
    ):  # fmt: skip
        yield mistake("L", data + tail, says)
        yield mistake("L", f"-(Y * log(P)).sum(){tail}",
                       f"the sum over the rows stands for their mean, and {says}")  # fmt: skip
