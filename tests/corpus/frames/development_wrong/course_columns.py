"""Examples as columns, with `parameters` and `cache` dicts, as one course teaches it."""

from __future__ import annotations

import math

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong

_erf = np.vectorize(math.erf)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gelu(z):
    return 0.5 * z * (1 + _erf(z / np.sqrt(2)))


def gelu_derivative(z):
    cdf = 0.5 * (1 + _erf(z / np.sqrt(2)))
    return cdf + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


# --- several outputs -----------------------------------------------------------------------------


@wrong(
    "dW1",
    "the penalty's share is not divided by the number of examples",
    frame=frame_of("gelu sigmoid squared_error K elements column one_hot columns by_N"),
)
def model_with_l2(X, Y, parameters, lambd):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    m = X.shape[1]

    Z1 = np.dot(W1, X) + b1
    A1 = gelu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    cost = np.mean((A2 - Y) ** 2)
    cost += lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))

    dZ2 = 2 * (A2 - Y) / Y.size * A2 * (1 - A2)
    dW2 = np.dot(dZ2, A1.T) + lambd / m * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * gelu_derivative(Z1)
    dW1 = np.dot(dZ1, X.T) + lambd * W1  # fault
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return cost, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def softmax_columns(Z):
    T = np.exp(Z - Z.max(axis=0, keepdims=True))
    return T / T.sum(axis=0, keepdims=True)


def linear_backward(dZ, A_prev, W):
    dW = dZ @ A_prev.T
    db = dZ.sum(axis=1, keepdims=True)
    return W.T @ dZ, dW, db


@wrong(
    "db1",
    "it comes back without its kept dimension",
    frame=frame_of("tanh softmax cross_entropy K mean column indices columns half"),
)
def L_model_backward(X, Y, parameters, lambd):
    m = X.shape[1]
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    AL = softmax_columns(parameters["W2"] @ A1 + parameters["b2"])
    dZ = AL.copy()
    dZ[Y, np.arange(m)] -= 1
    dZ /= m
    grads = {}
    dA, grads["dW2"], grads["db2"] = linear_backward(dZ, A1, parameters["W2"])
    dZ = dA * (1 - A1**2)
    grads["dW1"] = dZ @ X.T
    grads["db1"] = dZ.sum(axis=1)  # fault
    for i in "12":
        grads["dW" + i] += lambd * parameters["W" + i]
    return grads


def elu(Z):
    return np.where(Z > 0, Z, np.exp(np.minimum(Z, 0)) - 1)


def elu_backward(dA, activation_cache):
    Z = activation_cache
    dZ = np.array(dA, copy=True)
    low = Z <= 0
    dZ[low] *= np.exp(Z[low]) - 1  # fault
    return dZ


