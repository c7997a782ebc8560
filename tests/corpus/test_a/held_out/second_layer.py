"""Faults in dS, dW2 and db2."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import logsumexp, softmax

from corpus.registry import wrong
from corpus.test_a.held_out.shared import relu, softmax_columns, stable_softmax

# --- dS ------------------------------------------------------------------------------------------


@wrong("dS.scale.no_mean", "the division by N is missing")
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


@wrong("dS.scale.no_mean", "P - Y is not divided by the number of rows")
def run_two_layer_net(X, Y, W1, b1, W2, b2):
    net = TwoLayerNet(W1, b1, W2, b2)
    net.forward(X)
    net.backward(Y)
    return net


@wrong(
    "dS.scale.no_mean",
    "the gradient is that of the summed loss: no 1/N",
    layout="linear",
    reduction="mean",
)
def torch_sum_reduction(X, y, W1, b1, W2, b2):
    params = [t.clone().detach().requires_grad_() for t in (W1, b1, W2, b2)]
    h = F.linear(X, params[0], params[1]).relu()
    logits = F.linear(h, params[2], params[3])
    loss = F.cross_entropy(logits, y, reduction="sum")
    g = torch.autograd.grad(loss, params)
    return {"dW1": g[0], "db1": g[1], "dW2": g[2], "db2": g[3]}


@wrong("dS.sign.flipped", "Y - P: the sign is turned round")
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


@wrong(
    "dS.scale.by_d",
    "m is the number of features X.shape[0] where samples are columns",
    layout="columns",
)
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


@wrong("dS.scale.by_K", "the divisor is the number of classes, Y.shape[1], instead of N")
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


@wrong(
    "dS.factor.sigmoid_slope",
    "the derivative of the squared error through a sigmoid: (P - Y) P (1 - P) / N",
)
def delta_rule(X, Y, W1, b1, W2, b2):
    net_h = X @ W1 + b1
    out_h = np.maximum(net_h, 0)
    net_o = out_h @ W2 + b2
    out_o = stable_softmax(net_o)
    delta_o = (out_o - Y) * out_o * (1 - out_o) / X.shape[0]
    delta_h = delta_o @ W2.T * (net_h > 0)
    return X.T @ delta_h, delta_h.sum(0), out_h.T @ delta_o, delta_o.sum(0)


@wrong("dS.loss.squared_error_no_softmax", "the factor 2 of a squared error stands before P - Y")
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


@wrong("dS.softmax.skipped", "dL/dP = -Y/P is handed on as dS; the softmax is not differentiated")
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


@wrong(
    "dS.labels.columns_of_all_rows",
    "dscores[:, y] takes 1 off whole columns, not off each row's own class",
)
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


@wrong(
    "dS.labels.previous_class_cyclic",
    "labels are taken as 1-based: y - 1 is marked in the one-hot targets",
)
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


@wrong(
    "dS.softmax.true_class_only",
    "only the diagonal P (1 - P) of the softmax's Jacobian is multiplied in",
)
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


@wrong("dS.labels.not_subtracted", "the 1 of the true class is never taken off: P / N")
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


# --- dW2, db2 ------------------------------------------------------------------------------------


@wrong("dW2.operand.Z1_for_H1", "Z1 stands where H1 belongs")
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


@wrong("dW2.scale.mean_twice", "divided by N a second time")
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


@wrong(
    "dW2.transpose.result",
    "the einsum's output indices are swapped: the gradient comes out transposed",
)
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


@wrong(
    "dW2.subset.last_row_only",
    "assigned and not accumulated in the loop: only the last sample counts",
)
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


@wrong("dW2.penalty.missing", "the L2 term is added to dW1 only, though the loss penalises both")
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


@wrong("dW2.penalty.subtracted", "the L2 term is subtracted instead of added")
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


@wrong("db2.reduction.mean", "mean over the rows instead of sum, on top of the 1/N in dS")
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


@wrong(
    "db2.reduction.over_all_in_vector",
    "np.sum without an axis: one number for all classes",
    layout="columns",
)
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


@wrong(
    "db2.reduction.over_classes",
    "the sum runs over axis 1, the classes, and gives one number a row",
)
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
