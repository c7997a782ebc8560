"""Where no fault fits: comparing each line on its own, with inputs that follow from gradients.

dW2 = H1ᵀ dS, and with no more rows than hidden units dS follows from dW2; so does dZ1 from dW1.
What follows is compared like a returned value. So each line is compared on its own, and several
faults, or one that is not in the dictionary, are separated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.faults import Fault
from backhand.doctor.localise.search import Explanation, relevant
from backhand.doctor.localise.trial import Evaluator, Trial
from backhand.doctor.probe.evidence import Evidence
from backhand.formulas import Line

CONSISTENT = 1e-6
"""Relative residual up to which a gradient is taken to be a product with the known factor."""

FOLLOWED = 1e-5
"""Tolerance for what follows from gradients."""


def with_what_follows(one: Evidence) -> tuple[Evidence, list[str]]:
    """The evidence with dS and dZ1 where they follow, and which gradients contradict it."""
    observed, allowed = dict(one.observed), dict(one.tolerance)
    contradicting = []
    for name, gradient, bias, factor in (
        ("dS", "dW2", "db2", "H1"), ("dZ1", "dW1", "db1", "X")
    ):  # fmt: skip
        if gradient not in one.reused:
            continue
        if bias in one.observed and bias in one.local and one.like(bias, one.local[bias]):
            continue  # reads the same value and is correct, so the value is
        A = one.reused.get(factor, {**one.given, **one.right}[factor])
        shrinking = Line("0", one.lines[gradient].penalty)
        product = _late(one) * one.reused[gradient] - shrinking.evaluated(
            one.given, penalty=one.penalty
        )
        value = _factor(A, product)
        if value is None:
            contradicting.append(gradient)
        elif name not in observed:
            loose = one.tolerance[gradient] / 1e-9 * FOLLOWED * 1e-2
            observed[name], allowed[name] = value, min(0.05, max(FOLLOWED, loose))
    return Evidence(one.problem, one.given, observed, allowed, one.network), contradicting


def _factor(A: NDArray[Any], product: NDArray[Any]) -> NDArray[Any] | None:
    """B with AᵀB = product, if A's rows are independent and there is one."""
    if not np.isfinite(product).all() or np.linalg.matrix_rank(A) < len(A):
        return None
    B: NDArray[Any] = np.linalg.lstsq(A.T, product, rcond=None)[0]
    scale = np.linalg.norm(product)
    fits = scale and np.linalg.norm(A.T @ B - product) <= CONSISTENT * scale
    return B if fits else None


def explained_singly(evidence: Sequence[Evidence]) -> tuple[list[Explanation], list[str]]:
    """A fault for each wrong value that one explains; and the wrong values that none does."""
    evaluators = [Evaluator(one, reusing=True) for one in evidence]
    wrong = [name for name in evidence[0].lines
             if any(one.right.wrong & one.bits.get(name, 0) for one in evaluators)]  # fmt: skip
    found: list[Explanation] = []
    left: list[str] = []
    with np.errstate(all="ignore"):
        faults = sorted(relevant(evidence[0]), key=lambda fault: -fault.prior)
        possible = [fault for fault in faults if not fault.returned]
        trials = _Trials(evaluators)
        for name in wrong:
            fitting = (
                Explanation((fault,), tried[0].constant)
                for fault in possible
                if (tried := trials.explaining(fault, name))
            )
            explanation = next(fitting, None)
            if explanation is None:
                left.append(name)
            elif explanation not in found:
                found.append(explanation)
    found = [one for one in found if not any(_covers(other, one) for other in found)]
    # No line reads the loss: others in doubt come before it.
    return found, sorted(left, key=lambda name: name == "L")


class _Trials:
    """Trials of faults on some calls, each computed once, and only where those before it fit."""

    def __init__(self, evaluators: Sequence[Evaluator]) -> None:
        self.evaluators = evaluators
        self.done: dict[str, list[Trial]] = {}

    def explaining(self, fault: Fault, name: str) -> list[Trial]:
        """Those of a fault that gives a value, and changes no correct one; else none."""
        done = self.done.setdefault(fault.id, [])
        for place, one in enumerate(self.evaluators):
            if place == len(done):
                done.append(one.alone(fault))
            trial = done[place]
            if not trial.own or trial.wrong & (one.bits[name] | ~one.right.wrong):
                return []
        return done if _one_constant([trial.constant for trial in done]) else []


def _covers(other: Explanation, one: Explanation) -> bool:
    """Whether another explanation has all the lines of one, and more."""
    lines, its = other.faults[0].lines.items(), one.faults[0].lines.items()
    return len(lines) > len(its) and lines >= its


def _one_constant(constants: Sequence[float | None]) -> bool:
    """Whether the numbers found on several problems are one."""
    known = [c for c in constants if c is not None]
    return len(known) < 2 or np.ptp(known) <= 1e-4 * max(map(abs, known))


def first_suspect(name: str, evidence: Sequence[Evidence]) -> str:
    """The first line of the derivation that can explain a wrong value.

    dZ1 that is 0 where expected has its mask, so dH1 is wrong. dS whose rows are a distribution
    minus Y was computed from a wrong P.
    """
    seen = [one for one in evidence if name in one.reused]
    network = evidence[0].network
    if (
        name == "dZ1"
        and network.activation == "relu"
        and seen
        and not any("dH1" in one.observed for one in evidence)
    ):
        masked = all(
            np.abs(one.reused[name][one.right["Z1"] <= 0]).max(initial=0.0)
            <= one.tolerance[name] * np.abs(one.reused[name]).max()
            for one in seen
        )
        return "dH1" if masked else name
    if name == "dS" and network.output == "softmax" and not any(
        "P" in one.observed for one in evidence
    ):  # fmt: skip
        P = [_rows(one) * one.reused[name] + one.given["Y"]
             for one in seen if one.right["P"].min() > 1e-3]  # fmt: skip
        is_one = all(np.abs(p.sum(axis=1) - 1).max() < FOLLOWED < p.min() for p in P)
        return "P" if P and is_one else name
    return name


def _late(one: Evidence) -> float:
    """What the gradients are divided by, if dS is not."""
    return _divisor(one) if one.network.averaged == "gradients" else 1.0


def _rows(one: Evidence) -> float:
    """What dS was divided by."""
    return _divisor(one) / _late(one)


def _divisor(one: Evidence) -> float:
    """What the loss was divided by."""
    sizes = {"mean": one.given["N"], "sum": 1, "elements": one.given["N"] * one.given["K"]}
    return float(sizes[one.network.reduction])
