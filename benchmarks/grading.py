"""Grade a class of sixty, four of whose submissions do not behave, and say how long it took.

    python benchmarks/grading.py [--jobs 2]

The submissions are variants of one function, in files and in notebooks, correct and with a fault.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

CORRECT = """
import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}
"""

CHANGES = [
    ("", ""),
    (" / len(X)", ""),
    (" * (Z1 > 0)", ""),
    ("(Z1 > 0)", "(dS @ W2.T > 0)"),
    ("(P - Y)", "(Y - P)"),
    ("dZ1.sum(axis=0)", "dZ1.mean(axis=0)"),
    ("E.sum(axis=1, keepdims=True)", "E.sum(axis=0)"),
    ("H1.T @ dS", "Z1.T @ dS"),
    ("    Z1 =", "    raise NotImplementedError  # TODO\n    Z1 ="),
    ("X.T @ dZ1", "X @ dZ1"),
]
"""What is replaced in the correct function."""

MISBEHAVING = {
    "loops_at_import": f"{CORRECT}\nwhile True:\n    pass\n",
    "exits": f"import os\n{CORRECT}".replace("    Z1 =", "    os._exit(0)\n    Z1 =", 1),
    "prints": CORRECT.replace("    Z1 =", "    while True: print('a' * 10**6)\n    Z1 =", 1),
    "eats_memory": CORRECT.replace(
        "    Z1 =", "    kept = []\n    while True: kept.append(np.zeros(10**7))\n    Z1 =", 1
    ),
}

EXPECTED = {
    "loops_at_import": ("not judged", "call.import_timeout"),
    "exits": ("wrong", "call.process_ended"),
    "prints": ("wrong", "call.timeout"),
    "eats_memory": ("wrong", "call.memory"),
}


def write_class(folder: Path, size: int = 60) -> None:
    """Write the submissions; every fifth well-behaved one is a notebook."""
    for name, source in MISBEHAVING.items():
        (folder / f"{name}.py").write_text(source)
    for number in range(size - len(MISBEHAVING)):
        old, new = CHANGES[number % len(CHANGES)]
        source = CORRECT.replace(old, new, 1) if old else CORRECT
        if number % 5:
            (folder / f"student_{number:02}.py").write_text(source)
        else:
            cells = ["%matplotlib inline\n!pip install numpy", source, "1 / 0"]
            text = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
            (folder / f"student_{number:02}.ipynb").write_text(json.dumps(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", default="2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, table = Path(name) / "submissions", Path(name) / "table.csv"
        folder.mkdir()
        write_class(folder)
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "backhand", "grade", f"{folder}:backward", "--csv", str(table),
             "--points", "dS=2,dZ1=1,dW1=1,db1=1,dW2=1,db2=1", "--jobs", arguments.jobs,
             "--html", str(Path(name) / "pages")],
            check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        rows = list(csv.DictReader(table.open(encoding="utf-8")))
    counts = Counter(row["outcome"] for row in rows)
    print(f"\n{len(rows)} submissions in {seconds:.1f} s: {dict(counts)}")
    for row in rows:
        stem = Path(row["file"]).stem
        told = row["outcome"], row["findings"]
        if stem in EXPECTED:
            as_expected = "" if told == EXPECTED[stem] else "  NOT AS EXPECTED"
            print(f"{stem:16} {': '.join(told)}{as_expected}")


if __name__ == "__main__":
    main()
