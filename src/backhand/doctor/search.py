"""Which mistakes of the dictionary, alone or in pairs, give a function's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np

from backhand.doctor.derivation import (
    FAILURES,
    FUNCTIONS,
    LINES,
    Values,
    compiled,
    shown,
    without_penalty,
)
from backhand.doctor.evidence import Evidence, reached
from backhand.doctor.mistakes import Mistake, dictionary

Mistakes = tuple[Mistake, ...]

MOST_PAIRS = 30_000
"""Pairs that are computed, at most."""


class Explanation(NamedTuple):
    """Mistakes that give the numbers, and the number `c` that was found for them."""

    mistakes: Mistakes
    constant: float | None = None


@dataclass
class Trial:
    """What comes of some mistakes on one call.

    `wrong` are the observed values that do not fit, `reach` those that the mistakes may change, and
    `own` those that the line changes which the mistake is named after.
    """

    mistakes: Mistakes
    gave: Values
    values: Values
    wrong: int
    reach: int = 0
    own: int = 0
    first: int = 0
    constant: float | None = None


@dataclass
class Bench:
    """A call on which mistakes are tried.

    `feeding`: whether the values that were returned are fed into later lines. They may have been
    overwritten after they were used.
    """

    evidence: Evidence
    feeding: bool
    names: tuple[str, ...] = field(init=False)
    bits: dict[str, int] = field(init=False)
    right: Trial = field(init=False)

    def __post_init__(self) -> None:
        self.names = self.evidence.names
        self.bits = {name: 1 << i for i, name in enumerate(self.names)}
        self.fed = self.evidence.fed if self.feeding else {}
        self.penalty = bool(self.evidence.given["l2"])
        self.right = self.tried((), dict(self.evidence.given), 0)

    def tried(
        self, mistakes: Mistakes, values: Values, start: int, *, hurried: bool = False,
        constant: float | None = None,
    ) -> Trial:  # fmt: skip
        """Compute the lines from `start` on; if hurried, stop where the first value is wrong."""
        changes: dict[str, str] = {}
        returned: dict[str, str] = {}
        for mistake in mistakes:
            (returned if mistake.returned else changes).update(mistake.lines)
        observed, penalty = self.evidence.observed, self.penalty
        gave: Values = {}
        wrong = 0
        if constant is not None:
            values["c"] = constant
        for name in self.names[start:]:
            try:
                line = changes.get(name) or LINES[name]
                line = line if penalty else without_penalty(line)
                gave[name] = values[name] = eval(compiled(line), FUNCTIONS, values)
            except FAILURES:
                values.pop(name, None)
            if name in observed:
                if returned and name in returned and name in gave:
                    gave[name] = None  # known at the end, when later values are there
                elif name not in gave or not self.evidence.like(name, gave[name]):
                    wrong |= self.bits[name]
                    if hurried:
                        break
                if name in self.fed:
                    values[name] = self.fed[name]
        for name, code in returned.items():
            wrong |= self._as_returned(name, code, gave, values)
        return Trial(mistakes, gave, values, wrong, constant=constant)

    def _as_returned(self, name: str, code: str, gave: Values, values: Values) -> int:
        if name not in self.evidence.observed:
            return 0
        try:
            gave[name] = eval(compiled(code), FUNCTIONS, values)
        except FAILURES:
            gave.pop(name, None)
        fits = name in gave and self.evidence.like(name, gave[name])
        return 0 if fits else self.bits[name]

    def mask(self, names: Iterable[str]) -> int:
        """The bits of the observed ones among some names."""
        return sum(self.bits[name] for name in names if name in self.evidence.observed)

    def alone(self, mistake: Mistake) -> Trial:
        """A mistake by itself."""
        first = min(self.names.index(name) for name in mistake.lines)
        if mistake.returned:
            trial = self.tried((mistake,), dict(self.evidence.given), 0)
        else:
            trial = self._after(self.right, (mistake,), first, hurried=False)
        trial.first = first
        if mistake.returned:
            trial.reach = trial.own = self.mask(mistake.lines)
        else:
            fed = frozenset(self.fed)
            trial.reach = self.mask(reached(frozenset(mistake.lines), self.names, fed))
            trial.own = self.mask(reached(frozenset([mistake.name]), self.names, fed))
        return trial

    def together(self, earlier: Trial, later: Trial) -> Trial:
        """Two mistakes, of which one's lines come first."""
        return self._after(earlier, earlier.mistakes + later.mistakes, later.first, hurried=True)

    def _after(self, earlier: Trial, mistakes: Mistakes, first: int, *, hurried: bool) -> Trial:
        """From line `first` on, with what was computed before it under the earlier mistakes."""
        if not any(mistake.constant for mistake in mistakes):
            trial = self.tried(mistakes, dict(earlier.values), first, hurried=hurried)
            trial.wrong |= earlier.wrong & ((1 << first) - 1)
            return trial
        start = min(self.names.index(name) for m in mistakes for name in m.lines)
        base = self.right.values if start else self.evidence.given
        one, two = (self.tried(mistakes, dict(base), start, constant=c) for c in (1.0, 2.0))
        c = self._fitted(one, two, start)
        trial = self.tried(mistakes, dict(base), start, constant=c)
        trial.wrong |= self.right.wrong & ((1 << start) - 1)
        return trial

    def _fitted(self, one: Trial, two: Trial, start: int) -> float:
        """The number that brings the observed values nearest, which are linear in it."""
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


