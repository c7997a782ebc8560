"""A table: named and typed columns of rows that are in DuckDB or stay in their files.

Column names are data. Inside SQL, column i is always called `ci`; its name is kept in Python, and
is written into SQL, always by `cells.sql_name`, only where Parquet is read or written and in the
view that a user's own query reads. `expressions` writes the SQL of a column's cells, `queries` runs
it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from numpy.typing import NDArray

from backhand.errors import InputError, did_you_mean, warn
from backhand.support import display
from backhand.tables.column_families import family_of
from backhand.tables.files.file_changes import FileSnapshots
from backhand.tables.files.source import Source
from backhand.tables.queries import GROUP, all_rows, first_row
from backhand.tables.reductions import any_row, totals

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

SHOWN_COLUMNS = 8
"""Maximum number of columns that a table's `repr` names."""


@display.shown
class Table:
    """Rows in the order in which they were read, and columns with a name and a type.

    `read_table` makes one. It is closed by `with`, by `close`, or when nothing refers to it any
    more.

    Attributes
    ----------
    names : list of str
        Column names, as the file or the query has them.
    types : list of str
        DuckDB's types of the columns; "VARCHAR" for all columns of a text file.
    rows : int
        Number of rows, N.
    source : str
        What was read: a path, a glob or "the query's result".
    remarks : list of str
        What a person should be told of how it was read, as sentences: skipped lines, columns with
        a new name.
    delimiter : str
        The sign between the fields of a CSV file; empty for other tables.

    See Also
    --------
    fit : Trains on a table.

    Examples
    --------
    >>> import backhand
    >>> query = "SELECT range AS x, x % 2 = 0 AS even FROM range(10)"
    >>> with backhand.read_table(query=query) as table:
    ...     print(table.names, table.types, table.rows)
    ['x', 'even'] ['BIGINT', 'BOOLEAN'] 10
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: Sequence[str],
        source: str,
        *,
        as_text: bool = False,
        points: bool = False,
    ) -> None:
        """Describe the rows of a connection.

        Parameters
        ----------
        connection : duckdb connection
            Its table or view `rows` has the columns `c0`, `c1`, … and its rows in their order.
        names : sequence of str
        source : str
            What was read, for messages.
        as_text : bool
            Whether the columns hold the texts of a file, without types.
        points : bool
            Whether they are of JSON, a workbook or a database, whose numbers have a decimal point.
        """
        self.connection = connection
        types = [str(row[1]) for row in connection.execute("DESCRIBE rows").fetchall()]
        self._describe(names, types, source, as_text=as_text, points=points)

    def _describe(
        self,
        names: Sequence[str],
        types: Sequence[str],
        source: str,
        *,
        as_text: bool,
        points: bool,
    ) -> None:
        self.names, self.types = list(names), list(types)
        self.places = {name: i for i, name in enumerate(self.names)}
        self.source, self.as_text, self.points = source, as_text, points
        self.remarks: list[str] = []
        self.delimiter = ""
        self._on_progress: Callable[[int], None] = lambda _: None
        self._locate: Callable[[int], str | None] = lambda _: None
        self._files, self._reread = FileSnapshots([]), False
        self._plain: frozenset[int] | None = None
        self.sources: Sequence[Source] = ()

    @cached_property
    def rows(self) -> int:
        """The number of rows, N."""
        return int(first_row(self, "SELECT count(*) FROM rows")[0])

    @property
    def plain(self) -> frozenset[int]:
        """The text columns whose texts are known to be plain numbers, or empty.

        For these, DuckDB need not compile the patterns of other numbers, which takes milliseconds
        per column. Training knows them all. Otherwise they are found in wide tables only: in others
        a pass over the rows takes longer.
        """
        if self._plain is None:
            wide = len(self.names) > GROUP
            texts = [i for i, kind in enumerate(self.types) if kind == "VARCHAR" and wide]
            others = [any_row(f"c{i} <> '' AND TRY_CAST(c{i} AS DOUBLE) IS NULL") for i in texts]
            found = zip(texts, totals(self, others), strict=True)
            self._plain = frozenset(i for i, some in found if not some)
        return self._plain

    def know_plain(self, columns: Iterable[int]) -> None:
        """Set the text columns that are `plain`."""
        self._plain = frozenset(columns)

    @property
    def empty(self) -> bool:
        """Whether there are no rows. They are not counted for this."""
        return not all_rows(self, "SELECT 1 FROM rows LIMIT 1")

    def _summary(self) -> display.Summary:
        """A title, and the first columns with their types."""
        try:
            rows = f"{self._count():,} rows"
        except Exception:  # closed, or the file does not exist any more
            rows = "rows that cannot be read any more"
        first = list(zip(self.names, self.types, strict=True))[:SHOWN_COLUMNS]
        columns: list[tuple[str, ...]] = [
            (display.cut(repr(name)), "read as text" if self.as_text else display.cut(kind))
            for name, kind in first
        ]
        more = len(self.names) - len(first)
        columns += [(f"and {more:,} more",)] if more else []
        source = display.cut(repr(self.source)[1:-1])
        title = f"Table of {source}: {rows}, {len(self.names):,} columns"
        return display.Summary(title, columns, line=())

    def each(
        self,
        function: Callable[..., T],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
    ) -> list[T]:
        """Return `function(part, *args, *of_part[p])` of each part p of the rows, in their order.

        This table is its only part. The parts of a `PartedTable` are tables on its workers.

        Parameters
        ----------
        function : callable
            A function of a module, since workers find it by its name; it takes a `Table`.
        args
            What it gets besides, the same for all parts.
        of_part : sequence of tuple, optional
            What it gets besides for each part.
        """
        return [function(self, *args, *(of_part[0] if of_part else ()))]

    def keep(
        self,
        function: Callable[..., T],
        *args: Any,
        of_part: Sequence[tuple[Any, ...]] | None = None,
        name: Hashable = None,  # noqa: ARG002 (nothing is called again here)
    ) -> list[T]:
        """As `each`, for a function that changes the part: what it does is needed later.

        A worker that takes over the part of a lost one calls it again; of the calls with one `name`
        only the last, which undoes what those before have done.
        """
        return self.each(function, *args, of_part=of_part)

    def by_part(self, *arrays: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
        """Return the rows of arrays (N, …) that each part has, as `of_part` of `each`."""
        return [arrays]

    def _count(self) -> int:
        """Count the rows without a disturbance of any pass over them."""
        from backhand.tables.database.connection import cursor_of

        sql = "SELECT count(*) FROM rows"
        return int(cursor_of(self.connection).execute(sql).fetchall()[0][0])

    def index(self, name: str, role: str = "column") -> int:
        """Return the position of a column, from 0.

        Raises
        ------
        InputError
            If there is no column of that name; the message calls it a `role`.
        """
        if name not in self.places:
            raise InputError(
                f"{self.source} has no {role} '{name}'. {did_you_mean(name, self.names)}"
            )
        return self.places[name]

    def family(self, column: int) -> str:
        """Return the kind of values in a column: "number", "date", "text" or "other"."""
        return family_of(self.types[column])

    def watched_by(self, on_progress: Callable[[int], None]) -> None:
        """Call a function with the number of rows read so far, in each pass from now on."""
        self._on_progress = on_progress

    def progressed(self, rows: int) -> None:
        """Report the number of rows of a pass that have been read."""
        self._on_progress(rows)

    def located_by(self, locate: Callable[[int], str | None]) -> None:
        """Find the file and line of a row, counted from 1, by a function from now on."""
        self._locate = locate

    def where(self, row: int) -> str:
        """Return the file and line of a row, counted from 1, if they are known, else `source`."""
        known = self._locate(row) if self._files.change() is None else None
        return known or self.source

    def read_from(self, files: FileSnapshots, *, again: bool) -> None:
        """Set the files that the rows come from, and whether each pass reads them again."""
        self._files = files
        self._reread = again and not all(source.copied for source in self.sources)

    def unchanged(self) -> AbstractContextManager[None]:
        """Return a context that raises `InputError` if a file changes that its passes read."""
        return self._files.unchanged() if self._reread else nullcontext()

    def change(self) -> InputError | None:
        """Return an error about a file that has changed and that its passes read, or None."""
        return self._files.change() if self._reread else None

    def warn_of_remarks(self) -> None:
        """Warn of what a person should be told of how the table was read."""
        for remark in self.remarks:
            warn(remark)

    def close(self) -> None:
        """Release memory and temporary files. The table cannot be used afterwards.

        Examples
        --------
        >>> import backhand
        >>> table = backhand.read_table(query="SELECT 1 AS x")
        >>> table.rows
        1
        >>> table.close()
        """
        from backhand.tables.database.connection import disconnect

        disconnect(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
