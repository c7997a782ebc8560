"""Timing the contenders: in turn, in repeats long enough, by their medians.

On a machine that others use too, speed changes from second to second. So one repeat of each
contender is followed by the next repeat of each, the peak is measured in between, and what is
compared was measured within the same seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

from backhand.benchmark.contenders import CONTENDERS, OURS, Contender, Run
from backhand.benchmark.effort import EFFORTS, Effort
from backhand.benchmark.problem import Problem, Shape, make_problem
from backhand.benchmark.results import ShapeResult, summarise


def measure(
    shape: Shape,
    threads: int = 1,
    effort: Effort = EFFORTS["normal"],
    contenders: Sequence[Contender] = CONTENDERS,
) -> ShapeResult:
    """Time these contenders, the first of which has to be Backhand, on one shape.

    The number of threads has to be that of the process already (see `process.confine`).
    """
    runs, steps, left_out = _get_ready(make_problem(shape), threads, effort, contenders)
    peaks: list[float] = []
    peak = peak_meter()
    seconds = in_turn(runs, steps, effort.repeats, lambda: peaks.extend(peak() if peak else ()))
    return summarise(shape, threads, seconds, steps, peaks, left_out)


def _get_ready(
    problem: Problem, threads: int, effort: Effort, contenders: Sequence[Contender]
) -> tuple[dict[str, Run], dict[str, int], dict[str, str]]:
    """The runs, warmed up, with their steps; and why others are left out."""
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
        except Exception as error:  # such as a missing C++ compiler: the others are worth timing
            if contender == OURS:
                raise
            left_out[contender.name] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        runs[contender.name] = run
    return runs, steps, left_out


def steps_for(run: Run, effort: Effort) -> int:
    """How many steps take the time wanted; having run as many, warm.

    Whatever a call costs beside its steps makes too few of them come out, so the number is tried
    and mended until it is long enough. Each number is run once before it is timed, because some
    contenders compile anew for it.
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
    """Seconds a step of every repeat of each run; `between` is called before each."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            between()
            seconds[name].append(_seconds(run, steps[name]) / steps[name])
    return seconds


def peak_meter() -> Callable[[], list[float]] | None:
    """A function that measures one thread's peak, in GFLOP/s; None where there is none."""
    try:
        from backhand.engines.fused.roofline import peak_gflops
    except ImportError:
        return None
    peak_gflops()  # compiles
    return lambda: [peak_gflops()]


def _seconds(run: Run, steps: int) -> float:
    began = time.perf_counter()
    run(steps)
    return time.perf_counter() - began
