"""Fits a schema to the training rows: what each column is, and which are dropped and why."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backhand.errors import BackhandWarning, InputError
from backhand.tables.cells import (
    CODE,
    SEPARATED,
    clock_in,
    matches,
    moment_in,
)
from backhand.tables.expressions import days, missing_words, number, text
from backhand.tables.queries import GROUP, MARKED, all_rows, chunks, first_row, mark, totals
from backhand.tables.schema.checks import check_no_nul, check_texts, finite_doubles
from backhand.tables.schema.schema import Category, Column, Date, Number, Schema
from backhand.tables.schema.targets import MOSTLY, Target, value_counts, warn_of_spellings
from backhand.tables.table import Table

MAX_CATEGORIES = 1000
"""Maximum number of categories of a column: the most frequent ones are kept."""


@dataclass(frozen=True)
class Missing:
    """The number of rows in which a column is missing, and of those in which a text means so."""

    rows: int
    texts: dict[str, int]


@dataclass(frozen=True)
class Dropped:
    """A column that is not used, and why."""

    name: str
    why: str


def fit_schema(
    table: Table,
    target: Target,
    training: NDArray[np.bool_],
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    missing: Sequence[str] | None = None,
) -> tuple[Schema, list[Dropped]]:
    """Fit a schema to the training rows, and return it with the columns that are dropped.

    Whether a column of texts holds numbers, dates or names is decided by all rows.

    Parameters
    ----------
    table : Table
    target : Target
        Its column is not a feature.
    training : (N,) bool
        The rows to fit to.
    drop, categorical : sequences of str
        Columns to drop; numeric columns to treat as categories.
    missing : sequence of str, optional
        Texts that mean missing, in addition to `cells.MISSING`; in place of them, if the empty text
        is one of them. A cell's type makes no difference: -999 is also -999.0.

    Returns
    -------
    (Schema, list of Dropped)

    Raises
    ------
    InputError
        If a named column does not exist, a value is infinite, a column holds numbers except for a
        few texts, or no column is left.
    """
    for name in (*drop, *categorical):
        table.index(name)
        if name in drop and name in categorical:
            raise InputError(f"column '{name}' cannot be both dropped and categorical.")
    mark(table, training)
    columns: dict[int, Column | Dropped] = {}
    numeric: list[int] = []
    unused = {target.name, *drop}
    features = [i for i, name in enumerate(table.names) if name not in unused]
    fitted = Schema(target.name, (), None if missing is None else tuple(missing))
    kinds = _kinds(table, features, categorical, fitted.missing)
    check_no_nul(table, [i for i in features if kinds[i] == "category"])
    for i in features:
        name = table.names[i]
        if kinds[i] == "category":
            columns[i] = _fit_category(table, i, name in categorical, fitted.missing)
        elif kinds[i] == "other":
            columns[i] = Dropped(name, f"holds {table.types[i]} values")
        else:
            numeric.append(i)
    columns |= _fit_numbers(table, {i: kinds[i] for i in numeric}, training, fitted.missing)
    ordered = [columns[i] for i in sorted(columns)]
    used = tuple(column for column in ordered if not isinstance(column, Dropped))
    dropped = [column for column in ordered if isinstance(column, Dropped)]
    if not used:
        reasons = "; ".join(f"{column.name} {column.why}" for column in dropped)
        raise InputError(
            f"{table.source} has no usable column beside the target '{target.name}'"
            f"{': ' if reasons else ''}{reasons}."
        )
    return replace(fitted, columns=used), dropped


def _kinds(
    table: Table, columns: Sequence[int], categorical: Sequence[str], missing: Sequence[str]
) -> dict[int, str]:
    """Return what each column is: "number", "date", "category" or "other"."""
    kinds = {i: table.family(i) for i in columns}
    texts = [i for i in columns if kinds[i] == "text"]
    kinds |= dict.fromkeys(texts, "category")
    for i in columns:
        if table.names[i] in categorical and kinds[i] != "other":
            kinds[i] = "category"
    undecided = [
        i for i in texts if table.types[i] != "BOOLEAN" and table.names[i] not in categorical
    ]
    return kinds | _kinds_of_texts(table, undecided, missing)


def _kinds_of_texts(table: Table, columns: Sequence[int], missing: Sequence[str]) -> dict[int, str]:
    """Return which text columns hold numbers or dates, by all rows.

    Raises
    ------
    InputError
        If a few texts of such a column are not numbers or not dates.
    """
    kinds: dict[int, str] = {}
    others: dict[int, int] = {}
    for i, (numeric, separated, present, codes) in _number_counts(table, columns, missing):
        if not numeric + separated or numeric + separated < MOSTLY * (numeric + present):
            others |= {i: numeric + present}
        elif codes:
            _warn_of_codes(table, i)
        else:
            kinds[i] = "number"
            if present:
                check_texts(table, i, "number", missing)
    others = {i: present for i, present in others.items() if present}
    tests = [f"count({read(f'c{i}')})" for i in others for read in (moment_in, clock_in)]
    found = totals(table, tests)
    for (i, present), *counts in zip(others.items(), found[::2], found[1::2], strict=True):
        if max(counts) >= MOSTLY * present:
            kinds[i] = "date"
            if sum(counts) < present:
                check_texts(table, i, "date", missing)
    return kinds


def _number_counts(
    table: Table, columns: Sequence[int], missing: Sequence[str]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Return four counts for each text column.

    They are the texts that are numbers; of the others, those that are numbers with separators, and
    all that are not missing; and the numbers that would lose leading zeros.
    """
    for start in range(0, len(columns), GROUP // 4):
        some = columns[start : start + GROUP // 4]
        cells = ", ".join(f"CAST(c{i} AS VARCHAR) AS c{i}, {number(table, i, missing)} AS x{i}"
                          for i in some)  # fmt: skip
        counts = ", ".join(
            f"count(x{i}), count(CASE WHEN x{i} IS NULL THEN {_separated(f'c{i}')} END), "
            f"count(CASE WHEN x{i} IS NULL THEN {text(table, i, missing)} END), "
            f"count(CASE WHEN x{i} IS NOT NULL THEN {_code(f'c{i}')} END)" for i in some
        )  # fmt: skip
        found = first_row(table, f"SELECT {counts} FROM (SELECT {cells} FROM rows)")
        for j, i in enumerate(some):
            yield i, found[4 * j : 4 * j + 4]


def _separated(cell: str) -> str:
    return f"CASE WHEN {matches(f'trim({cell})', SEPARATED)} THEN 1 END"


def _code(cell: str) -> str:
    """SQL that is NULL unless a text has leading zeros that it would lose as a number."""
    found = f"CASE WHEN {matches(cell, CODE)} THEN {cell} END"
    # A comparison costs a fraction of a pattern, and a column of 0.1, 0.2, … has few such texts.
    return f"CASE WHEN {cell} >= '00' AND {cell} < '0:' THEN {found} END"


def _warn_of_codes(table: Table, column: int) -> None:
    sql = f"SELECT min({_code(f'CAST(c{column} AS VARCHAR)')}) FROM rows"
    example = first_row(table, sql)[0]
    name = table.names[column]
    warnings.warn(
        f"column '{name}' is treated as a category: it holds codes such as '{example}', which "
        "would lose their leading zeros as numbers. If they are numbers, remove the zeros, or drop "
        f"'{name}' and add it as a number with --query.",
        BackhandWarning,
        stacklevel=4,
    )


def _fit_category(
    table: Table, column: int, requested: bool, absent: Sequence[str]
) -> Category | Dropped:
    """Return a column's most frequent categories, unless it is constant or like an identifier."""
    name = table.names[column]
    # A column with millions of values is only counted.
    found = all_rows(
        table,
        "SELECT v, count(v) OVER (), sum(n) FILTER (v IS NOT NULL) OVER (), count(*) OVER (), a, b "
        f"FROM ({value_counts(table, column, absent, MARKED)}) "
        f"ORDER BY v IS NULL, n DESC, v LIMIT {MAX_CATEGORIES}",
    )
    distinct, present, groups = map(int, (x or 0 for x in found[0][1:4])) if found else (0, 0, 0)
    missing = distinct < groups
    if not distinct:
        return Dropped(name, "is missing in every training row")
    if distinct == 1 and not missing:
        return Dropped(name, f"is constant ('{found[0][0]}')")
    if not requested and distinct > max(2, present / 2):
        return Dropped(
            name,
            f"has {distinct:,} distinct values in {present:,} rows, and looks like an identifier "
            "or free text",
        )
    warn_of_spellings(name, [(a, b) for value, *_, a, b in found if value is not None])
    categories = sorted(str(value) for value, *_ in found if value is not None)
    return Category(name, tuple(categories), missing)


def _fit_numbers(
    table: Table, kinds: dict[int, str], training: NDArray[np.bool_], absent: Sequence[str]
) -> dict[int, Column | Dropped]:
    """Compute mean and standard deviation of number columns, in an order that never changes."""
    columns = list(kinds)
    n, missing, mean, square = (np.zeros(len(columns)) for _ in range(4))
    values_of = {"number": number, "date": days}
    values = [values_of[kind](table, i, absent) for i, kind in kinds.items()]
    for rows, arrays in chunks(table, values) if columns else ():
        keep = training[rows]
        for j, array in enumerate(arrays):
            x = finite_doubles(table, columns[j], array, rows.start)[keep]
            present = x[~np.isnan(x)]
            missing[j] += len(x) - len(present)
            if len(present):
                # Chan, Golub and LeVeque (1979), eq. 2.1: merge the moments of two sets of rows.
                # `_number` reports an overflow.
                with np.errstate(over="ignore", invalid="ignore"):
                    delta, total = present.mean() - mean[j], n[j] + len(present)
                    between = delta**2 * n[j] * len(present) / total
                    square[j] += present.var() * len(present) + between
                    mean[j] += delta * len(present) / total
                n[j] = total
    fitted: dict[int, Column | Dropped] = {}
    for j, i in enumerate(columns):
        kind = Date if kinds[i] == "date" else Number
        fitted[i] = _number(kind, table.names[i], n[j], missing[j], mean[j], square[j])
    return fitted


def count_missing(table: Table, schema: Schema) -> dict[str, Missing]:
    """Return the columns that are missing in some rows."""
    columns = {column.name: table.index(column.name) for column in schema.columns}
    values = []
    for column, i in zip(schema.columns, columns.values(), strict=True):
        value = column.expression(table, i, schema.missing)
        if isinstance(column, Category):
            value = text(table, i, schema.missing)
        elif table.family(i) == "text" or table.types[i] in ("FLOAT", "DOUBLE"):
            value = f"CASE WHEN NOT isnan({value}) THEN 1 END"
        values.append(value)
    found: dict[str, Missing] = {}
    counted = totals(table, [f"count({value})" for value in values])
    for (name, i), n in zip(columns.items(), counted, strict=True):
        if n == table.rows:
            continue
        texts: dict[str, int] = {}
        if missing_words(table, i, schema.missing):
            cell = text(table, i, ())
            texts = dict(all_rows(
                table, f"SELECT {cell} AS v, count(*) AS n FROM rows WHERE {cell} <> '' "
                f"AND {text(table, i, schema.missing)} IS NULL GROUP BY v ORDER BY n DESC, v"
            ))  # fmt: skip
        found[name] = Missing(table.rows - n, texts)
    return found


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
            return Dropped(name, f"varies only beyond the precision of a float (about {mean:g})")
        return Dropped(name, f"is constant ({mean:g})")
    return kind(name, float(mean), 1.0 if constant else std, bool(missing))
