"""The program that a diagnosis describes: what it computes, and which equations it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backhand.doctor.faults import WITH_DERIVATIVE, Fault
from backhand.doctor.localise.diagnose import Diagnosis
from backhand.doctor.probe.evidence import Evidence
from backhand.formulas import Line, Values, derive


def predicted(evidence: Sequence[Evidence], found: Diagnosis) -> list[Values]:
    """What the network with its faults gives for every name, on each call.

    Where the function's own values were used for the diagnosis, they are what later lines read.
    """
    changes: dict[str, Line] = dict(found.convention.lines) if found.convention else {}
    for one in found.named:
        if not one.fault.returned:
            for name, line in one.fault.lines.items():
                changes[name] = line if one.constant is None else line.with_constant(one.constant)
    return [
        derive(call.given, changes, call.reused if found.reusing else {}, lines=call.lines)[1]
        for call in evidence
    ]


def correct(evidence: Sequence[Evidence], found: Diagnosis) -> Mapping[str, bool | None]:
    """Whether each equation is correct given its inputs; None where that is not known."""
    names = evidence[0].names
    wrong = {name for one in found.named for name in _own(one.fault)}
    if found.narrower:
        wrong.add(found.narrower)
    if found.doubt is None and found.repeatable:
        return {name: name not in wrong for name in names}
    if found.doubt:
        wrong |= {one.suspect for one in (found.doubt, *found.further)}
    return {name: False if name in wrong else True if name in found.right else None
            for name in names}  # fmt: skip


def _own(fault: Fault) -> Sequence[str]:
    """The equations that a fault is in; the derivative of a wrong function is correct."""
    return [fault.name] if fault.id.endswith(WITH_DERIVATIVE) else list(fault.lines)
