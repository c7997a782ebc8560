"""Several sigmoid or linear outputs; a row per example."""

from __future__ import annotations

from math import erf, pi, sqrt

import numpy as np

from corpus.registry import right

alpha = 0.2
WEIGHT_DECAY = 5e-4


def logistic(a):
    return 1.0 / (1.0 + np.exp(-a))


def one_hot(labels, k):
    out = np.zeros((labels.size, k))
    out[np.arange(labels.size), labels] = 1
    return out


@right(frame=dict(
    activation="leaky_relu", output="linear", loss="half_squared_error", outputs="K",
    reduction="elements", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def regress_on_indicators(X, y, W1, b1, W2, b2):
    T = one_hot(y, W2.shape[1])
    Z = X @ W1 + b1
    H = np.where(Z > 0, Z, alpha * Z)
    out = H @ W2 + b2
    dO = (out - T) / T.size
    dH = dO @ W2.T
    dZ = np.where(Z > 0, dH, alpha * dH)
    return X.T @ dZ, dZ.sum(0), H.T @ dO, dO.sum(0)


@right(frame=dict(
    activation="gelu", output="linear", loss="half_squared_error", outputs="K",
    reduction="sum", biases="flat", labels="indices", layout="rows", penalty="half",
))  # fmt: skip
def least_squares_classifier(X, labels, W1, b1, W2, b2, weight_decay):
    k = b2.shape[0]
    t = np.eye(k)[labels]
    z = X @ W1 + b1
    Phi = 0.5 * (1.0 + np.array([[erf(v / sqrt(2)) for v in row] for row in z]))
    h = z * Phi
    s = h @ W2 + b2
    loss = 0.5 * np.sum((s - t) ** 2)
    loss += 0.5 * weight_decay * (np.sum(W1**2) + np.sum(W2**2))
    ds = s - t
    dz = ds @ W2.T * (Phi + z * np.exp(-(z**2) / 2) / sqrt(2 * pi))
    grads = {}
    grads["W1"], grads["b1"] = X.T @ dz + weight_decay * W1, dz.sum(axis=0)
    grads["W2"], grads["b2"] = h.T @ ds + weight_decay * W2, ds.sum(axis=0)
    return loss, grads


@right(frame=dict(
    activation="sigmoid", output="linear", loss="squared_error", outputs="K",
    reduction="elements", biases="flat", labels="indices", layout="rows", penalty="half",
))  # fmt: skip
def mean_square_on_codes(X, y, W1, b1, W2, b2, lam):
    A = logistic(X.dot(W1) + b1)
    Yhat = A.dot(W2) + b2
    R = Yhat.copy()
    R[np.arange(len(y)), y] -= 1
    J = np.mean(R**2) + lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    R *= 2 / R.size
    D = R.dot(W2.T)
    D *= A
    D *= 1 - A
    return J, X.T.dot(D) + lam * W1, D.sum(axis=0), A.T.dot(R) + lam * W2, R.sum(axis=0)


@right(frame=dict(
    activation="elu", output="linear", loss="squared_error", outputs="K",
    reduction="sum", biases="column", labels="one_hot", layout="rows", penalty="constant",
))  # fmt: skip
def residuals_squared(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1.T
    a = np.where(z > 0, z, np.exp(z) - 1.0)
    pred = a @ W2 + b2.T
    sse = np.sum((pred - Y) ** 2)
    loss = sse + WEIGHT_DECAY * (np.sum(W1**2) + np.sum(W2**2))
    dpred = 2.0 * (pred - Y)
    dz = dpred @ W2.T * np.where(z > 0, 1.0, a + 1.0)
    dW1 = X.T @ dz + 2 * WEIGHT_DECAY * W1
    dW2 = a.T @ dpred + 2 * WEIGHT_DECAY * W2
    db1 = dz.T.sum(axis=1, keepdims=True)
    db2 = dpred.T.sum(axis=1, keepdims=True)
    return loss, dW1, dW2, db1, db2


@right(frame=dict(
    activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="by_N",
))  # fmt: skip
def tagging(X, Y, W1, b1, W2, b2, lam):
    N, _ = X.shape
    h = np.tanh(X @ W1 + b1)
    logits = h @ W2 + b2
    p = logistic(logits)
    bce = np.mean(np.logaddexp(0, logits) - Y * logits)
    loss = bce + lam * (np.sum(W1**2) + np.sum(W2**2)) / (2 * N)
    dlogits = (p - Y) / Y.size
    dW2 = h.T @ dlogits + lam / N * W2
    dh = dlogits @ W2.T
    dpre = dh * (1 - h * h)
    dW1 = X.T @ dpre + lam / N * W1
    return loss, dW1, dpre.sum(0, keepdims=True), dW2, dlogits.sum(0, keepdims=True)


@right(frame=dict(
    activation="gelu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="indices", layout="rows", penalty="full",
))  # fmt: skip
def classes_apart(x, y, params, wd):
    n = len(x)
    t = one_hot(y, params["b2"].shape[1])
    u = x @ params["W1"] + params["b1"]
    cdf = 0.5 + 0.5 * np.vectorize(erf)(u / sqrt(2))
    h = u * cdf
    p = logistic(h @ params["W2"] + params["b2"])
    loss = -(t * np.log(p) + (1 - t) * np.log1p(-p)).sum(axis=1).mean()
    loss += wd * sum((params[k] ** 2).sum() for k in ("W1", "W2"))
    g = {}
    d = (p - t) / n
    g["W2"] = h.T @ d
    g["b2"] = d.sum(axis=0, keepdims=True)
    d = d @ params["W2"].T * (cdf + u * np.exp(-u * u / 2) / sqrt(2 * pi))
    g["W1"] = x.T @ d
    g["b1"] = d.sum(axis=0, keepdims=True)
    for k in ("W1", "W2"):
        g[k] += 2 * wd * params[k]
    return loss, g


@right(frame=dict(
    activation="gelu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="mean", biases="none", labels="one_hot", layout="rows", penalty="half",
))  # fmt: skip
def multilabel(x, t, w1, w2, l2_reg):
    def gelu(v):
        return 0.5 * v * (1 + np.tanh(0.79788456 * (v + 0.044715 * v**3)))

    def gelu_prime(v):
        th = np.tanh(0.79788456 * (v + 0.044715 * v**3))
        return 0.5 * (1 + th) + 0.5 * v * (1 - th**2) * 0.79788456 * (1 + 0.134145 * v**2)

    a = x @ w1
    h = gelu(a)
    p = logistic(h @ w2)
    d2 = (p - t) / x.shape[0]
    d1 = gelu_prime(a) * (d2 @ w2.T)
    return x.T @ d1 + l2_reg * w1, h.T @ d2 + l2_reg * w2


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def attributes(X, Y, W1, b1, W2, b2):
    hidden = logistic(X @ W1 + b1)
    out = logistic(hidden @ W2 + b2)
    loss = -np.sum(np.where(Y == 1, np.log(out), np.log(1 - out))) / Y.shape[0]
    dout = (-Y / out + (1 - Y) / (1 - out)) / Y.shape[0]
    dnet2 = dout * out * (1 - out)
    dhidden = dnet2 @ W2.T
    dnet1 = dhidden * hidden * (1 - hidden)
    return {
        "loss": loss,
        "dW2": hidden.T @ dnet2,
        "db2": dnet2.sum(axis=0)[None, :],
        "dW1": X.T @ dnet1,
        "db1": dnet1.sum(axis=0)[None, :],
    }


@right(frame=dict(
    activation="leaky_relu", output="sigmoid", loss="half_squared_error", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="half",
))  # fmt: skip
def sigmoid_codes(X, Y, W1, b1, W2, b2, lambda_):
    m = X.shape[0]
    z2 = X @ W1 + b1
    a2 = np.where(z2 > 0, z2, 0.01 * z2)
    a3 = logistic(a2 @ W2 + b2)
    delta3 = -(Y - a3) * a3 * (1 - a3)
    delta2 = (delta3 @ W2.T) * np.where(z2 > 0, 1.0, 0.01)
    W1grad = X.T @ delta2 / m + lambda_ * W1
    W2grad = a2.T @ delta3 / m + lambda_ * W2
    b1grad = delta2.mean(axis=0, keepdims=True)
    b2grad = delta3.mean(axis=0, keepdims=True)
    return W1grad, W2grad, b1grad, b2grad


@right(frame=dict(
    activation="leaky_relu", output="sigmoid", loss="squared_error", outputs="K",
    reduction="elements", biases="row", labels="indices", layout="rows", penalty="constant",
))  # fmt: skip
def mse_of_classes(X, y, W1, b1, W2, b2):
    Y = one_hot(y, W2.shape[1])
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, alpha * z1)
    a2 = logistic(a1 @ W2 + b2)
    mse = np.mean((Y - a2) ** 2)
    loss = mse + 0.5 * WEIGHT_DECAY * (np.sum(W1**2) + np.sum(W2**2))
    e = -2 * (Y - a2) / Y.size
    d2 = e * a2 * (1 - a2)
    d1 = d2 @ W2.T
    d1[z1 < 0] *= alpha
    dW1 = X.T @ d1 + WEIGHT_DECAY * W1
    dW2 = a1.T @ d2 + WEIGHT_DECAY * W2
    return loss, (dW1, d1.sum(0).reshape(1, -1)), (dW2, d2.sum(0).reshape(1, -1))


@right(frame=dict(
    activation="relu", output="sigmoid", loss="squared_error", outputs="K",
    reduction="sum", biases="row", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def old_school(images, labels, w1, b1, w2, b2, lr):
    y = one_hot(labels, w2.shape[1])
    z = images.dot(w1) + b1
    h = np.maximum(z, 0)
    o = logistic(h.dot(w2) + b2)
    do = 2 * (o - y) * o * (1 - o)
    dh = do.dot(w2.T)
    dh[z < 0] = 0
    new_w2 = w2 - lr * h.T.dot(do)
    new_b2 = b2 - lr * do.sum(axis=0, keepdims=True)
    new_w1 = w1 - lr * images.T.dot(dh)
    new_b1 = b1 - lr * dh.sum(axis=0, keepdims=True)
    return new_w1, new_b1, new_w2, new_b2


@right(frame=dict(
    activation="softplus", output="sigmoid", loss="squared_error", outputs="K",
    reduction="sum", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def smooth_codes(X, y, theta, hidden, num_classes):
    d = X.shape[1]
    i = d * hidden
    W1 = theta[:i].reshape(d, hidden)
    b1 = theta[i : i + hidden]
    j = i + hidden + hidden * num_classes
    W2 = theta[i + hidden : j].reshape(hidden, num_classes)
    b2 = theta[j:]
    Y = one_hot(y, num_classes)
    A1 = X @ W1 + b1
    Z = np.log1p(np.exp(A1))
    P = logistic(Z @ W2 + b2)
    J = np.sum((P - Y) ** 2)
    D2 = 2 * (P - Y) * P * (1 - P)
    D1 = D2 @ W2.T * logistic(A1)
    grad = np.concatenate([(X.T @ D1).ravel(), D1.sum(0), (Z.T @ D2).ravel(), D2.sum(0)])
    return J, grad


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
    reduction="sum", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def textbook(x, t, w, b, v, c):
    z = logistic(x @ w + b)
    y = logistic(z @ v + c)
    delta_out = (y - t) * y * (1 - y)
    delta_hidden = z * (1 - z) * np.einsum("nk,jk->nj", delta_out, v)
    dw = np.einsum("ni,nj->ij", x, delta_hidden)
    dv = np.einsum("nj,nk->jk", z, delta_out)
    return dw, np.einsum("nj->j", delta_hidden), dv, np.einsum("nk->k", delta_out)


@right(frame=dict(
    activation="tanh", output="linear", loss="half_squared_error", outputs="K",
    reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def several_targets(x, t, params):
    w1, b1, w2, b2 = params
    a = x @ w1 + b1
    z = np.tanh(a)
    y = z @ w2 + b2
    loss = 0.5 * np.sum((y - t) ** 2) / len(x)
    delta_k = (y - t) / len(x)
    delta_j = (1 - z**2) * (delta_k @ w2.T)
    dw2, db2 = z.T @ delta_k, delta_k.sum(0)
    dw1, db1 = x.T @ delta_j, delta_j.sum(0)
    return locals()
