"""What takes minutes: accuracy on real tables with the defaults of the command line.

Left out of `make test`; `make slow` runs it. The data lies beside the checkout, and without it the
tests are skipped.
"""

import json
import subprocess
import sys
import tomllib

import pandas as pd
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


def test_small_tables_against_scikit_learn(shared, tmp_path) -> None:
    answers, folder = ROOT / "benchmarks/answers", tmp_path / "development"
    listed = tomllib.loads((answers / "tables.toml").read_text())["development"]
    targets = {path.stem: listed[path.stem]["target"] for path in shared.glob("*.csv")}
    assert len(targets) == 7
    folder.mkdir()
    (folder / "targets.json").write_text(json.dumps(targets))
    for table in targets:
        (folder / f"{table}.csv").symlink_to(shared.resolve() / f"{table}.csv")
    figures = tmp_path / "figures.json"
    command = [sys.executable, answers / "compare.py", tmp_path, "--json", figures, "--contenders",
               "Backhand", "MLPClassifier"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    means = pd.DataFrame(json.loads(figures.read_text())).groupby(["contender", "table"]).mean()
    accuracy, loss = means["accuracy"], means["loss"]
    assert (accuracy["Backhand"] >= accuracy["MLPClassifier"] - 0.02).all(), accuracy
    assert (loss["Backhand"] <= loss["base rate"] + 0.01).all(), loss
