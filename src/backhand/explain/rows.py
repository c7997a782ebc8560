"""The rows to explain, as X and Y in float64: arrays, or rows of a table with a model's schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj
from numpy.typing import NDArray

from backhand import validation
from backhand.constraints import is_integer
from backhand.engines import is_sparse
from backhand.errors import InputError, listed
from backhand.model import Model, class_names
from backhand.tables.table import Table
from backhand.training.data import check_finite, from_lists, host

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
    """

    X: Array
    Y: Array
    names: tuple[str, ...]
    features: tuple[str, ...]
    places: NDArray[np.intp]


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
    matrix = host(from_lists("X", X))
    validation.check_forward(model.params, matrix)
    places = places_of(chosen, len(matrix), "X")
    matrix = matrix[places].astype(np.float64)
    check_finite(matrix, np.dtype(np.float64))
    Y = labels_of(model, y, chosen, places)
    names = tuple(f"row {place}" for place in places) if chosen is not None else ()
    return Rows(matrix, Y, names, features, places)


def _column_names(X: Any) -> tuple[str, ...]:
    """The names of a data frame's columns."""
    columns = getattr(X, "columns", ())
    return tuple(map(str, columns)) if len(columns) else ()


def places_of(chosen: RowChoice, count: int, source: str) -> NDArray[np.intp]:
    """Return the positions of the chosen rows: the first ones, those named, or all."""
    if chosen is None:
        if count > MOST_ROWS:
            raise InputError(
                f"{source} has {count:,} rows; at most {MOST_ROWS:,} are explained at once. Choose "
                "some, such as the first eight: rows=8 (--rows 8)."
            )
        return np.arange(count)
    numbers = range(chosen) if is_integer(chosen) else chosen  # type: ignore[arg-type]
    try:
        places = [int(place) for place in numbers if is_integer(place)]  # type: ignore[union-attr]
    except TypeError:
        places = []
    if isinstance(chosen, str) or not places or len(places) < len(numbers):  # type: ignore[arg-type]
        raise InputError(
            f"rows is {chosen!r}; expected a number of rows, 1 or more, or the positions of some."
        )
    if len(places) > MOST_ROWS:
        raise InputError(f"rows are {len(places):,}; expected {MOST_ROWS:,} or fewer.")
    wrong = next((place for place in places if not 0 <= place < count), None)
    if is_integer(chosen) and wrong is not None:
        return np.arange(count)
    if wrong is not None:
        raise InputError(f"row {wrong} does not exist: {source} has rows 0..{count - 1}.")
    return np.array(places, np.intp)


def labels_of(model: Model, y: Any, chosen: RowChoice, places: NDArray[np.intp]) -> Array:
    """Return Y (N, K) of class indices, names of classes or rows that sum to 1, of these rows.

    y belongs to all rows, or to the chosen ones alone.
    """
    K = model.sizes[2]
    given = np.asarray(host(y))
    if given.ndim == 0:
        raise InputError(f"y is a {type(y).__name__}; expected the class of each row of X.")
    if chosen is None and len(given) != len(places):
        raise InputError(f"y has {len(given):,} rows for {len(places):,} of X; expected as many.")
    if len(given) != len(places) or chosen is not None and len(given) > int(places.max()):
        if len(given) <= int(places.max()):
            raise InputError(f"y has {len(given):,} rows; expected one for each row of X.")
        given = given[places]
    if given.ndim == 2 and given.shape[1] == K and given.dtype.kind in "biuf":
        return _checked_shares(given.astype(np.float64))
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim != 1:
        raise InputError(
            f"y is {given.shape}; expected ({len(places)},) classes or ({len(places)}, {K}) one-hot."
        )
    one_hot: Array = np.eye(K)[_indices(model, given.tolist())]
    return one_hot


def _checked_shares(Y: Array) -> Array:
    """Y (N, K) of rows that sum to 1."""
    if not (Y >= 0).all() or not np.allclose(Y.sum(axis=1), 1):
        row = int(np.argmin((Y >= 0).all(axis=1) & np.isclose(Y.sum(axis=1), 1)))
        raise InputError(f"row {row} of y is {Y[row].tolist()}; expected one-hot, or a sum of 1.")
    return Y


def _indices(model: Model, labels: Sequence[Any]) -> list[int]:
    """The indices of classes that are given by their names, as texts or not, or as indices."""
    K = model.sizes[2]
    for known in (list(model.classes), class_names(model)):
        of = {name: k for k, name in enumerate(known)}
        if all(label in of for label in labels):
            return [of[label] for label in labels]
    if all(is_integer(label) and 0 <= label < K for label in labels):
        return [int(label) for label in labels]
    named = set(class_names(model))
    row = next(r for r, label in enumerate(labels)
               if str(label) not in named and not (is_integer(label) and 0 <= label < K)
               or r == len(labels) - 1)  # fmt: skip
    raise InputError(
        f"the class of row {row} is {labels[row]!r}; expected one of {listed(class_names(model))}, "
        f"or an index in 0..{K - 1}."
    )


def _rows_of_table(model: Model, data: Any, y: Any, chosen: RowChoice, target: str | None) -> Rows:
    """The chosen rows of a table, encoded by the model's schema."""
    from backhand.tables.reading.frames import as_table

    schema = model.schema
    assert schema is not None
    target = schema.target if target is None else target
    needed = {column.name for column in schema.columns}
    with as_table(data, None if y is None else needed, once=True) as table, table.unchanged():
        places = places_of(chosen, table.rows, table.source)
        X, found = _encoded(model, table, places, target if y is None else None)
        names = tuple(f"row {place}" for place in places)
        if y is None:
            _check_known(model, found, places, target, table)
            Y: Array = np.eye(model.sizes[2])[found]
        else:
            Y = labels_of(model, y, chosen, places)
    return Rows(X, Y, names if chosen is not None else (), tuple(schema.features), places)


def _encoded(
    model: Model, table: Table, places: NDArray[np.intp], target: str | None
) -> tuple[Array, NDArray[np.intp]]:
    """X of some rows, and their class indices, -1 for none; reading stops after the last of them."""
    from backhand.tables.schema.targets import class_expressions

    schema = model.schema
    assert schema is not None
    beside = [] if target is None else class_expressions(
        table, target, class_names(model), schema.named_missing)[:1]  # fmt: skip
    X = np.empty((len(places), schema.width))
    classes = np.full(len(places), -1, np.intp)
    for rows, part, further in schema.encoded_chunks(table, beside):
        here = (places >= rows.start) & (places < rows.stop)
        X[here] = part[places[here] - rows.start]
        if further:
            classes[here] = further[0][places[here] - rows.start].astype(np.intp)
        if rows.stop > places.max():
            break
    return X, classes


def _check_known(
    model: Model, found: NDArray[np.intp], places: NDArray[np.intp], target: str, table: Table
) -> None:
    if (found < 0).any():
        row = int(places[int(np.argmin(found))])
        raise InputError(
            f"row {row + 1} of {table.source} has no known class in column '{target}'; expected "
            f"one of {listed(class_names(model))}. Choose other rows."
        )
