"""What was seen of a call: the values that it returned, and those that its variables held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.probe.trace import Trace

Array = NDArray[Any]

TOLERANCE = 1e-7
"""Relative to the largest entry: frames differ by far more, and rounding by far less."""

LOSS_TOLERANCE = 1e-5
"""Of a loss, which is often computed as log(P + 1e-12)."""


@dataclass(frozen=True)
class Observed:
    """The values of one call.

    Attributes
    ----------
    returned : mapping of str to array
        In the layout of the equations, by their names in the derivation.
    trace : Trace
        What the function's own variables and expressions held.
    tolerance : float
        Larger for functions that compute in float32.
    """

    returned: Mapping[str, Array]
    trace: Trace = field(default_factory=Trace)
    tolerance: float = TOLERANCE

    def gave(self, name: str, value: Any) -> bool:
        """Whether the function returned this value under this name."""
        seen = self.returned.get(name)
        allowed = max(self.tolerance, LOSS_TOLERANCE if name == "L" else 0.0)
        return seen is not None and same(np.asarray(value), seen, allowed)

    def has(self, value: Any, tolerance: float = 0.0) -> bool:
        """Whether the value occurred: as a variable, or returned under whatever name."""
        value, allowed = np.asarray(value), max(self.tolerance, tolerance)
        return bool(self.trace.matching(value, allowed)) or any(
            same(value, one, allowed) for one in self.returned.values()
        )

    def last(self, value: Any) -> int:
        """When the value occurred last as a variable; -1 if it did not."""
        found = self.trace.matching(np.asarray(value), self.tolerance)
        return max((seen.order for seen in found), default=-1)

    def shaped(self, *shape: int) -> list[Array]:
        """The variables of a shape, transposed where that is needed, in their order."""
        found = []
        for one in self.trace.seen:
            if one.value.dtype.kind != "f":
                continue
            if one.value.shape == shape:
                found.append(one.value)
            elif one.value.ndim == 2 and one.value.shape[::-1] == shape:
                found.append(one.value.T)
        return found


def same(value: Array, seen: Array, tolerance: float) -> bool:
    """Whether both are equal but for rounding, a transposition, and dimensions of length 1."""
    if value.size != seen.size or not value.size:
        return False
    value, seen = np.squeeze(value), np.squeeze(seen)
    if value.shape == seen.shape and _close(value, seen, tolerance):
        return True
    return value.ndim == 2 and value.T.shape == seen.shape and _close(value.T, seen, tolerance)


def _close(value: Array, seen: Array, tolerance: float) -> bool:
    # Most pairs differ in their first entry.
    first = abs(value.flat[0] - seen.flat[0])
    scale = max(abs(value).max(), 1e-12)
    return bool(first <= tolerance * scale and abs(value - seen).max() <= tolerance * scale)
