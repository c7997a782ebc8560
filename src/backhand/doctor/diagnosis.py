"""From calls of a function to a report: what is right, what is wrong, and what was written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor import doubt, witnesses
from backhand.doctor.answers import as_updated
from backhand.doctor.calling import Called, Patient, Refusal
from backhand.doctor.derivation import GRADIENTS, LINES, UPDATED, derive, equation_of, shown
from backhand.doctor.evidence import Evidence, alike, relative_error
from backhand.doctor.mistakes import CONVENTIONS, Mistake
from backhand.doctor.problems import ETA, L2, Problem, problems, square_problems
from backhand.doctor.report import Finding, Report, Verdict
from backhand.doctor.search import Explanation, confirmations, explanations
from backhand.doctor.source import lines_of

MOSTLY = 0.7
"""From this share of W1 on, what was returned is taken for a new W1, not for its gradient."""

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
        transposed, X (d, N), with biases (H, 1) and (K, 1).
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
    InputError
        If `f` is no function, or an argument is not what it should be. What is wrong with the
        function itself is a finding, never an exception.
    """
    began = time.perf_counter()
    name = getattr(f, "__qualname__", type(f).__qualname__)
    try:
        patient = Patient(f, layout, seconds)
    except Refusal as refusal:
        return _hopeless(name, refusal, began)
    history = _calls(patient)
    if not history.calls:
        return _hopeless(name, history.refusals[0], began)
    asked = witnesses.torch_is_loaded() if autograd is None else autograd
    report = _Examination(patient, history, asked).report()
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


