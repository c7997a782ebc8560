"""The forward and the backward step of a part of the hidden units: to S, and from dS.

A thread mostly does both for the same panels, so that all it reads, except dS, was written by its
own core. Sizes are those of `packing.Layout` and `buffers.Chunk`: X (rows, d + 1) with a 1 for
b1 in its last column, in blocks of `kc` columns; a panel of W1 and b1 (d + 1, width), of W2ᵀ (K,
width), of H1, which becomes dZ1, (rows, width); S and dS (K, rows), transposed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from backhand.engines.fused.buffers import MC, STRIP, Chunk, ParameterBuffers
from backhand.engines.fused.kernels.dropout import Draw, drop
from backhand.engines.fused.kernels.gemm import (
    RELU,
    STORE,
    Matrix,
    Size,
    gemm,
    gemm_nt,
    masked_gemm,
)
from backhand.engines.fused.kernels.optimizers import Step, is_update, update
from backhand.engines.fused.kernels.reductions import squares
from backhand.engines.fused.kernels.spmm import Panel, sparse_forward, sparse_gradient
from backhand.engines.fused.llvm.builder import Code, Value, function
from backhand.engines.fused.packing import Layout


@function
def forward(
    code: Code, net: Layout, theta: Value, chunk: Chunk, rows: Value, draw: Draw, part: Value
) -> None:
    """Compute H1 = max(0, X W1 + b1) ⊙ M of a part of the hidden units, and their share of S.

    theta (size,), packed; H1 (panels, rows, width); S[part + 1] (K, rows).
    """
    # H1 = max(0, X W1 + b1)
    first, last = panels_of(net, chunk, part)
    with code.if_(chunk.entries.most.equals(0)):
        dense_H1(code, net, theta, chunk, rows, first, last)
    with code.if_(chunk.entries.most > 0), code.loop(last, start=first) as p:
        H1, W1 = code.at(chunk.H1, p * chunk.rows * net.width), code.at(theta, p * net.panel)
        panel = Panel(vectors_of(code, net, p), net.width)
        sparse_forward(code, chunk.entries, W1, H1, panel, net.d + 1, rows)
    # H1 ← H1 ⊙ M
    with code.if_(draw.threshold > 0), code.loop(last, start=first) as p:
        H1 = code.at(chunk.H1, p * chunk.rows * net.width)
        drop(code, H1, net.width, rows, vectors_of(code, net, p), unit_of(code, net, p), draw)
    add_to_S(code, net, theta, chunk, rows, first, last, part)


def add_to_S(
    code: Code, net: Layout, theta: Value, chunk: Chunk, rows: Value, first: Value, last: Value,
    part: Value,
) -> None:  # fmt: skip
    """S[part + 1] = H1 W2, without b2, of panels first..last."""
    H1 = code.at(chunk.H1, first * chunk.rows * net.width)
    W2 = code.at(theta, first * net.panel + net.W2)
    S = code.at(chunk.S, (part + 1) * net.K * chunk.s_column)
    gemm_nt(code, H1, chunk.rows * net.width, W2, net.panel, last - first, S, chunk.s_column,
            rows, net.K, net.vectors, net.width)  # fmt: skip


def dense_H1(
    code: Code, net: Layout, theta: Value, chunk: Chunk, rows: Value, first: Value, last: Value
) -> None:
    """H1 = max(0, X W1 + b1) of panels first..last: a block of X at a time, for all of them."""
    features = net.d + 1
    with code.loop(features, step=chunk.kc) as k:
        inner = code.minimum(features - k, chunk.kc)
        epilogue = code.select((k + inner).equals(features), RELU, STORE)
        with code.loop(last, start=first) as p:
            H1 = code.at(chunk.H1, p * chunk.rows * net.width)
            W1 = code.at(theta, p * net.panel + k * net.width)
            X = Matrix(chunk.column(code, k), chunk.x_row, 1)
            size = Size(rows, inner, vectors_of(code, net, p), net.width, net.width)
            gemm(code, X, W1, H1, size, k > 0, epilogue)


class Backward(NamedTuple):
    """The arguments of the backward step.

    Attributes
    ----------
    rows : int
        Rows of this thread's chunk.
    add : int
        Whether the gradient is added to what is in its buffer.
    scale : float
        1/(1-p), which dropout multiplies dZ1 with: the gradients made of dZ1 receive it with their
        own scale.
    class_fixed : int
        1 if the first class's weights are not updated, else 0.
    step : Step
        The update that follows.
    """

    net: Layout
    buffers: ParameterBuffers
    chunk: Chunk
    rows: Any
    add: Any
    scale: Any
    class_fixed: Any
    step: Step


@function
def backward(code: Code, work: Backward, part: Value) -> None:
    """Compute dW2, dZ1, dW1 and db1 of a part of the hidden units, and update their weights.

    It reverses `forward`, line by line, from the last to the first.
    """
    first, last = panels_of(work.net, work.chunk, part)
    sparse, features = work.chunk.entries.most > 0, work.net.d + 1
    with code.loop(last, start=first) as p:
        dW2_and_dZ1(code, work, p)
        # The entries of all features are read for a panel while its dZ1 is in the cache.
        with code.if_(sparse), code.loop(features, step=STRIP) as i:
            dW1_of_strip(code, work, p, i, _sparse_dW1)
    with code.if_(work.chunk.entries.most.equals(0)):
        dense_dW1(code, work, first, last)


def dense_dW1(code: Code, work: Backward, first: Value, last: Value) -> None:
    """dW1, db1 and the update of panels first..last: a strip of X, in the L1 cache, for all."""
    with code.loop(work.net.d + 1, step=STRIP) as i, code.loop(last, start=first) as p:
        dW1_of_strip(code, work, p, i, _dense_dW1)


def dW2_and_dZ1(code: Code, work: Backward, p: Value) -> None:
    """dW2ᵀ = dSᵀ H1 and dZ1 = dS W2ᵀ ⊙ 1[H1 > 0] of panel p, which replaces H1; update W2."""
    net, buffers, chunk, rows, add, _, class_fixed, step = work
    panel, vectors = p * net.panel, vectors_of(code, net, p)
    theta, dW2 = code.at(buffers.theta, panel), code.at(buffers.gradient, panel + net.W2)
    H1, W2 = code.at(chunk.H1, p * chunk.rows * net.width), code.at(theta, net.W2)
    with code.if_((step.l2 > 0.0) & (step.rule >= 0)):
        squares(code, W2, net.K * net.width, code.at(chunk.squares, p), code.integer(0))
    dS, dS_transposed = Matrix(chunk.S, 1, chunk.s_column), Matrix(chunk.S, chunk.s_column, 1)
    # Forward: S = H1 W2. Backward: dW2 = H1ᵀ dS, stored as dW2ᵀ = dSᵀ H1.
    size = Size(net.K, rows, vectors, net.width, net.width)
    gemm(code, dS_transposed, H1, dW2, size, add, STORE)
    clear_narrow(code, net, p, dW2, net.K)
    # Forward: S = H1 W2 after H1 = max(0, Z1). Backward: dZ1 = dS W2ᵀ ⊙ 1[H1 > 0].
    size = Size(rows, net.K, vectors, net.width, net.width)
    masked_gemm(code, dS, W2, H1, size)
    update(code, buffers, panel + net.W2 + class_fixed * net.width, panel + net.panel, step)


def clear_narrow(code: Code, net: Layout, p: Value, gradient: Value, rows: Value) -> None:
    """Make 0 the last vector of each row of a gradient (rows, width), if panel p is narrow.

    It is padding, which no product writes. A training that diverged may have left nan there.
    """
    with code.if_(p >= net.full), code.loop(rows) as i:
        code.store(code.splat(0.0), gradient, (i + 1) * net.width - code.lanes)


def dW1_of_strip(
    code: Code, work: Backward, p: Value, first: Value,
    multiply: Callable[[Code, Backward, Value, Strip], None],
) -> None:  # fmt: skip
    """dW1 = Xᵀ dZ1 of panel p for a strip of features; db1 = 1ᵀ dZ1 is the last feature's.

    The gradient is stored between the chunks of a batch, and where no update follows. Otherwise
    the strip (STRIP, width) is passed to the update while it is in the cache: the gradient of a
    batch that is one chunk is never stored as a whole.
    """
    net, chunk, step = work.net, work.chunk, work.step
    end = code.minimum(first + STRIP, net.d + 1)
    where = p * net.panel + first * net.width
    stored = code.at(work.buffers.gradient, where)
    follows = is_update(step)
    length = (end - first) * net.width
    with code.if_(follows & (work.add > 0)), code.loop(length, step=code.lanes) as i:
        code.store(code.load(stored, i), chunk.strip, i)
    with code.if_(follows):
        clear_narrow(code, net, p, chunk.strip, end - first)
    dW1 = code.select(follows, chunk.strip, stored)
    multiply(code, work, p, Strip(first, end, dW1))
    gradient = code.select(follows, code.at(chunk.strip, 0 - where), work.buffers.gradient)
    here = work._replace(buffers=work.buffers._replace(gradient=gradient))
    update_W1(code, here, p, first, end)


class Strip(NamedTuple):
    """Features first..end, and where their gradient (end - first, width) is."""

    first: Any
    end: Any
    dW1: Any


def _dense_dW1(code: Code, work: Backward, p: Value, strip: Strip) -> None:
    """dW1 += Xᵀ dZ1 of a strip of a panel: MC rows at a time, whose dZ1 fits the L1 cache."""
    net, chunk = work.net, work.chunk
    dZ1 = code.at(chunk.H1, p * chunk.rows * net.width)
    X = chunk.column(code, strip.first)
    # Forward: Z1 = X W1 + b1. Backward: dW1 = Xᵀ dZ1, db1 = 1ᵀ dZ1.
    with code.loop(work.rows, step=MC) as i:
        X_transposed = Matrix(code.at(X, i * chunk.x_row), 1, chunk.x_row)
        rows, vectors = code.minimum(work.rows - i, MC), vectors_of(code, net, p)
        size = Size(strip.end - strip.first, rows, vectors, net.width, net.width)
        add = code.select(i > 0, 1, work.add)
        gemm(code, X_transposed, code.at(dZ1, i * net.width), strip.dW1, size, add, STORE)


def _sparse_dW1(code: Code, work: Backward, p: Value, strip: Strip) -> None:
    """dW1 += Xᵀ dZ1 of a strip of a panel, of a sparse X."""
    net, chunk = work.net, work.chunk
    dZ1 = code.at(chunk.H1, p * chunk.rows * net.width)
    panel = Panel(net.vectors, net.width)
    sparse_gradient(code, chunk.entries, dZ1, strip.dW1, panel, strip.first, strip.end, work.add)


def update_W1(code: Code, work: Backward, p: Value, first: Value, end: Value) -> None:
    """Sum the squares of the weights of features first..end of panel p, then update them."""
    net, step = work.net, work.step._replace(scale=work.step.scale * work.scale)
    panel = p * net.panel
    begin, border = panel + first * net.width, panel + code.minimum(end, net.d) * net.width
    with code.if_((step.l2 > 0.0) & (step.rule >= 0)):
        W1, where = code.at(work.buffers.theta, begin), code.at(work.chunk.squares, p)
        squares(code, W1, border - begin, where, code.integer(1))
    update(code, work.buffers, begin, border, step)
    update(code, work.buffers, border, panel + end * net.width,
           step._replace(l2=code.double(0.0)))  # fmt: skip


def panels_of(net: Layout, chunk: Chunk, part: Value) -> tuple[Value, Value]:
    """The first panel of a part, and the one after its last."""
    return net.panels * part // chunk.parts, net.panels * (part + 1) // chunk.parts


def unit_of(code: Code, net: Layout, p: Value) -> Value:
    """The number of panel p's first hidden unit: narrow panels are a vector narrower."""
    narrow = code.select(p > net.full, p - net.full, 0)
    unit: Value = p * net.width - narrow * code.lanes
    return unit


def vectors_of(code: Code, net: Layout, p: Value) -> Value:
    """Return the number of vectors of panel p that are in use."""
    return code.select(p < net.full, net.vectors, net.vectors - 1)
