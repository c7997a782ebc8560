"""Faults in Z1, H1, S, P and the loss."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, softmax

from corpus.registry import wrong
from corpus.test_a.held_out.shared import relu, softmax_columns, stable_softmax, to_one_hot

# --- the forward pass ----------------------------------------------------------------------------


@wrong("Z1.bias.missing", "the hidden layer's bias b1 is left out")
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


@wrong("Z1.input.by_255", "the input is scaled by 1/255 in the forward pass, and not in dW1")
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


@wrong(
    "H1.activation.leaky_0_01",
    "a leaky ReLU with slope 0.01 stands in the forward pass, a plain one in the backward",
    activation="relu",
    loss="cross_entropy",
)
def leaky_forward(X, Y, W1, b1, W2, b2, alpha=0.01):
    Z1 = X @ W1 + b1
    A1 = np.where(Z1 > 0, Z1, alpha * Z1)
    Z2 = A1 @ W2 + b2
    A2 = stable_softmax(Z2)
    dZ2 = (A2 - Y) / len(X)
    dA1 = dZ2 @ W2.T
    dZ1 = np.where(Z1 > 0, dA1, 0)
    return X.T @ dZ1, dZ1.sum(0), A1.T @ dZ2, dZ2.sum(0)


@wrong(
    "H1.activation.tanh",
    "the hidden activation is a tanh, though its derivative is that of a ReLU",
    activation="relu",
    loss="cross_entropy",
)
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


@wrong("S.activation.relu", "the logits go through a ReLU as well")
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


@wrong("S.operand.Z1_for_H1", "the output layer is fed the pre-activation Z1 instead of H1")
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


@wrong("S.bias.missing", "the output layer's bias b2 is left out", layout="linear")
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


@wrong(
    "P.softmax.over_rows",
    "the softmax normalises over axis 0, the rows of the batch, not over the classes",
)
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


@wrong("P.softmax.sum_of_batch", "the exponentials are divided by their sum over the whole batch")
def softmax_of_one_sample(X, Y, W1, b1, W2, b2):
    hidden_in = X @ W1 + b1
    hidden_out = hidden_in * (hidden_in > 0)
    output_in = hidden_out @ W2 + b2
    exps = np.exp(output_in - np.max(output_in))
    output = exps / np.sum(exps)
    error = (output - Y) / X.shape[0]
    hidden_error = (error @ W2.T) * (hidden_in > 0)
    return X.T @ hidden_error, hidden_error.sum(0), hidden_out.T @ error, error.sum(0)


@wrong(
    "P.activation.sigmoid",
    "the output is an element-wise sigmoid instead of a softmax",
    activation="relu",
    loss="cross_entropy",
)
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


@wrong("P.softmax.over_rows", "torch.softmax runs over dim=0")
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


@wrong(
    "P.softmax.over_rows",
    "the softmax of the batch-last logits sums over axis 1, the samples",
    layout="columns",
)
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


@wrong(
    "P.softmax.maxima_of_columns",
    "each class's maximum over the batch is subtracted, not each row's maximum",
)
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


@wrong(
    "P.softmax.maximum_above_only",
    "the numerator is shifted by the maximum and the denominator is not",
)
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


@wrong(
    "P.softmax.twice.with_derivative",
    "a softmax is taken of the softmax: cross_entropy is given probabilities",
)
def autograd_double_softmax(X, y, W1, b1, W2, b2):
    leaves = [p.detach().clone().requires_grad_(True) for p in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    hidden = F.relu(X @ w1 + c1)
    probs = F.softmax(hidden @ w2 + c2, dim=1)
    loss = F.cross_entropy(probs, y)
    loss.backward()
    return tuple(p.grad for p in leaves)


# --- the loss ------------------------------------------------------------------------------------


@wrong("L.reduction.sum", "the loss is summed over the rows and not divided by N")
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


@wrong("L.scale.by_NK", "np.mean over all N·K entries: the loss is divided by N·K")
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


@wrong(
    "L.labels.columns_of_all_rows", "P[:, y] picks an N by N matrix instead of each row's own class"
)
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


@wrong(
    "L.loss.binary_cross_entropy",
    "the binary cross-entropy of every output is summed",
    layout="columns",
)
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


@wrong("L.sign.flipped", "the minus sign of the log-likelihood is missing")
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
