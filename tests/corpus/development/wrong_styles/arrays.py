"""Buffers, einsum, broadcasting, augmented matrices, chunks of rows."""

from collections import defaultdict

import numpy as np
from scipy.special import softmax

from corpus.development.wrong_styles.shared import _sums
from corpus.registry import wrong

# --- buffers -------------------------------------------------------------------------------------


@wrong("dW2.operand.dH1_for_H1", "dH1 has been written over H1 before dW2 is made from it")
def buffers_reused(X, Y, W1, b1, W2, b2):
    N, H = X.shape[0], W1.shape[1]
    Z = np.empty((N, H))
    A = np.empty((N, H))
    np.dot(X, W1, out=Z)
    np.add(Z, b1, out=Z)
    np.maximum(Z, 0, out=A)
    G = np.dot(A, W2)
    G += b2
    G -= G.max(axis=1, keepdims=True)
    np.exp(G, out=G)
    G /= G.sum(axis=1, keepdims=True)
    np.subtract(G, Y, out=G)
    G /= N
    np.dot(G, W2.T, out=A)
    dW2 = np.dot(A.T, G)
    db2 = np.add.reduce(G, axis=0)
    np.multiply(A, Z > 0, out=A)
    return {"dW1": np.dot(X.T, A), "db1": np.add.reduce(A, axis=0), "dW2": dW2, "db2": db2}


@wrong("db1.operand.dH1_summed", "summed before the mask is applied in place")
def buffers_too_early(X, Y, W1, b1, W2, b2):
    z = np.dot(X, W1)
    z += b1
    h = np.maximum(z, 0)
    s = np.dot(h, W2)
    s += b2
    p = softmax(s, axis=1)
    p -= Y
    p /= X.shape[0]
    db1 = np.empty_like(b1)
    delta = np.dot(p, W2.T)
    np.sum(delta, axis=0, out=db1)
    np.multiply(delta, z > 0, out=delta)
    return np.dot(X.T, delta), db1, np.dot(h.T, p), p.sum(axis=0)


@wrong("call.changes_inputs", "P - Y is written over the caller's Y")
def buffers_caller(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2 + b2, axis=1)
    ds = np.subtract(p, Y, out=Y)
    ds = ds / len(X)
    dz1 = np.multiply(ds @ W2.T, z1 > 0)
    return {"dW1": X.T @ dz1, "db1": dz1.sum(0), "dW2": h1.T @ ds, "db2": ds.sum(0)}


@wrong("call.changes_inputs", "the penalty's gradient makes the caller's weights l2 times as large")
def buffers_penalty(X, Y, W1, b1, W2, b2, l2):
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    p = softmax(h1 @ W2 + b2, axis=1)
    ds = (p - Y) / len(X)
    dz1 = np.where(z1 > 0, ds @ W2.T, 0)
    dW1, dW2 = X.T @ dz1, h1.T @ ds
    dW1 += np.multiply(W1, l2, out=W1)
    dW2 += np.multiply(W2, l2, out=W2)
    return {"dW1": dW1, "db1": dz1.sum(0), "dW2": dW2, "db2": ds.sum(0)}


class Workspace:
    def __init__(self):
        self.sizes = None

    def prepare(self, d, H, K):
        if self.sizes != (d, H, K):
            self.sizes = (d, H, K)
            self.db1, self.db2 = np.zeros(H), np.zeros(K)


_workspace = Workspace()


@wrong("call.keeps_state", "the buffers of the bias gradients are not emptied between calls")
def buffers_kept(X, Y, W1, b1, W2, b2):
    _workspace.prepare(*W1.shape, W2.shape[1])
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    ds = (softmax(h1 @ W2 + b2, axis=1) - Y) / len(X)
    dz1 = ds @ W2.T * (z1 > 0)
    for row_h, row_k in zip(dz1, ds, strict=True):
        _workspace.db1 += row_h
        _workspace.db2 += row_k
    return X.T @ dz1, _workspace.db1.copy(), h1.T @ ds, _workspace.db2.copy()


