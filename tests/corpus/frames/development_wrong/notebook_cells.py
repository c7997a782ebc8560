"""Short functions, as notebooks have them."""

from __future__ import annotations

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax_rows(z):
    z = z - z.max(axis=1, keepdims=True)
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


@wrong(
    "dZ1",
    "brackets: h * 1 - h is zero",
    frame=frame_of("sigmoid softmax cross_entropy K mean row one_hot rows none"),
)
def small_classifier(X, Y, W1, b1, W2, b2):
    h = sigmoid(X @ W1 + b1)
    p = softmax_rows(h @ W2 + b2)
    d2 = (p - Y) / X.shape[0]
    d1 = np.dot(d2, W2.T) * h * 1 - h  # fault
    return {
        "dW1": np.dot(X.T, d1),
        "db1": np.sum(d1, axis=0, keepdims=True),
        "dW2": np.dot(h.T, d2),
        "db2": np.sum(d2, axis=0, keepdims=True),
    }


@wrong(
    "dS",
    "brackets: divided by N and multiplied by K",
    frame=frame_of("relu linear squared_error K elements flat one_hot rows half"),
)
def fit_curve(x_train, y_train, w1, b1, w2, b2, lam):
    N, K = y_train.shape
    z1 = x_train @ w1 + b1
    a1 = z1.clip(0)
    y_pred = a1 @ w2 + b2
    mse = np.mean((y_pred - y_train) ** 2)
    penalty = lam / 2 * (np.sum(w1**2) + np.sum(w2**2))
    d_pred = 2 * (y_pred - y_train) / N * K  # fault
    d_z1 = d_pred @ w2.T * (z1 > 0)
    dw2, db2 = a1.T @ d_pred + lam * w2, d_pred.sum(0)
    dw1, db1 = x_train.T @ d_z1 + lam * w1, d_z1.sum(0)
    return mse + penalty, dw1, db1, dw2, db2


@wrong(
    "dH1",
    "W2 is reshaped where it has to be transposed",
    frame=frame_of("relu softmax cross_entropy K mean flat indices rows none"),
)
def train_grads(X, y, W1, b1, W2, b2):
    Z1 = np.dot(X, W1) + b1
    A1 = np.maximum(0, Z1)
    probs = softmax_rows(np.dot(A1, W2) + b2)
    dZ2 = probs.copy()
    dZ2[np.arange(len(y)), y] -= 1
    dZ2 /= len(y)
    dA1 = np.dot(dZ2, W2.reshape(W2.shape[1], -1))  # fault
    dZ1 = np.where(Z1 > 0, dA1, 0)
    return np.dot(X.T, dZ1), dZ1.sum(0), np.dot(A1.T, dZ2), dZ2.sum(0)


def first_gradient(X, dZ):
    return X.reshape(X.shape[1], X.shape[0]) @ dZ  # fault


@wrong(
    "dW1",
    "the inputs are reshaped where they have to be transposed",
    frame=frame_of("tanh softmax cross_entropy K mean row one_hot rows half"),
)
def tanh_network(inputs, labels, W1, b1, W2, b2, reg):
    a = np.tanh(inputs @ W1 + b1)
    y = softmax_rows(a @ W2 + b2)
    loss = -(labels * np.log(y)).sum() / len(inputs)
    loss += reg / 2 * ((W1**2).sum() + (W2**2).sum())
    dy = (y - labels) / len(inputs)
    da = dy @ W2.T * (1 - a**2)
    dW1 = first_gradient(inputs, da) + reg * W1
    dW2 = a.T @ dy + reg * W2
    return loss, [dW1, dW2], [da.sum(0, keepdims=True), dy.sum(0, keepdims=True)]


