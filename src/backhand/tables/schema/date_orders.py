"""The order of day and month in the dates of a column, decided by all of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backhand.errors import InputError, comma_list, listed
from backhand.tables.cells.dates import order_shown_in
from backhand.tables.expressions import text
from backhand.tables.queries import GROUP
from backhand.tables.reductions import count_where, least, totals
from backhand.tables.schema.notes import Note
from backhand.tables.table import Table

FIRST = {"dmy": "day", "mdy": "month"}
OTHER = {"dmy": "mdy", "mdy": "dmy"}


class _Shown(NamedTuple):
    """How many texts of a column show what of its order: see `order_shown_in`."""

    dmy: int
    mdy: int
    both: int
    dotted: int
    same: int

    def order(self, stated: str | None) -> str | None:
        """Return the order that these texts decide, or with `stated` for both; else None."""
        if self.dmy and self.mdy and stated:
            return stated
        if self.dmy != self.mdy:
            return "dmy" if self.dmy > self.mdy else "mdy"
        return None


def date_orders(
    table: Table, columns: Sequence[int], missing: Sequence[str], stated: str | None = None
) -> tuple[dict[int, str], dict[int, Note]]:
    """Return the order of day and month of date columns, and what is to be told of it.

    It is the only one that all dates allow; if some allow only one and some only the other, the one
    that was stated, or that of most. If all allow both, it is the one that was stated; or, if all
    have dots, the day first; or that of the table's other columns. It is "" if no date needs one.

    Parameters
    ----------
    table : Table
    columns : sequence of int
        Columns of dates.
    missing : sequence of str
        The texts that mean missing.
    stated : {"dmy", "mdy"}, optional
        What the user said of the table's dates.

    Raises
    ------
    InputError
        With all columns whose order neither the rows nor the user decide.
    """
    texts = [i for i in columns if table.family(i) == "text"]
    counts = {i: shown for i, shown in _counts(table, texts, missing).items() if any(shown)}
    decided = {i: shown.order(stated) for i, shown in counts.items()}
    orders = set(decided.values()) - {None}
    common = orders.pop() if len(orders) == 1 else None
    for i, shown in counts.items():
        numbers_only = shown.both or shown.dmy
        decided[i] = decided[i] or stated or (common if numbers_only else "dmy")
    asked = [i for i, order in decided.items() if order is None]
    if asked:
        raise _undecided(table, counts, asked, missing)
    found = {i: order for i, order in decided.items() if order}
    notes = {i: _note(table, i, missing, counts[i], order, stated) for i, order in found.items()}
    return dict.fromkeys(columns, "") | found, {i: note for i, note in notes.items() if note}


def _counts(table: Table, columns: Sequence[int], missing: Sequence[str]) -> dict[int, _Shown]:
    found: dict[int, _Shown] = {}
    words = _Shown._fields
    for start in range(0, len(columns), GROUP // len(words)):
        some = columns[start : start + GROUP // len(words)]
        cells = ", ".join(f"{order_shown_in(text(table, i, missing))} AS shown{i}" for i in some)
        tests = [count_where(f"shown{i} = '{word}'") for i in some for word in words]
        row = iter(totals(table, tests, f"(SELECT {cells} FROM rows)"))
        found |= {i: _Shown(*(next(row) for _ in words)) for i in some}
    return found


def _note(
    table: Table,
    column: int,
    missing: Sequence[str],
    shown: _Shown,
    order: str,
    stated: str | None,
) -> Note | None:
    """Return what is to be told of an order, unless it is what the rows and the user say."""
    name, read = table.names[column], f"is read with the {FIRST[order]} first"
    against, advice = getattr(shown, OTHER[order]), f"--date-order {OTHER[order]}"
    if against:
        example = _example(table, column, missing, OTHER[order])
        what = f"{read}; {against:,} of its dates, such as {example}, are none then (missing)"
        return Note(name, "dates", what, "" if stated else advice)
    if getattr(shown, order) and stated == OTHER[order]:
        example = _example(table, column, missing, order)
        return Note(name, "dates", f"{read} in spite of --date-order {stated}, in which dates such "
                    f"as {example} are none")  # fmt: skip
    if shown.both and not getattr(shown, order) and not stated:
        example = _example(table, column, missing, "both")
        return Note(name, "dates", f"{read}, as the table's other dates; its own, such as "
                    f"{example}, allow both", advice)  # fmt: skip
    return None


def _example(table: Table, column: int, missing: Sequence[str], shown: str) -> str:
    cell = text(table, column, missing)
    (example,) = totals(table, [least(cell)], f"rows WHERE {order_shown_in(cell)} = '{shown}'")
    return str(example)


def _undecided(
    table: Table, counts: dict[int, _Shown], columns: Sequence[int], missing: Sequence[str]
) -> InputError:
    examples = []
    for i in columns:
        shown = ("dmy", "mdy") if counts[i].dmy else ("both",)
        examples.append(" and ".join(_example(table, i, missing, word) for word in shown))
    return InputError(
        f"the rows of {table.source} do not decide whether the day or the month is first in "
        f"column{'s' if len(columns) > 1 else ''} {listed(table.names[i] for i in columns)} (such "
        f"as {comma_list(examples)}); add --date-order dmy if it is the day, --date-order mdy if "
        "the month."
    )
