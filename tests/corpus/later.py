"""Patients for the doctor: hand-written passes from many desks, wrong, doubly wrong and right.

Like `held_out.py` they were written by somebody who had not seen the dictionary, when it was done.
At the first look the doctor named the equation of 59 of the 60, 56 to the letter, and both mistakes
of 26 of the 30 pairs; it called none right, and none of the 30 right ones wrong. What it lacked was
added then.
"""

# ruff: noqa: B006, C408, F841

from __future__ import annotations

import functools
import itertools
import math
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import log_softmax, logsumexp, softmax
from torch.nn import functional as F


class Mistake(NamedTuple):
    """One line of a patient that departs from the derivation."""

    equation: str
    mistake: str


class Case(NamedTuple):
    """A patient with one mistake."""

    f: Callable[..., Any]
    equation: str
    mistake: str
    options: dict[str, Any]


class Pair(NamedTuple):
    """A patient with two independent mistakes."""

    f: Callable[..., Any]
    mistakes: tuple[Mistake, Mistake]
    options: dict[str, Any]


WRONG: list[Case] = []
PAIRS: list[Pair] = []
RIGHT: list[tuple[Callable[..., Any], dict[str, Any]]] = []


def wrong(equation: str, mistake: str, **options: Any) -> Callable[..., Any]:
    """Register a patient with one mistake."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        WRONG.append(Case(f, equation, mistake, options))
        return f

    return register


def pair(
    equation_a: str, mistake_a: str, equation_b: str, mistake_b: str, **options: Any
) -> Callable[..., Any]:
    """Register a patient with two mistakes in different equations."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        mistakes = (Mistake(equation_a, mistake_a), Mistake(equation_b, mistake_b))
        PAIRS.append(Pair(f, mistakes, options))
        return f

    return register


def right(**options: Any) -> Callable[..., Any]:
    """Register a patient with nothing wrong."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        RIGHT.append((f, options))
        return f

    return register


# --- One mistake each ---------------------------------------------------------------------------


@wrong("dS", "the gradient of the scores is not divided by the number of rows")
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


@wrong("dZ1", "the mask lets through every unit that is not negative, zero included")
def colleague_with_mask(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    pre = X @ W1 + b1
    hid = pre * (pre > 0)
    prob = softmax(hid @ W2 + b2, axis=1)
    prob[np.arange(n), y] -= 1
    prob /= n
    dhid = prob @ W2.T
    dpre = dhid * (pre >= 0)
    return X.T @ dpre, dpre.sum(0), hid.T @ prob, prob.sum(0)


@wrong("P", "the exponentials are divided by the sum over the whole matrix, not over each row")
def softmax_of_everything(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max())
    P = E / E.sum()
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    return {"loss": -np.sum(Y * np.log(P)) / N, "P": P, "grads": grads}


@wrong("db1", "the bias gradient is averaged over the rows a second time", layout="columns")
def coursera_week_four(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    t = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
    A2 = t / np.sum(t, axis=0, keepdims=True)
    dZ2 = (A2 - Y) / m
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(Z1 > 0))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.mean(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW1", "the inputs of the row before are paired with the errors of this row")
def physicist_index_slip(X, y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    gW1 = np.zeros((d, H))
    gb1 = np.zeros(H)
    gW2 = np.zeros((H, K))
    gb2 = np.zeros(K)
    for n in range(N):
        z = X[n] @ W1 + b1
        h = np.maximum(z, 0.0)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p /= p.sum()
        p[y[n]] -= 1.0
        p /= N
        gb2 += p
        gW2 += np.outer(h, p)
        dz = (W2 @ p) * (z > 0)
        gb1 += dz
        for i in range(d):
            gW1[i] += X[n - 1, i] * dz
    return gW1, gb1, gW2, gb2


@wrong("db2", "all residuals are summed to one number, repeated for each class")
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


@wrong("dH1", "the output weights had been stepped before the error was sent back through them")
def sgd_on_the_fly(X, Y, W1, b1, W2, b2, lr):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / N
    new_W2 = W2 - lr * (H1.T @ dS)
    new_b2 = b2 - lr * dS.sum(0)
    dZ1 = (dS @ new_W2.T) * (Z1 > 0)
    new_W1 = W1 - lr * (X.T @ dZ1)
    new_b1 = b1 - lr * dZ1.sum(0)
    return {"W1": new_W1, "b1": new_b1, "W2": new_W2, "b2": new_b2}


@wrong("update", "the step is added: gradient ascent")
def climber(params, X, Y, learning_rate):
    W1, b1, W2, b2 = params.W1, params.b1, params.W2, params.b2
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    g = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    return {k: params[k] + learning_rate * g[k] for k in g}


@wrong("L", "the loss is the sum over the rows, not their mean")
def loss_and_grads_by_hand(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    logp = log_softmax(H1 @ W2 + b2, axis=1)
    loss = -logp[np.arange(N), y].sum()
    dS = np.exp(logp)
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = dS @ W2.T
    dZ1[Z1 <= 0] = 0
    return loss, {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("Z1", "the bias of the hidden layer is forgotten")
def torch_no_bias(X: torch.Tensor, Y: torch.Tensor, W1, b1, W2, b2):
    Z1 = torch.mm(X, W1)
    H1 = Z1.clamp(min=0)
    S = torch.addmm(b2, H1, W2)
    P = torch.softmax(S, dim=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = dS.mm(W2.t()) * (Z1 > 0)
    return dict(Z1=Z1, dW1=X.t().mm(dZ1), db1=dZ1.sum(0), dW2=H1.t().mm(dS), db2=dS.sum(0))


@wrong("S", "the scores are computed from the pre-activations, before the ReLU")
def skipped_activation(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = Z1 @ W2 + b2
    P = softmax(S, axis=-1)
    dS = (P - Y) / N
    dZ1 = np.where(Z1 > 0, dS @ W2.T, 0)
    return {
        "H1": H1,
        "S": S,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


class AffineReluNet:
    """A two-layer net in the manner of a vision course's second assignment."""

    def __init__(self, W1, b1, W2, b2):
        self.params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    def loss(self, X, y):
        p = self.params
        N = X.shape[0]
        hidden = np.maximum(0, X.dot(p["W1"]) + p["b1"])
        scores = hidden.dot(p["W2"]) + p["b2"]
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[range(N), y])) / N
        dscores = probs.copy()
        dscores[range(N), y] -= 1
        dscores /= N
        grads = {}
        grads["W2"] = hidden.T.dot(dscores)
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = dscores.dot(p["W2"].T)
        dhidden[dhidden <= 0] = 0
        grads["W1"] = X.T.dot(dhidden)
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, grads


