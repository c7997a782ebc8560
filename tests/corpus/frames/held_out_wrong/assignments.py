"""In the manner of a course's assignment: scores, loss and a dictionary of gradients."""

from __future__ import annotations

import numpy as np

from corpus.registry import wrong


@wrong(
    "dW1",
    "the gradient of the penalty is doubled",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="indices",
        layout="rows",
        penalty="half",
    ),
)
def two_layer_loss(X, y, W1, b1, W2, b2, reg=0.0):
    num_train = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    probs = np.exp(scores)
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.log(probs[np.arange(num_train), y]).mean()
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

    dscores = probs.copy()
    dscores[np.arange(num_train), y] -= 1
    dscores /= num_train
    grads = {}
    grads["W2"] = hidden.T.dot(dscores) + reg * W2
    grads["b2"] = dscores.sum(axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    grads["W1"] = X.T.dot(dhidden) + 2 * reg * W1  # fault
    grads["b1"] = dhidden.sum(axis=0)
    return loss, grads


def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w.T), x.T.dot(dout), dout.sum(axis=0)


def leaky_forward(x, slope):
    return np.where(x > 0, x, slope * x), (x, slope)


def leaky_backward(dout, cache):
    x, slope = cache
    dx = dout.copy()
    dx[x < 0] = slope  # fault
    return dx


def softmax_loss(x, y):
    shifted = x - x.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(x.shape[0])
    dx = np.exp(log_probs)
    dx[rows, y] -= 1
    return -log_probs[rows, y].mean(), dx / x.shape[0]


@wrong(
    "dZ1",
    "the gradient of the negative units is set to the slope, not multiplied by it",
    frame=dict(
        activation="leaky_relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="indices",
        layout="rows",
        penalty="full",
    ),
)
def loss_of_sandwich(X, y, params, reg=0.0):
    a, fc1 = affine_forward(X, params["W1"], params["b1"])
    h, act = leaky_forward(a, 0.1)
    scores, fc2 = affine_forward(h, params["W2"], params["b2"])
    loss, dscores = softmax_loss(scores, y)
    loss += reg * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    grads = {}
    dh, grads["W2"], grads["b2"] = affine_backward(dscores, fc2)
    da = leaky_backward(dh, act)
    dx, grads["W1"], grads["b1"] = affine_backward(da, fc1)
    grads["W1"] += 2 * reg * params["W1"]
    grads["W2"] += 2 * reg * params["W2"]
    return loss, grads


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@wrong(
    "dS",
    "1/N is missing, though the loss is a mean",
    frame=dict(
        activation="sigmoid",
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
def loss_and_gradients(X, y, W1, b1, W2, b2):
    N = len(y)
    h = sigmoid(X @ W1 + b1)
    scores = h @ W2 + b2
    exp_scores = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = np.sum(-np.log(probs[range(N), y])) / N
    dscores = probs
    dscores[range(N), y] -= 1  # fault
    dW2 = h.T @ dscores
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dh = dscores @ W2.T
    dz = dh * h * (1 - h)
    dW1 = X.T @ dz
    db1 = np.sum(dz, axis=0, keepdims=True)
    return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-2):
        rng = np.random.default_rng(0)
        self.params = {}
        self.params["W1"] = std * rng.normal(size=(input_size, hidden_size))
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * rng.normal(size=(hidden_size, output_size))
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N = X.shape[0]
        Z1 = X.dot(W1) + b1
        H1 = np.log1p(np.exp(Z1))
        diff = H1.dot(W2) + b2 - y
        loss = 0.5 * np.sum(diff**2) / N + reg * (np.sum(W1**2) + np.sum(W2**2))
        grads = {}
        diff /= N
        grads["b2"] = diff.sum(axis=0)
        grads["W2"] = H1.T.dot(diff) + 2 * reg * W2
        dZ1 = diff.dot(W2.T) / (1 + np.exp(-H1))  # fault
        grads["b1"] = dZ1.sum(axis=0)
        grads["W1"] = X.T.dot(dZ1) + 2 * reg * W1
        return loss, grads


@wrong(
    "dZ1",
    "the derivative of softplus is taken at H1 instead of Z1",
    frame=dict(
        activation="softplus",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="full",
    ),
)
def loss_of_net(X, y, params, reg):
    net = TwoLayerNet(X.shape[1], params["W1"].shape[1], y.shape[1])
    net.params.update(params)
    return net.loss(X, y, reg)


class SoftmaxNet:
    def __init__(self, params, reg):
        self.p = params
        self.reg = reg

    def scores(self, X):
        self.X = X
        self.pre = X @ self.p["W1"] + self.p["b1"]
        self.h = np.tanh(self.pre)
        return self.h @ self.p["W2"] + self.p["b2"]

    def probs(self, X):
        s = self.scores(X)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def penalty(self):
        return self.reg / 2 * sum(np.sum(self.p[k] ** 2) for k in ("W1", "W2"))

    def gradient(self, X, Y):
        N = len(X)
        P = self.probs(X)
        self.data_loss = -np.sum(Y * np.log(P))
        ds = P - Y
        grads = {"W2": self.h.T @ ds + self.reg * self.p["W2"], "b2": ds.sum(0)}
        dpre = (ds @ self.p["W2"].T) * (1 - self.h**2)
        grads["W1"] = self.X.T @ dpre + self.reg * self.p["W1"]
        grads["b1"] = dpre.sum(0) + self.reg * self.p["b1"]  # fault
        return self.data_loss + self.penalty(), grads


@wrong(
    "db1",
    "the penalty's gradient is added for b1, which is not penalised",
    frame=dict(
        activation="tanh",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="half",
    ),
)
def by_object(X, Y, params, reg):
    return SoftmaxNet(params, reg).gradient(X, Y)


@wrong(
    "dH1",
    "dscores is multiplied by dW2 instead of W2",
    frame=dict(
        activation="elu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="none",
        labels="indices",
        layout="rows",
        penalty="half",
    ),
)
def without_biases_elu(X, y, W1, W2, reg):
    N = X.shape[0]
    a = X.dot(W1)
    h = np.where(a > 0, a, np.exp(np.minimum(a, 0)) - 1)
    f = h.dot(W2)
    f = f - f.max(axis=1, keepdims=True)
    p = np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(N), y]).sum() / N + 0.5 * reg * ((W1**2).sum() + (W2**2).sum())
    df = p
    df[np.arange(N), y] -= 1
    df = df / N
    dW2 = h.T.dot(df) + reg * W2
    dh = df.dot(dW2.T)  # fault
    da = dh * np.where(a > 0, 1, h + 1)
    dW1 = X.T.dot(da) + reg * W1
    return loss, dW1, dW2


