"""Two independent faults in a function: models that keep their weights, and what asks them."""

from __future__ import annotations

import numpy as np

from corpus.registry import pair


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Model:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.H1 = np.maximum(0, self.Z1)
        self.S = self.H1 @ self.W2 + self.b2
        return self.S

    def backward(self, dS):
        self.dW2 = self.H1.T @ dS
        self.db2 = dS.sum(axis=0)
        self.dZ1 = dS @ self.W2.T
        self.dZ1[self.H1 == 0] = 0
        self.dW1 = self.X.T @ self.dZ1
        self.db1 = self.dZ1.sum(axis=1)  # fault


def mse(pred, target):
    diff = pred - target
    loss = np.mean(diff**2)
    return loss, 2 * diff / len(diff)  # fault


@pair(
    "dS", "divides by N alone where the loss divides by N and the outputs",
    "db1", "sums over the units instead of the rows",
    frame=dict(
        activation="relu", output="linear", loss="squared_error", outputs="K",
        reduction="elements", biases="flat", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_ask_model(X, Y, W1, b1, W2, b2):
    model = Model(W1, b1, W2, b2)
    loss, dS = mse(model.forward(X), Y)
    model.backward(dS)
    return loss, model.dW1, model.db1, model.dW2, model.db2


class Perceptron:
    def set_weights(self, w1, b1, w2, b2):
        self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.w1)  # fault
        self.p = sigmoid(self.h @ self.w2 + self.b2)
        return self.p

    def step(self, y, lr):
        d2 = (self.p - y) / len(y)
        d1 = d2 @ self.w2.T * (1 - self.h**2)
        self.w2 = self.w2 - lr * self.h.T @ d2
        self.b2 = self.b2 - lr * np.sum(d2, axis=0, keepdims=True)
        self.w1 = self.w1 - lr * self.x.T @ d1
        self.b1 = self.b1 - np.sum(d1, axis=0, keepdims=True)  # fault


@pair(
    "Z1", "b1 is left out",
    "update", "the learning rate is missing from the step of b1",
    frame=dict(
        activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="row", labels="column", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_perceptron(X, y, w1, b1, w2, b2, lr):
    net = Perceptron()
    net.set_weights(w1, b1, w2, b2)
    net.forward(X)
    net.step(y, lr)
    return net.w1, net.b1, net.w2, net.b2


def initialise(params):
    return {name: np.zeros_like(value) for name, value in params.items()}


def accumulate(grads, params, x, t):
    a = params["W1"] @ x + params["b1"][:, 0]
    z = sigmoid(a)
    y = params["W2"] @ z + params["b2"][:, 0]
    delta_k = y - t
    delta_j = z * (1 - z) * (params["W2"].T @ delta_k)
    grads["W2"] += np.outer(delta_k, z)
    grads["b2"][:, 0] += delta_k
    grads["W1"] += np.outer(delta_j, x)
    grads["b1"][:, 0] += delta_j * z  # fault
    return 0.5 * delta_k @ delta_k


@pair(
    "db1", "is multiplied by the hidden units once more",
    "dW2", "is divided by N, unlike the others",
    frame=dict(
        activation="sigmoid", output="linear", loss="half_squared_error", outputs="K",
        reduction="sum", biases="column", labels="one_hot", layout="linear", penalty="none",
    ),
)  # fmt: skip
def pair_bishop(params, x, t):
    grads = initialise(params)
    error = sum(accumulate(grads, params, xn, tn) for xn, tn in zip(x, t))
    grads["W2"] /= len(x)  # fault
    return error, grads


def backward_pass(model, cache, delta):
    h, x = cache
    grads = {"W2": h.T @ delta, "b2": delta.sum(axis=0)}
    delta = delta @ model["W2"].T * (1 - h) ** 2  # fault
    grads["W1"], grads["b1"] = x.T @ delta, delta.sum(axis=0)
    return grads


@pair(
    "dZ1", "the square is taken of 1 - H1 instead of H1",
    "dW1", "the penalty is subtracted",
    frame=dict(
        activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half",
    ),
)  # fmt: skip
def pair_with_cache(model, X, y, reg):
    h = np.tanh(X @ model["W1"] + model["b1"])
    s = h @ model["W2"] + model["b2"]
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(len(y)), y].mean()
    loss += 0.5 * reg * (np.sum(model["W1"] ** 2) + np.sum(model["W2"] ** 2))
    delta = np.exp(logp)
    delta[np.arange(len(y)), y] -= 1
    grads = backward_pass(model, (h, X), delta / len(y))
    grads["W1"] -= reg * model["W1"]  # fault
    grads["W2"] += reg * model["W2"]
    return loss, grads


class Leaky:
    def __init__(self, slope=0.2):
        self.slope = slope

    def forward(self, x):
        self.out = np.where(x > 0, x, self.slope * x)
        return self.out

    def backward(self, g):
        return np.where(self.out > 0, g, g / self.slope)  # fault


@pair(
    "dZ1", "divides by the slope of the negative side instead of multiplying",
    "dS", "the targets are not subtracted",
    frame=dict(
        activation="leaky_relu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_leaky_object(inputs, labels, W1, b1, W2, b2):
    act = Leaky()
    h = act.forward(inputs @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    loss = -np.sum(labels * np.log(p) + (1 - labels) * np.log(1 - p)) / len(inputs)
    g = p / len(inputs)  # fault
    dW2, db2 = h.T @ g, g.sum(axis=0, keepdims=True)
    g = act.backward(g @ W2.T)
    dW1, db1 = inputs.T @ g, g.sum(axis=0, keepdims=True)
    return {"loss": loss, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
