"""Classes with weights as attributes, adapters that fill them, and tapes."""

from __future__ import annotations

import math

import numpy as np

from corpus.registry import wrong


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


class Classifier:
    def __init__(self, W1, b1, W2, b2, lam):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2
        self.lam = lam

    def forward(self, X):
        self.X = X
        self.u = X @ self.W1.T + self.b1
        self.cdf = 0.5 * (1 + np.vectorize(math.erf)(self.u / math.sqrt(2)))
        self.h = self.u * self.cdf
        self.p = sigmoid(self.h @ self.W2.T + self.b2)
        return self.p

    def loss(self, y):
        nll = -np.sum(y * np.log(self.p) + (1 - y) * np.log(1 - self.p))
        return nll + self.lam / (2 * len(y)) * (np.sum(self.W1**2) + np.sum(self.W2**2))

    def backward(self, y):
        shrink = self.lam / len(y)
        d2 = self.p - y
        self.dW2 = d2.T @ self.h + shrink * self.W2
        self.db2 = d2.sum(axis=0, keepdims=True)
        pdf = np.exp(-(self.u**2) / 2) / math.sqrt(2 * math.pi)
        d1 = d2 @ self.W2 * (self.cdf + self.h * pdf)  # fault
        self.dW1 = d1.T @ self.X + shrink * self.W1
        self.db1 = d1.sum(axis=0, keepdims=True)


@wrong(
    "dZ1",
    "the density is multiplied by H1, not by Z1",
    frame=dict(
        activation="gelu",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="sum",
        biases="row",
        labels="column",
        layout="linear",
        penalty="by_N",
    ),
)
def filled_classifier(X, y, W1, b1, W2, b2, lam):
    net = Classifier(W1, b1, W2, b2, lam)
    net.forward(X)
    net.backward(y)
    return net.loss(y), net.dW1, net.db1, net.dW2, net.db2


class Model:
    slope = 0.1

    def __init__(self, **weights):
        self.__dict__.update(weights)

    def hidden(self, X):
        self.pre = X @ self.W1 + self.b1.T
        return np.where(self.pre > 0, self.pre, self.slope * self.pre)

    def grad(self, X, y, reg):
        n, H = len(X), self.hidden(X)
        out = sigmoid(H @ self.W2 + self.b2.T)
        Y = np.eye(out.shape[1])[y]
        self.loss = np.mean((out - Y) ** 2)
        self.loss += reg / (2 * n) * (np.sum(self.W1**2) + np.sum(self.W2**2))
        d2 = 2 / out.size * (out - Y) * out * (1 - out)
        self.dW2 = H.T @ d2 + reg / n * self.W2
        self.db2 = d2.mean(axis=0)[:, None]  # fault
        d1 = d2 @ self.W2.T
        d1[self.pre < 0] *= self.slope
        self.dW1 = X.T @ d1 + reg / n * self.W1
        self.db1 = d1.sum(axis=0)[:, None]


@wrong(
    "db2",
    "a mean over the rows, though d2 is averaged already",
    frame=dict(
        activation="leaky_relu",
        output="sigmoid",
        loss="squared_error",
        outputs="K",
        reduction="elements",
        biases="column",
        labels="indices",
        layout="rows",
        penalty="by_N",
    ),
)
def model_with_attributes(X, y, params, reg):
    model = Model(**params)
    model.grad(X, y, reg)
    return model


class MLP:
    def __init__(self, n_in, n_hidden, n_out, lam=0.0):
        rng = np.random.default_rng(1)
        self.W1 = rng.normal(size=(n_hidden, n_in)) / math.sqrt(n_in)
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = rng.normal(size=(n_out, n_hidden)) / math.sqrt(n_hidden)
        self.b2 = np.zeros((1, n_out))
        self.lam = lam

    def __call__(self, x):
        self.x = x
        self.z1 = x @ self.W1.T + self.b1
        self.a1 = np.log1p(np.exp(self.z1))
        self.a2 = sigmoid(self.a1 @ self.W2.T + self.b2)
        return self.a2

    def criterion(self, y):
        penalty = self.lam / 2 * (np.sum(self.W1**2) + np.sum(self.W2**2))
        return np.sum((self.a2 - y) ** 2) + penalty

    def gradients(self, y):
        e = 2 * (self.a2 - y)
        delta2 = e * self.a2 * (1 - e)  # fault
        delta1 = delta2 @ self.W2 * sigmoid(self.z1)
        return (
            delta1.T @ self.x + self.lam * self.W1,
            delta1.sum(axis=0, keepdims=True),
            delta2.T @ self.a1 + self.lam * self.W2,
            delta2.sum(axis=0, keepdims=True),
        )


