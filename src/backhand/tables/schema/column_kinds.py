"""What each column of a table holds: numbers, dates, categories or nothing that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backhand.errors import InputError, comma_list
from backhand.tables.cells.dates import clock_in, moment_in
from backhand.tables.expressions import text
from backhand.tables.queries import totals
from backhand.tables.schema.cell_counts import (
    CellCounts,
    code,
    count_cells,
    count_distinct,
    first_texts,
    rare,
)
from backhand.tables.schema.checks import unreadable
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table

FEW_VALUES = 20
"""With words among them, at most so many distinct values are categories rather than numbers."""

SOME_NUMBERS = 0.1
"""Share of numbers in a category column from which it is reported."""


@dataclass
class ColumnKinds:
    """What columns are: "number", "date", "category" or "other".

    `counts` are those of the number columns; `notes` say how texts were read.
    """

    kinds: dict[int, str]
    counts: dict[int, CellCounts] = field(default_factory=dict)
    notes: list[tuple[int, Note]] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[int]:
        """Return the columns of some kinds, in order."""
        return [i for i in sorted(self.kinds) if self.kinds[i] in kinds]


def kinds_of(
    table: Table, columns: Sequence[int], choices: ColumnChoices, missing: Sequence[str]
) -> ColumnKinds:
    """Return what each column is, by all rows.

    A column of texts holds numbers, or dates, if more than half of its texts do. Its other texts
    count as missing. If there are words among a few distinct values, they are categories; so are
    codes with leading zeros.

    Raises
    ------
    InputError
        If a nested column, or one without a number, is said to be numeric.
    """
    found = ColumnKinds({i: table.family(i) for i in columns})
    for i in columns:
        _check_stated(table, i, choices)
        name, text_column = table.names[i], found.kinds[i] == "text"
        if name in choices.categorical or (text_column and table.types[i] == "BOOLEAN"):
            found.kinds[i] = "category" if found.kinds[i] != "other" else "other"
        if name in choices.numeric and table.family(i) == "text":
            found.kinds[i] = "text"
    counts = count_cells(table, found.of_kind("text", "number"), missing)
    found.counts = {i: c for i, c in counts.items() if found.kinds[i] == "number"}
    _decide_texts(table, found, {i: c for i, c in counts.items() if i not in found.counts},
                  choices, missing)  # fmt: skip
    return found


def _check_stated(table: Table, column: int, choices: ColumnChoices) -> None:
    name = table.names[column]
    for option in ("numeric", "categorical", "keep"):
        if table.family(column) == "other" and name in getattr(choices, option):
            raise InputError(
                f"column '{name}' of {table.source} holds {table.types[column]} values, which "
                f"cannot be used; remove --{option} '{name}', and make columns of its parts with "
                "--query."
            )


def _decide_texts(
    table: Table,
    found: ColumnKinds,
    counts: dict[int, CellCounts],
    choices: ColumnChoices,
    missing: Sequence[str],
) -> None:
    """Decide which columns of texts are numbers, dates or categories."""
    numeric = {i for i, c in counts.items() if table.names[i] in choices.numeric}
    mostly = {i for i, c in counts.items() if 2 * c.numbers > c.present}
    mixed = [i for i in mostly - numeric if counts[i].unread >= rare(table.rows)]
    few = count_distinct(table, sorted(mixed), missing, FEW_VALUES)
    dates = _dates(table, {i: c.present for i, c in counts.items() if i not in mostly | numeric})
    for i, c in counts.items():
        if i in numeric:
            if not c.numbers and c.present:
                raise _no_number(table, i, missing)
            found.kinds[i] = "number"
        elif i in dates:
            found.kinds[i] = "date"
        else:
            found.kinds[i] = (
                "number" if i in mostly and not c.codes and i not in few else "category"
            )
        if found.kinds[i] == "number":
            found.counts[i] = c
        note = _note(table, i, found.kinds[i], c, missing, few.get(i), dates.get(i))
        found.notes += [(i, note)] if note else []


def _dates(table: Table, present: dict[int, int]) -> dict[int, int]:
    """Return the columns that hold dates or times of day, with the number of other texts."""
    columns = [i for i, n in present.items() if n]
    tests = [f"count({read(f'CAST(c{i} AS VARCHAR)')})"
             for i in columns for read in (moment_in, clock_in)]  # fmt: skip
    counts = totals(table, tests)
    pairs = zip(columns, counts[::2], counts[1::2], strict=True)
    return {i: present[i] - (m + c) for i, m, c in pairs if 2 * max(m, c) > present[i]}


def _note(
    table: Table,
    i: int,
    kind: str,
    counts: CellCounts,
    missing: Sequence[str],
    distinct: int | None,
    no_dates: int | None,
) -> Note | None:
    """Return what is to be told of how a column of texts was read, if anything."""
    name, others = table.names[i], counts.unread if no_dates is None else no_dates
    if kind in ("number", "date"):
        if not others:
            return None
        examples = _examples(table, i, unreadable(table, i, kind, missing))
        are = f"is not a {kind}, and counts" if others == 1 else f"are not {kind}s, and count"
        return Note(
            name, f"{kind}s",
            f"{others:,} of {counts.present:,} values {are} as missing ({examples})",
            f"--categorical '{name}' treats all as categories",
        )  # fmt: skip
    if 2 * counts.numbers <= counts.present:
        if counts.numbers <= SOME_NUMBERS * counts.present:
            return None
        return Note(
            name, "categories",
            f"only {counts.numbers:,} of its {counts.present:,} values are numbers, so it is not "
            "read as numbers",
            f"--numeric '{name}' counts the others as missing",
        )  # fmt: skip
    if counts.codes:
        example = _examples(table, i, f"{code(f'CAST(c{i} AS VARCHAR)')} IS NOT NULL", most=1)
        return Note(
            name, "categories",
            f"is not read as numbers, since codes such as {example} would lose their leading zeros",
            f"--numeric '{name}' reads them as numbers",
        )  # fmt: skip
    examples = _examples(table, i, unreadable(table, i, "number", missing))
    return Note(
        name, "categories",
        f"is not read as numbers, since it has {distinct} distinct values, and "
        f"{counts.unread:,} of {counts.present:,} are not numbers ({examples})",
        f"--numeric '{name}' counts those as missing",
    )  # fmt: skip


def _examples(table: Table, column: int, condition: str, most: int = 3) -> str:
    return comma_list(f"'{t}'" for t in first_texts(table, column, condition)[:most])


def _no_number(table: Table, column: int, missing: Sequence[str]) -> InputError:
    name = table.names[column]
    examples = _examples(table, column, f"{text(table, column, missing)} IS NOT NULL")
    return InputError(
        f"column '{name}' of {table.source} holds no number ({examples}); remove "
        f"--numeric '{name}'."
    )
