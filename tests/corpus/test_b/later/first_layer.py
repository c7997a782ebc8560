"""Faults in dH1, dZ1, dW1 and db1."""

from __future__ import annotations

import functools

import numpy as np
import torch
from scipy.special import softmax
from torch.nn import functional as F

from corpus.registry import right, wrong
from corpus.test_b.later.shared import Dense, GradientBundle, Rectifier, _c_forward


@right()
def colleague_with_mask(X, y, W1, b1, W2, b2):
    n = X.shape[0]
    pre = X @ W1 + b1
    hid = pre * (pre > 0)
    prob = softmax(hid @ W2 + b2, axis=1)
    prob[np.arange(n), y] -= 1
    prob /= n
    dhid = prob @ W2.T
    dpre = dhid * (pre >= 0)
    return X.T @ dpre, dpre.sum(0), hid.T @ prob, prob.sum(0)


@wrong(
    "db1.reduction.mean",
    "the bias gradient is averaged over the rows a second time",
    layout="columns",
)
def coursera_week_four(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    t = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
    A2 = t / np.sum(t, axis=0, keepdims=True)
    dZ2 = (A2 - Y) / m
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(Z1 > 0))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.mean(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@wrong(
    "dW1.alignment.row_before",
    "the inputs of the row before are paired with the errors of this row",
)
def physicist_index_slip(X, y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    gW1 = np.zeros((d, H))
    gb1 = np.zeros(H)
    gW2 = np.zeros((H, K))
    gb2 = np.zeros(K)
    for n in range(N):
        z = X[n] @ W1 + b1
        h = np.maximum(z, 0.0)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p /= p.sum()
        p[y[n]] -= 1.0
        p /= N
        gb2 += p
        gW2 += np.outer(h, p)
        dz = (W2 @ p) * (z > 0)
        gb1 += dz
        for i in range(d):
            gW1[i] += X[n - 1, i] * dz
    return gW1, gb1, gW2, gb2


@wrong(
    "dH1.order.W2_after_its_update",
    "the output weights had been stepped before the error was sent back through them",
)
def sgd_on_the_fly(X, Y, W1, b1, W2, b2, lr):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / N
    new_W2 = W2 - lr * (H1.T @ dS)
    new_b2 = b2 - lr * dS.sum(0)
    dZ1 = (dS @ new_W2.T) * (Z1 > 0)
    new_W1 = W1 - lr * (X.T @ dZ1)
    new_b1 = b1 - lr * dZ1.sum(0)
    return {"W1": new_W1, "b1": new_b1, "W2": new_W2, "b2": new_b2}


class AffineReluNet:
    """A two-layer net in the manner of a vision course's second assignment."""

    def __init__(self, W1, b1, W2, b2):
        self.params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

    def loss(self, X, y):
        p = self.params
        N = X.shape[0]
        hidden = np.maximum(0, X.dot(p["W1"]) + p["b1"])
        scores = hidden.dot(p["W2"]) + p["b2"]
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[range(N), y])) / N
        dscores = probs.copy()
        dscores[range(N), y] -= 1
        dscores /= N
        grads = {}
        grads["W2"] = hidden.T.dot(dscores)
        grads["b2"] = np.sum(dscores, axis=0)
        dhidden = dscores.dot(p["W2"].T)
        dhidden[dhidden <= 0] = 0
        grads["W1"] = X.T.dot(dhidden)
        grads["b1"] = np.sum(dhidden, axis=0)
        return loss, grads


@wrong("dZ1.mask.sign_of_dH1", "the gradient is cut where it is itself negative, not where Z1 is")
def vision_course_net(X, y, W1, b1, W2, b2):
    return AffineReluNet(W1, b1, W2, b2).loss(X, y)


class _HandReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx, upstream):
        (z,) = ctx.saved_tensors
        return upstream * (z < 0)


@wrong("dZ1.mask.reversed", "the comparison is the wrong way round: only dead units learn")
def autograd_function_relu(X, y, W1, b1, W2, b2):
    leaves = [t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2)]
    w1, c1, w2, c2 = leaves
    loss = F.cross_entropy(_HandReLU.apply(X @ w1 + c1) @ w2 + c2, y)
    loss.backward()
    return tuple(t.grad for t in leaves)


