"""A table larger than the memory of its workers: time, and the peak memory of each worker.

    python benchmarks/large_parts.py FOLDER [--gigabytes 20] [--memory 1GB] [--workers 2]

creates the table in FOLDER, eight Parquet files of random numbers, which cannot be compressed, and
removes it at the end unless `--keep`. Workers are processes of a Ray cluster on this machine. Where
control groups are there (Linux, as root), each is in one of its own, whose limit is `--memory`: the
system ends a worker that needs more. The table's encoded rows are stored in FOLDER, too. With
`--epochs 1` a network is trained on them; on a disk with a large read-ahead (/sys/block/*/queue)
that takes long, since rows are read in blocks of 256 KiB.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from output import arguments_of, markdown, write_json

from backhand.cluster.connect import connect
from backhand.cluster.parted_engine import PartedEngine
from backhand.cluster.transport import Memory
from backhand.engines import make_engine
from backhand.support.memory_budget import format_size, parse_size
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.parted.opening import read_parted_table
from backhand.tabular.training import fit_table, prepare_table

FILES, COLUMNS, GROUP = 8, 99, 61_440
"""Files, numbers of a row beside its class, rows of a row group (49 MB)."""

GROUPS = Path("/sys/fs/cgroup/memory")
"""Control groups of version 1."""

BATCH = 65_536


def make(folder: Path, bytes_in_all: int) -> None:
    """Write the files: a class follows from the signs of two numbers, with some noise."""
    import duckdb

    rows = bytes_in_all // (8 * (COLUMNS + 1)) // FILES
    numbers = ", ".join(f"random() - 0.5 AS x{j}" for j in range(COLUMNS))
    label = "CAST(x0 * x1 + 0.05 * x2 > 0 AS BIGINT) + CAST(x3 > 0.2 AS BIGINT) AS label"
    connection = duckdb.connect()
    for k in range(FILES):
        connection.execute(
            f"COPY (SELECT *, {label} FROM (SELECT {numbers} FROM range({rows}))) "
            f"TO '{folder}/{k}.parquet' (FORMAT parquet, COMPRESSION uncompressed, "
            f"ROW_GROUP_SIZE {GROUP})"
        )


@dataclass
class Watched:
    """A process that is watched: its number, its largest memory, and what it has read."""

    process: int
    group: Path | None
    largest: int = 0
    read: int = 0

    def look(self) -> None:
        """Take note of the memory that is not of a file, and of the bytes read so far."""
        with suppress(OSError):
            status = Path(f"/proc/{self.process}/status").read_text()
            anonymous = re.search(r"RssAnon:\s+(\d+)", status)
            self.largest = max(self.largest, int(anonymous[1]) * 1024 if anonymous else 0)
            io = Path(f"/proc/{self.process}/io").read_text()
            self.read = int(io.split("rchar: ")[1].split()[0])

    @property
    def largest_in_group(self) -> int | None:
        """The largest memory of the control group, with what is cached of files."""
        if self.group is None:
            return None
        return int((self.group / "memory.max_usage_in_bytes").read_text())


@contextmanager
def watched(processes: list[Watched]) -> Iterator[None]:
    """While the context lasts, take note of the processes' peaks."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for one in processes:
                one.look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def limited(process: int, memory: int, after: ExitStack) -> Watched:
    """Put a process into a control group with so much memory, if that can be done.

    The group is removed at the end of `after`, when the process has ended.
    """
    group = GROUPS / f"backhand-{process}"
    try:
        group.mkdir()
    except OSError:
        return Watched(process, None)
    after.callback(removed, group)
    with suppress(OSError):  # what it has in memory already is counted, too, if the kernel can
        (group / "memory.move_charge_at_immigrate").write_text("3")
    (group / "memory.limit_in_bytes").write_text(str(memory))
    (group / "cgroup.procs").write_text(str(process))
    return Watched(process, group)


def removed(group: Path) -> None:
    """Remove a control group as soon as its process has ended."""
    for _ in range(100):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)


def process_of(_: Memory) -> int:
    return os.getpid()


@dataclass
class Steps:
    """The seconds of each step, by its name."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, action: Callable[[], Any]) -> Any:
        """Do a step, print its time, and return what it returns."""
        began = time.perf_counter()
        result = action()
        self.seconds[name] = time.perf_counter() - began
        print(f"{name}: {self.seconds[name]:.1f} s", flush=True)
        return result


def train(folder: Path, memory: int, workers: int, epochs: int) -> dict[str, Any]:
    """Read, encode and train, and return seconds and peaks."""
    settings = Settings(quick=True, epochs=max(1, epochs), batch_size=BATCH, hidden=32)
    steps, name = Steps(), f"{folder}/*.parquet"
    with ExitStack() as after, connect(workers, "local") as transport, ExitStack() as watching:
        numbers = [transport.submit(n, process_of).result(60) for n in range(workers)]
        processes = [limited(number, memory, after) for number in numbers]
        watching.enter_context(watched(processes))
        table = steps.timed("open", lambda: read_parted_table(
            transport, name, batch_size=BATCH, memory=workers * memory,
            cache_dir=folder,
        ))  # fmt: skip
        prepared = steps.timed(
            "learn and encode",
            lambda: prepare_table(table, "label", settings, matrices=ArrayStore(2**30, folder)),
        )
        found = prepared.standard
        print(
            f"{found.training.rows:,} training rows, {found.held_out.rows:,} held out", flush=True
        )
        if epochs:
            engine = PartedEngine(table.parts, make_engine("auto").name)
            steps.timed("train", lambda: fit_table(prepared, settings, engine=engine))
        for worker, one in enumerate(processes):
            if transport.submit(worker, process_of).result(60) != one.process:
                raise SystemExit(f"worker {worker + 1} was ended: it needed more memory")
        return {
            "rows": table.rows, "parts": table.parts.count, "seconds": steps.seconds,
            "limited": processes[0].group is not None,
            "anonymous": [one.largest for one in processes],
            "with_cache": [one.largest_in_group for one in processes],
            "read": [one.read for one in processes],
        }  # fmt: skip


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=20.0)
    parser.add_argument("--memory", type=parse_size, default=10**9)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    folder = given.folder / "large-parts"
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.parquet")):
        Steps().timed("write the table", lambda: make(folder, int(given.gigabytes * 1e9)))
    size = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    try:
        found = train(folder, given.memory, given.workers, given.epochs)
    finally:
        if not given.keep:
            shutil.rmtree(folder)
    print(
        f"\n{format_size(size)} in {FILES} files, {found['rows']:,} rows of {COLUMNS} numbers in "
        f"{found['parts']} parts, {given.workers} workers, {format_size(given.memory)} of memory "
        f"each{'' if found['limited'] else ' (asked for; not enforced)'}.\n"
    )
    markdown(
        ["step", "seconds", "MB/s of the table"],
        [[name, f"{s:.1f}", f"{size / s / 1e6:.0f}"] for name, s in found["seconds"].items()],
    )
    markdown(
        ["worker", "peak memory", "with cached files", "read"],
        [[str(k + 1), format_size(own), "" if group is None else format_size(group),
          format_size(read)]
         for k, (own, group, read) in enumerate(zip(
             found["anonymous"], found["with_cache"], found["read"], strict=True,
         ))],
    )  # fmt: skip
    write_json(given.json, found | {"bytes": size, "memory": given.memory})


if __name__ == "__main__":
    main()
