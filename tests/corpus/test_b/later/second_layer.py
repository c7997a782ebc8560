"""Faults in dS, dW2 and db2."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import torch
from scipy.special import logsumexp, softmax

from corpus.registry import wrong


@wrong("dS.scale.no_mean", "the gradient of the scores is not divided by the number of rows")
def homework_three(X, Y, W1, b1, W2, b2):
    z = X.dot(W1) + b1
    a = np.maximum(z, 0)
    s = a.dot(W2) + b2
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    delta = p - Y
    dW2 = a.T.dot(delta)
    db2 = delta.sum(axis=0)
    back = delta.dot(W2.T)
    back[z <= 0] = 0
    return {"dW1": X.T.dot(back), "db1": back.sum(axis=0), "dW2": dW2, "db2": db2}


@wrong(
    "db2.reduction.over_all_repeated",
    "all residuals are summed to one number, repeated for each class",
)
def statistician_scores(X, Y, W1, b1, W2, b2):
    n, q = Y.shape
    eta1 = X @ W1 + b1
    g = np.clip(eta1, 0, None)
    eta2 = g @ W2 + b2
    mu = np.exp(eta2 - logsumexp(eta2, axis=1, keepdims=True))
    resid = (mu - Y) / n
    score_b2 = np.full(q, resid.sum(axis=1).sum())
    delta1 = (resid @ W2.T) * np.heaviside(eta1, 0.0)
    Scores = namedtuple("Scores", "dW1 db1 dW2 db2")
    return Scores(X.T @ delta1, delta1.sum(axis=0), g.T @ resid, score_b2)


@wrong(
    "dW2.operand.Z1_for_H1",
    "the pre-activations are used in place of the activations",
    layout="linear",
)
def layered_linear(X, y, W1, b1, W2, b2):
    n = len(X)
    z = X @ W1.T + b1
    a = torch.relu(z)
    d = torch.softmax(a @ W2.T + b2, 1)
    d[torch.arange(n), y] -= 1
    d = d / n
    g = (d @ W2) * (z > 0).to(d.dtype)
    W2_grad = d.T @ z
    return {"W1_grad": g.T @ X, "b1_grad": g.sum(0), "W2_grad": W2_grad, "b2_grad": d.sum(0)}


@wrong("dS.sign.flipped", "the labels are subtracted with the sign turned: Y - P", layout="columns")
def batch_last_residual(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (Y - A2) / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    return (
        dZ1 @ X.T,
        dZ1.sum(axis=1, keepdims=True),
        dZ2 @ A1.T,
        dZ2.sum(axis=1, keepdims=True),
    )


@wrong("dS.scale.by_K", "divided by the number of classes, not of rows")
def divided_by_classes(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2, axis=1)
    onehot = np.eye(W2.shape[1])[y]
    dS = (P - onehot) / onehot.shape[1]
    dW2 = H1.T @ dS
    dH1 = dS @ W2.T
    dZ1 = dH1 * (H1 > 0)
    return {
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": dW2,
        "db2": dS.sum(0),
    }


@wrong(
    "dW2.penalty.doubled",
    "the penalty is added with a factor of two, though the loss has one half of it",
)
def doubled_penalty(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    Z1 = X.dot(W1) + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1.dot(W2) + b2, axis=1)
    P[np.arange(N), y] -= 1
    P /= N
    dW2 = H1.T.dot(P) + 2 * reg * W2
    dZ1 = P.dot(W2.T) * (Z1 > 0)
    dW1 = X.T.dot(dZ1) + reg * W1
    return dW1, dZ1.sum(axis=0), dW2, P.sum(axis=0)


@wrong("db2.reduction.maximum", "the largest entry of each column is taken, not the sum")
def amax_for_sum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = torch.where(Z1 > 0, Z1, torch.zeros_like(Z1))
    P = (H1 @ W2 + b2).softmax(-1)
    dS = (P - Y) / X.size(0)
    db2 = dS.amax(dim=0)
    dZ1 = torch.where(Z1 > 0, dS @ W2.T, torch.zeros_like(Z1))
    return X.T @ dZ1, dZ1.sum(dim=0), H1.T @ dS, db2


@wrong("dS.factor.sigmoid_slope", "the slope of a sigmoid, P(1 - P), is multiplied in")
def squared_error_habit(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    delta2 = (P - Y) * P * (1 - P) / N
    delta1 = (delta2 @ W2.T) * (Z1 > 0)
    return (X.T @ delta1, delta1.sum(axis=0), H1.T @ delta2, delta2.sum(axis=0))


@wrong(
    "dS.softmax.true_class_only",
    "only the entry of the true class gets a gradient; the others are left at zero",
)
def true_class_only(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    idx = np.arange(N)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = np.zeros_like(P)
    dS[idx, y] = P[idx, y] - 1
    dS /= N
    dZ1 = dS @ W2.T
    dZ1 *= Z1 > 0
    return {"dS": dS, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong(
    "dS.labels.columns_of_all_rows",
    "one is taken from the whole columns of the labels, for want of the row index",
)
def column_indexing(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1)
    dS[:, y] -= 1
    dS = dS / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return (X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0))


@wrong(
    "dS.labels.previous_class_cyclic",
    "the labels are counted from one, so the class before is taken for the true one",
)
def matlab_emigrant(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    k = W2.shape[1]
    T = np.zeros((n, k))
    for r in range(n):
        T[r, y[r] - 1] = 1
    A = X @ W1 + b1
    B = np.maximum(A, 0)
    C = B @ W2 + b2
    D = np.exp(C) / np.tile(np.sum(np.exp(C), axis=1)[:, None], (1, k))
    E = (D - T) / n
    G = (E @ W2.T) * (A > 0)
    return X.T @ G, np.sum(G, 0), B.T @ E, np.sum(E, 0)


@wrong("dW2.function.squared_H1", "the activations were squared", layout="columns")
def columns_squared(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(1, keepdims=True),
        "dW2": dZ2 @ (A1**2).T,
        "db2": dZ2.sum(1, keepdims=True),
    }


@wrong("dW2.transpose.result", "the gradient is transposed, which raises in the step")
def transposed_step(X, Y, W1, b1, W2, b2, learning_rate):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dW2 = dS.T @ H1
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 - learning_rate * (X.T @ dZ1),
        "b1": b1 - learning_rate * dZ1.sum(axis=0),
        "W2": W2 - learning_rate * dW2,
        "b2": b2 - learning_rate * dS.sum(axis=0),
    }


@wrong("db2.factor.b2", "the bias gradient is weighted by the bias itself")
def bias_times_bias(X, y, W1, b1, W2, b2):
    rows = np.arange(y.size)
    Z1 = X @ W1 + b1
    H1 = Z1.clip(min=0)
    G = softmax(H1 @ W2 + b2, axis=1)
    G[rows, y] -= 1
    G /= y.size
    M = (G @ W2.T) * (Z1 > 0)
    return {
        "W1_grad": X.T @ M,
        "b1_grad": M.sum(0),
        "W2_grad": H1.T @ G,
        "b2_grad": G.sum(0) * b2,
    }


@wrong("db2.function.absolute", "the residuals are summed in absolute value")
def total_variation(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    u = X @ W1 + b1
    v = np.maximum(u, 0)
    pi = softmax(v @ W2 + b2, axis=1)
    r = (pi - Y) / n
    w = (r @ W2.T) * (u > 0)
    return X.T @ w, w.sum(axis=0), v.T @ r, np.abs(r).sum(axis=0)


@wrong("dW2.alignment.reversed", "the activations' rows are taken in reverse order")
def reversed_rows(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    r = (softmax(h @ W2 + b2, axis=1) - Y) / n
    q = (r @ W2.T) * (z > 0)
    dW2 = sum(np.outer(a, e) for a, e in zip(h[::-1], r, strict=True))
    return {"dW1": X.T @ q, "db1": q.sum(0), "dW2": dW2, "db2": r.sum(0)}
