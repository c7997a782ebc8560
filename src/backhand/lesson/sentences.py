"""What is said of an answer: the doctor's findings, as much of them as the hints allow."""

from __future__ import annotations

from dataclasses import replace

from backhand.doctor import Report
from backhand.doctor.report.hints import OF_EQUATION, question
from backhand.formulas import LINES
from backhand.lesson.composed import COMPUTED, unknown
from backhand.lesson.mark import Said
from backhand.lesson.trial import Trial

STILL_BLANK = "Write your line in place of the dots, and run the cell again."


def about_no_answer(trial: Trial) -> list[Said]:
    """What is said where there is no answer yet."""
    return [("", _sentence(trial.problem or STILL_BLANK))]


def about_right(name: str, report: Report) -> list[Said]:
    """What is said of a correct answer."""
    line = LINES[name].text(penalty=False)
    said = f"The same numbers as {line}, on {report.problems} random problems of different sizes."
    return [("", said), *(("remark", remark) for remark in report.remarks)]


def about_later(name: str, read: list[str]) -> list[Said]:
    """What is said of values of the notebook that are computed later."""
    return [("", unknown("Your line reads", other, name)) for other in read]


def about_wrong(name: str, trial: Trial, report: Report, hints: int) -> list[Said]:
    """What is said of a wrong answer."""
    seen = trial.problem or trial.worst
    lines: list[Said] = [("", _sentence(seen))] if seen else []
    findings = [finding for finding in report.findings
                if finding.equation == name and finding.id != missing(name)]  # fmt: skip
    asked = question(findings[0]) if findings and hints else ""
    if hints == 1:
        asked = asked or OF_EQUATION[name]
    lines += [("ask yourself", asked)] if asked else []
    if hints >= 2:
        for finding in findings:
            lines.append(("", finding.mistake))
            if finding.written:
                lines.append(("your line gives the numbers of", finding.written))
        return [*lines, ("expected", f"{name} = {LINES[name].text(penalty=False)}")]
    more = "a hint" if hints == 0 else "the solution"
    return [*lines, ("", f"Change your line and run the cell again. The next one gets {more}.")]


def of_this_equation(name: str, trial: Trial, report: Report) -> Report:
    """The report without what only follows: from a shape that later lines do not fit, or an error.

    A line that raises has nothing to be compared, except where the sizes happen to fit.
    """
    later = {missing(other) for other in COMPUTED if other != name}
    doubts = {f"{name}.unknown"} if trial.raised else set()
    findings = [finding for finding in report.findings if finding.id not in later | doubts]
    return replace(report, findings=findings)


def missing(name: str) -> str:
    """The id of the finding on a value that was not returned as an array of numbers."""
    return f"{name}.missing.returned"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
