"""The two halves of a step for some of the hidden units: forward to S, and backward from dS.

A thread mostly does both for the same panels, so that what it reads was written by its own core,
but for dS. Names are those of `layout` and `memory`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from backhand.engines.fused.buffers import STRIP, Chunk, Network
from backhand.engines.fused.kernels.dropout import Draw, drop
from backhand.engines.fused.kernels.gemm import (
    MASK,
    RELU,
    STORE,
    Matrix,
    Size,
    product,
    row_products,
)
from backhand.engines.fused.kernels.optimizers import RULES, Step, update
from backhand.engines.fused.kernels.reductions import squares
from backhand.engines.fused.kernels.spmm import Panel, sparse_forward, sparse_gradient
from backhand.engines.fused.llvm.builder import Code, Value, function
from backhand.engines.fused.packing import Layout

INNER = 256
"""Features that a panel of W1 is multiplied with at a time: such a piece fits the first cache."""


@function
def forward(
    code: Code, net: Layout, theta: Value, chunk: Chunk, rows: Value, draw: Draw, part: Value
) -> None:
    """H1 = max(0, X W1 + b1) ⊙ M of a part of the hidden units, and what they add to S."""
    first, last = panels_of(net, chunk, part)
    with code.when(chunk.entries.most.equals(0)):
        _dense_H1(code, net, theta, chunk, rows, first, last)
    with code.when(chunk.entries.most > 0), code.loop(last, start=first) as p:
        H1, W1 = code.at(chunk.H1, p * chunk.rows * net.width), code.at(theta, p * net.panel)
        panel = Panel(_vectors(code, net, p), net.width)
        sparse_forward(code, chunk.entries, W1, H1, panel, net.d + 1, rows)
    with code.when(draw.threshold > 0), code.loop(last, start=first) as p:
        H1 = code.at(chunk.H1, p * chunk.rows * net.width)
        drop(code, H1, net.width, rows, _vectors(code, net, p), _unit(code, net, p), draw)
    H1 = code.at(chunk.H1, first * chunk.rows * net.width)
    W2 = code.at(theta, first * net.panel + net.W2)
    S = code.at(chunk.S, (part + 1) * net.K * chunk.s_column)
    row_products(code, H1, chunk.rows * net.width, W2, net.panel, last - first, S, chunk.s_column,
                 rows, net.K, net.vectors, net.width)  # fmt: skip


def _dense_H1(
    code: Code, net: Layout, theta: Value, chunk: Chunk, rows: Value, first: Value, last: Value
) -> None:
    """max(0, X W1 + b1) of panels first..last, a piece of X for all of them after the other."""
    features = net.d + 1
    with code.loop(features, step=INNER) as k:
        inner = code.smaller(features - k, INNER)
        finish = code.select((k + inner).equals(features), RELU, STORE)
        with code.loop(last, start=first) as p:
            H1 = code.at(chunk.H1, p * chunk.rows * net.width)
            W1 = code.at(theta, p * net.panel + k * net.width)
            X = Matrix(code.at(chunk.X, k), chunk.x_row, 1)
            size = Size(rows, inner, _vectors(code, net, p), net.width, net.width)
            product(code, X, W1, H1, H1, size, k > 0, finish)


class Backward(NamedTuple):
    """What the backward half works with: `rows` rows of this thread's chunk.

    The gradient is added to what is there, or not; `step` is the update that follows it. `scale`
    is what dropout multiplies dZ1 with: the gradients made of it get it with their own scale.
    `held` is 1 if the first class's weights stay as they are, else 0.
    """

    net: Layout
    network: Network
    chunk: Chunk
    rows: Any
    add: Any
    scale: Any
    held: Any
    step: Step


@function
def backward(code: Code, work: Backward, part: Value) -> None:
    """Compute dθ of a part of the hidden units, and update them."""
    first, last = panels_of(work.net, work.chunk, part)
    with code.loop(last, start=first) as p:
        _dZ1_and_dW2(code, work, p)
        with code.when(work.chunk.entries.most > 0):
            _sparse_dW1(code, work, p)
    # A strip of X stays in the first cache for all panels.
    with (
        code.when(work.chunk.entries.most.equals(0)),
        code.loop(work.net.d + 1, step=STRIP) as i,
        code.loop(last, start=first) as p,
    ):
        _dW1(code, work, p, i, code.smaller(i + STRIP, work.net.d + 1))


def _dZ1_and_dW2(code: Code, work: Backward, p: Value) -> None:
    """dZ1 = dS W2ᵀ ⊙ 1[H1 > 0] and dW2ᵀ = dSᵀ H1 of panel p."""
    net, network, chunk, rows, add, _, held, step = work
    panel, vectors = p * net.panel, _vectors(code, net, p)
    theta, dW2 = code.at(network.theta, panel), code.at(network.gradient, panel + net.W2)
    H1, dZ1 = (code.at(x, p * chunk.rows * net.width) for x in (chunk.H1, chunk.dZ1))
    with code.when((step.l2 > 0.0) & (step.rule >= 0)):
        W2 = code.at(theta, net.W2)
        squares(code, W2, net.K * net.width, code.at(chunk.squares, p), code.integer(0))
    dS, dS_transposed = Matrix(chunk.S, 1, chunk.s_column), Matrix(chunk.S, chunk.s_column, 1)
    size = Size(rows, net.K, vectors, net.width, net.width)
    product(code, dS, code.at(theta, net.W2), dZ1, H1, size, 0, MASK)
    size = Size(net.K, rows, vectors, net.width, net.width)
    product(code, dS_transposed, H1, dW2, dW2, size, add, STORE)
    update(code, network, panel + net.W2 + held * net.width, panel + net.panel, step)


def _dW1(code: Code, work: Backward, p: Value, first: Value, end: Value) -> None:
    """dW1 = Xᵀ dZ1 of panel p for features first..end; db1 = 1ᵀ dZ1 is the last feature's."""
    net, chunk = work.net, work.chunk
    dZ1 = code.at(chunk.dZ1, p * chunk.rows * net.width)
    dW1 = code.at(work.network.gradient, p * net.panel + first * net.width)
    X_transposed = Matrix(code.at(chunk.X, first), 1, chunk.x_row)
    size = Size(end - first, work.rows, _vectors(code, net, p), net.width, net.width)
    product(code, X_transposed, dZ1, dW1, dW1, size, work.add, STORE)
    _update_W1(code, work, p, first, end)


