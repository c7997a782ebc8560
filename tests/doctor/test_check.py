"""`backhand.check`: findings by their ids, verdicts, layouts and arguments."""

from __future__ import annotations

import doctest
import importlib
import json
import time
from typing import Any

import numpy as np
import pytest

import backhand
from backhand import equations
from backhand.doctor import assert_gradients, check
from backhand.doctor.probe.evidence import alike


def right(X, Y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    acts = backhand.forward(params, X)
    return backhand.backward(params, X, Y, acts)._asdict()


def no_mean(X, y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    acts = backhand.forward(params, X)
    dS = acts.P - np.eye(len(b2))[y]
    dZ1 = dS @ W2.T * (acts.Z1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), acts.H1.T @ dS, dS.sum(axis=0)


def ids(report: backhand.doctor.Report) -> list[str]:
    return [finding.id for finding in report.findings]


def test_what_is_no_function_is_named() -> None:
    with pytest.raises(backhand.InputError, match=r"f is 'net\.py:backward', a text; expected the"):
        backhand.check("net.py:backward")
    with pytest.raises(backhand.InputError, match="f is of type int; expected a function"):
        backhand.check(3)


def test_a_report_has_all_that_was_found() -> None:
    report = backhand.check(no_mean)
    (finding,) = report.findings
    assert not report.ok and finding.certain
    assert (finding.id, finding.equation) == ("dS.scale.no_mean", "dS")
    assert finding.written == "dS = P - Y" and finding.right == "dS = (P - Y) / N"
    assert finding.where[0].endswith(": dS = acts.P - np.eye(len(b2))[y]")
    assert finding.where[0].split(":")[0] in finding.suggestion
    assert finding.problems == report.problems == 4
    by_name = {verdict.name: verdict for verdict in report.verdicts}
    assert list(by_name) == ["dW2", "db2", "dW1", "db1"]
    assert by_name["db2"].got == pytest.approx(by_name["db2"].expected * 8, rel=1e-6)
    verdicts = {verdict.name: verdict for verdict in check(no_mean, autograd=True).verdicts}
    assert verdicts["db2"].autograd is False


def test_every_display_has_the_finding() -> None:
    report = backhand.check(no_mean)
    (finding,) = report.findings
    assert repr(report) == "Report on no_mean: dS.scale.no_mean"
    assert "\n" not in repr(finding) and finding.id in repr(finding)
    for display in (str(report), report._repr_html_(), report.html()):
        assert finding.mistake in display
    values = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert values["findings"][0]["certain"] and values["findings"][0]["id"] == finding.id


@pytest.mark.parametrize("module", ["diagnosis", "report.report", "report.contents"])
def test_the_examples_of_the_docstrings_run(module: str) -> None:
    tested = doctest.testmod(importlib.import_module(f"backhand.doctor.{module}"))
    assert tested.attempted and not tested.failed


def test_what_was_returned_is_compared_given_its_inputs() -> None:
    def shifted(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        S = acts.S + 0.1 * np.arange(len(b2))
        P = equations.softmax(S)
        dS = (P - Y) / len(X)
        dZ1 = dS @ W2.T * (acts.Z1 > 0)
        return {"S": S, "P": P, "dS": dS, "dW2": acts.H1.T @ dS, "db2": dS.sum(0),
                "dW1": X.T @ dZ1, "db1": dZ1.sum(0)}  # fmt: skip

    report = check(shifted)
    assert ids(report) == ["S.unknown"] and not report.findings[0].certain and report.ruled_out
    inherited = {verdict.name: verdict.inherited for verdict in report.verdicts}
    assert inherited == {"S": False} | dict.fromkeys(["P", "dS", "dW2", "db2", "dW1", "db1"], True)


def test_three_faults_are_separated() -> None:
    def three(X, Y, W1, b1, W2, b2):
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        dS = (Y - acts.P) / len(X)
        dZ1 = dS @ W2.T
        return X.T @ dZ1, dZ1.mean(axis=0), acts.H1.T @ dS, dS.sum(0)

    assert sorted(ids(check(three))) == ["dS.sign.flipped", "dZ1.mask.missing",
                                         "db1.reduction.mean"]  # fmt: skip


def test_of_the_same_numbers_the_usual_fault_comes_first() -> None:
    """And lines of other equations that give them are listed."""

    def flipped(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return grads["dW1"] * -1, grads["db1"] * -1, grads["dW2"], grads["db2"]

    (finding,) = check(flipped).findings
    assert finding.id == "dH1.sign.flipped"
    assert finding.others[0] == "dZ1 = -(dH1 * (Z1 > 0))"


def raises(X):
    raise RuntimeError("no luck")


def for_ever(X):
    while True:
        time.sleep(0.01)


def exits(X):
    raise SystemExit(0)


async def awaits(X):
    return X


def constant(X):
    return "dW1", "db1", "dW2", "db2"


REFUSED = [
    (awaits, "no_gradient", "expected `def`"),
    (constant, "no_gradient", "a tuple of 4"),
    (raises, "raises", 'raise RuntimeError("no luck")'),
    (exits, "exits", "SystemExit"),
    (for_ever, "timeout", "0.2 s"),
    (lambda X: None, "returns_nothing", ""),
    (lambda X: X, "no_gradient", "(6, 9)"),
    (lambda X: {"foo": X}, "no_gradient", "'foo'"),
    (lambda X: {"parameters": X}, "no_gradient", "'parameters'"),
    (lambda X: {"dW1": "text", "db1": X}, "not_numbers", "str 'text'"),
    (lambda X: (X, X, X), "no_gradient", "dW1, db1, dW2, db2"),
    (lambda a, b: None, "parameters", "'a' and 'b'"),
    (lambda: None, "parameters", "X, Y"),
]


@pytest.mark.parametrize(("f", "reason", "detail"), REFUSED)
def test_a_function_that_cannot_be_called_is_a_finding(f: Any, reason: str, detail: str) -> None:
    report = check(f, seconds=0.2)
    (finding,) = report.findings
    assert not report.ok and finding.certain and not report.verdicts
    assert (finding.equation, finding.id) == ("call", f"call.{reason}")
    assert detail in finding.mistake
    assert finding.suggestion and str(report) and report._repr_html_()


def test_advice_depends_on_the_reason_not_on_names_in_the_outputs() -> None:
    advice = {reason: check(f).findings[0].suggestion
              for f, reason, _ in REFUSED if f not in (for_ever, exits)}  # fmt: skip
    assert advice["no_gradient"] == advice["returns_nothing"] != advice["parameters"]
    named = check(lambda X: {"parameters": X}).findings[0].suggestion
    assert named == advice["no_gradient"]


def test_the_function_as_a_whole_may_be_wrong_while_its_numbers_are_right() -> None:
    def exchanged(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return {"dW1": grads["dW2"], "db1": grads["db2"], "dW2": grads["dW1"], "db2": grads["db1"]}

    def flattened(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return {name: grads[name].ravel() for name in ("dW1", "db1", "dW2", "db2")}

    def changes(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        W2 -= 0.5 * grads["dW2"]
        return grads

    for f, reason in ((exchanged, "layers_exchanged"), (flattened, "flattened"),
                      (changes, "changes_inputs")):  # fmt: skip
        report = check(f)
        assert ids(report) == [f"call.{reason}"] and all(one.ok for one in report.verdicts)
    assert "W2 - 0.5 * dW2" in report.findings[0].mistake


def test_random_numbers_and_kept_arrays_are_findings() -> None:
    rng = np.random.default_rng(0)
    kept: dict[tuple[int, ...], Any] = {}

    def random(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return {name: value * rng.random() for name, value in grads.items()}

    assert ids(check(random)) == ["call.not_repeatable"]

    def keeps(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        kept[b1.shape] = grads["db1"] = grads["db1"] + kept.get(b1.shape, 0)
        return grads

    assert ids(check(keeps)) == ["db1.accumulation.alone", "call.keeps_state"]


def test_a_gradient_that_is_not_returned_is_a_finding() -> None:
    def forgets(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return {name: grads[name] for name in ("dW1", "dW2", "db2")}

    assert ids(check(forgets)) == ["db1.missing.returned"]


def test_one_value_in_float32_is_a_finding() -> None:
    def narrow(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return grads | {"dW2": grads["dW2"].astype(np.float32)}

    (found,) = ids(check(narrow))
    assert found in ("dW2.precision.float32", "dW2.precision.narrower")


def test_nan_is_reported() -> None:
    def undefined(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return grads | {"dW1": grads["dW1"] * np.nan}

    report = check(undefined)
    assert ids(report) == ["dW1.unknown"] and "nan" in report.findings[0].mistake


def test_numbers_near_the_largest_of_float64_are_compared_without_a_warning() -> None:
    large = np.array([1e308, -1e308])
    assert not alike(np.ones(2), large, 1e-9) and not alike(-large, large, 1e-9)
    assert alike(large, large, 1e-9)


def test_another_layout_is_detected() -> None:
    def linear(X, Y, W1, b1, W2, b2):
        W1, W2 = W1.T, W2.T
        acts = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X)
        dS = (acts.P - Y) / len(X)
        dZ1 = dS @ W2.T * (acts.Z1 > 0)
        return dZ1.T @ X, dZ1.sum(0), dS.T @ acts.H1, dS.sum(0)

    report = check(linear)
    assert report.ok and report.frame and report.frame.form.layout == "linear"
    assert check(linear, layout="linear").ok and not check(linear, layout="linear").remarks


def test_positions_are_tried_with_indices_too() -> None:
    def positional(inputs, labels, A, a, B, b):
        return right(inputs, np.eye(len(b))[labels], A, a, B, b)

    assert check(positional).ok


def test_params_may_be_a_dict_that_is_assigned_to() -> None:
    def step(params, X, y, learning_rate):
        dW1, db1, dW2, db2 = no_mean(X, y, *(params[name] for name in ("W1", "b1", "W2", "b2")))
        for name, gradient in {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}.items():
            params[name] = params[name] - learning_rate * gradient / len(y)
        return {name: params[name] for name in params}

    assert check(step).ok


def test_what_a_function_prints_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def loud(X, Y, W1, b1, W2, b2):
        print("here I am")
        return right(X, Y, W1, b1, W2, b2)

    assert check(loud).ok and "here I am" not in capsys.readouterr().out


def test_a_bias_gradient_of_one_number_is_known_in_any_tuple() -> None:
    def with_loss(X, y, W1, b1, W2, b2):
        dW1, db1, dW2, db2 = no_mean(X, y, W1, b1, W2, b2)
        N = len(y)
        P = backhand.forward(backhand.Parameters(W1, b1, W2, b2), X).P
        return -np.log(P[range(N), y]), dW1 / N, db1.sum() / N, dW2 / N, db2 / N

    assert sorted(ids(check(with_loss))) == ["L.reduction.none", "db1.reduction.over_all"]


@pytest.mark.parametrize("argument", ["layout", "f"])
def test_wrong_arguments_are_errors(argument: str) -> None:
    with pytest.raises(backhand.InputError):
        check(1 if argument == "f" else no_mean, layout="rows" if argument == "f" else "rws")


def test_assert_gradients_fails_with_the_report() -> None:
    assert_gradients(right)
    with pytest.raises(AssertionError) as error:
        assert_gradients(no_mean)
    assert check(no_mean).findings[0].mistake in str(error.value)


def test_a_forward_pass_alone_is_checked_where_that_is_asked_for() -> None:
    def forward(X, W1, b1, W2, b2, *, bias=1.0):
        H1 = np.tanh(X @ W1 + b1)
        E = np.exp(H1 @ W2 + bias * b2)
        return E / E.sum(axis=1, keepdims=True)

    def without_bias(X, W1, b1, W2, b2):
        return forward(X, W1, b1, W2, b2, bias=0.0)

    report = check(forward, forward=True)
    assert report.ok and "no gradients yet" in str(report)
    report = check(without_bias, forward=True)
    assert [finding.id for finding in report.findings] == ["S.bias.missing"]
