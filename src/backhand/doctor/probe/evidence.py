"""What a function returned on a problem, and how far it is from what lines of code give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.doctor.frame.network import REFERENCE, Network
from backhand.formulas import (
    GRADIENTS,
    UPDATED,
    Line,
    Values,
    as_namespace,
    derive,
)

TOLERANCES = {"float64": 1e-9, "float32": 2e-5, "float16": 2e-2}
"""Error of a dtype that counts as rounding, relative to the largest entry."""

LOSS_TOLERANCE = 1e-5
"""Of the loss, which is often computed as log(P + 1e-12)."""


@dataclass
class Evidence:
    """One call: what the lines of a network read (`given`), and what the function computed.

    `given` has, besides the problem, `before` (the values of the call before, as a namespace),
    `last` (what the function returned there) and `first` (the values of the first call of all), if
    there was one. `observed` is what the function returned, or was seen to compute. A network whose
    penalty has a strength of its own is given that as `l2`.
    """

    problem: str
    given: dict[str, Any]
    observed: dict[str, NDArray[Any]]
    tolerance: dict[str, float] = field(default_factory=dict)
    network: Network = REFERENCE

    def __post_init__(self) -> None:
        if self.network.strength:
            self.given = {**self.given, "l2": self.network.strength}
        # Gradients of one function are of one precision; a narrower one among them is a fault.
        finest = min((tolerance(name, self.observed[name]) for name in self.observed
                      if name in (*GRADIENTS, *UPDATED)), default=0.0)  # fmt: skip
        for name, value in self.observed.items():
            of_gradient = name in (*GRADIENTS, *UPDATED)
            self.tolerance.setdefault(name, finest if of_gradient else tolerance(name, value))

    @property
    def lines(self) -> Mapping[str, Line]:
        """The equations of the network."""
        return self.network.lines

    @property
    def penalty(self) -> bool:
        """Whether the lines have their penalty terms."""
        return bool(self.given["l2"])

    @cached_property
    def right(self) -> Values:
        """What the equations give."""
        return derive(self.given, {}, {}, self.names, lines=self.lines)[0]

    @property
    def right_here(self) -> bool:
        """Whether everything that was observed is what the equations give."""
        return all(self.like(name, self.right[name]) for name in self.observed)

    @cached_property
    def reused(self) -> dict[str, NDArray[Any]]:
        """What the function returned, and so seems to have read in later lines."""
        return {name: value for name, value in self.observed.items()
                if value.shape == np.shape(self.right[name])}  # fmt: skip

    @cached_property
    def local(self) -> Values:
        """What each line gives with the returned values as its inputs."""
        return derive(self.given, {}, self.reused, self.names, lines=self.lines)[0]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The lines to compute: no line reads the loss or new parameters."""
        ends = {"L", *UPDATED}
        if any(name in self.observed for name in UPDATED):
            ends = {"L"}
        return tuple(name for name in self.lines if name not in ends or name in self.observed)

    @property
    def remembers(self) -> bool:
        """Whether there was a call before."""
        return "last" in self.given

    def like(self, name: str, value: Any) -> bool:
        """Whether a value is the observed one, to rounding."""
        observed, first = self.observed[name], self._largest[name]
        if self.tolerance[name] == np.inf:
            return bool(np.shape(value) == observed.shape)
        if first and getattr(value, "shape", None) == observed.shape:
            place, entry, allowed = first
            if abs(value.item(place) - entry) > allowed:  # most others differ here already
                return False
        return alike(value, observed, self.tolerance[name])

    @cached_property
    def _largest(self) -> dict[str, tuple[int, float, float] | None]:
        """The place of the largest entry of each observed value, the entry, and its error.

        None where there is none. More than this error no value may have, however large it is.
        """
        found: dict[str, tuple[int, float, float] | None] = {}
        for name, value in self.observed.items():
            found[name] = None
            if value.size:
                place, allowed = int(abs(value).argmax()), self.tolerance[name]
                entry = float(value.item(place))
                most = max(allowed**1.5, allowed * abs(entry) / (1 - allowed))
                found[name] = place, entry, 1.01 * most  # nan is larger than nothing
        return found

    def along_the_step(self) -> Evidence:
        """The same with the gradients of the step instead of the new parameters."""
        observed = {n: v for n, v in self.observed.items() if n not in UPDATED}
        for name, W in UPDATED.items():
            if name in self.observed and f"d{W}" not in observed:
                observed[f"d{W}"] = (self.given[W] - self.observed[name]) / self.given["eta"]
        return Evidence(self.problem, self.given, observed, network=self.network)

    def next(
        self, given: dict[str, Any], problem: str, observed: dict[str, Any],
        tolerance: dict[str, float] | None = None,
    ) -> Evidence:  # fmt: skip
        """The evidence of the call after this one, which may remember it."""
        before = as_namespace(
            {**self.right, **{n: self.given[n] for n in ("X", "W1", "b1", "W2", "b2")}}
        )
        memory = {"before": before, "last": as_namespace(self.observed),
                  "first": self.given.get("first", before)}  # fmt: skip
        return Evidence(problem, {**given, **memory}, observed, tolerance or {}, self.network)


def tolerance(name: str, value: NDArray[Any]) -> float:
    """Error of a returned value that counts as rounding."""
    allowed = TOLERANCES.get(str(value.dtype), TOLERANCES["float64"])
    return max(allowed, LOSS_TOLERANCE) if name == "L" else allowed


def alike(value: Any, observed: NDArray[Any], allowed: float) -> bool:
    """Whether both have one shape, and differ by rounding only; nan is like nan."""
    if np.shape(value) != observed.shape:
        return False
    if not observed.size:
        return True
    with np.errstate(all="ignore"):
        return _near(value, observed, allowed)


def _near(value: Any, observed: NDArray[Any], allowed: float) -> bool:
    distance = abs(value - observed).max()
    # Sums that are 0 but for rounding are of no scale.
    if distance <= allowed**1.5:
        return True
    if distance == distance:  # no nan
        scale = abs(observed).max()
        if distance > allowed * (scale + distance):
            return False  # whichever of the two is larger
        return bool(distance <= allowed * max(scale, abs(value).max()) and np.isfinite(scale))
    lacking = np.isnan(observed)
    if not lacking.any() or not np.array_equal(np.isnan(value), lacking):
        return False
    return alike(value[~lacking], observed[~lacking], allowed) if lacking.ndim else True


def relative_error(value: NDArray[Any], observed: NDArray[Any]) -> float:
    """‖a − b‖ / max(‖a‖, ‖b‖); infinite where the shapes differ or numbers are none."""
    if value.shape != observed.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        error = float(np.linalg.norm(observed - value))
        scale = float(max(np.linalg.norm(value), np.linalg.norm(observed)))
    if not np.isfinite(error):
        return float("inf")
    return error / scale if scale else 0.0


@cache
def reached(
    network: Network, lines: frozenset[str], names: tuple[str, ...], reused: frozenset[str]
) -> set[str]:
    """The values that may change if these lines change; a reused value does not change."""
    changed, result = set(lines), set(lines)
    for name in names:
        if name not in lines and network.lines[name].reads(penalty=True) & changed:
            result.add(name)
            changed.add(name)
        if name in reused:
            changed.discard(name)
    return result
