"""How time and memory grow with rows, columns, categories, classes: `python tests/slow/growth.py`.

Each line is one command in a process of its own: CPU seconds and the most memory it held, less what
a table of a few values takes, and the same per million values. For each kind of table sizes double;
`x2` says by what the doubling multiplied the rest. Nothing is asserted: it is to be looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

BODY = """
import json, os, resource, sys
from pathlib import Path
sys.argv = ["backhand", *sys.argv[1:]]
from backhand.__main__ import main
try:
    main()
except SystemExit as end:
    if end.code:
        raise
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmHWM"))
print(json.dumps([used.ru_utime + used.ru_stime, peak / 1000]), file=sys.stderr)
"""
SEED = 0
Table = Callable[[Path, int, int], None]


def numbers(path: Path, rows: int, columns: int) -> None:
    """CSV of numbers."""
    values = np.random.default_rng(SEED).standard_normal((rows, columns))
    _csv(path, ([f"{x:.4f}" for x in row] for row in values), columns)


def texts(path: Path, rows: int, columns: int) -> None:
    """CSV of categories, five a column."""
    values = np.random.default_rng(SEED).integers(0, 5, (rows, columns))
    _csv(path, ([f"v{x}" for x in row] for row in values), columns)


def objects(path: Path, rows: int, columns: int) -> None:
    """JSON lines of numbers."""
    values = np.random.default_rng(SEED).standard_normal((rows, columns)).round(4)
    with path.open("w") as file:
        for i, row in enumerate(values):
            values_of = {f"c{j}": float(x) for j, x in enumerate(row)}
            file.write(json.dumps(values_of | {"t": "ab"[i % 2]}) + "\n")


def parquet(path: Path, rows: int, columns: int) -> None:
    """Parquet of numbers."""
    import pyarrow
    import pyarrow.parquet

    values = np.random.default_rng(SEED).standard_normal((columns, rows))
    table = {f"c{j}": x for j, x in enumerate(values)} | {"t": ["ab"[i % 2] for i in range(rows)]}
    pyarrow.parquet.write_table(pyarrow.table(table), path)


def categories(path: Path, rows: int, columns: int) -> None:
    """CSV of four columns of as many categories as `columns` says."""
    values = np.random.default_rng(SEED).integers(0, columns, (rows, 4))
    _csv(path, ([f"v{x}" for x in row] for row in values), 4)


def classes(path: Path, rows: int, columns: int) -> None:
    """CSV of four numbers and as many classes as `columns` says."""
    values = np.random.default_rng(SEED).standard_normal((rows, 4))
    with path.open("w") as file:
        file.write("c0,c1,c2,c3,t\n")
        for i, row in enumerate(values):
            file.write(",".join(f"{x:.4f}" for x in row) + f",class {i % columns}\n")


def _csv(path: Path, rows: Iterator[list[str]], columns: int) -> None:
    with path.open("w") as file:
        file.write(",".join([*(f"c{j}" for j in range(columns)), "t"]) + "\n")
        for i, row in enumerate(rows):
            file.write(",".join([*row, "ab"[i % 2]]) + "\n")


KINDS: dict[str, tuple[Table, str, list[tuple[int, int]]]] = {
    "numbers, columns": (numbers, ".csv", [(1000, 1000), (1000, 2000), (1000, 4000)]),
    "numbers, rows": (numbers, ".csv", [(1000, 1000), (2000, 1000), (4000, 1000)]),
    "texts, columns": (texts, ".csv", [(1000, 500), (1000, 1000), (1000, 2000)]),
    "texts, rows": (texts, ".csv", [(1000, 500), (2000, 500), (4000, 500)]),
    "JSON, columns": (objects, ".jsonl", [(500, 500), (500, 1000), (500, 2000)]),
    "JSON, rows": (objects, ".jsonl", [(500, 500), (1000, 500), (2000, 500)]),
    "Parquet, columns": (parquet, ".parquet", [(1000, 1000), (1000, 2000), (1000, 4000)]),
    "Parquet, rows": (parquet, ".parquet", [(1000, 1000), (2000, 1000), (4000, 1000)]),
    "categories": (categories, ".csv", [(20000, 250), (20000, 500), (20000, 1000)]),
    "classes": (classes, ".csv", [(20000, 250), (20000, 500), (20000, 1000)]),
}


def measured(folder: Path, *arguments: str) -> tuple[float, float]:
    """CPU seconds and MB of one command."""
    done = subprocess.run(
        [sys.executable, "-c", BODY, *arguments], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"BACKHAND_CACHE_DIR": str(folder / "cache")}, timeout=600,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"backhand {' '.join(arguments)}: {done.stderr}")
    cpu, peak = json.loads(done.stderr.splitlines()[-1])
    return cpu, peak


def show(kind: str, commands: list[str]) -> None:
    """A line for each command and size."""
    make, ending, sizes = KINDS[kind]
    last: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers(folder / "few.csv", 100, 2)
        base = {}
        arguments = {
            "train": [
                "-t",
                "t",
                "--quick",
                "--hidden",
                "8",
                "--epochs",
                "1",
                "-o",
                "m.safetensors",
            ],
            "predict": ["-o", "out.csv"],
            "evaluate": [],
        }

        def run(command: str, table: str) -> tuple[float, float]:
            before = () if command == "train" else ("m.safetensors",)
            return measured(folder, command, *before, table, *arguments[command])

        for command in ("train", "train", *commands):  # the first compiles
            base[command] = run(command, "few.csv")
        for rows, columns in sizes:
            table = f"d{ending}"
            make(folder / table, rows, columns)
            for command in ["train", *(c for c in commands if c != "train")]:
                cpu, peak = (x - y for x, y in zip(run(command, table), base[command], strict=True))
                times = ""
                if command in last:
                    times = f"x{cpu / last[command][0]:.1f} x{peak / last[command][1]:.1f}"
                last[command] = (cpu, peak)
                size, cost = f"{rows:6,} x {columns:5,}", f"{cpu:6.2f} s {peak:6.0f} MB"
                print(f"{kind:18} {command:9} {size}  {cost}  {times}", flush=True)


def main() -> None:
    """Measure the kinds that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--commands", nargs="+", default=["train", "predict", "evaluate"])
    options = parser.parse_args()
    for kind in options.kinds or KINDS:
        show(kind, options.commands)


if __name__ == "__main__":
    main()
