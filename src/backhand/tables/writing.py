"""Writes a table's rows with columns appended: CSV, plain or .gz, and Parquet."""

from __future__ import annotations

import csv
import io
import os
import tempfile
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
from backhand.support import system
from backhand.support.memory_budget import format_size
from backhand.support.output_streams import WholeFile, write_all
from backhand.support.signals import signals_seen
from backhand.support.trusted_folders import temporary
from backhand.tables.cells.texts import sql_name
from backhand.tables.database.arrow_streams import stream
from backhand.tables.database.connection import as_utf8, cursor_of, duckdb
from backhand.tables.database.duckdb_errors import first_line, memory_allowed
from backhand.tables.files.file_changes import changed
from backhand.tables.queries import read_error
from backhand.tables.schema.column_types import typed
from backhand.tables.table import Table

ENDINGS = (".csv", ".csv.gz", ".parquet", ".pq")

ROW_GROUP, MIN_ROW_GROUP = 122_880, 2048
"""Rows of a row group in Parquet output: DuckDB's default, and the smallest that it writes."""

VALUE_BYTES = 16
"""Bytes of a value, about, until its row group is written."""


def check_ending(path: Path) -> None:
    """Check that the name ends in the name of a format."""
    if not path.name.endswith(ENDINGS):
        raise InputError(
            f"the output {path} must end in {listed(ENDINGS, conjunction='or')}; "
            "the ending selects the format."
        )


class Command(NamedTuple):
    """SQL and its parameters."""

    sql: str
    parameters: dict[str, Any]


class Added(NamedTuple):
    """Columns that are appended to a table's own, a chunk of rows at a time.

    Attributes
    ----------
    names : list of str
    contents : list of dtype or array
        For a column of numbers its dtype; for a column of texts the distinct texts (K,), and its
        arrays are positions in them.
    chunks : iterator of lists of arrays (n,)
        One array per column, over all rows in order.
    """

    names: list[str]
    contents: list[np.dtype[Any] | NDArray[np.str_]]
    chunks: Iterator[list[NDArray[Any]]]


def write_rows(table: Table, added: Added, path: Path, final: Path) -> int:
    """Write all rows to a file, and return their number.

    Parameters
    ----------
    table : Table
    added : Added
        Columns to append. They are computed while the rows are written.
    path, final : Path
        The file to write, and its name once it is complete, whose ending selects the format.

    Raises
    ------
    InputError
        If two columns have the same name, or for Parquet names that differ by upper and lower case
        only; or if the table cannot be read, or changes meanwhile.
    OutputError
        If writing fails.
    """
    headings = _headings(table, added)
    if final.name.endswith((".parquet", ".pq")):
        return _copy(table, added, _as_parquet(table, headings), str(path), final)
    compression = "gzip" if final.name.endswith(".gz") else "none"
    return _copy(table, added, _as_csv(table, headings, compression), str(path), final)


def stream_rows(table: Table, added: Added, out: BinaryIO) -> int:
    """Write all rows to a stream as CSV while they are computed, and return their number.

    Raises
    ------
    InputError
        As for `write_rows`.
    OSError
        If the stream cannot be written to.
    """
    command = _as_csv(table, _headings(table, added), "none")
    if system.files.descriptor_path(1) is None:
        return _through_file(table, added, command, out)
    read, write = os.pipe()
    pump = _Pump(read, out)
    pump.start()
    with os.fdopen(write, "wb", 0) as end, signals_seen(pump.give_up):
        try:
            path = system.files.descriptor_path(end.fileno())
            rows = _copy(table, added, command, str(path), Path("the output"))
        except OutputError:
            end.close()
            pump.end()  # if the stream failed, that is why
            raise
        end.close()
        pump.end()
    return rows


def _through_file(table: Table, added: Added, command: Command, out: BinaryIO) -> int:
    """Write the rows to a file and then to the stream, where DuckDB cannot write to a pipe."""
    with temporary(Path(tempfile.gettempdir()), "rows") as folder:
        rows = _copy(table, added, command, str(folder / "rows"), Path("the output"))
        with (folder / "rows").open("rb") as written:
            while data := written.read(2**16):
                write_all(out.write, data, file=out)
    out.flush()
    return rows


