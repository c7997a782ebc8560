"""Putting into words what was found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from backhand.doctor.faults import Kind
from backhand.doctor.frame.form import Form
from backhand.doctor.frame.network import Network
from backhand.doctor.localise.diagnose import Diagnosis, Doubt, Named
from backhand.doctor.probe.function import CheckedFunction
from backhand.doctor.probe.places import Places, Scope, Where
from backhand.doctor.probe.refusal import NOT_JUDGED, Reason, Refusal
from backhand.doctor.probe.signature import MEANINGS
from backhand.doctor.report.contents import Outcome
from backhand.doctor.report.layout import NUMBER, PLAIN, Symbol, shapes_in
from backhand.doctor.report.notation import (
    ENTRYWISE,
    Notation,
    label,
    name_of_numpy,
    symbol,
    with_library,
    without_dimension,
)
from backhand.doctor.report.report import Finding, Report, Verdict
from backhand.formulas import equation_of, parts_of
from backhand.support.optional import install
from backhand.support.project import page

_WRAP = (
    "Wrap it in a function of X, Y (or y, class indices), W1, b1, W2 and b2 that returns the "
    f"gradients; {page('doctor')} has examples of three lines."
)
_RAISED = "Fix that line."
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
    Reason.RETURNS_INPUTS: _RETURN,
    Reason.FINITE_DIFFERENCES:
        "Compute the gradients by the chain rule; finite differences are good for checking them.",
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

GIVEN_LABELS = {"one_hot": "one-hot", "indices": "class indices"}
"""How labels of a form are spoken of, where a function may distinguish them."""

LABELS = frozenset(name for name, meant in MEANINGS.items() if meant in ("y", "Y"))

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
    forward_only : bool
        Whether there are values of the forward pass, and no gradients.
    rate : float, optional
        The learning rate of a step, if it is in the code.
    """

    corrections: Sequence[Reason]
    changed: tuple[str, ...]
    step: str
    refusal: Refusal | None
    equal: str
    forward_only: bool = False
    rate: float | None = None


ONE_EXAMPLE = (
    "it takes one example, a column: it was called on each, and the gradients were added. Of a "
    "matrix of columns its db1 and db2 are not summed over the examples."
)

OVERFLOWS = {
    "exp": "the softmax overflows: a score of 710 or more gives nan. Subtract the largest score of "
           "each row before the exponential.",
    "nan": "where one score is 1000 more than the others, nan comes back: a probability is 0 "
           "there, and is divided by, or its logarithm taken.",
}  # fmt: skip
"""Remarks on numbers that are too large, by what `overflows` found."""

ABOUT_SHAPES = re.compile(r"shape|align|broadcast|dimension|mismatch|matmul|out of bounds|axis")
"""What messages say of arrays whose shapes do not fit."""


def refused(name: str, refusal: Refusal, seconds: float, form: Form | None = None) -> Report:
    """The report on a function of which no call gave gradients; `form` is how it was called."""
    finding = _of_call(refusal.reason, refusal.clause, _advice_on(refusal, form))
    outcome: Outcome = "not judged" if refusal.reason in NOT_JUDGED else "wrong"
    return Report(outcome, [finding], [], function=name, seconds=seconds)


def _advice_on(refusal: Refusal, form: Form | None) -> str:
    """What to do about a call that gave no gradients, if more is known than its reason."""
    if refusal.reason is Reason.IMPORT_RAISES:
        missing = re.search(r"No module named '(\w+)", refusal.clause)
        if missing:
            return install(missing[1])
        if ".ipynb" in refusal.clause:
            return "Run the notebook from its first cell, which shows the whole traceback."
    if refusal.reason is Reason.RAISES and form and ABOUT_SHAPES.search(refusal.clause):
        return f"Fix that line; the shapes are {shapes_in(form)}."
    return ""


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


def _of_call(reason: Reason, clause: str, advice: str = "", *, problems: int = 0) -> Finding:
    end = "" if clause.endswith((".", "?")) else "."
    return Finding(
        "call", f"{clause[0].upper()}{clause[1:]}{end}", certain=True, id=f"call.{reason}",
        suggestion=advice or ADVICE[reason], problems=problems,
    )  # fmt: skip


