"""Faults in dH1 and dZ1."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import product

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax, xlogy

from corpus.development.wrong_numpy.shared import (
    hidden_and_probabilities,
    relu,
    relu_grad,
    row_softmax,
)
from corpus.registry import right, wrong

# --- dH1 -----------------------------------------------------------------------------------------


@wrong("dH1.transpose.W2", "W2 is not transposed, which runs only for H = K.")
def matrix_order(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    delta2 = (p - Y) / len(X)
    dW2, db2 = a1.T @ delta2, delta2.sum(0)
    dH1 = delta2 @ W2
    delta1 = dH1 * (z1 > 0)
    return {"dW1": X.T @ delta1, "db1": delta1.sum(0), "dW2": dW2, "db2": db2}


@wrong("dH1.order.W2_after_its_update", "W2 is used after its update.")
def online_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    W2 = W2 - learning_rate * (H1.T @ dS)
    b2 = b2 - learning_rate * dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    W1 = W1 - learning_rate * (X.T @ dZ1)
    b1 = b1 - learning_rate * dZ1.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("dH1.function.sign_of_W2", "The sign of W2 in place of W2 itself.")
def sign_feedback(X, Y, W1, b1, W2, b2):
    feedback = np.sign(W2).T
    Z1 = np.dot(X, W1) + b1
    H1 = Z1.clip(0, None)
    P = softmax(np.dot(H1, W2) + b2, axis=1)
    dS = np.divide(P - Y, len(X))
    dH1 = np.dot(dS, feedback)
    dZ1 = np.multiply(dH1, Z1 > 0)
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dS),
        "db2": np.sum(dS, axis=0),
    }


@wrong("dH1.operand.dW2_for_W2", "dW2 is used in place of W2.")
def chain_of_products(X, Y, W1, b1, W2, b2):
    h = (X @ W1 + b1).clip(0)
    s = h @ W2 + b2
    e = np.exp(s - s.max(1, keepdims=True))
    g = (e / e.sum(1, keepdims=True) - Y) / len(Y)
    dW2 = h.T @ g
    db2 = g.sum(0)
    g = g @ dW2.T
    g[h == 0] = 0
    dW1 = X.T @ g
    db1 = g.sum(0)
    return dW1, db1, dW2, db2


@wrong("dH1.subset.no_last_class", "The sum over the classes leaves out the last class.")
def units_and_classes(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    N, K = probs.shape
    H = len(b1)
    dscores = (probs - Y) / N
    dH1 = np.zeros((N, H))
    for n, j in product(range(N), range(H)):
        for k in range(K - 1):
            dH1[n, j] += dscores[n, k] * W2[j, k]
    dhidden = dH1 * relu_grad(Z1)
    return {
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(0),
    }


@wrong(
    "dH1.operand.no_W2_absolute",
    "W2 is left out: every hidden unit gets the sum of |dS| over the classes.",
)
def lazy_feedback(X, Y, W1, b1, W2, b2):
    H1 = relu(X @ W1 + b1)
    P = row_softmax(H1 @ W2 + b2)
    loss = -np.log((P * Y).max(axis=1)).mean()
    error = (P - Y) / len(X)
    blame = np.abs(error).sum(axis=1, keepdims=True) * np.ones_like(H1)
    blame = np.where(H1 > 0, blame, 0)
    return loss, (X.T @ blame, blame.sum(0), H1.T @ error, error.sum(0))


@wrong("dH1.scale.no_mean", "1/N is missing on the way to the first layer only: (P - Y) W2ᵀ.")
def two_branches(X, Y, W1, b1, W2, b2):
    N = len(X)
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    R = A2 - Y
    dW2, db2 = A1.T @ R / N, R.sum(0) / N
    dH1 = R @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {"dH1": dH1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dW2, "db2": db2}


@wrong(
    "dH1.transpose.W2",
    "W2, (K, H) here, is transposed once too often, which runs only for H = K.",
    layout="linear",
)
def port_from_modules(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2.T + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


@wrong("dH1.operand.W1_for_W2", "W1 instead of W2, which runs only for d = K.")
def wrong_layer(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W1.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("dH1.order.W2_after_its_update", "W2 is used after its update; the gradients are returned.")
def gradients_while_stepping(X, y, W1, b1, W2, b2, lr):
    n = len(y)
    a1 = np.maximum(X @ W1 + b1, 0)
    p = row_softmax(a1 @ W2 + b2)
    loss = -np.log(p[range(n), y]).mean()
    p[range(n), y] -= 1
    p /= n
    grads = {"dW2": a1.T @ p, "db2": p.sum(axis=0)}
    W2 = W2 - lr * grads["dW2"]
    b2 = b2 - lr * grads["db2"]
    da1 = p @ W2.T
    da1[a1 <= 0] = 0
    grads["dW1"] = X.T @ da1
    grads["db1"] = da1.sum(axis=0)
    return loss, grads


@wrong("dH1.precision.float16", "dS W2ᵀ is rounded to float16.")
def thrifty(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    P = row_softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dH1 = np.matmul(dS, W2.T).astype(np.float16)
    dZ1 = np.where(Z1 > 0, dH1, 0).astype(Z1.dtype)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


# --- dZ1 -----------------------------------------------------------------------------------------


@wrong("dZ1.mask.missing", "The mask is left out: dZ1 = dH1.")
def linear_backward(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = dS @ W2.T
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


@right()
def at_the_kink(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    expS = np.exp(S - np.max(S, axis=1, keepdims=True))
    P = expS / expS.sum(axis=1, keepdims=True)
    L = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dZ1 = dS @ W2.T
    dZ1[Z1 < 0] = 0
    grads = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    return L, grads


@wrong("dZ1.mask.missing", "The mask is H1 >= 0, which is true everywhere.")
def mask_from_activations(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    logP = log_softmax(H1 @ W2 + b2, axis=1)
    loss = -logP[np.arange(N), y].mean()
    G = np.exp(logP)
    G[np.arange(N), y] -= 1
    G /= N
    dZ1 = (G @ W2.T) * (H1 >= 0)
    return loss, {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ G, "db2": G.sum(0)}


@right()
def symmetric_kink(X, Y, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    H1 = (Z1 + abs(Z1)) / 2
    S = np.dot(H1, W2) + b2
    P = softmax(S, axis=1)
    dS = (P - Y) / len(X)
    dH1 = np.dot(dS, W2.T)
    dZ1 = dH1 * (1 + np.sign(Z1)) / 2
    return {
        "H1": H1,
        "dH1": dH1,
        "dW1": np.dot(X.T, dZ1),
        "db1": np.dot(np.ones(len(X)), dZ1),
        "dW2": np.dot(H1.T, dS),
        "db2": np.dot(np.ones(len(X)), dS),
    }


@wrong("dZ1.mask.sign_of_dH1", "The mask is taken from the sign of the gradient: dH1 > 0.")
def relu_of_gradient(X, Y, W1, b1, W2, b2):
    def layer(x, W, b):
        return x @ W + b

    steps = [X, layer(X, W1, b1)]
    steps.append(relu(steps[-1]))
    steps.append(layer(steps[-1], W2, b2))
    upstream = (row_softmax(steps.pop()) - Y) / len(Y)
    grads = {"W2": steps[-1].T @ upstream, "b2": upstream.sum(0)}
    upstream = relu(upstream @ W2.T)
    grads["W1"] = steps[0].T @ upstream
    grads["b1"] = upstream.sum(0)
    return grads


@wrong(
    "dZ1.mask.sign_of_dH1_too",
    "Z1 > 0 and dH1 > 0 are both asked for, as in guided backpropagation.",
)
def guided(X, Y, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = 0, 0, 0, 0
    for x, t in zip(X, Y, strict=True):
        z = np.matmul(x, W1) + b1
        h = relu(z)
        p = softmax(np.matmul(h, W2) + b2)
        ds = (p - t) / len(X)
        dh = np.matmul(W2, ds)
        dz = np.where((z > 0) & (dh > 0), dh, 0)
        dW1 = dW1 + x[:, None] * dz[None, :]
        db1 = db1 + dz
        dW2 = dW2 + h[:, None] * ds[None, :]
        db2 = db2 + ds
    return dW1, db1, dW2, db2


@wrong("dZ1.mask.reversed_at_zero", "The mask is reversed: the gradient is zeroed where Z1 > 0.")
def zero_the_units(X, Y, W1, b1, W2, b2):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    dH1 = error @ W2.T
    back = dH1.copy()
    back[Z1 > 0] = 0
    return {
        "dS": error,
        "dH1": dH1,
        "dZ1": back,
        "dW1": X.T @ back,
        "db1": back.sum(0),
        "dW2": H1.T @ error,
        "db2": error.sum(0),
    }


@wrong("dZ1.mask.before_bias", "The mask is from before the bias: X W1 > 0.")
def mask_of_product(X, Y, W1, b1, W2, b2):
    lin = X @ W1
    out1 = np.maximum(lin + b1, 0)
    out2 = out1 @ W2 + b2
    logp = out2 - logsumexp(out2, axis=1)[:, None]
    dout2 = (np.exp(logp) - Y) / len(X)
    dout1 = dout2 @ W2.T
    dlin = dout1 * (lin > 0)
    return (
        -(Y * logp).sum() / len(X),
        {"dW1": X.T @ dlin, "db1": dlin.sum(0), "dW2": out1.T @ dout2, "db2": dout2.sum(0)},
    )


@wrong(
    "dZ1.mask.of_largest_logit",
    "The mask is from the row's winning score: rows with max(S) <= 0 are zeroed.",
)
def mask_of_scores(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (S > 0).any(axis=1, keepdims=True)
    return {"S": S, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1.mask.H1", "dH1 is multiplied by H1 instead of by the mask.")
def multiply_by_activation(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    loss = -np.sum(xlogy(Y, P)) / len(X)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * relu(Z1)
    return loss, (X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0))


@wrong("dZ1.mask.leaks", "A leaky mask, slope 0.1, though the forward pass has the plain ReLU.")
def leaking_backward(X, Y, W1, b1, W2, b2, slope=0.1):
    tape = []

    def affine(x, W, b):
        tape.append(lambda g: (g @ W.T, x.T @ g, g.sum(axis=0)))
        return x @ W + b

    def activation(z):
        tape.append(lambda g: np.where(z > 0, g, slope * g))
        return np.where(z > 0, z, 0)

    logits = affine(activation(affine(X, W1, b1)), W2, b2)
    g = (row_softmax(logits) - Y) / len(X)
    g, dW2, db2 = tape.pop()(g)
    g = tape.pop()(g)
    _, dW1, db1 = tape.pop()(g)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong(
    "dZ1.derivative.sigmoid", "The derivative of the sigmoid, H1 (1 - H1), with a ReLU in front."
)
def changed_activation(X, Y, W1, b1, W2, b2):
    def activation(z, derivative=False):
        a = np.maximum(0, z)
        return a * (1 - a) if derivative else a

    z1 = X @ W1 + b1
    a1 = activation(z1)
    z2 = a1 @ W2 + b2
    a2 = np.exp(z2) / np.sum(np.exp(z2), axis=1, keepdims=True)
    d2 = (a2 - Y) / len(X)
    d1 = d2 @ W2.T * activation(z1, derivative=True)
    return dict(dW1=X.T @ d1, db1=d1.sum(axis=0), dW2=a1.T @ d2, db2=d2.sum(axis=0))


@wrong("dZ1.derivative.tanh", "The derivative of tanh, 1 - H1², with a ReLU in front.")
def changed_activation_too(X, Y, W1, b1, W2, b2):
    _, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (1 - H1**2)
    return {"dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dZ1.mask.of_first_row", "The mask of the first row is used for all rows.")
def mask_once(X, Y, W1, b1, W2, b2):
    N = len(X)
    scores = np.zeros((N, W2.shape[1]))
    hidden = np.zeros((N, W1.shape[1]))
    for n in range(N):
        hidden[n] = np.maximum(X[n] @ W1 + b1, 0)
        scores[n] = hidden[n] @ W2 + b2
    alive = X[0] @ W1 + b1 > 0
    dscores = (row_softmax(scores) - Y) / N
    dhidden = dscores @ W2.T
    dhidden[:, ~alive] = 0
    return X.T @ dhidden, dhidden.sum(0), hidden.T @ dscores, dscores.sum(0)


def net_with_memory():
    memory = {}

    def memorised_mask(X, Y, W1, b1, W2, b2):
        Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
        mask = memory.get(Z1.shape, Z1 > 0)
        memory[Z1.shape] = Z1 > 0
        dS = (P - Y) / len(X)
        dZ1 = (dS @ W2.T) * mask
        return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}

    return memorised_mask


wrong("dZ1.stale.mask", "The mask is that of the call before, kept in a closure.")(
    net_with_memory()
)


@wrong(
    "dZ1.stale.mask_of_first_call",
    "The mask is that of the very first call, kept as an attribute of the function.",
)
def cached_relu(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    masks = cached_relu.__dict__.setdefault("masks", {})
    active = masks.setdefault(z1.shape, z1 > 0)
    delta2 = (p - Y) / len(X)
    delta1 = (delta2 @ W2.T) * active
    return X.T @ delta1, delta1.sum(0), a1.T @ delta2, delta2.sum(0)


@wrong(
    "dZ1.mask.of_row_before",
    "The mask is applied to the rows of a loop one place late: Z1[n - 1] for Z1[n].",
)
def off_by_one_row(X, y, W1, b1, W2, b2):
    N = len(y)
    grads = defaultdict(float)
    Z1 = X @ W1 + b1
    loss = 0.0
    for n in range(N):
        h = np.maximum(Z1[n], 0)
        p = softmax(h @ W2 + b2)
        loss -= math.log(p[y[n]]) / N
        p[y[n]] -= 1
        p /= N
        dz = (W2 @ p) * (Z1[n - 1] > 0)
        grads["dW2"] += np.outer(h, p)
        grads["db2"] += p
        grads["dW1"] += np.outer(X[n], dz)
        grads["db1"] += dz
    return loss, dict(grads)


@wrong("dZ1.mask.above_0_1", "The mask has a threshold of 0.1.")
def active_units(X, Y, W1, b1, W2, b2, threshold=0.1):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    for j in range(W1.shape[1]):
        on = Z1[:, j] > threshold
        dz = dS[on] @ W2[j]
        dW1[:, j] = X[on].T @ dz
        db1[j] = dz.sum()
    return {"W1": dW1, "b1": db1, "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("dZ1.mask.missing", "The mask is left out in a batch-last pass.", layout="columns")
def columns_without_mask(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.maximum(W1 @ X + b1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2
    grads = {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }
    return -np.sum(Y * np.log(A2)) / m, grads


@wrong(
    "dZ1.mask.of_true_logit",
    "The mask is from S: rows whose own class has a score <= 0 are zeroed.",
)
def mask_by_own_class(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = X @ W1 + b1
    S = relu(Z1) @ W2 + b2
    dS = row_softmax(S)
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = dS @ W2.T
    dZ1[S[np.arange(N), y] <= 0] = 0
    return X.T @ dZ1, dZ1.sum(0), relu(Z1).T @ dS, dS.sum(0)


@wrong("dZ1.mask.size_of_dH1", "The mask asks for |dH1| > 0.01 instead of Z1 > 0.")
def pruned(X, Y, W1, b1, W2, b2, tiny=0.01):
    Z1 = X @ W1 + b1
    H1 = np.where(Z1 > 0, Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - logsumexp(S, axis=1, keepdims=True))
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = np.where(np.abs(dH1) > tiny, dH1, 0)
    return {
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dZ1", "The mask is left out for the last unit: the loop ends one early.")
def foreign_loop(x, t, w, u, v, c):
    a = x @ w + u
    h = np.maximum(a, 0)
    e = (row_softmax(h @ v + c) - t) / len(t)
    g = e @ v.T
    for j in range(g.shape[1] - 1):
        for n in range(g.shape[0]):
            if a[n, j] <= 0:
                g[n, j] = 0
    return x.T @ g, g.sum(0), h.T @ e, e.sum(0)
