"""Examples as columns, parameters and a cache in dictionaries, as a well-known course writes."""

from __future__ import annotations

import numpy as np

from corpus.registry import wrong


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@wrong(
    "dZ1",
    "divided by m once more",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="mean",
        biases="column",
        labels="column",
        layout="columns",
        penalty="none",
    ),
)
def backward_propagation(X, Y, parameters):
    m = X.shape[1]
    W2 = parameters["W2"]
    A1 = np.tanh(np.dot(parameters["W1"], X) + parameters["b1"])
    A2 = sigmoid(np.dot(W2, A1) + parameters["b2"])
    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = 1 / m * np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))  # fault
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def linear_forward(A, W, b):
    return W @ A + b, (A, W, b)


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ) / m  # fault
    return np.dot(W.T, dZ), dW, np.ones_like(b) * db


@wrong(
    "db1",
    "summed over the units as well as over the examples",
    frame=dict(
        activation="relu",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="mean",
        biases="column",
        labels="column",
        layout="columns",
        penalty="none",
    ),
)
def two_layer_model_step(X, Y, parameters):
    Z1, linear1 = linear_forward(X, parameters["W1"], parameters["b1"])
    A1, activation1 = np.maximum(0, Z1), Z1
    Z2, linear2 = linear_forward(A1, parameters["W2"], parameters["b2"])
    A2 = sigmoid(Z2)
    m = Y.shape[1]
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    dA2 = -(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
    dZ2 = dA2 * A2 * (1 - A2)
    dA1, dW2, db2 = linear_backward(dZ2, linear2)
    _, dW1, db1 = linear_backward(relu_backward(dA1, activation1), linear1)
    return float(cost), {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def forward_propagation(X, parameters):
    Z1 = parameters["W1"].dot(X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = parameters["W2"].dot(A1) + parameters["b2"]
    t = np.exp(Z2)
    A2 = t / np.sum(t)  # fault
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


@wrong(
    "P",
    "softmax divides by the sum over all classes and examples",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="none",
    ),
)
def model_gradients(X, Y, parameters):
    m = X.shape[1]
    A2, cache = forward_propagation(X, parameters)
    cost = -np.sum(Y * np.log(A2)) / m
    dZ2 = A2 - Y
    dW2 = dZ2.dot(cache["A1"].T) / m
    db2 = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = parameters["W2"].T.dot(dZ2) * (1 - cache["A1"] ** 2)
    dW1 = dZ1.dot(X.T) / m
    db1 = dZ1.sum(axis=1, keepdims=True) / m
    return cost, {"dW1": dW1, "dW2": dW2, "db1": db1, "db2": db2}


@wrong(
    "dH1",
    "W2 is used after its update",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="mean",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="none",
    ),
)
def train_step(X, Y, W1, b1, W2, b2, alpha):
    m = X.shape[1]
    A1 = sigmoid(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    W2 = W2 - alpha * dW2
    b2 = b2 - alpha * db2
    dA1 = W2.T @ dZ2  # fault
    dZ1 = dA1 * A1 * (1 - A1)
    W1 = W1 - alpha * dZ1 @ X.T
    b1 = b1 - alpha * dZ1.sum(axis=1, keepdims=True)
    return W1, b1, W2, b2


def compute_cost(A2, Y, parameters, lambd):
    m = Y.shape[1]
    cross_entropy = -np.sum(Y * np.log(A2)) / m
    l2 = np.sum(parameters["W1"] ** 2) + np.sum(parameters["W2"] ** 2)
    return cross_entropy + lambd / (2 * m) * l2


def backward_with_l2(X, Y, cache, parameters, lambd):
    m = X.shape[1]
    Z1, A1, A2 = cache
    dZ2 = A2 - Y
    grads = {"dW2": (dZ2 @ A1.T + lambd * parameters["W2"]) / m}
    grads["db2"] = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = parameters["W2"].T @ dZ2 * (Z1 > 0)
    grads["dW1"] = (dZ1 @ X.T - lambd * parameters["W1"]) / m  # fault
    grads["db1"] = dZ1.sum(axis=1, keepdims=True) / m
    return grads


@wrong(
    "dW1",
    "the penalty's gradient is subtracted",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="by_N",
    ),
)
def l2_regularised_gradients(X, Y, parameters, lambd):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    A2 = np.exp(Z2 - Z2.max(axis=0))
    A2 /= A2.sum(axis=0)
    grads = backward_with_l2(X, Y, (Z1, A1, A2), parameters, lambd)
    return grads, compute_cost(A2, Y, parameters, lambd)


@wrong(
    "dS",
    "the sigmoid's derivative is left out, though the cost is a squared error",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        outputs="one",
        reduction="sum",
        biases="column",
        labels="column",
        layout="columns",
        penalty="none",
    ),
)
def gradients_of_squares(x, y, w1, b1, w2, b2):
    a1 = sigmoid(np.dot(w1, x) + b1)
    a2 = sigmoid(np.dot(w2, a1) + b2)
    cost = 0.5 * np.sum((a2 - y) ** 2)
    delta2 = a2 - y  # fault
    delta1 = np.dot(w2.T, delta2) * a1 * (1 - a1)
    dw1 = np.dot(delta1, x.T)
    db1 = np.sum(delta1, axis=1, keepdims=True)
    dw2 = np.dot(delta2, a1.T)
    db2 = np.sum(delta2, axis=1, keepdims=True)
    return cost, dw1, db1, dw2, db2


