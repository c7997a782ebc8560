"""A table: rows and typed columns in DuckDB, addressed by position.

The rows are loaded, or stay in their file and are read again each time they are asked for.

Column names are data. Inside SQL, column i is always called `ci`; its name lives in Python, and is
written into SQL, always by `quote`, only where Parquet is read or written and in the view that a
user's own query speaks of. Texts are parameters, but for those that mean missing (`cells.literal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, did_you_mean
from backhand.support import display
from backhand.tables.cells import (
    DAY_US,
    MISSING,
    clock_in,
    literal,
    moment_in,
    number_in,
    spelled,
    spellings,
)
from backhand.tables.database.duckdb_errors import as_error, explained
from backhand.tables.files.file_changes import Files

if TYPE_CHECKING:
    import duckdb

CHUNK_VALUES, CHUNK_ROWS = 2**22, 2**16
"""Values and rows that are brought from DuckDB to NumPy at a time, at most."""

GROUP = 512
"""Expressions in one query: what DuckDB needs to plan one grows with their square."""

MOST_COLUMNS = 8
"""Of a table, that its `repr` names."""

CHOSEN = "rows POSITIONAL JOIN mask WHERE keep"
"""What follows FROM for the rows that were marked. (A view would name all columns each time.)"""

NUMBER_TYPES = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
)  # fmt: skip
PLAIN_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
               "UBIGINT", "FLOAT", "DOUBLE")  # fmt: skip
"""Numbers that NumPy has, too. As doubles they could take eight times the memory in DuckDB."""
TIME_TYPES = ("TIME", "TIME_NS", "TIME WITH TIME ZONE")
DATE_TYPES = (*TIME_TYPES, "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS",
              "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")  # fmt: skip
NULL_TYPE = '"NULL"'
"""Of a column without a value, as DESCRIBE writes it: so it may be of any sort."""
TEXT_TYPES = ("VARCHAR", "BOOLEAN", "ENUM", "UUID", NULL_TYPE)


@display.shown
class Table:
    """Rows in the order in which they were read, and columns with a name and a type.

    Parameters
    ----------
    connection : duckdb connection
        Its table or view `rows` has the columns `c0`, `c1`, … and its rows in their order.
    names : sequence of str
        Column names, as the user wrote them.
    source : str
        What was read, for messages.
    as_text : bool
        Whether its columns are the texts that stand in a file, and no types.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Sequence[str],
        source: str,
        *,
        as_text: bool = False,
    ) -> None:
        self.as_text = as_text
        self.connection = connection
        self.names = list(names)
        self.places = {name: i for i, name in enumerate(self.names)}
        self.source = source
        self._numbers = count()
        self._watch: Callable[[int], None] = lambda _: None
        self._place: Callable[[int], str | None] = lambda _: None
        self._files, self._again = Files([]), False
        described = connection.execute("DESCRIBE rows").fetchall()
        self.types = [str(row[1]) for row in described]

    @cached_property
    def rows(self) -> int:
        """N."""
        return int(self.one("SELECT count(*) FROM rows")[0])

    def _summary(self) -> display.Summary:
        """A title, and the first columns with their types."""
        try:  # by a cursor, which disturbs no pass over the rows
            counted = self.connection.cursor().execute("SELECT count(*) FROM rows").fetchall()
            rows = f"{counted[0][0]:,} rows"
        except Exception:  # closed, or the file is not there any more
            rows = "rows that cannot be read any more"
        shown = list(zip(self.names, self.types, strict=True))[:MOST_COLUMNS]
        columns: list[tuple[str, ...]] = [
            (display.cut(repr(name)), "text" if self.as_text else display.cut(kind))
            for name, kind in shown
        ]
        more = len(self.names) - len(shown)
        columns += [(f"and {more:,} more",)] if more else []
        source = display.cut(repr(self.source)[1:-1])
        title = f"Table of {source}: {rows}, {len(self.names):,} columns"
        return display.Summary(title, columns, line=())

    @property
    def empty(self) -> bool:
        """Whether there are no rows; they are not counted to know."""
        return not self.all("SELECT 1 FROM rows LIMIT 1")

    def watched_by(self, watch: Callable[[int], None]) -> None:
        """From now on, `watch` is told how many rows of a pass are done."""
        self._watch = watch

    def placed_by(self, place: Callable[[int], str | None]) -> None:
        """From now on, `place` tells where a row stands, counted from 1, if it knows."""
        self._place = place

    def where(self, row: int) -> str:
        """Where a row stands: its file and line if they are known, else what was read."""
        known = self._place(row) if self._files.change() is None else None
        return known or self.source

    def index(self, name: str, role: str = "column") -> int:
        """The position of the column of that name."""
        if name not in self.places:
            raise InputError(
                f"{self.source} has no {role} '{name}'. {did_you_mean(name, self.names)}"
            )
        return self.places[name]

    def family(self, column: int) -> str:
        """What sort of values a column holds: "number", "date", "text" or "other"."""
        return family_of(self.types[column])

    def number(self, column: int, missing: Sequence[str] = ()) -> str:
        """SQL for a column as numbers: NULL or nan where missing, NULL for a text that is none.

        `missing` are the texts that mean so. What is a date is in days since 1970.
        """
        name, kind, family = f"c{column}", self.types[column], self.family(column)
        if family == "date":
            return self.days(column, missing)
        if family == "text":
            # Most of those texts are no numbers anyway, and need not be looked up.
            numeric = any(_is_number(word) for word in missing)
            return number_in(self.present(column, missing if numeric else ()))
        if kind not in PLAIN_TYPES:
            name = number_in(f"CAST({name} AS VARCHAR)")  # rounded once: DuckDB would do so twice
        return self._unless_missing(column, name, missing)

    def days(self, column: int, missing: Sequence[str] = ()) -> str:
        """SQL for a column of dates or times as days since 1970, else as `number`."""
        name, kind = f"c{column}", self.types[column]
        if self.family(column) == "text":
            text = self.present(column, missing)
            return f"coalesce({moment_in(text)}, {clock_in(text)})"
        if kind == "TIMESTAMPTZ_NS":  # which DuckDB has no functions for
            name = f"CAST({name} AS TIMESTAMP WITH TIME ZONE)"
        days = f"epoch({name}) / 86400.0" if kind == "DATE" else f"epoch_us({name}) / {DAY_US}"
        if kind not in TIME_TYPES:
            days = f"CASE WHEN isinf({name}) THEN 'inf'::DOUBLE ELSE {days} END"
        return self._unless_missing(column, days, missing)

    def present(self, column: int, missing: Sequence[str] = ("",)) -> str:
        """SQL for a column as text, as it is spelled; NULL where missing, or one of those texts."""
        text = spelled(f"c{column}", self.types[column])
        return self._unless_missing(column, text, missing)

    def words(self, column: int, missing: Sequence[str]) -> list[str]:
        """Of texts that mean missing, in every spelling, those that the column's type may have."""
        typed = self.family(column) != "text"
        return list(spellings([word for word in missing if not (typed and word in MISSING)]))

    def _unless_missing(self, column: int, value: str, missing: Sequence[str]) -> str:
        """SQL for a value of the column, NULL where its text is one of those that mean missing."""
        words = self.words(column, missing)
        if not words:
            return value
        # An ENUM, as for categories, takes a hundred times as long for what is not in it. IN and
        # list_contains become a join, behind which rows come in another order.
        text, listed = spelled(f"c{column}", self.types[column]), ", ".join(map(literal, words))
        return f"CASE WHEN list_position([{listed}], {text}) IS NULL THEN {value} END"

    def read_from(self, files: Files, *, again: bool) -> None:
        """Say which files the rows come from, and whether each pass reads them again."""
        self._files, self._again = files, again

    def unchanged(self) -> AbstractContextManager[None]:
        """For all passes together: `InputError` if a file that they read changes meanwhile."""
        return self._files.unchanged() if self._again else nullcontext()

    def close(self) -> None:
        """Give back memory and temporary files; the table cannot be asked any more."""
        from backhand.tables.database.connection import disconnect

        disconnect(self.connection)

    def one(self, sql: str, parameters: dict[str, Any] | None = None) -> tuple[Any, ...]:
        """The first row that a query gives."""
        return self.all(sql, parameters)[0]

    def all(self, sql: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows that a query gives."""
        from backhand.tables.database.connection import duckdb

        try:
            rows: list[tuple[Any, ...]] = self.connection.execute(sql, parameters).fetchall()
        except duckdb.Error as error:
            raise self.wrong(error) from error
        return rows

    def totals(self, aggregates: Sequence[str], rows: str = "rows", **parameters: Any) -> list[Any]:
        """What each of some aggregates, however many, makes of the rows or of `CHOSEN`."""
        groups = (aggregates[i : i + GROUP] for i in range(0, len(aggregates), GROUP))
        return [
            value
            for group in groups
            for value in self.one(f"SELECT {', '.join(group)} FROM {rows}", parameters or None)
        ]

    def wrong(self, error: Exception) -> BaseException:
        """What DuckDB says of reading the rows, as an error of ours."""
        return as_error(self.connection, error, explained(error, self.source, self.names))

    def arrays(self, expressions: Sequence[str]) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
        """Values of SQL expressions, (n,) each, for a stretch of rows at a time, in their order.

        They are what Arrow makes of them: nan for a number that is NULL. No more than a few
        stretches are in memory, however many rows there are. All but the last are of one length,
        which the number of expressions decides alone: sums over them come out the same, to the
        last bit, however the file and DuckDB cut the rows.
        """
        from backhand.tables.database.arrow_streams import StreamError, read_arrays

        length = max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(1, len(expressions))))
        groups = [expressions[i : i + GROUP] for i in range(0, len(expressions), GROUP)] or [["0"]]
        streams = [
            read_arrays(self.connection, f"SELECT {', '.join(group)} FROM rows", len(group), length)
            for group in groups
        ]
        start = 0
        try:
            for pieces in zip(*streams, strict=False):  # a file that grows may end them unevenly
                n = min(len(arrays[0]) for arrays in pieces)
                yield (
                    slice(start, start + n),
                    [x[:n] for arrays in pieces for x in arrays][: len(expressions)],
                )
                start += n
                self._watch(start)
        except StreamError as error:
            raise self.wrong(error) from error

    def codes(self, values: str, known: Sequence[str]) -> str:
        """SQL for the place of a text value in `known`, from 0; NULL for what is not in it."""
        if not known:
            return "CAST(NULL AS INTEGER)"
        name = f"known{next(self._numbers)}"
        self.connection.execute(
            f"CREATE TEMP TABLE {name}_values AS "
            "SELECT unnest($known) AS v, generate_subscripts($known, 1) AS i",
            {"known": list(known)},
        )
        self.connection.execute(
            f"CREATE TYPE {name} AS ENUM (SELECT v FROM {name}_values ORDER BY i)"
        )
        return f"enum_code(TRY_CAST({values} AS {name}))"

    def place(self, column: int, known: Sequence[str]) -> str:
        """SQL for the place of a column's text in `known`, however it is spelled; else NULL."""
        places = spellings(known)
        code = self.codes(spelled(f"c{column}", self.types[column]), list(places))
        others = list(places.values())[len(known) :]
        if not others:
            return code
        return (
            f"CASE WHEN {code} < {len(known)} THEN {code} "
            f"ELSE [{', '.join(map(str, others))}][{code} - {len(known) - 1}] END"
        )

    def mark(self, chosen: NDArray[np.bool_]) -> None:
        """Make those rows the ones that `CHOSEN` selects."""
        self.connection.register("chosen_mask", {"keep": chosen})
        self.connection.execute("CREATE OR REPLACE TEMP TABLE mask AS SELECT * FROM chosen_mask")
        self.connection.unregister("chosen_mask")


def _is_number(text: str) -> bool:
    try:
        return not np.isnan(float(text))
    except ValueError:
        return False


def family_of(kind: str) -> str:
    """What sort of values a type of DuckDB's has: "number", "date", "text" or "other"."""
    base = kind.split("(")[0]
    if kind.endswith("]"):
        return "other"
    for family, types in (("number", NUMBER_TYPES), ("date", DATE_TYPES), ("text", TEXT_TYPES)):
        if base in types:
            return family
    return "other"


def quote(name: str) -> str:
    """A column name as SQL writes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def numbers(table: Table, column: int, values: NDArray[Any], start: int) -> NDArray[np.float64]:
    """What `Table.arrays` gave for `Table.number`, (n,) float64 with nan where missing.

    Raises
    ------
    InputError
        If a value is infinite; it names the row, of those that begin with row `start`.
    """
    x = values.astype(np.float64, copy=False)
    infinite = np.isinf(x)
    if infinite.any():
        row = start + int(infinite.argmax()) + 1
        raise InputError(
            f"column '{table.names[column]}' of {table.where(row)} holds an infinite value in row "
            f"{row}; mend it, leave it empty if it is missing, or drop the column."
        )
    return x