@wrong(
    "L",
    "the outputs have become their differences from the targets when the loss is taken",
    frame=frame_of("leaky_relu linear half_squared_error K sum row one_hot rows none"),
)
def leaky_regression(X, T, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = np.where(z > 0, z, 0.01 * z)
    out = h @ W2 + b2
    delta = out
    delta -= T
    loss = 0.5 * ((out - T) ** 2).sum()  # fault
    back = delta @ W2.T
    back[z <= 0] *= 0.01
    gb1, gb2 = back.sum(0, keepdims=True), delta.sum(0, keepdims=True)
    return loss, X.T @ back, gb1, h.T @ delta, gb2


def elu_units(z):
    a = z  # fault
    low = z < 0
    a[low] = np.exp(a[low]) - 1
    return a


@wrong(
    "dZ1",
    "the unit's values are written over its inputs, which the slope still needs",
    frame=frame_of("elu softmax cross_entropy K mean flat one_hot rows none"),
)
def elu_network(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1
    a = elu_units(z)
    d2 = (softmax_rows(a @ W2 + b2) - Y) / len(Y)
    d1 = d2 @ W2.T * np.where(z > 0, 1, np.exp(z))
    return X.T @ d1, d1.sum(axis=0), a.T @ d2, d2.sum(axis=0)


@wrong(
    "dS",
    "one is subtracted in the columns of all labels, in every row",
    frame=frame_of("tanh softmax cross_entropy K sum flat indices rows full"),
)
def digit_classifier(X, y, W1, b1, W2, b2, reg):
    h = np.tanh(X.dot(W1) + b1)
    p = softmax_rows(h.dot(W2) + b2)
    loss = -np.log(p[range(len(y)), y]).sum() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dlogits = p.copy()
    dlogits[:, y] -= 1  # fault
    dh = dlogits.dot(W2.T)
    dpre = (1 - h * h) * dh
    grads = {"W2": h.T.dot(dlogits) + 2 * reg * W2, "b2": dlogits.sum(axis=0)}
    grads["W1"] = X.T.dot(dpre) + 2 * reg * W1
    grads["b1"] = dpre.sum(axis=0)
    return loss, grads


@wrong(
    "dS",
    "divided by the number of classes instead of rows",
    frame=frame_of("leaky_relu softmax cross_entropy K mean flat one_hot linear none"),
)
def leaky_network(x, y, weights1, bias1, weights2, bias2):
    pre = x @ weights1.T + bias1
    hid = np.maximum(pre, 0.01 * pre)
    p = softmax_rows(hid @ weights2.T + bias2)
    grad = (p - y) / y.shape[1]  # fault
    grad_h = grad @ weights2
    grad_h = np.where(pre > 0, grad_h, 0.01 * grad_h)
    return [grad_h.T @ x, grad.T @ hid], [grad_h.sum(axis=0), grad.sum(axis=0)]


@wrong(
    "db2",
    "each row's sum, not each class's: zeros",
    frame=frame_of("relu softmax cross_entropy K mean flat indices rows half"),
)
def loss_and_grads(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    h1 = np.maximum(0, X.dot(W1) + b1)
    probs = softmax_rows(h1.dot(W2) + b2)
    loss = -np.log(probs[np.arange(N), y]).mean()
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    probs[np.arange(N), y] -= 1
    dscores = probs / N
    grads = {"W2": h1.T.dot(dscores) + reg * W2}
    grads["b2"] = np.sum(dscores, axis=1)  # fault
    dh1 = dscores.dot(W2.T) * (h1 > 0)
    grads["W1"] = X.T.dot(dh1) + reg * W1
    grads["b1"] = np.sum(dh1, axis=0)
    return loss, grads


@wrong(
    "dZ1",
    "the values of the units, cut to integers, stand for the mask",
    frame=frame_of("relu softmax cross_entropy K mean column one_hot columns none"),
)
def backward_propagation(X, Y, parameters):
    m = X.shape[1]
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0, keepdims=True)
    dZ2 = A2 - Y
    dA1 = np.dot(parameters["W2"].T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1))  # fault
    return {
        "dW2": 1.0 / m * np.dot(dZ2, A1.T),
        "db2": 1.0 / m * np.sum(dZ2, axis=1, keepdims=True),
        "dW1": 1.0 / m * np.dot(dZ1, X.T),
        "db1": 1.0 / m * np.sum(dZ1, axis=1, keepdims=True),
    }


@wrong(
    "db2",
    "the mean over all entries: one number for all classes",
    frame=frame_of("sigmoid softmax cross_entropy K mean column one_hot columns none"),
)
def digits(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = sigmoid(W1.dot(X) + b1)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2)  # fault
    dZ1 = W2.T.dot(dZ2) * A1 * (1 - A1)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@wrong(
    "dS",
    "the one-hot labels are reshaped where they have to be transposed",
    frame=frame_of("tanh softmax cross_entropy K mean column indices columns none"),
)
def classes_in_columns(X, Y, W1, b1, W2, b2):
    m = Y.size
    A1 = np.tanh(W1 @ X + b1)
    Z2 = W2 @ A1 + b2
    A2 = np.exp(Z2 - Z2.max(axis=0)) / np.exp(Z2 - Z2.max(axis=0)).sum(axis=0)
    one_hot = np.zeros((m, W2.shape[0]))
    one_hot[np.arange(m), Y] = 1
    dZ2 = (A2 - one_hot.reshape(-1, m)) / m  # fault
    dZ1 = W2.T @ dZ2 * (1 - A1 * A1)
    grads = {"dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True)}
    grads |= {"dW2": dZ2 @ A1.T, "db2": dZ2.sum(axis=1, keepdims=True)}
    return grads
