"""Learning a schema from the training rows: what each column is, and what is dropped and why."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import BackhandWarning, InputError, listed
from backhand.tables.schema import (
    SEPARATED,
    Category,
    Column,
    Date,
    Number,
    Schema,
    as_category,
    check_no_nul,
    check_numeric_text,
)
from backhand.tables.table import CHOSEN, Table, numbers

MOST_CATEGORIES = 1000
"""Categories kept of one column, the most frequent ones."""

REGRESSION_VALUES = 100
"""A numeric target with more distinct values than this looks like regression."""

MOSTLY_NUMBERS = 0.9
"""From this share of numbers on, a text in a column is taken for a mistake."""


@dataclass(frozen=True)
class Target:
    """The column to predict: its classes, and y (N,) with -1 where the target is missing.

    y is of the narrowest dtype that holds them: it is in memory however large the table is.
    """

    name: str
    classes: list[str]
    y: NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Dropped:
    """A column that is not used, and why."""

    name: str
    why: str


def read_target(table: Table, name: str, *, categorical: bool = False) -> Target:
    """The classes of the target column, in order, and each row's.

    Raises
    ------
    InputError
        If there is no such column, or it holds fewer than two classes, or looks like a quantity.
    """
    column = table.index(name, "target column")
    if table.family(column) == "other":
        raise InputError(
            f"the target '{name}' holds {table.types[column]} values; expected texts "
            "or whole numbers."
        )
    check_no_nul(table, [column])
    text = table.text(column)
    numeric = table.family(column) == "number"
    order = f"min({table.number(column)})" if numeric else "v"
    found = table.all(
        f"SELECT {text} AS v, count(*) AS n FROM rows WHERE {text} IS NOT NULL "
        f"GROUP BY v ORDER BY {order}"
    )
    classes = [str(value) for value, _ in found]
    _check_classes(name, classes, sum(count for _, count in found), numeric and not categorical)
    y = np.empty(table.rows, np.min_scalar_type(-len(classes)))
    for rows, (indices, _) in table.arrays(class_of(table, name, classes)):
        y[rows] = indices
    return Target(name, classes, y)


def class_of(table: Table, target: str, classes: Sequence[str]) -> list[str]:
    """SQL for a row's class as an index, -1 for none of `classes`; and for whether it has one."""
    text = table.text(table.index(target, "target column"))
    return [f"coalesce({table.codes(text, classes)}, -1)", f"{text} IS NOT NULL"]


def _check_classes(name: str, classes: list[str], rows: int, numeric: bool) -> None:
    if not classes:
        raise InputError(f"the target '{name}' is missing in every row.")
    if len(classes) == 1:
        raise InputError(
            f"the target '{name}' has one class only, '{classes[0]}'; a classifier "
            "needs two or more."
        )
    too_many = len(classes) > max(10, rows / 2)
    if numeric and (too_many or len(classes) > REGRESSION_VALUES):
        raise InputError(
            f"the target '{name}' is numeric with {len(classes)} distinct values, "
            "which looks like regression; Backhand classifies. If these numbers are "
            f"class labels, say so with --categorical '{name}'."
        )
    if too_many:
        raise InputError(
            f"the target '{name}' has {len(classes)} classes in {rows} rows, too many "
            "to learn from; is it an identifier or free text?"
        )


