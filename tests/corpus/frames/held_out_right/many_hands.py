"""Plain loops, tapes, flat vectors, closures and caches: as many hands as functions."""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np

from corpus.registry import right

Cache = namedtuple("Cache", "x pre hid prob")


def sigma(v):
    return 1.0 / (1.0 + np.exp(-v))


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def plain_python(data, labels, w1, b1, w2, b2):
    n, d, h, k = len(data), len(w1), len(b1), len(b2)
    gw1 = [[0.0] * h for _ in range(d)]
    gb1 = [0.0] * h
    gw2 = [[0.0] * k for _ in range(h)]
    gb2 = [0.0] * k
    loss = 0.0
    for x, label in zip(data.tolist(), labels.tolist()):
        z = [b1[j] + sum(x[i] * w1[i][j] for i in range(d)) for j in range(h)]
        a = [max(0.0, v) for v in z]
        s = [b2[c] + sum(a[j] * w2[j][c] for j in range(h)) for c in range(k)]
        top = max(s)
        e = [math.exp(v - top) for v in s]
        total = sum(e)
        loss -= math.log(e[label] / total) / n
        ds = [(e[c] / total - (c == label)) / n for c in range(k)]
        for j in range(h):
            for c in range(k):
                gw2[j][c] += a[j] * ds[c]
        for c in range(k):
            gb2[c] += ds[c]
        for j in range(h):
            if z[j] > 0:
                dz = sum(ds[c] * w2[j][c] for c in range(k))
                gb1[j] += dz
                for i in range(d):
                    gw1[i][j] += x[i] * dz
    return loss, np.array(gw1), np.array(gb1), np.array(gw2), np.array(gb2)


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="sum", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def online_then_added(X, T, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
    cost = 0.0
    for x, t in zip(X, T):
        o1 = sigma(x @ W1 + b1)
        o2 = sigma(o1 @ W2 + b2)
        cost += -(t @ np.log(o2) + (1 - t) @ np.log(1 - o2))
        delta_2 = o2 - t
        delta_1 = (W2 @ delta_2) * o1 * (1 - o1)
        dW2 += np.outer(o1, delta_2)
        db2 += delta_2
        dW1 += np.outer(x, delta_1)
        db1 += delta_1
    return {"cost": cost, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


class Var:
    def __init__(self, value, parents=()):
        self.value = value
        self.grad = np.zeros_like(value, dtype=float)
        self.parents = parents

    def push(self, grad):
        extra = grad.ndim - self.value.ndim
        grad = grad.sum(axis=tuple(range(extra))) if extra else grad
        self.grad = self.grad + grad


class Tape:
    def __init__(self):
        self.backwards = []

    def record(self, out, step):
        self.backwards.append(lambda: step(out.grad))
        return out

    def matmul(self, a, b):
        def step(g):
            a.push(g @ b.value.T)
            b.push(a.value.T @ g)

        return self.record(Var(a.value @ b.value), step)

    def add(self, a, b):
        return self.record(Var(a.value + b.value), lambda g: (a.push(g), b.push(g)))

    def tanh(self, a):
        t = np.tanh(a.value)
        return self.record(Var(t), lambda g: a.push(g * (1 - t * t)))

    def cross_entropy(self, a, y):
        e = np.exp(a.value - a.value.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        rows = np.arange(len(y))
        hot = np.zeros_like(p)
        hot[rows, y] = 1
        loss = Var(-np.log(p[rows, y]).mean())
        return self.record(loss, lambda g: a.push(g * (p - hot) / len(y)))

    def run(self, out):
        out.grad = np.ones(())
        while self.backwards:
            self.backwards.pop()()


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def taped(x, y, w1, b1, w2, b2):
    tape = Tape()
    leaves = [Var(v) for v in (w1, b1, w2, b2)]
    h = tape.tanh(tape.add(tape.matmul(Var(x), leaves[0]), leaves[1]))
    loss = tape.cross_entropy(tape.add(tape.matmul(h, leaves[2]), leaves[3]), y)
    tape.run(loss)
    return loss.value, [leaf.grad for leaf in leaves]


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="mean", biases="none", labels="one_hot", layout="rows", penalty="by_N",
))  # fmt: skip
def nn_cost_function(X, y, Theta1, Theta2, lambda_):
    m = X.shape[0]
    a2 = sigma(X @ Theta1)
    a3 = sigma(a2 @ Theta2)
    J = np.sum(-y * np.log(a3) - (1 - y) * np.log(1 - a3)) / m
    J += lambda_ / (2 * m) * (np.sum(Theta1**2) + np.sum(Theta2**2))
    delta3 = a3 - y
    delta2 = delta3 @ Theta2.T * (a2 * (1 - a2))
    Theta1_grad = X.T @ delta2 / m + lambda_ / m * Theta1
    Theta2_grad = a2.T @ delta3 / m + lambda_ / m * Theta2
    return J, np.concatenate([Theta1_grad.ravel(), Theta2_grad.ravel()])


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="half",
))  # fmt: skip
def objective(theta, X, Y, hidden, l2):
    d, k = X.shape[1], Y.shape[1]
    shapes = [(d, hidden), (hidden,), (hidden, k), (k,)]
    ends = np.cumsum([math.prod(s) for s in shapes])[:-1]
    W1, b1, W2, b2 = (p.reshape(s) for p, s in zip(np.split(theta, ends), shapes))
    H = np.tanh(X @ W1 + b1)
    S = H @ W2 + b2
    S -= S.max(axis=1, keepdims=True)
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    f = -np.sum(Y * np.log(P)) / len(X) + 0.5 * l2 * (np.sum(W1**2) + np.sum(W2**2))
    R = (P - Y) / len(X)
    B = R @ W2.T * (1 - H**2)
    g = [X.T @ B + l2 * W1, B.sum(0), H.T @ R + l2 * W2, R.sum(0)]
    return f, np.hstack([a.reshape(-1) for a in g])


