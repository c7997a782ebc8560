"""Two independent faults in a function: layers, tapes, loops, steps and other layouts."""

from __future__ import annotations

import numpy as np

from corpus.registry import pair

DECAY = 0.02


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0).reshape(self.b.shape)
        return dout @ self.W.T


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0, x)

    def backward(self, dout):
        return dout * self.mask  # fault


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        self.y = softmax(x)
        return -np.sum(t * np.log(self.y)) / len(t)

    def backward(self):
        return self.y - self.t  # fault


@pair(
    "dZ1", "the mask is the wrong way round",
    "dS", "1/N is missing",
    frame=dict(
        activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_layer_list(x, t, params):
    hidden, out = Affine(params["W1"], params["b1"]), Affine(params["W2"], params["b2"])
    layers = [hidden, Relu(), out]
    last = SoftmaxWithLoss()
    for layer in layers:
        x = layer.forward(x)
    loss = last.forward(x, t)
    dout = last.backward()
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return loss, {"W1": hidden.dW, "b1": hidden.db, "W2": out.dW, "b2": out.db}


class Dense:
    def __init__(self, weights, biases, l2):
        self.weights, self.biases, self.l2 = weights, biases, l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues + 2 * self.l2 * self.weights
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class ActivationTanh:
    def forward(self, inputs):
        self.output = np.tanh(inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues * (1 - self.output)  # fault


@pair(
    "dZ1", "the square of tanh in its derivative is missing",
    "dS", "the probabilities of all classes are lowered by 1",
    frame=dict(
        activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="row", labels="indices", layout="rows", penalty="full",
    ),
)  # fmt: skip
def pair_dense(X, y, W1, b1, W2, b2, l2):
    dense1, dense2 = Dense(W1, b1, l2), Dense(W2, b2, l2)
    activation = ActivationTanh()
    dense1.forward(X)
    activation.forward(dense1.output)
    dense2.forward(activation.output)
    probs = softmax(dense2.output)
    rows = range(len(X))
    loss = np.mean(-np.log(probs[rows, y])) + l2 * (np.sum(W1**2) + np.sum(W2**2))

    dvalues = probs.copy()
    dvalues[rows] -= 1  # fault
    dense2.backward(dvalues / len(X))
    activation.backward(dense2.dinputs)
    dense1.backward(activation.dinputs)
    return loss, [dense1.dweights, dense2.dweights], [dense1.dbiases, dense2.dbiases]


class Linear:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias

    def __call__(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, g):
        self.weight_grad = g.T @ self.x
        self.bias_grad = g.mean(0)  # fault
        return g @ self.weight


@pair(
    "db2", "averages over the rows instead of summing",
    "db1", "is the sum of the gradient of H1 instead of Z1",
    frame=dict(
        activation="sigmoid", output="linear", loss="half_squared_error", outputs="K",
        reduction="sum", biases="flat", labels="one_hot", layout="linear", penalty="none",
    ),
)  # fmt: skip
def pair_linear_modules(x, y, W1, b1, W2, b2):
    head = Linear(W2, b2)
    h = sigmoid(x @ W1.T + b1)
    out = head(h)
    loss = 0.5 * ((out - y) ** 2).sum()
    dh = head.backward(out - y)
    dz = dh * h * (1 - h)
    gW1 = dz.T @ x
    gb1 = dh.sum(0)  # fault
    return loss, gW1, gb1, head.weight_grad, head.bias_grad


class Node:
    def __init__(self, value):
        self.value, self.grad = value, 0.0

    def add_grad(self, g):
        self.grad = self.grad + g


def matmul(tape, a, b):
    out = Node(a.value @ b.value)

    def back():
        a.add_grad(out.grad @ b.value.T)
        b.add_grad(a.value.T @ out.grad)

    tape.append(back)
    return out


def add_bias(tape, a, b):
    out = Node(a.value + b.value)

    def back():
        a.add_grad(out.grad)
        b.add_grad(out.grad.sum(0, keepdims=True))

    tape.append(back)
    return out


def log_sigmoid_loss(tape, a, y):
    p = sigmoid(a.value)
    out = Node(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())

    def back():
        a.add_grad((p - y) * p * (1 - p) / y.size)  # fault

    tape.append(back)
    return out


def relu(tape, a):
    out = Node(np.maximum(a.value, 0))

    def back():
        a.add_grad(out.grad * out.value)  # fault

    tape.append(back)
    return out


@pair(
    "dS", "the derivative of the sigmoid is counted twice",
    "dZ1", "is multiplied by the hidden units instead of by their mask",
    frame=dict(
        activation="relu", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="elements", biases="row", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_little_tape(x, y, w1, b1, w2, b2):
    tape = []
    p1, c1, p2, c2 = Node(w1), Node(b1), Node(w2), Node(b2)
    h = relu(tape, add_bias(tape, matmul(tape, Node(x), p1), c1))
    loss = log_sigmoid_loss(tape, add_bias(tape, matmul(tape, h, p2), c2), y)
    for back in reversed(tape):
        back()
    return loss.value, p1.grad, c1.grad, p2.grad, c2.grad


@pair(
    "dW2", "only the last example counts: = stands for +=",
    "dZ1", "the slope of the negative side is 0.5 instead of 0.05",
    frame=dict(
        activation="leaky_relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="sum", biases="flat", labels="indices", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_loop_over_rows(X, y, W1, b1, W2, b2):
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    loss = 0.0
    for x, label in zip(X, y):
        a = x @ W1 + b1
        h = np.maximum(a, 0.05 * a)
        s = h @ W2 + b2
        p = np.exp(s - s.max())
        p = p / p.sum()
        loss -= np.log(p[label])
        p[label] -= 1
        dW2 = np.outer(h, p)  # fault
        db2 += p
        da = W2 @ p
        da[a < 0] *= 0.5  # fault
        dW1 += np.outer(x, da)
        db1 += da
    return loss, dW1, db1, dW2, db2


@pair(
    "update", "W2 is moved up the gradient",
    "dW1", "1/N stands once more",
    frame=dict(
        activation="tanh", output="sigmoid", loss="squared_error", outputs="one",
        reduction="mean", biases="none", labels="column", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_synapses(X, y, syn0, syn1, alpha):
    l1 = np.tanh(X.dot(syn0))
    l2 = sigmoid(l1.dot(syn1))
    l2_delta = 2 * (l2 - y) * l2 * (1 - l2) / len(X)
    l1_delta = l2_delta.dot(syn1.T) * (1 - l1**2)
    grad0 = X.T.dot(l1_delta) / len(X)  # fault
    grad1 = l1.T.dot(l2_delta)
    return syn0 - alpha * grad0, syn1 + alpha * grad1  # fault


def penalty(W1, W2):
    return DECAY * (np.sum(W1**2) + np.sum(W2**2))


@pair(
    "dW1", "the factor 2 of the penalty is missing",
    "Z1", "b1 is subtracted",
    frame=dict(
        activation="relu", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="constant",
    ),
)  # fmt: skip
def pair_decayed(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 - b1  # fault
    A1 = np.maximum(Z1, 0)
    P = softmax(A1 @ W2 + b2)
    loss = -np.sum(Y * np.log(P)) / len(X) + penalty(W1, W2)
    dS = (P - Y) / len(X)
    dW2 = A1.T @ dS + 2 * DECAY * W2
    db2 = dS.sum(axis=0)
    dZ1 = dS @ W2.T * (Z1 > 0)
    dW1 = X.T @ dZ1 + DECAY * W1  # fault
    db1 = dZ1.sum(axis=0)
    return {"loss": loss, "Z1": Z1, "dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def unpack(theta, d, h, k):
    shapes = (d, h), (h,), (h, k), (k,)
    parts, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        parts.append(theta[start : start + size].reshape(shape))
        start += size
    return parts


def softplus_backward(g, z):
    return g / (1 + np.exp(z))  # fault


@pair(
    "dZ1", "the sign in the exponent of the derivative is missing",
    "db2", "the penalty is on the bias as well",
    frame=dict(
        activation="softplus", output="sigmoid", loss="binary_cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="half",
    ),
)  # fmt: skip
def pair_for_minimize(theta, X, Y, hidden, lam):
    W1, b1, W2, b2 = unpack(theta, X.shape[1], hidden, Y.shape[1])
    n = len(X)
    Z = X @ W1 + b1
    H = np.log1p(np.exp(Z))
    P = sigmoid(H @ W2 + b2)
    J = -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / n
    J += lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    D = (P - Y) / n
    gW2 = H.T @ D + lam * W2
    gb2 = D.sum(axis=0) + lam * b2  # fault
    D = softplus_backward(D @ W2.T, Z)
    gW1 = X.T @ D + lam * W1
    gb1 = D.sum(axis=0)
    return J, np.concatenate([g.ravel() for g in (gW1, gb1, gW2, gb2)])


def negative_log_likelihood(p, t):
    return -np.mean(t * np.log(p))  # fault


@pair(
    "L", "averages over the classes as well",
    "dS", "the sign of the difference is turned round",
    frame=dict(
        activation="tanh", output="softmax", loss="cross_entropy", outputs="K",
        reduction="mean", biases="flat", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_cached(x, t, params):
    a = x @ params["W1"] + params["b1"]
    h = np.tanh(a)
    p = softmax(h @ params["W2"] + params["b2"])
    loss = negative_log_likelihood(p, t)
    d = (t - p) / len(x)  # fault
    grads = {"W2": h.T @ d, "b2": d.sum(axis=0)}
    d = d @ params["W2"].T * (1 - h**2)
    grads["W1"], grads["b1"] = x.T @ d, d.sum(axis=0)
    return loss, grads


@pair(
    "dH1", "dW2 is used instead of W2",
    "dW2", "the factor 2 is missing",
    frame=dict(
        activation="elu", output="linear", loss="squared_error", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="linear", penalty="none",
    ),
)  # fmt: skip
def pair_transposed(x, target, W1, b1, W2, b2):
    z = x @ W1.T + b1
    h = np.where(z > 0, z, np.expm1(z))
    y = h @ W2.T + b2
    loss = ((y - target) ** 2).sum() / len(x)
    dy = 2 * (y - target) / len(x)
    dW2 = (y - target).T @ h / len(x)  # fault
    db2 = dy.sum(axis=0, keepdims=True)
    dh = dy @ dW2  # fault
    dz = dh * np.where(z > 0, 1, h + 1)
    return loss, dz.T @ x, dz.sum(axis=0, keepdims=True), dW2, db2


def relu_prime(z):
    return np.sign(z)  # fault


@pair(
    "dZ1", "the sign of Z1 stands for the mask",
    "dW1", "X is not transposed but reshaped",
    frame=dict(
        activation="relu", output="sigmoid", loss="half_squared_error", outputs="one",
        reduction="mean", biases="flat", labels="flat", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_single_output(X, y, W1, b1, W2, b2):
    N, d = X.shape
    z = X @ W1 + b1
    h = np.maximum(0, z)
    p = sigmoid(h @ W2 + b2)
    err = (p - y.reshape(-1, 1)) / N
    delta = err * p * (1 - p)
    grad_W2, grad_b2 = h.T @ delta, delta.sum(0)
    delta = delta @ W2.T * relu_prime(z)
    grad_W1 = X.reshape(d, N) @ delta  # fault
    grad_b1 = delta.sum(0)
    return grad_W1, grad_b1, grad_W2, grad_b2


def apply(params, grads, lr):
    params["W1"] -= lr * grads["W1"]
    params["b1"] -= lr * grads["b1"]
    params["W2"] -= lr * grads["W2"]
    params["b2"] += lr * grads["b2"]  # fault


@pair(
    "update", "b2 is moved up the gradient",
    "dS", "the factor 2 stands where the loss has a half",
    frame=dict(
        activation="sigmoid", output="sigmoid", loss="half_squared_error", outputs="K",
        reduction="mean", biases="row", labels="one_hot", layout="rows", penalty="none",
    ),
)  # fmt: skip
def pair_train(model, X, y, lr):
    h = sigmoid(X @ model["W1"] + model["b1"])
    p = sigmoid(h @ model["W2"] + model["b2"])
    loss = 0.5 * np.sum((p - y) ** 2) / len(X)
    d2 = 2 * (p - y) * p * (1 - p) / len(X)  # fault
    d1 = d2 @ model["W2"].T * h * (1 - h)
    grads = {"W2": h.T @ d2, "b2": d2.sum(axis=0, keepdims=True)}
    grads["W1"], grads["b1"] = X.T @ d1, d1.sum(axis=0, keepdims=True)
    apply(model, grads, lr)
    return loss, model