@wrong("dZ1.mask.H1", "the error is multiplied by the activations and not by their derivative")
def golfer(X, Y, W, b, V, c):
    h = np.maximum(X @ W + b, 0)
    e = np.exp(h @ V + c)
    r = (e / e.sum(1)[:, None] - Y) / len(X)
    q = r @ V.T * h
    return X.T @ q, q.sum(0), h.T @ r, r.sum(0)


@wrong(
    "dH1.subset.last_class_only",
    "an assignment where an accumulation belongs: only the last class is kept",
)
def c_programmer(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    gW1 = np.zeros((d, H))
    gb1 = np.zeros(H)
    gW2 = np.zeros((H, K))
    gb2 = np.zeros(K)
    for n in range(N):
        ds = [(p[n][k] - Y[n, k]) / N for k in range(K)]
        for k in range(K):
            gb2[k] += ds[k]
            for j in range(H):
                gW2[j, k] += max(0.0, z[n][j]) * ds[k]
        for j in range(H):
            acc = 0.0
            for k in range(K):
                acc = ds[k] * W2[j, k]
            if z[n][j] > 0:
                gb1[j] += acc
                for i in range(d):
                    gW1[i, j] += X[n, i] * acc
    return gW1, gb1, gW2, gb2


@wrong(
    "dW1.subset.last_row_only",
    "the accumulator is set anew for each row, so that only the last one counts",
)
def c_programmer_on_friday(X, Y, W1, b1, W2, b2):
    N, d = X.shape
    H, K = W2.shape
    z, p = _c_forward(X, W1, b1, W2, b2, N, d, H, K)
    h = np.maximum(np.array(z), 0)
    ds = (np.array(p) - Y) / N
    dz = (ds @ W2.T) * (h > 0)
    gW1 = np.zeros((d, H))
    for i in range(d):
        for j in range(H):
            for n in range(N):
                gW1[i, j] = X[n, i] * dz[n, j]
    return {"dw1": gW1, "db1": dz.sum(axis=0), "dw2": h.T @ ds, "db2": ds.sum(axis=0)}


@wrong("db1.penalty.on_bias", "weight decay is applied to the hidden bias as well")
def decays_bias(X, Y, W1, b1, W2, b2, weight_decay):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1 + weight_decay * W1,
        "db1": dZ1.sum(axis=0) + weight_decay * b1,
        "dW2": H1.T @ dS + weight_decay * W2,
        "db2": dS.sum(axis=0),
    }


@wrong("dH1.function.sign_of_W2", "only the signs of the output weights are used on the way back")
def feedback_by_sign(X, Y, W1, b1, W2, b2):
    N = Y.shape[0]
    pre = X @ W1 + b1
    act = np.maximum(pre, 0)
    out = softmax(act @ W2 + b2, axis=1)
    d2 = (out - Y) / N
    d1 = (d2 @ np.sign(W2).T) * (pre > 0)
    return {"W1": X.T @ d1, "b1": d1.sum(0), "W2": act.T @ d2, "b2": d2.sum(0)}


@wrong("dW1.scale.mean_twice", "divided by the number of rows once more", layout="linear")
def linear_twice_averaged(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2.T + b2, axis=1) - Y) / n
    dZ1 = (dS @ W2) * (Z1 > 0)
    return {
        "dW1": dZ1.T @ X / n,
        "db1": dZ1.sum(0),
        "dW2": dS.T @ H1,
        "db2": dS.sum(0),
    }


