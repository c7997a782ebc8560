"""How well the doctor does on `tests/corpus`, and how long a verdict takes.

    PYTHONPATH=tests python benchmarks/doctor.py

The wrong ones were written without knowledge of the dictionary. A diagnosis is exact if it is the
ids of the faults; else that is a person's judgement, kept in `tests/corpus/judged.json`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from backhand.doctor import Report, check
from corpus import record
from corpus.registry import Case, cases

ROOT = Path(__file__).parent.parent


def timed(case: Case) -> tuple[Report, float]:
    began = time.perf_counter()
    report = check(case.function, **case.options)
    return report, time.perf_counter() - began


def judged(collection: str, faults: int) -> list[float]:
    """Print the shares of a collection's functions with so many faults; returns their seconds."""
    seconds, called_right, named, exact, changed = [], 0, 0, 0, 0
    judgements = record.read()
    for case in cases(collection):
        if len(case.faults) != faults:
            continue
        report, took = timed(case)
        seconds.append(took)
        found = sorted(finding.id for finding in report.findings)
        called_right += report.ok
        named += record.equations(case.faults) <= record.equations(found)
        on_record = record.judgement(case, judgements)
        exact += found == on_record.found and bool(on_record.exact)
        changed += found != on_record.found
    print(f"{collection:24}{len(seconds):5} wrong   equation {named}   exact {exact}   "
          f"called right {called_right}   not as recorded {changed}")  # fmt: skip
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
