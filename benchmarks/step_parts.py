"""The parts of a training step as programs, which `parts.py` runs and measures.

A part works on one chunk of rows that are in place: its inputs are random numbers, or what an
earlier part left, and stay as they are, however often it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from backhand.benchmark.problem import Problem, Shape
from backhand.engines import Data
from backhand.engines.fused import bf16_steps, steps
from backhand.engines.fused.arithmetic import bf16_products
from backhand.engines.fused.buffers import (
    Chunk,
    ParameterBuffers,
    chunk_of,
    chunk_rows,
    parameter_buffers,
)
from backhand.engines.fused.kernels.amx import configured_tiles
from backhand.engines.fused.kernels.bf16_gather import load_pairs
from backhand.engines.fused.kernels.gather import Picked, Rows, load_labels, load_rows, rows_of
from backhand.engines.fused.kernels.optimizers import Step
from backhand.engines.fused.kernels.softmax import add_parts, softmax_and_loss
from backhand.engines.fused.llvm.abi import Integer
from backhand.engines.fused.llvm.builder import Code, Value, flush_subnormals
from backhand.engines.fused.llvm.precision import Precision, bf16_precision, precision_of
from backhand.engines.fused.packing import Layout, PackedParameters, layout_of

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
    picked = _all_rows(code, part)
    load_labels(code, part.chunk, part.rows, picked)
    load_rows(code, part.chunk, part.rows.X, picked, part.net.d)


def _all_rows(code: Code, part: Part) -> Picked:
    none = code.integer(0)
    return Picked(part.chunk.claimed, none, none, part.count, part.padded, part.rows.selection)


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


def pairs_in(code: Code, part: Part) -> None:
    picked = _all_rows(code, part)
    load_labels(code, part.chunk, part.rows, picked)
    load_pairs(code, part.chunk.bf16, part.rows.X, picked, part.net.d)


def Z1_of_pairs(code: Code, part: Part) -> None:
    with code.loop(part.net.panels) as p, bf16_steps.blocks(code, p, part.padded) as block:
        bf16_steps.compute_Z1(code, part.net, part.buffers, part.chunk, block)


def H1_in_pairs(code: Code, part: Part) -> None:
    with code.loop(part.net.panels) as p, bf16_steps.blocks(code, p, part.padded) as block:
        bf16_steps.compute_H1(code, part.net, part.buffers.image, part.chunk, block)


def S_of_pairs(code: Code, part: Part) -> None:
    image, chunk = part.buffers.image, part.chunk
    with code.loop(part.net.panels) as p, bf16_steps.blocks(code, p, part.padded) as block:
        bf16_steps.add_to_S(code, part.net, image, chunk, block, chunk.S, p > 0)


def D_in_pairs(code: Code, part: Part) -> None:
    image, low = part.buffers.image, code.integer(0)
    bf16_steps.round_dS(code, part.net, image, part.chunk, low, part.padded)


def output_layer_of_pairs(code: Code, part: Part) -> None:
    with code.loop(part.net.panels) as p:
        bf16_steps.dZ1_and_dW2_bf16(code, _backward(code, part), p)


def hidden_layer_of_pairs(code: Code, part: Part) -> None:
    bf16_steps.dW1_bf16(code, _backward(code, part), code.integer(0), part.net.panels)


Parts = dict[str, tuple[Callable[[Code, Part], None], Callable[[Shape], int]]]
"""A program for each part, and how many operations of a step on a shape are its matrix products."""


def _none(_: Shape) -> int:
    return 0


def _of_X(shape: Shape) -> int:
    return 2 * shape.N * shape.d * shape.H


def _of_H1(shape: Shape) -> int:
    return 2 * shape.N * shape.H * shape.K


FLOAT32_PARTS: Parts = {
    "rows in": (rows_in, _none),
    "Z1, H1": (hidden, _of_X),
    "S": (logits, _of_H1),
    "softmax, loss, dS": (softmax, _none),
    "dW2, dZ1": (output_layer, lambda shape: 2 * _of_H1(shape)),
    "dW1, update": (hidden_layer, _of_X),
}

BF16_PARTS: Parts = {
    "rows in, transposed": (pairs_in, _none),
    "Z1": (Z1_of_pairs, _of_X),
    "H1": (H1_in_pairs, _none),
    "S": (S_of_pairs, _of_H1),
    "softmax, loss, dS": (softmax, _none),
    "D": (D_in_pairs, _none),
    "dZ1, dW2": (output_layer_of_pairs, lambda shape: 2 * _of_H1(shape)),
    "dW1, update": (hidden_layer_of_pairs, _of_X),
}


def parts_in(precision: str) -> tuple[Parts, Precision]:
    """Return the parts of a step with `precision="auto"` or "bf16", and what they compile for."""
    if precision == "bf16":
        return BF16_PARTS, bf16_precision(bf16_products())
    return FLOAT32_PARTS, precision_of(np.float32)


def repeated(part: Callable[[Code, Part], None]) -> Callable[..., None]:
    """Make a program that runs a part a number of times."""

    def run(code: Code, args: Part, rounds: Value) -> None:
        with flush_subnormals(code), configured_tiles(code), code.loop(rounds):
            part(code, args)

    run.__name__ = f"part_{part.__name__}"
    return run


def part_of(problem: Problem, precision: Precision) -> Part:
    """Return what the parts of a step on the problem work on, as `FusedEngine` has it in memory."""
    net = layout_of(problem.params)
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
