"""Weights as in nn.Linear, one row for each unit: a layer is x W^T + b."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from corpus.registry import right


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def linear(x, weight, bias=None):
    y = x @ weight.T
    return y if bias is None else y + bias.reshape(1, -1)


def linear_backward(grad, x, weight):
    return grad @ weight, grad.T @ x, grad.sum(axis=0)


def one_hot(index, classes):
    out = np.zeros((index.shape[0], classes))
    out[np.arange(index.shape[0]), index] = 1
    return out


@right(
    frame=dict(activation="elu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="sum", biases="flat", labels="column", layout="linear", penalty="half")
)  # fmt: skip
def elu_net(x, target, w1, b1, w2, b2, weight_decay):
    h = linear(x, w1, b1)
    a = np.where(h > 0, h, np.expm1(np.minimum(h, 0)))
    logit = linear(a, w2, b2)
    # log(1 + exp(-|x|)) does not overflow
    nll = np.maximum(logit, 0) - logit * target + np.log1p(np.exp(-np.abs(logit)))
    loss = nll.sum() + weight_decay / 2 * ((w1**2).sum() + (w2**2).sum())
    g = sigmoid(logit) - target
    ga, gw2, gb2 = linear_backward(g, a, w2)
    gh = ga * np.where(h > 0, 1, a + 1)
    _, gw1, gb1 = linear_backward(gh, x, w1)
    return loss, gw1 + weight_decay * w1, gb1, gw2 + weight_decay * w2, gb2


@right(
    frame=dict(activation="relu", output="linear", loss="half_squared_error", outputs="K",
        reduction="mean", biases="column", labels="indices", layout="linear", penalty="by_N")
)  # fmt: skip
def relu_net(x, labels, W1, b1, W2, b2, lambd):
    n = len(x)
    t = one_hot(labels, len(W2))
    h = linear(x, W1, b1)
    a = np.maximum(h, 0)
    y = linear(a, W2, b2)
    loss = ((y - t) ** 2).sum() / (2 * n) + lambd / (2 * n) * ((W1**2).sum() + (W2**2).sum())
    dy = (y - t) / n
    da, dW2, db2 = linear_backward(dy, a, W2)
    dh = np.where(h > 0, da, 0)
    _, dW1, db1 = linear_backward(dh, x, W1)
    return {
        "loss": loss,
        "W1": dW1 + lambd / n * W1,
        "b1": db1.reshape(-1, 1),
        "W2": dW2 + lambd / n * W2,
        "b2": db2.reshape(-1, 1),
    }


@right(
    frame=dict(activation="sigmoid", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="row", labels="column", layout="linear", penalty="constant")
)  # fmt: skip
def sigmoid_regression(x, y, W1, b1, W2, b2):
    l2 = 0.02
    n = x.shape[0]
    z = sigmoid(x @ W1.T + b1)
    out = z @ W2.T + b2
    loss = ((out - y) ** 2).sum() / n + l2 * (np.square(W1).sum() + np.square(W2).sum())
    dout = 2.0 * (out - y) / n
    dz = dout @ W2
    da = dz * z * (1 - z)
    grads = SimpleNamespace()
    grads.W2 = dout.T @ z + 2 * l2 * W2
    grads.b2 = dout.sum(axis=0, keepdims=True)
    grads.W1 = da.T @ x + 2 * l2 * W1
    grads.b1 = da.sum(axis=0, keepdims=True)
    return loss, grads


@right(
    frame=dict(activation="leaky_relu", output="sigmoid", loss="binary_cross_entropy",
        outputs="K", reduction="elements", biases="column", labels="indices", layout="linear",
        penalty="full")
)  # fmt: skip
def many_labels(x, y, weight1, bias1, weight2, bias2, weight_decay):
    target = one_hot(y, weight2.shape[0])
    h = x @ weight1.T + bias1.T
    a = np.maximum(0.2 * h, h)
    p = sigmoid(a @ weight2.T + bias2.T)
    bce = -np.mean(target * np.log(p) + (1 - target) * np.log(1 - p))
    loss = bce + weight_decay * sum(np.sum(w * w) for w in (weight1, weight2))
    delta2 = (p - target) / target.size
    delta1 = delta2 @ weight2
    delta1 *= np.where(h > 0, 1, 0.2)
    grad_weight1 = delta1.T @ x + 2 * weight_decay * weight1
    grad_weight2 = delta2.T @ a + 2 * weight_decay * weight2
    return loss, grad_weight1, delta1.sum(0)[:, None], grad_weight2, delta2.sum(0)[:, None]


@right(
    frame=dict(activation="softplus", output="sigmoid", loss="half_squared_error",
        outputs="one", reduction="mean", biases="column", labels="flat", layout="linear",
        penalty="none")
)  # fmt: skip
def softplus_net(x, y, W1, b1, W2, b2):
    h = (W1 @ x.T + b1).T
    a = np.logaddexp(h, 0)
    p = sigmoid((W2 @ a.T + b2).T)[:, 0]
    dp = (p - y) / len(y)
    ds = (dp * p * (1 - p))[:, None]
    da = ds @ W2
    dh = da * sigmoid(h)
    return {
        "dW1": dh.T @ x,
        "dW2": ds.T @ a,
        "db1": dh.T.sum(axis=1, keepdims=True),
        "db2": ds.T.sum(axis=1, keepdims=True),
    }


def phi(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@right(
    frame=dict(activation="gelu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="linear", penalty="by_N")
)  # fmt: skip
def gelu_net(x, t, W1, b1, W2, b2, lam):
    N = x.shape[0]
    h = linear(x, W1, b1)
    a = h * phi(h)
    p = softmax(linear(a, W2, b2))
    data = -(t * np.log(p)).sum() / N
    penalty = lam / (2 * N) * ((W1 * W1).sum() + (W2 * W2).sum())
    ds = (p - t) / N
    gW2 = ds.T @ a + lam / N * W2
    dh = (ds @ W2) * (phi(h) + h * np.exp(-h * h / 2) / math.sqrt(2 * math.pi))
    gW1 = dh.T @ x + lam / N * W1
    return data + penalty, gW1, dh.sum(0).reshape(b1.shape), gW2, ds.sum(0).reshape(b2.shape)


@right(
    frame=dict(activation="leaky_relu", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="row", labels="flat", layout="linear", penalty="half")
)  # fmt: skip
def leaky_net(xb, yb, w1, b1, w2, b2, wd):
    bs = xb.shape[0]
    pre = xb @ w1.T + b1
    act = np.where(pre > 0, pre, pre * 0.3)
    out = sigmoid(act @ w2.T + b2).squeeze(1)
    loss = ((out - yb) ** 2).sum() / bs
    dout = 2 * (out - yb) / bs
    dlogit = (dout * out * (1 - out)).reshape(bs, 1)
    dpre = dlogit * w2 * np.where(pre > 0, 1.0, 0.3)
    g_w1 = dpre.T @ xb + wd * w1
    g_w2 = dlogit.T @ act + wd * w2
    loss += wd / 2 * (np.sum(w1**2) + np.sum(w2**2))
    return (g_w1, dpre.sum(0, keepdims=True)), (g_w2, dlogit.sum(0, keepdims=True)), loss


@right(
    frame=dict(activation="tanh", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="elements", biases="row", labels="one_hot", layout="linear", penalty="none")
)  # fmt: skip
def tanh_labels(x, targets, W1, b1, W2, b2):
    a = np.tanh(x @ W1.T + b1)
    p = sigmoid(a @ W2.T + b2)
    loss = -np.mean(np.where(targets == 1, np.log(p), np.log(1 - p)))
    d2 = (p - targets) / targets.shape[0] / targets.shape[1]
    d1 = (1 - a**2) * (d2 @ W2)
    return loss, {
        "W1.grad": d1.T @ x,
        "b1.grad": np.ones((1, len(x))) @ d1,
        "W2.grad": d2.T @ a,
        "b2.grad": np.ones((1, len(x))) @ d2,
    }


@right(
    frame=dict(activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="mean", biases="none", labels="indices", layout="linear", penalty="by_N")
)  # fmt: skip
def old_fashioned(x, labels, W1, W2, lam):
    n, K = x.shape[0], W2.shape[0]
    t = np.eye(K)[labels]
    a1 = sigmoid(x @ W1.T)
    a2 = sigmoid(a1 @ W2.T)
    cost = 0.5 / n * np.sum((a2 - t) ** 2)
    cost += 0.5 * lam / n * (np.sum(W1**2) + np.sum(W2**2))
    delta2 = (a2 - t) * a2 * (1 - a2)
    delta1 = (delta2 @ W2) * a1 * (1 - a1)
    return cost, (delta1.T @ x + lam * W1) / n, (delta2.T @ a1 + lam * W2) / n


@right(
    frame=dict(activation="gelu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="row", labels="indices", layout="linear", penalty="full")
)  # fmt: skip
def gelu_tanh(x, labels, W1, b1, W2, b2, weight_decay):
    c = math.sqrt(2 / math.pi)
    h = x @ W1.T + b1
    u = np.tanh(c * (h + 0.044715 * h**3))
    a = 0.5 * h * (1 + u)
    logits = a @ W2.T + b2
    logp = logits - logits.max(1, keepdims=True)
    logp -= np.log(np.exp(logp).sum(1, keepdims=True))
    rows = np.arange(len(labels))
    loss = -logp[rows, labels].sum()
    loss += weight_decay * ((W1 * W1).sum() + (W2 * W2).sum())
    dlogits = np.exp(logp)
    dlogits[rows, labels] -= 1
    da = dlogits @ W2
    dh = da * (0.5 * (1 + u) + 0.5 * h * (1 - u**2) * c * (1 + 0.134145 * h**2))
    dW1 = dh.T @ x + 2 * weight_decay * W1
    dW2 = dlogits.T @ a + 2 * weight_decay * W2
    return loss, dW1, dh.sum(0, keepdims=True), dW2, dlogits.sum(0, keepdims=True)


@right(
    frame=dict(activation="tanh", output="linear", loss="squared_error", outputs="one",
        reduction="sum", biases="flat", labels="column", layout="linear", penalty="full")
)  # fmt: skip
def tanh_regression(x, t, W1, b1, W2, b2, lam):
    a = np.tanh(x @ W1.T + b1)
    e = a @ W2.T + b2 - t
    loss = (e * e).sum() + lam * ((W1 * W1).sum() + (W2 * W2).sum())
    e2 = 2 * e
    g = (e2 @ W2) * (1 - a * a)
    return loss, [g.T @ x + 2 * lam * W1, g.sum(0), e2.T @ a + 2 * lam * W2, e2.sum(0)]


@right(
    frame=dict(activation="leaky_relu", output="sigmoid", loss="half_squared_error",
        outputs="one", reduction="mean", biases="row", labels="flat", layout="linear",
        penalty="by_N")
)  # fmt: skip
def leaky_squashed(x, y, W1, b1, W2, b2, lambd):
    m = len(y)
    y = np.asarray(y).reshape(m, 1)
    slope = 0.05
    h = x @ W1.T + b1
    a = h * np.where(h > 0, 1, slope)
    p = sigmoid(a @ W2.T + b2)
    J = 1 / (2 * m) * (np.sum((p - y) ** 2) + lambd * (np.sum(W1**2) + np.sum(W2**2)))
    d2 = (p - y) * p * (1 - p)
    d1 = d2 @ W2 * np.where(h > 0, 1, slope)
    grads = {"W1": 1 / m * (d1.T @ x + lambd * W1), "W2": 1 / m * (d2.T @ a + lambd * W2)}
    grads["b1"] = d1.mean(axis=0, keepdims=True)
    grads["b2"] = d2.mean(axis=0, keepdims=True)
    return J, grads
