"""What is said of an answer: the doctor's findings, as much of them as the hints allow."""

from __future__ import annotations

from collections.abc import Sequence

from backhand.doctor import Finding, Report
from backhand.doctor.report.hints import OF_EQUATION, question
from backhand.formulas import LINES
from backhand.lesson.mark import Said
from backhand.lesson.trial import Trial

STILL_BLANK = "Write your line in place of the dots, and run the cell again."


def about_right(name: str, report: Report) -> list[Said]:
    """What is said of a correct answer."""
    line = LINES[name].text(penalty=False)
    said = f"The same numbers as {line}, on {report.problems} random problems of different sizes."
    return [("", said), *(("remark", remark) for remark in report.remarks)]


def about_outside(names: list[str]) -> list[Said]:
    """What is said of values that a function reads without having them as parameters."""
    if not names:
        return []
    which = "it is" if len(names) == 1 else "they are"
    return [("", f"Your line reads {', '.join(names)} of the notebook, since {which} not among the "
                 "parameters of the function. Add what it needs to the parameters.")]  # fmt: skip


def about_wrong(name: str, trial: Trial, reported: Sequence[Finding], hints: int) -> list[Said]:
    """What is said of a wrong answer."""
    seen = trial.problem or trial.worst
    lines: list[Said] = [("", seen[:1].upper() + seen[1:])] if seen else []
    findings = [finding for finding in reported if finding.equation == name]
    if hints >= 1:
        asked = question(findings[0]) if findings else ""
        lines.append(("ask yourself", asked or OF_EQUATION[name]))
    if hints >= 2:
        for finding in findings:
            lines.append(("", finding.mistake))
            if finding.written:
                lines.append(("your line gives the numbers of", finding.written))
        return [*lines, ("expected", f"{name} = {LINES[name].text(penalty=False)}")]
    more = "a hint" if hints == 0 else "the solution"
    return [*lines, ("", f"Change your line and run the cell again. The next one gets {more}.")]
