"""What seems to be several faults may be one choice of the network, beside another fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backhand.doctor import check

DECAY = 0.05


def backward(X, Y, W1, b1, W2, b2, *, summed=False, decay=0.0, fault=""):
    H1 = np.tanh(X @ W1 + b1)
    E = np.exp((X @ W1 + b1 if fault == "S" else H1) @ W2 + b2)
    P = E / E.sum(axis=1, keepdims=True)
    rows = 1 if summed else len(X)
    loss = -(Y * np.log(P)).sum() / rows * (2 if fault == "L" else 1)
    loss += decay / 2 * ((W1**2).sum() + (W2**2).sum())
    dS = (P - Y) / rows
    dZ1 = dS @ W2.T * (1 - H1**2)
    db1 = dZ1.mean(0) if fault == "db1" else dZ1.sum(0)
    return loss, X.T @ dZ1 + decay * W1, db1, H1.T @ dS + decay * W2, dS.sum(0)


def of(**options: Any) -> Callable[..., Any]:
    def checked(X, Y, W1, b1, W2, b2):
        return backward(X, Y, W1, b1, W2, b2, **options)

    return checked


# A wrong loss and gradients of the sum are two faults as well: no choice shows in such a loss.
@pytest.mark.parametrize(
    ("summed", "decay", "fault"),
    [(True, 0.0, "db1"), (True, DECAY, "S"), (False, DECAY, "L"), (False, DECAY, "db1"),
     *(pytest.param(*others, marks=pytest.mark.slow) for others in [
         (True, 0.0, "S"), (True, DECAY, "L"), (True, DECAY, "db1"), (False, DECAY, "S")])],
)  # fmt: skip
def test_a_choice_is_no_fault_beside_one(fault: str, summed: bool, decay: float) -> None:
    report = check(of(summed=summed, decay=decay, fault=fault), autograd=False)
    assert [finding.equation for finding in report.findings] == [fault]
    assert report.frame and report.frame.to_json()["strength"] == decay


def test_a_penalty_of_one_gradient_is_a_fault() -> None:
    def only_one(X, Y, W1, b1, W2, b2):
        loss, dW1, db1, dW2, db2 = backward(X, Y, W1, b1, W2, b2)
        return loss, dW1 + DECAY * W1, db1, dW2, db2

    assert [one.id for one in check(only_one, autograd=False).findings] == ["dW1.penalty.unasked"]
