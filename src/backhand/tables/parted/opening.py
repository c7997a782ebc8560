"""Opens the files of a table on workers, each of which reads row groups or whole files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from backhand.cluster.parts import Parts, part_count
from backhand.cluster.transport import Transport
from backhand.errors import InputError, MissingFileError, listed
from backhand.support.memory_budget import format_size
from backhand.tables.files.source import Source
from backhand.tables.files.streams import is_address
from backhand.tables.parted.looking import FileFacts, facts_of, look_for
from backhand.tables.parted.part import PartFacts, Reading, open_part, reorder
from backhand.tables.parted.parted_table import PartedTable
from backhand.tables.parted.units import Unit, runs_of
from backhand.tables.reading.formats import check_one_format
from backhand.tables.reading.options import ReadingOptions
from backhand.tables.reading.parquet_tables import ParquetColumns, agreed_columns
from backhand.tables.reading.rows import check_same_names


def read_parted_table(
    transport: Transport,
    data: str | Path,
    *,
    batch_size: int | None,
    options: ReadingOptions | None = None,
    memory: int | str | None = None,
    cache_dir: str | Path | None = None,
    watch: Callable[[float], None] = lambda _: None,
) -> PartedTable:
    """Open a table on workers: each holds parts of its rows, and reads no others.

    The rows of Parquet files are cut between row groups, those of other files between files. How
    many parts there are depends on sizes and on `batch_size` alone; a file is read by workers whose
    machine has it.

    Parameters
    ----------
    transport : Transport
        It must stay open while the table is used.
    data : path or glob
        As of `read_table`. A relative path begins in this process's folder.
    batch_size : int or None
        The rows of a batch, by which the number of parts is chosen; None: all rows.
    options : ReadingOptions, optional
        What the user states about the files.
    memory : int or str, optional
        Maximum memory of all workers on one machine together; by default half of what is free.
    cache_dir : path, optional
        Where the workers store rows that do not fit; by default their machines' folders for
        temporary files.
    watch : callable
        Called with the fraction that is open, when a part is.

    Returns
    -------
    PartedTable

    Raises
    ------
    MissingFileError
        If no machine has such a file.
    InputError
        If the files cannot be read as one table, or differ between machines.
    OutputError
        If there is too little memory or disk space.
    """
    data, options = str(data), options or ReadingOptions()
    if data == "-" or is_address(data):
        raise InputError(
            f"{'standard input' if data == '-' else data} cannot be shared out to workers; save it "
            "as a file that their machines have."
        )
    machines = _files(transport, data)
    facts = _facts(transport, options, machines)
    columns = _parquet_columns(data, facts)
    runs = _runs(facts, machines, batch_size, whole=columns is None)
    able = [frozenset.intersection(*(machines[unit.path] for unit in run)) for run in runs]
    sizes = [sum(unit.size for unit in run) for run in runs]
    parts, opened_sizes = Parts(transport, len(runs), sizes, able), list[int]()

    def done(part: int) -> None:
        opened_sizes.append(sizes[part])
        watch(sum(opened_sizes) / max(1, sum(sizes)))

    reading = Reading(
        data, options, memory, max(Counter(transport.machines).values()), transport.threads,
        None if cache_dir is None else str(cache_dir), columns, len(runs),
    )  # fmt: skip
    files = [{unit.path: facts[unit.path] for unit in run} for run in runs]
    opened = parts.keep(open_part, reading, of_part=list(zip(runs, files, strict=True)), done=done)
    return _table(parts, data, opened)


def _runs(
    facts: dict[str, FileFacts],
    machines: dict[str, frozenset[str]],
    batch_size: int | None,
    *,
    whole: bool,
) -> list[list[Unit]]:
    """Return the units of each part: row groups, or `whole` files."""
    units = [
        unit for path, some in facts.items()
        for unit in ([Unit(path, some.size)] if whole else some.units)
    ]  # fmt: skip
    where = [machines[unit.path] for unit in units]
    return runs_of(units, part_count(len(units), batch_size), where)


def _files(transport: Transport, data: str) -> dict[str, frozenset[str]]:
    """Return the machines that have each file, in the order of the files' names."""
    names = list(dict.fromkeys(transport.machines))
    scouts = Parts(transport, len(names), machines=[(name,) for name in names])
    found = scouts.each(look_for, data)
    if not Path(data).is_absolute() and {some.folder for some in found} != {str(Path.cwd())}:
        found = scouts.each(look_for, str(Path.cwd() / data))
    sizes: dict[str, int] = {}
    machines: dict[str, list[str]] = {}
    for name, some in zip(names, found, strict=True):
        for path, size in some.sizes.items():
            if sizes.setdefault(path, size) != size:
                raise InputError(
                    f"{path} has {format_size(sizes[path])} on {machines[path][0]} and "
                    f"{format_size(size)} on {name}; expected the same file. Give one of them "
                    "another name, or copy it."
                )
            machines.setdefault(path, []).append(name)
    if not sizes:
        raise MissingFileError(f"{data} does not exist on the machines of the workers: "
                               f"{listed(names)}.")  # fmt: skip
    return {path: frozenset(machines[path]) for path in sorted(machines)}


