"""What is different in a table from the training rows: told, since predictions suffer from it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.tables.cells.texts import spellings
from backhand.tables.expressions import double, missing_words, text, text_counts, unless_one_of
from backhand.tables.reductions import count_where, totals
from backhand.tables.schema.columns import CLIP, Category, Column, Date, Number, finite_doubles
from backhand.tables.schema.date_orders import FIRST, OTHER
from backhand.tables.schema.unread import is_unread, unread_texts
from backhand.tables.table import Table
from backhand.tables.value_counts import count_values

EXAMPLES = 3
"""Number of values that are named."""

INCREASE, DEVIATIONS = 0.2, 4.0
"""A share of missing or rare values is told if it exceeds that of training by the first, and by so
many standard errors."""

FEW = 2
"""As many missing or rare values are never told of where training had some."""


@dataclass(frozen=True)
class Change:
    """A column of which some values are not as in training.

    Attributes
    ----------
    column : str
    kind : str
        "unseen", "missing", "unreadable" or "far".
    count, rows : int
        The number of such values, and of all.
    examples : tuple of (str, int)
        The most frequent of them, with their numbers; empty for missing values.
    what : str
        The sentence about it, without the column's name.
    """

    column: str
    kind: str
    count: int
    rows: int
    examples: tuple[tuple[str, int], ...]
    what: str

    @property
    def share(self) -> float:
        """The count as a share of the rows."""
        return self.count / self.rows

    def __str__(self) -> str:
        shown = ", ".join(f"'{value}' {n:,}" for value, n in self.examples)
        more = ", …" if sum(n for _, n in self.examples) < self.count else ""
        examples = f" ({shown}{more})" if shown else ""
        return f"{self.column}: {self.count:,} of {self.rows:,} values {self.what}{examples}"

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON values."""
        return {
            "column": self.column, "kind": self.kind, "count": self.count, "rows": self.rows,
            "share": self.share, "examples": dict(self.examples), "what": self.what,
        }  # fmt: skip