def forward(model, x):
    pre = x @ model["W1"] + model["b1"]
    hid = np.maximum(pre, 0.1 * pre)
    s = hid @ model["W2"] + model["b2"]
    s = np.exp(s - s.max(axis=1, keepdims=True))
    return Cache(x, pre, hid, s / s.sum(axis=1, keepdims=True))


def backward(model, cache, err):
    dW2 = cache.hid.T @ err
    dh = err @ model["W2"].T
    dh[cache.pre < 0] *= 0.1
    return {"W1": cache.x.T @ dh, "b1": dh.sum(0), "W2": dW2, "b2": err.sum(0)}


@right(frame=dict(
    activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def sgd_minibatch(model, X_train, y_train, lr):
    cache = forward(model, X_train)
    grads = backward(model, cache, (cache.prob - y_train) / len(X_train))
    for name in grads:
        model[name] = model[name] - lr * grads[name]
    return model


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def per_example_gradients(x, y, w1, b1, w2, b2):
    z = np.einsum("ni,ij->nj", x, w1) + b1
    h = z.clip(min=0)
    s = np.einsum("nj,jk->nk", h, w2) + b2
    p = np.exp(s) / np.exp(s).sum(-1)[:, None]
    jac = np.einsum("nk,kl->nkl", p, np.eye(len(b2))) - np.einsum("nk,nl->nkl", p, p)
    dp = -np.eye(len(b2))[y] / p
    ds = np.einsum("nl,nkl->nk", dp, jac)
    dz = np.einsum("nk,jk,nj->nj", ds, w2, (z > 0).astype(float))
    return (
        np.einsum("ni,nj->nij", x, dz).mean(0),
        dz.mean(0),
        np.einsum("nj,nk->njk", h, ds).mean(0),
        ds.mean(0),
    )


def chain(stages, value):
    pulls = []
    for stage in stages:
        value, pull = stage(value)
        pulls.append(pull)
    return value, pulls


@right(frame=dict(
    activation="softplus", output="linear", loss="half_squared_error", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def closures(x, t, w1, b1, w2, b2):
    found = {}

    def affine(name, w, b):
        def stage(v):
            def pull(g):
                found[f"dw{name}"], found[f"db{name}"] = v.T @ g, g.sum(0)
                return g @ w.T

            return v @ w + b, pull

        return stage

    def soft(v):
        return np.logaddexp(0, v), lambda g: g * sigma(v)

    y, pulls = chain([affine(1, w1, b1), soft, affine(2, w2, b2)], x)
    g = (y - t) / len(x)
    for pull in reversed(pulls):
        g = pull(g)
    return found


@right(frame=dict(
    activation="tanh", output="linear", loss="squared_error", outputs="one",
    reduction="sum", biases="flat", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def ones_appended(X, Y, W1, b1, W2, b2):
    X1 = np.hstack([X, np.ones((len(X), 1))])
    A = np.vstack([W1, b1])
    H = np.tanh(X1 @ A)
    H1 = np.hstack([H, np.ones((len(X), 1))])
    B = np.vstack([W2, b2])
    E = 2 * (H1 @ B - Y)
    GB = H1.T @ E
    GA = X1.T @ ((E @ B.T)[:, :-1] * (1 - H**2))
    return GA[:-1], GA[-1], GB[:-1], GB[-1]


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="column", labels="one_hot", layout="columns", penalty="half",
))  # fmt: skip
def planar_flowers(X, Y, parameters, lambd, learning_rate):
    m = X.shape[1]
    cache = {}
    cache["Z1"] = np.matmul(parameters["W1"], X) + parameters["b1"]
    cache["A1"] = np.tanh(cache["Z1"])
    cache["Z2"] = np.matmul(parameters["W2"], cache["A1"]) + parameters["b2"]
    exps = np.exp(cache["Z2"] - np.max(cache["Z2"], axis=0))
    cache["A2"] = exps / np.sum(exps, axis=0)
    grads = {}
    dZ = (cache["A2"] - Y) / m
    for layer, below in ((2, cache["A1"]), (1, X)):
        grads[f"dW{layer}"] = np.matmul(dZ, below.T) + lambd * parameters[f"W{layer}"]
        grads[f"db{layer}"] = np.sum(dZ, axis=1, keepdims=True)
        if layer > 1:
            dZ = np.matmul(parameters[f"W{layer}"].T, dZ) * (1 - np.square(below))
    for key in parameters:
        parameters[key] = parameters[key] - learning_rate * grads["d" + key]
    return parameters


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="constant",
))  # fmt: skip
def notebook_cell(X_batch, y_batch, w_1, b_1, w_2, b_2):
    lam = 1e-4
    z1 = X_batch @ w_1 + b_1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w_2 + b_2
    probs = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    loss = -(y_batch * np.log(probs)).sum(axis=1).mean()
    loss = loss + lam * ((w_1**2).sum() + (w_2**2).sum())
    dz2 = (probs - y_batch) / X_batch.shape[0]
    dw_2 = a1.T @ dz2 + 2 * lam * w_2
    db_2 = dz2.sum(axis=0)
    da1 = dz2 @ w_2.T
    dz1 = da1 * (z1 > 0)
    dw_1 = X_batch.T @ dz1 + 2 * lam * w_1
    db_1 = dz1.sum(axis=0)
    return dict(locals())


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="flat", labels="flat", layout="rows", penalty="none",
))  # fmt: skip
def row_by_row(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    grads = [np.zeros(p.shape) for p in (W1, b1, W2, b2)]
    for i in range(n):
        h = sigma(W1.T @ X[i] + b1)
        p = sigma(W2.T @ h + b2)
        d2 = p - y[i]
        d1 = W2 @ d2 * h * (1 - h)
        for g, step in zip(grads, (np.outer(X[i], d1), d1, np.outer(h, d2), d2)):
            g += step / n
    return tuple(grads)
