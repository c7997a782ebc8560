"""Layers with forward and backward, weights as in `nn.Linear`."""

from __future__ import annotations

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class Linear:
    def __init__(self, weight, bias=None):
        self.weight, self.bias = weight, bias

    def forward(self, x):
        self.x = x
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def backward(self, grad):
        self.dweight = grad.T @ self.x
        self.dbias = grad.sum(axis=0)
        return grad @ self.weight


class LinearRow(Linear):
    def backward(self, grad):
        self.dweight = grad.T @ self.x
        self.dbias = grad.sum(axis=0, keepdims=True)
        return grad @ self.weight


class LeakyReLU:
    slope = 0.05

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, self.slope * x)

    def backward(self, dout):
        dout[self.mask] *= self.slope  # fault
        return dout


@wrong(
    "dZ1",
    "the slope of the negative side is given to the positive side",
    frame=frame_of("leaky_relu linear squared_error K elements row indices linear full"),
)
def leaky_layers(X, y, W1, b1, W2, b2, reg):
    first, act, second = LinearRow(W1, b1), LeakyReLU(), LinearRow(W2, b2)
    out = second.forward(act.forward(first.forward(X)))
    target = np.eye(W2.shape[0])[y]
    loss = np.mean((out - target) ** 2)
    loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dout = 2 * (out - target) / out.size
    first.backward(act.backward(second.backward(dout)))
    dW1 = first.dweight + 2 * reg * W1
    dW2 = second.dweight + 2 * reg * W2
    return loss, dW1, first.dbias, dW2, second.dbias


class Sigmoid:
    def forward(self, x):
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


WEIGHT_DECAY = 0.001


@wrong(
    "dS",
    "the classes are counted from one where the gradient takes the labels",
    frame=frame_of("sigmoid sigmoid binary_cross_entropy K sum none indices linear constant"),
)
def one_against_rest(X, labels, W1, W2):
    fc1, hidden, fc2 = Linear(W1), Sigmoid(), Linear(W2)
    probs = sigmoid(fc2.forward(hidden.forward(fc1.forward(X))))
    T = np.eye(W2.shape[0])[labels]
    loss = -np.sum(T * np.log(probs) + (1 - T) * np.log(1 - probs))
    loss += WEIGHT_DECAY / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dscores = probs - np.eye(W2.shape[0])[labels - 1]  # fault
    fc1.backward(hidden.backward(fc2.backward(dscores)))
    return loss, fc1.dweight + WEIGHT_DECAY * W1, fc2.dweight + WEIGHT_DECAY * W2


class HalfSquares:
    def forward(self, pred, target):
        self.pred, self.diff = pred, pred - target
        return np.sum(np.abs(self.diff)) / 2 / len(target)  # fault

    def backward(self):
        return self.diff / len(self.diff)


@wrong(
    "L",
    "the absolute values of the differences are added up, not their squares",
    frame=frame_of("sigmoid sigmoid half_squared_error K mean row one_hot linear by_N"),
)
def classic_net(X, Y, W1, b1, W2, b2, lambda_):
    n = X.shape[0]
    layers = [LinearRow(W1, b1), Sigmoid(), LinearRow(W2, b2), Sigmoid()]
    criterion = HalfSquares()
    x = X
    for layer in layers:
        x = layer.forward(x)
    loss = criterion.forward(x, Y)
    loss += lambda_ / (2 * n) * sum(np.sum(w**2) for w in (W1, W2))
    grad = criterion.backward()
    for layer in reversed(layers):
        grad = layer.backward(grad)
    return {
        "loss": loss,
        "dW1": layers[0].dweight + lambda_ / n * W1,
        "db1": layers[0].dbias,
        "dW2": layers[2].dweight + lambda_ / n * W2,
        "db2": layers[2].dbias,
    }


class Softplus:
    def __call__(self, x):
        out = np.log1p(np.exp(x))
        self.saved = out  # fault
        return out

    def grad(self, g):
        return g * sigmoid(self.saved)


