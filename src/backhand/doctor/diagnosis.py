"""From calls of a function to a report: what is right, what is wrong, and what was written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import oracles
from backhand.doctor.faults import CONVENTIONS
from backhand.doctor.localise import residual
from backhand.doctor.localise.search import Explanation, confirmations, explanations
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.function import Called, Patient, Refusal
from backhand.doctor.probe.problems import ETA, Problem
from backhand.doctor.probe.process_state import kept
from backhand.doctor.probe.run import (
    History,
    ask,
    evidence_of,
    exchanged,
    flattened,
    taken_otherwise,
)
from backhand.doctor.probe.source import lines_of
from backhand.doctor.report.report import Finding, Report
from backhand.doctor.report.wording import Teller, advice, label
from backhand.doctor.verdicts import verdicts
from backhand.formulas import GRADIENTS, LINES, UPDATED, Line, derive

INNER = {"Z1", "H1", "S", "P", "dS", "dH1", "dZ1"}
"""Values that later lines are made of."""

SINGLE = 1e-6
"""Up to this error, relative to the largest entry, numbers seem to have passed through float32."""


def check(
    f: Callable[..., Any],
    *,
    layout: str = "rows",
    autograd: bool | None = None,
    seconds: float = 10.0,
) -> Report:
    """Say which equations of a hand-written backward pass are wrong, and what was written instead.

    Parameters
    ----------
    f : callable
        Takes X (N, d), Y (N, K) one-hot or y (N,) class indices, W1 (d, H), b1 (H,), W2 (H, K) and
        b2 (K,), or some of them, found by the names of its parameters; or `params`, which has the
        four as attributes and keys. It may take `l2` (or `reg`, `weight_decay`), λ of the penalty
        λ/2 (‖W1‖² + ‖W2‖²), and `learning_rate` (or `lr`, `eta`).

        It returns the gradients: a dict (`dW1`, `W1_grad`, `W1`, …), a tuple dW1, db1, dW2, db2, an
        object with such attributes, or a pair of the loss and these. What it returns of dS, dH1,
        dZ1, Z1, H1, S, P and the loss is judged too, each by what it was made of. With a learning
        rate it may return new parameters instead.

        It is called with NumPy arrays in float64; with torch's or JAX's if it refuses these.
    layout : {"rows", "linear", "columns"}
        "linear": weights as `nn.Linear` has them, (H, d) and (K, H). "columns": everything
        transposed, X (d, N), with biases (H, 1) and (K, 1). A function that runs in one of these
        only is taken to be written for it, and the report says so.
    autograd : bool, optional
        Whether to ask autograd as well, which needs torch; by default, if torch is loaded already.
    seconds : float
        How long one call may take.

    Returns
    -------
    Report
        `report.ok`, `report.findings`; it prints itself.

    Raises
    ------
    MissingDependencyError
        If autograd is to be asked, and torch is not installed.
    InputError
        If `f` is no function, or an argument is not what it should be. What is wrong with the
        function itself is a finding, never an exception.
    """
    with kept():
        return _checked(f, layout, autograd, seconds)


def _checked(f: Callable[..., Any], layout: str, autograd: bool | None, seconds: float) -> Report:
    began = time.perf_counter()
    name = getattr(f, "__qualname__", type(f).__qualname__)
    try:
        patient = Patient(f, layout, seconds)
    except Refusal as refusal:
        return hopeless(name, str(refusal), began)
    if autograd:
        oracles.need_autograd()
    history = ask(patient)
    if layout == "rows" and history.refusals:
        patient, history = taken_otherwise(patient, history)
    if not history.calls:
        return hopeless(name, str(history.refusals[0]), began)
    asked = oracles.torch_is_loaded() if autograd is None else autograd
    report = _Examination(patient, history).report(autograd=asked, layout=layout)
    return replace(report, function=name, arrays=patient.kind or "",
                   seconds=time.perf_counter() - began)  # fmt: skip


def assert_gradients(f: Callable[..., Any], **options: Any) -> None:
    """Check as `check` does, and fail with the diagnosis as the message.

    Raises
    ------
    AssertionError
        Unless all is right.
    """
    __tracebackhide__ = True
    report = check(f, **options)
    if not report.ok:
        raise AssertionError(f"the gradients are wrong\n\n{report}")


def hopeless(name: str, clause: str, began: float) -> Report:
    """The report on a function that cannot be judged; the clause says why."""
    sentence = f"{clause[0].upper()}{clause[1:]}."
    finding = Finding("call", sentence, certain=True, suggestion=advice(clause), id="call.refused")
    return Report(False, [finding], [], function=name, seconds=time.perf_counter() - began)


class _Examination:
    """All that is done with the answers of one function."""

    def __init__(self, patient: Patient, history: History) -> None:
        self.patient, self.history = patient, history
        self.penalty = patient.takes_l2
        self.tell = Teller(self.penalty, patient.layout, lines_of(patient.f), history.problems)
        self.findings: list[Finding] = []
        self.calls: list[Finding] = []
        self.remarks: list[str] = []
        self.ruled_out: list[str] = []
        self.excused = False

    def report(self, *, autograd: bool, layout: str) -> Report:
        """Judge, explain, and ask the other witnesses. `layout` is the one that was declared."""
        self._put_right()
        evidence = evidence_of(self.patient, self.history)
        with np.errstate(all="ignore"):
            convention = _convention(evidence, self.patient.kind)
            if convention:
                self.excused = True
                self.remarks.append(f"{convention}.")
            elif not all(one.right_here for one in evidence):
                self._explain(evidence)
            self._absent()
            self._changed()
            self._refused()
            judged = verdicts(self.patient, self.history, evidence, autograd=autograd,
                              excused=self.excused)  # fmt: skip
        findings = [*self.findings, *self.calls]
        findings.sort(key=lambda finding: not finding.certain)
        if self.patient.indices:
            self.remarks.append("its Y was taken to be class indices, which are y by name.")
        if self.patient.layout != layout:
            self.remarks.append(
                f"it runs with layout='{self.patient.layout}' (--layout {self.patient.layout}) "
                "only, so it was taken to be written for that; say so."
            )
        if self.findings and self.patient.layout != "rows":
            self.remarks.append(
                "lines are written with examples as rows and weights as (d, H) and (H, K), as in "
                "the equations."
            )
        return Report(not findings, findings, judged, self.remarks, self.ruled_out,
                      problems=self.history.problems)  # fmt: skip

    def _put_right(self) -> None:
        """What is only in the wrong place, or flat, is told, and judged as it was meant."""
        if exchanged(self.history):
            self._call(
                "exchanged",
                "it returns the gradients of the two layers exchanged",
                "Return them under their own names, or as a tuple dW1, db1, dW2, db2.",
            )
        if flattened(self.history):
            self._call(
                "flattened",
                "it returns the gradients of the weights flattened into vectors",
                "Return dW1 as (d, H) and dW2 as (H, K).",
            )

    def _explain(self, evidence: list[Evidence]) -> None:
        """Name the mistakes, or the first equation in doubt."""
        fed = any(INNER & set(one.fed) for one in evidence)
        stepped = any(set(UPDATED) & set(one.observed) for one in evidence)
        for feeding in (True, False) if fed else (False,):
            found = explanations(evidence, penalty=self.penalty, feeding=feeding,
                                 updated=stepped)  # fmt: skip
            if found:
                self._named(evidence, found, feeding=feeding)
                return
        if stepped:
            # The update is right, it seems: what it went along is judged.
            self._explain([one.along_the_step() for one in evidence])
        elif not _repeatable(evidence):
            self._call(
                "not_repeatable",
                "two calls with the same arrays do not return the same",
                "Look for dropout, for numbers drawn at random, and for arrays kept between calls.",
            )
        elif (name := _narrow(evidence)) is not None:
            if _narrow_throughout(evidence):
                self.excused = True
                self.remarks.append("it computes in float32, and returns float64.")
            else:
                self.findings.append(self.tell.narrow(name))
        else:
            self._doubted(evidence)

    def _named(
        self, evidence: Sequence[Evidence], found: list[Explanation], *, feeding: bool
    ) -> None:
        best = found[0]
        count = confirmations(evidence, best, feeding=feeding)
        for fault in best.faults:
            others = self.tell.others(fault, best, found[1:])
            self.findings.append(self.tell.fault(fault, best.constant, count, others))
        kept = [name for fault in best.faults if "last" in fault.reads for name in fault.lines]
        if kept:
            self._call(
                "keeps_state",
                f"it keeps {', '.join(map(label, kept))} from call to call",
                "Begin each call with new arrays of zeros.",
            )

    def _doubted(self, evidence: Sequence[Evidence]) -> None:
        """Say where the evidence points, as far as it does."""
        following = [residual.with_what_follows(one) for one in evidence]
        most = max(len(one.observed) for one, _ in following)
        fullest = [one for one, _ in following if len(one.observed) == most]
        found, left = residual.explained_singly(fullest, penalty=self.penalty)
        count = len({one.problem for one in fullest})
        for explanation in found:
            (fault,) = explanation.faults
            self.findings.append(self.tell.fault(fault, explanation.constant, count))
        changed = {name for e in found for fault in e.faults for name in fault.lines}
        right = [name for name in LINES
                 if any(name in one.observed for one in fullest)
                 and name not in changed and name not in left]  # fmt: skip
        if right:
            self.ruled_out.append(
                f"{', '.join(map(label, right))}: right, given what they are made of here."
            )
        if left:
            self.ruled_out.append(
                "No mistake of the dictionary, alone or with another, gives these numbers."
            )
            self.findings.append(self.tell.doubt(
                left[0], residual.first_suspect(left[0], fullest),
                returned=any(left[0] in one.observed for one in evidence),
                product=not any(left[0] in names for _, names in following),
                finite=all(np.isfinite(one.observed.get(left[0], 0.0)).all() for one in evidence),
            ))  # fmt: skip

    def _absent(self) -> None:
        absent = dict.fromkeys(name for _, called in self.history.calls
                               for name in called.answer.absent)  # fmt: skip
        self.findings += [self.tell.absent(name) for name in absent]

    def _changed(self) -> None:
        """Inputs that were changed in place."""
        names = dict.fromkeys(n for _, c in self.history.calls for n in c.changed)
        if names:
            listed = " and ".join(names)
            step = _step_in_place(*self.history.calls[0], l2=self.patient.l2)
            how = f": {step} stands there" if step else ""
            self._call(
                "changes_inputs",
                f"it changes {listed} in place{how}",
                f"Work on a copy: the caller's {listed} must be the same after the call.",
            )

    def _refused(self) -> None:
        if self.history.refusals:
            sizes = self.history.calls[0][0].name.partition(", ")[2]
            where = f"unless {sizes}, " if sizes else "on some problems, "
            clause = str(self.history.refusals[0])
            self._call("refused", f"{where}{clause}", advice(clause))

    def _call(self, what: str, clause: str, suggestion: str) -> None:
        self.calls.append(self.tell.call(what, clause, suggestion))


def _convention(evidence: Sequence[Evidence], kind: str | None) -> str | None:
    """The other way to be right that gives all the numbers, where the equations do not."""
    if all(one.right_here for one in evidence):
        return None
    returns_loss = any("L" in one.observed for one in evidence)
    for convention in CONVENTIONS:
        if convention.needs_loss and not returns_loss:
            continue
        if convention.by_library and kind == "numpy":
            continue
        if all(_fits(one, convention.lines) for one in evidence):
            return convention.message
    return None


def _fits(one: Evidence, lines: Mapping[str, Line]) -> bool:
    gave = derive(one.given, lines, one.fed, one.names)[0]
    return all(name in gave and one.like(name, gave[name]) for name in one.observed)


def _repeatable(evidence: Sequence[Evidence]) -> bool:
    """Whether the same problem had the same answer."""
    first: dict[str, Evidence] = {}
    for one in evidence:
        earlier = first.setdefault(one.problem, one)
        for name, value in one.observed.items():
            other = earlier.observed.get(name)
            if other is None or not alike(other, value, one.tolerance[name]):
                return False
    return True


def _narrow(evidence: Sequence[Evidence]) -> str | None:
    """The first value that lacks the precision of the others, if all is right but for that."""
    for one in evidence:
        for name in one.observed:
            if not alike(one.right[name], one.observed[name], SINGLE):
                return None
    return next(name for name in LINES for one in evidence
                if name in one.observed and not one.like(name, one.right[name]))  # fmt: skip


def _narrow_throughout(evidence: Sequence[Evidence]) -> bool:
    """Whether all gradients lack that precision: then the whole was computed in float32."""
    lacking = {name for one in evidence for name in GRADIENTS
               if name in one.observed and not one.like(name, one.right[name])}  # fmt: skip
    return lacking == {name for name in GRADIENTS if name in evidence[0].observed}


def _step_in_place(problem: Problem, called: Called, *, l2: float) -> str:
    """How a parameter was changed, if it was by a step along its gradient."""
    right = derive(problem.values(l2, ETA), {}, {})[0]
    for W in ("W2", "W1", "b2", "b1"):
        if W in called.changed and called.changed[W].shape == right[f"d{W}"].shape:
            moved = called.changed[W] - getattr(problem.params, W)
            gradient: NDArray[Any] = {**right, **called.answer.values}[f"d{W}"]
            size = float(np.sum(gradient * gradient))
            if gradient.shape == moved.shape and size:
                c = -float(np.sum(moved * gradient)) / size
                if alike(-c * gradient, moved, 1e-6):
                    return f"{W} - {c:.4g} * d{W}"
    return ""
