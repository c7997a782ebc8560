"""`backhand predict` and `evaluate` on a large file, beside DuckDB's own scan and copy of it.

    python benchmarks/predict_command.py FOLDER [--rows 1000000] [--repeats 7] [--json FILE]

Creates the table of `reading.py` in FOLDER unless it exists (eight numbers, a category, a date, a
class), and a model of its first 50,000 rows. Everything runs as a process of its own, in turn, and
its wall time counts whole, with Python's start and the imports: `predict` from CSV and Parquet to
either, `evaluate`, and, with DuckDB alone, a scan that reads every value and a copy to either
format. `--threads` limits the processes to so many cores; the default is one. Prints a Markdown
table of medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from output import arguments_of, markdown, write_json
from reading import OPTIONS, READERS, make

from backhand.benchmark.machine import this_machine

FORMATS = ("csv", "parquet")
# Without the hash, DuckDB would answer from the statistics of a Parquet file.
SCAN = "SELECT bit_xor(hash(COLUMNS(*))) FROM {reader}('{path}')"
COPY = "COPY (FROM {reader}('{path}')) TO '{output}' ({options})"
Command = list[str]


def by_duckdb(sql: str, threads: int) -> Command:
    """Return a process that runs a statement in DuckDB."""
    settings = f"connection.execute('SET threads = {threads}')"
    run = f"import duckdb; connection = duckdb.connect(); {settings}; connection.execute({sql!r})"
    return [sys.executable, "-c", f"{run}.fetchall()"]


def by_backhand(*arguments: object) -> Command:
    return [sys.executable, "-m", "backhand", *map(str, arguments)]


def commands(folder: Path, rows: int, threads: int) -> dict[tuple[str, str], tuple[Command, ...]]:
    """Return DuckDB's process and ours, by the format that is read and what is done."""
    found = {}
    for kind in FORMATS:
        path, model = folder / f"rows-{rows}.{kind}", folder / "model.safetensors"
        given = {"reader": READERS[kind], "path": path}
        found[kind, "evaluate"] = (
            by_duckdb(SCAN.format(**given), threads), by_backhand("evaluate", model, path)
        )  # fmt: skip
        for to in FORMATS:
            theirs, ours = folder / f"copied.{to}", folder / f"predicted.{to}"
            copy = COPY.format(**given, output=theirs, options=OPTIONS[to])
            found[kind, f"predict to {to}"] = (
                by_duckdb(copy, threads), by_backhand("predict", model, path, "-o", ours)
            )  # fmt: skip
    return found


def prepare(folder: Path, rows: int) -> None:
    """Write the tables and the model, unless they are there."""
    for kind in FORMATS:
        if not (path := folder / f"rows-{rows}.{kind}").exists():
            make(path, rows)
    if not (folder / "model.safetensors").exists():
        subprocess.run(
            by_backhand("train", folder / f"rows-{rows}.parquet", "--target", "label", "--quick",
                        "--epochs", 3, "--query", "SELECT * FROM data LIMIT 50000",
                        "-o", folder / "model.safetensors"),
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip


def seconds(command: Command) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    given = arguments()
    prepare(given.folder, given.rows)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    cases = commands(given.folder, given.rows, given.threads)
    if given.only is not None:
        cases = {case: pair for case, pair in cases.items() if given.only in " ".join(case)}
    times: dict[tuple[str, str], list[list[float]]] = {case: [] for case in cases}
    for _ in range(given.repeats + 1):  # the first is left out: files are not in memory yet
        for case, pair in cases.items():
            times[case].append([seconds(command) for command in pair])
    medians = {
        case: [statistics.median(some) for some in zip(*found[1:], strict=True)]
        for case, found in times.items()
    }
    markdown(
        ["read", "done", "DuckDB, s", "Backhand, s", "ratio", "rows/s"],
        [
            [kind, what, f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.2f}",
             f"{given.rows / ours:,.0f}"]
            for (kind, what), (theirs, ours) in medians.items()
        ],
    )  # fmt: skip
    write_json(given.json, {
        "machine": asdict(this_machine()), "rows": given.rows, "threads": given.threads,
        "seconds": {", ".join(case): found[1:] for case, found in times.items()},
    })  # fmt: skip


def arguments() -> Namespace:
    parser = arguments_of(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="cores for each process")
    parser.add_argument("--only", metavar="WORDS", help='such as "csv predict" or "evaluate"')
    return parser.parse_args()


if __name__ == "__main__":
    main()
