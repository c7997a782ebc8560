"""How fast tables are read: rows per second, beside DuckDB's own COPY.

    python benchmarks/reading.py FOLDER [--rows 5000000] [--formats csv parquet jsonl] [--repeat 3]
                                 [--json FILE]

creates the tables in FOLDER unless they exist (eight numbers, two of them whole, a category, a date
and a class), and prints, for each format: DuckDB's COPY of the file into a table; reading, fitting
the schema and encoding, as `backhand train` does before the first epoch; and encoding alone, as
`backhand predict` does. Medians; every measurement runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from output import arguments_of, write_json

OPTIONS = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet", "jsonl": "FORMAT json"}
READERS = {"csv": "read_csv", "parquet": "read_parquet", "jsonl": "read_json"}


def make(path: Path, rows: int) -> None:
    """Write the table in the format of the file's ending."""
    import duckdb

    numbers = ", ".join(f"round((hash(i * 8 + {j}) % 2000003) / 1e6, 4) AS x{j}" for j in range(6))
    duckdb.connect().execute(
        f"COPY (SELECT * EXCLUDE i, CASE WHEN x0 + x1 > 2 THEN 'high' ELSE 'low' END AS label "
        f"FROM (SELECT i, {numbers}, hash(i + 1) % 1000 AS n0, hash(i + 2) % 100000 AS n1, "
        "'kind ' || hash(i + 3) % 20 AS kind, "
        "DATE '2015-01-01' + CAST(hash(i + 4) % 3000 AS INTEGER) AS day "
        f"FROM range({rows}) AS r(i))) TO '{path}' ({OPTIONS[path.suffix[1:]]})"
    )


def copy(path: Path) -> float:
    """Return the seconds of DuckDB's own COPY of the file into a table."""
    import duckdb

    connection = duckdb.connect()
    reader = f"{READERS[path.suffix[1:]]}('{path}')"
    connection.execute(f"CREATE TABLE rows AS SELECT * FROM {reader} LIMIT 0")
    began = time.perf_counter()
    connection.execute(f"COPY rows FROM '{path}' ({OPTIONS[path.suffix[1:]]})")
    return time.perf_counter() - began


def train(path: Path) -> float:
    """Return the seconds until the first epoch would begin."""
    from backhand.table_settings import Settings
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.training import prepare_table

    began = time.perf_counter()
    prepare_table(read_table(path), "label", Settings(quick=True))
    return time.perf_counter() - began


def predict(path: Path) -> float:
    """Return the seconds of one pass that encodes all rows by a schema."""
    from backhand.table_settings import Settings
    from backhand.tables.reading.reader import read_table
    from backhand.tabular.training import prepare_table

    query = "SELECT * FROM data LIMIT 100000"
    schema = prepare_table(read_table(path, query), "label", Settings(quick=True)).schema
    began = time.perf_counter()
    for _ in schema.encoded_chunks(read_table(path, once=True)):
        pass
    return time.perf_counter() - began


JOBS = {"COPY": copy, "train": train, "predict": predict}


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--formats", nargs="+", choices=list(OPTIONS), default=list(OPTIONS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=list(JOBS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    paths = {kind: given.folder / f"rows-{given.rows}.{kind}" for kind in given.formats}
    if given.only is not None:
        print(json.dumps(JOBS[given.only](paths[given.formats[0]])))
        return
    print(f"{'format':<8} {'job':<8} {'seconds':>8} {'rows/s':>12} {'of COPY':>8}")
    found: dict[str, Any] = {}
    for kind, path in paths.items():
        if not path.exists():
            make(path, given.rows)
        first = 0.0
        for job in JOBS:
            command = [sys.executable, __file__, str(given.folder), "--rows", str(given.rows),
                       "--formats", kind, "--only", job]  # fmt: skip
            seconds = statistics.median(
                float(subprocess.run(command, check=True, capture_output=True).stdout)
                for _ in range(given.repeat)
            )
            first = first or seconds
            found[f"{kind}, {job}"] = seconds
            print(f"{kind:<8} {job:<8} {seconds:8.2f} {given.rows / seconds:12,.0f} "
                  f"{first / seconds:8.0%}")  # fmt: skip
    write_json(given.json, {"rows": given.rows, "seconds": found})


if __name__ == "__main__":
    main()
