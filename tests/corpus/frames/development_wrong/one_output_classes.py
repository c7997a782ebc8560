"""One output, networks as classes and layers."""

from __future__ import annotations

import math

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def erf(x):
    return np.vectorize(math.erf)(x)


# --- weights (units, inputs) ---------------------------------------------------------------------


class Scorer:
    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def predict(self, x):
        self.x = x
        self.h = np.tanh(x @ self.W1.T + self.b1)
        self.o = sigmoid(self.h @ self.W2.T + self.b2)
        return self.o

    def grads(self, y, l2):
        d_o = 2 * (self.o - y)  # fault
        d_h = d_o @ self.W2 * (1 - self.h**2)
        return {
            "W1": d_h.T @ self.x + l2 * self.W1,
            "b1": d_h.sum(axis=0),
            "W2": d_o.T @ self.h + l2 * self.W2,
            "b2": d_o.sum(axis=0),
        }


@wrong(
    "dS",
    "the slope of the sigmoid is missing",
    frame=frame_of("tanh sigmoid squared_error one sum flat column linear half"),
)
def scorer(X, y, W1, b1, W2, b2, l2):
    net = Scorer(W1, b1, W2, b2)
    loss = np.sum((net.predict(X) - y) ** 2)
    loss += l2 / 2 * (np.sum(W1**2) + np.sum(W2**2))
    return loss, net.grads(y, l2)


class BCELoss:
    def __init__(self, p, t):
        self.p, self.t = p, t

    def item(self):
        p, t = self.p, self.t
        return -(t * np.log(p) + (1 - t) * np.log(p)).sum()  # fault

    def backward(self):
        return self.p - self.t


@wrong(
    "L",
    "the second term takes the logarithm of p, not of 1 - p",
    frame=frame_of("gelu sigmoid binary_cross_entropy one sum flat flat linear full"),
)
def criterion_object(x, target, w1, b1, w2, b2, weight_decay):
    z = x @ w1.T + b1
    cdf = 0.5 * (1 + erf(z / np.sqrt(2)))
    h = z * cdf
    criterion = BCELoss(sigmoid(h @ w2.T + b2)[:, 0], target)
    loss = criterion.item() + weight_decay * (np.sum(w1**2) + np.sum(w2**2))
    g = criterion.backward()[:, None]
    gz = g @ w2 * (cdf + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
    dw1 = gz.T @ x + 2 * weight_decay * w1
    dw2 = g.T @ h + 2 * weight_decay * w2
    return loss, dw1, gz.sum(0), dw2, g.sum(0)


class Dense:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def __call__(self, x):
        self.x = x
        self.out = sigmoid(x @ self.w.T + self.b)
        return self.out

    def backward(self, g):
        g = g * self.out * (1 - self.out)
        self.dw = g.T @ self.x
        self.db = g.sum(axis=0, keepdims=True)
        return g @ self.w


class LastDense(Dense):
    def backward(self, g):
        g = g * self.out * (1 - self.out)
        self.dw = g.T @ self.x
        self.db = g.mean(axis=0, keepdims=True)  # fault
        return g @ self.w


@wrong(
    "db2",
    "the mean over the rows, in a loss that is summed",
    frame=frame_of("sigmoid sigmoid squared_error one sum row column linear full"),
)
def two_dense(X, Y, W1, b1, W2, b2, reg):
    hidden, last = Dense(W1, b1), LastDense(W2, b2)
    out = last(hidden(X))
    cost = np.square(out - Y).sum() + reg * (np.square(W1).sum() + np.square(W2).sum())
    hidden.backward(last.backward(2 * (out - Y)))
    hidden.dw += 2 * reg * W1
    last.dw += 2 * reg * W2
    return cost, (hidden.dw, hidden.db), (last.dw, last.db)


@wrong(
    "dZ1",
    "the terms of tanh's slope are exchanged",
    frame=frame_of("tanh sigmoid half_squared_error one sum flat flat linear half"),
)
def hidden_tanh(X, y, W1, b1, W2, b2, l2):
    h = np.tanh(np.inner(X, W1) + b1)
    out = sigmoid(np.inner(h, W2) + b2)[:, 0]
    delta_out = (out - y) * out * (1 - out)
    delta_hid = delta_out[:, None] * W2 * (h * h - 1)  # fault
    gW2 = delta_out @ h + l2 * W2
    gW1 = delta_hid.T @ X + l2 * W1
    return {"W1": gW1, "b1": delta_hid.sum(0), "W2": gW2, "b2": np.array([delta_out.sum()])}


class ELU:
    def forward(self, z):
        self.z = z
        return np.where(z > 0, z, np.exp(z))  # fault

    def slope(self):
        return np.where(self.z > 0, 1, np.exp(self.z))


@wrong(
    "H1",
    "the 1 is not subtracted below zero",
    frame=frame_of("elu sigmoid squared_error one sum row flat linear none"),
)
def elu_score(x, y, W1, b1, W2, b2):
    act = ELU()
    h = act.forward(x @ W1.T + b1)
    p = sigmoid(h @ W2.T + b2)
    g2 = 2 * (p - y[:, None]) * p * (1 - p)
    g1 = g2 @ W2 * act.slope()
    return g1.T @ x, g1.sum(0, keepdims=True), g2.T @ h, g2.sum(0, keepdims=True)


@wrong(
    "dW1",
    "averaged over the rows, while everything else is summed",
    frame=frame_of("gelu sigmoid squared_error one sum none column linear none"),
)
def matrices_only(X, Y, W1, W2):
    z = X @ W1.T
    t = np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))
    h = 0.5 * z * (1 + t)
    p = sigmoid(h @ W2.T)
    loss = ((p - Y) ** 2).sum()
    ds = 2 * (p - Y) * p * (1 - p)
    dW2 = ds.T @ h
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
    dz = ds @ W2 * (0.5 * (1 + t) + 0.5 * z * (1 - t**2) * inner)
    dW1 = dz.T @ X / X.shape[0]  # fault
    return loss, {"dW1": dW1, "dW2": dW2}


