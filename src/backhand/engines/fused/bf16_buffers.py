"""The memory layout of bf16 pairs: images of the parameters, and a chunk of rows.

A product takes A by rows of pairs and B by pairs of rows (see `kernels.bf16_gemm`), so each matrix
is stored in the forms in which it is read: Z1 = X W1 and S = H1 W2 need pairs along the features
and the hidden units, dW1 = Xᵀ dZ1 and dW2 = H1ᵀ D along the rows, dH1 = D W2ᵀ along the classes.
Every dimension of pairs is padded with 0 to whole vectors, which AMX's tiles read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.fused.llvm.abi import Integer, Reals, Words, aligned, spread
from backhand.engines.fused.llvm.builder import Code, Value, rounded_up
from backhand.engines.fused.llvm.precision import Precision
from backhand.engines.fused.llvm.target import tile_of
from backhand.engines.fused.packing import Layout

WORD = np.int32

Z_ROWS = 128
"""Rows of a block, which are whole blocks of transposed pairs; its Z1 of a panel is small."""


class Image(NamedTuple):
    """W1 and W2 rounded to bf16, panel by panel; without bf16, of no size.

    Attributes
    ----------
    words : (panels, panel)
        Of each panel: W1 (features, width) by pairs of features; W2ᵀ (2 classes, hidden) by
        pairs of hidden units; and W2ᵀ (classes, width) by pairs of classes.
    features, hidden, classes : int
        Pairs of each, in whole vectors.
    W2, W2_pairs, panel : int
        Where W2ᵀ begins in a panel, in either form, and the words of a panel.
    """

    words: Words
    features: Integer
    hidden: Integer
    classes: Integer
    W2: Integer
    W2_pairs: Integer
    panel: Integer


class Bf16Chunk(NamedTuple):
    """The part of a `Chunk` that is in bf16 pairs; without bf16, of no size.

    Attributes
    ----------
    x_words, pairs : int
        Words of a row of X, and pairs of rows.
    x_row, t_row, h_row : int
        Words from a row to the next: of X; of Xᵀ and Dᵀ; of H1ᵀ.
    X : (threads, rows, x_row)
        By pairs of features, and a 1 after them for db1, where W1 has 0; each thread has its own
        copy, also of Xᵀ.
    XT : (threads, 2 x_words, t_row)
        By pairs of rows.
    Z : (threads, Z_ROWS, width) float32
        Z1 or dH1 of a panel and a block of rows, before ReLU or mask and rounding.
    H1T : (panels, hidden, h_row)
        By pairs of hidden units.
    H1, dZ1 : (panels, pairs, width)
        By pairs of rows.
    D : (rows, classes)
        (P - Y) ⊙ w by pairs of classes, and below its transposed by pairs of rows.
    DT : (2 classes, t_row)
    zeros : (NR,) float32
        Where sums begin that begin at 0.
    """

    x_words: Integer
    pairs: Integer
    x_row: Integer
    t_row: Integer
    h_row: Integer
    X: Words
    XT: Words
    Z: Reals
    H1T: Words
    H1: Words
    dZ1: Words
    D: Words
    DT: Words
    zeros: Reals


NO_IMAGE = Image(np.empty(0, WORD), 0, 0, 0, 0, 0, 0)
NO_BF16 = Bf16Chunk(0, 0, 0, 0, 0, *(np.empty(0, WORD),) * 2, np.empty(0, np.float32),
                    *(np.empty(0, WORD),) * 5, np.empty(0, np.float32))  # fmt: skip


def image_of(net: Layout, precision: Precision) -> Image:
    """Return an image of parameters, whose words are still 0."""
    if not precision.rounds_to_bf16:
        return NO_IMAGE
    features, hidden, classes = (_words(n, precision) for n in (net.d + 1, net.width, net.K))
    W2 = features * net.width
    W2_pairs = W2 + 2 * classes * hidden
    panel = W2_pairs + classes * net.width
    words = aligned(net.panels * panel, WORD)
    return Image(words, features, hidden, classes, W2, W2_pairs, panel)


def bf16_chunk_of(net: Layout, precision: Precision, rows: int, threads: int) -> Bf16Chunk:
    """Return memory for that many rows, whole blocks of them."""
    if not precision.rounds_to_bf16:
        return NO_BF16
    x_words, hidden, classes = (_words(n, precision) for n in (net.d + 1, net.width, net.K))
    pairs = rows // 2
    x_row, t_row, h_row = (spread(words, 4) for words in (x_words, pairs, rows))
    panels, width = net.panels, net.width
    return Bf16Chunk(
        x_words, pairs, x_row, t_row, h_row,
        aligned(threads * rows * x_row, WORD), aligned(threads * 2 * x_words * t_row, WORD),
        aligned(threads * Z_ROWS * width, np.float32),
        aligned(panels * hidden * h_row, WORD),
        aligned(panels * pairs * width, WORD), aligned(panels * pairs * width, WORD),
        aligned(rows * classes, WORD), aligned(2 * classes * t_row, WORD),
        aligned(tile_of(precision.lanes).NR, np.float32),
    )  # fmt: skip


def bf16_thread_view(code: Code, chunk: Bf16Chunk, rows: Value, width: Value,
                     me: Value) -> Bf16Chunk:  # fmt: skip
    """Return the chunk with the buffers of thread `me`."""
    return chunk._replace(
        X=code.at(chunk.X, me * rows * chunk.x_row),
        XT=code.at(chunk.XT, me * chunk.x_words * 2 * chunk.t_row),
        Z=code.at(chunk.Z, me * Z_ROWS * width),
    )


def unpacked(words: NDArray[Any]) -> NDArray[np.float32]:
    """The numbers of pairs, one after the other, in float32."""
    return (words.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _words(numbers: Any, precision: Precision) -> int:
    """Words for that many numbers, in whole vectors."""
    return int(rounded_up(numbers, 2 * precision.lanes)) // 2
