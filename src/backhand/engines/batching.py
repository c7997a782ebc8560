"""Batches, for all engines: chunks, weighted means, and a block as plain numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.contract import Block, Data, Objective
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer
from backhand.support.array_namespace import array_namespace

WEIGHTLESS = "these rows all have the weight 0, so there is no mean over them."

CHUNK_BYTES = 2**25
"""Approximate working memory for rows that are only evaluated (prediction, validation)."""


def chunks(params: Parameters, N: int, room: int | None = None) -> Iterator[slice]:
    """Cut 0..N so that a chunk's X and activations take about `room` bytes, or `CHUNK_BYTES`."""
    d, H, K = params.W1.shape[0], params.W1.shape[1], params.W2.shape[1]
    rows = max(1, (room or CHUNK_BYTES) // (8 * (d + 2 * H + 3 * K)))
    for start in range(0, N, rows):
        yield slice(start, min(start + rows, N))


class WeightedMean:
    """Mean by weight of figures such as (loss, accuracy), each a number or an array, in float64.

    The figures may stay on a device until the result is read, without synchronising before.

    Attributes
    ----------
    weight : float
        Σ weight.
    sums : list
        Σ weight · figure of each.
    """

    def __init__(self, figures: int = 2) -> None:
        self.weight = 0.0
        self.sums: list[Any] = [0.0] * figures

    def add(self, weight: float, *figures: Any) -> None:
        self.weight += weight
        for i, figure in enumerate(figures):
            xp = array_namespace(figure)
            self.sums[i] = self.sums[i] + weight * xp.astype(figure, xp.float64)

    def result(self) -> tuple[float, float]:
        """The means of two numbers."""
        loss, accuracy = (float(total) / self.weight for total in self.sums)
        return loss, accuracy

    def on_device(self) -> list[Any]:
        """The means of all figures, where they are."""
        return [total / self.weight for total in self.sums]


def total_weight(w: NDArray[Any] | None, rows: int) -> float:
    """Return Σw of a batch, summed in float64; without weights, its number of rows."""
    return float(rows) if w is None else float(np.sum(w, dtype=np.float64))


def weight_of(data: Data, rows: Any) -> float:
    """Σw of some rows of the data, a slice or row numbers.

    Raises
    ------
    InputError
        If all of them weigh 0: there is no mean over them.
    """
    count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    w = data.sample_weight
    weight = total_weight(None if w is None else w[data.places(rows)], count)
    if not weight > 0:
        raise InputError(WEIGHTLESS)
    return weight


def with_class_fixed(dtheta: Parameters, objective: Objective) -> Parameters:
    """Set dW2[:, 0] = 0 and db2[0] = 0 in place if the objective fixes the first class."""
    if objective.first_class_fixed:
        for value in (dtheta.W2[:, :1], dtheta.b2[:1]):
            # Zeros of their own device: torch would copy a number to it, which a CUDA graph cannot.
            value[:] = array_namespace(value).zeros_like(value)
    return dtheta


class FlatBlock(NamedTuple):
    """A block and its optimizer's rates as plain numbers, for a compiled loop.

    Attributes
    ----------
    batch_size : int
        Rows per batch.
    rows, epochs, batches : int
        Rows that an epoch visits; epochs; batches per epoch.
    rates, l2 : ndarray of shape (epochs, batches)
        ηₜ, with Adam's bias correction, and λ of each update; float64, C-contiguous.
    order : ndarray of shape (epochs, rows)
        int64, C-contiguous; one 0 if not `ordered`.
    ordered : bool
        Whether the order is that of `order`, or that of the rows as they are stored.
    validated : ndarray of shape (epochs,)
        1 for each epoch after which the validation rows are measured, else 0; int64.
    """

    batch_size: int
    rows: int
    epochs: int
    batches: int
    rates: NDArray[np.float64]
    l2: NDArray[np.float64]
    order: NDArray[np.int64]
    ordered: bool
    validated: NDArray[np.int64]


UNORDERED = np.zeros(1, np.int64)
"""The order of rows as they are stored; and no validation after the one epoch of a batch."""


def flatten_block(block: Block, N: int, optimizer: Optimizer, updates: int) -> FlatBlock:
    """Flatten a block on N rows for an optimizer that has done `updates` updates."""
    rates, order = np.array(block.learning_rate, np.float64, order="C"), block.order
    epochs, batches = rates.shape
    return FlatBlock(
        block.batch_size, N if order is None else order.shape[1], epochs, batches,
        optimizer.rate(rates, update_numbers(rates.shape, updates)),
        np.ascontiguousarray(block.l2, np.float64),
        UNORDERED if order is None else np.require(order, np.int64, ["C", "A"]),
        order is not None,
        np.zeros(epochs, np.int64) if block.validated is None else block.validated.astype(np.int64),
    )  # fmt: skip


def flatten_batch(N: int, rows: Any = None, l2: float = 0.0) -> FlatBlock:
    """One batch without an update: all N rows, or those of a slice or of row numbers."""
    zero, l2s = np.zeros((1, 1)), np.full((1, 1), float(l2))
    if isinstance(rows, slice):
        rows = None if rows == slice(0, N) else np.arange(rows.start, rows.stop)
    if rows is None:
        return FlatBlock(N, N, 1, 1, zero, l2s, UNORDERED, False, UNORDERED)
    order = np.require(rows, np.int64, ["C", "A"])
    return FlatBlock(len(order), len(order), 1, 1, zero, l2s, order, True, UNORDERED)


def update_numbers(shape: tuple[int, ...], updates: int) -> NDArray[np.int64]:
    """Return the number t of each update of a block (E, B), counted from 1, after `updates`."""
    return updates + 1 + np.arange(shape[0] * shape[1]).reshape(shape)


def session_repr(engine: str, params: Parameters, rows: int, updates: int) -> str:
    """One line that shows a session: `<fused session: d 4, H 8, …>`."""
    (d, H), K = params.W1.shape, params.b2.shape[0]
    return (
        f"<{engine} session: d {d:,}, H {H:,}, K {K:,} in {params.W1.dtype}, "
        f"{rows:,} rows, {updates:,} updates>"
    )
