"""The assignment kit: a right submission has all points, wrong ones lose those of their fault."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from backhand.cli.app import app
from conftest import ROOT
from documents.blocks import blocks_of

KIT = ROOT / "examples" / "assignment"

RIGHT = """
import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    shifted = S - S.max(axis=1, keepdims=True)
    log_P = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    L = -(Y * log_P).sum() / len(X)
    dS = (np.exp(log_P) - Y) / len(X)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"L": L, "dS": dS, "dW2": dW2, "db2": db2, "dH1": dH1, "dZ1": dZ1, "dW1": dW1,
            "db1": db1}


def train(X, Y, H, learning_rate, steps, seed):
    rng = np.random.default_rng(seed)
    (d, K) = (X.shape[1], Y.shape[1])
    W1, W2 = rng.standard_normal((d, H)) / np.sqrt(d), rng.standard_normal((H, K)) / np.sqrt(H)
    b1, b2 = np.zeros(H), np.zeros(K)
    losses = []
    for _ in range(steps):
        g = backward(X, Y, W1, b1, W2, b2)
        losses.append(g["L"])
        W1 = W1 - learning_rate * g["dW1"]
        b1 = b1 - learning_rate * g["db1"]
        W2 = W2 - learning_rate * g["dW2"]
        b2 = b2 - learning_rate * g["db2"]
    return losses, (W1, b1, W2, b2)
"""

WRONG = {
    "no_mean": ("(np.exp(log_P) - Y) / len(X)", "np.exp(log_P) - Y", 8),
    "no_mask": ("dH1 * (Z1 > 0)", "dH1", 8),
    "wrong_operand": ("dS @ W2.T", "dS @ dW2.T", 9),
}
"""What is written instead of what, and the points that are left of 10."""


def commands_of_the_rubric() -> list[str]:
    """The line that grades, and the loop that runs the hidden tests."""
    return [block.text.removeprefix("$ ") for block in blocks_of(KIT / "rubric.md")]


@pytest.mark.slow  # a process for each submission
def test_the_line_of_the_rubric_grades_a_class(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "submissions"
    folder.mkdir()
    for name, (old, new, _) in WRONG.items():
        assert old in RIGHT
        (folder / f"{name}.py").write_text(RIGHT.replace(old, new))
    (folder / "right.py").write_text(RIGHT)
    (folder / "untouched.py").write_text((KIT / "starter.py").read_text())
    monkeypatch.chdir(tmp_path)
    grade, _ = commands_of_the_rubric()
    done = CliRunner().invoke(app, [*shlex.split(grade)[1:], "--json"])
    assert done.exit_code == 0, done.output
    graded = [json.loads(line) for line in done.stdout.splitlines()]
    found = {one["file"]: (one["sum"], one["outcome"]) for one in graded}
    assert found == {
        "submissions/right.py": (10, "correct"),
        "submissions/untouched.py": (0, "not judged"),
        **{f"submissions/{name}.py": (left, "wrong") for name, (*_, left) in WRONG.items()},
    }
    assert (tmp_path / "points.csv").exists() and (tmp_path / "pages" / "index.html").exists()


@pytest.mark.slow
def test_the_lines_of_the_rubric_run_the_hidden_tests_on_each_submission(tmp_path) -> None:
    (tmp_path / "submissions").mkdir()
    shutil.copytree(KIT / "hidden", tmp_path / "hidden")
    (tmp_path / "submissions" / "anna.py").write_text(RIGHT)
    (tmp_path / "submissions" / "bruno.py").write_text((KIT / "starter.py").read_text())
    _, lines = commands_of_the_rubric()
    loop = lines.replace("\n> ", "\n")
    found = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", loop], cwd=tmp_path, env=found, capture_output=True,
                          text=True, check=False)  # fmt: skip
    anna, bruno = done.stdout.split("submissions/bruno.py")
    assert "4 passed" in anna and "4 failed" in bruno, done.stdout


@pytest.fixture
def net(request) -> Iterator[ModuleType]:
    module = ModuleType("net")
    exec(request.param, vars(module))
    sys.modules["net"] = module
    yield module
    del sys.modules["net"]


def failures(name: str) -> list[str]:
    """The tests of a file that fail on the present net."""
    scope: dict = {}
    exec((KIT / name).read_text(), scope)
    failed = []
    for test, function in scope.items():
        if test.startswith("test_"):
            try:
                function()
            except (AssertionError, NotImplementedError, FloatingPointError):
                failed.append(test)
    return failed


@pytest.mark.parametrize("net", [RIGHT], indirect=True)
def test_a_right_submission_passes_visible_and_hidden_tests(net: ModuleType) -> None:
    assert failures("test_visible.py") == failures("hidden/test_hidden.py") == []


@pytest.mark.parametrize("net", [(KIT / "starter.py").read_text()], indirect=True)
def test_the_starter_passes_none(net: ModuleType) -> None:
    assert len(failures("test_visible.py")) == len(failures("hidden/test_hidden.py")) == 4


SLIPS = {
    "test_training_generalises": ("W2 - learning_rate", "W2 + learning_rate"),
    "test_the_recorded_losses": ('losses.append(g["L"])', 'losses.append(2 * g["L"])'),
    "test_the_same_seed": ("default_rng(seed)", "default_rng()"),
    "test_nothing_is_changed": ("S - S.max(axis=1, keepdims=True)", "S"),
}


@pytest.mark.parametrize(
    ("test", "net"), [(test, RIGHT.replace(*slip)) for test, slip in SLIPS.items()],
    indirect=["net"],
)  # fmt: skip
def test_each_hidden_test_catches_its_slip(test: str, net: ModuleType) -> None:
    assert any(name.startswith(test) for name in failures("hidden/test_hidden.py"))
