"""Two faults in one net of objects: layers, tapes and classes with methods."""

from __future__ import annotations

import numpy as np

from corpus.registry import pair


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return dout @ self.W.T


class Relu:
    def forward(self, x):
        self.mask = x < 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[~self.mask] = 0  # fault
        return dout


class CrossEntropy:
    def forward(self, x, t):
        self.t = t
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return -np.sum(t * np.log(self.y)) / len(t)

    def backward(self):
        batch_size = self.t.shape[-1]  # fault
        return (self.y - self.t) / batch_size


@pair(
    "dS", "it is divided by the number of classes instead of the examples",
    "dZ1", "the mask is the wrong way round",
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none"),
)  # fmt: skip
def pair_from_scratch(x, t, params):
    layers = [Affine(params["W1"], params["b1"]), Relu(), Affine(params["W2"], params["b2"])]
    last = CrossEntropy()
    out = x
    for layer in layers:
        out = layer.forward(out)
    loss = last.forward(out, t)
    dout = last.backward()
    for layer in layers[::-1]:
        dout = layer.backward(dout)
    affine1, _, affine2 = layers
    grads = {"W1": affine1.dW, "b1": affine1.db, "W2": affine2.dW, "b2": affine2.db}
    return loss, grads


class Dense:
    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class Sigmoid:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = sigmoid(inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues * (1 - self.inputs) * self.inputs  # fault


class SoftmaxLoss:
    def forward(self, inputs, y_true):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)
        return -np.log(self.output[np.arange(len(y_true)), y_true]).mean()

    def backward(self, y_true):
        self.dinputs = self.output.copy()
        self.dinputs[:, y_true] -= 1  # fault
        self.dinputs /= len(y_true)


@pair(
    "dZ1", "the sigmoid's derivative is taken at its inputs",
    "dS", "1 is subtracted in whole columns",
    frame=dict(activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="none"),
)  # fmt: skip
def pair_spiral(X, y, W1, b1, W2, b2):
    dense1, activation, dense2, loss = Dense(W1, b1), Sigmoid(), Dense(W2, b2), SoftmaxLoss()
    dense1.forward(X)
    activation.forward(dense1.output)
    dense2.forward(activation.output)
    value = loss.forward(dense2.output, y)
    loss.backward(y)
    dense2.backward(loss.dinputs)
    activation.backward(dense2.dinputs)
    dense1.backward(activation.dinputs)
    return (value, *[(d.dweights, d.dbiases) for d in (dense1, dense2)])


class Lin:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def __call__(self, inp):
        self.inp = inp
        return inp @ self.w.T + self.b

    def backward(self, g):
        self.w_grad = g.T @ self.inp
        self.b_grad = g.sum(0)
        return g @ self.w


class Tanh:
    def __call__(self, inp):
        self.out = np.tanh(inp)
        return self.out

    def backward(self, g):
        return g * (1 - self.out)  # fault


class Mse:
    def __call__(self, inp, targ):
        self.diff = inp.squeeze() - targ
        return (self.diff**2).mean()

    def backward(self):
        return self.diff[:, None] / self.diff.shape[0]  # fault


@pair(
    "dZ1", "the tanh's derivative lacks the square",
    "dS", "the factor 2 of the square is missing",
    frame=dict(activation="tanh", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="linear", penalty="none"),
)  # fmt: skip
def pair_foundations(xb, yb, w1, b1, w2, b2):
    l1, act, l2, mse = Lin(w1, b1), Tanh(), Lin(w2, b2), Mse()
    loss = mse(l2(act(l1(xb))), yb)
    l1.backward(act.backward(l2.backward(mse.backward())))
    return loss, l1.w_grad, l1.b_grad, l2.w_grad, l2.b_grad


class Network:
    def __init__(self, params, reg):
        self.params, self.reg = params, reg

    def penalty(self):
        return 0.5 * self.reg * sum(np.sum(p * p) for n, p in self.params.items() if n[0] == "W")

    def forward(self, X):
        p = self.params
        self.X = X
        self.z = X @ p["W1"] + p["b1"]
        self.h = np.logaddexp(0, self.z)
        return sigmoid(self.h @ p["W2"] + p["b2"])

    def backward(self, d):
        p, g = self.params, {}
        g["W2"] = self.h.T @ d
        g["b2"] = d.sum(axis=0, keepdims=True)
        d = d @ p["W2"].T * (1 - np.exp(self.h))  # fault
        g["W1"] = self.X.T @ d
        g["b1"] = d.sum(axis=0, keepdims=True)
        for name in ("W2",):  # fault
            g[name] += self.reg * p[name]
        return g


@pair(
    "dZ1", "a sign is lost in the derivative of softplus",
    "dW1", "the penalty's gradient is left out",
    frame=dict(activation="softplus", output="sigmoid", loss="binary_cross_entropy",
        outputs="K", reduction="elements", biases="row", labels="one_hot", layout="rows",
        penalty="half"),
)  # fmt: skip
def pair_with_penalty(X, Y, params, reg):
    net = Network(params, reg)
    p = net.forward(X)
    loss = -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p)) + net.penalty()
    return loss, net.backward((p - Y) / Y.size)