@dataclass
class Wording:
    """Writes the report on one function.

    Attributes
    ----------
    function : CheckedFunction
    network : Network
        Whose equations are the right ones.
    places : Places
        Where the function's code computes each value, as far as is known.
    problems : int
        How many it was tried on.
    """

    function: CheckedFunction
    network: Network
    places: Places
    problems: int

    def __post_init__(self) -> None:
        strength = self.network.strength
        self.lines = self.network.lines
        self.notation = Notation(
            self.function.form,
            penalty=self.function.takes_l2 or bool(strength),
            numbers={"l2": f"{strength:g}"} if strength else {},
        )

    def report(
        self, found: Diagnosis, absent: Sequence[str], of_calls: CallFinding,
        values: list[Verdict],
    ) -> Report:  # fmt: skip
        """All of it."""
        findings = [self._named(one) for one in found.named]
        if found.doubt:
            findings += map(self._doubt, (found.doubt, *found.further))
        if found.narrower:
            findings.append(self._narrower(found.narrower))
        findings += map(self._absent, () if of_calls.forward_only else absent)
        remarks = self._remarks(found)
        if of_calls.forward_only:
            remarks.append("the forward pass alone was checked: there are no gradients yet.")
        if of_calls.rate:
            remarks.append(f"a step, whose learning rate is a constant: {of_calls.rate:.4g}.")
        findings += self._of_calls(found, of_calls)
        if of_calls.refusal and self._is_explained(found, of_calls):
            where = f"unless {of_calls.equal}" if of_calls.equal else "where scores are large"
            remarks.append(f"{where}, {of_calls.refusal.clause}.")
        findings.sort(key=lambda finding: not finding.certain)
        outcome: Outcome = "wrong" if findings else "correct"
        return Report(outcome, findings, values, remarks, self._ruled_out(found, values),
                      problems=self.problems,
                      cleared=list(dict.fromkeys(map(equation_of, found.right))))  # fmt: skip

    def _remarks(self, found: Diagnosis) -> list[str]:
        remarks = []
        if found.convention:
            remarks.append(f"{found.convention.message}.")
        if found.all_float32:
            remarks.append("computed in float32, returned in float64.")
        if self.function.form.labels == "indices" and "Y" in self.function.meanings:
            remarks.append(
                "the parameter Y was given class indices; the usual name for these is y."
            )
        if unseen := self._unseen_labels():
            remarks.append(unseen)
        if self.notation.as_rows:
            remarks.append(
                f"shown as in the equations, with examples as rows and weights of shape (d, H) and "
                f"(H, K): {'; '.join(sorted(self.notation.as_rows))}."
            )
        return remarks

    def _unseen_labels(self) -> str:
        """A remark on a branch for labels of another form than those that were given."""
        given = GIVEN_LABELS.get(self.function.form.labels)
        if given is None or not self.places.branches_on(LABELS):
            return ""
        return (
            f"the labels given were {given}; what the function does with other ones was not tried."
        )

    def _ruled_out(self, found: Diagnosis, values: Sequence[Verdict]) -> list[str]:
        """What is not wrong, beside the values that the report compares one by one."""
        said = []
        compared = {one.name for one in values}
        names = [label(name) for name in found.right if name not in compared]
        if names:
            *others, last = names
            all_of_them = f"{', '.join(others)} and {last}" if others else last
            said.append(f"a fault in {all_of_them}: correct given what is computed before.")
        if found.doubt:
            said.append("every fault of the dictionary, alone and in pairs.")
        return said

    def _of_calls(self, found: Diagnosis, of_calls: CallFinding) -> list[Finding]:
        """What is wrong with the function as a whole."""
        seen = [(reason, CORRECTED[reason], "") for reason in of_calls.corrections]
        if found.kept:
            names = ", ".join(map(label, found.kept))
            seen.append((Reason.KEEPS_STATE, f"the function keeps {names} from call to call", ""))
        if not found.repeatable:
            clause = "two calls with the same arrays return different numbers"
            seen.append((Reason.NOT_REPEATABLE, clause, self._of_tape()))
        if of_calls.changed:
            names = " and ".join(of_calls.changed)
            how = f" ({of_calls.step})" if of_calls.step else ""
            advice = ADVICE[Reason.CHANGES_INPUTS].format(names=names)
            clause = f"the function changes {names} in place{how}"
            seen.append((Reason.CHANGES_INPUTS, clause, advice))
        if of_calls.refusal and not self._is_explained(found, of_calls):
            where = f"unless {of_calls.equal}, " if of_calls.equal else "on some problems, "
            refusal = of_calls.refusal
            advice = _advice_on(refusal, self.function.form)
            seen.append((refusal.reason, where + refusal.clause, advice))
        return [_of_call(*one, problems=self.problems) for one in seen]

    @staticmethod
    def _is_explained(found: Diagnosis, of_calls: CallFinding) -> bool:
        """Whether it raises since it says so, since a line is wrong, or for large scores."""
        refusal = of_calls.refusal
        if refusal is None or refusal.reason is not Reason.RAISES:
            return False
        if not of_calls.equal:  # a probability is 0 or 1 to the last digit
            return isinstance(refusal.__cause__, ZeroDivisionError | OverflowError) or (
                "math domain error" in str(refusal.__cause__)
            )
        named = bool(found.named) and found.doubt is None
        return named or isinstance(refusal.__cause__, AssertionError)

    def _of_tape(self) -> str:
        """What to do about gradients that a tape overwrites, if there are any."""
        where = self.places.overwritten_gradients()
        if not where.lines:
            return ""
        return (
            "Add up the gradients on a tape, where a value is used more than once: write "
            f"`+=` instead of `=` in {_listed_lines(where)}, and set them to 0 before each call."
        )

    def _named(self, one: Named) -> Finding:
        """A fault that gives the numbers."""
        fault, name, right = one.fault, label(one.fault.name), self._right(one.fault.name)
        alike = (self.notation.faulty(other.name, other.line) for other in one.others)
        others = tuple(dict.fromkeys(filter(None, alike)))
        if fault.returned:
            return Finding(
                fault.equation, f"{fault.message}.", certain=True, id=fault.id, right=right,
                suggestion=f"Return {name} before it is overwritten, or overwrite a copy.",
                written=f"{name} returned = {self.notation.code(fault.name, fault.line)}",
                problems=one.problems, others=others,
            )  # fmt: skip
        where = self._of_fault(one)
        if fault.id == "dZ1.mask.missing" and (mask := self.places.constant_mask()):
            return self._constant_mask(one, *mask)
        return Finding(
            fault.equation, f"{name}: {self._says(one)}.", certain=True, id=fault.id, right=right,
            suggestion=self._advice(fault.name, where), written=self._written(one),
            problems=one.problems, others=others, where=tuple(map(str, where.lines)),
        )  # fmt: skip

    def _says(self, one: Named) -> str:
        """What is wrong, with the number that was found."""
        if self._lacks_dimension(one):
            return "keepdims is missing: the result is flat instead of a column"
        found = one.constant is not None and one.fault.fitted
        return one.fault.message + (f" ({one.constant:.4g})" if found else "")

    def _written(self, one: Named) -> str:
        """The lines that give the same numbers."""
        name, c = one.fault.name, one.constant
        if self._lacks_dimension(one):
            flat = without_dimension(self.function.form)
            return self.notation.statement(name, self.lines[name], flat)
        lines = [
            self.notation.faulty(key, line if c is None else line.with_constant(float(f"{c:.4g}")))
            for key, line in one.fault.lines.items()
        ]
        return "; ".join(filter(None, lines)) if lines[0] else ""

    def _lacks_dimension(self, one: Named) -> bool:
        """Whether a dimension of the equations is one that is missing in the function's layout."""
        return self.function.form.layout == "columns" and one.fault.kind is Kind.KEEPDIMS

    def _constant_mask(self, one: Named, where: Where, code: str, is_true: bool) -> Finding:
        """A mask that is there, but the same everywhere."""
        right, always = self._right("dZ1"), "always" if is_true else "never"
        scope = self.places.scope("Z1", where.lines)
        seen = scope and scope.named("Z1", self.places.calls[0][1]["Z1"], self.places.tolerance)
        Z1 = seen.text if seen else "Z1"
        return Finding(
            "dZ1", f"dZ1: the mask `{code}` is {always} true.", certain=True, id=one.fault.id,
            right=right, suggestion=f"Ask whether `{Z1} > 0` in {_listed_lines(where)}.",
            problems=one.problems, where=tuple(map(str, where.lines)),
        )  # fmt: skip

    def _doubt(self, doubt: Doubt) -> Finding:
        """A value that is wrong, where no fault is known that gives it."""
        name, suspect = label(doubt.name), doubt.suspect
        says = f"{name} differs from {self.notation.code(doubt.name, self.lines[doubt.name])}"
        if not doubt.finite:
            says += " and has nan or infinite entries"
        elif not doubt.product:
            says += f" and is not a product with {'H1' if doubt.name == 'dW2' else 'X'} at all"
        if not doubt.returned:
            says += ", as the gradients computed from it show"
        if suspect != doubt.name:
            says += f"; its input {suspect} is wrong first"
        where = self.places.of_value(suspect, doubt.name)
        what = f"the inputs of {name}" if doubt.returned else f"{name} and its inputs"
        advice = f"Return {what} as well: then each is compared on its own.{_probably(where)}"
        if where.lines and not where.by_name:
            advice = f"Compare {_listed_lines(where)} with `{self._right(suspect)}`."
        advice = self._of_tape() or advice
        return Finding(
            equation_of(suspect), f"{says}. The fault is unknown.", certain=False,
            id=f"{equation_of(suspect)}.unknown", right=self._right(suspect),
            suggestion=advice,
            where=tuple(map(str, where.lines)),
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

    def _right(self, name: str) -> str:
        """The equation of a value, as it should be coded."""
        return self.notation.statement(name, self.lines[name])

    def _in_own_names(self, name: str, where: Where) -> str | None:
        """The equation as it can be pasted in place of some lines; None if it cannot.

        It can if they are one after the other and assign one variable, and if all that the
        equation reads has a name there.
        """
        numbers = [line.number for line in where.lines]
        together = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        scope = self.places.scope(name, where.lines) if together else None
        if scope is None or (scope.target is None and len(numbers) > 1):
            return None
        own = self._symbols(name, scope)
        written = self.notation.in_own_names(name, self.lines[name], own, dH1=self.lines["dH1"])
        if written is None:
            return None
        right = f"{scope.target.text} = {written}" if scope.target else written
        return with_library(right, name_of_numpy(self.function.f))

    def _symbols(self, name: str, scope: Scope) -> dict[str, Symbol]:
        """The values that some lines can read, as they have them; and the one that they assign."""
        own: dict[str, Symbol] = {}
        values, tolerance = self.places.calls[0][1], self.places.tolerance
        flat = name in ENTRYWISE
        for key, value in values.items():
            seen = scope.named(key, value, tolerance) if key != name and np.size(value) else None
            if seen and (found := symbol(seen.text, seen.value, value, flat=flat)):
                own[key] = found
        if scope.target is not None:
            seen = scope.target
            shape = np.shape(values[name.removeprefix("d")])
            if shape == np.shape(values[name]) and (
                found := symbol(seen.text, seen.value, values[name], flat=flat)
            ):
                own[name] = found
        rows = next((own[key] for key in ("X", "P", "S", "dS", "Z1", "dZ1") if key in own), None)
        if "N" not in own and rows is not None:
            N = f"len({rows.text})" if rows.way == PLAIN else f"{rows.text}.shape[1]"
            own["N"] = Symbol(N, NUMBER)
        if self.function.form.labels == "indices":
            own.pop("Y", None)
            own.update(self._one_hot(own, scope))
        return own

    def _one_hot(self, own: Mapping[str, Symbol], scope: Scope) -> dict[str, Symbol]:
        """Y, made of the class indices that there are instead."""
        Y = self.places.calls[0][1]["Y"]
        y = scope.named("y", np.argmax(Y, axis=1), self.places.tolerance)
        if y is None or y.value.ndim != 1 or not {"K", "P", "S"} & own.keys():
            return {}
        like = own.get("P") or own.get("S")
        K = own["K"].text if "K" in own else ""
        if like is not None:
            K = f"{like.text}.shape[{1 if like.way == PLAIN else 0}]"
        numpy = name_of_numpy(self.function.f)
        return {"Y": Symbol(f"{numpy}.eye({K})[{y.text}]", PLAIN)}

    def _of_fault(self, one: Named) -> Where:
        """The lines of the code that a fault is in."""
        line = (
            one.fault.line if one.constant is None else one.fault.line.with_constant(one.constant)
        )
        name = one.fault.name
        return self.places.of_fault(name, line, self.lines, penalty=self.notation.penalty)

    def _advice(self, name: str, where: Where) -> str:
        """What to write, in the names of the code, and where; or what is to be computed there."""
        lines = _listed_lines(where)
        own = self._in_own_names(name, where) if where.lines and not where.by_name else None
        if own is not None:
            of = "" if " = " in own else f" for {label(name)}"
            instead = "instead of" if len(where.lines) > 1 else "in"
            return f"Write `{own}`{of} {instead} {lines}."
        right, names = self._right(name), self._of_names(name)
        if not where.lines or where.by_name:
            return f"Compute `{right}`{names}.{_probably(where)}"
        if where.near:
            return f"Compute `{right}`{names}, near {lines}."
        together = "together compute" if len(where.lines) > 1 else "compute"
        return f"{lines[0].upper()}{lines[1:]} should {together} `{right}`{names}."

    def _of_names(self, name: str) -> str:
        """What the names of an equation mean that the code may not have."""
        one_hot = "Y" in parts_of(self.lines[name].code(penalty=False))
        one_hot = one_hot and self.function.form.labels == "indices"
        return ", in the names of the equations" + (", with Y one-hot" if one_hot else "")


def _probably(where: Where) -> str:
    """The lines that names tell, as the end of a suggestion; or nothing."""
    if not where.lines:
        return ""
    return f" Probably {_listed_lines(where)}, judging by the name."


def _listed_lines(where: Where) -> str:
    """Which lines: "line 12", "lines 12 and 14 of relu", "line 12 of relu in layers.py"."""
    parts = []
    for (file, function), lines in groupby(where.lines, lambda line: (line.file, line.function)):
        *others, last = (str(line.number) for line in lines)
        numbers = f"lines {', '.join(others)} and {last}" if others else f"line {last}"
        of = f" of {function}" if function else ""
        parts.append(f"{numbers}{of}{f' in {file}' if file else ''}")
    return " and ".join(parts)