class _Pump(threading.Thread):
    """Copies a pipe to a stream until the pipe is closed or a signal arrives.

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
        """Copy until the other end of the pipe is closed."""
        try:
            with self._pipe, self._own:
                while data := self._pipe.read(2**16):
                    write_all(self._out.write, data, file=self._out)
                    self._out.flush()
        except BaseException as error:
            self._error = error

    def give_up(self, number: int) -> None:
        """Discard what it is writing, and all that follows.

        The descriptor is replaced by the null device, and the signal ends a write that waits; it is
        then repeated, to the null device.
        """
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._out.fileno())
            os.close(null)
            if self.ident is not None:
                system.processes.interrupt_thread(self.ident, number)

    def end(self) -> None:
        """Wait until everything is written, and raise what writing raised."""
        self.join()
        if self._error is not None:
            raise self._error


def _headings(table: Table, added: Added) -> list[str]:
    headings = [*table.names, *added.names]
    twice = [name for name, count in Counter(headings).items() if count > 1]
    if twice:
        raise InputError(
            f"{table.source} already has the column{'s' if len(twice) > 1 else ''} "
            f"{listed(twice)}, which would be added; rename or drop the present "
            f"column{'s' if len(twice) > 1 else ''}."
        )
    return headings


def _columns(headings: list[str], added: int) -> list[str]:
    own = len(headings) - added
    return [f"c{i}" for i in range(own)] + [f"a{i}" for i in range(added)]


def _copy(table: Table, added: Added, command: Command, path: str, final: Path) -> int:
    """Run a command that reads the table `rows` and the appended columns as the table `added`."""
    failure: list[BaseException] = []
    rows, name = 0, as_utf8(path)

    def counted() -> Iterator[list[NDArray[Any]]]:
        nonlocal rows
        try:
            for arrays in added.chunks:
                rows += len(arrays[0])
                yield arrays
        except BaseException as error:
            failure.append(error)  # DuckDB would turn it into a text
            raise

    con = cursor_of(table.connection)  # the table's own reads the model's input
    names = [f"a{i}" for i in range(len(added.names))]
    con.register("added", stream(names, added.contents, counted()))
    try:
        written = con.execute(command.sql, command.parameters | {"path": name}).fetchall()[0][0]
    except duckdb.Error as error:
        if failure:
            raise failure[0] from error
        raise _not_written(table, path, final, error) from error
    finally:
        con.unregister("added")
    if written != rows:  # the file grew, and has more rows than were computed
        raise changed(table.source)
    return rows


def _not_written(table: Table, path: str, final: Path, error: duckdb.Error) -> BaseException:
    text, name = str(error), as_utf8(path)
    if name in text and "No space left" in text:
        so_far = Path(path).stat().st_size if Path(path).exists() else 0
        return OutputError(
            f"{final} could not be written: no space is left on the disk, and more than the "
            f"{format_size(so_far)} written so far are needed. Nothing was left behind, and an "
            "existing file is unchanged."
        )
    if name in text or "write" in text:
        return OutputError(f"{final} could not be written: {first_line(error)}")
    return read_error(table, error)


def _as_csv(table: Table, headings: list[str], compression: str) -> Command:
    # The headings are a prefix: DuckDB would rename those that differ by case only. As a first row
    # they would turn all values into texts, in far more memory.
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
            f"the columns {listed(alike)} differ by upper and lower case only, which Parquet does "
            "not allow; write CSV instead."
        )
    columns = _columns(headings, len(headings) - len(table.names))
    if table.as_text:
        columns[: len(table.names)] = typed(table)
    named = ", ".join(f"{c} AS {sql_name(name)}" for c, name in zip(columns, headings, strict=True))
    return Command(
        f"COPY (SELECT {named} FROM rows POSITIONAL JOIN added) "
        f"TO $path (FORMAT parquet, ROW_GROUP_SIZE {_row_group(table, len(columns))}, "
        "USE_TMP_FILE false)",
        {},
    )


def _row_group(table: Table, columns: int) -> int:
    """Return the rows of a row group that takes about an eighth of the memory."""
    rows = memory_allowed(table.connection) // 8 // (VALUE_BYTES * columns)
    return min(ROW_GROUP, max(1, rows // MIN_ROW_GROUP) * MIN_ROW_GROUP)