def relevant(evidence: Evidence, *, penalty: bool) -> list[Mistake]:
    """The mistakes that can be seen in such calls."""
    unused = set() if penalty else {"l2"}
    reads_eta = "eta" in evidence.given
    found = []
    for mistake in dictionary():
        if not set(mistake.lines) <= set(evidence.names):
            continue
        if mistake.returned and mistake.name not in evidence.observed:
            continue
        code = " ".join(shown(line, penalty=penalty) for line in mistake.lines.values())
        if (unused and "l2" in code) or (not reads_eta and "eta" in code.split("beta")[0]):
            continue
        if mistake.remembers and not evidence.remembers:
            continue
        if not penalty and "penalty" in mistake.says and not mistake.constant:
            continue
        found.append(mistake)
    return found


def explanations(
    evidence: Sequence[Evidence], *, penalty: bool, feeding: bool, pairs: bool = True
) -> list[Explanation]:
    """All that explain every call with the fewest mistakes, one or two: the best first."""
    benches = [Bench(one, feeding) for one in evidence]
    doubtful = [bench for bench in benches if bench.right.wrong]
    if not doubtful:
        return []
    doubtful.sort(key=lambda bench: -bench.right.wrong.bit_count())
    main = doubtful[0]
    mistakes = relevant(main.evidence, penalty=penalty)
    with np.errstate(all="ignore"):
        singles = [main.alone(mistake) for mistake in mistakes]
        found = _confirmed(benches, [trial for trial in singles if not trial.wrong])
        if found or not pairs:
            return found
        found = _confirmed(benches, _pairs(main, singles))
        if found or len(doubtful) == 1:
            return found
        return _confirmed(benches, _across(doubtful, singles))


def _pairs(bench: Bench, singles: Sequence[Trial]) -> Iterable[Trial]:
    """Pairs that give the numbers: first those of which neither spoils what is right by itself."""
    acting = [trial for trial in singles if trial.own and _acts(bench, trial)]
    acting.sort(key=lambda trial: trial.first)
    gentle = [trial for trial in acting if not trial.wrong & ~bench.right.wrong]
    found = [pair for pair in _paired(bench, gentle) if not pair.wrong]
    if found or len(gentle) == len(acting):
        return found
    return [pair for pair in _paired(bench, acting) if not pair.wrong]


