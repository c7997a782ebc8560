"""The line of a fault: found by the value that it gave, wherever it is."""

import linecache
from types import SimpleNamespace

import numpy as np
import pytest

from backhand.doctor import check


def softmax(S):
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def gradients(X, Y, W1, b1, W2, b2):
    hidden_in = X @ W1 + b1
    hidden = np.maximum(hidden_in, 0)
    out = (softmax(hidden @ W2 + b2) - Y) / len(X)
    back = out @ W2.T * (hidden_in > 0)
    return {"dW1": X.T @ back, "db1": back.mean(axis=0), "dW2": hidden.T @ out, "db2": out.sum(0)}


def in_a_helper(X, Y, W1, b1, W2, b2):
    return gradients(X, Y, W1, b1, W2, b2)


class Net:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.Z = X @ self.W1 + self.b1
        self.A = np.maximum(self.Z, 0)
        return softmax(self.A @ self.W2 + self.b2)

    def backward(self, out):
        mask = out @ self.W2.T > 0
        self.back = out @ self.W2.T
        self.back *= mask
        return SimpleNamespace(W1=self.X.T @ self.back, b1=self.back.sum(0),
                               W2=self.A.T @ out, b2=out.sum(0))  # fmt: skip


def in_a_method(X, Y, W1, b1, W2, b2):
    net = Net(W1, b1, W2, b2)
    return vars(net.backward((net.forward(X) - Y) / len(X)))


def handed_over(X, Y, W1, b1, W2, b2):
    net = SimpleNamespace()
    net.W1, net.b1, net.W2, net.b2 = W1, b1, W2, b2
    Z, A = X @ net.W1 + b1, None
    A = np.maximum(Z, 0)
    d = (softmax(A @ net.W2 + b2) - Y) / len(X)
    e = d @ net.W2.T * (Z > 0)
    return [X.T @ e, e.sum(0), 2 * A.T @ d, d.sum(0)]


def row_by_row(X, Y, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = (np.zeros_like(one) for one in (W1, b1, W2, b2))
    for x, t in zip(X, Y, strict=True):
        z = x @ W1 + b1
        a = np.maximum(z, 0)
        e = np.exp(a @ W2 + b2)
        g = e / e.sum() - t
        q = W2 @ g * (z > 0)
        dW1 += np.outer(x, q) / len(X)
        db1 += q / len(X)
        dW2 += np.outer(a, g) / len(X)
        db2 += g / len(X)
    return dW1, db1, dW2, db2


def on_two_lines(X, y, W1, b1, W2, b2):
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    g = softmax(a @ W2 + b2)
    g[np.arange(len(y)), y] -= 1
    q = g @ W2.T * (z > 0)
    return X.T @ q, q.sum(0), a.T @ g, g.sum(0)


def unknown_in_a_helper(X, Y, W1, b1, W2, b2):
    def shaped(z):
        return np.where(z > 0, z, z * z * z / 7)

    z = X @ W1 + b1
    a = shaped(z)
    g = (softmax(a @ W2 + b2) - Y) / len(X)
    q = g @ W2.T * (z > 0)
    return X.T @ q, q.sum(0), a.T @ g, g.sum(0)


def always_true(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    g = (softmax(a @ W2 + b2) - Y) / len(X)
    q = g @ W2.T * (a >= 0)
    return X.T @ q, q.sum(0), a.T @ g, g.sum(0)


def never_true(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    g = (softmax(a @ W2 + b2) - Y) / len(X)
    q = g @ W2.T
    q[a < 0] = 0
    return X.T @ q, q.sum(0), a.T @ g, g.sum(0)


def line_of(f, text: str) -> int:
    """The number of the only line of this file after the beginning of `f` that has a text."""
    lines = linecache.getlines(__file__)
    first = getattr(f, "__code__", None) or f.__init__.__code__
    return next(number for number, line in enumerate(lines, 1)
                if number >= first.co_firstlineno and text in line)  # fmt: skip


@pytest.mark.parametrize(
    ("f", "fault", "text", "inside"),
    [
        (gradients, "db1.reduction.mean", "back.mean", ""),
        (in_a_helper, "db1.reduction.mean", "back.mean", "gradients"),
        (in_a_method, "dZ1.mask.sign_of_dH1", "mask = out", "Net.backward"),
        (handed_over, "dW2.scale.doubled", "2 * A.T", ""),
    ],
)
def test_the_line_is_found_by_its_value(f, fault: str, text: str, inside: str) -> None:
    (finding,) = check(f).findings
    assert finding.id == fault
    home = {"gradients": gradients, "Net.backward": Net}.get(inside, f)
    number = line_of(home, text)
    address = f"{number}, in {inside}: " if inside else f"{number}: "
    assert any(one.startswith(address) for one in finding.where), finding.where
    assert f"{number}" in finding.suggestion and "judging" not in finding.suggestion


def test_the_lines_that_change_a_value_are_all_shown() -> None:
    (finding,) = check(on_two_lines).findings
    assert finding.id == "dS.scale.no_mean"
    assert finding.where[-1] == f"{line_of(on_two_lines, '-= 1')}: g[np.arange(len(y)), y] -= 1"


def test_advice_is_in_the_names_of_the_code() -> None:
    (finding,) = check(gradients).findings
    assert finding.right == "db1 = dZ1.sum(axis=0)"
    assert "`back.sum(axis=0)` for db1 in line" in finding.suggestion


def test_rows_of_a_loop_are_matched_together() -> None:
    assert check(row_by_row).ok


@pytest.mark.slow
def test_a_value_that_is_wrong_in_an_unknown_way_has_its_line() -> None:
    (finding,) = check(unknown_in_a_helper).findings
    number = line_of(unknown_in_a_helper, "return np.where")
    assert (finding.id, finding.certain) == ("H1.unknown", False)
    assert finding.where[0].startswith(f"{number}, in shaped: ")
    assert f"line {number} of shaped" in finding.suggestion


@pytest.mark.parametrize(
    ("f", "text", "says"), [(always_true, "a >= 0", "always"), (never_true, "a < 0", "never")]
)
def test_a_mask_that_is_the_same_everywhere(f, text: str, says: str) -> None:
    (finding,) = check(f).findings
    assert finding.id == "dZ1.mask.missing"
    assert f"`{text}` is {says} true" in finding.mistake
    assert f"`z > 0` in line {line_of(f, text)}" in finding.suggestion
    assert text in finding.where[0]


class Value:
    """An array on a tape that overwrites gradients."""

    def __init__(self, data):
        self.data, self.grad = np.asarray(data), None

    def plus(self, other):
        out = Value(self.data + other.data)

        def back():
            self.grad = out.grad
            other.grad = out.grad

        out.back = back
        return out


def on_a_tape(X, Y, W1, b1, W2, b2):
    a, b = Value(W2), Value(W2 * 0)
    both = a.plus(b)
    both.grad = np.random.default_rng().standard_normal(W2.shape)
    both.back()
    return X.T @ (X @ W1), b1, a.grad, b2


def test_a_tape_that_overwrites_gradients_is_told_to_add() -> None:
    (finding,) = [one for one in check(on_a_tape).findings if one.equation == "call"]
    first = line_of(Value, "self.grad = out.grad")
    assert f"`+=` instead of `=` in lines {first} and {first + 1} of back" in finding.suggestion
