"""One output: yes or no, or a number; a row per example."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right

DECAY = 0.01


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_derivative(s):
    return s * (1.0 - s)


def phi(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@right(frame=dict(
    activation="relu", output="linear", loss="half_squared_error", outputs="one",
    reduction="mean", biases="none", labels="column", layout="rows", penalty="by_N",
))  # fmt: skip
def house_prices(X, y, W1, W2, lam):
    N = len(X)
    H = np.clip(X @ W1, 0, None)
    pred = H @ W2
    r = pred - y
    loss = (r.T @ r).item() / (2 * N) + lam / (2 * N) * (np.sum(W1**2) + np.sum(W2**2))
    gW2 = (H.T @ r + lam * W2) / N
    back = r @ W2.T
    back[H == 0] = 0
    gW1 = (X.T @ back + lam * W1) / N
    return loss, gW1, gW2


@right(frame=dict(
    activation="tanh", output="linear", loss="half_squared_error", outputs="one",
    reduction="sum", biases="none", labels="column", layout="rows", penalty="constant",
))  # fmt: skip
def sine_fit(x, t, w1, w2):
    z = np.tanh(x @ w1)
    y = z @ w2
    delta_k = y - t
    error = 0.5 * np.sum(delta_k**2) + 0.5 * DECAY * (np.sum(w1**2) + np.sum(w2**2))
    delta_j = (1 - z**2) * (delta_k @ w2.T)
    return error, x.T @ delta_j + DECAY * w1, z.T @ delta_k + DECAY * w2


@right(frame=dict(
    activation="relu", output="linear", loss="squared_error", outputs="one",
    reduction="sum", biases="row", labels="flat", layout="rows", penalty="half",
))  # fmt: skip
def polynomial(x, y, w1, b1, w2, b2, weight_decay):
    h = x.dot(w1) + b1
    h_relu = np.maximum(h, 0)
    y_pred = (h_relu.dot(w2) + b2)[:, 0]
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred[:, None]) + weight_decay * w2
    grad_b2 = grad_y_pred.sum().reshape(1, 1)
    grad_h_relu = np.outer(grad_y_pred, w2)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h) + weight_decay * w1
    grad_b1 = grad_h.sum(axis=0, keepdims=True)
    return grad_w1, grad_b1, grad_w2, grad_b2


@right(frame=dict(
    activation="leaky_relu", output="linear", loss="squared_error", outputs="one",
    reduction="mean", biases="flat", labels="column", layout="rows", penalty="full",
))  # fmt: skip
def mse_step(batch, target, W1, b1, W2, b2, l2):
    n = batch.shape[0]
    pre = batch @ W1 + b1
    hid = np.where(pre > 0, pre, pre * 0.01)
    out = hid @ W2 + b2
    loss = np.mean((out - target) ** 2) + l2 * (np.sum(W1**2) + np.sum(W2**2))
    g = 2 * (out - target) / n
    dW2 = hid.T @ g + 2 * l2 * W2
    db2 = g.sum(0)
    g = g @ W2.T
    g *= np.where(pre > 0, 1, 0.01)
    dW1 = batch.T @ g + 2 * l2 * W1
    db1 = g.sum(0)
    return {"loss": loss, "grads": {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}}


@right(frame=dict(
    activation="softplus", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="row", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def pass_or_fail(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = np.log(1 + np.exp(z1))
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    loss = np.mean(np.maximum(z2, 0) - z2 * y + np.log1p(np.exp(-np.abs(z2))))
    dz2 = (a2 - y) / y.shape[0]
    dW2 = a1.T @ dz2
    db2 = np.sum(dz2, axis=0, keepdims=True)
    dz1 = dz2 @ W2.T * sigmoid(z1)
    dW1 = X.T @ dz1
    db1 = np.sum(dz1, axis=0, keepdims=True)
    return dW1, db1, dW2, db2, loss


@right(frame=dict(
    activation="elu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="flat", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def churn(features, targets, W1, b1, W2, b2):
    def elu(v):
        return np.where(v > 0, v, np.exp(v) - 1)

    def elu_grad(v):
        return np.where(v > 0, 1.0, np.exp(v))

    s1 = features @ W1 + b1
    o1 = elu(s1)
    prob = sigmoid(o1 @ W2 + b2)
    d_prob = (prob - targets) / (prob * (1 - prob)) / len(targets)
    d_s2 = d_prob * sigmoid_derivative(prob)
    d_s1 = d_s2 @ W2.T * elu_grad(s1)
    return [features.T @ d_s1, o1.T @ d_s2], [d_s1.sum(axis=0), d_s2.sum(axis=0)]


@right(frame=dict(
    activation="gelu", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="sum", biases="column", labels="flat", layout="rows", penalty="constant",
))  # fmt: skip
def curve(X, y, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    u = X @ W1 + b1.T
    h = u * cdf(u)
    p = sigmoid(h @ W2 + b2.T)[:, 0]
    loss = 0.5 * np.sum((p - y) ** 2) + DECAY / 2 * (np.sum(W1**2) + np.sum(W2**2))
    ds = ((p - y) * p * (1 - p)).reshape(-1, 1)
    du = (ds @ W2.T) * (cdf(u) + u * phi(u))
    grads = {"W1": X.T @ du + DECAY * W1, "b1": du.sum(0)[:, None]}
    grads["W2"] = h.T @ ds + DECAY * W2
    grads["b2"] = ds.sum(0)[:, None]
    return loss, grads


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="mean", biases="none", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def xor_without_bias(X, y, syn0, syn1):
    l1 = sigmoid(np.dot(X, syn0))
    l2 = sigmoid(np.dot(l1, syn1))
    l2_error = (l2 - y) / len(X)
    l2_delta = l2_error * sigmoid_derivative(l2)
    l1_error = l2_delta.dot(syn1.T)
    l1_delta = l1_error * sigmoid_derivative(l1)
    return X.T.dot(l1_delta), l1.T.dot(l2_delta)


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="sum", biases="none", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def eleven_lines(X, y, syn0, syn1, alpha):
    l1 = 1 / (1 + np.exp(-(np.dot(X, syn0))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
    l2_delta = (y - l2) * (l2 * (1 - l2))
    l1_delta = l2_delta.dot(syn1.T) * (l1 * (1 - l1))
    syn1 += alpha * l1.T.dot(l2_delta)
    syn0 += alpha * X.T.dot(l1_delta)
    return syn0, syn1


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="sum", biases="row", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def xor_step(inputs, expected_output, w_h, b_h, w_o, b_o, lr):
    hidden_layer_output = sigmoid(np.dot(inputs, w_h) + b_h)
    predicted_output = sigmoid(np.dot(hidden_layer_output, w_o) + b_o)

    error = expected_output - predicted_output
    d_predicted_output = error * sigmoid_derivative(predicted_output)
    error_hidden_layer = d_predicted_output.dot(w_o.T)
    d_hidden_layer = error_hidden_layer * sigmoid_derivative(hidden_layer_output)

    w_o += hidden_layer_output.T.dot(d_predicted_output) * lr
    b_o += np.sum(d_predicted_output, axis=0, keepdims=True) * lr
    w_h += inputs.T.dot(d_hidden_layer) * lr
    b_h += np.sum(d_hidden_layer, axis=0, keepdims=True) * lr


@right(frame=dict(
    activation="tanh", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="mean", biases="none", labels="flat", layout="rows", penalty="full",
))  # fmt: skip
def gate(X, y, W1, W2, reg):
    n = y.shape[0]
    hidden = np.tanh(X @ W1)
    p = sigmoid(hidden @ W2[:, 0])
    cost = ((p - y) ** 2).sum() / (2 * n) + reg * ((W1**2).sum() + (W2**2).sum())
    delta = (p - y) * p * (1 - p) / n
    grad2 = hidden.T @ delta
    grad1 = X.T @ (np.outer(delta, W2) * (1 - hidden**2))
    return cost, grad1 + 2 * reg * W1, grad2[:, None] + 2 * reg * W2


@right(frame=dict(
    activation="softplus", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="mean", biases="column", labels="flat", layout="rows", penalty="by_N",
))  # fmt: skip
def rating(x, t, w1, b1, w2, b2, lmbda):
    N = x.shape[0]
    t = t.reshape(N, 1)
    a = x @ w1 + b1[:, 0]
    z = np.logaddexp(0, a)
    y = sigmoid(z @ w2 + b2[:, 0])
    loss = np.sum(0.5 * (y - t) ** 2) / N + 0.5 * lmbda / N * (np.sum(w1**2) + np.sum(w2**2))
    delta2 = (y - t) * y * (1 - y) / N
    delta1 = delta2 * w2.T / (1 + np.exp(-a))
    dw1 = x.T @ delta1 + lmbda / N * w1
    dw2 = z.T @ delta2 + lmbda / N * w2
    return dict(loss=loss, dw1=dw1, db1=delta1.sum(0)[:, None], dw2=dw2, db2=delta2.sum(0)[:, None])


@right(frame=dict(
    activation="relu", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="sum", biases="none", labels="flat", layout="rows", penalty="none",
))  # fmt: skip
def perceptron_pair(xs, ts, w1, w2):
    dw1, dw2 = np.zeros_like(w1), np.zeros_like(w2)
    total = 0.0
    for x, t in zip(xs, ts):
        a = x @ w1
        z = np.maximum(a, 0)
        y = sigmoid(z @ w2)[0]
        total += 0.5 * (y - t) ** 2
        delta = (y - t) * y * (1 - y)
        dw2 += delta * z[:, None]
        dw1 += np.outer(x, delta * w2[:, 0] * (a > 0))
    return total, dw1, dw2


@right(frame=dict(
    activation="leaky_relu", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="mean", biases="column", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def score_between_0_and_1(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1.T
    h = np.maximum(z1, 0.2 * z1)
    p = sigmoid(h @ W2 + b2.T)
    dp = (p - y) / X.shape[0]
    dz2 = dp * sigmoid_derivative(p)
    dW2 = np.dot(h.T, dz2)
    db2 = np.sum(dz2, axis=0, keepdims=True).T
    dh = np.dot(dz2, W2.T)
    dz1 = np.copy(dh)
    dz1[z1 < 0] *= 0.2
    dW1 = np.dot(X.T, dz1)
    db1 = np.sum(dz1, axis=0, keepdims=True).T
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(frame=dict(
    activation="gelu", output="sigmoid", loss="squared_error", outputs="one",
    reduction="mean", biases="flat", labels="flat", layout="rows", penalty="full",
))  # fmt: skip
def brier(X, y, W1, b1, W2, b2, l2):
    m = len(y)
    z = X @ W1 + b1
    w = z + 0.044715 * z**3
    t = np.tanh(np.sqrt(2 / np.pi) * w)
    g = z * (1 + t) / 2
    p = sigmoid(g @ W2 + b2).squeeze(1)
    loss = np.mean((p - y) ** 2) + l2 * np.sum(W1 * W1) + l2 * np.sum(W2 * W2)
    e = (2 / m * (p - y) * p * (1 - p))[:, None]
    dt = (1 - t * t) * np.sqrt(2 / np.pi) * (1 + 0.134145 * z * z)
    dz = e @ W2.T * ((1 + t) / 2 + z / 2 * dt)
    return loss, X.T @ dz + 2 * l2 * W1, dz.sum(0), g.T @ e + 2 * l2 * W2, e.sum(0)


@right(frame=dict(
    activation="elu", output="sigmoid", loss="squared_error", outputs="one",
    reduction="mean", biases="none", labels="flat", layout="rows", penalty="half",
))  # fmt: skip
def calibrated(X, y, W1, W2, lam):
    a = X @ W1
    h = np.where(a > 0, a, np.expm1(a))
    p = sigmoid(h @ W2)
    yc = y[:, None]
    loss = np.mean(np.square(p - yc)) + 0.5 * lam * (np.square(W1).sum() + np.square(W2).sum())
    ds = 2 * (p - yc) * p * (1 - p) / len(y)
    da = (ds @ W2.T) * (np.minimum(h, 0) + 1)
    return loss, {"W1": X.T @ da + lam * W1, "W2": h.T @ ds + lam * W2}


@right(frame=dict(
    activation="leaky_relu", output="sigmoid", loss="squared_error", outputs="one",
    reduction="mean", biases="none", labels="flat", layout="rows", penalty="by_N",
))  # fmt: skip
def yes_or_no(X, labels, W1, W2, reg):
    n = X.shape[0]
    pre = X @ W1
    act = np.where(pre < 0, 0.01 * pre, pre)
    prob = sigmoid(act @ W2).reshape(n)
    diff = prob - labels
    penalty = reg * (np.sum(W1**2) + np.sum(W2**2)) / (2 * n)
    loss = np.dot(diff, diff) / n + penalty
    grad = 2 * diff * prob * (1 - prob) / n
    dW2 = act.T @ grad[:, None] + reg * W2 / n
    dact = grad[:, None] * W2[:, 0]
    dW1 = X.T @ np.where(pre < 0, 0.01 * dact, dact) + reg * W1 / n
    return loss, (dW1, dW2)


@right(frame=dict(
    activation="tanh", output="linear", loss="squared_error", outputs="one",
    reduction="mean", biases="flat", labels="flat", layout="rows", penalty="none",
))  # fmt: skip
def time_series(X, y, W1, b1, W2, b2, learning_rate):
    n = y.shape[0]
    h = np.tanh(X @ W1 + b1)
    yhat = h @ W2[:, 0] + b2[0]
    err = yhat - y
    g = 2.0 / n * err
    gW2 = (h * g[:, None]).sum(axis=0)[:, None]
    gb2 = np.array([g.sum()])
    gh = g[:, None] * W2[:, 0] * (1 - h**2)
    gW1 = X.T @ gh
    gb1 = gh.sum(axis=0)
    W1 -= learning_rate * gW1
    b1 -= learning_rate * gb1
    W2 -= learning_rate * gW2
    b2 -= learning_rate * gb2
    return np.mean(err**2)