def svm_style_rows(scores, y):
    correct = scores[np.arange(len(y)), y]
    exps = np.exp(scores)
    loss = np.mean(np.log(exps.sum(axis=1)) - correct)
    ind = np.zeros_like(scores)
    ind[np.arange(len(y)), y] = 1
    return loss, (exps / exps.sum(axis=0) - ind) / len(y)  # fault


@wrong(
    "P",
    "the exponentials are divided by their sum over the rows of the batch",
    frame=dict(
        activation="relu",
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
def fc_relu_fc(x, y, w1, b1, w2, b2):
    h = np.maximum(x.dot(w1.T) + b1, 0)
    loss, dout = svm_style_rows(h.dot(w2.T) + b2, y)
    dh = dout.dot(w2)
    dh *= h > 0
    return loss, dh.T.dot(x), dh.sum(0), dout.T.dot(h), dout.sum(0)


@wrong(
    "dZ1",
    "the mask is taken at the gradient, not at the pre-activations",
    frame=dict(
        activation="relu",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="sum",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def regression_head(X, y, params):
    h_in = X.dot(params["W1"]) + params["b1"]
    h_out = h_in * (h_in > 0)
    out = h_out.dot(params["W2"]) + params["b2"]
    loss = np.sum((out - y) ** 2)
    dout = 2 * (out - y)
    dh = dout.dot(params["W2"].T)
    dh[dh <= 0] = 0  # fault
    return loss, dict(W2=h_out.T.dot(dout), b2=dout.sum(axis=0), W1=X.T.dot(dh), b1=dh.sum(axis=0))


def regularised(loss, grads, params, lam, n):
    loss += lam / (2 * n) * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
    grads["W1"] += lam / n * params["W1"]
    grads["W2"] += lam * params["W2"]  # fault
    return loss, grads


@wrong(
    "dW2",
    "the penalty's gradient is not divided by N as the penalty is",
    frame=dict(
        activation="gelu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="by_N",
    ),
)
def gelu_net(X, y, params, lam):
    N = X.shape[0]
    u = X @ params["W1"] + params["b1"]
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (u + 0.044715 * u**3))
    h = 0.5 * u * (1 + t)
    s = h @ params["W2"] + params["b2"]
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = -np.sum(y * np.log(p)) / N
    ds = (p - y) / N
    dh = ds @ params["W2"].T
    du = dh * (0.5 * (1 + t) + 0.5 * u * (1 - t**2) * c * (1 + 3 * 0.044715 * u**2))
    grads = {"W1": X.T @ du, "b1": du.sum(0), "W2": h.T @ ds, "b2": ds.sum(0)}
    return regularised(loss, grads, params, lam, N)
