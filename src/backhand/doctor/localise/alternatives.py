"""Networks that a diagnosis suggests: what seem to be several faults may be one choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from backhand.doctor.faults import WITH_DERIVATIVE
from backhand.doctor.frame.network import Network
from backhand.doctor.localise.diagnose import Diagnosis

CONSTANT = 1e-3
"""Relative difference up to which two fitted numbers are one."""


def suggested(found: Diagnosis, network: Network) -> Iterator[Network]:
    """Networks whose penalty or reduction the function seems to have, in all lines that show it.

    A penalty is in the gradients of both weights; a reduction in the loss, and in dS. Where the
    loss is correct nothing is suggested: it decides.
    """
    named = {one.fault.id.removesuffix(f".{WITH_DERIVATIVE}"): one for one in found.named}
    doubted = found.doubt is not None and "L" not in found.right
    if not doubted and not any("L" in one.fault.lines for one in found.named):
        return
    if {"dW1.penalty.doubled", "dW2.penalty.doubled"} <= named.keys() and network.penalty == "half":
        yield replace(network, penalty="full")
    if {"dW1.penalty.by_N", "dW2.penalty.by_N"} <= named.keys() and network.penalty == "half":
        yield replace(network, penalty="by_N")
    first, second = (named.get(f"{name}.penalty.unasked") for name in ("dW1", "dW2"))
    if first and second and first.constant and second.constant:
        c = second.constant
        if abs(first.constant - c) <= CONSTANT * abs(c) and c > 0 and not network.strength:
            yield replace(network, penalty="half", strength=float(f"{c:.9g}"))
    if network.reduction != "mean":
        return
    for loss, scale, reduction in (
        ("L.reduction.sum", "dS.scale.no_mean", "sum"),
        ("L.scale.by_NK", "dS.scale.by_NK", "elements"),
    ):
        one = named.get(loss)
        if one and (scale in named or "dS" in one.fault.lines):
            yield replace(network, reduction=reduction)  # type: ignore[arg-type]


def findings(found: Diagnosis) -> int:
    """Number of findings in a diagnosis; one that names no fault counts twice."""
    return len(found.named) + 2 * (found.doubt is not None) + (found.narrower is not None)
