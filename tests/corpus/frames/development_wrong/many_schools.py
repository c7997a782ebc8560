"""Loops over rows, einsum, flat vectors, tapes, deltas and nablas: several outputs."""

from __future__ import annotations

import math

import numpy as np

from corpus.frames.development_wrong.shared import frame_of
from corpus.registry import wrong


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


# --- loops ---------------------------------------------------------------------------------------


def add_outer(total, left, right):
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            total[i][j] += a * b


def accumulate(total, left, right):
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            total[i][j] = a * b  # fault


@wrong(
    "dW1",
    "set for every row instead of added up: the last row's alone remains",
    frame=frame_of("relu linear half_squared_error K sum none one_hot rows none"),
)
def plain_loops(X, Y, W1, W2):
    D, H, K = len(W1), len(W2), len(W2[0])
    grad1 = [[0.0] * H for _ in range(D)]
    grad2 = [[0.0] * K for _ in range(H)]
    for x, t in zip(X, Y):
        z = [sum(x[i] * W1[i][j] for i in range(D)) for j in range(H)]
        a = [max(0.0, v) for v in z]
        err = [sum(a[j] * W2[j][k] for j in range(H)) - t[k] for k in range(K)]
        back = [sum(err[k] * W2[j][k] for k in range(K)) for j in range(H)]
        back = [g if v > 0 else 0.0 for g, v in zip(back, z)]
        add_outer(grad2, a, err)
        accumulate(grad1, x, back)
    return np.array(grad1), np.array(grad2)


class Network:
    """Weights (out, in), biases as columns, one example at a time."""

    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        sp = sigmoid_prime(activations[-2])  # fault
        delta = np.dot(self.weights[-1].T, delta) * sp
        nabla_b[-2] = delta
        nabla_w[-2] = np.dot(delta, activations[-3].T)
        return nabla_b, nabla_w


@wrong(
    "dZ1",
    "the slope of the sigmoid is taken at the activations",
    frame=frame_of("sigmoid sigmoid half_squared_error K mean column one_hot linear none"),
)
def mini_batch_nablas(X, Y, W1, b1, W2, b2):
    net = Network([W1, W2], [b1, b2])
    nabla_b = [np.zeros(b.shape) for b in net.biases]
    nabla_w = [np.zeros(w.shape) for w in net.weights]
    for x, y in zip(X, Y):
        delta_b, delta_w = net.backprop(x[:, None], y[:, None])
        nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_b)]
        nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_w)]
    return [nb / len(X) for nb in nabla_b], [nw / len(X) for nw in nabla_w]


@wrong(
    "dH1",
    "the outputs go back through the weights, not their errors",
    frame=frame_of("tanh softmax cross_entropy K sum flat one_hot rows none"),
)
def pattern_by_pattern(x, t, w1, b1, w2, b2):
    dw1, db1, dw2, db2 = (np.zeros_like(w) for w in (w1, b1, w2, b2))
    E = 0.0
    for xn, tn in zip(x, t):
        a_j = xn @ w1 + b1
        z_j = np.tanh(a_j)
        a_k = z_j @ w2 + b2
        y_k = np.exp(a_k) / np.exp(a_k).sum()
        E -= (tn * np.log(y_k)).sum()
        delta_k = y_k - tn
        back = np.array([(w2[j] * y_k).sum() for j in range(len(z_j))])  # fault
        delta_j = (1 - z_j**2) * back
        dw1 += np.outer(xn, delta_j)
        db1 += delta_j
        dw2 += np.outer(z_j, delta_k)
        db2 += delta_k
    return E, dw1, db1, dw2, db2


# --- einsum, flat vectors ------------------------------------------------------------------------


@wrong(
    "dH1",
    "two letters for the classes, so that each sum runs for itself",
    frame=frame_of("relu softmax cross_entropy K mean row one_hot rows half"),
)
def indices_in_einsum(X, Y, W1, b1, W2, b2, l2):
    n = X.shape[0]
    pre = np.einsum("nd,dh->nh", X, W1) + b1
    hid = pre.clip(min=0)
    log = np.einsum("nh,hk->nk", hid, W2) + b2
    p = np.exp(log - log.max(1, keepdims=True))
    p /= np.einsum("nk->n", p)[:, None]
    d_log = (p - Y) / n
    d_hid = np.einsum("nk,hj->nh", d_log, W2)  # fault
    d_pre = d_hid * (pre > 0)
    d_W2 = np.einsum("nh,nk->hk", hid, d_log) + l2 * W2
    d_W1 = np.einsum("nd,nh->dh", X, d_pre) + l2 * W1
    return d_W1, d_pre.sum(0, keepdims=True), d_W2, d_log.sum(0, keepdims=True)


def unroll(*arrays):
    return np.concatenate([a.ravel() for a in arrays])


