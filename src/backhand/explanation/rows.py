"""The rows to explain, as X and Y in float64: arrays, or rows of a table with a model's schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj
from numpy.typing import NDArray

from backhand import validation
from backhand.constraints import Integer, is_integer
from backhand.constraints import check as check_setting
from backhand.engines import is_sparse
from backhand.engines.matrices import check_finite
from backhand.errors import InputError, listed
from backhand.explanation.origins import Origin, origins
from backhand.model import Model, check_encoded, class_names, class_places
from backhand.tables.table import Table
from backhand.training.data import from_lists, host

Array = NDArray[Any]

MOST_ROWS = 1000
"""Rows that are explained at once; of more, some have to be chosen."""

RowChoice = int | Sequence[int] | None


@dataclass(frozen=True)
class Rows:
    """Rows of a model.

    Attributes
    ----------
    X : ndarray of shape (N, d)
    Y : ndarray of shape (N, K)
    names : tuple of str
        What the rows are called, where they are chosen from more.
    features : tuple of str
        The names of the columns of X, if they are known.
    places : ndarray of shape (N,)
        Which of the rows that were given these are.
    count : int
        How many were given.
    origins : tuple of Origin
        Where the columns of X come from, if they are encoded from a table.
    """

    X: Array
    Y: Array
    names: tuple[str, ...]
    features: tuple[str, ...]
    places: NDArray[np.intp]
    count: int
    origins: tuple[Origin, ...] = ()


def rows_of(model: Model, X: Any, y: Any, chosen: RowChoice, target: str | None) -> Rows:
    """Return the rows of arrays, or of a table if the model was trained on one.

    Raises
    ------
    InputError
        If X or y do not fit the model, or there are too many rows.
    """
    is_matrix = isinstance(X, list | tuple) or is_array_api_obj(X) or is_sparse(X)
    if model.schema is not None and not is_matrix:
        return _rows_of_table(model, X, y, chosen, target)
    if target is not None:
        raise InputError("target is for tables, and X is an array; expected the classes as y.")
    if y is None:
        raise InputError("y is missing: expected the class of each row of X.")
    if is_sparse(X):
        raise InputError("X is sparse; expected an array (X.toarray() makes one of few rows).")
    features = _column_names(X) or (() if model.schema is None else tuple(model.schema.features))
    check_encoded(model, host(X))
    matrix = host(from_lists("X", X))
    validation.check_forward(model.params, matrix)
    places = places_of(chosen, len(matrix), "X")
    part = matrix[places].astype(np.float64)
    check_finite(part, np.dtype(np.float64))
    Y = labels_of(model, y, places, len(matrix))
    return Rows(part, Y, _names(chosen, places, "X[{}]", 0), features, places, len(matrix))


def _column_names(X: Any) -> tuple[str, ...]:
    """The names of a data frame's columns."""
    columns = getattr(X, "columns", ())
    return tuple(map(str, columns)) if len(columns) else ()


def _names(chosen: RowChoice, places: NDArray[np.intp], form: str, first: int) -> tuple[str, ...]:
    """What rows are called that are not all: by their number, from that of the first."""
    return () if chosen is None else tuple(form.format(place + first) for place in places)


def places_of(chosen: RowChoice, count: int, source: str) -> NDArray[np.intp]:
    """Return the positions of the chosen rows: the first ones, those named, or all."""
    if chosen is None:
        if count > MOST_ROWS:
            raise InputError(
                f"{source} has {count:,} rows; at most {MOST_ROWS:,} are explained at once. Choose "
                "some, such as the first eight: rows=8 (--rows 8)."
            )
        return np.arange(count)
    if is_integer(chosen):
        check_setting("rows", chosen, Integer(1, MOST_ROWS))
        return np.arange(min(count, int(chosen)))  # type: ignore[arg-type]
    positions: list[Any] = list(chosen) if _is_listed(chosen) else []  # type: ignore[arg-type]
    if not positions or not all(map(is_integer, positions)) or len(positions) > MOST_ROWS:
        raise InputError(
            f"rows is {chosen!r:.60}; expected a number of rows from 1 to {MOST_ROWS:,}, or the "
            "positions of as many."
        )
    wrong = next((place for place in positions if not 0 <= place < count), None)
    if wrong is not None:
        raise InputError(f"row {wrong} does not exist: {source} has rows 0..{count - 1}.")
    return np.array(positions, np.intp)


