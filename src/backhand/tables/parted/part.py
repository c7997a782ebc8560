"""A part of a table on the worker that holds it: a plain `Table` of its rows.

The functions run on workers. All parts on a worker are in one database, and share its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, groupby
from pathlib import Path
from typing import Any, NamedTuple

from backhand.cluster.part_memory import INTERRUPT, SHARED
from backhand.cluster.transport import Memory
from backhand.errors import InputError
from backhand.support.memory_budget import MIN_MEMORY, budget, format_size
from backhand.tables.array_store import ArrayStore
from backhand.tables.database.connection import (
    connect,
    cursor_of,
    disconnect,
    duckdb,
    has_rooms,
    interrupt_rooms,
    room_in,
)
from backhand.tables.database.duckdb_errors import explain, to_error
from backhand.tables.files.file_changes import FileSnapshots, changed
from backhand.tables.files.source import Source
from backhand.tables.parted.looking import FileFacts
from backhand.tables.parted.units import Unit
from backhand.tables.reading.formats import load_files
from backhand.tables.reading.options import ReadingOptions
from backhand.tables.reading.parquet_tables import ParquetColumns, Piece, load_pieces
from backhand.tables.reading.rows import in_files
from backhand.tables.reading.sources import prepare
from backhand.tables.table import Table

TABLE = "table"
"""The key of a part's table in its memory."""

DATABASE = "database"
"""The key of the database in what the parts of a worker share."""

MATRICES = "matrices"
"""The key of where the encoded rows of parts are stored, in what the parts of a worker share."""

DATABASE_SHARE, MATRICES_SHARE = 0.4, 0.25
"""Parts of a worker's memory for its database and for encoded rows. The process itself, the rows on
their way from one to the other and training need the rest."""

_numbers = count()
"""Numbers for the schemas of parts."""


class Reading(NamedTuple):
    """How the parts of a table are read.

    Attributes
    ----------
    source : str
        What messages call the table.
    options : ReadingOptions
    memory : int, str or None
        What all workers of one machine may use together, as `budget` takes it.
    sharing : int
        The number of workers that share it.
    threads : int
        The number of threads of a worker.
    cache_dir : str or None
        Where to store rows that do not fit.
    columns : ParquetColumns or None
        Those of all files, if these are Parquet files of which row groups are read.
    parts : int
        The number of parts.
    """

    source: str
    options: ReadingOptions
    memory: int | str | None
    sharing: int
    threads: int
    cache_dir: str | None
    columns: ParquetColumns | None
    parts: int

    def worker_memory(self) -> int:
        """Return the bytes that a worker may use.

        Raises
        ------
        InputError
            If they are too few.
        """
        memory = budget(self.memory) // self.sharing
        if memory < MIN_MEMORY:
            raise InputError(
                f"{self.sharing} workers on one machine share {format_size(memory * self.sharing)} "
                f"of memory; each needs {format_size(MIN_MEMORY)} or more. Use fewer workers, or "
                "allow more with --memory (memory)."
            )
        return memory


class PartFacts(NamedTuple):
    """What is known of a part when it has been opened."""

    rows: int
    names: list[str]
    types: list[str]
    remarks: list[str]
    delimiter: str
    as_text: bool
    points: bool
    formats: set[str]
    files: list[str]


def open_part(
    memory: Memory, reading: Reading, run: Sequence[Unit], files: dict[str, FileFacts]
) -> PartFacts:
    """Open the units of a part as a table, unless it is open, and tell of it.

    `files` are the facts of its files.

    Raises
    ------
    InputError
        If a file cannot be read, or is not the one of which the part was planned.
    OutputError
        If there is too little memory or disk space.
    """
    if TABLE not in memory:
        memory[TABLE] = _opened(memory[SHARED], reading, run, files)
    table: Table = memory[TABLE]
    return PartFacts(
        table.rows, table.names, table.types, table.remarks, table.delimiter, table.as_text,
        table.points, {source.format for source in table.sources},
        list(dict.fromkeys(unit.path for unit in run)),
    )  # fmt: skip