@wrong(
    "dZ1",
    "the layer keeps its output, and takes the slope there",
    frame=frame_of("softplus sigmoid half_squared_error K elements flat indices linear none"),
)
def softplus_layers(x, t, W1, b1, W2, b2):
    f1, act, f2, squash = Linear(W1, b1), Softplus(), Linear(W2, b2), Sigmoid()
    y = squash.forward(f2.forward(act(f1.forward(x))))
    onehot = np.zeros_like(y)
    onehot[np.arange(len(t)), t] = 1
    dy = (y - onehot) / y.size
    f1.backward(act.grad(f2.backward(squash.backward(dy))))
    return [f1.dweight, f1.dbias, f2.dweight, f2.dbias]


class ELU:
    def forward(self, z):
        self.z = z
        return np.where(z > 0, z, np.expm1(z))

    def backward(self, g):
        return g * np.where(self.z > 0, 1, np.exp(self.z))


@wrong(
    "dW1",
    "the penalty's gradient is taken off instead of added",
    frame=frame_of("elu linear half_squared_error K mean none indices linear half"),
)
def elu_layers(inputs, targets, w1, w2, weight_decay):
    fc1, elu, fc2 = Linear(w1), ELU(), Linear(w2)
    y_hat = fc2.forward(elu.forward(fc1.forward(inputs)))
    goal = np.eye(w2.shape[0])[targets]
    d = (y_hat - goal) / len(inputs)
    fc1.backward(elu.backward(fc2.backward(d)))
    dw1 = fc1.dweight - weight_decay * w1  # fault
    dw2 = fc2.dweight + weight_decay * w2
    return dw1, dw2


class Tanh:
    def forward(self, z):
        self.h = np.tanh(z)
        return self.h

    def backward(self, g):
        return g * (1 - self.h**2)


class SoftmaxLoss:
    def forward(self, z, y):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=0, keepdims=True)  # fault
        self.y = y
        return -np.sum(y * np.log(self.p))

    def backward(self):
        return self.p - self.y


@wrong(
    "P",
    "the softmax divides by the sums over the examples",
    frame=frame_of("tanh softmax cross_entropy K sum row one_hot linear full"),
)
def tanh_layers(X, Y, W1, b1, W2, b2, reg):
    l1, act, l2, head = LinearRow(W1, b1), Tanh(), LinearRow(W2, b2), SoftmaxLoss()
    data_loss = head.forward(l2.forward(act.forward(l1.forward(X))), Y)
    loss = data_loss + reg * np.sum(W1**2) + reg * np.sum(W2**2)
    l1.backward(act.backward(l2.backward(head.backward())))
    l1.dweight += 2 * reg * W1
    l2.dweight += 2 * reg * W2
    return loss, {"W1": l1.dweight, "b1": l1.dbias, "W2": l2.dweight, "b2": l2.dbias}


class TagNet:
    """Several tags for one row; `fc1` and `fc2` hold the weights."""

    def __init__(self, params):
        self.W1, self.b1 = params["W1"], params["b1"]
        self.W2, self.b2 = params["W2"], params["b2"]

    def forward(self, x):
        self.x = x
        self.z1 = x @ self.W1.T + self.b1
        self.h1 = self.z1 * (self.z1 > 0)
        self.p = sigmoid(self.h1 @ self.W2.T + self.b2)
        return self.p

    def loss(self, t, lam):
        logs = t * np.log(self.p) + (1 - t) * np.log(1 - self.p)
        norms = (self.W1**2).sum() + (self.W2**2).sum()
        return -logs.mean() + lam / (2 * len(t)) * norms

    def backward(self, t, lam):
        n = len(t)
        delta = (self.p - t) / t.size
        self.grad_W2 = delta.T @ self.z1 + lam / n * self.W2  # fault
        self.grad_b2 = delta.sum(axis=0, keepdims=True)
        delta = delta @ self.W2 * (self.z1 > 0)
        self.grad_W1 = delta.T @ self.x + lam / n * self.W1
        self.grad_b1 = delta.sum(axis=0, keepdims=True)