def tell_doubts(classes: dict[str, int]) -> None:
    """Warn of classes (with their rows) that may be mistakes: spelled alike, or of one row."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(" ".join(name.split()).casefold(), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            warnings.warn(
                f"the classes {listed(names)} differ by upper and lower case or by spaces only, "
                "and count as different ones; mend them if they are the same.",
                BackhandWarning,
                stacklevel=3,
            )
    single = [name for name, rows in classes.items() if rows == 1]
    if single:
        who = "the classes {} have" if len(single) > 1 else "the class {} has"
        warnings.warn(
            f"{who.format(listed(single))} one row only, so none is held out to judge by.",
            BackhandWarning,
            stacklevel=3,
        )


def learn_schema(
    table: Table,
    target: Target,
    training: NDArray[np.bool_],
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
) -> tuple[Schema, list[Dropped]]:
    """What each column is, learned on the training rows only, and the columns that are not used.

    Parameters
    ----------
    table : Table
    target : Target
        Its column is not a feature.
    training : (N,) bool
        The rows to learn from.
    drop, categorical : sequences of str
        Columns not to use; columns whose numbers are names.

    Raises
    ------
    InputError
        If a named column does not exist, a value is infinite, a column holds numbers but for a few
        texts, or no column is left.
    """
    for name in (*drop, *categorical):
        table.index(name)
        if name in drop and name in categorical:
            raise InputError(f"column '{name}' cannot be both dropped and categorical.")
    table.mark(training)
    columns: dict[int, Column | Dropped] = {}
    numbers: list[int] = []
    unused = {target.name, *drop}
    features = [i for i, name in enumerate(table.names) if name not in unused]
    check_no_nul(table, features)
    in_text = _numbers_in_text(table, features)
    for i in features:
        name = table.names[i]
        kind = _kind(table, i, name in categorical, in_text)
        if kind == "category":
            columns[i] = _learn_category(table, i, name in categorical)
        elif kind == "other":
            columns[i] = Dropped(name, f"holds {table.types[i]} values")
        else:
            numbers.append(i)
    columns |= _learn_numbers(table, numbers, training)
    ordered = [columns[i] for i in sorted(columns)]
    used = tuple(column for column in ordered if not isinstance(column, Dropped))
    dropped = [column for column in ordered if isinstance(column, Dropped)]
    if not used:
        raise InputError(
            f"no column of {table.source} is left to learn from beside the target "
            f"'{target.name}': {'; '.join(f'{d.name} {d.why}' for d in dropped)}."
        )
    return Schema(target.name, used), dropped


def _kind(table: Table, column: int, categorical: bool, in_text: set[int]) -> str:
    family = table.family(column)
    if family == "other":
        return "other"
    if categorical:
        return "category"
    if column in in_text:
        check_numeric_text(table, column)
        return "number"
    return "category" if family == "text" else family


def _numbers_in_text(table: Table, columns: Sequence[int]) -> set[int]:
    """The text columns that are really of numbers, a few mistakes apart."""
    texts = [i for i in columns if table.types[i] == "VARCHAR"]
    present = table.totals([f"count(c{i})" for i in texts], CHOSEN)
    numeric = table.totals([
        f"count(CASE WHEN TRY_CAST(c{i} AS DOUBLE) IS NOT NULL "
        f"OR regexp_full_match(trim(c{i}), $number) THEN 1 END)"
        for i in texts
    ], CHOSEN, number=SEPARATED)  # fmt: skip
    found = zip(texts, present, numeric, strict=True)
    return {i for i, n, alike in found if alike and alike >= MOSTLY_NUMBERS * n}


def _learn_category(table: Table, column: int, wanted: bool) -> Category | Dropped:
    """The categories of a column by falling frequency, unless it says nothing or too much."""
    name, text = table.names[column], as_category(table, column)
    # All that is asked of a column with millions of values is how many there are.
    found = table.all(
        f"SELECT v, count(v) OVER (), sum(n) FILTER (v IS NOT NULL) OVER (), count(*) OVER () "
        f"FROM (SELECT {text} AS v, count(*) AS n FROM {CHOSEN} GROUP BY v) "
        f"ORDER BY v IS NULL, n DESC, v LIMIT {MOST_CATEGORIES}"
    )
    distinct, present, groups = map(int, (x or 0 for x in found[0][1:])) if found else (0, 0, 0)
    missing = distinct < groups
    if not distinct:
        return Dropped(name, "is missing in every training row")
    if distinct == 1 and not missing:
        return Dropped(name, f"is constant ('{found[0][0]}')")
    if not wanted and distinct > max(2, present / 2):
        return Dropped(
            name,
            f"has {distinct} distinct values in {present} rows, like an identifier or free text",
        )
    categories = sorted(str(value) for value, *_ in found if value is not None)
    return Category(name, tuple(categories), missing)


def _learn_numbers(
    table: Table, columns: list[int], training: NDArray[np.bool_]
) -> dict[int, Column | Dropped]:
    """Mean and standard deviation of number columns, summed in one order: the same on every run."""
    n, missing, mean, square = (np.zeros(len(columns)) for _ in range(4))
    for rows, arrays in table.arrays([table.number(i) for i in columns]) if columns else ():
        keep = training[rows]
        for j, values in enumerate(arrays):
            x = numbers(table, columns[j], values, rows.start)[keep]
            present = x[~np.isnan(x)]
            missing[j] += len(x) - len(present)
            if len(present):
                # Chan, Golub and LeVeque (1979), eq. 2.1: merge the moments of two sets of rows.
                # What overflows here is told by `_number`.
                with np.errstate(over="ignore", invalid="ignore"):
                    delta, total = present.mean() - mean[j], n[j] + len(present)
                    between = delta**2 * n[j] * len(present) / total
                    square[j] += present.var() * len(present) + between
                    mean[j] += delta * len(present) / total
                n[j] = total
    learned: dict[int, Column | Dropped] = {}
    for j, i in enumerate(columns):
        kind = Date if table.family(i) == "date" else Number
        learned[i] = _number(kind, table.names[i], n[j], missing[j], mean[j], square[j])
    return learned


def _number(
    kind: type[Number], name: str, n: float, missing: float, mean: float, square: float
) -> Number | Dropped:
    if not n:
        return Dropped(name, "is missing in every training row")
    std = float(np.sqrt(square / n))
    if not np.isfinite(std):
        raise InputError(
            f"the numbers of column '{name}' are too large to be standardised; scale or drop it."
        )
    constant = std <= 1e-12 * abs(mean)
    if constant and not missing:
        if abs(mean) >= 2**53:
            return Dropped(name, f"varies in digits that no float has (about {mean:g})")
        return Dropped(name, f"is constant ({mean:g})")
    return kind(name, float(mean), 1.0 if constant else std, bool(missing))
