"""Conventions: other ways to be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from backhand.doctor.faults.forward import GUARDED, bounded
from backhand.doctor.faults.pieces import NAMES, bare, pieces
from backhand.doctor.frame.network import REFERENCE, Network, Penalty
from backhand.formulas import Line

GUARDS = ("1e-7", "1e-8", "1e-9", "1e-10", "1e-12", "1e-15")


class Convention(NamedTuple):
    """Lines that are right too.

    `needs_loss`: only where the loss is returned, and has it so as well.
    """

    id: str
    message: str
    lines: Mapping[str, Line]
    needs_loss: bool = False


@cache
def conventions(network: Network = REFERENCE) -> tuple[Convention, ...]:
    """Other ways to be right than a network's equations."""
    return (
        *_mean_in_gradients(network),
        *_penalties(network),
        *_at_zero(network),
        *_guards(network),
        *(Convention(guard.id, f"{guard.message}: correct to 1e-7", guard.lines)
          for guard in bounded(network, GUARDED)),
    )  # fmt: skip


def _guards(network: Network) -> Iterator[Convention]:
    """Numbers so small that they only keep the logarithms of the loss from log 0."""
    fields = pieces(network)
    right = fields["loss"] + fields["mean"]
    for c in GUARDS if "log(" in right else ():
        for what, message, code in (
            ("plus", f"{c} is added before the logarithm of the loss", f"P + {c}"),
            ("above", f"P is {c} or more in the logarithm of the loss", f"maximum(P, {c})"),
            ("within", f"P is clipped to [{c}, 1 - {c}] in the logarithm of the loss",
             f"clip(P, {c}, 1 - {c})"),
        ):  # fmt: skip
            guarded = right.replace("log(P)", f"log({code})").replace(
                "log(1 - P)", f"log(1 - clip(P, {c}, 1 - {c}))"
                if what == "within" else f"log({code.replace('P', '1 - P')})"
            )  # fmt: skip
            yield Convention(f"L.guard.{what}_{c}", message,
                             {"L": Line(guarded, network.lines["L"].penalty)})  # fmt: skip


def _mean_in_gradients(network: Network) -> Iterator[Convention]:
    """1/N where the gradients are summed instead of in dS."""
    fields, lines = pieces(network), network.lines
    mean = fields["mean"]
    if mean and network.averaged == "dS":
        gradients = {
            name: Line(lines[name].data + mean, lines[name].penalty)
            for name in ("dW2", "db2", "dW1", "db1")
            if name in lines
        }
        multiple, times = fields["1/N"], "N" if network.reduction == "mean" else "N·K"
        yield Convention(
            "mean_in_gradients",
            f"{multiple} is applied later: dS, dH1 and dZ1 are {times} times larger, the gradients "
            f"are divided by {times}",
            {"dS": Line(bare(fields["D"])), **gradients},
        )


def _penalties(network: Network) -> Iterator[Convention]:
    """Where λ is an argument, what it multiplies."""
    others: tuple[tuple[Penalty, str, str], ...] = (
        ("full", "penalty_without_half", "the penalty is λ‖W‖², without the factor 1/2"),
        ("by_N", "penalty_by_N", "the penalty is λ/(2N) ‖W‖²"),
    )
    for other, what, message in others:
        lines = replace(network, penalty=other).lines
        if other != network.penalty and not network.strength:
            yield Convention(
                what, f"{message}, in the loss and in the gradients",
                {name: lines[name] for name in ("L", "dW2", "dW1")}, needs_loss=True,
            )  # fmt: skip


def _at_zero(network: Network) -> Iterator[Convention]:
    """Other subgradients where Z1 is 0."""
    masks = {"relu": "(Z1 >= 0)", "leaky_relu": f"where(Z1 >= 0, 1, {network.slope})"}
    if network.activation in masks:
        yield Convention(
            "one_at_zero",
            f"the derivative of {NAMES[network.activation]} at Z1 = 0 is 1 here (>= in the mask) "
            f"and {network.slope:g} in the equations; both are subgradients",
            {"dZ1": Line(f"dH1 * {masks[network.activation]}")},
        )
    if network.activation == "relu":
        yield Convention(
            "half_at_zero",
            "the gradient at Z1 = 0 is 1/2 here and 0 in the equations; both are subgradients",
            {"dZ1": Line("dH1 * ((Z1 > 0) + 0.5 * (Z1 == 0))")},
        )
