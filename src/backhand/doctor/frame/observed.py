"""What was seen of a call: the values that it returned, and those that its variables held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    variables : list of array
        What the function's own variables and expressions held, in the order in which they were
        computed, in the function's own layout.
    tolerance : float
        Larger for functions that compute in float32.
    """

    returned: Mapping[str, Array]
    variables: list[Array] = field(default_factory=list)
    tolerance: float = TOLERANCE

    def gave(self, name: str, value: Any) -> bool:
        """Whether the function returned this value under this name."""
        seen = self.returned.get(name)
        allowed = max(self.tolerance, LOSS_TOLERANCE if name == "L" else 0.0)
        return seen is not None and same(np.asarray(value), seen, allowed)

    def has(self, value: Any) -> bool:
        """Whether the value occurred: as a variable, or returned under whatever name."""
        value = np.asarray(value)
        return any(same(value, one, self.tolerance) for one in self._all())

    def first(self, test: Callable[[Array], bool]) -> Array | None:
        """The first variable for which a test holds."""
        return next((one for one in self.variables if test(one)), None)

    def shaped(self, *shape: int) -> list[Array]:
        """The variables of a shape, transposed where that is needed."""
        found = []
        for one in self.variables:
            if one.shape == shape:
                found.append(one)
            elif one.ndim == 2 and one.shape[::-1] == shape:
                found.append(one.T)
        return found

    def _all(self) -> Iterable[Array]:
        yield from self.returned.values()
        yield from self.variables


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
