"""Models that keep their weights, and small functions that fill them in and ask them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from corpus.registry import right


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class MLP:
    def __init__(self, W1, b1, W2, b2, reg_lambda):
        self.params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        self.reg_lambda = reg_lambda
        self.history = []

    def forward(self, X):
        self.z1 = X @ self.params["W1"] + self.params["b1"]
        self.a1 = np.tanh(self.z1)
        return self.a1 @ self.params["W2"] + self.params["b2"]

    def compute_loss(self, out, y):
        weights = (self.params["W1"], self.params["W2"])
        self.history.append(
            np.sum((out - y) ** 2) / (2 * len(y))
            + self.reg_lambda * sum(np.sum(w**2) for w in weights)
        )
        return self.history[-1]

    def backward(self, X, out, y):
        d2 = (out - y) / len(y)
        d1 = d2 @ self.params["W2"].T * (1 - self.a1**2)
        grads = {"W1": X.T @ d1, "b1": d1.sum(0), "W2": self.a1.T @ d2, "b2": d2.sum(0)}
        for name in ("W1", "W2"):
            grads[name] += 2 * self.reg_lambda * self.params[name]
        return grads


@right(frame=dict(
    activation="tanh", output="linear", loss="half_squared_error", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="full",
))  # fmt: skip
def regressor(X, y, W1, b1, W2, b2, reg_lambda):
    net = MLP(W1, b1, W2, b2, reg_lambda)
    out = net.forward(X)
    return net.compute_loss(out, y), net.backward(X, out, y)


def forward_propagation(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def update_parameters(parameters, grads, learning_rate=1.2):
    return {k: parameters[k] - learning_rate * grads["d" + k] for k in ("W1", "b1", "W2", "b2")}


@right(frame=dict(
    activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
))  # fmt: skip
def nn_model(X, Y, parameters, learning_rate):
    A2, cache = forward_propagation(X, parameters)
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    grads = backward_propagation(parameters, cache, X, Y)
    return update_parameters(parameters, grads, learning_rate), float(cost)


@dataclass
class Parameter:
    value: np.ndarray
    grad: np.ndarray = field(default=None)

    def zero_grad(self):
        self.grad = np.zeros_like(self.value)


class Classifier:
    def __init__(self, *values):
        self.w1, self.b1, self.w2, self.b2 = (Parameter(v) for v in values)

    def parameters(self):
        return [self.w1, self.b1, self.w2, self.b2]

    def __call__(self, x):
        self.x = x
        self.h = np.maximum(x @ self.w1.value.T + self.b1.value, 0)
        return self.h @ self.w2.value.T + self.b2.value

    def backward(self, g):
        self.w2.grad += g.T @ self.h
        self.b2.grad += g.sum(0)
        g = g @ self.w2.value
        g[self.h <= 0] = 0
        self.w1.grad += g.T @ self.x
        self.b1.grad += g.sum(0)


def cross_entropy(logits, y):
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    grad = np.exp(log_p)
    grad[np.arange(len(y)), y] -= 1
    return -log_p[np.arange(len(y)), y].mean(), grad / len(y)


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="linear", penalty="none",
))  # fmt: skip
def training_step(x, y, W1, b1, W2, b2, lr):
    model = Classifier(W1, b1, W2, b2)
    for p in model.parameters():
        p.zero_grad()
    loss, grad = cross_entropy(model(x), y)
    model.backward(grad)
    for p in model.parameters():
        p.value = p.value - lr * p.grad
    return [p.value for p in model.parameters()]


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="linear", penalty="none",
))  # fmt: skip
def gradients_of_parameters(x, y, W1, b1, W2, b2):
    model = Classifier(W1, b1, W2, b2)
    [p.zero_grad() for p in model.parameters()]
    loss, grad = cross_entropy(model(x), y)
    model.backward(grad)
    return loss, {
        "w1": model.w1.grad,
        "b1": model.b1.grad,
        "w2": model.w2.grad,
        "b2": model.b2.grad,
    }


class TwoLayers:
    activations = {
        "sigmoid": (sigmoid, lambda a: a * (1 - a)),
        "tanh": (np.tanh, lambda a: 1 - a**2),
        "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
    }

    def __init__(self, activation="relu"):
        self.f, self.f_prime = self.activations[activation]

    def fit_batch(self, X, T):
        self.hidden = self.f(X @ self.w1 + self.b1)
        scores = self.hidden @ self.w2 + self.b2
        scores = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        self.probs = scores / np.sum(scores, axis=1, keepdims=True)
        delta = (self.probs - T) / T.shape[0]
        self.grad_w2 = np.dot(self.hidden.T, delta)
        self.grad_b2 = np.sum(delta, axis=0, keepdims=True)
        delta = np.dot(delta, self.w2.T) * self.f_prime(self.hidden)
        self.grad_w1 = np.dot(X.T, delta)
        self.grad_b1 = np.sum(delta, axis=0, keepdims=True)
        return self


@right(frame=dict(
    activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def by_name_of_activation(X, T, w1, b1, w2, b2):
    net = TwoLayers("sigmoid")
    net.w1, net.b1, net.w2, net.b2 = w1, b1, w2, b2
    net.fit_batch(X, T)
    return net.grad_w1, net.grad_b1, net.grad_w2, net.grad_b2


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def fitted_object(X, T, w1, b1, w2, b2):
    net = TwoLayers()
    net.w1, net.b1, net.w2, net.b2 = w1, b1, w2, b2
    return net.fit_batch(X, T)


class SGD:
    def __init__(self, lr):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]


@right(frame=dict(
    activation="sigmoid", output="linear", loss="half_squared_error", outputs="one",
    reduction="mean", biases="row", labels="column", layout="rows", penalty="half",
))  # fmt: skip
def with_optimizer(X, y, params, lr, weight_decay):
    h = sigmoid(X @ params["W1"] + params["b1"])
    out = h @ params["W2"] + params["b2"]
    dout = (out - y) / len(X)
    dh = dout @ params["W2"].T * h * (1 - h)
    grads = {
        "W1": X.T @ dh + weight_decay * params["W1"],
        "b1": dh.sum(axis=0, keepdims=True),
        "W2": h.T @ dout + weight_decay * params["W2"],
        "b2": dout.sum(axis=0, keepdims=True),
    }
    SGD(lr).update(params, grads)
    return params


class History:
    """What a step leaves behind."""


@right(frame=dict(
    activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def namespace(x, y_true, W1, b1, W2, b2):
    r = History()
    r.Z1 = x @ W1 + b1
    r.H1 = np.log1p(np.exp(r.Z1))
    r.S = r.H1 @ W2 + b2
    r.P = np.exp(r.S) / np.exp(r.S).sum(axis=1, keepdims=True)
    r.L = -np.mean(np.log((r.P * y_true).sum(axis=1)))
    r.dS = (r.P - y_true) / len(x)
    r.dW2 = r.H1.T @ r.dS
    r.db2 = r.dS.sum(axis=0)
    r.dH1 = r.dS @ W2.T
    r.dZ1 = r.dH1 * sigmoid(r.Z1)
    r.dW1 = x.T @ r.dZ1
    r.db1 = r.dZ1.sum(axis=0)
    return r
