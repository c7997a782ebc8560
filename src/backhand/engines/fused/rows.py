"""Rows of the user's arrays, wherever they lie and whatever their dtype, into a chunk.

Rows of sparse matrices are written out there, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from backhand.engines.contract import Data, is_sparse
from backhand.engines.fused.ir import Code, Value, function
from backhand.engines.fused.memory import Chunk
from backhand.engines.fused.words import Integer

SOURCES = (
    "float32", "float64", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64",
    "int64", "bool",
)  # fmt: skip
"""Dtypes that are read as they are; a dtype's number is its place here."""

SPARSE_SOURCES = SOURCES[:2]
"""Those of sparse numbers."""

DENSE, INT32, INT64 = range(3)
"""How a row's numbers are found: in the order of the features, or by indices of that dtype."""


class Numbers(NamedTuple):
    """Where the numbers of X are.

    Attributes
    ----------
    numbers : array
        Those of the rows, `stride` bytes from one row to the next; of a sparse X, those that it
        holds.
    kind, index : int
        The number of their dtype, and how a row's are found.
    indices, borders : arrays
        Of a sparse X: the feature of each number, and that row i has those from borders[i] to
        borders[i + 1]; else 0.
    """

    numbers: Integer
    stride: Integer
    kind: Integer
    index: Integer
    indices: Integer
    borders: Integer


class Rows(NamedTuple):
    """The rows, which the compiled code knows by their addresses.

    So arrays that are read-only, mapped or no neighbours in memory are nothing special. y (N,) is
    int64, the weights (N,) are of the parameters' dtype, or 0 if there are none.
    """

    count: Integer
    X: Numbers
    y: Integer
    weights: Integer


def rows_of(data: Data, dtype: Any) -> Rows:
    """The rows where they lie, or a copy of what cannot be read there."""
    X = _sparse(data.X, dtype) if is_sparse(data.X) else _dense(data.X, dtype)
    y = np.require(data.y, np.int64, ["C", "A"])
    w = 0 if data.sample_weight is None else np.require(data.sample_weight, dtype, ["C", "A"])
    return Rows(data.rows, X, y, w)


def _dense(X: Any, dtype: Any) -> Numbers:
    X = np.asarray(X)
    readable = (
        X.dtype.name in SOURCES
        and X.dtype.isnative
        and X.flags.aligned
        and (X.shape[1] == 1 or X.strides[1] == X.itemsize)
    )
    if not readable:
        X = np.ascontiguousarray(X, dtype)
    return Numbers(X, X.strides[0], SOURCES.index(X.dtype.name), DENSE, 0, 0)


def _sparse(X: Any, dtype: Any) -> Numbers:
    readable = X.data.dtype.name in SPARSE_SOURCES and X.data.dtype.isnative
    numbers = np.require(X.data, None if readable else dtype, ["C", "A"])
    index, of = (INT64, np.int64) if X.indices.itemsize > 4 else (INT32, np.int32)
    indices = np.require(X.indices, of, ["C", "A"])
    borders = np.require(X.indptr, np.int64, ["C", "A"])
    return Numbers(numbers, 0, SOURCES.index(numbers.dtype.name), index, indices, borders)


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

    def copy(write: Callable[[Code, Numbers, Value, Value, Value], None]) -> None:
        with code.loop(count) as i:
            target = code.at(X, i * chunk.x_row)
            write(code, rows.X, row(i), target, features)
            code.store(code.real(1.0), target, features)

    _by_dtypes(code, rows.X, copy)
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


def _by_dtypes(code: Code, X: Numbers, copy: Callable[[Any], None]) -> None:
    """Do `copy` with what writes a row of such numbers."""

    def by_kind(write: Callable[..., None], sources: tuple[str, ...]) -> None:
        code.cases(X.kind, {n: partial(copy, partial(write, s)) for n, s in enumerate(sources)})

    code.cases(X.index, {
        DENSE: lambda: by_kind(_write, SOURCES),
        INT32: lambda: by_kind(partial(_write_out, "int32"), SPARSE_SOURCES),
        INT64: lambda: by_kind(partial(_write_out, "int64"), SPARSE_SOURCES),
    })  # fmt: skip


def _write(name: str, code: Code, X: Numbers, row: Value, target: Value, features: Value) -> None:
    """A row as it is, of numbers of that dtype."""
    here = code.pointer(X.numbers + row * X.stride, code.type_of(name))
    whole = features // code.tile.lanes * code.tile.lanes
    with code.loop(whole, step=code.tile.lanes) as j:
        code.store(code.real_from(code.load(here, j), name), target, j)
    with code.loop(features, start=whole) as j:
        code.store(code.real_from(code.load_one(here, j), name), target, j)


def _write_out(
    index: str, name: str, code: Code, X: Numbers, row: Value, target: Value, features: Value
) -> None:
    """A row of a sparse matrix: zeros, to which the numbers that are there are added."""
    numbers, indices, borders = (
        code.pointer(address, code.type_of(kind))
        for address, kind in ((X.numbers, name), (X.indices, index), (X.borders, "int64"))
    )
    with code.loop(features) as j:
        code.store(code.real(0.0), target, j)
    end = code.load_one(borders, row + 1)
    with code.loop(end, start=code.load_one(borders, row)) as n:
        j = code.long(code.load_one(indices, n))
        x = code.real_from(code.load_one(numbers, n), name)
        code.store(code.load_one(target, j) + x, target, j)
