"""How parameters lie in memory while they are trained: hidden unit by hidden unit, in panels.

A hidden unit is a column of d + 1 + K numbers: its weights from the features W1[:, h], its bias
b1[h], and its weights to the classes W2[h, :]. `width` columns beside each other make a panel, row
by row, so that a row of a panel is whole vectors. Panel follows panel, then comes b2. What is there
only to fill a panel or a vector is 0 and stays 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.fused.cpu import tile
from backhand.engines.fused.words import Integer
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
    """The layout of these parameters: as few panels as can be, and then as narrow ones."""
    (d, H), K = params.W1.shape, params.b2.shape[0]
    shape = tile(params.W1.dtype.itemsize * 8)
    needed = -(-H // shape.lanes)
    panels = -(-needed // shape.vectors)
    vectors = -(-needed // panels)
    width, column = vectors * shape.lanes, d + 1 + K
    panel = column * width
    size = panels * panel + -(-K // shape.lanes) * shape.lanes
    full = panels - (panels * vectors - needed)
    return Layout(d, H, K, panels, vectors, full, width, column, panel, (d + 1) * width,
                  panels * panel, size)  # fmt: skip


def places_of(net: Layout) -> NDArray[np.int64]:
    """The column of each hidden unit, among the columns of all panels."""
    lanes = net.width // net.vectors
    places = np.arange(net.panels * net.width).reshape(net.panels, net.width)
    narrow = places[net.full :, : net.width - lanes]
    return np.concatenate([places[: net.full].ravel(), narrow.ravel()])[: net.H]


def pack(params: Parameters, net: Layout, flat: NDArray[Any]) -> None:
    """Write the parameters into `flat` (size,)."""
    columns = np.zeros((net.column, net.panels * net.width), flat.dtype)
    columns[:, places_of(net)] = np.vstack([params.W1, params.b1, params.W2.T])
    panels = flat[: net.b2].reshape(net.panels, net.column, net.width)
    panels[:] = columns.reshape(net.column, net.panels, net.width).transpose(1, 0, 2)
    flat[net.b2 :] = 0
    flat[net.b2 : net.b2 + net.K] = params.b2


def unpack(flat: NDArray[Any], net: Layout) -> Parameters:
    """The parameters in `flat`, as arrays of their own."""
    panels = flat[: net.b2].reshape(net.panels, net.column, net.width)
    columns = panels.transpose(1, 0, 2).reshape(net.column, -1)[:, places_of(net)]
    return Parameters(
        columns[: net.d].copy(),
        columns[net.d].copy(),
        columns[net.d + 1 :].T.copy(),
        flat[net.b2 : net.b2 + net.K].copy(),
    )
