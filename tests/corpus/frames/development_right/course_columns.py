"""Examples as columns, with a cache and dictionaries, as a well-known course has it."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right

erf = np.vectorize(math.erf)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def forward_propagation(X, parameters, g, out):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = g(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = out(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none")
)  # fmt: skip
def planar_classifier(parameters, X, Y):
    m = X.shape[1]
    A2, cache = forward_propagation(X, parameters, np.tanh, sigmoid)
    A1 = cache["A1"]
    W2 = parameters["W2"]
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(
    frame=dict(activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="by_N")
)  # fmt: skip
def regularised_classifier(X, Y, parameters, lambd):
    m = X.shape[1]
    W1, W2 = parameters["W1"], parameters["W2"]
    A2, cache = forward_propagation(X, parameters, lambda z: np.maximum(0, z), sigmoid)
    cross_entropy_cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    L2_cost = lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    cost = cross_entropy_cost + L2_cost

    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2, cache["A1"].T) + lambd / m * W2
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(cache["A1"] > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + lambd / m * W1
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


@right(
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="columns", penalty="half")
)  # fmt: skip
def several_classes(X, Y, parameters, lambd):
    m = Y.shape[1]
    A2, cache = forward_propagation(X, parameters, np.tanh, softmax)
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ cache["A1"].T + lambd * parameters["W2"]
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = (parameters["W2"].T @ dZ2) * (1 - cache["A1"] ** 2)
    dW1 = dZ1 @ X.T + lambd * parameters["W1"]
    db1 = dZ1.sum(axis=1, keepdims=True)
    return {"dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


LAMBDA = 0.05


@right(
    frame=dict(activation="gelu", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="elements", biases="flat", labels="one_hot", layout="columns",
        penalty="constant")
)  # fmt: skip
def squashed_scores(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1[:, None]
    phi = 0.5 * (1 + erf(Z1 / np.sqrt(2)))
    A1 = Z1 * phi
    A2 = sigmoid(W2 @ A1 + b2[:, None])
    cost = 0.5 * np.mean((A2 - Y) ** 2)
    cost += LAMBDA / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = (A2 - Y) * A2 * (1 - A2) / Y.size
    dW2 = dZ2 @ A1.T + LAMBDA * W2
    dZ1 = (W2.T @ dZ2) * (phi + Z1 * np.exp(-(Z1**2) / 2) / np.sqrt(2 * np.pi))
    dW1 = dZ1 @ X.T + LAMBDA * W1
    return cost, dW1, dZ1.sum(axis=1), dW2, dZ2.sum(axis=1)


@right(
    frame=dict(activation="leaky_relu", output="linear", loss="half_squared_error",
        outputs="one", reduction="sum", biases="none", labels="column", layout="columns",
        penalty="none")
)  # fmt: skip
def regress_one_value(X, Y, W1, W2):
    Z1 = np.dot(W1, X)
    A1 = np.where(Z1 > 0, Z1, 0.1 * Z1)
    Yhat = np.dot(W2, A1)
    cost = 0.5 * np.sum((Yhat - Y) ** 2)
    dYhat = Yhat - Y
    dW2 = np.dot(dYhat, A1.T)
    dA1 = np.dot(W2.T, dYhat)
    dZ1 = np.where(Z1 > 0, dA1, 0.1 * dA1)
    dW1 = np.dot(dZ1, X.T)
    return cost, dW1, dW2


@right(
    frame=dict(activation="elu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="columns", penalty="by_N")
)  # fmt: skip
def exponential_units(X, y, parameters, lambd):
    m = len(y)
    W1, b1, W2, b2 = [parameters[k] for k in ("W1", "b1", "W2", "b2")]
    Z1 = W1.dot(X) + b1.reshape(-1, 1)
    A1 = np.where(Z1 >= 0, Z1, np.expm1(np.minimum(Z1, 0)))
    Z2 = W2.dot(A1) + b2.reshape(-1, 1)
    A2 = sigmoid(Z2)
    p = A2[0]
    J = -(np.dot(y, np.log(p)) + np.dot(1 - y, np.log(1 - p))) / m
    J += lambd * (np.sum(W1 * W1) + np.sum(W2 * W2)) / (2 * m)
    dZ2 = A2 - y
    grads = dict()
    grads["dW2"] = (dZ2.dot(A1.T) + lambd * W2) / m
    grads["db2"] = dZ2.sum(axis=1) / m
    dZ1 = W2.T.dot(dZ2)
    dZ1[Z1 < 0] *= np.exp(Z1[Z1 < 0])
    grads["dW1"] = (dZ1.dot(X.T) + lambd * W1) / m
    grads["db1"] = dZ1.sum(axis=1) / m
    return J, grads


@right(
    frame=dict(activation="relu", output="linear", loss="squared_error", outputs="K",
        reduction="elements", biases="none", labels="one_hot", layout="columns", penalty="half")
)  # fmt: skip
def average_square(X, T, W1, W2, lam):
    A1 = np.maximum(W1 @ X, 0)
    S = W2 @ A1
    E = S - T
    loss = np.mean(E * E) + lam / 2 * (np.linalg.norm(W1) ** 2 + np.linalg.norm(W2) ** 2)
    G = 2 * E / E.size
    dW2 = G @ A1.T + lam * W2
    dW1 = ((W2.T @ G) * (A1 > 0)) @ X.T + lam * W1
    return loss, dW1, dW2


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="squared_error", outputs="one",
        reduction="sum", biases="column", labels="column", layout="columns", penalty="full")
)  # fmt: skip
def two_sigmoids(X, Y, W1, b1, W2, b2, lambd):
    A1 = sigmoid(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = np.sum((Y - A2) ** 2) + lambd * (np.sum(W1**2) + np.sum(W2**2))
    dA2 = -2 * (Y - A2)
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = dZ2 @ A1.T + 2 * lambd * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * A1 * (1 - A1)
    dW1 = dZ1 @ X.T + 2 * lambd * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"cost": cost, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(
    frame=dict(activation="softplus", output="linear", loss="half_squared_error", outputs="K",
        reduction="elements", biases="flat", labels="one_hot", layout="columns",
        penalty="constant")
)  # fmt: skip
def smooth_units(X, Y, W1, b1, W2, b2):
    wd = 1e-2
    n = Y.size
    Z1 = W1 @ X + np.expand_dims(b1, 1)
    A1 = np.logaddexp(0, Z1)
    out = W2 @ A1 + np.expand_dims(b2, 1)
    loss = ((out - Y) ** 2).sum() / (2 * n)
    for W in (W1, W2):
        loss += 0.5 * wd * np.sum(W**2)
    dout = (out - Y) / n
    dZ1 = sigmoid(Z1) * (W2.T @ dout)
    return loss, dict(
        W1=dZ1 @ X.T + wd * W1, b1=dZ1.sum(1), W2=dout @ A1.T + wd * W2, b2=dout.sum(1)
    )


@right(
    frame=dict(activation="relu", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="column", labels="flat", layout="columns", penalty="constant")
)  # fmt: skip
def brier_score(X, y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.matmul(W1, X) + b1
    A1 = Z1 * (Z1 > 0)
    A2 = sigmoid(np.matmul(W2, A1) + b2)
    y = y.reshape(1, m)
    weights = np.sum(W1 * W1) + np.sum(W2 * W2)
    loss = np.sum(np.square(A2 - y)) / m + 0.5 * LAMBDA * weights
    dZ2 = 2 / m * (A2 - y) * A2 * (1 - A2)
    dW2 = np.matmul(dZ2, A1.T) + LAMBDA * W2
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = np.matmul(W2.T, dZ2) * (Z1 > 0)
    dW1 = np.matmul(dZ1, X.T) + LAMBDA * W1
    db1 = dZ1.sum(axis=1, keepdims=True)
    gradients = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return gradients, loss


@right(
    frame=dict(activation="elu", output="linear", loss="squared_error", outputs="one",
        reduction="sum", biases="column", labels="flat", layout="columns", penalty="constant")
)  # fmt: skip
def elu_regression(X, y, parameters):
    W1, W2 = parameters["W1"], parameters["W2"]
    Z1 = W1 @ X + parameters["b1"]
    A1 = np.where(Z1 > 0, Z1, np.exp(np.clip(Z1, None, 0)) - 1)
    yhat = (W2 @ A1 + parameters["b2"])[0]
    residual = yhat - y
    cost = residual @ residual + LAMBDA * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = 2 * residual[None, :]
    dZ1 = W2.T @ dZ2 * np.where(Z1 > 0, 1.0, A1 + 1)
    return {
        "cost": cost,
        "dW1": dZ1 @ X.T + 2 * LAMBDA * W1,
        "db1": dZ1.sum(1, keepdims=True),
        "dW2": dZ2 @ A1.T + 2 * LAMBDA * W2,
        "db2": dZ2.sum(1, keepdims=True),
    }


@right(
    frame=dict(activation="softplus", output="sigmoid", loss="binary_cross_entropy",
        outputs="K", reduction="elements", biases="flat", labels="one_hot", layout="columns",
        penalty="full")
)  # fmt: skip
def several_labels(X, Y, W1, b1, W2, b2, lambd):
    K, m = Y.shape
    Z1 = np.add(np.dot(W1, X).T, b1).T
    A1 = np.log(1 + np.exp(Z1))
    A2 = sigmoid(np.add(np.dot(W2, A1).T, b2).T)
    logprobs = Y * np.log(A2) + (1 - Y) * np.log(1 - A2)
    cost = -logprobs.mean() + lambd * np.sum(W1 * W1) + lambd * np.sum(W2 * W2)
    dZ2 = (A2 - Y) / (m * K)
    dW2 = np.dot(dZ2, A1.T) + 2 * lambd * W2
    db2 = np.sum(dZ2, axis=1)
    dZ1 = np.dot(W2.T, dZ2) / (1 + np.exp(-Z1))
    dW1 = np.dot(dZ1, X.T) + 2 * lambd * W1
    db1 = np.sum(dZ1, axis=1)
    return cost, dW1, dW2, db1, db2


@right(
    frame=dict(activation="softplus", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="half")
)  # fmt: skip
def softplus_brier(parameters, X, Y, lambd):
    m = Y.shape[1]
    A2, cache = forward_propagation(X, parameters, lambda z: np.log1p(np.exp(z)), sigmoid)
    dA2 = 2 / m * (A2 - Y)
    dZ2 = dA2 * A2 * (1 - A2)
    dZ1 = np.dot(parameters["W2"].T, dZ2) * sigmoid(cache["Z1"])
    grads = {}
    for layer, (dZ, A) in enumerate([(dZ1, X), (dZ2, cache["A1"])], start=1):
        grads[f"dW{layer}"] = np.dot(dZ, A.T) + lambd * parameters[f"W{layer}"]
        grads[f"db{layer}"] = np.sum(dZ, axis=1, keepdims=True)
    return grads


GAMMA = 0.01


@right(
    frame=dict(activation="gelu", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="columns", penalty="constant")
)  # fmt: skip
def gelu_regression(X, y, W1, b1, W2, b2):
    m = y.size
    Z1 = (W1 @ X).T + b1
    inner = np.sqrt(2 / np.pi) * (Z1 + 0.044715 * Z1**3)
    t = np.tanh(inner)
    A1 = 0.5 * Z1 * (1 + t)
    yhat = A1 @ W2.T + b2
    err = yhat.ravel() - y
    cost = np.mean(err**2) + GAMMA * (np.sum(W1**2) + np.sum(W2**2)) / 2
    dyhat = (2 / m * err)[:, np.newaxis]
    dA1 = dyhat @ W2
    slope = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * Z1**2)
    dZ1 = dA1 * (0.5 * (1 + t) + 0.5 * Z1 * (1 - t**2) * slope)
    return {
        "cost": cost,
        "dW1": dZ1.T @ X.T + GAMMA * W1,
        "db1": dZ1.sum(0),
        "dW2": dyhat.T @ A1 + GAMMA * W2,
        "db2": dyhat.sum(0),
    }


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="indices", layout="columns", penalty="none")
)  # fmt: skip
def digits_with_indices(parameters, X, labels):
    W2 = parameters["W2"]
    m = labels.shape[0]
    A2, cache = forward_propagation(X, parameters, lambda z: np.maximum(z, 0), softmax)
    Y = np.eye(W2.shape[0])[:, labels]
    dZ2 = A2 - Y
    dW2 = dZ2 @ cache["A1"].T / m
    db2 = np.mean(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * (cache["Z1"] > 0)
    dW1 = dZ1 @ X.T / m
    db1 = np.mean(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2
