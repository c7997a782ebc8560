"""What the function was seen to compute, as evidence where what it returned leaves a doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.localise.diagnose import Diagnosis, diagnose
from backhand.doctor.localise.residual import FOLLOWED, with_what_follows
from backhand.doctor.localise.search import Effort
from backhand.doctor.probe.evidence import Evidence, alike
from backhand.doctor.probe.places import Position, is_called, position
from backhand.doctor.probe.trace import Seen, Trace
from backhand.formulas import FAILURES, GRADIENTS, UPDATED

READERS = {
    "Z1": ("H1",), "H1": ("S", "dW2"), "S": ("P",), "P": ("dS", "L"),
    "dS": ("dW2", "db2", "dH1"), "dH1": ("dZ1",), "dZ1": ("dW1", "db1"),
}  # fmt: skip
"""Values on the way to gradients, and what is computed from each."""


def diagnosed(
    evidence: Sequence[Evidence], traces: Sequence[Trace], effort: Effort
) -> tuple[Sequence[Evidence], Diagnosis]:
    """What explains what was returned; in doubt, what explains that and what was seen.

    With it comes the evidence that was needed.
    """
    evidence = _with_gradients_of_the_step(evidence, traces)
    found = diagnose(evidence, effort)
    if found.doubt is None:
        return evidence, found
    more = with_intermediates(evidence, traces)
    if more[0].observed.keys() == evidence[0].observed.keys():
        return evidence, found
    return more, diagnose(more, effort)


def _with_gradients_of_the_step(
    evidence: Sequence[Evidence], traces: Sequence[Trace]
) -> Sequence[Evidence]:
    """The evidence with gradients in place of the new parameters, where both were computed.

    A step along a wrong gradient is a correct step if that gradient has a name of its own.
    """
    found = []
    for one, trace in zip(evidence, traces, strict=True):
        steps = {name for name in UPDATED if name in one.observed}
        if not steps:
            return evidence
        along = one.along_the_step()
        gradients = {name: along.observed[f"d{UPDATED[name]}"] for name in steps}
        if any(
            _is_of_another(f"d{UPDATED[name]}", value, one) for name, value in gradients.items()
        ):
            return evidence
        if not all(any(seen.is_name for seen in trace.matching(value, FOLLOWED))
                   for value in gradients.values()):  # fmt: skip
            return evidence
        found.append(along)
    return found


def _is_of_another(name: str, value: NDArray[Any], one: Evidence) -> bool:
    """Whether a gradient is that of another parameter, which the step used by mistake."""
    return any(other != name and alike(one.right[other], value, FOLLOWED)
               for other in GRADIENTS if other in one.right)  # fmt: skip


def with_intermediates(evidence: Sequence[Evidence], traces: Sequence[Trace]) -> list[Evidence]:
    """The evidence with the intermediate values that every call was seen to compute.

    A value is known by what its line gives of the values before it; one that is wrong by what was
    computed from it, or, for want of better, by its name.
    """
    found = list(evidence)
    following = [with_what_follows(one)[0].observed for one in evidence]
    for name in READERS:
        if name in found[0].names and not any(name in one.observed for one in found):
            values = _seen(name, found, [values.get(name) for values in following], traces)
            if values:
                found = [_with(one, name, v) for one, v in zip(found, values, strict=True)]
    return found


def _with(one: Evidence, name: str, value: Any) -> Evidence:
    observed = {other: {**one.observed, name: value}[other] for other in one.lines
                if other in one.observed or other == name}  # fmt: skip
    return Evidence(one.problem, one.given, observed, dict(one.tolerance), one.network)


def _seen(
    name: str, evidence: Sequence[Evidence], following: Sequence[NDArray[Any] | None],
    traces: Sequence[Trace],
) -> list[NDArray[Any]]:  # fmt: skip
    """A value as it was computed in every call, if it was; else nothing."""
    if any(name not in one.local for one in evidence):
        return []
    local = [np.asarray(one.local[name]) for one in evidence]
    calls = list(zip(traces, evidence, local, following, strict=True))
    if all(_stays(trace, v, max(one.tolerance.values())) for trace, one, v, _ in calls):
        return local
    if any(_is_right(name, one) for one in evidence):
        return []
    used = [trace.matching(v, FOLLOWED) for trace, _, _, v in calls if v is not None]
    read = [[seen for seen in trace.seen if _is_read(name, seen, one, trace, v.shape)]
            for trace, one, v, _ in calls]  # fmt: skip
    called = [[seen for seen in trace.seen if is_called(seen, name) and _is_new(seen, one)
               and seen.value.shape in (v.shape, v.T.shape)]
              for trace, one, v, _ in calls]  # fmt: skip
    for fits in (used, read, called):
        places = [[position(seen) for seen in some if not seen.passed] for some in fits]
        common = set(places[0]).intersection(*places) if places else set()
        for place in sorted(common, key=places[0].index if places else None):
            values = [_at(place, trace, v.shape) for trace, v in zip(traces, local, strict=True)]
            if all(value is not None for value in values):
                return [value for value in values if value is not None]
    return []


def _stays(trace: Trace, value: NDArray[Any], tolerance: float) -> bool:
    """Whether a value appears, and its array is not changed later."""
    fits = trace.matching(value, tolerance)
    orders = {seen.order for seen in fits}
    last = {(seen.function, seen.text): seen.order for seen in trace.seen
            if seen.is_name and seen.value.size == value.size}  # fmt: skip
    return any(last.get((seen.function, seen.text), seen.order) in orders for seen in fits)


def _is_right(name: str, one: Evidence) -> bool:
    """Whether what was computed from a value, and is known, shows that the value is right."""
    known = [reader for reader in READERS[name] if reader in one.observed and reader in one.local]
    return bool(known) and one.like(known[0], one.local[known[0]])


def _is_read(
    name: str, seen: Seen, one: Evidence, trace: Trace, shape: tuple[int, ...]
) -> bool:  # fmt: skip
    """Whether a later value, or one that was returned, is computed from this one by its line."""
    if seen.value.size != np.prod(shape) or seen.value.dtype == bool or not _is_new(seen, one):
        return False
    values = {**one.given, **one.local, **one.reused, name: _in_rows(seen.value, shape)}
    for reader in READERS[name]:
        try:
            value = one.lines[reader].evaluated(values, penalty=one.penalty)
        except (KeyError, *FAILURES):
            continue
        if reader in one.observed and one.like(reader, value):
            return True
        later = [found for found in trace.matching(value) if found.order > seen.order]
        if later and _is_new(later[0], one):
            return True
    return False


def _in_rows(value: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A value in the layout of the equations."""
    return (value if value.shape == shape else value.T).reshape(shape)


def _at(place: Position, trace: Trace, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """The last value of a statement."""
    for seen in reversed(trace.seen):
        if position(seen) == place and seen.value.size == np.prod(shape):
            return _in_rows(seen.value, shape)
    return None


def _is_new(seen: Seen, one: Evidence) -> bool:
    """Whether it is none of the values that are known already, nor the same everywhere."""
    if seen.value.min() == seen.value.max():
        return False
    own = Trace([seen])
    known = [value for value in {**one.given, **one.local, **one.observed}.values()
             if isinstance(value, np.ndarray) and value.size == seen.value.size]  # fmt: skip
    return not any(own.matching(value) for value in known)