@dataclass
class History:
    """The calls that were answered, and what came in their way."""

    calls: list[tuple[Problem, Called]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def _calls(patient: Patient) -> History:
    """Call on all problems; on equal sizes, if it cannot do with unequal ones."""
    history = History()
    for wanted in (
        problems(),
        square_problems(all_sizes=False),
        square_problems(all_sizes=True),
    ):
        for problem in wanted:
            try:
                history.calls.append((problem, patient.call(problem)))
            except Refusal as refusal:
                history.refusals.append(refusal)
                if not history.calls or isinstance(refusal.__cause__, TimeoutError):
                    break
        if history.calls or not isinstance(history.refusals[0].__cause__, Exception):
            break
        if isinstance(history.refusals[0].__cause__, TimeoutError):
            break
    return history


def _hopeless(name: str, refusal: Refusal, began: float) -> Report:
    finding = Finding("call", f"{refusal}.", certain=True, suggestion=_advice(str(refusal)))
    return Report(False, [finding], [], function=name, seconds=time.perf_counter() - began)


def _advice(clause: str) -> str:
    if "raises" in clause:
        return "Mend that line; the shapes are X (N, d), W1 (d, H), b1 (H,), W2 (H, K), b2 (K,)."
    if "within" in clause:
        return "Look for a loop that does not end; or allow more with seconds=."
    return "Return the gradients as a dict with dW1, db1, dW2 and db2, or as a tuple in this order."


class _Examination:
    """All that is done with the answers of one function."""

    def __init__(self, patient: Patient, history: History, autograd: bool) -> None:
        self.patient, self.history, self.autograd = patient, history, autograd
        self.penalty = patient.takes_l2
        self.lines = lines_of(patient.f)
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self.ruled_out: list[str] = []
        self.calls: list[Finding] = []
        self._order()
        self.evidence = self._evidence()
        self.feeding = True

    def report(self) -> Report:
        """Judge, explain, and ask the other witnesses."""
        with np.errstate(all="ignore"):
            wrong = [one for one in self.evidence
                     if any(not one.like(n, one.right[n]) for n in one.observed)]  # fmt: skip
            if wrong and not self._by_convention():
                self._explain()
            self._absent()
            self._changed()
            self._refused()
            verdicts = self._verdicts()
        findings = [*self.findings, *self.calls]
        findings.sort(key=lambda finding: not finding.certain)
        return Report(
            not findings, findings, verdicts, self.remarks, self.ruled_out,
            problems=len({one.problem for one in self.evidence}),
        )  # fmt: skip

    def _order(self) -> None:
        """Put right what is only in the wrong place or flat, and say so."""
        swapped = flat = False
        for problem, called in self.history.calls:
            values = called.answer.values
            shapes = {f"d{W}": getattr(problem.params, W).shape for W in ("W1", "b1", "W2", "b2")}
            if set(values) >= set(GRADIENTS):
                crossed = {"dW1": "dW2", "db1": "db2", "dW2": "dW1", "db2": "db1"}
                fits = all(values[crossed[n]].shape == shapes[n] for n in ("dW1", "dW2"))
                if fits and values["dW1"].shape != shapes["dW1"]:
                    other = all(values[crossed[n]].shape == shapes[n] for n in ("db1", "db2"))
                    names = GRADIENTS if other else ("dW1", "dW2")
                    values.update({n: values[crossed[n]] for n in names}
                                  | {crossed[n]: values[n] for n in names})  # fmt: skip
                    swapped = True
            for name in ("dW1", "dW2"):
                value = values.get(name)
                if value is not None and value.shape == (np.prod(shapes[name]),):
                    values[name] = value.reshape(shapes[name])
                    flat = True
        if swapped:
            self._call(
                "it returns the gradients of the two layers exchanged",
                "Return them under their own names, or as a tuple dW1, db1, dW2, db2.",
            )
        if flat:
            self._call(
                "it returns the gradients of the weights flattened into vectors",
                "Return dW1 as (d, H) and dW2 as (H, K).",
            )

    def _evidence(self) -> list[Evidence]:
        """The answers, each with what it may remember of the call before."""
        found: list[Evidence] = []
        updated = self._returns_parameters()
        for problem, called in self.history.calls:
            l2 = L2 if self.penalty else 0.0
            given = problem.values(l2, ETA)
            if not self.patient.takes_eta:
                del given["eta"]
            observed = dict(called.answer.values)
            if updated:
                given["eta"] = ETA
                explicit = {n: v for n, v in observed.items() if n not in called.answer.bare}
                observed = explicit | as_updated(
                    called.answer.bare or {n: observed[n] for n in GRADIENTS if n in observed}
                )
            observed = {name: observed[name] for name in LINES if name in observed}
            if found and found[-1].given["N"] == given["N"]:
                found.append(found[-1].next(given, problem.name, observed))
            else:
                found.append(Evidence(problem.name, given, observed))
        return found

    def _returns_parameters(self) -> bool:
        """Whether what came under the parameters' names, or in their order, is a step on."""
        if not self.patient.takes_eta:
            return False
        for problem, called in self.history.calls[:2]:
            answer = called.answer
            value = answer.bare.get("dW1", answer.values.get("dW1"))
            W1 = problem.params.W1
            if value is None or value.shape != W1.shape or not np.isfinite(value).all():
                return False
            if "dW1" in answer.bare and answer.values["dW1"] is not answer.bare["dW1"]:
                return True
            share = np.sum(value * W1) / np.sum(W1 * W1)  # of W1 in it; a gradient has little
            if share < MOSTLY and not ("dW1" in answer.bare and self._is_a_step(called, problem)):
                return False
        return True

    def _is_a_step(self, called: Called, problem: Problem) -> bool:
        """Whether bare names hold -η dθ: a step that forgot where it started."""
        right = derive(problem.values(L2 if self.penalty else 0.0, ETA), {}, {})[0]
        return alike(-ETA * right["dW1"], called.answer.bare["dW1"], 1e-4)

    def _by_convention(self) -> bool:
        """Whether another way to be right gives all the numbers."""
        half = ("the gradient at Z1 = 0 is 1/2 here, where the equations have 0; both are slopes",
                {"dZ1": "dH1 * ((Z1 > 0) + 0.5 * (Z1 == 0))"})  # fmt: skip
        for says, lines in (*CONVENTIONS, half):
            if "λ" in says and not any("L" in one.observed for one in self.evidence):
                continue
            if lines is half[1] and self.patient.kind == "numpy":
                continue  # who writes it by hand writes something else than the equation
            if all(self._fits(one, lines) for one in self.evidence):
                self.remarks.append(f"{says}.")
                return True
        return False

    @staticmethod
    def _fits(one: Evidence, lines: dict[str, str]) -> bool:
        gave = derive(one.given, lines, one.fed, one.names)[0]
        return all(name in gave and one.like(name, gave[name]) for name in one.observed)

    def _explain(self) -> None:
        """Name the mistakes, or the first equation in doubt."""
        repeatable = self._repeatable()
        inner = {"Z1", "H1", "S", "P", "dS", "dH1", "dZ1"}
        fed = any(inner & set(one.fed) for one in self.evidence)
        stepped = any(set(UPDATED) & set(one.observed) for one in self.evidence)
        for feeding in (True, False) if fed else (False,):
            found = explanations(self.evidence, penalty=self.penalty, feeding=feeding,
                                 pairs=not stepped)  # fmt: skip
            if found:
                self.feeding = feeding
                self._named(found)
                return
        if stepped:
            # The update is right, or makes no single mistake: what it went along is judged.
            self.evidence = [one.along_the_step() for one in self.evidence]
            self._explain()
            return
        if not repeatable:
            self._call(
                "two calls with the same arrays do not return the same",
                "Look for dropout, for numbers drawn at random, and for arrays kept between calls.",
            )
        elif not self._imprecise():
            self._doubted()

    def _imprecise(self) -> bool:
        """Whether all is right but for the precision; the first value that lacks it is named."""
        lacking = [
            name
            for name in LINES
            for one in self.evidence
            if name in one.observed and not one.like(name, one.right[name])
        ]
        near = all(
            alike(one.right[name], one.observed[name], SINGLE)
            for one in self.evidence
            for name in one.observed
        )
        if not near:
            return False
        name = lacking[0]
        line = f"{_label(name)} = {shown(LINES[name], penalty=self.penalty)}"
        self.findings.append(Finding(
            equation_of(name),
            f"{_label(name)}: it is computed or kept in float32, and the rest in float64.",
            certain=True, suggestion=f"Compute {line} in one precision throughout.", right=line,
            problems=len({one.problem for one in self.evidence}),
        ))  # fmt: skip
        return True

    def _repeatable(self) -> bool:
        first: dict[str, Evidence] = {}
        for one in self.evidence:
            earlier = first.setdefault(one.problem, one)
            for name, value in one.observed.items():
                other = earlier.observed.get(name)
                if other is None or not alike(other, value, one.tolerance[name]):
                    return False
        return True

    def _named(self, found: list[Explanation]) -> None:
        best = found[0]
        count = confirmations(self.evidence, best, feeding=self.feeding)
        for mistake in best.mistakes:
            others = _others(mistake, best, found[1:], penalty=self.penalty)
            self.findings.append(self._finding(mistake, best.constants, count, others))
        kept = [name for m in best.mistakes if "last" in m.code for name in m.lines]
        if kept:
            self._call(
                f"it keeps {', '.join(map(_label, kept))} from call to call",
                "Begin each call with new arrays of zeros.",
            )

    def _finding(
        self, mistake: Mistake, constants: dict[str, float], count: int,
        others: tuple[str, ...] = (),
    ) -> Finding:  # fmt: skip
        label = _label(mistake.name)
        code = shown(mistake.code, penalty=self.penalty)
        right = f"{label} = {shown(LINES[mistake.name], penalty=self.penalty)}"
        written = f"{label} = {code}"
        says = mistake.says
        if "c" in constants and mistake.constant:
            c = constants["c"]
            written += f", c = {c:.4g}"
            says += f" ({c:.4g})"
        if self.patient.layout == "columns" and "kept dimension stays" in says:
            says, written = "the kept dimension is missing: it is flat, not a column", ""
        if mistake.returned:
            return Finding(mistake.equation, f"{says}.", certain=True,
                           suggestion=f"Return the {label} of the equation; change a copy of it.",
                           written=f"{label} returned = {code}", right=right, problems=count,
                           others=others)  # fmt: skip
        suggestion = self._advised(mistake.name, right)
        more = [f"{_label(n)} = {shown(c, penalty=self.penalty)}"
                for n, c in mistake.lines.items() if n != mistake.name]  # fmt: skip
        if more:
            written += "; " + "; ".join(more)
        return Finding(mistake.equation, f"{label}: {says}.", certain=True, suggestion=suggestion,
                       written=written, right=right, problems=count, others=others)  # fmt: skip

    def _advised(self, name: str, right: str) -> str:
        """What to write, and in which line, if the names in the source tell it."""
        line = self.lines.get(name.replace("new ", "d") if name in UPDATED else name)
        if name in UPDATED or line is None:
            return f"Write {right}."
        return f"Line {line.number}, `{line.text}`: write {right}."

    def _doubted(self) -> None:
        """Say where the evidence points, as far as it does."""
        following = [doubt.with_what_follows(one) for one in self.evidence]
        most = max(len(one.observed) for one, _ in following)
        evidence = [one for one, _ in following if len(one.observed) == most]
        contradicting = {name for _, names in following for name in names}
        found, left = doubt.explained_singly(evidence, penalty=self.penalty)
        count = len({one.problem for one in evidence})
        self.findings += [self._finding(mistake, {}, count) for mistake in found]
        right = [name for name in LINES
                 if any(name in one.observed for one in evidence) and name not in left
                 and not any(name in m.lines for m in found)]  # fmt: skip
        if right:
            self.ruled_out.append(
                f"{', '.join(map(_label, right))}: right, given what they are made of here."
            )
        if left:
            first = left[0]
            self.ruled_out.append(
                "No mistake of the dictionary, alone or with another, gives these numbers."
            )
            self.findings.append(self._in_doubt(first, evidence, contradicting))

    def _in_doubt(
        self, name: str, evidence: Sequence[Evidence], contradicting: set[str]
    ) -> Finding:
        line = shown(LINES[name], penalty=self.penalty)
        label = _label(name)
        says = f"{label} is not {line}"
        if name in contradicting:
            says += f", nor any product with {'H1' if name == 'dW2' else 'X'}"
        if not any(name in one.observed for one in self.evidence):
            says += ", as the gradients made of it show"
        suspect = doubt.first_suspect(name, evidence)
        if suspect != name:
            says += f"; {suspect}, of which it is made, is not what it should be"
        right = f"{suspect} = {shown(LINES[suspect], penalty=self.penalty)}"
        place = self.lines.get(suspect) or self.lines.get(name)
        look = (
            f"Look at line {place.number}, `{place.text}`, and before it" if place else "Look there"
        )
        return Finding(
            equation_of(suspect), f"{says}. What was written is not known.", certain=False,
            right=right,
            suggestion=f"{look}. Return {label} as well, and what it is made of, to have each "
            "judged by itself.",
        )  # fmt: skip

    def _absent(self) -> None:
        absent = dict.fromkeys(name for _, called in self.history.calls
                               for name in called.answer.absent)  # fmt: skip
        for name in absent:
            line = shown(LINES[name], penalty=self.penalty)
            self.findings.append(Finding(
                equation_of(name), f"{name}: it is forgotten, and not among what is returned.",
                certain=True, suggestion=f"Compute {name} = {line} and return it.",
                right=f"{name} = {line}", problems=len({p.name for p, _ in self.history.calls}),
            ))  # fmt: skip

    def _changed(self) -> None:
        """Inputs that were changed in place."""
        problem, called = self.history.calls[0]
        names = dict.fromkeys(n for _, c in self.history.calls for n in c.changed)
        if not names:
            return
        listed = " and ".join(names)
        step = self._steps(problem, called)
        how = f": {step} stands there" if step else ""
        self._call(
            f"it changes {listed} in place{how}",
            f"Work on a copy: the caller's {listed} must be the same after the call.",
        )

    def _steps(self, problem: Problem, called: Called) -> str:
        """How a parameter was changed, if it was by a step along its gradient."""
        right = derive(problem.values(L2 if self.penalty else 0.0, ETA), {}, {})[0]
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

    def _refused(self) -> None:
        if self.history.refusals:
            sizes = self.history.calls[0][0].name.partition(", ")[2]
            where = f"unless {sizes}, " if sizes else "on some problems, "
            clause = str(self.history.refusals[0])
            self._call(f"{where}{clause}", _advice(clause))

    def _call(self, clause: str, suggestion: str) -> None:
        sentence = clause[0].upper() + clause[1:] + "."
        problems = len({problem.name for problem, _ in self.history.calls})
        self.calls.append(Finding("call", sentence, certain=True, suggestion=suggestion,
                                  problems=problems))  # fmt: skip

    def _verdicts(self) -> list[Verdict]:
        problem = next((p for p, _ in self.history.calls if p.name.startswith("B")),
                       self.history.calls[0][0])  # fmt: skip
        slopes = witnesses.by_differences(self.patient, problem) or {}
        autograd = self._autograd() if self.autograd else {}
        names = [n for n in LINES if any(n in one.observed for one in self.evidence)]
        return [
            _verdict(name, self.evidence, autograd.get(name), slopes.get(name),
                     by_convention=bool(self.remarks) and not self.findings)
            for name in names
        ]  # fmt: skip

    def _autograd(self) -> dict[str, bool]:
        agreed: dict[str, bool] = {}
        for (problem, _), one in zip(self.history.calls, self.evidence, strict=True):
            said = witnesses.by_autograd(problem, penalty=self.penalty)
            for name, fits in witnesses.agreeing(said, one.observed, one.tolerance).items():
                agreed[name] = agreed.get(name, True) and fits
        return agreed


def _label(name: str) -> str:
    """A value as it is spoken of: the update's are the parameters."""
    return name.removeprefix("new ") if name in UPDATED else name


def _others(
    mistake: Mistake, best: Explanation, found: Sequence[Explanation], *, penalty: bool
) -> tuple[str, ...]:
    """Lines of other equations that would give the same numbers in place of this mistake."""
    rest = set(best.mistakes) - {mistake}
    texts: dict[str, None] = {}
    for other in found:
        replaced = set(other.mistakes) - rest
        if len(replaced) == 1 and rest < set(other.mistakes):
            (instead,) = replaced
            if instead.equation != mistake.equation and not instead.constant:
                texts[f"{_label(instead.name)} = {shown(instead.code, penalty=penalty)}"] = None
    return tuple(texts)[:3]


def _verdict(
    name: str, evidence: Sequence[Evidence], autograd: bool | None, differences: bool | None,
    *, by_convention: bool,
) -> Verdict:  # fmt: skip
    """Judge one value on all problems; the numbers are of the worst."""
    seen = [one for one in evidence if name in one.observed]
    errors = [relative_error(one.right[name], one.observed[name]) for one in seen]
    worst = seen[int(np.argmax(errors))]
    right, got = np.asarray(worst.right[name]), worst.observed[name]
    ok = by_convention or all(one.like(name, one.right[name]) for one in seen)
    inherited = not ok and all(
        alike(derive(one.given, {}, one.fed, one.names)[0].get(name, np.nan),
              one.observed[name], one.tolerance[name])
        for one in seen
    )  # fmt: skip
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
