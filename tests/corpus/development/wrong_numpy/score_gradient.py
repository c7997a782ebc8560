"""Faults in dS."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax, xlogy

from corpus.development.wrong_numpy.shared import (
    hidden_and_probabilities,
    relu,
    relu_grad,
    row_softmax,
)
from corpus.registry import wrong


@wrong("dS.scale.no_mean", "1/N is missing: dS = P - Y.")
def plain_delta(X, Y, W1, b1, W2, b2):
    z = np.dot(X, W1) + b1
    h = np.maximum(z, 0)
    p = row_softmax(np.dot(h, W2) + b2)
    delta = p - Y
    grad_W2 = np.dot(h.T, delta)
    grad_b2 = np.sum(delta, axis=0)
    delta = np.dot(delta, W2.T)
    delta[z <= 0] = 0
    grad_W1 = np.dot(X.T, delta)
    grad_b1 = np.sum(delta, axis=0)
    return grad_W1, grad_b1, grad_W2, grad_b2


@wrong("dS.scale.mean_twice", "dS is divided by N twice.")
def averaged_and_averaged(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    fc1 = X.dot(W1) + b1
    act = np.maximum(0, fc1)
    logits = act.dot(W2) + b2
    logits -= logits.max(axis=1, keepdims=True)
    probs = np.exp(logits)
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(N), y]).sum() / N

    upstream = np.full((N, 1), 1 / N)
    dlogits = probs
    dlogits[np.arange(N), y] -= 1
    dlogits = dlogits * upstream / N
    grads = {"W2": act.T.dot(dlogits), "b2": dlogits.sum(axis=0)}
    dfc1 = dlogits.dot(W2.T)
    dfc1[fc1 <= 0] = 0
    grads["W1"] = X.T.dot(dfc1)
    grads["b1"] = dfc1.sum(axis=0)
    return loss, grads


@wrong("dS.scale.by_K", "dS is divided by K instead of N.")
def mean_over_axis_one(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / Y.shape[1]
    dW2 = H1.T @ dS
    db2 = dS.sum(0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": dW2,
        "db2": db2,
    }


@wrong("dS.scale.by_NK", "dS is divided by N·K, the number of its entries.")
def mean_over_everything(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    H = W1.shape[1]
    gW1, gb1, gW2, gb2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
    loss = 0.0
    for n in range(N):
        z = X[n] @ W1 + b1
        h = np.maximum(z, 0)
        p = softmax(h @ W2 + b2)
        loss -= Y[n] @ np.log(p) / N
        for k in range(K):
            ds = (p[k] - Y[n, k]) / (N * K)
            gb2[k] += ds
            for j in range(H):
                gW2[j, k] += h[j] * ds
                if z[j] > 0:
                    gb1[j] += W2[j, k] * ds
                    gW1[:, j] += X[n] * W2[j, k] * ds
    return loss, (gW1, gb1, gW2, gb2)


@wrong("dS.scale.by_d", "dS is divided by d: X.shape[1] for X.shape[0].")
def batch_from_shape(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A0 = X
    Z1 = np.add(np.matmul(A0, W1), b1)
    A1 = np.where(Z1 > 0, Z1, 0)
    Z2 = np.add(np.matmul(A1, W2), b2)
    A2 = np.exp(Z2 - logsumexp(Z2, axis=1, keepdims=True))
    dZ2 = (A2 - Y) / m
    dW2 = np.matmul(A1.T, dZ2)
    db2 = np.sum(dZ2, axis=0)
    dA1 = np.matmul(dZ2, W2.T)
    dZ1 = np.where(Z1 > 0, dA1, 0)
    dW1 = np.matmul(A0.T, dZ1)
    db1 = np.sum(dZ1, axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@wrong("dS.scale.by_N_minus_1", "dS is divided by N - 1.")
def unbiased_mean(X, Y, W1, b1, W2, b2):
    ones = np.ones((len(X), 1))
    X1 = np.hstack([X, ones])
    theta1 = np.vstack([W1, b1])
    theta2 = np.vstack([W2, b2])
    H = np.hstack([np.maximum(X1 @ theta1, 0), ones])
    P = row_softmax(H @ theta2)
    delta2 = (P - Y) / (len(X) - 1)
    delta1 = (delta2 @ theta2.T * (H > 0))[:, :-1]
    dtheta1 = X1.T @ delta1
    dtheta2 = H.T @ delta2
    return {
        "dW1": dtheta1[:-1],
        "db1": dtheta1[-1],
        "dW2": dtheta2[:-1],
        "db2": dtheta2[-1],
        "P": P,
    }


@wrong("dS.sign.flipped", "The sign is turned: Y - P instead of P - Y.")
def target_minus_output(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    hidden = np.maximum(0, Z1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.sum(xlogy(Y, probs)) / len(X)
    error = (Y - probs) / len(X)
    hidden_error = (error @ W2.T) * (Z1 > 0)
    return loss, {
        "W1_grad": X.T @ hidden_error,
        "b1_grad": hidden_error.sum(0),
        "W2_grad": hidden.T @ error,
        "b2_grad": error.sum(0),
    }


@wrong("dS.labels.not_subtracted", "Y is not subtracted: dS = P / N.")
def softmax_backward(X, Y, W1, b1, W2, b2):
    class Dense:
        def __init__(self, W, b):
            self.W, self.b = W, b

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, grad):
            self.dW = self.x.T @ grad
            self.db = grad.sum(axis=0)
            return grad @ self.W.T

    first, second = Dense(W1, b1), Dense(W2, b2)
    hidden = relu(first.forward(X))
    probs = row_softmax(second.forward(hidden))
    grad = second.backward(probs / probs.shape[0])
    first.backward(np.where(hidden > 0, grad, 0))
    return {"dW1": first.dW, "db1": first.db, "dW2": second.dW, "db2": second.db}


@wrong("dS.operand.S_for_P", "The scores are used instead of the probabilities: dS = (S - Y) / N.")
def scores_backward(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    S = H1 @ W2 + b2
    P = row_softmax(S)
    loss = -np.mean(np.sum(Y * np.log(P), axis=1))
    dS = (S - Y) / S.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "S": S,
        "P": P,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong(
    "dS.labels.next_class_cyclic",
    "The one-hot position is shifted by one: class y + 1 is taken, cyclically.",
)
def matlab_port(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    T = np.zeros_like(P)
    for n in range(N):
        T[n, (y[n] + 1) % P.shape[1]] = 1
    dS = (P - T) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dS.labels.previous_class_cyclic", "y - 1 as the index, as if the classes began at 1.")
def labels_from_one(X, y, W1, b1, W2, b2):
    n_samples = len(y)
    hidden = relu(X @ W1 + b1)
    log_probs = log_softmax(hidden @ W2 + b2, axis=1)
    loss = -log_probs[np.arange(n_samples), y].mean()
    grad = np.exp(log_probs)
    np.subtract.at(grad, (np.arange(n_samples), y - 1), 1.0)
    grad /= n_samples
    back = np.inner(grad, W2)
    back[hidden == 0] = 0.0
    return loss, {
        "dW1": np.tensordot(X, back, axes=(0, 0)),
        "db1": np.add.reduce(back),
        "dW2": np.tensordot(hidden, grad, axes=(0, 0)),
        "db2": np.add.reduce(grad),
    }


@wrong(
    "dS.labels.columns_of_all_rows",
    "P[:, y] -= 1 subtracts from the columns of all labels in every row.",
)
def fancy_slices(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    loss = -np.log(A2[range(N), y]).mean()
    A2[:, y] -= 1
    A2 /= N
    dZ1 = (A2 @ W2.T) * (Z1 > 0)
    return loss, (X.T @ dZ1, dZ1.sum(0), A1.T @ A2, A2.sum(0))


@wrong(
    "dS.labels.index", "The class index y is subtracted from every probability, not a one-hot row."
)
def index_targets(X, y, W1, b1, W2, b2):
    target = y.reshape(-1, 1)
    Z1 = X @ W1 + b1
    mask = np.greater(Z1, 0)
    H1 = Z1 * mask
    P = softmax(H1 @ W2 + b2, axis=1)
    error = np.subtract(P, target)
    error = error / error.shape[0]
    W1_grad = np.einsum("ni,nk,jk,nj->ij", X, error, W2, mask)
    b1_grad = np.einsum("nk,jk,nj->j", error, W2, mask)
    return {
        "P": P,
        "W1_grad": W1_grad,
        "b1_grad": b1_grad,
        "W2_grad": H1.T @ error,
        "b2_grad": error.sum(0),
    }


@wrong(
    "dS.labels.index_along_classes",
    "The class indices (N,) are subtracted from P (N, K), which runs only for N = K.",
    labels="indices",
)
def index_targets_flat(X, y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dS = (P - y) / len(y)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS", "np.add.at subtracts 1 once too often in the first row.")
def with_add_at(X, y, W1, b1, W2, b2):
    N = len(y)
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = out.copy()
    np.add.at(error, (np.r_[0, np.arange(N)], np.r_[y[0], y]), -1.0)
    error /= N
    back = (error @ W2.T) * (Z1 > 0)
    return {
        "P": out,
        "dS": error,
        "dW1": X.T @ back,
        "db1": back.sum(0),
        "dW2": H1.T @ error,
        "db2": error.sum(0),
    }


@wrong(
    "dS.loss.squared_error_of_sigmoids",
    "The derivative of the squared error, with 2 (P - Y) P (1 - P) / N.",
)
def quadratic_cost(X, Y, W1, b1, W2, b2):
    biases, weights = [b1, b2], [W1, W2]
    activation, activations, zs = X, [X], []
    for w, b in zip(weights, biases, strict=True):
        zs.append(np.dot(activation, w) + b)
        activation = relu(zs[-1]) if len(zs) == 1 else row_softmax(zs[-1])
        activations.append(activation)
    out = activations[-1]
    nabla_w, nabla_b = [None, None], [None, None]
    delta = 2 * (out - Y) * out * (1 - out) / len(X)
    nabla_b[-1] = delta.sum(axis=0)
    nabla_w[-1] = np.dot(activations[-2].T, delta)
    delta = np.dot(delta, weights[-1].T) * relu_grad(zs[-2])
    nabla_b[-2] = delta.sum(axis=0)
    nabla_w[-2] = np.dot(activations[-3].T, delta)
    return nabla_w[0], nabla_b[0], nabla_w[1], nabla_b[1]


@wrong("dS.softmax.true_class_only", "Only the diagonal of the softmax's Jacobian: dP · P (1 - P).")
def chain_rule_diagonal(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    dP = -Y / P / len(X)
    dS = dP * P * (1 - P)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("dS.softmax.plus_for_minus", "The Jacobian has diag(P) + P Pᵀ: a plus for the minus.")
def chain_rule_full(X, Y, W1, b1, W2, b2):
    N = len(X)
    z1 = X @ W1 + b1[None, :]
    a1 = z1 * (z1 > 0)
    exp_scores = np.exp(a1 @ W2 + b2[None, :])
    p = exp_scores / exp_scores.sum(axis=1)[:, None]
    delta2 = np.empty_like(p)
    for n, (q, t) in enumerate(zip(p, Y, strict=True)):
        jacobian = np.diag(q) + np.outer(q, q)
        delta2[n] = jacobian @ (-t / q) / N
    delta1 = (delta2 @ W2.T) * (z1 > 0)
    return {
        "dW1": X.T @ delta1,
        "db1": delta1.sum(0),
        "dW2": a1.T @ delta2,
        "db2": delta2.sum(0),
        "dS": delta2,
    }


@wrong("dS.softmax.skipped", "The softmax is skipped on the way back: dS is dP = -Y / P / N.")
def log_loss_backward(X, Y, W1, b1, W2, b2):
    def cross_entropy(P):
        return -np.sum(Y * np.log(P)) / len(Y), -Y / (P * len(Y))

    def dense(x, W, b):
        return x @ W + b, lambda g: (g @ W.T, x.T @ g, g.sum(axis=0))

    def rectify(z):
        return np.maximum(z, 0), lambda g: g * (z > 0)

    Z1, back1 = dense(X, W1, b1)
    H1, back_relu = rectify(Z1)
    S, back2 = dense(H1, W2, b2)
    loss, g = cross_entropy(row_softmax(S))
    g, dW2, db2 = back2(g)
    _, dW1, db1 = back1(back_relu(g))
    return loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dS.precision.difference_float16", "dS is rounded to float16.")
def half_precision(X, Y, W1, b1, W2, b2):
    pre = X @ W1 + b1
    post = np.maximum(pre, 0)
    probs = row_softmax(post @ W2 + b2)
    delta = np.empty(Y.shape, dtype=np.float16)
    np.subtract(probs, Y, out=delta, casting="unsafe")
    delta = delta.astype(float) / len(X)
    delta_hidden = (delta @ W2.T) * (pre > 0)
    return X.T @ delta_hidden, delta_hidden.sum(0), post.T @ delta, delta.sum(0)


@wrong(
    "dS.precision.difference_whole",
    "P - Y is written into an integer array, and so cut to whole numbers.",
)
def typed_by_labels(X, Y, W1, b1, W2, b2):
    targets = Y.astype(int)
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    difference = np.zeros_like(targets)
    for n in range(targets.shape[0]):
        for k in range(targets.shape[1]):
            difference[n, k] = P[n, k] - targets[n, k]
    dS = difference / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {"P": P, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}


@wrong("dS.clip.within_0_05", "dS is clipped to [-0.05, 0.05].")
def stable_training(X, Y, W1, b1, W2, b2, clip=0.05):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = np.clip((P - Y) / len(X), -clip, clip)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong("dS.loss.smoothed_0_1", "The labels are smoothed by 0.1 in the gradient.")
def softer_targets(X, Y, W1, b1, W2, b2, smoothing=0.1):
    def smooth(targets):
        return targets * (1 - smoothing) + smoothing / targets.shape[1]

    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    logP = log_softmax(S, axis=1)
    dS = (np.exp(logP) - smooth(Y)) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": -np.sum(Y * logP) / len(X),
        "S": S,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(0),
    }


@wrong(
    "dS.scale.by_d", "The columns of the batch are counted wrongly: 1/d for 1/N.", layout="columns"
)
def deep_course_style(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    T = np.exp(Z2)
    A2 = T / T.sum(axis=0, keepdims=True)
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dS.scale.no_mean", "1/N is missing: the error is not averaged.")
def foreign_names(inputs, targets, w_in, c_in, w_out, c_out):
    pre = inputs @ w_in + c_in
    post = np.maximum(pre, 0)
    guess = softmax(post @ w_out + c_out, axis=1)
    loss = -(targets * np.log(guess)).sum() / inputs.shape[0]
    miss = guess - targets
    back = np.where(pre > 0, miss @ w_out.T, 0)
    return loss, (inputs.T @ back, back.sum(axis=0), post.T @ miss, miss.sum(axis=0))


@wrong("dS.sign.flipped", "The sign is turned, as the error is taken from labels to predictions.")
def weights_first(W1, W2, b1, b2, X, y):
    n = np.arange(y.size)
    hidden = np.maximum(X @ W1 + b1, 0)
    probs = row_softmax(hidden @ W2 + b2)
    error = -probs
    error[n, y] += 1
    error /= y.size
    back = np.dot(error, W2.T)
    back[hidden == 0] = 0
    grads = {"dW1": X.T @ back, "dW2": hidden.T @ error, "db1": back.sum(0), "db2": error.sum(0)}
    return {"P": probs, "grads": grads}
