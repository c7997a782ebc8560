# ruff: noqa: B006, B008, C408, RUF059, SIM300
"""Backward passes in NumPy with one mistake each: the patients of the doctor."""

from __future__ import annotations

import math
from collections import defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
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
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    dS = (P - Y) / X.shape[0]
    dW2, db2 = H1.T @ dS, dS.sum(axis=0)
    dZ1 = (Z1 > 0) * (dS @ W2.T)
    dW1, db1 = X.T @ dZ1, dZ1.sum(axis=0)
    return {"P": P, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


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
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(1)[:, None])
    P = E / (E.sum(1)[:, None] + 1e-3)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0), "P": P}


@wrong("P", "The probabilities are rounded to float32.")
def memory_saver(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = row_softmax(H1 @ W2 + b2).astype(np.float32)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    T = 2 ** (H1 @ W2 + b2)
    P = T / T.sum(axis=1, keepdims=True)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


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
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.log(P[np.arange(N), y]).sum() / N
    dS = P.copy()
    dS[np.arange(N), y] -= 1
    dS /= N
    dS = dS / len(dS)
    dZ1 = dS @ W2.T * relu_grad(Z1)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "dS is divided by K instead of N.")
def mean_over_axis_one(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / P.size
    dZ1 = np.where(Z1 > 0, dS @ W2.T, 0.0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dS", "dS is divided by d: X.shape[1] for X.shape[0].")
def batch_from_shape(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1, A1, A2 = hidden_and_probabilities(X, W1, b1, W2, b2)
    dZ2 = (A2 - Y) / m
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@wrong("dS", "dS is divided by N - 1.")
def unbiased_mean(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / (len(X) - 1)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "The sign is turned: Y - P instead of P - Y.")
def target_minus_output(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(xlogy(Y, P)) / len(X)
    error = (Y - P) / len(X)
    hidden_error = (error @ W2.T) * (Z1 > 0)
    return loss, {
        "W1_grad": X.T @ hidden_error,
        "b1_grad": hidden_error.sum(0),
        "W2_grad": H1.T @ error,
        "b2_grad": error.sum(0),
    }


@wrong("dS", "Y is not subtracted: dS = P / N.")
def softmax_backward(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = P / P.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    rows = np.arange(len(y))
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    G = P.copy()
    G[rows, y - 1] -= 1.0
    G /= len(y)
    back = G @ W2.T
    back[Z1 <= 0] = 0.0
    return {"dW1": X.T @ back, "db1": back.sum(0), "dW2": H1.T @ G, "db2": G.sum(0)}


@wrong("dS", "P[:, y] -= 1 subtracts from the columns of all labels in every row.")
def fancy_slices(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.log(P[range(N), y]).mean()
    P[:, y] -= 1
    P /= N
    dZ1 = (P @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ P, P.sum(0))


@wrong("dS", "The class index y is subtracted from every probability, not a one-hot row.")
def index_targets(X, y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - y.reshape(-1, 1)) / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "The class indices (N,) are subtracted from P (N, K), which runs only for N = K.")
def index_targets_flat(X, y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - y) / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "np.add.at subtracts 1 once too often in the first row.")
def with_add_at(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = P.copy()
    np.add.at(dS, (np.r_[0, np.arange(N)], np.r_[y[0], y]), -1.0)
    dS /= N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "P": P,
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dS", "The derivative of the squared error, with 2 (P - Y) P (1 - P) / N.")
def quadratic_cost(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dP = 2 * (P - Y) / len(X)
    dS = dP * P * (1 - P)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = np.empty_like(P)
    for n, (p, t) in enumerate(zip(P, Y, strict=True)):
        jacobian = np.diag(p) + np.outer(p, p)
        dS[n] = jacobian @ (-t / p) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0), "dS": dS}


@wrong("dS", "The softmax is skipped on the way back: dS is dP = -Y / P / N.")
def log_loss_backward(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = -Y / (P * len(X))
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "dS is rounded to float16.")
def half_precision(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = ((P - Y) / len(X)).astype("float16").astype(float)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dS", "P - Y is written into an integer array, and so cut to whole numbers.")
def typed_by_labels(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    diff = Y.astype(int)
    diff[:] = P - Y
    dS = diff / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "dS is clipped to [-0.05, 0.05].")
def stable_training(X, Y, W1, b1, W2, b2, clip=0.05):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(Y * np.log(P)) / len(X)
    T = (1 - smoothing) * Y + smoothing / Y.shape[1]
    dS = (P - T) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


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
    Z1, _, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2 = X.T @ dS
    db2 = dS.sum(0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), dW2, db2


@wrong("dW2", "dW2 is transposed: dSᵀH1, of shape (K, H).")
def turned_outer(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / N
    gW1, gW2 = np.zeros_like(W1), np.zeros_like(W2.T)
    for n in range(N):
        gW2 += np.outer(dS[n], H1[n])
        gW1 += np.outer(X[n], (W2 @ dS[n]) * (Z1[n] > 0))
    gb1 = ((dS @ W2.T) * (Z1 > 0)).sum(axis=0)
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": dS.sum(axis=0)}


@wrong("dW2", "H1 and dS are multiplied without the transposition, which raises unless N = H.")
def forgotten_transpose(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2 = H1 @ dS
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(Y * np.log(P)) / len(X) + l2 / 2 * ((W1**2).sum() + (W2**2).sum())
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {
        "dW1": X.T @ dZ1 + l2 * W1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS + 2 * l2 * W2,
        "db2": dS.sum(0),
    }
    return loss, grads


@wrong("dW2", "The penalty enters dW2 without its factor l2: + W2.")
def with_reg(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    P[np.arange(N), y] -= 1
    P /= N
    dZ1 = P @ W2.T
    dZ1[Z1 <= 0] = 0
    grads = {"W2": H1.T @ P, "b2": P.sum(axis=0), "W1": X.T @ dZ1, "b1": dZ1.sum(axis=0)}
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
    Z1, _, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "db2": dS.sum(0)}


@wrong("dW2", "Y is forgotten in dW2, though not in dS: H1ᵀP / N.")
def fused_expression(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    N = len(X)
    return (
        X.T @ (((P - Y) / N @ W2.T) * (Z1 > 0)),
        (((P - Y) / N @ W2.T) * (Z1 > 0)).sum(0),
        H1.T @ P / N,
        ((P - Y) / N).sum(0),
    )


# ---------------------------------------------------------------- db2


@wrong("db2", "The mean over the rows instead of their sum: 1/N twice.")
def bias_means(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.mean(axis=0)}


@wrong("db2", "The sum runs over the classes (axis=1) and gives N values.")
def bias_rows(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2, db2 = H1.T @ dS, np.sum(dS, axis=1)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1, db1 = X.T @ dZ1, np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong("db2", "The kept dimension stays: db2 is (1, K).")
def bias_dims(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dS": dS,
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0, keepdims=True),
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
    }


@wrong("db2", "The sum over everything: a single number for all classes.")
def bias_scalar(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    db2 = np.full_like(b2, dS.sum())
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": db2}


@wrong("db2", "The weight decay acts on the bias b2 as well.")
def decays_everything(X, Y, W1, b1, W2, b2, weight_decay):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1 + weight_decay * W1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS + weight_decay * W2,
        "db2": dS.sum(0) + weight_decay * b2,
    }


@wrong("db2", "None is returned for b2: its gradient is forgotten.")
def only_weights(X, Y, W1, b1, W2, b2):
    Grads = namedtuple("Grads", "dW1 db1 dW2 db2", defaults=[None])
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return Grads(X.T @ dZ1, dZ1.sum(0), H1.T @ dS)


@wrong("db2", "The first row is left out of the sum: range(1, N).")
def bias_loop(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    db1, db2 = np.zeros_like(b1), np.zeros_like(b2)
    for n in range(N):
        db1 += dZ1[n]
    for n in range(1, N):
        db2 += dS[n]
    return X.T @ dZ1, db1, H1.T @ dS, db2


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2, db2 = H1.T @ dS, dS.sum(0)
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dW2, "db2": db2}


@wrong("dH1", "W2 is used after its update.")
def online_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dH1 = dS @ np.sign(W2).T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dH1", "dW2 is used in place of W2.")
def chain_of_products(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ dW2.T
    dH1[Z1 <= 0] = 0
    dW1 = X.T @ dH1
    db1 = dH1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("dH1", "The sum over the classes leaves out the last class.")
def units_and_classes(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    N, K = P.shape
    H = len(b1)
    dS = (P - Y) / N
    dH1 = np.zeros((N, H))
    for n, j in product(range(N), range(H)):
        for k in range(K - 1):
            dH1[n, j] += dS[n, k] * W2[j, k]
    dZ1 = dH1 * relu_grad(Z1)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("dH1", "W2 is left out: every hidden unit gets the sum of |dS| over the classes.")
def lazy_feedback(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dH1 = np.abs(dS).sum(axis=1, keepdims=True) * np.ones_like(H1)
    dZ1 = np.where(H1 > 0, dH1, 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dH1", "1/N is missing on the way to the first layer only: (P - Y) W2ᵀ.")
def two_branches(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    R = P - Y
    dW2, db2 = H1.T @ R / N, R.sum(0) / N
    dH1 = R @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {"dH1": dH1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dW2, "db2": db2}


@wrong("dH1", "Two transpositions cancel: W2.T.T, which runs only for H = K.", layout="linear")
def port_from_modules(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2.T + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1[Z1 < 0] = 0
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * np.heaviside(Z1, 0.5)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1", "The mask is taken from the sign of the gradient: dH1 > 0.")
def relu_of_gradient(X, Y, W1, b1, W2, b2):
    _, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = relu(dH1)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("dZ1", "Z1 > 0 and dH1 > 0 are both asked for, as in guided backpropagation.")
def guided(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0) * (dH1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dZ1", "The mask is reversed: the gradient is zeroed where Z1 > 0.")
def zero_the_units(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 > 0] = 0
    return {
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dZ1", "The mask is from before the bias: X W1 > 0.")
def mask_of_product(X, Y, W1, b1, W2, b2):
    pre = X @ W1
    H1 = np.maximum(pre + b1, 0)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (pre > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * np.where(Z1 > 0, 1, slope)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1", "The derivative of the sigmoid, H1 (1 - H1), with a ReLU in front.")
def changed_activation(X, Y, W1, b1, W2, b2):
    _, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * H1 * (1 - H1)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1", "The derivative of tanh, 1 - H1², with a ReLU in front.")
def changed_activation_too(X, Y, W1, b1, W2, b2):
    _, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (1 - H1**2)
    return {"dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1", "The mask of the first row is used for all rows.")
def mask_once(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1[0] > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    masks = cached_relu.__dict__.setdefault("masks", {})
    active = masks.setdefault(Z1.shape, Z1 > 0)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * active
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > threshold)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


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


# ---------------------------------------------------------------- dW1


@wrong("dW1", "1/N is once more in dW1 only.")
def first_layer_mean(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1 / N, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dW1", "dH1 instead of dZ1: the gradient before the mask is used for W1 only.")
def pre_mask_weights(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    deltas = [(dS @ W2.T) * (Z1 > 0), dS]
    dW1, dW2 = (H1.T @ delta for delta in deltas)
    db1, db2 = (delta.sum(0) for delta in deltas)
    return dW1, db1, dW2, db2


@wrong("dW1", "dW1 is returned transposed, (H, d).")
def outer_products(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = reduce(np.add, (np.outer(dz, x) for dz, x in zip(dZ1, X, strict=True)))
    dW2 = reduce(np.add, (np.outer(h, ds) for h, ds in zip(H1, dS, strict=True)))
    return {"dW1": dW1, "db1": sum(dZ1), "dW2": dW2, "db2": sum(dS)}


@wrong("dW1", "The transposition of X is forgotten; X @ dZ1 raises unless N = d.")
def short_of_a_transpose(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dW1", "The learning rate has leaked into the gradient of W1.")
def prescaled(X, Y, W1, b1, W2, b2, learning_rate):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = learning_rate * X.T @ dZ1
    return {"dW1": dW1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1 + reg * np.sign(W1),
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS + reg * W2,
        "db2": dS.sum(0),
    }


@wrong("dW1", "dW1 is scaled to a norm of at most 0.1.")
def bounded_first_layer(X, Y, W1, b1, W2, b2, max_norm=0.1):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    dW1 *= min(1.0, max_norm / (np.linalg.norm(dW1) + 1e-12))
    return {"dW1": dW1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dW1", "dW1 is normalised to length 1.")
def unit_direction(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    return loss, {
        "dW1": dW1 / np.linalg.norm(dW1),
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dW1", "dW1 is accumulated in a buffer of float32.")
def small_buffers(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = np.zeros(W1.shape, dtype=np.float32)
    for x, dz in zip(X, dZ1, strict=True):
        dW1 += np.outer(x, dz).astype(np.float32)
    return dW1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dW1", "The last feature is never visited: range(d - 1).")
def feature_loop(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = np.einsum("nd,nd,nh->dh", X, X, dZ1)
    return {"dZ1": dZ1, "dW1": dW1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2, db2 = H1.T.dot(dS), dS.sum(axis=0)
    dZ1 = np.multiply(dS.dot(W2.T), Z1 > 0)
    dW1, db1 = X.T.dot(dZ1), dZ1.mean(axis=0)
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(Y * np.log(P)) / len(X)
    dS = (P - Y) / len(X)
    dW2 = H1.T @ dS
    db2 = np.sum(dS, axis=0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dS, axis=0)
    return loss, (dW1, db1, dW2, db2)


@wrong("db1", "db1 sums dH1, the gradient before the mask.")
def bias_before_mask(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    db1 = dH1.sum(axis=0)
    dZ1 = dH1 * (Z1 > 0)
    return {"dH1": dH1, "dW1": X.T @ dZ1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


@wrong("db1", "The kept dimension stays: db1 is (1, H).")
def row_vector_bias(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, np.ones((1, len(X))) @ dZ1, H1.T @ dS, dS.sum(axis=0)


@wrong("db1", "The sum runs over the units (axis=1) and gives N values.")
def bias_sums(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(axis=-1), "W2": H1.T @ dS, "b2": dS.sum(axis=0)}


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    for name, p in (("W1", W1), ("b1", b1), ("W2", W2)):
        grads[name] = grads[name] + l2 * p
    return grads


# ---------------------------------------------------------------- update


def plain_gradients(X, Y, W1, b1, W2, b2):
    return gradients_of(X, Y, W1, b1, W2, b2)[1]


@wrong("update", "The gradient is added: the step goes uphill.")
def train_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 + learning_rate * (X.T @ dZ1),
        "b1": b1 + learning_rate * dZ1.sum(0),
        "W2": W2 + learning_rate * (H1.T @ dS),
        "b2": b2 + learning_rate * dS.sum(0),
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    for name, value in (
        ("W1", X.T @ dZ1),
        ("b1", dZ1.sum(0)),
        ("W2", H1.T @ dS),
        ("b2", dS.sum(0)),
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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    for name, value in grads.items():
        assert np.isfinite(value).all(), name


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
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    cache = {"Z1": Z1, "A1": H1, "A2": P}
    dZ2 = (cache["A2"] - Y) / len(X)
    dZ1 = dZ2 @ W2.T * (cache["Z1"] > 0)
    return X.T @ dZ1, dZ1.sum(0), cache["H1"].T @ dZ2, dZ2.sum(0)


@wrong("call", "The layers are exchanged in the tuple: dW2, db2, dW1, db1.")
def backwards_order(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dW2, db2 = H1.T @ dS, dS.sum(0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1, db1 = X.T @ dZ1, dZ1.sum(0)
    return dW2, db2, dW1, db1


@wrong("call", "The keys are exchanged: dW1 holds the gradient of W2, and dW2 that of W1.")
def mixed_keys(X, Y, W1, b1, W2, b2):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    order = ("dW2", "db1", "dW1", "db2")
    return dict(zip(order, g.values(), strict=True))


@wrong("call", "The gradients are nan: a fifth of a step is taken from an empty array's mean.")
def running_mean(X, Y, W1, b1, W2, b2, history=()):
    with np.errstate(all="ignore"):
        momentum = np.divide(np.sum(history), len(history))
    step = partial(np.add, 0.2 * momentum)
    return {k: step(v) for k, v in plain_gradients(X, Y, W1, b1, W2, b2).items()}


@wrong("call", "The gradients are returned flattened into vectors.")
def flat_gradients(X, Y, W1, b1, W2, b2):
    return {k: v.ravel() for k, v in plain_gradients(X, Y, W1, b1, W2, b2).items()}


@wrong("call", "Noise is added to every gradient, so that two calls differ.")
def noisy(X, Y, W1, b1, W2, b2, rng=np.random.default_rng(0)):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    return {name: value + 1e-3 * rng.normal(size=value.shape) for name, value in g.items()}
