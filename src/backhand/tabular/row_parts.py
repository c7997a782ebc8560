"""Encoded rows part by part: what is computed of them is computed where they are, and merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.parted_data import PartedData
from backhand.cluster.transport import Memory
from backhand.engines import Data, Rows

T = TypeVar("T")

VALUES = 2**24
"""Numbers of the matrix that are looked at together, to limit memory."""


def each_part(
    data: Rows, function: Callable[..., T], *args: Any, of_part: Sequence[tuple[Any, ...]] = ()
) -> list[T]:
    """Return `function(part, *args, *of_part[p])` of each part p of the rows, in their order.

    Parameters
    ----------
    data : Data or PartedData
        `Data` are their only part; the parts of `PartedData` are `Data` on its workers.
    function : callable
        A function of a module, since workers find it by its name. It only reads.
    args
        What it gets besides, the same for all parts.
    of_part : sequence of tuple, optional
        What it gets besides for each part.
    """
    if isinstance(data, PartedData):
        empty = Data(np.empty((0, data.X.shape[1]), data.X.dtype), np.empty(0, np.int64))
        return data.parts.each(_of_rows, data.name, empty, function, args, of_part=of_part or None)
    return [function(data, *args, *(of_part[0] if of_part else ()))]


def _of_rows(
    memory: Memory,
    name: str,
    empty: Data,
    function: Callable[..., T],
    args: tuple[Any, ...],
    *of_part: Any,
) -> T:
    """Call a function of the rows that a part has under a name; one without rows need not."""
    return function(memory.get(name, empty), *args, *of_part)


def here(data: Rows) -> Data:
    """Return all rows as `Data` in this process."""
    return data if isinstance(data, Data) else data.at(slice(None))


def lengths(data: Rows) -> list[int]:
    """Return the number of rows of each part."""
    return list(data.lengths) if isinstance(data, PartedData) else [data.rows]


def cut(values: NDArray[Any], data: Rows) -> list[NDArray[Any]]:
    """Cut an array with an entry for each row into those of the parts."""
    return np.split(values, np.cumsum(lengths(data))[:-1])


def located(rows: NDArray[np.int64], data: Rows) -> list[NDArray[np.int64]]:
    """Return some rows, numbered in ascending order, by their numbers within each part."""
    ends = np.cumsum(lengths(data))
    cuts = np.split(rows, np.searchsorted(rows, ends[:-1]))
    return [some - first for some, first in zip(cuts, [0, *ends[:-1]], strict=True)]


def stretches(data: Data) -> Iterator[tuple[slice, Data]]:
    """Return a few rows of one part at a time, in order, to limit memory."""
    length = max(1, VALUES // max(1, data.X.shape[1]))
    for start in range(0, data.rows, length):
        rows = slice(start, min(start + length, data.rows))
        yield rows, data.at(rows)
