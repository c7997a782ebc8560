"""The results of a measurement, their JSON, and the format of their figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from backhand.benchmark.problem import Shape


@dataclass(frozen=True)
class Timing:
    """One contender on one shape.

    Attributes
    ----------
    contender : str
    steps : int
        Training steps in each repeat.
    repeats : tuple of float
        µs per step, of each repeat.
    microseconds : float
        Their median.
    gflops : float
        GFLOP/s, counting the matrix products only.
    share_of_peak : float or None
        Fraction of the peak of as many threads; None if the peak is unknown.
    ratio : float
        Backhand's median divided by this one's: below 1, Backhand is faster.
    """

    contender: str
    steps: int
    repeats: tuple[float, ...]
    microseconds: float
    gflops: float
    share_of_peak: float | None
    ratio: float


@dataclass(frozen=True)
class ShapeResult:
    """All contenders on one shape, Backhand first.

    `peak_gflops` is the median rate of fused multiply-adds in registers, of all threads together,
    measured between the contenders; `left_out` has the reason for each contender not measured.
    """

    shape: Shape
    threads: int
    flops: int
    peak_gflops: float | None
    timings: tuple[Timing, ...]
    left_out: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the shape is a list of four numbers."""
        return asdict(self) | {"shape": list(self.shape)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ShapeResult:
        """Return the result that `to_json` was called on."""
        timings = (
            Timing(**{**timing, "repeats": tuple(timing["repeats"])})
            for timing in values["timings"]
        )
        return cls(**{**values, "shape": Shape(*values["shape"]), "timings": tuple(timings)})


def summarise(
    shape: Shape,
    threads: int,
    seconds: dict[str, list[float]],
    steps: dict[str, int],
    peaks: Sequence[float],
    left_out: dict[str, str],
) -> ShapeResult:
    """Take the medians of all repeats.

    `seconds` holds the seconds per step of each contender, Backhand first; `peaks` are GFLOP/s of
    one thread.
    """
    peak = median(peaks) * threads if peaks else None
    ours = median(next(iter(seconds.values())))
    timings = []
    for name, measured in seconds.items():
        typical = median(measured)
        gflops = shape.flops / typical / 1e9
        timings.append(Timing(
            name, steps[name], tuple(1e6 * each for each in measured), 1e6 * typical, gflops,
            None if peak is None else gflops / peak, ours / typical,
        ))  # fmt: skip
    return ShapeResult(shape, threads, shape.flops, peak, tuple(timings), left_out)


def figure(value: float) -> str:
    """Return at least three digits: `1.85`, `15.5`, `1,043`."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def ratio(value: float) -> str:
    """Return at least two significant digits: `1.24`, `0.87`, `0.035`, `0.0041`."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def percent(share: float | None) -> str:
    """Return `0.4 %`, or a dash if the share is unknown."""
    return "–" if share is None else f"{100 * share:.1f} %"
