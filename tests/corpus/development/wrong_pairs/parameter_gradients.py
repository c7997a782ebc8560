"""Pairs whose first fault is in dW2, db2, dW1 or db1."""

import numpy as np
import scipy.special

from corpus.registry import pair


@pair(
    "db2.reduction.mean",
    "the mean of dS over the rows in place of the sum",
    "db1.reduction.mean",
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
    "dW1.penalty.doubled",
    "the L2 term is counted twice: 2 l2 W1",
    "db1.penalty.on_bias",
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
    "dW2.operand.X_for_H1",
    "X in place of H1",
    "dS.sign.flipped",
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
    "dW1.transpose.result",
    "transposed: (H, d) in place of (d, H)",
    "dS.scale.by_K",
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


@pair(
    "dW2.scale.no_mean",
    "the 1/m is missing from this gradient",
    "db2.scale.no_mean",
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
    "dW1.penalty.missing",
    "the L2 term is forgotten",
    "dW2.penalty.subtracted",
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
    "dW2.penalty.by_N",
    "the L2 term is divided by N",
    "dS.sign.flipped",
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
    "dW1.subset.no_last_row",
    "the sum over the rows leaves out the last one",
    "db2.subset.no_first_row",
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
    "dW2.subset.last_row_only",
    "assigned in each turn of the loop, not added: the last row's product alone",
    "db1.reduction.mean",
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
    "dW1.transpose.missing",
    "X is not transposed, which runs only where N = d",
    "db2.zero.everywhere",
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
    "dW2.operand.P_for_dS",
    "P stands for dS: H1^T P",
    "db2.operand.P_for_dS",
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
    "dW2.transpose.result",
    "transposed: (H, K) in place of (K, H)",
    "dW1.transpose.result",
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
