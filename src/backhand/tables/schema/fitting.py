"""Fits a schema to the training rows: what each column is, and which are dropped and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.tables.queries import mark
from backhand.tables.schema.category_fitting import fit_category
from backhand.tables.schema.checks import check_no_nul
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.column_kinds import kinds_of
from backhand.tables.schema.columns import Column
from backhand.tables.schema.date_orders import date_orders
from backhand.tables.schema.decimal_signs import decimals_of
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.schema.number_fitting import fit_numbers
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.targets import Target
from backhand.tables.table import Table

ANY = ColumnChoices()
"""Nothing is stated about the columns."""


def fit_schema(
    table: Table, target: Target, training: NDArray[np.bool_], choices: ColumnChoices = ANY
) -> tuple[Schema, list[Note]]:
    """Fit a schema to the training rows, and return it with what is to be told of the columns.

    Whether a column of texts holds numbers, dates or names is decided by all rows.

    Parameters
    ----------
    table : Table
    target : Target
        Its column is not a feature.
    training : (N,) bool
        The rows to fit to.
    choices : ColumnChoices
        What the user stated about the columns.

    Returns
    -------
    (Schema, list of Note)

    Raises
    ------
    InputError
        If a named column does not exist, or no column is left.
    """
    choices.check(table, target.name)
    mark(table, training)
    columns: dict[int, Column | Note] = {}
    numeric: list[int] = []
    unused = {target.name, *choices.drop}
    features = [i for i, name in enumerate(table.names) if name not in unused]
    fitted = Schema(target.name, (), choices.missing)
    decimals = decimals_of(table, features, fitted.missing, choices.decimal)
    kinds = kinds_of(table, features, choices.categorical, fitted.missing, decimals)
    check_no_nul(table, [i for i in features if kinds[i] == "category"])
    for i in features:
        name = table.names[i]
        if kinds[i] == "category":
            columns[i] = fit_category(table, i, name in choices.categorical, fitted.missing)
        elif kinds[i] == "other":
            columns[i] = dropped(name, f"holds {table.types[i]} values")
        else:
            numeric.append(i)
    dates = [i for i in numeric if kinds[i] == "date"]
    orders, told = date_orders(table, dates, fitted.missing, choices.date_order)
    columns |= fit_numbers(table, numeric, orders, decimals, training, fitted.missing)
    ordered = [columns[i] for i in sorted(columns)]
    used = tuple(column for column in ordered if not isinstance(column, Note))
    notes = [note for i in sorted(columns) for note in (columns[i], told.get(i))
             if isinstance(note, Note)]  # fmt: skip
    if not used:
        reasons = "; ".join(f"{note.column} {note.what}" for note in notes)
        raise InputError(
            f"{table.source} has no usable column beside the target '{target.name}'"
            f"{': ' if reasons else ''}{reasons}."
        )
    return replace(fitted, columns=used), notes