class Logistic:
    def forward(self, z):
        self.p = 1 / (1 + np.exp(z))  # fault
        return self.p

    def backward(self, y):
        return (self.p - y) / len(y)


@wrong(
    "P",
    "the sign in the exponent of the sigmoid",
    frame=frame_of("tanh sigmoid binary_cross_entropy one mean none flat linear none"),
)
def click_or_not(X, y, w1, w2):
    head = Logistic()
    y = y.reshape(-1, 1)
    a1 = np.tanh(X @ w1.T)
    p = head.forward(a1 @ w2.T)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dz2 = head.backward(y)
    dw2 = dz2.T @ a1
    dw1 = (dz2 @ w2 * (1 - a1**2)).T @ X
    return loss, dw1, dw2


class SGD:
    def __init__(self, lr):
        self.lr = lr

    def step(self, weights, grads):
        for name in ("W1", "W2"):
            weights[name] = weights[name] - self.lr * grads[name]
        for name in ("b1", "b2"):
            weights[name] = weights[name] - self.lr * grads[name].mean()  # fault
        return weights


@wrong(
    "update",
    "every bias of a layer makes the same step, of the mean gradient",
    frame=frame_of("leaky_relu sigmoid half_squared_error one mean row flat linear none"),
)
def one_step(X, y, params, lr):
    W1, b1, W2, b2 = (params[k] for k in ("W1", "b1", "W2", "b2"))
    z = X @ W1.T + b1
    a = np.where(z > 0, z, 0.2 * z)
    out = sigmoid(a @ W2.T + b2)
    d2 = (out - y[:, None]) * out * (1 - out) / len(X)
    d1 = d2 @ W2 * np.where(z > 0, 1, 0.2)
    grads = {"W1": d1.T @ X, "b1": d1.sum(0)[None], "W2": d2.T @ a, "b2": d2.sum(0)[None]}
    return SGD(lr).step(dict(params), grads)


# --- weights (inputs, units) ---------------------------------------------------------------------


class BinaryClassifier:
    def __init__(self, n_in, n_hidden, n_out=1):
        self.W1 = np.linspace(-0.5, 0.5, n_in * n_hidden).reshape(n_in, n_hidden)
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = np.linspace(-0.5, 0.5, n_hidden * n_out).reshape(n_hidden, n_out)
        self.b2 = np.zeros((1, n_out))
        self.reg = 0.0

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.cdf = 0.5 * (1 + erf(self.Z1 / np.sqrt(2)))
        self.A1 = self.Z1 * self.cdf
        self.A2 = sigmoid(self.A1 @ self.W2 + self.b2)
        return self.A2

    def backward(self, y):
        m = y.shape[0]
        dZ2 = (self.A2 - y) / m
        self.dW2 = self.A1.T @ dZ2 + self.reg * self.W2
        self.db2 = dZ2.sum(axis=0, keepdims=True)
        dA1 = dZ2.mean(axis=0, keepdims=True) @ self.W2.T  # fault
        dZ1 = dA1 * (self.cdf + self.Z1 * np.exp(-(self.Z1**2) / 2) / np.sqrt(2 * np.pi))
        self.dW1 = self.X.T @ dZ1 + self.reg * self.W1
        self.db1 = dZ1.sum(axis=0, keepdims=True)


@wrong(
    "dH1",
    "the errors are averaged over the rows before they go back",
    frame=frame_of("gelu sigmoid binary_cross_entropy one mean row column rows half"),
)
def binary_classifier(X, y, W1, b1, W2, b2, reg):
    clf = BinaryClassifier(*W1.shape)
    clf.W1, clf.b1, clf.W2, clf.b2, clf.reg = W1, b1, W2, b2, reg
    clf.forward(X)
    clf.backward(y)
    return clf.dW1, clf.db1, clf.dW2, clf.db2


class LeakyUnit:
    slope = 0.2

    def forward(self, z):
        self.z = z
        return np.where(z > 0, z, self.slope * z)

    def backward(self, g):
        return g * np.where(self.z > self.slope, 1, self.slope)  # fault


