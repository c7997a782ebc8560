"""The doctor: what it names, what it must never call wrong, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand import equations
from backhand.doctor import assert_gradients, check
from backhand.doctor.faults import dictionary
from backhand.doctor.probe.refusal import Reason
from corpus import record
from corpus.development.right.in_numpy import straight_down
from corpus.record import equations as equations_of
from corpus.record import judgement
from corpus.registry import Case, cases

RECORD = record.read()
# Those of the documents are checked with the documents.
WRONG = [case for case in cases() if case.faults and case.role != "published"]
RIGHT = [case for case in cases() if not case.faults]


def name_of(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", WRONG, ids=name_of)
def test_a_wrong_function_is_diagnosed_as_recorded(case: Case) -> None:
    report = check(case.function, **case.options)
    assert not report.ok
    assert sorted(f.id for f in report.findings) == judgement(case, RECORD).found
    assert {f.equation for f in report.findings} == equations_of([f.id for f in report.findings])


def test_the_record_is_good_enough_and_whole() -> None:
    """95 in a hundred equations, 85 exact diagnoses, 70 pairs; nothing is left to be judged."""
    assert RECORD.keys() <= {case.name for case in cases()}
    assert all(one.exact is not None for one in RECORD.values())
    known = {fault.id for fault in dictionary()} | {f"call.{reason}" for reason in Reason}
    named, exact = {1: [], 2: []}, {1: [], 2: []}
    for case in WRONG:
        found = judgement(case, RECORD)
        assert {*case.faults} <= known | {*found.found} | equations_of(known), case.name
        named[len(case.faults)].append(equations_of(case.faults) <= equations_of(found.found))
        exact[len(case.faults)].append(found.exact)
    assert len(exact[1]) >= 120 and len(exact[2]) >= 60 and len(RIGHT) >= 50
    assert sum(named[1]) >= 0.95 * len(named[1]) and sum(named[2]) >= 0.95 * len(named[2])
    assert sum(exact[1]) >= 0.85 * len(exact[1]) and sum(exact[2]) >= 0.7 * len(exact[2])


@pytest.mark.parametrize("case", RIGHT, ids=name_of)
def test_a_right_function_is_called_right(case: Case) -> None:
    report = check(case.function, **case.options)
    assert report.ok, str(report)
    assert all(verdict.ok for verdict in report.verdicts) and not report.findings


@pytest.mark.parametrize("case", cases("equal_sizes"), ids=name_of)
def test_a_function_for_equal_sizes_has_no_other_finding(case: Case) -> None:
    report = check(case.function)
    (finding,) = report.findings
    assert "H = K, it raises ValueError" in finding.mistake
    assert all(verdict.ok for verdict in report.verdicts)


def wrong(X, y, W1, b1, W2, b2):
    """1/N is missing."""
    params = backhand.Parameters(W1, b1, W2, b2)
    acts = backhand.forward(params, X)
    dS = acts.P - np.eye(len(b2))[y]
    dZ1 = dS @ W2.T * (acts.Z1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), acts.H1.T @ dS, dS.sum(axis=0)


def test_the_report_says_it_all() -> None:
    report = backhand.check(wrong)
    (finding,) = report.findings
    assert not report.ok and finding.certain and finding.equation == "dS"
    assert finding.id == "dS.scale.no_mean"
    assert finding.written == "dS = P - Y" and finding.right == "dS = (P - Y) / N"
    assert "Write `dS = (P - Y) / N`; by its name, it is made in line " in finding.suggestion
    assert finding.where[0].endswith(": dS = acts.P - np.eye(len(b2))[y]")
    assert finding.problems == report.problems == 4
    by_name = {verdict.name: verdict for verdict in report.verdicts}
    assert list(by_name) == ["dW2", "db2", "dW1", "db1"]
    assert by_name["db2"].got == pytest.approx(by_name["db2"].expected * 8, rel=1e-6)
    assert by_name["db2"].autograd is False  # torch was loaded, so it was asked
    text = str(report)
    assert "dS = P - Y" in text and "1/N is missing" in text and "disagrees" in text
    assert "1/N is missing" in report._repr_html_() and "<pre" in report._repr_html_()
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["findings"][0]["certain"]


def test_what_was_returned_is_judged_by_what_it_was_made_of() -> None:
    def shifted(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        S = acts.S + 0.1 * np.arange(len(b2))
        P = equations.softmax(S)
        dS = (P - Y) / len(X)
        dZ1 = dS @ W2.T * (acts.Z1 > 0)
        return {"S": S, "P": P, "dS": dS, "dW2": acts.H1.T @ dS, "db2": dS.sum(0),
                "dW1": X.T @ dZ1, "db1": dZ1.sum(0)}  # fmt: skip

    report = check(shifted)
    (finding,) = report.findings
    assert finding.equation == "S" and not finding.certain and report.ruled_out
    inherited = {verdict.name: verdict.inherited for verdict in report.verdicts}
    assert inherited == {"S": False} | dict.fromkeys(["P", "dS", "dW2", "db2", "dW1", "db1"], True)


def test_three_mistakes_are_told_apart() -> None:
    def three(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        dS = (Y - acts.P) / len(X)
        dZ1 = dS @ W2.T
        return X.T @ dZ1, dZ1.mean(axis=0), acts.H1.T @ dS, dS.sum(0)

    found = {(f.equation, f.written) for f in check(three).findings}
    assert found == {("dS", "dS = (Y - P) / N"), ("dZ1", "dZ1 = dH1"),
                     ("db1", "db1 = dZ1.mean(axis=0)")}  # fmt: skip


def raises(X):
    raise RuntimeError("no luck")


def for_ever(X):
    while True:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (raises, 'It raises RuntimeError: no luck .*raise RuntimeError("no luck")'),
        (for_ever, "It does not return within 0.2 s"),
        (lambda X: None, "It returns nothing"),
        (lambda X: X, r"It returns an array of shape \(6, 9\), in which there is no gradient"),
        (lambda X: {"foo": X}, "It returns 'foo', in which there is no gradient"),
        (lambda X: {"dW1": "text", "db1": X}, "Its dW1 is no array of numbers, but str 'text'"),
        (lambda a, b: None, "Its parameters 'a' and 'b' are not known; expected X, Y"),
        (lambda: None, "It takes no arrays; expected X, Y"),
    ],
)
def test_a_function_that_cannot_be_judged_is_a_diagnosis(f: Any, words: str) -> None:
    report = check(f, seconds=0.2)
    (finding,) = report.findings
    assert not report.ok and finding.equation == "call" and finding.certain
    assert words.split(".*")[0].replace("\\", "") in finding.mistake
    assert words.split(".*")[-1].replace("\\", "") in finding.mistake
    assert str(report) and report._repr_html_()


def test_another_layout_is_found_and_told() -> None:
    def linear(X, Y, W1, b1, W2, b2):
        W1, W2 = W1.T, W2.T
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        dS = (acts.P - Y) / len(X)
        dZ1 = dS @ W2.T * (acts.Z1 > 0)
        return dZ1.T @ X, dZ1.sum(0), dS.T @ acts.H1, dS.sum(0)

    report = check(linear)
    assert report.ok and "--layout linear" in report.remarks[0]
    assert check(linear, layout="linear").ok and not check(linear, layout="linear").remarks


def test_positions_are_tried_with_indices_too() -> None:
    def positional(inputs, labels, A, a, B, b):
        return straight_down(inputs, np.eye(len(b))[labels], A, a, B, b)

    assert check(positional).ok


def test_params_may_be_a_dict_that_is_assigned_to() -> None:
    def step(params, X, y, learning_rate):
        dW1, db1, dW2, db2 = wrong(X, y, *(params[name] for name in ("W1", "b1", "W2", "b2")))
        for name, gradient in {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}.items():
            params[name] = params[name] - learning_rate * gradient / len(y)
        return {name: params[name] for name in params}

    assert check(step).ok


def test_what_a_function_prints_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def loud(X, Y, W1, b1, W2, b2):
        print("here I am")
        return straight_down(X, Y, W1, b1, W2, b2)

    assert check(loud).ok and "here I am" not in capsys.readouterr().out


def test_a_bias_gradient_of_one_number_is_known_in_any_tuple() -> None:
    def with_loss(X, y, W1, b1, W2, b2):
        dW1, db1, dW2, db2 = wrong(X, y, W1, b1, W2, b2)
        N = len(y)
        P = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X).P
        return -np.log(P[range(N), y]), dW1 / N, db1.sum() / N, dW2 / N, db2 / N

    said = {finding.equation: finding.mistake for finding in check(with_loss).findings}
    assert set(said) == {"L", "db1"}
    assert "not averaged: one number a row" in said["L"] and "one number" in said["db1"]
    (finding,) = check(lambda X: (X, X, X)).findings
    assert "a tuple of 3" in finding.mistake and "order dW1, db1, dW2, db2" in finding.mistake


def test_nan_is_told() -> None:
    def undefined(X, Y, W1, b1, W2, b2):
        dW1, db1, dW2, db2 = straight_down(X, Y, W1, b1, W2, b2).values()
        return dW1 * np.nan, db1, dW2, db2

    (finding,) = check(undefined).findings
    assert finding.equation == "dW1" and "has nan or infinite numbers" in finding.mistake


@pytest.mark.parametrize("argument", ["layout", "f"])
def test_wrong_arguments_are_errors(argument: str) -> None:
    with pytest.raises(backhand.InputError, match=r"no function to check|layout is 'rws'"):
        check(1 if argument == "f" else wrong, layout="rws")


def test_assert_gradients_fails_with_the_diagnosis() -> None:
    assert_gradients(straight_down)
    with pytest.raises(AssertionError, match=r"the gradients are wrong[\s\S]*1/N is missing"):
        assert_gradients(wrong)


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


def test_the_command_judges_a_file_and_a_module(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SOURCE.format(mask=""))
    (tmp_path / "good.py").write_text(SOURCE.format(mask=" * (H1 > 0)"))
    began = time.perf_counter()
    result = run("net.py:backward", cwd=tmp_path)
    seconds = time.perf_counter() - began
    assert result.returncode == 1 and "the mask is left out" in result.stdout, result
    assert "11: dZ1 = dS @ W2.T" in " ".join(result.stdout.split())
    assert seconds < 60  # that it is no more than two is for the benchmark to show
    as_json = json.loads(run("net:backward", "--json", cwd=tmp_path).stdout)
    assert as_json["findings"][0]["equation"] == "dZ1" and not as_json["ok"]
    assert run("good.py:backward", cwd=tmp_path).returncode == 0


def test_the_command_says_so_if_a_function_does_not_end(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def f(X):\n    while True:\n        pass\n")
    result = run("net.py:f", "--seconds", "0.2", cwd=tmp_path)
    assert result.returncode == 1 and "does not return within 0.2 s" in result.stdout, result


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("net.py", "names no function; expected MODULE_OR_FILE:FUNCTION"),
        ("nothing.py:f", "there is no file by that name"),
        ("no_such_module:f", "there is no module 'no_such_module' here"),
        ("net.py:backwards", "has no function 'backwards'. Did you mean 'backward'?"),
        ("broken.py:f", "could not be run: ZeroDivisionError: division by zero (line 1)"),
        ("syntax.py:f", "could not be run: SyntaxError"),
        ("net.py:np", "is no function, but of type module"),
    ],
)
def test_the_command_says_what_it_cannot_find(tmp_path: Path, named: str, words: str) -> None:
    (tmp_path / "net.py").write_text(SOURCE.format(mask=""))
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "syntax.py").write_text("def f(:\n")
    result = run(named, cwd=tmp_path)
    assert result.returncode == 2 and words in result.stderr and "Traceback" not in result.stderr


def test_the_command_alone_checks_every_engine(tmp_path: Path) -> None:
    result = run(cwd=tmp_path)
    assert result.returncode == 0 and "Every engine computes right here." in result.stdout, result
    for engine in ("reference", "fused", "torch"):
        assert result.stdout.count(engine) == 2


def test_an_engine_that_computes_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from backhand.engines.reference import ReferenceEngine
    from backhand.selftest import check_installation

    def halved(self: Any, params: Any, data: Any, l2: float = 0.0) -> Any:
        acts = equations.forward(params, data.X)
        grads = equations.backward(params, data.X, data.y, acts, l2=l2)
        loss = equations.cross_entropy(acts.S, data.y) + equations.penalty(params, l2)
        return float(loss), grads._replace(db1=grads.db1 / 2)

    monkeypatch.setattr(ReferenceEngine, "loss_and_gradients", halved)
    found = {one.engine: one.ok for one in check_installation()}
    assert found == {"reference": False, "fused": True, "torch": True}
