"""Right functions."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, logsumexp, softmax
from torch import nn

from corpus.registry import right
from corpus.test_a.held_out.shared import all_gradients, relu, softmax_columns, stable_softmax


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
