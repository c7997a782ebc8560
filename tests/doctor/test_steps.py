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


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def in_place_and_returned(X, Y, W1, b1, W2, b2, lr=0.1):
    in_place(X, Y, W1, b1, W2, b2, lr)
    return W1, b1, W2, b2


def in_a_dict_and_returned(params, X, Y, learning_rate):
    in_a_dict(params, X, Y, learning_rate)
    return params


def in_a_dict_of_a_constant_rate(params, X, Y, epsilon=0.01):
    in_a_dict(params, X, Y, epsilon)
    return {name: params[name] for name in NAMES}


def of_a_constant_rate(X, Y, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = gradients(X, Y, W1, b1, W2, b2)
    return W1 - 0.05 * dW1, b1 - 0.05 * db1, W2 - 0.05 * dW2, b2 - 0.05 * db2


def of_no_rate_in_eleven_lines(X, y, syn0, syn1):
    l1 = sigmoid(X @ syn0)
    l2 = sigmoid(l1 @ syn1)
    l2_delta = (y - l2) * l2 * (1 - l2)
    l1_delta = l2_delta.dot(syn1.T) * l1 * (1 - l1)
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)


@pytest.mark.parametrize("step", [in_place_and_returned, in_a_dict_and_returned])
def test_a_step_in_place_may_return_what_it_changed(step) -> None:
    report = check(step)
    assert report.ok, str(report)
    assert {"new W1", "new b2"} <= {one.name for one in report.verdicts}


@pytest.mark.parametrize(("step", "rate"), [
    (in_a_dict_of_a_constant_rate, "0.01"), (of_a_constant_rate, "0.05"),
    (of_no_rate_in_eleven_lines, "1"),
])  # fmt: skip
def test_a_rate_that_is_in_the_code_is_found(step, rate) -> None:
    report = check(step)
    assert report.ok, str(report)
    assert f"a step, whose learning rate is a constant: {rate}." in report.remarks


def test_a_fault_of_a_step_of_a_constant_rate_is_found() -> None:
    def uphill(X, Y, W1, b1, W2, b2):
        dW1, db1, dW2, db2 = gradients(X, Y, W1, b1, W2, b2)
        return W1 - 0.1 * dW1, b1 - 0.1 * db1, W2 + 0.1 * dW2, b2 - 0.1 * db2

    assert [one.id for one in check(uphill).findings] == ["update.sign.uphill.W2"]


def test_a_class_whose_weights_have_the_names_of_a_textbook() -> None:
    class neuralNetwork:
        def __init__(self, inputnodes, hiddennodes, outputnodes, learningrate):
            self.wih = np.random.normal(0, 0.1, (hiddennodes, inputnodes))
            self.who = np.random.normal(0, 0.1, (outputnodes, hiddennodes))
            self.lr = learningrate

        def train(self, inputs_list, targets_list):
            inputs = np.array(inputs_list, ndmin=2).T
            hidden = sigmoid(self.wih @ inputs)
            final = sigmoid(self.who @ hidden)
            output = (np.array(targets_list, ndmin=2).T - final) * final * (1 - final)
            errors = self.who.T @ output
            self.who += self.lr * output @ hidden.T
            self.wih += self.lr * (errors * hidden * (1 - hidden)) @ inputs.T

    report = check(neuralNetwork)
    assert report.ok, str(report)
