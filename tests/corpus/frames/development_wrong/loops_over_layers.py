"""Both layers in one loop, augmented matrices, parts of the batch, packing and unpacking."""

from __future__ import annotations

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@wrong(
    "dS",
    "the slope of tanh is multiplied in at the softmax too",
    frame=frame_of("tanh softmax cross_entropy K mean row one_hot rows none"),
)
def one_loop(X, Y, W1, b1, W2, b2):
    weights, biases = [W1, W2], [b1, b2]
    a = [X, np.tanh(X @ W1 + b1)]
    a.append(softmax(a[1] @ W2 + b2))
    dW, db = [None, None], [None, None]
    delta = (a[2] - Y) / len(X)
    for i in (1, 0):
        delta = delta * (1 - a[i + 1] ** 2)  # fault
        dW[i] = a[i].T @ delta
        db[i] = delta.sum(axis=0, keepdims=True)
        delta = delta @ weights[i].T
    return {"dW": dW, "db": db}


class MLP:
    def __init__(self, layers, activation, slope):
        self.layers, self.activation, self.slope = layers, activation, slope

    def run(self, x):
        self.inputs, self.pre = [], []
        for w, b in self.layers:
            self.inputs.append(x)
            z = x @ w + b
            self.pre.append(z)
            x = self.activation(z)  # fault
        return x

    def back(self, g):
        grads = []
        for i, (w, b) in reversed(list(enumerate(self.layers))):
            if i == 0:
                g = g * self.slope(self.pre[0])
            grads = [(self.inputs[i].T @ g, g.sum(0).reshape(b.shape)), *grads]
            g = g @ w.T
        return grads


@wrong(
    "P",
    "the linear output goes through the ReLU",
    frame=frame_of("relu linear squared_error K mean row one_hot rows none"),
)
def regression_mlp(X, Y, W1, b1, W2, b2):
    net = MLP([(W1, b1), (W2, b2)], lambda z: z * (z > 0), lambda z: (z > 0) * 1.0)
    out = net.run(X)
    loss = np.sum((out - Y) ** 2) / len(X)
    return loss, net.back(2 * (out - Y) / len(X))


@wrong(
    "db1",
    "the weights of the last input are taken for the biases",
    frame=frame_of("sigmoid softmax cross_entropy K mean flat one_hot rows half"),
)
def augmented(X, Y, W1, b1, W2, b2, lam):
    m = len(X)
    ones = np.ones((m, 1))
    A0 = np.hstack([ones, X])
    Theta1, Theta2 = np.vstack([b1, W1]), np.vstack([b2, W2])
    hidden = sigmoid(A0 @ Theta1)
    A1 = np.hstack([ones, hidden])
    delta3 = softmax(A1 @ Theta2) - Y
    delta2 = (delta3 @ Theta2.T)[:, 1:] * hidden * (1 - hidden)
    D1, D2 = A0.T @ delta2 / m, A1.T @ delta3 / m
    return {
        "dW1": D1[1:] + lam * W1,
        "db1": D1[-1],  # fault
        "dW2": D2[1:] + lam * W2,
        "db2": D2[0],
    }


def batches(n, size):
    return [slice(i, i + size) for i in range(0, n - size, size)]  # fault


@wrong(
    "call",
    "the last part of the rows is left out",
    frame=frame_of("relu softmax cross_entropy K sum flat indices rows none"),
)
def by_batches(X, y, W1, b1, W2, b2):
    total = 0.0
    grads = {"W1": 0 * W1, "b1": 0 * b1, "W2": 0 * W2, "b2": 0 * b2}
    for part in batches(len(X), 3):
        x, t = X[part], y[part]
        h = np.maximum(x @ W1 + b1, 0)
        p = softmax(h @ W2 + b2)
        total -= np.log(p[np.arange(len(t)), t]).sum()
        p[np.arange(len(t)), t] -= 1
        back = p @ W2.T * (h > 0)
        grads["W1"] += x.T @ back
        grads["b1"] += back.sum(0)
        grads["W2"] += h.T @ p
        grads["b2"] += p.sum(0)
    return total, grads


