"""Matrices that a prediction reads where they are stored: parameters, and rows to predict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.batching import chunks
from backhand.engines.contract import is_sparse
from backhand.engines.fused.kernels.gather import DENSE, INT32, INT64
from backhand.engines.fused.llvm.abi import Integer
from backhand.equations import Parameters

ROWS_OF_A_CALL = 8192
"""Maximum number of rows in one compiled call: Ctrl-C takes effect after it."""


class Stored(NamedTuple):
    """A matrix where it is stored; strides count numbers, not bytes."""

    address: Integer
    row: Integer
    column: Integer


class Entries(NamedTuple):
    """The positions of a sparse X's numbers, which are `Stored` one after the other.

    Attributes
    ----------
    index : int
        Of which dtype features and borders are, INT32 or INT64; DENSE, if X is not sparse.
    features, borders : arrays
        The feature of each number, and that row i has those from borders[i] to borders[i + 1].
    count : int
        How many numbers and features there are.
    """

    index: Integer
    features: Integer
    borders: Integer
    count: Integer


class Stretch(NamedTuple):
    """Rows of one call: their numbers, where they are stored, and how many numbers of X."""

    rows: slice
    X: Stored
    entries: Entries
    numbers: int


def stored(array: NDArray[Any], dtype: Any) -> Stored:
    """Return a matrix where it is stored, or a copy in that dtype if it cannot be read there."""
    array = _in_dtype(array, dtype)
    row, column = array.strides
    return Stored(array, row // array.itemsize, column // array.itemsize)


def stretches(params: Parameters, X: Any, dtype: Any) -> Iterator[Stretch]:
    """All rows of X (N, d), in order. Of an X that cannot be read in place, a stretch is copied."""
    N = X.shape[0]
    if is_sparse(X):
        for rows in _cut(N):
            yield _sparse(X, rows, dtype)
        return
    X = np.asarray(X)
    for rows in _cut(N) if _readable(X, dtype) else chunks(params, N):
        part = X[rows]
        yield Stretch(rows, stored(part, dtype), Entries(DENSE, 0, 0, 0), part.size)


def _sparse(X: Any, rows: slice, dtype: Any) -> Stretch:
    numbers, features, borders = X.data, X.indices, X.indptr[rows.start : rows.stop + 1]
    first, last = int(borders[0]), int(borders[-1])
    if not (numbers.flags.c_contiguous and _readable(numbers, dtype)):
        numbers, features, borders = numbers[first:last], features[first:last], borders - first
        numbers = np.ascontiguousarray(_in_dtype(numbers, dtype))
    index = np.int32 if features.dtype == borders.dtype == np.int32 else np.int64
    features, borders = (np.require(x, index, ["C", "A"]) for x in (features, borders))
    kind = INT32 if index is np.int32 else INT64
    entries = Entries(kind, features, borders, min(len(numbers), len(features)))
    return Stretch(rows, Stored(numbers, 1, 1), entries, max(0, last - first))


def _readable(array: NDArray[Any], dtype: Any) -> bool:
    flags = array.flags
    if array.dtype != dtype or not flags.aligned:
        return False
    return flags.c_contiguous or all(stride % array.itemsize == 0 for stride in array.strides)


def _in_dtype(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    if _readable(array, dtype):
        return array
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype)


def _cut(N: int) -> Iterator[slice]:
    for start in range(0, N, ROWS_OF_A_CALL):
        yield slice(start, min(start + ROWS_OF_A_CALL, N))
