"""One output, functions: two classes under a sigmoid, or one number."""

from __future__ import annotations

import math

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normal_cdf(x):
    return np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)))(x)


def normal_pdf(x):
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


# --- rows ----------------------------------------------------------------------------------------


@wrong(
    "dW2",
    "the penalty is divided by the number of units, not of rows",
    frame=frame_of("softplus linear squared_error one sum none flat rows by_N"),
)
def sum_of_squares(X, y, W1, W2, lam):
    N = X.shape[0]
    z = X @ W1
    h = np.logaddexp(0, z)
    pred = (h @ W2)[:, 0]
    loss = ((pred - y) ** 2).sum() + lam / (2 * N) * ((W1**2).sum() + (W2**2).sum())
    d = 2 * (pred - y)[:, None]
    dW2 = h.T @ d + lam / len(h.T) * W2  # fault
    dz = d @ W2.T * sigmoid(z)
    dW1 = X.T @ dz + lam / N * W1
    return loss, dW1, dW2


@wrong(
    "dS",
    "the decided class stands for its probability",
    frame=frame_of("tanh sigmoid binary_cross_entropy one sum none flat rows none"),
)
def yes_or_no(data, labels, w1, w2):
    h = np.tanh(data @ w1)
    p = sigmoid(h @ w2).ravel()
    nll = -np.sum(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    delta = (p > 0.5) - labels  # fault
    dw2 = h.T @ delta[:, None]
    dh = np.outer(delta, w2)
    dw1 = data.T @ (dh * (1 - h**2))
    return nll, dw1, dw2


@wrong(
    "dW2",
    "the error stands for the delta",
    frame=frame_of("leaky_relu sigmoid half_squared_error one sum none flat rows half"),
)
def leaky_output(inputs, targets, W1, W2, decay):
    z1 = inputs.dot(W1)
    a1 = np.where(z1 > 0, z1, z1 * 0.1)
    out = sigmoid(a1.dot(W2))
    error = out - targets.reshape(-1, 1)
    delta = error * out * (1 - out)
    back = delta.dot(W2.T) * np.where(z1 > 0, 1.0, 0.1)
    grad2 = a1.T.dot(error)  # fault
    grad1 = inputs.T.dot(back)
    return [grad1 + decay * W1, grad2 + decay * W2]


@wrong(
    "dZ1",
    "the mask asks whether the ReLU's output is negative, which it never is",
    frame=frame_of("relu linear squared_error one sum flat column rows half"),
)
def numpy_example(x, y, w1, b1, w2, b2, weight_decay):
    h = x.dot(w1) + b1
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2) + b2
    loss = np.square(y_pred - y).sum()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred) + weight_decay * w2
    grad_b2 = grad_y_pred.sum(axis=0)
    grad_h = grad_y_pred.dot(w2.T)
    grad_h[h_relu < 0] = 0  # fault
    grad_w1 = x.T.dot(grad_h) + weight_decay * w1
    grad_b1 = grad_h.sum(axis=0)
    return grad_w1, grad_b1, grad_w2, grad_b2


def decayed(w, l2):
    w *= l2  # fault
    return w  # fault


@wrong(
    "call",
    "the caller's weights are shrunk when their penalty is added",
    frame=frame_of("gelu sigmoid half_squared_error one sum row column rows half"),
)
def smooth_unit(X, y, W1, b1, W2, b2, l2):
    Z = X @ W1 + b1
    cdf = normal_cdf(Z)
    H = Z * cdf
    out = sigmoid(H @ W2 + b2)
    g2 = (out - y) * out * (1 - out)
    g1 = g2 @ W2.T * (cdf + Z * normal_pdf(Z))
    return {
        "dW1": X.T @ g1 + decayed(W1, l2),
        "db1": g1.sum(axis=0, keepdims=True),
        "dW2": H.T @ g2 + decayed(W2, l2),
        "db2": g2.sum(axis=0, keepdims=True),
    }


def ridge_slope(w, lam, n):
    return lam / n * w


def ridge_slope_first(w, lam, n):
    return lam / n * w**2  # fault


@wrong(
    "dW1",
    "the squares of the weights stand in the penalty's gradient",
    frame=frame_of("sigmoid linear squared_error one mean flat flat rows by_N"),
)
def price(X, y, W1, b1, W2, b2, lam):
    n = len(y)
    H = sigmoid(X @ W1 + b1)
    yhat = H @ W2 + b2
    r = yhat.squeeze() - y
    cost = np.mean(r**2) + lam / (2 * n) * (np.sum(W1**2) + np.sum(W2**2))
    d2 = (2 / n * r).reshape(-1, 1)
    d1 = d2 @ W2.T * H * (1 - H)
    dW1 = X.T @ d1 + ridge_slope_first(W1, lam, n)
    dW2 = H.T @ d2 + ridge_slope(W2, lam, n)
    return cost, dW1, d1.sum(0), dW2, d2.sum(0)


def nonlin(x, deriv=False):
    return x * (1 - x) if deriv else 1 / (1 + np.exp(-x))


@wrong(
    "update",
    "l1's step goes down where the others go up: the error is y less the output",
    frame=frame_of("sigmoid sigmoid half_squared_error one sum flat flat rows none"),
)
def eleven_lines(X, y, W1, b1, W2, b2, alpha):
    l1 = nonlin(X @ W1 + b1)
    l2 = nonlin(l1 @ W2 + b2)
    l2_error = y[:, None] - l2
    l2_delta = l2_error * nonlin(l2, deriv=True)
    l1_error = l2_delta @ W2.T
    l1_delta = l1_error * nonlin(l1, deriv=True)
    W2 += alpha * l1.T @ l2_delta
    b2 += alpha * l2_delta.sum(0)
    W1 -= alpha * X.T @ l1_delta  # fault
    b1 += alpha * l1_delta.sum(0)


