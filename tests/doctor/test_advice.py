"""Advice is a line that can be pasted where it is said, or an equation that says so."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import numpy as np
import pytest

from backhand.doctor import check
from backhand.doctor.report.contents import Finding
from backhand.errors import InputError

ROWS = "in the names of the equations"


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def indices(X, y, W1, b1, W2, b2):
    n = len(y)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2)
    dS = P.copy()
    dS[np.arange(n), y] -= 1
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


def copied(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2)
    dS[np.arange(len(y)), y] -= 1
    dS /= len(y)
    dH1 = dS @ W2.T
    dZ1 = dH1
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


def zeros_elsewhere(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.tanh(Z1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    shift = (-dS).sum(axis=1)
    dZ1 = dS @ W2.T * (1 - H1**2)
    db2 = dS.sum(axis=1)
    return X.T @ dZ1, dZ1.sum(axis=0) + 0 * shift.sum(), H1.T @ dS, db2


def softmax_of_the_batch(x):
    x = x - np.max(x, axis=0, keepdims=True)
    return np.exp(x) / np.sum(np.exp(x), axis=0, keepdims=True)


def in_a_helper(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax_of_the_batch(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


def per_row(X, Y, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = (np.zeros_like(one) for one in (W1, b1, W2, b2))
    for x, t in zip(X, Y, strict=True):
        z = x @ W1 + b1
        h = np.tanh(z)
        s = np.exp(h @ W2 + b2)
        d2 = (s / s.sum() - t) / len(X)
        d1 = W2 @ d2 * (1 - h**2)
        dW1 += np.outer(x, d1)
        db1 = d1
        dW2 += np.outer(h, d2)
        db2 += d2
    return dW1, db1, dW2, db2


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def divided_later(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1)
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def of(f: Any) -> Finding:
    (finding,) = check(f, autograd=False).findings
    return finding


@pytest.mark.parametrize(
    ("f", "pasted"),
    [
        (indices, "dS = (P - np.eye(P.shape[1])[y]) / len(X)"),
        (copied, "dZ1 = dH1 * (Z1 > 0)"),
        (zeros_elsewhere, "db2 = dS.sum(axis=0)"),
        (divided_later, "db2 = dZ2.sum(axis=1, keepdims=True) / X.shape[1]"),
    ],
)
def test_a_line_can_be_pasted_where_it_is_said(f: Any, pasted: str) -> None:
    finding = of(f)
    assert f"Write `{pasted}` in line" in finding.suggestion
    assert len(finding.where) == 1
    old = finding.where[0].partition(": ")[2]

    source = textwrap.dedent(inspect.getsource(f))
    assert source.count(old) == 1
    names = dict(f.__globals__)
    exec(source.replace(old, pasted), names)
    assert check(names[f.__name__], autograd=False).ok


@pytest.mark.parametrize("f", [in_a_helper, per_row])
def test_what_cannot_be_pasted_is_an_equation_and_says_so(f: Any) -> None:
    finding = of(f)
    assert finding.right in finding.suggestion and ROWS in finding.suggestion
    assert "Write" not in finding.suggestion


def test_the_line_is_that_of_the_variable_not_of_an_equal_one() -> None:
    assert [one.partition(": ")[2] for one in of(per_row).where] == ["db1 = d1"]


def divides_by_the_probability(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.tanh(Z1)
    P = softmax(H1 @ W2 + b2)
    dP = -Y / P / len(X)
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dZ1 = dS @ W2.T * (1 - H1**2)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


def test_exp_is_blamed_only_where_it_overflowed() -> None:
    report = check(divides_by_the_probability, autograd=False)
    (remark,) = report.remarks
    assert report.ok and "nan" in remark and "Subtract" not in remark


def never_fits(X, Y, W1, b1, W2, b2):
    return W1 @ np.zeros((1, 2))


def fails(X, Y, W1, b1, W2, b2):
    return {}["dW1"]


def test_shapes_are_named_where_they_matter_and_as_the_code_has_them() -> None:
    (finding,) = check(never_fits, layout="columns").findings
    assert "X (d, N), W1 (H, d), b1 (H, 1)" in finding.suggestion
    (finding,) = check(fails).findings
    assert "(N, d)" not in finding.suggestion


def test_the_table_has_the_layout_of_the_code() -> None:
    assert "shape (4, 1), got (4,)" in str(check(flat_bias, autograd=False))


def flat_bias(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    H1 = np.tanh(Z1)
    dS = (softmax((W2 @ H1 + b2).T).T - Y) / X.shape[1]
    dZ1 = W2.T @ dS * (1 - H1**2)
    return {"dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True), "dW2": dS @ H1.T,
            "db2": dS.sum(axis=1)}  # fmt: skip


def unwritten(X, y, W1, b1, W2, b2):
    """Returns the gradients."""


def test_an_empty_body_is_not_judged() -> None:
    report = check(unwritten)
    assert report.outcome == "not judged" and report.findings[0].id == "call.not_written"


def either(X, y, W1, b1, W2, b2):
    Y = np.eye(W2.shape[1])[y] if y.ndim == 1 else y
    Z1 = X @ W1 + b1
    dS = (softmax(np.tanh(Z1) @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T * (1 - np.tanh(Z1) ** 2)
    return X.T @ dZ1, dZ1.sum(axis=0), np.tanh(Z1).T @ dS, dS.sum(axis=0)


def test_a_remark_says_which_labels_were_given() -> None:
    assert any("class indices" in one for one in check(either, autograd=False).remarks)


def test_a_limit_of_no_time_is_an_error() -> None:
    with pytest.raises(InputError, match="seconds"):
        check(either, seconds=-1)