@wrong("dZ1", "the gradient is cut where it is itself negative, not where Z1 is")
def vision_course_net(X, y, W1, b1, W2, b2):
    return AffineReluNet(W1, b1, W2, b2).loss(X, y)


@wrong("dW2", "the pre-activations are used in place of the activations", layout="linear")
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


class _HandReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx, upstream):
        (z,) = ctx.saved_tensors
        return upstream * (z < 0)


@wrong("dZ1", "the comparison is the wrong way round: only dead units learn")
def autograd_function_relu(X, y, W1, b1, W2, b2):
    leaves = [t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    loss = F.cross_entropy(_HandReLU.apply(X @ w1 + c1) @ w2 + c2, y)
    loss.backward()
    return tuple(t.grad for t in leaves)


@wrong("dS", "the labels are subtracted with the sign turned: Y - P", layout="columns")
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


@wrong("H1", "a leaky slope of a hundredth was kept from another network")
def leaky_leftover(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / Y.shape[0]
    dZ1 = dS @ W2.T * (Z1 > 0)
    return SimpleNamespace(H1=H1, dW1=X.T @ dZ1, db1=dZ1.sum(0), dW2=H1.T @ dS, db2=dS.sum(0))


@wrong("dZ1", "the error is multiplied by the activations and not by their derivative")
def golfer(X, Y, W, b, V, c):
    h = np.maximum(X @ W + b, 0)
    e = np.exp(h @ V + c)
    r = (e / e.sum(1)[:, None] - Y) / len(X)
    q = r @ V.T * h
    return X.T @ q, q.sum(0), h.T @ r, r.sum(0)


@wrong("dS", "divided by the number of classes, not of rows")
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


def _c_forward(X, W1, b1, W2, b2, N, d, H, K):
    z = [[0.0] * H for _ in range(N)]
    p = [[0.0] * K for _ in range(N)]
    for n in range(N):
        for j in range(H):
            acc = b1[j]
            for i in range(d):
                acc += X[n][i] * W1[i][j]
            z[n][j] = acc
        tot = 0.0
        for k in range(K):
            acc = b2[k]
            for j in range(H):
                acc += max(0.0, z[n][j]) * W2[j][k]
            p[n][k] = math.exp(acc)
            tot += p[n][k]
        for k in range(K):
            p[n][k] /= tot
    return z, p


@wrong("dH1", "an assignment where an accumulation belongs: only the last class is kept")
def c_programmer(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    gW1 = np.zeros((d, H))
    gb1 = np.zeros(H)
    gW2 = np.zeros((H, K))
    gb2 = np.zeros(K)
    for n in range(N):
        ds = [(p[n][k] - Y[n, k]) / N for k in range(K)]
        for k in range(K):
            gb2[k] += ds[k]
            for j in range(H):
                gW2[j, k] += max(0.0, z[n][j]) * ds[k]
        for j in range(H):
            acc = 0.0
            for k in range(K):
                acc = ds[k] * W2[j, k]
            if z[n][j] > 0:
                gb1[j] += acc
                for i in range(d):
                    gW1[i, j] += X[n, i] * acc
    return gW1, gb1, gW2, gb2


@wrong("dW1", "the accumulator is set anew for each row, so that only the last one counts")
def c_programmer_on_friday(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    h = np.maximum(np.array(z), 0)
    ds = (np.array(p) - Y) / N
    dz = (ds @ W2.T) * (h > 0)
    gW1 = np.zeros((d, H))
    for i in range(d):
        for j in range(H):
            for n in range(N):
                gW1[i, j] = X[n, i] * dz[n, j]
    return {"dw1": gW1, "db1": dz.sum(axis=0), "dw2": h.T @ ds, "db2": ds.sum(axis=0)}


@wrong("call", "the gradients are gathered in a default argument and grow from call to call")
def remembers_too_much(X, Y, W1, b1, W2, b2, grads={}):

    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(Y)
    dZ1 = dS @ W2.T * (Z1 > 0)
    new = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    for name, g in new.items():
        grads[name] = grads.get(name, 0) + g
    return dict(grads)


@wrong("call", "the one-hot labels of the caller are overwritten by the residual")
def overwrites_labels(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = np.subtract(P, Y, out=Y)
    dS /= n
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("P", "a sigmoid stands in for the softmax")
def logistic_heads(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    hidden_in = X @ W1 + b1
    hidden_out = np.maximum(hidden_in, 0)
    scores = hidden_out @ W2 + b2
    P = 1 / (1 + np.exp(-scores))
    err = (P - Y) / N
    err_hidden = err @ W2.T
    err_hidden = err_hidden * (hidden_in > 0)
    return {
        "P": P,
        "gradients": {
            "W1": X.T @ err_hidden,
            "b1": err_hidden.sum(axis=0),
            "W2": hidden_out.T @ err,
            "b2": err.sum(axis=0),
        },
    }


@wrong("dW2", "the penalty is added with a factor of two, though the loss has one half of it")
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


@wrong("db1", "weight decay is applied to the hidden bias as well")
def decays_bias(X, Y, W1, b1, W2, b2, weight_decay):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1 + weight_decay * W1,
        "db1": dZ1.sum(axis=0) + weight_decay * b1,
        "dW2": H1.T @ dS + weight_decay * W2,
        "db2": dS.sum(axis=0),
    }


@wrong("dH1", "only the signs of the output weights are used on the way back")
def feedback_by_sign(X, Y, W1, b1, W2, b2):
    N = Y.shape[0]
    pre = X @ W1 + b1
    act = np.maximum(pre, 0)
    out = softmax(act @ W2 + b2, axis=1)
    d2 = (out - Y) / N
    d1 = (d2 @ np.sign(W2).T) * (pre > 0)
    return {"W1": X.T @ d1, "b1": d1.sum(0), "W2": act.T @ d2, "b2": d2.sum(0)}


@wrong("db2", "the largest entry of each column is taken, not the sum")
def amax_for_sum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = torch.where(Z1 > 0, Z1, torch.zeros_like(Z1))
    P = (H1 @ W2 + b2).softmax(-1)
    dS = (P - Y) / X.size(0)
    db2 = dS.amax(dim=0)
    dZ1 = torch.where(Z1 > 0, dS @ W2.T, torch.zeros_like(Z1))
    return X.T @ dZ1, dZ1.sum(dim=0), H1.T @ dS, db2


@wrong("dW1", "divided by the number of rows once more", layout="linear")
def linear_twice_averaged(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2.T + b2, axis=1) - Y) / n
    dZ1 = (dS @ W2) * (Z1 > 0)
    return {
        "dW1": dZ1.T @ X / n,
        "db1": dZ1.sum(0),
        "dW2": dS.T @ H1,
        "db2": dS.sum(0),
    }


@wrong("P", "the maximum taken off inside the logarithm is never taken off the score outside")
def log_sum_exp_slip(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    top = S.max(axis=1, keepdims=True)
    logP = S - np.log(np.exp(S - top).sum(axis=1, keepdims=True))
    P = np.exp(logP)
    dS = P.copy()
    dS[np.arange(N), y] -= 1.0
    dS /= N
    dZ1 = np.where(Z1 > 0, dS @ W2.T, 0.0)
    return {
        "S": S,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@dataclass
class GradientBundle:
    """What a backward pass gives back."""

    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@wrong("dW1", "the raw error of the hidden layer is used, before the mask of the ReLU")
def dataclass_author(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return GradientBundle(dW1=X.T @ dH1, db1=np.sum(dZ1, 0), dW2=H1.T @ dS, db2=np.sum(dS, 0))


@wrong("db1", "the raw error of the hidden layer is summed, before the mask of the ReLU")
def functional_style(params, X, Y):
    pre = X @ params["W1"] + params["b1"]
    act = np.maximum(pre, 0)
    logits = act @ params["W2"] + params["b2"]
    cot = (softmax(logits, axis=-1) - Y) / X.shape[0]
    cot_act = cot @ params["W2"].T
    cot_pre = cot_act * (pre > 0)
    return {
        "W1": X.T @ cot_pre,
        "b1": cot_act.sum(0),
        "W2": act.T @ cot,
        "b2": cot.sum(0),
    }


class Dense:
    """A fully connected layer that remembers its input."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW = self.x.T @ g
        self.db = g.sum(axis=0)
        return g @ self.W.T


class Rectifier:
    """The positive part, with the mask kept."""

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0)

    def backward(self, g):
        return g * self.mask


class TiredRectifier(Rectifier):
    """The rectifier of the library's second edition."""

    def backward(self, g):
        return g


@wrong("dZ1", "the activation layer hands the gradient on without its mask")
def layer_library(X, Y, W1, b1, W2, b2):
    first, second, act = Dense(W1, b1), Dense(W2, b2), TiredRectifier()
    out = second.forward(act.forward(first.forward(X)))
    g = (softmax(out, axis=1) - Y) / len(X)
    first.backward(act.backward(second.backward(g)))
    return first.dW, first.db, second.dW, second.db


@wrong("dH1", "the error is sent back from the first class only")
def one_class_back(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    H1 = Z1 * (Z1 > 0)
    P = softmax(np.einsum("nh,hk->nk", H1, W2) + b2, axis=1)
    dS = (P - Y) / N
    dH1 = np.einsum("n,h->nh", dS[:, 0], W2[:, 0])
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dH1": dH1,
        "dW1": np.einsum("nd,nh->dh", X, dZ1),
        "db1": np.einsum("nh->h", dZ1),
        "dW2": np.einsum("nh,nk->hk", H1, dS),
        "db2": np.einsum("nk->k", dS),
    }


@wrong("update", "the bias of the output layer is left as it was")
def forgets_one_step(X, Y, W1, b1, W2, b2, eta):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 - eta * X.T @ dZ1,
        "b1": b1 - eta * dZ1.sum(axis=0),
        "W2": W2 - eta * H1.T @ dS,
        "b2": b2,
    }


@wrong("update", "the learning rate is divided by the number of rows although dS already was")
def careful_step(X, y, W1, b1, W2, b2, learning_rate):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1)
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    step = learning_rate / N
    Theta = namedtuple("Theta", ["W1", "b1", "W2", "b2"])
    return Theta(
        W1 - step * (X.T @ dZ1),
        b1 - step * dZ1.sum(axis=0),
        W2 - step * (H1.T @ dS),
        b2 - step * dS.sum(axis=0),
    )


@wrong("L", "the logarithm is taken to base two")
def bits_not_nats(X, Y, W1, b1, W2, b2):
    n = Y.shape[0]
    lin = X @ W1 + b1
    act = np.fmax(lin, 0)
    prob = softmax(act @ W2 + b2, axis=1)
    loss = -(Y * np.log2(prob)).sum() / n
    d2 = (prob - Y) / n
    d1 = (d2 @ W2.T) * (lin > 0)
    return loss, (X.T @ d1, d1.sum(0), act.T @ d2, d2.sum(0))


@wrong("L", "the mean is over all N times K entries")
def mean_of_all_entries(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = F.relu(Z1)
    logP = F.log_softmax(H1 @ W2 + b2, dim=1)
    loss = -(Y * logP).mean()
    dS = (logP.exp() - Y) / Y.shape[0]
    dZ1 = (dS @ W2.T).masked_fill(Z1 <= 0, 0.0)
    return {
        "loss": loss,
        "W1_grad": X.T @ dZ1,
        "b1_grad": dZ1.sum(0),
        "W2_grad": H1.T @ dS,
        "b2_grad": dS.sum(0),
    }


@wrong("L", "the other terms of a binary cross-entropy are added")
def binary_habit(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    A2 = softmax(A1 @ W2 + b2, axis=1)
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    dZ2 = (A2 - Y) / m
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": A1.T @ dZ2, "db2": dZ2.sum(0)}
    return {"loss": cost, "grads": grads}


@wrong("dS", "the slope of a sigmoid, P(1 - P), is multiplied in")
def squared_error_habit(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    delta2 = (P - Y) * P * (1 - P) / N
    delta1 = (delta2 @ W2.T) * (Z1 > 0)
    return (X.T @ delta1, delta1.sum(axis=0), H1.T @ delta2, delta2.sum(axis=0))


@wrong("dS", "only the entry of the true class gets a gradient; the others are left at zero")
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


@wrong("dS", "one is taken from the whole columns of the labels, for want of the row index")
def column_indexing(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1)
    dS[:, y] -= 1
    dS = dS / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return (X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0))


@wrong("dS", "the labels are counted from one, so the class before is taken for the true one")
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


@wrong("S", "the bias of the output layer is taken away, not added")
def minus_bias(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    field = X @ W1 + b1
    spin = np.where(field > 0, field, 0)
    energy = spin @ W2 - b2
    Zpart = np.exp(energy).sum(axis=1, keepdims=True)
    boltz = np.exp(energy) / Zpart
    force = (boltz - Y) / N
    torque = np.where(field > 0, force @ W2.T, 0)
    return {
        "dW1": X.T @ torque,
        "db1": torque.sum(axis=0),
        "dW2": spin.T @ force,
        "db2": force.sum(axis=0),
    }


@wrong("Z1", "the inputs are scaled to unit length first")
def normalises_rows(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = (X / np.linalg.norm(X, axis=1, keepdims=True)) @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return SimpleNamespace(
        Z1=Z1,
        H1=H1,
        S=S,
        P=P,
        dW1=X.T @ dZ1,
        db1=dZ1.sum(axis=0),
        dW2=H1.T @ dS,
        db2=dS.sum(axis=0),
    )


@wrong("H1", "the hidden units are capped at one as well")
def clipped_at_one(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    z = X @ W1 + b1
    h = np.clip(z, 0, 1)
    o = h @ W2 + b2
    p = np.exp(o - o.max(1)[:, None])
    p = p / p.sum(1)[:, None]
    do = (p - Y) / N
    dh = do @ W2.T
    dz = dh * (z > 0)
    return {"H1": h, "dW1": X.T @ dz, "db1": dz.sum(0), "dW2": h.T @ do, "db2": do.sum(0)}


@wrong("H1", "the absolute value is taken, not the positive part", layout="linear")
def absolute_units(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = F.linear(X, W1, b1)
    H1 = Z1.abs()
    S = F.linear(H1, W2, b2)
    dS = (S.softmax(dim=1) - F.one_hot(y, W2.shape[0])) / N
    dZ1 = (dS @ W2) * (Z1 > 0)
    return OrderedDict(dW1=dZ1.T @ X, db1=dZ1.sum(0), dW2=dS.T @ H1, db2=dS.sum(0))


@wrong("dW2", "the activations were squared", layout="columns")
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


@wrong("P", "the softmax runs over the batch and not over the classes", layout="columns")
def columns_wrong_axis(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=1)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    return dZ1 @ X.T, db1, dZ2 @ A1.T, db2


@wrong("dW2", "the gradient is transposed, which raises in the step")
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


@wrong("dH1", "the output weights are not transposed, which raises unless H equals K")
def forgot_transpose(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("call", "the two bias gradients are returned under each other's names")
def swapped_return(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    dW1, db1, dW2, db2 = X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
    return {"dW1": dW1, "db1": db2, "dW2": dW2, "db2": db1}


@wrong("call", "the parameters of the caller are changed in place by the step")
def in_place_step(X, Y, W1, b1, W2, b2, lr):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / n
    dZ1 = dS @ W2.T * (Z1 > 0)
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    for key in params:
        params[key] -= lr * grads[key]
    return params


@wrong("db2", "the bias gradient is weighted by the bias itself")
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


@wrong("dZ1", "the derivative of tanh is multiplied in, not that of the ReLU")
def tanh_leftover(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dZ2 = (P - Y) / N
    dZ1 = np.dot(dZ2, W2.T) * (1 - np.power(H1, 2))
    return {
        "dZ1": dZ1,
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dZ2),
        "db2": np.sum(dZ2, axis=0),
    }


@wrong("dZ1", "one mask for all rows, from the mean of each unit over the batch")
def one_mask_for_all(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    alive = Z1.mean(axis=0) > 0
    dZ1 = (dS @ W2.T) * alive
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


@wrong("dW1", "the penalty's term is taken away")
def decay_sign(X, Y, W1, b1, W2, b2, l2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    loss = -np.sum(Y * np.log(P)) / N + 0.5 * l2 * (np.sum(W1**2) + np.sum(W2**2))
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {
        "dW1": X.T @ dZ1 - l2 * W1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS + l2 * W2,
        "db2": dS.sum(axis=0),
    }
    return loss, grads


@wrong("Z1", "the first feature is left out: the loop over features begins at one")
def loop_from_one(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    Z1 = np.tile(b1, (N, 1)).astype(float)
    for i in range(1, d):
        Z1 += np.outer(X[:, i], W1[i])
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"Z1": Z1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("db2", "the residuals are summed in absolute value")
def total_variation(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    u = X @ W1 + b1
    v = np.maximum(u, 0)
    pi = softmax(v @ W2 + b2, axis=1)
    r = (pi - Y) / n
    w = (r @ W2.T) * (u > 0)
    return X.T @ w, w.sum(axis=0), v.T @ r, np.abs(r).sum(axis=0)


@wrong("db1", "the last row is left out of the sum")
def slice_slip(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    r = (softmax(h @ W2 + b2, axis=1) - Y) / n
    q = (r @ W2.T) * (z > 0)
    db1 = functools.reduce(np.add, q[:-1])
    return {"dW1": X.T @ q, "db1": db1, "dW2": h.T @ r, "db2": functools.reduce(np.add, r)}


@wrong("dW2", "the activations' rows are taken in reverse order")
def reversed_rows(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    r = (softmax(h @ W2 + b2, axis=1) - Y) / n
    q = (r @ W2.T) * (z > 0)
    dW2 = sum(np.outer(a, e) for a, e in zip(h[::-1], r, strict=True))
    return {"dW1": X.T @ q, "db1": q.sum(0), "dW2": dW2, "db2": r.sum(0)}


# --- Two mistakes each --------------------------------------------------------------------------


@pair("dS", "not divided by N", "dZ1", "zero counts as alive: >= in the mask")
def pair_homework(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = P - Y
    dZ1 = (dS @ W2.T) * (Z1 >= 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@pair("db1", "the mean and not the sum", "db2", "the mean and not the sum", layout="columns")
def pair_bias_means(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    A2 = softmax(np.dot(W2, A1) + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
    db2 = np.mean(dZ2, axis=1, keepdims=True)
    db1 = np.mean(dZ1, axis=1, keepdims=True)
    return {"dW1": np.dot(dZ1, X.T), "db1": db1, "dW2": np.dot(dZ2, A1.T), "db2": db2}


@pair(
    "dW2",
    "the pre-activations are used, without the ReLU",
    "db1",
    "the bias gradient is taken from the error before the mask",
)
def pair_mixed_names(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    pre = X @ W1 + b1
    post = np.maximum(pre, 0)
    err2 = softmax(post @ W2 + b2, axis=1)
    err2[np.arange(n), y] -= 1
    err2 /= n
    back = err2 @ W2.T
    err1 = back * (pre > 0)
    return X.T @ err1, back.sum(axis=0), pre.T @ err2, err2.sum(axis=0)


@pair("Z1", "the bias is left out", "dW1", "divided by N once more")
def pair_physicist(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    gW1, gb1 = np.zeros((d, H)), np.zeros(H)
    gW2, gb2 = np.zeros((H, K)), np.zeros(K)
    for x, t in zip(X, Y, strict=True):
        u = x @ W1
        v = np.maximum(u, 0)
        r = (softmax(v @ W2 + b2) - t) / N
        s = (W2 @ r) * (u > 0)
        gW1 += np.outer(x, s)
        gb1 += s
        gW2 += np.outer(v, r)
        gb2 += r
    return gW1 / N, gb1, gW2, gb2


@pair("S", "the bias is left out", "dH1", "twice the error is sent back")
def pair_intermediates(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2
    P = softmax(S, axis=1)
    dS = (P - Y) / N
    dH1 = 2 * dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "S": S,
        "dH1": dH1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@pair("L", "summed over the rows", "dW2", "the sign is turned")
def pair_loss_sum(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X.mm(W1) + b1
    H1 = Z1.relu()
    S = H1.mm(W2) + b2
    loss = F.cross_entropy(S, y, reduction="sum")
    dS = (S.softmax(1) - F.one_hot(y, S.shape[1])) / N
    dZ1 = dS.mm(W2.T) * (Z1 > 0)
    grads = {"W1": X.T.mm(dZ1), "b1": dZ1.sum(0), "W2": -H1.T.mm(dS), "b2": dS.sum(0)}
    return loss, grads


@pair(
    "update",
    "the step is added",
    "dZ1",
    "the error is cut where it is negative itself",
)
def pair_ascending(X, Y, W1, b1, W2, b2, lr):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = dS @ W2.T
    dZ1[dZ1 <= 0] = 0
    grads = (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))
    names = ("W1", "b1", "W2", "b2")
    theta = (W1, b1, W2, b2)
    return {k: t + lr * g for k, t, g in zip(names, theta, grads, strict=True)}


@pair("P", "softmax over the batch", "db2", "the mean over the rows is taken")
def pair_axis_and_mean(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    E = np.exp(H1 @ W2 + b2)
    P = E / E.sum(axis=0, keepdims=True)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.mean(axis=0),
    }


@pair("H1", "a leaky slope of a tenth", "dW1", "the error before the mask is used")
def pair_leaky(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    z = X @ W1 + b1
    h = np.where(z > 0, z, 0.1 * z)
    r = (softmax(h @ W2 + b2, axis=1) - Y) / N
    g = r @ W2.T
    q = g * (z > 0)
    return GradientBundle(X.T @ g, q.sum(0), h.T @ r, r.sum(0))


@pair("dS", "Y - P", "dH1", "the signs of the weights only")
def pair_sign_sign(params, X, Y):
    Z1 = X @ params["W1"] + params["b1"]
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ params["W2"] + params["b2"], axis=1)
    dS = (Y - P) / X.shape[0]
    dH1 = dS @ np.sign(params["W2"]).T
    dZ1 = np.where(Z1 > 0, dH1, 0)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@pair("dW2", "divided by N again", "dW1", "divided by N again", layout="linear")
def pair_weights_averaged(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = F.linear(X, W1, b1)
    H1 = F.relu(Z1)
    dS = F.linear(H1, W2, b2).softmax(-1)
    dS[torch.arange(n), y] -= 1
    dS = dS / n
    dZ1 = dS.mm(W2) * Z1.gt(0)
    W2_grad = dS.t().mm(H1) / n
    W1_grad = dZ1.t().mm(X) / n
    return {"W1_grad": W1_grad, "b1_grad": dZ1.sum(0), "W2_grad": W2_grad, "b2_grad": dS.sum(0)}


@pair("dW1", "the penalty is left out", "dW2", "the penalty is counted twice")
def pair_penalties(X, Y, W1, b1, W2, b2, l2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    dW2 = H1.T @ dS + 2 * l2 * W2
    return dW1, dZ1.sum(0), dW2, dS.sum(0)


@pair(
    "dS",
    "divided by the number of classes",
    "db1",
    "the last row is left out of the sum",
)
def pair_slices(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / K
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    db1 = sum(dZ1[n] for n in range(N - 1))
    return {"dS": dS, "dW1": X.T @ dZ1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(0)}


@pair("dZ1", "no mask at all", "dW2", "the rows are taken in reverse order")
def pair_unmasked(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dH1 = dS @ W2.T
    dZ1 = dH1
    return SimpleNamespace(
        dH1=dH1,
        dZ1=dZ1,
        dW1=X.T @ dZ1,
        db1=dZ1.sum(axis=0),
        dW2=H1[::-1].T @ dS,
        db2=dS.sum(axis=0),
    )


@pair("call", "the caller's labels are overwritten", "db2", "the mean over the rows is taken")
def pair_overwrites(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    R = Y
    R -= P
    dS = -R / n
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.mean(0)


@pair("dH1", "only the last class is kept: = for +=", "dW2", "the pre-activations are used")
def pair_c_loops(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    gW1, gb1 = np.zeros((d, H)), np.zeros(H)
    gW2, gb2 = np.zeros((H, K)), np.zeros(K)
    for n, j in itertools.product(range(N), range(H)):
        back = 0.0
        for k in range(K):
            r = (p[n][k] - Y[n, k]) / N
            back = r * W2[j, k]
            gW2[j, k] += z[n][j] * r
            if j == 0:
                gb2[k] += r
        if z[n][j] > 0.0:
            gb1[j] += back
            gW1[:, j] += back * X[n]
    return {"dW1": gW1, "db1": gb1, "dW2": gW2, "db2": gb2}


@pair("Z1", "the bias is taken away", "dS", "P(1 - P) is multiplied in")
def pair_sigmoid_days(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 - b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) * P * (1 - P) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "Z1": Z1,
        "grads": {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)},
    }


@pair("L", "the logarithm is to base ten", "dZ1", "multiplied by the activations")
def pair_base_ten(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    loss = -np.mean(np.sum(Y * np.log10(P), axis=1))
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * H1
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


class StaleDense(Dense):
    """The dense layer of the library's second edition."""

    def backward(self, g):
        self.dW = self.x.T @ g
        self.db = g.max(axis=0)
        return g @ np.abs(self.W).T


@pair("db2", "the maximum over the rows is taken", "dH1", "sent back through the absolute weights")
def pair_layers(X, Y, W1, b1, W2, b2):
    first, second, act = Dense(W1, b1), StaleDense(W2, b2), Rectifier()
    out = second.forward(act.forward(first.forward(X)))
    g = (softmax(out, axis=1) - Y) / len(X)
    first.backward(act.backward(second.backward(g)))
    return first.dW, first.db, second.dW, second.db


@pair("S", "the bias is counted twice", "dW1", "the inputs' rows are shifted by one")
def pair_rolled(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + 2 * b2
    dS = (softmax(S, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "S": S,
        "W1_grad": np.roll(X, 1, axis=0).T @ dZ1,
        "b1_grad": dZ1.sum(0),
        "W2_grad": H1.T @ dS,
        "b2_grad": dS.sum(0),
    }


@pair(
    "dS",
    "the labels are shifted by one class",
    "dW2",
    "the activations are squared",
    layout="columns",
)
def pair_columns_shift(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - np.roll(Y, 1, axis=0)) / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    return (
        dZ1 @ X.T,
        dZ1.sum(axis=1, keepdims=True),
        dZ2 @ A1.T**2,
        dZ2.sum(axis=1, keepdims=True),
    )


@pair(
    "update",
    "the hidden weights are not stepped",
    "dS",
    "not divided by the number of rows",
)
def pair_half_step(X, Y, W1, b1, W2, b2, eta):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1) - Y
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1,
        "b1": b1 - eta * dZ1.sum(0),
        "W2": W2 - eta * (H1.T @ dS),
        "b2": b2 - eta * dS.sum(0),
    }


@pair("P", "half of each score goes into the softmax", "dZ1", "zero counts as alive")
def pair_temperature(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = softmax(S / 2, axis=1)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * ~(Z1 < 0)
    return {
        "S": S,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@pair("H1", "capped at one", "db2", "multiplied by the bias")
def pair_capped(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = torch.addmm(b1, X, W1)
    H1 = torch.clamp(Z1, min=0, max=1)
    dS = torch.softmax(torch.addmm(b2, H1, W2), dim=1)
    dS[range(N), y] -= 1
    dS /= N
    dZ1 = torch.mm(dS, W2.t())
    dZ1[Z1 <= 0] = 0
    return {
        "H1": H1,
        "dW1": torch.mm(X.t(), dZ1),
        "db1": dZ1.sum(0),
        "dW2": torch.mm(H1.t(), dS),
        "db2": dS.sum(0) * b2,
    }


@pair("dH1", "the first row of the output weights is repeated", "dW1", "the sign is turned")
def pair_broadcast(X, Y, W, c, V, e):
    n = X.shape[0]
    a = X @ W + c
    h = np.maximum(a, 0)
    r = (softmax(h @ V + e, axis=1) - Y) / n
    g = r @ np.broadcast_to(V[0], V.shape).T
    q = g * (a > 0)
    return -(X.T @ q), q.sum(0), h.T @ r, r.sum(0)


@pair("dS", "the labels are smoothed by a tenth", "db1", "divided by N again")
def pair_smoothing(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    K = W2.shape[1]
    T = np.eye(K)[y]
    T = 0.9 * T + 0.1 / K
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - T) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0) / N, H1.T @ dS, dS.sum(0)


@pair("call", "the gradients grow from call to call", "dZ1", "the mask is turned round")
def pair_accumulating(X, Y, W1, b1, W2, b2, store={}):

    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 < 0)
    for key, g in (("dW1", X.T @ dZ1), ("db1", dZ1.sum(0)), ("dW2", H1.T @ dS)):
        store[key] = store.get(key, 0) + g
    store["db2"] = store.get("db2", 0) + dS.sum(0)
    return store.copy()


@pair("L", "the minus sign is missing", "dH1", "divided by the number of classes")
def pair_positive(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    logP = log_softmax(H1 @ W2 + b2, axis=1)
    loss = np.vdot(Y, logP) / N
    dS = (np.exp(logP) - Y) / N
    dH1 = dS @ W2.T / K
    dZ1 = dH1 * (Z1 > 0)
    Result = namedtuple("Result", "loss dH1 dW1 db1 dW2 db2")
    return Result(loss, dH1, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@pair(
    "Z1",
    "the inputs are centred on their mean first",
    "dZ1",
    "the derivative of tanh is multiplied in",
)
def pair_centred(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = (X - X.mean(axis=0)) @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (1 - H1 * H1)
    return {"Z1": Z1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@pair("dW1", "the sign of the penalty is turned", "db2", "weight decay reaches the bias")
def pair_decay(X, Y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {}
    grads["W1"] = X.T @ dZ1 - reg * W1
    grads["b1"] = dZ1.sum(axis=0)
    grads["W2"] = H1.T @ dS + reg * W2
    grads["b2"] = dS.sum(axis=0) + reg * b2
    return grads


# --- Nothing wrong ------------------------------------------------------------------------------


@right()
def right_plain(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    names = ["loss", "Z1", "H1", "S", "P", "dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"]
    here = locals()
    return {name: here[name] for name in names}


@right()
def right_golf(X, Y, A, a, B, b):
    h = (X @ A + a).clip(0)
    e = np.exp(h @ B + b)
    g = (e / e.sum(1, keepdims=1) - Y) / len(Y)
    q = g @ B.T * (h > 0)
    return X.T @ q, q.sum(0), h.T @ g, g.sum(0)


@right()
def right_divides_at_the_end(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    pre = X.dot(W1) + b1
    act = pre * (pre > 0)
    prob = softmax(act.dot(W2) + b2, axis=1)
    prob[np.arange(N), y] -= 1
    hidden_error = prob.dot(W2.T)
    hidden_error[act <= 0] = 0
    return {
        "dW1": X.T.dot(hidden_error) / N,
        "db1": hidden_error.mean(axis=0),
        "dW2": act.T.dot(prob) / N,
        "db2": prob.mean(axis=0),
    }


@right(layout="columns")
def right_coursera(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0, keepdims=True)
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), A1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(layout="columns")
def right_columns_per_sample(X, Y, W1, b1, W2, b2):
    out = [np.zeros_like(t) for t in (W1, b1, W2, b2)]
    m = X.shape[1]
    for s in range(m):
        x, t = X[:, [s]], Y[:, [s]]
        z = W1 @ x + b1
        a = np.maximum(z, 0)
        r = (softmax(W2 @ a + b2, axis=0) - t) / m
        q = (W2.T @ r) * (z > 0)
        for total, part in zip(out, (q @ x.T, q, r @ a.T, r), strict=True):
            total += part
    return tuple(out)


@right(layout="linear")
def right_nn_linear(X, y, W1, b1, W2, b2):
    Z1 = F.linear(X, W1, b1)
    H1 = F.relu(Z1)
    dS = F.softmax(F.linear(H1, W2, b2), dim=-1)
    dS = dS.scatter_add(1, y[:, None], -torch.ones_like(dS[:, :1])) / len(X)
    dZ1 = dS.mm(W2).masked_fill(Z1 <= 0, 0)
    return dZ1.T @ X, dZ1.sum(0), dS.T @ H1, dS.sum(0)


@right(layout="linear")
def right_linear_numpy(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1.T + b1
    h = np.maximum(z, 0)
    r = (softmax(h @ W2.T + b2, axis=1) - Y) / n
    q = np.where(z > 0, r @ W2, 0)
    return {"W1_grad": q.T @ X, "b1_grad": q.sum(0), "W2_grad": r.T @ h, "b2_grad": r.sum(0)}


@right(layout="linear")
def right_modules(X, y, W1, b1, W2, b2):
    X = torch.as_tensor(X, dtype=torch.float32)
    y = torch.as_tensor(y)
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], W1.shape[0]),
        torch.nn.ReLU(),
        torch.nn.Linear(W1.shape[0], W2.shape[0]),
    )
    with torch.no_grad():
        for p, value in zip(net.parameters(), (W1, b1, W2, b2), strict=True):
            p.copy_(torch.as_tensor(value))
    torch.nn.CrossEntropyLoss()(net(X), y).backward()
    return tuple(p.grad.numpy() for p in net.parameters())


@right()
def right_float32(X, y, W1, b1, W2, b2):
    to = functools.partial(torch.tensor, dtype=torch.float32)
    X, W1, b1, W2, b2 = map(to, (X, W1, b1, W2, b2))
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = Z1.relu()
    G = (H1 @ W2 + b2).softmax(1)
    G[torch.arange(n), torch.as_tensor(y)] -= 1
    G /= n
    Q = (G @ W2.T) * (Z1 > 0).float()
    return {"dW1": X.T @ Q, "db1": Q.sum(0), "dW2": H1.T @ G, "db2": G.sum(0)}


@right()
def right_single_precision(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (np.asarray(t, dtype=np.float32) for t in (X, Y, W1, b1, W2, b2))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, np.float32(0))
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / np.float32(len(X))
    dZ1 = np.where(Z1 > 0, dS @ W2.T, np.float32(0))
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


class _SoftmaxCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, S, Y):
        P = S.softmax(1)
        ctx.save_for_backward(P, Y)
        return -(Y * S.log_softmax(1)).sum(1).mean()

    @staticmethod
    def backward(ctx, upstream):
        P, Y = ctx.saved_tensors
        return upstream * (P - Y) / len(P), None


@right()
def right_autograd_function(X, Y, W1, b1, W2, b2):
    leaves = [t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    loss = _SoftmaxCrossEntropy.apply((X @ w1 + c1).relu() @ w2 + c2, Y)
    grads = torch.autograd.grad(loss, leaves)
    return loss.detach(), grads


@right()
def right_layers(X, Y, W1, b1, W2, b2):
    first, act, second = Dense(W1, b1), Rectifier(), Dense(W2, b2)
    out = X
    for layer in (first, act, second):
        out = layer.forward(out)
    g = (softmax(out, axis=1) - Y) / X.shape[0]
    for layer in (second, act, first):
        g = layer.backward(g)
    return GradientBundle(first.dW, first.db, second.dW, second.db)


@right()
def right_c_loops(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    gW1 = [[0.0] * H for _ in range(d)]
    gb1 = [0.0] * H
    gW2 = [[0.0] * K for _ in range(H)]
    gb2 = [0.0] * K
    for n in range(N):
        for k in range(K):
            r = (p[n][k] - Y[n][k]) / N
            gb2[k] += r
            for j in range(H):
                if z[n][j] <= 0.0:
                    continue
                gW2[j][k] += z[n][j] * r
                gb1[j] += W2[j][k] * r
                for i in range(d):
                    gW1[i][j] += X[n][i] * W2[j][k] * r
    return {
        "dW1": np.array(gW1),
        "db1": np.array(gb1),
        "dW2": np.array(gW2),
        "db2": np.array(gb2),
    }


@right()
def right_einsum(params, X, Y):
    Z1 = np.einsum("ni,ij->nj", X, params.W1) + params.b1
    H1 = np.maximum(Z1, 0)
    P = softmax(np.einsum("nj,jk->nk", H1, params.W2) + params.b2, axis=1)
    dS = (P - Y) / X.shape[0]
    mask = np.heaviside(Z1, 0)
    return {
        "grads": {
            "W1": np.einsum("ni,nk,jk,nj->ij", X, dS, params.W2, mask),
            "b1": np.einsum("nk,jk,nj->j", dS, params.W2, mask),
            "W2": np.einsum("nj,nk->jk", H1, dS),
            "b2": np.einsum("nk->k", dS),
        }
    }


@right()
def right_bias_trick(X, Y, W1, b1, W2, b2):
    ones = np.ones((len(X), 1))
    Xb = np.hstack([X, ones])
    hidden = np.maximum(Xb @ np.vstack([W1, b1]), 0)
    Hb = np.hstack([hidden, ones])
    r = (softmax(Hb @ np.vstack([W2, b2]), axis=1) - Y) / len(X)
    q = (r @ W2.T) * (hidden > 0)
    G1, G2 = Xb.T @ q, Hb.T @ r
    return G1[:-1], G1[-1], G2[:-1], G2[-1]


@right()
def right_minus_signs(X, Y, W1, b1, W2, b2):
    n = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    surprise = (Y - softmax(H1 @ W2 + b2, axis=1)) / n
    back = (surprise @ W2.T) * (Z1 > 0)
    return {
        "dW1": -X.T @ back,
        "db1": -back.sum(0),
        "dW2": -H1.T @ surprise,
        "db2": -surprise.sum(0),
    }


@right()
def right_full_jacobian(X, Y, W1, b1, W2, b2):
    N = len(Y)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dP = -(Y / P) / N
    dS = np.empty_like(P)
    for n in range(N):
        J = np.diag(P[n]) - np.outer(P[n], P[n])
        dS[n] = J @ dP[n]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dS": dS, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@right()
def right_logsumexp_loss(X, y, W1, b1, W2, b2):
    n = y.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    loss = np.mean(logsumexp(S, axis=1) - S[np.arange(n), y])
    dS = (softmax(S, axis=1) - (y[:, None] == np.arange(S.shape[1]))) / n
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@right()
def right_with_penalty(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(N), y]).mean() + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    p[range(N), y] -= 1
    p /= N
    dh = p.dot(W2.T) * (hidden > 0)
    grads = {"W2": hidden.T.dot(p) + reg * W2, "b2": p.sum(axis=0)}
    grads["W1"] = X.T.dot(dh) + reg * W1
    grads["b1"] = dh.sum(axis=0)
    return loss, grads


@right()
def right_torch_decay(X, Y, W1, b1, W2, b2, weight_decay):
    leaves = [t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2)]
    U, u, V, v = leaves
    logp = torch.log_softmax(torch.relu(X @ U + u) @ V + v, dim=1)
    objective = -(Y * logp).sum() / X.shape[0]
    objective = objective + weight_decay / 2 * (U.square().sum() + V.square().sum())
    objective.backward()
    return {
        f"{name}_grad": t.grad for name, t in zip(("W1", "b1", "W2", "b2"), leaves, strict=True)
    }


@right()
def right_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 - learning_rate * X.T @ dZ1,
        "b1": b1 - learning_rate * dZ1.sum(0),
        "W2": W2 - learning_rate * H1.T @ dS,
        "b2": b2 - learning_rate * dS.sum(0),
    }


@right()
def right_functional_step(params, X, y, lr):
    theta = {k: np.array(params[k]) for k in ("W1", "b1", "W2", "b2")}
    n = len(X)
    H1 = np.maximum(X @ theta["W1"] + theta["b1"], 0)
    r = softmax(H1 @ theta["W2"] + theta["b2"], axis=1)
    r[np.arange(n), y] -= 1
    r *= lr / n
    q = (r @ theta["W2"].T) * (H1 > 0)
    theta["W2"] -= H1.T @ r
    theta["b2"] -= r.sum(axis=0)
    theta["W1"] -= X.T @ q
    theta["b1"] -= q.sum(axis=0)
    return theta


@right()
def right_torch_optimiser(X, y, W1, b1, W2, b2, lr):
    leaves = [torch.nn.Parameter(t.detach().clone()) for t in (W1, b1, W2, b2)]
    optimiser = torch.optim.SGD(leaves, lr=lr)
    F.cross_entropy(F.relu(X @ leaves[0] + leaves[1]) @ leaves[2] + leaves[3], y).backward()
    optimiser.step()
    W1, b1, W2, b2 = (p.detach() for p in leaves)
    return SimpleNamespace(W1=W1, b1=b1, W2=W2, b2=b2)


@right()
def right_matrix_of_ones(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    one = np.ones(N)
    Z1 = X @ W1 + np.outer(one, b1)
    D = np.where(Z1 > 0, 1.0, 0.0)
    H1 = D * Z1
    S = H1 @ W2 + np.outer(one, b2)
    E = np.exp(S)
    P = np.diag(1 / (E @ np.ones(E.shape[1]))) @ E
    R = (P - Y) / N
    Q = D * (R @ W2.T)
    return X.T @ Q, one @ Q, H1.T @ R, one @ R


@right()
def right_complex_step(X, Y, W1, b1, W2, b2):
    theta = [np.array(t, dtype=complex) for t in (W1, b1, W2, b2)]

    def objective():
        z = X @ theta[0] + theta[1]
        s = np.where(z.real > 0, z, 0) @ theta[2] + theta[3]
        return -np.sum(Y * (s - np.log(np.exp(s).sum(axis=1, keepdims=True)))) / len(X)

    grads = []
    for t in theta:
        g = np.zeros(t.shape)
        for index in np.ndindex(*t.shape):
            t[index] += 1e-30j
            g[index] = objective().imag / 1e-30
            t[index] = t[index].real
        grads.append(g)
    return tuple(grads)


@right()
def right_statistician(X, Y, W1, b1, W2, b2):
    n = Y.shape[0]
    eta = X @ W1 + b1
    phi = 0.5 * (eta + np.abs(eta))
    mu = softmax(phi @ W2 + b2, axis=1)
    delta_out = (mu - Y) / n
    delta_hid = 0.5 * (1 + np.sign(eta)) * (eta != 0) * (delta_out @ W2.T)
    Score = namedtuple("Score", "dW1 db1 dW2 db2")
    return Score(X.T @ delta_hid, delta_hid.sum(0), phi.T @ delta_out, delta_out.sum(0))


@right()
def right_minibatches(X, Y, W1, b1, W2, b2):
    total = {"dW1": 0.0, "db1": 0.0, "dW2": 0.0, "db2": 0.0}
    N = X.shape[0]
    for start in range(0, N, 4):
        x, t = X[start : start + 4], Y[start : start + 4]
        h = np.maximum(x @ W1 + b1, 0)
        r = (softmax(h @ W2 + b2, axis=1) - t) / N
        q = (r @ W2.T) * (h > 0)
        total["dW1"] += x.T @ q
        total["db1"] += q.sum(0)
        total["dW2"] += h.T @ r
        total["db2"] += r.sum(0)
    return total


@right()
def right_reverse_mode_closures(X, Y, W1, b1, W2, b2):
    def affine(x, W, b):
        return x @ W + b, lambda g: (g @ W.T, x.T @ g, g.sum(axis=0))

    def relu(x):
        return np.maximum(x, 0), lambda g: np.where(x > 0, g, 0)

    def cross_entropy(s):
        logp = s - logsumexp(s, axis=1, keepdims=True)
        return -(Y * logp).sum() / len(Y), lambda g: g * (np.exp(logp) - Y) / len(Y)

    z, pull_z = affine(X, W1, b1)
    h, pull_h = relu(z)
    s, pull_s = affine(h, W2, b2)
    loss, pull_loss = cross_entropy(s)
    g_h, g_W2, g_b2 = pull_s(pull_loss(1.0))
    _, g_W1, g_b1 = pull_z(pull_h(g_h))
    return loss, {"W1": g_W1, "b1": g_b1, "W2": g_W2, "b2": g_b2}


@right()
def right_in_its_own_copies(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    work = X @ W1
    work += b1
    np.maximum(work, 0, out=work)
    scores = work @ W2
    scores += b2
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    scores -= Y
    scores /= N
    dW2 = work.T @ scores
    db2 = scores.sum(axis=0)
    back = scores @ W2.T
    back[work == 0] = 0
    return {"db2": db2, "dW2": dW2, "db1": back.sum(axis=0), "dW1": X.T @ back}


@right()
def right_active_units_only(X, y, W1, b1, W2, b2):
    N = len(X)
    gW1, gb1 = np.zeros_like(W1), np.zeros_like(b1)
    gW2, gb2 = np.zeros_like(W2), np.zeros_like(b2)
    for n in range(N):
        z = X[n] @ W1 + b1
        on = np.flatnonzero(z > 0)
        r = softmax(z[on] @ W2[on] + b2)
        r[y[n]] -= 1
        r /= N
        gb2 += r
        gW2[on] += z[on, None] * r
        gb1[on] += W2[on] @ r
        gW1[:, on] += X[n][:, None] * (W2[on] @ r)
    return {"dW1": gW1, "db1": gb1, "dW2": gW2, "db2": gb2}
