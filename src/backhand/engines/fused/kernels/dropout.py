"""Dropout on a panel of H1: the same hashes as `backhand.dropout`, a vector of units at a time.

In the backward pass, H1 > 0 marks the units that were active and kept, so dZ1 needs no separate
mask. The factor 1/(1-p) of dZ1 is applied with the scale of the gradients computed from it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from backhand.dropout import FACTORS, SHIFTS, scale, threshold, update_keys
from backhand.engines.batching import update_numbers
from backhand.engines.contract import Objective
from backhand.engines.fused.llvm.abi import Integer, Integers, Real
from backhand.engines.fused.llvm.builder import Code, Value, function


class Dropout(NamedTuple):
    """`contract.Objective`'s dropout, in a block.

    Attributes
    ----------
    keys : (epochs, batches)
        The key of each update, from which its hashes start; not read where nothing is dropped.
    threshold : int
        Units whose hash is smaller are dropped; with 0 no hash is computed and no unit dropped.
    scale : float
        1/(1-p).
    first : int
        The position in its batch of the first row that the block has of it.
    """

    keys: Integers
    threshold: Integer
    scale: Real
    first: Integer


class Draw(NamedTuple):
    """The dropout of a chunk: its update's key, and its first row's position in the batch."""

    key: Any
    row: Any
    threshold: Any
    scale: Any


NO_DROPOUT = Dropout(np.zeros(1, np.int64), 0, 1.0, 0)


def dropout_of(
    objective: Objective, shape: tuple[int, ...], updates: int, first: int = 0
) -> Dropout:
    """Return the dropout of a block of (epochs, batches), after that number of updates."""
    p = float(objective.dropout)
    if not (limit := threshold(p)):
        return NO_DROPOUT
    keys = update_keys(objective.dropout_seed, update_numbers(shape, updates))
    return Dropout(keys.astype(np.int64), limit, scale(p), first)


def draw_of(code: Code, dropout: Dropout, update: Value, row: Value) -> Draw:
    """Return the dropout of the block's update number `update`, for its rows from `row` on."""
    keys, limit, factor, first = dropout
    place = code.select(limit > 0, update, 0)
    return Draw(code.load_scalar(keys, place), first + row, limit, factor)


@function
def drop(
    code: Code, H1: Value, width: Value, rows: Value, vectors: Value, unit: Value, draw: Draw
) -> None:
    """Set H1 (rows, width) to H1 ⊙ M in a panel whose first hidden unit is number `unit`."""
    lanes, zero = code.lanes, code.splat(0.0)
    factor = code.broadcast(code.real_from_double(draw.scale))
    limit, first = code.trunc32(draw.threshold), code.iota(code.trunc32(unit))
    with code.loop(rows) as i:
        row = mixed(code.trunc32(draw.key) ^ code.trunc32(draw.row + i))
        with code.loop(vectors) as v:
            here = width * i + v * lanes
            hashes = mixed((first + code.trunc32(v * lanes)) ^ row)
            M = code.select(hashes.ult(limit), zero, factor)
            code.store(code.load(H1, here) * M, H1, here)


def mixed(x: Value) -> Value:
    """Return the hash of a 32-bit integer, or of a vector of them."""
    for shift, factor in zip(SHIFTS, FACTORS, strict=False):
        x = (x ^ x.lshr(shift)) * factor
    return x ^ x.lshr(SHIFTS[-1])
