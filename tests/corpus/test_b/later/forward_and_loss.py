"""Faults in Z1, H1, S, P and the loss."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from torch.nn import functional as F

from corpus.registry import wrong


@wrong(
    "P.softmax.sum_of_batch",
    "the exponentials are divided by the sum over the whole matrix, not over each row",
)
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


@wrong("L.reduction.sum", "the loss is the sum over the rows, not their mean")
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


@wrong("Z1.bias.missing", "the bias of the hidden layer is forgotten")
def torch_no_bias(X: torch.Tensor, Y: torch.Tensor, W1, b1, W2, b2):
    Z1 = torch.mm(X, W1)
    H1 = Z1.clamp(min=0)
    S = torch.addmm(b2, H1, W2)
    P = torch.softmax(S, dim=1)
    dS = (P - Y) / X.shape[0]
    dZ1 = dS.mm(W2.t()) * (Z1 > 0)
    return dict(Z1=Z1, dW1=X.t().mm(dZ1), db1=dZ1.sum(0), dW2=H1.t().mm(dS), db2=dS.sum(0))


@wrong("S.operand.Z1_for_H1", "the scores are computed from the pre-activations, before the ReLU")
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


@wrong(
    "H1.activation.leaky_0_01",
    "a leaky slope of a hundredth was kept from another network",
    activation="relu",
    loss="cross_entropy",
)
def leaky_leftover(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / Y.shape[0]
    dZ1 = dS @ W2.T * (Z1 > 0)
    return SimpleNamespace(H1=H1, dW1=X.T @ dZ1, db1=dZ1.sum(0), dW2=H1.T @ dS, db2=dS.sum(0))


@wrong(
    "P.activation.sigmoid",
    "a sigmoid stands in for the softmax",
    activation="relu",
    loss="cross_entropy",
)
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


@wrong(
    "P.softmax.maximum_below_only",
    "the maximum taken off inside the logarithm is never taken off the score outside",
)
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


@wrong("L.loss.log2", "the logarithm is taken to base two")
def bits_not_nats(X, Y, W1, b1, W2, b2):
    n = Y.shape[0]
    lin = X @ W1 + b1
    act = np.fmax(lin, 0)
    prob = softmax(act @ W2 + b2, axis=1)
    loss = -(Y * np.log2(prob)).sum() / n
    d2 = (prob - Y) / n
    d1 = (d2 @ W2.T) * (lin > 0)
    return loss, (X.T @ d1, d1.sum(0), act.T @ d2, d2.sum(0))


@wrong("L.scale.by_NK", "the mean is over all N times K entries")
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


@wrong("L.loss.binary_cross_entropy", "the other terms of a binary cross-entropy are added")
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


@wrong("S.bias.subtracted", "the bias of the output layer is taken away, not added")
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


@wrong("Z1.input.unit_rows", "the inputs are scaled to unit length first")
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


@wrong("H1.activation.clipped_at_1", "the hidden units are capped at one as well")
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


@wrong(
    "H1.activation.absolute", "the absolute value is taken, not the positive part", layout="linear"
)
def absolute_units(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = F.linear(X, W1, b1)
    H1 = Z1.abs()
    S = F.linear(H1, W2, b2)
    dS = (S.softmax(dim=1) - F.one_hot(y, W2.shape[0])) / N
    dZ1 = (dS @ W2) * (Z1 > 0)
    return OrderedDict(dW1=dZ1.T @ X, db1=dZ1.sum(0), dW2=dS.T @ H1, db2=dS.sum(0))


@wrong(
    "P.softmax.over_rows",
    "the softmax runs over the batch and not over the classes",
    layout="columns",
)
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


@wrong(
    "Z1.subset.no_first_feature",
    "the first feature is left out: the loop over features begins at one",
)
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