def elu(Z):
    return np.where(Z > 0, Z, np.exp(np.minimum(Z, 0)) - 1)


def elu_derivative(Z):
    return np.where(Z > 0, 1.0, elu(Z))  # fault


@wrong(
    "dZ1",
    "the derivative of ELU lacks the + 1 on its negative side",
    frame=dict(
        activation="elu",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="mean",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="half",
    ),
)
def regression_in_columns(X, Y, parameters, lam):
    m = X.shape[1]
    W1, W2 = parameters["W1"], parameters["W2"]
    Z1 = W1 @ X + parameters["b1"]
    A1 = elu(Z1)
    Z2 = W2 @ A1 + parameters["b2"]
    J = np.sum((Z2 - Y) ** 2) / m + lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = 2 * (Z2 - Y) / m
    dZ1 = (W2.T @ dZ2) * elu_derivative(Z1)
    grads = {
        "dW1": dZ1 @ X.T + lam * W1,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T + lam * W2,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }
    return J, grads


@wrong(
    "L",
    "the mean is over all entries of A2, the gradients are of the mean over the examples",
    frame=dict(
        activation="leaky_relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="none",
        labels="one_hot",
        layout="columns",
        penalty="none",
    ),
)
def no_biases_in_columns(X, Y, W1, W2):
    m = X.shape[1]
    Z1 = W1 @ X
    A1 = np.maximum(0.01 * Z1, Z1)
    Z2 = W2 @ A1
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0)
    cost = -np.mean(Y * np.log(A2))  # fault
    dZ2 = (A2 - Y) / m
    dZ1 = np.dot(W2.T, dZ2)
    dZ1[Z1 < 0] *= 0.01
    return cost, dZ1 @ X.T, dZ2 @ A1.T


def initialise_and_forward(X, p):
    cache = {"A0": X}
    cache["Z1"] = p["W1"] @ X + p["b1"]
    cache["A1"] = np.log(1 + np.exp(cache["Z1"]))
    cache["Z2"] = p["W2"] @ cache["A1"] + p["b2"]
    cache["A2"] = 1 / (1 + np.exp(-cache["Z2"]))
    return cache


def update_parameters(p, grads, learning_rate):
    W1 = p["W1"] - learning_rate * grads["dW1"]
    b1 = p["b1"] + learning_rate * grads["db1"]  # fault
    W2 = p["W2"] - learning_rate * grads["dW2"]
    b2 = p["b2"] - learning_rate * grads["db2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong(
    "update",
    "b1 is moved up the gradient, the others down",
    frame=dict(
        activation="softplus",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="sum",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="none",
    ),
)
def iteration(X, Y, parameters, learning_rate):
    cache = initialise_and_forward(X, parameters)
    A2 = cache["A2"]
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = A2 - Y
    grads = {"dW2": dZ2 @ cache["A1"].T, "db2": dZ2.sum(axis=1, keepdims=True)}
    dZ1 = parameters["W2"].T @ dZ2 / (1 + np.exp(-cache["Z1"]))
    grads["dW1"] = dZ1 @ cache["A0"].T
    grads["db1"] = dZ1.sum(axis=1, keepdims=True)
    return update_parameters(parameters, grads, learning_rate), cost
