"""Loops over rows, units and classes."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import scipy.special

from corpus.development.right.shared import softmax
from corpus.registry import right


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