class Perceptron:
    """Two layers; `train_step` moves the weights by one step."""

    def __init__(self, W1, b1, W2, b2, rate):
        self.W1, self.b1, self.W2, self.b2, self.rate = W1, b1, W2, b2, rate

    def train_step(self, X, Y):
        h = np.tanh(X @ self.W1.T + self.b1)
        p = softmax(h @ self.W2.T + self.b2)
        g2 = (p - Y) / len(X)
        g1 = g2 @ self.W2 * (1 - h**2)
        self.W2 = self.W2 - self.rate * g2.T @ h
        self.b2 = self.b2 - self.rate * g2.sum(0)
        self.W1 = self.W1 - self.rate * g1.T @ X
        self.b1 = -self.rate * g1.sum(0)  # fault


@wrong(
    "update",
    "the first bias is the step alone, without what it was before",
    frame=frame_of("tanh softmax cross_entropy K mean flat one_hot linear none"),
)
def perceptron_step(X, Y, W1, b1, W2, b2, rate):
    net = Perceptron(W1, b1, W2, b2, rate)
    net.train_step(X, Y)
    return net


@wrong(
    "update",
    "the penalty's step is taken without the learning rate",
    frame=frame_of("relu softmax cross_entropy K mean none one_hot rows half"),
)
def step_with_decay(X, Y, W1, W2, lr, weight_decay):
    h = np.maximum(X @ W1, 0)
    d = (softmax(h @ W2) - Y) / len(X)
    gW2 = h.T @ d
    gW1 = X.T @ (d @ W2.T * (h > 0))
    W1 = W1 - lr * (gW1 + weight_decay * W1)
    W2 = W2 - lr * gW2 - weight_decay * W2  # fault
    return W1, W2


def to_targets(y, K):
    T = np.eye(K)[y]
    return 0.9 * T + 0.1 / K  # fault


@wrong(
    "dS",
    "the labels are smoothed for the gradient, and not for the loss",
    frame=frame_of("softplus softmax cross_entropy K mean row indices rows none"),
)
def softplus_classifier(X_train, Y_train, W1, b1, W2, b2):
    n = len(Y_train)
    z = X_train @ W1 + b1
    h = np.log1p(np.exp(z))
    p = softmax(h @ W2 + b2)
    loss = -np.log(p[np.arange(n), Y_train]).mean()
    d = (p - to_targets(Y_train, W2.shape[1])) / n
    dz = d @ W2.T * sigmoid(z)
    dW1, db1 = X_train.T @ dz, dz.sum(axis=0, keepdims=True)
    dW2, db2 = h.T @ d, d.sum(axis=0, keepdims=True)
    return loss, dW1, db1, dW2, db2


def clip(g):
    return np.clip(g, -0.01, 0.01)  # fault


@wrong(
    "dZ1",
    "clipped to a hundredth on its way",
    frame=frame_of("tanh softmax cross_entropy K mean flat indices linear none"),
)
def tanh_classifier(x, y, weights_1, bias_1, weights_2, bias_2):
    h = np.tanh(x @ weights_1.T + bias_1)
    d = softmax(h @ weights_2.T + bias_2)
    d[np.arange(len(y)), y] -= 1
    d = d / len(y)
    back = clip(d @ weights_2 * (1 - h**2))
    return back.T @ x, back.sum(0), d.T @ h, d.sum(0)


@wrong(
    "P",
    "powers of 2 instead of e",
    frame=frame_of("sigmoid softmax cross_entropy K sum none one_hot linear half"),
)
def matrix_classifier(x, t, w1, w2, l2):
    a = sigmoid(x @ w1.T)
    scores = a @ w2.T
    e = 2**scores  # fault
    p = e / e.sum(axis=1, keepdims=True)
    error = -(t * np.log(p)).sum() + l2 / 2 * ((w1**2).sum() + (w2**2).sum())
    d = p - t
    dw2 = d.T @ a + l2 * w2
    dw1 = (d @ w2 * a * (1 - a)).T @ x + l2 * w1
    return error, dw1, dw2


def pack(dW1, db1, dW2, db2):
    return {
        "layer1": {"W": dW1, "b": db1},
        "layer2": {"W": dW2, "b": db1},  # fault
    }


@wrong(
    "db2",
    "the first layer's bias gradient is packed twice",
    frame=frame_of("elu linear half_squared_error K sum row one_hot rows none"),
)
def nested_grads(X, T, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = np.where(z > 0, z, np.exp(z) - 1)
    d = h @ W2 + b2 - T
    dz = d @ W2.T * np.where(z > 0, 1, h + 1)
    return pack(X.T @ dz, dz.sum(0, keepdims=True), h.T @ d, d.sum(0, keepdims=True))