@wrong(
    "dZ1",
    "the mask compares with the slope instead of with zero",
    frame=frame_of("leaky_relu sigmoid squared_error one mean row flat rows none"),
)
def leaky_score(x, t, W1, b1, W2, b2):
    unit = LeakyUnit()
    h = unit.forward(x @ W1 + b1)
    o = sigmoid(h @ W2 + b2)
    e = (o - t[:, None]) / len(t)
    d2 = 2 * e * o * (1 - o)
    d1 = unit.backward(d2 @ W2.T)
    return [x.T @ d1, h.T @ d2], [d1.sum(0, keepdims=True), d2.sum(0, keepdims=True)]


class FirstDense:
    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=1, keepdims=True)  # fault
        self.dinputs = np.dot(dvalues, self.weights.T)


@wrong(
    "db1",
    "summed over the units, a number for every row",
    frame=frame_of("elu linear half_squared_error one sum row column rows by_N"),
)
def dense_values(X, y, W1, b1, W2, b2, lam):
    n = len(X)
    dense1 = FirstDense(W1, b1)
    dense1.forward(X)
    act = np.where(dense1.output > 0, dense1.output, np.expm1(dense1.output))
    output = act @ W2 + b2
    loss = 0.5 * np.sum((output - y) ** 2)
    loss += 0.5 * lam / n * (np.sum(W1**2) + np.sum(W2**2))
    dvalues = output - y
    dweights2 = act.T @ dvalues + lam / n * W2
    dbiases2 = dvalues.sum(axis=0, keepdims=True)
    dense1.backward(dvalues @ W2.T * np.where(dense1.output > 0, 1, act + 1))
    dense1.dweights += lam / n * W1
    return loss, dense1.dweights, dense1.dbiases, dweights2, dbiases2


class MeanSquaredHalf:
    def __call__(self, pred, y):
        self.pred, self.y = pred, y
        return 0.5 * np.mean((pred - y) ** 2)

    def grad(self):
        return self.pred - self.y  # fault


@wrong(
    "dS",
    "1/N is missing",
    frame=frame_of("leaky_relu linear half_squared_error one mean none column rows none"),
)
def two_weights(x, y, w1, w2):
    criterion = MeanSquaredHalf()
    z = x @ w1
    a = np.maximum(z, 0.05 * z)
    loss = criterion(a @ w2, y)
    g = criterion.grad()
    gz = np.where(z > 0, 1.0, 0.05) * (g @ w2.T)
    return {"loss": loss, "w1": x.T @ gz, "w2": a.T @ g}


class Regressor:
    alpha = 0.02

    def __init__(self, coefs, intercepts):
        self.coefs, self.intercepts = coefs, intercepts

    def loss_and_grads(self, X, y):
        W1, W2 = self.coefs
        z = X @ W1 + self.intercepts[0]
        a = np.where(z >= 0, z, 0.3 * z)
        diff = a @ W2 + self.intercepts[1] - y
        loss = np.sum(diff**2) + self.alpha * (np.sum(W1**2) + np.sum(W2**2))
        delta = 2 * diff
        intercept_grads = [None, diff.sum(axis=0, keepdims=True)]  # fault
        coef_grads = [None, a.T @ delta + 2 * self.alpha * W2]
        delta = delta @ W2.T * np.where(z >= 0, 1, 0.3)
        coef_grads[0] = X.T @ delta + 2 * self.alpha * W1
        intercept_grads[0] = delta.sum(axis=0, keepdims=True)
        return loss, coef_grads, intercept_grads


@wrong(
    "db2",
    "the 2 is missing: the differences are summed, not their gradient",
    frame=frame_of("leaky_relu linear squared_error one sum row column rows constant"),
)
def regressor(X, y, W1, b1, W2, b2):
    return Regressor([W1, W2], [b1, b2]).loss_and_grads(X, y)


class SoftHidden:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        return np.logaddexp(0, self.z)

    def backward(self, g):
        g = g * sigmoid(self.z)
        return self.x.T @ g, g.sum(0, keepdims=True)


class LogisticOutput(SoftHidden):
    def forward(self, x):
        self.x = x
        self.p = sigmoid(x @ self.W + self.b)
        return self.p

    def backward(self, y):
        g = (self.p - y) / len(y)
        dW = np.mean(self.x * g, axis=0)[:, None]  # fault
        return g @ self.W.T, dW, g.sum(0, keepdims=True)


@wrong(
    "dW2",
    "a mean of what has its 1/N already",
    frame=frame_of("softplus sigmoid binary_cross_entropy one mean row column rows by_N"),
)
def two_stages(x, y, W1, b1, W2, b2, lam):
    n = len(x)
    hidden, out = SoftHidden(W1, b1), LogisticOutput(W2, b2)
    p = out.forward(hidden.forward(x))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / n
    loss += lam / (2 * n) * (np.sum(W1**2) + np.sum(W2**2))
    g, dW2, db2 = out.backward(y)
    dW1, db1 = hidden.backward(g)
    return loss, dW1 + lam / n * W1, db1, dW2 + lam / n * W2, db2
