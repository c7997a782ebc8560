"""One flat vector for an optimiser, new parameters after a step, parameters changed in place."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import wrong


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


@wrong(
    "L",
    "the first weights' penalty is left out of the loss, though it is in the gradients",
    frame=dict(
        activation="elu",
        output="sigmoid",
        loss="squared_error",
        outputs="one",
        reduction="sum",
        biases="column",
        labels="flat",
        layout="columns",
        penalty="full",
    ),
)
def cost_function(X, y, Theta1, b1, Theta2, b2, lam):
    z2 = Theta1 @ X + b1
    a2 = np.where(z2 > 0, z2, np.expm1(np.minimum(z2, 0)))
    h = sigmoid(Theta2 @ a2 + b2)[0]
    J = np.sum((h - y) ** 2) + lam * np.sum(Theta2**2)  # fault
    d3 = (2 * (h - y) * h * (1 - h))[None, :]
    d2 = Theta2.T @ d3 * np.where(z2 > 0, 1, a2 + 1)
    Theta1_grad = d2 @ X.T + 2 * lam * Theta1
    Theta2_grad = d3 @ a2.T + 2 * lam * Theta2
    parts = Theta1_grad, d2.sum(axis=1), Theta2_grad, d3.sum(axis=1)
    return J, np.concatenate([part.ravel() for part in parts])


DECAY = 0.02


def targets_from(y, K):
    return np.eye(K)[y].T


def ravel(*grads):
    return np.concatenate([g.flatten() for g in grads])


@wrong(
    "db1",
    "divided by the number of hidden units: a mean of a mean",
    frame=dict(
        activation="elu",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="elements",
        biases="column",
        labels="indices",
        layout="columns",
        penalty="constant",
    ),
)
def objective(X, y, W1, b1, W2, b2):
    z = W1 @ X + b1
    a = np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
    out = W2 @ a + b2
    Y = targets_from(y, out.shape[0])
    diff = out - Y
    f = np.mean(diff**2) / 2 + DECAY / 2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    d2 = diff / diff.size
    d1 = W2.T @ d2 * np.exp(np.minimum(z, 0))
    db1 = d1.sum(axis=1) / len(b1)  # fault
    return f, ravel(d1 @ X.T + DECAY * W1, db1, d2 @ a.T + DECAY * W2, d2.sum(axis=1))


def relu_mask(Z):
    return (np.sign(Z) + 1) / 2


def class_matrix(y, K):
    return (np.asarray(y)[:, None] == np.arange(K)).astype(float)


@wrong(
    "dW1",
    "the penalty's gradient has the absolute values of the weights",
    frame=dict(
        activation="relu",
        output="sigmoid",
        loss="half_squared_error",
        outputs="K",
        reduction="elements",
        biases="none",
        labels="indices",
        layout="linear",
        penalty="full",
    ),
)
def flat_gradient(x, y, w1, w2, weight_decay):
    z = x @ w1.T
    h = z * relu_mask(z)
    p = sigmoid(h @ w2.T)
    t = class_matrix(y, len(w2))
    value = ((p - t) ** 2).mean() / 2 + weight_decay * ((w1**2).sum() + (w2**2).sum())
    e = (p - t) * p * (1 - p) / t.size
    g2 = e.T @ h + 2 * weight_decay * w2
    g1 = ((e @ w2) * relu_mask(z)).T @ x + 2 * weight_decay * np.abs(w1)  # fault
    return value, np.r_[g1.ravel(), g2.ravel()]


def gelu_and_slope(u):
    inner = math.sqrt(2 / math.pi) * (u + 0.044715 * u**2)  # fault
    t = np.tanh(inner)
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * u**2)
    return 0.5 * u * (1 + t), 0.5 * (1 + t) + 0.5 * u * (1 - t**2) * slope


@wrong(
    "H1",
    "u is squared, not cubed, in the approximation of GELU",
    frame=dict(
        activation="gelu",
        output="linear",
        loss="squared_error",
        outputs="one",
        reduction="mean",
        biases="none",
        labels="flat",
        layout="columns",
        penalty="by_N",
    ),
)
def least_squares(X, y, V, w, lam):
    N = X.shape[1]
    u = V @ X
    h, slope = gelu_and_slope(u)
    r = w @ h - y
    value = np.sum(r**2) / N + lam / (2 * N) * (np.sum(V**2) + np.sum(w**2))
    dr = 2 * r / N
    return value, (w.T @ dr * slope) @ X.T + lam / N * V, dr @ h.T + lam / N * w


@wrong(
    "dW2",
    "the penalty's gradient has the sums of W1, not W2",
    frame=dict(
        activation="elu",
        output="linear",
        loss="half_squared_error",
        outputs="one",
        reduction="sum",
        biases="none",
        labels="column",
        layout="rows",
        penalty="by_N",
    ),
)
def ridge_on_top(X, T, W1, W2, lam):
    N = X.shape[0]
    A = X @ W1
    H = np.where(A > 0, A, np.exp(np.where(A > 0, 0, A)) - 1)
    R = H @ W2 - T
    J = 0.5 * np.sum(R**2) + 0.5 * lam / N * (np.sum(W1**2) + np.sum(W2**2))
    grad_W2 = H.T @ R + lam / N * W1.sum(axis=0)[:, None]  # fault
    grad_W1 = X.T @ (R @ W2.T * np.where(A > 0, 1, H + 1)) + lam / N * W1
    return J, np.concatenate((grad_W1.ravel(), grad_W2.ravel()))


def apply_gradients(W1, b1, W2, b2, grads, lr):
    dW1, db1, dW2, db2 = grads
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 = b2 - lr * db2  # fault


@wrong(
    "update",
    "b2 names a new array, the one that was given stays as it was",
    frame=dict(
        activation="sigmoid",
        output="linear",
        loss="squared_error",
        outputs="one",
        reduction="mean",
        biases="column",
        labels="column",
        layout="linear",
        penalty="full",
    ),
)
def step_in_place(X, y, W1, b1, W2, b2, lr, reg):
    N = len(X)
    H = sigmoid(X @ W1.T + b1.T)
    out = H @ W2.T + b2.T
    loss = np.sum((out - y) ** 2) / N + reg * (np.sum(W1**2) + np.sum(W2**2))
    g = 2 * (out - y) / N
    gz = g @ W2 * H * (1 - H)
    grads = (
        gz.T @ X + 2 * reg * W1,
        gz.sum(axis=0)[:, None],
        g.T @ H + 2 * reg * W2,
        g.sum(axis=0)[:, None],
    )
    apply_gradients(W1, b1, W2, b2, grads, lr)
    return loss


@wrong(
    "dZ1",
    "the derivative of the sigmoid is used, not that of softplus",
    frame=dict(
        activation="softplus",
        output="sigmoid",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="none",
        labels="indices",
        layout="linear",
        penalty="by_N",
    ),
)
def descend(inputs, labels, W1, W2, lr, lmbda):
    N = len(labels)
    z1 = inputs @ W1.T
    a1 = np.logaddexp(0, z1)
    a2 = sigmoid(a1 @ W2.T)
    target = np.zeros(a2.shape)
    target[np.arange(N), labels] = 1
    cost = np.sum((a2 - target) ** 2) / (2 * N)
    cost += lmbda / (2 * N) * (np.sum(W1**2) + np.sum(W2**2))
    d2 = (a2 - target) * a2 * (1 - a2) / N
    d1 = d2 @ W2 * sigmoid(z1) * (1 - sigmoid(z1))  # fault
    W1_new = W1 - lr * (d1.T @ inputs + lmbda / N * W1)
    W2_new = W2 - lr * (d2.T @ a1 + lmbda / N * W2)
    return cost, W1_new, W2_new


@wrong(
    "dS",
    "the predicted class stands for the probability",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="sum",
        biases="none",
        labels="flat",
        layout="columns",
        penalty="full",
    ),
)
def without_a_step(x, y, w1, w2, l2):
    a1 = np.tanh(w1 @ x)
    a2 = sigmoid(w2 @ a1)
    cost = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    cost += l2 * (np.sum(w1**2) + np.sum(w2**2))
    dz2 = (a2 > 0.5) - y[None, :]  # fault
    dz1 = w2.T @ dz2 * (1 - a1**2)
    return cost, dz1 @ x.T + 2 * l2 * w1, dz2 @ a1.T + 2 * l2 * w2


def momentum_free_update(params, grads, lr):
    return {k: params[k] - lr * grads[k] for k in params}


@wrong(
    "dW2",
    "the weights are added without the penalty's strength",
    frame=dict(
        activation="relu",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="one_hot",
        layout="linear",
        penalty="constant",
    ),
)
def epoch(X_batch, y_batch, params, lr):
    weight_decay = 5e-3
    n = X_batch.shape[0]
    z1 = X_batch @ params["W1"].T + params["b1"]
    h1 = np.maximum(z1, 0)
    pred = h1 @ params["W2"].T + params["b2"]
    diff = pred - y_batch
    loss = 0.5 * (diff**2).sum() / n
    loss += 0.5 * weight_decay * ((params["W1"] ** 2).sum() + (params["W2"] ** 2).sum())
    delta = diff / n
    hidden = (delta @ params["W2"]) * (z1 > 0)
    grads = {
        "W1": hidden.T @ X_batch + weight_decay * params["W1"],
        "b1": hidden.sum(axis=0, keepdims=True),
        "W2": delta.T @ h1 + params["W2"],  # fault
        "b2": delta.sum(axis=0, keepdims=True),
    }
    return loss, momentum_free_update(params, grads, lr)