def _is_listed(chosen: Any) -> bool:
    return isinstance(chosen, Iterable) and not isinstance(chosen, str)


def labels_of(model: Model, y: Any, places: NDArray[np.intp], count: int) -> Array:
    """Return Y (N, K) of some of all rows' classes: indices, names, or rows that sum to 1."""
    K, given = model.sizes[2], _array_of(y)
    if given.ndim == 0 or len(given) != count:
        found = f"{len(given):,} rows" if given.ndim else f"the type {type(y).__name__}"
        raise InputError(f"y has {found}; expected the class of each of the {count:,} rows of X.")
    given = given[places]
    if given.ndim == 2 and given.shape[1] == K and given.dtype.kind in "biuf":
        return checked_shares(given.astype(np.float64))
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim != 1:
        raise InputError(
            f"y is {given.shape}; expected ({count},) classes or ({count}, {K}) one-hot."
        )
    one_hot: Array = np.eye(K)[class_places(model, given.tolist())]
    return one_hot


def _array_of(y: Any) -> Array:
    try:
        return np.asarray(host(y))
    except ValueError as error:
        raise InputError("the rows of y are of several lengths; expected a class each.") from error


def checked_shares(Y: Array) -> Array:
    """Return Y (N, K), if its rows sum to 1.

    Raises
    ------
    InputError
        If one does not, or has a number below 0.
    """
    valid = (Y >= 0).all(axis=1) & np.isclose(Y.sum(axis=1), 1)
    if not valid.all():
        row = int(np.argmin(valid))
        raise InputError(
            f"row {row} of y is {Y[row].tolist()}; expected a one-hot row, or one of numbers of 0 "
            "or more whose sum is 1."
        )
    return Y


def checked_mask(mask: Array) -> Array:
    """Return the mask of dropout, if its numbers can be those of one.

    Raises
    ------
    InputError
        If one is below 0 or not finite.
    """
    if not (np.isfinite(mask) & (mask >= 0)).all():
        raise InputError("mask holds a number below 0, or one that is not finite; expected 0 or "
                         "1/(1-p).")  # fmt: skip
    return mask


def _rows_of_table(model: Model, data: Any, y: Any, chosen: RowChoice, target: str | None) -> Rows:
    """The chosen rows of a table, encoded by the model's schema."""
    from backhand.tables.reading.frames import as_table

    schema = model.schema
    assert schema is not None
    target = schema.target if target is None else target
    needed = {column.name for column in schema.columns} | ({target} if y is None else set())
    with as_table(data, needed, once=True) as table, table.unchanged():
        places, count = places_of(chosen, table.rows, table.source), table.rows
        if y is None:
            X, classes = _encoded(model, table, places, target)
            _check_known(model, classes, places, target, table.source)
            Y: Array = np.eye(model.sizes[2])[classes]
        else:
            X, _ = _encoded(model, table, places, None)
            Y = labels_of(model, y, places, count)
    names = _names(chosen, places, "table row {}", 1)
    return Rows(X, Y, names, tuple(schema.features), places, count, origins(schema))


def _encoded(
    model: Model, table: Table, places: NDArray[np.intp], target: str | None
) -> tuple[Array, NDArray[np.intp]]:
    """X of some rows, and the indices of their classes, -1 for none.

    Reading stops after the last of them.
    """
    from backhand.tables.schema.targets import class_expressions

    schema = model.schema
    assert schema is not None
    names = class_names(model)
    beside = [] if target is None else class_expressions(
        table, target, names, schema.named_missing)[:1]  # fmt: skip
    X = np.empty((len(places), schema.width))
    classes = np.full(len(places), -1, np.intp)
    for rows, part, further in schema.encoded_chunks(table, beside):
        here = (places >= rows.start) & (places < rows.stop)
        X[here] = part[places[here] - rows.start]
        for found in further:
            classes[here] = found[places[here] - rows.start].astype(np.intp)
        if rows.stop > places.max():
            break
    return X, classes


def _check_known(
    model: Model, classes: NDArray[np.intp], places: NDArray[np.intp], target: str, source: str
) -> None:
    if (classes < 0).any():
        row = int(places[int(np.argmin(classes))])
        raise InputError(
            f"row {row + 1} of {source} has no class of the model in column '{target}'; expected "
            f"one of {listed(class_names(model))}. Choose other rows: rows=… (--rows)."
        )
