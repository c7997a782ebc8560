"""The target column: its classes, the class of each row, and warnings about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, listed, warn
from backhand.tables.cells.numbers import number_in
from backhand.tables.cells.texts import MISSING, canonical
from backhand.tables.expressions import (
    missing_words,
    position,
    text,
    text_counts,
    unless_one_of,
)
from backhand.tables.queries import chunks, joined
from backhand.tables.schema.checks import check_no_nul
from backhand.tables.schema.notes import Note
from backhand.tables.schema.schema import missing_in_target
from backhand.tables.table import Table
from backhand.tables.value_counts import Value, ValueCounts, count_values

REGRESSION_VALUES = 100
"""A numeric target with more distinct values than this is a quantity."""

QUANTITY_VALUES, QUANTITY_FRACTIONS = 20, 10
"""A numeric target with more whole numbers, or more other numbers, than this looks like one."""

MOSTLY = 0.9
"""Share of numbers from which a target is numeric."""


@dataclass(frozen=True)
class Target:
    """The column to predict: its classes, and y (N,) with -1 where the target is missing.

    y has the narrowest dtype for its values: it is in memory however large the table is. `labels`
    are the classes as values of the column's type, and `notes` what is to be told of them.
    """

    name: str
    classes: list[str]
    labels: tuple[Any, ...]
    y: NDArray[np.signedinteger[Any]]
    notes: list[Note] = field(default_factory=list)


def read_target(
    table: Table,
    name: str,
    *,
    categorical: bool = False,
    missing: Sequence[str] | None = None,
) -> Target:
    """Return the classes of the target column, in order, and the class of each row.

    Texts that differ in any character are different classes (1.1 is not 1.10), with two exceptions:
    a whole number may be followed by .0, and true and false may have capitals. `missing` are the
    texts that mean no class; by default only the empty one.

    Raises
    ------
    InputError
        If there is no such column, or it holds fewer than two classes, or looks like a quantity.
    """
    column = table.index(name, "target column")
    if table.family(column) == "other":
        raise InputError(
            f"the target '{name}' holds {table.types[column]} values; expected texts or whole "
            "numbers."
        )
    values = spelled_values(table, column, missing_in_target(missing), "rows")
    counted = count_values(table, f"SELECT *, {number_in('v')} FROM ({values})")
    found = sorted(counted.values, key=_place)
    if any("\0" in value.value for value in found):
        check_no_nul(table, [column])
    numeric = sum(v.rows for v in found if v.number is not None) >= MOSTLY * counted.rows
    classes = _class_names(name, found)
    _check_classes(name, classes, counted, numeric=numeric and not categorical)
    _warn_of_missing_words(name, {v.value: v.rows for v in found if v.value in MISSING})
    y = read_classes(table, name, classes, missing)
    quantity = None if categorical else _quantity(name, found)
    labels = _labels(classes, table.types[column], table.family(column))
    return Target(name, classes, labels, y, [quantity] if quantity else [])


def _labels(classes: list[str], kind: str, family: str) -> tuple[Any, ...]:
    """Return the classes as booleans or numbers, if the column has such a type and they fit."""
    if kind == "BOOLEAN":
        return tuple(name == "true" for name in classes)
    if family == "number":
        with suppress(ValueError):  # of int
            whole = [int(name) for name in classes]
            return tuple(whole if -(2**63) <= min(whole) <= max(whole) < 2**63 else classes)
        numbers = [float(name) for name in classes]
        spelled = [str(x).removesuffix(".0") for x in numbers]  # by which its rows are found
        if all(map(math.isfinite, numbers)) and spelled == [n.removesuffix(".0") for n in classes]:
            return tuple(numbers)
    return tuple(classes)


def _place(value: Value) -> tuple[bool, bool, float, str]:
    """The place of a class among the others: numbers first, by their size."""
    x = value.number
    nan = x is not None and math.isnan(x)
    return x is None, nan, 0.0 if x is None or nan else x, value.value


def _quantity(name: str, found: Sequence[Value]) -> Note | None:
    """Return a note if classes look like values of a quantity.

    Whole numbers do so if they cover most of a range, unless they number classes of similar size.
    """
    values = [value.number for value in found if value.number is not None]
    rows = [value.rows for value in found]
    if len(values) < len(found) or len(values) <= QUANTITY_FRACTIONS:
        return None
    K, least, most = len(values), min(values), max(values)
    if all(float(x).is_integer() for x in values):
        what = "whole numbers"
        span = most - least + 1
        numbered = least in (0, 1) and span == K and max(rows) <= 3 * min(rows)
        if numbered or K <= QUANTITY_VALUES or span > 2 * K:
            return None
    else:
        what = "numbers"
    return Note(
        name, "target",
        f"looks like a quantity: {K} {what} from {least:g} to {most:g}. Each is a class of its "
        "own, and the nearest wrong one counts as much as any other",
        f"group its values with --query, or add --categorical '{name}' if they are labels",
    )  # fmt: skip


def spelled_values(table: Table, column: int, missing: Sequence[str], rows: str) -> str:
    """SQL for a column's texts, each in one spelling, as of `count_values`."""
    present = unless_one_of(missing_words(table, column, missing), "s", "s")
    return (
        f"SELECT {canonical('t')} AS v, CAST(sum(n) AS BIGINT) AS n, min(t), max(t) "
        f"FROM (SELECT {present} AS t, n FROM ({text_counts(table, column, rows)})) "
        "GROUP BY v HAVING v IS NOT NULL"
    )


