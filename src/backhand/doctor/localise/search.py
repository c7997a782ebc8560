"""Which faults of the dictionary, alone or in pairs, give a function's numbers."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from backhand.doctor.faults import Fault, Kind, Need, dictionary
from backhand.doctor.localise.trial import Evaluator, Faults, Trial
from backhand.doctor.probe.evidence import Evidence

MOST_PAIRS = 75_000
"""Maximum number of pairs that are computed in a check."""


@dataclass
class Effort:
    """The pairs that a check may still compute: a number, so that every machine finds the same."""

    pairs: int = MOST_PAIRS


class Explanation(NamedTuple):
    """Faults that give the numbers, and the number `c` that was found for them."""

    faults: Faults
    constant: float | None = None

    @property
    def prior(self) -> float:
        """The sum of the priors of its faults."""
        return sum(fault.prior for fault in self.faults)


def relevant(evidence: Evidence) -> list[Fault]:
    """The faults of the network whose needs are met, and whose values such calls may show."""
    there = {
        Need.PENALTY: evidence.penalty,
        Need.ETA: "eta" in evidence.given,
        Need.MEMORY: evidence.remembers,
    }
    lacking = {need for need, is_there in there.items() if not is_there}
    names = set(evidence.names)
    return [
        fault
        for fault in dictionary(evidence.network)
        if not fault.needs & lacking
        and fault.lines.keys() <= names
        and (not fault.returned or fault.name in evidence.observed)
    ]


def explanations(
    evidence: Sequence[Evidence], effort: Effort, *, reusing: bool, updated: bool = False
) -> list[Explanation]:
    """Find all explanations of every call with the fewest faults, one or two; the best first.

    `updated`: new parameters are among the evidence; of two faults, one is then the update's.
    """
    evaluators = [Evaluator(one, reusing) for one in evidence]
    doubtful = [one for one in evaluators if one.right.wrong]
    if not doubtful:
        return []
    doubtful.sort(key=lambda one: -one.right.wrong.bit_count())
    main = doubtful[0]
    faults = relevant(main.evidence)
    with np.errstate(all="ignore"):
        singles = [main.alone(fault) for fault in faults]
        found = _confirmed(evaluators, [trial for trial in singles if not trial.wrong])
        if found:
            return found
        found = _confirmed(evaluators, _pairs(main, singles, updated=updated, effort=effort))
        if found or len(doubtful) == 1:
            return found
        return _confirmed(evaluators, _across(doubtful, singles))


def _pairs(
    evaluator: Evaluator, singles: Sequence[Trial], *, updated: bool, effort: Effort
) -> list[Trial]:
    """Pairs that give the numbers: first those in which neither changes a correct value."""
    acting = [trial for trial in singles if trial.own and _acts(evaluator, trial)]
    acting.sort(key=lambda trial: trial.first)
    for gentle in (True, False):
        pairs = _paired(evaluator, acting, gentle=gentle)
        possible = (pair for pair in pairs if _compatible(*pair, updated=updated))
        trials = (evaluator.together(*pair) for pair in islice(possible, effort.pairs))
        tried, found = 0, []
        for trial in trials:
            tried += 1
            found += [] if trial.wrong else [trial]
        effort.pairs -= tried
        if found:
            return found
    return []


def _paired(
    evaluator: Evaluator, acting: Sequence[Trial], *, gentle: bool
) -> Iterator[tuple[Trial, Trial]]:
    """All pairs that might give the numbers, by what each of the two can change.

    `gentle`: those in which neither changes a correct value; otherwise all others.
    """
    correct = ~evaluator.right.wrong
    beside: dict[tuple[int, int], list[int]] = {}
    for place, earlier in enumerate(acting):
        effect = earlier.wrong, earlier.reach
        if effect not in beside:
            beside[effect] = [
                i for i, later in enumerate(acting)
                if not earlier.wrong & ~later.reach and not later.wrong & ~earlier.reach
                and bool((earlier.wrong | later.wrong) & correct) != gentle
            ]  # fmt: skip
        later = beside[effect]
        yield from ((earlier, acting[i]) for i in later[bisect(later, place) :])


def _compatible(earlier: Trial, later: Trial, *, updated: bool) -> bool:
    """Whether both can be in one program."""
    if earlier.changed & later.changed:
        return False
    one, other = earlier.faults[0], later.faults[0]
    if updated and "update" not in (one.equation, other.equation):
        return False
    return not ((one.returned or other.returned) and earlier.wrong & later.wrong)


def _acts(evaluator: Evaluator, trial: Trial) -> bool:
    """Whether the fault changes any observed value."""
    if trial.wrong != evaluator.right.wrong:
        return True
    for name, value in trial.gave.items():
        if name in evaluator.evidence.observed:
            before = evaluator.right.gave.get(name)
            if before is None or np.shape(before) != np.shape(value):
                return True
            if not np.array_equal(before, value):
                return True
    return False


def _across(doubtful: Sequence[Evaluator], singles: Sequence[Trial]) -> list[Trial]:
    """Pairs of a fault that explains the first calls alone, and one that explains others."""
    ones = [single.faults[0] for single in singles if not single.wrong]
    found = {}
    for evaluator in {one.evidence.problem: one for one in doubtful[1:]}.values():
        if not ones or evaluator.evidence.problem == doubtful[0].evidence.problem:
            continue
        for single in singles:
            other = single.faults[0]
            if single.wrong and not evaluator.alone(other, hurried=True).wrong:
                for one in ones:
                    if not set(one.lines) & set(other.lines):
                        found[one.id, other.id] = (one, other)
    return [Trial(pair, {}, {}, 0) for pair in list(found.values())[:2000]]


def _confirmed(evaluators: Sequence[Evaluator], trials: Iterable[Trial]) -> list[Explanation]:
    """The trials that explain every call, the most usual first."""
    found = []
    several = len({one.evidence.problem for one in evaluators}) > 1
    for trial in trials:
        if trial.constant is not None and not several:
            continue  # any number fits one problem
        if all(_fits(one, trial) for one in evaluators):
            found.append(Explanation(trial.faults, trial.constant))
    found.sort(key=lambda explanation: -explanation.prior)
    return found


def _fits(evaluator: Evaluator, trial: Trial) -> bool:
    faults = trial.faults
    if any(fault.remembers for fault in faults) and not evaluator.evidence.remembers:
        return True
    if not all(fault.lines.keys() <= set(evaluator.names) for fault in faults):
        return False
    seen = evaluator.evidence.observed
    for fault in faults:
        if fault.kind is Kind.ZERO and fault.name in seen and seen[fault.name].any():
            return False  # rounding errors of a sum that is 0 are not zeros that were left
    return evaluator.fits(faults, trial.constant)


def confirmations(evidence: Sequence[Evidence], explanation: Explanation, *, reusing: bool) -> int:
    """Number of different problems that confirm an explanation."""
    trial = Trial(explanation.faults, {}, {}, 0, constant=explanation.constant)
    with np.errstate(all="ignore"):
        return len({one.problem for one in evidence if _fits(Evaluator(one, reusing), trial)})