def _sparse_dW1(code: Code, work: Backward, p: Value) -> None:
    """The same of a sparse X, for all features.

    Between a batch's chunks the gradient is kept, and where nothing else is to be done with it.
    Else each strip goes into the update as it comes: the gradient of a batch that is one chunk is
    never in memory.
    """
    net, network, chunk, step = work.net, work.network, work.chunk, work.step
    dZ1 = code.at(chunk.dZ1, p * chunk.rows * net.width)
    keep = code.select((step.rule >= 0) & (step.rule < len(RULES)), 0, 1)
    with code.loop(net.d + 1, step=STRIP) as first:
        end, where = code.smaller(first + STRIP, net.d + 1), p * net.panel + first * net.width
        gradient, panel = code.at(network.gradient, where), Panel(net.vectors, net.width)
        sparse_gradient(code, chunk.entries, dZ1, gradient, panel, first, end, work.add, keep)
        strip = code.at(chunk.entries.strip, 0 - where)
        source = code.select(keep > 0, network.gradient, strip)
        here = work._replace(network=network._replace(gradient=source))
        _update_W1(code, here, p, first, end)


def _update_W1(code: Code, work: Backward, p: Value, first: Value, end: Value) -> None:
    """Update the weights of features first..end of panel p, their squares added up before."""
    net, step = work.net, work.step._replace(scale=work.step.scale * work.scale)
    panel = p * net.panel
    begin, border = panel + first * net.width, panel + code.smaller(end, net.d) * net.width
    with code.when((step.l2 > 0.0) & (step.rule >= 0)):
        W1, where = code.at(work.network.theta, begin), code.at(work.chunk.squares, p)
        squares(code, W1, border - begin, where, code.integer(1))
    update(code, work.network, begin, border, step)
    update(code, work.network, border, panel + end * net.width,
           step._replace(l2=code.double(0.0)))  # fmt: skip


def panels_of(net: Layout, chunk: Chunk, part: Value) -> tuple[Value, Value]:
    """The first panel of a part, and the one after its last."""
    return net.panels * part // chunk.parts, net.panels * (part + 1) // chunk.parts


def _unit(code: Code, net: Layout, p: Value) -> Value:
    """The number of panel p's first hidden unit: narrow panels are a vector narrower."""
    narrow = code.select(p > net.full, p - net.full, 0)
    unit: Value = p * net.width - narrow * code.tile.lanes
    return unit


def _vectors(code: Code, net: Layout, p: Value) -> Value:
    """How many vectors of panel p are in use."""
    return code.select(p < net.full, net.vectors, net.vectors - 1)
