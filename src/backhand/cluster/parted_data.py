"""`PartedData`: rows whose X is in the parts, with the interface of `Data`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.cluster.parts import Parts, part_count
from backhand.cluster.transport import Memory, Transport
from backhand.engines import Data, is_sparse
from backhand.engines.matrices import stacked
from backhand.errors import InputError
from backhand.support.digests import digest as digest_of_arrays


@dataclass(frozen=True)
class PartedMatrix:
    """The shape and the dtype of an X whose rows are in the parts.

    Attributes
    ----------
    shape : tuple of int
        (N, d).
    dtype : dtype
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    ndim = 2

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return int(self.dtype.itemsize)


class PartedData:
    """Rows to learn from or to evaluate on, whose X is shared out over workers.

    The rows are numbered through the parts, in their order. Labels and weights of all of them are
    here too: whatever needs only these (the order of the rows, splits, weights of batches) is
    computed here.

    Parameters
    ----------
    parts : Parts
    name : str
        The memory of each part has its rows under this name, as `Data` of all of them, with labels
        and weights.
    lengths : sequence of int
        Number of rows of each part; a part may have none, and then need not have the name.
    d : int
    dtype : dtype
        That of X in the parts.
    y : ndarray of shape (N,)
        Class indices, of any integer dtype.
    sample_weight : ndarray of shape (N,), optional
    numbers : ndarray of shape (n,), optional
        Which of the rows these data have, as of `Data`.
    row_bytes : int, optional
        Size of a row of X, on average over all of them; None: that of a dense row.

    Examples
    --------
    >>> from backhand.cluster.in_process import InProcess
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 1, 0])
    >>> workers = InProcess(2)
    >>> data = parted(workers, Data(X, y), batch_size=4)
    >>> data.rows, data.labels.tolist(), data.select(np.array([5, 0])).at(slice(0, 1)).X.tolist()
    (6, [0, 1, 0, 1, 1, 0], [[10.0, 11.0]])
    >>> workers.close()
    """

    def __init__(
        self,
        parts: Parts,
        name: str,
        lengths: Sequence[int],
        d: int,
        dtype: Any,
        y: NDArray[np.integer],
        sample_weight: NDArray[Any] | None = None,
        numbers: NDArray[np.integer] | None = None,
        row_bytes: int | None = None,
    ) -> None:
        self.parts, self.name, self.lengths = parts, name, tuple(lengths)
        self.y, self.sample_weight, self.numbers = y, sample_weight, numbers
        self.X = PartedMatrix((len(y), d), np.dtype(dtype))
        self.row_bytes = d * self.X.itemsize if row_bytes is None else row_bytes
        self._ends = np.cumsum(self.lengths)
        # Numbers of a part's rows travel with each update.
        self._short = np.min_scalar_type(max(self.lengths))

    def __repr__(self) -> str:
        N, d = self.X.shape
        return f"<{self.rows:,} of {N:,} rows of {d:,} numbers in {self.parts.count} parts>"

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.y) if self.numbers is None else len(self.numbers)

    @property
    def labels(self) -> NDArray[np.integer]:
        """The labels of these rows."""
        return self.y if self.numbers is None else self.y[self.numbers]

    @property
    def weights(self) -> NDArray[Any] | None:
        """The weights of these rows, if there are any."""
        w = self.sample_weight
        return w if w is None or self.numbers is None else w[self.numbers]

    def places(self, rows: Any) -> Any:
        """Where some of these rows are among all: a slice, indices or a mask."""
        return rows if self.numbers is None else self.numbers[rows]

    def select(self, rows: Any) -> PartedData:
        """Some of these rows, a slice, a mask or their numbers; nothing is copied or sent.

        Raises
        ------
        InputError
            If there are no such rows.
        """
        nothing: Any = self.y
        numbers = Data(np.empty((len(self.y), 0)), nothing, None, self.numbers).select(rows).numbers
        return self._with(numbers=numbers)

    def weighted(self, name: str, sample_weight: NDArray[Any]) -> PartedData:
        """Return all these rows with other weights, which the parts have under another name.

        Parameters
        ----------
        name : str
        sample_weight : ndarray of shape (N,)
        """
        if self.numbers is not None:
            raise InputError("weights are given to all rows; select some of them afterwards.")
        pieces = np.split(sample_weight, self._ends[:-1])
        of_part = [(w,) for w in pieces]
        self.parts.keep(_reweighted, self.name, name, of_part=of_part, name=("rows", name))
        return self._with(name=name, sample_weight=sample_weight)

    def digest_of_X(self, digest: Callable[..., str]) -> str:  # noqa: ARG002
        """A digest of X of all rows: that of the digests of the parts, in their order."""
        found = self.parts.each(_digest_of_part, self.name)
        return digest_of_arrays(np.frombuffer("".join(found).encode(), np.uint8))

    def check_finite(self, dtype: Any) -> None:
        """Check that X of these rows is finite in that dtype; see `Data.check_finite`."""
        starts = (self._ends - self.lengths).tolist()
        of_part = [(rows, at) for (rows, _), at in zip(self.pieces(), starts, strict=True)]
        self.parts.each(_check_part, self.name, dtype, of_part=of_part)

    def _with(self, **changes: Any) -> PartedData:
        given = {
            "parts": self.parts, "name": self.name, "lengths": self.lengths, "d": self.X.shape[1],
            "dtype": self.X.dtype, "y": self.y, "sample_weight": self.sample_weight,
            "numbers": self.numbers, "row_bytes": self.row_bytes,
        }  # fmt: skip
        return PartedData(**{**given, **changes})

    def at(self, rows: Any) -> Data:
        """Fetch some of these rows, a slice, or some by their indices or a mask, as `Data`."""
        there = np.arange(len(self.y))[self.places(rows)]
        order, pieces = self.located(there)
        found = [
            X for X in self.parts.each(_rows_of_part, self.name, of_part=pieces) if X is not None
        ]
        X = stacked(found) if found else np.empty((0, self.X.shape[1]), self.X.dtype)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        w = None if self.sample_weight is None else self.sample_weight[there]
        return Data(X[back], self.y[there].astype(np.int64), w)

    def located(
        self, there: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], list[tuple[Any, int]]]:
        """Find rows, given by their numbers among all, in the parts.

        Returns
        -------
        order : ndarray of shape (n,)
            The rows sorted by part, stably.
        pieces : list of (ndarray, int)
            For each part, the numbers of its rows among its own, and the place of the first of them
            in that order.
        """
        # NumPy sorts numbers of 16 bits by their digits, some ten times as fast as longer ones.
        part = np.searchsorted(self._ends, there, side="right").astype(np.uint16)
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=self.parts.count))
        numbers, pieces, first = there[order], [], 0
        for end, last, length in zip(ends.tolist(), self._ends.tolist(), self.lengths, strict=True):
            own = (numbers[first:end] - (last - length)).astype(self._short)
            pieces.append((own, first))
            first = end
        return order, pieces

    def pieces(self, rows: Any = None) -> list[tuple[Any, int]]:
        """`located` for some of these rows, a slice or their indices; None: all.

        Rows that follow one another are slices of the parts: their numbers are not sent.
        """
        if rows is None or (isinstance(rows, slice) and rows == slice(0, self.rows)):
            return self._all_pieces
        there = self.places(rows)
        return self._of_slice(there) if isinstance(there, slice) else self.located(there)[1]

    @cached_property
    def _all_pieces(self) -> list[tuple[Any, int]]:
        if self.numbers is None:
            return self._of_slice(slice(0, self.rows))
        return self.located(self.numbers)[1]

    def _of_slice(self, there: slice) -> list[tuple[Any, int]]:
        pieces, first = [], 0
        for last, length in zip(self._ends.tolist(), self.lengths, strict=True):
            begin = min(max(there.start - (last - length), 0), length)
            end = min(max(there.stop - (last - length), begin), length)
            pieces.append((slice(begin, end), first))
            first += end - begin
        return pieces


