"""Deciding which faults explain the evidence, or which equation is in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from backhand.doctor.faults import Convention, Fault, Kind, conventions
from backhand.doctor.frame.network import Network
from backhand.doctor.localise import residual
from backhand.doctor.localise.search import Effort, Explanation, confirmations, explanations
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.formulas import GRADIENTS, UPDATED, Line, derive

INNER = {"Z1", "H1", "S", "P", "dS", "dH1", "dZ1"}
"""Values that later lines read."""

SINGLE = 1e-6
"""Up to this error, relative to the largest entry, numbers seem to have passed through float32."""

MOST_OTHERS = 3
"""Other faults with the same numbers that are named."""


@dataclass(frozen=True)
class Named:
    """A fault that gives the numbers.

    Attributes
    ----------
    fault : Fault
    constant : float, optional
        The number `c` that was found for its lines.
    problems : int
        On how many different problems it was confirmed.
    others : tuple of Fault
        Faults of other equations that give the same numbers.
    """

    fault: Fault
    constant: float | None
    problems: int
    others: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """A wrong value that no fault of the dictionary gives.

    Attributes
    ----------
    name : str
    suspect : str
        The value whose line is first in doubt.
    returned : bool
        Whether the function returned the value; otherwise it follows from gradients.
    product : bool
        Whether it may be a product with the known factor.
    finite : bool
    """

    name: str
    suspect: str
    returned: bool
    product: bool
    finite: bool


@dataclass
class Diagnosis:
    """What the numbers say.

    Attributes
    ----------
    convention : Convention, optional
        The other way to be right that gives all of them; or all that `named` and `doubt` leave.
    named : list of Named
    doubt : Doubt, optional
    further : list of Doubt
        Others, each wrong given its own inputs, which were observed.
    right : list of str
        Values that are correct given their inputs, where others are not.
    narrower : str, optional
        A value in float32, where the others are in float64.
    all_float32 : bool
        Everything was computed in float32, and returned in float64.
    repeatable : bool
    reusing : bool
        Whether later lines were computed from the values that were observed.
    """

    convention: Convention | None = None
    named: list[Named] = field(default_factory=list)
    doubt: Doubt | None = None
    further: list[Doubt] = field(default_factory=list)
    right: list[str] = field(default_factory=list)
    narrower: str | None = None
    all_float32: bool = False
    repeatable: bool = True
    reusing: bool = True

    @property
    def kept(self) -> list[str]:
        """Values that the function keeps from call to call."""
        return [name for one in self.named for name in one.fault.lines
                if "last" in one.fault.reads]  # fmt: skip

    @property
    def of_the_network(self) -> bool:
        """Whether a fault is that the network is another one: another activation or output."""
        return any(one.fault.kind is Kind.ACTIVATION for one in self.named)

    @property
    def excused(self) -> bool:
        """Whether numbers that differ from those of the equations are correct nevertheless."""
        is_all = not (self.named or self.doubt or self.narrower)
        return self.all_float32 or (self.convention is not None and is_all)


def diagnose(evidence: Sequence[Evidence], effort: Effort) -> Diagnosis:
    """Find what explains the evidence.

    Parameters
    ----------
    evidence : sequence of Evidence
    effort : Effort
        What the search may still compute; it is reduced by what it does.
    """
    if all(one.right_here for one in evidence):
        return Diagnosis()
    convention = _convention(evidence)
    if convention:
        return Diagnosis(convention=convention)
    return _without_conventions(_explained(evidence, effort), evidence[0].network)


def _without_conventions(found: Diagnosis, network: Network) -> Diagnosis:
    """Beside faults, what is another way to be right is not one of them."""
    for convention in conventions(network):
        if convention.needs_loss:
            continue
        kept = [one for one in found.named if dict(one.fault.lines) != dict(convention.lines)]
        if len(kept) < len(found.named):
            return replace(found, named=kept, convention=convention)
    return found


def _convention(evidence: Sequence[Evidence]) -> Convention | None:
    returns_loss = any("L" in one.observed for one in evidence)
    for convention in conventions(evidence[0].network):
        if convention.needs_loss and not returns_loss:
            continue
        if all(_fits(one, convention.lines) for one in evidence):
            return convention
    return None


def _fits(one: Evidence, lines: Mapping[str, Line]) -> bool:
    gave = derive(one.given, lines, one.reused, one.names, lines=one.lines)[0]
    return all(name in gave and one.like(name, gave[name]) for name in one.observed)


def _explained(evidence: Sequence[Evidence], effort: Effort) -> Diagnosis:
    """Name the faults, or the first equation in doubt."""
    reused = any(INNER & one.reused.keys() for one in evidence)
    stepped = any(UPDATED.keys() & one.observed.keys() for one in evidence)
    for reusing in (True, False) if reused else (False,):
        found = explanations(evidence, effort, reusing=reusing, updated=stepped)
        if found:
            return Diagnosis(named=_named(evidence, found, reusing=reusing), reusing=reusing)
    if stepped:  # the update seems right: the gradients that it read are compared
        return _explained([one.along_the_step() for one in evidence], effort)
    if not _repeatable(evidence):
        return Diagnosis(repeatable=False)
    narrower = _narrower(evidence)
    if narrower is None:
        return _doubted(evidence)
    if _all_narrower(evidence):
        return Diagnosis(all_float32=True)
    return Diagnosis(narrower=narrower)


def _named(
    evidence: Sequence[Evidence], found: Sequence[Explanation], *, reusing: bool
) -> list[Named]:
    best, *rest = found
    count = confirmations(evidence, best, reusing=reusing)
    return [Named(fault, best.constant, count, _others(fault, best, rest))
            for fault in best.faults]  # fmt: skip


def _others(fault: Fault, best: Explanation, rest: Sequence[Explanation]) -> tuple[Fault, ...]:
    """Faults of other equations that would give the same numbers instead of this one."""
    beside = set(best.faults) - {fault}
    found: dict[tuple[str, Line], Fault] = {}
    for other in rest:
        replaced = set(other.faults) - beside
        if len(replaced) == 1 and beside < set(other.faults):
            (instead,) = replaced
            if instead.equation != fault.equation and not instead.fitted:
                found.setdefault((instead.name, instead.line), instead)
    return tuple(found.values())[:MOST_OTHERS]


def _doubted(evidence: Sequence[Evidence]) -> Diagnosis:
    """Compare each line on its own; the first that no fault explains is in doubt."""
    following = [residual.with_what_follows(one) for one in evidence]
    most = max(len(one.observed) for one, _ in following)
    fullest = [one for one, _ in following if len(one.observed) == most]
    found, left = residual.explained_singly(fullest)
    count = len({one.problem for one in fullest})
    named = [Named(one.faults[0], one.constant, count) for one in found]
    changed = {name for one in named for name in one.fault.lines}
    right = [name for name in evidence[0].lines
             if any(name in one.observed for one in fullest)
             and name not in changed and name not in left]  # fmt: skip
    contradicting = {name for _, names in following for name in names}
    doubts = [
        Doubt(
            name, residual.first_suspect(name, fullest),
            returned=any(name in one.observed for one in evidence),
            product=name not in contradicting,
            finite=all(np.isfinite(one.observed.get(name, 0.0)).all() for one in evidence),
        )
        for name in left
        if name == left[0] or all(_is_on_its_own(name, one) for one in evidence)
    ]  # fmt: skip
    further = doubts[1:] if len(doubts) == 2 else []  # more of them have one cause
    return Diagnosis(named=named, doubt=doubts[0] if doubts else None, further=further,
                     right=right)  # fmt: skip


def _is_on_its_own(name: str, one: Evidence) -> bool:
    """Whether a value was observed, and so was all that its line reads of other lines."""
    read = one.lines[name].reads(penalty=one.penalty) & one.lines.keys()
    return {name, *read} <= one.reused.keys()


def _repeatable(evidence: Sequence[Evidence]) -> bool:
    """Whether the same problem had the same outputs."""
    first: dict[str, Evidence] = {}
    for one in evidence:
        earlier = first.setdefault(one.problem, one)
        for name, value in one.observed.items():
            other = earlier.observed.get(name)
            if other is None or not alike(other, value, one.tolerance[name]):
                return False
    return True


def _narrower(evidence: Sequence[Evidence]) -> str | None:
    """The first value that lacks the precision of the others, if all is right but for that."""
    for one in evidence:
        for name in one.observed:
            if not alike(one.right[name], one.observed[name], SINGLE):
                return None
    return next(name for name in evidence[0].lines for one in evidence
                if name in one.observed and not one.like(name, one.right[name]))  # fmt: skip


def _all_narrower(evidence: Sequence[Evidence]) -> bool:
    """Whether all gradients lack that precision: then the whole was computed in float32."""
    lacking = {name for one in evidence for name in GRADIENTS
               if name in one.observed and not one.like(name, one.right[name])}  # fmt: skip
    return lacking == {name for name in GRADIENTS if name in evidence[0].observed}
