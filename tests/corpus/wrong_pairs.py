# ruff: noqa: C408, F841, RUF059 - dict() calls, and names that a hurried author never uses
"""Backward passes with two mistakes each: patients for the doctor, and what is wrong with them.

Each function is written as people write them, in whatever style; its registration names the two
equations whose lines are miswritten and says, in a sentence each, what was written instead. In each
pair the mistakes neither cancel nor hide each other: mending one of them alone changes something
that the function returns, and leaves something wrong.
"""

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F


class Mistake(NamedTuple):
    """A miswritten line: the equation that it should have been, and what stands there instead."""

    equation: str
    mistake: str


class Pair(NamedTuple):
    """A function with two mistakes, and the options with which it is to be examined."""

    f: Callable[..., Any]
    mistakes: tuple[Mistake, Mistake]
    options: dict[str, Any]


PAIRS: list[Pair] = []


def pair(
    equation_a: str, mistake_a: str, equation_b: str, mistake_b: str, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function, which stays as it is, with its two mistakes."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        mistakes = (Mistake(equation_a, mistake_a), Mistake(equation_b, mistake_b))
        PAIRS.append(Pair(f, mistakes, options))
        return f

    return register


@pair("dS", "P - Y without the division by N", "dZ1", "the mask is left out: dZ1 = dH1")
def straight_no_mean_no_mask(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)

    dS = P - Y
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair("Z1", "b1 is forgotten: Z1 = X W1", "dS", "Y - P in place of P - Y")
def straight_no_bias_flipped(X, Y, W1, b1, W2, b2):
    n = len(X)
    Z1 = X.dot(W1)
    H1 = Z1 * (Z1 > 0)
    S = H1.dot(W2) + b2
    P = np.exp(S - np.max(S, axis=1)[:, None])
    P /= np.sum(P, axis=1)[:, None]
    dS = (Y - P) / n
    dW2 = H1.T.dot(dS)
    db2 = np.sum(dS, axis=0)
    dZ1 = dS.dot(W2.T) * (Z1 > 0)
    dW1 = X.T.dot(dZ1)
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@pair(
    "P",
    "softmax runs over the rows of a batch, axis 0",
    "db1",
    "the mean of dZ1 in place of its sum",
)
def axis_zero_and_mean_bias(X, Y, W1, b1, W2, b2):
    def softmax(s):
        e = np.exp(s - s.max(axis=0))
        return e / e.sum(axis=0)

    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2 + b2)
    m = X.shape[0]
    loss = -np.sum(Y * np.log(p)) / m

    ds = (p - Y) / m
    dz1 = (ds @ W2.T) * (z1 > 0)
    grads = {
        "W1": X.T @ dz1,
        "b1": dz1.mean(axis=0),
        "W2": h1.T @ ds,
        "b2": ds.sum(axis=0),
    }
    return loss, grads