@wrong(
    "dW1.operand.dH1_for_dZ1",
    "the raw error of the hidden layer is used, before the mask of the ReLU",
)
def dataclass_author(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / X.shape[0]
    dH1 = dS @ W2.T
    dZ1 = dH1 * (Z1 > 0)
    return GradientBundle(dW1=X.T @ dH1, db1=np.sum(dZ1, 0), dW2=H1.T @ dS, db2=np.sum(dS, 0))


@wrong(
    "db1.operand.dH1_summed",
    "the raw error of the hidden layer is summed, before the mask of the ReLU",
)
def functional_style(params, X, Y):
    pre = X @ params["W1"] + params["b1"]
    act = np.maximum(pre, 0)
    logits = act @ params["W2"] + params["b2"]
    cot = (softmax(logits, axis=-1) - Y) / X.shape[0]
    cot_act = cot @ params["W2"].T
    cot_pre = cot_act * (pre > 0)
    return {
        "W1": X.T @ cot_pre,
        "b1": cot_act.sum(0),
        "W2": act.T @ cot,
        "b2": cot.sum(0),
    }


class TiredRectifier(Rectifier):
    """The rectifier of the library's second edition."""

    def backward(self, g):
        return g


@wrong("dZ1.mask.missing", "the activation layer hands the gradient on without its mask")
def layer_library(X, Y, W1, b1, W2, b2):
    first, second, act = Dense(W1, b1), Dense(W2, b2), TiredRectifier()
    out = second.forward(act.forward(first.forward(X)))
    g = (softmax(out, axis=1) - Y) / len(X)
    first.backward(act.backward(second.backward(g)))
    return first.dW, first.db, second.dW, second.db


@wrong("dH1.subset.first_class_only", "the error is sent back from the first class only")
def one_class_back(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    H1 = Z1 * (Z1 > 0)
    P = softmax(np.einsum("nh,hk->nk", H1, W2) + b2, axis=1)
    dS = (P - Y) / N
    dH1 = np.einsum("n,h->nh", dS[:, 0], W2[:, 0])
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dH1": dH1,
        "dW1": np.einsum("nd,nh->dh", X, dZ1),
        "db1": np.einsum("nh->h", dZ1),
        "dW2": np.einsum("nh,nk->hk", H1, dS),
        "db2": np.einsum("nk->k", dS),
    }


@wrong("dH1.transpose.W2", "the output weights are not transposed, which raises unless H equals K")
def forgot_transpose(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dH1 = dS @ W2
    dZ1 = dH1 * (Z1 > 0)
    return {
        "dW1": X.T @ dZ1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS,
        "db2": dS.sum(axis=0),
    }


@wrong("dZ1.derivative.tanh", "the derivative of tanh is multiplied in, not that of the ReLU")
def tanh_leftover(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dZ2 = (P - Y) / N
    dZ1 = np.dot(dZ2, W2.T) * (1 - np.power(H1, 2))
    return {
        "dZ1": dZ1,
        "dW1": np.dot(X.T, dZ1),
        "db1": np.sum(dZ1, axis=0),
        "dW2": np.dot(H1.T, dZ2),
        "db2": np.sum(dZ2, axis=0),
    }


@wrong(
    "dZ1.mask.of_sum_over_rows", "one mask for all rows, from the mean of each unit over the batch"
)
def one_mask_for_all(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    alive = Z1.mean(axis=0) > 0
    dZ1 = (dS @ W2.T) * alive
    return X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)


@wrong("dW1.penalty.subtracted", "the penalty's term is taken away")
def decay_sign(X, Y, W1, b1, W2, b2, l2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    loss = -np.sum(Y * np.log(P)) / N + 0.5 * l2 * (np.sum(W1**2) + np.sum(W2**2))
    dS = (P - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads = {
        "dW1": X.T @ dZ1 - l2 * W1,
        "db1": dZ1.sum(axis=0),
        "dW2": H1.T @ dS + l2 * W2,
        "db2": dS.sum(axis=0),
    }
    return loss, grads


@wrong("db1.subset.no_last_row", "the last row is left out of the sum")
def slice_slip(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    r = (softmax(h @ W2 + b2, axis=1) - Y) / n
    q = (r @ W2.T) * (z > 0)
    db1 = functools.reduce(np.add, q[:-1])
    return {"dW1": X.T @ q, "db1": db1, "dW2": h.T @ r, "db2": functools.reduce(np.add, r)}
