"""Whole jobs: training on MNIST, and a grid search, by Backhand and by other libraries.

    python benchmarks/jobs.py --data ../shared/data --json build/jobs.json

MNIST: 784-256-10, shuffled batches of 128, Adam with η 0.001, 10 epochs; training time
including compilation, and accuracy on the test set. Omitted if --data has no MNIST. Grid
search: 24 settings, 3 folds, scikit-learn's digits. Each job runs in a separate process, in turn,
and tables show medians. Takes about a quarter of an hour.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from subprocess import CalledProcessError
from typing import Any

from output import arguments_of, in_process, markdown, write_json

from backhand.benchmark.contenders import CONTENDERS
from backhand.benchmark.machine import allowed_cores, this_machine

LIBRARIES = ("backhand", "scikit-learn")


def repeated(
    script: str, cases: Iterable[tuple[object, ...]], repeats: int
) -> list[dict[str, Any]]:
    """Return the results of all cases, measured in turn; a case that fails is omitted."""
    found, open_cases = [], list(cases)
    for repeat in range(repeats):
        for case in list(open_cases):
            print(script, *case, f"({repeat + 1} of {repeats}) ...", file=sys.stderr)
            try:
                found.append(in_process(script, *case))
            except CalledProcessError as error:  # such as a missing compiler
                print(f"left out: exit code {error.returncode}", file=sys.stderr)
                open_cases.remove(case)
    return found


def mnist(arguments: Namespace) -> list[dict[str, Any]]:
    folder = arguments.data
    if not all((folder / f"mnist_{part}.parquet").exists() for part in ("train", "test")):
        print(f"MNIST: omitted, since {folder} has no mnist_train.parquet and mnist_test.parquet\n")
        return []
    cases = [
        (folder, contender.name, "--threads", threads, "--epochs", arguments.epochs)
        for threads in sorted({1, len(allowed_cores())})
        for contender in CONTENDERS
        if contender.installed
    ]
    found = repeated("mnist.py", cases, arguments.repeats)
    show(f"MNIST, {arguments.epochs} epochs", found, "threads", "accuracy")
    return found


def grid_search(arguments: Namespace) -> list[dict[str, Any]]:
    cases = [
        (library, "--n-jobs", jobs)
        for jobs in (1, 2)
        if jobs <= len(allowed_cores())
        for library in LIBRARIES
    ]
    found = repeated("grid.py", cases, arguments.repeats)
    show("Grid search, 24 settings", found, "n_jobs", "score")
    return found


def show(title: str, found: list[dict[str, Any]], by: str, figure: str) -> None:
    """Print per contender the median seconds for each value of `by`, and Backhand's time ÷ it."""
    seconds: dict[tuple[int, str], list[float]] = {}
    figures: dict[tuple[int, str], list[float]] = {}
    for result in found:
        case = (result[by], result["contender"])
        seconds.setdefault(case, []).append(result["seconds"])
        figures.setdefault(case, []).append(result[figure])
    rows = []
    for (number, name), measured in seconds.items():
        ours = median(seconds[number, "backhand"])
        rows.append([name, str(number), f"{median(measured):.1f}", f"{ours / median(measured):.2f}",
                     f"{median(figures[number, name]):.4f}"])  # fmt: skip
    markdown([title, by, "seconds", "Backhand ÷ it", figure], rows)


def main() -> None:
    parser = arguments_of(__doc__)
    parser.add_argument("--data", metavar="FOLDER", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10, help="of MNIST")
    arguments = parser.parse_args()
    machine = this_machine()
    print(f"## {machine.cpu}\n")
    write_json(arguments.json, {
        "machine": asdict(machine), "mnist": mnist(arguments), "grid": grid_search(arguments),
    })  # fmt: skip


if __name__ == "__main__":
    main()
