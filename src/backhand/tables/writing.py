"""Writing a table's rows with more columns behind them: CSV, plain or .gz, and Parquet."""

from __future__ import annotations

import csv
import io
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.errors import InputError, OutputError, listed
from backhand.support.memory_budget import shown
from backhand.support.output_streams import WholeFile, write_all
from backhand.support.signals import signals_seen
from backhand.tables.database.arrow_streams import stream
from backhand.tables.database.connection import as_utf8, duckdb
from backhand.tables.database.duckdb_errors import first_line, memory_allowed
from backhand.tables.files.file_changes import changed
from backhand.tables.schema.column_types import typed
from backhand.tables.table import Table, quote

ENDINGS = (".csv", ".csv.gz", ".parquet", ".pq")

ROW_GROUP, LEAST_ROW_GROUP = 122_880, 2048
"""Rows of a row group in a Parquet file that is written: DuckDB's own, and what it cannot cut."""

VALUE_BYTES = 16
"""What a value takes, about, until its row group is written."""


def check_ending(path: Path) -> None:
    """Whether the name says in which format to write."""
    if not path.name.endswith(ENDINGS):
        raise InputError(
            f"the output {path} must end in {listed(ENDINGS)}, which says what to write."
        )


class Command(NamedTuple):
    """SQL and its parameters."""

    sql: str
    parameters: dict[str, Any]


class Added(NamedTuple):
    """Columns that stand behind a table's own, a stretch of rows at a time.

    Attributes
    ----------
    names : list of str
    dtypes : list of dtype
    stretches : iterator
        Of lists of arrays (n,), one a column, over all rows in their order.
    """

    names: list[str]
    dtypes: list[np.dtype[Any]]
    stretches: Iterator[list[NDArray[Any]]]


def write_rows(table: Table, added: Added, path: Path, final: Path) -> int:
    """Write all rows to `path`, in the format that the ending of `final` asks for; their number.

    Parameters
    ----------
    table : Table
    added : Added
        Columns that stand behind the table's own. They are computed while the rows are written.
    path, final : Path
        Where to write, and what that file will be called once it is whole.

    Raises
    ------
    InputError
        If a name is there twice, or for Parquet twice but for upper and lower case; or if the
        table cannot be read, or changes meanwhile.
    OutputError
        If writing fails.
    """
    headings = _headings(table, added)
    if final.name.endswith((".parquet", ".pq")):
        return _copy(table, added, _as_parquet(table, headings), str(path), final)
    compression = "gzip" if final.name.endswith(".gz") else "none"
    return _copy(table, added, _as_csv(table, headings, compression), str(path), final)


def stream_rows(table: Table, added: Added, out: BinaryIO) -> int:
    """Write all rows to a stream as CSV, as they come; their number.

    Raises
    ------
    InputError
        As for `write_rows`.
    OSError
        If the stream takes no more.
    """
    command = _as_csv(table, _headings(table, added), "none")
    read, write = os.pipe()
    pump = _Pump(read, out)
    pump.start()
    with os.fdopen(write, "wb", 0) as end, signals_seen(pump.give_up):
        try:
            rows = _copy(table, added, command, f"/dev/fd/{end.fileno()}", Path("the output"))
        except OutputError:
            end.close()
            pump.end()  # if the stream failed, that is why
            raise
        end.close()
        pump.end()
    return rows


class _Pump(threading.Thread):
    """Writes what comes out of a pipe to a stream, as long as it is wanted.

    It may wait for a reader that pauses, and DuckDB for it, also when a signal ends the work.
    """

    def __init__(self, descriptor: int, out: BinaryIO) -> None:
        super().__init__(daemon=True)
        self._pipe = os.fdopen(descriptor, "rb", 0)
        self._error: BaseException | None = None
        out.flush()
        self._out, self._own = out, ExitStack()
        with suppress(OSError):  # else it is in memory
            own = io.BufferedWriter(WholeFile(os.dup(out.fileno()), "wb"))
            self._out = self._own.enter_context(own)

    def run(self) -> None:
        """Until the pipe's other end is closed."""
        try:
            with self._pipe, self._own:
                while some := self._pipe.read(2**16):
                    write_all(self._out.write, some, file=self._out)
                    self._out.flush()
        except BaseException as error:
            self._error = error

    def give_up(self, number: int) -> None:
        """Let what it waits to write, and all that follows, go nowhere.

        The signal ends its waiting; what it was writing is then written to the same descriptor,
        which leads nowhere by then.
        """
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
            if self.ident is not None:
                signal.pthread_kill(self.ident, number)

    def end(self) -> None:
        """Wait until all is written; raises what writing raised."""
        self.join()
        if self._error is not None:
            raise self._error