@pair(
    "P",
    "P is clipped to [0.01, 0.99]",
    "dH1",
    "W2 is taken after its update",
)
def step_clipped_and_stale(X, Y, W1, b1, W2, b2, learning_rate):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0.0, Z1)
    S = H1 @ W2 + b2
    expS = np.exp(S - S.max(1, keepdims=True))
    P = np.clip(expS / expS.sum(1, keepdims=True), 1e-2, 1 - 1e-2)

    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(0)
    W2 = W2 - learning_rate * dW2
    b2 = b2 - learning_rate * db2

    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    W1 = W1 - learning_rate * (X.T @ dZ1)
    b1 = b1 - learning_rate * dZ1.sum(0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@pair(
    "db2",
    "the mean of dS over the rows in place of the sum",
    "db1",
    "the mean of dZ1 over the rows in place of the sum",
)
def both_bias_means(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    Z1 = np.dot(X, W1) + b1
    H1 = np.where(Z1 > 0, Z1, 0.0)
    S = np.dot(H1, W2) + b2
    S -= S.max(axis=-1, keepdims=True)
    P = np.exp(S) / np.exp(S).sum(axis=-1, keepdims=True)
    dS = (P - Y) / N
    dW2 = np.dot(H1.T, dS)
    db2 = np.mean(dS, axis=0)
    dH1 = np.dot(dS, W2.T)
    dZ1 = np.where(Z1 > 0, dH1, 0.0)
    dW1 = np.dot(X.T, dZ1)
    db1 = np.mean(dZ1, axis=0)
    return dict(dW1=dW1, db1=db1, dW2=dW2, db2=db2)


@pair(
    "dS",
    "divided by K, the number of classes, in place of N",
    "dW2",
    "Z1 in place of H1: the activations before ReLU",
)
def cs231n_wrong_count(X, y, W1, b1, W2, b2):
    N, C = X.shape[0], W2.shape[1]

    # forward
    hidden = X.dot(W1) + b1
    relu = np.maximum(0, hidden)
    scores = relu.dot(W2) + b2
    scores = scores - np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[np.arange(N), y])) / N

    # backward
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= C
    grads = {}
    grads["W2"] = hidden.T.dot(dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[relu <= 0] = 0
    grads["W1"] = X.T.dot(dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return loss, grads


@pair(
    "L",
    "the loss is summed over the rows, not averaged",
    "dZ1",
    "the mask lets units with Z1 <= 0 through, and no others",
)
def cs231n_summed_loss_reversed_mask(X, y, W1, b1, W2, b2, reg=0.0):
    num_train = X.shape[0]
    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    scores -= scores.max(axis=1, keepdims=True)
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    data_loss = -log_probs[range(num_train), y].sum()
    loss = data_loss + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    dscores = np.exp(log_probs)
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    dW2 = h.T @ dscores + reg * W2
    db2 = dscores.sum(axis=0)
    dh = dscores @ W2.T
    dh[h > 0] = 0
    dW1 = X.T @ dh + reg * W1
    db1 = dh.sum(axis=0)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@pair(
    "dW1",
    "the L2 term is counted twice: 2 l2 W1",
    "db1",
    "the L2 term is added to the bias as well",
)
def l2_twice_and_on_bias(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    p = np.exp(z2 - z2.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).mean()
    loss += 0.5 * reg * np.sum(W1**2) + 0.5 * reg * np.sum(W2**2)

    dz2 = p
    dz2[np.arange(N), y] -= 1
    dz2 /= N
    da1 = dz2 @ W2.T
    dz1 = da1 * (z1 > 0)
    grads = {
        "dW2": a1.T @ dz2 + reg * W2,
        "db2": dz2.sum(axis=0),
        "dW1": X.T @ dz1 + 2 * reg * W1,
        "db1": dz1.sum(axis=0) + reg * b1,
    }
    return loss, grads


@pair(
    "H1",
    "ReLU is left out of the forward pass: H1 = Z1",
    "db2",
    "a row of zeros: the gradient of b2 is never computed",
)
def forgot_relu_forgot_db2(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    grads = {
        "W1": np.zeros_like(W1),
        "b1": np.zeros_like(b1),
        "W2": np.zeros_like(W2),
        "b2": np.zeros_like(b2),
    }
    Z1 = X @ W1 + b1
    H1 = Z1
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / N
    grads["W2"] += H1.T @ dS
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads["W1"] += X.T @ dZ1
    grads["b1"] += dZ1.sum(axis=0)
    return grads


@pair(
    "H1",
    "a leaky ReLU of slope 0.01 in the forward pass",
    "dS",
    "divided by N K, the number of entries, in place of N",
)
def leaky_and_size(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    S = H1 @ W2 + b2
    S = S - S.max(axis=1, keepdims=True)
    P = np.exp(S)
    P = P / P.sum(axis=1, keepdims=True)
    loss = -(Y * np.log(P)).sum() / Y.shape[0]
    dS = (P - Y) / Y.size
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * np.where(Z1 > 0, 1, 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {
        "loss": loss,
        "Z1": Z1,
        "H1": H1,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "dZ1",
    "masked by the sign of dH1, not of Z1",
    "dW2",
    "transposed: dS^T H1",
)
def mask_by_gradient_and_transposed(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1.clip(min=0)
    S = H1 @ W2 + b2
    P = np.exp(S - scipy.special.logsumexp(S, axis=1, keepdims=True))
    dS = (P - Y) / len(Y)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (dH1 > 0)
    return X.T @ dZ1, dZ1.sum(0), dS.T @ H1, dS.sum(0)


@pair(
    "S",
    "b2 is forgotten: S = H1 W2",
    "dW1",
    "dH1 in place of dZ1: the mask is not used for W1",
)
def no_b2_and_unmasked_w1(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2
    expo = np.exp(S - S.max(axis=1, keepdims=True))
    P = expo / expo.sum(axis=1, keepdims=True)
    loss = -1 / m * np.sum(Y * np.log(P))
    dS = 1 / m * (P - Y)
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 <= 0] = 0
    return {
        "loss": loss,
        "S": S,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dH1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "P",
    "the logistic function of each score in place of softmax",
    "dW2",
    "divided by N a second time",
)
def sigmoid_output(X, Y, W1, b1, W2, b2):
    m = X.shape[0]

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    Z1 = np.dot(X, W1) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(A1, W2) + b2
    A2 = sigmoid(Z2)

    dZ2 = (A2 - Y) / m
    dW2 = 1 / m * np.dot(A1.T, dZ2)
    db2 = np.sum(dZ2, axis=0)
    dZ1 = np.dot(dZ2, W2.T) * (Z1 > 0)
    dW1 = np.dot(X.T, dZ1)
    db1 = np.sum(dZ1, axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "P",
    "softmax is applied twice",
    "db2",
    "the mean of dS in place of its sum",
)
def softmax_twice(X, Y, W1, b1, W2, b2):
    def softmax(v):
        v = np.exp(v - np.max(v, axis=-1, keepdims=True))
        return v / np.sum(v, axis=-1, keepdims=True)

    def forward(x):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        return z, h, softmax(h @ W2 + b2)

    Z1, H1, out = forward(X)
    P = softmax(out)
    dS = (P - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "P": P,
        "dS": dS,
        "dW2": H1.T @ dS,
        "db2": dS.mean(axis=0),
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
    }


@pair(
    "P",
    "softmax is not normalised: the exponentials themselves",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
)
def unnormalised_and_unmasked(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    hidden = X @ W1 + b1
    act = np.maximum(hidden, 0)
    logits = act @ W2 + b2
    probs = np.exp(logits)
    delta = (probs - Y) / N
    delta_hidden = delta @ W2.T
    return X.T @ delta_hidden, delta_hidden.sum(axis=0), act.T @ delta, delta.sum(axis=0)


@pair(
    "P",
    "softmax is left out: the scores stand for the probabilities",
    "db1",
    "the gradient is summed from dH1, before the mask",
)
def scores_as_probabilities(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    Y_hat = H1 @ W2 + b2
    dS = (Y_hat - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
        "dW1": X.T @ dZ1,
        "db1": dH1.sum(axis=0),
    }


@pair(
    "dS",
    "the labels are shifted by one: y - 1 in place of y",
    "dW1",
    "the sign of the gradient is turned",
)
def shifted_labels(X, y, W1, b1, W2, b2):
    N = len(y)
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    s = h @ W2 + b2
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).sum() / N
    g = p.copy()
    g[np.arange(N), y - 1] -= 1.0
    g /= N
    gz = (g @ W2.T) * (z > 0)
    return loss, (-X.T @ gz, gz.sum(0), h.T @ g, g.sum(0))


@pair(
    "dS",
    "P stands for P - Y",
    "db1",
    "the summed dimension is kept: (1, H) in place of (H,)",
)
def only_probabilities_come_back(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    dS = P / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0, keepdims=True)
    return dW1, db1, dW2, db2


@pair(
    "dS",
    "divided by N twice",
    "dH1",
    "the sign is turned",
)
def twice_divided_and_negated(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    Q = np.exp(S - S.max(axis=1).reshape(-1, 1))
    P = Q / Q.sum(axis=1).reshape(-1, 1)
    dS = (P - Y) / N / N
    dH1 = -dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "L",
    "the logarithm is to base 2",
    "dS",
    "P - Y without the division by N",
)
def bits_and_sum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.mean(np.sum(Y * np.log2(P), axis=1))
    dS = P - Y
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"loss": loss, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "L",
    "the minus is forgotten: the log-likelihood itself",
    "dZ1",
    "the mask is taken from X W1, before b1 is added",
)
def likelihood_and_early_mask(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    a = X @ W1
    mask = a > 0
    a = a + b1
    h = np.maximum(a, 0)
    s = h @ W2 + b2
    s = s - s.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    loss = np.sum(Y * logp) / N
    ds = (np.exp(logp) - Y) / N
    da = (ds @ W2.T) * mask
    return loss, {"dw1": X.T @ da, "db1": da.sum(0), "dw2": h.T @ ds, "db2": ds.sum(0)}


@pair(
    "dZ1",
    "the mask lets units with Z1 exactly 0 through: >= in place of >",
    "db2",
    "the sign is turned",
)
def at_zero_and_bias_sign(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 >= 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    dW2 = H1.T @ dS
    db2 = -dS.sum(axis=0)
    return dW1, db1, dW2, db2


@pair(
    "dZ1",
    "the mask is H1 >= 0, which holds everywhere",
    "dW2",
    "the sign is turned",
)
def always_true_mask(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    loss = -np.sum(np.log(P[Y.astype(bool)])) / n
    dS = (P - Y) / n
    dW2 = -H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (H1 >= 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"loss": loss, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "dW2",
    "X in place of H1",
    "dS",
    "Y - P in place of P - Y",
)
def input_for_hidden(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (Y - P) / m
    dW2 = X.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "dH1",
    "W2 is not transposed, which runs only where H = K",
    "dS",
    "P - Y without the division by N",
)
def untransposed_w2(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P = P / P.sum(axis=1, keepdims=True)
    dS = P - Y
    dH1 = np.dot(dS, W2)
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@pair(
    "dS",
    "P - Y without the division by N",
    "db1",
    "a row of zeros: the loop never adds to it",
)
def row_by_row(X, y, W1, b1, W2, b2):
    dW1 = np.zeros(W1.shape)
    db1 = np.zeros(b1.shape)
    dW2 = np.zeros(W2.shape)
    db2 = np.zeros(b2.shape)
    N = X.shape[0]
    for i in range(N):
        x = X[i]
        z1 = x @ W1 + b1
        h1 = np.maximum(0, z1)
        s = h1 @ W2 + b2
        p = np.exp(s - s.max())
        p = p / p.sum()
        ds = p.copy()
        ds[y[i]] -= 1
        dW2 += np.outer(h1, ds)
        db2 += ds
        dz1 = (W2 @ ds) * (z1 > 0)
        dW1 += np.outer(x, dz1)
    return dW1, db1, dW2, db2


@pair(
    "dZ1",
    "masked by the sign of dH1, not of Z1",
    "dW2",
    "the pre-activation Z1 stands in place of H1",
)
def triple_loop(X, y, W1, b1, W2, b2):
    N, D = X.shape
    H, C = W2.shape
    dW1, db1 = np.zeros((D, H)), np.zeros(H)
    dW2, db2 = np.zeros((H, C)), np.zeros(C)
    for n in range(N):
        pre = [b1[j] + sum(X[n, i] * W1[i, j] for i in range(D)) for j in range(H)]
        act = [max(0.0, v) for v in pre]
        score = [b2[k] + sum(act[j] * W2[j, k] for j in range(H)) for k in range(C)]
        top = max(score)
        total = sum(np.exp(v - top) for v in score)
        prob = [np.exp(v - top) / total for v in score]
        delta = [(prob[k] - (1.0 if k == y[n] else 0.0)) / N for k in range(C)]
        for k in range(C):
            db2[k] += delta[k]
            for j in range(H):
                dW2[j, k] += pre[j] * delta[k]
        for j in range(H):
            back = sum(delta[k] * W2[j, k] for k in range(C))
            if back > 0:
                db1[j] += back
                for i in range(D):
                    dW1[i, j] += X[n, i] * back
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "P",
    "softmax is taken over the rows: the denominator is summed over n",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
)
def einsum_everything(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    H1 = np.maximum(Z1, 0)
    S = np.einsum("nh,hk->nk", H1, W2) + b2
    E = np.exp(S - S.max())
    P = E / np.einsum("nk->k", E)
    dS = (P - Y) / len(X)
    dH1 = np.einsum("nk,hk->nh", dS, W2)
    dZ1 = dH1
    return {
        "dW1": np.einsum("nd,nh->dh", X, dZ1),
        "db1": np.einsum("nh->h", dZ1),
        "dW2": np.einsum("nh,nk->hk", H1, dS),
        "db2": np.einsum("nk->k", dS),
    }


@pair(
    "dW1",
    "transposed: (H, d) in place of (d, H)",
    "dS",
    "divided by K in place of N",
)
def einsum_with_swapped_output(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("ij,jk", X, W1) + b1
    H1 = np.clip(Z1, 0, None)
    S = np.einsum("ij,jk", H1, W2) + b2
    P = scipy.special.softmax(S, axis=-1)
    loss = np.mean(scipy.special.logsumexp(S, axis=-1) - np.einsum("ij,ij->i", S, Y))
    dS = (P - Y) / Y.shape[1]
    dW2 = np.einsum("ij,ik->jk", H1, dS)
    dZ1 = np.einsum("ik,jk,ij->ij", dS, W2, np.heaviside(Z1, 0))
    dW1 = np.einsum("ij,ik->kj", X, dZ1)
    return {"loss": loss, "dW1": dW1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dS.sum(0)}


class Linear:
    """A layer that keeps its input."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW = self.x.T @ g
        self.db = g.sum(axis=0)
        return g @ self.W.T


class LinearMeanBias(Linear):
    """The same layer, with a bias gradient of its own."""

    def backward(self, g):
        back = super().backward(g)
        self.db = g.mean(axis=0)
        return back


class ReLU:
    """max(0, x)."""

    def forward(self, x):
        self.out = np.maximum(0, x)
        return self.out

    def backward(self, g):
        return g * (self.out > 0)


class Identity:
    """What stands where nothing is to be done."""

    def forward(self, x):
        return x

    def backward(self, g):
        return g


@pair(
    "dS",
    "P - Y without the division by N",
    "db2",
    "the sign is turned",
)
def layers_of_a_framework(X, Y, W1, b1, W2, b2):
    first, act, last = Linear(W1, b1), ReLU(), Linear(W2, b2)
    out = last.forward(act.forward(first.forward(X)))
    P = scipy.special.softmax(out, axis=1)
    grad = P - Y
    first.backward(act.backward(last.backward(grad)))
    return {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": -last.db}


@pair(
    "H1",
    "the activation is missing from the forward pass: H1 = Z1",
    "db1",
    "the mean of dZ1 in place of its sum",
)
def list_of_layers(X, Y, W1, b1, W2, b2):
    l1, l2nd = LinearMeanBias(W1, b1), Linear(W2, b2)
    relu = ReLU()
    layers = [l1, Identity(), l2nd]
    z = l1.forward(X)
    relu.forward(z)
    out = reduce(lambda v, layer: layer.forward(v), layers, X)
    shifted = out - out.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(Y * logp).sum() / len(X)
    g = l2nd.backward((np.exp(logp) - Y) / len(X))
    l1.backward(relu.backward(g))
    return loss, {"W1": l1.dW, "b1": l1.db, "W2": l2nd.dW, "b2": l2nd.db}


@pair(
    "Z1",
    "b1 is forgotten: Z1 = X W1",
    "S",
    "b2 is forgotten: S = H1 W2",
)
def class_without_biases(X, Y, W1, b1, W2, b2):
    class Net:
        def forward(self, x):
            self.Z1 = x @ W1
            self.H1 = np.maximum(self.Z1, 0)
            self.S = self.H1 @ W2
            self.P = scipy.special.softmax(self.S, axis=1)
            return self.P

        def backward(self, x, t):
            d = (self.P - t) / len(x)
            self.dW2 = self.H1.T @ d
            self.db2 = d.sum(0)
            d = d @ W2.T * (self.Z1 > 0)
            self.dW1 = x.T @ d
            self.db1 = d.sum(0)

    net = Net()
    net.forward(X)
    net.backward(X, Y)
    return net


@dataclass
class Gradients:
    """What a backward pass returns."""

    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


Trace = namedtuple("Trace", "loss Z1 H1 S P dS dH1 dZ1 dW1 db1 dW2 db2")


class Result(NamedTuple):
    """A loss and its gradients."""

    loss: float
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@pair(
    "dH1",
    "P stands for dS: dH1 = P W2^T",
    "db2",
    "the summed dimension is kept: (1, K) in place of (K,)",
)
def gradients_as_dataclass(X, Y, W1, b1, W2, b2) -> Gradients:
    count = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = scipy.special.softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / count
    dH1 = P @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, 0)
    return Gradients(
        dW1=X.T @ dZ1,
        db1=dZ1.sum(axis=0),
        dW2=H1.T @ dS,
        db2=dS.sum(axis=0, keepdims=True),
    )


@pair(
    "dS",
    "Y - P in place of P - Y",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
)
def everything_in_a_namedtuple(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (Y - P) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return Trace(loss, Z1, H1, S, P, dS, dH1, dZ1, dW1, db1, dW2, db2)


@pair(
    "L",
    "summed over all entries and divided by N K: the mean of Y log P",
    "dH1",
    "the sign is turned",
)
def result_with_mean_of_entries(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.mean(Y * np.log(P))
    dS = (P - Y) / X.shape[0]
    dH1 = np.negative(dS @ W2.T)
    dZ1 = dH1 * (Z1 > 0)
    return Result(loss, X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0))


@pair(
    "dZ1",
    "the mask is left out: dZ1 = dH1",
    "db2",
    "a row of zeros",
)
def torch_by_hand(X, y, W1, b1, W2, b2):
    N = X.size(0)
    z1 = X.matmul(W1) + b1
    h1 = torch.relu(z1)
    logits = h1.matmul(W2) + b2
    p = torch.softmax(logits, dim=1)
    ds = p.clone()
    ds[torch.arange(N), y] -= 1
    ds /= N
    dW2 = h1.t().matmul(ds)
    db2 = torch.zeros_like(b2)
    dh1 = ds.matmul(W2.t())
    dz1 = dh1
    return {"W1_grad": X.t().matmul(dz1), "b1_grad": dz1.sum(0), "W2_grad": dW2, "b2_grad": db2}


@pair(
    "P",
    "softmax runs over dim 0, the rows of the batch",
    "dW1",
    "dH1 in place of dZ1",
)
def torch_wrong_dim(X, Y, W1, b1, W2, b2):
    Z1 = torch.addmm(b1, X, W1)
    H1 = Z1.clamp(min=0)
    S = torch.addmm(b2, H1, W2)
    P = F.softmax(S, dim=0)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = torch.where(Z1 > 0, dH1, torch.zeros_like(dH1))
    return {
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dH1,
        "db1": dZ1.sum(dim=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(dim=0),
    }


@pair(
    "H1",
    "F.leaky_relu, of slope 0.01, in the forward pass",
    "dS",
    "P - Y without the division by N",
)
def torch_leaky(X, y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = map(torch.as_tensor, (X, W1, b1, W2, b2))
    y = torch.as_tensor(y)
    z = X @ W1 + b1
    h = F.leaky_relu(z)
    s = h @ W2 + b2
    loss = F.cross_entropy(s, y)
    ds = s.softmax(-1) - F.one_hot(y, s.shape[-1])
    dz = (ds @ W2.T).masked_fill(z <= 0, 0.0)
    grads = {"W1": X.T @ dz, "b1": dz.sum(0), "W2": h.T @ ds, "b2": ds.sum(0)}
    return loss.item(), {name: g.numpy() for name, g in grads.items()}


@pair(
    "L",
    "reduction='sum': the loss is not averaged over the rows",
    "dS",
    "divided by the number of entries, N K, in place of N",
)
def torch_sum_and_numel(X, y, W1, b1, W2, b2):
    z1 = X.mm(W1).add(b1)
    h1 = z1.relu()
    s = h1.mm(W2).add(b2)
    logp = s.log_softmax(dim=1)
    loss = F.nll_loss(logp, y, reduction="sum")
    grad_s = logp.exp()
    grad_s[torch.arange(len(y)), y] -= 1.0
    grad_s = grad_s.div(grad_s.numel())
    grad_z1 = grad_s.mm(W2.t()).mul((z1 > 0).to(X.dtype))
    return (
        loss,
        {
            "W1": X.t().mm(grad_z1),
            "b1": grad_z1.sum(0),
            "W2": h1.t().mm(grad_s),
            "b2": grad_s.sum(0),
        },
    )


@pair(
    "dH1",
    "W2 is taken after its update, made in place",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
)
def torch_step_in_place(X, Y, W1, b1, W2, b2, lr):
    W1, b1, W2, b2 = (t.clone() for t in (W1, b1, W2, b2))
    z1 = X @ W1 + b1
    h1 = torch.relu(z1)
    p = torch.softmax(h1 @ W2 + b2, dim=1)
    ds = (p - Y) / X.shape[0]
    W2.sub_(lr * h1.T @ ds)
    dz1 = ds @ W2.T
    b2.sub_(lr * ds.sum(0))
    W1.sub_(lr * X.T @ dz1)
    b1.sub_(lr * dz1.sum(0))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@pair(
    "dS",
    "P - Y without the division by N",
    "db1",
    "summed from dH1, before the mask",
    layout="linear",
)
def nn_linear_weights(X, y, W1, b1, W2, b2):
    z1 = F.linear(X, W1, b1)
    h1 = F.relu(z1)
    scores = F.linear(h1, W2, b2)
    probs = F.softmax(scores, dim=1)
    g = probs - F.one_hot(y, probs.shape[1]).to(probs.dtype)
    gW2 = g.t() @ h1
    gb2 = g.sum(0)
    gh = g @ W2
    gz = gh * (z1 > 0)
    return {"dW1": gz.t() @ X, "db1": gh.sum(0), "dW2": gW2, "db2": gb2}


@pair(
    "S",
    "the pre-activation Z1 goes into the second layer: ReLU is left out on the way to S",
    "dW2",
    "divided by N a second time",
    layout="linear",
)
def nn_linear_in_numpy(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    S = Z1 @ W2.T + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = dS.T @ H1 / N
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return {
        "loss": loss,
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "dS": dS,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "dZ1",
    "the mask is Z1 >= 0",
    "dS",
    "Y - P in place of P - Y",
    layout="linear",
)
def nn_linear_threshold(X, Y, W1, b1, W2, b2):
    pre = torch.nn.functional.linear(X, W1, b1)
    hid = torch.clamp(pre, min=0)
    out = torch.nn.functional.linear(hid, W2, b2)
    P = out.softmax(1)
    delta = (Y - P) / Y.shape[0]
    back = delta.mm(W2)
    back[pre < 0] = 0
    return back.t().mm(X), back.sum(0), delta.t().mm(hid), delta.sum(0)


@pair(
    "dS",
    "divided by K, the first dimension of Y, in place of N",
    "db1",
    "summed over axis 0, the hidden units, in place of the examples",
    layout="columns",
)
def ng_columns(X, Y, W1, b1, W2, b2):
    m = Y.shape[0]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    t = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
    A2 = t / np.sum(t, axis=0, keepdims=True)
    dZ2 = (A2 - Y) / m
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "dW2",
    "the 1/m is missing from this gradient",
    "db2",
    "the 1/m is missing from this gradient",
    layout="columns",
)
def coursera_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    A2 = scipy.special.softmax(Z2, axis=0)
    cost = -np.sum(np.multiply(Y, np.log(A2))) / m
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, Z1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "P",
    "softmax runs over axis 1, the examples, in a batch-last network",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
    layout="columns",
)
def columns_wrong_axis(X, Y, W1, b1, W2, b2):
    Z1 = W1.dot(X) + b1
    H1 = np.maximum(0, Z1)
    S = W2.dot(H1) + b2
    S_shift = S - S.max(axis=1, keepdims=True)
    P = np.exp(S_shift) / np.exp(S_shift).sum(axis=1, keepdims=True)
    dS = (P - Y) / X.shape[1]
    dH1 = W2.T.dot(dS)
    dZ1 = dH1
    return {
        "S": S,
        "P": P,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dZ1.dot(X.T),
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dS.dot(H1.T),
        "db2": dS.sum(axis=1, keepdims=True),
    }


@pair(
    "L",
    "the cost is summed over the examples, not averaged",
    "db1",
    "the mean of dZ1 over the examples in place of the sum",
    layout="columns",
)
def columns_cost(X, Y, W1, b1, W2, b2):
    n_examples = X.shape[1]
    Z1 = W1 @ X + b1
    H1 = np.where(Z1 > 0, Z1, 0)
    S = W2 @ H1 + b2
    log_P = S - scipy.special.logsumexp(S, axis=0, keepdims=True)
    loss = -np.sum(Y * log_P)
    dS = (np.exp(log_P) - Y) / n_examples
    dW2 = dS @ H1.T
    db2 = dS.sum(axis=1, keepdims=True)
    dZ1 = (W2.T @ dS) * (Z1 > 0)
    dW1 = dZ1 @ X.T
    db1 = dZ1.mean(axis=1, keepdims=True)
    return {"loss": loss, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@pair(
    "Z1",
    "b1 is forgotten: Z1 = W1 X",
    "db1",
    "a column of zeros",
    layout="columns",
)
def columns_no_first_bias(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X
    H1 = np.maximum(Z1, 0)
    P = scipy.special.softmax(W2 @ H1 + b2, axis=0)
    dS = (P - Y) / Y.shape[1]
    dZ1 = W2.T @ dS
    dZ1[Z1 <= 0] = 0
    dW1 = dZ1 @ X.T
    db1 = np.zeros(b1.shape)
    dW2 = dS @ H1.T
    db2 = dS.sum(axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@pair(
    "dW1",
    "the L2 term is forgotten",
    "dW2",
    "the L2 term is subtracted, not added",
)
def weight_decay_half_forgotten(X, Y, W1, b1, W2, b2, l2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / N
    dW2 = H1.T @ dS - l2 * W2
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {
        "H1": H1,
        "P": P,
        "dS": dS,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "L",
    "the penalty is l2 times the squares, without the half",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
)
def whole_penalty(X, y, W1, b1, W2, b2, weight_decay):
    n = len(X)
    h = np.maximum(X @ W1 + b1, 0)
    s = h @ W2 + b2
    s -= s.max(axis=1)[:, np.newaxis]
    p = np.exp(s) / np.exp(s).sum(axis=1)[:, np.newaxis]
    penalty = weight_decay * ((W1**2).sum() + (W2**2).sum())
    loss = -np.log(p[np.arange(n), y]).mean() + penalty
    p[np.arange(n), y] -= 1
    p /= n
    back = p @ W2.T
    return loss, {
        "W1": X.T @ back + weight_decay * W1,
        "b1": back.sum(axis=0),
        "W2": h.T @ p + weight_decay * W2,
        "b2": p.sum(axis=0),
    }


@pair(
    "dW2",
    "the L2 term is divided by N",
    "dS",
    "Y - P in place of P - Y",
)
def decay_over_rows(params, X, Y, reg):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    dS = (Y - P) / N
    dZ1 = dS @ W2.T * (Z1 > 0)
    return {
        "W1": X.T @ dZ1 + reg * W1,
        "b1": dZ1.sum(axis=0),
        "W2": H1.T @ dS + reg / N * W2,
        "b2": dS.sum(axis=0),
    }


@pair(
    "S",
    "b2 is forgotten: S = H1 W2",
    "dS",
    "divided by N twice",
)
def parameters_by_attribute(X, y, params):
    N = X.shape[0]
    z = X @ params.W1 + params.b1
    h = np.maximum(z, 0)
    s = h @ params.W2
    p = scipy.special.softmax(s, axis=1)
    loss = -np.mean(np.log(p[np.arange(N), y]))
    onehot = np.zeros_like(p)
    onehot[np.arange(N), y] = 1
    ds = (p - onehot) / N**2
    dz = (ds @ params.W2.T) * (z > 0)
    grads = OrderedDict()
    grads["W2_grad"] = h.T @ ds
    grads["b2_grad"] = ds.sum(axis=0)
    grads["W1_grad"] = X.T @ dz
    grads["b1_grad"] = dz.sum(axis=0)
    return loss, grads


@pair(
    "dS",
    "only the diagonal of softmax's Jacobian: dP P (1 - P)",
    "db1",
    "the sign is turned",
)
def jacobian_diagonal(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dP = -Y / P / N
    dS = dP * P * (1 - P)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = -dZ1.sum(axis=0)
    return {
        "Z1": Z1,
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "dS",
    "multiplied by P (1 - P), the slope of the logistic function, on top of P - Y",
    "dH1",
    "the sign is turned",
)
def slope_of_the_logistic(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
    error = P - Y
    dS = error * P * (1 - P) / m
    dH1 = -dS.dot(W2.T)
    dZ1 = dH1 * (H1 > 0)
    return {
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T.dot(dZ1),
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T.dot(dS),
        "db2": dS.sum(axis=0),
    }


@pair(
    "dZ1",
    "multiplied by Z1 itself, not by its sign's mask: dH1 max(0, Z1)",
    "dS",
    "P - Y without the division by N",
)
def relu_as_its_slope(x, t, w1, c1, w2, c2):
    def relu(v):
        return np.maximum(0, v)

    def relu_slope(v):
        return np.maximum(0, v)

    z = x @ w1 + c1
    h = relu(z)
    p = scipy.special.softmax(h @ w2 + c2, axis=1)
    g = p - t
    k = (g @ w2.T) * relu_slope(z)
    return x.T @ k, k.sum(axis=0), h.T @ g, g.sum(axis=0)


@pair(
    "dH1",
    "divided by N a second time",
    "db2",
    "the row of the first example alone, not the sum",
)
def positional_names(inputs, targets, weights_1, bias_1, weights_2, bias_2):
    n = inputs.shape[0]
    hidden_in = inputs @ weights_1 + bias_1
    hidden_out = np.maximum(hidden_in, 0)
    scores = hidden_out @ weights_2 + bias_2
    probs = scipy.special.softmax(scores, axis=1)
    loss = -(targets * np.log(probs)).sum() / n
    d_scores = (probs - targets) / n
    d_hidden_out = d_scores @ weights_2.T / n
    d_hidden_in = d_hidden_out * (hidden_in > 0)
    return loss, {
        "dW1": inputs.T @ d_hidden_in,
        "db1": d_hidden_in.sum(axis=0),
        "dW2": hidden_out.T @ d_scores,
        "db2": d_scores[0],
    }


@pair(
    "P",
    "P is clipped to [1e-6, 1 - 1e-6] before it goes into dS",
    "dS",
    "P - Y without the division by N",
)
def clipped_for_the_logarithm(X, Y, W1, b1, W2, b2):
    eps = 1e-6
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    P = np.clip(P, eps, 1 - eps)
    dS = P - Y
    dH1 = dS @ W2.T
    dZ1 = np.multiply(dH1, np.int64(Z1 > 0))
    return {
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "L",
    "P is clipped to [0.01, 0.99] under the logarithm",
    "dW1",
    "divided by N a second time",
)
def clipped_loss(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.sum(Y * np.log(np.clip(P, 1e-2, 1 - 1e-2))) / N
    dS = (P - Y) / N
    dZ1 = dS.dot(W2.T)
    dZ1[Z1 <= 0] = 0
    return {
        "loss": loss,
        "grads": {
            "W1": X.T.dot(dZ1) / N,
            "b1": dZ1.sum(axis=0),
            "W2": H1.T.dot(dS),
            "b2": dS.sum(axis=0),
        },
    }


@pair(
    "P",
    "the greatest score is taken as certain: argmax in place of softmax",
    "db2",
    "the mean of dS in place of its sum",
)
def hard_predictions(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = np.eye(S.shape[1])[S.argmax(axis=1)]
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * np.heaviside(Z1, 0.0)
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, np.mean(dS, axis=0)


@pair(
    "P",
    "divided by the greatest exponential of the row, not by their sum",
    "db1",
    "summed from dS W2^T, before the mask",
)
def divided_by_the_greatest(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    s = h1 @ W2 + b2
    e = np.exp(s)
    p = e / e.max(axis=1, keepdims=True)
    ds = (p - Y) / n
    dh1 = ds @ W2.T
    dz1 = dh1 * (h1 != 0)
    return {
        "S": s,
        "P": p,
        "dS": ds,
        "dW1": X.T @ dz1,
        "db1": dh1.sum(0),
        "dW2": h1.T @ ds,
        "db2": ds.sum(0),
    }


@pair(
    "Z1",
    "b1 is subtracted: Z1 = X W1 - b1",
    "dW2",
    "the sign is turned",
)
def subtracted_threshold(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 - b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = -H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {
        "loss": loss,
        "Z1": Z1,
        "S": S,
        "P": P,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": dW2,
        "db2": db2,
    }


@pair(
    "H1",
    "the logistic function in place of ReLU, with ReLU's mask in the backward pass",
    "dS",
    "divided by K in place of N",
)
def logistic_hidden(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = scipy.special.expit(Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / Y.shape[1]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "H1": H1,
        "P": P,
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "H1",
    "the absolute value in place of ReLU",
    "db1",
    "summed over all entries: one number, repeated for each unit",
)
def folded_hidden(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.abs(Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    db1 = np.ones_like(b1) * np.sum(dZ1)
    return {"dW1": X.T @ dZ1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


@pair(
    "dH1",
    "W2 is taken after its update",
    "dS",
    "P - Y without the division by N",
)
def whole_step(X, y, W1, b1, W2, b2, eta):
    N = X.shape[0]
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = scipy.special.softmax(h1 @ W2 + b2, axis=1)
    p[np.arange(N), y] -= 1
    W2 = W2 - eta * (h1.T @ p)
    b2 = b2 - eta * p.sum(axis=0)
    d = (p @ W2.T) * (z1 > 0)
    W1 = W1 - eta * (X.T @ d)
    b1 = b1 - eta * d.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@pair(
    "dZ1",
    "masked by the sign of dH1",
    "dH1",
    "the sign is turned",
)
def sgd_namespace(X, Y, W1, b1, W2, b2, learning_rate):
    class New:
        pass

    new = New()
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = scipy.special.softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / N
    dH1 = -(dS @ W2.T)
    dZ1 = np.where(dH1 > 0, dH1, 0)
    new.W2 = W2 - learning_rate * H1.T @ dS
    new.b2 = b2 - learning_rate * dS.sum(axis=0)
    new.W1 = W1 - learning_rate * X.T @ dZ1
    new.b1 = b1 - learning_rate * dZ1.sum(axis=0)
    return new


@pair(
    "dW1",
    "the sum over the rows leaves out the last one",
    "db2",
    "the sum over the rows leaves out the first one",
)
def rows_left_out(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = scipy.special.softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / N
    dZ1 = dS @ W2.T * (Z1 > 0)
    dW1 = sum(np.outer(X[n], dZ1[n]) for n in range(N - 1))
    db2 = sum(dS[n] for n in range(1, N))
    return {"W1": dW1, "b1": dZ1.sum(axis=0), "W2": H1.T @ dS, "b2": db2}


@pair(
    "dW2",
    "assigned in each turn of the loop, not added: the last row's product alone",
    "db1",
    "divided by N a second time",
)
def assigned_not_added(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    dW1, dW2 = np.zeros_like(W1), np.zeros_like(W2)
    db1, db2 = np.zeros_like(b1), np.zeros_like(b2)
    loss = 0.0
    for x, label in zip(X, y, strict=True):
        z = W1.T @ x + b1
        h = np.maximum(z, 0)
        s = W2.T @ h + b2
        loss += (scipy.special.logsumexp(s) - s[label]) / N
        ds = scipy.special.softmax(s)
        ds[label] -= 1.0
        ds /= N
        dz = W2 @ ds * (z > 0)
        dW2 = h[:, None] * ds[None, :]
        db2 += ds
        dW1 += x[:, None] * dz[None, :]
        db1 += dz / N
    return loss, dict(W1=dW1, b1=db1, W2=dW2, b2=db2)


@pair(
    "dH1",
    "W2 is not transposed, which runs only where H = K",
    "dZ1",
    "the mask is left out: dZ1 = dH1",
)
def square_only(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2
    dZ1 = dH1
    return {
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@pair(
    "dW1",
    "X is not transposed, which runs only where N = d",
    "db2",
    "a row of zeros",
)
def square_batch_only(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = scipy.special.softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X @ dZ1
    db1 = dZ1.sum(axis=0)
    dW2 = H1.T @ dS
    db2 = b2 * 0
    return dW1, db1, dW2, db2


@pair(
    "dS",
    "Y is added, not subtracted: P + Y",
    "db1",
    "the summed dimension is kept: (1, H) in place of (H,)",
)
def fused_lines(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (scipy.special.softmax(H1 @ W2 + b2, axis=1) + Y) / len(X)
    dZ1 = dS @ W2.T * (H1 > 0)
    return X.T @ dZ1, np.atleast_2d(dZ1.sum(0)), H1.T @ dS, dS.sum(0)


@pair(
    "dS",
    "divided by N K in place of N",
    "dZ1",
    "the mask lets units with Z1 exactly 0 through: heaviside(Z1, 1)",
)
def fused_with_heaviside(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = Z1 * np.heaviside(Z1, 0)
    S = H1 @ W2 + b2
    dS = (scipy.special.softmax(S, axis=-1) - Y) / Y.size
    dZ1 = np.heaviside(Z1, 1) * (dS @ W2.T)
    return {
        "S": S,
        "dS": dS,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@pair(
    "dW2",
    "P stands for dS: H1^T P",
    "db2",
    "P stands for dS: the sum of P over the rows",
)
def second_layer_from_p(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    loss = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "P": P,
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ P,
        "db2": P.sum(axis=0),
    }


@pair(
    "dZ1",
    "the mask is reversed: Z1 < 0",
    "dS",
    "P - Y without the division by N",
    layout="columns",
)
def columns_reversed(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    H1 = np.maximum(0, Z1)
    S = W2 @ H1 + b2
    P = scipy.special.softmax(S, axis=0)
    dS = P - Y
    dH1 = W2.T @ dS
    dZ1 = dH1 * (Z1 < 0)
    return {
        "Z1": Z1,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dS @ H1.T,
        "db2": dS.sum(axis=1, keepdims=True),
    }


@pair(
    "dW2",
    "transposed: (H, K) in place of (K, H)",
    "dW1",
    "transposed: (d, H) in place of (H, d)",
    layout="linear",
)
def linear_layout_forgotten(X, Y, W1, b1, W2, b2):
    N = len(X)
    z = X @ W1.T + b1
    h = np.maximum(z, 0)
    p = scipy.special.softmax(h @ W2.T + b2, axis=1)
    g = (p - Y) / N
    gz = (g @ W2) * (z > 0)
    return {
        "loss": -np.sum(Y * np.log(p)) / N,
        "W1_grad": X.T @ gz,
        "b1_grad": gz.sum(axis=0),
        "W2_grad": h.T @ g,
        "b2_grad": g.sum(axis=0),
    }


@pair(
    "P",
    "the logistic function of each score in place of softmax",
    "dS",
    "P - Y without the division by N",
)
def torch_sigmoid_sum(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = torch.relu(Z1)
    S = H1 @ W2 + b2
    P = torch.sigmoid(S)
    dS = P - Y
    dH1 = torch.einsum("nk,hk->nh", dS, W2)
    dZ1 = dH1 * H1.sign()
    return {
        "S": S,
        "P": P,
        "dS": dS,
        "dW1": torch.einsum("nd,nh->dh", X, dZ1),
        "db1": dZ1.sum(0),
        "dW2": torch.einsum("nh,nk->hk", H1, dS),
        "db2": dS.sum(0),
    }


@pair(
    "dZ1",
    "a leaky mask: 0.01 in place of 0 where Z1 <= 0",
    "db1",
    "the mean of dZ1 in place of its sum",
)
def leaky_backward_only(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = scipy.special.softmax(S, axis=1)
    dS = (P - Y) / N
    dH1 = dS @ W2.T
    dZ1 = dH1 * np.where(Z1 > 0, 1.0, 0.01)
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.mean(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


class Classifier:
    """A network that is given its parameters with each call."""

    shift = 1e-3

    def gradients(self, X, Y, W1, b1, W2, b2):
        m = X.shape[0]
        Z1 = X @ W1 + b1
        A1 = np.maximum(0, Z1)
        P = scipy.special.softmax(A1 @ W2 + b2, axis=1)
        P = P.clip(self.shift, 1 - self.shift)
        dS = (P - Y) / m
        dZ1 = (dS @ W2.T) * (Z1 > 0)
        return {
            "dW1": X.T @ dZ1,
            "db1": dZ1.sum(axis=0),
            "dW2": Z1.T @ dS,
            "db2": dS.sum(axis=0),
        }


pair("P", "P is clipped to [0.001, 0.999]", "dW2", "Z1 in place of H1")(Classifier().gradients)
