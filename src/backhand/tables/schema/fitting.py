"""Learning a schema from the training rows: what each column is, and what is dropped and why."""

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
from backhand.tables.schema.schema import (
    Category,
    Column,
    Date,
    Number,
    Schema,
    check_no_nul,
    check_texts,
)
from backhand.tables.schema.targets import MOSTLY, Target, tell_spellings, texts_of
from backhand.tables.table import CHOSEN, GROUP, Table, numbers

MOST_CATEGORIES = 1000
"""Categories kept of one column, the most frequent ones."""


@dataclass(frozen=True)
class Missing:
    """In how many rows a column is missing, and of them, in how many by which text."""

    rows: int
    texts: dict[str, int]


@dataclass(frozen=True)
class Dropped:
    """A column that is not used, and why."""

    name: str
    why: str


def learn_schema(
    table: Table,
    target: Target,
    training: NDArray[np.bool_],
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    missing: Sequence[str] | None = None,
) -> tuple[Schema, list[Dropped]]:
    """What each column is, learned on the training rows only, and the columns that are not used.

    Only whether a column of texts holds numbers, dates or names is seen from all rows.

    Parameters
    ----------
    table : Table
    target : Target
        Its column is not a feature.
    training : (N,) bool
        The rows to learn from.
    drop, categorical : sequences of str
        Columns not to use; columns whose numbers are names.
    missing : sequence of str, optional
        Texts that mean missing, beside `cells.MISSING`; instead of them, if the empty text is
        among them. A cell's type makes no difference: -999 is also -999.0.

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
    learned = Schema(target.name, (), None if missing is None else tuple(missing))
    kinds = _kinds(table, features, categorical, learned.missing)
    check_no_nul(table, [i for i in features if kinds[i] == "category"])
    for i in features:
        name = table.names[i]
        if kinds[i] == "category":
            columns[i] = _learn_category(table, i, name in categorical, learned.missing)
        elif kinds[i] == "other":
            columns[i] = Dropped(name, f"holds {table.types[i]} values")
        else:
            numbers.append(i)
    columns |= _learn_numbers(table, {i: kinds[i] for i in numbers}, training, learned.missing)
    ordered = [columns[i] for i in sorted(columns)]
    used = tuple(column for column in ordered if not isinstance(column, Dropped))
    dropped = [column for column in ordered if isinstance(column, Dropped)]
    if not used:
        raise InputError(
            f"no column of {table.source} is left to learn from beside the target "
            f"'{target.name}': {'; '.join(f'{d.name} {d.why}' for d in dropped)}."
        )
    return replace(learned, columns=used), dropped


def _kinds(
    table: Table, columns: Sequence[int], categorical: Sequence[str], missing: Sequence[str]
) -> dict[int, str]:
    """What each column is: "number", "date", "category" or "other"."""
    kinds = {i: table.family(i) for i in columns}
    texts = [i for i in columns if kinds[i] == "text"]
    kinds |= dict.fromkeys(texts, "category")
    for i in columns:
        if table.names[i] in categorical and kinds[i] != "other":
            kinds[i] = "category"
    asked = [i for i in texts if table.types[i] != "BOOLEAN" and table.names[i] not in categorical]
    return kinds | _kinds_of_texts(table, asked, missing)


def _kinds_of_texts(table: Table, columns: Sequence[int], missing: Sequence[str]) -> dict[int, str]:
    """Which text columns are really of numbers or dates: by all rows.

    Raises
    ------
    InputError
        If a few texts of such a column are none.
    """
    kinds: dict[int, str] = {}
    others: dict[int, int] = {}
    for i, (number, separated, present, codes) in _number_counts(table, columns, missing):
        if not number + separated or number + separated < MOSTLY * (number + present):
            others |= {i: present} if not number else {i: number + present}
        elif codes:
            _tell_codes(table, i)
        else:
            kinds[i] = "number"
            if present:
                check_texts(table, i, "number", missing)
    others = {i: present for i, present in others.items() if present}
    tests = [f"count({days(f'c{i}')})" for i in others for days in (moment_in, clock_in)]
    alike = table.totals(tests)
    for (i, present), *counts in zip(others.items(), alike[::2], alike[1::2], strict=True):
        if max(counts) >= MOSTLY * present:
            kinds[i] = "date"
            if sum(counts) < present:
                check_texts(table, i, "date", missing)
    return kinds


def _number_counts(
    table: Table, columns: Sequence[int], missing: Sequence[str]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """For each text column, how many texts are numbers; of the others, how many are written with
    separators, and how many are there at all; and how many digits would be lost as numbers.
    """
    for start in range(0, len(columns), GROUP // 4):
        some = columns[start : start + GROUP // 4]
        cells = ", ".join(f"CAST(c{i} AS VARCHAR) AS c{i}, {table.number(i, missing)} AS x{i}"
                          for i in some)  # fmt: skip
        counts = ", ".join(
            f"count(x{i}), count(CASE WHEN x{i} IS NULL THEN {_separated(f'c{i}')} END), "
            f"count(CASE WHEN x{i} IS NULL THEN {table.present(i, missing)} END), "
            f"count(CASE WHEN x{i} IS NOT NULL THEN {_code(f'c{i}')} END)" for i in some
        )  # fmt: skip
        found = table.one(f"SELECT {counts} FROM (SELECT {cells} FROM rows)")
        for j, i in enumerate(some):
            yield i, found[4 * j : 4 * j + 4]


def _separated(cell: str) -> str:
    return f"CASE WHEN {matches(f'trim({cell})', SEPARATED)} THEN 1 END"


def _code(cell: str) -> str:
    """SQL that is NULL unless a text has digits that it would lose as a number."""
    found = f"CASE WHEN {matches(cell, CODE)} THEN {cell} END"
    # A comparison is a fraction of a pattern, and a column of 0.1, 0.2, … has few such texts.
    return f"CASE WHEN {cell} >= '00' AND {cell} < '0:' THEN {found} END"


def _tell_codes(table: Table, column: int) -> None:
    example = table.one(f"SELECT min({_code(f'CAST(c{column} AS VARCHAR)')}) FROM rows")[0]
    name = table.names[column]
    warnings.warn(
        f"column '{name}' is taken for a category: it holds codes such as '{example}', which as "
        f"numbers would lose their zeros. If they are numbers, write them without, or drop '{name}'"
        " and add it as a number with --query.",
        BackhandWarning,
        stacklevel=4,
    )


def _learn_category(
    table: Table, column: int, wanted: bool, absent: Sequence[str]
) -> Category | Dropped:
    """The categories of a column by falling frequency, unless it says nothing or too much."""
    name = table.names[column]
    # All that is asked of a column with millions of values is how many there are.
    found = table.all(
        "SELECT v, count(v) OVER (), sum(n) FILTER (v IS NOT NULL) OVER (), count(*) OVER (), a, b "
        f"FROM ({texts_of(table, column, absent, CHOSEN)}) "
        f"ORDER BY v IS NULL, n DESC, v LIMIT {MOST_CATEGORIES}"
    )
    distinct, present, groups = map(int, (x or 0 for x in found[0][1:4])) if found else (0, 0, 0)
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
    tell_spellings(name, [(a, b) for value, *_, a, b in found if value is not None])
    categories = sorted(str(value) for value, *_ in found if value is not None)
    return Category(name, tuple(categories), missing)


def _learn_numbers(
    table: Table, kinds: dict[int, str], training: NDArray[np.bool_], absent: Sequence[str]
) -> dict[int, Column | Dropped]:
    """Mean and standard deviation of number columns, summed in one order: the same on every run."""
    columns = list(kinds)
    n, missing, mean, square = (np.zeros(len(columns)) for _ in range(4))
    values_of = {"number": table.number, "date": table.days}
    expressions = [values_of[kind](i, absent) for i, kind in kinds.items()]
    for rows, arrays in table.arrays(expressions) if columns else ():
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
        kind = Date if kinds[i] == "date" else Number
        learned[i] = _number(kind, table.names[i], n[j], missing[j], mean[j], square[j])
    return learned


def count_missing(table: Table, schema: Schema) -> dict[str, Missing]:
    """The columns that are missing in some rows."""
    columns = {column.name: table.index(column.name) for column in schema.columns}
    values = []
    for column, i in zip(schema.columns, columns.values(), strict=True):
        value = column.expression(table, i, schema.missing)
        if isinstance(column, Category):
            value = table.present(i, schema.missing)
        elif table.family(i) == "text" or table.types[i] in ("FLOAT", "DOUBLE"):
            value = f"CASE WHEN NOT isnan({value}) THEN 1 END"
        values.append(value)
    found: dict[str, Missing] = {}
    counted = table.totals([f"count({value})" for value in values])
    for (name, i), n in zip(columns.items(), counted, strict=True):
        if n == table.rows:
            continue
        texts: dict[str, int] = {}
        if table.words(i, schema.missing):
            cell = table.present(i, ())
            texts = dict(table.all(
                f"SELECT {cell} AS v, count(*) AS n FROM rows WHERE {cell} <> '' "
                f"AND {table.present(i, schema.missing)} IS NULL GROUP BY v ORDER BY n DESC, v"
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
            return Dropped(name, f"varies in digits that no float has (about {mean:g})")
        return Dropped(name, f"is constant ({mean:g})")
    return kind(name, float(mean), 1.0 if constant else std, bool(missing))
