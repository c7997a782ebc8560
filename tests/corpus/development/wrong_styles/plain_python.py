"""Lists without NumPy, reduce and generators, closures, records."""

import math
from collections import namedtuple
from dataclasses import dataclass
from functools import reduce
from itertools import product, starmap
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from corpus.registry import wrong

# --- lists, without NumPy ------------------------------------------------------------------------


def _as_lists(*arrays):
    return [np.asarray(a).tolist() for a in arrays]


@wrong("dW1.reduction.over_features", "all its rows are one and the same list, which sums them all")
def lists_aliased(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = _as_lists(X, Y, W1, b1, W2, b2)
    N, d, H, K = len(X), len(W1), len(b1), len(b2)
    dW1 = [[0.0] * H] * d
    dW2 = [[0.0] * K for _ in range(H)]
    db1, db2 = [0.0] * H, [0.0] * K
    for x, t in zip(X, Y, strict=True):
        z = [sum(x[i] * W1[i][j] for i in range(d)) + b1[j] for j in range(H)]
        h = [max(0.0, v) for v in z]
        s = [sum(h[j] * W2[j][k] for j in range(H)) + b2[k] for k in range(K)]
        e = [math.exp(v - max(s)) for v in s]
        ds = [(e[k] / sum(e) - t[k]) / N for k in range(K)]
        for k in range(K):
            db2[k] += ds[k]
            for j in range(H):
                dW2[j][k] += h[j] * ds[k]
        for j in range(H):
            if z[j] > 0:
                dz = sum(ds[k] * W2[j][k] for k in range(K))
                db1[j] += dz
                for i in range(d):
                    dW1[i][j] += x[i] * dz
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong(
    "dH1.subset.last_class_only",
    "set, not summed, in the loop over the classes: only the last class's part is left",
)
def lists_last_class(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = _as_lists(X, Y, W1, b1, W2, b2)

    def matmul(A, B):
        return [[sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*B)] for r in A]

    def transpose(A):
        return [list(c) for c in zip(*A)]

    Z1 = [[v + b for v, b in zip(row, b1, strict=True)] for row in matmul(X, W1)]
    H1 = [[v if v > 0 else 0.0 for v in row] for row in Z1]
    S = [[v + b for v, b in zip(row, b2, strict=True)] for row in matmul(H1, W2)]
    dS = []
    for row, target in zip(S, Y, strict=True):
        total = sum(math.exp(v) for v in row)
        dS.append([(math.exp(v) / total - t) / len(X) for v, t in zip(row, target, strict=True)])
    dH1 = [[0.0] * len(b1) for _ in X]
    for n in range(len(X)):
        for j in range(len(b1)):
            for k in range(len(b2)):
                dH1[n][j] = dS[n][k] * W2[j][k]
    dZ1 = [
        [g if z > 0 else 0.0 for g, z in zip(gs, zs, strict=True)]
        for gs, zs in zip(dH1, Z1, strict=True)
    ]
    dW1, dW2 = matmul(transpose(X), dZ1), matmul(transpose(H1), dS)
    return dW1, [sum(c) for c in zip(*dZ1)], dW2, [sum(c) for c in zip(*dS)]


@wrong("P.softmax.running_sum", "the sum under the softmax is carried over from row to row")
def lists_running_total(X, y, W1, b1, W2, b2):
    X, y, W1, b1, W2, b2 = _as_lists(X, y, W1, b1, W2, b2)
    features, hidden, classes = range(len(W1)), range(len(b1)), range(len(b2))
    gW1 = [[0.0 for _ in hidden] for _ in features]
    gb1 = [0.0 for _ in hidden]
    gW2 = [[0.0 for _ in classes] for _ in hidden]
    gb2 = [0.0 for _ in classes]
    total = 0.0
    for x, label in zip(X, y, strict=True):
        z = [b1[j] + sum(x[i] * W1[i][j] for i in features) for j in hidden]
        h = [v * (v > 0) for v in z]
        exps = [math.exp(b2[k] + sum(h[j] * W2[j][k] for j in hidden)) for k in classes]
        for e in exps:
            total += e
        delta = [e / total for e in exps]
        delta[label] -= 1.0
        delta = [v / len(X) for v in delta]
        back = [sum(delta[k] * W2[j][k] for k in classes) * (z[j] > 0) for j in hidden]
        for j, k in product(hidden, classes):
            gW2[j][k] += h[j] * delta[k]
        for i, j in product(features, hidden):
            gW1[i][j] += x[i] * back[j]
        gb1 = [a + b for a, b in zip(gb1, back, strict=True)]
        gb2 = [a + b for a, b in zip(gb2, delta, strict=True)]
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


@wrong("dS.scale.whole_division", "divided by N in whole numbers: (P - Y) // N, which is 0 or -1")
def lists_whole_division(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = _as_lists(X, Y, W1, b1, W2, b2)
    n = len(X)

    def affine(rows, W, b):
        columns = list(zip(*W))
        return [
            [sum(map(lambda p, q: p * q, r, c)) + bias for c, bias in zip(columns, b, strict=True)]
            for r in rows
        ]

    Z = affine(X, W1, b1)
    A = [[max(v, 0) for v in r] for r in Z]
    P = [[math.exp(v) / sum(map(math.exp, r)) for v in r] for r in affine(A, W2, b2)]
    dS = [[(p - t) // n for p, t in zip(pr, tr, strict=True)] for pr, tr in zip(P, Y, strict=True)]
    dA = affine(dS, list(zip(*W2)), [0] * len(W2))
    dZ = [[g * (v > 0) for g, v in zip(gr, vr, strict=True)] for gr, vr in zip(dA, Z, strict=True)]
    dW2 = affine(list(zip(*A)), dS, [0] * len(b2))
    dW1 = affine(list(zip(*X)), dZ, [0] * len(b1))
    return {"W1": dW1, "b1": list(map(sum, zip(*dZ))), "W2": dW2, "b2": list(map(sum, zip(*dS)))}


@wrong("L.loss.log10", "the logarithm is to base 10")
def lists_log10(X, y, W1, b1, W2, b2):
    loss = 0.0
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = softmax(H1 @ W2 + b2, axis=1)
    for row, label in zip(P.tolist(), y.tolist(), strict=True):
        loss -= math.log10(row[label])
    dS = P.copy()
    for n, label in enumerate(y):
        dS[n, label] -= 1
    dS /= len(y)
    dZ1 = dS @ W2.T
    for n, j in zip(*np.where(Z1 <= 0), strict=True):
        dZ1[n, j] = 0
    return loss / len(y), (X.T @ dZ1, sum(dZ1), H1.T @ dS, sum(dS))


@wrong("H1.activation.absolute", "abs in place of max(0, Z1)")
def lists_abs(X, Y, W1, b1, W2, b2):
    Z1 = np.array([x @ W1 + b1 for x in X])
    H1 = np.array([[abs(v) for v in row] for row in Z1])
    S = np.array([h @ W2 + b2 for h in H1])
    P = np.array([np.exp(s) / sum(np.exp(s)) for s in S])
    dS = (P - Y) / len(P)
    dZ1 = np.array(
        [[g if v > 0 else 0 for g, v in zip(*r, strict=True)] for r in zip(dS @ W2.T, Z1)]
    )
    dW2 = sum(np.outer(h, g) for h, g in zip(H1, dS, strict=True))
    dW1 = sum(np.outer(x, g) for x, g in zip(X, dZ1, strict=True))
    return {"W1": dW1, "b1": sum(dZ1), "W2": dW2, "b2": sum(dS)}


@wrong("db2.subset.no_last_class", "the loop over the classes stops before the last one")
def lists_off_by_one(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = np.zeros_like(Z1)
    for n in range(N):
        for j in range(Z1.shape[1]):
            if Z1[n, j] > 0:
                dZ1[n, j] = np.vdot(dS[n], W2[j])
    db2 = np.zeros(K)
    for k in range(K - 1):
        db2[k] = sum(dS[n, k] for n in range(N))
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": H1.T @ dS, "db2": db2}


# --- reduce and generators -----------------------------------------------------------------------


@wrong(
    "db2.subset.first_row_twice",
    "the first row of dS is counted twice: it is also the start of the reduction",
)
def reduce_start(X, Y, W1, b1, W2, b2):
    plus = lambda a, b: a + b
    z = X @ W1 + b1
    h = np.maximum(0, z)
    d2 = (softmax(h @ W2 + b2, axis=1) - Y) / X.shape[0]
    d1 = (d2 @ W2.T) * (z > 0)
    dW1 = reduce(plus, starmap(np.outer, zip(X, d1, strict=True)))
    dW2 = reduce(plus, starmap(np.outer, zip(h, d2, strict=True)))
    return dW1, reduce(plus, d1), dW2, reduce(plus, d2, d2[0])


@wrong("S.activation.relu", "the scores go through the ReLU too")
def reduce_layers(X, Y, W1, b1, W2, b2):
    def layer(a, weights):
        W, b = weights
        return np.maximum(a @ W + b, 0)

    scores = reduce(layer, [(W1, b1), (W2, b2)], X)
    h = layer(X, (W1, b1))
    ds = (softmax(scores, axis=1) - Y) / len(X)
    dz = ds @ W2.T * (h > 0)
    return {"dW1": X.T @ dz, "db1": dz.sum(0), "dW2": h.T @ ds, "db2": ds.sum(0)}


def _rows_of_gradients(X, Y, W1, b1, W2, b2):
    for x, t in zip(X, Y, strict=True):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        ds = softmax(h @ W2 + b2) - t
        dz = (W2 @ ds) * (z > 0)
        yield np.outer(x, dz), dz, np.outer(h, ds), ds


@wrong("dS.scale.by_N_minus_1", "divided by N - 1 instead of N")
def generator_n_minus_one(X, Y, W1, b1, W2, b2):
    rows = _rows_of_gradients(X, Y, W1, b1, W2, b2)
    dW1, db1, dW2, db2 = (sum(g) / (len(X) - 1) for g in zip(*rows, strict=True))
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong(
    "db1.subset.last_row_times_N",
    "one buffer is yielded for every row: the sum is N times the last row of dZ1",
)
def generator_buffer(X, Y, W1, b1, W2, b2):
    def backwards():
        dz = np.empty_like(b1)
        for x, t in zip(X, Y, strict=True):
            z = x @ W1 + b1
            h = np.maximum(z, 0)
            ds = (softmax(h @ W2 + b2) - t) / len(X)
            np.multiply(W2 @ ds, z > 0, out=dz)
            yield np.outer(x, dz), dz, np.outer(h, ds), ds

    return tuple(np.sum(g, axis=0) for g in zip(*backwards(), strict=True))


@wrong("dZ1.mask.of_first_row", "the mask of the first row is used for every row")
def generator_stale_mask(X, Y, W1, b1, W2, b2):
    def per_example():
        mask = None
        for x, t in zip(X, Y, strict=True):
            z = x @ W1 + b1
            if mask is None:
                mask = (z > 0).astype(float)
            h = np.maximum(z, 0)
            ds = (softmax(h @ W2 + b2) - t) / len(X)
            yield x, h, W2 @ ds * mask, ds

    gW1, gb1, gW2, gb2 = 0, 0, 0, 0
    for x, h, dz, ds in per_example():
        gW1, gb1 = gW1 + np.outer(x, dz), gb1 + dz
        gW2, gb2 = gW2 + np.outer(h, ds), gb2 + ds
    return {"W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


# --- records -------------------------------------------------------------------------------------


@dataclass
class Grads:
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@dataclass
class Cache:
    z: Any
    h: Any
    p: Any


@wrong("db2.reduction.mean", "the mean over the rows of dS")
def record_mean(X, Y, W1, b1, W2, b2) -> Grads:
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    cache = Cache(z, h, softmax(h @ W2 + b2, axis=1))
    d2 = (cache.p - Y) / len(Y)
    d1 = np.where(cache.z > 0, d2 @ W2.T, 0)
    return Grads(dW1=X.T @ d1, db1=d1.sum(axis=0), dW2=cache.h.T @ d2, db2=d2.mean(axis=0))


@wrong("H1.activation.negative_part", "min instead of max: the negative part of Z1")
def record_min(X, Y, params) -> Grads:
    z = X @ params.W1 + params.b1
    cache = Cache(z, np.minimum(0, z), None)
    cache.p = softmax(cache.h @ params.W2 + params.b2, axis=1)
    d2 = (cache.p - Y) / len(Y)
    d1 = d2 @ params.W2.T * (cache.z > 0)
    return Grads(X.T @ d1, d1.sum(0), cache.h.T @ d2, d2.sum(0))


class Everything(NamedTuple):
    Z1: Any
    H1: Any
    S: Any
    P: Any
    dS: Any
    dH1: Any
    dZ1: Any
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


@wrong("Z1.input.whole", "X is cut to whole numbers before the product with W1")
def record_integers(X, Y, W1, b1, W2, b2):
    Z1 = X.astype(int) @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    db1, db2 = dZ1.sum(0), dS.sum(0)
    return Everything(Z1, H1, S, P, dS, dH1, dZ1, X.T @ dZ1, db1, H1.T @ dS, db2)


@wrong("S.bias.twice", "b2 is added twice")
def record_bias_twice(X, Y, W1, b1, W2, b2):
    affine = lambda a, W, b: a @ W + b
    Z1 = affine(X, W1, b1)
    H1 = Z1.clip(0)
    S = affine(H1, W2, b2) + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    db1, db2 = dZ1.sum(0), dS.sum(0)
    return Everything(Z1, H1, S, P, dS, dH1, dZ1, X.T @ dZ1, db1, H1.T @ dS, db2)


Fields = namedtuple("Fields", "Z1 H1 P dS dH1 dZ1 W1_grad b1_grad W2_grad b2_grad")


@wrong("dH1.sign.flipped", "the minus sign of a descent direction is in dH1: -dS W2^T")
def record_sign(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = -dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return Fields(Z1, H1, P, dS, dH1, dZ1, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


# --- further ones --------------------------------------------------------------------------------


@wrong(
    "H1.activation.softplus",
    "softplus, log(1 + exp(Z1)), in place of the ReLU",
    activation="relu",
    loss="cross_entropy",
)
def closures_softplus(X, Y, W1, b1, W2, b2):
    def dense(W, b):
        def forward(x):
            return x @ W + b, lambda g: (g @ W.T, x.T @ g, g.sum(0))

        return forward

    def rectify(x):
        return np.logaddexp(0, x), lambda g: g * (x > 0)

    z, dense1_back = dense(W1, b1)(X)
    h, rectify_back = rectify(z)
    s, dense2_back = dense(W2, b2)(h)
    dh, dW2, db2 = dense2_back((softmax(s, axis=1) - Y) / len(X))
    _, dW1, db1 = dense1_back(rectify_back(dh))
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
