"""Classes and their methods as functions: where they keep parameters, what they leave behind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backhand.doctor.probe.adapters import adapted
from backhand.doctor.probe.problems import PLAIN, problem
from backhand.doctor.probe.refusal import Refusal
from backhand.doctor.probe.signature import arguments_of

PROBLEM = problem("A", 3, PLAIN, "smooth")


def softmax(S):
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def gradients(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


class LectureNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {
            "W1": std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = self.params.values()
        found = gradients(X, np.eye(len(b2))[y], W1, b1, W2, b2)
        return 1.0, dict(zip(self.params, found, strict=True))


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class NetOfLayers:
    """The layers share the arrays of `params`."""

    def __init__(self, input_size, hidden_size, output_size):
        self.params = {
            "W1": np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.first = Affine(self.params["W1"], self.params["b1"])
        self.second = Affine(self.params["W2"], self.params["b2"])

    def gradient(self, x, t):
        Z1 = self.first.forward(x)
        dS = (softmax(self.second.forward(np.maximum(Z1, 0))) - t) / len(x)
        self.first.backward(self.second.backward(dS) * (Z1 > 0))


class ListNet:
    def __init__(self, sizes):
        self.weights = [np.random.randn(a, b) for a, b in itertools.pairwise(sizes)]
        self.biases = [np.zeros((1, n)) for n in sizes[1:]]

    def backprop(self, x, y):
        (W1, W2), (b1, b2) = self.weights, self.biases
        dW1, db1, dW2, db2 = gradients(x, y, W1, b1, W2, b2)
        return [db1, db2], [dW1, dW2]


class TwoCalls:
    def __init__(self, D, H, K):
        self.W1, self.b1 = np.random.randn(D, H), np.zeros((1, H))
        self.W2, self.b2 = np.random.randn(H, K), np.zeros((1, K))

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.H1 = np.maximum(self.Z1, 0)
        return softmax(self.H1 @ self.W2 + self.b2)

    def backward(self, X, y, output):
        dS = (output - y) / len(X)
        dZ1 = dS @ self.W2.T * (self.Z1 > 0)
        self.dW1, self.db1 = X.T @ dZ1, dZ1.sum(0, keepdims=True)
        self.dW2, self.db2 = self.H1.T @ dS, dS.sum(0, keepdims=True)


class Stepping:
    def __init__(self, n_in, n_hidden, n_out, learning_rate=0.1):
        self.lr = learning_rate
        self.W1, self.b1 = np.zeros((n_in, n_hidden)), np.zeros(n_hidden)
        self.W2, self.b2 = np.zeros((n_hidden, n_out)), np.zeros(n_out)

    def train_step(self, X, y):
        found = gradients(X, y, self.W1, self.b1, self.W2, self.b2)
        for name, gradient in zip(("W1", "b1", "W2", "b2"), found, strict=True):
            setattr(self, name, getattr(self, name) - self.lr * gradient)


class DataInTheObject:
    """Without biases; the data are given when it is made, and its step has no learning rate."""

    def __init__(self, x, y):
        self.input, self.y = x, y
        self.weights1 = np.random.rand(self.input.shape[1], PROBLEM.params.W1.shape[1])
        self.weights2 = np.random.rand(self.weights1.shape[1], y.shape[1])

    def feedforward(self):
        self.layer1 = np.maximum(self.input @ self.weights1, 0)
        self.output = softmax(self.layer1 @ self.weights2)

    def backprop(self):
        dS = self.y - self.output
        self.weights1 = self.weights1 + self.input.T @ (dS @ self.weights2.T * (self.layer1 > 0))
        self.weights2 = self.weights2 + self.layer1.T @ dS


def called(thing, *, one_hot=True):
    f = adapted(thing)
    names = [argument.meaning for argument in arguments_of(f)]
    given = PROBLEM.values(0.3, 0.25)
    values = {
        "X": given["X"],
        "Y": given["Y"],
        "y": given["Y" if one_hot else "y"],
        "l2": 0.3,
        "eta": 0.25,
    }
    values |= PROBLEM.params._asdict()
    return f(**{name: values[name] for name in names})


RIGHT = gradients(PROBLEM.X, PROBLEM.Y, *PROBLEM.params)


@pytest.mark.parametrize("thing", [NetOfLayers.gradient, NetOfLayers, TwoCalls, TwoCalls.backward])
def test_what_the_object_holds_is_returned(thing) -> None:
    found = called(thing)
    for name, right in zip(("dW1", "db1", "dW2", "db2"), RIGHT, strict=True):
        np.testing.assert_allclose(np.squeeze(found[name]), right)


def test_what_the_method_returns_comes_first() -> None:
    loss, found = called(LectureNet, one_hot=False)
    assert loss == 1.0
    np.testing.assert_allclose(found["W1"], RIGHT[0])
    assert called(LectureNet.loss, one_hot=False)[0] == 1.0


def test_a_list_of_sizes_and_lists_of_parameters() -> None:
    biases, weights = called(ListNet)
    np.testing.assert_allclose(weights[1], RIGHT[2])
    np.testing.assert_allclose(biases[0], RIGHT[1])


def test_an_object_that_steps_has_new_parameters() -> None:
    found = called(Stepping)
    np.testing.assert_allclose(found["W1"], PROBLEM.params.W1 - 0.25 * RIGHT[0])


def test_data_may_belong_to_the_object() -> None:
    zero = (np.zeros_like(b) for b in (PROBLEM.params.b1, PROBLEM.params.b2))
    dW1, *_ = gradients(
        PROBLEM.X, PROBLEM.Y, PROBLEM.params.W1, next(zero), PROBLEM.params.W2, next(zero)
    )
    found = called(DataInTheObject)
    np.testing.assert_allclose(found["W1"], PROBLEM.params.W1 - len(PROBLEM.X) * dW1)


def test_a_bound_method_and_a_function_stay_what_they_are() -> None:
    net = LectureNet(3, 4, 2)
    assert adapted(net.loss) == net.loss and adapted(softmax) is softmax


def test_a_class_without_such_a_method_says_what_it_has() -> None:
    class Empty:
        def show(self):
            return None

    with pytest.raises(Refusal, match="show"):
        adapted(Empty)
