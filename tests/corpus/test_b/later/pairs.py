"""Two faults each."""

from __future__ import annotations

import itertools
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from torch.nn import functional as F

from corpus.registry import pair, wrong
from corpus.test_b.later.shared import Dense, GradientBundle, Rectifier, _c_forward


@wrong(
    "dS.scale.no_mean",
    "not divided by N",
)
def pair_homework(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = P - Y
    dZ1 = (dS @ W2.T) * (Z1 >= 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@pair(
    "db1.reduction.mean",
    "the mean and not the sum",
    "db2.reduction.mean",
    "the mean and not the sum",
    layout="columns",
)
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
    "dW2.operand.Z1_for_H1",
    "the pre-activations are used, without the ReLU",
    "db1.operand.dH1_summed",
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


@pair("Z1.bias.missing", "the bias is left out", "dW1.scale.mean_twice", "divided by N once more")
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


@pair("S.bias.missing", "the bias is left out", "dH1.scale.doubled", "twice the error is sent back")
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


@pair("L.reduction.sum", "summed over the rows", "dW2.sign.flipped", "the sign is turned")
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
    "update.sign.uphill",
    "the step is added",
    "dZ1.mask.sign_of_dH1",
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


@pair(
    "P.softmax.over_rows",
    "softmax over the batch",
    "db2.reduction.mean",
    "the mean over the rows is taken",
)
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


@pair(
    "H1.activation.leaky_0_1",
    "a leaky slope of a tenth",
    "dW1.operand.dH1_for_dZ1",
    "the error before the mask is used",
    activation="relu",
    loss="cross_entropy",
)
def pair_leaky(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    z = X @ W1 + b1
    h = np.where(z > 0, z, 0.1 * z)
    r = (softmax(h @ W2 + b2, axis=1) - Y) / N
    g = r @ W2.T
    q = g * (z > 0)
    return GradientBundle(X.T @ g, q.sum(0), h.T @ r, r.sum(0))


@pair("dS.sign.flipped", "Y - P", "dH1.function.sign_of_W2", "the signs of the weights only")
def pair_sign_sign(params, X, Y):
    Z1 = X @ params["W1"] + params["b1"]
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ params["W2"] + params["b2"], axis=1)
    dS = (Y - P) / X.shape[0]
    dH1 = dS @ np.sign(params["W2"]).T
    dZ1 = np.where(Z1 > 0, dH1, 0)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@pair(
    "dW2.scale.mean_twice",
    "divided by N again",
    "dW1.scale.mean_twice",
    "divided by N again",
    layout="linear",
)
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


@pair(
    "dW1.penalty.missing",
    "the penalty is left out",
    "dW2.penalty.doubled",
    "the penalty is counted twice",
)
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
    "dS.scale.by_K",
    "divided by the number of classes",
    "db1.subset.no_last_row",
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


@pair(
    "dZ1.mask.missing",
    "no mask at all",
    "dW2.alignment.reversed",
    "the rows are taken in reverse order",
)
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


@pair(
    "call.changes_inputs",
    "the caller's labels are overwritten",
    "db2.reduction.mean",
    "the mean over the rows is taken",
)
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


@pair(
    "dH1.subset.last_class_only",
    "only the last class is kept: = for +=",
    "dW2.operand.Z1_for_H1",
    "the pre-activations are used",
)
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


@pair(
    "Z1.bias.subtracted",
    "the bias is taken away",
    "dS.factor.sigmoid_slope",
    "P(1 - P) is multiplied in",
)
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


@pair(
    "L.loss.log10", "the logarithm is to base ten", "dZ1.mask.H1", "multiplied by the activations"
)
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


@pair(
    "db2.reduction.maximum",
    "the maximum over the rows is taken",
    "dH1.function.absolute_W2",
    "sent back through the absolute weights",
)
def pair_layers(X, Y, W1, b1, W2, b2):
    first, second, act = Dense(W1, b1), StaleDense(W2, b2), Rectifier()
    out = second.forward(act.forward(first.forward(X)))
    g = (softmax(out, axis=1) - Y) / len(X)
    first.backward(act.backward(second.backward(g)))
    return first.dW, first.db, second.dW, second.db


@pair(
    "S.bias.twice",
    "the bias is counted twice",
    "dW1.alignment.row_before",
    "the inputs' rows are shifted by one",
)
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
    "dS.labels.next_class_cyclic",
    "the labels are shifted by one class",
    "dW2.function.squared_H1",
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
    "update.missing.step.W1",
    "the hidden weights are not stepped",
    "dS.scale.no_mean",
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


@wrong(
    "P.softmax.temperature_2",
    "half of each score goes into the softmax",
)
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


@pair("H1.activation.clipped_at_1", "capped at one", "db2.factor.b2", "multiplied by the bias")
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


@pair(
    "dH1.operand.first_row_of_W2",
    "the first row of the output weights is repeated",
    "dW1.sign.flipped",
    "the sign is turned",
)
def pair_broadcast(X, Y, W, c, V, e):
    n = X.shape[0]
    a = X @ W + c
    h = np.maximum(a, 0)
    r = (softmax(h @ V + e, axis=1) - Y) / n
    g = r @ np.broadcast_to(V[0], V.shape).T
    q = g * (a > 0)
    return -(X.T @ q), q.sum(0), h.T @ r, r.sum(0)


@pair(
    "dS.loss.smoothed_0_1",
    "the labels are smoothed by a tenth",
    "db1.reduction.mean",
    "divided by N again",
)
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


@pair(
    "call.keeps_state",
    "the gradients grow from call to call",
    "dZ1.mask.reversed",
    "the mask is turned round",
)
def pair_accumulating(X, Y, W1, b1, W2, b2, store={}):

    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 < 0)
    for key, g in (("dW1", X.T @ dZ1), ("db1", dZ1.sum(0)), ("dW2", H1.T @ dS)):
        store[key] = store.get(key, 0) + g
    store["db2"] = store.get("db2", 0) + dS.sum(0)
    return store.copy()


@pair(
    "L.sign.flipped",
    "the minus sign is missing",
    "dH1.reduction.mean_over_classes",
    "divided by the number of classes",
)
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
    "Z1.input.centred",
    "the inputs are centred on their mean first",
    "dZ1.derivative.tanh",
    "the derivative of tanh is multiplied in",
)
def pair_centred(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = (X - X.mean(axis=0)) @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (1 - H1 * H1)
    return {"Z1": Z1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@pair(
    "dW1.penalty.subtracted",
    "the sign of the penalty is turned",
    "db2.penalty.on_bias",
    "weight decay reaches the bias",
)
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
