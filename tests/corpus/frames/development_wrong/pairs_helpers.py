"""Two faults in one function, one or both of them in what it calls."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import pair

erf = np.vectorize(math.erf)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def row_softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# scores and labels


def softmax_loss(scores, y):
    n = len(scores)
    probs = row_softmax(scores)
    loss = -np.log(probs[np.arange(n), y]).mean()
    probs[np.arange(n), y] -= 1
    return loss, probs * n  # fault


def affine_backward(dout, x, w):
    return dout.dot(w.T), x.T.dot(dout), dout.sum(axis=0)


@pair(
    "dS", "it is multiplied with N instead of divided",
    "dW1", "the penalty's gradient is that of W1 squared",
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half"),
)  # fmt: skip
def pair_lecture(X, y, params, reg):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    a = X.dot(W1) + b1
    h = np.maximum(a, 0)
    loss, dscores = softmax_loss(h.dot(W2) + b2, y)
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dh, dW2, db2 = affine_backward(dscores, h, W2)
    dh[a <= 0] = 0
    _, dW1, db1 = affine_backward(dh, X, W1)
    dW1 += reg * W1 * W1  # fault
    dW2 += reg * W2
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def to_one_hot(labels, classes):
    out = np.zeros((len(labels), classes))
    out[np.arange(len(labels)), labels - 1] = 1  # fault
    return out


@pair(
    "dS", "the labels are taken to begin with 1",
    "dZ1", "the derivative is taken at H1 instead of Z1",
    frame=dict(activation="sigmoid", output="linear", loss="half_squared_error", outputs="K",
        reduction="sum", biases="row", labels="indices", layout="linear", penalty="none"),
)  # fmt: skip
def pair_class_targets(x, labels, W1, b1, W2, b2):
    t = to_one_hot(labels, len(W2))
    h = logistic(x @ W1.T + b1)
    e = h @ W2.T + b2 - t
    loss = 0.5 * np.sum(e * e)
    dz = e @ W2 * logistic(h) * (1 - logistic(h))  # fault
    return loss, dz.T @ x, dz.sum(0, keepdims=True), e.T @ h, e.sum(0, keepdims=True)


# activations and their slopes


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def gelu_slope(x):
    cdf = 0.5 * (1 + erf(x / math.sqrt(2)))
    return cdf + np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)  # fault


@pair(
    "dZ1", "the density in gelu's derivative lacks its factor x",
    "db2", "the sum is divided by N though dS is already",
    frame=dict(activation="gelu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="linear", penalty="none"),
)  # fmt: skip
def pair_gaussian(x, y, w1, b1, w2, b2):
    n = x.shape[0]
    z = x @ w1.T + b1
    h = gelu(z)
    p = row_softmax(h @ w2.T + b2)
    loss = -np.sum(y * np.log(p)) / n
    dout = (p - y) / n
    dz = dout @ w2 * gelu_slope(z)
    return {
        "loss": loss,
        "w1": dz.T @ x,
        "b1": dz.sum(axis=0),
        "w2": dout.T @ h,
        "b2": dout.sum(axis=0) / n,  # fault
    }


def leaky(z, slope=0.05):
    return np.where(z > 0, z, slope * z)


def leaky_slope(z, slope=0.5):  # fault
    return np.where(z > 0, 1.0, slope)


def squared_error_slope(p, y):
    return p - y  # fault


@pair(
    "dZ1", "the slope is another one than in the forward pass",
    "dS", "the factor 2 of the square is missing",
    frame=dict(activation="leaky_relu", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="rows", penalty="none"),
)  # fmt: skip
def pair_brier(X, y, W1, b1, W2, b2):
    z = X @ W1 + b1
    p = logistic(leaky(z) @ W2 + b2)[:, 0]
    loss = np.mean((p - y) ** 2)
    ds = (squared_error_slope(p, y) * p * (1 - p) / len(y))[:, None]
    dz = ds @ W2.T * leaky_slope(z)
    return loss, [X.T @ dz, dz.sum(0), leaky(z).T @ ds, ds.sum(0)]


def softplus(z):
    return np.log(1 + np.exp(z))


def softplus_slope(h):
    return np.exp(h)  # fault


def output_delta(y, t):
    return np.abs(y - t) / len(t)  # fault


@pair(
    "dZ1", "the exponential stands for the derivative of softplus",
    "dS", "the size of the error stands for the error",
    frame=dict(activation="softplus", output="linear", loss="half_squared_error", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="linear", penalty="none"),
)  # fmt: skip
def pair_bishop(x, t, w1, b1, w2, b2):
    z = softplus(x @ w1.T + b1.T)
    y = z @ w2.T + b2.T
    E = np.sum((y - t) ** 2) / 2 / len(x)
    delta_k = output_delta(y, t)
    delta_j = softplus_slope(z) * (delta_k @ w2)
    dw = [delta_j.T @ x, delta_k.T @ z]
    db = [delta_j.sum(0)[:, None], delta_k.sum(0)[:, None]]
    return E, dw, db


# the loss and the penalty


def penalty(weights, lam):
    return lam * sum(np.sum(np.abs(w)) for w in weights)  # fault


@pair(
    "L", "the penalty is of absolute values, its gradient of squares",
    "dW2", "= stands for +=: the penalty's gradient replaces the loss's",
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="full"),
)  # fmt: skip
def pair_multi_label(X, Y, W1, b1, W2, b2, lam):
    n = len(Y)
    h = np.tanh(X @ W1 + b1)
    p = logistic(h @ W2 + b2)
    loss = -np.sum(Y * np.log(p) + (1 - Y) * np.log(1 - p)) / n + penalty((W1, W2), lam)
    d = (p - Y) / n
    dW2 = h.T @ d
    dW2 = 2 * lam * W2  # fault
    g = d @ W2.T * (1 - h * h)
    dW1 = X.T @ g
    dW1 += 2 * lam * W1
    return loss, dW1, g.sum(0)[None], dW2, d.sum(0)[None]


def mean_squared(error):
    return np.sqrt(np.mean(error**2))  # fault


def elu(z, alpha=1.0):
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_slope(z):
    return np.where(z > 0, 1, elu(z))  # fault


@pair(
    "L", "its root is taken",
    "dZ1", "the derivative lacks the 1 where the unit is negative",
    frame=dict(activation="elu", output="linear", loss="squared_error", outputs="K",
        reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="none"),
)  # fmt: skip
def pair_elements(X, T, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = elu(z)
    out = h @ W2 + b2
    loss = mean_squared(out - T)
    dout = 2 * (out - T) / T.size
    dz = dout @ W2.T * elu_slope(z)
    grads = {"W1": X.T @ dz, "b1": dz.sum(axis=0, keepdims=True)}
    grads |= {"W2": h.T @ dout, "b2": dout.sum(axis=0, keepdims=True)}
    return grads, loss


# rows one by one


def pull_back(p, t, h, w2):
    delta = p - t
    hidden = w2[0] * delta * h * (1 - h) * p * (1 - p)  # fault
    return delta, hidden


def add_outer(total, delta, x):
    total += delta[:, None] * x


@pair(
    "dZ1", "the derivative of the output is multiplied in although the loss is cross-entropy",
    "dW2", "the first example's product is kept, the others are not added",
    frame=dict(activation="sigmoid", output="sigmoid", loss="binary_cross_entropy",
        outputs="one", reduction="sum", biases="flat", labels="flat", layout="linear",
        penalty="none"),
)  # fmt: skip
def pair_rows(x, y, w1, b1, w2, b2):
    g1, g2 = np.zeros(w1.shape), None
    gb1, gb2 = np.zeros(b1.shape), np.zeros(b2.shape)
    loss = 0.0
    for row, t in zip(x, y):
        h = logistic(w1 @ row + b1)
        p = logistic(w2 @ h + b2)
        loss -= float(np.log(p[0] if t == 1 else 1 - p[0]))
        delta, hidden = pull_back(p, t, h, w2)
        g2 = np.outer(delta, h) if g2 is None else g2  # fault
        gb2 += delta
        add_outer(g1, hidden, row)
        gb1 += hidden
    return loss, g1, gb1, g2, gb2


# one long vector


def first_layer(x, d, w1):
    return np.concatenate([(x.T @ d).T.ravel(), d.sum(axis=0)])  # fault


@pair(
    "dW1", "it is laid out by columns",
    "dH1", "P stands for dS",
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="flat", labels="one_hot", layout="rows", penalty="half"),
)  # fmt: skip
def pair_vector(X, Y, W1, b1, W2, b2, lam):
    h = np.tanh(X @ W1 + b1)
    p = row_softmax(h @ W2 + b2)
    J = -np.sum(Y * np.log(p)) + lam / 2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    d = p - Y
    dh = p @ W2.T  # fault
    dz = dh * (1 - h**2)
    second = np.concatenate([(h.T @ d + lam * W2).ravel(), d.sum(axis=0)])
    first = first_layer(X, dz, W1)
    first[: W1.size] += lam * W1.ravel()
    return J, np.concatenate([first, second])
