"""Errors called delta, as two textbooks write, with lists of weights and biases."""

from __future__ import annotations

import numpy as np

from corpus.registry import wrong


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return z * (1 - z)  # fault


@wrong(
    "dZ1",
    "the derivative is written for an activation but is given z",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="mean",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="none",
    ),
)
def nabla_of_batch(x, y, weights, biases):
    n = x.shape[1]
    activation, activations, zs = x, [x], []
    for w, b in zip(weights, biases):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    cost = -np.sum(y * np.log(activation) + (1 - y) * np.log(1 - activation)) / n
    nabla_w = [np.zeros(w.shape) for w in weights]
    nabla_b = [np.zeros(b.shape) for b in biases]
    delta = (activations[-1] - y) / n
    nabla_b[-1] = delta.sum(axis=1, keepdims=True)
    nabla_w[-1] = np.dot(delta, activations[-2].T)
    delta = np.dot(weights[-1].T, delta) * sigmoid_prime(zs[-2])
    nabla_b[-2] = delta.sum(axis=1, keepdims=True)
    nabla_w[-2] = np.dot(delta, activations[-3].T)
    return cost, nabla_b, nabla_w


class Network:
    def __init__(self, weights, biases):
        self.weights = weights
        self.biases = biases

    def backprop(self, x, y):
        z1 = self.weights[0] @ x + self.biases[0]
        a1 = sigmoid(z1)
        a2 = sigmoid(self.weights[1] @ a1 + self.biases[1])
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = self.weights[1].T @ delta2 * a1 * (1 - a1)
        self.error += 0.5 * np.sum((a2 - y) ** 2)
        return [np.outer(delta1, x), np.outer(delta2, a1)], [delta1, delta2]

    def batch(self, X, Y):
        self.error = 0.0
        nabla_w = [np.zeros_like(w) for w in self.weights]
        nabla_b = [np.zeros_like(b) for b in self.biases]
        for x, y in zip(X, Y):
            dw, db = self.backprop(x, y)
            nabla_w[0] += dw[0]
            nabla_b[0] = db[0]  # fault
            nabla_w[1] += dw[1]
            nabla_b[1] += db[1]
        return nabla_w, nabla_b


@wrong(
    "db1",
    "it is that of the last row, not added up",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="linear",
        penalty="none",
    ),
)
def summed_over_the_batch(X, Y, weights, biases):
    net = Network(weights, biases)
    nabla_w, nabla_b = net.batch(X, Y)
    return net.error, nabla_w, nabla_b


@wrong(
    "dS",
    "the derivative of the sigmoid comes in twice",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="squared_error",
        outputs="K",
        reduction="elements",
        biases="flat",
        labels="one_hot",
        layout="linear",
        penalty="none",
    ),
)
def errors_backwards(x, t, w1, b1, w2, b2):
    a_hidden = x @ w1.T + b1
    z = np.tanh(a_hidden)
    y = sigmoid(z @ w2.T + b2)
    E = np.mean((y - t) ** 2)
    dE_dy = 2 * (y - t) * y * (1 - y) / t.size
    delta_k = dE_dy * y * (1 - y)  # fault
    delta_j = (1 - z**2) * (delta_k @ w2)
    return E, delta_j.T @ x, delta_j.sum(0), delta_k.T @ z, delta_k.sum(0)


