"""Which mistakes of the dictionary, alone or in pairs, give a function's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from backhand.doctor.faults import Mistake, dictionary
from backhand.doctor.localise.trial import Bench, Mistakes, Trial
from backhand.doctor.probe.evidence import Evidence
from backhand.formulas import parts_of, shown

MOST_PAIRS = 30_000
"""Pairs that are computed, at most."""


class Explanation(NamedTuple):
    """Mistakes that give the numbers, and the number `c` that was found for them."""

    mistakes: Mistakes
    constant: float | None = None


def relevant(evidence: Evidence, *, penalty: bool) -> list[Mistake]:
    """The mistakes that can be seen in such calls."""
    unknown = set() if penalty else {"l2"}
    if "eta" not in evidence.given:
        unknown.add("eta")
    found = []
    for mistake in dictionary():
        if not set(mistake.lines) <= set(evidence.names):
            continue
        if mistake.returned and mistake.name not in evidence.observed:
            continue
        lines = [shown(line, penalty=penalty) for line in mistake.lines.values()]
        if any(unknown & parts_of(line) for line in lines):
            continue
        if mistake.remembers and not evidence.remembers:
            continue
        if not penalty and "penalty" in mistake.says and not mistake.constant:
            continue
        found.append(mistake)
    return found


def explanations(
    evidence: Sequence[Evidence], *, penalty: bool, feeding: bool, updated: bool = False
) -> list[Explanation]:
    """All that explain every call with the fewest mistakes, one or two: the best first.

    `updated`: new parameters are among the evidence; of two mistakes, one is then the update's.
    """
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
        if found:
            return found
        found = _confirmed(benches, _pairs(main, singles, updated=updated))
        if found or len(doubtful) == 1:
            return found
        return _confirmed(benches, _across(doubtful, singles))


def _pairs(bench: Bench, singles: Sequence[Trial], *, updated: bool) -> Iterable[Trial]:
    """Pairs that give the numbers: first those of which neither spoils what is right by itself."""
    acting = [trial for trial in singles if trial.own and _acts(bench, trial)]
    acting.sort(key=lambda trial: trial.first)
    gentle = [trial for trial in acting if not trial.wrong & ~bench.right.wrong]
    found = [pair for pair in _paired(bench, gentle, updated=updated) if not pair.wrong]
    if found or len(gentle) == len(acting):
        return found
    return [pair for pair in _paired(bench, acting, updated=updated) if not pair.wrong]


def _paired(bench: Bench, acting: Sequence[Trial], *, updated: bool) -> Iterable[Trial]:
    """All pairs that might give the numbers, by what each of the two can change."""
    tried = 0
    for i, earlier in enumerate(acting):
        for later in acting[i + 1 :]:
            if earlier.wrong & ~later.reach or later.wrong & ~earlier.reach:
                continue
            one, other = earlier.mistakes[0], later.mistakes[0]
            if updated and "update" not in (one.equation, other.equation):
                continue
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
