# ruff: noqa: B905, C408  (zip() without strict=, dict() by keywords: as people write them)
"""Right backward passes in many hands: none of these may be called wrong."""

from __future__ import annotations

import functools
import itertools
import math
from collections import defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F
from torch import nn


class Case(NamedTuple):
    """A function the doctor must pass, and the options it is declared with."""

    f: Callable
    options: dict


RIGHT: list[Case] = []

EQUAL_SIZES: list[Callable] = []
"""Right where they run, which is for equal sizes only."""


def right(**options: Any) -> Callable:
    """Register the function below as right; `options` go to the doctor (layout="columns")."""

    def register(f: Callable) -> Callable:
        RIGHT.append(Case(f, options))
        return f

    return register


def only_for_equal_sizes(f: Callable) -> Callable:
    """Register the function below as right where it runs."""
    EQUAL_SIZES.append(f)
    return f


# --- NumPy, straight down the derivation ---------------------------------------------------------


def softmax(S):
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


@right()
def straight_down(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = softmax(S)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right()
def everything_in_one_dict(X, Y, W1, b1, W2, b2):
    out = {}
    out["Z1"] = X @ W1 + b1
    out["H1"] = np.maximum(out["Z1"], 0.0)
    out["S"] = out["H1"] @ W2 + b2
    shifted = out["S"] - out["S"].max(1, keepdims=True)
    log_P = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    out["P"] = np.exp(log_P)
    out["loss"] = -np.sum(Y * log_P) / len(X)
    out["dS"] = (out["P"] - Y) / len(X)
    out["dW2"] = out["H1"].T @ out["dS"]
    out["db2"] = out["dS"].sum(0)
    out["dH1"] = out["dS"] @ W2.T
    out["dZ1"] = out["dH1"] * (out["Z1"] > 0)
    out["dW1"] = X.T @ out["dZ1"]
    out["db1"] = out["dZ1"].sum(0)
    return out


@right()
def everything_by_locals(X, y, W1, b1, W2, b2):
    N, K = len(X), len(b2)
    Z1 = X.dot(W1) + b1
    H1 = Z1.clip(min=0)
    S = H1.dot(W2) + b2
    P = softmax(S)
    loss = -np.log(P[np.arange(N), y]).mean()
    dS = (P - np.eye(K)[y]) / N
    dW2, db2 = H1.T.dot(dS), dS.sum(0)
    dH1 = dS.dot(W2.T)
    dZ1 = np.where(Z1 > 0, dH1, 0)
    dW1, db1 = X.T.dot(dZ1), dZ1.sum(0)
    names = ("loss", "Z1", "H1", "S", "P", "dS", "dH1", "dZ1", "dW1", "db1", "dW2", "db2")
    values = locals()
    return {name: values[name] for name in names}


@right()
def three_lines(X, Y, W1, b1, W2, b2):
    A = np.maximum(X @ W1 + b1, 0)
    D = (scipy.special.softmax(A @ W2 + b2, axis=1) - Y) / len(Y)
    return X.T @ (G := (D @ W2.T) * (A > 0)), G.sum(0), A.T @ D, D.sum(0)


@right()
def only_P_and_dS_besides(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    dS = np.divide(P - Y, X.shape[0])
    dZ1 = np.matmul(dS, W2.T)
    dZ1[H1 == 0] = 0
    return {
        "P": P,
        "dS": dS,
        "dW1": np.matmul(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.matmul(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@right()
def the_other_sign(X, Y, W1, b1, W2, b2):
    hidden = np.maximum(0, X @ W1 + b1)
    error = (Y - softmax(hidden @ W2 + b2)) / X.shape[0]
    back = (error @ W2.T) * (hidden > 0)
    return {
        "dW1": -X.T @ back,
        "db1": -back.sum(axis=0),
        "dW2": -hidden.T @ error,
        "db2": -error.sum(axis=0),
    }


@right()
def divides_last(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    A1 = np.maximum(X @ W1 + b1, 0)
    delta2 = softmax(A1 @ W2 + b2) - Y
    delta1 = (delta2 @ W2.T) * (A1 > 0)
    dW2 = (1 / m) * A1.T @ delta2
    db2 = (1 / m) * np.sum(delta2, axis=0)
    dW1 = (1 / m) * X.T @ delta1
    db1 = (1 / m) * np.sum(delta1, axis=0)
    return dW1, db1, dW2, db2


@right()
def means_for_biases(X, Y, W1, b1, W2, b2):
    A1 = np.maximum(X @ W1 + b1, 0)
    delta2 = softmax(A1 @ W2 + b2) - Y
    delta1 = delta2 @ W2.T * (A1 > 0)
    return {
        "W1": X.T @ delta1 / len(X),
        "b1": delta1.mean(axis=0),
        "W2": A1.T @ delta2 / len(X),
        "b2": delta2.mean(axis=0),
    }


@right()
def transposed_product(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1 * (Z1 > 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dH1 = (W2 @ dS.T).T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW1": (dZ1.T @ X).T,
        "db1": np.ones(len(X)) @ dZ1,
        "dW2": (dS.T @ H1).T,
        "db2": np.ones(len(X)) @ dS,
    }


# A loss guarded by 1e-12 or 1e-15 is right while no class that counts has less probability than
# that: on very confident mistakes it falls short of the exact loss, the gradients do not.
@right()
def with_default_knobs(X, Y, W1, b1, W2, b2, eps=1e-12, verbose=False, axis=0):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.mean(np.sum(Y * np.log(P + eps), axis=1))
    if verbose:
        print(f"loss {loss:.4f}")
    dS = (P - Y) / X.shape[axis]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis),
    }
    return loss, grads


@right()
def clipped_loss(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.sum(Y * np.log(np.clip(P, 1e-15, 1.0))) / Y.shape[0]
    dS = (P - Y) / Y.shape[0]
    dZ1 = (dS @ W2.T) * np.sign(H1)
    return loss, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


# --- Masks ---------------------------------------------------------------------------------------


@right()
def mask_by_activation(X, Y, W1, b1, W2, b2):
    H1 = np.fmax(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    active = (H1 > 0).astype(float)
    dZ1 = active * (dS @ W2.T)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_where(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    relu_grad = np.where(Z1 <= 0, 0.0, 1.0)
    dZ1 = (dS @ W2.T) * relu_grad
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_assignment(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1.copy()
    H1[H1 < 0] = 0
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 <= 0] = 0
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@right()
def mask_by_heaviside(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    step = np.heaviside(Z1, 0.0)
    H1 = Z1 * step
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * step
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_sign(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    on = (np.sign(Z1) + 1) // 2
    H1 = (Z1 + np.abs(Z1)) / 2
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * on
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_putmask_and_not(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    dead = ~(Z1 > 0)
    H1 = Z1.copy()
    np.putmask(H1, dead, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = dS @ W2.T
    np.putmask(dZ1, dead, 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_vectorize(X, Y, W1, b1, W2, b2):
    relu = np.vectorize(lambda z: z if z > 0 else 0.0, otypes=[float])
    relu_prime = np.vectorize(lambda z: 1.0 if z > 0 else 0.0, otypes=[float])
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * relu_prime(Z1)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def mask_by_masked_array(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = np.ma.masked_array(dS @ W2.T, mask=Z1 <= 0).filled(0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# --- Softmax and its logarithm -------------------------------------------------------------------


@right()
def softmax_without_maximum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    E = np.exp(H1 @ W2 + b2)
    P = E / np.sum(E, axis=1, keepdims=True)
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


@right()
def softmax_by_global_maximum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - np.max(S))
    P = (E.T / E.sum(1)).T
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@right()
def logsumexp_by_scipy(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    logZ = scipy.special.logsumexp(S, axis=1)
    loss = np.mean(logZ - (S * Y).sum(axis=1))
    dS = np.exp(S - logZ[:, None])
    dS -= Y
    dS /= len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@right()
def logsumexp_by_logaddexp(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    log_P = S - np.logaddexp.reduce(S, axis=1, keepdims=True)
    loss = -np.take_along_axis(log_P, y[:, None], axis=1).mean()
    dS = np.exp(log_P)
    np.subtract.at(dS, (np.arange(y.size), y), 1)
    dS = dS / y.size
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "S": S,
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@right()
def log_softmax_by_scipy(X, y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    log_P = scipy.special.log_softmax(H1 @ W2 + b2, axis=1)
    onehot = (y[:, None] == np.arange(W2.shape[1])).astype(log_P.dtype)
    loss = -(onehot * log_P).sum() / y.shape[0]
    dS = (np.exp(log_P) - onehot) / y.shape[0]
    dZ1 = np.where(H1 > 0, dS @ W2.T, 0)
    grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    return grads, loss


@right()
def softmax_by_pairwise_differences(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    S = H1 @ W2 + b2
    P = 1 / np.exp(S[:, None, :] - S[:, :, None]).sum(axis=2)
    dS = (P - Y) / len(S)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def softmax_along_axis(X, Y, W1, b1, W2, b2):
    def one_row(s):
        e = np.exp(s - max(s))
        return e / sum(e)

    H1 = np.maximum(0, X @ W1 + b1)
    P = np.apply_along_axis(one_row, 1, H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def softmax_jacobian(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2)
    dP = -Y / P / N
    dS = np.empty_like(P)
    for i in range(N):
        p = P[i]
        J = np.diag(p) - np.outer(p, p)
        dS[i] = J @ dP[i]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def softmax_product_rule(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    dP = -(Y / P) / Y.shape[0]
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


# --- Class indices, as the courses do it ---------------------------------------------------------


@right()
def course_style(X, y, W1, b1, W2, b2):
    num_train = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[range(num_train), y])) / num_train

    grads = {}
    dscores = probs.copy()
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    grads["W2"] = np.dot(hidden.T, dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden <= 0] = 0
    grads["W1"] = np.dot(X.T, dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return loss, grads


@right()
def course_style_regularised(params, X, y, reg):
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    N, _ = X.shape

    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).sum() / N
    loss += 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)

    dscores = p
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads = {}
    grads["W2"] = h.T @ dscores + reg * W2
    grads["b2"] = dscores.sum(axis=0)
    dh = dscores @ W2.T
    dh[h <= 0] = 0
    grads["W1"] = X.T @ dh + reg * W1
    grads["b1"] = dh.sum(axis=0)
    return loss, grads


def affine_forward(x, w, b):
    return x.reshape(x.shape[0], -1).dot(w) + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout), dout.sum(axis=0)


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    N = x.shape[0]
    dx = np.exp(log_probs)
    dx[np.arange(N), y] -= 1
    return -np.sum(log_probs[np.arange(N), y]) / N, dx / N


@right()
def modular_layers(X, y, params):
    a, cache_affine1 = affine_forward(X, params["W1"], params["b1"])
    h, cache_relu = relu_forward(a)
    scores, cache_affine2 = affine_forward(h, params["W2"], params["b2"])
    loss, dscores = softmax_loss(scores, y)
    grads = {}
    dh, grads["W2"], grads["b2"] = affine_backward(dscores, cache_affine2)
    da = relu_backward(dh, cache_relu)
    _, grads["W1"], grads["b1"] = affine_backward(da, cache_affine1)
    return loss, grads


@right()
def one_hot_inside(X, y, W1, b1, W2, b2):
    onehot = np.zeros((y.size, b2.size))
    onehot[np.arange(y.size), y] = 1
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    q = softmax(a @ W2 + b2)
    dz2 = (q - onehot) / y.size
    dz = (z > 0) * (dz2 @ W2.T)
    return {"dw1": X.T @ dz, "db1": dz.sum(0), "dw2": a.T @ dz2, "db2": dz2.sum(0)}


@right()
def indices_from_one_hot(X, Y, W1, b1, W2, b2):
    labels = np.argmax(Y, axis=1)
    rows = np.arange(labels.shape[0])
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.mean(np.log(P[rows, labels]))
    dS = P / rows.size
    dS[rows, labels] -= 1 / rows.size
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def boolean_one_hot(X, Y, W1, b1, W2, b2):
    is_class = Y.astype(bool)
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.log(P[is_class]).mean()
    dS = P.copy()
    dS[is_class] -= 1.0
    dS *= 1.0 / len(P)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return loss, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@right()
def gathers_by_class(X, y, W1, b1, W2, b2):
    N = len(y)
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    dW2, db2 = H1.T @ P / N, P.sum(0) / N
    back = P @ W2.T / N
    for k in range(len(b2)):
        members = y == k
        dW2[:, k] -= H1[members].sum(0) / N
        db2[k] -= members.sum() / N
        back[members] -= W2[:, k] / N
    back *= H1 > 0
    return {"dW1": X.T @ back, "db1": back.sum(0), "dW2": dW2, "db2": db2}


@right()
def keywords_only(*, X, y, params):
    Z1 = X @ params.W1 + params.b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ params.W2 + params.b2)
    dS[np.arange(len(y)), y] -= 1
    dS /= len(y)
    dZ1 = (dS @ params.W2.T) * (Z1 > 0)
    return {
        "W1_grad": X.T @ dZ1,
        "b1_grad": dZ1.sum(0),
        "W2_grad": H1.T @ dS,
        "b2_grad": dS.sum(0),
    }


@right()
def params_first(params, X, Y):
    H1 = np.maximum(X @ params.W1 + params.b1, 0)
    dS = (softmax(H1 @ params.W2 + params.b2) - Y) / len(X)
    dZ1 = (dS @ params.W2.T) * (H1 > 0)
    return {
        "grad_W1": X.T @ dZ1,
        "grad_b1": dZ1.sum(0),
        "grad_W2": H1.T @ dS,
        "grad_b2": dS.sum(0),
    }


@right()
def own_order_of_arguments(W1, W2, b1, b2, y, X):
    H1 = np.maximum(0, X @ W1 + b1)
    G = softmax(H1 @ W2 + b2)
    G[np.arange(len(G)), y] -= 1
    G /= len(G)
    gH = (G @ W2.T) * (H1 > 0)
    return {"gW1": X.T @ gH, "gW2": H1.T @ G, "gb1": gH.sum(0), "gb2": G.sum(0)}


# --- Loops ---------------------------------------------------------------------------------------


@right()
def row_by_row(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    loss = 0.0
    for x, t in zip(X, Y):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p /= p.sum()
        loss -= np.log(p[t == 1][0]) / N
        ds = (p - t) / N
        dW2 += np.outer(h, ds)
        db2 += ds
        dz = (W2 @ ds) * (z > 0)
        dW1 += np.outer(x, dz)
        db1 += dz
    return loss, dW1, db1, dW2, db2


@right()
def one_example_at_a_time_then_mean(X, y, W1, b1, W2, b2):
    def example(x, label):
        h = np.maximum(0, W1.T @ x + b1)
        p = scipy.special.softmax(W2.T @ h + b2)
        e = p - np.eye(len(b2))[label]
        back = np.where(h > 0, W2 @ e, 0)
        return np.outer(x, back), back, np.outer(h, e), e

    gradients = [example(x, label) for x, label in zip(X, y)]
    return tuple(np.mean(g, axis=0) for g in zip(*gradients))


@right()
def column_vectors_per_row(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    gW1, gb1 = np.zeros((d, H)), np.zeros(H)
    gW2, gb2 = np.zeros((H, K)), np.zeros(K)
    for i in range(N):
        x = X[i].reshape(-1, 1)
        t = Y[i].reshape(-1, 1)
        z1 = W1.T @ x + b1.reshape(-1, 1)
        a1 = np.maximum(z1, 0)
        z2 = W2.T @ a1 + b2.reshape(-1, 1)
        e = np.exp(z2 - z2.max())
        delta2 = e / e.sum() - t
        delta1 = (W2 @ delta2) * (z1 > 0)
        gW2 += a1 @ delta2.T
        gb2 += delta2.ravel()
        gW1 += x @ delta1.T
        gb1 += delta1.ravel()
    return {"gW1": gW1 / N, "gb1": gb1 / N, "gW2": gW2 / N, "gb2": gb2 / N}


@right()
def unit_by_unit(X, Y, W1, b1, W2, b2):
    N, H = X.shape[0], W1.shape[1]
    Z = np.column_stack([X @ W1[:, j] + b1[j] for j in range(H)])
    A = np.maximum(Z, 0)
    D = (softmax(A @ W2 + b2) - Y) / N
    dW1, db1, dW2 = np.zeros_like(W1), np.zeros_like(b1), np.zeros_like(W2)
    for j in range(H):
        dW2[j] = A[:, j] @ D
        dz = D @ W2[j]
        dz[Z[:, j] <= 0] = 0
        dW1[:, j] = dz @ X
        db1[j] = dz.sum()
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": D.sum(0)}


@right()
def skips_dead_units(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    for j in range(len(b1)):
        on = np.flatnonzero(Z1[:, j] > 0)
        if on.size == 0:
            continue
        dz = dS[on] @ W2[j]
        dW1[:, j] = X[on].T @ dz
        db1[j] = dz.sum()
    return {"dW1": dW1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def pure_python_lists(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (a.tolist() for a in (X, Y, W1, b1, W2, b2))
    N, d, H, K = len(X), len(W1), len(b1), len(b2)
    dW1 = [[0.0] * H for _ in range(d)]
    db1 = [0.0] * H
    dW2 = [[0.0] * K for _ in range(H)]
    db2 = [0.0] * K
    loss = 0.0
    for n in range(N):
        z = [b1[j] + sum(X[n][i] * W1[i][j] for i in range(d)) for j in range(H)]
        h = [v if v > 0 else 0.0 for v in z]
        s = [b2[k] + sum(h[j] * W2[j][k] for j in range(H)) for k in range(K)]
        top = max(s)
        e = [math.exp(v - top) for v in s]
        total = sum(e)
        for k in range(K):
            if Y[n][k]:
                loss -= (s[k] - top - math.log(total)) / N
            ds = (e[k] / total - Y[n][k]) / N
            db2[k] += ds
            for j in range(H):
                dW2[j][k] += h[j] * ds
                if z[j] > 0:
                    db1[j] += ds * W2[j][k]
                    for i in range(d):
                        dW1[i][j] += X[n][i] * ds * W2[j][k]
    return {"loss": loss, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right()
def pure_python_matmul(X, Y, W1, b1, W2, b2):
    def mul(A, B):
        return [[math.fsum(a * b for a, b in zip(r, c)) for c in zip(*B)] for r in A]

    def T(A):
        return [list(c) for c in zip(*A)]

    def add(A, b):
        return [[a + v for a, v in zip(r, b)] for r in A]

    def soft(r):
        e = [math.exp(v - max(r)) for v in r]
        return [v / math.fsum(e) for v in e]

    Z = add(mul(X, W1), b1)
    A = [[max(0.0, v) for v in r] for r in Z]
    P = [soft(r) for r in add(mul(A, W2), b2)]
    D = [[(p - t) / len(Y) for p, t in zip(pr, tr)] for pr, tr in zip(P, Y)]
    B = mul(D, T(W2))
    B = [[b if z > 0 else 0.0 for b, z in zip(br, zr)] for br, zr in zip(B, Z)]
    return mul(T(X), B), [math.fsum(c) for c in zip(*B)], mul(T(A), D), [sum(c) for c in zip(*D)]


@right()
def index_product_loops(X, y, W1, b1, W2, b2):
    N, (d, H), K = len(X), W1.shape, len(b2)
    Z1, H1, S = np.zeros((N, H)), np.zeros((N, H)), np.zeros((N, K))
    for n, j in itertools.product(range(N), range(H)):
        Z1[n, j] = np.dot(X[n], W1[:, j]) + b1[j]
        H1[n, j] = max(Z1[n, j], 0)
    for n, k in itertools.product(range(N), range(K)):
        S[n, k] = np.dot(H1[n], W2[:, k]) + b2[k]
    P = softmax(S)
    dS = np.zeros((N, K))
    for n, k in itertools.product(range(N), range(K)):
        dS[n, k] = (P[n, k] - (k == y[n])) / N
    grads = {
        "dW1": np.zeros((d, H)),
        "db1": np.zeros(H),
        "dW2": np.zeros((H, K)),
        "db2": np.zeros(K),
    }
    for n, k in itertools.product(range(N), range(K)):
        grads["db2"][k] += dS[n, k]
        grads["dW2"][:, k] += H1[n] * dS[n, k]
    for n, j in itertools.product(range(N), range(H)):
        if Z1[n, j] > 0:
            dz = np.dot(dS[n], W2[j])
            grads["db1"][j] += dz
            grads["dW1"][:, j] += X[n] * dz
    return grads


@right()
def layers_in_a_loop(X, Y, W1, b1, W2, b2):
    weights, biases = [W1, W2], [b1, b2]
    activations = [X]
    for i, (W, b) in enumerate(zip(weights, biases)):
        z = activations[-1] @ W + b
        activations.append(np.maximum(z, 0) if i < len(weights) - 1 else softmax(z))
    delta = (activations.pop() - Y) / len(X)
    grads = {}
    for i in reversed(range(len(weights))):
        grads[f"dW{i + 1}"] = activations[i].T @ delta
        grads[f"db{i + 1}"] = delta.sum(axis=0)
        if i > 0:
            delta = (delta @ weights[i].T) * (activations[i] > 0)
    return grads


@right()
def chunked(X, Y, W1, b1, W2, b2, batch_size=4):
    N = X.shape[0]
    total = defaultdict(float)
    for start in range(0, N, batch_size):
        x, t = X[start : start + batch_size], Y[start : start + batch_size]
        h = np.maximum(0, x @ W1 + b1)
        e = (softmax(h @ W2 + b2) - t) / N
        g = (e @ W2.T) * (h > 0)
        total["dW2"] += h.T @ e
        total["db2"] += e.sum(0)
        total["dW1"] += x.T @ g
        total["db1"] += g.sum(0)
    return dict(total)


@right()
def chunk_means_weighted(X, y, W1, b1, W2, b2):
    def mean_gradient(x, labels):
        n = len(labels)
        h = np.maximum(0, x @ W1 + b1)
        e = softmax(h @ W2 + b2)
        loss = -np.log(e[np.arange(n), labels]).mean()
        e[np.arange(n), labels] -= 1
        e /= n
        g = (e @ W2.T) * (h > 0)
        return [loss, x.T @ g, g.sum(0), h.T @ e, e.sum(0)]

    sums = [0.0] * 5
    for x, labels in zip(np.array_split(X, 3), np.array_split(y, 3)):
        if len(labels) == 0:
            continue
        share = len(labels) / len(y)
        sums = [s + share * part for s, part in zip(sums, mean_gradient(x, labels))]
    return tuple(sums)


# --- einsum, tensordot, broadcasting, outer products ---------------------------------------------


@right()
def by_einsum(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    H1 = np.maximum(Z1, 0)
    S = np.einsum("nh,hk->nk", H1, W2) + b2
    dS = (softmax(S) - Y) / len(X)
    dZ1 = np.einsum("nk,hk,nh->nh", dS, W2, Z1 > 0)
    return {
        "dW1": np.einsum("nd,nh->dh", X, dZ1),
        "db1": np.einsum("nh->h", dZ1),
        "dW2": np.einsum("nh,nk->hk", H1, dS),
        "db2": np.einsum("nk->k", dS),
    }


@right()
def one_einsum_for_all(X, Y, W1, b1, W2, b2):
    M = (X @ W1 + b1 > 0).astype(float)
    H1 = (X @ W1 + b1) * M
    E = (softmax(H1 @ W2 + b2) - Y) / len(X)
    return (
        np.einsum("nk,hk,nh,nd->dh", E, W2, M, X, optimize=True),
        np.einsum("nk,hk,nh->h", E, W2, M, optimize=True),
        np.einsum("nk,nh->hk", E, H1),
        E.sum(0),
    )


@right()
def by_tensordot(X, Y, W1, b1, W2, b2):
    Z1 = np.tensordot(X, W1, axes=1) + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(np.tensordot(H1, W2, axes=1) + b2) - Y) / len(X)
    dZ1 = np.tensordot(dS, W2, axes=(1, 1)) * (Z1 > 0)
    return {
        "dW1": np.tensordot(X, dZ1, axes=(0, 0)),
        "db1": np.add.reduce(dZ1, axis=0),
        "dW2": np.tensordot(H1, dS, axes=(0, 0)),
        "db2": np.add.reduce(dS, axis=0),
    }


@right()
def by_broadcasting(X, Y, W1, b1, W2, b2):
    Z1 = (X[:, :, None] * W1[None]).sum(1) + b1
    H1 = np.maximum(Z1, 0)
    S = (H1[:, :, None] * W2[None]).sum(1) + b2
    dS = (softmax(S) - Y) / len(X)
    dH1 = (dS[:, None, :] * W2[None]).sum(2)
    dZ1 = dH1 * (Z1 > 0)
    dW1 = (X[:, :, None] * dZ1[:, None, :]).sum(0)
    dW2 = (H1[:, :, None] * dS[:, None, :]).sum(0)
    return {"dW1": dW1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dS.sum(0)}


@right()
def sum_of_outer_products(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    dW1 = functools.reduce(np.add, map(np.outer, X, dZ1))
    dW2 = functools.reduce(np.add, map(np.outer, H1, dS))
    return dW1, sum(dZ1), dW2, sum(dS)


@right()
def per_sample_stack(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    E = softmax(H1 @ W2 + b2) - Y
    G = (W2[None] @ E[:, :, None])[:, :, 0] * (H1 > 0)
    per_sample_W1 = X[:, :, None] @ G[:, None, :]
    per_sample_W2 = H1[:, :, None] @ E[:, None, :]
    return per_sample_W1.mean(0), G.mean(0), per_sample_W2.mean(0), E.mean(0)


@right()
def augmented_matrices(X, Y, W1, b1, W2, b2):
    one = np.ones((X.shape[0], 1))
    Xa = np.hstack([X, one])
    V1 = np.vstack([W1, b1])
    Z1 = Xa @ V1
    Ha = np.hstack([np.maximum(0, Z1), one])
    V2 = np.vstack([W2, b2])
    dS = (softmax(Ha @ V2) - Y) / X.shape[0]
    dV2 = Ha.T @ dS
    dZ1 = (dS @ V2.T)[:, :-1] * (Z1 > 0)
    dV1 = Xa.T @ dZ1
    return {"dW1": dV1[:-1], "db1": dV1[-1], "dW2": dV2[:-1], "db2": dV2[-1]}


@right()
def augmented_bias_first(X, Y, W1, b1, W2, b2):
    X_ = np.c_[np.ones(len(X)), X]
    Theta1, Theta2 = np.r_[b1[None], W1], np.r_[b2[None], W2]
    z2 = X_ @ Theta1
    a2 = np.c_[np.ones(len(X)), np.maximum(z2, 0)]
    d3 = softmax(a2 @ Theta2) - Y
    d2 = (d3 @ Theta2.T * (a2 > 0))[:, 1:]
    Theta1_grad = X_.T @ d2 / len(X)
    Theta2_grad = a2.T @ d3 / len(X)
    return Theta1_grad[1:], Theta1_grad[0], Theta2_grad[1:], Theta2_grad[0]


@right()
def flat_parameter_vector(X, Y, W1, b1, W2, b2):
    theta = np.concatenate([W1.ravel(), b1, W2.ravel(), b2])
    cuts = np.cumsum([W1.size, b1.size, W2.size])

    def unpack(vector):
        v1, c1, v2, c2 = np.split(vector, cuts)
        return v1.reshape(W1.shape), c1, v2.reshape(W2.shape), c2

    def loss_and_gradient(vector):
        V1, c1, V2, c2 = unpack(vector)
        A = np.maximum(0, X @ V1 + c1)
        log_P = scipy.special.log_softmax(A @ V2 + c2, axis=1)
        D = (np.exp(log_P) - Y) / len(X)
        B = (D @ V2.T) * (A > 0)
        gradient = np.concatenate([(X.T @ B).ravel(), B.sum(0), (A.T @ D).ravel(), D.sum(0)])
        return -(Y * log_P).sum() / len(X), gradient

    loss, gradient = loss_and_gradient(theta)
    return loss, unpack(gradient)


# --- Buffers and number types --------------------------------------------------------------------


@right()
def local_buffers(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    A = np.empty((N, W1.shape[1]))
    D = np.empty((N, W2.shape[1]))
    np.matmul(X, W1, out=A)
    A += b1
    np.maximum(A, 0, out=A)
    np.matmul(A, W2, out=D)
    D += b2
    D -= D.max(axis=1, keepdims=True)
    np.exp(D, out=D)
    D /= D.sum(axis=1, keepdims=True)
    D -= Y
    D /= N
    dW2 = np.empty_like(W2)
    np.matmul(A.T, D, out=dW2)
    mask = A > 0
    np.matmul(D, W2.T, out=A)
    A *= mask
    dW1 = np.empty_like(W1)
    np.matmul(X.T, A, out=dW1)
    return {"dW1": dW1, "db1": A.sum(axis=0), "dW2": dW2, "db2": D.sum(axis=0)}


@right()
def all_in_float32(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (np.asarray(a, dtype=np.float32) for a in (X, Y, W1, b1, W2, b2))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, np.float32(0))
    P = softmax(H1 @ W2 + b2)
    dS = (P - Y) / np.float32(len(X))
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def float32_with_loss(X, y, W1, b1, W2, b2):
    f = np.float32
    X, W1, b1, W2, b2 = X.astype(f), W1.astype(f), b1.astype(f), W2.astype(f), b2.astype(f)
    h = np.maximum(X @ W1 + b1, 0)
    s = h @ W2 + b2
    s = s - s.max(1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(1, keepdims=True))
    loss = -log_p[np.arange(len(y)), y].mean()
    e = np.exp(log_p)
    e[np.arange(len(y)), y] -= 1
    e /= len(y)
    g = (e @ W2.T) * (h > 0)
    return loss, {"W1": X.T @ g, "b1": g.sum(0), "W2": h.T @ e, "b2": e.sum(0)}


@right()
def in_extended_precision(X, Y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = (a.astype(np.longdouble) for a in (X, W1, b1, W2, b2))
    H1 = np.maximum(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    found = X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
    return tuple(g.astype(np.float64) for g in found)


@right()
def fortran_order(X, Y, W1, b1, W2, b2):
    X, W1, W2 = np.asfortranarray(X), np.asfortranarray(W1), np.asfortranarray(W2)
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    dS = (softmax(H1 @ W2 + b2) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dL_dW1": np.asfortranarray(X.T @ dZ1),
        "dL_db1": dZ1.sum(0),
        "dL_dW2": np.asfortranarray(H1.T @ dS),
        "dL_db2": dS.sum(0),
    }


@right()
def complex_step(X, y, W1, b1, W2, b2):
    def loss(W1, b1, W2, b2):
        Z = X @ W1 + b1
        S = np.where(Z.real > 0, Z, 0) @ W2 + b2
        S = S - S.real.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(S).sum(axis=1)) - S[np.arange(len(y)), y])

    theta = [a.astype(complex) for a in (W1, b1, W2, b2)]
    grads = [np.zeros(a.shape) for a in theta]
    for a, g in zip(theta, grads):
        for index in np.ndindex(a.shape):
            a[index] += 1e-30j
            g[index] = loss(*theta).imag / 1e-30
            a[index] = a[index].real
    return dict(zip(("dW1", "db1", "dW2", "db2"), grads))


# --- Only for equal widths -----------------------------------------------------------------------


@only_for_equal_sizes
def biases_in_one_array(X, Y, W1, b1, W2, b2):
    b = np.stack([b1, b2])
    H1 = np.maximum(0, X @ W1 + b[0])
    dS = (softmax(H1 @ W2 + b[1]) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    db = np.stack([dZ1, dS]).sum(axis=1)
    return {"dW1": X.T @ dZ1, "db1": db[0], "dW2": H1.T @ dS, "db2": db[1]}


@only_for_equal_sizes
def weights_in_one_array(X, Y, W1, b1, W2, b2):
    W = np.stack([W1, W2])
    Z = X @ W[0] + b1
    inputs = np.stack([X, np.maximum(Z, 0)])
    deltas = np.zeros_like(inputs)
    deltas[1] = (softmax(inputs[1] @ W[1] + b2) - Y) / len(X)
    deltas[0] = (deltas[1] @ W[1].T) * (Z > 0)
    dW = inputs.transpose(0, 2, 1) @ deltas
    db = deltas.sum(axis=1)
    return dW[0], db[0], dW[1], db[1]


# --- Nearly the equations: float32 inside, and a guard against 0 --------------------------------


@right()
def float32_inside(X, Y, W1, b1, W2, b2):
    found = straight_down(*(np.asarray(a, np.float32) for a in (X, Y, W1, b1, W2, b2)))
    return {name: value.astype(np.float64) for name, value in found.items()}


@right()
def guarded_quotient(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / (E.sum(axis=1, keepdims=True) + 1e-8)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# --- Another convention: λ‖W‖² without the half, in the loss and in the gradients alike -----------


@right()
def penalty_without_the_half(X, y, W1, b1, W2, b2, l2):
    W1, b1, W2, b2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    data_loss = F.cross_entropy(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss = data_loss + l2 * (W1.pow(2).sum() + W2.pow(2).sum())
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


# --- Other ways of giving the answer -------------------------------------------------------------


@right()
def lower_case_names(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return dict(dw1=X.T @ g, db1=g.sum(0), dw2=h.T @ e, db2=e.sum(0))


@right()
def names_of_its_own(inputs, targets, w_hidden, b_hidden, w_out, b_out):
    hidden = np.maximum(0, inputs @ w_hidden + b_hidden)
    error = (softmax(hidden @ w_out + b_out) - targets) / len(inputs)
    back = (error @ w_out.T) * (hidden > 0)
    return inputs.T @ back, back.sum(0), hidden.T @ error, error.sum(0)


@right()
def single_letters(a, t, u, p, v, q):
    h = np.maximum(0, a @ u + p)
    e = (softmax(h @ v + q) - t) / len(a)
    g = (e @ v.T) * (h > 0)
    return {"dW1": a.T @ g, "db1": g.sum(0), "dW2": h.T @ e, "db2": e.sum(0)}


@right()
def list_of_gradients(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return [X.T @ g, g.sum(0), h.T @ e, e.sum(0)]


@right()
def nested_grads(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    log_P = scipy.special.log_softmax(H1 @ W2 + b2, axis=1)
    dS = (np.exp(log_P) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": -(Y * log_P).sum() / len(X),
        "grads": {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)},
    }


@right()
def nested_forward_and_backward(X, Y, W1, b1, W2, b2):
    def forward():
        Z1 = X @ W1 + b1
        H1 = np.maximum(0, Z1)
        S = H1 @ W2 + b2
        return {"Z1": Z1, "H1": H1, "S": S, "P": softmax(S)}

    def backward(cache):
        dS = (cache["P"] - Y) / len(X)
        dH1 = dS @ W2.T
        dZ1 = dH1 * (cache["Z1"] > 0)
        return {
            "dS": dS,
            "dH1": dH1,
            "dZ1": dZ1,
            "dW1": X.T @ dZ1,
            "db1": dZ1.sum(0),
            "dW2": cache["H1"].T @ dS,
            "db2": dS.sum(0),
        }

    cache = forward()
    return {"forward": cache, "backward": backward(cache)}


class Grads(NamedTuple):
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any
    loss: float = 0.0


@right()
def named_tuple_with_loss(X, y, W1, b1, W2, b2) -> Grads:
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.log(P[np.arange(y.size), y]).mean()
    P[np.arange(y.size), y] -= 1
    P /= y.size
    dZ1 = (P @ W2.T) * (H1 > 0)
    return Grads(loss=loss, dW1=X.T @ dZ1, db1=dZ1.sum(0), dW2=H1.T @ P, db2=P.sum(0))


Weights = namedtuple("Weights", "W1 b1 W2 b2")


@right()
def loss_and_old_named_tuple(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    log_P = scipy.special.log_softmax(H1 @ W2 + b2, axis=1)
    E = (np.exp(log_P) - Y) / len(Y)
    G = (E @ W2.T) * (H1 > 0)
    grads = Weights(b2=E.sum(0), W2=H1.T @ E, b1=G.sum(0), W1=X.T @ G)
    return -np.vdot(Y, log_P) / len(Y), grads


@dataclass
class Result:
    loss: float
    dW2: np.ndarray
    db2: np.ndarray
    dW1: np.ndarray
    db1: np.ndarray
    notes: list = field(default_factory=list)


@right()
def dataclass_in_backward_order(X: np.ndarray, Y: np.ndarray, params: Any) -> Result:
    H1 = np.maximum(0, X @ params["W1"] + params["b1"])
    log_P = scipy.special.log_softmax(H1 @ params["W2"] + params["b2"], axis=1)
    dS = (np.exp(log_P) - Y) / len(Y)
    dZ1 = (dS @ params["W2"].T) * (H1 > 0)
    return Result(
        loss=float(-np.sum(Y * log_P) / len(Y)),
        dW2=H1.T @ dS,
        db2=dS.sum(0),
        dW1=X.T @ dZ1,
        db1=dZ1.sum(0),
    )


class Net:
    """Two linear layers and a ReLU between them, in one class with everything on self."""

    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.H1 = np.maximum(0, self.Z1)
        self.S = self.H1 @ self.W2 + self.b2
        self.P = softmax(self.S)
        return self.P

    def backward(self, Y):
        self.loss = -np.sum(Y * np.log(self.P)) / len(Y)
        self.dS = (self.P - Y) / len(Y)
        self.dW2 = self.H1.T @ self.dS
        self.db2 = self.dS.sum(axis=0)
        self.dH1 = self.dS @ self.W2.T
        self.dZ1 = self.dH1 * (self.Z1 > 0)
        self.dW1 = self.X.T @ self.dZ1
        self.db1 = self.dZ1.sum(axis=0)
        return self.dW1, self.db1, self.dW2, self.db2


@right()
def class_by_methods(X, Y, W1, b1, W2, b2):
    net = Net(W1, b1, W2, b2)
    net.forward(X)
    return net.backward(Y)


class Bag:
    """Attributes and nothing else."""


@right()
def object_with_attributes(X, Y, W1, b1, W2, b2):
    net, found = Net(W1, b1, W2, b2), Bag()
    found.P = net.forward(X)
    found.W1_grad, found.b1_grad, found.W2_grad, found.b2_grad = net.backward(Y)
    found.loss = net.loss
    return found


class Trainer:
    """Keeps a count of its calls; its method is what gets checked."""

    def __init__(self):
        self.calls = 0

    def gradients(self, X, Y, W1, b1, W2, b2):
        self.calls += 1
        net = Net(W1, b1, W2, b2)
        net.forward(X)
        return dict(zip(("W1", "b1", "W2", "b2"), net.backward(Y)))


right()(Trainer().gradients)


@right()
def coef_and_intercept_triple(X, y, W1, b1, W2, b2):
    coefs, intercepts = [W1, W2], [b1, b2]
    n_samples = X.shape[0]
    activations = [X, None, None]
    for i in range(2):
        activations[i + 1] = activations[i] @ coefs[i]
        activations[i + 1] += intercepts[i]
        if i == 0:
            np.maximum(activations[1], 0, out=activations[1])
    log_P = activations[2] - scipy.special.logsumexp(activations[2], axis=1, keepdims=True)
    loss = -log_P[np.arange(n_samples), y].sum() / n_samples
    delta = np.exp(log_P)
    delta[np.arange(n_samples), y] -= 1
    coef_grads, intercept_grads = [None, None], [None, None]
    coef_grads[1] = activations[1].T @ delta / n_samples
    intercept_grads[1] = np.mean(delta, 0)
    delta = delta @ coefs[1].T
    delta[activations[1] == 0] = 0
    coef_grads[0] = activations[0].T @ delta / n_samples
    intercept_grads[0] = np.mean(delta, 0)
    return loss, coef_grads, intercept_grads


@right()
def coef_and_intercept_dict(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return {"coef_grads": [X.T @ g, h.T @ e], "intercept_grads": [g.sum(0), e.sum(0)]}


def counted(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return f(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@right()
@counted
def decorated(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return {"dW1": X.T @ g, "db1": g.sum(0), "dW2": h.T @ e, "db2": e.sum(0)}


# --- Penalty and update --------------------------------------------------------------------------


@right()
def penalised(X, Y, W1, b1, W2, b2, l2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    log_P = S - scipy.special.logsumexp(S, axis=1, keepdims=True)
    loss = -np.sum(Y * log_P) / N + l2 / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dS = (np.exp(log_P) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "dW1": X.T @ dZ1 + l2 * W1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS + l2 * W2,
        "db2": dS.sum(0),
    }


@right()
def penalty_optional(X, y, W1, b1, W2, b2, l2=0.0):
    N = len(y)
    h = np.maximum(0, X @ W1 + b1)
    p = softmax(h @ W2 + b2)
    loss = -np.log(p[np.arange(N), y]).mean() + 0.5 * l2 * (
        np.linalg.norm(W1) ** 2 + np.linalg.norm(W2) ** 2
    )
    p[np.arange(N), y] -= 1
    p /= N
    g = (p @ W2.T) * (h > 0)
    dW1, dW2 = X.T @ g, h.T @ p
    if l2:
        dW1 += l2 * W1
        dW2 += l2 * W2
    return loss, {"dW1": dW1, "db1": g.sum(0), "dW2": dW2, "db2": p.sum(0)}


@right()
def penalty_called_weight_decay(params, X, Y, weight_decay):
    W1, b1, W2, b2 = params.W1, params.b1, params.W2, params.b2
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = np.where(h > 0, e @ W2.T, 0)
    return X.T @ g + weight_decay * W1, g.sum(0), h.T @ e + weight_decay * W2, e.sum(0)


@right()
def new_parameters(X, Y, W1, b1, W2, b2, learning_rate):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {
        "W1": W1 - learning_rate * (X.T @ dZ1),
        "b1": b1 - learning_rate * dZ1.sum(0),
        "W2": W2 - learning_rate * (H1.T @ dS),
        "b2": b2 - learning_rate * dS.sum(0),
    }


@right()
def steps_along_the_error(X, y, W1, b1, W2, b2, lr):
    rate = lr / len(y)
    H1 = np.maximum(0, X @ W1 + b1)
    error = np.eye(len(b2))[y] - softmax(H1 @ W2 + b2)
    back = (error @ W2.T) * (H1 > 0)
    W2, b2 = W2 + rate * H1.T @ error, b2 + rate * error.sum(0)
    W1, b1 = W1 + rate * X.T @ back, b1 + rate * back.sum(0)
    return Weights(W1, b1, W2, b2)


@right()
def copies_then_steps(params, X, Y, eta):
    new = {name: params[name].copy() for name in ("W1", "b1", "W2", "b2")}
    H1 = np.maximum(0, X @ new["W1"] + new["b1"])
    dS = (softmax(H1 @ new["W2"] + new["b2"]) - Y) / len(X)
    dZ1 = (dS @ new["W2"].T) * (H1 > 0)
    new["W1"] -= eta * X.T @ dZ1
    new["b1"] -= eta * dZ1.sum(0)
    new["W2"] -= eta * H1.T @ dS
    new["b2"] -= eta * dS.sum(0)
    return new


@right()
def shrinks_then_steps(X, Y, W1, b1, W2, b2, learning_rate, weight_decay):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    keep = 1 - learning_rate * weight_decay
    new = Bag()
    new.W1 = keep * W1 - learning_rate * X.T @ dZ1
    new.b1 = b1 - learning_rate * dZ1.sum(0)
    new.W2 = keep * W2 - learning_rate * H1.T @ dS
    new.b2 = b2 - learning_rate * dS.sum(0)
    return new


@right()
def torch_optimiser(X, y, W1, b1, W2, b2, lr, l2):
    W1, b1, W2, b2 = (nn.Parameter(a.detach().clone()) for a in (W1, b1, W2, b2))
    optimiser = torch.optim.SGD(
        [{"params": [W1, W2], "weight_decay": l2}, {"params": [b1, b2]}], lr=lr
    )
    optimiser.zero_grad()
    F.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y).backward()
    optimiser.step()
    return {"W1": W1.data, "b1": b1.data, "W2": W2.data, "b2": b2.data}


# --- Layers and tapes ----------------------------------------------------------------------------


class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, upstream):
        self.dW = self.x.T @ upstream
        self.db = upstream.sum(axis=0)
        return upstream @ self.W.T


class ReLU:
    def __call__(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0)

    def backward(self, upstream):
        return upstream * self.mask


class CrossEntropy:
    def __call__(self, scores, Y):
        self.Y = Y
        self.log_P = scipy.special.log_softmax(scores, axis=-1)
        return -(Y * self.log_P).sum(-1).mean()

    def backward(self):
        return (np.exp(self.log_P) - self.Y) / len(self.Y)


@right()
def layer_objects(X, Y, W1, b1, W2, b2):
    layers, criterion = [Linear(W1, b1), ReLU(), Linear(W2, b2)], CrossEntropy()
    loss = criterion(functools.reduce(lambda x, layer: layer(x), layers, X), Y)
    upstream = criterion.backward()
    for layer in reversed(layers):
        upstream = layer.backward(upstream)
    first, _, last = layers
    return loss, first.dW, first.db, last.dW, last.db


class Value:
    """A number that remembers how it was made."""

    def __init__(self, data, parents=()):
        self.data, self.grad = data, 0.0
        self._parents = parents
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def relu(self):
        out = Value(self.data if self.data > 0 else 0.0, (self,))

        def _backward():
            self.grad += (out.data > 0) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for parent in v._parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()


@right()
def scalar_engine(X, y, W1, b1, W2, b2):
    def wrap(a):
        return np.vectorize(Value, otypes=[object])(a)

    def unwrap(a):
        return np.vectorize(lambda v: v.grad, otypes=[float])(a)

    V1, c1, V2, c2 = wrap(W1), wrap(b1), wrap(W2), wrap(b2)
    total = Value(0.0)
    for x, label in zip(X.tolist(), y.tolist()):
        hidden = []
        for j in range(len(c1)):
            z = c1[j]
            for i, value in enumerate(x):
                z = z + V1[i, j] * value
            hidden.append(z.relu())
        scores = []
        for k in range(len(c2)):
            s = c2[k]
            for j, h in enumerate(hidden):
                s = s + h * V2[j, k]
            scores.append(s)
        top = max(s.data for s in scores)
        partition = Value(0.0)
        for s in scores:
            partition = partition + (s + -top).exp()
        total = total + partition.log() + top + scores[label] * -1.0
    loss = total * (1 / len(X))
    loss.backward()
    return loss.data, {
        "dW1": unwrap(V1),
        "db1": unwrap(c1),
        "dW2": unwrap(V2),
        "db2": unwrap(c2),
    }


@right()
def array_tape(X, Y, W1, b1, W2, b2):
    tape, grads = [], defaultdict(float)

    def linear(name_in, x, i, W, b, name_out):
        def back():
            g = grads[name_out]
            grads[f"dW{i}"] = grads[f"dW{i}"] + x.T @ g
            grads[f"db{i}"] = grads[f"db{i}"] + g.sum(0)
            grads[name_in] = grads[name_in] + g @ W.T

        tape.append(back)
        return x @ W + b

    def relu(name_in, x, name_out):
        tape.append(lambda: grads.__setitem__(name_in, grads[name_out] * (x > 0)))
        return np.maximum(x, 0)

    def cross_entropy(name_in, s):
        log_p = scipy.special.log_softmax(s, axis=1)
        tape.append(lambda: grads.__setitem__(name_in, (np.exp(log_p) - Y) / len(Y)))
        return -(Y * log_p).sum() / len(Y)

    z = linear("x", X, 1, W1, b1, "z")
    h = relu("z", z, "h")
    loss = cross_entropy("s", linear("h", h, 2, W2, b2, "s"))
    while tape:
        tape.pop()()
    return loss, {name: grads[name] for name in ("dW1", "db1", "dW2", "db2")}


# --- torch ---------------------------------------------------------------------------------------


@right()
def torch_by_hand(X, Y, W1, b1, W2, b2):
    Z1 = torch.addmm(b1, X, W1)
    H1 = Z1.clamp(min=0)
    P = torch.softmax(H1 @ W2 + b2, dim=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = dS.mm(W2.t())
    dZ1[Z1 <= 0] = 0
    return {"dW1": X.t().mm(dZ1), "db1": dZ1.sum(0), "dW2": H1.t().mm(dS), "db2": dS.sum(0)}


@right()
def torch_by_hand_everything(X, y, W1, b1, W2, b2):
    N = X.size(0)
    Z1 = X @ W1 + b1
    H1 = torch.relu(Z1)
    S = H1 @ W2 + b2
    log_P = torch.log_softmax(S, -1)
    loss = F.nll_loss(log_P, y)
    P = log_P.exp()
    dS = (P - F.one_hot(y, W2.size(1))) / N
    dH1 = dS @ W2.mT
    dZ1 = torch.where(Z1 > 0, dH1, torch.zeros_like(dH1))
    return {
        "loss": loss.item(),
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.mT @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.mT @ dS,
        "db2": dS.sum(0),
    }


@right()
def torch_intermediate_hints(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    hpreact = X @ W1 + b1
    h = torch.relu(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdim=True).values
    counts = (logits - logit_maxes).exp()
    counts_sum_inv = counts.sum(1, keepdims=True) ** -1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[torch.arange(n), y].mean()

    dlogprobs = torch.zeros_like(logprobs)
    dlogprobs[torch.arange(n), y] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum_inv**2)) * dcounts_sum_inv
    dcounts += torch.ones_like(counts) * dcounts_sum
    dlogits = counts * dcounts
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (hpreact > 0).to(dh.dtype) * dh
    dW1 = X.T @ dhpreact
    db1 = dhpreact.sum(0)
    return loss, dW1, db1, dW2, db2


@right()
def torch_converts_for_itself(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (torch.tensor(a) for a in (X, Y, W1, b1, W2, b2))
    for p in (W1, b1, W2, b2):
        p.requires_grad_()
    loss = -(Y * F.log_softmax(F.relu(X @ W1 + b1) @ W2 + b2, dim=1)).sum(1).mean()
    loss.backward()
    return {name: p.grad.numpy() for name, p in zip(("W1", "b1", "W2", "b2"), (W1, b1, W2, b2))}


@right()
def torch_float32_by_hand(X, y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = (t.float() for t in (X, W1, b1, W2, b2))
    A = F.relu(X @ W1 + b1)
    D = F.softmax(A @ W2 + b2, dim=1)
    D[range(len(y)), y] -= 1
    D /= len(y)
    B = (D @ W2.T) * (A > 0)
    return X.T @ B, B.sum(0), A.T @ D, D.sum(0)


@right()
def torch_module_of_float32(X, y, W1, b1, W2, b2):
    net = nn.Sequential(nn.Linear(*W1.shape), nn.ReLU(), nn.Linear(*W2.shape))
    with torch.no_grad():
        net[0].weight.copy_(W1.T)
        net[0].bias.copy_(b1)
        net[2].weight.copy_(W2.T)
        net[2].bias.copy_(b2)
    loss = nn.CrossEntropyLoss()(net(X), y)
    loss.backward()
    return loss.item(), {
        "W1": net[0].weight.grad.T,
        "b1": net[0].bias.grad,
        "W2": net[2].weight.grad.T,
        "b2": net[2].bias.grad,
    }


@right()
def torch_autograd_grad(X, y, W1, b1, W2, b2):
    leaves = [t.detach().clone().requires_grad_(True) for t in (W1, b1, W2, b2)]
    h = torch.relu(X @ leaves[0] + leaves[1])
    loss = F.cross_entropy(h @ leaves[2] + leaves[3], y)
    return torch.autograd.grad(loss, leaves)


@right()
def torch_autograd_of_activations(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.clone().requires_grad_() for t in (W1, b1, W2, b2))
    Z1 = X @ W1 + b1
    H1 = Z1.relu()
    S = H1 @ W2 + b2
    for t in (Z1, H1, S):
        t.retain_grad()
    loss = F.cross_entropy(S, Y)
    loss.backward()
    return {
        "loss": loss.detach(),
        "S": S.detach(),
        "dS": S.grad,
        "dH1": H1.grad,
        "dZ1": Z1.grad,
        "dW1": W1.grad,
        "db1": b1.grad,
        "dW2": W2.grad,
        "db2": b2.grad,
    }


@right()
def torch_func_grad(params, X, y):
    def loss(p):
        hidden = torch.relu(X @ p["W1"] + p["b1"])
        return F.cross_entropy(hidden @ p["W2"] + p["b2"], y)

    p = {name: params[name] for name in ("W1", "b1", "W2", "b2")}
    grads, value = torch.func.grad_and_value(loss)(p)
    return value, grads


@right()
def torch_func_vmap(X, Y, W1, b1, W2, b2):
    def loss(W1, b1, W2, b2, x, t):
        return -(t * torch.log_softmax(torch.relu(x @ W1 + b1) @ W2 + b2, dim=0)).sum()

    per_sample = torch.func.vmap(
        torch.func.grad(loss, argnums=(0, 1, 2, 3)), in_dims=(None,) * 4 + (0, 0)
    )
    return tuple(g.mean(0) for g in per_sample(W1, b1, W2, b2, X, Y))


@right()
def torch_func_jacrev_of_logits(X, Y, W1, b1, W2, b2):
    def logits(W1, b1, W2, b2):
        return torch.relu(X @ W1 + b1) @ W2 + b2

    dS = (torch.softmax(logits(W1, b1, W2, b2), 1) - Y) / X.shape[0]
    jacobians = torch.func.jacrev(logits, argnums=(0, 1, 2, 3))(W1, b1, W2, b2)
    return tuple(torch.tensordot(dS, J, dims=2) for J in jacobians)


@right()
def torch_func_vjp(X, Y, W1, b1, W2, b2):
    hidden, back1 = torch.func.vjp(lambda W, b: torch.relu(X @ W + b), W1, b1)
    scores, back2 = torch.func.vjp(lambda h, W, b: h @ W + b, hidden, W2, b2)
    dS = (scores.softmax(1) - Y) / X.shape[0]
    dH1, dW2, db2 = back2(dS)
    dW1, db1 = back1(dH1)
    return {"dH1": dH1, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


class HiddenLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, X, W, b):
        Z = X @ W + b
        ctx.save_for_backward(X, W, Z)
        return Z.clamp(min=0)

    @staticmethod
    def backward(ctx, dH):
        X, W, Z = ctx.saved_tensors
        dZ = dH * (Z > 0)
        return dZ @ W.T, X.T @ dZ, dZ.sum(0)


class SoftmaxLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, S, Y):
        P = torch.softmax(S, dim=1)
        ctx.save_for_backward(P, Y)
        return -(Y * torch.log_softmax(S, dim=1)).sum() / len(Y)

    @staticmethod
    def backward(ctx, dL):
        P, Y = ctx.saved_tensors
        return dL * (P - Y) / len(Y), None


@right()
def torch_custom_functions(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (torch.tensor(t.tolist(), dtype=X.dtype) for t in (W1, b1, W2, b2))
    for t in (W1, b1, W2, b2):
        t.requires_grad = True
    hidden = HiddenLayer.apply(X, W1, b1)
    loss = SoftmaxLoss.apply(hidden @ W2 + b2, Y)
    loss.backward()
    return loss.item(), W1.grad, b1.grad, W2.grad, b2.grad


class Classifier(nn.Module):
    def __init__(self, W1, b1, W2, b2):
        super().__init__()
        self.W1, self.b1 = nn.Parameter(W1.clone()), nn.Parameter(b1.clone())
        self.W2, self.b2 = nn.Parameter(W2.clone()), nn.Parameter(b2.clone())

    def forward(self, X):
        return F.relu(X @ self.W1 + self.b1) @ self.W2 + self.b2


@right()
def torch_module_accumulating(X, y, W1, b1, W2, b2):
    model = Classifier(W1, b1, W2, b2)
    for x, label in zip(X.split(2), y.split(2)):
        (F.cross_entropy(model(x), label, reduction="sum") / len(X)).backward()
    return {f"{name}_grad": p.grad for name, p in model.named_parameters()}


@right()
def torch_penalised(X, y, W1, b1, W2, b2, reg):
    model = Classifier(W1, b1, W2, b2)
    loss = F.cross_entropy(model(X), y)
    loss = loss + reg / 2 * (model.W1.square().sum() + model.W2.square().sum())
    loss.backward()
    return loss.item(), {name: p.grad for name, p in model.named_parameters()}


# --- Batch last ----------------------------------------------------------------------------------


@right(layout="columns")
def columns_course(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    T = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
    A2 = T / np.sum(T, axis=0, keepdims=True)

    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), Z1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(layout="columns")
def columns_everything(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    H1 = np.maximum(Z1, 0)
    S = W2 @ H1 + b2
    log_P = S - scipy.special.logsumexp(S, axis=0)
    P = np.exp(log_P)
    loss = -np.sum(Y * log_P) / N
    dS = (P - Y) / N
    dH1 = W2.T @ dS
    dZ1 = dH1 * (Z1 > 0)
    return {
        "loss": loss,
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dS @ H1.T,
        "db2": dS.sum(axis=1, keepdims=True),
    }


@right(layout="columns")
def columns_one_by_one(X, Y, W1, b1, W2, b2):
    nabla_w = [np.zeros(W1.shape), np.zeros(W2.shape)]
    nabla_b = [np.zeros(b1.shape), np.zeros(b2.shape)]
    m = X.shape[1]
    for i in range(m):
        x, t = X[:, [i]], Y[:, [i]]
        z = W1 @ x + b1
        a = np.maximum(z, 0)
        delta = scipy.special.softmax(W2 @ a + b2) - t
        nabla_b[1] += delta / m
        nabla_w[1] += delta @ a.T / m
        delta = (W2.T @ delta) * (z > 0)
        nabla_b[0] += delta / m
        nabla_w[0] += delta @ x.T / m
    return nabla_w[0], nabla_b[0], nabla_w[1], nabla_b[1]


@right(layout="columns")
def columns_by_transposing(X, Y, W1, b1, W2, b2):
    loss, (dW1, db1, dW2, db2) = columns_in_rows(X.T, Y.T, W1.T, b1.T, W2.T, b2.T)
    return loss, {"dW1": dW1.T, "db1": db1.T, "dW2": dW2.T, "db2": db2.T}


def columns_in_rows(X, Y, W1, b1, W2, b2):
    A = np.maximum(X @ W1 + b1, 0)
    log_P = scipy.special.log_softmax(A @ W2 + b2, axis=1)
    D = (np.exp(log_P) - Y) / len(X)
    B = (D @ W2.T) * (A > 0)
    grads = X.T @ B, B.sum(0, keepdims=True), A.T @ D, D.sum(0, keepdims=True)
    return -(Y * log_P).sum() / len(X), grads


@right(layout="columns")
def columns_step(X, Y, params, learning_rate):
    m = X.shape[1]
    A1 = np.maximum(0, params["W1"] @ X + params["b1"])
    dZ2 = (scipy.special.softmax(params["W2"] @ A1 + params["b2"], axis=0) - Y) / m
    dZ1 = params["W2"].T @ dZ2 * (A1 > 0)
    grads = {
        "W1": dZ1 @ X.T,
        "b1": dZ1.sum(1, keepdims=True),
        "W2": dZ2 @ A1.T,
        "b2": dZ2.sum(1, keepdims=True),
    }
    return {name: params[name] - learning_rate * g for name, g in grads.items()}


@right(layout="columns")
def columns_torch(X, Y, W1, b1, W2, b2):
    leaves = [t.clone().requires_grad_() for t in (W1, b1, W2, b2)]
    V1, c1, V2, c2 = leaves
    log_P = torch.log_softmax(V2 @ torch.relu(V1 @ X + c1) + c2, dim=0)
    loss = -(Y * log_P).sum() / X.shape[1]
    return loss.detach(), torch.autograd.grad(loss, leaves)


# --- Weights as nn.Linear keeps them -------------------------------------------------------------


@right(layout="linear")
def linear_numpy(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2.T + b2) - Y) / len(X)
    dZ1 = (dS @ W2) * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


@right(layout="linear")
def linear_functional(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    loss = F.cross_entropy(F.linear(F.relu(F.linear(X, W1, b1)), W2, b2), y)
    loss.backward()
    return loss, {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@right(layout="linear")
def linear_sequential(X, y, W1, b1, W2, b2):
    (H, d), K = W1.shape, W2.shape[0]
    model = nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, K)).to(X.dtype)
    model.load_state_dict({"0.weight": W1, "0.bias": b1, "2.weight": W2, "2.bias": b2})
    criterion = nn.CrossEntropyLoss()
    model.zero_grad()
    criterion(model(X), y).backward()
    return tuple(p.grad for p in model.parameters())


@right(layout="linear")
def linear_functional_call(X, y, params):
    H, d = params["W1"].shape
    model = nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, len(params["b2"])))
    state = {
        "0.weight": params["W1"],
        "0.bias": params["b1"],
        "2.weight": params["W2"],
        "2.bias": params["b2"],
    }
    grads = torch.func.grad(
        lambda s: F.cross_entropy(torch.func.functional_call(model, s, (X,)), y)
    )(state)
    return {
        "W1": grads["0.weight"],
        "b1": grads["0.bias"],
        "W2": grads["2.weight"],
        "b2": grads["2.bias"],
    }


@right(layout="linear")
def linear_torch_by_hand(X, Y, W1, b1, W2, b2, lr):
    with torch.no_grad():
        Z1 = F.linear(X, W1, b1)
        H1 = Z1.relu()
        dS = (F.linear(H1, W2, b2).softmax(-1) - Y) / X.shape[0]
        dZ1 = (dS @ W2).masked_fill(Z1 <= 0, 0.0)
        return {
            "W1": torch.sub(W1, dZ1.T @ X, alpha=lr),
            "b1": torch.sub(b1, dZ1.sum(0), alpha=lr),
            "W2": torch.sub(W2, dS.T @ H1, alpha=lr),
            "b2": torch.sub(b2, dS.sum(0), alpha=lr),
        }
