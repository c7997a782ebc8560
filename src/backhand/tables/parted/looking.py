"""What each worker finds on its machine: the files of a table, their sizes and row groups.

The functions run on workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from backhand.cluster.transport import Memory
from backhand.errors import MissingFileError
from backhand.support.memory_budget import MIN_MEMORY
from backhand.tables.database.connection import connect, disconnect, duckdb
from backhand.tables.database.duckdb_errors import explain, to_error
from backhand.tables.files import kinds
from backhand.tables.files.source import Source
from backhand.tables.files.text_files import is_gzip
from backhand.tables.parted.units import Unit
from backhand.tables.reading.options import ReadingOptions
from backhand.tables.reading.parquet_tables import PLACE, FileColumns, columns_of, row_groups
from backhand.tables.reading.reader import expand


class Found(NamedTuple):
    """What a worker finds.

    Attributes
    ----------
    folder : str
        The folder in which relative paths begin.
    sizes : dict of str to int
        The files, in the order of their names, and their bytes.
    """

    folder: str
    sizes: dict[str, int]


class FileFacts(NamedTuple):
    """What is known of a file before its rows are read.

    Attributes
    ----------
    size : int
        Its bytes.
    units : list of Unit
    columns : FileColumns or None
        Its columns, if it is a Parquet file.
    """

    size: int
    units: list[Unit]
    columns: FileColumns | None = None

    @property
    def rows(self) -> int:
        """The rows of a Parquet file."""
        return sum(unit.size for unit in self.units)


def look_for(_: Memory, data: str) -> Found:
    """Return the files that a path or glob names, none if there are none."""
    try:
        paths = expand(data)
    except MissingFileError:
        paths = []
    sizes = {path: Path(path).stat().st_size for path in paths}
    return Found(str(Path.cwd()), sizes)


def facts_of(_: Memory, options: ReadingOptions, paths: Sequence[str]) -> dict[str, FileFacts]:
    """Return the facts of each file; those of Parquet are in its footer."""
    connection = connect(MIN_MEMORY, None)
    try:
        return {path: _facts(connection, options, path) for path in paths}
    finally:
        disconnect(connection)


def _facts(connection: duckdb.DuckDBPyConnection, options: ReadingOptions, path: str) -> FileFacts:
    size = Path(path).stat().st_size
    if not _is_parquet(path, options):
        return FileFacts(size, [Unit(path, size)])
    source = Source(path, path, "parquet")
    try:
        columns, groups = columns_of(connection, source), row_groups(connection, source)
    except duckdb.Error as error:
        raise to_error(connection, error, explain(error, path, sources=[source])) from error
    rows = sum(n for n, _ in groups)
    if PLACE in map(str.casefold, columns.types):  # by which row groups are chosen
        return FileFacts(size, [Unit(path, rows)], columns)
    units, first = list[Unit](), 0
    for n, _ in groups:
        units.append(Unit(path, n, (first, first + n)))
        first += n
    return FileFacts(size, units or [Unit(path, 0)], columns)


def _is_parquet(path: str, options: ReadingOptions) -> bool:
    """Return whether a file is Parquet as it is; any other is read as a whole."""
    with Path(path).open("rb") as file:
        head = file.read(kinds.HEAD)
    stated = kinds.stated_format(options.format)
    if is_gzip(path) or kinds.packing_of(head) is not None or not head.startswith(b"PAR1"):
        return False
    return kinds.format_of(path, path, path, stated)[0] == "parquet"