@wrong(
    "dZ1",
    "below zero the unit's value stands where its slope belongs",
    frame=frame_of("elu sigmoid binary_cross_entropy K elements column one_hot columns half"),
)
def multi_label(X, Y, W1, b1, W2, b2, lambd):
    Z1 = W1 @ X + b1
    A1 = elu(Z1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    cost += lambd / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = (A2 - Y) / Y.size
    dZ1 = elu_backward(W2.T @ dZ2, Z1)
    dW1 = dZ1 @ X.T + lambd * W1
    dW2 = dZ2 @ A1.T + lambd * W2
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    return cost, dW1, db1, dW2, db2


def sigmoid_backward(dA, A):
    s = sigmoid(A)  # fault
    return dA * s * (1 - s)  # fault


@wrong(
    "dS",
    "the sigmoid is applied once more before its slope is taken",
    frame=frame_of("softplus sigmoid squared_error K mean none one_hot columns none"),
)
def without_bias(X, Y, W1, W2):
    Z1 = np.matmul(W1, X)
    A1 = np.logaddexp(0, Z1)
    A2 = sigmoid(np.matmul(W2, A1))
    dA2 = 2 * (A2 - Y) / X.shape[1]
    dZ2 = sigmoid_backward(dA2, A2)
    dW2 = np.matmul(dZ2, A1.T)
    dA1 = np.matmul(W2.T, dZ2)
    dZ1 = dA1 * sigmoid(Z1)
    dW1 = np.matmul(dZ1, X.T)
    return {"dW1": dW1, "dW2": dW2}


@wrong(
    "dZ1",
    "the slope of the unit is taken at its output",
    frame=frame_of("gelu linear squared_error K sum column one_hot columns full"),
)
def regression_costs(X, Y, W1, b1, W2, b2, lambd):
    Z1 = W1 @ X + b1
    A1 = gelu(Z1)
    Z2 = W2 @ A1 + b2
    cost = np.sum((Z2 - Y) ** 2) + lambd * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = 2 * (Z2 - Y)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * gelu_derivative(A1)  # fault
    grads = {
        "dW2": dZ2 @ A1.T + 2 * lambd * W2,
        "db2": np.sum(dZ2, axis=1, keepdims=True),
        "dW1": dZ1 @ X.T + 2 * lambd * W1,
        "db1": np.sum(dZ1, axis=1, keepdims=True),
    }
    return cost, grads


def forward_leaky(X, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.where(Z1 > 0, Z1, 0.1 * Z1)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    return Z2, {"Z1": Z1, "A1": A1, "Z2": Z2}


def cost_leaky(AL, Y, parameters, lambd):
    norms = np.sum(parameters["W1"] ** 2) + np.sum(parameters["b1"] ** 2)  # fault
    return np.mean((AL - Y) ** 2) / 2 + lambd * norms


def backward_leaky(X, Y, parameters, cache, lambd):
    dZ2 = (cache["Z2"] - Y) / Y.size
    dA1 = parameters["W2"].T @ dZ2
    dZ1 = dA1 * np.where(cache["Z1"] > 0, 1, 0.1)
    return {
        "dW1": dZ1 @ X.T + 2 * lambd * parameters["W1"],
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ cache["A1"].T + 2 * lambd * parameters["W2"],
        "db2": dZ2.sum(axis=1, keepdims=True),
    }


@wrong(
    "L",
    "the penalty adds up the first layer's biases where the second layer's weights belong",
    frame=frame_of("leaky_relu linear half_squared_error K elements column one_hot columns full"),
)
def propagate(X, Y, parameters, lambd):
    AL, cache = forward_leaky(X, parameters)
    cost = cost_leaky(AL, Y, parameters, lambd)
    grads = backward_leaky(X, Y, parameters, cache, lambd)
    return cost, grads


@wrong(
    "dH1",
    "the error of the outputs goes back without the sigmoid's slope",
    frame=frame_of("relu sigmoid half_squared_error K sum none one_hot columns none"),
)
def two_matrices(x, y, w1, w2):
    z1 = w1 @ x
    a1 = np.maximum(z1, 0)
    a2 = sigmoid(w2 @ a1)
    error = a2 - y
    delta2 = error * a2 * (1 - a2)
    dw2 = delta2 @ a1.T
    hidden_error = w2.T @ error  # fault
    delta1 = hidden_error * (z1 > 0)
    dw1 = delta1 @ x.T
    return dw1, dw2


# --- one output ----------------------------------------------------------------------------------

DECAY = 0.01


class Propagation:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.Z1 = self.W1 @ X + self.b1
        self.A1 = np.maximum(0, self.Z1)
        self.A2 = sigmoid(self.W2 @ self.A1 + self.b2)
        return self.A2

    def cost(self, Y):
        weights = np.sum(self.W1**2) + np.sum(self.W2**2)
        return np.mean((self.A2 - Y) ** 2) / 2 + DECAY * weights

    def backward(self, Y):
        m = self.X.shape[1]
        dZ2 = (self.A2 - Y) / m * self.A2 * (1 - self.A2)
        self.dW2 = dZ2 @ self.A1.T + 2 * DECAY * self.W2
        self.db2 = np.sum(dZ2, axis=1, keepdims=True)
        dZ1 = np.maximum(0, self.W2.T @ dZ2)  # fault
        self.dW1 = dZ1 @ self.X.T + 2 * DECAY * self.W1
        self.db1 = np.sum(dZ1, axis=1, keepdims=True)


@wrong(
    "dZ1",
    "ReLU itself is applied to the gradient, in place of its mask",
    frame=frame_of("relu sigmoid half_squared_error one mean column flat columns constant"),
)
def propagated_object(X, Y, W1, b1, W2, b2):
    net = Propagation(W1, b1, W2, b2)
    net.forward(X)
    cost = net.cost(Y)
    net.backward(Y)
    return cost, {"dW1": net.dW1, "db1": net.db1, "dW2": net.dW2, "db2": net.db2}


def elu_pair(Z):
    A = np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0)))
    return A, np.where(Z > 0, 1.0, A + 1)


@wrong(
    "dW2",
    "λ is missing in the gradient of the penalty",
    frame=frame_of("elu sigmoid half_squared_error one sum none column columns full"),
)
def unbiased_cost(X, Y, W1, W2, lambd):
    A1, slope = elu_pair(W1 @ X)
    A2 = sigmoid(W2 @ A1)
    J = 0.5 * np.sum((Y - A2) ** 2) + lambd * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = -(Y - A2) * A2 * (1 - A2)
    dW2 = dZ2 @ A1.T + 2 * W2  # fault
    dZ1 = (W2.T @ dZ2) * slope
    dW1 = dZ1 @ X.T + 2 * lambd * W1
    return J, dW1, dW2


