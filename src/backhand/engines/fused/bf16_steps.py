"""The forward and the backward step of a part of the hidden units, with products of bf16 numbers.

As `steps`, whose results these are but for the rounding r(·) of what is multiplied:

    Z1 = r(X) r(W1) + b1    H1 = r(max(0, Z1) ⊙ M)    S = H1 r(W2) + b2    D = r((P - Y) ⊙ w)
    dW2 = H1ᵀ D    dZ1 = r(D r(W2)ᵀ ⊙ 1[H1 > 0])    dW1 = r(X)ᵀ dZ1    db1 = 1ᵀ dZ1

Sums, b1, b2, db2, the parameters and the optimizer's slots are float32; r(W1) and r(W2) are an
image of the parameters, renewed after each update. Sizes are those of `bf16_buffers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from backhand.engines.fused.bf16_buffers import Z_ROWS, Image
from backhand.engines.fused.buffers import MC, STRIP, Chunk, ParameterBuffers
from backhand.engines.fused.kernels.bf16 import paired, store_rounded
from backhand.engines.fused.kernels.bf16_gemm import few_pairs, masked, multiply, multiply_and_mask
from backhand.engines.fused.kernels.dropout import Draw, drop
from backhand.engines.fused.kernels.gemm import Size
from backhand.engines.fused.kernels.optimizers import is_update, update
from backhand.engines.fused.kernels.reductions import squares
from backhand.engines.fused.kernels.transposition import pairs_across, transpose
from backhand.engines.fused.llvm.builder import Code, Value, function
from backhand.engines.fused.packing import Layout
from backhand.engines.fused.steps import (
    Backward,
    Strip,
    clear_narrow,
    dW1_of_strip,
    panels_of,
    unit_of,
    vectors_of,
)

KC = 128
"""Pairs of features of a panel of W1 that are multiplied at a time."""


class Block(NamedTuple):
    """Rows of a chunk from `first` on, of which Z1 and dH1 of panel p are in memory at a time."""

    p: Value
    first: Value
    rows: Value


@contextmanager
def blocks(code: Code, p: Value, rows: Value) -> Iterator[Block]:
    """Loop over the rows of a chunk, block by block."""
    with code.loop(rows, step=Z_ROWS) as i:
        yield Block(p, i, code.minimum(rows - i, Z_ROWS))


@function
def forward_bf16(
    code: Code, net: Layout, buffers: ParameterBuffers, chunk: Chunk, rows: Value, draw: Draw,
    part: Value,
) -> None:  # fmt: skip
    """Compute H1 = r(max(0, X W1 + b1) ⊙ M) of a part of the hidden units, and their share of S.

    H1 (panels, pairs, width) and H1T (panels, hidden, rows), pairs; S[part + 1] (K, rows).
    """
    first, last = panels_of(net, chunk, part)
    S = code.at(chunk.S, (part + 1) * net.K * chunk.s_column)
    with code.loop(last, start=first) as p, blocks(code, p, rows) as block:
        compute_Z1(code, net, buffers, chunk, block)
        with code.if_(draw.threshold > 0):
            vectors, unit = vectors_of(code, net, p), unit_of(code, net, p)
            here = draw._replace(row=draw.row + block.first)
            drop(code, chunk.bf16.Z, net.width, block.rows, vectors, unit, here)
        compute_H1(code, net, buffers.image, chunk, block)
        add_to_S(code, net, buffers.image, chunk, block, S, p > first)


def compute_Z1(
    code: Code, net: Layout, buffers: ParameterBuffers, chunk: Chunk, block: Block
) -> None:
    """Z1 = X W1 + b1 of a block: KC pairs of columns of X at a time."""
    half, image, p = chunk.bf16, buffers.image, block.p
    W1, pairs = code.at(image.words, p * image.panel), (net.d + 1) // 2
    b1 = code.at(buffers.theta, p * net.panel + net.d * net.width)
    X = code.at(half.X, block.first * half.x_row)
    with code.loop(pairs, step=KC) as k:
        inner = code.minimum(pairs - k, KC)
        size = Size(block.rows, inner, vectors_of(code, net, p), net.width, net.width)
        X_here, W1_here = code.at(X, k), code.at(W1, k * net.width)
        multiply(code, X_here, half.x_row, W1_here, half.Z, b1, size, k > 0)


def compute_H1(code: Code, net: Layout, image: Image, chunk: Chunk, block: Block) -> None:
    """H1 = r(max(0, Z1)) of a block, by pairs of rows and by pairs of hidden units."""
    half, p, vectors = chunk.bf16, block.p, vectors_of(code, net, block.p)
    H1 = code.at(half.H1, (p * half.pairs + block.first // 2) * net.width)
    H1T = code.at(half.H1T, p * image.hidden * half.h_row + block.first)
    rectify(code, half.Z, net.width, block.rows, vectors, H1)
    pairs_across(code, H1, net.width, block.rows, vectors * code.lanes, H1T, half.h_row)


def add_to_S(
    code: Code, net: Layout, image: Image, chunk: Chunk, block: Block, S: Value, add: Value
) -> None:
    """S = H1 W2, without b2, of a block, or with `add` S + H1 W2: Sᵀ = W2ᵀ H1ᵀ; S (K, rows)."""
    p, inner = block.p, vectors_of(code, net, block.p) * code.lanes // 2
    W2 = code.at(image.words, p * image.panel + image.W2)
    half = chunk.bf16
    H1T = code.at(half.H1T, p * image.hidden * half.h_row + block.first)
    size = Size(net.K, inner, block.rows // code.lanes, half.h_row, chunk.s_column)
    multiply(code, W2, image.hidden, H1T, code.at(S, block.first), half.zeros, size, add)


@function
def rectify(code: Code, Z: Value, width: Value, rows: Value, vectors: Value, H1: Value) -> None:
    """H1 = r(max(0, Z)) by pairs of rows; Z (rows, width)."""
    with code.loop(rows // 2) as i, code.loop(vectors) as v:
        here = i * 2 * width + v * code.lanes
        both = (code.relu(code.load(Z, here + n * width)) for n in (0, 1))
        code.store(paired(code, *both), H1, i * width + v * code.lanes)


@function
def backward_bf16(code: Code, work: Backward, part: Value) -> None:
    """Compute dW2, dZ1, dW1 and db1 of a part of the hidden units, and update their weights."""
    first, last = panels_of(work.net, work.chunk, part)
    with code.loop(last, start=first) as p:
        dZ1_and_dW2_bf16(code, work, p)
    dW1_bf16(code, work, first, last)


def dW1_bf16(code: Code, work: Backward, first: Value, last: Value) -> None:
    """dW1 = Xᵀ dZ1 and db1 of panels first..last, and update W1, b1 and the image of W1."""
    net, image = work.net, work.buffers.image
    # A strip of Xᵀ stays in the L1 cache for all panels.
    with code.loop(net.d + 1, step=STRIP) as i, code.loop(last, start=first) as p:
        dW1_of_strip(code, work, p, i, _dW1)
        with code.if_(is_update(work.step)):
            end = code.minimum(i + STRIP, net.d)
            W1_image(code, net, work.buffers.theta, image, p, i, end)


def dZ1_and_dW2_bf16(code: Code, work: Backward, p: Value) -> None:
    """dZ1 = r(D W2ᵀ ⊙ 1[H1 > 0]) and dW2ᵀ = Dᵀ H1 of panel p, and update W2 and its images."""
    net, buffers, chunk, class_fixed, step = (
        work.net, work.buffers, work.chunk, work.class_fixed, work.step
    )  # fmt: skip
    panel, pairs = p * net.panel, (work.rows + 1) // 2
    with code.if_((step.l2 > 0.0) & (step.rule >= 0)):
        W2 = code.at(buffers.theta, panel + net.W2)
        squares(code, W2, net.K * net.width, code.at(chunk.squares, p), code.integer(0))
    with blocks(code, p, pairs * 2) as block:
        compute_dZ1(code, net, buffers.image, chunk, block)
        add_to_dW2(code, work, block)
    clear_narrow(code, net, p, code.at(buffers.gradient, panel + net.W2), net.K)
    # Pairs that no row is in are 0, as AMX reads whole tiles.
    first, end = ((p * chunk.bf16.pairs + n) * net.width for n in (pairs, chunk.bf16.pairs))
    with code.loop(end, start=first, step=code.lanes) as i:
        code.store(code.bits_of(code.splat(0.0)), chunk.bf16.dZ1, i)
    update(code, buffers, panel + net.W2 + class_fixed * net.width, panel + net.panel, step)
    with code.if_(is_update(work.step)):
        W2_image(code, net, buffers.theta, buffers.image, p)


def compute_dZ1(code: Code, net: Layout, image: Image, chunk: Chunk, block: Block) -> None:
    """dZ1 = r(D W2ᵀ ⊙ 1[H1 > 0]) of a block, by pairs of rows."""
    half, p, pairs = chunk.bf16, block.p, (net.K + 1) // 2
    D = code.at(half.D, block.first * image.classes)
    W2 = code.at(image.words, p * image.panel + image.W2_pairs)
    where = (p * half.pairs + block.first // 2) * net.width
    H1, dZ1 = code.at(half.H1, where), code.at(half.dZ1, where)
    size = Size(block.rows, pairs, vectors_of(code, net, p), net.width, net.width)
    # Forward: H1 = max(0, Z1), S = H1 W2. Backward: dZ1 = D W2ᵀ ⊙ 1[H1 > 0].
    few = pairs < few_pairs(code) + 1
    with code.if_(few):
        multiply_and_mask(code, D, image.classes, W2, H1, dZ1, size)
    with code.if_(few.equals(0)):
        multiply(code, D, image.classes, W2, half.Z, half.zeros, size, 0)
        mask(code, half.Z, H1, net.width, block.rows // 2, size.vectors, dZ1)


def add_to_dW2(code: Code, work: Backward, block: Block) -> None:
    """dW2 = H1ᵀ D of the blocks up to this one, stored as dW2ᵀ = Dᵀ H1."""
    net, half, p = work.net, work.chunk.bf16, block.p
    # Forward: S = H1 W2. Backward: dW2 = H1ᵀ D.
    dW2 = code.at(work.buffers.gradient, p * net.panel + net.W2)
    pair = block.first // 2
    DT, H1 = code.at(half.DT, pair), code.at(half.H1, (p * half.pairs + pair) * net.width)
    size = Size(net.K, block.rows // 2, vectors_of(code, net, p), net.width, net.width)
    add = code.select(block.first > 0, 1, work.add)
    multiply(code, DT, half.t_row, H1, dW2, half.zeros, size, add)


@function
def mask(
    code: Code, dH1: Value, H1: Value, width: Value, pairs: Value, vectors: Value, dZ1: Value
) -> None:
    """dZ1 = r(dH1 ⊙ 1[H1 > 0]) by pairs of rows; dH1 (2 pairs, width), H1, dZ1 (pairs, width)."""
    with code.loop(pairs) as i, code.loop(vectors) as v:
        here, at = i * width + v * code.lanes, i * 2 * width + v * code.lanes
        first, second = (code.load(dH1, at + row) for row in (0, width))
        code.store(masked(code, code.load(H1, here), first, second), dZ1, here)


def _dW1(code: Code, work: Backward, p: Value, strip: Strip) -> None:
    """dW1 += Xᵀ dZ1 of a strip of a panel; db1 = 1ᵀ dZ1 is the last feature's."""
    net, half = work.net, work.chunk.bf16
    vectors, pairs = vectors_of(code, net, p), (work.rows + 1) // 2
    dZ1 = code.at(half.dZ1, p * half.pairs * net.width)
    # Forward: Z1 = X W1 + b1. Backward: dW1 = Xᵀ dZ1, db1 = 1ᵀ dZ1.
    with code.loop(pairs, step=MC) as i:
        features, inner = strip.end - strip.first, code.minimum(pairs - i, MC)
        size = Size(features, inner, vectors, net.width, net.width)
        XT, dZ1_here = code.at(half.XT, strip.first * half.t_row + i), code.at(dZ1, i * net.width)
        add = code.select(i > 0, 1, work.add)
        multiply(code, XT, half.t_row, dZ1_here, strip.dW1, half.zeros, size, add)


