"""Layers with forward and backward, classes with parameters, and functions that drive them."""

from __future__ import annotations

import numpy as np

from corpus.registry import right


def softmax(x):
    x = x - np.max(x, axis=-1, keepdims=True)
    return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
        self.x = self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0).reshape(self.b.shape)
        return np.dot(dout, self.W.T)


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


class Tanh:
    def forward(self, x):
        self.output = np.tanh(x)
        return self.output

    def backward(self, grad):
        return grad * (1 - self.output**2)


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t, self.y = t, softmax(x)
        return -np.sum(np.log(self.y[np.arange(len(t)), t])) / len(t)

    def backward(self, dout=1):
        batch_size = self.t.shape[0]
        dx = self.y.copy()
        dx[np.arange(batch_size), self.t] -= 1
        return dx * dout / batch_size


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="none",
))  # fmt: skip
def gradient(x, t, params):
    affine1 = Affine(params["W1"], params["b1"])
    affine2 = Affine(params["W2"], params["b2"])
    layers = [affine1, Relu(), affine2]
    last = SoftmaxWithLoss()
    for layer in layers:
        x = layer.forward(x)
    last.forward(x, t)

    dout = last.backward(1)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return {"W1": affine1.dW, "b1": affine1.db, "W2": affine2.dW, "b2": affine2.db}


class MSE:
    def __call__(self, y, t):
        self.diff = y - t
        return np.mean(self.diff**2)

    def backward(self):
        return 2 * self.diff / self.diff.size


class Sequential:
    def __init__(self, *modules):
        self.modules = modules

    def forward(self, x):
        for m in self.modules:
            x = m.forward(x)
        return x

    def backward(self, g):
        for m in self.modules[::-1]:
            g = m.backward(g)
        return g


@right(frame=dict(
    activation="tanh", output="linear", loss="squared_error", outputs="K",
    reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
def sequential(inputs, targets, W1, b1, W2, b2):
    hidden, out = Affine(W1, b1), Affine(W2, b2)
    net = Sequential(hidden, Tanh(), out)
    criterion = MSE()
    loss = criterion(net.forward(inputs), targets)
    net.backward(criterion.backward())
    return loss, hidden.dW, hidden.db, out.dW, out.db


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", outputs="one",
    reduction="mean", biases="row", labels="column", layout="rows", penalty="none",
))  # fmt: skip
def driven(X, y, W1, b1, W2, b2):
    stack = [Affine(W1, b1), Sigmoid(), Affine(W2, b2), Sigmoid()]
    out = X
    for step in stack:
        out = step.forward(out)
    grad = (out - y) / (out * (1 - out) * len(y))
    for step in stack[::-1]:
        grad = step.backward(grad)
    return [[layer.dW, layer.db] for layer in stack if isinstance(layer, Affine)]


class LayerDense:
    def __init__(self, weights, biases, weight_regularizer_l2=0):
        self.weights, self.biases = weights, biases
        self.weight_regularizer_l2 = weight_regularizer_l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.weight_regularizer_l2 > 0:
            self.dweights += 2 * self.weight_regularizer_l2 * self.weights
        self.dinputs = np.dot(dvalues, self.weights.T)

    def penalty(self):
        return self.weight_regularizer_l2 * np.sum(self.weights * self.weights)


class ActivationReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class ActivationSoftmaxLossCategoricalCrossentropy:
    def forward(self, inputs, y_true):
        self.output = softmax(inputs)
        confidences = self.output[range(len(inputs)), y_true]
        return np.mean(-np.log(np.clip(confidences, 1e-7, 1 - 1e-7)))

    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        self.dinputs = dvalues.copy()
        self.dinputs[range(samples), y_true] -= 1
        self.dinputs = self.dinputs / samples


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="row", labels="indices", layout="rows", penalty="full",
))  # fmt: skip
def dense_objects(X, y, W1, b1, W2, b2, l2):
    dense1 = LayerDense(W1, b1, weight_regularizer_l2=l2)
    activation1 = ActivationReLU()
    dense2 = LayerDense(W2, b2, weight_regularizer_l2=l2)
    loss_activation = ActivationSoftmaxLossCategoricalCrossentropy()

    dense1.forward(X)
    activation1.forward(dense1.output)
    dense2.forward(activation1.output)
    data_loss = loss_activation.forward(dense2.output, y)
    loss = data_loss + dense1.penalty() + dense2.penalty()

    loss_activation.backward(loss_activation.output, y)
    dense2.backward(loss_activation.dinputs)
    activation1.backward(dense2.dinputs)
    dense1.backward(activation1.dinputs)
    return {
        "loss": loss,
        "dweights": [dense1.dweights, dense2.dweights],
        "dbiases": [dense1.dbiases, dense2.dbiases],
    }


