# ruff: noqa: B006, B008, C408
"""Backward passes in NumPy with one mistake each: the patients of the doctor."""

from __future__ import annotations

import math
from collections import defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, log_softmax, logsumexp, softmax, xlogy


class Case(NamedTuple):
    """A wrong function, the equation that is wrong in it, and what was written instead."""

    f: Callable[..., Any]
    equation: str
    mistake: str
    options: dict[str, Any]


WRONG: list[Case] = []


def wrong(equation: str, mistake: str, **options: Any) -> Callable[..., Any]:
    """Register a function as wrong in an equation; the function stays as it is."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        WRONG.append(Case(f, equation, mistake, options))
        return f

    return register


# ---------------------------------------------------------------- what several of them share


def relu(z):
    return np.maximum(z, 0)


def relu_grad(z):
    return np.where(z > 0, 1.0, 0.0)


def row_softmax(S):
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def one_hot(y, K):
    return np.eye(K)[y]


# ---------------------------------------------------------------- Z1


@wrong("Z1", "The bias b1 is forgotten in the forward pass.")
def no_frills_backprop(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("Z1", "b1 is subtracted instead of added.")
def forward_then_backward(X, Y, W1, b1, W2, b2):
    def forward():
        hidden_in = X.dot(W1) - b1
        hidden = hidden_in.clip(min=0)
        scores = hidden.dot(W2) + b2
        return hidden_in, hidden, row_softmax(scores)

    def backward(hidden_in, hidden, probs):
        delta2 = (probs - Y) / len(X)
        delta1 = delta2.dot(W2.T)
        delta1[hidden_in <= 0] = 0
        return X.T.dot(delta1), delta1.sum(0), hidden.T.dot(delta2), delta2.sum(0)

    return backward(*forward())


@wrong("Z1", "Z1 is truncated to whole numbers: its buffer is made with dtype int.")
def unit_by_unit(X, y, W1, b1, W2, b2):
    N, d = X.shape
    H = W1.shape[1]
    Z1 = np.zeros((N, H), dtype=int)
    for i in range(N):
        for j in range(H):
            Z1[i, j] = sum(X[i, k] * W1[k, j] for k in range(d)) + b1[j]
    H1 = np.maximum(Z1, 0)
    P = row_softmax(H1 @ W2 + b2)
    loss = -np.mean(np.log(P[np.arange(N), y]))
    dS = P.copy()
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = np.dot(dS, W2.T) * (Z1 > 0)
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    return loss, grads


@wrong("Z1", "The Z1 that is returned was overwritten by the ReLU in place: it is H1.")
def with_cache(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0, out=Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = dH1 * (H1 > 0)
    return {
        "Z1": Z1,
        "H1": H1,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("Z1", "X is standardised by its column means and deviations before the first layer.")
def normalised_net(params, X, Y):
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    Z1 = scaled @ params["W1"] + params["b1"]
    H1 = relu(Z1)
    P = row_softmax(H1 @ params["W2"] + params["b2"])
    dS = (P - Y) / len(X)
    dZ1 = dS @ params["W2"].T * (Z1 > 0)
    return {
        "W1_grad": X.T @ dZ1,
        "b1_grad": np.sum(dZ1, axis=0),
        "W2_grad": H1.T @ dS,
        "b2_grad": np.sum(dS, axis=0),
    }


@wrong("Z1", "Z1 is standardised over the batch, which gives nan for a constant column.")
def batch_normalised(X, Y, W1, b1, W2, b2):
    with np.errstate(invalid="ignore"):
        Z1 = X @ W1 + b1
        Z1 = (Z1 - Z1.mean(axis=0)) / Z1.std(axis=0)
        H1 = np.maximum(Z1, 0)
        S = H1 @ W2 + b2
        P = softmax(S, axis=1)
        dS = (P - Y) / len(X)
        dZ1 = (dS @ W2.T) * (Z1 > 0)
        grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    return {"Z1": Z1, "H1": H1, "S": S, "P": P, **grads}


@wrong("Z1", "The bias is added twice: it is in the weights' last row and added again.")
def homogeneous(X, Y, W1, b1, W2, b2):
    bias = np.ones((X.shape[0], 1))
    Xb = np.column_stack((X, bias))
    Wb = np.vstack((W1, b1))
    Z1 = Xb @ Wb + b1
    H1 = relu(Z1)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * relu_grad(Z1)
    dWb = Xb.T @ dZ1
    return {"Z1": Z1, "dW1": dWb[:-1], "db1": dWb[-1], "dW2": H1.T @ dS, "db2": dS.sum(0)}


# ---------------------------------------------------------------- H1


@wrong("H1", "The ReLU is left out in the forward pass: H1 = Z1.")
def hw3_backward(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    z1 = X @ W1 + b1
    a1 = z1
    z2 = a1 @ W2 + b2
    a2 = row_softmax(z2)
    dz2 = a2 - Y
    dw2 = a1.T @ dz2 / m
    db2 = dz2.sum(axis=0) / m
    dz1 = (dz2 @ W2.T) * relu_grad(z1)
    dw1 = X.T @ dz1 / m
    db1 = dz1.sum(axis=0) / m
    return dict(dw1=dw1, db1=db1, dw2=dw2, db2=db2)


@wrong("H1", "A leaky ReLU with slope 0.01 in the forward and the backward pass.")
def mlp_step_leaky(X, Y, W1, b1, W2, b2, slope=0.01):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, slope * Z1)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, slope * dH1)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@wrong("H1", "tanh instead of the ReLU in the forward pass.")
def backprop_old_notes(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.tanh(Z1)
    S = H1 @ W2 + b2
    P = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    dS = (P - Y) / X.shape[0]
    gW2, gb2 = H1.T @ dS, dS.sum(0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    gW1, gb1 = X.T @ dZ1, dZ1.sum(0)
    return gW1, gb1, gW2, gb2


@wrong("H1", "A sigmoid instead of the ReLU, with the sigmoid's derivative on the way back.")
def nineties_net(X, Y, W1, b1, W2, b2):
    hidden = expit(X @ W1 + b1)
    out = softmax(hidden @ W2 + b2, axis=1)
    err = (out - Y) / Y.shape[0]
    back = err @ W2.T * hidden * (1 - hidden)
    return {"dW2": hidden.T @ err, "db2": err.sum(0), "dW1": X.T @ back, "db1": back.sum(0)}


@wrong("H1", "The absolute value of Z1 instead of max(0, Z1).")
def rectified(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    pre = X @ W1 + b1
    act = np.abs(pre)
    P = row_softmax(act @ W2 + b2)
    P[range(N), y] -= 1
    P /= N
    dpre = P @ W2.T
    dpre[pre <= 0] = 0
    return {"W1": X.T @ dpre, "b1": dpre.sum(0), "W2": act.T @ P, "b2": P.sum(0)}


@wrong("H1", "Dropout with p = 0.5 on the hidden units, in both passes.")
def regularised_gradients(X, Y, W1, b1, W2, b2, keep=0.5, seed=0):
    rng = np.random.default_rng(seed)
    N = len(X)
    Z1 = X @ W1 + b1
    M = (rng.random(Z1.shape) < keep) / keep
    H1 = np.maximum(Z1, 0) * M
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = dH1 * M * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
        "S": S,
        "P": P,
    }


@wrong("H1", "H1 by Z1 / |Z1|, which is nan where Z1 is 0.")
def closed_form_relu(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    with np.errstate(invalid="ignore"):
        H1 = Z1 * (1 + Z1 / np.sqrt(Z1**2)) / 2
    P = softmax(H1 @ W2 + b2, axis=-1)
    dS = (P - Y) / len(Y)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("H1", "The minimum of 0 and Z1 is taken: np.minimum for np.maximum.")
def grads_of_classifier(X, Y, W1, b1, W2, b2):
    lin = np.einsum("nd,dh->nh", X, W1) + b1
    hid = np.minimum(0, lin)
    P = row_softmax(np.einsum("nh,hk->nk", hid, W2) + b2)
    dS = (P - Y) / X.shape[0]
    dlin = np.einsum("nk,hk->nh", dS, W2) * (lin > 0)
    return (
        np.einsum("nd,nh->dh", X, dlin),
        np.einsum("nh->h", dlin),
        np.einsum("nh,nk->hk", hid, dS),
        np.einsum("nk->k", dS),
    )


@wrong("H1", "H1 is the mask of 0 and 1 rather than Z1 times the mask.")
def masked_forward(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    active = Z1 > 0
    H1 = active.astype(Z1.dtype)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * active
    return {
        "H1": H1,
        "S": S,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": dW2,
        "db2": db2,
    }


@wrong("H1", "The hidden units are capped at 1: a clip to [0, 1].")
def bounded_units(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.clip(Z1, 0, 1)
    S = H1 @ W2 + b2
    logP = log_softmax(S, axis=1)
    loss = -(Y * logP).sum(axis=1).mean()
    dS = (np.exp(logP) - Y) / len(X)
    dZ1 = np.where(Z1 > 0, dS @ W2.T, 0)
    return {
        "loss": loss,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("H1", "A softplus, log(1 + exp(Z1)), instead of the ReLU.")
def smooth_hidden_layer(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.log1p(np.exp(Z1))
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "loss": -np.sum(Y * np.log(P)) / len(X),
        "H1": H1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


# ---------------------------------------------------------------- S


@wrong("S", "The bias b2 is forgotten in the scores.")
def score_and_backprop(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1 * (Z1 > 0)
    S = H1 @ W2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {}
    grads["W2"] = H1.T @ dS
    grads["b2"] = dS.sum(0)
    grads["W1"] = X.T @ dZ1
    grads["b1"] = dZ1.sum(0)
    return {"S": S, "P": P, "grads": grads}


@wrong("S", "The second layer is fed with Z1 instead of H1.")
def second_layer(X, Y, W1, b1, W2, b2):
    N, _ = X.shape
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    Z2 = Z1 @ W2 + b2
    P = row_softmax(Z2)
    dZ2 = (P - Y) / N
    dW2 = H1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dZ1 = dZ2 @ W2.T * relu_grad(Z1)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("S", "A ReLU on the scores as well.")
def stacked_layers(X, y, W1, b1, W2, b2):
    outputs = [X]
    for W, b in ((W1, b1), (W2, b2)):
        outputs.append(np.maximum(outputs[-1] @ W + b, 0))
    P = row_softmax(outputs[2])
    N = len(X)
    loss = -np.log(P[np.arange(N), y]).mean()
    dS = (P - one_hot(y, W2.shape[1])) / N
    dH = dS @ W2.T * (outputs[1] > 0)
    return loss, {"W1": X.T @ dH, "b1": dH.sum(0), "W2": outputs[1].T @ dS, "b2": dS.sum(0)}


@wrong("S", "The scores are divided by sqrt(H), which the derivation does not have.")
def scaled_scores(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 / math.sqrt(W2.shape[0]) + b2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0), "S": S}


@wrong("S", "W2 is used transposed in the forward pass, which runs only for H = K.")
def layers_the_other_way(X, Y, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    H1 = np.maximum(0, Z1)
    S = np.dot(H1, W2.T) + b2
    P = row_softmax(S)
    dS = (P - Y) / X.shape[0]
    dZ1 = np.dot(dS, W2.T) * (Z1 > 0)
    return {
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@wrong("S", "The first bias of the output layer is added to every class: b2[0] for b2.")
def loop_over_classes(X, y, W1, b1, W2, b2):
    N, K = len(y), len(b2)
    hidden = relu(X @ W1 + b1)
    scores = np.stack([hidden @ W2[:, k] + b2[0] for k in range(K)], axis=1)
    probs = row_softmax(scores)
    loss = sum(-math.log(probs[n, y[n]]) for n in range(N)) / N
    dscores = (probs - one_hot(y, K)) / N
    dhidden = sum(np.outer(dscores[:, k], W2[:, k]) for k in range(K))
    dhidden[hidden == 0] = 0
    return loss, (X.T @ dhidden, dhidden.sum(0), hidden.T @ dscores, dscores.sum(0))


# ---------------------------------------------------------------- P


@wrong("P", "The softmax is taken over the rows of the batch: axis=0.")
def cs_assignment(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    expS = np.exp(S)
    P = expS / np.sum(expS, axis=0, keepdims=True)
    dS = (P - Y) / X.shape[0]
    dW2 = H1.T @ dS
    db2 = np.sum(dS, axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong("P", "The softmax is taken over all entries of S, not row by row.")
def shared_normaliser(X, Y, W1, b1, W2, b2):
    def normalise(S):
        E = np.exp(S - np.max(S))
        return E / np.sum(E)

    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    S = H1 @ W2 + b2
    P = normalise(S)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {
        "P": P,
        "W1_grad": X.T @ dZ1,
        "b1_grad": dZ1.sum(0),
        "W2_grad": H1.T @ dS,
        "b2_grad": dS.sum(0),
    }


@wrong("P", "The softmax is left out: the scores are taken as probabilities.")
def linear_output(X, Y, W1, b1, W2, b2):
    H1 = relu(X @ W1 + b1)
    out = H1 @ W2 + b2
    delta = (out - Y) / len(Y)
    hidden_delta = (delta @ W2.T) * (H1 > 0)
    return X.T @ hidden_delta, hidden_delta.sum(0), H1.T @ delta, delta.sum(0)


@wrong("P", "The softmax is applied twice.")
def library_softmax(X, Y, W1, b1, W2, b2):
    def predict(H1):
        return softmax(H1 @ W2 + b2, axis=1)

    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    out = predict(H1)
    probs = softmax(out, axis=1)
    loss = -np.mean(np.log((probs * Y).sum(1)))
    dS = (probs - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1[Z1 <= 0] = 0.0
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("P", "exp(S) is not divided by its row sum.")
def exponentials(X, Y, W1, b1, W2, b2):
    scores = np.zeros((len(X), len(b2)))
    hidden = []
    for n, x in enumerate(X):
        hidden.append(np.array([max(0.0, float(x @ W1[:, j] + b1[j])) for j in range(len(b1))]))
        for k in range(len(b2)):
            scores[n, k] = hidden[n] @ W2[:, k] + b2[k]
    hidden = np.stack(hidden)
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores = (P - Y) / len(X)
    dhidden = np.where(hidden > 0, dscores @ W2.T, 0)
    return {
        "P": P,
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(axis=0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(axis=0),
    }


@wrong("P", "A sigmoid of every score instead of the softmax.")
def multi_label_habit(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = 1 / (1 + np.exp(-(H1 @ W2 + b2)))
    dS = (P - Y) / X.shape[0]
    dZ1 = (Z1 > 0) * (dS @ W2.T)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


@wrong("P", "The probabilities are clipped to [1e-2, 1 - 1e-2].")
def careful_logs(X, Y, W1, b1, W2, b2, eps=1e-2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = np.clip(row_softmax(H1 @ W2 + b2), eps, 1 - eps)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("P", "The probabilities are clipped from below at 1e-3.")
def careful_logs_too(X, y, W1, b1, W2, b2):
    n = np.arange(len(y))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = np.maximum(row_softmax(H1 @ W2 + b2), 1e-3)
    dS = P.copy()
    dS[n, y] -= 1
    dS = dS / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("P", "The probabilities are clipped to [1e-6, 1 - 1e-6].")
def keras_epsilon(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    E = np.exp(H1 @ W2 + b2)
    P = np.clip(E / E.sum(axis=1, keepdims=True), 1e-6, 1 - 1e-6)
    G = (P - Y) / len(X)
    dZ1 = (G @ W2.T) * (Z1 > 0)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ G, "b2": G.sum(0)}


@wrong("P", "1e-3 is added to the softmax's denominator.")
def guarded_division(X, Y, W1, b1, W2, b2):
    hidden = X @ W1
    hidden += b1
    np.maximum(hidden, 0, out=hidden)
    P = hidden @ W2
    P += b2
    P -= P.max(axis=1, keepdims=True)
    np.exp(P, out=P)
    P /= P.sum(axis=1, keepdims=True) + 1e-3
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1 *= hidden > 0
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": hidden.T @ dS, "db2": dS.sum(0)}


@wrong("P", "The probabilities are rounded to float32.")
def memory_saver(X, Y, W1, b1, W2, b2):
    class Activations(NamedTuple):
        Z1: Any
        H1: Any
        P: Any

    def forward():
        Z1 = X @ W1 + b1
        H1 = relu(Z1)
        return Activations(Z1, H1, row_softmax(H1 @ W2 + b2).astype(np.float32))

    acts = forward()
    dS = (acts.P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (acts.Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": acts.H1.T @ dS, "db2": dS.sum(0)}


@wrong("P", "The row sums lack keepdims: (N, K) / (N,) broadcasts only for N = K, and wrongly.")
def broadcasting(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    E = np.exp(H1 @ W2 + b2)
    P = E / E.sum(axis=1)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("P", "The P that is returned is dS: 1 was subtracted from it in place, without a copy.")
def cs231n_loss(X, y, W1, b1, W2, b2):
    num_train = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[range(num_train), y])) / num_train

    dscores = probs
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    grads = {}
    grads["W2"] = hidden.T.dot(dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    grads["W1"] = X.T.dot(dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return {"loss": loss, "P": probs, "grads": grads}


@wrong("P", "The softmax has base 2: 2 ** S instead of exp(S).")
def power_softmax(X, Y, W1, b1, W2, b2):
    def layer(inputs, weights, bias, squash):
        return squash(np.dot(inputs, weights) + bias)

    def shares(scores):
        powers = np.power(2.0, scores)
        return powers / powers.sum(axis=1, keepdims=True)

    hidden = layer(X, W1, b1, relu)
    P = layer(hidden, W2, b2, shares)
    g2 = (P - Y) / X.shape[0]
    g1 = np.dot(g2, W2.T) * relu_grad(hidden)
    return np.dot(X.T, g1), g1.sum(0), np.dot(hidden.T, g2), g2.sum(0)


@wrong("P", "The minimum of the row is subtracted in the numerator only.")
def shifted_exponent(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.min(axis=1, keepdims=True)) / np.exp(S).sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "P": P,
        "dS": dS,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("P", "The softmax runs along axis=1, which are the columns of the batch.", layout="columns")
def columns_softmax(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=1, keepdims=True)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), np.int64(A1 > 0))
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("P", "A hard argmax instead of the softmax.")
def perceptron_habit(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.zeros_like(S)
    P[np.arange(len(S)), S.argmax(axis=1)] = 1
    dS = (P - Y) / len(S)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"S": S, "W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("P", "A temperature of 2 in the softmax: exp(S / 2).")
def tempered(X, Y, W1, b1, W2, b2, temperature=2.0):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax((H1 @ W2 + b2) / temperature, axis=1)
    loss = -np.mean(np.sum(Y * np.log(P), axis=1))
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# ---------------------------------------------------------------- L


def gradients_of(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return P, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("L", "The loss has no minus sign.")
def loss_and_grads(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    loss = np.sum(Y * np.log(P)) / len(X)
    return loss, grads


@wrong("L", "The loss is the sum over the rows, not their mean.")
def total_loss(X, y, W1, b1, W2, b2):
    P, grads = gradients_of(X, one_hot(y, len(b2)), W1, b1, W2, b2)
    loss = 0.0
    for p, label in zip(P, y, strict=True):
        loss -= np.log(p[label])
    return loss, grads


@wrong("L", "The mean is taken over all N·K entries, so the loss is K times too small.")
def mean_loss(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    grads["loss"] = -np.mean(xlogy(Y, P))
    return grads


@wrong("L", "The logarithm is to base 2: the loss is in bits.")
def loss_in_bits(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return {"loss": -(Y * np.log2(P)).sum(axis=1).mean(), **grads}


@wrong("L", "1e-3 is added to the probabilities before the logarithm.")
def loss_with_eps(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return -np.sum(Y * np.log(P + 1e-3)) / len(Y), grads


@wrong("L", "The mean squared error is returned as the loss.")
def loss_from_regression(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return ((P - Y) ** 2).sum(axis=1).mean(), tuple(grads.values())


@wrong("L", "The binary cross-entropy of every class: sum of Y log P + (1 - Y) log(1 - P).")
def loss_of_logistic_units(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    loss = -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / X.shape[0]
    return {"loss": loss, "gradients": grads}


@wrong("L", "(N, 1) weights times (N,) logarithms give (N, N): the loss is N times too large.")
def weighted_loss(X, y, W1, b1, W2, b2):
    N = len(X)
    P, grads = gradients_of(X, one_hot(y, W2.shape[1]), W1, b1, W2, b2)
    weights = np.full((N, 1), 1 / N)
    loss = -np.sum(weights * np.log(P[np.arange(N), y]))
    return loss, grads


@wrong("L", "Y and P are exchanged: the loss is -1/N sum(P log Y), with 1e-9 against log 0.")
def loss_of_divergence(X, Y, W1, b1, W2, b2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    return {**grads, "loss": -np.sum(P * np.log(Y + 1e-9)) / len(X)}


@wrong("L", "The negative log-likelihood without the logarithm: the mean of -P[n, y].")
def nll_of_probabilities(X, y, W1, b1, W2, b2):
    P, grads = gradients_of(X, one_hot(y, W2.shape[1]), W1, b1, W2, b2)
    return -P[np.arange(len(y)), y].mean(), grads


@wrong("L", "The penalty in the loss lacks its factor 1/2.")
def loss_with_penalty(X, Y, W1, b1, W2, b2, l2):
    P, grads = gradients_of(X, Y, W1, b1, W2, b2)
    grads["dW1"] = grads["dW1"] + l2 * W1
    grads["dW2"] = grads["dW2"] + l2 * W2
    loss = -np.sum(Y * np.log(P)) / len(X)
    loss += l2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    return loss, grads


@wrong("L", "logsumexp runs over the batch instead of over the classes.")
def loss_by_logsumexp(X, y, W1, b1, W2, b2):
    N = len(X)
    _, grads = gradients_of(X, one_hot(y, W2.shape[1]), W1, b1, W2, b2)
    S = np.maximum(X @ W1 + b1, 0) @ W2 + b2
    loss = -np.mean((S - logsumexp(S, axis=0))[np.arange(N), y])
    return {"loss": loss, "S": S, **grads}


# ---------------------------------------------------------------- dS


def hidden_and_probabilities(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    return Z1, H1, row_softmax(H1 @ W2 + b2)


@wrong("dS", "1/N is missing: dS = P - Y.")
def plain_delta(X, Y, W1, b1, W2, b2):
    z = np.dot(X, W1) + b1
    h = np.maximum(z, 0)
    p = row_softmax(np.dot(h, W2) + b2)
    delta = p - Y
    grad_W2 = np.dot(h.T, delta)
    grad_b2 = np.sum(delta, axis=0)
    delta = np.dot(delta, W2.T)
    delta[z <= 0] = 0
    grad_W1 = np.dot(X.T, delta)
    grad_b1 = np.sum(delta, axis=0)
    return grad_W1, grad_b1, grad_W2, grad_b2


@wrong("dS", "dS is divided by N twice.")
def averaged_and_averaged(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    fc1 = X.dot(W1) + b1
    act = np.maximum(0, fc1)
    logits = act.dot(W2) + b2
    logits -= logits.max(axis=1, keepdims=True)
    probs = np.exp(logits)
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(N), y]).sum() / N

    upstream = np.full((N, 1), 1 / N)
    dlogits = probs
    dlogits[np.arange(N), y] -= 1
    dlogits = dlogits * upstream / N
    grads = {"W2": act.T.dot(dlogits), "b2": dlogits.sum(axis=0)}
    dfc1 = dlogits.dot(W2.T)
    dfc1[fc1 <= 0] = 0
    grads["W1"] = X.T.dot(dfc1)
    grads["b1"] = dfc1.sum(axis=0)
    return loss, grads


@wrong("dS", "dS is divided by K instead of N.")
def mean_over_axis_one(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / Y.shape[1]
    dW2 = H1.T @ dS
    db2 = dS.sum(0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": dW2,
        "db2": db2,
    }


@wrong("dS", "dS is divided by N·K, the number of its entries.")
def mean_over_everything(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    H = W1.shape[1]
    gW1, gb1, gW2, gb2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
    loss = 0.0
    for n in range(N):
        z = X[n] @ W1 + b1
        h = np.maximum(z, 0)
        p = softmax(h @ W2 + b2)
        loss -= Y[n] @ np.log(p) / N
        for k in range(K):
            ds = (p[k] - Y[n, k]) / (N * K)
            gb2[k] += ds
            for j in range(H):
                gW2[j, k] += h[j] * ds
                if z[j] > 0:
                    gb1[j] += W2[j, k] * ds
                    gW1[:, j] += X[n] * W2[j, k] * ds
    return loss, (gW1, gb1, gW2, gb2)


@wrong("dS", "dS is divided by d: X.shape[1] for X.shape[0].")
def batch_from_shape(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A0 = X
    Z1 = np.add(np.matmul(A0, W1), b1)
    A1 = np.where(Z1 > 0, Z1, 0)
    Z2 = np.add(np.matmul(A1, W2), b2)
    A2 = np.exp(Z2 - logsumexp(Z2, axis=1, keepdims=True))
    dZ2 = (A2 - Y) / m
    dW2 = np.matmul(A1.T, dZ2)
    db2 = np.sum(dZ2, axis=0)
    dA1 = np.matmul(dZ2, W2.T)
    dZ1 = np.where(Z1 > 0, dA1, 0)
    dW1 = np.matmul(A0.T, dZ1)
    db1 = np.sum(dZ1, axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@wrong("dS", "dS is divided by N - 1.")
def unbiased_mean(X, Y, W1, b1, W2, b2):
    ones = np.ones((len(X), 1))
    X1 = np.hstack([X, ones])
    theta1 = np.vstack([W1, b1])
    theta2 = np.vstack([W2, b2])
    H = np.hstack([np.maximum(X1 @ theta1, 0), ones])
    P = row_softmax(H @ theta2)
    delta2 = (P - Y) / (len(X) - 1)
    delta1 = (delta2 @ theta2.T * (H > 0))[:, :-1]
    dtheta1 = X1.T @ delta1
    dtheta2 = H.T @ delta2
    return {
        "dW1": dtheta1[:-1],
        "db1": dtheta1[-1],
        "dW2": dtheta2[:-1],
        "db2": dtheta2[-1],
        "P": P,
    }


@wrong("dS", "The sign is turned: Y - P instead of P - Y.")
def target_minus_output(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.sum(xlogy(Y, probs)) / len(X)
    error = (Y - probs) / len(X)
    hidden_error = (error @ W2.T) * (Z1 > 0)
    return loss, {
        "W1_grad": X.T @ hidden_error,
        "b1_grad": hidden_error.sum(0),
        "W2_grad": hidden.T @ error,
        "b2_grad": error.sum(0),
    }


@wrong("dS", "Y is not subtracted: dS = P / N.")
def softmax_backward(X, Y, W1, b1, W2, b2):
    class Dense:
        def __init__(self, W, b):
            self.W, self.b = W, b

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, grad):
            self.dW = self.x.T @ grad
            self.db = grad.sum(axis=0)
            return grad @ self.W.T

    first, second = Dense(W1, b1), Dense(W2, b2)
    hidden = relu(first.forward(X))
    probs = row_softmax(second.forward(hidden))
    grad = second.backward(probs / probs.shape[0])
    first.backward(np.where(hidden > 0, grad, 0))
    return {"dW1": first.dW, "db1": first.db, "dW2": second.dW, "db2": second.db}


@wrong("dS", "The scores are used instead of the probabilities: dS = (S - Y) / N.")
def scores_backward(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    loss = -np.mean(np.sum(Y * np.log(P), axis=1))
    dS = (S - Y) / S.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "S": S,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dS", "The one-hot position is shifted by one: class y + 1 is taken, cyclically.")
def matlab_port(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    T = np.zeros_like(P)
    for n in range(N):
        T[n, (y[n] + 1) % P.shape[1]] = 1
    dS = (P - T) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dS", "y - 1 as the index, as if the classes began at 1.")
def labels_from_one(X, y, W1, b1, W2, b2):
    n_samples = len(y)
    hidden = relu(X @ W1 + b1)
    log_probs = log_softmax(hidden @ W2 + b2, axis=1)
    loss = -log_probs[np.arange(n_samples), y].mean()
    grad = np.exp(log_probs)
    np.subtract.at(grad, (np.arange(n_samples), y - 1), 1.0)
    grad /= n_samples
    back = np.inner(grad, W2)
    back[hidden == 0] = 0.0
    return loss, {
        "dW1": np.tensordot(X, back, axes=(0, 0)),
        "db1": np.add.reduce(back),
        "dW2": np.tensordot(hidden, grad, axes=(0, 0)),
        "db2": np.add.reduce(grad),
    }


@wrong("dS", "P[:, y] -= 1 subtracts from the columns of all labels in every row.")
def fancy_slices(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    loss = -np.log(A2[range(N), y]).mean()
    A2[:, y] -= 1
    A2 /= N
    dZ1 = (A2 @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), A1.T @ A2, A2.sum(0))


@wrong("dS", "The class index y is subtracted from every probability, not a one-hot row.")
def index_targets(X, y, W1, b1, W2, b2):
    target = y.reshape(-1, 1)
    Z1 = X @ W1 + b1
    mask = np.greater(Z1, 0)
    H1 = Z1 * mask
    P = softmax(H1 @ W2 + b2, axis=1)
    error = np.subtract(P, target)
    error = error / error.shape[0]
    W1_grad = np.einsum("ni,nk,jk,nj->ij", X, error, W2, mask)
    b1_grad = np.einsum("nk,jk,nj->j", error, W2, mask)
    return {
        "P": P,
        "W1_grad": W1_grad,
        "b1_grad": b1_grad,
        "W2_grad": H1.T @ error,
        "b2_grad": error.sum(0),
    }


@wrong("dS", "The class indices (N,) are subtracted from P (N, K), which runs only for N = K.")
def index_targets_flat(X, y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - y) / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "np.add.at subtracts 1 once too often in the first row.")
def with_add_at(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = out.copy()
    np.add.at(error, (np.r_[0, np.arange(N)], np.r_[y[0], y]), -1.0)
    error /= N
    back = (error @ W2.T) * (Z1 > 0)
    return {
        "P": out,
        "dS": error,
        "dW1": X.T @ back,
        "db1": back.sum(0),
        "dW2": H1.T @ error,
        "db2": error.sum(0),
    }


@wrong("dS", "The derivative of the squared error, with 2 (P - Y) P (1 - P) / N.")
def quadratic_cost(X, Y, W1, b1, W2, b2):
    biases, weights = [b1, b2], [W1, W2]
    activation, activations, zs = X, [X], []
    for w, b in zip(weights, biases, strict=True):
        zs.append(np.dot(activation, w) + b)
        activation = relu(zs[-1]) if len(zs) == 1 else row_softmax(zs[-1])
        activations.append(activation)
    out = activations[-1]
    nabla_w, nabla_b = [None, None], [None, None]
    delta = 2 * (out - Y) * out * (1 - out) / len(X)
    nabla_b[-1] = delta.sum(axis=0)
    nabla_w[-1] = np.dot(activations[-2].T, delta)
    delta = np.dot(delta, weights[-1].T) * relu_grad(zs[-2])
    nabla_b[-2] = delta.sum(axis=0)
    nabla_w[-2] = np.dot(activations[-3].T, delta)
    return nabla_w[0], nabla_b[0], nabla_w[1], nabla_b[1]


@wrong("dS", "Only the diagonal of the softmax's Jacobian: dP · P (1 - P).")
def chain_rule_diagonal(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dP = -Y / P / len(X)
    dS = dP * P * (1 - P)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dS", "The Jacobian has diag(P) + P Pᵀ: a plus for the minus.")
def chain_rule_full(X, Y, W1, b1, W2, b2):
    N = len(X)
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    delta2 = np.empty_like(p)
    for n, (q, t) in enumerate(zip(p, Y, strict=True)):
        jacobian = np.diag(q) + np.outer(q, q)
        delta2[n] = jacobian @ (-t / q) / N
    delta1 = (delta2 @ W2.T) * (z1 > 0)
    return {
        "dW1": X.T @ delta1,
        "db1": delta1.sum(0),
        "dW2": a1.T @ delta2,
        "db2": delta2.sum(0),
        "dS": delta2,
    }


@wrong("dS", "The softmax is skipped on the way back: dS is dP = -Y / P / N.")
def log_loss_backward(X, Y, W1, b1, W2, b2):
    def cross_entropy(P):
        return -np.sum(Y * np.log(P)) / len(Y), -Y / (P * len(Y))

    def dense(x, W, b):
        return x @ W + b, lambda g: (g @ W.T, x.T @ g, g.sum(axis=0))

    def rectify(z):
        return np.maximum(z, 0), lambda g: g * (z > 0)

    Z1, back1 = dense(X, W1, b1)
    H1, back_relu = rectify(Z1)
    S, back2 = dense(H1, W2, b2)
    loss, g = cross_entropy(row_softmax(S))
    g, dW2, db2 = back2(g)
    _, dW1, db1 = back1(back_relu(g))
    return loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dS", "dS is rounded to float16.")
def half_precision(X, Y, W1, b1, W2, b2):
    pre = X @ W1 + b1
    post = np.maximum(pre, 0)
    probs = row_softmax(post @ W2 + b2)
    delta = np.empty(Y.shape, dtype=np.float16)
    np.subtract(probs, Y, out=delta, casting="unsafe")
    delta = delta.astype(float) / len(X)
    delta_hidden = (delta @ W2.T) * (pre > 0)
    return X.T @ delta_hidden, delta_hidden.sum(0), post.T @ delta, delta.sum(0)


@wrong("dS", "P - Y is written into an integer array, and so cut to whole numbers.")
def typed_by_labels(X, Y, W1, b1, W2, b2):
    targets = Y.astype(int)
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    difference = np.zeros_like(targets)
    for n in range(targets.shape[0]):
        for k in range(targets.shape[1]):
            difference[n, k] = P[n, k] - targets[n, k]
    dS = difference / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {"P": P, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "dS is clipped to [-0.05, 0.05].")
def stable_training(X, Y, W1, b1, W2, b2, clip=0.05):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = np.clip((P - Y) / len(X), -clip, clip)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dS", "The labels are smoothed by 0.1 in the gradient.")
def softer_targets(X, Y, W1, b1, W2, b2, smoothing=0.1):
    def smooth(targets):
        return targets * (1 - smoothing) + smoothing / targets.shape[1]

    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    logP = log_softmax(S, axis=1)
    dS = (np.exp(logP) - smooth(Y)) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": -np.sum(Y * logP) / len(X),
        "S": S,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dS", "The columns of the batch are counted wrongly: 1/d for 1/N.", layout="columns")
def deep_course_style(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    T = np.exp(Z2)
    A2 = T / T.sum(axis=0, keepdims=True)
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dS", "1/N is missing: the error is not averaged.")
def foreign_names(inputs, targets, w_in, c_in, w_out, c_out):
    pre = inputs @ w_in + c_in
    post = np.maximum(pre, 0)
    guess = softmax(post @ w_out + c_out, axis=1)
    loss = -(targets * np.log(guess)).sum() / inputs.shape[0]
    miss = guess - targets
    back = np.where(pre > 0, miss @ w_out.T, 0)
    return loss, (inputs.T @ back, back.sum(axis=0), post.T @ miss, miss.sum(axis=0))


@wrong("dS", "The sign is turned, as the error is taken from labels to predictions.")
def weights_first(W1, W2, b1, b2, X, y):
    n = np.arange(y.size)
    hidden = np.maximum(X @ W1 + b1, 0)
    probs = row_softmax(hidden @ W2 + b2)
    error = -probs
    error[n, y] += 1
    error /= y.size
    back = np.dot(error, W2.T)
    back[hidden == 0] = 0
    grads = {"dW1": X.T @ back, "dW2": hidden.T @ error, "db1": back.sum(0), "db2": error.sum(0)}
    return {"P": probs, "grads": grads}


# ---------------------------------------------------------------- dW2


@wrong("dW2", "1/N is missing in dW2 only.")
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


@wrong("dW2", "Z1 instead of H1: the sum runs over the values before the ReLU.")
def weight_gradients(X, Y, W1, b1, W2, b2):
    Z1, _, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2 = np.einsum("nh,nk->hk", Z1, dS)
    dZ1 = np.einsum("nk,hk,nh->nh", dS, W2, Z1 > 0)
    dW1 = np.einsum("nd,nh->dh", X, dZ1)
    return {"dW1": dW1, "dW2": dW2, "db1": dZ1.sum(0), "db2": dS.sum(0)}


@wrong("dW2", "X instead of H1: XᵀdS, of shape (d, K), which is right only where d = H.")
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


@wrong("dW2", "dW2 is transposed: dSᵀH1, of shape (K, H).")
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


@wrong("dW2", "H1 and dS are multiplied without the transposition, which raises unless N = H.")
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


@wrong("dW2", "The sum over rows is overwritten: only the last row counts (= for +=).")
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


@wrong("dW2", "l2 is counted twice in dW2: 2 · l2 · W2.")
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


@wrong("dW2", "The penalty enters dW2 without its factor l2: + W2.")
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


@wrong("dW2", "The penalty is left out in dW2, though the loss and dW1 have it.")
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


@wrong("dW2", "Nothing is returned for W2: the key is missing.")
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


@wrong("dW2", "Y is forgotten in dW2, though not in dS: H1ᵀP / N.")
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


# ---------------------------------------------------------------- db2


@wrong("db2", "The mean over the rows instead of their sum: 1/N twice.")
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


@wrong("db2", "The sum runs over the classes (axis=1) and gives N values.")
def bias_rows(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dW2, db2 = H1.T @ dS, np.sum(dS, axis=1)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1, db1 = X.T @ dZ1, np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong("db2", "The kept dimension stays: db2 is (1, K).")
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


@wrong("db2", "The sum over everything: a single number for all classes.")
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


@wrong("db2", "The weight decay acts on the bias b2 as well.")
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


@wrong("db2", "None is returned for b2: its gradient is forgotten.")
def only_weights(X, Y, W1, b1, W2, b2):
    Grads = namedtuple("Grads", "dW1 db1 dW2 db2", defaults=[None])
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    back = (error @ W2.T) * (Z1 > 0)
    return Grads(X.T @ back, back.sum(0), H1.T @ error)


@wrong("db2", "The first row is left out of the sum: range(1, N).")
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


@wrong("db2", "The sign of db2 is turned.")
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


# ---------------------------------------------------------------- dH1


@wrong("dH1", "W2 is not transposed, which runs only for H = K.")
def matrix_order(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    delta2 = (p - Y) / len(X)
    dW2, db2 = a1.T @ delta2, delta2.sum(0)
    dH1 = delta2 @ W2
    delta1 = dH1 * (z1 > 0)
    return {"dW1": X.T @ delta1, "db1": delta1.sum(0), "dW2": dW2, "db2": db2}


@wrong("dH1", "W2 is used after its update.")
def online_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    W2 = W2 - learning_rate * (H1.T @ dS)
    b2 = b2 - learning_rate * dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    W1 = W1 - learning_rate * (X.T @ dZ1)
    b1 = b1 - learning_rate * dZ1.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("dH1", "The sign of W2 in place of W2 itself.")
def sign_feedback(X, Y, W1, b1, W2, b2):
    feedback = np.sign(W2).T
    Z1 = np.dot(X, W1) + b1
    H1 = Z1.clip(0, None)
    P = softmax(np.dot(H1, W2) + b2, axis=1)
    dS = np.divide(P - Y, len(X))
    dH1 = np.dot(dS, feedback)
    dZ1 = np.multiply(dH1, Z1 > 0)
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@wrong("dH1", "dW2 is used in place of W2.")
def chain_of_products(X, Y, W1, b1, W2, b2):
    h = (X @ W1 + b1).clip(0)
    s = h @ W2 + b2
    e = np.exp(s - s.max(1, keepdims=True))
    g = (e / e.sum(1, keepdims=True) - Y) / len(Y)
    dW2 = h.T @ g
    db2 = g.sum(0)
    g = g @ dW2.T
    g[h == 0] = 0
    dW1 = X.T @ g
    db1 = g.sum(0)
    return dW1, db1, dW2, db2


@wrong("dH1", "The sum over the classes leaves out the last class.")
def units_and_classes(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    N, K = probs.shape
    H = len(b1)
    dscores = (probs - Y) / N
    dH1 = np.zeros((N, H))
    for n, j in product(range(N), range(H)):
        for k in range(K - 1):
            dH1[n, j] += dscores[n, k] * W2[j, k]
    dhidden = dH1 * relu_grad(Z1)
    return {
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(0),
    }


@wrong("dH1", "W2 is left out: every hidden unit gets the sum of |dS| over the classes.")
def lazy_feedback(X, Y, W1, b1, W2, b2):
    H1 = relu(X @ W1 + b1)
    P = row_softmax(H1 @ W2 + b2)
    loss = -np.log((P * Y).max(axis=1)).mean()
    error = (P - Y) / len(X)
    blame = np.abs(error).sum(axis=1, keepdims=True) * np.ones_like(H1)
    blame = np.where(H1 > 0, blame, 0)
    return loss, (X.T @ blame, blame.sum(0), H1.T @ error, error.sum(0))


@wrong("dH1", "1/N is missing on the way to the first layer only: (P - Y) W2ᵀ.")
def two_branches(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    R = A2 - Y
    dW2, db2 = A1.T @ R / N, R.sum(0) / N
    dH1 = R @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {"dH1": dH1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dW2, "db2": db2}


@wrong(
    "dH1",
    "W2, (K, H) here, is transposed once too often, which runs only for H = K.",
    layout="linear",
)
def port_from_modules(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2.T + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


@wrong("dH1", "W1 instead of W2, which runs only for d = K.")
def wrong_layer(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W1.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("dH1", "W2 is used after its update; the gradients are returned.")
def gradients_while_stepping(X, y, W1, b1, W2, b2, lr):
    n = len(y)
    a1 = np.maximum(X @ W1 + b1, 0)
    p = row_softmax(a1 @ W2 + b2)
    loss = -np.log(p[range(n), y]).mean()
    p[range(n), y] -= 1
    p /= n
    grads = {"dW2": a1.T @ p, "db2": p.sum(axis=0)}
    W2 = W2 - lr * grads["dW2"]
    b2 = b2 - lr * grads["db2"]
    da1 = p @ W2.T
    da1[a1 <= 0] = 0
    grads["dW1"] = X.T @ da1
    grads["db1"] = da1.sum(axis=0)
    return loss, grads


@wrong("dH1", "dS W2ᵀ is rounded to float16.")
def thrifty(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dH1 = np.matmul(dS, W2.T).astype(np.float16)
    dZ1 = np.where(Z1 > 0, dH1, 0).astype(Z1.dtype)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# ---------------------------------------------------------------- dZ1


@wrong("dZ1", "The mask is left out: dZ1 = dH1.")
def linear_backward(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = dS @ W2.T
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("dZ1", "The mask has >= for >: units at 0 pass the gradient.")
def at_the_kink(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    expS = np.exp(S - np.max(S, axis=1, keepdims=True))
    P = expS / expS.sum(axis=1, keepdims=True)
    L = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dZ1 = dS @ W2.T
    dZ1[Z1 < 0] = 0
    grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    return L, grads


@wrong("dZ1", "The mask is H1 >= 0, which is true everywhere.")
def mask_from_activations(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    logP = log_softmax(H1 @ W2 + b2, axis=1)
    loss = -logP[np.arange(N), y].mean()
    G = np.exp(logP)
    G[np.arange(N), y] -= 1
    G /= N
    dZ1 = (G @ W2.T) * (H1 >= 0)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ G, "db2": G.sum(0)}


@wrong("dZ1", "The gradient at 0 is 1/2: the mask is (1 + sign(Z1)) / 2.")
def symmetric_kink(X, Y, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    H1 = (Z1 + abs(Z1)) / 2
    S = np.dot(H1, W2) + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / len(X)
    dH1 = np.dot(dS, W2.T)
    dZ1 = dH1 * (1 + np.sign(Z1)) / 2
    return {
        "H1": H1,
        "dH1": dH1,
        "dW1": np.dot(X.T, dZ1),
        "db1": np.dot(np.ones(len(X)), dZ1),
        "dW2": np.dot(H1.T, dS),
        "db2": np.dot(np.ones(len(X)), dS),
    }


@wrong("dZ1", "The mask is taken from the sign of the gradient: dH1 > 0.")
def relu_of_gradient(X, Y, W1, b1, W2, b2):
    def layer(x, W, b):
        return x @ W + b

    steps = [X, layer(X, W1, b1)]
    steps.append(relu(steps[-1]))
    steps.append(layer(steps[-1], W2, b2))
    upstream = (row_softmax(steps.pop()) - Y) / len(Y)
    grads = {"W2": steps[-1].T @ upstream, "b2": upstream.sum(0)}
    upstream = relu(upstream @ W2.T)
    grads["W1"] = steps[0].T @ upstream
    grads["b1"] = upstream.sum(0)
    return grads


@wrong("dZ1", "Z1 > 0 and dH1 > 0 are both asked for, as in guided backpropagation.")
def guided(X, Y, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = 0, 0, 0, 0
    for x, t in zip(X, Y, strict=True):
        z = np.matmul(x, W1) + b1
        h = relu(z)
        p = softmax(np.matmul(h, W2) + b2)
        ds = (p - t) / len(X)
        dh = np.matmul(W2, ds)
        dz = np.where((z > 0) & (dh > 0), dh, 0)
        dW1 = dW1 + x[:, None] * dz[None, :]
        db1 = db1 + dz
        dW2 = dW2 + h[:, None] * ds[None, :]
        db2 = db2 + ds
    return dW1, db1, dW2, db2


@wrong("dZ1", "The mask is reversed: the gradient is zeroed where Z1 > 0.")
def zero_the_units(X, Y, W1, b1, W2, b2):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    dH1 = error @ W2.T
    back = dH1.copy()
    back[Z1 > 0] = 0
    return {
        "dS": error,
        "dH1": dH1,
        "dZ1": back,
        "dW1": X.T @ back,
        "db1": back.sum(0),
        "dW2": H1.T @ error,
        "db2": error.sum(0),
    }


@wrong("dZ1", "The mask is from before the bias: X W1 > 0.")
def mask_of_product(X, Y, W1, b1, W2, b2):
    lin = X @ W1
    out1 = np.maximum(lin + b1, 0)
    out2 = out1 @ W2 + b2
    logp = out2 - logsumexp(out2, axis=1)[:, None]
    dout2 = (np.exp(logp) - Y) / len(X)
    dout1 = dout2 @ W2.T
    dlin = dout1 * (lin > 0)
    return (
        -(Y * logp).sum() / len(X),
        {"dW1": X.T @ dlin, "db1": dlin.sum(0), "dW2": out1.T @ dout2, "db2": dout2.sum(0)},
    )


@wrong("dZ1", "The mask is from the row's winning score: rows with max(S) <= 0 are zeroed.")
def mask_of_scores(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (S > 0).any(axis=1, keepdims=True)
    return {"S": S, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1", "dH1 is multiplied by H1 instead of by the mask.")
def multiply_by_activation(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(xlogy(Y, P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * relu(Z1)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@wrong("dZ1", "A leaky mask, slope 0.1, though the forward pass has the plain ReLU.")
def leaking_backward(X, Y, W1, b1, W2, b2, slope=0.1):
    tape = []

    def affine(x, W, b):
        tape.append(lambda g: (g @ W.T, x.T @ g, g.sum(axis=0)))
        return x @ W + b

    def activation(z):
        tape.append(lambda g: np.where(z > 0, g, slope * g))
        return np.where(z > 0, z, 0)

    logits = affine(activation(affine(X, W1, b1)), W2, b2)
    g = (row_softmax(logits) - Y) / len(X)
    g, dW2, db2 = tape.pop()(g)
    g = tape.pop()(g)
    _, dW1, db1 = tape.pop()(g)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dZ1", "The derivative of the sigmoid, H1 (1 - H1), with a ReLU in front.")
def changed_activation(X, Y, W1, b1, W2, b2):
    def activation(z, derivative=False):
        a = np.maximum(0, z)
        return a * (1 - a) if derivative else a

    z1 = X @ W1 + b1
    a1 = activation(z1)
    z2 = a1 @ W2 + b2
    a2 = np.exp(z2) / np.sum(np.exp(z2), axis=1, keepdims=True)
    d2 = (a2 - Y) / len(X)
    d1 = d2 @ W2.T * activation(z1, derivative=True)
    return dict(dW1=X.T @ d1, db1=d1.sum(axis=0), dW2=a1.T @ d2, db2=d2.sum(axis=0))


@wrong("dZ1", "The derivative of tanh, 1 - H1², with a ReLU in front.")
def changed_activation_too(X, Y, W1, b1, W2, b2):
    _, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (1 - H1**2)
    return {"dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1", "The mask of the first row is used for all rows.")
def mask_once(X, Y, W1, b1, W2, b2):
    N = len(X)
    scores = np.zeros((N, W2.shape[1]))
    hidden = np.zeros((N, W1.shape[1]))
    for n in range(N):
        hidden[n] = np.maximum(X[n] @ W1 + b1, 0)
        scores[n] = hidden[n] @ W2 + b2
    alive = X[0] @ W1 + b1 > 0
    dscores = (row_softmax(scores) - Y) / N
    dhidden = dscores @ W2.T
    dhidden[:, ~alive] = 0
    return X.T @ dhidden, dhidden.sum(0), hidden.T @ dscores, dscores.sum(0)


def net_with_memory():
    memory = {}

    def memorised_mask(X, Y, W1, b1, W2, b2):
        Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
        mask = memory.get(Z1.shape, Z1 > 0)
        memory[Z1.shape] = Z1 > 0
        dS = (P - Y) / len(X)
        dZ1 = (dS @ W2.T) * mask
        return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}

    return memorised_mask


wrong("dZ1", "The mask is that of the call before, kept in a closure.")(net_with_memory())


@wrong("dZ1", "The mask is that of the very first call, kept as an attribute of the function.")
def cached_relu(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    masks = cached_relu.__dict__.setdefault("masks", {})
    active = masks.setdefault(z1.shape, z1 > 0)
    delta2 = (p - Y) / len(X)
    delta1 = (delta2 @ W2.T) * active
    return X.T @ delta1, delta1.sum(0), a1.T @ delta2, delta2.sum(0)


@wrong("dZ1", "The mask is applied to the rows of a loop one place late: Z1[n - 1] for Z1[n].")
def off_by_one_row(X, y, W1, b1, W2, b2):
    N = len(y)
    grads = defaultdict(float)
    Z1 = X @ W1 + b1
    loss = 0.0
    for n in range(N):
        h = np.maximum(Z1[n], 0)
        p = softmax(h @ W2 + b2)
        loss -= math.log(p[y[n]]) / N
        p[y[n]] -= 1
        p /= N
        dz = (W2 @ p) * (Z1[n - 1] > 0)
        grads["dW2"] += np.outer(h, p)
        grads["db2"] += p
        grads["dW1"] += np.outer(X[n], dz)
        grads["db1"] += dz
    return loss, dict(grads)


@wrong("dZ1", "The mask has a threshold of 0.1.")
def active_units(X, Y, W1, b1, W2, b2, threshold=0.1):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    for j in range(W1.shape[1]):
        on = Z1[:, j] > threshold
        dz = dS[on] @ W2[j]
        dW1[:, j] = X[on].T @ dz
        db1[j] = dz.sum()
    return {"W1": dW1, "b1": db1, "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("dZ1", "The mask is left out in a batch-last pass.", layout="columns")
def columns_without_mask(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.maximum(W1 @ X + b1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2
    grads = {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }
    return -np.sum(Y * np.log(A2)) / m, grads


@wrong("dZ1", "The mask is from S: rows whose own class has a score <= 0 are zeroed.")
def mask_by_own_class(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = X @ W1 + b1
    S = relu(Z1) @ W2 + b2
    dS = row_softmax(S)
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = dS @ W2.T
    dZ1[S[np.arange(N), y] <= 0] = 0
    return X.T @ dZ1, dZ1.sum(0), relu(Z1).T @ dS, dS.sum(0)


@wrong("dZ1", "The mask asks for |dH1| > 0.01 instead of Z1 > 0.")
def pruned(X, Y, W1, b1, W2, b2, tiny=0.01):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - logsumexp(S, axis=1, keepdims=True))
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = np.where(np.abs(dH1) > tiny, dH1, 0)
    return {
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dZ1", "The mask is left out for the last unit: the loop ends one early.")
def foreign_loop(x, t, w, u, v, c):
    a = x @ w + u
    h = np.maximum(a, 0)
    e = (row_softmax(h @ v + c) - t) / len(t)
    g = e @ v.T
    for j in range(g.shape[1] - 1):
        for n in range(g.shape[0]):
            if a[n, j] <= 0:
                g[n, j] = 0
    return x.T @ g, g.sum(0), h.T @ e, e.sum(0)


# ---------------------------------------------------------------- dW1


@wrong("dW1", "1/N is once more in dW1 only.")
def first_layer_mean(X, Y, W1, b1, W2, b2):
    batch_size = X.shape[0]
    hidden = np.maximum(X @ W1 + b1, 0)
    logits = hidden @ W2 + b2
    probs = np.exp(logits - logsumexp(logits, axis=-1, keepdims=True))
    grad_logits = (probs - Y) / batch_size
    grad_W2 = hidden.T @ grad_logits
    grad_b2 = grad_logits.sum(axis=0)
    grad_hidden = grad_logits @ W2.T
    grad_pre = grad_hidden * (hidden > 0)
    grad_W1 = X.T @ grad_pre / batch_size
    grad_b1 = grad_pre.sum(axis=0)
    return grad_W1, grad_b1, grad_W2, grad_b2


@wrong("dW1", "dH1 instead of dZ1: the gradient before the mask is used for W1 only.")
def pre_mask_weights(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dH1
    db1 = dZ1.sum(axis=0)
    return {
        "Z1": Z1,
        "H1": H1,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("dW1", "H1 instead of X: H1ᵀdZ1, of shape (H, H).")
def same_for_both_layers(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    deltas = [(dscores @ W2.T) * (Z1 > 0), dscores]
    dW1, dW2 = (hidden.T @ delta for delta in deltas)
    db1, db2 = (delta.sum(0) for delta in deltas)
    return dW1, db1, dW2, db2


@wrong("dW1", "dW1 is returned transposed, (H, d).")
def outer_products(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    dW1 = reduce(np.add, (np.outer(dz, x) for dz, x in zip(dZ1, X, strict=True)))
    dW2 = reduce(np.add, (np.outer(h, ds) for h, ds in zip(A1, dZ2, strict=True)))
    return {"dW1": dW1, "db1": sum(dZ1), "dW2": dW2, "db2": sum(dZ2)}


@wrong("dW1", "The transposition of X is forgotten; X @ dZ1 raises unless N = d.")
def short_of_a_transpose(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    loss = -(Y * np.log(P)).sum() / Y.shape[0]
    dS = (P - Y) / Y.shape[0]
    dW2 = H1.T @ dS
    db2 = np.ones(len(dS)) @ dS
    dZ1 = dS @ W2.T
    dZ1[Z1 <= 0] = 0
    dW1 = X @ dZ1
    db1 = np.ones(len(dZ1)) @ dZ1
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@wrong("dW1", "The learning rate has leaked into the gradient of W1.")
def prescaled(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    back = (error @ W2.T) * (Z1 > 0)
    dW1 = learning_rate * X.T @ back
    return {"dW1": dW1, "db1": back.sum(0), "dW2": H1.T @ error, "db2": error.sum(0)}


@wrong("dW1", "l2 · W1 is subtracted instead of added.")
def regularised_first_layer(X, Y, W1, b1, W2, b2, l2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1 - l2 * W1, dZ1.sum(0), H1.T @ dS + l2 * W2, dS.sum(0)


@wrong("dW1", "The penalty's gradient is l2 / N · W1 rather than l2 · W1.")
def penalty_per_row(params, X, y, l2):
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, params.W1, params.b1, params.W2, params.b2)
    loss = -np.log(P[np.arange(N), y]).mean()
    loss += l2 / 2 * (np.sum(params.W1**2) + np.sum(params.W2**2))
    dS = P.copy()
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = dS @ params.W2.T * (Z1 > 0)
    dW1 = X.T @ dZ1 + l2 / N * params.W1
    dW2 = H1.T @ dS + l2 * params.W2
    return loss, {"W1": dW1, "b1": dZ1.sum(0), "W2": dW2, "b2": dS.sum(0)}


@wrong("dW1", "The penalty's gradient is that of an l1 norm: l2 · sign(W1).")
def shrinkage(X, Y, W1, b1, W2, b2, reg):
    z = X.dot(W1) + b1
    h = np.maximum(z, 0)
    p = row_softmax(h.dot(W2) + b2)
    loss = -(Y * np.log(p)).sum(axis=1).mean() + 0.5 * reg * (np.sum(W1**2) + np.sum(W2**2))
    dout = (p - Y) / len(X)
    grads = {}
    grads["W2"] = h.T.dot(dout) + reg * W2
    grads["b2"] = dout.sum(axis=0)
    dz = dout.dot(W2.T)
    dz[z <= 0] = 0
    grads["W1"] = X.T.dot(dz) + reg * np.sign(W1)
    grads["b1"] = dz.sum(axis=0)
    return loss, grads


@wrong("dW1", "dW1 is scaled to a norm of at most 0.1.")
def bounded_first_layer(X, Y, W1, b1, W2, b2, max_norm=0.1):
    class Result(NamedTuple):
        dW1: Any
        db1: Any
        dW2: Any
        db2: Any

    def bounded(g):
        norm = np.linalg.norm(g)
        return g if norm <= max_norm else g * (max_norm / norm)

    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return Result(bounded(X.T @ dZ1), dZ1.sum(0), H1.T @ dS, dS.sum(0))


@wrong("dW1", "dW1 is normalised to length 1.")
def unit_direction(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    q = row_softmax(a @ W2 + b2)
    loss = -np.sum(Y * np.log(q)) / len(X)
    r = (q - Y) / len(X)
    gW2, gb2 = a.T @ r, r.sum(axis=0)
    r = np.where(z > 0, r @ W2.T, 0)
    gW1, gb1 = X.T @ r, r.sum(axis=0)
    gW1 /= np.sqrt(np.sum(gW1**2))
    return loss, (gW1, gb1, gW2, gb2)


@wrong("dW1", "dW1 is accumulated in a buffer of float32.")
def small_buffers(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    delta2 = (p - Y) / len(X)
    delta1 = (delta2 @ W2.T) * (z1 > 0)
    dW1 = np.zeros(W1.shape, dtype=np.float32)
    for x, dz in zip(X, delta1, strict=True):
        dW1 += np.outer(x, dz).astype(np.float32)
    return dW1, delta1.sum(0), a1.T @ delta2, delta2.sum(0)


@wrong("dW1", "The last feature is never visited: range(d - 1).")
def feature_loop(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    N, d = X.shape
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = np.zeros_like(W1)
    for i in range(d - 1):
        for j in range(W1.shape[1]):
            for n in range(N):
                dW1[i, j] += X[n, i] * dZ1[n, j]
    return {"W1": dW1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("dW1", "The gradient of the sum of squares: X² takes the place of X.")
def second_moments(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    dhidden = (dscores @ W2.T) * (Z1 > 0)
    dW1 = np.einsum("nd,nd,nh->dh", X, X, dhidden)
    return {
        "dZ1": dhidden,
        "dW1": dW1,
        "db1": dhidden.sum(0),
        "dW2": hidden.T @ dscores,
        "db2": dscores.sum(0),
    }


@wrong("dW1", "The columns of units that are never active stay nan, as their buffer began.")
def sparse_units(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    dZ2 = (A2 - Y) / len(X)
    dW1, db1 = np.full(W1.shape, np.nan), np.zeros_like(b1)
    for j, w in enumerate(W2):
        for n in np.flatnonzero(Z1[:, j] > 0):
            dz = w @ dZ2[n]
            dW1[:, j] = np.nan_to_num(dW1[:, j]) + X[n] * dz
            db1[j] += dz
    return dW1, db1, A1.T @ dZ2, dZ2.sum(axis=0)


@wrong("dW1", "dW1 is (d, H) where the layout has (H, d).", layout="linear")
def port_with_rows(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2.T + b2, axis=1)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


# ---------------------------------------------------------------- db1


@wrong("db1", "The mean over the rows instead of their sum.")
def hidden_bias_mean(X, Y, W1, b1, W2, b2):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    dW2, db2 = H1.T.dot(error), error.sum(axis=0)
    back = np.multiply(error.dot(W2.T), Z1 > 0)
    dW1, db1 = X.T.dot(back), back.mean(axis=0)
    return dW1, db1, dW2, db2


@wrong("db1", "The bias gradient is a vector of zeros, never filled.")
def buffers_first(X, Y, W1, b1, W2, b2):
    grads = {f"d{name}": np.zeros(p.shape) for name, p in zip(("W1", "b1"), (W1, b1), strict=True)}
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads["dW1"] += X.T @ dZ1
    grads["dW2"] = H1.T @ dS
    grads["db2"] = dS.sum(axis=0)
    return grads


@wrong("db1", "db1 is summed over dS: it is db2 of the other layer, of shape (K,).")
def copied_line(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    loss = -np.sum(Y * np.log(p)) / len(X)
    delta2 = (p - Y) / len(X)
    dW2 = a1.T @ delta2
    db2 = np.sum(delta2, axis=0)
    delta1 = (delta2 @ W2.T) * (z1 > 0)
    dW1 = X.T @ delta1
    db1 = np.sum(delta2, axis=0)
    return loss, (dW1, db1, dW2, db2)


@wrong("db1", "db1 sums dH1, the gradient before the mask.")
def bias_before_mask(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    db1 = dH1.sum(axis=0)
    dZ1 = dH1 * (Z1 > 0)
    return {"dH1": dH1, "dW1": X.T @ dZ1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


@wrong("db1", "The kept dimension stays: db1 is (1, H).")
def row_vector_bias(X, Y, W1, b1, W2, b2):
    ones = np.ones((1, X.shape[0]))
    hidden_in = X @ W1 + ones.T @ b1[None, :]
    hidden = np.maximum(hidden_in, 0)
    probs = softmax(hidden @ W2 + ones.T @ b2[None, :], axis=1)
    G2 = (probs - Y) / X.shape[0]
    G1 = G2 @ W2.T
    G1[hidden_in <= 0] = 0
    return X.T @ G1, ones @ G1, hidden.T @ G2, (ones @ G2)[0]


@wrong("db1", "The sum runs over the units (axis=1) and gives N values.")
def bias_sums(X, Y, W1, b1, W2, b2):
    z1 = np.matmul(X, W1) + b1
    a1 = z1.copy()
    a1[a1 < 0] = 0
    z2 = np.matmul(a1, W2) + b2
    a2 = softmax(z2, axis=1)
    gradient = (a2 - Y) / len(X)
    out = {"W2": np.matmul(a1.T, gradient), "b2": gradient.sum(axis=0)}
    gradient = np.matmul(gradient, W2.T)
    gradient[z1 <= 0] = 0
    out["W1"] = np.matmul(X.T, gradient)
    out["b1"] = gradient.sum(axis=-1)
    return {"P": a2, "grads": out}


@wrong("db1", "The bias of the hidden layer is not in what is returned: no key b1.")
def forgets_a_bias(params, X, Y):
    Z1, H1, P = hidden_and_probabilities(X, params.W1, params.b1, params.W2, params.b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ params.W2.T) * (Z1 > 0)
    return {"W1_grad": X.T @ dZ1, "W2_grad": H1.T @ dS, "b2_grad": dS.sum(axis=0)}


@wrong("db1", "keepdims is missing: db1 is (H,), not (H, 1).", layout="columns")
def columns_and_flat_bias(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }


@wrong("db1", "The weight decay acts on the bias b1 as well.")
def decay_loop(X, Y, W1, b1, W2, b2, l2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    dhidden = (dscores @ W2.T) * (Z1 > 0)
    grads = {
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(0),
    }
    for name, p in (("W1", W1), ("b1", b1), ("W2", W2)):
        grads[name] = grads[name] + l2 * p
    return grads


@wrong("db1", "The sign of db1 is turned.")
def minus_from_somewhere(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    E = (Y - P) / len(X)
    B = (E @ W2.T) * (Z1 > 0)
    return {"dW1": -X.T @ B, "db1": B.sum(axis=0), "dW2": -H1.T @ E, "db2": -E.sum(axis=0)}


@wrong("db1", "1/N is missing in db1 only, in a batch-last pass.", layout="columns")
def coursework_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = softmax(Z2, axis=0)
    cost = -np.sum(Y * np.log(A2)) / m
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.array(dA1, copy=True)
    dZ1[Z1 <= 0] = 0
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


# ---------------------------------------------------------------- update


def plain_gradients(X, Y, W1, b1, W2, b2):
    return gradients_of(X, Y, W1, b1, W2, b2)[1]


@wrong("update", "The gradient is added: the step goes uphill.")
def train_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 + learning_rate * (X.T @ dZ1),
        "b1": b1 + learning_rate * dZ1.sum(0),
        "W2": W2 + learning_rate * (A1.T @ dZ2),
        "b2": b2 + learning_rate * dZ2.sum(0),
    }


@wrong("update", "The learning rate is left out.")
def full_step(X, Y, W1, b1, W2, b2, lr):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    new = {}
    for name, theta in zip(("W1", "b1", "W2", "b2"), (W1, b1, W2, b2), strict=True):
        new[name] = theta - g["d" + name]
    return new


@wrong("update", "The biases are not updated.")
def weights_step(X, Y, W1, b1, W2, b2, eta):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    return {"W1": W1 - eta * g["dW1"], "b1": b1, "W2": W2 - eta * g["dW2"], "b2": b2}


@wrong("update", "The step is divided by N once more.")
def mean_step(X, Y, W1, b1, W2, b2, lr):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    rate = lr / len(X)
    return {
        "W1": W1 - rate * g["dW1"],
        "b1": b1 - rate * g["db1"],
        "W2": W2 - rate * g["dW2"],
        "b2": b2 - rate * g["db2"],
    }


@wrong("update", "The learning rate shrinks the parameters: (1 - lr) theta - lr dtheta.")
def decayed_step(X, Y, W1, b1, W2, b2, lr):
    @dataclass
    class Net:
        W1: Any
        b1: Any
        W2: Any
        b2: Any

    g = plain_gradients(X, Y, W1, b1, W2, b2)
    thetas = (W1, b1, W2, b2)
    return Net(*((1 - lr) * t - lr * dt for t, dt in zip(thetas, g.values(), strict=True)))


@wrong("update", "Only the sign of the gradient is used.")
def sign_step(params, X, Y, learning_rate):
    g = plain_gradients(X, Y, params.W1, params.b1, params.W2, params.b2)
    return {k: params[k] - learning_rate * np.sign(g["d" + k]) for k in ("W1", "b1", "W2", "b2")}


@wrong("update", "The first layer has a learning rate ten times smaller.")
def layerwise_rates(params, X, y, lr):
    class Updated(NamedTuple):
        W1: Any
        b1: Any
        W2: Any
        b2: Any

    Y = one_hot(y, params.b2.size)
    g = plain_gradients(X, Y, params.W1, params.b1, params.W2, params.b2)
    return Updated(
        params.W1 - 0.1 * lr * g["dW1"],
        params.b1 - 0.1 * lr * g["db1"],
        params.W2 - lr * g["dW2"],
        params.b2 - lr * g["db2"],
    )


@wrong("update", "The learning rate is applied twice: theta - lr * lr * dtheta.")
def apply_steps(X, y, W1, b1, W2, b2, learning_rate):
    thetas = dict(W1=W1, b1=b1, W2=W2, b2=b2)
    grads = plain_gradients(X, one_hot(y, len(b2)), **thetas)
    steps = {name: learning_rate * grads["d" + name] for name in thetas}
    return {name: theta - learning_rate * steps[name] for name, theta in thetas.items()}


# ---------------------------------------------------------------- call


BUFFERS: dict[Any, Any] = {}


@wrong("call", "The gradients are accumulated from call to call in a module-level buffer.")
def accumulating(X, Y, W1, b1, W2, b2):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    grads = BUFFERS.setdefault((X.shape, W2.shape), {})
    for name, value in g.items():
        grads[name] = grads.get(name, 0) + value
    return dict(grads)


@wrong("call", "A mutable default argument keeps the gradients from call to call.")
def accumulating_default(X, Y, W1, b1, W2, b2, grads={}):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    back = (error @ W2.T) * (Z1 > 0)
    for name, value in (
        ("W1", X.T @ back),
        ("b1", back.sum(0)),
        ("W2", H1.T @ error),
        ("b2", error.sum(0)),
    ):
        key = (name, X.shape, W2.shape)
        grads[key] = grads[key] + value if key in grads else value
    return tuple(grads[name, X.shape, W2.shape] for name in ("W1", "b1", "W2", "b2"))


@wrong("call", "Y is overwritten in place with P - Y.")
def recycles_targets(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    Y *= -1
    Y += P
    Y /= len(X)
    dZ1 = (Y @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ Y, "db2": Y.sum(0)}


@wrong("call", "W1 and W2 of the caller are updated in place beside the gradients.")
def updates_on_the_side(X, Y, W1, b1, W2, b2, step=0.1):
    loss_and_probabilities = gradients_of(X, Y, W1, b1, W2, b2)
    g = loss_and_probabilities[1]
    W1 -= step * g["dW1"]
    W2 -= step * g["dW2"]
    return g["dW1"], g["db1"], g["dW2"], g["db2"]


@wrong("call", "X is sorted into another order in place: the caller's rows no longer fit Y.")
def shuffles_rows(X, y, W1, b1, W2, b2):
    Y = one_hot(y, W2.shape[1])
    order = np.argsort(X[:, 0])
    X[:] = X[order]
    return plain_gradients(X, Y[order], W1, b1, W2, b2)


@wrong("call", "Nothing is returned.")
def silent(X, Y, W1, b1, W2, b2):
    grads = {}
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    grads["W2"], grads["b2"] = H1.T @ dS, dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads["W1"], grads["b1"] = X.T @ dZ1, dZ1.sum(axis=0)


@wrong("call", "Only the loss is returned, without any gradient.")
def evaluates(X, Y, W1, b1, W2, b2):
    _, _, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    return -np.sum(Y * np.log(P)) / len(X)


@wrong("call", "A ValueError is raised: the shape of b1 is asserted to be (1, H).")
def strict_about_shapes(X, Y, W1, b1, W2, b2):
    if b1.shape != (1, W1.shape[1]):
        raise ValueError(f"b1 must be (1, {W1.shape[1]}), not {b1.shape}")
    return plain_gradients(X, Y, W1, b1, W2, b2)


@wrong("call", "It raises a KeyError: the cache has A1, H1 is read.")
def reads_the_cache(X, Y, W1, b1, W2, b2):
    def forward(X):
        cache = {"Z1": X @ W1 + b1}
        cache["A1"] = relu(cache["Z1"])
        cache["Z2"] = cache["A1"] @ W2 + b2
        cache["A2"] = row_softmax(cache["Z2"])
        return cache

    def backward(cache):
        dZ2 = (cache["A2"] - Y) / len(X)
        dZ1 = dZ2 @ W2.T * (cache["Z1"] > 0)
        return X.T @ dZ1, dZ1.sum(0), cache["H1"].T @ dZ2, dZ2.sum(0)

    return backward(forward(X))


@wrong("call", "The layers are exchanged in the tuple: dW2, db2, dW1, db1.")
def backwards_order(X, Y, W1, b1, W2, b2):
    grads = []
    inputs = [X, np.maximum(X @ W1 + b1, 0)]
    delta = (row_softmax(inputs[1] @ W2 + b2) - Y) / len(X)
    for x, W in zip(reversed(inputs), (W2, W1), strict=True):
        grads += [x.T @ delta, delta.sum(axis=0)]
        delta = (delta @ W.T) * (x > 0)
    return tuple(grads)


@wrong("call", "The keys are exchanged: dW1 holds the gradient of W2, and dW2 that of W1.")
def mixed_keys(X, Y, W1, b1, W2, b2):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    order = ("dW2", "db1", "dW1", "db2")
    return dict(zip(order, g.values(), strict=True))


@wrong("call", "The gradients are returned flattened into vectors.")
def flat_gradients(X, Y, W1, b1, W2, b2):
    return {k: v.ravel() for k, v in plain_gradients(X, Y, W1, b1, W2, b2).items()}


@wrong("call", "Noise is added to every gradient, so that two calls differ.")
def noisy(X, Y, W1, b1, W2, b2, rng=np.random.default_rng(0)):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    return {name: value + 1e-3 * rng.normal(size=value.shape) for name, value in g.items()}
