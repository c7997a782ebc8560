"""The layout of parameters in memory during training: panels of hidden units.

A hidden unit is a column of d + 1 + K numbers: its weights from the features W1[:, h], its bias
b1[h], and its weights to the classes W2[h, :]. `width` adjacent columns make a panel, stored
row by row, so that a row of a panel is whole vectors. The panels follow one another, then b2. The
padding of a panel or a vector is 0 and stays 0.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.fused.llvm.abi import Integer
from backhand.engines.fused.llvm.builder import rounded_up
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
    size = panels * panel + rounded_up(K, shape.lanes)
    full = panels - (panels * vectors - needed)
    return Layout(d, H, K, panels, vectors, full, width, column, panel, (d + 1) * width,
                  panels * panel, size)  # fmt: skip


def units_of(net: Layout) -> list[slice]:
    """The hidden units of each panel, which follow one another; the last panel may have fewer."""
    narrow = net.width - net.width // net.vectors
    widths = (net.width if p < net.full else narrow for p in range(net.panels))
    ends = [min(end, net.H) for end in accumulate(widths)]
    return [slice(begin, end) for begin, end in pairwise([0, *ends])]


def places_of(net: Layout) -> NDArray[np.int64]:
    """The column of each hidden unit, among the columns of all panels."""
    firsts = range(0, net.panels * net.width, net.width)
    return np.concatenate([
        first + np.arange(units.stop - units.start)
        for first, units in zip(firsts, units_of(net), strict=True)
    ])  # fmt: skip


class PackedParameters:
    """Parameters in an array `flat` (size,), which is written and read panel by panel."""

    def __init__(self, flat: NDArray[Any], net: Layout) -> None:
        self._flat, self._net = flat, net
        self._b2, self._fill = flat[net.b2 : net.b2 + net.K], [flat[net.b2 + net.K :]]
        self._panels = []
        panels = flat[: net.b2].reshape(net.panels, net.column, net.width)
        for panel, units in zip(panels, units_of(net), strict=True):
            count = units.stop - units.start
            used = panel[:, :count]
            self._panels.append((units, used[: net.d], used[net.d], used[net.d + 1 :].T))
            if count < net.width:
                self._fill.append(panel[:, count:])

    def write(self, params: Parameters) -> None:
        """Pack these parameters."""
        for units, W1, b1, W2 in self._panels:
            W1[:] = params.W1[:, units]
            b1[:] = params.b1[units]
            W2[:] = params.W2[units]
        self._b2[:] = params.b2
        for fill in self._fill:
            fill[:] = 0

    def clear(self) -> None:
        """Make all of them 0."""
        self._flat[:] = 0

    def read(self) -> Parameters:
        """Return the parameters as separate arrays."""
        d, H, K = self._net.d, self._net.H, self._net.K
        read = Parameters(*(np.empty(size, self._flat.dtype) for size in ((d, H), H, (H, K), K)))
        for units, W1, b1, W2 in self._panels:
            read.W1[:, units] = W1
            read.b1[units] = b1
            read.W2[units] = W2
        read.b2[:] = self._b2
        return read


def immutable(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of the array that cannot be made writable, as the array itself could."""
    array.flags.writeable = False
    return array.view()
