"""Wrong sizes, bounds and precisions, which any line may have."""

from __future__ import annotations

from collections.abc import Container, Iterator

from backhand.doctor.faults.backward import BACKWARD_LINES
from backhand.doctor.faults.fault import Fault, Need, fault, number
from backhand.doctor.faults.pieces import selected
from backhand.doctor.frame.network import Network
from backhand.formulas import UPDATED

SCALES: tuple[tuple[str, ...], ...] = (
    ("sign.flipped", "-({0})", "the sign is flipped"),
    ("scale.mean_twice", "({0}) / N", "1/N is applied twice", "averaged"),
    ("scale.by_N", "({0}) / N", "divided by N", "sum"),
    ("scale.no_mean", "N * ({0})", "1/N is missing: N times too large", "mean"),
    ("scale.no_mean", "N * K * ({0})", "1/(N·K) is missing: N·K times too large", "elements"),
    ("scale.times_N", "N * ({0})", "multiplied by N", "sum elements"),
    ("scale.doubled", "2 * ({0})", "doubled"),
    ("scale.halved", "({0}) / 2", "halved"),
    ("zero.everywhere", "0 * ({0})", "left at zero"),
    ("scale.by_eta", "eta * ({0})", "multiplied by the learning rate"),
    (
        "scale.step",
        "-eta * ({0})",
        "multiplied by minus the learning rate: the step instead of the gradient",
    ),
    ("scale.by_K", "({0}) / K", "divided by K"),
    ("scale.times_K", "K * ({0})", "multiplied by K"),
    ("scale.by_H", "({0}) / H", "divided by H"),
    ("scale.by_d", "({0}) / d", "divided by d"),
    ("scale.mean_three_times", "({0}) / N / N", "1/N is applied three times", "averaged"),
    ("scale.by_N_twice", "({0}) / N / N", "divided by N twice", "sum"),
    ("scale.by_NK", "({0}) / (N * K)", "divided by N·K"),
    ("scale.times_sqrt_N", "({0}) * sqrt(N)", "multiplied by √N"),
    ("scale.by_sqrt_N", "({0}) / sqrt(N)", "divided by √N"),
    ("scale.by_N_minus_1", "({0}) * N / (N - 1)", "divided by N - 1 instead of N"),
)
"""Wrong sizes that any line of the backward pass may have."""

BOUNDED = (
    *((f"clip.within_{number(c)}", f"clip({{0}}, -{c}, {c})", f"clipped to [-{c}, {c}]")
      for c in ("5", "1", "0.5", "0.1", "0.05", "0.01", "0.001")),
    ("clip.unit_length", "({0}) / norm({0})", "scaled to length 1"),
    ("clip.unit_length_guarded", "({0}) / (norm({0}) + 1e-8)", "scaled to length 1"),
    *((f"clip.norm_{number(c)}", f"({{0}}) * minimum(1, {c} / norm({{0}}))",
       f"scaled to a norm of at most {c}")
      for c in ("5", "1", "0.5", "0.1", "0.05", "0.01")),
    *((f"clip.norm_{number(c)}_guarded", f"({{0}}) * minimum(1, {c} / (norm({{0}}) + 1e-6))",
       f"scaled to a norm of at most {c}")
      for c in ("1", "0.1")),
    ("clip.by_largest", "({0}) / abs({0}).max()", "divided by its largest entry"),
)  # fmt: skip
"""Bounds that a gradient may have been given."""

NARROW = (
    ("precision.float32", "float32({0})", "rounded to float32"),
    ("precision.float16", "float16({0})", "rounded to float16"),
    ("precision.whole", "trunc({0})", "truncated to whole numbers"),
)
"""Wrong precisions that any line may have."""


def resized_faults(network: Network, written: Container[str]) -> Iterator[Fault]:
    """Wrong sizes and bounds of any gradient, but those that have an entry of their own.

    Where a line has a penalty, a wrong size may be that of the data term or of the whole.
    """
    for name in (name for name in BACKWARD_LINES if name in network.lines):
        line = network.lines[name]
        for what, form, message in selected(network, SCALES):
            if f"{name}.{what}" not in written:
                yield fault(network, name, what, form.format(line.data), message)
            if line.penalty and f"{name}.{what}.with_penalty" not in written:
                yield fault(network, name, f"{what}.with_penalty", line.within(form), message,
                            needs=(Need.PENALTY,))  # fmt: skip
        for what, form, message in BOUNDED:
            if f"{name}.{what}" not in written:
                yield fault(network, name, what, line.within(form), message)


def narrow_faults(network: Network) -> Iterator[Fault]:
    """Wrong precisions of any line but the loss, which is not compared that closely."""
    for name, line in network.lines.items():
        for what, form, message in NARROW if name != "L" else ():
            end = f".{UPDATED[name]}" if name in UPDATED else ""
            yield fault(network, name, what + end, line.within(form), message)
