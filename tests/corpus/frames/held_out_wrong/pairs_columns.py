"""Two independent faults in a function; an example per column."""

from __future__ import annotations

import numpy as np

from corpus.registry import pair


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return -np.sum(logprobs) * m  # fault


@pair(
    "L", "is multiplied by N instead of divided",
    "dZ1", "1/N stands once more",
    frame=dict(
        activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_planar_data(parameters, X, Y):
    m = X.shape[1]
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = sigmoid(np.dot(W2, A1) + b2)
    cost = compute_cost(A2, Y)

    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2)) / m  # fault
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def relu_backward(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[dA <= 0] = 0  # fault
    return dZ


@pair(
    "dZ1", "the mask tests the gradient of H1 instead of Z1",
    "db2", "1/N is missing",
    frame=dict(
        activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_two_layers(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(0, Z1)
    A2 = sigmoid(W2.dot(A1) + b2)
    cost = float(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m)
    dA2 = -(Y / A2) + (1 - Y) / (1 - A2)
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = 1.0 / m * dZ2.dot(A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)  # fault
    dZ1 = relu_backward(W2.T.dot(dZ2), Z1)
    dW1 = 1.0 / m * dZ1.dot(X.T)
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return cost, dW1, db1, dW2, db2


def softmax(Z):
    e = np.exp(Z - Z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def update_params(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha):
    W1 = W1 - alpha * dW1
    b1 = b1 - alpha * db1
    W2 = W2 - alpha * dW2
    b2 = b2 - alpha * alpha * db2  # fault
    return W1, b1, W2, b2


@pair(
    "update", "the step of b2 has the learning rate twice",
    "db1", "is the sum over everything",
    frame=dict(
        activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="indices", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_digits(W1, b1, W2, b2, X, Y, alpha):
    m = Y.size
    one_hot_Y = np.zeros((m, W2.shape[0]))
    one_hot_Y[np.arange(m), Y] = 1
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2.dot(A1) + b2)
    dZ2 = A2 - one_hot_Y.T
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1)  # fault
    return update_params(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha)


def sigmoid_backward(dA, Z):
    return dA * Z * (1 - Z)  # fault


@pair(
    "dW1", "the penalty is not divided by N",
    "dZ1", "the derivative is taken at Z1 instead of H1",
    frame=dict(
        activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="columns", penalty="by_N",
    ),
)  # fmt: skip
def pair_regularized(X, Y, W1, b1, W2, b2, lambd):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = sigmoid(Z1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    cost += lambd / (2 * m) * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T + lambd / m * W2
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = sigmoid_backward(W2.T @ dZ2, Z1)
    dW1 = dZ1 @ X.T + lambd * W1  # fault
    db1 = dZ1.sum(axis=1, keepdims=True)
    return cost, dW1, db1, dW2, db2


@pair(
    "S", "b2 is left out",
    "dW1", "has the sign of an ascent",
    frame=dict(
        activation="softplus", output="linear", loss="half_squared_error", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_map(X, T, W1, b1, W2, b2):
    n = X.shape[1]
    A = W1 @ X + b1[:, None]
    H = np.log(1 + np.exp(A))
    F = W2 @ H  # fault
    loss = np.sum((F - T) ** 2) / (2 * n)
    dF = (F - T) / n
    dW2 = dF @ H.T
    db2 = dF.sum(axis=1)
    dA = W2.T @ dF / (1 + np.exp(-A))
    dW1 = -dA @ X.T  # fault
    db1 = dA.sum(axis=1)
    return {"loss": loss, "F": F, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def elu(z):
    return np.where(z > 0, z, np.exp(z) - 1)


def elu_backward(dA, A):
    return dA * np.where(A > 0, 1, A)  # fault


@pair(
    "dZ1", "the slope of the negative side is H1 instead of H1 + 1",
    "dS", "the difference is squared instead of doubled",
    frame=dict(
        activation="elu", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="column", labels="column", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_sales(X, Y, parameters):
    m = X.shape[1]
    A1 = elu(parameters["W1"] @ X + parameters["b1"])
    Yhat = parameters["W2"] @ A1 + parameters["b2"]
    cost = np.sum((Yhat - Y) ** 2) / m
    dYhat = (Yhat - Y) ** 2 / m  # fault
    dZ1 = elu_backward(parameters["W2"].T @ dYhat, A1)
    grads = {
        "dW2": dYhat @ A1.T,
        "db2": dYhat.sum(axis=1, keepdims=True),
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
    }
    return grads, cost


class Net:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2
        self.dW1, self.db1 = np.zeros_like(W1), np.zeros_like(b1)
        self.dW2, self.db2 = np.zeros_like(W2), np.zeros_like(b2)
        self.cost = 0.0

    def feedforward(self, x):
        self.hidden = sigmoid(self.W1 @ x + self.b1)
        return sigmoid(self.W2 @ self.hidden + self.b2)

    def backprop(self, x, y):
        out = self.feedforward(x)
        self.cost += 0.5 * np.sum((out - y) ** 2)
        delta = (out - y) * out  # fault
        self.dW2 += delta @ self.hidden.T
        self.db2 = delta  # fault
        delta = (self.W2.T @ delta) * self.hidden * (1 - self.hidden)
        self.dW1 += delta @ x.T
        self.db1 += delta


@pair(
    "dS", "the factor 1 - P of the derivative is missing",
    "db2", "is that of the last example: = stands for +=",
    frame=dict(
        activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="sum", biases="column", labels="one_hot", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_backprop(X, Y, W1, b1, W2, b2):
    net = Net(W1, b1, W2, b2)
    for i in range(X.shape[1]):
        net.backprop(X[:, [i]], Y[:, [i]])
    return net.cost, net.dW1, net.db1, net.dW2, net.db2


@pair(
    "dW2", "divides by the number of classes instead of N",
    "dZ1", "the two slopes are exchanged",
    frame=dict(
        activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="none", labels="one_hot", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_bias_free(X, Y, W1, W2):
    m = X.shape[1]
    Z1 = W1 @ X
    A1 = np.where(Z1 > 0, Z1, 0.01 * Z1)
    A2 = softmax(W2 @ A1)
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / Y.shape[0]  # fault
    dZ1 = (W2.T @ dZ2) * np.where(Z1 > 0, 0.01, 1)  # fault
    dW1 = dZ1 @ X.T / m
    return dW1, dW2


def layer_backward(dZ, A_prev, W):
    m = A_prev.shape[1]
    dW = dZ @ A_prev.T / m
    db = dZ.sum(axis=1) / m
    return dW, db, W.T @ dZ / m  # fault


@pair(
    "P", "the softmax runs over the examples",
    "dH1", "1/N stands once more",
    frame=dict(
        activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="columns", penalty="none",
    ),
)  # fmt: skip
def pair_layers_by_hand(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1[:, None]
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2[:, None]
    E = np.exp(Z2)
    A2 = E / E.sum(axis=1, keepdims=True)  # fault
    dW2, db2, dA1 = layer_backward(A2 - Y, A1, W2)
    dW1, db1, _ = layer_backward(dA1 * (Z1 > 0), X, W1)
    return {"A2": A2, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
