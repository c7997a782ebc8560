"""Rows from DuckDB to NumPy and back, through the Arrow C stream interface.

DuckDB exports and imports Arrow streams itself; arro3 turns their batches into NumPy arrays and
arrays into batches. Both ways are lazy: a few batches are in memory, however many rows there are.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.tables.database.connection import arro3, cursor_of

if TYPE_CHECKING:
    import duckdb


class StreamError(Exception):
    """DuckDB's message about a query that failed while its rows were streamed."""


class _Capsule:
    """An Arrow stream that was exported already, as an object that exports it."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._capsule


def read_arrays(
    connection: duckdb.DuckDBPyConnection, query: str, columns: int, length: int
) -> Iterator[list[NDArray[Any]]]:
    """Run a query and return its columns as arrays (n,), with n = `length` except at the end.

    DuckDB cuts batches at the borders of row groups, too, if it reads with several threads; these
    are joined into arrays of one length. A batch of that length is not copied: its arrays are
    views, read-only, of the memory that DuckDB exported.

    Parameters
    ----------
    connection : duckdb connection
        A cursor is made from it: a stream ends when its connection runs another statement.
    query : str
        Its columns hold numbers, which are nan where they are NULL, or booleans without NULL.
    columns : int
        The number of its columns.
    length : int
        Rows of each array.

    Raises
    ------
    StreamError
        If DuckDB fails.
    """
    pieces: list[list[NDArray[Any]]] = [[] for _ in range(columns)]
    lacking = length
    for batch in _batches(connection, query, length):
        values = [_to_numpy(column) for column in batch.columns]
        rows, start = batch.num_rows, 0
        while start < rows:
            n = min(rows - start, lacking)
            for column, x in zip(pieces, values, strict=True):
                column.append(x[start : start + n])
            start, lacking = start + n, lacking - n
            if not lacking:
                yield [_joined(column) for column in pieces]
                lacking = length
    if lacking < length:
        yield [_joined(column) for column in pieces]


def _joined(pieces: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the pieces as one array, and release them."""
    whole = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    pieces.clear()
    return whole


def _batches(
    connection: duckdb.DuckDBPyConnection, query: str, rows: int
) -> Iterator[arro3.RecordBatch]:
    """Run a query and return its result in batches of at most that many rows."""
    try:
        # `__arrow_c_stream__` exports batches of 131,072 rows, whatever their width; DuckDB's own
        # `to_arrow_reader(rows)` passes their size in this way, and then imports pyarrow.
        exported = cursor_of(connection).sql(query)._submit("stream", rows)
        yield from arro3.RecordBatchReader.from_arrow(_Capsule(exported.arrow_capsule()))
    except Exception as error:  # DuckDB's own, a RuntimeError, or arro3's, of class Exception
        raise StreamError(str(error).removeprefix("C Data interface error: ")) from error


class _ArrowArray(ctypes.Structure):
    """The beginning of `struct ArrowArray` of the Arrow C data interface."""

    _fields_ = (
        ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    )  # fmt: skip


_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _to_numpy(column: arro3.Array) -> NDArray[Any]:
    """Return a column of numbers, with nan for NULL; integers become doubles then.

    arro3 0.9 copies an array without NULLs, does not convert one with NULLs, and has no function
    that finds them, so the values and the validity bits are read from the memory that it exports.
    Booleans, which are bits there, are copied.
    """
    dtype = column.slice(0, 0).to_numpy().dtype
    if dtype.kind == "b" or not len(column):
        return column.to_numpy()
    _, capsule = column.__arrow_c_array__()
    array = _ArrowArray.from_address(_pointer(capsule, b"arrow_array"))
    end = array.offset + array.length
    x = _view(array.buffers[1], end * dtype.itemsize, capsule).view(dtype)[array.offset :]
    if column.null_count:
        bits = _view(array.buffers[0], -(-end // 8), capsule)
        present = np.unpackbits(bits, count=end, bitorder="little")[array.offset :]
        x = x.astype(dtype if dtype.kind == "f" else np.float64)
        x[present == 0] = np.nan
    return x


def _view(address: int, size: int, owner: Any) -> NDArray[Any]:
    """Return bytes of memory as a read-only array, which keeps a reference to their owner."""
    memory = (ctypes.c_uint8 * size).from_address(address)
    memory.owner = owner  # type: ignore[attr-defined]
    x: NDArray[Any] = np.ctypeslib.as_array(memory)
    x.flags.writeable = False
    return x


def stream(
    names: Sequence[str],
    contents: Sequence[np.dtype[Any] | NDArray[np.str_]],
    chunks: Iterable[Sequence[NDArray[Any]]],
) -> arro3.RecordBatchReader:
    """Return chunks of arrays as what a connection can `register`: DuckDB reads each once.

    Parameters
    ----------
    names : sequence of str
        Column names.
    contents : sequence of dtype or array
        For a column of numbers its dtype; for a column of texts the distinct texts (K,), and its
        arrays are positions in them. (Each text is converted once, not once per row.)
    chunks : iterable of lists of arrays (n,)
        One array per column. The iterable advances as DuckDB reads the rows, in whichever thread
        DuckDB does so; what it raises becomes a DuckDB error.
    """
    texts = [arro3.Array.from_numpy(x) if isinstance(x, np.ndarray) else None for x in contents]
    schema = arro3.Schema([
        arro3.Field(name, (arro3.Array.from_numpy(np.empty(0, x)) if t is None else t).type)
        for name, x, t in zip(names, contents, texts, strict=True)
    ])  # fmt: skip

    def batch(arrays: Sequence[NDArray[Any]]) -> arro3.RecordBatch:
        columns = [arro3.Array.from_numpy(np.ascontiguousarray(x)) for x in arrays]
        taken = [c if t is None else t.take(c) for t, c in zip(texts, columns, strict=True)]
        return arro3.RecordBatch.from_arrays(taken, schema=schema)

    return arro3.RecordBatchReader.from_batches(schema, map(batch, chunks))
