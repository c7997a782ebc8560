"""Other names of arguments, and other ways to return the gradients."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy.special

from corpus.development.right.shared import Bag, Weights, softmax
from corpus.registry import right


@right()
def lower_case_names(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return dict(dw1=X.T @ g, db1=g.sum(0), dw2=h.T @ e, db2=e.sum(0))


@right()
def names_of_its_own(inputs, targets, w_hidden, b_hidden, w_out, b_out):
    hidden = np.maximum(0, inputs @ w_hidden + b_hidden)
    error = (softmax(hidden @ w_out + b_out) - targets) / len(inputs)
    back = (error @ w_out.T) * (hidden > 0)
    return inputs.T @ back, back.sum(0), hidden.T @ error, error.sum(0)


@right()
def single_letters(a, t, u, p, v, q):
    h = np.maximum(0, a @ u + p)
    e = (softmax(h @ v + q) - t) / len(a)
    g = (e @ v.T) * (h > 0)
    return {"dW1": a.T @ g, "db1": g.sum(0), "dW2": h.T @ e, "db2": e.sum(0)}


@right()
def list_of_gradients(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return [X.T @ g, g.sum(0), h.T @ e, e.sum(0)]


@right()
def nested_grads(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    log_P = scipy.special.log_softmax(H1 @ W2 + b2, axis=1)
    dS = (np.exp(log_P) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": -(Y * log_P).sum() / len(X),
        "grads": {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)},
    }


@right()
def nested_forward_and_backward(X, Y, W1, b1, W2, b2):
    def forward():
        Z1 = X @ W1 + b1
        H1 = np.maximum(0, Z1)
        S = H1 @ W2 + b2
        return {"Z1": Z1, "H1": H1, "S": S, "P": softmax(S)}

    def backward(cache):
        dS = (cache["P"] - Y) / len(X)
        dH1 = dS @ W2.T
        dZ1 = dH1 * (cache["Z1"] > 0)
        return {
            "dS": dS,
            "dH1": dH1,
            "dZ1": dZ1,
            "dW1": X.T @ dZ1,
            "db1": dZ1.sum(0),
            "dW2": cache["H1"].T @ dS,
            "db2": dS.sum(0),
        }

    cache = forward()
    return {"forward": cache, "backward": backward(cache)}


class Grads(NamedTuple):
    dW1: Any
    db1: Any
    dW2: Any
    db2: Any
    loss: float = 0.0


@right()
def named_tuple_with_loss(X, y, W1, b1, W2, b2) -> Grads:
    H1 = np.maximum(0, X @ W1 + b1)
    P = softmax(H1 @ W2 + b2)
    loss = -np.log(P[np.arange(y.size), y]).mean()
    P[np.arange(y.size), y] -= 1
    P /= y.size
    dZ1 = (P @ W2.T) * (H1 > 0)
    return Grads(loss=loss, dW1=X.T @ dZ1, db1=dZ1.sum(0), dW2=H1.T @ P, db2=P.sum(0))


@right()
def loss_and_old_named_tuple(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(0, X @ W1 + b1)
    log_P = scipy.special.log_softmax(H1 @ W2 + b2, axis=1)
    E = (np.exp(log_P) - Y) / len(Y)
    G = (E @ W2.T) * (H1 > 0)
    grads = Weights(b2=E.sum(0), W2=H1.T @ E, b1=G.sum(0), W1=X.T @ G)
    return -np.vdot(Y, log_P) / len(Y), grads


@dataclass
class Result:
    loss: float
    dW2: np.ndarray
    db2: np.ndarray
    dW1: np.ndarray
    db1: np.ndarray
    notes: list = field(default_factory=list)


@right()
def dataclass_in_backward_order(X: np.ndarray, Y: np.ndarray, params: Any) -> Result:
    H1 = np.maximum(0, X @ params["W1"] + params["b1"])
    log_P = scipy.special.log_softmax(H1 @ params["W2"] + params["b2"], axis=1)
    dS = (np.exp(log_P) - Y) / len(Y)
    dZ1 = (dS @ params["W2"].T) * (H1 > 0)
    return Result(
        loss=float(-np.sum(Y * log_P) / len(Y)),
        dW2=H1.T @ dS,
        db2=dS.sum(0),
        dW1=X.T @ dZ1,
        db1=dZ1.sum(0),
    )


class Net:
    """Two linear layers and a ReLU between them, in one class with everything on self."""

    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.H1 = np.maximum(0, self.Z1)
        self.S = self.H1 @ self.W2 + self.b2
        self.P = softmax(self.S)
        return self.P

    def backward(self, Y):
        self.loss = -np.sum(Y * np.log(self.P)) / len(Y)
        self.dS = (self.P - Y) / len(Y)
        self.dW2 = self.H1.T @ self.dS
        self.db2 = self.dS.sum(axis=0)
        self.dH1 = self.dS @ self.W2.T
        self.dZ1 = self.dH1 * (self.Z1 > 0)
        self.dW1 = self.X.T @ self.dZ1
        self.db1 = self.dZ1.sum(axis=0)
        return self.dW1, self.db1, self.dW2, self.db2


@right()
def class_by_methods(X, Y, W1, b1, W2, b2):
    net = Net(W1, b1, W2, b2)
    net.forward(X)
    return net.backward(Y)


@right()
def object_with_attributes(X, Y, W1, b1, W2, b2):
    net, found = Net(W1, b1, W2, b2), Bag()
    found.P = net.forward(X)
    found.W1_grad, found.b1_grad, found.W2_grad, found.b2_grad = net.backward(Y)
    found.loss = net.loss
    return found


class Trainer:
    """Keeps a count of its calls; its method is what gets checked."""

    def __init__(self):
        self.calls = 0

    def gradients(self, X, Y, W1, b1, W2, b2):
        self.calls += 1
        net = Net(W1, b1, W2, b2)
        net.forward(X)
        return dict(zip(("W1", "b1", "W2", "b2"), net.backward(Y)))


right()(Trainer().gradients)


@right()
def coef_and_intercept_triple(X, y, W1, b1, W2, b2):
    coefs, intercepts = [W1, W2], [b1, b2]
    n_samples = X.shape[0]
    activations = [X, None, None]
    for i in range(2):
        activations[i + 1] = activations[i] @ coefs[i]
        activations[i + 1] += intercepts[i]
        if i == 0:
            np.maximum(activations[1], 0, out=activations[1])
    log_P = activations[2] - scipy.special.logsumexp(activations[2], axis=1, keepdims=True)
    loss = -log_P[np.arange(n_samples), y].sum() / n_samples
    delta = np.exp(log_P)
    delta[np.arange(n_samples), y] -= 1
    coef_grads, intercept_grads = [None, None], [None, None]
    coef_grads[1] = activations[1].T @ delta / n_samples
    intercept_grads[1] = np.mean(delta, 0)
    delta = delta @ coefs[1].T
    delta[activations[1] == 0] = 0
    coef_grads[0] = activations[0].T @ delta / n_samples
    intercept_grads[0] = np.mean(delta, 0)
    return loss, coef_grads, intercept_grads


@right()
def coef_and_intercept_dict(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return {"coef_grads": [X.T @ g, h.T @ e], "intercept_grads": [g.sum(0), e.sum(0)]}


def counted(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return f(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@right()
@counted
def decorated(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = (e @ W2.T) * (h > 0)
    return {"dW1": X.T @ g, "db1": g.sum(0), "dW2": h.T @ e, "db2": e.sum(0)}