@wrong(
    "dW2",
    "the values before the ReLU stand for those after it",
    frame=frame_of("relu sigmoid binary_cross_entropy K elements row indices linear by_N"),
)
def tag_net(X, y, params, lam):
    net = TagNet(params)
    net.forward(X)
    t = np.eye(net.W2.shape[0])[y]
    loss = net.loss(t, lam)
    net.backward(t, lam)
    return loss, net.grad_W1, net.grad_b1, net.grad_W2, net.grad_b2


def dtanh(h):
    return 1.0 - h * h


def dsigmoid(o):
    return o * (1.0 - o)


@wrong(
    "dZ1",
    "the helper expects the unit's output and is given its input",
    frame=frame_of("tanh sigmoid half_squared_error K sum flat one_hot linear by_N"),
)
def weights_like_torch(X, T, W1, b1, W2, b2, lmbda):
    n = len(X)
    z = np.einsum("nd,hd->nh", X, W1) + b1
    h = np.tanh(z)
    o = sigmoid(np.einsum("nh,kh->nk", h, W2) + b2)
    error = 0.5 * ((o - T) ** 2).sum() + lmbda / (2 * n) * ((W1**2).sum() + (W2**2).sum())
    go = (o - T) * dsigmoid(o)
    gh = np.einsum("nk,kh->nh", go, W2)
    gz = gh * dtanh(z)  # fault
    gW2 = np.einsum("nk,nh->kh", go, h) + lmbda / n * W2
    gW1 = np.einsum("nh,nd->hd", gz, X) + lmbda / n * W1
    return error, gW1, gz.sum(0), gW2, go.sum(0)


class FirstLayer(Linear):
    def backward(self, grad):
        self.dweight = grad.T @ self.x
        self.dbias = grad.mean(axis=0, keepdims=True)  # fault


class SoftplusLayer:
    def forward(self, x):
        self.x = x
        return np.logaddexp(0, x)

    def backward(self, g):
        return g * sigmoid(self.x)


@wrong(
    "db1",
    "averages over the rows, though 1/N is in the output's gradient already",
    frame=frame_of("softplus sigmoid binary_cross_entropy K mean row one_hot linear constant"),
)
def tags_with_decay(x, y_true, W1, b1, W2, b2):
    l1, act, l2 = FirstLayer(W1, b1), SoftplusLayer(), LinearRow(W2, b2)
    p = sigmoid(l2.forward(act.forward(l1.forward(x))))
    bce = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p)).sum(axis=1).mean()
    cost = bce + 0.02 * (W1**2).sum() + 0.02 * (W2**2).sum()
    l1.backward(act.backward(l2.backward((p - y_true) / len(x))))
    return cost, (l1.dweight + 0.04 * W1, l1.dbias, l2.dweight + 0.04 * W2, l2.dbias)


class GELU:
    c = np.sqrt(2 / np.pi)

    def forward(self, x):
        self.x = x
        self.t = np.tanh(self.c * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, g):
        inner = self.c * (1 + 0.044715 * self.x**2)  # fault
        return g * (0.5 * (1 + self.t) + 0.5 * self.x * (1 - self.t**2) * inner)


@wrong(
    "dZ1",
    "the 3 from the cube is missing in the slope of the GELU",
    frame=frame_of("gelu linear half_squared_error K sum flat one_hot linear constant"),
)
def gelu_layers(X, Y, W1, b1, W2, b2):
    up, act, down = Linear(W1, b1), GELU(), Linear(W2, b2)
    out = down.forward(act.forward(up.forward(X)))
    diff = out - Y
    loss = 0.5 * (diff * diff).sum() + 0.05 * ((W1 * W1).sum() + (W2 * W2).sum())
    up.backward(act.backward(down.backward(diff)))
    up.dweight += 0.1 * W1
    down.dweight += 0.1 * W2
    return {
        "loss": loss,
        "up": {"dW": up.dweight, "db": up.dbias},
        "down": {"dW": down.dweight, "db": down.dbias},
    }