@function
def round_dS(code: Code, net: Layout, image: Image, chunk: Chunk, low: Value, high: Value) -> None:
    """Dᵀ = r(dS), and D, of rows low..high, whole blocks; S (K, rows) contains dS."""
    half, classes = chunk.bf16, image.classes
    with code.loop(net.K) as k, code.loop(high, start=low, step=code.lanes) as i:
        dS = code.load(chunk.S, k * chunk.s_column + i)
        store_rounded(code, dS, half.DT, k * half.t_row + i // 2)
    DT, D = code.at(half.DT, low // 2), code.at(half.D, low * classes)
    transpose(code, DT, half.t_row, classes * 2, (high - low) // 2, D, classes)


def write_images(
    code: Code, net: Layout, buffers: ParameterBuffers, first: Value, last: Value
) -> None:
    """r(W1) and r(W2) of panels first..last."""
    with code.loop(last, start=first) as p:
        W1_image(code, net, buffers.theta, buffers.image, p, code.integer(0), net.d)
        W2_image(code, net, buffers.theta, buffers.image, p)


@function
def W1_image(
    code: Code, net: Layout, theta: Value, image: Image, p: Value, first: Value, end: Value
) -> None:
    """r(W1) of features first..end of panel p, by pairs: `first` is even."""
    W1, words = code.at(theta, p * net.panel), code.at(image.words, p * image.panel)
    _pairs_of_rows(code, W1, net.width, first, end, words)


@function
def W2_image(code: Code, net: Layout, theta: Value, image: Image, p: Value) -> None:
    """r(W2) of panel p, by pairs of hidden units and by pairs of classes."""
    W2 = code.at(theta, p * net.panel + net.W2)
    words = code.at(image.words, p * image.panel)
    with code.loop(net.K) as k, code.loop(net.width, step=code.lanes) as h:
        where = image.W2 + k * image.hidden + h // 2
        store_rounded(code, code.load(W2, k * net.width + h), words, where)
    pairs = code.at(words, image.W2_pairs)
    _pairs_of_rows(code, W2, net.width, code.integer(0), net.K, pairs)


def _pairs_of_rows(
    code: Code, numbers: Value, width: Value, first: Value, end: Value, words: Value
) -> None:
    """Rows first..end of numbers (rows, width) as pairs; the last of an odd number with 0."""
    whole = end // 2 * 2
    with code.loop(whole, start=first, step=2) as i, code.loop(width, step=code.lanes) as h:
        both = (code.load(numbers, (i + n) * width + h) for n in (0, 1))
        code.store(paired(code, *both), words, i // 2 * width + h)
    with code.loop(end, start=whole) as i, code.loop(width, step=code.lanes) as h:
        last = code.load(numbers, i * width + h)
        code.store(paired(code, last, code.splat(0.0)), words, i // 2 * width + h)
