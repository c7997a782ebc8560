"""How well the doctor does on the patients of `tests/corpus`, and how long a verdict takes.

    python benchmarks/doctor.py

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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from backhand.doctor import Report, check
from corpus import held_out, later, right, wrong_numpy, wrong_pairs, wrong_styles

ROOT = Path(__file__).parent.parent
RECORD = json.loads((ROOT / "tests/corpus/judged.json").read_text())


def timed(f: Any, options: dict[str, Any]) -> tuple[Report, float]:
    began = time.perf_counter()
    report = check(f, **options)
    return report, time.perf_counter() - began


def judged(module: Any, cases: Iterable[Any]) -> list[float]:
    """Print the shares of a module's wrong functions; returns the seconds each took."""
    seconds, called_right, named, exact = [], 0, 0, 0
    for case in cases:
        report, took = timed(case.f, case.options)
        made = getattr(case, "mistakes", None) or [case]
        seconds.append(took)
        called_right += report.ok
        named += {m.equation for m in made} <= {finding.equation for finding in report.findings}
        name = getattr(case.f, "__qualname__", type(case.f).__qualname__)
        exact += RECORD[f"{module.__name__.rpartition('.')[2]}.{name}"]["exact"]
    print(f"{module.__name__:24}{len(seconds):5} wrong   equation {named}   "
          f"to the letter {exact}   called right {called_right}")  # fmt: skip
    return seconds


def main() -> None:
    warnings.simplefilter("ignore")
    seconds = []
    for module in (wrong_numpy, wrong_styles, held_out, later):
        seconds += judged(module, module.WRONG)
    for module in (wrong_pairs, later):
        seconds += judged(module, module.PAIRS)
    called_wrong = 0
    patients = [*right.RIGHT, *held_out.RIGHT, *later.RIGHT]
    for f, options in patients:
        report, took = timed(f, options)
        seconds.append(took)
        called_wrong += not report.ok
    print(f"{'right':24}{len(patients):5} right   called wrong {called_wrong}")
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