@wrong(
    "dS",
    "one less the error stands for one less the output",
    frame=dict(
        activation="softplus",
        output="sigmoid",
        loss="squared_error",
        outputs="one",
        reduction="sum",
        biases="row",
        labels="column",
        layout="linear",
        penalty="half",
    ),
)
def by_mlp(X, y, W1, b1, W2, b2, lam):
    mlp = MLP(X.shape[1], W1.shape[0], W2.shape[0], lam)
    mlp.W1, mlp.b1, mlp.W2, mlp.b2 = W1, b1, W2, b2
    mlp(X)
    return mlp.criterion(y), *mlp.gradients(y)


class Var:
    def __init__(self, value, parents=()):
        self.value = value
        self.parents = parents
        self.grad = np.zeros_like(value)

    def __matmul__(self, other):
        a, b = self, other
        return Var(
            a.value @ b.value,
            [(a, lambda g: g @ b.value.T), (b, lambda g: a.value.T @ g)],
        )

    def plus_bias(self, b):
        return Var(
            self.value + b.value,
            [(self, lambda g: g), (b, lambda g: g.sum(axis=1, keepdims=True))],
        )

    def gelu(self):
        x = self.value
        t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        inner = math.sqrt(2 / math.pi) * (1 + 0.134145 * x**2)
        return Var(
            0.5 * x * (1 + t),
            [(self, lambda g: g * (0.5 * (1 + t) + 0.5 * (1 - t**2) * inner))],  # fault
        )

    def sigmoid(self):
        s = sigmoid(self.value)
        return Var(s, [(self, lambda g: g * s * (1 - s))])

    def backward(self, g):
        self.grad = self.grad + g
        for parent, pull in self.parents:
            parent.backward(pull(g))


@wrong(
    "dZ1",
    "the second term of GELU's derivative is not multiplied by x",
    frame=dict(
        activation="gelu",
        output="sigmoid",
        loss="half_squared_error",
        outputs="K",
        reduction="elements",
        biases="column",
        labels="one_hot",
        layout="columns",
        penalty="half",
    ),
)
def with_a_tape(X, Y, W1, b1, W2, b2, reg):
    w1, c1, w2, c2 = Var(W1), Var(b1), Var(W2), Var(b2)
    out = (w2 @ (w1 @ Var(X)).plus_bias(c1).gelu()).plus_bias(c2).sigmoid()
    loss = 0.5 * np.mean((out.value - Y) ** 2) + reg / 2 * (np.sum(W1**2) + np.sum(W2**2))
    out.backward((out.value - Y) / Y.size)
    return loss, w1.grad + reg * W1, c1.grad, w2.grad + reg * W2, c2.grad


class Neurons:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    def forward(self, x):
        self.x = x
        self.z = x @ self.weights.T + self.bias.T
        return self.z

    def backward(self, error, l2):
        self.weights_grad = error.T @ self.x + l2 * self.weights
        self.bias_grad = error.sum(0).reshape(self.bias.shape)


class TwoLayers:
    def __init__(self, first, second):
        self.first, self.second = first, second

    def run(self, x, y, l2):
        z = self.first.forward(x)
        hidden = np.maximum(z, 0) + 0.01 * z  # fault
        out = sigmoid(self.second.forward(hidden))[:, 0]
        squares = sum(np.sum(layer.weights**2) for layer in (self.first, self.second))
        self.loss = np.mean((out - y) ** 2) / 2 + l2 / 2 * squares
        error = ((out - y) * out * (1 - out) / len(y))[:, None]
        self.second.backward(error, l2)
        slope = np.where(z > 0, 1, 0.01)
        self.first.backward(error @ self.second.weights * slope, l2)


