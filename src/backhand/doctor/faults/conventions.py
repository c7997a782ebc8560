"""Conventions: other ways to be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from backhand.doctor.faults.forward import GUARDED, bounded
from backhand.doctor.faults.penalty import SQUARES
from backhand.formulas import LINES, Line


class Convention(NamedTuple):
    """Lines that are right too.

    `needs_loss`: only where the loss is returned, and has it so as well. `by_library`: only where a
    library computed it; the same line written by hand is a fault.
    """

    id: str
    message: str
    lines: Mapping[str, Line]
    needs_loss: bool = False
    by_library: bool = False


def _penalty(loss: str, gradient: str) -> dict[str, Line]:
    return {
        "L": Line(LINES["L"].data, loss),
        "dW2": Line(LINES["dW2"].data, gradient.format(W="W2")),
        "dW1": Line(LINES["dW1"].data, gradient.format(W="W1")),
    }


CONVENTIONS = (
    Convention(
        "mean_in_gradients",
        "1/N is applied later: dS, dH1 and dZ1 are N times larger, the gradients are divided by N",
        {
            "dS": Line("P - Y"),
            "dW2": Line("H1.T @ dS / N", LINES["dW2"].penalty),
            "db2": Line("dS.sum(axis=0) / N"),
            "dW1": Line("X.T @ dZ1 / N", LINES["dW1"].penalty),
            "db1": Line("dZ1.sum(axis=0) / N"),
        },
    ),
    Convention(
        "penalty_without_half",
        "the penalty is λ‖W‖², without the factor 1/2, in the loss and in the gradients",
        _penalty(f" + l2 * {SQUARES}", " + 2 * l2 * {W}"),
        needs_loss=True,
    ),
    Convention(
        "penalty_by_N",
        "the penalty is λ/(2N) ‖W‖², in the loss and in the gradients",
        _penalty(f" + l2 / (2 * N) * {SQUARES}", " + l2 / N * {W}"),
        needs_loss=True,
    ),
    Convention(
        "half_at_zero",
        "the gradient at Z1 = 0 is 1/2 here and 0 in the equations; both are subgradients",
        {"dZ1": Line("dH1 * ((Z1 > 0) + 0.5 * (Z1 == 0))")},
        by_library=True,
    ),
    *(
        Convention(guard.id, f"{guard.message}: correct to 1e-7", guard.lines)
        for guard in bounded(GUARDED)
    ),
)
"""Other ways to be right."""