def cost_and_gradient(theta, shapes, X, y, lam):
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
    W1, b1, W2, b2 = (part.reshape(s) for part, s in zip(np.split(theta, cuts), shapes))
    m = len(y)
    a2 = sigmoid(X @ W1 + b1)
    z3 = a2 @ W2 + b2
    z3 = z3 - z3.max(axis=1, keepdims=True)
    h = np.exp(z3) / np.exp(z3).sum(axis=1, keepdims=True)
    J = -np.log(h[np.arange(m), y]).sum() / m + lam / (2 * m) * ((W1**2).sum() + (W2**2).sum())
    d3 = h.copy()
    d3[np.arange(m), y] -= 1
    d2 = d3 @ W2.T * a2 * (1 - a2)
    D2 = (a2.T @ d3 + lam * W2) / m
    D1 = (X.T @ d2 + lam * W1) / m
    return J, unroll(D1, d2.mean(0), D2.T, d3.mean(0))  # fault


@wrong(
    "dW2",
    "unrolled with its axes exchanged, so that most entries have the wrong place",
    frame=frame_of("sigmoid softmax cross_entropy K mean flat indices rows by_N"),
)
def for_an_optimiser(X, y, W1, b1, W2, b2, lam):
    shapes = [w.shape for w in (W1, b1, W2, b2)]
    return cost_and_gradient(unroll(W1, b1, W2, b2), shapes, X, y, lam)


# --- a tape --------------------------------------------------------------------------------------


class Tensor:
    def __init__(self, data, parents=(), back=None):
        self.data, self.parents, self.back = np.asarray(data, float), parents, back
        self.grad = np.zeros_like(self.data)

    def __matmul__(self, other):
        def back(g):
            self.grad += g @ other.data.T
            other.grad += self.data.T @ g

        return Tensor(self.data @ other.data, (self, other), back)

    def __add__(self, other):
        def back(g):
            self.grad += g
            other.grad += g.sum(axis=0)

        return Tensor(self.data + other.data, (self, other), back)

    def tanh(self):
        t = np.tanh(self.data)

        def back(g):
            self.grad += g * (1 - self.data**2)  # fault

        return Tensor(t, (self,), back)

    def nll(self, y):
        e = np.exp(self.data - self.data.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))

        def back(g):
            d = p.copy()
            d[rows, y] -= 1
            self.grad += g * d / len(y)

        return Tensor(-np.log(p[rows, y]).mean(), (self,), back)

    def backward(self):
        self.grad = np.ones_like(self.data)
        node = self
        queue = [node]
        while queue:
            node = queue.pop(0)
            if node.back is not None:
                node.back(node.grad)
            queue.extend(node.parents)


@wrong(
    "dZ1",
    "the square of the unit's input stands for that of its output",
    frame=frame_of("tanh softmax cross_entropy K mean flat indices rows none"),
)
def small_tape(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (Tensor(w) for w in (W1, b1, W2, b2))
    loss = (((Tensor(X) @ W1) + b1).tanh() @ W2 + b2).nll(y)
    loss.backward()
    return [w.grad for w in (W1, b1, W2, b2)]


# --- dicts of a notebook -------------------------------------------------------------------------


def calculate_loss(p, y, W1, W2, reg_lambda):
    data_loss = -np.log(p[range(len(y)), y]).sum()
    return data_loss + reg_lambda / 2 * (np.sum(np.square(W1)) + np.sum(np.square(W2)))


@wrong(
    "dW2",
    "its share of the penalty is forgotten",
    frame=frame_of("tanh softmax cross_entropy K sum row indices rows half"),
)
def build_model(X, y, model, reg_lambda):
    W1, b1, W2, b2 = model["W1"], model["b1"], model["W2"], model["b2"]
    z1 = X.dot(W1) + b1
    a1 = np.tanh(z1)
    z2 = a1.dot(W2) + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    loss = calculate_loss(probs, y, W1, W2, reg_lambda)
    delta3 = probs
    delta3[range(len(X)), y] -= 1
    dW2 = (a1.T).dot(delta3)  # fault
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0, keepdims=True)
    dW1 += reg_lambda * W1
    return loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def erf_of(z):
    return np.vectorize(math.erf)(z / np.sqrt(2))


def tag_forward(X, W1, b1, W2, b2):
    hpreact = X @ W1 + b1
    h = 0.5 * hpreact * (1 + erf_of(hpreact))
    logits = hpreact @ W2 + b2  # fault
    return hpreact, h, sigmoid(logits)


@wrong(
    "S",
    "the values before the activation go on to the second layer",
    frame=frame_of("gelu sigmoid binary_cross_entropy K sum row one_hot rows none"),
)
def tag_grads(X, yb, W1, b1, W2, b2):
    hpreact, h, p = tag_forward(X, W1, b1, W2, b2)
    loss = -(yb * np.log(p) + (1 - yb) * np.log(1 - p)).sum()
    dlogits = p - yb
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0, keepdims=True)
    dh = dlogits @ W2.T
    density = np.exp(-0.5 * hpreact**2) / np.sqrt(2 * np.pi)
    dhpreact = dh * (0.5 * (1 + erf_of(hpreact)) + hpreact * density)
    dW1 = X.T @ dhpreact
    db1 = dhpreact.sum(0, keepdims=True)
    return loss, dW1, db1, dW2, db2
