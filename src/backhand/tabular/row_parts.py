"""Encoded rows part by part: what is computed of them is computed where they are, and merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data
from backhand.tabular.sampling import VALUES

T = TypeVar("T")


def each_part(
    data: Data, function: Callable[..., T], *args: Any, of_part: Sequence[tuple[Any, ...]] = ()
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
    return [function(data, *args, *(of_part[0] if of_part else ()))]


def lengths(data: Data) -> list[int]:
    """Return the number of rows of each part."""
    return [data.rows]


def cut(values: NDArray[Any], data: Data) -> list[NDArray[Any]]:
    """Cut an array with an entry for each row into those of the parts."""
    return np.split(values, np.cumsum(lengths(data))[:-1])


def located(rows: NDArray[np.int64], data: Data) -> list[NDArray[np.int64]]:
    """Return some rows, numbered in ascending order, by their numbers within each part."""
    ends = np.cumsum(lengths(data))
    cuts = np.split(rows, np.searchsorted(rows, ends[:-1]))
    return [some - first for some, first in zip(cuts, [0, *ends[:-1]], strict=True)]


def stretches(data: Data) -> Iterator[tuple[slice, Data]]:
    """Return a few rows of one part at a time, in order, to limit memory."""
    length = max(1, VALUES // data.X.shape[1])
    for start in range(0, data.rows, length):
        rows = slice(start, min(start + length, data.rows))
        yield rows, data.at(rows)