class ChangeCounts:
    """Counts what is different while the rows of a table are encoded.

    Parameters
    ----------
    columns : sequence of Column
        The columns of the schema.
    missing : sequence of str
        The texts that mean missing.
    """

    def __init__(self, columns: Sequence[Column], missing: Sequence[str]) -> None:
        self._columns, self._missing = columns, missing
        self._rows = 0
        self._unknown, self._far = [0] * len(columns), [0] * len(columns)
        self._absent = [0] * len(columns)

    def counted(self, values: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Return the values of a chunk, (n,) per column as `Column.encode` takes them, counted."""
        for place, (column, given) in enumerate(zip(self._columns, values, strict=True)):
            self._rows += 0 if place else len(given)
            if isinstance(column, Category):
                self._unknown[place] += int(np.count_nonzero(given == -1))
                self._absent[place] += int(np.count_nonzero(given == -2))
            else:
                x = finite_doubles(given)
                self._absent[place] += int(np.count_nonzero(np.isnan(x)))
                low, high = _limits(column)
                self._far[place] += int(np.count_nonzero((x < low) | (x > high)))
            yield given

    def merge(self, other: ChangeCounts) -> None:
        """Count further rows of the table, which another one has counted."""
        self._rows += other._rows
        for mine, theirs in ((self._unknown, other._unknown), (self._far, other._far),
                             (self._absent, other._absent)):  # fmt: skip
            mine[:] = [a + b for a, b in zip(mine, theirs, strict=True)]

    @property
    def missing(self) -> dict[str, float]:
        """The share of the rows in which a column is missing, or not what it should be."""
        return {
            column.name: n / max(1, self._rows)
            for column, n in zip(self._columns, self._absent, strict=True)
        }

    def found(self, table: Table) -> list[Change]:
        """Return what was different in all rows of the table that was encoded."""
        changes: list[Change] = []
        unread = self._unread(table)
        for place, column in enumerate(self._columns):
            i = table.index(column.name)
            if isinstance(column, Category):
                changes += self._unseen(table, i, place, column)
            else:
                if unread.get(place):
                    changes.append(self._unreadable(table, i, place, column))
                if self._far[place]:
                    changes.append(self._beyond(table, i, place, column))
            changes += self._missing_values(
                place, column, self._absent[place] - unread.get(place, 0)
            )
        return changes

    def _unread(self, table: Table) -> dict[int, int]:
        """Return in how many rows a number or date is not read though its cell is not missing.

        All columns are counted in one pass. Every such cell is told of: it is no matter of chance.
        """
        tests = {
            place: is_unread(table, i, column.expression(table, i, ()), self._missing)
            for place, column in enumerate(self._columns)
            if self._absent[place] and not isinstance(column, Category)
            for i in [table.index(column.name)]
        }
        counts = totals(table, [count_where(test) for test in tests.values()])
        return dict(zip(tests, counts, strict=True))

    def _change(
        self,
        place: int,
        kind: str,
        count: int,
        what: str,
        examples: Sequence[tuple[str, int]] = (),
    ) -> Change:
        one = count == 1
        said = what.format(
            are="is" if one else "are", were="was" if one else "were",
            count="counts" if one else "count",
        )  # fmt: skip
        return Change(self._columns[place].name, kind, count, self._rows, tuple(examples), said)

    def _unseen(self, table: Table, i: int, place: int, column: Category) -> list[Change]:
        count = self._unknown[place]
        if not self._notable(count, column.other):
            return []
        known = [*missing_words(table, i, self._missing), *spellings(column.categories)]
        unseen = f"s IS NOT NULL AND {unless_one_of(known, 's', 's')} IS NOT NULL"
        examples = _frequent(
            table, f"SELECT s AS v, n FROM ({text_counts(table, i)}) WHERE {unseen}"
        )
        rare = "{were} rare or never seen" if column.other else "{were} never seen"
        return [self._change(place, "unseen", count, f"{rare} in training", examples)]

    def _unreadable(self, table: Table, i: int, place: int, column: Number | Date) -> Change:
        value = column.expression(table, i, ())
        count, examples = unread_texts(table, i, value, self._missing, EXAMPLES)
        kinds = f"a {column.kind}" if count == 1 else f"{column.kind}s"
        why = _why(column, examples)
        what = f"{{are}} not {kinds}{why} and {{count}} as missing"
        if why and (others := self._rows - self._absent[place]):
            assert isinstance(column, Date)
            first, other = FIRST[column.order], FIRST[OTHER[column.order]]
            what += f"; {others:,} are read with the {first} first, wrongly if it is the {other}"
        return self._change(place, "unreadable", count, what, examples)

    def _beyond(self, table: Table, i: int, place: int, column: Number | Date) -> Change:
        what = f"{{are}} more than {CLIP:g} standard deviations from training's mean"
        (low, high), value = _limits(column), column.expression(table, i, self._missing)
        outside = f"isfinite({value}) AND ({value} < {double(low)} OR {value} > {double(high)})"
        cell = text(table, i, ())
        examples = _frequent(
            table, f"SELECT {cell} AS v, count(*) AS n FROM rows WHERE {outside} GROUP BY v"
        )
        return self._change(place, "far", self._far[place], what, examples)

    def _missing_values(self, place: int, column: Column, count: int) -> list[Change]:
        if not self._notable(count, column.missing):
            return []
        before = f"{100 * column.missing:.1f} %" if column.missing else "none"
        return [self._change(place, "missing", count, f"{{are}} missing, {before} in training")]

    def _notable(self, count: int, before: float) -> bool:
        """Whether a share of the rows is more than chance makes of that of training."""
        if not count or not before:
            return count > 0
        error = math.sqrt(before * (1 - before) / self._rows)
        beyond = max(INCREASE, DEVIATIONS * error)
        return count > FEW + (before + beyond) * self._rows


def _why(column: Number | Date, examples: Sequence[tuple[str, int]]) -> str:
    """Return a clause that says so if texts are dates in the other order of day and month."""
    if not isinstance(column, Date) or not column.order:
        return ""
    numbers = [re.match(r"\s*(\d{1,2})[./-](\d{1,2})[./-]", text) for text, _ in examples]
    second = 1 if column.order == "dmy" else 0
    if not all(found and int(found.groups()[second]) > 12 for found in numbers):
        return ""
    return f" with the {FIRST[column.order]} first, as in training,"


def _limits(column: Number | Date) -> tuple[float, float]:
    """Return the numbers beyond which one is far: clipped, and outside the range of training."""
    low, high = column.mean - CLIP * column.std, column.mean + CLIP * column.std
    return min(low, low if column.least is None else column.least), max(
        high, high if column.most is None else column.most
    )


def _frequent(table: Table, sql: str) -> list[tuple[str, int]]:
    """Return the most frequent texts of a query as of `count_values`, with their numbers."""
    return [(value.value, value.rows) for value in count_values(table, sql, EXAMPLES).values]