def _paired(bench: Bench, acting: Sequence[Trial]) -> Iterable[Trial]:
    """All pairs that might give the numbers, by what each of the two can change."""
    tried = 0
    for i, earlier in enumerate(acting):
        for later in acting[i + 1 :]:
            if earlier.wrong & ~later.reach or later.wrong & ~earlier.reach:
                continue
            one, other = earlier.mistakes[0], later.mistakes[0]
            if (one.returned or other.returned) and earlier.wrong & later.wrong:
                continue
            if one.lines.keys() & other.lines.keys():
                continue
            tried += 1
            if tried > MOST_PAIRS:
                return
            yield bench.together(earlier, later)


def _acts(bench: Bench, trial: Trial) -> bool:
    """Whether the mistake changes any observed value."""
    if trial.wrong != bench.right.wrong:
        return True
    for name, value in trial.gave.items():
        if name in bench.evidence.observed:
            before = bench.right.gave.get(name)
            if before is None or np.shape(before) != np.shape(value):
                return True
            if not np.array_equal(before, value):
                return True
    return False


def _across(doubtful: Sequence[Bench], singles: Sequence[Trial]) -> list[Trial]:
    """Pairs of which each explains other calls by itself."""
    fits = [{single.mistakes[0] for single in singles if not single.wrong}]
    for bench in {bench.evidence.problem: bench for bench in doubtful[1:]}.values():
        if bench.evidence.problem != doubtful[0].evidence.problem:
            alone = (bench.alone(single.mistakes[0]) for single in singles)
            fits.append({trial.mistakes[0] for trial in alone if not trial.wrong})
    found = {}
    for i, ones in enumerate(fits):
        for others in fits[i + 1 :]:
            for one in ones - others:
                for other in others - ones:
                    if not set(one.lines) & set(other.lines):
                        found[frozenset((one.code, other.code))] = (one, other)
    return [Trial(pair, {}, {}, 0) for pair in list(found.values())[:2000]]


def _confirmed(benches: Sequence[Bench], trials: Iterable[Trial]) -> list[Explanation]:
    """Those that explain every call."""
    rank = ranks()
    found = []
    several = len({bench.evidence.problem for bench in benches}) > 1
    for trial in trials:
        if trial.constant is not None and not several:
            continue  # which any number would do for
        if all(_fits(bench, trial) for bench in benches):
            found.append(Explanation(trial.mistakes, trial.constant))
    found.sort(key=lambda e: sum(rank[m] for m in e.mistakes))
    return found


@cache
def ranks() -> dict[Mistake, int]:
    """How far down the list each mistake is, among those that give the same numbers.

    Where only new parameters are seen, an update's mistake is nearer than a gradient's; a number
    that had to be found, and several lines, are further than one line as it stands.
    """
    return {
        mistake: i
        - 20_000 * (mistake.equation == "update" and not mistake.constant)
        + 10_000 * mistake.constant
        + 100 * (len(mistake.lines) - 1)
        for i, mistake in enumerate(dictionary())
    }


def _fits(bench: Bench, trial: Trial) -> bool:
    mistakes = trial.mistakes
    if any(mistake.remembers for mistake in mistakes) and not bench.evidence.remembers:
        return True
    if not all(set(mistake.lines) <= set(bench.names) for mistake in mistakes):
        return False
    seen = bench.evidence.observed
    for name, code in (line for mistake in mistakes for line in mistake.lines.items()):
        if code.startswith("0 * ") and name in seen and seen[name].any():
            return False  # what rounding leaves of a sum that is 0 was not left at zero
    ordered = tuple(sorted(mistakes, key=lambda m: m.returned))
    done = bench.tried(ordered, dict(bench.evidence.given), 0, hurried=True,
                       constant=trial.constant)  # fmt: skip
    return not done.wrong


def confirmations(evidence: Sequence[Evidence], explanation: Explanation, *, feeding: bool) -> int:
    """How many different problems the explanation was confirmed on."""
    trial = Trial(explanation.mistakes, {}, {}, 0, constant=explanation.constant)
    with np.errstate(all="ignore"):
        return len({one.problem for one in evidence if _fits(Bench(one, feeding), trial)})