def _facts(
    transport: Transport, options: ReadingOptions, machines: dict[str, frozenset[str]]
) -> dict[str, FileFacts]:
    """Return the facts of each file, in the same order; workers share the files out."""
    workers = [(name,) for name in transport.machines]
    given: list[list[str]] = [[] for _ in workers]
    for path, some in machines.items():
        able = [worker for worker, (name,) in enumerate(workers) if name in some]
        given[min(able, key=lambda worker: len(given[worker]))].append(path)
    scouts = Parts(transport, len(workers), machines=workers)
    answers = scouts.each(facts_of, options, of_part=[(paths,) for paths in given])
    facts = {path: some for answer in answers for path, some in answer.items()}
    return {path: facts[path] for path in machines}


def _parquet_columns(data: str, facts: dict[str, FileFacts]) -> ParquetColumns | None:
    """Return the columns of all files, if all are Parquet files as they are."""
    known = [some.columns for some in facts.values() if some.columns is not None]
    if len(known) < len(facts):
        return None
    return agreed_columns(data, [Source(path, path, "parquet") for path in facts], known)


def _table(parts: Parts, data: str, opened: Sequence[PartFacts]) -> PartedTable:
    """Return the table of parts that have been opened, after a check that they agree."""
    first = opened[0]
    check_one_format(data, {name for part in opened for name in part.formats})
    for part in opened[1:]:
        here, there = (Source(some.files[0], "", "csv") for some in (part, first))
        check_same_names(here, part.names, there, first.names)
        if part.delimiter != first.delimiter or (part.delimiter and part.names != first.names):
            raise InputError(
                f"{here.name} does not have the columns of {there.name}: {listed(part.names)}; "
                f"expected {listed(first.names)}, in that order."
            )
        for name, kind in zip(part.names, part.types, strict=True):
            if kind != (expected := first.types[first.names.index(name)]):
                raise InputError(
                    f"column '{name}' holds {kind} values in {here.name} and {expected} values in "
                    f"{there.name}; expected one type in all files."
                )
    table = PartedTable(parts, data, opened)
    if any(part.names != first.names for part in opened):
        table.keep(reorder, first.names)
    if table.empty:
        raise InputError(f"{data} has column names but no rows; expected at least one row.")
    workers = len(parts.transport.places)
    if idle := sum(not parts.of_worker(worker) for worker in range(workers)):
        one = parts.count == 1
        what = "1 part, which consists" if one else f"{parts.count} parts, which consist"
        table.remarks.append(
            f"{idle} of {workers} workers have no rows: {data} has {what} of row "
            "groups of Parquet files, or of whole files."
        )
    return table
