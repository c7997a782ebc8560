"""An example is a column: the course with caches, and others who stack their vectors so."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right

LAMBDA = 0.05
erf = np.vectorize(math.erf)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@right(frame=dict(
    activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
))  # fmt: skip
def backward_propagation(parameters, X, Y):
    m = X.shape[1]
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)

    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def linear_forward(A, W, b):
    return W.dot(A) + b, (A, W, b)


def linear_backward(dZ, cache):
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_backward(dA, cache):
    s = sigmoid(cache)
    return dA * s * (1 - s)


@right(frame=dict(
    activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
))  # fmt: skip
def two_layer_model(X, Y, W1, b1, W2, b2):
    grads = {}
    m = X.shape[1]
    Z1, linear1 = linear_forward(X, W1, b1)
    A1 = np.maximum(0, Z1)
    Z2, linear2 = linear_forward(A1, W2, b2)
    A2 = sigmoid(Z2)
    cost = np.squeeze(-(np.dot(Y, np.log(A2).T) + np.dot(1 - Y, np.log(1 - A2).T)) / m)

    dA2 = -(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
    dA1, grads["dW2"], grads["db2"] = linear_backward(sigmoid_backward(dA2, Z2), linear2)
    _, grads["dW1"], grads["db1"] = linear_backward(relu_backward(dA1, Z1), linear1)
    return grads, cost


@right(frame=dict(
    activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="column", labels="column", layout="columns", penalty="by_N",
))  # fmt: skip
def with_regularization(X, Y, W1, b1, W2, b2, lambd):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = Z1 * (Z1 > 0)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    cross_entropy_cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    L2_cost = lambd * (np.sum(np.square(W1)) + np.sum(np.square(W2))) / (2 * m)
    cost = cross_entropy_cost + L2_cost

    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2, A1.T) + (lambd * W2) / m
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + (lambd * W1) / m
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return cost, {
        "dZ2": dZ2,
        "dW2": dW2,
        "db2": db2,
        "dA1": dA1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
    }


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="column", labels="indices", layout="columns", penalty="none",
))  # fmt: skip
def digits_from_scratch(W1, b1, W2, b2, X, Y, alpha):
    m = Y.size
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    one_hot_Y = np.zeros((m, W2.shape[0]))
    one_hot_Y[np.arange(m), Y] = 1
    one_hot_Y = one_hot_Y.T
    dZ2 = A2 - one_hot_Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * dZ2.sum(1).reshape(-1, 1)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * dZ1.sum(1).reshape(-1, 1)
    W1 = W1 - alpha * dW1
    b1 = b1 - alpha * db1
    W2 = W2 - alpha * dW2
    b2 = b2 - alpha * db2
    return W1, b1, W2, b2


@right(frame=dict(
    activation="elu", output="linear", loss="half_squared_error", outputs="K",
    reduction="elements", biases="flat", labels="one_hot", layout="columns", penalty="by_N",
))  # fmt: skip
def fit_curves(x, y, w1, b1, w2, b2, lam):
    n = x.shape[-1]
    z = w1 @ x + b1[:, None]
    h = np.where(z > 0, z, np.expm1(z))
    out = w2 @ h + b2[:, None]
    diff = out - y
    loss = 0.5 * np.mean(diff**2) + lam / (2 * n) * (np.sum(w1**2) + np.sum(w2**2))
    g = diff / diff.size
    gw2 = g @ h.T + lam / n * w2
    gb2 = g.sum(axis=1)
    gz = (w2.T @ g) * np.where(z > 0, 1.0, h + 1)
    gw1 = gz @ x.T + lam / n * w1
    gb1 = gz.sum(axis=1)
    return loss, gw1, gb1, gw2, gb2


@right(frame=dict(
    activation="softplus", output="linear", loss="squared_error", outputs="K",
    reduction="elements", biases="flat", labels="indices", layout="columns", penalty="full",
))  # fmt: skip
def codes(X, y, params, l2):
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    T = np.zeros((W2.shape[0], y.shape[0]))
    T[y, np.arange(y.shape[0])] = 1.0
    A = W1 @ X + b1.reshape(-1, 1)
    H = np.logaddexp(0.0, A)
    F = W2 @ H + b2.reshape(-1, 1)
    E = F - T
    J = np.mean(E * E) + l2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dF = 2.0 * E / E.size
    dA = (W2.T @ dF) * sigmoid(A)
    return {
        "J": J,
        "W1": dA @ X.T + 2 * l2 * W1,
        "b1": dA.sum(1),
        "W2": dF @ H.T + 2 * l2 * W2,
        "b2": dF.sum(1),
    }


@right(frame=dict(
    activation="leaky_relu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="elements", biases="flat", labels="indices", layout="columns", penalty="constant",
))  # fmt: skip
def one_against_rest(X, labels, W1, b1, W2, b2):
    Y = np.eye(len(b2))[labels].T
    Z1 = W1 @ X + b1[:, np.newaxis]
    A1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    A2 = sigmoid(W2 @ A1 + b2[:, np.newaxis])
    loss = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    loss += LAMBDA / 2 * (np.linalg.norm(W1) ** 2 + np.linalg.norm(W2) ** 2)
    dZ2 = (A2 - Y) / Y.size
    dA1 = W2.T @ dZ2
    dZ1 = np.where(Z1 > 0, dA1, 0.01 * dA1)
    dW1 = dZ1 @ X.T + LAMBDA * W1
    dW2 = dZ2 @ A1.T + LAMBDA * W2
    return loss, dW1, dZ1.sum(axis=1), dW2, dZ2.sum(axis=1)


@right(frame=dict(
    activation="gelu", output="sigmoid", loss="half_squared_error", outputs="K",
    reduction="elements", biases="none", labels="indices", layout="columns", penalty="by_N",
))  # fmt: skip
def without_offsets(x, labels, w1, w2, weight_decay):
    k, n = w2.shape[0], x.shape[1]
    target = (np.arange(k)[:, None] == labels[None, :]).astype(float)
    a = w1 @ x
    s = 0.7978845608028654
    th = np.tanh(s * (a + 0.044715 * a * a * a))
    g = 0.5 * a * (1 + th)
    p = sigmoid(w2 @ g)
    loss = 0.5 * ((p - target) ** 2).mean()
    loss = loss + 0.5 * weight_decay / n * ((w1 * w1).sum() + (w2 * w2).sum())
    dp = (p - target) / (n * k)
    do = dp * p * (1 - p)
    dg = w2.T @ do
    da = dg * (0.5 * (1 + th) + 0.5 * a * (1 - th * th) * s * (1 + 0.134145 * a * a))
    return loss, da @ x.T + weight_decay / n * w1, do @ g.T + weight_decay / n * w2


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="squared_error", outputs="K",
    reduction="sum", biases="column", labels="one_hot", layout="columns", penalty="full",
))  # fmt: skip
def squared_sigmoids(A0, Y, W1, b1, W2, b2, lamda):
    A1 = sigmoid(W1 @ A0 + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = np.sum((Y - A2) ** 2) + lamda * np.sum(W1**2) + lamda * np.sum(W2**2)
    dA2 = -2 * (Y - A2)
    dZ2 = dA2 * A2 * (1 - A2)
    dW2, db2 = dZ2 @ A1.T + 2 * lamda * W2, dZ2.sum(axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * (A1 * (1 - A1))
    dW1, db1 = dZ1 @ A0.T + 2 * lamda * W1, dZ1.sum(axis=1, keepdims=True)
    return cost, [(dW1, db1), (dW2, db2)]


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="sum", biases="flat", labels="one_hot", layout="columns", penalty="constant",
))  # fmt: skip
def decay_in_the_file(X, T, W1, b1, W2, b2):
    Z1 = (W1 @ X).T + b1
    Z1 = Z1.T
    H = np.maximum(Z1, 0.0)
    S = ((W2 @ H).T + b2).T
    logZ = np.log(np.exp(S).sum(axis=0))
    E = -np.sum(T * (S - logZ)) + LAMBDA * (np.sum(W1**2) + np.sum(W2**2))
    D2 = np.exp(S - logZ) - T
    D1 = (W2.T @ D2) * (Z1 > 0)
    grads = D1 @ X.T + 2 * LAMBDA * W1, D1.sum(1), D2 @ H.T + 2 * LAMBDA * W2, D2.sum(1)
    return E, *grads


@right(frame=dict(
    activation="gelu", output="linear", loss="half_squared_error", outputs="one",
    reduction="mean", biases="column", labels="column", layout="columns", penalty="constant",
))  # fmt: skip
def price_model(x_batch, y_batch, params):
    decay = 0.002
    m = x_batch.shape[1]
    z1 = params["W1"] @ x_batch + params["b1"]
    k = np.sqrt(2 / np.pi)
    t = np.tanh(k * (z1 + 0.044715 * z1**3))
    a1 = 0.5 * z1 * (1 + t)
    yhat = params["W2"] @ a1 + params["b2"]
    cost = np.sum((yhat - y_batch) ** 2) / (2 * m)
    cost += decay / 2 * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    dz2 = (yhat - y_batch) / m
    da1 = params["W2"].T @ dz2
    dz1 = da1 * (0.5 * (1 + t) + 0.5 * z1 * (1 - t**2) * k * (1 + 3 * 0.044715 * z1**2))
    grads = {
        "W2": dz2 @ a1.T + decay * params["W2"],
        "b2": np.sum(dz2, axis=1, keepdims=True),
        "W1": dz1 @ x_batch.T + decay * params["W1"],
        "b1": np.sum(dz1, axis=1, keepdims=True),
    }
    return cost, grads


@right(frame=dict(
    activation="gelu", output="linear", loss="squared_error", outputs="one",
    reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
))  # fmt: skip
def regression_head(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    Phi = (1 + erf(Z1 / np.sqrt(2))) / 2
    A1 = Z1 * Phi
    Yhat = W2 @ A1 + b2
    dYhat = 2 / m * (Yhat - Y)
    dA1 = W2.T @ dYhat
    dZ1 = dA1 * (Phi + Z1 * np.exp(-(Z1**2) / 2) / np.sqrt(2 * np.pi))
    ones = np.ones((m, 1))
    return dZ1 @ X.T, dZ1 @ ones, dYhat @ A1.T, dYhat @ ones


@right(frame=dict(
    activation="leaky_relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="sum", biases="none", labels="flat", layout="columns", penalty="half",
))  # fmt: skip
def spam(X, y, W1, W2, reg):
    Z1 = W1 @ X
    A1 = np.where(Z1 >= 0, Z1, 0.2 * Z1)
    a2 = sigmoid(W2 @ A1).ravel()
    loss = -np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    d2 = (a2 - y)[None, :]
    d1 = W2.T @ d2
    d1 = np.where(Z1 >= 0, d1, 0.2 * d1)
    return loss, {"dW1": d1 @ X.T + reg * W1, "dW2": d2 @ A1.T + reg * W2}


@right(frame=dict(
    activation="tanh", output="sigmoid", loss="squared_error", outputs="one",
    reduction="sum", biases="flat", labels="column", layout="columns", penalty="half",
))  # fmt: skip
def signal(X, Y, W1, b1, W2, b2, reg):
    A1 = np.tanh(W1 @ X + b1[:, None])
    A2 = sigmoid(W2 @ A1 + b2[:, None])
    e2 = 2 * (A2 - Y) * A2 * (1 - A2)
    e1 = (W2.T @ e2) * (1 - A1 * A1)
    return e1 @ X.T + reg * W1, np.sum(e1, 1), e2 @ A1.T + reg * W2, np.sum(e2, 1)