class Value:
    def __init__(self, data, parents=(), back=None):
        self.data, self.parents, self.back = data, parents, back
        self.grad = np.zeros_like(data)

    def matmul(self, other):
        def back(g):
            self.grad = self.grad + g @ other.data.T
            other.grad = other.grad + self.data.T @ g

        return Value(self.data @ other.data, (self, other), back)

    def plus(self, bias):
        def back(g):
            self.grad = self.grad + g
            bias.grad = bias.grad + g.sum(axis=0)

        return Value(self.data + bias.data, (self, bias), back)

    def leaky(self, slope):
        def back(g):
            self.grad = self.grad + g * np.where(self.data > 0, slope, 1)  # fault

        return Value(np.where(self.data > 0, self.data, slope * self.data), (self,), back)

    def backward(self, seed):
        self.grad = seed
        node = self
        while node.back is not None:
            node.back(node.grad)
            node = node.parents[0]


@pair(
    "dZ1", "the two slopes are exchanged",
    "dS", "the mean is over the rows only",
    frame=dict(activation="leaky_relu", output="linear", loss="half_squared_error", outputs="K",
        reduction="elements", biases="flat", labels="one_hot", layout="rows", penalty="none"),
)  # fmt: skip
def pair_on_a_tape(X, T, W1, b1, W2, b2):
    w1, c1, w2, c2 = Value(W1), Value(b1), Value(W2), Value(b2)
    out = Value(X).matmul(w1).plus(c1).leaky(0.2).matmul(w2).plus(c2)
    diff = out.data - T
    loss = 0.5 * np.mean(diff**2)
    out.backward(diff / len(X))  # fault
    return loss, w1.grad, c1.grad, w2.grad, c2.grad


@pair(
    "dW2", "the penalty's gradient is 2 reg, without W2",
    "dH1", "1/N is there once more",
    frame=dict(activation="elu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="none", labels="indices", layout="rows", penalty="full"),
)  # fmt: skip
class PairNet:
    def __init__(self, D, H, K):
        rng = np.random.default_rng(0)
        self.params = {"W1": rng.normal(size=(D, H)), "W2": rng.normal(size=(H, K))}

    def hidden(self, X):
        z = X @ self.params["W1"]
        return z, np.where(z > 0, z, np.expm1(np.minimum(z, 0)))

    def loss(self, X, y, reg):
        W1, W2 = self.params["W1"], self.params["W2"]
        rows = np.arange(len(y))
        z, h = self.hidden(X)
        s = h @ W2
        s = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        loss = -s[rows, y].mean() + reg * (np.sum(W1**2) + np.sum(W2**2))
        ds = np.exp(s)
        ds[rows, y] -= 1
        ds /= len(y)
        return loss, self.gradients(X, z, h, ds, reg)

    def gradients(self, X, z, h, ds, reg):
        W1, W2 = self.params["W1"], self.params["W2"]
        dW2 = h.T @ ds + 2 * reg  # fault
        dh = ds @ W2.T / len(X)  # fault
        dW1 = X.T @ (dh * np.where(z > 0, 1, h + 1)) + 2 * reg * W1
        return {"W1": dW1, "W2": dW2}


class Perceptron:
    def __init__(self, w1, b1, w2, b2):
        self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2

    def feed_forward(self, x):
        self.layer1 = sigmoid(x @ self.w1 + self.b1)
        self.layer2 = sigmoid(self.layer1 @ self.w2 + self.b2)

    def back_propagate(self, x, y):
        d = 2 * (self.layer2 - y) * (1 - self.layer2**2)  # fault
        self.d_w2 = self.layer1.T @ d
        self.d_b2 = d.sum(0, keepdims=True)
        d = d @ self.w2.T * (self.layer1 * (1 - self.layer1))
        self.d_w1 = x.T @ d
        self.d_b1 = d.sum(0, keepdims=True)

    def step(self, eta):
        self.w1 -= eta * self.d_w1
        self.b1 -= eta * self.d_b1
        self.w2 -= eta * self.d_w2
        self.b2 -= self.d_b2  # fault


@pair(
    "dS", "the derivative of tanh stands for that of the sigmoid output",
    "update", "the rate is left out in the step of b2",
    frame=dict(activation="sigmoid", output="sigmoid", loss="squared_error", outputs="one",
        reduction="sum", biases="row", labels="column", layout="rows", penalty="none"),
)  # fmt: skip
def pair_object_step(X, y, w1, b1, w2, b2, eta):
    net = Perceptron(w1, b1, w2, b2)
    net.feed_forward(X)
    net.back_propagate(X, y)
    net.step(eta)
    return net.w1, net.b1, net.w2, net.b2