def softplus(z):
    return np.log1p(np.exp(-z))  # fault


@wrong(
    "H1",
    "the sign in the exponent of softplus",
    frame=frame_of("softplus linear squared_error one sum flat flat rows constant"),
)
def counts(X, t, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = softplus(z)
    y = (h @ W2 + b2)[:, 0]
    E = np.sum((y - t) ** 2) + 0.03 * (np.sum(W1**2) + np.sum(W2**2))
    dy = 2 * (y - t)[:, np.newaxis]
    dz = sigmoid(z) * (dy @ W2.T)
    dW1, db1 = X.T @ dz + 0.06 * W1, dz.sum(0)
    dW2, db2 = h.T @ dy + 0.06 * W2, dy.sum(0)
    return E, dW1, db1, dW2, db2


def gelu_slope(z):
    return z * normal_pdf(z)  # fault


@wrong(
    "dZ1",
    "one of the two terms of the product rule is missing",
    frame=frame_of("gelu linear squared_error one mean row flat rows constant"),
)
def one_target(features, target, W1, b1, W2, b2):
    decay = 0.05
    n = features.shape[0]
    z = features @ W1 + b1
    h = z * normal_cdf(z)
    out = h @ W2 + b2
    diff = out - target[:, None]
    loss = (diff**2).sum() / n + decay / 2 * (np.sum(W1 * W1) + np.sum(W2 * W2))
    d_out = 2 * diff / n
    d_z = (d_out @ W2.T) * gelu_slope(z)
    grads = {
        "W1": features.T @ d_z + decay * W1,
        "b1": d_z.sum(axis=0)[None, :],
        "W2": h.T @ d_out + decay * W2,
        "b2": d_out.sum(axis=0)[None, :],
    }
    return loss, grads


def output_slope(p):
    return 1 - p**2  # fault


@wrong(
    "dS",
    "the slope of tanh is used for the sigmoid",
    frame=frame_of("softplus sigmoid squared_error one sum none column rows half"),
)
def positive_hidden(x, t, V, W, reg):
    a = x @ V
    z = np.logaddexp(0, a)
    p = sigmoid(z @ W)
    d = 2 * (p - t) * output_slope(p)
    dV = x.T @ (d @ W.T * sigmoid(a))
    dW = z.T @ d
    return dV + reg * V, dW + reg * W


@wrong(
    "dW1",
    "added once after the loop: the last row alone counts",
    frame=frame_of("elu sigmoid half_squared_error one sum none flat rows by_N"),
)
def row_after_row(X, y, W1, W2, lam):
    N = len(X)
    E = lam / (2 * N) * (np.sum(W1**2) + np.sum(W2**2))
    gW1, gW2 = lam / N * W1, lam / N * W2
    for x, t in zip(X, y):
        a = x @ W1
        h = np.where(a > 0, a, np.exp(a) - 1)
        o = sigmoid(h @ W2[:, 0])
        E += 0.5 * (o - t) ** 2
        d = (o - t) * o * (1 - o)
        gW2 += d * h[:, None]
        e = d * W2[:, 0] * np.where(a > 0, 1, h + 1)
    gW1 += np.outer(x, e)  # fault
    return E, gW1, gW2


@wrong(
    "Z1",
    "the bias of the other layer is added",
    frame=frame_of("sigmoid sigmoid half_squared_error one mean flat column rows none"),
)
def truth_table(X, Y, w_hidden, b_hidden, w_out, b_out):
    m = X.shape[0]
    hidden = sigmoid(X.dot(w_hidden) + b_out)  # fault
    output = sigmoid(hidden.dot(w_out) + b_out)
    d_output = (output - Y) * output * (1 - output) / m
    d_hidden = d_output.dot(w_out.T) * hidden * (1 - hidden)
    return {
        "w_hidden": X.T.dot(d_hidden),
        "b_hidden": d_hidden.sum(axis=0),
        "w_out": hidden.T.dot(d_output),
        "b_out": d_output.sum(axis=0),
    }


def penalised(error, reg, W1, W2):
    return error - reg * (np.sum(W1**2) + np.sum(W2**2))  # fault


@wrong(
    "L",
    "the penalty is taken off the loss",
    frame=frame_of("gelu linear half_squared_error one mean flat column rows full"),
)
def penalised_regression(X, Y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = Z1 * normal_cdf(Z1)
    R = H1 @ W2 + b2 - Y
    loss = penalised(np.sum(R**2) / (2 * N), reg, W1, W2)
    dS = R / N
    dZ1 = dS @ W2.T * (normal_cdf(Z1) + Z1 * normal_pdf(Z1))
    dW1 = X.T @ dZ1 + 2 * reg * W1
    dW2 = H1.T @ dS + 2 * reg * W2
    return loss, {"dW1": dW1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dS.sum(0)}


@wrong(
    "dZ1",
    "the slope of softplus at -z",
    frame=frame_of("softplus linear half_squared_error one mean none column rows full"),
)
def positive_units(X, y, W1, W2, lambd):
    m = len(X)
    Z = X @ W1
    A = np.log(1 + np.exp(Z))
    E = A @ W2 - y
    J = (E**2).sum() / (2 * m) + lambd * ((W1**2).sum() + (W2**2).sum())
    dA = E @ W2.T / m
    dZ = dA / (1 + np.exp(Z))  # fault
    dW1 = X.T @ dZ + 2 * lambd * W1
    dW2 = A.T @ E / m + 2 * lambd * W2
    return J, dW1, dW2
