"""Layer objects with a forward and a backward method, as books on networks from scratch write."""

from __future__ import annotations

import numpy as np

from corpus.registry import wrong


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[~self.mask] = 0  # fault
        return dout


class SoftmaxWithLoss:
    def forward(self, x, t):
        x = x - np.max(x, axis=-1, keepdims=True)
        self.y = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
        self.t = t
        return -np.sum(t * np.log(self.y + 1e-300)) / len(t)

    def backward(self):
        return (self.y - self.t) / self.t.shape[0]


@wrong(
    "dZ1",
    "the mask is inverted",
    frame=dict(
        activation="relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def gradient(x, t, params):
    affine1 = Affine(params["W1"], params["b1"])
    relu = Relu()
    affine2 = Affine(params["W2"], params["b2"])
    last = SoftmaxWithLoss()
    loss = last.forward(affine2.forward(relu.forward(affine1.forward(x))), t)
    dout = last.backward()
    for layer in (affine2, relu, affine1):
        dout = layer.backward(dout)
    grads = {"W1": affine1.dW, "b1": affine1.db, "W2": affine2.dW, "b2": affine2.db}
    return loss, grads


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out - (1 - self.out)  # fault


@wrong(
    "dZ1",
    "a minus stands where a times belongs in out (1 - out)",
    frame=dict(
        activation="sigmoid",
        output="linear",
        loss="half_squared_error",
        outputs="K",
        reduction="mean",
        biases="flat",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def gradient_of_regression(x, t, params):
    layers = [Affine(params["W1"], params["b1"]), Sigmoid(), Affine(params["W2"], params["b2"])]
    out = x
    for layer in layers:
        out = layer.forward(out)
    loss = 0.5 * np.sum((out - t) ** 2) / len(x)
    dout = (out - t) / len(x)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    first, _, second = layers
    return loss, [first.dW, first.db, second.dW, second.db]


class LayerDense:
    def __init__(self, weights, biases, weight_regularizer_l2=0.0):
        self.weights = weights
        self.biases = biases
        self.weight_regularizer_l2 = weight_regularizer_l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dweights += 2 * self.weight_regularizer_l2 * self.weights
        self.dinputs = np.dot(dvalues, self.weights.T)


class ActivationLeaky:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.where(inputs > 0, inputs, 0.01 * inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs < 0] *= 0.1  # fault


class ActivationSoftmaxCategoricalCrossentropy:
    def forward(self, inputs, y_true):
        exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)
        return np.mean(-np.log(self.output[range(len(self.output)), y_true]))

    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        self.dinputs = dvalues.copy()
        self.dinputs[range(samples), y_true] -= 1
        self.dinputs = self.dinputs / samples


@wrong(
    "dZ1",
    "the slope of the derivative is 0.1, that of the function 0.01",
    frame=dict(
        activation="leaky_relu",
        output="softmax",
        loss="cross_entropy",
        outputs="K",
        reduction="mean",
        biases="row",
        labels="indices",
        layout="rows",
        penalty="full",
    ),
)
def dense_layers(X, y, W1, b1, W2, b2, reg):
    dense1 = LayerDense(W1, b1, reg)
    activation1 = ActivationLeaky()
    dense2 = LayerDense(W2, b2, reg)
    loss_activation = ActivationSoftmaxCategoricalCrossentropy()
    dense1.forward(X)
    activation1.forward(dense1.output)
    dense2.forward(activation1.output)
    loss = loss_activation.forward(dense2.output, y)
    for dense in (dense1, dense2):
        loss += dense.weight_regularizer_l2 * np.sum(dense.weights * dense.weights)
    loss_activation.backward(loss_activation.output, y)
    dense2.backward(loss_activation.dinputs)
    activation1.backward(dense2.dinputs)
    dense1.backward(activation1.dinputs)
    return loss, dense1.dweights, dense1.dbiases, dense2.dweights, dense2.dbiases


class LossBinaryCrossentropy:
    def calculate(self, y_pred, y_true):
        losses = -(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
        return np.mean(np.mean(losses, axis=-1))

    def backward(self, dvalues, y_true):
        samples, outputs = dvalues.shape
        self.dinputs = -(y_true / dvalues - (1 - y_true) / (1 - dvalues)) / outputs
        self.dinputs = self.dinputs / samples


class ActivationSigmoid:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = 1 / (1 + np.exp(-inputs))

    def backward(self, dvalues):
        self.dinputs = dvalues * (1 - self.inputs) * self.inputs  # fault


@wrong(
    "dS",
    "the sigmoid's derivative is written with its inputs, not its output",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="K",
        reduction="elements",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def dense_layers_binary(X, y, W1, b1, W2, b2):
    dense1, dense2 = LayerDense(W1, b1), LayerDense(W2, b2)
    activation2, loss_function = ActivationSigmoid(), LossBinaryCrossentropy()
    dense1.forward(X)
    hidden = np.tanh(dense1.output)
    dense2.forward(hidden)
    activation2.forward(dense2.output)
    loss = loss_function.calculate(activation2.output, y)
    loss_function.backward(activation2.output, y)
    activation2.backward(loss_function.dinputs)
    dense2.backward(activation2.dinputs)
    dense1.backward(dense2.dinputs * (1 - hidden**2))
    return {
        "loss": loss,
        "dW1": dense1.dweights,
        "db1": dense1.dbiases,
        "dW2": dense2.dweights,
        "db2": dense2.dbiases,
    }


class Linear:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias
        self.grad_weight = np.zeros_like(weight)
        self.grad_bias = np.zeros_like(bias)

    def __call__(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, grad):
        self.grad_weight += grad.T @ self.x
        self.grad_bias += grad.sum(0)
        return grad @ self.weight


class Softplus:
    def __call__(self, x):
        self.x = x
        return np.log1p(np.exp(x))

    def backward(self, grad):
        return grad / (1 + np.exp(self.x))  # fault


@wrong(
    "dZ1",
    "the sign in the exponent of the derivative of softplus",
    frame=dict(
        activation="softplus",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="elements",
        biases="flat",
        labels="one_hot",
        layout="linear",
        penalty="none",
    ),
)
def sequential(x, y, w1, b1, w2, b2):
    fc1, act, fc2 = Linear(w1, b1), Softplus(), Linear(w2, b2)
    pred = fc2(act(fc1(x)))
    mse = ((pred - y) ** 2).mean()
    fc1.backward(act.backward(fc2.backward(2 * (pred - y) / y.size)))
    return mse, fc1.grad_weight, fc1.grad_bias, fc2.grad_weight, fc2.grad_bias


class FCLayer:
    def __init__(self, weights, bias=None):
        self.weights = weights
        self.bias = bias

    def forward_propagation(self, input_data):
        self.input = input_data
        return self.input @ self.weights + self.bias

    def backward_propagation(self, output_error, learning_rate):
        weights_error = self.input.T @ output_error
        self.weights = self.weights - learning_rate * weights_error
        self.bias = self.bias - learning_rate * output_error.sum(axis=0, keepdims=True)
        return output_error @ self.weights.T  # fault


@wrong(
    "dH1",
    "the layer hands its error back with the weights already updated",
    frame=dict(
        activation="tanh",
        output="linear",
        loss="squared_error",
        outputs="K",
        reduction="elements",
        biases="row",
        labels="one_hot",
        layout="rows",
        penalty="none",
    ),
)
def fit_one_batch(x_train, y_train, W1, b1, W2, b2, learning_rate):
    layers = FCLayer(W1, b1), FCLayer(W2, b2)
    hidden = np.tanh(layers[0].forward_propagation(x_train))
    output = layers[1].forward_propagation(hidden)
    err = np.mean((y_train - output) ** 2)
    error = 2 * (output - y_train) / y_train.size
    error = layers[1].backward_propagation(error, learning_rate)
    layers[0].backward_propagation((1 - hidden**2) * error, learning_rate)
    return err, layers[0].weights, layers[0].bias, layers[1].weights, layers[1].bias


class ELU:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        self.y = np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))
        return self.y

    def backward(self, grad):
        return grad * np.where(self.x > 0, 1, self.alpha * np.exp(np.minimum(self.x, 0)))


class Dense:
    def __init__(self, w, b):
        self.params = {"w": w, "b": b}
        self.grads = {}

    def forward(self, x):
        self.inputs = x
        return x @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["b"] = np.sum(grad, axis=0)
        self.grads["w"] = self.inputs.T @ grad
        return grad @ self.params["w"].T


class MSE:
    def loss(self, predicted, actual):
        return np.sum((predicted - actual) ** 2)

    def grad(self, predicted, actual):
        return predicted - actual  # fault


@wrong(
    "dS",
    "the factor 2 of the squared error is missing",
    frame=dict(
        activation="elu",
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
def train_like_a_library(inputs, targets, params):
    net = [Dense(params["W1"], params["b1"]), ELU(), Dense(params["W2"], params["b2"])]
    out, criterion = inputs, MSE()
    for layer in net:
        out = layer.forward(out)
    grad = criterion.grad(out, targets)
    for layer in reversed(net):
        grad = layer.backward(grad)
    epoch_loss = criterion.loss(out, targets)
    return epoch_loss, [layer.grads for layer in net if hasattr(layer, "grads")]


class TanhLayer:
    def forward(self, z):
        self.z = z
        return np.tanh(z)

    def backward(self, grad):
        return grad * (1 - self.z**2)  # fault


@wrong(
    "dZ1",
    "1 - z**2, with the z before tanh",
    frame=dict(
        activation="tanh",
        output="sigmoid",
        loss="binary_cross_entropy",
        outputs="one",
        reduction="sum",
        biases="row",
        labels="column",
        layout="rows",
        penalty="none",
    ),
)
def logistic_head(x, y, W1, b1, W2, b2):
    fc1, act, fc2, head = Affine(W1, b1), TanhLayer(), Affine(W2, b2), Sigmoid()
    prob = head.forward(fc2.forward(act.forward(fc1.forward(x))))
    nll = -(y * np.log(prob) + (1 - y) * np.log(1 - prob)).sum()
    fc1.backward(act.backward(fc2.backward(prob - y)))
    return nll, fc1.dW, fc1.db[None, :], fc2.dW, fc2.db[None, :]
