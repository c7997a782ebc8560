"""The learning rate of a step whose function takes none: it is in the code, or there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.trace import Trace

PARALLEL = 1e-6
"""Error of a multiple, relative to the largest entry; a step in float32 has about as much."""

MOST = 6
"""Rates that are tried."""


def rates(trace: Trace, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[float]:
    """What may be the rate: each c > 0 for which W - W' = ±c g, with a g that was computed.

    Those of most parameters come first; of equal ones, those of a g that has a name. Where g itself
    was not seen, c is a number of the code, times that of a multiple of g. There is none unless
    both matrices that changed did so along a value that was computed.

    Parameters
    ----------
    trace : Trace
    before, now : mapping of str to array
        The parameters that were passed, and the new ones.
    """
    moved = [name for name, value in now.items() if value.shape == before[name].shape
             and not np.array_equal(value, before[name])]  # fmt: skip
    found = {name: _multiples(trace, before[name] - now[name]) for name in moved}
    weights = [found[name] for name in ("W1", "W2") if name in found]
    if not weights or not all(weights):
        return []
    count = Counter(rate for own in found.values() for rate in own)
    named = Counter(rate for own in found.values() for rate, is_name in own.items() if is_name)
    direct = sorted(count, key=lambda rate: (count[rate], named[rate]), reverse=True)
    numbers = [_plain(float(seen.value)) for seen in trace.seen
               if seen.value.ndim == 0 and seen.is_name and 0 < seen.value < np.inf]  # fmt: skip
    scaled = [_plain(direct[0] * number) for number in numbers]
    return list(dict.fromkeys([*direct, *scaled]))[:MOST]


def _multiples(trace: Trace, step: NDArray[Any]) -> dict[float, bool]:
    """Of which values a step is a multiple: the factors without their signs, and if by a name."""
    found: dict[float, bool] = {}
    wanted = {"C": step.ravel(), "F": step.T.ravel()}
    place = {by: int(np.abs(flat).argmax()) for by, flat in wanted.items()}
    largest = float(np.abs(step).max())
    for seen in trace.seen:
        if seen.value.size != step.size or seen.passed or seen.value.dtype.kind != "f":
            continue
        value = seen.value.ravel()
        for by, flat in wanted.items():
            entry = value[place[by]]
            if not entry or not np.isfinite(entry):
                continue
            c = float(flat[place[by]] / entry)
            if np.abs(flat - c * value).max() <= PARALLEL * largest:
                rate = _plain(abs(c))
                found[rate] = found.get(rate, False) or seen.is_name
                break
    return found


def _plain(rate: float) -> float:
    """A number of few digits, if it is one but for rounding; else of eight."""
    short = float(f"{rate:.4g}")
    return short if abs(short - rate) <= PARALLEL * rate else float(f"{rate:.8g}")
