"""Hand-written passes of the two-layer MLP as they occur: 64 with one mistake each, 24 right.

The registration above each function says which equation is miswritten, and what stands there
instead; the functions themselves are as their authors would have left them.

They were written when the doctor was done, by somebody who had not seen its dictionary. At the
first look it named the equation of 59 of the 64, called none of them right and none of the 24
wrong. The five that it did not name were reasons to mend it since.
"""

from __future__ import annotations

import functools
import math
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, logsumexp, softmax
from torch import nn


class Case(NamedTuple):
    """A wrong implementation, the equation it gets wrong, and what was written instead."""

    f: Callable[..., Any]
    equation: str
    mistake: str
    options: dict[str, Any]


WRONG: list[Case] = []
RIGHT: list[tuple[Callable[..., Any], dict[str, Any]]] = []


def wrong(equation: str, mistake: str, **options: Any) -> Callable[..., Any]:
    """Register a wrong implementation."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        WRONG.append(Case(f, equation, mistake, options))
        return f

    return register


def right(**options: Any) -> Callable[..., Any]:
    """Register a right implementation."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        RIGHT.append((f, options))
        return f

    return register


# ---------------------------------------------------------------- helpers that several share


def relu(z):
    return np.maximum(0, z)


def stable_softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_columns(s):
    e = np.exp(s - np.max(s, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def to_one_hot(labels, num_classes):
    return np.eye(num_classes)[labels]


# ================================================================ wrong: the forward pass


@wrong("Z1", "the hidden layer's bias b1 is left out")
def net_without_hidden_bias(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z1 = X.dot(W1)
    a1 = relu(z1)
    z2 = a1.dot(W2) + b2
    probs = stable_softmax(z2)
    delta3 = (probs - Y) / n
    dW2 = a1.T.dot(delta3)
    db2 = delta3.sum(axis=0)
    delta2 = delta3.dot(W2.T) * (z1 > 0)
    dW1 = X.T.dot(delta2)
    db1 = delta2.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("Z1", "the input is scaled by 1/255 in the forward pass, and not in dW1")
def mnist_step(X, y, W1, b1, W2, b2):
    batch = X.shape[0]
    hidden = np.matmul(X / 255.0, W1) + b1
    act = np.where(hidden > 0, hidden, 0.0)
    logits = np.matmul(act, W2) + b2
    out = stable_softmax(logits)
    loss = -np.log(out[np.arange(batch), y]).mean()
    err = out.copy()
    err[np.arange(batch), y] -= 1
    err /= batch
    grads = {}
    grads["W2"] = np.matmul(act.T, err)
    grads["b2"] = err.sum(0)
    back = np.matmul(err, W2.T)
    back[hidden <= 0] = 0
    grads["W1"] = np.matmul(X.T, back)
    grads["b1"] = back.sum(0)
    return loss, grads


@wrong("H1", "a leaky ReLU with slope 0.01 stands in the forward pass, a plain one in the backward")
def leaky_forward(X, Y, W1, b1, W2, b2, alpha=0.01):
    Z1 = X @ W1 + b1
    A1 = np.where(Z1 > 0, Z1, alpha * Z1)
    Z2 = A1 @ W2 + b2
    A2 = stable_softmax(Z2)
    dZ2 = (A2 - Y) / len(X)
    dA1 = dZ2 @ W2.T
    dZ1 = np.where(Z1 > 0, dA1, 0)
    return X.T @ dZ1, dZ1.sum(0), A1.T @ dZ2, dZ2.sum(0)


@wrong("H1", "the hidden activation is a tanh, though its derivative is that of a ReLU")
def half_converted_from_tanh(X, Y, W1, b1, W2, b2):
    cache = {}
    cache["Z1"] = X @ W1 + b1
    cache["H1"] = np.tanh(cache["Z1"])
    cache["S"] = cache["H1"] @ W2 + b2
    cache["P"] = softmax(cache["S"], axis=1)
    g = (cache["P"] - Y) / X.shape[0]
    grads = {"dW2": cache["H1"].T @ g, "db2": np.sum(g, axis=0)}
    g = g @ W2.T
    g = g * (cache["Z1"] > 0)
    grads["dW1"] = X.T @ g
    grads["db1"] = np.sum(g, axis=0)
    return {**grads, **cache}


@wrong("S", "the logits go through a ReLU as well")
def relu_on_every_layer(X, Y, W1, b1, W2, b2):
    layers = [(W1, b1), (W2, b2)]
    activations = [X]
    pre = []
    for W, b in layers:
        pre.append(activations[-1] @ W + b)
        activations.append(np.maximum(pre[-1], 0))
    P = stable_softmax(activations[-1])
    delta = (P - Y) / X.shape[0]
    dW2, db2 = activations[1].T @ delta, delta.sum(axis=0)
    delta = (delta @ W2.T) * (pre[0] > 0)
    dW1, db1 = activations[0].T @ delta, delta.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("S", "the output layer is fed the pre-activation Z1 instead of H1")
def forward_mixup(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = Z1 @ W2 + b2
    P = stable_softmax(S)
    L = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"L": L, "S": S, "P": P, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("S", "the output layer's bias b2 is left out", layout="linear")
def linear_layers_no_output_bias(X, y, W1, b1, W2, b2):
    z = X.mm(W1.t()) + b1
    h = z.clamp(min=0)
    scores = h.mm(W2.t())
    p = torch.softmax(scores, dim=1)
    g = p.clone()
    g[torch.arange(X.size(0)), y] -= 1.0
    g /= X.size(0)
    gW2 = g.t().mm(h)
    gb2 = g.sum(0)
    gh = g.mm(W2)
    gh[z <= 0] = 0
    gW1 = gh.t().mm(X)
    gb1 = gh.sum(0)
    return {"W1_grad": gW1, "b1_grad": gb1, "W2_grad": gW2, "b2_grad": gb2}


@wrong("P", "the softmax normalises over axis 0, the rows of the batch, not over the classes")
def backprop_hw3(X, Y, W1, b1, W2, b2):
    def softmax_fn(x):
        e_x = np.exp(x - np.max(x))
        return e_x / e_x.sum(axis=0)

    m = X.shape[0]
    z1 = np.dot(X, W1) + b1
    a1 = relu(z1)
    z2 = np.dot(a1, W2) + b2
    a2 = softmax_fn(z2)
    dz2 = (a2 - Y) / m
    dw2 = np.dot(a1.T, dz2)
    db2 = np.sum(dz2, axis=0)
    dz1 = np.dot(dz2, W2.T) * (z1 > 0)
    dw1 = np.dot(X.T, dz1)
    db1 = np.sum(dz1, axis=0)
    return {"dw1": dw1, "db1": db1, "dw2": dw2, "db2": db2}


@wrong("P", "the exponentials are divided by their sum over the whole batch")
def softmax_of_one_sample(X, Y, W1, b1, W2, b2):
    hidden_in = X @ W1 + b1
    hidden_out = hidden_in * (hidden_in > 0)
    output_in = hidden_out @ W2 + b2
    exps = np.exp(output_in - np.max(output_in))
    output = exps / np.sum(exps)
    error = (output - Y) / X.shape[0]
    hidden_error = (error @ W2.T) * (hidden_in > 0)
    return X.T @ hidden_error, hidden_error.sum(0), hidden_out.T @ error, error.sum(0)


@wrong("P", "the output is an element-wise sigmoid instead of a softmax")
def sigmoid_output(X, Y, W1, b1, W2, b2):
    N = len(Y)
    z_h = X @ W1 + b1
    a_h = relu(z_h)
    z_out = a_h @ W2 + b2
    a_out = 1.0 / (1.0 + np.exp(-np.clip(z_out, -250, 250)))
    delta_out = (a_out - Y) / N
    delta_h = np.dot(delta_out, W2.T) * np.where(z_h > 0, 1.0, 0.0)
    grad_w_h = np.dot(X.T, delta_h)
    grad_b_h = np.sum(delta_h, axis=0)
    grad_w_out = np.dot(a_h.T, delta_out)
    grad_b_out = np.sum(delta_out, axis=0)
    return grad_w_h, grad_b_h, grad_w_out, grad_b_out


@wrong("P", "torch.softmax runs over dim=0")
def torch_softmax_dim(X, Y, W1, b1, W2, b2):
    z1 = torch.addmm(b1, X, W1)
    h1 = torch.relu(z1)
    s = torch.addmm(b2, h1, W2)
    p = torch.softmax(s, dim=0)
    ds = (p - Y) / X.shape[0]
    dh1 = ds @ W2.T
    dz1 = dh1 * (z1 > 0).to(dh1.dtype)
    return {
        "dW1": X.T @ dz1,
        "db1": dz1.sum(dim=0),
        "dW2": h1.T @ ds,
        "db2": ds.sum(dim=0),
        "P": p,
    }


@wrong("P", "the softmax of the batch-last logits sums over axis 1, the samples", layout="columns")
def two_layer_model_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    t = np.exp(Z2)
    A2 = t / np.sum(t, axis=1, keepdims=True)
    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2, A1.T)
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.array(dA1, copy=True)
    dZ1[Z1 <= 0] = 0
    dW1 = 1.0 / m * np.dot(dZ1, X.T)
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("P", "each class's maximum over the batch is subtracted, not each row's maximum")
def shifted_by_the_wrong_max(X, y, W1, b1, W2, b2):
    N, K = X.shape[0], W2.shape[1]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0.0)
    S = H1 @ W2 + b2
    S = S - np.max(S, axis=0)
    P = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
    loss = -np.mean(np.log(P[np.arange(N), y]))
    dS = (P - to_one_hot(y, K)) / N
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return loss, {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("P", "the numerator is shifted by the maximum and the denominator is not")
def half_stable(X, Y, W1, b1, W2, b2):
    pre = np.einsum("nd,dh->nh", X, W1) + b1
    act = np.maximum(pre, 0)
    logits = np.einsum("nh,hk->nk", act, W2) + b2
    top = logits.max(axis=1, keepdims=True)
    P = np.exp(logits - top) / np.exp(logits).sum(axis=1, keepdims=True)
    G = (P - Y) / Y.shape[0]
    D = np.einsum("nk,hk->nh", G, W2) * (pre > 0)
    dW1 = np.einsum("nd,nh->dh", X, D)
    dW2 = np.einsum("nh,nk->hk", act, G)
    return dW1, D.sum(0), dW2, G.sum(0)


@wrong("P", "a softmax is taken of the softmax: cross_entropy is given probabilities")
def autograd_double_softmax(X, y, W1, b1, W2, b2):
    leaves = [p.detach().clone().requires_grad_(True) for p in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    hidden = F.relu(X @ w1 + c1)
    probs = F.softmax(hidden @ w2 + c2, dim=1)
    loss = F.cross_entropy(probs, y)
    loss.backward()
    return tuple(p.grad for p in leaves)


# ================================================================ wrong: the loss


@wrong("L", "the loss is summed over the rows and not divided by N")
def loss_not_averaged(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z1 = X @ W1 + b1
    h = np.maximum(z1, 0)
    p = stable_softmax(h @ W2 + b2)
    loss = -np.sum(Y * np.log(p))
    ds = (p - Y) / n
    dz = (ds @ W2.T) * (z1 > 0)
    grads = {"dW1": X.T @ dz, "db1": dz.sum(0), "dW2": h.T @ ds, "db2": ds.sum(0)}
    return loss, grads


@wrong("L", "np.mean over all N·K entries: the loss is divided by N·K")
def mean_of_everything(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    S = H1 @ W2 + b2
    P = stable_softmax(S)
    L = -np.mean(Y * np.log(P + 1e-300))
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return {
        "loss": L,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
    }


@wrong("L", "P[:, y] picks an N by N matrix instead of each row's own class")
def cs231n_indexing(X, y, W1, b1, W2, b2, reg):
    N = X.shape[0]
    h1 = np.maximum(0, X.dot(W1) + b1)
    scores = h1.dot(W2) + b2
    exp_scores = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[:, y])
    loss = np.mean(correct_logprobs)
    loss += 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    grads = {}
    grads["W2"] = h1.T.dot(dscores) + reg * W2
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[h1 <= 0] = 0
    grads["W1"] = X.T.dot(dhidden) + reg * W1
    grads["b1"] = np.sum(dhidden, axis=0)
    return loss, grads


@wrong("L", "the binary cross-entropy of every output is summed", layout="columns")
def compute_cost_from_week_two(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax_columns(W2 @ A1 + b2)
    cost = -(1 / m) * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = A2 - Y
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    grads = {
        "dW1": dZ1 @ X.T / m,
        "db1": dZ1.sum(axis=1, keepdims=True) / m,
        "dW2": dZ2 @ A1.T / m,
        "db2": dZ2.sum(axis=1, keepdims=True) / m,
    }
    return np.squeeze(cost), grads


@wrong("L", "the minus sign of the log-likelihood is missing")
def log_likelihood(X, Y, W1, b1, W2, b2):
    N, _ = X.shape
    u = X @ W1 + b1
    v = np.clip(u, 0, None)
    log_p = log_softmax(v @ W2 + b2, axis=1)
    loss = (Y * log_p).sum() / N
    e = (np.exp(log_p) - Y) / N
    r = np.where(u > 0, e @ W2.T, 0)
    Result = namedtuple("Result", "loss dW1 db1 dW2 db2")
    return Result(loss, X.T @ r, r.sum(0), v.T @ e, e.sum(0))


# ================================================================ wrong: dS


@wrong("dS", "the division by N is missing")
def denny_style(X, y, W1, b1, W2, b2):
    z1 = X.dot(W1) + b1
    a1 = np.maximum(z1, 0)
    z2 = a1.dot(W2) + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    delta3 = probs
    delta3[range(len(X)), y] -= 1
    dW2 = (a1.T).dot(delta3)
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (a1 > 0)
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0)
    return dW1, db1, dW2, db2[0]


class TwoLayerNet:
    """A network object as in many a notebook."""

    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.maximum(self.Z1, 0)
        self.A2 = stable_softmax(self.A1 @ self.W2 + self.b2)
        return self.A2

    def backward(self, Y):
        d2 = self.A2 - Y
        self.dW2 = self.A1.T @ d2
        self.db2 = np.sum(d2, axis=0)
        d1 = (d2 @ self.W2.T) * (self.Z1 > 0)
        self.dW1 = self.X.T @ d1
        self.db1 = np.sum(d1, axis=0)


@wrong("dS", "P - Y is not divided by the number of rows")
def run_two_layer_net(X, Y, W1, b1, W2, b2):
    net = TwoLayerNet(W1, b1, W2, b2)
    net.forward(X)
    net.backward(Y)
    return net


@wrong("dS", "the gradient is that of the summed loss: no 1/N", layout="linear")
def torch_sum_reduction(X, y, W1, b1, W2, b2):
    params = [t.clone().detach().requires_grad_() for t in (W1, b1, W2, b2)]
    h = F.linear(X, params[0], params[1]).relu()
    logits = F.linear(h, params[2], params[3])
    loss = F.cross_entropy(logits, y, reduction="sum")
    g = torch.autograd.grad(loss, params)
    return {"dW1": g[0], "db1": g[1], "dW2": g[2], "db2": g[3]}


@wrong("dS", "Y - P: the sign is turned round")
def error_as_target_minus_output(X, Y, W1, b1, W2, b2):
    n_samples = X.shape[0]
    layer1_in = np.dot(X, W1) + b1
    layer1 = relu(layer1_in)
    layer2 = stable_softmax(np.dot(layer1, W2) + b2)
    layer2_error = (Y - layer2) / n_samples
    layer1_error = layer2_error.dot(W2.T)
    layer1_delta = layer1_error * (layer1_in > 0)
    return {
        "W1": X.T.dot(layer1_delta),
        "b1": layer1_delta.sum(axis=0),
        "W2": layer1.T.dot(layer2_error),
        "b2": layer2_error.sum(axis=0),
    }


@wrong("dS", "m is the number of features X.shape[0] where samples are columns", layout="columns")
def backward_propagation_m(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = softmax_columns(Z2)
    dZ2 = (A2 - Y) / m
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), np.int64(A1 > 0))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dS", "the divisor is the number of classes, Y.shape[1], instead of N")
def ported_from_columns(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = softmax(S, axis=1)
    dS = (1 / m) * (P - Y)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dS": dS, "dW2": dW2, "db2": db2, "dH1": dH1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@wrong("dS", "the derivative of the squared error through a sigmoid: (P - Y) P (1 - P) / N")
def delta_rule(X, Y, W1, b1, W2, b2):
    net_h = X @ W1 + b1
    out_h = np.maximum(net_h, 0)
    net_o = out_h @ W2 + b2
    out_o = stable_softmax(net_o)
    delta_o = (out_o - Y) * out_o * (1 - out_o) / X.shape[0]
    delta_h = delta_o @ W2.T * (net_h > 0)
    return X.T @ delta_h, delta_h.sum(0), out_h.T @ delta_o, delta_o.sum(0)


@wrong("dS", "the factor 2 of a squared error stands before P - Y")
def mse_leftover(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    z = X @ W1 + b1
    h = z.clip(min=0)
    y_pred = stable_softmax(h @ W2 + b2)
    grad_y_pred = 2.0 * (y_pred - Y) / N
    grad_w2 = h.T.dot(grad_y_pred)
    grad_b2 = grad_y_pred.sum(axis=0)
    grad_h = grad_y_pred.dot(W2.T)
    grad_h[z <= 0] = 0
    grad_w1 = X.T.dot(grad_h)
    grad_b1 = grad_h.sum(axis=0)
    return grad_w1, grad_b1, grad_w2, grad_b2


@wrong("dS", "dL/dP = -Y/P is handed on as dS; the softmax is not differentiated")
def chain_stops_at_p(X, Y, W1, b1, W2, b2):
    def d_cross_entropy(p, t):
        return -(t / p) / t.shape[0]

    a = X @ W1 + b1
    h = relu(a)
    p = stable_softmax(h @ W2 + b2)
    grad = d_cross_entropy(p, Y)
    dW2 = h.T @ grad
    db2 = grad.sum(axis=0)
    grad = grad @ W2.T
    grad = grad * (a > 0)
    return {"dW1": X.T @ grad, "db1": grad.sum(axis=0), "dW2": dW2, "db2": db2}


@wrong("dS", "dscores[:, y] takes 1 off whole columns, not off each row's own class")
def fancy_slice(X, y, W1, b1, W2, b2):
    num_train = X.shape[0]
    hidden = X.dot(W1) + b1
    hidden_relu = np.maximum(hidden, 0)
    scores = hidden_relu.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    dscores = probs.copy()
    dscores[:, y] -= 1
    dscores /= num_train
    grads = {"W2": hidden_relu.T.dot(dscores), "b2": dscores.sum(axis=0)}
    dhidden = dscores.dot(W2.T) * (hidden > 0)
    grads["W1"] = X.T.dot(dhidden)
    grads["b1"] = dhidden.sum(axis=0)
    return grads


@wrong("dS", "labels are taken as 1-based: y - 1 is marked in the one-hot targets")
def matlab_labels(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    num_labels = W2.shape[1]
    Ymat = np.zeros((N, num_labels))
    for i in range(N):
        Ymat[i, y[i] - 1] = 1
    z2 = X @ W1 + b1
    a2 = np.maximum(z2, 0)
    a3 = stable_softmax(a2 @ W2 + b2)
    d3 = (a3 - Ymat) / N
    d2 = (d3 @ W2.T) * (z2 > 0)
    Theta1_grad = X.T @ d2
    Theta2_grad = a2.T @ d3
    return Theta1_grad, d2.sum(0), Theta2_grad, d3.sum(0)


@wrong("dS", "only the diagonal P (1 - P) of the softmax's Jacobian is multiplied in")
def jacobian_diagonal(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = stable_softmax(H1 @ W2 + b2)
    dP = -Y / P / N
    dS = dP * P * (1 - P)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dS": dS,
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("dS", "the 1 of the true class is never taken off: P / N")
def forgot_minus_one(X, y, W1, b1, W2, b2):
    rows = torch.arange(X.shape[0])
    hpre = X @ W1 + b1
    h = torch.relu(hpre)
    logits = h @ W2 + b2
    logprobs = F.log_softmax(logits, 1)
    loss = -logprobs[rows, y].mean()
    dlogits = logprobs.exp()
    dlogits = dlogits / X.shape[0]
    dh = dlogits @ W2.T
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dhpre = (hpre > 0) * dh
    dW1 = X.T @ dhpre
    db1 = dhpre.sum(0)
    return loss, (dW1, db1, dW2, db2)


# ================================================================ wrong: dW2, db2


@wrong("dW2", "Z1 stands where H1 belongs")
def cache_mixup(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = relu(Z1)
    Z2 = A1 @ W2 + b2
    A2 = stable_softmax(Z2)
    cache = (Z1, A1, W1, Z2, A2, W2)

    def linear_backward(dZ, inputs, W):
        return inputs.T @ dZ, dZ.sum(axis=0), dZ @ W.T

    dZ2 = (cache[4] - Y) / len(X)
    dW2, db2, dA1 = linear_backward(dZ2, cache[0], cache[5])
    dZ1 = dA1 * (cache[0] > 0)
    dW1, db1, _ = linear_backward(dZ1, X, cache[2])
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW2", "divided by N a second time")
def averaged_twice(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    z = X @ W1 + b1
    a = np.maximum(z, 0)
    yhat = stable_softmax(a @ W2 + b2)
    delta = (yhat - Y) / m
    dW2 = (a.T @ delta) / m
    db2 = np.sum(delta, axis=0)
    delta_hidden = (delta @ W2.T) * (z > 0)
    dW1 = X.T @ delta_hidden
    db1 = np.sum(delta_hidden, axis=0)
    return dW1, db1, dW2, db2


@wrong("dW2", "the einsum's output indices are swapped: the gradient comes out transposed")
def einsum_indices(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = np.einsum("ni,ij->nj", X, W1) + b1
    a = np.maximum(z, 0)
    o = np.einsum("nj,jk->nk", a, W2) + b2
    p = np.exp(o - logsumexp(o, axis=1, keepdims=True))
    d_o = (p - Y) / n
    d_w2 = np.einsum("nj,nk->kj", a, d_o)
    d_b2 = np.einsum("nk->k", d_o)
    d_z = np.einsum("nk,jk->nj", d_o, W2) * (z > 0)
    d_w1 = np.einsum("ni,nj->ij", X, d_z)
    d_b1 = np.einsum("nj->j", d_z)
    return {"dW1": d_w1, "db1": d_b1, "dW2": d_w2, "db2": d_b2}


@wrong("dW2", "assigned and not accumulated in the loop: only the last sample counts")
def per_sample_loop(X, Y, W1, b1, W2, b2):
    N = len(X)
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    for x, t in zip(X, Y, strict=True):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        s = h @ W2 + b2
        e = np.exp(s - s.max())
        p = e / e.sum()
        ds = (p - t) / N
        dW2 = np.outer(h, ds)
        db2 += ds
        dz = (W2 @ ds) * (z > 0)
        dW1 += np.outer(x, dz)
        db1 += dz
    return dW1, db1, dW2, db2


@wrong("dW2", "the L2 term is added to dW1 only, though the loss penalises both")
def weight_decay_on_one_layer(X, y, W1, b1, W2, b2, weight_decay):
    N = X.shape[0]
    a1 = X @ W1 + b1
    h1 = np.maximum(0, a1)
    scores = h1 @ W2 + b2
    p = stable_softmax(scores)
    data_loss = -np.log(p[np.arange(N), y]).sum() / N
    reg_loss = 0.5 * weight_decay * ((W1**2).sum() + (W2**2).sum())
    dout = p
    dout[np.arange(N), y] -= 1
    dout /= N
    dh = dout @ W2.T
    da = dh * (a1 > 0)
    grads = {
        "W1": X.T @ da + weight_decay * W1,
        "b1": da.sum(axis=0),
        "W2": h1.T @ dout,
        "b2": dout.sum(axis=0),
    }
    return data_loss + reg_loss, grads


@wrong("dW2", "the L2 term is subtracted instead of added")
def minus_lambda(X, Y, W1, b1, W2, b2, l2):
    n = len(X)
    Z1 = X @ W1 + b1
    H1 = relu(Z1)
    P = stable_softmax(H1 @ W2 + b2)
    dS = (P - Y) / n
    dW2 = H1.T @ dS - l2 * W2
    db2 = dS.sum(0)
    dZ1 = dS @ W2.T * (Z1 > 0)
    dW1 = X.T @ dZ1 + l2 * W1
    db1 = dZ1.sum(0)
    return dW1, db1, dW2, db2


@wrong("db2", "mean over the rows instead of sum, on top of the 1/N in dS")
def bias_mean(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    probs = stable_softmax(a1 @ W2 + b2)
    d_scores = (probs - Y) / N
    d_w2 = a1.T @ d_scores
    d_b2 = np.mean(d_scores, axis=0)
    d_a1 = d_scores @ W2.T
    d_z1 = d_a1 * (z1 > 0)
    d_w1 = X.T @ d_z1
    d_b1 = np.sum(d_z1, axis=0)
    return {"W1": d_w1, "b1": d_b1, "W2": d_w2, "b2": d_b2}


@wrong("db2", "np.sum without an axis: one number for all classes", layout="columns")
def samson_zhang(X, Y, W1, b1, W2, b2):
    m = Y.shape[1]
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@wrong("db2", "the sum runs over axis 1, the classes, and gives one number a row")
def bias_axis_one(X, Y, W1, b1, W2, b2):
    Z1 = np.matmul(X, W1) + b1
    H1 = np.maximum(Z1, 0)
    S = np.matmul(H1, W2) + b2
    P = softmax(S, axis=-1)
    dS = (P - Y) / X.shape[0]
    grads = {}
    grads["dW2"] = np.matmul(H1.T, dS)
    grads["db2"] = np.sum(dS, axis=1)
    dZ1 = np.matmul(dS, W2.T) * (Z1 > 0)
    grads["dW1"] = np.matmul(X.T, dZ1)
    grads["db1"] = np.sum(dZ1, axis=0)
    return grads


# ================================================================ wrong: dH1


@wrong("dH1", "W2 is not transposed")
def missing_transpose(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    P = stable_softmax(H1 @ W2 + b2)
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = np.sum(dS, axis=0)
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


@wrong("dH1", "W2 has been updated before the error is sent back through it")
def online_update(X, Y, W1, b1, W2, b2, learning_rate):
    z1 = X @ W1 + b1
    a1 = relu(z1)
    yhat = stable_softmax(a1 @ W2 + b2)
    delta = (yhat - Y) / X.shape[0]
    W2 = W2 - learning_rate * a1.T @ delta
    b2 = b2 - learning_rate * delta.sum(axis=0)
    delta = (delta @ W2.T) * (z1 > 0)
    W1 = W1 - learning_rate * X.T @ delta
    b1 = b1 - learning_rate * delta.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("dH1", "the error sent back is P - Y without its 1/N, which only dW2 and db2 have")
def scaled_in_one_layer(X, Y, params):
    N = X.shape[0]
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = stable_softmax(H1 @ W2 + b2)
    error = P - Y
    dW2 = H1.T @ error / N
    db2 = error.sum(axis=0) / N
    dH1 = error @ W2.T
    dZ1 = np.where(Z1 > 0, dH1, 0.0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"dH1": dH1, "dZ1": dZ1, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


# ================================================================ wrong: dZ1


@wrong("dZ1", "the ReLU's derivative is left out: dZ1 = dH1")
def relu_not_differentiated(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    hidden = np.maximum(0, np.dot(X, W1) + b1)
    scores = np.dot(hidden, W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    dW2 = np.dot(hidden.T, dscores)
    db2 = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, W2.T)
    dW1 = np.dot(X.T, dhidden)
    db1 = np.sum(dhidden, axis=0)
    return dW1, db1, dW2, db2


@wrong("dZ1", "the mask is dH1 > 0 instead of Z1 > 0: a ReLU of the gradient", layout="columns")
def relu_of_the_gradient(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    A2 = softmax_columns(W2 @ A1 + b2)
    dZ2 = (A2 - Y) / m
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (dA1 > 0)
    return {
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dZ2 @ A1.T,
        "db2": dZ2.sum(axis=1, keepdims=True),
    }


@wrong("dZ1", "Z1 >= 0: a unit at exactly zero passes its gradient on")
def relu_prime_at_zero(X, Y, W1, b1, W2, b2):
    def relu_prime(z):
        return np.where(z >= 0, 1.0, 0.0)

    z1 = X @ W1 + b1
    a1 = relu(z1)
    z2 = a1 @ W2 + b2
    a2 = stable_softmax(z2)
    delta2 = (a2 - Y) / X.shape[0]
    delta1 = np.dot(delta2, W2.T) * relu_prime(z1)
    return X.T @ delta1, delta1.sum(axis=0), a1.T @ delta2, delta2.sum(axis=0)


@wrong("dZ1", "only entries with Z1 < 0 are zeroed, so those at exactly zero stay")
def pytorch_tutorial(X, Y, W1, b1, W2, b2):
    h = X.mm(W1) + b1
    h_relu = h.clamp(min=0)
    y_pred = torch.softmax(h_relu.mm(W2) + b2, dim=1)
    loss = -(Y * y_pred.log()).sum(dim=1).mean().item()
    grad_y_pred = (y_pred - Y) / X.size(0)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_b2 = grad_y_pred.sum(dim=0)
    grad_h_relu = grad_y_pred.mm(W2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = X.t().mm(grad_h)
    grad_b1 = grad_h.sum(dim=0)
    return loss, {"W1": grad_w1, "b1": grad_b1, "W2": grad_w2, "b2": grad_b2}


@wrong("dZ1", "the sigmoid's derivative H1 (1 - H1) where the activation is a ReLU")
def sigmoid_prime_left_over(X, Y, W1, b1, W2, b2):
    l1 = np.maximum(0, np.dot(X, W1) + b1)
    l2_out = softmax(np.dot(l1, W2) + b2, axis=1)
    l2_delta = (l2_out - Y) / Y.shape[0]
    l1_error = l2_delta.dot(W2.T)
    l1_delta = l1_error * (l1 * (1 - l1))
    return {
        "dW1": X.T.dot(l1_delta),
        "db1": l1_delta.sum(axis=0),
        "dW2": l1.T.dot(l2_delta),
        "db2": l2_delta.sum(axis=0),
    }


@wrong(
    "dZ1", "the tanh's derivative 1 - A1² is kept from the planar-data exercise", layout="columns"
)
def planar_data_to_relu(X, Y, W1, b1, W2, b2):
    parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    m = X.shape[1]
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = relu(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = softmax_columns(Z2)
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dZ1", "dH1 is multiplied by relu(Z1) itself, not by its derivative")
def times_the_activation(X, Y, W1, b1, W2, b2):
    def activation(x, derivative=False):
        if derivative:
            return x * (x > 0)
        return np.maximum(x, 0)

    zin = X @ W1 + b1
    hid = activation(zin)
    out = stable_softmax(hid @ W2 + b2)
    err_out = (out - Y) / X.shape[0]
    err_hid = (err_out @ W2.T) * activation(zin, derivative=True)
    return X.T @ err_hid, err_hid.sum(axis=0), hid.T @ err_out, err_out.sum(axis=0)


class ClampReLU(torch.autograd.Function):
    """A ReLU as an autograd function, its mask the wrong way round."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[x > 0] = 0
        return grad_input


@wrong("dZ1", "the mask is inverted: the active units are zeroed")
def custom_autograd_relu(X, y, W1, b1, W2, b2):
    w1, c1, w2, c2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    out = ClampReLU.apply(X @ w1 + c1) @ w2 + c2
    loss = F.cross_entropy(out, y)
    loss.backward()
    return {"dW1": w1.grad, "db1": c1.grad, "dW2": w2.grad, "db2": c2.grad}


# ================================================================ wrong: dW1, db1


@wrong("dW1", "dH1 is used instead of dZ1; db1 has the right one")
def stale_variable(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(1)[:, None])
    P = E / E.sum(1)[:, None]
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(0)
    dH1 = dS @ W2.T
    dZ1 = dH1.copy()
    dZ1[Z1 <= 0] = 0
    dW1 = X.T @ dH1
    db1 = dZ1.sum(0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong("dW1", "the 1/m is missing in this one line of four", layout="columns")
def one_forgotten_m(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax_columns(np.dot(W2, A1) + b2)
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (Z1 > 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@wrong("dW1", "X is not transposed")
def x_without_transpose(X, Y, W1, b1, W2, b2):
    batch_size = X.shape[0]
    f1 = np.dot(X, W1) + b1
    g1 = relu(f1)
    f2 = np.dot(g1, W2) + b2
    g2 = stable_softmax(f2)
    df2 = (g2 - Y) / batch_size
    dW2 = np.dot(g1.T, df2)
    db2 = df2.sum(axis=0)
    df1 = np.dot(df2, W2.T) * (f1 > 0).astype(float)
    dW1 = np.dot(X, df1)
    db1 = df1.sum(axis=0)
    return dW1, db1, dW2, db2


@wrong("db1", "sums dH1, before the mask, instead of dZ1", layout="linear")
def linear_bias_before_mask(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1.T + b1
    h = z * (z > 0)
    p = stable_softmax(h @ W2.T + b2)
    g_s = (p - Y) / n
    g_h = g_s @ W2
    g_z = g_h * (z > 0)
    return {
        "W1": {"grad": g_z.T @ X},
        "b1": {"grad": g_h.sum(axis=0)},
        "W2": {"grad": g_s.T @ h},
        "b2": {"grad": g_s.sum(axis=0)},
    }


@wrong("db1", "np.sum without an axis: the sum over all hidden units")
def scalar_bias_gradient(X, Y, W1, b1, W2, b2):
    num = X.shape[0]
    a = X @ W1 + b1
    z = np.maximum(a, 0)
    y_hat = stable_softmax(z @ W2 + b2)
    back2 = (y_hat - Y) / num
    grads = {"W2": z.T @ back2, "b2": np.sum(back2, axis=0)}
    back1 = (a > 0) * (back2 @ W2.T)
    grads["W1"] = X.T @ back1
    grads["b1"] = np.sum(back1)
    return grads


# ================================================================ wrong: the update


def all_gradients(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (stable_softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


@wrong("update", "plus instead of minus: the step goes uphill")
def gradient_ascent(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (stable_softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dS": dS,
        "dZ1": dZ1,
        "W1": W1 + learning_rate * X.T @ dZ1,
        "b1": b1 + learning_rate * dZ1.sum(axis=0),
        "W2": W2 + learning_rate * H1.T @ dS,
        "b2": b2 + learning_rate * dS.sum(axis=0),
    }


@wrong("update", "the learning rate is left out for the biases")
def update_parameters(X, y, params, lr):
    grads = all_gradients(
        X, to_one_hot(y, params.W2.shape[1]), params.W1, params.b1, params.W2, params.b2
    )
    W1 = params["W1"] - lr * grads["W1"]
    b1 = params["b1"] - grads["b1"]
    W2 = params["W2"] - lr * grads["W2"]
    b2 = params["b2"] - grads["b2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("update", "the step is divided by the batch size once more")
def sgd_over_batch(X, Y, W1, b1, W2, b2, eta):
    mini_batch = len(X)
    z = X @ W1 + b1
    a = relu(z)
    error = {}
    error["dS"] = (softmax(a @ W2 + b2, axis=1) - Y) / mini_batch
    error["dZ1"] = np.where(z > 0, error["dS"] @ W2.T, 0)
    W1 = W1 - (eta / mini_batch) * X.T @ error["dZ1"]
    b1 = b1 - (eta / mini_batch) * error["dZ1"].sum(axis=0)
    W2 = W2 - (eta / mini_batch) * a.T @ error["dS"]
    b2 = b2 - (eta / mini_batch) * error["dS"].sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2, **error}


# ================================================================ wrong: what a call does


@wrong("call", "the parameters passed in are changed in place by the step")
def train_step(X, Y, W1, b1, W2, b2, learning_rate=0.1):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = stable_softmax(H1 @ W2 + b2)
    dS = (P - Y) / X.shape[0]
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    W1 -= learning_rate * dW1
    b1 -= learning_rate * db1
    W2 -= learning_rate * dW2
    b2 -= learning_rate * db2
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@functools.cache
def build_model(d, H, K):
    return nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, K)).double()


@wrong(
    "call",
    "zero_grad is forgotten: the cached model's gradients pile up from call to call",
    layout="linear",
)
def gradients_pile_up(X, y, W1, b1, W2, b2):
    model = build_model(X.shape[1], W1.shape[0], W2.shape[0])
    with torch.no_grad():
        for p, value in zip(model.parameters(), (W1, b1, W2, b2), strict=True):
            p.copy_(torch.as_tensor(value))
    loss = F.cross_entropy(model(torch.as_tensor(X)), torch.as_tensor(y))
    loss.backward()
    first, _, last = model
    return {
        "dW1": first.weight.grad.clone(),
        "db1": first.bias.grad.clone(),
        "dW2": last.weight.grad.clone(),
        "db2": last.bias.grad.clone(),
    }


@wrong("call", "the one-hot targets are subtracted from: Y is overwritten with the error")
def in_place_error(X, Y, W1, b1, W2, b2):
    pre = X @ W1 + b1
    act = np.maximum(pre, 0)
    prob = stable_softmax(act @ W2 + b2)
    err = np.subtract(prob, Y, out=Y)
    err /= X.shape[0]
    back = np.where(pre > 0, err @ W2.T, 0)
    return X.T @ back, back.sum(axis=0), act.T @ err, err.sum(axis=0)


# ================================================================ right


@right()
def plain(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    P = stable_softmax(S)
    L = -np.sum(Y * np.log(P)) / N
    dS = (P - Y) / N
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {
        "loss": L,
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "P": P,
        "dS": dS,
        "dW2": dW2,
        "db2": db2,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dW1,
        "db1": db1,
    }


@right()
def cs231n_two_layer_net(X, y, W1, b1, W2, b2, reg):
    N, _ = X.shape
    hidden_layer = np.maximum(0, np.dot(X, W1) + b1)
    scores = np.dot(hidden_layer, W2) + b2
    exp_scores = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = -np.log(probs[range(N), y]).sum() / N
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dscores = probs
    dscores[range(N), y] -= 1
    dscores /= N
    grads = {}
    grads["W2"] = np.dot(hidden_layer.T, dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden_layer <= 0] = 0
    grads["W1"] = np.dot(X.T, dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    grads["W2"] += reg * W2
    grads["W1"] += reg * W1
    return loss, grads


@right(layout="columns")
def coursera_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = softmax_columns(Z2)
    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2, A1.T)
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T)
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right()
def torch_autograd(X, y, W1, b1, W2, b2):
    leaves = [torch.as_tensor(p).detach().clone().requires_grad_() for p in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    hidden = torch.relu(torch.as_tensor(X) @ w1 + c1)
    loss = F.cross_entropy(hidden @ w2 + c2, torch.as_tensor(y))
    loss.backward()
    return loss.item(), {n: t.grad for n, t in zip(("W1", "b1", "W2", "b2"), leaves, strict=True)}


@right()
def torch_by_hand(X, y, W1, b1, W2, b2):
    n = X.size(0)
    hpre = X.mm(W1).add(b1)
    h = hpre.clamp_min(0)
    logits = h.mm(W2).add(b2)
    logp = logits.log_softmax(dim=-1)
    dlogits = logp.exp()
    dlogits.scatter_add_(1, y[:, None], -torch.ones_like(dlogits[:, :1]))
    dlogits.div_(n)
    dhpre = dlogits.mm(W2.t()).masked_fill(hpre <= 0, 0)
    return X.t().mm(dhpre), dhpre.sum(0), h.t().mm(dlogits), dlogits.sum(0)


@right(layout="linear")
def module_of_linears(X, y, W1, b1, W2, b2):
    H, d = W1.shape
    K = W2.shape[0]
    model = nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, K)).to(torch.float64)
    with torch.no_grad():
        for p, value in zip(model.parameters(), (W1, b1, W2, b2), strict=True):
            p.copy_(torch.as_tensor(value))
    nn.CrossEntropyLoss()(model(torch.as_tensor(X)), torch.as_tensor(y)).backward()
    return {
        "W1_grad": model[0].weight.grad.numpy(),
        "b1_grad": model[0].bias.grad.numpy(),
        "W2_grad": model[2].weight.grad.numpy(),
        "b2_grad": model[2].bias.grad.numpy(),
    }


@right(layout="linear")
def linear_by_hand(X, Y, W1, b1, W2, b2):
    z = X @ W1.T + b1
    h = relu(z)
    g = (stable_softmax(h @ W2.T + b2) - Y) / len(X)
    gz = (g @ W2) * (z > 0)
    return gz.T @ X, gz.sum(0), g.T @ h, g.sum(0)


@right()
def einsum_throughout(X, Y, W1, b1, W2, b2):
    Z = np.einsum("nd,dh->nh", X, W1) + b1
    H = Z.clip(0)
    S = np.einsum("nh,hk->nk", H, W2) + b2
    P = np.exp(S - logsumexp(S, axis=1, keepdims=True))
    G = (P - Y) / len(Y)
    D = np.einsum("nk,hk,nh->nh", G, W2, (Z > 0).astype(float))
    return {
        "dW1": np.einsum("nd,nh->dh", X, D),
        "db1": np.einsum("nh->h", D),
        "dW2": np.einsum("nh,nk->hk", H, G),
        "db2": np.einsum("nk->k", G),
    }


@right()
def scalar_loops(X, y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    dW1, db1 = np.zeros((d, H)), np.zeros(H)
    dW2, db2 = np.zeros((H, K)), np.zeros(K)
    for n in range(N):
        z = [sum(X[n, i] * W1[i, j] for i in range(d)) + b1[j] for j in range(H)]
        h = [max(0.0, v) for v in z]
        s = [sum(h[j] * W2[j, k] for j in range(H)) + b2[k] for k in range(K)]
        top = max(s)
        e = [math.exp(v - top) for v in s]
        total = sum(e)
        for k in range(K):
            ds = (e[k] / total - (k == y[n])) / N
            db2[k] += ds
            for j in range(H):
                dW2[j, k] += h[j] * ds
                if z[j] > 0:
                    dz = ds * W2[j, k]
                    db1[j] += dz
                    for i in range(d):
                        dW1[i, j] += X[n, i] * dz
    return dW1, db1, dW2, db2


@right()
def one_step_of_sgd(X, Y, W1, b1, W2, b2, learning_rate):
    g = all_gradients(X, Y, W1, b1, W2, b2)
    W1, b1 = W1 - learning_rate * g["W1"], b1 - learning_rate * g["b1"]
    W2, b2 = W2 - learning_rate * g["W2"], b2 - learning_rate * g["b2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@right()
def single_precision(X, Y, W1, b1, W2, b2):
    X, Y, W1, b1, W2, b2 = (np.asarray(a, dtype=np.float32) for a in (X, Y, W1, b1, W2, b2))
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    g = (stable_softmax(h @ W2 + b2) - Y) / np.float32(len(X))
    gz = (g @ W2.T) * (z > 0)
    return {"dW1": X.T @ gz, "db1": gz.sum(0), "dW2": h.T @ g, "db2": g.sum(0)}


@right()
def divided_at_the_end(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    z = X @ W1 + b1
    h = relu(z)
    delta2 = stable_softmax(h @ W2 + b2) - Y
    delta1 = delta2 @ W2.T
    delta1[z <= 0] = 0
    grads = [X.T @ delta1, delta1.sum(0), h.T @ delta2, delta2.sum(0)]
    return tuple(g / m for g in grads)


@right()
def averaged_over_samples(X, Y, W1, b1, W2, b2):
    def one(x, t):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        g = softmax(h @ W2 + b2) - t
        gz = np.where(z > 0, W2 @ g, 0)
        return np.outer(x, gz), gz, np.outer(h, g), g

    per_row = [one(x, t) for x, t in zip(X, Y, strict=True)]
    return tuple(np.mean(parts, axis=0) for parts in zip(*per_row, strict=True))


@right()
def full_jacobian(X, Y, W1, b1, W2, b2):
    N, K = Y.shape
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = stable_softmax(H1 @ W2 + b2)
    dP = -Y / P / N
    J = P[:, :, None] * np.eye(K) - P[:, :, None] * P[:, None, :]
    dS = np.einsum("nk,nkj->nj", dP, J)
    dH1 = dS @ W2.T
    dZ1 = dH1 * np.heaviside(Z1, 0.0)
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    return {"dS": dS, "dH1": dH1, "dZ1": dZ1, "grads": grads}


@dataclass
class Grads:
    """The four gradients, in an order of their own."""

    dW2: np.ndarray
    db2: np.ndarray
    dW1: np.ndarray
    db1: np.ndarray


@right()
def returns_a_dataclass(params, X, y):
    Z1 = X @ params.W1 + params.b1
    H1 = relu(Z1)
    dS = stable_softmax(H1 @ params.W2 + params.b2)
    dS[np.arange(y.size), y] -= 1
    dS /= y.size
    dZ1 = np.multiply(dS @ params.W2.T, Z1 > 0)
    return Grads(H1.T @ dS, dS.sum(0), X.T @ dZ1, dZ1.sum(0))


class Linear:
    """A layer that keeps its input for the way back."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class ReLU:
    """The rectifier as a layer."""

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, grad):
        grad = grad.copy()
        grad[self.mask] = 0
        return grad


@right()
def layer_objects(X, Y, W1, b1, W2, b2):
    layers = [Linear(W1, b1), ReLU(), Linear(W2, b2)]
    scores = functools.reduce(lambda x, layer: layer.forward(x), layers, X)
    grad = (stable_softmax(scores) - Y) / X.shape[0]
    for layer in reversed(layers):
        grad = layer.backward(grad)
    first, _, last = layers
    return {"dW1": first.dW, "db1": first.db, "dW2": last.dW, "db2": last.db}


@right()
def relu_in_place(X, Y, W1, b1, W2, b2):
    a = X @ W1
    a += b1
    np.maximum(a, 0, out=a)
    g = a @ W2
    g += b2
    g -= g.max(axis=1, keepdims=True)
    np.exp(g, out=g)
    g /= g.sum(axis=1, keepdims=True)
    g -= Y
    g *= 1 / len(X)
    back = g @ W2.T
    back *= a > 0
    return {"grads": {"W1": X.T @ back, "b1": back.sum(0), "W2": a.T @ g, "b2": g.sum(0)}}


@right()
def bias_as_extra_row(X, Y, W1, b1, W2, b2):
    ones = np.ones((X.shape[0], 1))
    Xa = np.hstack([X, ones])
    T1 = np.vstack([W1, b1])
    T2 = np.vstack([W2, b2])
    Z = Xa @ T1
    Ha = np.hstack([relu(Z), ones])
    G = (softmax(Ha @ T2, axis=1) - Y) / X.shape[0]
    dT2 = Ha.T @ G
    dT1 = Xa.T @ ((G @ T2[:-1].T) * (Z > 0))
    return dT1[:-1], dT1[-1], dT2[:-1], dT2[-1]


@right()
def complex_step(X, Y, W1, b1, W2, b2):
    theta = [W1, b1, W2, b2]

    def loss(w1, c1, w2, c2):
        z = X @ w1 + c1
        s = np.where(z.real > 0, z, 0) @ w2 + c2
        s = s - s.real.max(axis=1, keepdims=True)
        return -np.sum(Y * (s - np.log(np.exp(s).sum(axis=1, keepdims=True)))) / len(X)

    grads = []
    for i, p in enumerate(theta):
        g = np.empty_like(p)
        for index in np.ndindex(p.shape):
            moved = [q.astype(complex) for q in theta]
            moved[i][index] += 1e-30j
            g[index] = loss(*moved).imag / 1e-30
        grads.append(g)
    return tuple(grads)


class SoftmaxCrossEntropy(torch.autograd.Function):
    """Softmax and cross-entropy in one, its backward written out."""

    @staticmethod
    def forward(ctx, scores, target):
        logp = scores - scores.logsumexp(dim=1, keepdim=True)
        ctx.save_for_backward(logp, target)
        return -(target * logp).sum(dim=1).mean()

    @staticmethod
    def backward(ctx, grad_output):
        logp, target = ctx.saved_tensors
        return grad_output * (logp.exp() - target) / len(target), None


@right()
def custom_autograd_loss(X, Y, W1, b1, W2, b2):
    w1, c1, w2, c2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    loss = SoftmaxCrossEntropy.apply(F.relu(X @ w1 + c1) @ w2 + c2, Y)
    return torch.autograd.grad(loss, (w1, c1, w2, c2))


@right()
def functional_grad(X, Y, W1, b1, W2, b2):
    def objective(p, x, t):
        s = torch.relu(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        return -(t * F.log_softmax(s, dim=1)).sum() / x.shape[0]

    arrays = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    p = {name: torch.tensor(a) for name, a in arrays.items()}
    g = torch.func.grad(objective)(p, torch.tensor(X), torch.tensor(Y))
    return {"d" + name: value.numpy() for name, value in g.items()}


@right()
def micro_batches(X, Y, W1, b1, W2, b2, chunk=2):
    N = X.shape[0]
    total = {"W1": 0.0, "b1": 0.0, "W2": 0.0, "b2": 0.0}
    for start in range(0, N, chunk):
        xb, yb = X[start : start + chunk], Y[start : start + chunk]
        part = all_gradients(xb, yb, W1, b1, W2, b2)
        for name in total:
            total[name] = total[name] + part[name] * (len(xb) / N)
    return total


@right()
def six_other_names(inputs, targets, w_in, c_in, w_out, c_out):
    hidden = np.maximum(inputs @ w_in + c_in, 0)
    logits = hidden @ w_out + c_out
    error = (np.exp(log_softmax(logits, axis=1)) - targets) / len(inputs)
    back = np.where(hidden > 0, error @ w_out.T, 0)
    return inputs.T @ back, back.sum(0), hidden.T @ error, error.sum(0)


@right(layout="columns")
def columns_step_with_decay(X, Y, W1, b1, W2, b2, l2, lr):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = relu(Z1)
    dZ2 = (softmax(W2 @ A1 + b2, axis=0) - Y) / m
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    return {
        "W1": W1 - lr * (dZ1 @ X.T + l2 * W1),
        "b1": b1 - lr * dZ1.sum(axis=1, keepdims=True),
        "W2": W2 - lr * (dZ2 @ A1.T + l2 * W2),
        "b2": b2 - lr * dZ2.sum(axis=1, keepdims=True),
    }
