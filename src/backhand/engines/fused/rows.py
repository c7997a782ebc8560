"""Rows of the user's arrays, wherever they lie and whatever their dtype, into a chunk."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from backhand.engines.contract import Data
from backhand.engines.fused.ir import Code, Value, function
from backhand.engines.fused.memory import Chunk
from backhand.engines.fused.words import Integer

SOURCES = (
    "float32", "float64", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64",
    "int64", "bool",
)  # fmt: skip
"""Dtypes that are read as they are; a dtype's number is its place here."""


class Rows(NamedTuple):
    """The rows, which the compiled code knows by their addresses.

    So arrays that are read-only, mapped or no neighbours in memory are nothing special. `stride`
    is the number of bytes from a row of X to the next, `kind` the number of X's dtype; y (N,) is
    int64, the weights (N,) are of the parameters' dtype, or 0 if there are none.
    """

    count: Integer
    X: Integer
    stride: Integer
    kind: Integer
    y: Integer
    weights: Integer


def rows_of(data: Data, dtype: Any) -> Rows:
    """The rows where they lie, or a copy of what cannot be read there."""
    X = np.asarray(data.X)
    readable = (
        X.dtype.name in SOURCES
        and X.dtype.isnative
        and X.flags.aligned
        and (X.shape[1] == 1 or X.strides[1] == X.itemsize)
    )
    if not readable:
        X = np.ascontiguousarray(X, dtype)
    y = np.require(data.y, np.int64, ["C", "A"])
    w = 0 if data.sample_weight is None else np.require(data.sample_weight, dtype, ["C", "A"])
    return Rows(X.shape[0], X, X.strides[0], SOURCES.index(X.dtype.name), y, w)


@function
def load_rows(
    code: Code, chunk: Chunk, rows: Rows, features: Value, order: Value, ordered: Value,
    begin: Value, count: Value, padded: Value, me: Value,
) -> None:  # fmt: skip
    """Rows order[begin:begin + count] into the copy of thread `me`, with a 1 after each, for b1.

    Without `ordered` it is `begin` and the rows after it. Rows count..padded, which make the chunk
    whole blocks, become 0 and weigh nothing.
    """
    own = me * chunk.rows
    X = code.at(chunk.X, own * chunk.x_row)
    labels, weights = code.at(chunk.labels, own), code.at(chunk.weights, own)

    def row(i: Value) -> Value:
        number = code.variable(begin + i)
        with code.when(ordered > 0):
            number.set(code.load_one(order, begin + i))
        return number.get()

    def copy(name: str) -> None:
        with code.loop(count) as i:
            here = code.pointer(rows.X + row(i) * rows.stride, code.type_of(name))
            target = code.at(X, i * chunk.x_row)
            whole = features // code.tile.lanes * code.tile.lanes
            with code.loop(whole, step=code.tile.lanes) as j:
                code.store(code.real_from(code.load(here, j), name), target, j)
            with code.loop(features, start=whole) as j:
                code.store(code.real_from(code.load_one(here, j), name), target, j)
            code.store(code.real(1.0), target, features)

    code.cases(rows.kind, {n: partial(copy, name) for n, name in enumerate(SOURCES)})
    all_y, all_w = (
        code.pointer(rows.y, code.type_of("int64")),
        code.pointer(rows.weights, code.real_type),
    )
    with code.loop(count) as i:
        number = row(i)
        code.store(code.narrow(code.load_one(all_y, number)), labels, i)
        weight = code.variable(code.real(1.0))
        with code.when(rows.weights > 0):
            weight.set(code.load_one(all_w, number))
        code.store(weight.get(), weights, i)
    with code.loop(padded, start=count) as i:
        with code.loop(chunk.x_row) as j:
            code.store(code.real(0.0), X, i * chunk.x_row + j)
        code.store(code.narrow(code.integer(0)), labels, i)
        code.store(code.real(0.0), weights, i)
