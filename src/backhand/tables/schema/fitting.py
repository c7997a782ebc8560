"""Fits a schema to the training rows: what each column is, and which are dropped and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError
from backhand.tables.queries import mark
from backhand.tables.schema.category_fitting import MAX_CATEGORIES, fit_category
from backhand.tables.schema.checks import check_no_nul
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.column_kinds import ColumnKinds, kinds_of
from backhand.tables.schema.columns import Category, Column, Date
from backhand.tables.schema.date_orders import date_orders
from backhand.tables.schema.identifiers import identifiers, repeated_ids
from backhand.tables.schema.notes import Note, dropped
from backhand.tables.schema.number_fitting import fit_numbers
from backhand.tables.schema.schema import Schema
from backhand.tables.schema.sentinels import sentinels
from backhand.tables.schema.targets import Target
from backhand.tables.table import Table

ANY = ColumnChoices()
"""Nothing is stated about the columns."""


class Fitted(NamedTuple):
    """A schema, what is to be told of the columns, and what is known of their cells.

    Attributes
    ----------
    schema : Schema
    notes : list of Note
    present : dict of str to int
        Number of cells that are read, in all rows, of columns of which it was counted.
    """

    schema: Schema
    notes: list[Note]
    present: dict[str, int]


def fit_schema(
    table: Table, target: Target, training: NDArray[np.bool_], choices: ColumnChoices = ANY
) -> Fitted:
    """Fit a schema to the training rows, and return it with what is to be told of the columns.

    What a column holds, and whether it names the rows, is decided by all rows.

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
    Fitted

    Raises
    ------
    InputError
        If a named column does not exist, or no column is left.
    """
    choices.check(table, target.name)
    mark(table, training)
    unused = {target.name, *choices.drop}
    features = [i for i, name in enumerate(table.names) if name not in unused]
    schema = Schema(target.name, (), choices.missing)
    kinds = kinds_of(table, features, choices, schema.missing)
    columns, notes = _fitted(table, kinds, training, choices, schema.missing)
    told = [note for _, note in sorted([*kinds.notes, *notes], key=lambda pair: pair[0])]
    if not columns:
        raise _no_column(table, target.name, told)
    check_no_nul(table, [i for i, column in columns.items() if isinstance(column, Category)])
    schema = replace(schema, columns=tuple(columns[i] for i in sorted(columns)))
    return Fitted(schema, told, _present(table, kinds, columns, choices))


def _present(
    table: Table, kinds: ColumnKinds, columns: dict[int, Column], choices: ColumnChoices
) -> dict[str, int]:
    """Return the numbers of cells that are numbers or dates, where the counts of kinds say it."""
    counts = {i: c.numbers for i, c in kinds.counts.items()}
    # Dates were counted in any order of day and month, and those that mean missing too.
    counts |= {i: n for i, n in kinds.dates.items()
               if isinstance(date := columns.get(i), Date) and not date.order
               and choices.missing is None}  # fmt: skip
    return {table.names[i]: n for i, n in counts.items()}


def _fitted(
    table: Table,
    kinds: ColumnKinds,
    training: NDArray[np.bool_],
    choices: ColumnChoices,
    missing: Sequence[str],
) -> tuple[dict[int, Column], list[tuple[int, Note]]]:
    """Return the columns that are used, and what is to be told, each with its place."""
    stated = {*choices.keep, *choices.numeric, *choices.categorical}
    wanted = [i for i in kinds.kinds if table.names[i] in stated]
    doubted = {i: c for i, c in kinds.counts.items() if i not in wanted}
    naming = identifiers(table, doubted)
    notes = [(i, _named(table.names[i], why)) for i, why in naming.items()]
    notes += [(i, dropped(table.names[i], f"holds {table.types[i]} values"))
              for i in kinds.of_kind("other")]  # fmt: skip
    repeated = repeated_ids(table, {i: c for i, c in doubted.items() if i not in naming})
    many = {i for i, things in repeated.items() if things > MAX_CATEGORIES}
    notes += [(i, _naming(table.names[i], things)) for i, things in repeated.items()]
    columns: dict[int, Column] = {}
    for i in sorted({*kinds.of_kind("category"), *repeated} - many):
        category, note = fit_category(table, i, i in wanted, missing, int(training.sum()))
        columns |= {i: category} if category else {}
        notes += [(i, note)] if note else []
    numeric = [i for i in kinds.of_kind("number", "date") if i not in {*naming, *repeated}]
    dates = [i for i in numeric if kinds.kinds[i] == "date"]
    orders, told = date_orders(table, dates, missing, choices.date_order)
    notes += told.items()
    signs = {i: kinds.decimals.get(i, ".") for i in numeric}
    for i, found in fit_numbers(table, signs, orders, training, missing, wanted).items():
        if isinstance(found, Note):
            notes.append((i, found))
        else:
            columns[i] = found
    used = {i: c for i, c in kinds.counts.items() if i in columns}
    return columns, notes + sentinels(table, used)


def _naming(name: str, things: int) -> Note:
    """Return the note of a column that names things in several rows each."""
    together = f"--group '{name}' keeps the rows of one together"
    if things > MAX_CATEGORIES:
        what = f"looks like the identifier of about {things:,} things, in several rows each"
        return dropped(name, what, f"{together}; --keep '{name}' uses it")
    return Note(
        name, "categories", "looks like an identifier: its numbers are categories",
        f"--numeric '{name}' reads them as numbers; {together}",
    )  # fmt: skip


def _named(name: str, why: str) -> Note:
    return dropped(name, why, f"--keep '{name}' uses it")


def _no_column(table: Table, target: str, notes: list[Note]) -> InputError:
    reasons = [f"'{note.column}' {note.what}" for note in notes if note.kind == "dropped"]
    if not reasons:
        return InputError(
            f"{table.source} has no column beside the target '{target}'; a model needs at least one"
            " to predict it from."
        )
    kept = [note.column for note in notes if "--keep" in note.advice]
    option = f"--keep '{kept[0]}' (keep='{kept[0]}')" if kept else ""
    advice = f" To use it all the same, add {option}." if kept else ""
    return InputError(
        f"{table.source} has no usable column beside the target '{target}': {'; '.join(reasons)}."
        f"{advice}"
    )