def _headings(table: Table, added: Added) -> list[str]:
    headings = [*table.names, *added.names]
    twice = [name for name, count in Counter(headings).items() if count > 1]
    if twice:
        raise InputError(
            f"{table.source} already has the column{'s' if len(twice) > 1 else ''} "
            f"{listed(twice)}, which would be added; rename or drop what is there."
        )
    return headings


def _columns(headings: list[str], added: int) -> list[str]:
    own = len(headings) - added
    return [f"c{i}" for i in range(own)] + [f"a{i}" for i in range(added)]


def _copy(table: Table, added: Added, command: Command, path: str, final: Path) -> int:
    """Run the command, which reads the rows and, as the table `added`, what stands behind them."""
    failure: list[BaseException] = []
    rows, name = 0, as_utf8(path)

    def counted() -> Iterator[list[NDArray[Any]]]:
        nonlocal rows
        try:
            for arrays in added.stretches:
                rows += len(arrays[0])
                yield arrays
        except BaseException as error:
            failure.append(error)  # DuckDB would make a text of it
            raise

    con = table.connection.cursor()  # the table's own reads what the predictions are made of
    names = [f"a{i}" for i in range(len(added.names))]
    con.register("added", stream(names, added.dtypes, counted()))
    try:
        written = con.execute(command.sql, command.parameters | {"path": name}).fetchall()[0][0]
    except duckdb.Error as error:
        if failure:
            raise failure[0] from error
        raise _not_written(table, path, final, error) from error
    finally:
        con.unregister("added")
    if written != rows:  # the file grew, and what is added ended before its rows
        raise changed(table.source)
    return rows


def _not_written(table: Table, path: str, final: Path, error: duckdb.Error) -> BaseException:
    text, name = str(error), as_utf8(path)
    if name in text and "No space left" in text:
        so_far = Path(path).stat().st_size if Path(path).exists() else 0
        return OutputError(
            f"{final} could not be written: no space is left on the disk, and it needs more than "
            f"the {shown(so_far)} written so far. Nothing was left behind, and a file that was "
            "there is unchanged."
        )
    if name in text or "write" in text:
        return OutputError(f"{final} could not be written: {first_line(error)}")
    return table.wrong(error)


def _as_csv(table: Table, headings: list[str], compression: str) -> Command:
    # We write the headings: DuckDB would rename those that differ by case only. As a row that is
    # put before the others they would make texts of all values, in far more memory.
    columns = ", ".join(_columns(headings, len(headings) - len(table.names)))
    first = StringIO()
    csv.writer(first, lineterminator="\n").writerow(headings)
    parameters: dict[str, Any] = {"headings": first.getvalue(), "end": "\n"}
    return Command(
        f"COPY (SELECT {columns} FROM rows POSITIONAL JOIN added) TO $path (FORMAT csv, "
        f"HEADER false, PREFIX $headings, SUFFIX $end, COMPRESSION {compression}, "
        "USE_TMP_FILE false)",
        parameters,
    )


def _as_parquet(table: Table, headings: list[str]) -> Command:
    folded = Counter(name.casefold() for name in headings)
    alike = [name for name in headings if folded[name.casefold()] > 1]
    if alike:
        raise InputError(
            f"the columns {listed(alike)} differ by upper and lower case only, which a Parquet "
            "file cannot hold; write CSV instead."
        )
    columns = _columns(headings, len(headings) - len(table.names))
    if table.as_text:
        columns[: len(table.names)] = typed(table)
    named = ", ".join(f"{c} AS {quote(name)}" for c, name in zip(columns, headings, strict=True))
    return Command(
        f"COPY (SELECT {named} FROM rows POSITIONAL JOIN added) "
        f"TO $path (FORMAT parquet, ROW_GROUP_SIZE {_row_group(table, len(columns))}, "
        "USE_TMP_FILE false)",
        {},
    )


def _row_group(table: Table, columns: int) -> int:
    """Rows of a row group so that one takes an eighth of the memory, about."""
    rows = memory_allowed(table.connection) // 8 // (VALUE_BYTES * columns)
    return min(ROW_GROUP, max(1, rows // LEAST_ROW_GROUP) * LEAST_ROW_GROUP)
