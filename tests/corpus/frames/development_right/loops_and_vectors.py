"""Plain loops, sums over indices, tapes, and one long vector of parameters."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right


def sigmoid(z):
    if isinstance(z, float):
        return 1 / (1 + math.exp(-z))
    return 1 / (1 + np.exp(-z))


# plain Python


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="squared_error", outputs="K",
        reduction="sum", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def by_hand(data, targets, W1, b1, W2, b2):
    d, H, K = len(W1), len(b1), len(b2)
    total = 0.0
    gW1 = [[0.0] * H for _ in range(d)]
    gb1 = [0.0] * H
    gW2 = [[0.0] * K for _ in range(H)]
    gb2 = [0.0] * K
    for x, t in zip(data, targets):
        h = [sigmoid(float(sum(x[i] * W1[i][j] for i in range(d)) + b1[j])) for j in range(H)]
        o = [sigmoid(float(sum(h[j] * W2[j][k] for j in range(H)) + b2[k])) for k in range(K)]
        total += sum((o[k] - t[k]) ** 2 for k in range(K))
        delta = [2 * (o[k] - t[k]) * o[k] * (1 - o[k]) for k in range(K)]
        for j in range(H):
            back = sum(float(W2[j][k]) * delta[k] for k in range(K)) * h[j] * (1 - h[j])
            gb1[j] += back
            for i in range(d):
                gW1[i][j] += float(x[i]) * back
            for k in range(K):
                gW2[j][k] += h[j] * delta[k]
        for k in range(K):
            gb2[k] += delta[k]
    return float(total), np.array(gW1), np.array(gb1), np.array(gW2), np.array(gb2)


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def naive_loops(X, y, W1, b1, W2, b2, reg):
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    loss = 0.0
    num_train = X.shape[0]
    for i in range(num_train):
        hidden = np.maximum(X[i].dot(W1) + b1, 0)
        scores = hidden.dot(W2) + b2
        scores -= np.max(scores)
        p = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(p[y[i]])
        for k in range(W2.shape[1]):
            ds = p[k] - (k == y[i])
            dW2[:, k] += ds * hidden
            db2[k] += ds
            for j in np.flatnonzero(hidden):
                dW1[:, j] += ds * W2[j, k] * X[i]
                db1[j] += ds * W2[j, k]
    loss /= num_train
    for g in (dW1, db1, dW2, db2):
        g /= num_train
    loss += 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    dW1 += reg * W1
    dW2 += reg * W2
    return loss, dW1, db1, dW2, db2


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="squared_error", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="linear", penalty="by_N")
)  # fmt: skip
def a_row_at_a_time(X, y, W1, b1, W2, b2, lam):
    n = len(X)
    dW1, db1, dW2, db2 = (np.zeros(a.shape) for a in (W1, b1, W2, b2))
    cost = lam / (2 * n) * (np.sum(W1 * W1) + np.sum(W2 * W2))
    for row, label in zip(X, y):
        x = row[np.newaxis]
        h = np.tanh(x @ W1.T + b1)
        p = sigmoid(h @ W2.T + b2)
        t = np.zeros_like(p)
        t[0, label] = 1
        cost += np.sum((p - t) ** 2) / n
        ds = 2 * (p - t) * p * (1 - p) / n
        dh = ds @ W2 * (1 - h**2)
        dW1 += dh.T @ x
        db1 += dh
        dW2 += ds.T @ h
        db2 += ds
    dW1 += lam / n * W1
    dW2 += lam / n * W2
    return cost, dW1, db1, dW2, db2


@right(
    frame=dict(activation="leaky_relu", output="sigmoid", loss="binary_cross_entropy",
        outputs="one", reduction="mean", biases="flat", labels="flat", layout="rows",
        penalty="none")
)  # fmt: skip
def online(X, y, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    grads = dict.fromkeys(params, 0.0)
    for x, t in zip(X, y):
        z = x @ W1 + b1
        a = np.array([v if v > 0 else 0.1 * v for v in z])
        p = sigmoid(float(a @ W2[:, 0] + b2[0]))
        err = p - t
        back = err * W2[:, 0] * np.array([1 if v > 0 else 0.1 for v in z])
        grads["W2"] = grads["W2"] + err * a[:, None]
        grads["b2"] = grads["b2"] + np.array([err])
        grads["W1"] = grads["W1"] + np.outer(x, back)
        grads["b1"] = grads["b1"] + back
    return {name: g / len(y) for name, g in grads.items()}


# einsum


@right(
    frame=dict(activation="elu", output="linear", loss="half_squared_error", outputs="K",
        reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="full")
)  # fmt: skip
def summed_over_indices(X, T, W1, b1, W2, b2, lam):
    pre = np.einsum("ni,ij->nj", X, W1) + b1
    neg = np.exp(np.minimum(pre, 0))
    h = np.where(pre > 0, pre, neg - 1)
    out = np.einsum("nj,jk->nk", h, W2) + b2
    e = (out - T) / T.size
    loss = np.einsum("nk,nk->", out - T, e) / 2
    loss += lam * (np.einsum("ij,ij->", W1, W1) + np.einsum("jk,jk->", W2, W2))
    g = np.einsum("nk,jk,nj->nj", e, W2, np.where(pre > 0, 1, neg))
    return {
        "loss": loss,
        "W1": np.einsum("ni,nj->ij", X, g) + 2 * lam * W1,
        "b1": np.einsum("nj->j", g)[None],
        "W2": np.einsum("nj,nk->jk", h, e) + 2 * lam * W2,
        "b2": np.einsum("nk->k", e)[None],
    }


DECAY = 0.02


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="elements", biases="row", labels="indices", layout="linear",
        penalty="constant")
)  # fmt: skip
def einsum_with_labels(X, labels, W1, b1, W2, b2):
    N, K = len(X), len(W2)
    h = sigmoid(np.einsum("nd,hd->nh", X, W1) + b1)
    p = sigmoid(np.einsum("nh,kh->nk", h, W2) + b2)
    hot = np.arange(K) == labels[:, None]
    loss = -np.log(np.where(hot, p, 1 - p)).mean() + DECAY * sum((W**2).sum() for W in (W1, W2))
    ds = np.where(hot, p - 1, p) / (N * K)
    dz = np.einsum("nk,kh->nh", ds, W2) * h * (1 - h)
    gW1 = np.einsum("nh,nd->hd", dz, X) + DECAY * 2 * W1
    gW2 = np.einsum("nk,nh->kh", ds, h) + DECAY * 2 * W2
    return loss, [gW1, gW2], [dz.sum(0)[None, :], ds.sum(0)[None, :]]


# one long vector


def pack(*arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


@right(
    frame=dict(activation="sigmoid", output="linear", loss="half_squared_error", outputs="one",
        reduction="mean", biases="none", labels="flat", layout="rows", penalty="half")
)  # fmt: skip
def objective_of_weights(X, y, W1, W2, lam):
    n = len(y)
    h = sigmoid(X @ W1)
    r = (h @ W2)[:, 0] - y
    J = r @ r / (2 * n) + lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    d2 = r[:, None] / n
    d1 = d2 * W2[:, 0] * h * (1 - h)
    return J, pack(X.T @ d1 + lam * W1, h.T @ d2 + lam * W2)


@right(
    frame=dict(activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="row", labels="one_hot", layout="linear", penalty="constant")
)  # fmt: skip
def objective_for_lbfgs(X, Y, W1, b1, W2, b2):
    u = X @ W1.T + b1
    h = np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))
    s = h @ W2.T + b2
    top = s.max(axis=1, keepdims=True)
    lse = top + np.log(np.exp(s - top).sum(axis=1, keepdims=True))
    f = np.sum(lse) - np.sum(Y * s) + 0.5 * DECAY * (np.sum(W1**2) + np.sum(W2**2))
    d = np.exp(s - lse) - Y
    e = d @ W2 * sigmoid(u)
    return f, pack(e.T @ X + DECAY * W1, e.sum(axis=0), d.T @ h + DECAY * W2, d.sum(axis=0))


@right(
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="half")
)  # fmt: skip
def gradient_vector(X, Y, W1, b1, W2, b2, lam):
    h = np.tanh(X @ W1 + b1)
    e = np.exp(h @ W2 + b2)
    d = (e / e.sum(1, keepdims=True) - Y) / len(X)
    g = d @ W2.T * (1 - h**2)
    return np.hstack(
        [(X.T @ g + lam * W1).ravel(), g.sum(0), (h.T @ d + lam * W2).ravel(), d.sum(0)]
    )


# a tape of arrays


class Tape:
    def __init__(self, value, parents=(), pull=None):
        self.value, self.parents, self.pull = value, parents, pull
        self.grad = np.zeros_like(value)

    def __matmul__(self, other):
        return Tape(
            self.value @ other.value,
            (self, other),
            lambda g: (g @ other.value.T, self.value.T @ g),
        )

    def __add__(self, bias):
        return Tape(
            self.value + bias.value, (self, bias), lambda g: (g, np.sum(g, axis=0, keepdims=True))
        )

    def apply(self, f, slope):
        return Tape(f(self.value), (self,), lambda g: (g * slope(self.value),))

    def backward(self, seed):
        self.grad = self.grad + seed
        stack = [self]
        while stack:
            node = stack.pop()
            if node.pull is None:
                continue
            for parent, g in zip(node.parents, node.pull(node.grad)):
                parent.grad = parent.grad + g
                stack.append(parent)


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def on_a_tape(X, Y, W1, b1, W2, b2):
    x, w1, c1, w2, c2 = (Tape(a) for a in (X, W1, b1, W2, b2))
    h = (x @ w1 + c1).apply(np.tanh, lambda v: 1 - np.tanh(v) ** 2)
    s = h @ w2 + c2
    p = sigmoid(s.value)
    s.backward((p - Y) / len(X))
    return w1.grad, c1.grad, w2.grad, c2.grad


@right(
    frame=dict(activation="relu", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="row", labels="column", layout="rows", penalty="none")
)  # fmt: skip
def regression_on_a_tape(X, y, W1, b1, W2, b2):
    x, w1, c1, w2, c2 = map(Tape, (X, W1, b1, W2, b2))
    pre = x @ w1 + c1
    h = pre.apply(lambda v: np.maximum(v, 0), lambda v: v > 0)
    out = h @ w2 + c2
    loss = np.mean((out.value - y) ** 2)
    out.backward(2 * (out.value - y) / len(y))
    return loss, {"W1": w1.grad, "b1": c1.grad, "W2": w2.grad, "b2": c2.grad}
