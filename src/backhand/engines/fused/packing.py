"""The layout of parameters in memory during training: panels of hidden units.

A hidden unit is a column of d + 1 + K numbers: its weights from the features W1[:, h], its bias
b1[h], and its weights to the classes W2[h, :]. `width` adjacent columns make a panel, stored
row by row, so that a row of a panel is whole vectors. The panels follow one another, then b2. The
padding of a panel or a vector is 0 and stays 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.fused.llvm.abi import Integer
from backhand.engines.fused.llvm.precision import precision_of
from backhand.engines.fused.llvm.target import tile_of
from backhand.equations import Parameters


class Layout(NamedTuple):
    """Sizes of one network.

    Attributes
    ----------
    d, H, K : int
        Features, hidden units, classes.
    panels, vectors, full : int
        Panels, vectors that a panel is wide, and how many panels, the first, need them all; the
        others need one vector less.
    width, column, panel : int
        Numbers in a row, in a column (d + 1 + K) and in a whole panel.
    W2, b2, size : int
        Where W2 begins in a panel, where b2 begins, and how many numbers there are in all.
    """

    d: Integer
    H: Integer
    K: Integer
    panels: Integer
    vectors: Integer
    full: Integer
    width: Integer
    column: Integer
    panel: Integer
    W2: Integer
    b2: Integer
    size: Integer


def layout_of(params: Parameters) -> Layout:
    """The layout of these parameters: as few panels as possible, each as narrow as possible."""
    (d, H), K = params.W1.shape, params.b2.shape[0]
    shape = tile_of(precision_of(params.W1.dtype).lanes)
    needed = -(-H // shape.lanes)
    panels = -(-needed // shape.NV)
    vectors = -(-needed // panels)
    width, column = vectors * shape.lanes, d + 1 + K
    panel = column * width
    size = panels * panel + -(-K // shape.lanes) * shape.lanes
    full = panels - (panels * vectors - needed)
    return Layout(d, H, K, panels, vectors, full, width, column, panel, (d + 1) * width,
                  panels * panel, size)  # fmt: skip


def units_of(net: Layout) -> list[slice]:
    """The hidden units of each panel, which follow one another; the last panel may have fewer."""
    narrow = net.width - net.width // net.vectors
    widths = [net.width if p < net.full else narrow for p in range(net.panels)]
    ends = np.minimum(np.cumsum(widths), net.H).tolist()
    return [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]


def places_of(net: Layout) -> NDArray[np.int64]:
    """The column of each hidden unit, among the columns of all panels."""
    firsts = range(0, net.panels * net.width, net.width)
    return np.concatenate([
        first + np.arange(units.stop - units.start)
        for first, units in zip(firsts, units_of(net), strict=True)
    ])  # fmt: skip


def pack(params: Parameters, net: Layout, flat: NDArray[Any]) -> None:
    """Write the parameters into `flat` (size,)."""
    for panel, units in zip(_panels(flat, net), units_of(net), strict=True):
        used = panel[:, : units.stop - units.start]
        used[: net.d] = params.W1[:, units]
        used[net.d] = params.b1[units]
        used[net.d + 1 :] = params.W2[units].T
        panel[:, units.stop - units.start :] = 0
    flat[net.b2 :] = 0
    flat[net.b2 : net.b2 + net.K] = params.b2


def unpack(flat: NDArray[Any], net: Layout) -> Parameters:
    """Return the parameters in `flat` as separate arrays."""
    W1, b1, W2 = (np.empty(size, flat.dtype) for size in ((net.d, net.H), net.H, (net.H, net.K)))
    for panel, units in zip(_panels(flat, net), units_of(net), strict=True):
        used = panel[:, : units.stop - units.start]
        W1[:, units] = used[: net.d]
        b1[units] = used[net.d]
        W2[units] = used[net.d + 1 :].T
    return Parameters(W1, b1, W2, flat[net.b2 : net.b2 + net.K].copy())


def _panels(flat: NDArray[Any], net: Layout) -> NDArray[Any]:
    return flat[: net.b2].reshape(net.panels, net.column, net.width)
