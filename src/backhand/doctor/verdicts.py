"""Comparing what a function returned with the equations, autograd and its own loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import oracles
from backhand.doctor.probe.evidence import Evidence, relative_error
from backhand.doctor.probe.function import CheckedFunction
from backhand.doctor.probe.run import Calls
from backhand.doctor.report.contents import Verdict


def verdicts(
    function: CheckedFunction, calls: Calls, evidence: Sequence[Evidence], *, autograd: bool,
    excused: bool,
) -> list[Verdict]:  # fmt: skip
    """Compare each value, in the order of the derivation; `excused`: all is a convention."""
    tried = [problem for problem, _ in calls.returned]
    smooth = next((problem for problem in tried if problem.kind == "smooth"), tried[0])
    slopes = oracles.by_differences(function, smooth) or {}
    agreed = _by_autograd(calls, evidence) if autograd else {}
    return [
        _verdict(name, evidence, agreed.get(name), slopes.get(name), excused=excused)
        for name in evidence[0].lines
        if any(name in one.observed for one in evidence)
    ]


def _by_autograd(calls: Calls, evidence: Sequence[Evidence]) -> dict[str, bool]:
    agreed: dict[str, bool] = {}
    for (problem, _), one in zip(calls.returned, evidence, strict=True):
        expected = oracles.by_autograd_of(problem, one)
        for name, fits in oracles.agreeing(expected, one.observed, one.tolerance).items():
            agreed[name] = agreed.get(name, True) and fits
    return agreed


def _verdict(
    name: str, evidence: Sequence[Evidence], autograd: bool | None, differences: bool | None,
    *, excused: bool,
) -> Verdict:  # fmt: skip
    """Compare one value on all problems; the numbers are those of the largest error."""
    seen = [one for one in evidence if name in one.observed]
    errors = [relative_error(one.right[name], one.observed[name]) for one in seen]
    worst = seen[int(np.argmax(errors))]
    right, got = np.asarray(worst.right[name]), worst.observed[name]
    ok = excused or all(one.like(name, one.right[name]) for one in seen)
    inherited = not ok and all(one.like(name, one.local.get(name, np.nan)) for one in seen)
    place, expected, was = _worst_entry(right, got)
    return Verdict(name, ok, float(max(errors)), inherited, tuple(right.shape), tuple(got.shape),
                   place, expected, was, autograd, differences)  # fmt: skip


def _worst_entry(
    right: NDArray[Any], got: NDArray[Any]
) -> tuple[tuple[int, ...] | None, float | None, float | None]:
    if right.shape != got.shape:
        return None, None, None
    distance = np.where(np.isnan(got), np.inf, np.abs(got - right))
    place = np.unravel_index(int(np.argmax(distance)), right.shape)
    return tuple(int(i) for i in place), float(right[place]), float(got[place])
