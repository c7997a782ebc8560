"""The parts of a training step, each run alone many times: where the time of a step goes.

    python benchmarks/parts.py --json build/parts.json
    python benchmarks/parts.py --precision bf16

Takes about a minute. One thread, one chunk of rows of the shapes of `make bench` that are larger
than a toy. Prints a Markdown table of the µs of each part, with its share of the peak rate of
multiply-adds, of float32 or of bf16, where it has matrix products. The last two columns are the sum
of the parts, and a step of the whole program.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from output import arguments_of, markdown, write_json
from step_parts import RATE, part_of, parts_in, repeated

from backhand.benchmark.contenders import CONTENDERS_IN
from backhand.benchmark.machine import this_machine
from backhand.benchmark.problem import SHAPES, Shape, make_problem
from backhand.benchmark.results import figure
from backhand.choices import PrecisionName
from backhand.engines import Block, Data, OptimizerState, make_engine
from backhand.engines.fused.llvm.abi import marshal
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.roofline import peak_gflops
from backhand.optimizers import SGD


def microseconds(run: Callable[[int], Any], repeats: int) -> float:
    """Return the median time of one of many rounds, in repeats of about 30 ms."""
    run(1)
    rounds = 1
    while (took := timed(run, rounds)) < 0.01:
        rounds *= 2
    rounds = max(1, round(rounds * 0.03 / took))
    return median(timed(run, rounds) for _ in range(repeats)) / rounds * 1e6


def timed(run: Callable[[int], Any], rounds: int) -> float:
    began = time.perf_counter()
    run(rounds)
    return time.perf_counter() - began


def measure(
    shape: Shape, peak: float, precision: PrecisionName, repeats: int
) -> dict[str, tuple[float, float | None]]:
    """Return the µs of each part and its share of the peak, for one chunk of the shape's rows."""
    problem, (parts, compiled_for) = make_problem(shape), parts_in(precision)
    part = part_of(problem, compiled_for)
    found: dict[str, tuple[float, float | None]] = {}
    chunk, words = shape._replace(N=int(part.count)), marshal(part)

    def share(flops: int, us: float) -> float | None:
        return flops / us / 1e3 / peak if flops else None

    for name, (program, flops) in parts.items():
        compiled = entry(PROGRAMS[program], compiled_for)
        us = microseconds(partial(compiled, words.ctypes.data), repeats)
        found[name] = us, share(flops(chunk), us)
    total = sum(us for us, _ in found.values())
    found["sum"] = total, share(chunk.flops, total)
    session = make_engine("fused", threads=1, precision=precision).start(
        OptimizerState(problem.params, (), 0), Data(problem.X, problem.y), SGD()
    )

    def step(epochs: int) -> None:
        rates = np.full((epochs, 1), RATE)
        session.advance(Block(shape.N, rates, np.zeros_like(rates)))

    us = microseconds(step, repeats) * chunk.N / shape.N
    found["a step, per chunk"] = us, share(chunk.flops, us)
    return found


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--precision", choices=CONTENDERS_IN, default="auto")
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    precision = arguments.precision
    peak, rows, results = peak_gflops(np.float32, precision), [], {}
    for shape in SHAPES[1:]:
        found = results[str(shape)] = measure(shape, peak, precision, arguments.repeats)
        rows.append([str(shape), *(
            figure(us) + ("" if share is None else f" ({round(100 * share)} %)")
            for us, share in found.values()
        )])  # fmt: skip
    machine = this_machine()
    print(f"{machine.cpu}: peak {peak:.1f} GFLOP/s\n")
    markdown(["µs per chunk: N,d,H,K", *found], rows)
    write_json(arguments.json, {"machine": asdict(machine), "precision": precision,
                                "peak": peak, "parts": results})  # fmt: skip


PROGRAMS = {
    part: repeated(part) for found in CONTENDERS_IN for part, _ in parts_in(found)[0].values()
}
"""Made once: compiled code is kept by program."""


if __name__ == "__main__":
    main()
