"""`backhand check`: exit codes, JSON and the self-test of the engines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backhand import equations
from helpers.optional_packages import needs


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backhand", "check", *arguments],
        capture_output=True, text=True, check=False, cwd=cwd,
    )  # fmt: skip


SOURCE = """
import numpy as np


def backward(X, y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    E = np.exp(H1 @ W2 + b2)
    dS = E / E.sum(axis=1, keepdims=True)
    dS[np.arange(len(y)), y] -= 1
    dS /= len(y)
    dZ1 = dS @ W2.T{mask}
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
"""


def test_the_command_checks_a_file_and_a_module(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SOURCE.format(mask=""))
    (tmp_path / "good.py").write_text(SOURCE.format(mask=" * (H1 > 0)"))
    result = run("net.py:backward", cwd=tmp_path)
    assert result.returncode == 1 and "dZ1 = dH1" in result.stdout, result
    assert "11: dZ1 = dS @ W2.T" in " ".join(result.stdout.split())
    as_json = json.loads(run("net:backward", "--json", cwd=tmp_path).stdout)
    assert as_json["findings"][0]["id"] == "dZ1.mask.missing" and not as_json["ok"]
    assert as_json["file"] == "net" and as_json["outcome"] == "wrong"
    assert run("good.py:backward", cwd=tmp_path).returncode == 0


def test_the_command_ends_if_a_function_does_not(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def f(X):\n    while True:\n        pass\n")
    result = run("net.py:f", "--seconds", "0.2", "--json", cwd=tmp_path)
    assert result.returncode == 1, result
    assert json.loads(result.stdout)["findings"][0]["id"] == "call.timeout"


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("1 / 0\n", "ZeroDivisionError: division by zero (line 1)"),
        ("def f(:\n", "SyntaxError"),
        ("def f(X, unheard_of): pass\n", "'unheard_of'"),
        ("def f(X):\n    raise NotImplementedError('TODO')\n", "not written yet"),
    ],
)
def test_what_cannot_be_judged_has_an_exit_code(tmp_path: Path, source: str, detail: str) -> None:
    (tmp_path / "net.py").write_text(source)
    result = run("net.py:f", cwd=tmp_path)
    assert result.returncode == 3 and detail in result.stdout, result
    assert result.stdout.startswith("f  not judged")


@pytest.mark.parametrize(
    ("named", "detail"),
    [
        ("net.py", "MODULE_OR_FILE:FUNCTION"),
        ("nothing.py:f", "nothing.py"),
        ("no_such_module:f", "'no_such_module'"),
        ("net.py:backwards", "Did you mean 'backward'?"),
        ("net.py:np", "type module"),
    ],
)
def test_what_the_command_cannot_find_is_an_error(tmp_path: Path, named: str, detail: str) -> None:
    (tmp_path / "net.py").write_text(SOURCE.format(mask=""))
    result = run(named, cwd=tmp_path)
    assert result.returncode == 2 and detail in result.stderr and "Traceback" not in result.stderr


@needs("llvmlite", "torch")
def test_the_command_alone_tests_every_engine(tmp_path: Path) -> None:
    result = run("--json", cwd=tmp_path)
    assert result.returncode == 0, result
    engines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["engine"], one["dtype"]) for one in engines] == [
        (engine, dtype)
        for engine in ("reference", "fused", "torch")
        for dtype in ("float64", "float32", "bf16")
    ]
    assert all(one["ok"] for one in engines)


@needs("llvmlite", "torch")
def test_a_wrong_engine_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from backhand.cli.reports.diagnosis import show_installation
    from backhand.engines.reference import ReferenceEngine
    from backhand.selftest import check_installation

    def halved(self: Any, params: Any, data: Any, l2: float = 0.0) -> Any:
        acts = equations.forward(params, data.X)
        grads = equations.backward(params, data.X, data.y, acts, l2=l2)
        loss = equations.cross_entropy(acts.S, data.y) + equations.penalty(params, l2)
        return float(loss), grads._replace(db1=grads.db1 / 2)

    monkeypatch.setattr(ReferenceEngine, "loss_and_gradients", halved)
    checked = list(check_installation())
    assert {one.engine: one.ok for one in checked} == {
        "reference": False, "fused": True, "torch": True,
    }  # fmt: skip
    assert not show_installation(checked, as_json=False)


def test_only_what_was_tested_is_called_correct(capsys: pytest.CaptureFixture[str]) -> None:
    from backhand.cli.reports.diagnosis import show_installation
    from backhand.selftest import Checked

    right = Checked("reference", "float64", True, 1e-16, 1e-16)
    absent = Checked("fused", "float64", ok=False, failure="it needs llvmlite.")
    assert show_installation([right, absent], as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 engines tested: correct."
    assert show_installation([right], as_json=False)
    assert capsys.readouterr().out.splitlines()[-1].startswith("All engines agree")
    assert not show_installation([absent], as_json=False)
