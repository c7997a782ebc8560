"""Comparing what a function returned with the equations, autograd and its own loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import oracles
from backhand.doctor.localise.diagnose import Diagnosis
from backhand.doctor.oracles import AGREE
from backhand.doctor.probe.evidence import Evidence, relative_error
from backhand.doctor.probe.function import CheckedFunction
from backhand.doctor.probe.run import Calls
from backhand.doctor.report.contents import Verdict
from backhand.formulas import LINES, derive


def verdicts(
    function: CheckedFunction, calls: Calls, evidence: Sequence[Evidence], found: Diagnosis,
    *, autograd: bool,
) -> list[Verdict]:  # fmt: skip
    """Compare each value, in the order of the derivation."""
    tried = [problem for problem, _ in calls.returned]
    smooth = next((problem for problem in tried if problem.kind == "smooth"), tried[0])
    differences = oracles.by_differences(function, smooth) or {}
    compared = [
        _compared(name, evidence, found)
        for name in evidence[0].lines
        if any(name in one.observed for one in evidence)
    ]
    by_autograd = _by_autograd(evidence, compared, found) if autograd else {}
    return [
        replace(one, autograd=by_autograd.get(one.name), differences=differences.get(one.name))
        for one in compared
    ]


def _compared(name: str, evidence: Sequence[Evidence], found: Diagnosis) -> Verdict:
    """Compare one value on all problems; the numbers are those of the largest error."""
    seen = [one for one in evidence if name in one.observed]
    as_is = all(one.like(name, one.right[name]) for one in seen)
    convention = found.convention is not None and not as_is
    expected = [_expected(name, one, found) for one in seen] if convention else [
        one.right[name] for one in seen
    ]  # fmt: skip
    errors = [relative_error(np.asarray(right), one.observed[name])
              for right, one in zip(expected, seen, strict=True)]  # fmt: skip
    largest = int(np.argmax(errors))
    right, got = np.asarray(expected[largest]), seen[largest].observed[name]
    ok = as_is or found.excused
    inherited = not ok and (
        name in _correct_given_inputs(found)
        or all(one.like(name, one.local.get(name, np.nan)) for one in seen)
    )
    return Verdict(name, ok, float(max(errors)), inherited, tuple(right.shape), tuple(got.shape),
                   *_worst_entry(right, got), convention=convention)  # fmt: skip


def _expected(name: str, one: Evidence, found: Diagnosis) -> Any:
    """What the convention gives."""
    assert found.convention is not None
    lines = found.convention.lines
    return derive(one.given, lines, one.reused, one.names, lines=one.lines)[0][name]


def _correct_given_inputs(found: Diagnosis) -> set[str]:
    """Values that no named fault is about, where the faults explain all numbers."""
    if found.named and not found.doubt:
        return set(LINES) - {name for one in found.named for name in one.fault.lines}
    return set(found.right)


def _by_autograd(
    evidence: Sequence[Evidence], compared: Sequence[Verdict], found: Diagnosis
) -> dict[str, bool]:
    """Whether each gradient is that of the loss; of the convention's loss, where there is one.

    None of them for a value that is right in another way than as a gradient of that loss.
    """
    changed = found.convention.lines if found.convention else {}
    lines = dict(evidence[0].lines)
    # A guard in P is a matter of rounding, and written for NumPy's arrays.
    lines |= {name: line for name, line in changed.items() if name != "P"}
    of_loss = any(name in changed for name in ("Z1", "H1", "S", "P", "L"))
    agreed: dict[str, bool] = {}
    for one in evidence:
        expected = oracles.by_autograd(one.given, lines)
        allowed = {name: max(limit, AGREE if of_loss else 0.0)
                   for name, limit in one.tolerance.items()}  # fmt: skip
        for name, fits in oracles.agreeing(expected, one.observed, allowed).items():
            agreed[name] = agreed.get(name, True) and fits
    apart = {one.name for one in compared if one.convention and not of_loss}
    return {name: fits for name, fits in agreed.items() if name not in apart}


def _worst_entry(
    right: NDArray[Any], got: NDArray[Any]
) -> tuple[tuple[int, ...] | None, float | None, float | None]:
    if right.shape != got.shape:
        return None, None, None
    distance = np.where(np.isnan(got), np.inf, np.abs(got - right))
    place = np.unravel_index(int(np.argmax(distance)), right.shape)
    return tuple(int(i) for i in place), float(right[place]), float(got[place])
