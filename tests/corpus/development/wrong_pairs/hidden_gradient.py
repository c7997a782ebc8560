"""Pairs whose first fault is in dH1 or dZ1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
import torch

from corpus.registry import pair, wrong


@pair(
    "dZ1.mask.sign_of_dH1",
    "masked by the sign of dH1, not of Z1",
    "dW2.transpose.result",
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


@wrong(
    "db2.sign.flipped",
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
    "dZ1.mask.missing",
    "the mask is H1 >= 0, which holds everywhere",
    "dW2.sign.flipped",
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
    "dH1.transpose.W2",
    "W2 is not transposed, which runs only where H = K",
    "dS.scale.no_mean",
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
    "dZ1.mask.sign_of_dH1",
    "masked by the sign of dH1, not of Z1",
    "dW2.operand.Z1_for_H1",
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


@dataclass
class Gradients:
    """What a backward pass returns."""

    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@pair(
    "dH1.operand.P_for_dS",
    "P stands for dS: dH1 = P W2^T",
    "db2.keepdims.sum",
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
    "dZ1.mask.missing",
    "the mask is left out: dZ1 = dH1",
    "db2.zero.everywhere",
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
    "dH1.order.W2_after_its_update",
    "W2 is taken after its update, made in place",
    "dZ1.mask.missing",
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


@wrong(
    "dS.sign.flipped",
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
    "dZ1.mask.H1",
    "multiplied by Z1 itself, not by its sign's mask: dH1 max(0, Z1)",
    "dS.scale.no_mean",
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
    "dH1.scale.mean_twice",
    "divided by N a second time",
    "db2.subset.first_row_only",
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
    "dH1.order.W2_after_its_update",
    "W2 is taken after its update",
    "dS.scale.no_mean",
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
    "dZ1.mask.sign_of_dH1",
    "masked by the sign of dH1",
    "dH1.sign.flipped",
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
    "dH1.transpose.W2",
    "W2 is not transposed, which runs only where H = K",
    "dZ1.mask.missing",
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
    "dZ1.mask.reversed",
    "the mask is reversed: Z1 < 0",
    "dS.scale.no_mean",
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
    "dZ1.mask.leaks",
    "a leaky mask: 0.01 in place of 0 where Z1 <= 0",
    "db1.reduction.mean",
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
