"""Putting into words what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backhand.doctor.faults import Kind
from backhand.doctor.frame.network import Network
from backhand.doctor.localise.diagnose import Diagnosis, Doubt, Named
from backhand.doctor.probe.function import CheckedFunction
from backhand.doctor.probe.refusal import NOT_JUDGED, Reason, Refusal
from backhand.doctor.probe.source import Line as SourceLine
from backhand.doctor.report.contents import Outcome
from backhand.doctor.report.report import Finding, Report, Verdict
from backhand.formulas import UPDATED, Line, equation_of

MOST_LINES = 3
"""Lines of source that are shown for one value; the last ones."""

_WRAP = (
    "Wrap it in a function of X, Y (or y, class indices), W1, b1, W2 and b2 that returns the "
    "gradients; docs/doctor.md has examples of three lines."
)
_RAISED = "Fix that line; the shapes are X (N, d), W1 (d, H), b1 (H,), W2 (H, K), b2 (K,)."
_LATE = "Look for a loop that does not end, or raise the time limit (seconds=, --seconds)."
_RETURN = "Return a dict with the keys dW1, db1, dW2 and db2, or a tuple in this order."

ADVICE = {
    Reason.IMPORT_RAISES: "Run the file with Python on its own, which prints the whole traceback.",
    Reason.IMPORT_ENDS: "Move what exits below `if __name__ == \"__main__\":`, or delete it.",
    Reason.IMPORT_TIMEOUT:
        "Move what trains or loops below `if __name__ == \"__main__\":`, or raise the time limit "
        "(--seconds).",
    Reason.NOT_FOUND: "Give the function the name that the assignment says.",
    Reason.NOT_WRITTEN: "Replace that line by the code that computes and returns the gradients.",
    Reason.PARAMETERS: _WRAP,
    Reason.UNFINISHED: "Make the function faster, or raise the time limit (--seconds).",
    Reason.RAISES: _RAISED,
    Reason.EXITS: _RAISED,
    Reason.RAISES_UNPRINTABLE: _RAISED,
    Reason.TIMEOUT: _LATE,
    Reason.BLOCKED: _LATE,
    Reason.PROCESS_ENDED:
        "Raise an exception instead of exiting; a signal comes from a crash in compiled code.",
    Reason.MEMORY: "Look for an array or a list that grows, or one of the wrong shape.",
    Reason.NO_RESULT: _RETURN,
    Reason.RETURNS_NOTHING: _RETURN,
    Reason.NO_GRADIENT: _RETURN,
    Reason.NOT_NUMBERS: _RETURN,
    Reason.LAYERS_EXCHANGED:
        "Return each under its own name, or a tuple in the order dW1, db1, dW2, db2.",
    Reason.FLATTENED: "Return dW1 as (d, H) and dW2 as (H, K).",
    Reason.NOT_REPEATABLE:
        "Look for dropout, random numbers and arrays that are kept between calls.",
    Reason.KEEPS_STATE: "Start each call with new arrays of zeros.",
    Reason.CHANGES_INPUTS: "Change a copy: the caller's {names} must stay unchanged.",
}  # fmt: skip
"""What to do about what is wrong with the function as a whole."""

CORRECTED = {
    Reason.LAYERS_EXCHANGED: "the gradients of the two layers are exchanged",
    Reason.FLATTENED: "the gradients of the weights are flattened into vectors",
}


@dataclass(frozen=True)
class CallFinding:
    """What was seen in the calls, beside the numbers.

    Attributes
    ----------
    corrections : list of Reason
        What was not in its place or shape, and was compared as if it were.
    changed : tuple of str
        Inputs that were changed in place.
    step : str
        How, if by a step along a gradient: "W1 - 0.1 * dW1".
    refusal : Refusal, optional
        The first, where some calls gave gradients and others did not.
    equal : str
        The sizes that have to be equal for a call to give gradients.
    """

    corrections: Sequence[Reason]
    changed: tuple[str, ...]
    step: str
    refusal: Refusal | None
    equal: str


def refused(name: str, refusal: Refusal, seconds: float) -> Report:
    """The report on a function of which no call gave gradients."""
    finding = _of_call(refusal.reason, refusal.clause)
    outcome: Outcome = "not judged" if refusal.reason in NOT_JUDGED else "wrong"
    return Report(outcome, [finding], [], function=name, seconds=seconds)


def another_network(report: Report) -> Report:
    """The report on a function whose gradients are those of its own loss, which is another one."""
    differs = "; ".join(finding.mistake.removesuffix(".") for finding in report.findings)
    remark = (
        "this is another network than those that the doctor knows, correctly differentiated: every "
        f"gradient agrees with the slope of the loss that is returned. It differs so: {differs}. "
        "If that is not intended, declare what is (--activation, --loss)."
    )
    return replace(report, outcome="not judged", findings=[], remarks=[*report.remarks, remark],
                   ruled_out=[])  # fmt: skip


def _of_call(reason: Reason, clause: str, *, problems: int = 0, names: str = "") -> Finding:
    return Finding(
        "call", f"{clause[0].upper()}{clause[1:]}.", certain=True, id=f"call.{reason}",
        suggestion=ADVICE[reason].format(names=names), problems=problems,
    )  # fmt: skip


@dataclass
class Wording:
    """Writes the report on one function.

    Attributes
    ----------
    function : CheckedFunction
    network : Network
        Whose equations are the right ones.
    sources : dict
        Where the function's source computes each value, as far as is known.
    problems : int
        How many it was tried on.
    """

    function: CheckedFunction
    network: Network
    sources: dict[str, list[SourceLine]]
    problems: int

    def report(
        self, found: Diagnosis, absent: Sequence[str], of_calls: CallFinding,
        values: list[Verdict],
    ) -> Report:  # fmt: skip
        """All of it."""
        findings = [self._named(one) for one in found.named]
        if found.doubt:
            findings.append(self._doubt(found.doubt))
        if found.narrower:
            findings.append(self._narrower(found.narrower))
        findings += map(self._absent, absent)
        remarks = self._remarks(found, about_lines=bool(findings))
        findings += self._of_calls(found, of_calls)
        findings.sort(key=lambda finding: not finding.certain)
        outcome: Outcome = "wrong" if findings else "correct"
        return Report(outcome, findings, values, remarks, self._ruled_out(found),
                      problems=self.problems,
                      cleared=list(dict.fromkeys(map(equation_of, found.right))))  # fmt: skip

    def _remarks(self, found: Diagnosis, *, about_lines: bool) -> list[str]:
        remarks = []
        layout = self.function.form.layout
        if found.convention:
            remarks.append(f"{found.convention.message}.")
        if found.all_float32:
            remarks.append("computed in float32, returned in float64.")
        if self.function.form.labels == "indices" and "Y" in self.function.meanings:
            remarks.append(
                "the parameter Y was given class indices; the usual name for these is y."
            )
        if about_lines and layout != "rows":
            remarks.append(
                "lines are shown with examples as rows and weights of shape (d, H) and (H, K), as "
                "in the equations."
            )
        return remarks

    def _ruled_out(self, found: Diagnosis) -> list[str]:
        said = []
        if found.right:
            names = ", ".join(map(label, found.right))
            said.append(f"errors in {names}: each is correct given its inputs.")
        if found.doubt:
            said.append("every fault of the dictionary, alone and in pairs.")
        return said

    def _of_calls(self, found: Diagnosis, of_calls: CallFinding) -> list[Finding]:
        """What is wrong with the function as a whole."""
        seen = [(reason, CORRECTED[reason], "") for reason in of_calls.corrections]
        if found.kept:
            names = ", ".join(map(label, found.kept))
            seen.append((Reason.KEEPS_STATE, f"{names} is kept from call to call", ""))
        if not found.repeatable:
            clause = "two calls with the same arrays return different numbers"
            seen.append((Reason.NOT_REPEATABLE, clause, ""))
        if of_calls.changed:
            names = " and ".join(of_calls.changed)
            how = f" ({of_calls.step})" if of_calls.step else ""
            seen.append(
                (Reason.CHANGES_INPUTS, f"the function changes {names} in place{how}", names)
            )
        if of_calls.refusal:
            where = f"unless {of_calls.equal}, " if of_calls.equal else "on some problems, "
            refusal = of_calls.refusal
            seen.append((refusal.reason, where + refusal.clause, ""))
        return [_of_call(reason, clause, problems=self.problems, names=names)
                for reason, clause, names in seen]  # fmt: skip

    def _named(self, one: Named) -> Finding:
        """A fault that gives the numbers."""
        fault, name, right = one.fault, label(one.fault.name), self._right(one.fault.name)
        others = tuple(dict.fromkeys(self._written(o.name, o.line) for o in one.others))
        if fault.returned:
            return Finding(
                fault.equation, f"{fault.message}.", certain=True, id=fault.id, right=right,
                suggestion=f"Return {name} before it is overwritten, or overwrite a copy.",
                written=f"{name} returned = {self._code(fault.line)}",
                problems=one.problems, others=others,
            )  # fmt: skip
        says, lines = fault.message, [self._written(*line) for line in fault.lines.items()]
        if one.constant is not None and fault.fitted:
            lines[0] += f", c = {one.constant:.4g}"
            says += f" ({one.constant:.4g})"
        written = "; ".join(lines)
        if self.function.form.layout == "columns" and fault.kind is Kind.KEEPDIMS:
            says, written = "keepdims is missing: the result is flat instead of a column", ""
        return Finding(
            fault.equation, f"{name}: {says}.", certain=True, id=fault.id, right=right,
            suggestion=f"Write `{right}`.{self._probably(fault.name)}", written=written,
            problems=one.problems, others=others, where=self._where(fault.name),
        )  # fmt: skip

    def _doubt(self, doubt: Doubt) -> Finding:
        """A value that is wrong, where no fault is known that gives it."""
        name, suspect = label(doubt.name), doubt.suspect
        says = f"{name} differs from {self._code(self.network.lines[doubt.name])}"
        if not doubt.finite:
            says += " and has nan or infinite entries"
        elif not doubt.product:
            says += f" and is not a product with {'H1' if doubt.name == 'dW2' else 'X'} at all"
        if not doubt.returned:
            says += ", as the gradients computed from it show"
        if suspect != doubt.name:
            says += f"; its input {suspect} is wrong first"
        what = f"the inputs of {name}" if doubt.returned else f"{name} and its inputs"
        return Finding(
            equation_of(suspect), f"{says}. The fault is unknown.", certain=False,
            id=f"{equation_of(suspect)}.unknown", right=self._right(suspect),
            suggestion=f"Return {what} as well: then each is compared on its own."
            f"{self._probably(suspect, doubt.name)}",
            where=self._where(suspect, doubt.name),
        )  # fmt: skip

    def _absent(self, name: str) -> Finding:
        """A gradient that is not returned."""
        right = self._right(name)
        return Finding(
            equation_of(name), f"{name} is missing from the returned values.",
            certain=True, id=f"{name}.missing.returned",
            suggestion=f"Compute `{right}` and return it.", right=right, problems=self.problems,
        )  # fmt: skip

    def _narrower(self, name: str) -> Finding:
        """A value that is right to the precision of float32 only."""
        right = self._right(name)
        return Finding(
            equation_of(name),
            f"{label(name)}: computed or stored in float32, the rest in float64.",
            certain=True, id=f"{equation_of(name)}.precision.narrower",
            suggestion=f"Compute `{right}` in the precision of the others.", right=right,
            problems=self.problems,
        )  # fmt: skip

    def _code(self, line: Line) -> str:
        return line.text(penalty=self.function.takes_l2)

    def _written(self, name: str, line: Line) -> str:
        return f"{label(name)} = {self._code(line)}"

    def _right(self, name: str) -> str:
        """The equation of a value, as it should be coded."""
        return self._written(name, self.network.lines[name])

    def _probably(self, *names: str) -> str:
        """The lines that compute a value, as the end of a suggestion; or nothing."""
        numbers = [str(line.number) for line in self._places(*names)]
        if not numbers:
            return ""
        *first, last = numbers
        lines = f"lines {', '.join(first)} and {last}" if first else f"line {last}"
        return f" Probably {lines}, judging by the name."

    def _places(self, *names: str) -> list[SourceLine]:
        """The lines that make the first of some values of which the source knows any."""
        found = next((self.sources[name] for name in names if self.sources.get(name)), [])
        return found[-MOST_LINES:]

    def _where(self, *names: str) -> tuple[str, ...]:
        """The same, with what stands there."""
        return tuple(f"{line.number}: {line.text}" for line in self._places(*names))


def label(name: str) -> str:
    """A value as it is spoken of: the update's are the parameters."""
    return UPDATED.get(name, name)
