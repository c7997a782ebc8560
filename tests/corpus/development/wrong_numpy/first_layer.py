"""Faults in dW1 and db1."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax

from corpus.development.wrong_numpy.shared import hidden_and_probabilities, relu, row_softmax
from corpus.registry import wrong

# --- dW1 -----------------------------------------------------------------------------------------


@wrong("dW1.scale.mean_twice", "1/N is once more in dW1 only.")
def first_layer_mean(X, Y, W1, b1, W2, b2):
    batch_size = X.shape[0]
    hidden = np.maximum(X @ W1 + b1, 0)
    logits = hidden @ W2 + b2
    probs = np.exp(logits - logsumexp(logits, axis=-1, keepdims=True))
    grad_logits = (probs - Y) / batch_size
    grad_W2 = hidden.T @ grad_logits
    grad_b2 = grad_logits.sum(axis=0)
    grad_hidden = grad_logits @ W2.T
    grad_pre = grad_hidden * (hidden > 0)
    grad_W1 = X.T @ grad_pre / batch_size
    grad_b1 = grad_pre.sum(axis=0)
    return grad_W1, grad_b1, grad_W2, grad_b2


@wrong(
    "dW1.operand.dH1_for_dZ1",
    "dH1 instead of dZ1: the gradient before the mask is used for W1 only.",
)
def pre_mask_weights(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dH1
    db1 = dZ1.sum(axis=0)
    return {
        "Z1": Z1,
        "H1": H1,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("dW1.operand.H1_for_X", "H1 instead of X: H1ᵀdZ1, of shape (H, H).")
def same_for_both_layers(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    deltas = [(dscores @ W2.T) * (Z1 > 0), dscores]
    dW1, dW2 = (hidden.T @ delta for delta in deltas)
    db1, db2 = (delta.sum(0) for delta in deltas)
    return dW1, db1, dW2, db2


@wrong("dW1.transpose.result", "dW1 is returned transposed, (H, d).")
def outer_products(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    dW1 = reduce(np.add, (np.outer(dz, x) for dz, x in zip(dZ1, X, strict=True)))
    dW2 = reduce(np.add, (np.outer(h, ds) for h, ds in zip(A1, dZ2, strict=True)))
    return {"dW1": dW1, "db1": sum(dZ1), "dW2": dW2, "db2": sum(dZ2)}


@wrong("dW1.transpose.missing", "The transposition of X is forgotten; X @ dZ1 raises unless N = d.")
def short_of_a_transpose(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    loss = -(Y * np.log(P)).sum() / Y.shape[0]
    dS = (P - Y) / Y.shape[0]
    dW2 = H1.T @ dS
    db2 = np.ones(len(dS)) @ dS
    dZ1 = dS @ W2.T
    dZ1[Z1 <= 0] = 0
    dW1 = X @ dZ1
    db1 = np.ones(len(dZ1)) @ dZ1
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@wrong("dW1.scale.by_eta", "The learning rate has leaked into the gradient of W1.")
def prescaled(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    back = (error @ W2.T) * (Z1 > 0)
    dW1 = learning_rate * X.T @ back
    return {"dW1": dW1, "db1": back.sum(0), "dW2": H1.T @ error, "db2": error.sum(0)}


@wrong("dW1.penalty.subtracted", "l2 · W1 is subtracted instead of added.")
def regularised_first_layer(X, Y, W1, b1, W2, b2, l2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1 - l2 * W1, dZ1.sum(0), H1.T @ dS + l2 * W2, dS.sum(0)


@wrong("dW1.penalty.by_N", "The penalty's gradient is l2 / N · W1 rather than l2 · W1.")
def penalty_per_row(params, X, y, l2):
    N = len(X)
    Z1, H1, P = hidden_and_probabilities(X, params.W1, params.b1, params.W2, params.b2)
    loss = -np.log(P[np.arange(N), y]).mean()
    loss += l2 / 2 * (np.sum(params.W1**2) + np.sum(params.W2**2))
    dS = P.copy()
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = dS @ params.W2.T * (Z1 > 0)
    dW1 = X.T @ dZ1 + l2 / N * params.W1
    dW2 = H1.T @ dS + l2 * params.W2
    return loss, {"W1": dW1, "b1": dZ1.sum(0), "W2": dW2, "b2": dS.sum(0)}


@wrong(
    "dW1.penalty.of_absolute_values", "The penalty's gradient is that of an l1 norm: l2 · sign(W1)."
)
def shrinkage(X, Y, W1, b1, W2, b2, reg):
    z = X.dot(W1) + b1
    h = np.maximum(z, 0)
    p = row_softmax(h.dot(W2) + b2)
    loss = -(Y * np.log(p)).sum(axis=1).mean() + 0.5 * reg * (np.sum(W1**2) + np.sum(W2**2))
    dout = (p - Y) / len(X)
    grads = {}
    grads["W2"] = h.T.dot(dout) + reg * W2
    grads["b2"] = dout.sum(axis=0)
    dz = dout.dot(W2.T)
    dz[z <= 0] = 0
    grads["W1"] = X.T.dot(dz) + reg * np.sign(W1)
    grads["b1"] = dz.sum(axis=0)
    return loss, grads


@wrong("dW1.clip.norm_0_1", "dW1 is scaled to a norm of at most 0.1.")
def bounded_first_layer(X, Y, W1, b1, W2, b2, max_norm=0.1):
    class Result(NamedTuple):
        dW1: Any
        db1: Any
        dW2: Any
        db2: Any

    def bounded(g):
        norm = np.linalg.norm(g)
        return g if norm <= max_norm else g * (max_norm / norm)

    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return Result(bounded(X.T @ dZ1), dZ1.sum(0), H1.T @ dS, dS.sum(0))


@wrong("dW1.clip.unit_length", "dW1 is normalised to length 1.")
def unit_direction(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    q = row_softmax(a @ W2 + b2)
    loss = -np.sum(Y * np.log(q)) / len(X)
    r = (q - Y) / len(X)
    gW2, gb2 = a.T @ r, r.sum(axis=0)
    r = np.where(z > 0, r @ W2.T, 0)
    gW1, gb1 = X.T @ r, r.sum(axis=0)
    gW1 /= np.sqrt(np.sum(gW1**2))
    return loss, (gW1, gb1, gW2, gb2)


@wrong("dW1.precision.narrower", "dW1 is accumulated in a buffer of float32.")
def small_buffers(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    delta2 = (p - Y) / len(X)
    delta1 = (delta2 @ W2.T) * (z1 > 0)
    dW1 = np.zeros(W1.shape, dtype=np.float32)
    for x, dz in zip(X, delta1, strict=True):
        dW1 += np.outer(x, dz).astype(np.float32)
    return dW1, delta1.sum(0), a1.T @ delta2, delta2.sum(0)


@wrong("dW1.subset.no_last_feature", "The last feature is never visited: range(d - 1).")
def feature_loop(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    N, d = X.shape
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = np.zeros_like(W1)
    for i in range(d - 1):
        for j in range(W1.shape[1]):
            for n in range(N):
                dW1[i, j] += X[n, i] * dZ1[n, j]
    return {"W1": dW1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("dW1.function.squared_X", "The gradient of the sum of squares: X² takes the place of X.")
def second_moments(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    dhidden = (dscores @ W2.T) * (Z1 > 0)
    dW1 = np.einsum("nd,nd,nh->dh", X, X, dhidden)
    return {
        "dZ1": dhidden,
        "dW1": dW1,
        "db1": dhidden.sum(0),
        "dW2": hidden.T @ dscores,
        "db2": dscores.sum(0),
    }


@wrong(
    "dW1.undefined.idle_units",
    "The columns of units that are never active stay nan, as their buffer began.",
)
def sparse_units(X, Y, W1, b1, W2, b2):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    dZ2 = (A2 - Y) / len(X)
    dW1, db1 = np.full(W1.shape, np.nan), np.zeros_like(b1)
    for j, w in enumerate(W2):
        for n in np.flatnonzero(Z1[:, j] > 0):
            dz = w @ dZ2[n]
            dW1[:, j] = np.nan_to_num(dW1[:, j]) + X[n] * dz
            db1[j] += dz
    return dW1, db1, A1.T @ dZ2, dZ2.sum(axis=0)


@wrong("dW1.transpose.result", "dW1 is (d, H) where the layout has (H, d).", layout="linear")
def port_with_rows(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2.T + b2, axis=1)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


# --- db1 -----------------------------------------------------------------------------------------


@wrong("db1.reduction.mean", "The mean over the rows instead of their sum.")
def hidden_bias_mean(X, Y, W1, b1, W2, b2):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    dW2, db2 = H1.T.dot(error), error.sum(axis=0)
    back = np.multiply(error.dot(W2.T), Z1 > 0)
    dW1, db1 = X.T.dot(back), back.mean(axis=0)
    return dW1, db1, dW2, db2


@wrong("db1.zero.everywhere", "The bias gradient is a vector of zeros, never filled.")
def buffers_first(X, Y, W1, b1, W2, b2):
    grads = {f"d{name}": np.zeros(p.shape) for name, p in zip(("W1", "b1"), (W1, b1), strict=True)}
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads["dW1"] += X.T @ dZ1
    grads["dW2"] = H1.T @ dS
    grads["db2"] = dS.sum(axis=0)
    return grads


@wrong("db1.operand.db2", "db1 is summed over dS: it is db2 of the other layer, of shape (K,).")
def copied_line(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    loss = -np.sum(Y * np.log(p)) / len(X)
    delta2 = (p - Y) / len(X)
    dW2 = a1.T @ delta2
    db2 = np.sum(delta2, axis=0)
    delta1 = (delta2 @ W2.T) * (z1 > 0)
    dW1 = X.T @ delta1
    db1 = np.sum(delta2, axis=0)
    return loss, (dW1, db1, dW2, db2)


@wrong("db1.operand.dH1_summed", "db1 sums dH1, the gradient before the mask.")
def bias_before_mask(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    db1 = dH1.sum(axis=0)
    dZ1 = dH1 * (Z1 > 0)
    return {"dH1": dH1, "dW1": X.T @ dZ1, "db1": db1, "dW2": H1.T @ dS, "db2": dS.sum(axis=0)}


@wrong("db1.keepdims.sum", "The kept dimension stays: db1 is (1, H).")
def row_vector_bias(X, Y, W1, b1, W2, b2):
    ones = np.ones((1, X.shape[0]))
    hidden_in = X @ W1 + ones.T @ b1[None, :]
    hidden = np.maximum(hidden_in, 0)
    probs = softmax(hidden @ W2 + ones.T @ b2[None, :], axis=1)
    G2 = (probs - Y) / X.shape[0]
    G1 = G2 @ W2.T
    G1[hidden_in <= 0] = 0
    return X.T @ G1, ones @ G1, hidden.T @ G2, (ones @ G2)[0]


@wrong("db1.reduction.over_units", "The sum runs over the units (axis=1) and gives N values.")
def bias_sums(X, Y, W1, b1, W2, b2):
    z1 = np.matmul(X, W1) + b1
    a1 = z1.copy()
    a1[a1 < 0] = 0
    z2 = np.matmul(a1, W2) + b2
    a2 = softmax(z2, axis=1)
    gradient = (a2 - Y) / len(X)
    out = {"W2": np.matmul(a1.T, gradient), "b2": gradient.sum(axis=0)}
    gradient = np.matmul(gradient, W2.T)
    gradient[z1 <= 0] = 0
    out["W1"] = np.matmul(X.T, gradient)
    out["b1"] = gradient.sum(axis=-1)
    return {"P": a2, "grads": out}


@wrong(
    "db1.missing.returned", "The bias of the hidden layer is not in what is returned: no key b1."
)
def forgets_a_bias(params, X, Y):
    Z1, H1, P = hidden_and_probabilities(X, params.W1, params.b1, params.W2, params.b2)
    dS = (P - Y) / len(X)
    dZ1 = (dS @ params.W2.T) * (Z1 > 0)
    return {"W1_grad": X.T @ dZ1, "W2_grad": H1.T @ dS, "b2_grad": dS.sum(axis=0)}


@wrong("db1.keepdims.sum", "keepdims is missing: db1 is (H,), not (H, 1).", layout="columns")
def columns_and_flat_bias(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }


@wrong("db1.penalty.on_bias", "The weight decay acts on the bias b1 as well.")
def decay_loop(X, Y, W1, b1, W2, b2, l2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    dscores = (probs - Y) / len(X)
    dhidden = (dscores @ W2.T) * (Z1 > 0)
    grads = {
        "W1": X.T @ dhidden,
        "b1": dhidden.sum(0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(0),
    }
    for name, p in (("W1", W1), ("b1", b1), ("W2", W2)):
        grads[name] = grads[name] + l2 * p
    return grads


@wrong("db1.sign.flipped", "The sign of db1 is turned.")
def minus_from_somewhere(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    E = (Y - P) / len(X)
    B = (E @ W2.T) * (Z1 > 0)
    return {"dW1": -X.T @ B, "db1": B.sum(axis=0), "dW2": -H1.T @ E, "db2": -E.sum(axis=0)}


@wrong("db1.scale.no_mean", "1/N is missing in db1 only, in a batch-last pass.", layout="columns")
def coursework_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = softmax(Z2, axis=0)
    cost = -np.sum(Y * np.log(A2)) / m
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.array(dA1, copy=True)
    dZ1[Z1 <= 0] = 0
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
