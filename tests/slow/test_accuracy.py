"""What takes minutes: accuracy on real tables with the defaults of the command line.

Left out of `make test`; `make slow` runs it. The data lies beside the checkout, and without it the
tests are skipped.
"""

import json
import subprocess
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow


def backhand(*arguments) -> str:
    command = [sys.executable, "-m", "backhand", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def accuracy(printed: str) -> float:
    return json.loads(printed.splitlines()[-1])["accuracy"]


def test_mnist(shared, tmp_path) -> None:
    model = tmp_path / "mnist.safetensors"
    backhand("train", "--quick", shared / "mnist_train.parquet", "--target", "label", "-o", model)
    printed = backhand("evaluate", model, shared / "mnist_test.parquet", "--json")
    assert accuracy(printed) >= 0.975


def test_small_tables_against_scikit_learn(shared) -> None:
    command = [sys.executable, ROOT / "benchmarks/tables.py", shared]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.split("|") for line in printed.splitlines()[2:]]
    assert len(rows) == 7
    for row in rows:
        assert float(row[6]) >= -2.0, row
