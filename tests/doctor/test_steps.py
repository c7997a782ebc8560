"""Functions that make a step: new parameters that are returned, or changed in place."""

from __future__ import annotations

import numpy as np
import pytest

import backhand
from backhand.doctor import check

NAMES = ("W1", "b1", "W2", "b2")


def gradients(X, Y, W1, b1, W2, b2):
    params = backhand.Parameters(W1, b1, W2, b2)
    found = backhand.backward(params, X, Y, backhand.forward(params, X))
    return [getattr(found, f"d{name}") for name in NAMES]


def as_a_tuple(X, Y, W1, b1, W2, b2, lr):
    theta = (W1, b1, W2, b2)
    return tuple(p - lr * g for p, g in zip(theta, gradients(X, Y, *theta), strict=True))


def as_a_list_with_the_loss(X, Y, W1, b1, W2, b2, alpha):
    params = backhand.Parameters(W1, b1, W2, b2)
    P = backhand.forward(params, X).P
    return -(Y * np.log(P)).sum() / len(X), list(as_a_tuple(X, Y, W1, b1, W2, b2, alpha))


def in_place(X, Y, W1, b1, W2, b2, eta):
    theta = (W1, b1, W2, b2)
    for p, g in zip(theta, gradients(X, Y, *theta), strict=True):
        p -= eta * g


def in_place_with_the_loss(X, Y, W1, b1, W2, b2, epsilon):
    loss = as_a_list_with_the_loss(X, Y, W1, b1, W2, b2, epsilon)[0]
    in_place(X, Y, W1, b1, W2, b2, epsilon)
    return loss


def in_a_dict(params, X, Y, learning_rate):
    found = gradients(X, Y, *(params[name] for name in NAMES))
    for name, g in zip(NAMES, found, strict=True):
        params[name] = params[name] - learning_rate * g


def in_lists(X, Y, weights, biases, lr):
    dW1, db1, dW2, db2 = gradients(X, Y, weights[0], biases[0], weights[1], biases[1])
    weights[:] = [W - lr * g for W, g in zip(weights, (dW1, dW2), strict=True)]
    biases[:] = [b - lr * g for b, g in zip(biases, (db1, db2), strict=True)]


STEPS = [as_a_tuple, as_a_list_with_the_loss, in_place, in_place_with_the_loss, in_a_dict, in_lists]


@pytest.mark.parametrize("step", STEPS)
def test_new_parameters_are_recognised(step) -> None:
    report = check(step)
    assert report.ok, str(report)
    assert {"new W1", "new b1", "new W2", "new b2"} <= {one.name for one in report.verdicts}


def test_a_parameter_that_is_not_updated_is_wrong() -> None:
    def forgets_b1(X, Y, W1, b1, W2, b2, lr):
        in_place(X, Y, W1, b1.copy(), W2, b2, lr)

    report = check(forgets_b1)
    assert {one.name for one in report.verdicts if not one.ok} == {"new b1"}


def test_gradients_may_be_returned_beside_a_learning_rate() -> None:
    assert check(lambda X, Y, W1, b1, W2, b2, lr: gradients(X, Y, W1, b1, W2, b2)).ok


def test_inputs_that_change_without_a_learning_rate_are_a_finding() -> None:
    def changes(X, Y, W1, b1, W2, b2):
        found = gradients(X, Y, W1, b1, W2, b2)
        W1 -= 0.1 * found[0]
        return found

    assert [one.id for one in check(changes).findings] == ["call.changes_inputs"]
