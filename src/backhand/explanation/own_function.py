"""A backward pass of one's own beside the equations: what it gave, what was expected, and where.

The doctor calls the function on its problems and finds the network that it computes, and its
faults. Here the values of one call are laid side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import Report
from backhand.doctor.diagnosis import examine
from backhand.doctor.frame.network import REFERENCE, Network
from backhand.doctor.judging import Judged
from backhand.doctor.localise.program import correct, predicted
from backhand.doctor.probe.evidence import Evidence, alike, relative_error
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.explanation.problem import Problem, array_to_json
from backhand.formulas import LINES, Line

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Compared:
    """One value of the function beside the expected one.

    Attributes
    ----------
    name : str
    expected : ndarray
        What the equations give.
    got : ndarray
        What the function gave.
    returned : bool
        Whether it returned the value, or was seen to compute it; else it is what the lines give
        that the doctor found.
    alike : bool
        Whether both are equal, to rounding.
    error : float
        ‖expected − got‖ / max(‖expected‖, ‖got‖); infinite for a wrong shape.
    inherited : bool
        Whether the value is correct given its inputs, where it differs.
    """

    name: str
    expected: Array
    got: Array
    returned: bool
    alike: bool
    error: float
    inherited: bool

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; an infinite error is null."""
        return {
            "name": self.name, "expected": array_to_json(self.expected),
            "got": array_to_json(self.got), "returned": self.returned, "alike": self.alike,
            "error": self.error if np.isfinite(self.error) else None, "inherited": self.inherited,
        }  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class OwnFunction:
    """What a function of one's own gave on one of the doctor's problems.

    Attributes
    ----------
    name : str
        What the function is called.
    report : Report
        What the doctor found on all of its problems.
    compared : tuple of Compared
        In the order of the derivation, in the layout of the equations.
    problem : str
        The name of the doctor's problem.
    is_standard : bool
        Whether the function computes the network of `backhand.equations`; otherwise the expected
        values are those of the network that it does compute.
    right_lines : mapping of str to str
        The lines of that network that are not those of `backhand.equations`.
    lines : mapping of str to str, optional
        The same with the function's faults; None if the doctor does not know all of its lines.
    """

    name: str
    report: Report
    compared: tuple[Compared, ...]
    problem: str
    is_standard: bool
    right_lines: Mapping[str, str]
    lines: Mapping[str, str] | None

    @property
    def parts_at(self) -> str:
        """The first value, in the order of the derivation, that differs; "" if none does."""
        return next((one.name for one in self.compared if not one.alike), "")

    def value(self, name: str) -> Compared | None:
        """Return a value beside the expected one; None if it was not seen."""
        return next((one for one in self.compared if one.name == name), None)

    @property
    def frame(self) -> str:
        """The network that it computes, and its layout, in words; "" if that is not known."""
        return "" if self.report.frame is None else self.report.frame.sentence

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, with what the page shows of the function."""
        findings = [
            {"id": f.id, "equation": f.equation, "mistake": f.mistake, "certain": f.certain,
             "suggestion": f.suggestion, "written": f.written, "right": f.right}
            for f in self.report.findings
        ]  # fmt: skip
        return {
            "name": self.name, "outcome": self.report.outcome, "findings": findings,
            "remarks": list(self.report.remarks), "frame": self.frame,
            "standard": self.is_standard, "problem": self.problem, "parts_at": self.parts_at,
            "values": {one.name: array_to_json(one.got) for one in self.compared},
            "compared": [one.to_json() for one in self.compared],
            "right_lines": dict(self.right_lines),
            "lines": None if self.lines is None else dict(self.lines),
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"OwnFunction({self.name}, {self._where()})"

    def __str__(self) -> str:
        said = [finding.mistake for finding in self.report.findings]
        if not self.is_standard:
            said.append(
                f"It computes another network: {self.frame}. The expected values are those of that "
                "network; the trace is that of the standard one."
            )
        elif self.frame and "examples as rows" not in self.frame:
            said.append(f"Its layout is {self.frame}; the values have the equations' layout.")
        sentences = [fill(one, 80, initial_indent="  ", subsequent_indent="  ") for one in said]
        first = f"{self.name}: {self._where()}"
        return "\n".join([first, *sentences, "", *_table(self.compared), *self._notes()])

    def _notes(self) -> list[str]:
        """What the words of the table mean, where they are in it."""
        notes = []
        if self.parts_at:
            notes.append("difference: ‖expected - got‖ / max(‖expected‖, ‖got‖)")
        if any(one.inherited for one in self.compared):
            notes.append("inherited: correct given its inputs, which are wrong")
        return ["", *(f"  {note}" for note in notes)] if notes else []

    def _where(self) -> str:
        return f"first differs at {self.parts_at}" if self.parts_at else "all values as expected"


def problem_of(f: Callable[..., Any]) -> tuple[Problem, OwnFunction]:
    """Call a function on the doctor's problems, and compare the values of one call.

    The call is the first on which anything differs; the first of all if nothing does.

    Raises
    ------
    InputError
        If the function gave no gradients, so that there is nothing to compare.
    """
    report, judged = examine(f)
    if judged is None:
        why = "; ".join(finding.mistake.rstrip(".") for finding in report.findings)
        raise InputError(
            f"{report.function} gave no values to compare: {why}. `backhand.check` reports more."
        )
    with np.errstate(all="ignore"):
        at = next((at for at, one in enumerate(judged.needed) if not one.right_here), 0)
        evidence = judged.needed[at]
        program = predicted(judged.needed, judged.found)[at]
        known = judged.found.doubt is None and judged.found.repeatable
        own = OwnFunction(
            report.function, report, _compared(judged, evidence, program if known else {}),
            evidence.problem, _is_standard(judged.network), _unusual(judged.network.lines),
            _unusual(_changed(judged)) if known else None,
        )  # fmt: skip
    return _problem(evidence, report.function), own


def _compared(
    judged: Judged, evidence: Evidence, program: Mapping[str, Any]
) -> tuple[Compared, ...]:
    """Each value that was returned or seen, or that follows from the lines."""
    is_correct = correct(judged.needed, judged.found)
    found = []
    for name in evidence.names:
        got = evidence.observed.get(name, program.get(name))
        if got is None or name not in evidence.right:
            continue
        expected, got = np.asarray(evidence.right[name], float), np.asarray(got, float)
        same = judged.found.excused or alike(expected, got, evidence.tolerance.get(name, 1e-9))
        inherited = not same and bool(is_correct.get(name))
        found.append(Compared(name, expected, got, name in evidence.observed, same,
                              relative_error(expected, got), inherited))  # fmt: skip
    return tuple(found)


def _changed(judged: Judged) -> dict[str, Line]:
    """The lines of the function, as the diagnosis has them."""
    lines = dict(judged.network.lines)
    found = judged.found
    lines |= found.convention.lines if found.convention else {}
    for one in found.named:
        if not one.fault.returned:
            lines |= {name: line if one.constant is None else line.with_constant(one.constant)
                      for name, line in one.fault.lines.items()}  # fmt: skip
    return lines


def _unusual(lines: Mapping[str, Line]) -> dict[str, str]:
    """The lines that are not those of `formulas.LINES`, as code with the penalty."""
    return {name: line.code(penalty=True) for name, line in lines.items() if line != LINES[name]}


def _is_standard(network: Network) -> bool:
    """Whether a network gives the values of `backhand.equations`, wherever it divides by N."""
    return dict(network.lines) == dict(REFERENCE.lines)


def _problem(evidence: Evidence, name: str) -> Problem:
    """The doctor's problem for the equations: with two outputs, and with biases."""
    given = evidence.given
    b1, W2, b2, Y = given["b1"], given["W2"], given["b2"], given["Y"]
    if not evidence.network.biases:
        b1, b2 = 0 * b1, 0 * b2
    if W2.shape[1] == 1:  # a sigmoid of s is a softmax of 0 and s
        W2, b2, Y = np.hstack([0 * W2, W2]), np.append(0, b2), np.hstack([1 - Y, Y])
    return Problem(Parameters(given["W1"], b1, W2, b2), given["X"], Y, l2=float(given["l2"]),
                   learning_rate=float(given.get("eta", 0.1)),
                   title=f"The equations, beside {name}, on the doctor's problem "
                         f"{evidence.problem}")  # fmt: skip


def _table(compared: tuple[Compared, ...]) -> list[str]:
    """A line per value: whether it is as expected, its error, and where it comes from."""
    rows = [("value", "shape", "", "difference", "")]
    for one in compared:
        verdict = "as expected" if one.alike else "inherited" if one.inherited else "differs"
        shape = str(one.got.shape) if one.got.ndim else "one number"
        error = "" if one.alike else f"{one.error:.1e}"
        source = "observed" if one.returned else "computed"
        rows.append((one.name, shape, verdict, error, source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