def linear_forward(A, W, b):
    return np.dot(W, A) + b, (A, W, b)


def linear_activation_backward(dA, cache, activation):
    (A_prev, W, b), Z = cache
    if activation == "softplus":
        dZ = dA / sigmoid(Z)  # fault
    elif activation == "relu":
        dZ = dA * (Z > 0)
    else:
        dZ = dA
    dW = np.dot(dZ, A_prev.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


@wrong(
    "dZ1",
    "divided by the slope of the unit instead of multiplied",
    frame=frame_of("softplus linear half_squared_error one sum column column columns none"),
)
def house_prices(X, Y, parameters):
    Z1, linear1 = linear_forward(X, parameters["W1"], parameters["b1"])
    A1 = np.logaddexp(Z1, 0)
    Z2, linear2 = linear_forward(A1, parameters["W2"], parameters["b2"])
    grads = {}
    dAL = Z2 - Y
    dA1, grads["dW2"], grads["db2"] = linear_activation_backward(dAL, (linear2, Z2), "linear")
    _, grads["dW1"], grads["db1"] = linear_activation_backward(dA1, (linear1, Z1), "softplus")
    return grads


LAMBDA = 0.05


@wrong(
    "db2",
    "the bias of the output is decayed like a weight",
    frame=frame_of("leaky_relu linear squared_error one sum column column columns constant"),
)
def one_number(X, Y, W1, b1, W2, b2):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(0.2 * Z1, Z1)
    yhat = W2.dot(A1) + b2
    cost = np.sum((yhat - Y) ** 2)
    cost = cost + LAMBDA * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dyhat = 2 * (yhat - Y)
    dW2 = dyhat.dot(A1.T) + 2 * LAMBDA * W2
    db2 = np.sum(dyhat, axis=1, keepdims=True) + 2 * LAMBDA * b2  # fault
    dZ1 = W2.T.dot(dyhat)
    dZ1[Z1 < 0] *= 0.2
    dW1 = dZ1.dot(X.T) + 2 * LAMBDA * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return cost, dW1, db1, dW2, db2


def update_parameters(parameters, grads, learning_rate):
    W1 = parameters["W1"] - learning_rate * grads["dW1"]
    b1 = parameters["b1"] - learning_rate * grads["db1"]
    W2 = parameters["W2"] - learning_rate * grads["dW2"]
    b2 = parameters["b2"] - grads["db2"]  # fault
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong(
    "update",
    "the second bias steps without the learning rate",
    frame=frame_of("tanh sigmoid binary_cross_entropy one mean column column columns none"),
)
def planar_step(X, Y, parameters, learning_rate):
    m = X.shape[1]
    A1 = np.tanh(np.dot(parameters["W1"], X) + parameters["b1"])
    A2 = sigmoid(np.dot(parameters["W2"], A1) + parameters["b2"])
    dZ2 = A2 - Y
    grads = {"dW2": np.dot(dZ2, A1.T) / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m}
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(A1, 2))
    grads["dW1"] = np.dot(dZ1, X.T) / m
    grads["db1"] = np.sum(dZ1, axis=1, keepdims=True) / m
    return update_parameters(parameters, grads, learning_rate)


@wrong(
    "dW2",
    "1/m stands twice, in dZ2 and here",
    frame=frame_of("gelu linear squared_error one mean column column columns none"),
)
def smooth_regression(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Z1 = W1 @ X + b1
    A1 = gelu(Z1)
    A2 = W2 @ A1 + b2
    cost = np.sum(np.square(A2 - Y)) / m
    dZ2 = 2 / m * (A2 - Y)
    dW2 = 1 / m * dZ2 @ A1.T  # fault
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * gelu_derivative(Z1)
    dW1 = dZ1 @ X.T
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"cost": cost, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong(
    "dS",
    "the slope of the sigmoid is A2 (1 + A2)",
    frame=frame_of("sigmoid sigmoid squared_error one mean none column columns half"),
)
def old_style(X, Y, W1, W2, lambd):
    m = X.shape[1]
    A1 = sigmoid(W1 @ X)
    A2 = sigmoid(W2 @ A1)
    dA2 = 2 * (A2 - Y) / m
    dZ2 = dA2 * A2 * (1 + A2)  # fault
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * A1 * (1 - A1)
    return [dZ1 @ X.T + lambd * W1, dZ2 @ A1.T + lambd * W2]
