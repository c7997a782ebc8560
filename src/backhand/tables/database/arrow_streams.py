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

from backhand.tables.database.connection import arro3

if TYPE_CHECKING:
    import duckdb

BATCH_VALUES = 2**19
"""Maximum number of values in one batch that DuckDB exports: 4 MB of doubles."""


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

    DuckDB cuts batches at the borders of row groups, too, if it reads with several threads; here
    the rows are copied into arrays of one length.

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
    for batch in _batches(connection, query, max(1, min(length, BATCH_VALUES // columns))):
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
    """Return the pieces as one array, and let go of them."""
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
        exported = connection.cursor().sql(query)._submit("stream", rows)
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
    """Return a copy of a column of numbers, with nan for NULL; integers become doubles then.

    arro3 0.9 does not convert an array with NULLs and has no function that finds them, so the
    validity bits are read from the memory that it exports.
    """
    if not column.null_count:
        return column.to_numpy()
    dtype = column.slice(0, 0).to_numpy().dtype
    _, capsule = column.__arrow_c_array__()  # which keeps the buffers
    array = _ArrowArray.from_address(_pointer(capsule, b"arrow_array"))
    end = array.offset + array.length
    bits = (ctypes.c_uint8 * (-(-end // 8))).from_address(array.buffers[0])
    values = (ctypes.c_uint8 * (end * dtype.itemsize)).from_address(array.buffers[1])
    present = np.unpackbits(np.ctypeslib.as_array(bits), count=end, bitorder="little")
    x: NDArray[Any] = np.ctypeslib.as_array(values).view(dtype)[array.offset :]
    x = x.astype(dtype if dtype.kind == "f" else np.float64)
    x[present[array.offset :] == 0] = np.nan
    return x


def stream(
    names: Sequence[str], dtypes: Sequence[np.dtype[Any]], chunks: Iterable[Sequence[NDArray[Any]]]
) -> arro3.RecordBatchReader:
    """Return chunks of arrays as what a connection can `register`: DuckDB reads each once.

    Parameters
    ----------
    names, dtypes : sequences
        Of the columns. A dtype is one of numbers or of texts ("U").
    chunks : iterable
        Of lists of arrays (n,), one per column. It advances as DuckDB reads the rows, in whichever
        thread DuckDB does so; what it raises becomes a DuckDB error.
    """
    types = [arro3.Array.from_numpy(np.empty(0, dtype)).type for dtype in dtypes]
    fields = [arro3.Field(name, kind) for name, kind in zip(names, types, strict=True)]
    schema = arro3.Schema(fields)
    batches = (
        arro3.RecordBatch.from_arrays(
            [arro3.Array.from_numpy(np.ascontiguousarray(x)) for x in arrays], schema=schema
        )
        for arrays in chunks
    )
    return arro3.RecordBatchReader.from_batches(schema, batches)
