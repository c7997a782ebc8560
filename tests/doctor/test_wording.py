"""Snapshots of the doctor's sentences: a dozen, and no other test asserts one.

Each message is in at most one of them, and none is in the gallery of docs/doctor.md, so rewording
one breaks at most one test.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.doctor import check
from backhand.doctor.faults import conventions, dictionary


def right(X, Y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    return backhand.backward(params, X, Y, backhand.forward(params, X))._asdict()


def last_row(X, Y, W1, b1, W2, b2):
    grads = right(X, Y, W1, b1, W2, b2)
    db2 = grads["dS"][-1]
    return {"dW1": grads["dW1"], "db1": grads["db1"], "dW2": grads["dW2"], "db2": db2}


REPORT = """\
last_row  wrong  ReLU hidden units, softmax with cross-entropy, mean loss,
examples as rows (found: dW1, db1, dW2 agree)
on 4 problems, with NumPy arrays, in # s

     equations    error  worst entry: expected, got
dW2  correct    0.0e+00
db2  wrong      1.9e+00  [0] 0.134485, -0.112197
dW1  correct    0.0e+00
db1  correct    0.0e+00

db2: only the last row is used: = instead of +=.
   expected         db2 = dS.sum(axis=0)
   your code        27: db2 = grads["dS"][-1]
   same numbers as  db2 = dS[-1]
   what to do       Write `db2 = grads["dS"].sum(axis=0)` in line 27.
   confidence       certain: gives the same numbers, up to rounding error, on 4
                    problems"""


def test_the_whole_report() -> None:
    text = re.sub(r"\d+\.\d\d s", "# s", str(check(last_row, autograd=False)))
    assert re.sub(r"0\.0e\+00|\d\.\de-1\d", "0.0e+00", text) == REPORT


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("H1.activation.leaky_0_1", "a leaky ReLU (slope 0.1) is used instead of ReLU"),
        ("L.loss.squared_error", "the squared error is used instead of cross-entropy"),
        ("dW1.transpose.result", "the result is transposed"),
        ("db1.keepdims.sum", "keepdims leaves an extra dimension: the shape is (1, H)"),
        ("dS.factor.unknown", "there is an extra factor"),
        ("update.sign.uphill.b2", "the gradient is added: the step goes uphill (b2)"),
        ("L.penalty.with_biases", "the penalty includes the biases"),
    ],
)
def test_a_fault(fault: str, message: str) -> None:
    assert {one.id: one.message for one in dictionary()}[fault] == message


def test_a_convention() -> None:
    assert conventions()[1].message == (
        "the penalty is λ‖W‖², without the factor 1/2, in the loss and in the gradients"
    )


def finding(f: Any) -> tuple[str, str]:
    (one,) = check(f, autograd=False).findings
    return one.mistake, one.suggestion


def test_a_refusal() -> None:
    assert finding(lambda X: {"foo": X}) == (
        "It returns 'foo', which contains no gradient.",
        "Return a dict with the keys dW1, db1, dW2 and db2, or a tuple in this order.",
    )


def test_a_doubt() -> None:
    def undefined(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        return {name: value * (np.nan if name == "db2" else 1) for name, value in grads.items()}

    assert finding(undefined) == (
        "db2 differs from dS.sum(axis=0) and has nan or infinite entries. The fault is unknown.",
        "Return the inputs of db2 as well: then each is compared on its own.",
    )


def test_inputs_that_are_changed() -> None:
    def changes(X, Y, W1, b1, W2, b2):
        grads = right(X, Y, W1, b1, W2, b2)
        X *= 0
        return grads

    assert finding(changes) == (
        "The function changes X in place.",
        "Change a copy: the caller's X must stay unchanged.",
    )
