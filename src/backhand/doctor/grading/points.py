"""Points by equation: for what is correct given its inputs."""

from __future__ import annotations

import math

from backhand.doctor.report.report import Report
from backhand.errors import InputError, did_you_mean, listed
from backhand.formulas import LINES, UPDATED, equation_of

EQUATIONS = tuple(dict.fromkeys(map(equation_of, LINES)))


def parse_points(text: str) -> dict[str, float]:
    """The points of each equation, of `dW1=2,db1=1`, in the order given.

    Raises
    ------
    InputError
        If an equation is unknown or given twice, or its points are no number from 0 on.
    """
    points: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in EQUATIONS:
            hint = did_you_mean(name, EQUATIONS)
            if not hint.startswith("Did"):
                hint = f"Available: {listed(EQUATIONS, len(EQUATIONS))}."
            raise InputError(f"points: there is no equation '{name}'. {hint}")
        if name in points:
            raise InputError(f"points: {name} is there twice.")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise InputError(
                f"points: {name} is '{number}'; expected {name}=POINTS, with a number of 0 or more."
            )
        points[name] = value
    return points


def earned(report: Report, points: dict[str, float]) -> dict[str, float]:
    """The points that a function gets for each equation, all or nothing.

    An equation is correct if it computes the correct value of the inputs that the function gave it:
    a fault in dS costs the points for dS, and none for dW1, though the numbers of dW1 are wrong.
    Nothing is given for an equation of which no value was returned or observed, nor for one that
    the report cannot clear where a fault is unknown, nor if the function is not judged.
    """
    return {name: value if _is_correct(name, report) else 0.0 for name, value in points.items()}


def _is_correct(equation: str, report: Report) -> bool:
    readers = _readers(equation)
    seen = [one for one in report.verdicts if equation_of(one.name) in readers]
    own = [one for one in seen if equation_of(one.name) == equation]
    if report.outcome == "not judged" or not seen:
        return False
    if own and all(one.ok for one in own):
        return True
    if equation in {finding.equation for finding in report.findings}:
        return False
    if all(finding.certain for finding in report.findings) or equation in report.cleared:
        return True
    if any(one.ok for one in seen):  # a value that was computed from it
        return True
    return bool(own) and all(one.inherited for one in own)


def _readers(equation: str) -> set[str]:
    """The equation, and all that compute with its value; new parameters are none of dW1's."""
    found = {equation}
    for name, line in LINES.items():
        if name not in UPDATED and line.reads(penalty=False) & found:
            found.add(name)
    return found
