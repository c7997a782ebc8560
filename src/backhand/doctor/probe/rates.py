"""The learning rate of a step whose function takes none: it is in the code, or there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.trace import Seen, Trace

PARALLEL = 1e-6
"""Error of a multiple, relative to the largest entry; a step in float32 has about as much."""

MOST = 6
"""Rates that are tried."""


def rates(trace: Trace, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[float]:
    """Every c > 0 for which W - W' = ±c g, with a value g that the function computed.

    Those of most parameters come first; of equal ones, those of a g that has a name. A c of one
    matrix only counts if the other one did not change.

    Parameters
    ----------
    trace : Trace
    before, now : mapping of str to array
        The parameters that were passed, and the new ones.
    """
    found: dict[float, tuple[int, bool]] = {}
    moved = [name for name, value in now.items() if value.shape == before[name].shape
             and not np.array_equal(value, before[name])]  # fmt: skip
    needed = {"W1", "W2"} & set(moved)
    of_weights: dict[float, set[str]] = {}
    for name in moved:
        own: dict[float, bool] = {}
        for rate, seen in _multiples(trace, before[name] - now[name]):
            own[rate] = own.get(rate, False) or seen.is_name
        for rate, is_name in own.items():
            count, named = found.get(rate, (0, False))
            found[rate] = count + 1, named or is_name
            of_weights.setdefault(rate, set()).add(name)
    fitting = [rate for rate in found if needed and needed <= of_weights[rate]]
    return sorted(fitting, key=lambda rate: found[rate], reverse=True)[:MOST]


def _multiples(trace: Trace, step: NDArray[Any]) -> list[tuple[float, Seen]]:
    """The values of which a step is a multiple, with the factor, without its sign."""
    found = []
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
                found.append((_plain(abs(c)), seen))
                break
    return found


def _plain(rate: float) -> float:
    """A number of few digits, if it is one but for rounding; else of eight."""
    short = float(f"{rate:.4g}")
    return short if abs(short - rate) <= PARALLEL * rate else float(f"{rate:.8g}")
