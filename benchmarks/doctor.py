"""How well the doctor does on `tests/corpus`, and how long a verdict takes.

    PYTHONPATH=tests python benchmarks/doctor.py

The wrong ones were written without knowledge of the dictionary. Whether a mistake is named to the
letter is a person's judgement, kept in `tests/corpus/judged.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from backhand.doctor import Report, check
from corpus.registry import Case, cases

ROOT = Path(__file__).parent.parent
RECORD = json.loads((ROOT / "tests/corpus/judged.json").read_text())


def timed(case: Case) -> tuple[Report, float]:
    began = time.perf_counter()
    report = check(case.function, **case.options)
    return report, time.perf_counter() - began


def judged(collection: str, faults: int) -> list[float]:
    """Print the shares of a collection's functions with so many faults; returns their seconds."""
    seconds, called_right, named, exact = [], 0, 0, 0
    for case in cases(collection):
        if len(case.faults) != faults:
            continue
        report, took = timed(case)
        seconds.append(took)
        called_right += report.ok
        named += set(case.faults) <= {finding.equation for finding in report.findings}
        exact += RECORD[case.name]["exact"]
    print(f"{collection:24}{len(seconds):5} wrong   equation {named}   "
          f"to the letter {exact}   called right {called_right}")  # fmt: skip
    return seconds


def main() -> None:
    warnings.simplefilter("ignore")
    seconds = []
    for collection in ("wrong_numpy", "wrong_styles", "held_out", "later"):
        seconds += judged(collection, 1)
    for collection in ("wrong_pairs", "later"):
        seconds += judged(collection, 2)
    called_wrong = 0
    right = [case for case in cases() if not case.faults]
    for case in right:
        report, took = timed(case)
        seconds.append(took)
        called_wrong += not report.ok
    print(f"{'right':24}{len(right):5} right   called wrong {called_wrong}")
    median, most = np.quantile(seconds, [0.5, 0.95])
    print(f"a verdict: {median:.2f} s in the median, {most:.2f} s or less for 95 in 100, "
          f"{max(seconds):.2f} s at most")  # fmt: skip
    print(f"as a command, in a new process: {of_a_command():.2f} s, without torch")


def of_a_command() -> float:
    """Median seconds of `backhand check FILE:FUNCTION`."""
    gallery = ROOT / "docs/doctor/gallery.py"
    took = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "backhand", "check", f"{gallery}:no_mean"],
                cwd=folder, stdout=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            took.append(time.perf_counter() - began)
    return float(np.median(took))


if __name__ == "__main__":
    main()