@wrong(
    "H1",
    "0.01 z is added for positive z as well",
    frame=dict(
        activation="leaky_relu",
        output="sigmoid",
        loss="half_squared_error",
        outputs="one",
        reduction="mean",
        biases="column",
        labels="flat",
        layout="linear",
        penalty="half",
    ),
)
def two_objects(x, y, W1, b1, W2, b2, l2):
    net = TwoLayers(Neurons(W1, b1), Neurons(W2, b2))
    net.run(x, y, l2)
    return {
        "loss": net.loss,
        "W1": net.first.weights_grad,
        "b1": net.first.bias_grad,
        "W2": net.second.weights_grad,
        "b2": net.second.bias_grad,
    }


class Regressor:
    alpha = 0.004

    def __init__(self, coefs, intercepts):
        self.coefs_ = coefs
        self.intercepts_ = intercepts

    def _forward_pass(self, X):
        self.z = X @ self.coefs_[0].T + self.intercepts_[0].T
        self.activations = [X, np.log(1 + np.exp(self.z))]
        self.activations.append(self.activations[1] @ self.coefs_[1].T)  # fault
        return self.activations[2]

    def _loss_grad_lbfgs(self, X, y):
        out = self._forward_pass(X)
        Y = np.zeros(out.shape)
        Y[np.arange(len(y)), y] = 1
        loss = np.mean((out - Y) ** 2) + self.alpha * sum(np.sum(w**2) for w in self.coefs_)
        deltas = [None, 2 * (out - Y) / out.size]
        deltas[0] = deltas[1] @ self.coefs_[1] / (1 + np.exp(-self.z))
        coef_grads = [
            deltas[i].T @ self.activations[i] + 2 * self.alpha * self.coefs_[i] for i in range(2)
        ]
        return loss, coef_grads, [d.sum(axis=0).reshape(-1, 1) for d in deltas]


@wrong(
    "S",
    "the bias of the output is left out",
    frame=dict(
        activation="softplus",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="elements",
        biases="column",
        labels="indices",
        layout="linear",
        penalty="constant",
    ),
)
def like_an_estimator(X, y, W1, b1, W2, b2):
    return Regressor([W1, W2], [b1, b2])._loss_grad_lbfgs(X, y)


class Head:
    def __init__(self, hidden, out, lam):
        self.hidden, self.out, self.lam = hidden, out, lam

    def loss(self, x, t):
        (W1, b1), (W2, b2) = self.hidden, self.out
        z = x @ W1.T + b1
        self.store = x, z, np.logaddexp(0, z)
        s = self.store[2] @ W2.T + b2
        s = s - s.max(axis=1, keepdims=True)
        self.d = (np.exp(s) / np.exp(s).sum(axis=1, keepdims=True) - t) / len(x)
        nll = -np.sum(t * (s - np.log(np.exp(s).sum(axis=1, keepdims=True)))) / len(x)
        return nll + self.lam / (2 * len(x)) * (np.sum(W1**2) + np.sum(W2**2))

    def backward(self):
        x, z, h = self.store
        W1, W2 = self.hidden[0], self.out[0]
        decay = self.lam / len(x)
        back = self.d @ W2 / (1 + np.exp(-z))
        g1 = back.T @ x + decay * W1, back.sum(axis=0, keepdims=True)
        g2 = self.d.T @ h + decay * W2, h.sum(axis=1)[None] @ self.d  # fault
        return g1, g2


@wrong(
    "db2",
    "the errors are weighted by the hidden units before they are summed",
    frame=dict(
        activation="softplus",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="one_hot",
        layout="linear",
        penalty="by_N",
    ),
)
def head_gradients(x, t, W1, b1, W2, b2, lam):
    head = Head((W1, b1), (W2, b2), lam)
    loss = head.loss(x, t)
    return loss, head.backward()