def _class_names(target: str, found: Sequence[Value]) -> list[str]:
    """Return the names of the classes: as they are spelled, or `canonical` if in several ways."""
    whole = all(value.value.removeprefix("-").isdigit() for value in found)
    names = [v.value if whole or v.first != v.last else v.first for v in found]
    warn_of_spellings(target, found)
    return names


def warn_of_spellings(name: str, values: Iterable[Value]) -> None:
    """Warn of whole numbers that are spelled in two ways, 7 and 7.0, and count as one value."""
    spellings = [(value.first, value.last) for value in values]
    several = [(a, b) for a, b in spellings if a != b and a.lower() not in ("true", "false")]
    if several:
        first, last = several[0]
        more = f", as do {len(several) - 1} more" if several[1:] else ""
        warn(
            f"'{first}' and '{last}' of column '{name}' count as one value{more}; if they are two, "
            "write them otherwise."
        )


def _warn_of_missing_words(target: str, words: dict[str, int]) -> None:
    """Warn of classes that mean missing in a feature."""
    for word, rows in words.items():
        warn(
            f"'{word}' is a class of the target '{target}' (rows with it: {rows:,}); if it means "
            f"missing, add --missing '{word}' (missing='{word}')."
        )


def read_classes(
    table: Table, target: str, classes: Sequence[str], missing: Sequence[str] | None = None
) -> NDArray[np.signedinteger[Any]]:
    """Return the class of each row, y (N,), -1 if not in `classes`, in the narrowest dtype."""
    return joined(table.each(_read_classes, target, classes, missing))


def _read_classes(
    part: Table, target: str, classes: Sequence[str], missing: Sequence[str] | None
) -> NDArray[np.signedinteger[Any]]:
    y = np.empty(part.rows, np.min_scalar_type(-len(classes)))
    index, _ = class_expressions(part, target, classes, missing)
    for rows, (indices,) in chunks(part, [index]):
        y[rows] = indices
    return y


def count_unlabelled(
    table: Table, target: str, classes: Sequence[str], missing: Sequence[str] | None = None
) -> int:
    """Return the number of rows without a class, whichever."""
    return sum(table.each(_count_unlabelled, target, classes, missing))


def _count_unlabelled(
    part: Table, target: str, classes: Sequence[str], missing: Sequence[str] | None
) -> int:
    _, labelled = class_expressions(part, target, classes, missing)
    return sum(int((~some).sum()) for _, (some,) in chunks(part, [labelled]))


def class_expressions(
    table: Table, target: str, classes: Sequence[str], missing: Sequence[str] | None = None
) -> list[str]:
    """SQL for a row's class as an index, -1 if not in `classes`; and for whether it has a class."""
    column, absent = table.index(target, "target column"), missing_in_target(missing)
    index = position(table, column, classes, "-1")
    labelled = (
        f"CASE WHEN {index} >= 0 THEN true ELSE {text(table, column, absent)} IS NOT NULL END"
    )
    return [index, labelled]


def _check_classes(name: str, classes: list[str], counted: ValueCounts, *, numeric: bool) -> None:
    K, rows = counted.distinct, counted.rows
    if not K:
        raise InputError(f"the target '{name}' is missing in every row.")
    if K == 1:
        raise InputError(
            f"the target '{name}' has only one class, '{classes[0]}'; expected two or more."
        )
    too_many = max(10, rows / 2) < K or not counted.exact
    number = f"{K:,}" if counted.exact else f"about {K:,}"
    if numeric and (too_many or K > REGRESSION_VALUES):
        raise InputError(
            f"the target '{name}' is numeric with {number} distinct values, which looks "
            "like regression; Backhand trains classifiers only. Group its values into a few "
            "classes with --query (query); or, if these numbers are labels of classes, add "
            f"--categorical '{name}' (categorical='{name}')."
        )
    if too_many:
        raise InputError(
            f"the target '{name}' has {number} classes in {rows:,} rows, too many to learn "
            "from; is it an identifier or free text? Name another column with --target "
            "(target), or group its values with --query (query)."
        )


def warn_of_doubtful_classes(classes: dict[str, int]) -> None:
    """Warn of classes (with their rows) that may be errors: spelled alike, or with one row."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(" ".join(name.split()).casefold(), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            warn(
                f"the classes {listed(names)} differ by upper and lower case or by spaces only, "
                "and count as different classes; correct them if they are the same."
            )
    single = [name for name, rows in classes.items() if rows == 1]
    if single:
        subject = "the classes {} have" if len(single) > 1 else "the class {} has"
        warn(
            f"{subject.format(listed(single))} only one row, too few to be both trained on and "
            "evaluated."
        )
