"""A table larger than memory: time and memory of reading, encoding and training it.

    python benchmarks/large.py FOLDER [--rows 20000000] [--memory 512MB] [--json FILE]

creates the table in FOLDER (about 2.4 GB) unless it exists, and prints the time of DuckDB's copy
to Parquet, of reading and encoding, of an epoch in memory and within `--memory`, and of only
reading the encoded matrix; the held-out accuracy of both; and the peak resident memory without
mapped pages. Every measurement runs in a separate process.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from output import arguments_of, in_process, write_json

COLUMNS = 15


def make(path: Path, rows: int) -> None:
    """Write fifteen numbers and one of three classes per row: a wavy boundary and some noise."""
    import duckdb

    numbers = ", ".join(
        f"(hash(i * {COLUMNS} + {j}) % 2000003) / 1000001.5 - 1 AS x{j}" for j in range(COLUMNS)
    )
    score = "sin(3 * x0) + x1 * x2 + abs(x3) - x4 + 0.5 * x5 * x6 + noise"
    duckdb.connect().execute(
        f"COPY (SELECT x.* EXCLUDE noise, CASE WHEN {score} < 0.1 THEN 'low' "
        f"WHEN {score} < 1 THEN 'middle' ELSE 'high' END AS label "
        f"FROM (SELECT {numbers}, (hash(i + 7) % 1000003) / 1000001.5 * 0.4 AS noise "
        f"FROM range({rows}) AS r(i)) AS x) TO '{path}' (FORMAT parquet)"
    )


def copy(path: Path) -> dict[str, Any]:
    """Time DuckDB's own copy of the table to Parquet."""
    import duckdb

    target = path.with_suffix(".copy")
    began = time.perf_counter()
    duckdb.connect().execute(f"COPY (SELECT * FROM '{path}') TO '{target}' (FORMAT parquet)")
    seconds = time.perf_counter() - began
    target.unlink()
    return {"copy_seconds": seconds}


def train(path: Path, memory: str | None, epochs: int) -> dict[str, Any]:
    """Read, encode and train as `backhand train` does."""
    from backhand import Every
    from backhand.support.memory_budget import budget
    from backhand.table_settings import Settings
    from backhand.tables.array_store import ArrayStore
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.training import fit_table, prepare_table

    began, room = time.perf_counter(), budget(memory)
    settings = Settings(quick=True, epochs=epochs)
    table = read_table(path, memory=room, cache_dir=path.parent)
    prepared = prepare_table(table, "label", settings, matrices=ArrayStore(room // 2, path.parent))
    table.close()
    X = prepared.training.X
    found: dict[str, Any] = {
        "encode_seconds": time.perf_counter() - began, "mapped": isinstance(X, np.memmap),
    }  # fmt: skip
    began = time.perf_counter()
    for start in range(0, len(X), 2**16):
        X[start : start + 2**16].sum()
    found["read_matrix_seconds"] = time.perf_counter() - began
    ends: list[float] = []
    _, evaluation = fit_table(
        prepared, settings, callbacks=[Every(1, lambda p: ends.append(p.seconds))]
    )
    assert evaluation is not None
    found["epoch_seconds"] = float(np.median(np.diff([0.0, *ends])))
    found["held_out_accuracy"] = evaluation.accuracy
    return found


def largest_resident(action: Any) -> tuple[Any, int]:
    """Return the result of `action`, and the peak resident bytes without mapped pages."""
    largest, done = 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        while not done.wait(0.02):
            largest = max(largest, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return action(), largest
    finally:
        done.set()
        watcher.join()


def resident() -> int:
    """Return the resident bytes that are not mapped from a file."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell its resident memory")


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--memory", default="512MB")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", choices=["copy", "memory", "mapped"])
    given = parser.parse_args()
    path = given.folder / f"large-{given.rows}.parquet"
    if not path.exists():
        make(path, given.rows)
    if given.only is None:
        results = {}
        for what in ("copy", "memory", "mapped"):
            results[what] = in_process(
                "large.py", given.folder, "--rows", given.rows, "--memory", given.memory,
                "--epochs", given.epochs, "--only", what,
            )  # fmt: skip
            print(what, json.dumps(results[what]), flush=True)
        write_json(given.json, {"rows": given.rows, "memory": given.memory, "results": results})
        return
    jobs = {
        "copy": lambda: copy(path),
        "memory": lambda: train(path, "20GB", given.epochs),
        "mapped": lambda: train(path, given.memory, given.epochs),
    }
    found, largest = largest_resident(jobs[given.only])
    print(json.dumps(found | {"largest_resident_mb": round(largest / 1e6)}))


if __name__ == "__main__":
    main()