def close_part(memory: Memory) -> None:
    """Close the table of a part; the last one closes the database of the worker."""
    if (table := memory.pop(TABLE, None)) is not None:
        table.close()
        shared = memory[SHARED]
        if not has_rooms(shared[DATABASE]):
            del shared[INTERRUPT]
            disconnect(shared.pop(DATABASE))


def of_table(
    memory: Memory, function: Callable[..., Any], args: tuple[Any, ...], *given: Any
) -> Any:
    """Return `function(table of the part, *args, *given)`."""
    return function(memory[TABLE], *args, *given)


def _opened(
    shared: Memory, reading: Reading, run: Sequence[Unit], files: dict[str, FileFacts]
) -> Table:
    if DATABASE not in shared:
        memory, folder = reading.worker_memory(), reading.cache_dir
        shared[DATABASE] = connect(memory, folder, DATABASE_SHARE)
        shared[INTERRUPT] = partial(interrupt_rooms, shared[DATABASE])
        shared.setdefault(MATRICES, ArrayStore(int(memory * MATRICES_SHARE), folder))
        cursor_of(shared[DATABASE]).execute(f"SET GLOBAL threads = {_threads(shared, reading)}")
    _check_sizes(files)
    snapshots = FileSnapshots(list(files))
    connection = room_in(shared[DATABASE], f"part{next(_numbers)}")
    try:
        with snapshots.unchanged():
            table = _loaded(connection, reading, run, files)
            table.rows  # noqa: B018 (counted now, so that an error is one of opening)
    except BaseException:
        disconnect(connection)
        raise
    table.read_from(snapshots, again=in_files(connection))
    return table


def _threads(shared: Memory, reading: Reading) -> int:
    setting = cursor_of(shared[DATABASE]).execute("SELECT current_setting('threads')").fetchall()
    return max(1, min(int(setting[0][0]), reading.threads))


def _check_sizes(files: dict[str, FileFacts]) -> None:
    for path, facts in files.items():
        try:
            size = Path(path).stat().st_size
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        if size != facts.size:
            raise changed(path)


def _loaded(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    run: Sequence[Unit],
    files: dict[str, FileFacts],
) -> Table:
    if reading.columns is None:
        sources = [prepare(connection, unit.path, reading.options) for unit in run]
        table = load_files(
            connection, reading.source, sources, reading.options.header, in_place=False, query=False
        )
        table.remarks = [told for each in sources for told in each.remarks] + table.remarks
        return table
    pieces = _pieces(run, files)
    try:
        return load_pieces(connection, reading.source, reading.columns, pieces, reading.parts)
    except duckdb.Error as error:
        sources = [piece.source for piece in pieces]
        told = explain(error, reading.source, sources=sources)
        raise to_error(connection, error, told) from error


def _pieces(run: Sequence[Unit], files: dict[str, FileFacts]) -> list[Piece]:
    """Return the rows of each file; its units follow each other."""
    pieces: list[Piece] = []
    for path, units in groupby(run, lambda unit: unit.path):
        facts, ends = files[path], [place for unit in units for place in unit.rows or ()]
        assert facts.columns is not None
        pieces.append(Piece(
            Source(path, path, "parquet"), facts.columns.types,
            None if not ends or (ends[0], ends[-1]) == (0, facts.rows) else (ends[0], ends[-1]),
        ))  # fmt: skip
    return pieces


def reorder(part: Table, names: Sequence[str]) -> None:
    """Put the columns of a part into the order of other parts, which have the same names."""
    if part.names == list(names):
        return
    cells = ", ".join(f"c{part.places[name]} AS c{i}" for i, name in enumerate(names))
    kind = "VIEW" if in_files(part.connection) else "TABLE"
    part.connection.execute(f"ALTER {kind} rows RENAME TO unordered")
    part.connection.execute(f"CREATE VIEW rows AS SELECT {cells} FROM unordered")
    part.types = [part.types[part.places[name]] for name in names]
    part.names = list(names)
    part.places = {name: i for i, name in enumerate(names)}
