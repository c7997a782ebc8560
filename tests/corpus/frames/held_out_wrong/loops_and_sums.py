"""Plain loops, loops over the rows, and einsum."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import wrong


@wrong(
    "dW1",
    "each row's gradient replaces the last one's",
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
def row_by_row(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    loss = 0.0
    for i in range(n):
        z = X[i] @ W1 + b1
        h = np.maximum(z, 0)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p /= p.sum()
        loss -= np.log(p[y[i]]) / n
        p[y[i]] -= 1
        p /= n
        dW2 += np.outer(h, p)
        db2 += p
        dz = (W2 @ p) * (z > 0)
        dW1 = np.outer(X[i], dz)  # fault
        db1 += dz
    return loss, dW1, db1, dW2, db2


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def hidden_delta(j, row_deltas, W2, h):
    total = 0.0
    for k in range(len(row_deltas)):
        total = row_deltas[k] * W2[j][k]  # fault
    return total * h[j] * (1 - h[j])


@wrong(
    "dH1",
    "only the last class's error reaches a hidden unit",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def pure_python(X, T, W1, b1, W2, b2):
    d, n_h, n_o = len(W1), len(b1), len(b2)
    gW1 = [[0.0] * n_h for _ in range(d)]
    gW2 = [[0.0] * n_o for _ in range(n_h)]
    gb1, gb2 = [0.0] * n_h, [0.0] * n_o
    error = 0.0
    for x, t in zip(X, T):
        h = [sigmoid(b1[j] + sum(x[i] * W1[i][j] for i in range(d))) for j in range(n_h)]
        o = [sigmoid(b2[k] + sum(h[j] * W2[j][k] for j in range(n_h))) for k in range(n_o)]
        error += sum((o[k] - t[k]) ** 2 for k in range(n_o)) / 2
        out = [(o[k] - t[k]) * o[k] * (1 - o[k]) for k in range(n_o)]
        hid = [hidden_delta(j, out, W2, h) for j in range(n_h)]
        for k in range(n_o):
            gb2[k] += out[k]
            for j in range(n_h):
                gW2[j][k] += h[j] * out[k]
        for j in range(n_h):
            gb1[j] += hid[j]
            for i in range(d):
                gW1[i][j] += x[i] * hid[j]
    return error, gW1, gb1, gW2, gb2


@wrong(
    "dH1",
    "the sum goes over the wrong index of W2, so that it is a sum of its rows",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="linear",
        penalty="none",
    ),
)
def with_einsum(x, y, w1, b1, w2, b2):
    n = len(x)
    h = np.tanh(np.einsum("nd,hd->nh", x, w1) + b1)
    logits = np.einsum("nh,kh->nk", h, w2) + b2
    p = np.exp(logits)
    p = p / np.einsum("nk->n", p)[:, None]
    loss = -np.einsum("nk,nk->", y, np.log(p)) / n
    g = (p - y) / n
    dw2 = np.einsum("nk,nh->kh", g, h)
    db2 = np.einsum("nk->k", g)
    gh = np.einsum("nk,jh->nh", g, w2)  # fault
    gz = gh * (1 - h**2)
    return loss, np.einsum("nh,nd->hd", gz, x), np.einsum("nh->h", gz), dw2, db2


def outer_products(a, b):
    return np.einsum("ni,nj->ij", a, b)


@wrong(
    "db2",
    "the probabilities are summed, without the labels being subtracted",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="sum",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="half",
    ),
)
def batched_outer(data, targets, W_1, b_1, W_2, b_2, lam):
    pre = np.einsum("ij,jk->ik", data, W_1) + b_1
    post = np.where(pre > 0, pre, 0.0)
    scores = np.einsum("ij,jk->ik", post, W_2) + b_2
    prob = np.exp(scores - scores.max(axis=1, keepdims=True))
    prob /= prob.sum(axis=1, keepdims=True)
    cost = -(targets * np.log(prob)).sum() + lam / 2 * ((W_1**2).sum() + (W_2**2).sum())
    err = prob - targets
    gW_2 = outer_products(post, err) + lam * W_2
    gb_2 = np.einsum("nk->k", prob)[None]  # fault
    back = np.einsum("nk,hk->nh", err, W_2) * (pre > 0)
    gW_1 = outer_products(data, back) + lam * W_1
    return cost, gW_1, back.sum(axis=0)[None], gW_2, gb_2


def one_example(x, t, W1, b1, W2, b2):
    a = W1.T @ x + b1
    h = np.log(1 + np.exp(a))
    y = sigmoid(float(W2[:, 0] @ h + b2[0]))
    loss = -math.log(y) if t == 1 else -math.log(1 - y)
    delta = y - t
    back = delta * W2[:, 0] * (1 - np.exp(-h))
    return loss, np.outer(x, back), back, delta * h[:, None], np.array([delta * y])  # fault


@wrong(
    "db2",
    "multiplied by the output",
    frame=dict(
        activation="softplus",
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
def averaged_over_examples(X, t, W1, b1, W2, b2):
    totals = None
    for x, target in zip(X, t):
        values = one_example(x, target, W1, b1, W2, b2)
        totals = values if totals is None else [a + b for a, b in zip(totals, values)]
    return [total / len(X) for total in totals]


@wrong(
    "dW2",
    "the loop starts at the second example",
    frame=dict(
        activation="gelu",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def loop_over_batch(x, y, params):
    W1, b1, W2, b2 = params
    c = math.sqrt(2 / math.pi)
    u = x @ W1 + b1
    t = np.tanh(c * (u + 0.044715 * u * u * u))
    h = 0.5 * u * (1 + t)
    e = h @ W2 + b2 - y
    loss = (e * e).sum() / (2 * len(x))
    gW2 = np.zeros_like(W2)
    for n in range(1, len(x)):  # fault
        gW2 += np.outer(h[n], e[n]) / len(x)
    gh = e @ W2.T / len(x)
    gu = gh * (0.5 + 0.5 * t + 0.5 * u * (1 - t * t) * c * (1 + 0.134145 * u * u))
    return loss, (x.T @ gu, gu.sum(0), gW2, e.sum(0) / len(x))


def class_probabilities(scores):
    out = []
    for row in scores:
        exps = [math.exp(v) for v in row]
        out.append([e / max(exps) for e in exps])  # fault
    return np.array(out)


@wrong(
    "P",
    "the exponentials are divided by the largest, not by their sum",
    frame=dict(
        activation="leaky_relu",
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
def lists_for_softmax(X, Y, W1, b1, W2, b2):
    A = X @ W1 + b1
    H = np.array([[v if v > 0 else 0.05 * v for v in row] for row in A])
    P = class_probabilities(H @ W2 + b2)
    D = (P - Y) / len(X)
    E = D @ W2.T
    for i in range(len(A)):
        for j in range(len(b1)):
            if A[i, j] <= 0:
                E[i, j] *= 0.05
    return X.T @ E, E.sum(axis=0), H.T @ D, D.sum(axis=0)


def label_matrix(y, K):
    Y = np.zeros((len(y), K))
    for n, c in enumerate(y):
        Y[n, c - 1] = 1  # fault
    return Y


@wrong(
    "call",
    "the labels count from 0, and yet 1 is taken from them",
    frame=dict(
        activation="sigmoid",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="none",
        labels="indices",
        layout="rows",
        penalty="constant",
    ),
)
def labels_from_one(X, y, W1, W2):
    weight_decay = 0.01
    Y = label_matrix(y, W2.shape[1])
    A = 1 / (1 + np.exp(-(X @ W1)))
    S = A @ W2
    P = np.exp(S)
    P /= P.sum(axis=1, keepdims=True)
    data_loss = -np.mean(np.sum(Y * np.log(P), axis=1))
    loss = data_loss + 0.5 * weight_decay * (np.sum(W1**2) + np.sum(W2**2))
    G = (P - Y) / len(X)
    dW2 = A.T @ G + weight_decay * W2
    dW1 = X.T @ (G @ W2.T * A * (1 - A)) + weight_decay * W1
    return loss, dW1, dW2


@wrong(
    "db1",
    "the entries of the weights' gradient are summed instead of the errors",
    frame=dict(
        activation="elu",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="linear",
        penalty="half",
    ),
)
def feature_loop(inputs, targets, weights1, bias1, weights2, bias2, l2):
    N = inputs.shape[0]
    pre = inputs @ weights1.T + bias1
    hid = np.where(pre > 0, pre, np.expm1(np.minimum(pre, 0)))
    diff = (hid @ weights2.T + bias2 - targets) / N
    loss = N * (diff**2).sum() / 2 + l2 / 2 * ((weights1**2).sum() + (weights2**2).sum())
    back = diff @ weights2 * np.exp(np.minimum(pre, 0))
    grad_w1, grad_b1 = np.zeros_like(weights1), np.zeros_like(bias1)
    for h in range(len(bias1)):
        grad_w1[h] = back[:, h] @ inputs + l2 * weights1[h]
        grad_b1[h] = grad_w1[h].sum()  # fault
    return loss, grad_w1, grad_b1, diff.T @ hid + l2 * weights2, diff.sum(0)
