"""Short scripts of the kind that are posted with a question."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    return sigmoid(x) * (1 - sigmoid(x))


REG = 0.003


@wrong(
    "dS",
    "the derivative is taken of the output that is a sigmoid already",
    frame=dict(
        activation="gelu",
        output="sigmoid",
        loss="squared_error",
        outputs="one",
        reduction="sum",
        biases="none",
        labels="column",
        layout="linear",
        penalty="constant",
    ),
)
def my_net(X, y, w1, w2):
    z1 = np.dot(X, w1.T)
    phi = np.vectorize(math.erf)(z1 / np.sqrt(2)) / 2 + 0.5
    a1 = z1 * phi
    z2 = np.dot(a1, w2.T)
    a2 = sigmoid(z2)
    loss = np.sum((y - a2) ** 2) + REG * (np.sum(w1**2) + np.sum(w2**2))
    d2 = -2 * (y - a2) * sigmoid_derivative(a2)  # fault
    dw2 = np.dot(d2.T, a1) + 2 * REG * w2
    d1 = np.dot(d2, w2) * (phi + z1 * np.exp(-(z1**2) / 2) / np.sqrt(2 * np.pi))
    dw1 = np.dot(d1.T, X) + 2 * REG * w1
    return loss, dw1, dw2


@wrong(
    "dW1",
    "the product is reshaped, where it has to be transposed",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="half_squared_error",
        outputs="one",
        reduction="sum",
        biases="row",
        labels="flat",
        layout="columns",
        penalty="constant",
    ),
)
def why_does_it_not_learn(x, y, w1, b1, w2, b2):
    decay = 0.001
    hidden = np.tanh(w1.dot(x) + b1.T)
    output = sigmoid(w2.dot(hidden) + b2.T)
    error = output - y
    loss = 0.5 * np.sum(error**2) + 0.5 * decay * (np.sum(w1**2) + np.sum(w2**2))
    d_output = error * output * (1 - output)
    d_hidden = w2.T.dot(d_output) * (1 - hidden**2)
    d_w1 = x.dot(d_hidden.T).reshape(w1.shape) + decay * w1  # fault
    d_w2 = d_output.dot(hidden.T) + decay * w2
    d_b1 = d_hidden.sum(axis=1).reshape(1, -1)
    d_b2 = d_output.sum(axis=1).reshape(1, -1)
    return loss, d_w1, d_b1, d_w2, d_b2


def to_one_hot(labels, num_classes):
    out = np.zeros((num_classes, len(labels)))
    for column, label in enumerate(labels):
        out[label, column] = label  # fault
    return out


@wrong(
    "call",
    "the label itself is written into the one-hot matrix, not 1",
    frame=dict(
        activation="leaky_relu",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="indices",
        layout="columns",
        penalty="constant",
    ),
)
def several_labels(data, labels, weights1, bias1, weights2, bias2):
    targets = to_one_hot(labels, weights2.shape[0])
    z = weights1 @ data + bias1[:, None]
    a = np.where(z < 0, 0.2 * z, z)
    p = sigmoid(weights2 @ a + bias2[:, None])
    loss = -np.sum(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    loss += 0.01 * (np.sum(weights1**2) + np.sum(weights2**2))
    dz2 = p - targets
    da = weights2.T @ dz2
    dz = np.where(z < 0, 0.2 * da, da)
    return (
        loss,
        dz @ data.T + 0.02 * weights1,
        dz.sum(1),
        dz2 @ a.T + 0.02 * weights2,
        dz2.sum(1),
    )


@wrong(
    "dH1",
    "the sign of the second weights is lost",
    frame=dict(
        activation="leaky_relu",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="mean",
        biases="none",
        labels="indices",
        layout="columns",
        penalty="half",
    ),
)
def classes_by_least_squares(x, y, w1, w2, reg):
    m = x.shape[1]
    z = w1 @ x
    a = np.maximum(z, 0.3 * z)
    out = w2 @ a
    t = np.equal.outer(np.arange(len(out)), y).astype(float)
    loss = np.sum((out - t) ** 2) / m + 0.5 * reg * ((w1**2).sum() + (w2**2).sum())
    g2 = 2 * (out - t) / m
    g1 = np.sqrt(w2.T**2) @ g2  # fault
    g1 = g1 * np.where(z > 0, 1.0, 0.3)
    return loss, g1 @ x.T + reg * w1, g2 @ a.T + reg * w2


def hidden_part(W2, delta, a):
    return np.dot(W2.T, delta) * a * 1 - a  # fault


@wrong(
    "dZ1",
    "the brackets around 1 - a are missing",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="half_squared_error",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="flat",
        layout="columns",
        penalty="by_N",
    ),
)
def and_gate(X, y, W1, b1, W2, b2, lam):
    m = X.shape[1]
    a1 = sigmoid(W1.dot(X) + b1.reshape(-1, 1))
    a2 = sigmoid(W2.dot(a1) + b2.reshape(-1, 1))
    cost = np.sum((a2 - y) ** 2) / (2 * m)
    cost = cost + lam / (2 * m) * (np.sum(W1**2) + np.sum(W2**2))
    delta2 = (a2 - y) * a2 * (1 - a2) / m
    delta1 = hidden_part(W2, delta2, a1)
    grad_W1 = delta1.dot(X.T) + lam * W1 / m
    grad_W2 = delta2.dot(a1.T) + lam * W2 / m
    return cost, {"W1": grad_W1, "b1": delta1.sum(1), "W2": grad_W2, "b2": delta2.sum(1)}


@wrong(
    "L",
    "the term of the entries that are 0 is left out of the cost",
    frame=dict(
        activation="gelu",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="elements",
        biases="none",
        labels="one_hot",
        layout="columns",
        penalty="full",
    ),
)
def tags(X, Y, W1, W2, lam):
    k = math.sqrt(2 / math.pi)
    Z1 = W1 @ X
    T = np.tanh(k * (Z1 + 0.044715 * Z1**3))
    A1 = Z1 * (1 + T) / 2
    A2 = sigmoid(W2 @ A1)
    cost = -np.mean(Y * np.log(A2))  # fault
    cost += lam * (np.sum(W1**2) + np.sum(W2**2))
    dZ2 = (A2 - Y) / Y.size
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * ((1 + T) / 2 + Z1 * (1 - T**2) * k * (1 + 3 * 0.044715 * Z1**2) / 2)
    return cost, dZ1 @ X.T + 2 * lam * W1, dZ2 @ A1.T + 2 * lam * W2


@wrong(
    "dW2",
    "the hidden layer's activations are scaled to sum to 1 in each row",
    frame=dict(
        activation="relu",
        output="sigmoid",
        loss="squared_error",
        outputs="K",
        reduction="elements",
        biases="none",
        labels="indices",
        layout="linear",
        penalty="none",
    ),
)
def digits(images, labels, w1, w2):
    pre = images @ w1.T
    h = pre * (pre > 0)
    p = sigmoid(h @ w2.T)
    want = np.zeros_like(p)
    want[range(len(labels)), labels] = 1
    mse = np.square(p - want).mean()
    g = 2 * (p - want) / want.size * p * (1 - p)
    grad_w2 = g.T @ (h / (1e-9 + h.sum(1, keepdims=True)))  # fault
    grad_w1 = ((g @ w2) * (pre > 0)).T @ images
    return mse, grad_w1, grad_w2


def house_forward(x, p):
    z = x @ p["W1"].T + p["b1"]
    return z, np.tanh(np.tanh(z))  # fault


@wrong(
    "H1",
    "tanh is applied twice",
    frame=dict(
        activation="tanh",
        output="linear",
        loss="squared_error",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="column",
        layout="linear",
        penalty="by_N",
    ),
)
def house_prices(x, y, params, lam):
    n = len(x)
    _, h = house_forward(x, params)
    out = h @ params["W2"].T + params["b2"]
    loss = np.sum((out - y) ** 2) / n
    loss += lam / (2 * n) * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    dout = 2 / n * (out - y)
    dz = dout @ params["W2"] * (1 - h**2)
    return loss, {
        "W1": dz.T @ x + lam / n * params["W1"],
        "b1": dz.sum(0),
        "W2": dout.T @ h + lam / n * params["W2"],
        "b2": dout.sum(0),
    }


def slope_of_elu(z):
    return np.exp(z)  # fault


@wrong(
    "dZ1",
    "the derivative of ELU is exp(Z1) on the positive side too",
    frame=dict(
        activation="elu",
        output="sigmoid",
        loss="half_squared_error",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="column",
        layout="rows",
        penalty="half",
    ),
)
def coin(x, y, W1, b1, W2, b2, l2):
    z = x @ W1 + b1
    h = np.where(z > 0, z, np.exp(z) - 1)
    out = sigmoid(h @ W2 + b2)
    loss = 0.5 * np.mean((out - y) ** 2) + 0.5 * l2 * (np.sum(W1**2) + np.sum(W2**2))
    d2 = (out - y) * out * (1 - out) / len(x)
    d1 = d2 @ W2.T * slope_of_elu(z)
    return loss, x.T @ d1 + l2 * W1, d1.sum(0), h.T @ d2 + l2 * W2, d2.sum(0)


def penalty_and_gradients(W1, W2, lam):
    value = lam * (np.linalg.norm(W1) ** 2 + np.linalg.norm(W2) ** 2)
    return value, 2 * lam * W1, 2 * lam * np.linalg.norm(W2) * W2  # fault


@wrong(
    "dW2",
    "the penalty's gradient is multiplied by the norm of W2",
    frame=dict(
        activation="elu",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="mean",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="full",
    ),
)
def genres(X, Y, W1, b1, W2, b2, lam):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.where(Z1 >= 0, Z1, np.expm1(Z1))
    A2 = sigmoid(W2 @ A1 + b2)
    value, R1, R2 = penalty_and_gradients(W1, W2, lam)
    J = value - (Y * np.log(A2) + (1 - Y) * np.log(1 - A2)).sum() / m
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2 * np.where(Z1 >= 0, 1, A1 + 1)
    db1, db2 = dZ1.sum(axis=1, keepdims=True), dZ2.sum(axis=1, keepdims=True)
    return J, dZ1 @ X.T + R1, db1, dZ2 @ A1.T + R2, db2
