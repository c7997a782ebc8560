"""Answers of Backhand and of others on real tables: the same rows for all, and no options.

    python benchmarks/answers/compare.py FOLDER [--list development|unseen] [--seeds 5]
        [--contenders NAME ...] [--tables NAME ...] [--threads 2] [--json FILE] [--again]
        [--beside FILE ...] [--ours NAME]

FOLDER is what `collect.py` wrote. The test rows of a table and a seed are those that
`backhand train --seed` holds out. Each figure is a mean over seeds: log loss in nats, with
probabilities clipped at 1e-15; accuracy; calibration error (15 bins of equal width) where there are
1,000 test rows or more; seconds of fitting, for Backhand with the reading of the file and the
evaluation of the test rows, for the others without.

FILE keeps the figures, so that contenders can be run at different times: what it has is not run
again, except with --again. Those of the files after --beside are printed too. Prints Markdown: each
measure by table, and whether Backhand's promises are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contenders import CONTENDERS, Fit
from measures import base_rate, measures
from problems import Problem, make_problem, read_columns
from promises import BASE, OURS, Means, promises

from backhand.support.atomic_files import replacing

LISTS = ("development", "unseen")
DEFAULT = ("Backhand", "LogisticRegression", "MLPClassifier", "MLPClassifier, early",
           "HistGradientBoosting")  # fmt: skip
SHOWN = {"loss": 4, "accuracy": 4, "calibration": 4, "seconds": 2}
"""The measures that have a table of their own, and their decimals."""

Row = dict[str, Any]


class Store:
    """The figures of each contender, table and seed, in a JSON file that is rewritten for each."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.rows = path, read_rows(path)

    def has(self, contender: str, table: str, seed: int) -> bool:
        return (contender, table, seed) in self.rows

    def add(self, contender: str, table: str, seed: int, figures: Row) -> None:
        row = {"contender": contender, "table": table, "seed": seed} | figures
        self.rows[contender, table, seed] = row
        if self.path is not None:
            lines = ",\n".join(json.dumps(row) for row in self.rows.values())
            with replacing(self.path) as temporary:
                temporary.write_text(f"[\n{lines}\n]\n")


def read_rows(path: Path | None) -> dict[tuple[str, str, int], Row]:
    """The rows of a JSON file, none if there is no file yet."""
    if path is None or not path.exists():
        return {}
    rows = json.loads(path.read_text())
    return {(row["contender"], row["table"], row["seed"]): row for row in rows}


def problems(folder: Path, tables: list[str], seeds: int) -> Iterator[Problem]:
    """Each table with each seed."""
    targets = json.loads((folder / "targets.json").read_text())
    for table in tables:
        path, target = folder / f"{table}.csv", targets[table]
        columns = read_columns(path, target)
        for seed in range(seeds):
            yield make_problem(path, target, seed, columns)


def run(fit: Fit, problem: Problem, threads: int) -> Row:
    """Fit one contender and measure it; an error is a figure too."""
    start = time.perf_counter()
    try:
        predict = fit(problem, threads)
        seconds = time.perf_counter() - start
        answers = predict()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    _, y = problem.test
    return measures(answers.P, answers.classes, y) | {"seconds": seconds, "threads": threads}


def run_all(store: Store, arguments: argparse.Namespace) -> None:
    """Run what the store does not have."""
    fits: dict[str, Fit] = {}
    folder = arguments.folder / arguments.list
    for problem in problems(folder, arguments.tables, arguments.seeds):
        table, y = problem.path.stem, problem.test[1]
        if not store.has(BASE, table, problem.seed):
            store.add(BASE, table, problem.seed, base_rate(problem.training[1], y))
        for name in arguments.contenders:
            if store.has(name, table, problem.seed) and not arguments.again:
                continue
            if name not in fits:
                fits[name] = CONTENDERS[name]()
            figures = run(fits[name], problem, arguments.threads)
            store.add(name, table, problem.seed, figures)
            print(table, problem.seed, name, figures, file=sys.stderr, flush=True)


def markdown(headings: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table; the first column is left-aligned, the others right-aligned."""
    for row in (headings, ["---", *["---:"] * (len(headings) - 1)], *rows):
        print("| " + " | ".join(row) + " |")
    print()


def print_measure(means: Means, measure: str, decimals: int, tables: list[str]) -> None:
    """Print one measure by table, and its mean over the tables that all contenders were run on."""
    names = [name for name in means.contenders if means.common(measure, [name])]
    common = [table for table in means.common(measure, names) if table in tables]
    if not names:
        return
    print(f"## {measure}\n")
    rows = []
    for table in tables:
        values = [means.of(measure, name, table) for name in names]
        if any(value is not None for value in values):
            cells = ["" if value is None else f"{value:.{decimals}f}" for value in values]
            rows.append([table, *cells])
    if common:
        cells = [f"{means.over(measure, name, common):.{decimals}f}" for name in names]
        rows.append([f"mean of {len(common)}", *cells])
    markdown([measure, *names], rows)


def print_promises(means: Means, ours: str) -> None:
    """Print which promises are kept, and by what figures."""
    print(f"## Promises of {ours}\n")
    kept = {True: "kept", False: "**broken**"}
    rows = [[p.what, kept[p.is_kept], p.figures] for p in promises(means, ours)]
    markdown(["promise", "", "figures"], rows)


def print_all(rows: list[Row], tables: list[str], ours: str) -> None:
    """Print the measures by table, the promises, and what failed."""
    means = Means(row for row in rows if "error" not in row)
    for measure, decimals in SHOWN.items():
        print_measure(means, measure, decimals, tables)
    if ours in means.contenders:
        print_promises(means, ours)
    seeds = {name: means.seeds_of(name) for name in means.contenders}
    print("Seeds:", "; ".join(f"{name}: {found}" for name, found in seeds.items()))
    for row in rows:
        if "error" in row:
            print(
                f"{row['contender']} failed on {row['table']}, seed {row['seed']}: {row['error']}"
            )


def one_or_more(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", choices=LISTS, default="development")
    parser.add_argument("--seeds", type=one_or_more, default=5)
    parser.add_argument("--contenders", nargs="*", choices=CONTENDERS, default=DEFAULT)
    parser.add_argument("--tables", nargs="+")
    parser.add_argument("--threads", type=one_or_more, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--beside", type=Path, nargs="*", default=[])
    parser.add_argument("--ours", default=OURS, choices=CONTENDERS)
    arguments = parser.parse_args()
    listed = arguments.folder / arguments.list / "targets.json"
    if not listed.exists():
        parser.error(f"there is no {listed}; collect.py writes it, with the tables")
    if absent := [path for path in arguments.beside if not path.exists()]:
        parser.error(f"there is no {absent[0]}")
    tables = list(json.loads(listed.read_text()))
    if unknown := set(arguments.tables or ()) - set(tables):
        parser.error(f"{', '.join(sorted(unknown))}: not among the tables: {', '.join(tables)}")
    arguments.tables = [table for table in tables if table in (arguments.tables or tables)]
    return arguments


def main() -> None:
    arguments = parsed()
    warnings.simplefilter("ignore")
    store = Store(arguments.json)
    run_all(store, arguments)
    for path in arguments.beside:
        store.rows = read_rows(path) | store.rows
    chosen = [row for row in store.rows.values()
              if row["table"] in arguments.tables and row["seed"] < arguments.seeds]  # fmt: skip
    print_all(chosen, arguments.tables, arguments.ours)


if __name__ == "__main__":
    main()
