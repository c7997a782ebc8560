"""Faults in the update, and in what a call returns or changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from corpus.development.wrong_numpy.shared import (
    gradients_of,
    hidden_and_probabilities,
    one_hot,
    relu,
    row_softmax,
)
from corpus.registry import right, wrong

# --- update --------------------------------------------------------------------------------------


def plain_gradients(X, Y, W1, b1, W2, b2):
    return gradients_of(X, Y, W1, b1, W2, b2)[1]


@wrong("update.sign.uphill", "The gradient is added: the step goes uphill.")
def train_step(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = np.einsum("nd,dh->nh", X, W1) + b1
    A1 = np.where(Z1 > 0, Z1, 0)
    A2 = row_softmax(np.einsum("nh,hk->nk", A1, W2) + b2)
    dZ2 = (A2 - Y) / len(X)
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 + learning_rate * (X.T @ dZ1),
        "b1": b1 + learning_rate * dZ1.sum(0),
        "W2": W2 + learning_rate * (A1.T @ dZ2),
        "b2": b2 + learning_rate * dZ2.sum(0),
    }


@wrong("update.scale.no_eta", "The learning rate is left out.")
def full_step(X, Y, W1, b1, W2, b2, lr):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    new = {}
    for name, theta in zip(("W1", "b1", "W2", "b2"), (W1, b1, W2, b2), strict=True):
        new[name] = theta - g["d" + name]
    return new


@wrong("update.missing.step.biases", "The biases are not updated.")
def weights_step(X, Y, W1, b1, W2, b2, eta):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    return {"W1": W1 - eta * g["dW1"], "b1": b1, "W2": W2 - eta * g["dW2"], "b2": b2}


@wrong("update.scale.mean_twice", "The step is divided by N once more.")
def mean_step(X, Y, W1, b1, W2, b2, lr):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    rate = lr / len(X)
    return {
        "W1": W1 - rate * g["dW1"],
        "b1": b1 - rate * g["db1"],
        "W2": W2 - rate * g["dW2"],
        "b2": b2 - rate * g["db2"],
    }


@wrong(
    "update.penalty.shrunk_by_eta",
    "The learning rate shrinks the parameters: (1 - lr) theta - lr dtheta.",
)
def decayed_step(X, Y, W1, b1, W2, b2, lr):
    @dataclass
    class Net:
        W1: Any
        b1: Any
        W2: Any
        b2: Any

    g = plain_gradients(X, Y, W1, b1, W2, b2)
    thetas = (W1, b1, W2, b2)
    return Net(*((1 - lr) * t - lr * dt for t, dt in zip(thetas, g.values(), strict=True)))


@wrong("update.function.sign", "Only the sign of the gradient is used.")
def sign_step(params, X, Y, learning_rate):
    g = plain_gradients(X, Y, params.W1, params.b1, params.W2, params.b2)
    return {k: params[k] - learning_rate * np.sign(g["d" + k]) for k in ("W1", "b1", "W2", "b2")}


@wrong("update.scale.own_rate_of_layer_1", "The first layer has a learning rate ten times smaller.")
def layerwise_rates(params, X, y, lr):
    class Updated(NamedTuple):
        W1: Any
        b1: Any
        W2: Any
        b2: Any

    Y = one_hot(y, params.b2.size)
    g = plain_gradients(X, Y, params.W1, params.b1, params.W2, params.b2)
    return Updated(
        params.W1 - 0.1 * lr * g["dW1"],
        params.b1 - 0.1 * lr * g["db1"],
        params.W2 - lr * g["dW2"],
        params.b2 - lr * g["db2"],
    )


@wrong("update.scale.eta_twice", "The learning rate is applied twice: theta - lr * lr * dtheta.")
def apply_steps(X, y, W1, b1, W2, b2, learning_rate):
    thetas = dict(W1=W1, b1=b1, W2=W2, b2=b2)
    grads = plain_gradients(X, one_hot(y, len(b2)), **thetas)
    steps = {name: learning_rate * grads["d" + name] for name in thetas}
    return {name: theta - learning_rate * steps[name] for name, theta in thetas.items()}


# --- call ----------------------------------------------------------------------------------------


BUFFERS: dict[Any, Any] = {}


@wrong(
    "call.keeps_state", "The gradients are accumulated from call to call in a module-level buffer."
)
def accumulating(X, Y, W1, b1, W2, b2):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    grads = BUFFERS.setdefault((X.shape, W2.shape), {})
    for name, value in g.items():
        grads[name] = grads.get(name, 0) + value
    return dict(grads)


@wrong("call.keeps_state", "A mutable default argument keeps the gradients from call to call.")
def accumulating_default(X, Y, W1, b1, W2, b2, grads={}):
    Z1 = np.matmul(X, W1) + b1
    H1 = relu(Z1)
    out = np.exp(log_softmax(np.matmul(H1, W2) + b2, axis=1))
    error = (out - Y) / len(X)
    back = (error @ W2.T) * (Z1 > 0)
    for name, value in (
        ("W1", X.T @ back),
        ("b1", back.sum(0)),
        ("W2", H1.T @ error),
        ("b2", error.sum(0)),
    ):
        key = (name, X.shape, W2.shape)
        grads[key] = grads[key] + value if key in grads else value
    return tuple(grads[name, X.shape, W2.shape] for name in ("W1", "b1", "W2", "b2"))


@wrong("call.changes_inputs", "Y is overwritten in place with P - Y.")
def recycles_targets(X, Y, W1, b1, W2, b2):
    Z1, H1, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    Y *= -1
    Y += P
    Y /= len(X)
    dZ1 = (Y @ W2.T) * (Z1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ Y, "db2": Y.sum(0)}


@wrong("call.changes_inputs", "W1 and W2 of the caller are updated in place beside the gradients.")
def updates_on_the_side(X, Y, W1, b1, W2, b2, step=0.1):
    loss_and_probabilities = gradients_of(X, Y, W1, b1, W2, b2)
    g = loss_and_probabilities[1]
    W1 -= step * g["dW1"]
    W2 -= step * g["dW2"]
    return g["dW1"], g["db1"], g["dW2"], g["db2"]


@wrong(
    "call.changes_inputs",
    "X is sorted into another order in place: the caller's rows no longer fit Y.",
)
def shuffles_rows(X, y, W1, b1, W2, b2):
    Y = one_hot(y, W2.shape[1])
    order = np.argsort(X[:, 0])
    X[:] = X[order]
    return plain_gradients(X, Y[order], W1, b1, W2, b2)


@wrong("call.returns_nothing", "Nothing is returned.")
def silent(X, Y, W1, b1, W2, b2):
    grads = {}
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = (P - Y) / len(X)
    grads["W2"], grads["b2"] = H1.T @ dS, dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    grads["W1"], grads["b1"] = X.T @ dZ1, dZ1.sum(axis=0)


@wrong("call.no_gradient", "Only the loss is returned, without any gradient.")
def evaluates(X, Y, W1, b1, W2, b2):
    _, _, P = hidden_and_probabilities(X, W1, b1, W2, b2)
    return -np.sum(Y * np.log(P)) / len(X)


@wrong(
    "call.raises",
    "A ValueError is raised: the shape of b1 is asserted to be (1, H).",
    biases="flat",
)
def strict_about_shapes(X, Y, W1, b1, W2, b2):
    if b1.shape != (1, W1.shape[1]):
        raise ValueError(f"b1 must be (1, {W1.shape[1]}), not {b1.shape}")
    return plain_gradients(X, Y, W1, b1, W2, b2)


@wrong("call.raises", "It raises a KeyError: the cache has A1, H1 is read.")
def reads_the_cache(X, Y, W1, b1, W2, b2):
    def forward(X):
        cache = {"Z1": X @ W1 + b1}
        cache["A1"] = relu(cache["Z1"])
        cache["Z2"] = cache["A1"] @ W2 + b2
        cache["A2"] = row_softmax(cache["Z2"])
        return cache

    def backward(cache):
        dZ2 = (cache["A2"] - Y) / len(X)
        dZ1 = dZ2 @ W2.T * (cache["Z1"] > 0)
        return X.T @ dZ1, dZ1.sum(0), cache["H1"].T @ dZ2, dZ2.sum(0)

    return backward(forward(X))


@right()
def backwards_order(X, Y, W1, b1, W2, b2):
    grads = []
    inputs = [X, np.maximum(X @ W1 + b1, 0)]
    delta = (row_softmax(inputs[1] @ W2 + b2) - Y) / len(X)
    for x, W in zip(reversed(inputs), (W2, W1), strict=True):
        grads += [x.T @ delta, delta.sum(axis=0)]
        delta = (delta @ W.T) * (x > 0)
    return tuple(grads)


@wrong(
    "call.layers_exchanged",
    "The keys are exchanged: dW1 holds the gradient of W2, and dW2 that of W1.",
)
def mixed_keys(X, Y, W1, b1, W2, b2):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    order = ("dW2", "db1", "dW1", "db2")
    return dict(zip(order, g.values(), strict=True))


@wrong("call.flattened", "The gradients are returned flattened into vectors.")
def flat_gradients(X, Y, W1, b1, W2, b2):
    return {k: v.ravel() for k, v in plain_gradients(X, Y, W1, b1, W2, b2).items()}


@wrong("call", "Noise is added to every gradient, so that two calls differ.")
def noisy(X, Y, W1, b1, W2, b2, rng=np.random.default_rng(0)):
    g = plain_gradients(X, Y, W1, b1, W2, b2)
    return {name: value + 1e-3 * rng.normal(size=value.shape) for name, value in g.items()}
