"""What each column of a table holds: numbers, dates, categories or nothing that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backhand.errors import InputError, comma_list, shortened
from backhand.tables.cells.dates import EITHER, clock_in, moment_in, season_in
from backhand.tables.cells.numbers import may_be_number
from backhand.tables.expressions import cell, days, number
from backhand.tables.reductions import count, count_where, least, totals
from backhand.tables.schema.cell_counts import (
    CellCounts,
    code,
    count_cells,
    count_distinct,
    count_plain,
    rare,
)
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.decimal_signs import decimal_notes, decimals_of, grouped_by_points
from backhand.tables.schema.notes import Note
from backhand.tables.schema.unread import unread_texts
from backhand.tables.schema.written_units import sign_notes, unit_notes
from backhand.tables.table import Table

FEW_VALUES = 20
"""With words among them, at most so many distinct values are categories rather than numbers.

They are few only if they are repeated.
"""

EXAMPLES, MOST_IN_EXAMPLE = 3, 30
"""Texts that are quoted in a note, and the number of characters of one."""

SOME_NUMBERS = 0.1
"""Share of numbers in a category column from which it is reported."""


@dataclass
class ColumnKinds:
    """What columns are: "number", "date", "category" or "other".

    `decimals` are the decimal signs of text columns, `grouped` those whose points may group
    thousands, with an example, `counts` those of the number columns, and `dates` the number of
    texts that are dates in the date columns; `notes` say how texts were read.
    """

    kinds: dict[int, str]
    decimals: dict[int, str] = field(default_factory=dict)
    grouped: dict[int, str] = field(default_factory=dict)
    counts: dict[int, CellCounts] = field(default_factory=dict)
    dates: dict[int, int] = field(default_factory=dict)
    notes: list[tuple[int, Note]] = field(default_factory=list)

    def of_kind(self, *kinds: str) -> list[int]:
        """Return the columns of some kinds, in order."""
        return [i for i in sorted(self.kinds) if self.kinds[i] in kinds]


def kinds_of(
    table: Table,
    columns: Sequence[int],
    choices: ColumnChoices,
    missing: Sequence[str],
) -> ColumnKinds:
    """Return what each column is, by all rows.

    A column of texts holds numbers, or dates, if more than half of its texts do. Its other texts
    count as missing. If there are words among a few distinct values, they are categories; so are
    codes with leading zeros, and true and false.

    Raises
    ------
    InputError
        If a nested column, or one without a number, is said to be numeric.
    """
    found = ColumnKinds({i: table.family(i) for i in columns})
    for i in columns:
        _check_stated(table, i, choices)
        name, text_column = table.names[i], found.kinds[i] == "text"
        boolean = table.types[i] == "BOOLEAN" and name not in choices.numeric
        if name in choices.categorical or (text_column and boolean):
            found.kinds[i] = "category" if found.kinds[i] != "other" else "other"
    counts = _counted(table, found, choices, missing)
    texts = {i: counts[i] for i in found.of_kind("text")}
    numeric = {i for i in texts if table.names[i] in choices.numeric}
    stated_not = {i: c for i, c in texts.items() if i not in numeric}
    numeric |= _with_booleans(table, stated_not, missing, found.decimals)
    _decide_texts(table, found, texts, numeric, missing)
    found.counts = {i: counts[i] for i in found.of_kind("number")}
    for i, c in counts.items():
        if found.dates.get(i) != c.present:
            note = _note(table, i, found.kinds[i], c, missing, found.decimals.get(i, "."))
            found.notes += [(i, note)] if note else []
    found.notes += sign_notes(table, found.counts, missing)
    stated = {*choices.categorical, *choices.keep}
    others = [i for i in found.of_kind("category") if table.names[i] not in stated]
    found.notes += unit_notes(table, others, missing)
    if choices.decimal is None:
        signs = {i: found.decimals.get(i, ".") for i in found.counts}
        found.notes += decimal_notes(table, signs, found.grouped)
    return found


def _counted(
    table: Table, found: ColumnKinds, choices: ColumnChoices, missing: Sequence[str]
) -> dict[int, CellCounts]:
    """Return the counts of number and text columns, and decide the decimal signs of the latter.

    The texts are counted with a decimal point. Only where some are not numbers then, a comma is
    considered.
    """

    def values(columns: Sequence[int], decimal: str) -> dict[int, str]:
        return {
            i: number(table, i, missing, decimal, booleans=table.names[i] in choices.numeric)
            for i in columns
        }

    texts = found.of_kind("text")
    counts = {} if any(map(may_be_number, missing)) else count_plain(table, texts)
    others = [i for i in found.of_kind("text", "number") if i not in counts]
    counts |= count_cells(table, values(others, "."), missing)
    if choices.decimal is None:
        found.grouped = grouped_by_points(table, {i: counts[i] for i in texts})
    doubtful = [i for i in texts if counts[i].unread]
    stated = choices.decimal
    found.decimals = decimals_of(table, texts, missing, stated, doubtful, found.grouped)
    again = [i for i in texts if found.decimals[i] == ","]
    return counts | count_cells(table, values(again, ","), missing)


def _check_stated(table: Table, column: int, choices: ColumnChoices) -> None:
    name = table.names[column]
    for option in ("numeric", "categorical", "keep"):
        if table.family(column) == "other" and name in getattr(choices, option):
            raise InputError(
                f"column '{name}' of {table.source} holds {table.types[column]} values, which "
                f"cannot be used; remove --{option} '{name}' ({option}='{name}'), and make "
                "columns of its parts with --query (query)."
            )


def _decide_texts(
    table: Table,
    found: ColumnKinds,
    counts: dict[int, CellCounts],
    numeric: set[int],
    missing: Sequence[str],
) -> None:
    """Decide which columns of texts are numbers, as those in `numeric`, dates or categories."""
    mostly = {i for i, c in counts.items() if 2 * c.numbers > c.present} - numeric
    mixed = [i for i in sorted(mostly) if counts[i].unread >= rare(table.rows)]
    distinct = count_distinct(table, mixed, missing, FEW_VALUES)
    few = {i for i, n in distinct.items() if 2 * n <= counts[i].present}
    found.dates = _dates(
        table, {i: c.present for i, c in counts.items() if i not in mostly | numeric}
    )
    for i, c in counts.items():
        if i in numeric and not c.numbers and c.present:
            raise _no_number(table, i, c, missing)
        if i in numeric or (i in mostly and not _of_codes(c) and i not in few):
            found.kinds[i] = "number"
        else:
            found.kinds[i] = "date" if i in found.dates else "category"


def _of_codes(counts: CellCounts) -> bool:
    """Whether numbers are codes: some have leading zeros, and all are whole."""
    return counts.codes > 0 and not counts.fractions


def _with_booleans(
    table: Table,
    counts: dict[int, CellCounts],
    missing: Sequence[str],
    decimals: dict[int, str],
) -> set[int]:
    """Return the columns of numbers in which all other texts are true or false: 1 and 0."""
    mixed = [i for i, c in counts.items() if c.numbers and c.unread and not _of_codes(c)]
    values = [number(table, i, missing, decimals[i]) for i in mixed]
    read = totals(table, [count_where(f"isfinite({value})") for value in values])
    return {i for i, n in zip(mixed, read, strict=True) if n == counts[i].present}


def _dates(table: Table, present: dict[int, int]) -> dict[int, int]:
    """Return the columns of dates or times of day, with the number of these.

    Columns with seasons (2003-04) are not among them.
    """
    digits = [count_where(f"regexp_matches(CAST(c{i} AS VARCHAR), '[0-9]')") for i in present]
    # The patterns of dates take longer to compile than a few thousand cells to read.
    columns = [i for i, n in zip(present, totals(table, digits), strict=True) if 2 * n > present[i]]
    tests = [
        count(read)
        for i in columns
        for read in (moment_in(cell(table, i), EITHER), clock_in(cell(table, i)))
    ]
    counts = totals(table, tests)
    pairs = zip(columns, counts[::2], counts[1::2], strict=True)
    dates = {i: sum(read) for i, *read in pairs if 2 * max(read) > present[i]}
    seasons = totals(table, [count(season_in(cell(table, i))) for i in dates])
    return {i: dates[i] for i, n in zip(dates, seasons, strict=True) if 2 * n <= present[i]}


def _note(
    table: Table, i: int, kind: str, counts: CellCounts, missing: Sequence[str], decimal: str
) -> Note | None:
    """Return what is to be told of how the cells of a column were read, if anything."""
    if kind == "number" and counts.unread:
        return _unread(table, i, kind, counts, number(table, i, missing, decimal), missing)
    if kind == "date":
        return _unread(table, i, kind, counts, days(table, i, missing, EITHER), missing)
    return _not_numbers(table, i, counts, missing) if kind == "category" else None


def _unread(
    table: Table, i: int, kind: str, counts: CellCounts, value: str, missing: Sequence[str]
) -> Note | None:
    """Return a note of the texts of a number or date column that are none."""
    n, texts = unread_texts(table, i, value, missing, EXAMPLES)
    if not n:
        return None
    name = table.names[i]
    are = f"is not a {kind}, and counts" if n == 1 else f"are not {kind}s, and count"
    return Note(
        name, f"{kind}s", f"{n:,} of {counts.present:,} values {are} as missing ({_shown(texts)})",
        f"--categorical '{name}' treats all as categories",
    )  # fmt: skip


def _not_numbers(table: Table, i: int, counts: CellCounts, missing: Sequence[str]) -> Note | None:
    """Return a note of the numbers in a column of categories, if there are many."""
    name, mostly = table.names[i], 2 * counts.numbers > counts.present
    if counts.numbers <= SOME_NUMBERS * counts.present:
        return None
    if mostly and _of_codes(counts):
        written = f"CAST(c{i} AS VARCHAR)"
        (example,) = totals(table, [least(code(written))])
        return Note(
            name, "categories",
            f"is not read as numbers, since codes such as '{example}' would lose their leading "
            "zeros", f"--numeric '{name}' reads them as numbers",
        )  # fmt: skip
    n, texts = unread_texts(table, i, counts.value, missing, EXAMPLES)
    why = f"since words are among few values; {n:,}" if mostly else f"since {n:,}"
    return Note(
        name, "categories",
        f"is not read as numbers, {why} of {counts.present:,} are not ({_shown(texts)})",
        f"--numeric '{name}' counts those as missing",
    )  # fmt: skip


def _shown(texts: Sequence[tuple[str, int]]) -> str:
    quoted = [(f"'{shortened(text, MOST_IN_EXAMPLE)}'", n) for text, n in texts]
    return comma_list(f"{text} {n:,}" if n > 1 else text for text, n in quoted)


def _no_number(table: Table, column: int, counts: CellCounts, missing: Sequence[str]) -> InputError:
    name = table.names[column]
    _, texts = unread_texts(table, column, counts.value, missing, EXAMPLES)
    return InputError(
        f"column '{name}' of {table.source} holds no number ({_shown(texts)}); remove "
        f"--numeric '{name}' (numeric='{name}')."
    )