@wrong(
    "dW2",
    "multiplied with the activations a of the hidden layer, before tanh",
    frame=dict(
        activation="tanh",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def bishop_regression(X, T, W1, b1, W2, b2):
    a = X @ W1 + b1
    z = np.tanh(a)
    y = z @ W2 + b2
    E = 0.5 * ((y - T) ** 2).sum()
    delta_out = y - T
    delta_hidden = (1 - z**2) * (delta_out @ W2.T)
    dW2 = a.T @ delta_out  # fault
    return E, X.T @ delta_hidden, delta_hidden.sum(axis=0), dW2, delta_out.sum(axis=0)


def hidden_errors(delta, W2, slope, z):
    g = np.where(z > 0, slope, 1.0)  # fault
    return delta @ W2.T * g


@wrong(
    "dZ1",
    "slope and one are exchanged in the derivative",
    frame=dict(
        activation="leaky_relu",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="column",
        layout="rows",
        penalty="none",
    ),
)
def two_class_errors(x, t, W1, b1, W2, b2):
    a1 = x @ W1 + b1
    z1 = np.maximum(a1, 0.2 * a1)
    y = sigmoid(z1 @ W2 + b2)
    E = np.mean(-t * np.log(y) - (1 - t) * np.log(1 - y))
    delta2 = (y - t) / len(t)
    delta1 = hidden_errors(delta2, W2, 0.2, a1)
    return {
        "E": E,
        "W1": x.T @ delta1,
        "b1": delta1.sum(0),
        "W2": z1.T @ delta2,
        "b2": delta2.sum(0),
    }


class QuadraticCost:
    @staticmethod
    def fn(a, y):
        return 0.5 * np.sum((a - y) ** 2) / y.shape[0]

    @staticmethod
    def delta(a, y):
        return (y - a) * a * (1 - a) / y.shape[0]  # fault


class CrossEntropyCost:
    @staticmethod
    def fn(a, y):
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a))) / y.size

    @staticmethod
    def delta(a, y):
        return (a - y) / y.shape[0]  # fault


def feed(X, weights, biases):
    z1 = X @ weights[0] + biases[0]
    a1 = sigmoid(z1)
    z2 = a1 @ weights[1] + biases[1]
    return z1, a1, z2, sigmoid(z2)


@wrong(
    "dS",
    "the sign: the output is subtracted from the target",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def with_quadratic_cost(X, Y, weights, biases):
    z1, a1, z2, a2 = feed(X, weights, biases)
    delta2 = QuadraticCost.delta(a2, Y)
    delta1 = delta2 @ weights[1].T * a1 * (1 - a1)
    nabla_w = [X.T @ delta1, a1.T @ delta2]
    nabla_b = [delta1.sum(axis=0, keepdims=True), delta2.sum(axis=0, keepdims=True)]
    return QuadraticCost.fn(a2, Y), nabla_w, nabla_b


@wrong(
    "dS",
    "divided by the rows, while the cost is averaged over all entries",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="elements",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def with_cross_entropy_cost(X, Y, weights, biases):
    _, a1, z2, a2 = feed(X, weights, biases)
    delta2 = CrossEntropyCost.delta(a2, Y)
    delta1 = delta2 @ weights[1].T * a1 * (1 - a1)
    nabla_w = [X.T @ delta1, a1.T @ delta2]
    nabla_b = [delta1.sum(axis=0, keepdims=True), delta2.sum(axis=0, keepdims=True)]
    return CrossEntropyCost.fn(a2, Y), nabla_w, nabla_b


@wrong(
    "update",
    "the weights are shrunk by eta alone, without lmbda",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="mean",
        biases="column",
        labels="column",
        layout="columns",
        penalty="half",
    ),
)
def update_mini_batch(x, y, weights, biases, eta, lmbda):
    n = x.shape[1]
    a1 = sigmoid(weights[0] @ x + biases[0])
    a2 = sigmoid(weights[1] @ a1 + biases[1])
    cost = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2)) / n
    cost += 0.5 * lmbda * sum(np.sum(w**2) for w in weights)
    delta2 = (a2 - y) / n
    delta1 = weights[1].T @ delta2 * a1 * (1 - a1)
    nabla_w = [delta1 @ x.T, delta2 @ a1.T]
    nabla_b = [delta1.sum(axis=1, keepdims=True), delta2.sum(axis=1, keepdims=True)]
    weights = [(1 - eta) * w - eta * nw for w, nw in zip(weights, nabla_w)]  # fault
    biases = [b - eta * nb for b, nb in zip(biases, nabla_b)]
    return cost, weights, biases


@wrong(
    "dH1",
    "W2 has its rows and columns exchanged by reshape instead of transposed",
    frame=dict(
        activation="sigmoid",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def softmax_deltas(x, t, W1, b1, W2, b2):
    h = sigmoid(x @ W1 + b1)
    a = h @ W2 + b2
    y = np.exp(a - a.max(axis=1)[:, None])
    y = y / y.sum(axis=1)[:, None]
    delta2 = (y - t) / x.shape[0]
    back = delta2 @ W2.reshape(W2.shape[1], -1)  # fault
    delta1 = back * h * (1 - h)
    return x.T @ delta1, delta1.sum(axis=0), h.T @ delta2, delta2.sum(axis=0)
