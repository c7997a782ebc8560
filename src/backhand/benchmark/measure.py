"""Time the contenders in turn, in sufficiently long repeats, and take the medians.

On a shared machine, speed changes from second to second. So every contender runs its first repeat
before any runs its second, and the peak is measured in between: figures that are compared were
measured within the same seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backhand.benchmark.contenders import CONTENDERS, Contender, Run
from backhand.benchmark.problem import Problem, Shape, make_problem
from backhand.benchmark.results import ShapeResult, summarise
from backhand.choices import PrecisionName


@dataclass(frozen=True)
class Effort:
    """The repeats of each contender, and the least seconds and steps of a repeat.

    Without `slow_starts`, contenders that compile for seconds are not measured.
    """

    repeats: int
    seconds: float
    least_steps: int
    slow_starts: bool = True


EFFORTS = {
    "quick": Effort(repeats=3, seconds=0.1, least_steps=1, slow_starts=False),
    "normal": Effort(repeats=5, seconds=0.1, least_steps=5),
    "thorough": Effort(repeats=7, seconds=0.2, least_steps=10),
}
"""A check that measuring works, a look, and figures for a document."""


def measure(
    shape: Shape,
    threads: int = 1,
    effort: Effort = EFFORTS["normal"],
    contenders: Sequence[Contender] = CONTENDERS,
    precision: PrecisionName = "auto",
) -> ShapeResult:
    """Time the contenders on one shape. The first contender must be Backhand.

    The peak is that of float32, or of bf16. The process must have been confined to this number of
    threads (see `process.confine`).
    """
    runs, steps, left_out = _get_ready(make_problem(shape), threads, effort, contenders)
    peaks: list[float] = []
    peak = peak_meter(precision)
    seconds = in_turn(runs, steps, effort.repeats, lambda: peaks.extend(peak() if peak else ()))
    return summarise(shape, threads, seconds, steps, peaks, left_out)


def _get_ready(
    problem: Problem, threads: int, effort: Effort, contenders: Sequence[Contender]
) -> tuple[dict[str, Run], dict[str, int], dict[str, str]]:
    """Return the warmed-up runs, their steps per repeat, and why others are not measured."""
    runs: dict[str, Run] = {}
    steps: dict[str, int] = {}
    left_out: dict[str, str] = {}
    for contender in contenders:
        if not contender.installed:
            left_out[contender.name] = "not installed"
            continue
        if contender.slow_start and not effort.slow_starts:
            left_out[contender.name] = "takes seconds to compile"
            continue
        try:
            run = contender.start(problem, threads)
            steps[contender.name] = steps_for(run, effort)
        except Exception as error:  # such as a missing C++ compiler; the others can still be timed
            if contender == contenders[0]:
                raise
            left_out[contender.name] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        runs[contender.name] = run
    return runs, steps, left_out


def steps_for(run: Run, effort: Effort) -> int:
    """Return the number of steps in a repeat, after a warm-up run of as many.

    The fixed cost of a call makes a first estimate too small, so the number is raised until a
    repeat is long enough. Each number is run once before it is timed, because some contenders
    compile for each new number.
    """
    steps = 1
    while True:
        run(steps)
        took = max(_seconds(run, steps), 1e-7)
        if took >= 0.8 * effort.seconds and steps >= effort.least_steps:
            return steps
        steps = max(math.ceil(steps * effort.seconds / took), steps + 1, effort.least_steps)


def in_turn(
    runs: Mapping[str, Run],
    steps: Mapping[str, int],
    repeats: int,
    between: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Return the seconds per step of each repeat of each run; `between` is called before each."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            between()
            seconds[name].append(_seconds(run, steps[name]) / steps[name])
    return seconds


def peak_meter(precision: PrecisionName = "auto") -> Callable[[], list[float]] | None:
    """Return a function that measures one thread's peak in GFLOP/s, or None without llvmlite."""
    try:
        from backhand.engines.fused.roofline import peak_gflops
    except ImportError:
        return None
    peak_gflops(precision=precision)  # compiles
    return lambda: [peak_gflops(precision=precision)]


def _seconds(run: Run, steps: int) -> float:
    began = time.perf_counter()
    run(steps)
    return time.perf_counter() - began
