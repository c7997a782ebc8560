"""Data in memory as a table: data frames of pandas, polars and Arrow, and dicts of columns.

Every column becomes a NumPy array that DuckDB reads without any of these libraries. A cell means
what it would mean in a Parquet file: numbers, booleans and times keep their type; texts, and
numbers beside missing values that NumPy's integers cannot hold, become texts.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, listed
from backhand.support.memory_budget import budget
from backhand.tables.database.connection import connect
from backhand.tables.reading.column_names import numbered
from backhand.tables.reading.reader import read_table
from backhand.tables.table import Table

EXPECTED = (
    "expected a data frame of pandas, polars or Arrow, a dict of columns, the path of a file, or a "
    "Table of `backhand.read_table`"
)

NUMBERS = frozenset({int, float})


@contextmanager
def as_table(
    data: Any,
    columns: Collection[str] | None = None,
    *,
    unused: Collection[str] = (),
    query: str | None = None,
    reading: Mapping[str, Any] | None = None,
    memory: int | None = None,
    once: bool = False,
) -> Iterator[Table]:
    """Give a table of whatever holds one; what is opened for it is closed afterwards.

    Parameters
    ----------
    data : Table, path, mapping of columns, or data frame of pandas, polars or Arrow
    columns : collection of str, optional
        The columns that are needed; by default all. The others are there by name only: they may
        hold anything.
    unused : collection of str
        Columns that are not needed, where `columns` is None.
    query : str, optional
        A query on a file.
    reading : mapping, optional
        What is stated about a file, as `read_table` takes it.
    memory : int, optional
        Maximum memory of the table in bytes.
    once : bool
        The rows will be read only once.

    Raises
    ------
    InputError
        If `data` is not one of these, or a column has a type that a table cannot hold.
    MissingFileError
        If there is no file by that name.
    """
    stated = {name: value for name, value in {"query": query, **(reading or {})}.items()
              if value is not None}  # fmt: skip
    if stated and not isinstance(data, str | PathLike | None):
        raise InputError(
            f"{next(iter(stated))}= is for files, and the data is of type {type(data).__name__}."
        )
    if isinstance(data, Table):
        yield data
        return
    if isinstance(data, str | PathLike) or query is not None:
        path = None if data is None else str(data)
        table = read_table(path, **stated, memory=memory, once=once)
    else:
        table = _loaded(_columns(data), called(data), columns, unused)
    table.warn_of_remarks()
    try:
        yield table
    finally:
        table.close()


def called(data: Any) -> str:
    """Return what messages call a table in memory."""
    return "the dict" if isinstance(data, Mapping) else "the data frame"


def _columns(data: Any) -> list[tuple[str, Any]]:
    """Names and columns, in order."""
    library = _library(data)
    if isinstance(data, Mapping):
        return [(str(name), column) for name, column in data.items()]
    if library == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns"):
        return [(str(name), data.iloc[:, i]) for i, name in enumerate(data.columns)]
    if library == "polars" and hasattr(data, "get_columns"):
        return [(column.name, column) for column in data.get_columns()]
    if library == "pyarrow" and hasattr(data, "column_names"):
        return list(zip(data.column_names, data.columns, strict=True))
    raise InputError(f"the data is of type {type(data).__name__}; {EXPECTED}.")


def _library(value: Any) -> str:
    """The library whose class, or a subclass of it, the value is; nothing for any other."""
    homes = {kind.__module__.split(".")[0] for kind in type(value).__mro__}
    return next((name for name in ("pandas", "polars", "pyarrow") if name in homes), "")


def _loaded(
    found: list[tuple[str, Any]],
    source: str,
    needed: Collection[str] | None,
    unused: Collection[str],
) -> Table:
    """The table whose `rows` are these columns; NULL in place of those that are not needed."""
    names, remarks = numbered([name for name, _ in found], source)
    loaded = set(names).difference(unused) if needed is None else needed
    columns = zip(names, (column for _, column in found), strict=True)
    arrays = {name: _array(name, column) for name, column in columns if name in loaded}
    if not arrays:
        wanted = "; a table needs at least one" if needed is None else (
            f" that the model was trained with, which are {listed(needed)}"
        )  # fmt: skip
        raise InputError(f"{source} has no column{wanted}.")
    (first, rows), *others = [(name, len(array)) for name, array in arrays.items()]
    for name, length in others:
        if length != rows:
            raise InputError(
                f"column '{first}' of {source} has {rows:,} rows and column '{name}' {length:,}; "
                "expected one length."
            )
    if not rows:
        raise InputError(f"{source} has no rows; a table needs at least one.")
    connection = connect(budget(None), None)
    connection.register("frame", {f"c{names.index(name)}": arrays[name] for name in arrays})
    cells = [f"c{i}" if name in arrays else f"NULL AS c{i}" for i, name in enumerate(names)]
    connection.execute(f"CREATE TABLE rows AS SELECT {', '.join(cells)} FROM frame")
    connection.unregister("frame")
    table = Table(connection, names, source)
    table.remarks += remarks
    return table


def _array(name: str, column: Any) -> NDArray[Any]:
    """A column as an array whose dtype DuckDB has: a number, a bool, a time, or texts and None."""
    library = _library(column)
    if library == "pandas" and hasattr(column, "dtype"):
        return _of_pandas(name, column)
    if library == "polars" and hasattr(column, "null_count"):
        return _of_polars(name, column)
    if library == "pyarrow" and hasattr(column, "null_count"):
        return _of_arrow(name, column)
    if isinstance(column, np.ndarray):
        return _of_numpy(name, column)
    if isinstance(column, str | bytes) or not isinstance(column, Iterable):
        raise InputError(
            f"column '{name}' is of type {type(column).__name__}; expected a sequence of values, "
            f"such as [{column!r:.30}] for one row."
        )
    return _of_values(name, list(column))


def _of_pandas(name: str, column: Any) -> NDArray[Any]:
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return _of_numpy(name, column.to_numpy())
    native = getattr(dtype, "numpy_dtype", None)  # of pandas' own numbers that may be missing
    if isinstance(native, np.dtype) and native.kind == "f":
        return _of_numpy(name, column.to_numpy(dtype=native, na_value=np.nan))
    present = column.notna().tolist()
    values = zip(column.astype(object).tolist(), present, strict=True)
    return _of_values(name, [value if there else None for value, there in values])


def _of_polars(name: str, column: Any) -> NDArray[Any]:
    if column.dtype.is_float():
        return _of_numpy(name, column.fill_null(float("nan")).to_numpy())
    if column.dtype.is_integer() and not column.null_count():
        return _of_numpy(name, column.to_numpy())
    return _of_values(name, column.to_list())


def _of_arrow(name: str, column: Any) -> NDArray[Any]:
    kind = str(column.type)
    whole = kind.lstrip("u").startswith("int") and not column.null_count
    if whole or kind in ("float", "double", "halffloat"):
        return _of_numpy(name, np.asarray(column))
    return _of_values(name, column.to_pylist())


def _of_numpy(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 1:
        raise InputError(f"column '{name}' has {array.ndim} dimensions; expected 1.")
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        return array.astype(np.float32 if size <= 4 else np.float64)
    if kind in "biu":
        return array.astype(array.dtype.newbyteorder("="))
    if kind == "M":
        return array.astype("datetime64[us]")
    return _of_values(name, array.tolist())


def _of_values(name: str, values: list[Any]) -> NDArray[Any]:
    """Python's values: as they are if all are numbers, booleans or times, else as texts or None."""
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    values = [None if _is_missing(value) else value for value in values]
    present = [value for value in values if value is not None]
    kinds = set(map(type, present))
    if kinds and (kinds <= NUMBERS or kinds == {bool}):
        absent = np.nan if float in kinds else False
        array = np.array([absent if value is None else value for value in values])
        if array.dtype.kind in "fiub" and (array.dtype.kind == "f") == (float in kinds):
            gaps = [value is None for value in values]
            return np.ma.array(array, mask=gaps) if any(gaps) and float not in kinds else array
    if kinds and all(issubclass(kind, datetime.datetime) for kind in kinds):
        return np.array([value and _in_utc(value) for value in values], "datetime64[us]")
    texts = np.empty(len(values), object)
    texts[:] = [None if value is None else _text(name, i, value) for i, value in enumerate(values)]
    return texts


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":  # of pandas, which compares to nothing
        return True
    return bool(isinstance(value, float | datetime.datetime) and value != value)


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(datetime.UTC).replace(tzinfo=None)


def _text(name: str, row: int, value: Any) -> str:
    """A value as a file of texts would spell it."""
    if isinstance(value, str | bool | int | float | datetime.date | datetime.time):
        return str(value)
    if isinstance(value, decimal.Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    raise InputError(
        f"column '{name}' holds a {type(value).__name__} in row {row + 1}; expected "
        "numbers, texts, booleans, dates or times."
    )
