"""What workers share of a training on a table: its rows, or the networks of its search."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from backhand.choices import ShareName, names
from backhand.cluster.connect import MOST_WORKERS, connect
from backhand.cluster.parted_engine import PartedEngine
from backhand.cluster.remote_engine import RemoteEngine
from backhand.cluster.transport import Transport
from backhand.constraints import Choice, Integer, check
from backhand.engines import Engine
from backhand.errors import InputError, MissingFileError
from backhand.option_names import given as spelled
from backhand.option_names import named
from backhand.table_settings import Settings
from backhand.tables.files.streams import is_address
from backhand.tables.parted.opening import read_parted_table
from backhand.tables.parted.parted_table import PartedTable
from backhand.tables.reading.options import ReadingOptions
from backhand.tables.reading.reader import expand
from backhand.tables.table import Table

SMALL = 2**28
"""Bytes of all files below which each worker can well read all rows: 256 MiB."""

Shared = Literal["rows", "networks"]


@dataclass(frozen=True)
class Sharing:
    """How many workers there are, where they run, and what they share.

    Attributes
    ----------
    workers : int, optional
        None: nothing is shared.
    ray : str, optional
        The Ray cluster on which they run, as `connect` takes it.
    share : {"auto", "rows", "networks"}

    Raises
    ------
    InputError
        If one of them is invalid, or the others are given without `workers`.
    """

    workers: int | None = None
    ray: str | None = None
    share: ShareName = "auto"

    def __post_init__(self) -> None:
        check("share", self.share, Choice(names(ShareName)))
        if self.workers is not None:
            check("workers", self.workers, Integer(1, MOST_WORKERS))
        for name, given in (("ray", self.ray is not None), ("share", self.share != "auto")):
            if given and self.workers is None:
                raise InputError(
                    f"{named(name)} needs workers; add their number, such as "
                    f"{spelled('workers', 4)}."
                )

    def of(self, data: Any, query: str | None, settings: Settings) -> Shared | None:
        """Return what is shared in a training on this table; None: nothing.

        Parameters
        ----------
        data : path, glob, Table, mapping of columns, or data frame
        query : str, optional
        settings : Settings

        Raises
        ------
        InputError
            If it cannot be shared.
        """
        if self.workers is None:
            return None
        share: Shared = self.share if self.share != "auto" else (
            "rows" if settings.quick or self._size(data, query) >= SMALL else "networks"
        )  # fmt: skip
        if share == "networks" and settings.quick:
            raise InputError(
                f"with {spelled('quick')} there is only one network, so that workers cannot share "
                f"networks; omit {named('share')}, so that they share rows, or omit "
                f"{named('quick')}."
            )
        if share == "rows":
            _check_rows(data, query, settings)
        return share

    def _size(self, data: Any, query: str | None) -> float:
        """Return the bytes of the files of a table; 0 if it is not read from files."""
        if query is not None or not _is_files(data):
            return 0
        try:
            return sum(Path(path).stat().st_size for path in expand(str(data)))
        except MissingFileError:
            if self.ray is None:
                raise
            return math.inf  # other machines may have them


def _is_files(data: Any) -> bool:
    """Return whether a table is read from files that workers can read too."""
    if not isinstance(data, str | PathLike):
        return False
    return str(data) != "-" and not is_address(str(data))


def _check_rows(data: Any, query: str | None, settings: Settings) -> None:
    """Raise InputError if the rows of a table cannot be shared."""
    instead = (
        "write them to Parquet or CSV files, such as with DuckDB's COPY … TO 'rows.parquet', and "
        "train on these"
    )
    networks = f"or share networks ({spelled('share', 'networks')}, without {named('quick')})"
    if query is not None:
        raise InputError(
            "workers read their own rows of files, and a query makes its rows on one machine; "
            f"{instead}, {networks}."
        )
    if not _is_files(data):
        what = str(data) if isinstance(data, str) else f"data of type {type(data).__name__}"
        if data == "-":
            what = "standard input (-)"
        raise InputError(
            f"workers read their own rows of files, which {what} is not; {instead}, {networks}."
        )
    if settings.cv is not None:
        raise InputError(
            f"{named('cv')} trains on each fold's rows, which would have to be encoded again on "
            f"every worker; omit it when workers share rows, {networks}."
        )


@dataclass(frozen=True)
class Workers:
    """Workers that are connected, and what they share.

    Attributes
    ----------
    transport : Transport
    shared : {"rows", "networks"}
    """

    transport: Transport
    shared: Shared

    def read(
        self,
        data: str | PathLike[str],
        settings: Settings,
        *,
        reading: Mapping[str, Any],
        memory: int | str | None = None,
        cache_dir: str | PathLike[str] | None = None,
        watch: Callable[[float], None] = lambda _: None,
    ) -> PartedTable:
        """Open a table whose rows the workers read, as `read_parted_table`.

        Parameters
        ----------
        data : path or glob
        settings : Settings
        reading : mapping
            What is stated about the file, as `read_table` takes it.
        memory, cache_dir
            Of the workers of each machine.
        watch : callable
            Called with the fraction that is open.
        """
        sheet = reading.get("sheet")
        options = ReadingOptions(**{**reading, "sheet": sheet if sheet is None else str(sheet)})
        return read_parted_table(
            self.transport, str(data), batch_size=settings.batch_size, options=options,
            memory=memory, cache_dir=None if cache_dir is None else Path(cache_dir), watch=watch,
        )  # fmt: skip

    def engine(
        self, engine: Engine, table: Table, device: str | None = None, threads: int | None = None
    ) -> Engine:
        """Return the engine that computes with the workers what this one computes alone.

        Parameters
        ----------
        engine : Engine
        table : Table
            The table that was read.
        device, threads
            Those of the engine, as `make_engine` takes them.
        """
        if isinstance(table, PartedTable):
            return PartedEngine(table.parts, engine.name, device, threads, engine.precision)
        return RemoteEngine(engine, self.transport)


@contextmanager
def connected(
    sharing: Sharing, shared: Shared | None, threads: int | None = None
) -> Iterator[Workers | None]:
    """Connect to the workers, which are ended with the context; None if nothing is shared.

    Parameters
    ----------
    sharing : Sharing
    shared : {"rows", "networks"} or None
        What `sharing.of` a table says.
    threads : int, optional
        Of each worker.

    Raises
    ------
    InputError, MissingDependencyError
        As `connect`.
    """
    if shared is None or sharing.workers is None:
        yield None
        return
    with connect(sharing.workers, sharing.ray, threads) as transport:
        yield Workers(transport, shared)
