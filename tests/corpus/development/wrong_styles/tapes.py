"""Tapes of single numbers and of arrays."""

import math
from collections import defaultdict

import numpy as np
from scipy.special import log_softmax, softmax

from corpus.registry import wrong


class Value:
    """A number that remembers how it was made."""

    def __init__(self, data, children=()):
        self.data = float(data)
        self.grad = 0.0
        self._prev = children
        self._backward = lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __sub__(self, other):
        out = Value(self.data - other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad -= out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad = other.data * out.grad
            other.grad = self.data * out.grad

        out._backward = _backward
        return out

    def relu(self):
        out = Value(max(0.0, self.data), (self,))

        def _backward():
            self.grad += (out.data > 0) * out.grad

        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child in node._prev)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


@wrong("dW2", "products set their operands' gradients, not add to them: one row is left of the sum")
def scalar_tape(X, Y, W1, b1, W2, b2):
    def wrap(a):
        a = np.asarray(a)
        return [Value(v) for v in a] if a.ndim == 1 else [[Value(v) for v in row] for row in a]

    X, Y, W1, b1, W2, b2 = map(wrap, (X, Y, W1, b1, W2, b2))
    total = Value(0)
    for x, t in zip(X, Y, strict=True):
        h = []
        for j, b in enumerate(b1):
            h.append(sum((xi * w[j] for xi, w in zip(x, W1, strict=True)), b).relu())
        s = []
        for k, b in enumerate(b2):
            s.append(sum((hj * w[k] for hj, w in zip(h, W2, strict=True)), b))
        log_sum = sum((sk.exp() for sk in s), Value(0)).log()
        for tk, sk in zip(t, s, strict=True):
            total = total + tk * (log_sum - sk)
    loss = total * Value(1 / len(X))
    loss.backward()
    grad = {"W1": W1, "W2": W2}
    grad = {n: np.array([[v.grad for v in row] for row in w]) for n, w in grad.items()}
    grad["b1"] = np.array([v.grad for v in b1])
    grad["b2"] = np.array([v.grad for v in b2])
    return loss.data, grad


class Node:
    def __init__(self, value, parents=()):
        self.value = np.asarray(value)
        self.parents = parents
        self.grad = np.zeros_like(self.value)
        self.pull = lambda: None

    def __matmul__(self, other):
        out = Node(self.value @ other.value, (self, other))

        def pull():
            self.grad += out.grad @ other.value.T
            other.grad += self.value.T @ out.grad

        out.pull = pull
        return out

    def add_bias(self, bias):
        out = Node(self.value + bias.value, (self, bias))

        def pull():
            self.grad += out.grad
            bias.grad += out.grad[0]

        out.pull = pull
        return out

    def relu(self):
        out = Node(np.maximum(self.value, 0), (self,))

        def pull():
            self.grad += np.where(self.value > 0, out.grad, 0)

        out.pull = pull
        return out

    def cross_entropy(self, Y):
        logp = log_softmax(self.value, axis=1)
        out = Node(-(Y * logp).sum() / len(Y), (self,))

        def pull():
            self.grad += out.grad * (np.exp(logp) - Y) / len(Y)

        out.pull = pull
        return out

    def backward(self):
        self.grad = np.ones_like(self.value)
        node = self
        while node.parents:
            node.pull()
            node = node.parents[0]


@wrong(
    "db2.subset.first_row_only", "the bias takes the gradient of the first row only (as does b1)"
)
def array_tape(X, Y, W1, b1, W2, b2):
    p = {"W1": Node(W1), "b1": Node(b1), "W2": Node(W2), "b2": Node(b2)}
    hidden = (Node(X) @ p["W1"]).add_bias(p["b1"]).relu()
    loss = (hidden @ p["W2"]).add_bias(p["b2"]).cross_entropy(Y)
    loss.backward()
    return loss.value, {k: node.grad for k, node in p.items()}


@wrong("dZ1.mask.reversed_at_zero", "the mask is turned round: the gradient passes where Z1 <= 0")
def tape_list(X, Y, W1, b1, W2, b2):
    tape = []
    grads = defaultdict(lambda: 0.0)

    def affine(x, w, b, names):
        out = x @ w + b

        def back(g):
            grads[names[0]] += x.T @ g
            grads[names[1]] += g.sum(axis=0)
            return g @ w.T

        tape.append(back)
        return out

    def relu(x):
        tape.append(lambda g: np.where(x > 0, 0.0, g))
        return np.where(x > 0, x, 0.0)

    def loss(s):
        p = softmax(s, axis=1)
        tape.append(lambda g: g * (p - Y) / s.shape[0])
        return -np.sum(Y * np.log(p)) / s.shape[0]

    L = loss(affine(relu(affine(X, W1, b1, ("W1", "b1"))), W2, b2, ("W2", "b2")))
    g = 1.0
    while tape:
        g = tape.pop()(g)
    return L, dict(grads)


class Tensor:
    def __init__(self, data, ctx=None):
        self.data, self.ctx, self.grad = data, ctx, 0

    def matmul(self, w):
        def vjp(g):
            return [(self, g @ w.data.T), (w, self.data.T @ self.next.data)]

        self.next = Tensor(self.data @ w.data, vjp)
        return self.next

    def add(self, b):
        return Tensor(self.data + b.data, lambda g: [(self, g), (b, g.sum(0))])

    def relu(self):
        on = self.data > 0
        return Tensor(self.data * on, lambda g: [(self, g * on)])

    def backward(self, g):
        self.grad = self.grad + g
        if self.ctx is not None:
            for parent, grad in self.ctx(g):
                parent.backward(grad)


@wrong("dW2", "the product's values stand where the gradient that arrives should (in dW1 too)")
def recursive_tape(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = weights = list(map(Tensor, (W1, b1, W2, b2)))
    scores = Tensor(X).matmul(W1).add(b1).relu().matmul(W2).add(b2)
    P = softmax(scores.data, axis=1)
    scores.backward((P - Y) / Y.shape[0])
    return tuple(w.grad for w in weights)


class Var:
    def __init__(self, v, *back):
        self.v, self.back, self.g = v, back, 0.0

    def push(self, g):
        self.g = self.g + g
        for var, rule in self.back:
            var.push(rule(g))


@wrong("dS", "the quotient e / sum is differentiated without the square of the sum")
def quotient_tape(X, Y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (Var(w) for w in (W1, b1, W2, b2))
    z = Var(X @ W1.v + b1.v, (W1, lambda g: X.T @ g), (b1, lambda g: g.sum(0)))
    h = Var(np.fmax(z.v, 0), (z, lambda g: g * (z.v > 0)))
    s = Var(
        h.v @ W2.v + b2.v,
        (h, lambda g: g @ W2.v.T),
        (W2, lambda g: h.v.T @ g),
        (b2, lambda g: g.sum(0)),
    )
    e = Var(np.exp(s.v), (s, lambda g: g * e.v))
    t = Var(e.v.sum(1, keepdims=True), (e, lambda g: g * np.ones_like(e.v)))
    p = Var(
        e.v / t.v,
        (e, lambda g: g / t.v),
        (t, lambda g: -(g * e.v / t.v).sum(1, keepdims=True)),
    )
    p.push(-Y / p.v / len(X))
    return {"dW1": W1.g, "db1": b1.g, "dW2": W2.g, "db2": b2.g}
