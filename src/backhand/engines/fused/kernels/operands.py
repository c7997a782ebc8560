"""Matrices that a prediction reads where they are stored: parameters, and rows to predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines.fused.kernels.gather import DENSE, INT32, INT64
from backhand.engines.fused.llvm.abi import Integer, address_of
from backhand.engines.matrices import is_sparse

CONVERTED_NUMBERS = 2**19
"""Approximate number of numbers of X that are converted at a time: few enough for the caches."""


class Stored(NamedTuple):
    """A matrix where it is stored; strides count numbers, not bytes."""

    address: Integer
    row: Integer
    column: Integer


class Stretch(NamedTuple):
    """Consecutive rows of X, for one compiled call.

    Attributes
    ----------
    owner : object
        What has to be alive while the addresses are used.
    first, rows : int
        The number of the first row, and of rows.
    X, row, column : int
        Where the numbers are, and how many numbers are from one row or feature to the next. Those
        of a sparse X follow one another.
    positions : int
        Of which dtype features and borders are, INT32 or INT64; DENSE, if X is not sparse.
    features, borders : int
        The addresses of the feature of each number, and of where in these each row begins.
    numbers : int
        How many numbers and features a sparse X has.
    """

    owner: Any
    first: int
    rows: int
    X: int
    row: int
    column: int
    positions: int = DENSE
    features: int = 0
    borders: int = 0
    numbers: int = 0


def stored(array: NDArray[Any], dtype: Any) -> Stored:
    """Return a matrix where it is stored, or a copy in that dtype if it cannot be read there."""
    array = _in_dtype(array, dtype)
    row, column = array.strides
    return Stored(array, row // array.itemsize, column // array.itemsize)


def stretches(X: Any, dtype: Any, most: int) -> Iterable[Stretch]:
    """All rows of X (N, d), in order, at most `most` of them at a time.

    Of an X that cannot be read in place, a few rows at a time are converted to the dtype.
    """
    if type(X) is np.ndarray and X.dtype == dtype and (N := len(X)) <= most:
        flags = X.flags
        if flags.c_contiguous and flags.aligned:
            return (Stretch(X, 0, N, address_of(X), X.shape[1], 1),)
    if is_sparse(X):
        return (_sparse(X, first, count, dtype) for first, count in _cut(X.shape[0], most))
    X = np.asarray(X)
    if not _readable(X, dtype):
        most = min(most, max(1, CONVERTED_NUMBERS // X.shape[1]))
    return (_dense(X, first, count, dtype) for first, count in _cut(X.shape[0], most))


def mean_entries(X: Any) -> float:
    """Return how many numbers a row of X has in the mean: of a sparse X, those that it holds."""
    if is_sparse(X):
        return float(X.indptr[-1] / max(1, X.shape[0]))
    return float(X.shape[1])


def _dense(X: NDArray[Any], first: int, count: int, dtype: Any) -> Stretch:
    part = X if count == X.shape[0] else X[first : first + count]
    part = _in_dtype(part, dtype)
    row, column = part.strides
    size = part.itemsize
    return Stretch(part, first, count, address_of(part), row // size, column // size)


def _sparse(X: Any, first: int, count: int, dtype: Any) -> Stretch:
    numbers, features, borders = X.data, X.indices, X.indptr[first : first + count + 1]
    if not (numbers.flags.c_contiguous and _readable(numbers, dtype)):
        begin, end = int(borders[0]), int(borders[-1])
        numbers, features, borders = numbers[begin:end], features[begin:end], borders - begin
        numbers = np.ascontiguousarray(_in_dtype(numbers, dtype))
    index = np.int32 if features.dtype == borders.dtype == np.int32 else np.int64
    features, borders = (np.require(x, index, ["C", "A"]) for x in (features, borders))
    kind = INT32 if index is np.int32 else INT64
    owner, used = (numbers, features, borders), min(len(numbers), len(features))
    where, of_features, of_borders = map(address_of, owner)
    return Stretch(owner, first, count, where, 1, 1, kind, of_features, of_borders, used)


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


def _cut(N: int, most: int) -> Iterator[tuple[int, int]]:
    for first in range(0, N, most):
        yield first, min(most, N - first)
