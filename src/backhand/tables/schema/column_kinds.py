"""What each column of a table holds: numbers, dates, categories or nothing that a model reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from backhand.errors import BackhandWarning
from backhand.tables.cells.dates import EITHER, clock_in, moment_in
from backhand.tables.cells.numbers import CODE
from backhand.tables.cells.texts import matches
from backhand.tables.expressions import cell, number, text
from backhand.tables.queries import GROUP, first_row, totals
from backhand.tables.schema.targets import MOSTLY
from backhand.tables.table import Table


def kinds_of(
    table: Table,
    columns: Sequence[int],
    categorical: Sequence[str],
    missing: Sequence[str],
    decimals: dict[int, str],
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
    return kinds | _kinds_of_texts(table, undecided, missing, decimals)


def _kinds_of_texts(
    table: Table, columns: Sequence[int], missing: Sequence[str], decimals: dict[int, str]
) -> dict[int, str]:
    """Return which text columns hold numbers or dates, by all rows."""
    kinds: dict[int, str] = {}
    others: dict[int, int] = {}
    for i, (numeric, present, codes) in _number_counts(table, columns, missing, decimals):
        if not numeric or numeric < MOSTLY * (numeric + present):
            others |= {i: numeric + present}
        elif codes:
            _warn_of_codes(table, i)
        else:
            kinds[i] = "number"
    others = {i: present for i, present in others.items() if present}
    tests = [
        f"count({read})"
        for i in others
        for read in (moment_in(cell(table, i), EITHER), clock_in(cell(table, i)))
    ]
    found = totals(table, tests)
    for (i, present), *counts in zip(others.items(), found[::2], found[1::2], strict=True):
        if max(counts) >= MOSTLY * present:
            kinds[i] = "date"
    return kinds


def _number_counts(
    table: Table, columns: Sequence[int], missing: Sequence[str], decimals: dict[int, str]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Return three counts for each text column.

    They are the texts that are numbers; the others that are not missing; and the numbers that would
    lose leading zeros. A column of true and false alone is not one of numbers.
    """
    for start in range(0, len(columns), GROUP // 4):
        some = columns[start : start + GROUP // 4]
        cells = ", ".join(
            f"c{i}, {number(table, i, missing, decimals[i], booleans=False)} AS x{i}" for i in some
        )
        counts = ", ".join(
            f"count(x{i}), count(CASE WHEN x{i} IS NULL THEN {text(table, i, missing)} END), "
            f"count(CASE WHEN x{i} IS NOT NULL THEN {_code(f'CAST(c{i} AS VARCHAR)')} END)"
            for i in some
        )
        found = first_row(table, f"SELECT {counts} FROM (SELECT {cells} FROM rows)")
        for j, i in enumerate(some):
            yield i, found[3 * j : 3 * j + 3]


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
