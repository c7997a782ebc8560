"""Nets of layer objects, each with a forward and a backward method that keeps its gradients."""

from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np

from corpus.registry import right


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
        self.x = self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        x = x - np.max(x, axis=1, keepdims=True)
        self.y = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
        return -np.sum(t * np.log(self.y + 1e-12)) / t.shape[0]

    def backward(self, dout=1):
        return dout * (self.y - self.t) / self.t.shape[0]


class MeanSquared:
    def forward(self, x, t):
        self.diff = x - t
        return np.mean(self.diff**2) / 2

    def backward(self):
        return self.diff / self.diff.size


class FromScratch:
    def __init__(self, params, units, last):
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(params["W1"], params["b1"])
        self.layers["Units"] = units
        self.layers["Affine2"] = Affine(params["W2"], params["b2"])
        self.last = last

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def gradient(self, x, t):
        self.last.forward(self.predict(x), t)
        dout = self.last.backward()
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        grads = {}
        grads["W1"], grads["b1"] = self.layers["Affine1"].dW, self.layers["Affine1"].db
        grads["W2"], grads["b2"] = self.layers["Affine2"].dW, self.layers["Affine2"].db
        return grads


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def from_scratch(x, t, params):
    return FromScratch(params, Relu(), SoftmaxWithLoss()).gradient(x, t)


