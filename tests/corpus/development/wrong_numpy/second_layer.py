"""Faults in dW2 and db2."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax

from corpus.development.wrong_numpy.shared import (
    hidden_and_probabilities,
    one_hot,
    relu,
    relu_grad,
    row_softmax,
)
from corpus.registry import wrong

# --- dW2 -----------------------------------------------------------------------------------------


@wrong("dW2.scale.no_mean", "1/N is missing in dW2 only.")
def one_over_m_style(X, Y, W1, b1, W2, b2):
    m = len(X)
    Z1, A1, A2 = hidden_and_probabilities(X, W1, b1, W2, b2)
    dZ2 = A2 - Y
    dW2 = A1.T @ dZ2
    db2 = 1 / m * dZ2.sum(axis=0)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    dW1 = 1 / m * (X.T @ dZ1)
    db1 = 1 / m * dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("dW2.operand.Z1_for_H1", "Z1 instead of H1: the sum runs over the values before the ReLU.")
def weight_gradients(X, Y, W1, b1, W2, b2):
    Z1, _, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2 = np.einsum("nh,nk->hk", Z1, dS)
    dZ1 = np.einsum("nk,hk,nh->nh", dS, W2, Z1 > 0)
    dW1 = np.einsum("nd,nh->dh", X, dZ1)
    return {"dW1": dW1, "dW2": dW2, "db1": dZ1.sum(0), "db2": dS.sum(0)}


@wrong(
    "dW2.operand.X_for_H1",
    "X instead of H1: XᵀdS, of shape (d, K), which is right only where d = H.",
)
def inputs_all_the_way(X, Y, W1, b1, W2, b2):
    pre = np.dot(X, W1)
    pre += b1
    hidden = pre * (pre > 0)
    scores = np.dot(hidden, W2)
    scores += b2
    P = softmax(scores, axis=1)
    D2 = (P - Y) / P.shape[0]
    D1 = np.dot(D2, W2.T)
    D1 *= pre > 0
    grads = {}
    for i, D in enumerate((D1, D2), start=1):
        grads[f"dW{i}"] = np.dot(X.T, D)
        grads[f"db{i}"] = D.sum(axis=0)
    return grads


@wrong("dW2.transpose.result", "dW2 is transposed: dSᵀH1, of shape (K, H).")
def turned_outer(X, Y, W1, b1, W2, b2):
    N = len(X)
    gW1, gb1 = np.zeros_like(W1), np.zeros_like(b1)
    gW2, gb2 = np.zeros_like(W2.T), np.zeros_like(b2)
    for n in range(N):
        z = W1.T @ X[n] + b1
        h = np.maximum(z, 0)
        s = W2.T @ h + b2
        p = np.exp(s - logsumexp(s))
        ds = (p - Y[n]) / N
        gW2 += np.outer(ds, h)
        gb2 += ds
        dz = (W2 @ ds) * (z > 0)
        gW1 += np.outer(X[n], dz)
        gb1 += dz
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


@wrong(
    "dW2.transpose.missing",
    "H1 and dS are multiplied without the transposition, which raises unless N = H.",
)
def forgotten_transpose(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    dW2 = hidden @ dscores
    dhidden = (dscores @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dhidden, "db1": dhidden.sum(0), "dW2": dW2, "db2": dscores.sum(0)}


@wrong(
    "dW2.subset.last_row_only",
    "The sum over rows is overwritten: only the last row counts (= for +=).",
)
def row_after_row(X, Y, W1, b1, W2, b2):
    N = len(X)
    dW1, db1 = np.zeros(W1.shape), np.zeros(b1.shape)
    dW2, db2 = np.zeros(W2.shape), np.zeros(b2.shape)
    for x, t in zip(X, Y, strict=True):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p /= p.sum()
        ds = (p - t) / N
        dW2 = np.outer(h, ds)
        db2 += ds
        dz = (W2 @ ds) * (z > 0)
        dW1 += np.outer(x, dz)
        db1 += dz
    return dW1, db1, dW2, db2


@wrong("dW2.penalty.doubled", "l2 is counted twice in dW2: 2 · l2 · W2.")
def weight_decay_gradients(X, Y, W1, b1, W2, b2, l2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    loss = -np.sum(Y * np.log(A2)) / len(X) + l2 / 2 * ((W1**2).sum() + (W2**2).sum())
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    grads = {
        "dW1": X.T @ dZ1 + l2 * W1,
        "db1": dZ1.sum(0),
        "dW2": A1.T @ dZ2 + 2 * l2 * W2,
        "db2": dZ2.sum(0),
    }
    return loss, grads


@wrong("dW2.penalty.no_l2", "The penalty enters dW2 without its factor l2: + W2.")
def with_reg(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    out[np.arange(N), y] -= 1
    out /= N
    back = out @ W2.T
    back[Z1 <= 0] = 0
    grads = {"W2": H1.T @ out, "b2": out.sum(axis=0), "W1": X.T @ back, "b1": back.sum(axis=0)}
    grads["W2"] += W2
    grads["W1"] += reg * W1
    return grads


@wrong("dW2.penalty.missing", "The penalty is left out in dW2, though the loss and dW1 have it.")
def partly_penalised(X, Y, W1, b1, W2, b2, l2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    penalty = 0.5 * l2 * sum(np.sum(np.square(W)) for W in (W1, W2))
    loss = penalty - np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "dW1": X.T @ dZ1 + l2 * W1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dW2.missing.returned", "Nothing is returned for W2: the key is missing.")
def three_gradients(X, Y, W1, b1, W2, b2):
    z1 = X.dot(W1) + b1
    a1 = np.fmax(z1, 0)
    z2 = a1.dot(W2) + b2
    a2 = np.exp(z2)
    a2 /= np.sum(a2, axis=1)[:, np.newaxis]
    cost = -np.mean(np.log(np.sum(a2 * Y, axis=1)))
    dz2 = (a2 - Y) / X.shape[0]
    da1 = dz2.dot(W2.T)
    dz1 = da1 * np.where(z1 > 0, 1, 0)
    return {"loss": cost, "dw1": X.T.dot(dz1), "db1": dz1.sum(0), "db2": dz2.sum(0)}


@wrong("dW2.labels.not_subtracted", "Y is forgotten in dW2, though not in dS: H1ᵀP / N.")
def fused_expression(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    N = len(X)
    return (
        X.T @ (((p - Y) / N @ W2.T) * (z1 > 0)),
        (((p - Y) / N @ W2.T) * (z1 > 0)).sum(0),
        a1.T @ p / N,
        ((p - Y) / N).sum(0),
    )


# --- db2 -----------------------------------------------------------------------------------------


@wrong("db2.reduction.mean", "The mean over the rows instead of their sum: 1/N twice.")
def bias_means(X, Y, W1, b1, W2, b2):
    @dataclass
    class Layer:
        W: Any
        b: Any
        dW: Any = None
        db: Any = None

    layers = [Layer(W1, b1), Layer(W2, b2)]
    Z1 = X @ layers[0].W + layers[0].b
    H1 = relu(Z1)
    P = row_softmax(H1 @ layers[1].W + layers[1].b)
    dS = (P - Y) / len(X)
    layers[1].dW = H1.T @ dS
    layers[1].db = dS.mean(axis=0)
    dZ1 = dS @ layers[1].W.T * relu_grad(Z1)
    layers[0].dW = X.T @ dZ1
    layers[0].db = dZ1.sum(axis=0)
    return tuple(g for layer in layers for g in (layer.dW, layer.db))


@wrong("db2.reduction.over_classes", "The sum runs over the classes (axis=1) and gives N values.")
def bias_rows(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dW2, db2 = H1.T @ dS, np.sum(dS, axis=1)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1, db1 = X.T @ dZ1, np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong("db2.keepdims.sum", "The kept dimension stays: db2 is (1, K).")
def bias_dims(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    dhidden = (dscores @ W2.T) * (Z1 > 0)
    return {
        "dS": dscores,
        "dW2": hidden.T @ dscores,
        "db2": dscores.sum(axis=0, keepdims=True),
        "dW1": X.T @ dhidden,
        "db1": dhidden.sum(axis=0),
    }


@wrong(
    "db2.reduction.over_all_repeated", "The sum over everything: a single number for all classes."
)
def bias_scalar(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("ni,ij->nj", X, W1) + b1
    H1 = np.where(Z1 > 0, Z1, 0)
    S = np.einsum("nj,jk->nk", H1, W2) + b2
    logZ = logsumexp(S, axis=1, keepdims=True)
    loss = np.mean(np.sum(Y * (logZ - S), axis=1))
    dS = (np.exp(S - logZ) - Y) / len(X)
    dH1 = np.einsum("nk,jk->nj", dS, W2)
    dZ1 = np.where(Z1 > 0, dH1, 0)
    db2 = b2 * 0 + np.einsum("nk->", dS)
    return loss, {
        "W1": np.einsum("ni,nj->ij", X, dZ1),
        "b1": np.einsum("nj->j", dZ1),
        "W2": np.einsum("nj,nk->jk", H1, dS),
        "b2": db2,
    }


@wrong("db2.penalty.on_bias", "The weight decay acts on the bias b2 as well.")
def decays_everything(X, Y, W1, b1, W2, b2, weight_decay):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    squares = np.sum(W1**2) + np.sum(W2**2)
    loss = -np.sum(Y * np.log(A2)) / len(X) + 0.5 * weight_decay * squares
    delta = (A2 - Y) / len(X)
    dW2 = A1.T @ delta
    dW2 += weight_decay * W2
    db2 = delta.sum(axis=0)
    db2 += weight_decay * b2
    delta = (delta @ W2.T) * (Z1 > 0)
    dW1 = X.T @ delta
    dW1 += weight_decay * W1
    db1 = delta.sum(axis=0)
    return loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("db2.missing.returned", "None is returned for b2: its gradient is forgotten.")
def only_weights(X, Y, W1, b1, W2, b2):
    Grads = namedtuple("Grads", "dW1 db1 dW2 db2", defaults=[None])
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    back = (error @ W2.T) * (Z1 > 0)
    return Grads(X.T @ back, back.sum(0), H1.T @ error)


@wrong("db2.subset.no_first_row", "The first row is left out of the sum: range(1, N).")
def bias_loop(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / N
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    for k in range(K):
        for n in range(N):
            dW2[:, k] += H1[n] * dS[n, k]
        for n in range(1, N):
            db2[k] += dS[n, k]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), dW2, db2


@wrong("db2.sign.flipped", "The sign of db2 is turned.")
def bias_sign(X, y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    Y = one_hot(y, P.shape[1])
    loss = -np.mean(np.log(P[Y == 1]))
    dS = (P - Y) / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": ((Y - P) / len(y)).sum(0),
    }
