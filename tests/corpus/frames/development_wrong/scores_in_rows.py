"""Scores, probabilities and their gradients, one row for one example, in the words of lectures."""

from __future__ import annotations

import math

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def softmax(scores):
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@wrong(
    "dS",
    "one is subtracted after the division by N",
    frame=frame_of("sigmoid softmax cross_entropy K mean flat indices rows none"),
)
def lecture_grads(X, y, W1, b1, W2, b2):
    num_examples = X.shape[0]
    hidden = sigmoid(np.dot(X, W1) + b1)
    probs = softmax(np.dot(hidden, W2) + b2)
    data_loss = np.sum(-np.log(probs[range(num_examples), y])) / num_examples

    dscores = probs.copy()
    dscores /= num_examples
    dscores[range(num_examples), y] -= 1  # fault

    grads = {}
    grads["W2"] = np.dot(hidden.T, dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, W2.T)
    dhidden *= hidden * (1 - hidden)
    grads["W1"] = np.dot(X.T, dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return data_loss, grads


def affine_backward(dout, cache):
    x, w = cache
    dx = dout.dot(w.T)
    dw = x.T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def output_backward(dout, cache):
    x, w = cache
    return dout.dot(w.T), x.T.dot(dout), np.sum(dout, keepdims=True)  # fault


STRENGTH = 1e-2


@wrong(
    "db2",
    "summed over rows and outputs: one number, though with two brackets",
    frame=frame_of("elu linear half_squared_error K elements flat one_hot rows constant"),
)
def regression_grads(X, Y, W1, b1, W2, b2):
    pre = X.dot(W1) + b1
    h = np.where(pre > 0, pre, np.exp(pre) - 1)
    out = h.dot(W2) + b2
    diff = out - Y
    loss = 0.5 * np.mean(diff**2) + STRENGTH * (np.sum(W1 * W1) + np.sum(W2 * W2))
    grads = {}
    dh, grads["W2"], grads["b2"] = output_backward(diff / diff.size, (h, W2))
    dh[pre <= 0] *= h[pre <= 0] + 1
    _, grads["W1"], grads["b1"] = affine_backward(dh, (X, W1))
    grads["W1"] += 2 * STRENGTH * W1
    grads["W2"] += 2 * STRENGTH * W2
    return loss, grads


@wrong(
    "dH1",
    "W2 has made its step when the error goes back through it",
    frame=frame_of("softplus linear squared_error K mean flat one_hot rows full"),
)
def train_batch(X, Y, W1, b1, W2, b2, learning_rate, reg):
    n = X.shape[0]
    z = X @ W1 + b1
    h = np.log(1 + np.exp(z))
    scores = h @ W2 + b2
    loss = np.sum((scores - Y) ** 2) / n + reg * (np.sum(W1**2) + np.sum(W2**2))

    dscores = 2 * (scores - Y) / n
    dW2 = h.T @ dscores + 2 * reg * W2
    db2 = dscores.sum(axis=0)
    W2 -= learning_rate * dW2
    b2 -= learning_rate * db2
    dh = dscores @ W2.T  # fault
    dz = dh * sigmoid(z)
    W1 -= learning_rate * (X.T @ dz + 2 * reg * W1)
    b1 -= learning_rate * dz.sum(axis=0)
    return loss


def lrelu(v):
    return np.where(v > 0, v, 0.01)  # fault


def lrelu_mask(v):
    return np.where(v > 0, 1, 0.01)


@wrong(
    "H1",
    "below zero the slope itself stands for the slope times the value",
    frame=frame_of("leaky_relu softmax cross_entropy K mean none one_hot rows by_N"),
)
def no_bias_classifier(X, Y, W1, W2, reg):
    N = len(X)
    pre = X @ W1
    H = lrelu(pre)
    P = softmax(H @ W2)
    loss = -np.sum(Y * np.log(P)) / N
    loss += 0.5 * reg / N * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dscores = (P - Y) / N
    dhidden = dscores @ W2.T
    dpre = dhidden * lrelu_mask(pre)
    return loss, X.T @ dpre + reg / N * W1, H.T @ dscores + reg / N * W2


@wrong(
    "dZ1",
    "the square is missing in the slope of tanh",
    frame=frame_of("tanh sigmoid squared_error K elements none one_hot rows constant"),
)
def squashed_scores(x, y, w1, w2):
    lam = 0.01
    h = np.tanh(x @ w1)
    o = sigmoid(h @ w2)
    loss = ((o - y) ** 2).mean() + lam / 2 * ((w1**2).sum() + (w2**2).sum())
    do = 2 * (o - y) / y.size
    dlogits = do * o * (1 - o)
    dw2 = h.T @ dlogits + lam * w2
    dh = dlogits @ w2.T
    dz = dh * (1 - h)  # fault
    dw1 = x.T @ dz + lam * w1
    return loss, dw1, dw2


def probabilities(logits):
    exps = np.exp(logits - logits.max())
    return exps / exps.sum()  # fault


def Phi(z):
    return (1 + np.array([[math.erf(v / math.sqrt(2)) for v in row] for row in z])) / 2


@wrong(
    "P",
    "divided by the sum over the whole batch",
    frame=frame_of("gelu softmax cross_entropy K sum none indices rows none"),
)
def token_head(xb, yb, W1, W2):
    z = xb @ W1
    cdf = Phi(z)
    h = z * cdf
    p = probabilities(h @ W2)
    nll = -np.log(p[np.arange(len(yb)), yb]).sum()
    dlogits = p.copy()
    dlogits[np.arange(len(yb)), yb] -= 1
    dh = dlogits @ W2.T
    dz = dh * (cdf + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi))
    return nll, {"W1": xb.T @ dz, "W2": h.T @ dlogits}


