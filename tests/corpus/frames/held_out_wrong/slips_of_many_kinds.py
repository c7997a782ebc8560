"""Usual networks with slips that come from the language as much as from calculus."""

from __future__ import annotations

import numpy as np

from corpus.registry import wrong


def squash(z):
    return np.tanh(z, out=z)  # fault


@wrong(
    "dZ1",
    "tanh overwrites the pre-activations, at which the derivative is then taken",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="indices",
        layout="rows",
        penalty="none",
    ),
)
def reuse_of_memory(X, y, W1, b1, W2, b2):
    rows = np.arange(len(X))
    z = X @ W1 + b1
    h = squash(z)
    s = h @ W2 + b2
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= len(X)
    dz = (p @ W2.T) / np.cosh(z) ** 2
    return loss, X.T @ dz, dz.sum(axis=0), h.T @ p, p.sum(axis=0)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@wrong(
    "dS",
    "divided by the number of features",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def nested_dictionary(x, y, params):
    n_samples, n_features = x.shape
    z1 = np.matmul(x, params["W1"]) + params["b1"]
    a1 = np.maximum(z1, 0.0)
    probs = softmax(np.matmul(a1, params["W2"]) + params["b2"])
    loss = -(y * np.log(probs)).sum() / n_samples
    d2 = (probs - y) / n_features  # fault
    d1 = np.matmul(d2, params["W2"].T)
    d1[z1 <= 0] = 0
    return {
        "loss": loss,
        "layer1": {"W1": np.matmul(x.T, d1), "b1": d1.sum(0, keepdims=True)},
        "layer2": {"W2": np.matmul(a1.T, d2), "b2": d2.sum(0, keepdims=True)},
    }


def output_error(probs, targets, smoothing=0.1):
    K = targets.shape[1]
    targets = (1 - smoothing) * targets + smoothing / K  # fault
    return probs - targets


@wrong(
    "dS",
    "labels are smoothed in the gradient, not in the loss",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def smooth_targets(inputs, targets, W1, b1, W2, b2):
    hidden = np.maximum(inputs @ W1 + b1, 0)
    probs = softmax(hidden @ W2 + b2)
    loss = -np.sum(targets * np.log(probs))
    delta_out = output_error(probs, targets)
    delta_hidden = delta_out @ W2.T * np.sign(hidden)
    return (
        loss,
        inputs.T @ delta_hidden,
        delta_hidden.sum(axis=0),
        hidden.T @ delta_out,
        delta_out.sum(axis=0),
    )


@wrong(
    "dZ1",
    "the product with the mask is not assigned to anything",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="indices",
        layout="rows",
        penalty="none",
    ),
)
class OneHiddenLayer:
    def __init__(self, input_dim, hidden_dim, num_classes):
        rng = np.random.default_rng(0)
        self.params = {
            "W1": 0.1 * rng.normal(size=(input_dim, hidden_dim)),
            "b1": np.zeros(hidden_dim),
            "W2": 0.1 * rng.normal(size=(hidden_dim, num_classes)),
            "b2": np.zeros(num_classes),
        }

    def loss(self, X, y):
        p, N = self.params, X.shape[0]
        pre = X @ p["W1"] + p["b1"]
        hidden = np.maximum(pre, 0)
        probs = softmax(hidden @ p["W2"] + p["b2"])
        loss = -np.log(probs[np.arange(N), y]).sum() / N
        dscores = probs
        dscores[np.arange(N), y] -= 1
        dscores /= N
        dhidden = dscores @ p["W2"].T
        np.multiply(dhidden, pre > 0)  # fault
        grads = {"W1": X.T @ dhidden, "b1": dhidden.sum(axis=0)}
        grads["W2"] = hidden.T @ dscores
        grads["b2"] = dscores.sum(axis=0)
        return loss, grads


def logistic(s):
    return 1 / (1 + np.exp(s))  # fault


@wrong(
    "P",
    "the sign in the sigmoid's exponent",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="flat",
        layout="rows",
        penalty="none",
    ),
)
def notebook_cell(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    A2 = logistic(A1 @ W2 + b2)[:, 0]
    cost = -(y * np.log(A2) + (1 - y) * np.log(1 - A2)).sum() / N
    dZ2 = (A2 - y)[:, None] / N
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return locals()


def loss_and_derivative(p, y):
    n = len(y)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss, (p - y) / (p * (1 - p)) / n


@wrong(
    "dS",
    "the derivative by the output stands for that by its argument",
    frame=dict(
        activation="relu",
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
def two_lists(x, y, w1, b1, w2, b2):
    pre = x.dot(w1) + b1
    h = pre.clip(min=0)
    p = 1 / (1 + np.exp(-(h.dot(w2) + b2)))
    loss, dp = loss_and_derivative(p, y)
    ds = dp  # fault
    dh = ds.dot(w2.T)
    dpre = dh * (pre > 0).astype(dh.dtype)
    return loss, [x.T.dot(dpre), h.T.dot(ds)], [dpre.sum(axis=0), ds.sum(axis=0)]


def through_softmax(p, dp):
    ds = np.empty_like(p)
    for n, row in enumerate(p):
        jacobian = np.diag(row) + np.outer(row, row)  # fault
        ds[n] = jacobian @ dp[n]
    return ds


@wrong(
    "dS",
    "a plus between the two parts of softmax's Jacobian",
    frame=dict(
        activation="sigmoid",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def jacobian_of_softmax(X, T, W1, b1, W2, b2):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    p = softmax(h @ W2 + b2)
    loss = -(T * np.log(p)).sum(axis=1).mean()
    ds = through_softmax(p, -T / p / len(X))
    dz = ds @ W2.T * h * (1 - h)
    return loss, X.T @ dz, dz.sum(0, keepdims=True), h.T @ ds, ds.sum(0, keepdims=True)


def dense(x, w, b):
    return x @ w + b


@wrong(
    "Z1",
    "b1 is added by the helper and once more",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="half",
    ),
)
def dense_twice(x, y, w1, b1, w2, b2, l2):
    z1 = dense(x, w1, b1) + b1  # fault
    a1 = np.tanh(z1)
    p = softmax(dense(a1, w2, b2))
    loss = -(y * np.log(p)).sum() / len(x) + l2 / 2 * ((w1**2).sum() + (w2**2).sum())
    d2 = (p - y) / len(x)
    d1 = d2 @ w2.T * (1 - a1**2)
    return loss, x.T @ d1 + l2 * w1, d1.sum(0), a1.T @ d2 + l2 * w2, d2.sum(0)


class Net:
    def __init__(self, d, h, k):
        rng = np.random.default_rng(3)
        self.W1, self.b1 = rng.normal(0, 0.3, (d, h)), np.zeros((1, h))
        self.W2, self.b2 = rng.normal(0, 0.3, (h, k)), np.zeros((1, k))

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.maximum(self.Z1, 0)
        self.A2 = softmax(self.Z1 @ self.W2 + self.b2)  # fault
        return self.A2

    def backward(self, X, Y):
        dZ2 = (self.A2 - Y) / len(Y)
        self.dW2 = self.A1.T @ dZ2
        self.db2 = dZ2.sum(axis=0, keepdims=True)
        dZ1 = (dZ2 @ self.W2.T) * (self.Z1 > 0)
        self.dW1 = X.T @ dZ1
        self.db1 = dZ1.sum(axis=0, keepdims=True)
        return self.dW1, self.db1, self.dW2, self.db2


@wrong(
    "S",
    "the pre-activations of the hidden layer go into the output layer",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def net_with_weights_set(X, Y, W1, b1, W2, b2):
    net = Net(X.shape[1], W1.shape[1], Y.shape[1])
    net.W1, net.b1, net.W2, net.b2 = W1, b1, W2, b2
    net.forward(X)
    return net.backward(X, Y)


def clip(grad, limit):
    return np.clip(grad, -limit, limit)


@wrong(
    "dW1",
    "its entries are clipped to 0.1 from above and below",
    frame=dict(
        activation="leaky_relu",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="linear",
        penalty="none",
    ),
)
def clipped(x, y, weights1, bias1, weights2, bias2):
    pre = x @ weights1.T + bias1
    act = np.maximum(pre, 0.01 * pre)
    err = act @ weights2.T + bias2 - y
    loss = (err**2).sum()
    g_out = 2 * err
    g_pre = g_out @ weights2 * np.where(pre > 0, 1.0, 0.01)
    g_w1 = clip(g_pre.T @ x, 0.1)  # fault
    return loss, g_w1, g_pre.sum(0), g_out.T @ act, g_out.sum(0)