@right(
    frame=dict(activation="sigmoid", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def from_scratch_sigmoid(params, x, t):
    return FromScratch(params, Sigmoid(), SoftmaxWithLoss()).gradient(x, t)


@right(
    frame=dict(activation="sigmoid", output="linear", loss="half_squared_error", outputs="K",
        reduction="elements", biases="flat", labels="one_hot", layout="rows", penalty="none")
)  # fmt: skip
def from_scratch_regression(x, t, params):
    net = FromScratch(params, Sigmoid(), MeanSquared())
    grads = net.gradient(x, t)
    return net.last.forward(net.predict(x), t), grads


class Dense:
    def __init__(self, weights, biases, l2=0):
        self.weights, self.biases, self.l2 = weights, biases, l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.l2 > 0:
            self.dweights += 2 * self.l2 * self.weights
        self.dinputs = np.dot(dvalues, self.weights.T)


class ActivationReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class ActivationELU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.where(inputs > 0, inputs, np.exp(np.minimum(inputs, 0)) - 1)

    def backward(self, dvalues):
        self.dinputs = dvalues * np.where(self.inputs > 0, 1, self.output + 1)


class SoftmaxCrossentropy:
    def forward(self, inputs, y_true):
        exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)
        confidences = self.output[range(len(inputs)), y_true]
        return np.mean(-np.log(confidences))

    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        if len(y_true.shape) == 2:
            y_true = np.argmax(y_true, axis=1)
        self.dinputs = dvalues.copy()
        self.dinputs[range(samples), y_true] -= 1
        self.dinputs = self.dinputs / samples


class SigmoidCrossentropy:
    def forward(self, inputs, y_true):
        self.output = 1 / (1 + np.exp(-inputs))
        losses = -(y_true * np.log(self.output) + (1 - y_true) * np.log(1 - self.output))
        return np.mean(np.mean(losses, axis=-1))

    def backward(self, dvalues, y_true):
        samples, outputs = dvalues.shape
        self.dinputs = -(y_true / dvalues - (1 - y_true) / (1 - dvalues)) / outputs
        self.dinputs = self.dinputs / samples * (1 - self.output) * self.output


def pass_through(dense1, activation1, dense2, loss_activation, X, y):
    dense1.forward(X)
    activation1.forward(dense1.output)
    dense2.forward(activation1.output)
    loss = loss_activation.forward(dense2.output, y)
    for dense in (dense1, dense2):
        loss += dense.l2 * np.sum(dense.weights * dense.weights)
    loss_activation.backward(loss_activation.output, y)
    dense2.backward(loss_activation.dinputs)
    activation1.backward(dense2.dinputs)
    dense1.backward(activation1.dinputs)
    return loss


@right(
    frame=dict(activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="none")
)  # fmt: skip
def spiral(X, y, W1, b1, W2, b2):
    dense1, dense2 = Dense(W1, b1), Dense(W2, b2)
    pass_through(dense1, ActivationReLU(), dense2, SoftmaxCrossentropy(), X, y)
    return {
        "dense1": {"dweights": dense1.dweights, "dbiases": dense1.dbiases},
        "dense2": {"dweights": dense2.dweights, "dbiases": dense2.dbiases},
    }


@right(
    frame=dict(activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="mean", biases="row", labels="column", layout="rows", penalty="full")
)  # fmt: skip
def spiral_of_two(X, y, W1, b1, W2, b2, lambda_):
    dense1, dense2 = Dense(W1, b1, lambda_), Dense(W2, b2, lambda_)
    loss = pass_through(dense1, ActivationReLU(), dense2, SigmoidCrossentropy(), X, y)
    return loss, dense1.dweights, dense1.dbiases, dense2.dweights, dense2.dbiases


@right(
    frame=dict(activation="elu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="full")
)  # fmt: skip
def spiral_of_labels(X, y, W1, b1, W2, b2, lambda_):
    dense1, dense2 = Dense(W1, b1, lambda_), Dense(W2, b2, lambda_)
    loss = pass_through(dense1, ActivationELU(), dense2, SigmoidCrossentropy(), X, y)
    return loss, [dense1.dweights, dense2.dweights], [dense1.dbiases, dense2.dbiases]


class Module:
    def __call__(self, *args):
        self.args = args
        self.out = self.forward(*args)
        return self.out

    def backward(self):
        return self.bwd(self.out, *self.args)


class Lin(Module):
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, inp):
        return inp @ self.w.T + self.b.reshape(1, -1)

    def bwd(self, out, inp):
        self.w_grad = self.g.T @ inp
        self.b_grad = self.g.sum(0).reshape(self.b.shape)
        return self.g @ self.w


class Elu(Module):
    def forward(self, inp):
        return np.where(inp > 0, inp, np.expm1(np.minimum(inp, 0)))

    def bwd(self, out, inp):
        return self.g * np.where(inp > 0, 1.0, np.exp(np.minimum(inp, 0)))


class Leaky(Module):
    def forward(self, inp):
        return np.maximum(inp, 0) + 0.01 * np.minimum(inp, 0)

    def bwd(self, out, inp):
        return self.g * ((inp > 0) + 0.01 * (inp <= 0))


class Softplus(Module):
    def forward(self, inp):
        return np.logaddexp(0, inp)

    def bwd(self, out, inp):
        return self.g / (1 + np.exp(-inp))


class SummedCrossEntropy(Module):
    def forward(self, inp, targ):
        self.logp = inp - np.log(np.exp(inp).sum(1, keepdims=True))
        return -self.logp[np.arange(len(targ)), targ].sum()

    def bwd(self, out, inp, targ):
        return np.exp(self.logp) - np.eye(inp.shape[1])[targ]


class Mse(Module):
    def forward(self, inp, targ):
        return ((inp - targ) ** 2).sum() / len(inp)

    def bwd(self, out, inp, targ):
        return 2.0 * (inp - targ) / len(inp)


class SquashedMse(Mse):
    def forward(self, inp, targ):
        self.p = 1 / (1 + np.exp(-inp))
        return super().forward(self.p, targ) / 2

    def bwd(self, out, inp, targ):
        return super().bwd(out, self.p, targ) / 2 * self.p * (1 - self.p)


class Model:
    def __init__(self, w1, b1, w2, b2, act, loss):
        self.layers = [Lin(w1, b1), act, Lin(w2, b2)]
        self.loss = loss

    def __call__(self, x, targ):
        for layer in self.layers:
            x = layer(x)
        return self.loss(x, targ)

    def backward(self):
        g = self.loss.backward()
        for layer in reversed(self.layers):
            layer.g = g
            g = layer.backward()


@right(
    frame=dict(activation="elu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="flat", labels="indices", layout="linear", penalty="none")
)  # fmt: skip
def foundations(xb, yb, w1, b1, w2, b2):
    model = Model(w1, b1, w2, b2, Elu(), SummedCrossEntropy())
    loss = model(xb, yb)
    model.backward()
    first, _, last = model.layers
    return loss, first.w_grad, first.b_grad, last.w_grad, last.b_grad


@right(
    frame=dict(activation="leaky_relu", output="linear", loss="squared_error", outputs="K",
        reduction="mean", biases="column", labels="one_hot", layout="linear", penalty="none")
)  # fmt: skip
def foundations_mse(xb, yb, w1, b1, w2, b2):
    model = Model(w1, b1, w2, b2, Leaky(), Mse())
    model(xb, yb)
    model.backward()
    return [(layer.w_grad, layer.b_grad) for layer in (model.layers[0], model.layers[2])]


@right(
    frame=dict(activation="elu", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="linear", penalty="none")
)  # fmt: skip
def foundations_squashed(w1, b1, w2, b2, xb, yb):
    model = Model(w1, b1, w2, b2, Elu(), SquashedMse())
    loss = model(xb, yb)
    model.backward()
    return {"loss": loss} | {
        f"{name}{i + 1}.grad": getattr(model.layers[2 * i], f"{name}_grad")
        for i in range(2)
        for name in "wb"
    }


class Unbiased:
    def __init__(self, w, decay):
        self.w, self.decay = w, decay

    def forward(self, x):
        self.x = x
        return x @ self.w

    def penalty(self):
        return self.decay / 2 / len(self.x) * np.vdot(self.w, self.w)

    def backward(self, grad):
        self.grad = self.x.T @ grad + self.decay / len(self.x) * self.w
        return grad @ self.w.T


@right(
    frame=dict(activation="softplus", output="linear", loss="squared_error", outputs="one",
        reduction="mean", biases="none", labels="column", layout="rows", penalty="by_N")
)  # fmt: skip
def two_unbiased_layers(x, t, w1, w2, lam):
    first, last = Unbiased(w1, lam), Unbiased(w2, lam)
    hidden = first.forward(x)
    out = last.forward(np.logaddexp(0, hidden))
    loss = np.mean((out - t) ** 2) + first.penalty() + last.penalty()
    grad = last.backward(2 * (out - t) / len(t))
    first.backward(grad * 0.5 * (1 + np.tanh(0.5 * hidden)))
    return loss, first.grad, last.grad


class Gelu:
    def __call__(self, x):
        self.x = x
        self.cdf = 0.5 + 0.5 * np.vectorize(math.erf)(x / math.sqrt(2))
        return x * self.cdf

    def grad(self, dy):
        return dy * (self.cdf + self.x * np.exp(-(self.x**2) / 2) / math.sqrt(2 * math.pi))


DECAY = 0.1


@right(
    frame=dict(activation="gelu", output="sigmoid", loss="binary_cross_entropy", outputs="one",
        reduction="sum", biases="none", labels="flat", layout="rows", penalty="constant")
)  # fmt: skip
def gelu_object(inputs, targets, w1, w2):
    gelu = Gelu()
    hidden = gelu(inputs @ w1)
    probabilities = 1 / (1 + np.exp(-hidden @ w2))[:, 0]
    loss = -np.log(np.where(targets == 1, probabilities, 1 - probabilities)).sum()
    loss += DECAY * (np.sum(w1**2) + np.sum(w2**2))
    d_logits = (probabilities - targets)[:, None]
    d_w2 = hidden.T @ d_logits + 2 * DECAY * w2
    d_w1 = inputs.T @ gelu.grad(d_logits @ w2.T) + 2 * DECAY * w1
    return loss, d_w1, d_w2
