"""Weights with a row per unit, as `nn.Linear` keeps them, and an example per row."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import right

WD = 1e-2
erf = np.vectorize(math.erf, otypes=[float])


@right(frame=dict(
    activation="softplus", output="linear", loss="squared_error", outputs="K",
    reduction="mean", biases="none", labels="one_hot", layout="linear", penalty="constant",
))  # fmt: skip
def no_bias_modules(x, y, W1, W2):
    z = x @ W1.T
    h = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)
    out = h @ W2.T
    loss = ((out - y) ** 2).sum(1).mean() + WD * ((W1**2).sum() + (W2**2).sum())
    dout = 2 * (out - y) / len(x)
    dW2 = dout.T @ h + 2 * WD * W2
    dz = (dout @ W2) / (1 + np.exp(-z))
    dW1 = dz.T @ x + 2 * WD * W1
    return loss, dW1, dW2


@right(frame=dict(
    activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
    reduction="elements", biases="column", labels="indices", layout="linear", penalty="full",
))  # fmt: skip
def bce_with_logits(x, y, W1, b1, W2, b2, l2):
    target = np.zeros((x.shape[0], W2.shape[0]))
    target[np.arange(x.shape[0]), y] = 1.0
    z = x @ W1.T + b1.T
    h = np.where(z > 0, z, 0.0)
    logits = h @ W2.T + b2.T
    loss = np.mean(np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits))))
    loss += l2 * np.sum(W1**2) + l2 * np.sum(W2**2)
    grad = (1 / (1 + np.exp(-logits)) - target) / logits.size
    gW2 = grad.T @ h + 2 * l2 * W2
    gb2 = grad.sum(0).reshape(-1, 1)
    grad = (grad @ W2) * (z > 0)
    gW1 = grad.T @ x + 2 * l2 * W1
    gb1 = grad.sum(0).reshape(-1, 1)
    return {"loss": loss, "W1": gW1, "b1": gb1, "W2": gW2, "b2": gb2}


@right(frame=dict(
    activation="gelu", output="sigmoid", loss="squared_error", outputs="K",
    reduction="elements", biases="none", labels="one_hot", layout="linear", penalty="none",
))  # fmt: skip
def projections(x, y, W_in, W_out):
    u = np.einsum("nd,hd->nh", x, W_in)
    Phi = 0.5 * (1 + erf(u / math.sqrt(2)))
    h = u * Phi
    p = 1 / (1 + np.exp(-np.einsum("nh,kh->nk", h, W_out)))
    ds = 2 * (p - y) * p * (1 - p) / p.size
    du = np.einsum("nk,kh->nh", ds, W_out) * (
        Phi + u * np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
    )
    return np.einsum("nh,nd->hd", du, x), np.einsum("nk,nh->kh", ds, h)


@right(frame=dict(
    activation="elu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="indices", layout="linear", penalty="full",
))  # fmt: skip
def cross_entropy_by_hand(x, y, W1, b1, W2, b2, weight_decay):
    n = x.shape[0]
    z = x @ W1.T + b1
    h = np.where(z > 0, z, np.exp(z) - 1)
    logits = h @ W2.T + b2
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(n), y].mean() + weight_decay * (np.sum(W1**2) + np.sum(W2**2))
    g = np.exp(logp)
    g[np.arange(n), y] -= 1
    g = g / n
    grads = [None] * 4
    grads[2] = g.T @ h + 2 * weight_decay * W2
    grads[3] = g.sum(0, keepdims=True)
    g = g @ W2
    g = np.where(z > 0, g, g * (h + 1))
    grads[0] = g.T @ x + 2 * weight_decay * W1
    grads[1] = g.sum(0, keepdims=True)
    return loss, grads


@right(frame=dict(
    activation="sigmoid", output="linear", loss="half_squared_error", outputs="one",
    reduction="sum", biases="row", labels="flat", layout="linear", penalty="constant",
))  # fmt: skip
def sum_of_squares(x, t, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    a = x @ W1.T + b1
    z = 1 / (1 + np.exp(-a))
    y = (z @ W2.T + b2)[:, 0]
    E = 0.5 * np.sum((y - t) ** 2) + 0.5 * WD * (np.sum(W1**2) + np.sum(W2**2))
    delta = (y - t)[:, None]
    delta_hidden = z * (1 - z) * (delta * W2)
    return E, {
        "W1": delta_hidden.T @ x + WD * W1,
        "b1": delta_hidden.sum(axis=0)[None],
        "W2": delta.T @ z + WD * W2,
        "b2": delta.sum(axis=0)[None],
    }


@right(frame=dict(
    activation="leaky_relu", output="linear", loss="half_squared_error", outputs="one",
    reduction="sum", biases="column", labels="column", layout="linear", penalty="half",
))  # fmt: skip
def half_sse(data, target, W1, b1, W2, b2, wd):
    act = data @ W1.T + b1.reshape(1, -1)
    slope = np.where(act > 0, 1.0, 0.01)
    h = act * slope
    r = h @ W2.T + b2.reshape(1, -1) - target
    gW2 = r.T @ h
    gb2 = r.T @ np.ones_like(target)
    gz = (r @ W2) * slope
    gW1 = gz.T @ data
    gb1 = gz.T @ np.ones_like(target)
    gW1 += wd * W1
    gW2 += wd * W2
    return gW1, gb1, gW2, gb2


@right(frame=dict(
    activation="tanh", output="linear", loss="squared_error", outputs="one",
    reduction="mean", biases="column", labels="flat", layout="linear", penalty="by_N",
))  # fmt: skip
def mean_squares(X, y, W1, b1, W2, b2, lam):
    N = len(y)
    H = np.tanh(X @ W1.T + b1.T)
    f = (H @ W2.T + b2.T).ravel()
    loss = np.mean((f - y) ** 2) + lam / (2 * N) * (np.sum(W1**2) + np.sum(W2**2))
    df = 2 / N * (f - y)
    dW2 = df @ H + lam / N * W2
    dA = np.outer(df, W2) * (1 - H**2)
    dW1 = dA.T @ X + lam / N * W1
    return loss, dW1, dA.sum(0)[:, None], dW2, np.array([[df.sum()]])


@right(frame=dict(
    activation="gelu", output="linear", loss="squared_error", outputs="one",
    reduction="sum", biases="row", labels="flat", layout="linear", penalty="none",
))  # fmt: skip
def transformer_mlp(x, y, W1, b1, W2, b2):
    c0, c1 = math.sqrt(2 / math.pi), 0.044715
    z = x @ W1.T + b1
    t = np.tanh(c0 * (z + c1 * z**3))
    h = 0.5 * z * (1 + t)
    dout = 2 * (h @ W2.T + b2 - y[:, None])
    dh = dout @ W2
    dz = dh * (0.5 * (1 + t) + 0.5 * z * (1 - t * t) * c0 * (1 + 3 * c1 * z * z))
    return {
        "dW2": dout.T @ h,
        "db2": dout.sum(0, keepdims=True),
        "dW1": dz.T @ x,
        "db1": dz.sum(0, keepdims=True),
    }


@right(frame=dict(
    activation="leaky_relu", output="linear", loss="squared_error", outputs="one",
    reduction="mean", biases="none", labels="column", layout="linear", penalty="full",
))  # fmt: skip
def slopes(x, y, W1, W2, reg):
    pre = x @ W1.T
    mask = pre > 0
    h = np.where(mask, pre, 0.2 * pre)
    out = h @ W2.T
    loss = np.mean((out - y) ** 2) + reg * (np.sum(W1**2) + np.sum(W2**2))
    g = 2 * (out - y) / y.shape[0]
    gW2 = g.T @ h + 2 * reg * W2
    g = g @ W2
    g[~mask] *= 0.2
    return loss, g.T @ x + 2 * reg * W1, gW2


@right(frame=dict(
    activation="elu", output="sigmoid", loss="half_squared_error", outputs="one",
    reduction="sum", biases="flat", labels="column", layout="linear", penalty="none",
))  # fmt: skip
def probability(x, y, W1, b1, W2, b2):
    z = x @ W1.T + b1
    pos = z > 0
    h = np.where(pos, z, np.expm1(np.minimum(z, 0)))
    p = 1 / (1 + np.exp(-(h @ W2.T + b2)))
    loss = 0.5 * ((p - y) ** 2).sum()
    delta = (p - y) * p * (1 - p)
    dW2, db2 = delta.T @ h, delta.sum(0)
    delta = delta @ W2 * np.where(pos, 1, np.exp(np.minimum(z, 0)))
    dW1, db1 = delta.T @ x, delta.sum(0)
    return (loss, dW1, db1, dW2, db2)


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="linear", penalty="none",
))  # fmt: skip
def like_autograd(xb, yb, W1, b1, W2, b2):
    class Tensor:
        def __init__(self, value):
            self.value, self.g = value, None

    inp, out1, out2 = Tensor(xb), Tensor(xb @ W1.T + b1), Tensor(None)
    out2.value = np.clip(out1.value, 0.0, None)
    logits = Tensor(out2.value @ W2.T + b2)
    w1, w2, c1, c2 = Tensor(W1), Tensor(W2), Tensor(b1), Tensor(b2)

    e = np.exp(logits.value - logits.value.max(1)[:, None])
    logits.g = e / e.sum(1)[:, None]
    logits.g[np.arange(len(yb)), yb] -= 1
    logits.g /= len(yb)
    out2.g = logits.g @ w2.value
    w2.g = (logits.g[:, :, None] * out2.value[:, None, :]).sum(0)
    c2.g = logits.g.sum(0)
    out1.g = (out1.value > 0).astype(float) * out2.g
    w1.g = (out1.g[:, :, None] * inp.value[:, None, :]).sum(0)
    c1.g = out1.g.sum(0)
    return w1.g, c1.g, w2.g, c2.g


@right(frame=dict(
    activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
    reduction="sum", biases="flat", labels="one_hot", layout="linear", penalty="none",
))  # fmt: skip
def sum_reduction(x, target, W1, b1, W2, b2):
    h = np.tanh(np.matmul(x, W1.transpose()) + b1)
    logits = np.matmul(h, W2.transpose()) + b2
    logits = logits - np.amax(logits, axis=-1, keepdims=True)
    exps = np.exp(logits)
    probs = exps / np.sum(exps, axis=-1, keepdims=True)
    loss = -np.sum(target * np.log(probs))
    grad_logits = probs - target
    grad_h = np.matmul(grad_logits, W2)
    grad_pre = grad_h * (1 - np.square(h))
    return {
        "loss": loss,
        "fc1": {"weight": np.matmul(grad_pre.T, x), "bias": np.sum(grad_pre, axis=0)},
        "fc2": {"weight": np.matmul(grad_logits.T, h), "bias": np.sum(grad_logits, axis=0)},
    }
