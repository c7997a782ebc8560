"""Whether the numbers of a text column have a decimal point or a decimal comma, by all rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from backhand.tables.cells.numbers import number_in, plain_number
from backhand.tables.cells.texts import sql_text
from backhand.tables.expressions import text
from backhand.tables.queries import FIRST_ROWS, GROUP
from backhand.tables.reductions import any_row, count, count_where, most, totals
from backhand.tables.schema.cell_counts import CellCounts
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table

GROUPED = "^[^0-9.,%]*[1-9][0-9]{0,2}([.][0-9]{3})+[^0-9.,%]*$"
"""A number whose points may group thousands: 1.059 and 1.059 €, not 0.059 or 1.05."""

SEVERAL = 3
"""Texts such as 1.059 from which their points may group thousands."""

FIRST = 2**12
"""Rows that are searched first."""


class _Counts(NamedTuple):
    """Texts with a point or comma that are not plain: numbers with one sign only, with both, all.

    With both, the number is not the same (1,234).
    """

    point: int
    comma: int
    either: int
    all: int


NO_COUNTS: Mapping[int, _Counts] = {}


def decimals_of(
    table: Table,
    columns: Sequence[int],
    missing: Sequence[str] = (),
    stated: str | None = None,
    doubtful: Collection[int] | None = None,
    grouped: Collection[int] = (),
) -> dict[int, str]:
    """Return the decimal sign of each column: "." or ",".

    A column has a comma if more of its texts are numbers only with a comma (1,5 and 1.234.567) than
    only with a point (1.5 and 1,234,567). Where no text decides (1,234), it has a comma if another
    column has and no column has a point. So have the columns of `grouped` points if the delimiter
    is a semicolon, which takes the place of a comma that numbers have.

    Parameters
    ----------
    table, columns
    missing : sequence of str
        The texts that mean missing.
    stated : {".", ","}, optional
        The sign that the user gave for all columns.
    doubtful : collection of int, optional
        The columns with texts that are not plain numbers, if it is known which they are.
    grouped : collection of int
        The columns whose points may group thousands (`grouped_by_points`).
    """
    found, texts = dict.fromkeys(columns, "."), [i for i in columns if table.types[i] == "VARCHAR"]
    if stated is not None:
        return found | dict.fromkeys(texts, stated)
    examined = [i for i in texts if doubtful is None or i in doubtful]
    signs = [any_row(f"contains(c{i}, ',') OR c{i} LIKE '%.%.%'") for i in examined]
    examined = [i for i, some in zip(examined, totals(table, signs), strict=True) if some]
    counts = _dressed_counts(table, examined, missing)
    # In a column of addresses or sentences, the few texts that look like numbers decide nothing.
    commas = {i for i, n in counts.items() if 2 * (n.comma + n.either) > n.all and n.comma}
    likely = [i for i in grouped if table.delimiter == ";"]
    if not commas and not likely:
        return found
    points = _points(table, texts, counts)
    commas = {i for i in commas if counts[i].comma > points[i]}
    found |= dict.fromkeys(commas, ",")
    if not any(points[i] for i in texts if i not in commas):
        found |= dict.fromkeys(texts if commas else likely, ",")
    return found


def grouped_by_points(table: Table, counts: dict[int, CellCounts]) -> dict[int, str]:
    """Return the number columns whose points may group thousands, each with such a text.

    There are several such texts (1.059), and no other has a point or four digits in a row.
    """
    found = [i for i, c in counts.items() if table.types[i] == "VARCHAR" and not table.points
             and c.fractions and not c.codes and 2 * c.numbers > c.present]  # fmt: skip
    for first in (FIRST, None):  # most have others at once
        examples = _grouped(table, found, first)
        found = list(examples)
    return examples


def _grouped(table: Table, columns: Sequence[int], first: int | None) -> dict[int, str]:
    examples, rows = {}, "rows" if first is None else FIRST_ROWS
    for start in range(0, len(columns), GROUP // 3):
        some = columns[start : start + GROUP // 3]
        tests = [
            figure for i in some
            for figure in (any_row(_is_not_grouped(i)), count_where(_has_point(i)),
                           most(f"CASE WHEN {_has_point(i)} THEN c{i} END"))
        ]  # fmt: skip
        row = totals(table, tests, rows, first=first)
        for i, other, n, example in zip(some, row[::3], row[1::3], row[2::3], strict=True):
            if not other and n >= SEVERAL:
                examples[i] = example.strip()
    return examples


def _is_not_grouped(column: int) -> str:
    cell = f"c{column}"
    other = f"NOT regexp_matches({cell}, {sql_text(f'{GROUPED}|^[^0-9]*$')})"
    four_digits = f"regexp_matches({cell}, '[0-9]{{4}}')"
    return f"CASE WHEN contains({cell}, '.') THEN {other} ELSE {four_digits} END"


def _has_point(column: int) -> str:
    return f"contains(c{column}, '.') AND {_has_digit(column)}"


def _has_digit(column: int) -> str:
    return f"regexp_matches(c{column}, '[0-9]')"


def decimal_notes(
    table: Table, decimals: dict[int, str], grouped: dict[int, str]
) -> list[tuple[int, Note]]:
    """Return what is to be told of the decimal signs that were found for number columns.

    `grouped` are those whose points may group thousands, with an example.
    """
    commas = [i for i, sign in decimals.items() if sign == "," and i not in grouped]
    signs = [any_row(f"contains(c{i}, ',') OR contains(c{i}, '.')") for i in commas]
    what, advice = "is read with a decimal comma (1,5 is 1.5)", "--decimal . reads a point"
    found = zip(commas, totals(table, signs), strict=True)
    notes = [(i, Note(table.names[i], "numbers", what, advice)) for i, some in found if some]
    doubted = {i: example for i, example in grouped.items() if i in decimals}
    texts = [i for i, kind in enumerate(table.types) if kind == "VARCHAR"] if doubted else []
    proven = any(_points(table, texts).values())
    short = [any_row(f"NOT contains(c{i}, '.') AND {_has_digit(i)}") for i in doubted]
    for i, some in zip(doubted, totals(table, short), strict=True):
        # In a table with a decimal point, 1.059 and 2.140 are ordinary; 1.059 and 999 are not.
        if decimals[i] == "," or some or not proven:
            read = decimals[i]
            notes.append((i, _grouped_note(table.names[i], grouped[i], read, proven=proven)))
    return notes


def _grouped_note(name: str, example: str, decimal: str, *, proven: bool) -> Note:
    whole = example.replace(".", "")
    if decimal == ",":
        what = f"is read with points between thousands ({example} is {whole})"
        return Note(name, "numbers", what, "--decimal . reads a decimal point")
    what = (
        f"is read with a decimal point, although three digits follow each point ({example}): "
        "it may group thousands"
    )
    advice = f"--decimal , reads {whole}"
    return Note(name, "numbers", what, "if so, remove it from the file" if proven else advice)


def _points(
    table: Table, columns: Sequence[int], counts: Mapping[int, _Counts] = NO_COUNTS
) -> dict[int, int]:
    """Return in how many texts of each column the point is a decimal point for certain.

    `counts` are those of columns whose texts that are not plain numbers have been counted.
    """
    tests = []
    for i in columns:
        cell = f"c{i}"
        read = plain_number(cell) if i in counts else number_in(cell, booleans=False)
        certain = f"{read} IS NOT NULL AND {number_in(cell, ',')} IS NULL"
        tests.append(
            count(f"CASE WHEN contains({cell}, '.') THEN CASE WHEN {certain} THEN 1 END END")
        )
    found = zip(columns, totals(table, tests), strict=True)
    return {i: n + (counts[i].point if i in counts else 0) for i, n in found}


def _dressed_counts(
    table: Table, columns: Sequence[int], missing: Sequence[str]
) -> dict[int, _Counts]:
    """Count the texts of each column by the signs with which they are numbers."""
    counts = {}
    for start in range(0, len(columns), GROUP // 4):
        some = columns[start : start + GROUP // 4]
        dressed = ", ".join(
            f"CASE WHEN contains(c{i}, ',') OR contains(c{i}, '.') THEN "
            f"CASE WHEN {plain_number(f'c{i}')} IS NULL THEN {text(table, i, missing)} END END "
            f"AS t{i}" for i in some
        )  # fmt: skip
        numbers = ", ".join(
            f"t{i}, {number_in(f't{i}')} AS p{i}, {number_in(f't{i}', ',')} AS c{i}" for i in some
        )
        tests = [
            figure for i in some
            for figure in (count(f"CASE WHEN c{i} IS NULL THEN p{i} END"),
                           count(f"CASE WHEN p{i} IS NULL THEN c{i} END"),
                           count_where(f"p{i} <> c{i}"), count(f"t{i}"))
        ]  # fmt: skip
        found = totals(table, tests, f"(SELECT {numbers} FROM (SELECT {dressed} FROM rows))")
        for j, i in enumerate(some):
            counts[i] = _Counts(*found[4 * j : 4 * j + 4])
    return counts
