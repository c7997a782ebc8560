"""What workers share, and what each of them reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from backhand.cli.reports.progress import short
from backhand.cluster.transport import Transport
from backhand.errors import comma_list
from backhand.tables.parted.parted_table import Reader
from backhand.tabular.sharing import Workers

MOST_SHOWN = 16
"""Workers of which a line is shown."""

MOST_FILES = 3
"""Files of a worker that are named."""


def workers_in_words(workers: Workers, readers: Sequence[Reader]) -> list[tuple[str, str]]:
    """Return lines on the workers, each under a title."""
    if not readers:
        return [("shared", f"the networks of the search, by {_where(workers.transport)}")]
    parts = sum(reader.parts for reader in readers)
    lines = [("shared", f"the rows, in {parts:,} parts, by {_where(workers.transport)}")]
    lines += [(f"worker {number}", _reading(reader, workers.transport))
              for number, reader in enumerate(readers[:MOST_SHOWN], 1)]  # fmt: skip
    if len(readers) > MOST_SHOWN:
        lines.append(("", f"and {len(readers) - MOST_SHOWN:,} more workers"))
    return lines


def workers_to_json(workers: Workers, readers: Sequence[Reader]) -> dict[str, Any]:
    """Return the same as JSON values, of all workers."""
    places = list(workers.transport.places)
    read = [{**reader._asdict(), "rows_per_second": _speed(reader)} for reader in readers]
    return {"shared": workers.shared, "workers": read or [{"place": place} for place in places]}


def _where(transport: Transport) -> str:
    """Return `2 workers in this process`, or how many are where."""
    places = transport.places
    if transport.in_this_process:
        return f"{len(places):,} worker{'s' if len(places) > 1 else ''} in this process"
    machines = Counter(place.split(",")[0] for place in places)
    return f"{len(places):,} worker{'s' if len(places) > 1 else ''}: " + comma_list(
        f"{n:,} on {machine}" for machine, n in machines.items()
    )


def _reading(reader: Reader, transport: Transport) -> str:
    """Return what a worker reads, and how fast."""
    where = "" if transport.in_this_process else f", on {reader.place}"
    if not reader.parts:
        return f"no rows{where}"
    parts = f"{reader.parts:,} part{'s' if reader.parts > 1 else ''}"
    files = comma_list(reader.files, most=MOST_FILES)
    speed = f", {short(_speed(reader))} rows/s" if reader.seconds else ""
    return f"{reader.rows:,} rows of {parts}{speed}{where}: {files}"


def _speed(reader: Reader) -> float:
    return reader.rows / reader.seconds if reader.seconds else 0.0
