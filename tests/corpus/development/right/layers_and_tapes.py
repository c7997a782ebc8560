"""Layer classes and tapes."""

from __future__ import annotations

import functools
import math
from collections import defaultdict

import numpy as np
import scipy.special

from corpus.registry import right


class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, upstream):
        self.dW = self.x.T @ upstream
        self.db = upstream.sum(axis=0)
        return upstream @ self.W.T


class ReLU:
    def __call__(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0)

    def backward(self, upstream):
        return upstream * self.mask


class CrossEntropy:
    def __call__(self, scores, Y):
        self.Y = Y
        self.log_P = scipy.special.log_softmax(scores, axis=-1)
        return -(Y * self.log_P).sum(-1).mean()

    def backward(self):
        return (np.exp(self.log_P) - self.Y) / len(self.Y)


@right()
def layer_objects(X, Y, W1, b1, W2, b2):
    layers, criterion = [Linear(W1, b1), ReLU(), Linear(W2, b2)], CrossEntropy()
    loss = criterion(functools.reduce(lambda x, layer: layer(x), layers, X), Y)
    upstream = criterion.backward()
    for layer in reversed(layers):
        upstream = layer.backward(upstream)
    first, _, last = layers
    return loss, first.dW, first.db, last.dW, last.db


class Value:
    """A number that remembers how it was made."""

    def __init__(self, data, parents=()):
        self.data, self.grad = data, 0.0
        self._parents = parents
        self._backward = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def relu(self):
        out = Value(self.data if self.data > 0 else 0.0, (self,))

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
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for parent in v._parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()


@right()
def scalar_engine(X, y, W1, b1, W2, b2):
    def wrap(a):
        return np.vectorize(Value, otypes=[object])(a)

    def unwrap(a):
        return np.vectorize(lambda v: v.grad, otypes=[float])(a)

    V1, c1, V2, c2 = wrap(W1), wrap(b1), wrap(W2), wrap(b2)
    total = Value(0.0)
    for x, label in zip(X.tolist(), y.tolist()):
        hidden = []
        for j in range(len(c1)):
            z = c1[j]
            for i, value in enumerate(x):
                z = z + V1[i, j] * value
            hidden.append(z.relu())
        scores = []
        for k in range(len(c2)):
            s = c2[k]
            for j, h in enumerate(hidden):
                s = s + h * V2[j, k]
            scores.append(s)
        top = max(s.data for s in scores)
        partition = Value(0.0)
        for s in scores:
            partition = partition + (s + -top).exp()
        total = total + partition.log() + top + scores[label] * -1.0
    loss = total * (1 / len(X))
    loss.backward()
    return loss.data, {
        "dW1": unwrap(V1),
        "db1": unwrap(c1),
        "dW2": unwrap(V2),
        "db2": unwrap(c2),
    }


@right()
def array_tape(X, Y, W1, b1, W2, b2):
    tape, grads = [], defaultdict(float)

    def linear(name_in, x, i, W, b, name_out):
        def back():
            g = grads[name_out]
            grads[f"dW{i}"] = grads[f"dW{i}"] + x.T @ g
            grads[f"db{i}"] = grads[f"db{i}"] + g.sum(0)
            grads[name_in] = grads[name_in] + g @ W.T

        tape.append(back)
        return x @ W + b

    def relu(name_in, x, name_out):
        tape.append(lambda: grads.__setitem__(name_in, grads[name_out] * (x > 0)))
        return np.maximum(x, 0)

    def cross_entropy(name_in, s):
        log_p = scipy.special.log_softmax(s, axis=1)
        tape.append(lambda: grads.__setitem__(name_in, (np.exp(log_p) - Y) / len(Y)))
        return -(Y * log_p).sum() / len(Y)

    z = linear("x", X, 1, W1, b1, "z")
    h = relu("z", z, "h")
    loss = cross_entropy("s", linear("h", h, 2, W2, b2, "s"))
    while tape:
        tape.pop()()
    return loss, {name: grads[name] for name in ("dW1", "db1", "dW2", "db2")}