def parted(
    transport: Transport, data: Data, batch_size: int | None, name: str = "training"
) -> PartedData:
    """Share out the rows of arrays over workers, in parts of equal sizes.

    Parameters
    ----------
    transport : Transport
    data : Data
        Rows in memory; a selection is copied.
    batch_size : int or None
        That of the training, from which the number of parts follows.
    name : str
        The name of the rows in the memory of the parts.
    """
    count = part_count(data.rows, batch_size or data.rows)
    return share_out(Parts(transport, count), data, name)


def share_out(
    parts: Parts, data: Data, name: str, lengths: Sequence[int] | None = None
) -> PartedData:
    """Share out the rows of arrays over parts that are there already, such as validation rows.

    Parameters
    ----------
    parts : Parts
    data : Data
        Rows in memory; a selection is copied.
    name : str
        The name of the rows in the memory of the parts.
    lengths : sequence of int, optional
        Number of rows of each part; None: about equal numbers, some of which are 0 if there are
        fewer rows than parts.
    """
    data = data if data.numbers is None else data.at(slice(0, data.rows))
    bounds = [data.rows * p // parts.count for p in range(parts.count + 1)]
    if lengths is not None:
        bounds = np.cumsum([0, *lengths]).tolist()
    pieces = [(data.at(slice(*bounds[p : p + 2])),) for p in range(parts.count)]
    parts.keep(_put, name, of_part=pieces, name=("rows", name))
    N, d = data.X.shape
    row_bytes = None
    if is_sparse(data.X):
        row_bytes = 1 + len(data.X.indices) * (data.X.data.itemsize + data.X.indices.itemsize) // N
    return PartedData(
        parts, name, np.diff(bounds).tolist(), d, data.X.dtype, data.y, data.sample_weight,
        row_bytes=row_bytes,
    )  # fmt: skip


def is_none(rows: Any) -> bool:
    """Whether a part has none of the rows, which are a slice of its own or their numbers."""
    return rows.start == rows.stop if isinstance(rows, slice) else not len(rows)


def _put(memory: Memory, name: str, data: Data) -> None:
    memory[name] = data


def _reweighted(memory: Memory, name: str, new: str, sample_weight: NDArray[Any]) -> None:
    if len(sample_weight):
        memory[new] = memory[name]._replace(sample_weight=sample_weight)


def _digest_of_part(memory: Memory, name: str) -> str:
    data = memory.get(name)
    return "" if data is None else str(data.digest_of_X(digest_of_arrays))


def _check_part(memory: Memory, name: str, dtype: Any, rows: Any, first: int) -> None:
    if not is_none(rows):
        memory[name].select(rows).check_finite(dtype, first)


def _rows_of_part(memory: Memory, name: str, rows: Any, _first: int) -> Any:
    return memory[name].X[rows] if len(rows) else None