@wrong(
    "db2.precision.whole",
    "summed into a buffer of whole numbers: everything after the point is lost",
)
def buffers_integer(X, y, W1, b1, W2, b2):
    counts = np.bincount(y, minlength=W2.shape[1])
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    ds = softmax(h1 @ W2 + b2, axis=1)
    np.subtract.at(ds, (np.arange(y.size), y), 1)
    ds /= y.size
    dz1 = np.where(z1 > 0, ds @ W2.T, 0)
    db2 = np.zeros_like(counts)
    db2[:] = ds.sum(axis=0)
    return {"W1": X.T @ dz1, "b1": dz1.sum(axis=0), "W2": h1.T @ ds, "b2": db2}


# --- einsum --------------------------------------------------------------------------------------


@wrong("dW2.operand.P_for_dS", "P stands where dS should: the product is H1^T P")
def einsum_operand(X, Y, W1, b1, W2, b2):
    Z = np.einsum("nd,dh->nh", X, W1) + b1
    H = np.maximum(Z, 0)
    P = softmax(np.einsum("nh,hk->nk", H, W2) + b2, axis=1)
    G = np.einsum("nk,->nk", P - Y, 1 / len(X))
    B = np.einsum("nk,hk,nh->nh", G, W2, Z > 0)
    return {
        "dW1": np.einsum("nd,nh->dh", X, B),
        "db1": np.einsum("nh->h", B),
        "dW2": np.einsum("nh,nk->hk", H, P),
        "db2": np.einsum("nk->k", G),
    }


@wrong("dW1.scale.mean_twice", "divided by N a second time")
def einsum_mean_again(X, Y, W1, b1, W2, b2):
    n, e = len(X), np.einsum
    Z = e("ij,jk", X, W1) + b1
    H = Z.clip(0)
    G = (softmax(e("ij,jk", H, W2) + b2, axis=1) - Y) / n
    B = e("ik,jk->ij", G, W2) * (Z > 0)
    return e("ni,nj->ij", X, B) / n, e("nj->j", B), e("ni,nj->ij", H, G), e("nj->j", G)


@wrong(
    "db1.operand.first_row_of_dW1",
    "the first row of dW1 is given for db1: dZ1 weighted by X's first column",
)
def einsum_bias(X, Y, W1, b1, W2, b2):
    Z = np.einsum("nd,dh->nh", X, W1) + b1
    H = np.where(Z > 0, Z, 0.0)
    G = (softmax(np.einsum("nh,hk->nk", H, W2) + b2, axis=1) - Y) / X.shape[0]
    B = np.where(Z > 0, np.einsum("nk,hk->nh", G, W2), 0.0)
    dW1 = np.einsum("nd,nh->dh", X, B)
    dW2 = np.einsum("nh,nk->hk", H, G)
    return {"dW1": dW1, "db1": dW1[0], "dW2": dW2, "db2": G.sum(0)}


# --- augmented matrices --------------------------------------------------------------------------


@wrong("dH1", "the first column is cut off, though the ones stand last")
def augmented_cut(X, Y, W1, b1, W2, b2):
    ones = np.ones((len(X), 1))
    T1, T2 = np.vstack([W1, b1]), np.vstack([W2, b2])
    A0 = np.hstack([X, ones])
    Z1 = A0 @ T1
    A1 = np.hstack([np.maximum(Z1, 0), ones])
    G = (softmax(A1 @ T2, axis=1) - Y) / len(X)
    D = (G @ T2.T)[:, 1:] * (Z1 > 0)
    dT1, dT2 = A0.T @ D, A1.T @ G
    return {"dW1": dT1[:-1], "db1": dT1[-1], "dW2": dT2[:-1], "db2": dT2[-1]}


