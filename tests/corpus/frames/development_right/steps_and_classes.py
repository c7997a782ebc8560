"""Steps of gradient descent, and classes that hold their parameters."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from corpus.registry import right


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# one step


@right(
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="full")
)  # fmt: skip
def train_step(X, y, W1, b1, W2, b2, reg, epsilon):
    N = len(X)
    a1 = np.tanh(X @ W1 + b1)
    probs = softmax(a1 @ W2 + b2)
    loss = -np.log(probs[np.arange(N), y]).mean() + reg * (np.sum(W1**2) + np.sum(W2**2))
    d = probs
    d[np.arange(N), y] -= 1
    d /= N
    dW2 = a1.T @ d + 2 * reg * W2
    db2 = d.sum(0, keepdims=True)
    d = d @ W2.T * (1 - a1**2)
    dW1 = X.T @ d + 2 * reg * W1
    db1 = d.sum(0, keepdims=True)
    W1 = W1 - epsilon * dW1
    b1 = b1 - epsilon * db1
    W2 = W2 - epsilon * dW2
    b2 = b2 - epsilon * db2
    return loss, W1, b1, W2, b2


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def step_in_place(X, Y, params, lr):
    H = np.maximum(X @ params["W1"] + params["b1"], 0)
    E = (softmax(H @ params["W2"] + params["b2"]) - Y) / len(X)
    G = E @ params["W2"].T * (H > 0)
    params["W2"] -= lr * H.T @ E
    params["b2"] -= lr * E.sum(0)
    params["W1"] -= lr * X.T @ G
    params["b1"] -= lr * G.sum(0)


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="binary_cross_entropy",
        outputs="one", reduction="mean", biases="column", labels="column", layout="columns",
        penalty="none")
)  # fmt: skip
def update_parameters(X, Y, parameters, learning_rate):
    m = X.shape[1]
    A1 = sigmoid(parameters["W1"] @ X + parameters["b1"])
    A2 = sigmoid(parameters["W2"] @ A1 + parameters["b2"])
    cost = -(np.sum(np.log(A2[Y == 1])) + np.sum(np.log(1 - A2[Y == 0]))) / m
    grads = {}
    dZ2 = (A2 - Y) / m
    grads["W2"] = dZ2 @ A1.T
    grads["b2"] = dZ2.sum(1, keepdims=True)
    dZ1 = parameters["W2"].T @ dZ2 * A1 * (1 - A1)
    grads["W1"] = dZ1 @ X.T
    grads["b1"] = dZ1.sum(1, keepdims=True)
    updated = {name: parameters[name] - learning_rate * grads[name] for name in parameters}
    return updated, cost


@right(
    frame=dict(activation="leaky_relu", output="linear", loss="half_squared_error", outputs="K",
        reduction="sum", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def delta_rule(x, t, w1, b1, w2, b2, eta):
    net = x @ w1 + b1
    h = np.where(net > 0, net, 0.2 * net)
    error = t - (h @ w2 + b2)
    hidden_error = error @ w2.T * np.where(net > 0, 1, 0.2)
    w2 += eta * h.T @ error
    b2 += eta * error.sum(axis=0)
    w1 += eta * x.T @ hidden_error
    b1 += eta * hidden_error.sum(axis=0)
    return 0.5 * (error**2).sum()


@right(
    frame=dict(activation="relu", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="linear", penalty="half")
)  # fmt: skip
def decayed_step(x, y, w1, b1, w2, b2, lr, weight_decay):
    n = len(y)
    pre = x @ w1.T + b1
    h = pre.clip(min=0)
    residual = h @ w2.T + b2 - y.reshape(n, 1)
    g = 2 * residual / n
    gh = g @ w2
    gh[pre < 0] = 0
    steps = (
        gh.T @ x + weight_decay * w1,
        gh.sum(axis=0),
        g.T @ h + weight_decay * w2,
        g.sum(axis=0),
    )
    return [p - lr * s for p, s in zip((w1, b1, w2, b2), steps)]


# classes with adapters


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-1):
        rng = np.random.default_rng(1)
        self.params = {
            "W1": std * rng.normal(size=(input_size, hidden_size)),
            "b1": np.zeros(hidden_size),
            "W2": std * rng.normal(size=(hidden_size, output_size)),
            "b2": np.zeros(output_size),
        }

    def loss(self, X, y, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N = X.shape[0]
        h = np.logaddexp(0, X.dot(W1) + b1)
        p = softmax(h.dot(W2) + b2)
        loss = -np.log(p[np.arange(N), y]).sum() / N
        loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        p[np.arange(N), y] -= 1
        p /= N
        grads = {"W2": h.T.dot(p) + reg * W2, "b2": p.sum(axis=0)}
        dh = p.dot(W2.T) * (1 - np.exp(-h))
        grads["W1"] = X.T.dot(dh) + reg * W1
        grads["b1"] = dh.sum(axis=0)
        return loss, grads


@right(
    frame=dict(activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def net_filled_in(X, y, W1, b1, W2, b2, reg):
    net = TwoLayerNet(*W1.shape, W2.shape[1])
    net.params.update(W1=W1, b1=b1, W2=W2, b2=b2)
    return net.loss(X, y, reg)


class Perceptron:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.hidden = np.tanh(X @ self.W1 + self.b1)
        self.output = sigmoid(self.hidden @ self.W2 + self.b2)
        return self.output

    def backward(self, y):
        error = (self.output - y) / len(y)
        self.dW2 = self.hidden.T @ error
        self.db2 = error.sum(axis=0, keepdims=True)
        error = (error @ self.W2.T) * (1 - self.hidden**2)
        self.dW1 = self.X.T @ error
        self.db1 = error.sum(axis=0, keepdims=True)


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="row", labels="column", layout="rows", penalty="none")
)  # fmt: skip
def perceptron(X, y, W1, b1, W2, b2):
    p = Perceptron(W1, b1, W2, b2)
    p.forward(X)
    p.backward(y)
    return SimpleNamespace(dW1=p.dW1, db1=p.db1, dW2=p.dW2, db2=p.db2)


class Regressor:
    def fit_parameters(self, weights, biases):
        self.weights = weights
        self.biases = biases
        return self

    def _forward(self, X):
        activations = [X]
        pre = X @ self.weights[0] + self.biases[0]
        activations.append(np.where(pre > 0, pre, np.expm1(np.minimum(pre, 0))))
        activations.append(activations[1] @ self.weights[1] + self.biases[1])
        return activations, pre

    def _backprop(self, X, y):
        activations, pre = self._forward(X)
        n_samples = X.shape[0]
        deltas = [None, activations[-1] - y]
        loss = (deltas[1] ** 2).sum() / 2 / n_samples
        deltas[0] = deltas[1] @ self.weights[1].T * np.where(pre > 0, 1, activations[1] + 1)
        coef_grads = [a.T @ d / n_samples for a, d in zip(activations, deltas)]
        intercept_grads = [np.mean(d, 0) for d in deltas]
        return loss, coef_grads, intercept_grads


@right(
    frame=dict(activation="elu", output="linear", loss="half_squared_error", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def mlp_regressor(X, y, W1, b1, W2, b2):
    return Regressor().fit_parameters([W1, W2], [b1, b2])._backprop(X, y)


# classes as they are


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="full")
)  # fmt: skip
class SmallNet:
    def __init__(self, D, H, K):
        rng = np.random.default_rng(0)
        self.params = {
            "W1": rng.normal(size=(D, H)) * 0.3,
            "b1": np.zeros(H),
            "W2": rng.normal(size=(H, K)) * 0.3,
            "b2": np.zeros(K),
        }

    def loss(self, X, y, reg):
        p = self.params
        h, mask = self._hidden(X)
        s = h @ p["W2"] + p["b2"]
        probs = softmax(s)
        data = -np.mean(np.log(probs[np.arange(len(y)), y]))
        ds = (probs - np.eye(s.shape[1])[y]) / len(y)
        dz = (ds @ p["W2"].T) * mask
        grads = {
            "W1": X.T @ dz + 2 * reg * p["W1"],
            "b1": dz.sum(axis=0),
            "W2": h.T @ ds + 2 * reg * p["W2"],
            "b2": ds.sum(axis=0),
        }
        return data + reg * sum(np.sum(p[name] ** 2) for name in ("W1", "W2")), grads

    def _hidden(self, X):
        z = X @ self.params["W1"] + self.params["b1"]
        return np.maximum(z, 0), z > 0


@right(
    frame=dict(activation="sigmoid", output="linear", loss="squared_error", outputs="K",
        reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
class NeuralNetwork:
    def __init__(self, n_inputs, n_hidden, n_outputs):
        rng = np.random.default_rng(2)
        self.W1 = rng.normal(size=(n_inputs, n_hidden))
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = rng.normal(size=(n_hidden, n_outputs))
        self.b2 = np.zeros((1, n_outputs))

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = sigmoid(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        return self.z2

    def backward(self, X, y):
        output = self.forward(X)
        loss = np.mean((output - y) ** 2)
        dz2 = 2 * (output - y) / y.size
        self.dW2 = self.a1.T @ dz2
        self.db2 = np.sum(dz2, axis=0, keepdims=True)
        dz1 = dz2 @ self.W2.T * self.a1 * (1 - self.a1)
        self.dW1 = X.T @ dz1
        self.db1 = np.sum(dz1, axis=0, keepdims=True)
        return loss


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="sum", biases="flat", labels="column", layout="rows", penalty="half")
)  # fmt: skip
class BinaryNet:
    def __init__(self, D, H, K=1):
        rng = np.random.default_rng(3)
        self.params = {"W1": rng.normal(size=(D, H)), "b1": np.zeros(H)}
        self.params.update(W2=rng.normal(size=(H, K)), b2=np.zeros(K))

    def loss(self, X, y, reg=0.1):
        W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
        h = np.tanh(X @ W1 + b1)
        s = h @ W2 + b2
        loss = np.sum(np.logaddexp(0, s) - y * s)
        loss += reg / 2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
        ds = sigmoid(s) - y
        dz = (1 - h * h) * (ds @ W2.T)
        return loss, {
            "W1": X.T @ dz + reg * W1,
            "b1": dz.sum(axis=0),
            "W2": h.T @ ds + reg * W2,
            "b2": ds.sum(axis=0),
        }
