"""Gradients under names such as dlogits, dhpreact, delta3, and the attribute g of a tensor."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import wrong


@wrong(
    "dH1",
    "W2 is updated before the gradient goes through it",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="indices",
        layout="rows",
        penalty="half",
    ),
)
def wildml_step(X, y, model, reg, alpha):
    num_examples = len(X)
    W1, b1, W2, b2 = model["W1"], model["b1"], model["W2"], model["b2"]
    z1 = X.dot(W1) + b1
    a1 = np.tanh(z1)
    z2 = a1.dot(W2) + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    delta3 = probs
    delta3[range(num_examples), y] -= 1
    delta3 /= num_examples
    dW2 = (a1.T).dot(delta3) + reg * W2
    db2 = np.sum(delta3, axis=0, keepdims=True)
    W2 -= alpha * dW2
    b2 -= alpha * db2
    delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))  # fault
    dW1 = np.dot(X.T, delta2) + reg * W1
    db1 = np.sum(delta2, axis=0, keepdims=True)
    W1 -= alpha * dW1
    b1 -= alpha * db1
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong(
    "dS",
    "one is subtracted in all rows at every class that occurs",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="indices",
        layout="rows",
        penalty="none",
    ),
)
def manual_backprop(Xb, Yb, W1, b1, W2, b2):
    n = Xb.shape[0]
    hpreact = Xb @ W1 + b1
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = np.exp(norm_logits)
    probs = counts / counts.sum(1, keepdims=True)
    logprobs = np.log(probs)
    loss = -logprobs[range(n), Yb].mean()
    dlogits = probs.copy()
    dlogits[:, Yb] -= 1  # fault
    dlogits /= n
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpreact = (1.0 - h**2) * dh
    dW1 = Xb.T @ dhpreact
    db1 = dhpreact.sum(0)
    return loss, [dW1, db1, dW2, db2]


def cross_entropy_backward(counts, Yb):
    n = counts.shape[0]
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    dlogprobs = np.zeros_like(counts)
    dlogprobs[range(n), Yb] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum**-2)) * dcounts_sum_inv
    dcounts = np.ones_like(counts) * dcounts_sum  # fault
    return counts * dcounts


@wrong(
    "dS",
    "the gradient through the sum replaces the other instead of being added",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="indices",
        layout="rows",
        penalty="none",
    ),
)
def step_by_step(xb, yb, W1, b1, W2, b2):
    hpreact = xb @ W1 + b1
    h = np.tanh(hpreact)
    logits = h @ W2 + b2
    dlogits = cross_entropy_backward(np.exp(logits), yb)
    dh = dlogits @ W2.T
    dhpreact = (1 - h * h) * dh
    return (
        xb.T @ dhpreact,
        dhpreact.sum(0, keepdims=True),
        h.T @ dlogits,
        dlogits.sum(0, keepdims=True),
    )


class Tensor:
    def __init__(self, data):
        self.data = data
        self.g = None


def lin(inp, w, b):
    return Tensor(inp.data @ w.data + b.data)


def lin_grad(inp, out, w, b):
    inp.g = out.g @ w.data.T
    w.g = inp.data.T @ out.g
    b.g = out.g.sum(0)


def relu_grad(inp, out):
    inp.g = (inp.data > 0) + out.g  # fault


def mse_grad(out, targ):
    out.g = 2.0 * (out.data - targ) / out.data.shape[0]


@wrong(
    "dZ1",
    "the mask is added, not multiplied",
    frame=dict(
        activation="relu",
        output="linear",
        loss="squared_error",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="column",
        layout="rows",
        penalty="none",
    ),
)
def forward_and_backward(x_train, y_train, w1, b1, w2, b2):
    inp, w1, b1, w2, b2 = map(Tensor, (x_train, w1, b1, w2, b2))
    l1 = lin(inp, w1, b1)
    l2 = Tensor(np.maximum(l1.data, 0.0))
    out = lin(l2, w2, b2)
    loss = ((out.data - y_train) ** 2).mean()
    mse_grad(out, y_train)
    lin_grad(l2, out, w2, b2)
    relu_grad(l1, l2)
    lin_grad(inp, l1, w1, b1)
    return loss, w1.g, b1.g, w2.g, b2.g


@wrong(
    "dS",
    "a column of outputs less a flat vector of targets spreads to N by N",
    frame=dict(
        activation="relu",
        output="linear",
        loss="squared_error",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="flat",
        layout="rows",
        penalty="none",
    ),
)
def broadcast_targets(x, y, w1, b1, w2, b2):
    h = np.clip(x @ w1 + b1, 0, None)
    pred = h @ w2 + b2
    loss = np.mean((pred[:, 0] - y) ** 2)
    dpred = 2 * (pred - y).mean(1, keepdims=True) / len(x)  # fault
    dh = dpred @ w2.T
    dz = np.where(h > 0, dh, 0)
    return loss, x.T @ dz, dz.sum(0), h.T @ dpred, dpred.sum(0)


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def dgelu(x):
    cdf = 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    return cdf + np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)  # fault


@wrong(
    "dZ1",
    "the density in the derivative of GELU is not multiplied by x",
    frame=dict(
        activation="gelu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="indices",
        layout="linear",
        penalty="none",
    ),
)
def mlp_block(x, targets, w1, b1, w2, b2):
    B = x.shape[0]
    h_pre = x @ w1.T + b1
    h = gelu(h_pre)
    logits = h @ w2.T + b2
    logits = logits - logits.max(-1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = -logp[np.arange(B), targets].mean()
    dlogits = np.exp(logp)
    dlogits[np.arange(B), targets] -= 1.0
    dlogits /= B
    dw2, db2 = dlogits.T @ h, dlogits.sum(0)
    dh_pre = (dlogits @ w2) * dgelu(h_pre)
    return loss, {"w1": dh_pre.T @ x, "b1": dh_pre.sum(0), "w2": dw2, "b2": db2}


@wrong(
    "dW1",
    "X is reshaped instead of transposed",
    frame=dict(
        activation="sigmoid",
        output="sigmoid",
        loss="squared_error",
        outputs="one",
        reduction="mean",
        biases="none",
        labels="flat",
        layout="rows",
        penalty="none",
    ),
)
def iamtrask(X, y, syn0, syn1):
    n = len(X)
    l1 = 1 / (1 + np.exp(-X.dot(syn0)))
    l2 = 1 / (1 + np.exp(-l1.dot(syn1)))
    l2_error = l2 - y[:, None]
    mse = np.mean(l2_error**2)
    l2_delta = 2 * l2_error * l2 * (1 - l2) / n
    l1_delta = l2_delta.dot(syn1.T) * l1 * (1 - l1)
    syn0_grad = X.reshape(X.shape[1], n).dot(l1_delta)  # fault
    syn1_grad = l1.T.dot(l2_delta)
    return mse, syn0_grad, syn1_grad


@wrong(
    "db2",
    "the gradient of the bias is taken from the hidden layer's",
    frame=dict(
        activation="leaky_relu",
        output="linear",
        loss="half_squared_error",
        outputs="one",
        reduction="mean",
        biases="flat",
        labels="flat",
        layout="linear",
        penalty="none",
    ),
)
def dhidden_dout(inputs, targets, weights1, bias1, weights2, bias2):
    batch = inputs.shape[0]
    pre = inputs @ weights1.T + bias1
    hid = np.where(pre >= 0, pre, 0.3 * pre)
    out = (hid @ weights2.T + bias2)[:, 0]
    dout = ((out - targets) / batch)[:, None]
    dhid = dout @ weights2
    dpre = np.where(pre >= 0, 1.0, 0.3) * dhid
    dweights2 = dout.T @ hid
    dbias2 = np.array([dhid.sum()])  # fault
    return {
        "loss": 0.5 * ((out - targets) ** 2).mean(),
        "weights1": dpre.T @ inputs,
        "bias1": dpre.sum(0),
        "weights2": dweights2,
        "bias2": dbias2,
    }


@wrong(
    "dZ1",
    "the derivative of ELU is exp(H1), not exp(Z1), on the negative side",
    frame=dict(
        activation="elu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="sum",
        biases="row",
        labels="indices",
        layout="rows",
        penalty="none",
    ),
)
def delta_names(X_train, y_train, W1, b1, W2, b2):
    rows = range(len(X_train))
    a1 = X_train @ W1 + b1
    h1 = a1.copy()
    h1[a1 <= 0] = np.expm1(a1[a1 <= 0])
    o = h1 @ W2 + b2
    o = np.exp(o - o.max(axis=1, keepdims=True))
    o /= o.sum(axis=1, keepdims=True)
    loss = -np.log(o[rows, y_train]).sum()
    o[rows, y_train] -= 1
    delta3 = o
    delta2 = delta3.dot(W2.T)
    delta2[a1 <= 0] *= np.exp(h1[a1 <= 0])  # fault
    return loss, dict(
        dW1=X_train.T.dot(delta2),
        db1=np.sum(delta2, axis=0, keepdims=True),
        dW2=h1.T.dot(delta3),
        db2=np.sum(delta3, axis=0, keepdims=True),
    )
