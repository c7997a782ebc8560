"""Judging a function: its faults are searched in the networks that it may compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from backhand.doctor.frame.network import Network
from backhand.doctor.localise.alternatives import findings, suggested
from backhand.doctor.localise.diagnose import Diagnosis
from backhand.doctor.localise.intermediates import diagnosed
from backhand.doctor.localise.program import predicted
from backhand.doctor.localise.search import Effort
from backhand.doctor.probe.evidence import TOLERANCES, Evidence
from backhand.doctor.probe.places import Places
from backhand.doctor.probe.run import evidence_of
from backhand.doctor.probe.source import lines_of
from backhand.doctor.probe.trace import Trace
from backhand.doctor.recognise.networks import Declared
from backhand.doctor.recognise.search import Recognised, leading


class Judged(NamedTuple):
    """A network, what was returned as evidence, that which was needed, and what explains it."""

    network: Network
    evidence: Sequence[Evidence]
    needed: Sequence[Evidence]
    found: Diagnosis


def places_of(found: Recognised, judged: Judged) -> Places:
    """Where the code computes what it does according to the diagnosis."""
    traces = [called.trace for _, called in found.calls.returned]
    calls = list(zip(traces, predicted(judged.needed, judged.found), strict=True))
    allowed = [one.tolerance[name] for one in judged.evidence
               for name in one.observed if name != "L"]  # fmt: skip
    return Places(calls, max(allowed, default=TOLERANCES["float64"]), lines_of(found.function.f))


def judged_in_the_best_network(found: Recognised, declared: Declared) -> Judged:
    """The best networks in turn, until one fault explains everything; else the fewest faults do."""
    tried: list[Judged] = []
    explained: list[Judged] = []
    effort = Effort()
    traces = [called.trace for _, called in found.calls.returned]
    for match in leading(found.matches):
        if explained and match.doubtful:
            break
        judged = _where_divided(found, match.network, traces, effort)
        if tried and judged.found.of_the_network:
            continue  # a fault that is only the choice of a less likely network
        tried.append(judged)
        if judged.found.doubt is None and judged.found.repeatable:
            explained.append(judged)
            if findings(judged.found) < 2:
                break
    best = min(explained, key=_strangeness) if explained else tried[0]
    return best if declared.reduction else _simplest(best, found, traces, effort)


def _where_divided(
    found: Recognised, network: Network, traces: Sequence[Trace], effort: Effort
) -> Judged:
    """The diagnosis in a network with 1/N in dS, or in the gradients if that explains it better."""
    judged = _judged(found, network, traces, effort)
    if network.averaged == "gradients":
        early = _judged(found, replace(network, averaged="dS"), traces, effort)
        judged = min(judged, early, key=_strangeness)
    lacks = any(called.outputs.absent for _, called in found.calls.returned)
    if (judged.found.named or lacks) and _divides_later(judged, found):
        late = _judged(found, replace(judged.network, averaged="gradients"), traces, effort)
        judged = min(late, judged, key=_strangeness)
    return judged


def _strangeness(judged: Judged) -> tuple[int, bool]:
    """How little a diagnosis explains: a 1/N that is missing later is more likely missing early."""
    ids = [one.fault.id for one in judged.found.named]
    late = judged.network.averaged == "gradients"
    return findings(judged.found), late and any("scale.no_mean" in one for one in ids)


def _divides_later(judged: Judged, found: Recognised) -> bool:
    """Whether N dS is a value of the code, and dS is none: 1/N comes with the gradients."""
    if judged.network.averaged != "dS" or judged.network.reduction != "mean":
        return False
    places = places_of(found, judged)
    return bool(
        places.calls
        and not places.appearances(lambda values: values["dS"])
        and places.appearances(lambda values: values["dS"] * values["N"])
    )


def _judged(found: Recognised, network: Network, traces: Sequence[Trace], effort: Effort) -> Judged:
    evidence = evidence_of(found.function, found.calls, network)
    return Judged(network, evidence, *diagnosed(evidence, traces, effort))


def _simplest(judged: Judged, found: Recognised, traces: Sequence[Trace], effort: Effort) -> Judged:
    """The same in a network that the faults suggest, if fewer are left there.

    Without a loss there is no telling a choice from a fault.
    """
    if not any("L" in one.observed for one in judged.evidence):
        return judged
    for network in suggested(judged.found, judged.network):
        other = _judged(found, network, traces, effort)
        if findings(other.found) < findings(judged.found):
            return _simplest(other, found, traces, effort)
    return judged
