"""Two-layer nets in the manner of a lecture on image recognition: dscores, dhidden, grads."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right

erf = np.vectorize(math.erf)


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = np.exp(log_probs)
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    return dout.dot(w.T), x.T.dot(dout), np.sum(dout, axis=0)


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    dx = dout.copy()
    dx[cache <= 0] = 0
    return dx


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def two_layer_loss(X, y, W1, b1, W2, b2, reg):
    N, D = X.shape
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    loss = -np.log(probs[range(N), y]).mean()
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    grads = {}
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    grads["W2"] = hidden.T.dot(dscores) + reg * W2
    grads["b2"] = dscores.sum(axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    grads["W1"] = X.T.dot(dhidden) + reg * W1
    grads["b1"] = dhidden.sum(axis=0)
    return loss, grads


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="full")
)  # fmt: skip
def loss_by_layers(X, y, params, reg):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    a, fc1 = affine_forward(X, W1, b1)
    h, relu_cache = relu_forward(a)
    scores, fc2 = affine_forward(h, W2, b2)
    loss, dscores = softmax_loss(scores, y)
    loss += reg * (np.sum(W1**2) + np.sum(W2**2))
    dh, dW2, db2 = affine_backward(dscores, fc2)
    da = relu_backward(dh, relu_cache)
    _, dW1, db1 = affine_backward(da, fc1)
    dW2 += 2 * reg * W2
    dW1 += 2 * reg * W1
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="none", labels="indices", layout="rows", penalty="none")
)  # fmt: skip
def without_offsets(X, y, W1, W2):
    hidden = np.maximum(0, X @ W1)
    _, dscores = softmax_loss(hidden @ W2, y)
    dW2 = hidden.T @ dscores
    dhidden = dscores @ W2.T * (hidden > 0)
    return {"W1": X.T @ dhidden, "W2": dW2}


REG = 1e-3


@right(
    frame=dict(activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="indices", layout="rows", penalty="constant")
)  # fmt: skip
def leaky_two_layer(X, y, W1, b1, W2, b2):
    num_examples = X.shape[0]
    pre = np.dot(X, W1) + b1
    hidden_layer = np.where(pre > 0, pre, 0.01 * pre)
    scores = np.dot(hidden_layer, W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[range(num_examples), y])
    data_loss = np.sum(correct_logprobs) / num_examples
    reg_loss = 0.5 * REG * np.sum(W1 * W1) + 0.5 * REG * np.sum(W2 * W2)
    loss = data_loss + reg_loss

    dscores = probs
    dscores[range(num_examples), y] -= 1
    dscores /= num_examples
    dW2 = np.dot(hidden_layer.T, dscores)
    db2 = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, W2.T)
    dhidden[pre <= 0] *= 0.01
    dW = np.dot(X.T, dhidden)
    db = np.sum(dhidden, axis=0)
    dW2 += REG * W2
    dW += REG * W1
    return loss, dW, db, dW2, db2


@right(
    frame=dict(activation="softplus", output="linear", loss="squared_error", outputs="K",
        reduction="sum", biases="row", labels="indices", layout="rows", penalty="none")
)  # fmt: skip
def regress_on_classes(X, y, W1, b1, W2, b2):
    hidden = np.log1p(np.exp(X.dot(W1) + b1))
    scores = hidden.dot(W2) + b2
    targets = np.zeros_like(scores)
    targets[np.arange(len(X)), y] = 1
    diff = scores - targets
    loss = np.sum(diff**2)
    dscores = 2 * diff
    dhidden = dscores.dot(W2.T)
    dpre = dhidden * (1 - np.exp(-hidden))
    grads = {
        "W1": X.T.dot(dpre),
        "b1": dpre.sum(axis=0, keepdims=True),
        "W2": hidden.T.dot(dscores),
        "b2": dscores.sum(axis=0, keepdims=True),
    }
    return loss, grads


@right(
    frame=dict(activation="elu", output="sigmoid", loss="squared_error", outputs="K",
        reduction="elements", biases="none", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def elu_scores_squashed(X, y, W1, W2, reg):
    pre = X.dot(W1)
    hidden = np.where(pre > 0, pre, np.exp(np.minimum(pre, 0)) - 1)
    scores = hidden.dot(W2)
    probs = 1.0 / (1.0 + np.exp(-scores))
    onehot = np.eye(W2.shape[1])[y]
    loss = np.mean((probs - onehot) ** 2) + 0.5 * reg * (np.sum(W1**2) + np.sum(W2**2))
    dprobs = 2 * (probs - onehot) / probs.size
    dscores = dprobs * probs * (1 - probs)
    dW2 = hidden.T.dot(dscores) + reg * W2
    dhidden = dscores.dot(W2.T)
    dpre = dhidden * np.where(pre > 0, 1, hidden + 1)
    dW1 = X.T.dot(dpre) + reg * W1
    return loss, (dW1, dW2)


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def gelu_slope(x):
    cdf = 0.5 * (1 + erf(x / math.sqrt(2)))
    return cdf + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


@right(
    frame=dict(activation="gelu", output="sigmoid", loss="squared_error", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def gelu_scores_squashed(X, y, params, reg=0.0):
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    N = X.shape[0]
    pre = X @ W1 + b1
    hidden = gelu(pre)
    out = 1 / (1 + np.exp(-(hidden @ W2 + b2)))
    target = np.zeros(out.shape)
    target[range(N), y] = 1.0
    dscores = 2 * (out - target) * out * (1 - out) / N
    dhidden = dscores @ W2.T * gelu_slope(pre)
    grads = {}
    grads["W2"] = hidden.T @ dscores + reg * W2
    grads["b2"] = np.sum(dscores, axis=0, keepdims=True)
    grads["W1"] = X.T @ dhidden + reg * W1
    grads["b1"] = np.sum(dhidden, axis=0, keepdims=True)
    return grads


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="none", labels="flat", layout="rows", penalty="full")
)  # fmt: skip
def one_score_squashed(X, y, W1, W2, reg):
    N = X.shape[0]
    hidden = np.tanh(X.dot(W1))
    score = hidden.dot(W2).ravel()
    prob = 1 / (1 + np.exp(-score))
    loss = np.sum((prob - y) ** 2) / N
    loss += reg * np.sum(W1 * W1) + reg * np.sum(W2 * W2)
    dscore = 2.0 / N * (prob - y) * prob * (1 - prob)
    dW2 = hidden.T.dot(dscore[:, None])
    dhidden = np.outer(dscore, W2)
    dW1 = X.T.dot(dhidden * (1 - hidden**2))
    return loss, {"W1": dW1 + 2 * reg * W1, "W2": dW2 + 2 * reg * W2}


@right(
    frame=dict(activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="flat", labels="indices", layout="rows", penalty="half")
)  # fmt: skip
def summed_over_the_batch(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    h = np.tanh(X.dot(W1) + b1)
    f = h.dot(W2) + b2
    f -= f.max(axis=1, keepdims=True)
    logsum = np.log(np.exp(f).sum(axis=1))
    loss = (logsum - f[np.arange(N), y]).sum()
    loss += 0.5 * reg * ((W1 * W1).sum() + (W2 * W2).sum())
    df = np.exp(f - logsum[:, None])
    df[np.arange(N), y] -= 1.0
    dW2 = h.T.dot(df) + reg * W2
    db2 = df.sum(axis=0)
    dh = df.dot(W2.T) * (1 - h * h)
    dW1 = X.T.dot(dh) + reg * W1
    db1 = dh.sum(axis=0)
    return loss, [dW1, db1, dW2, db2]


@right(
    frame=dict(activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="none")
)  # fmt: skip
def probs_minus_one(X_batch, y_batch, W1, b1, W2, b2):
    m = y_batch.shape[0]
    act = 1 / (1 + np.exp(-(np.matmul(X_batch, W1) + b1)))
    loss, dscores = softmax_loss(np.matmul(act, W2) + b2, y_batch)
    dact = np.matmul(dscores, W2.T)
    dpre = dact * act * (1 - act)
    dW1 = np.matmul(X_batch.T, dpre)
    dW2 = np.matmul(act.T, dscores)
    db1 = dpre.sum(0).reshape(b1.shape)
    db2 = dscores.sum(0).reshape(b2.shape)
    return dW1, db1, dW2, db2
