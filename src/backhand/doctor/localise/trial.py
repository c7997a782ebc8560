"""Computing faults on one call, and comparing the results with what the call returned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from backhand.doctor.faults import Fault
from backhand.doctor.probe.evidence import Evidence, reached
from backhand.formulas import (
    FAILURES,
    Line,
    Values,
)

Faults = tuple[Fault, ...]


@dataclass
class Trial:
    """The values that some faults give on one call; sets of values are bits.

    `wrong` are the observed values that do not fit, `reach` those that the faults may change, and
    `own` those that the first line of the fault may change.
    """

    faults: Faults
    gave: Values
    values: Values
    wrong: int
    reach: int = 0
    own: int = 0
    first: int = 0
    constant: float | None = None


@dataclass
class Evaluator:
    """Computes faults on one call, and compares the results with what the call returned.

    `reusing`: whether later lines read the values that were returned. These may have been
    overwritten after they were used.
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
        self.right = self.tried((), dict(self.evidence.given), 0)

    def tried(
        self, faults: Faults, values: Values, start: int, *, hurried: bool = False,
        constant: float | None = None,
    ) -> Trial:  # fmt: skip
        """Compute the lines from `start` on; if hurried, stop where the first value is wrong."""
        changes: dict[str, Line] = {}
        returned: dict[str, Line] = {}
        for fault in faults:
            (returned if fault.returned else changes).update(fault.lines)
        observed, penalty = self.evidence.observed, self.penalty
        gave: Values = {}
        wrong = 0
        if constant is not None:
            values["c"] = constant
        for name in self.names[start:]:
            try:
                line = changes.get(name) or self.lines[name]
                gave[name] = values[name] = line.evaluated(values, penalty=penalty)
            except FAILURES:
                values.pop(name, None)
            if name in observed:
                if returned and name in returned and name in gave:
                    gave[name] = None  # known at the end, when later values are there
                elif name not in gave or not self.evidence.like(name, gave[name]):
                    wrong |= self.bits[name]
                    if hurried:
                        break
                if name in self.reused:
                    values[name] = self.reused[name]
        for name, line in returned.items():
            wrong |= self._as_returned(name, line, gave, values)
        return Trial(faults, gave, values, wrong, constant=constant)

    def _as_returned(self, name: str, line: Line, gave: Values, values: Values) -> int:
        if name not in self.evidence.observed:
            return 0
        try:
            gave[name] = line.evaluated(values, penalty=self.penalty)
        except FAILURES:
            gave.pop(name, None)
        fits = name in gave and self.evidence.like(name, gave[name])
        return 0 if fits else self.bits[name]

    def mask(self, names: Iterable[str]) -> int:
        """The bits of the observed ones among some names."""
        return sum(self.bits[name] for name in names if name in self.evidence.observed)

    def alone(self, fault: Fault) -> Trial:
        """Compute one fault."""
        first = min(self.names.index(name) for name in fault.lines)
        if fault.returned:
            trial = self.tried((fault,), dict(self.evidence.given), 0)
        else:
            trial = self._after(self.right, (fault,), first, hurried=False)
        trial.first = first
        if fault.returned:
            trial.reach = trial.own = self.mask(fault.lines)
        else:
            trial.reach = self.mask(self._reached(frozenset(fault.lines)))
            trial.own = self.mask(self._reached(frozenset([fault.name])))
        return trial

    def _reached(self, lines: frozenset[str]) -> set[str]:
        """The values that may change if these lines change."""
        return reached(self.evidence.network, lines, self.names, frozenset(self.reused))

    def together(self, earlier: Trial, later: Trial) -> Trial:
        """Compute two faults, given the trial of the one whose lines come first."""
        return self._after(earlier, earlier.faults + later.faults, later.first, hurried=True)

    def _after(self, earlier: Trial, faults: Faults, first: int, *, hurried: bool) -> Trial:
        """Compute from line `first` on, after what the earlier faults gave before it."""
        if not any(fault.fitted for fault in faults):
            trial = self.tried(faults, dict(earlier.values), first, hurried=hurried)
            trial.wrong |= earlier.wrong & ((1 << first) - 1)
            return trial
        start = min(self.names.index(name) for m in faults for name in m.lines)
        base = self.right.values if start else self.evidence.given
        one, two = (self.tried(faults, dict(base), start, constant=c) for c in (1.0, 2.0))
        c = self._fitted(one, two, start)
        trial = self.tried(faults, dict(base), start, constant=c)
        trial.wrong |= self.right.wrong & ((1 << start) - 1)
        return trial

    def _fitted(self, one: Trial, two: Trial, start: int) -> float:
        """Fit `c` by least squares: the values are linear in it."""
        above = below = 0.0
        for name in self.names[start:]:
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
