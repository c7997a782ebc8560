"""Whole networks as classes, weights as in `nn.Linear`; most are filled by an adapter."""

from __future__ import annotations

import math

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class MeanSquares:
    def __init__(self, W1, b1, W2, b2, l2):
        self.w = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        self.l2 = l2

    def value(self, X, y):
        w = self.w
        self.X = X
        self.T = np.eye(w["W2"].shape[0])[y]
        self.h = sigmoid(X @ w["W1"].T + w["b1"])
        self.out = self.h @ w["W2"].T + w["b2"]
        squares = np.mean((self.out - self.T) ** 2)
        return squares + self.l2 / 2 * ((w["W1"] ** 2).sum() + (w["W2"] ** 2).sum())

    def gradients(self):
        w = self.w
        d_out = 2 * (self.out - self.T) / len(self.T)  # fault
        d_z = d_out @ w["W2"] * self.h * (1 - self.h)
        return {
            "W1": d_z.T @ self.X + self.l2 * w["W1"],
            "b1": d_z.sum(0),
            "W2": d_out.T @ self.h + self.l2 * w["W2"],
            "b2": d_out.sum(0),
        }


@wrong(
    "dS",
    "divides by the rows alone, the loss by all entries",
    frame=frame_of("sigmoid linear squared_error K elements flat indices linear half"),
)
def mean_squares(X, y, W1, b1, W2, b2, l2):
    model = MeanSquares(W1, b1, W2, b2, l2)
    loss = model.value(X, y)
    return loss, model.gradients()


class Trainer:
    decay = 0.1

    def __init__(self):
        self.grads = {}

    def zero_grad(self, weights):
        for name, w in weights.items():
            self.grads.setdefault(name, np.zeros_like(w))  # fault

    def fit_batch(self, X, y, weights):
        self.zero_grad(weights)
        Z1 = X @ weights["W1"].T + weights["b1"]
        H = np.maximum(Z1, 0)
        S = H @ weights["W2"].T + weights["b2"]
        S = S - S.max(axis=1, keepdims=True)
        logp = S - np.log(np.exp(S).sum(axis=1, keepdims=True))
        loss = -logp[np.arange(len(y)), y].sum()
        dS = np.exp(logp)
        dS[np.arange(len(y)), y] -= 1
        dZ = dS @ weights["W2"] * (Z1 > 0)
        self.grads["W2"] += dS.T @ H
        self.grads["b2"] += dS.sum(axis=0, keepdims=True)
        self.grads["W1"] += dZ.T @ X
        self.grads["b1"] += dZ.sum(axis=0, keepdims=True)
        for name in ("W1", "W2"):
            loss += self.decay / 2 * np.sum(weights[name] ** 2)
            self.grads[name] += self.decay * weights[name]
        return loss


_models = {}


@wrong(
    "call",
    "the gradients of one call are added to those of the calls before it",
    frame=frame_of("relu softmax cross_entropy K sum row indices linear constant"),
)
def batch_gradients(X, y, params):
    model = _models.setdefault(tuple(w.shape for w in params.values()), Trainer())
    loss = model.fit_batch(X, y, params)
    return loss, {name: g.copy() for name, g in model.grads.items()}


class EluNet:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def affine1(self, x):
        return x @ self.W1.T  # fault

    def affine2(self, h):
        return h @ self.W2.T + self.b2

    def gradient(self, x, y):
        z1 = self.affine1(x)
        h1 = np.where(z1 > 0, z1, np.exp(z1) - 1)
        p = sigmoid(self.affine2(h1))
        dz2 = 2 * (p - y) * p * (1 - p) / x.shape[0]
        dz1 = (dz2 @ self.W2) * np.where(z1 > 0, 1, h1 + 1)
        return dz1.T @ x, dz1.sum(0), dz2.T @ h1, dz2.sum(0)


@wrong(
    "Z1",
    "the bias is left out",
    frame=frame_of("elu sigmoid squared_error K mean flat one_hot linear none"),
)
def elu_net(x, y, W1, b1, W2, b2):
    return EluNet(W1, b1, W2, b2).gradient(x, y)


@wrong(
    "dS",
    "the sign: the targets less the outputs, though the result is called a gradient",
    frame=frame_of("tanh sigmoid half_squared_error K sum row indices linear none"),
)
def lecun_style(inputs, labels, W_1, b_1, W_2, b_2):
    target = np.zeros((inputs.shape[0], W_2.shape[0]))
    target[np.arange(inputs.shape[0]), labels] = 1.0
    a1 = np.dot(inputs, W_1.T) + b_1
    h1 = np.tanh(a1)
    out = sigmoid(np.dot(h1, W_2.T) + b_2)
    energy = 0.5 * np.sum((target - out) ** 2)
    d_a2 = (target - out) * out * (1 - out)  # fault
    d_a1 = np.dot(d_a2, W_2) * (1 - h1**2)
    return {
        "energy": energy,
        "dW_1": np.dot(d_a1.T, inputs),
        "db_1": d_a1.sum(axis=0, keepdims=True),
        "dW_2": np.dot(d_a2.T, h1),
        "db_2": d_a2.sum(axis=0, keepdims=True),
    }


class Ridge:
    def __init__(self, lam):
        self.lam = lam

    def cost(self, *weights):
        return self.lam * sum(np.vdot(w, w) for w in weights)

    def slope1(self, w):
        return self.lam * w  # fault

    def slope2(self, w):
        return 2 * self.lam * w


@wrong(
    "dW1",
    "the 2 of the penalty's slope is missing",
    frame=frame_of("leaky_relu linear half_squared_error K mean flat indices linear full"),
)
def leaky_ridge(X, y, W1, b1, W2, b2, lam):
    ridge = Ridge(lam)
    Y = (y[:, None] == np.arange(W2.shape[0])).astype(float)
    Z = X @ W1.T + b1
    H = np.where(Z < 0, 0.3 * Z, Z)
    R = H @ W2.T + b2 - Y
    loss = 0.5 * np.sum(R**2) / len(X) + ridge.cost(W1, W2)
    R = R / len(X)
    G = R @ W2 * np.where(Z < 0, 0.3, 1.0)
    return loss, [
        G.T @ X + ridge.slope1(W1),
        G.sum(0),
        R.T @ H + ridge.slope2(W2),
        R.sum(0),
    ]


Phi = np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))


def phi(v):
    return np.exp(-0.5 * v**2) / math.sqrt(2 * math.pi)


@wrong(
    "dW2",
    "the outputs stand where their errors belong",
    frame=frame_of("gelu sigmoid half_squared_error K mean none one_hot linear none"),
)
def gelu_matrices(X, Y, W1, W2):
    Z = X @ W1.T
    H = Z * Phi(Z)
    P = sigmoid(H @ W2.T)
    D = (P - Y) * P * (1 - P) / X.shape[0]
    dW2 = P.T @ H / X.shape[0]  # fault
    G = D @ W2 * (Phi(Z) + Z * phi(Z))
    dW1 = G.T @ X
    return dW2, dW1
