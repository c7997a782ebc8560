"""Classes and their methods as functions: where they keep parameters, what they leave behind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backhand.doctor import check
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


def test_a_function_and_a_method_that_is_given_the_weights_stay_what_they_are() -> None:
    class Stateless:
        def backward(self, X, Y, W1, b1, W2, b2):
            return gradients(X, Y, W1, b1, W2, b2)

    method = Stateless().backward
    assert adapted(method) == method
    assert adapted(gradients) is gradients


def test_a_class_without_such_a_method_says_what_it_has() -> None:
    class Empty:
        def show(self):
            return None

    with pytest.raises(Refusal, match="show"):
        adapted(Empty)


def forward_propagation(X, parameters):
    H1 = np.tanh(X @ parameters["W1"] + parameters["b1"])
    return softmax(H1 @ parameters["W2"] + parameters["b2"]), {"H1": H1}


def with_a_cache(parameters, cache, X, Y):
    H1 = cache["H1"]
    dS = (softmax(H1 @ parameters["W2"] + parameters["b2"]) - Y) / len(X)
    dZ1 = dS @ parameters["W2"].T * (1 - H1**2)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


def test_a_backward_pass_that_takes_a_cache_is_called_after_the_forward_pass() -> None:
    report = check(with_a_cache)
    assert report.ok, str(report)
    assert report.frame.network.activation == "tanh"
    assert report.function == "with_a_cache"


def test_without_a_forward_pass_the_refusal_shows_a_function_that_calls_both() -> None:
    alone = type(with_a_cache)(with_a_cache.__code__, {"__name__": "alone"}, "alone")
    report = check(alone)
    assert report.outcome == "not judged"
    assert "Its cache is computed by the forward pass" in str(report).replace("\n", " ")
    assert "cache = …; return alone(parameters, cache, X, Y)" in " ".join(str(report).split())


def test_a_parameter_of_an_unknown_name_is_named() -> None:
    def unknown(X, y, W1, b1, W2, b2, momentum):
        return None

    report = check(unknown)
    assert report.outcome == "not judged"
    assert "parameter 'momentum' was not understood" in report.findings[0].mistake


def objective(theta, X, y, hidden):
    d = X.shape[1]
    K = (theta.size - hidden * (d + 1)) // (hidden + 1)
    W1, b1, W2, b2 = np.split(theta, np.cumsum([d * hidden, hidden, hidden * K]))
    W1, W2 = W1.reshape(d, hidden), W2.reshape(hidden, K)
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2)
    dS = (P - np.eye(K)[y]) / len(X)
    dZ1 = dS @ W2.T * (H1 > 0)
    parts = (X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0))
    loss = -np.log(P[np.arange(len(X)), y]).mean()
    return loss, np.concatenate([part.ravel() for part in parts])


def test_all_parameters_may_be_one_vector() -> None:
    report = check(objective)
    assert report.ok, str(report)
    assert report.frame.form.container == "vector"


class OfFixedSizes:
    def __init__(self, d, hidden, K, slope):
        self.W1, self.b1 = np.zeros((d, hidden)), np.zeros(hidden)
        self.W2, self.b2 = np.zeros((hidden, K)), np.zeros(K)
        self.slope = slope

    def loss(self, X, y):
        Z1 = X @ self.W1 + self.b1
        H1 = np.where(Z1 > 0, Z1, self.slope * Z1)
        dS = (softmax(H1 @ self.W2 + self.b2) - np.eye(len(self.b2))[y]) / len(X)
        dZ1 = dS @ self.W2.T * np.where(Z1 > 0, 1, self.slope)
        return {"W1": X.T @ dZ1, "b1": dZ1.sum(axis=0), "W2": H1.T @ dS, "b2": dS.sum(axis=0)}


def test_a_method_of_an_object_is_checked_on_one_of_other_sizes_and_the_same_settings() -> None:
    net = OfFixedSizes(4, 5, 3, 0.2)
    report = check(net.loss)
    assert report.ok, str(report)
    assert report.frame.network.activation == "leaky_relu"
    assert net.W1.shape == (4, 5)
    assert not net.W1.any()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def backprop(x, y, weights, biases):
    a = sigmoid(weights[0] @ x + biases[0])
    out = sigmoid(weights[1] @ a + biases[1])
    delta = (out - y) * out * (1 - out)
    before = weights[1].T @ delta * a * (1 - a)
    return [before, delta], [before @ x.T, delta @ a.T]


class Network:
    def __init__(self, sizes):
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in itertools.pairwise(sizes)]

    def backprop(self, x, y):
        return backprop(x, y, self.weights, self.biases)


@pytest.mark.parametrize("f", [backprop, Network])
def test_a_backward_pass_for_one_column_is_called_on_each(f) -> None:
    report = check(f)
    assert report.ok, str(report)
    assert report.frame.network.reduction == "sum"
    assert "it takes one example" in report.remarks[0]


def test_gradients_of_a_matrix_that_are_not_summed_stay_a_fault() -> None:
    def backward(X, Y, W1, b1, W2, b2):
        (db1, db2), (dW1, dW2) = backprop(X, Y, [W1, W2], [b1, b2])
        return dW1, db1, dW2, db2

    report = check(backward)
    assert {one.equation for one in report.findings} == {"db1", "db2"}