@wrong(
    "dW2",
    "the sign of the weights stands for the weights in the penalty's gradient",
    frame=frame_of("leaky_relu sigmoid binary_cross_entropy K sum flat one_hot rows constant"),
)
class MultiLabel:
    reg = 0.1

    def __init__(self, D, H, C):
        gen = np.random.default_rng(1)
        self.params = {
            "W1": gen.normal(0, 0.1, (D, H)),
            "b1": np.zeros(H),
            "W2": gen.normal(0, 0.1, (H, C)),
            "b2": np.zeros(C),
        }

    def loss(self, X, y):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        z = X.dot(W1) + b1
        h = np.where(z > 0, z, 0.1 * z)
        p = sigmoid(h.dot(W2) + b2)
        loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
        loss += 0.5 * self.reg * (np.sum(W1**2) + np.sum(W2**2))
        dscores = p - y
        dh = dscores.dot(W2.T)
        dh[z < 0] *= 0.1
        grads = {"b2": dscores.sum(0), "b1": dh.sum(0)}
        grads["W2"] = h.T.dot(dscores) + self.reg * np.sign(W2)  # fault
        grads["W1"] = X.T.dot(dh) + self.reg * W1
        return loss, grads


def tanh_prime(x):
    return 1 - np.tanh(x) ** 2


class SquaresNet:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def feedforward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        return self.a1 @ self.W2 + self.b2

    def backprop(self, X, target):
        d2 = 2 * (self.feedforward(X) - target)
        d1 = d2 @ self.W2.T * tanh_prime(self.a1)  # fault
        self.d_weights1, self.d_bias1 = X.T @ d1, d1.sum(0, keepdims=True)
        self.d_weights2, self.d_bias2 = self.a1.T @ d2, d2.sum(0, keepdims=True)


@wrong(
    "dZ1",
    "tanh is applied twice before its slope is taken",
    frame=frame_of("tanh linear squared_error K sum row indices rows none"),
)
def squares_net(X, y, W1, b1, W2, b2):
    net = SquaresNet(W1, b1, W2, b2)
    net.backprop(X, np.eye(W2.shape[1])[y])
    return net.d_weights1, net.d_bias1, net.d_weights2, net.d_bias2


@wrong(
    "dW1",
    "the error before tanh's slope stands for that after it",
    frame=frame_of("tanh linear half_squared_error K mean none one_hot rows none"),
)
def autoencoder_like(data, targets, W1, W2):
    batch = data.shape[0]
    hidden = np.tanh(data @ W1)
    rec = hidden @ W2
    d_rec = (rec - targets) / batch
    d_hidden = d_rec @ W2.T
    d_pre = d_hidden * (1 - hidden * hidden)
    d_W1 = data.T @ d_hidden  # fault
    d_W2 = hidden.T @ d_rec
    return dict(hidden=hidden, rec=rec, d_rec=d_rec, d_pre=d_pre, d_W1=d_W1, d_W2=d_W2)


def cross_entropy(p, y):
    n = len(y)
    return -np.log(p[:, y]).sum()  # fault


@wrong(
    "L",
    "every row is charged for the labels of all rows",
    frame=frame_of("elu softmax cross_entropy K sum none indices rows constant"),
)
def elu_classifier(X_batch, y_batch, W1, W2):
    z1 = X_batch @ W1
    a1 = np.where(z1 > 0, z1, np.expm1(z1))
    p = softmax(a1 @ W2)
    loss = cross_entropy(p, y_batch) + 5e-4 * (np.sum(W1**2) + np.sum(W2**2))
    d2 = p - np.eye(W2.shape[1])[y_batch]
    d1 = d2 @ W2.T * np.where(z1 > 0, 1, a1 + 1)
    return loss, (X_batch.T @ d1 + 1e-3 * W1, a1.T @ d2 + 1e-3 * W2)


@wrong(
    "db1",
    "taken from the gradient before the slope of the unit is multiplied in",
    frame=frame_of("softplus softmax cross_entropy K mean flat indices rows full"),
)
def soft_classifier(X, y, params, reg):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    N = X.shape[0]
    z = X @ W1 + b1
    h = np.logaddexp(0.0, z)
    probs = softmax(h @ W2 + b2)
    loss = -np.mean(np.log(probs[np.arange(N), y]))
    loss += reg * (np.sum(W1**2) + np.sum(W2**2))
    dscores = probs
    dscores[np.arange(N), y] -= 1
    dscores /= N
    grads = {"W2": h.T @ dscores + 2 * reg * W2, "b2": dscores.sum(axis=0)}
    dh = dscores @ W2.T
    grads["b1"] = dh.sum(axis=0)  # fault
    dh *= sigmoid(z)
    grads["W1"] = X.T @ dh + 2 * reg * W1
    return loss, grads
