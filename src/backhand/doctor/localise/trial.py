"""Computing faults on one call, and comparing the results with what the call returned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from backhand.doctor.faults import Fault
from backhand.doctor.probe.evidence import Evidence, reached
from backhand.formulas import FAILURES, Line, Values

Faults = tuple[Fault, ...]


@dataclass
class Trial:
    """The values that some faults give on one call; sets of values are bits.

    `gave` are the values that were computed, `wrong` the observed values that do not fit, `changed`
    those whose lines the faults change, `after` those that may change with them, `reach` the
    observed ones of these, and `own` those that the first line of the fault may change.
    """

    faults: Faults
    gave: Values
    values: Values
    wrong: int
    changed: int = 0
    after: int = 0
    reach: int = 0
    own: int = 0
    first: int = 0
    constant: float | None = None


@dataclass
class Evaluator:
    """Computes faults on one call, and compares the results with what the call returned.

    Only what may change is computed. `reusing`: whether later lines read the values that were
    returned. These may have been overwritten after they were used.
    """

    evidence: Evidence
    reusing: bool
    names: tuple[str, ...] = field(init=False)
    bits: dict[str, int] = field(init=False)
    right: Trial = field(init=False)

    def __post_init__(self) -> None:
        self.names = self.evidence.names
        self.bits = {name: 1 << i for i, name in enumerate(self.names)}
        self.reused = self.evidence.reused if self.reusing else {}
        self.penalty = self.evidence.penalty
        self.lines = self.evidence.lines
        self.seen = sum(self.bits.get(name, 0) for name in self.evidence.observed)
        self._known: dict[frozenset[str], int] = {}
        nothing = Trial((), {}, self.evidence.given, 0)
        self.right = self._computed(nothing, (), (1 << len(self.names)) - 1, None, hurried=False)

    def alone(self, fault: Fault, *, hurried: bool = False) -> Trial:
        """Compute one fault; if hurried, up to the first value that is wrong."""
        trial = self._tried((fault,), hurried=hurried)
        trial.first = min(self.names.index(name) for name in fault.lines)
        trial.changed = sum(self.bits[name] for name in fault.lines)
        if fault.returned:
            trial.reach = trial.own = trial.changed & self.seen
        else:
            trial.after = self._after(frozenset(fault.lines))
            trial.reach = trial.after & self.seen
            trial.own = self._after(frozenset([fault.name])) & self.seen
        return trial

    def together(self, earlier: Trial, later: Trial) -> Trial:
        """Compute two faults, given the trial of the one whose lines come first."""
        faults = earlier.faults + later.faults
        if any(fault.fitted for fault in faults):
            return self._tried(faults, hurried=True)
        before = (1 << later.first) - 1
        wanted = (earlier.after | later.after) & ~before
        return self._computed(earlier, faults, wanted, None, hurried=True)

    def fits(self, faults: Faults, constant: float | None) -> bool:
        """Whether faults give all that was observed."""
        return not self.computed(faults, constant, hurried=True).wrong

    def computed(self, faults: Faults, constant: float | None, *, hurried: bool = False) -> Trial:
        """Compute some faults, with the number that their lines have."""
        wanted = 0
        for fault in faults:
            if not fault.returned:
                wanted |= self._after(frozenset(fault.lines))
        return self._computed(self.right, faults, wanted, constant, hurried=hurried)

    def _tried(self, faults: Faults, *, hurried: bool) -> Trial:
        """Compute some faults, with a number that is fitted where their lines have one."""
        constant = None
        if any(fault.fitted for fault in faults):
            constant = self._fitted(*(self.computed(faults, c) for c in (1.0, 2.0)))
        return self.computed(faults, constant, hurried=hurried)

    def _after(self, lines: frozenset[str]) -> int:
        """The values that may change if these lines change."""
        if lines not in self._known:
            changed = reached(self.evidence.network, lines, self.names, frozenset(self.reused))
            self._known[lines] = sum(self.bits.get(name, 0) for name in changed)
        return self._known[lines]

    def _computed(
        self, before: Trial, faults: Faults, wanted: int, constant: float | None, *, hurried: bool
    ) -> Trial:
        """Compute the wanted values again; if hurried, up to the first that is wrong."""
        changes: dict[str, Line] = {}
        returned: dict[str, Line] = {}
        for fault in faults:
            (returned if fault.returned else changes).update(fault.lines)
        kept = sum(self.bits[name] for name in returned)
        gave: Values = {}
        values = dict(before.values)
        wrong = before.wrong & ~wanted & ~kept
        trial = Trial(faults, gave, values, wrong, constant=constant)
        if constant is not None:
            values["c"] = constant
        compared = wanted & self.seen & ~kept
        for name, bit in self.bits.items():
            if hurried and trial.wrong:
                return trial
            if not wanted & bit:
                continue
            line = changes.get(name) or self.lines[name]
            try:
                gave[name] = values[name] = line.evaluated(values, penalty=self.penalty)
            except FAILURES:
                values.pop(name, None)
            if bit & compared and not (name in gave and self.evidence.like(name, gave[name])):
                trial.wrong |= bit
            if name in self.reused:
                values[name] = self.reused[name]
        for name, line in returned.items():  # known at the end, when later values are there
            trial.wrong |= self._as_returned(name, line, gave, values)
        return trial

    def _as_returned(self, name: str, line: Line, gave: Values, values: Values) -> int:
        if name not in self.evidence.observed:
            return 0
        try:
            gave[name] = line.evaluated(values, penalty=self.penalty)
        except FAILURES:
            gave.pop(name, None)
        fits = name in gave and self.evidence.like(name, gave[name])
        return 0 if fits else self.bits[name]

    def _fitted(self, one: Trial, two: Trial) -> float:
        """Fit `c` by least squares: the values are linear in it."""
        above = below = 0.0
        for name in self.names:
            if name not in self.evidence.observed:
                continue
            v, w, seen = one.gave.get(name), two.gave.get(name), self.evidence.observed[name]
            if v is None or w is None or np.shape(v) != seen.shape or np.shape(w) != seen.shape:
                continue
            slope = w - v
            scale = float(np.sum(slope * slope))
            if scale > 0 and np.isfinite(scale):
                share = 1 / max(float(np.sum(seen * seen)), 1e-300)
                above += share * float(np.sum((seen - (v - slope)) * slope))
                below += share * scale
        return above / below if below and np.isfinite(above) else 0.0
