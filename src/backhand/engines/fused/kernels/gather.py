"""Gather rows of the user's arrays, of any strides and dtype, into a chunk."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.contract import Data
from backhand.engines.fused.buffers import Chunk
from backhand.engines.fused.llvm.abi import Integer
from backhand.engines.fused.llvm.builder import Code, Value, function
from backhand.engines.matrices import is_sparse

SOURCES = (
    "float32", "float64", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64",
    "int64", "bool",
)  # fmt: skip
"""Dtypes that are read without conversion; a dtype's number is its index here."""

KINDS = {np.dtype(name): number for number, name in enumerate(SOURCES)}
"""The numbers of these dtypes, in this machine's byte order."""

SPARSE_SOURCES = SOURCES[:2]
"""Dtypes of the numbers of a sparse X that are read without conversion."""

DENSE, INT32, INT64 = range(3)
"""How a row's numbers are found: in the order of the features, or by indices of that dtype."""

ALL = DENSE
"""All rows as they are stored, instead of a selection by indices."""


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


class Selection(NamedTuple):
    """The numbers (n,) of the rows that `Data.select` selected, and the dtype of these.

    With the dtype `ALL` there are none: all rows count.
    """

    numbers: Integer
    index: Integer


class Rows(NamedTuple):
    """The rows, which the compiled code reads at their addresses.

    So arrays may be read-only, memory-mapped or anywhere in memory. y (N,) is
    int64, the weights (N,) are of the parameters' dtype, or 0 if there are none. `count` are those
    that count.
    """

    count: Integer
    selection: Selection
    X: Numbers
    y: Integer
    weights: Integer


def arrays_of(data: Data) -> list[Any]:
    """The arrays of the rows; those of a sparse X may be replaced while X stays the same."""
    X = data.X
    return [X, *((X.data, X.indices, X.indptr) if is_sparse(X) else ()), *data[1:]]


def rows_of(data: Data, dtype: Any) -> Rows:
    """Return the rows where they are stored, or a copy of what cannot be read there."""
    X = _sparse(data.X, dtype) if is_sparse(data.X) else _dense(data.X, dtype)
    y = np.require(data.y, np.int64, ["C", "A"])
    w = 0 if data.sample_weight is None else np.require(data.sample_weight, dtype, ["C", "A"])
    return Rows(data.rows, _selection(data.numbers), X, y, w)


def _selection(numbers: Any) -> Selection:
    if numbers is None:
        return Selection(0, ALL)
    index, of = (INT64, np.int64) if numbers.itemsize > 4 else (INT32, np.int32)
    return Selection(np.require(numbers, of, ["C", "A"]), index)


def most_numbers(data: Data, rows: int, order: NDArray[np.int64] | None = None) -> int:
    """Return the maximum of entries in that many rows of a sparse X, plus 1 per row; else 0.

    With an order (E, n), which may name a row more than once, they are rows of one of its epochs.
    """
    if not is_sparse(data.X):
        return 0
    there = data.places(slice(None) if order is None else order.reshape(-1, order.shape[-1]))
    lengths = np.atleast_2d(data.X.indptr[1:][there] - data.X.indptr[:-1][there])
    if rows < lengths.shape[1]:
        lengths = np.partition(lengths, lengths.shape[1] - rows, axis=1)[:, -rows:]
    return int(lengths.sum(axis=1).max()) + rows


def _dense(X: Any, dtype: Any) -> Numbers:
    X = np.asarray(X)
    readable = (
        X.dtype in KINDS and X.flags.aligned and (X.shape[1] == 1 or X.strides[1] == X.itemsize)
    )
    if not readable:
        X = np.ascontiguousarray(X, dtype)
    return Numbers(X, X.strides[0], KINDS[X.dtype], DENSE, 0, 0)


def _sparse(X: Any, dtype: Any) -> Numbers:
    readable = X.data.dtype.name in SPARSE_SOURCES and X.data.dtype.isnative
    numbers = np.require(X.data, None if readable else dtype, ["C", "A"])
    index, of = (INT64, np.int64) if X.indices.itemsize > 4 else (INT32, np.int32)
    indices = np.require(X.indices, of, ["C", "A"])
    borders = np.require(X.indptr, np.int64, ["C", "A"])
    return Numbers(numbers, 0, SOURCES.index(numbers.dtype.name), index, indices, borders)


class Picked(NamedTuple):
    """The rows of a chunk: order[begin:begin + count], or without `ordered` those from `begin` on.

    `padded` is their number in whole blocks. Of a selection they are counted among its rows.
    """

    order: Any
    ordered: Any
    begin: Any
    count: Any
    padded: Any
    selection: Selection

    def number(self, code: Code, i: Value) -> Value:
        """Return which of all rows is number i of these."""
        number = code.variable(self.begin + i)
        with code.if_(self.ordered > 0):
            number.set(code.load_scalar(self.order, self.begin + i))
        for index, name in ((INT32, "int32"), (INT64, "int64")):
            with code.if_(self.selection.index.equals(index)):
                numbers = code.pointer(self.selection.numbers, code.type_of(name))
                number.set(code.sext64(code.load_scalar(numbers, number.get())))
        return number.get()


@function
def load_labels(code: Code, chunk: Chunk, rows: Rows, picked: Picked) -> None:
    """Load labels (padded,) and weights (padded,) of a thread's chunk; the padding weighs 0."""
    all_y, all_w = (
        code.pointer(rows.y, code.type_of("int64")),
        code.pointer(rows.weights, code.real_type),
    )
    with code.loop(picked.count) as i:
        number = picked.number(code, i)
        code.store(code.trunc_to_label(code.load_scalar(all_y, number)), chunk.labels, i)
        weight = code.variable(code.real(1.0))
        with code.if_(rows.weights > 0):
            weight.set(code.load_scalar(all_w, number))
        code.store(weight.get(), chunk.weights, i)
    with code.loop(picked.padded, start=picked.count) as i:
        code.store(code.trunc_to_label(code.integer(0)), chunk.labels, i)
        code.store(code.real(0.0), chunk.weights, i)


@function
def load_rows(code: Code, chunk: Chunk, X: Numbers, picked: Picked, features: Value) -> None:
    """Load X of a thread's chunk, in its blocks, from a dense X, a 1 after each row for b1."""

    def copy(name: str) -> None:
        with code.loop(picked.count) as i:
            row = code.pointer(X.numbers + picked.number(code, i) * X.stride, code.type_of(name))
            with code.loop(features, step=chunk.kc) as k:
                target = code.at(chunk.column(code, k), i * chunk.x_row)
                _write(name, code, code.at(row, k), target, code.minimum(features - k, chunk.kc))
            code.store(code.real(1.0), chunk.column(code, features), i * chunk.x_row)

    code.switch(X.kind, {n: partial(copy, name) for n, name in enumerate(SOURCES)})
    with code.loop(features + 1, step=chunk.kc) as k:
        block = chunk.column(code, k)
        with code.loop(picked.padded * chunk.x_row, start=picked.count * chunk.x_row) as i:
            code.store(code.real(0.0), block, i)


def _write(name: str, code: Code, here: Value, target: Value, features: Value) -> None:
    """Load a piece of a row of numbers of that dtype, converting each."""
    whole = features // code.lanes * code.lanes
    with code.loop(whole, step=code.lanes) as j:
        code.store(code.real_from(code.load(here, j), name), target, j)
    with code.loop(features, start=whole) as j:
        code.store(code.real_from(code.load_scalar(here, j), name), target, j)