@right(frame=dict(
    activation="relu", output="softmax", loss="cross_entropy", outputs="K",
    reduction="mean", biases="flat", labels="indices", layout="rows", penalty="half",
))  # fmt: skip
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=1e-1, reg=0.0):
        self.reg = reg
        rng = np.random.default_rng(0)
        self.params = {}
        self.params["W1"] = std * rng.standard_normal((input_size, hidden_size))
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * rng.standard_normal((hidden_size, output_size))
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y=None, reg=None):
        reg = self.reg if reg is None else reg
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        hidden = np.maximum(0, X @ W1 + b1)
        scores = hidden @ W2 + b2
        if y is None:
            return scores
        probs = softmax(scores)
        idx = np.arange(X.shape[0]), y
        loss = -np.log(probs[idx]).mean() + 0.5 * reg * (np.sum(W1**2) + np.sum(W2**2))
        probs[idx] -= 1
        dscores = probs / X.shape[0]
        dhidden = (dscores @ W2.T) * (hidden > 0)
        grads = {
            "W1": X.T @ dhidden + reg * W1,
            "b1": dhidden.sum(axis=0),
            "W2": hidden.T @ dscores + reg * W2,
            "b2": dscores.sum(axis=0),
        }
        return loss, grads


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
    reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
))  # fmt: skip
class NeuralNetwork:
    def __init__(self, n_inputs, n_hidden, n_outputs):
        rng = np.random.default_rng(1)
        self.W1 = rng.normal(size=(n_inputs, n_hidden))
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = rng.normal(size=(n_hidden, n_outputs))
        self.b2 = np.zeros((1, n_outputs))

    @staticmethod
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def forward(self, X):
        self.X = X
        self.a1 = self.sigmoid(X @ self.W1 + self.b1)
        self.a2 = self.sigmoid(self.a1 @ self.W2 + self.b2)
        return self.a2

    def backward(self, y):
        m = self.X.shape[0]
        delta2 = (self.a2 - y) * self.a2 * (1 - self.a2) / m
        self.dW2 = self.a1.T @ delta2
        self.db2 = delta2.sum(axis=0, keepdims=True)
        delta1 = delta2 @ self.W2.T * self.a1 * (1 - self.a1)
        self.dW1 = self.X.T @ delta1
        self.db1 = delta1.sum(axis=0, keepdims=True)


class Network:
    def __init__(self, weights, biases):
        self.num_layers = 3
        self.weights = weights
        self.biases = biases

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = 1.0 / (1.0 + np.exp(-z))
            activations.append(activation)
        delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for layer in range(2, self.num_layers):
            sp = activations[-layer] * (1 - activations[-layer])
            delta = np.dot(self.weights[-layer + 1].transpose(), delta) * sp
            nabla_b[-layer] = delta
            nabla_w[-layer] = np.dot(delta, activations[-layer - 1].transpose())
        return nabla_b, nabla_w

    def update_mini_batch(self, mini_batch, eta):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        n = len(mini_batch)
        self.weights = [w - (eta / n) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (eta / n) * nb for b, nb in zip(self.biases, nabla_b)]


@right(frame=dict(
    activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
    reduction="mean", biases="column", labels="one_hot", layout="columns", penalty="none",
))  # fmt: skip
def mini_batch(X, Y, W1, b1, W2, b2, eta):
    net = Network([W1, W2], [b1, b2])
    batch = [(X[:, i : i + 1], Y[:, i : i + 1]) for i in range(X.shape[1])]
    net.update_mini_batch(batch, eta)
    return net.weights[0], net.biases[0], net.weights[1], net.biases[1]
