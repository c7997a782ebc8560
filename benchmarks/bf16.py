"""A training step in bf16 beside the same in float32, on six shapes.

    python benchmarks/bf16.py --threads 1 --json build/bf16.json

Takes about a minute. Prints the peak of one thread for both, and a Markdown table of the median
time per step, full batch and SGD: in float32, in bf16 as this CPU multiplies such numbers fastest,
and by conversion in registers, as CPUs without an instruction for them do. The last column is the
rate of the step in bf16 as a share of the peak of all threads. The repeats are taken in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from statistics import median
from unittest.mock import patch

import numpy as np
from output import arguments_of, markdown, write_json

from backhand.benchmark.machine import this_machine
from backhand.benchmark.measure import in_turn
from backhand.benchmark.problem import SHAPES, Problem, Shape, make_problem
from backhand.benchmark.results import figure, percent
from backhand.engines import Block, Data, OptimizerState, make_engine
from backhand.engines.fused import arithmetic, engine
from backhand.engines.fused.llvm.precision import CONVERSION
from backhand.engines.fused.roofline import peak_gflops
from backhand.optimizers import SGD

SECONDS = 0.05
"""Of a repeat, at the peak."""


def steps_of(problem: Problem, precision: str, threads: int) -> Callable[[int], None]:
    """Return a function that does a number of steps."""
    session = make_engine("fused", threads=threads, precision=precision).start(
        OptimizerState(problem.params, (), 0), Data(problem.X, problem.y), SGD()
    )

    def run(steps: int) -> None:
        rates = np.full((steps, 1), 1e-9)
        session.advance(Block(problem.shape.N, rates, np.zeros_like(rates)))

    return run


def measure(shape: Shape, peak: float, threads: int, repeats: int) -> dict[str, float]:
    """Return the µs per step of each way."""
    problem = make_problem(shape)
    runs = {
        "float32": steps_of(problem, "auto", threads),
        "bf16": steps_of(problem, "bf16", threads),
    }
    with patch.object(engine, "bf16_products", lambda: CONVERSION):
        runs["bf16 by conversion"] = steps_of(problem, "bf16", threads)
    count = max(1, round(SECONDS * peak * 1e9 / shape.flops))
    seconds = in_turn(runs, dict.fromkeys(runs, count), repeats)
    return {name: median(found) * 1e6 for name, found in seconds.items()}


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    peak, bf16_peak = peak_gflops(), peak_gflops(precision="bf16")
    rows, results = [], {}
    for shape in SHAPES:
        found = results[str(shape)] = measure(shape, peak, arguments.threads, arguments.repeats)
        share = shape.flops / found["bf16"] / 1e3 / bf16_peak / arguments.threads
        ratio = found["float32"] / found["bf16"]
        rows.append([str(shape), *map(figure, found.values()), f"{ratio:.2f}", percent(share)])
    machine, products = this_machine(), arithmetic.bf16_products()
    print(f"{machine.cpu}, {products}, threads: {arguments.threads}")
    print(f"\nPeak of one thread: {peak:.1f} GFLOP/s, in bf16 {bf16_peak:.1f}\n")
    markdown(["µs per step: N,d,H,K", *found, "float32 ÷ bf16", "of bf16's peak"], rows)
    write_json(arguments.json, {"machine": asdict(machine), "products": products,
                                "threads": arguments.threads, "peak": peak,
                                "bf16_peak": bf16_peak, "steps": results})  # fmt: skip


if __name__ == "__main__":
    main()
