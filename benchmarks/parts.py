"""The parts of a training step, each run alone many times: where the time of a step goes.

    python benchmarks/parts.py --json build/parts.json

Takes about a minute. One thread, float32, one chunk of rows of the shapes of `make bench` that are
larger than a toy. Prints a Markdown table of the µs of each part, with its share of the peak rate
of multiply-adds where it has matrix products. The last two columns are the sum of the parts, and a
step of the whole program.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from output import arguments_of, markdown, write_json

from backhand.benchmark.machine import this_machine
from backhand.benchmark.problem import SHAPES, Problem, Shape, make_problem
from backhand.benchmark.results import figure
from backhand.engines import Block, Data, OptimizerState, make_engine
from backhand.engines.fused import steps
from backhand.engines.fused.buffers import (
    Chunk,
    ParameterBuffers,
    chunk_of,
    chunk_rows,
    parameter_buffers,
)
from backhand.engines.fused.kernels.gather import Picked, Rows, load_labels, load_rows, rows_of
from backhand.engines.fused.kernels.optimizers import Step
from backhand.engines.fused.kernels.softmax import add_parts, softmax_and_loss
from backhand.engines.fused.llvm.abi import Integer, marshal
from backhand.engines.fused.llvm.builder import Code, Value, flush_subnormals
from backhand.engines.fused.llvm.compiler import entry
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.packing import Layout, PackedParameters, layout_of
from backhand.engines.fused.roofline import peak_gflops
from backhand.optimizers import SGD

RATE = 1e-9
"""η, so small that parameters hardly change, however often a part runs."""


class Part(NamedTuple):
    """What the parts of a step work on: one chunk of `padded` rows, `count` of them in use."""

    net: Layout
    buffers: ParameterBuffers
    chunk: Chunk
    rows: Rows
    count: Integer
    padded: Integer
    step: Step


def rows_in(code: Code, part: Part) -> None:
    picked = Picked(part.chunk.claimed, code.integer(0), code.integer(0), part.count, part.padded,
                    part.rows.selection)  # fmt: skip
    load_labels(code, part.chunk, part.rows, picked)
    load_rows(code, part.chunk, part.rows.X, picked, part.net.d)


def hidden(code: Code, part: Part) -> None:
    net, first = part.net, code.integer(0)
    steps.dense_H1(code, net, part.buffers.theta, part.chunk, part.padded, first, net.panels)


def logits(code: Code, part: Part) -> None:
    net, first = part.net, code.integer(0)
    steps.add_to_S(code, net, part.buffers.theta, part.chunk, part.padded, first, net.panels,
                   first)  # fmt: skip


def softmax(code: Code, part: Part) -> None:
    net, chunk, low = part.net, part.chunk, code.integer(0)
    b2 = code.at(part.buffers.theta, net.b2)
    add_parts(code, chunk.S, chunk.s_column, code.integer(1), b2, low, part.padded, net.K)
    softmax_and_loss(code, chunk.S, chunk.s_column, chunk.labels, chunk.weights, low, part.padded,
                     net.K, code.double(1e9), chunk.figures, chunk.rows)  # fmt: skip


def output_layer(code: Code, part: Part) -> None:
    with code.loop(part.net.panels) as p:
        steps.dW2_and_dZ1(code, _backward(code, part), p)


def hidden_layer(code: Code, part: Part) -> None:
    steps.dense_dW1(code, _backward(code, part), code.integer(0), part.net.panels)


def _backward(code: Code, part: Part) -> steps.Backward:
    none = code.integer(0)
    return steps.Backward(part.net, part.buffers, part.chunk, part.count, none, code.double(1.0),
                          none, part.step)  # fmt: skip


PARTS: dict[str, tuple[Callable[[Code, Part], None], Callable[[Shape], int]]] = {
    "rows in": (rows_in, lambda _: 0),
    "Z1, H1": (hidden, lambda s: 2 * s.N * s.d * s.H),
    "S": (logits, lambda s: 2 * s.N * s.H * s.K),
    "softmax, loss, dS": (softmax, lambda _: 0),
    "dW2, dZ1": (output_layer, lambda s: 4 * s.N * s.H * s.K),
    "dW1, update": (hidden_layer, lambda s: 2 * s.N * s.d * s.H),
}
"""A program for each part, and how many operations of a step on a shape are its matrix products."""


def repeated(part: Callable[[Code, Part], None]) -> Callable[..., None]:
    """Make a program that runs a part a number of times."""

    def run(code: Code, args: Part, rounds: Value) -> None:
        with flush_subnormals(code), code.loop(rounds):
            part(code, args)

    run.__name__ = f"part_{part.__name__}"
    return run


def part_of(problem: Problem) -> Part:
    """Return what the parts of a step on the problem work on, as `FusedEngine` has it in memory."""
    net, precision = layout_of(problem.params), precision_of(np.float32)
    rows = chunk_rows(net, precision, problem.shape.N)
    chunk = chunk_of(net, precision, rows, 1)
    rng = np.random.default_rng(0)
    for array in (chunk.X, chunk.H1, chunk.S):
        array[:] = rng.standard_normal(len(array), np.float32)
    chunk.weights[:] = 1
    buffers = parameter_buffers(net, precision, 0)
    PackedParameters(buffers.theta, net).write(problem.params)
    step = Step(0, 1 / rows, 0.0, RATE, 0.0, 0.0, 0.0)
    return Part(net, buffers, chunk, rows_of(Data(problem.X, problem.y), np.float32), rows,
                int(chunk.rows), step)  # fmt: skip


def microseconds(run: Callable[[int], Any], repeats: int = 9) -> float:
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


def measure(shape: Shape, peak: float) -> dict[str, tuple[float, float | None]]:
    """Return the µs of each part and its share of the peak, for one chunk of the shape's rows."""
    problem = make_problem(shape)
    part = part_of(problem)
    found: dict[str, tuple[float, float | None]] = {}
    chunk, words = shape._replace(N=int(part.count)), marshal(part)

    def share(flops: int, us: float) -> float | None:
        return flops / us / 1e3 / peak if flops else None

    for name, (program, flops) in PARTS.items():
        us = microseconds(partial(PROGRAMS[program], words.ctypes.data))
        found[name] = us, share(flops(chunk), us)
    total = sum(us for us, _ in found.values())
    found["sum"] = total, share(chunk.flops, total)
    session = make_engine("fused", threads=1).start(
        OptimizerState(problem.params, (), 0), Data(problem.X, problem.y), SGD()
    )

    def step(epochs: int) -> None:
        rates = np.full((epochs, 1), RATE)
        session.advance(Block(shape.N, rates, np.zeros_like(rates)))

    us = microseconds(step) * chunk.N / shape.N
    found["a step, per chunk"] = us, share(chunk.flops, us)
    return found


def main() -> None:
    arguments = arguments_of(__doc__).parse_args()
    peak, rows, results = peak_gflops(np.float32), [], {}
    for shape in SHAPES[1:]:
        found = results[str(shape)] = measure(shape, peak)
        rows.append([str(shape), *(
            figure(us) + ("" if share is None else f" ({round(100 * share)} %)")
            for us, share in found.values()
        )])  # fmt: skip
    machine = this_machine()
    print(f"{machine.cpu}: peak {peak:.1f} GFLOP/s\n")
    markdown(["µs per chunk: N,d,H,K", *found], rows)
    write_json(arguments.json, {"machine": asdict(machine), "peak": peak, "parts": results})


PROGRAMS = {part: entry(repeated(part), precision_of(np.float32)) for part, _ in PARTS.values()}


if __name__ == "__main__":
    main()
