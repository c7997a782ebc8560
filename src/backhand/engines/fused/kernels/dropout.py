"""Dropout on a panel of H1: the same hashes as `backhand.dropout`, a vector of units at a time.

Backward, H1 > 0 says which units were active and kept, so that dZ1 needs no mask of its own; the
factor 1/(1-p), which it has yet to get, comes with the scale of the gradients that are made of it.
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
        What the hashes of each update start from; of no account where nothing is dropped.
    threshold : int
        Units are dropped whose hash is smaller; 0 drops none, and nothing is computed.
    scale : float
        1/(1-p).
    """

    keys: Integers
    threshold: Integer
    scale: Real


class Draw(NamedTuple):
    """What is drawn for a chunk: its update's key, and its first row's place in the batch."""

    key: Any
    row: Any
    threshold: Any
    scale: Any


NO_DROPOUT = Dropout(np.zeros(1, np.int64), 0, 1.0)


def dropout_of(objective: Objective, shape: tuple[int, ...], updates: int) -> Dropout:
    """The dropout of a block of (epochs, batches), after so many updates."""
    p = float(objective.dropout)
    if not (limit := threshold(p)):
        return NO_DROPOUT
    keys = update_keys(objective.dropout_seed, update_numbers(shape, updates))
    return Dropout(keys.astype(np.int64), limit, scale(p))


def draw_of(code: Code, dropout: Dropout, update: Value, row: Value) -> Draw:
    """What is drawn in an update, the block's `update`th, for the batch's rows from `row` on."""
    place = code.select(dropout.threshold > 0, update, 0)
    return Draw(code.load_scalar(dropout.keys, place), row, *dropout[1:])


@function
def drop(
    code: Code, H1: Value, width: Value, rows: Value, vectors: Value, unit: Value, draw: Draw
) -> None:
    """H1 (rows, width) ← H1 ⊙ M of a panel, whose first hidden unit is number `unit`."""
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
    """The hash of a 32-bit integer, or of a vector of them."""
    for shift, factor in zip(SHIFTS, FACTORS, strict=False):
        x = (x ^ x.lshr(shift)) * factor
    return x ^ x.lshr(SHIFTS[-1])
