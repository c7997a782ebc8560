"""Two faults in one function: examples as columns, parameters and caches in dictionaries."""

from __future__ import annotations

import numpy as np

from corpus.registry import pair


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = Y * np.log(A2) + (1 - Y) * np.log(1 - A2)
    return -np.sum(logprobs) / (2 * m)  # fault


@pair(
    "L", "the cost is halved",
    "dZ1", "the cube of the hidden values stands for the square",
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none"),
)  # fmt: skip
def pair_planar(X, Y, parameters):
    m = X.shape[1]
    W2 = parameters["W2"]
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = sigmoid(W2 @ A1 + parameters["b2"])
    cost = compute_cost(A2, Y)
    dZ2 = A2 - Y
    grads = {}
    grads["dW2"] = dZ2 @ A1.T / m
    grads["db2"] = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * (1 - np.power(A1, 3))  # fault
    grads["dW1"] = dZ1 @ X.T / m
    grads["db1"] = np.sum(dZ1, axis=1, keepdims=True) / m
    return cost, grads


def linear_backward(dZ, A_prev, W):
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA_prev = np.dot(W.T, dZ) / m  # fault
    return dA_prev, dW, db


def relu_backward(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[Z > 0] = 0  # fault
    return dZ


@pair(
    "dH1", "1/N is there once more, in what goes back",
    "dZ1", "the mask shuts the units that are on",
    frame=dict(activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none"),
)  # fmt: skip
def pair_deep(parameters, X, Y):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = relu(Z1)
    A2 = sigmoid(np.dot(parameters["W2"], A1) + parameters["b2"])
    dA1, dW2, db2 = linear_backward(A2 - Y, A1, parameters["W2"])
    dZ1 = relu_backward(dA1, Z1)
    _, dW1, db1 = linear_backward(dZ1, X, parameters["W1"])
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()  # fault


@pair(
    "P", "the softmax divides by the sum over the whole batch",
    "db1", "the mean stands for the sum over the examples",
    frame=dict(activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="flat", labels="one_hot", layout="columns", penalty="none"),
)  # fmt: skip
def pair_columns_summed(X, Y, W1, b1, W2, b2):
    A1 = sigmoid(W1 @ X + b1[:, None])
    A2 = softmax(W2 @ A1 + b2[:, None])
    cost = -np.sum(Y * np.log(A2))
    dZ2 = A2 - Y
    dZ1 = W2.T @ dZ2 * A1 * (1 - A1)
    db1 = dZ1.mean(axis=1)  # fault
    return cost, dZ1 @ X.T, db1, dZ2 @ A1.T, dZ2.sum(axis=1)


@pair(
    "dW1", "the penalty is not divided by the number of examples",
    "dZ1", "the derivative is taken at dA1 instead of Z1",
    frame=dict(activation="softplus", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="columns", penalty="by_N"),
)  # fmt: skip
def pair_regularised(X, Y, parameters, lambd):
    m = X.shape[1]
    W1, b1, W2, b2 = (parameters[k] for k in ("W1", "b1", "W2", "b2"))
    Z1 = W1 @ X + b1
    A1 = np.logaddexp(0, Z1)
    Z2 = W2 @ A1 + b2
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
    cost = -np.sum(Y * np.log(A2)) / m
    cost += lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    dZ2 = A2 - Y
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * sigmoid(dA1)  # fault
    dW2 = dZ2 @ A1.T / m + lambd / m * W2
    dW1 = dZ1 @ X.T / m + lambd * W1  # fault
    db2 = dZ2.mean(axis=1, keepdims=True)
    db1 = dZ1.mean(axis=1, keepdims=True)
    return cost, {"dW1": dW1, "dW2": dW2, "db1": db1, "db2": db2}


def forward(X, p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    Z2 = p["W2"] @ A1  # fault
    return Z2, {"Z1": Z1, "A1": A1}


def backward(dZ2, X, p, cache):
    dA1 = p["W2"].T @ dZ2
    dZ1 = np.where(cache["Z1"] > 0, dA1, 0.01)  # fault
    return {
        "W1": dZ1 @ X.T,
        "b1": dZ1.sum(axis=1, keepdims=True),
        "W2": dZ2 @ cache["A1"].T,
        "b2": dZ2.sum(axis=1, keepdims=True),
    }


@pair(
    "S", "the second bias is left out",
    "dZ1", "the slope itself stands for slope times gradient",
    frame=dict(activation="leaky_relu", output="linear", loss="half_squared_error", outputs="K",
        reduction="elements", biases="column", labels="one_hot", layout="columns",
        penalty="none"),
)  # fmt: skip
def pair_two_passes(X, T, parameters):
    out, cache = forward(X, parameters)
    loss = 0.5 * np.mean((out - T) ** 2)
    return loss, backward((out - T) / T.size, X, parameters, cache)


@pair(
    "dS", "the derivative of the sigmoid output is missing",
    "update", "the biases are not changed",
    frame=dict(activation="tanh", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none"),
)  # fmt: skip
def pair_descent(X, Y, parameters, learning_rate):
    p = parameters
    m = Y.shape[1]
    A1 = np.tanh(p["W1"] @ X + p["b1"])
    A2 = sigmoid(p["W2"] @ A1 + p["b2"])
    cost = np.sum((A2 - Y) ** 2) / m
    dZ2 = 2 * (A2 - Y) / m  # fault
    dZ1 = p["W2"].T @ dZ2 * (1 - A1**2)
    grads = {"W1": dZ1 @ X.T, "W2": dZ2 @ A1.T}
    grads["b1"] = dZ1.sum(axis=1, keepdims=True)
    grads["b2"] = dZ2.sum(axis=1, keepdims=True)
    updated = dict(p)
    for name in ("W1", "W2"):  # fault
        updated[name] = p[name] - learning_rate * grads[name]
    return cost, updated


def elu_backward(dA, A):
    dZ = dA.copy()
    dZ[A < 0] *= A[A < 0]  # fault
    return dZ


WEIGHT_DECAY = 0.01


@pair(
    "dZ1", "the derivative lacks the 1 where the unit is negative",
    "db2", "the penalty is on the bias too",
    frame=dict(activation="elu", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="columns",
        penalty="constant"),
)  # fmt: skip
def pair_decayed(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.where(Z1 > 0, Z1, np.expm1(np.minimum(Z1, 0)))
    A2 = sigmoid(W2 @ A1 + b2)
    loss = np.sum((A2 - Y) ** 2) / (2 * m)
    loss += WEIGHT_DECAY / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = (A2 - Y) / m * A2 * (1 - A2)
    dW2 = dZ2 @ A1.T + WEIGHT_DECAY * W2
    db2 = dZ2.sum(1, keepdims=True) + WEIGHT_DECAY * b2  # fault
    dZ1 = elu_backward(W2.T @ dZ2, A1)
    dW1 = dZ1 @ X.T + WEIGHT_DECAY * W1
    return loss, dW1, dZ1.sum(1, keepdims=True), dW2, db2