@wrong("Z1.bias.missing", "the column appended for b1 is of zeros, not of ones")
def augmented_zeros(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Theta1 = np.concatenate([W1, b1[None, :]])
    Theta2 = np.concatenate([W2, b2[None, :]])
    a1 = np.concatenate([X, np.zeros((N, 1))], axis=1)
    z2 = a1 @ Theta1
    a2 = np.concatenate([z2 * (z2 > 0), np.ones((N, 1))], axis=1)
    delta3 = (softmax(a2 @ Theta2, axis=1) - Y) / N
    delta2 = (delta3 @ Theta2.T)[:, :-1] * (z2 > 0)
    g1, g2 = a1.T @ delta2, a2.T @ delta3
    return g1[:-1], g1[-1], g2[:-1], g2[-1]


@wrong(
    "db2.penalty.on_bias",
    "the penalty takes in the row of the bias: l2 b2 is added (and l2 b1 to db1)",
)
def augmented_penalty(X, Y, W1, b1, W2, b2, reg):
    def with_ones(A):
        return np.column_stack([A, np.ones(len(A))])

    V1, V2 = np.r_[W1, [b1]], np.r_[W2, [b2]]
    Z = with_ones(X) @ V1
    H = np.maximum(Z, 0)
    E = (softmax(with_ones(H) @ V2, axis=1) - Y) / len(Y)
    D = E @ W2.T * (Z > 0)
    G1 = with_ones(X).T @ D + reg * V1
    G2 = with_ones(H).T @ E + reg * V2
    return {"W1": G1[:-1], "b1": G1[-1], "W2": G2[:-1], "b2": G2[-1]}


@wrong("dW1", "cut off at the wrong end: the first row is given as db1, the last stays in dW1")
def augmented_split(X, Y, W1, b1, W2, b2):
    A = np.c_[X, np.ones(X.shape[0])]
    Z = A @ np.r_[W1, b1[None]]
    B = np.c_[np.maximum(Z, 0), np.ones(X.shape[0])]
    E = (softmax(B @ np.r_[W2, b2[None]], axis=1) - Y) / X.shape[0]
    G1, G2 = A.T @ (E @ W2.T * (Z > 0)), B.T @ E
    return {"dW1": G1[1:], "db1": G1[0], "dW2": G2[:-1], "db2": G2[-1]}


# --- chunks of rows ------------------------------------------------------------------------------


@wrong("dS", "the rows of the last chunk are left out, as though they were 0")
def chunks_last_forgotten(X, Y, W1, b1, W2, b2):
    size = 2
    total = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
    for i in range(0, len(X) - size, size):
        for t, g in zip(
            total, _sums(X[i : i + size], Y[i : i + size], W1, b1, W2, b2), strict=True
        ):
            t += g
    return {k: t / len(X) for k, t in zip(("W1", "b1", "W2", "b2"), total, strict=True)}


@wrong("dS", "each chunk is divided by its own length and the chunks are averaged, though unequal")
def chunks_averaged(X, Y, W1, b1, W2, b2):
    size = len(X) // 2 + 1
    means = []
    for i in range(0, len(X), size):
        x, t = X[i : i + size], Y[i : i + size]
        means.append([g / len(x) for g in _sums(x, t, W1, b1, W2, b2)])
    return tuple(sum(g) / len(means) for g in zip(*means, strict=True))


@wrong("dS", "divided by the length of the chunk, and the chunks are added: not 1/N")
def chunks_summed(X, Y, W1, b1, W2, b2):
    grads = defaultdict(float)
    for i in range(0, len(X), 2):
        x, t = X[i : i + 2], Y[i : i + 2]
        for name, g in zip(("W1", "b1", "W2", "b2"), _sums(x, t, W1, b1, W2, b2), strict=True):
            grads[name] = grads[name] + g / len(x)
    return dict(grads)


@wrong("dS", "the chunks overlap: the row after each chunk is counted in both")
def chunks_overlapping(X, Y, W1, b1, W2, b2):
    parts = [_sums(X[i : i + 3], Y[i : i + 3], W1, b1, W2, b2) for i in range(0, X.shape[0], 2)]
    dW1, db1, dW2, db2 = (sum(p) / X.shape[0] for p in zip(*parts, strict=True))
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW1", "set, not added to, in the loop over the chunks: it is the last chunk's only")
def chunks_overwritten(X, Y, W1, b1, W2, b2):
    half = (len(X) + 1) // 2
    db1, dW2, db2 = np.zeros_like(b1), np.zeros_like(W2), np.zeros_like(b2)
    for rows in (slice(None, half), slice(half, None)):
        gW1, gb1, gW2, gb2 = _sums(X[rows], Y[rows], W1, b1, W2, b2)
        dW1 = gW1 / len(X)
        db1 += gb1 / len(X)
        dW2 += gW2 / len(X)
        db2 += gb2 / len(X)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW2.penalty.times_N", "l2 W2 is added in every chunk, not once")
def chunks_penalty(X, Y, W1, b1, W2, b2, l2):
    dW1, db1, dW2, db2 = l2 * W1, np.zeros_like(b1), np.zeros_like(W2), np.zeros_like(b2)
    for i in range(len(X)):
        gW1, gb1, gW2, gb2 = _sums(X[i : i + 1], Y[i : i + 1], W1, b1, W2, b2)
        dW1 = dW1 + gW1 / len(X)
        db1 = db1 + gb1 / len(X)
        dW2 = dW2 + gW2 / len(X) + l2 * W2
        db2 = db2 + gb2 / len(X)
    return dW1, db1, dW2, db2


# --- further ones --------------------------------------------------------------------------------


@wrong("dW1.operand.dH1_for_dZ1", "X is multiplied by dH1, though db1 is made from dZ1")
def einsum_unmasked(X, Y, W1, b1, W2, b2):
    z = np.einsum("ni,ij->nj", X, W1) + b1
    h = np.maximum(z, 0)
    ds = (softmax(np.einsum("nj,jk->nk", h, W2) + b2, axis=1) - Y) / len(X)
    dh = np.einsum("nk,jk->nj", ds, W2)
    on = (z > 0).astype(float)
    dW1 = np.einsum("ni,nj->ij", X, dh)
    db1 = np.einsum("nj,nj->j", dh, on)
    return dW1, db1, np.einsum("nj,nk->jk", h, ds), np.einsum("nk->k", ds)


@wrong(
    "dH1.reduction.mean_over_classes",
    "the mean over the classes where their sum belongs: dS W2^T / K",
)
def broadcast_mean(X, Y, W1, b1, W2, b2):
    z = (X[:, :, None] * W1).sum(axis=1) + b1
    h = np.maximum(z, 0)
    ds = (softmax((h[:, :, None] * W2).sum(axis=1) + b2, axis=1) - Y) / len(X)
    dh = (ds[:, None, :] * W2).mean(axis=2)
    dz = dh * (z > 0)
    dW1 = (X[:, :, None] * dz[:, None, :]).sum(axis=0)
    dW2 = (h[:, :, None] * ds[:, None, :]).sum(axis=0)
    return {"dW1": dW1, "db1": dz.sum(axis=0), "dW2": dW2, "db2": ds.sum(axis=0)}


@wrong(
    "db1.mask.of_last_row",
    "the rows of dH1 are summed, and the mask of the last row is put on their sum",
)
def scan_last_mask(X, Y, W1, b1, W2, b2):
    acc = {"W1": 0.0, "W2": 0.0, "b2": 0.0}
    unmasked = 0.0
    for n in range(len(X)):
        z = W1.T @ X[n] + b1
        on = z > 0
        h = np.where(on, z, 0)
        ds = (softmax(W2.T @ h + b2) - Y[n]) / len(X)
        dh = W2 @ ds
        unmasked = unmasked + dh
        step = {"W1": np.outer(X[n], dh * on), "W2": np.outer(h, ds), "b2": ds}
        acc = {name: acc[name] + step[name] for name in acc}
    return acc | {"b1": unmasked * on}
