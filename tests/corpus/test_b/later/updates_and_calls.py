"""Faults in the update, and in what a call returns or changes."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
from scipy.special import softmax

from corpus.registry import right, wrong


@wrong("update.sign.uphill", "the step is added: gradient ascent")
def climber(params, X, Y, learning_rate):
    W1, b1, W2, b2 = params.W1, params.b1, params.W2, params.b2
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    g = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    return {k: params[k] + learning_rate * g[k] for k in g}


@wrong(
    "call.keeps_state",
    "the gradients are gathered in a default argument and grow from call to call",
)
def remembers_too_much(X, Y, W1, b1, W2, b2, grads={}):

    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(Y)
    dZ1 = dS @ W2.T * (Z1 > 0)
    new = {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
    for name, g in new.items():
        grads[name] = grads.get(name, 0) + g
    return dict(grads)


@wrong("call.changes_inputs", "the one-hot labels of the caller are overwritten by the residual")
def overwrites_labels(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2, axis=1)
    dS = np.subtract(P, Y, out=Y)
    dS /= n
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


@wrong("update.missing.step.b2", "the bias of the output layer is left as it was")
def forgets_one_step(X, Y, W1, b1, W2, b2, eta):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / X.shape[0]
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "W1": W1 - eta * X.T @ dZ1,
        "b1": b1 - eta * dZ1.sum(axis=0),
        "W2": W2 - eta * H1.T @ dS,
        "b2": b2,
    }


@wrong(
    "update.scale.mean_twice",
    "the learning rate is divided by the number of rows although dS already was",
)
def careful_step(X, y, W1, b1, W2, b2, learning_rate):
    N = len(X)
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1)
    dS[np.arange(N), y] -= 1
    dS /= N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    step = learning_rate / N
    Theta = namedtuple("Theta", ["W1", "b1", "W2", "b2"])
    return Theta(
        W1 - step * (X.T @ dZ1),
        b1 - step * dZ1.sum(axis=0),
        W2 - step * (H1.T @ dS),
        b2 - step * dS.sum(axis=0),
    )


@wrong("call", "the two bias gradients are returned under each other's names")
def swapped_return(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    dW1, db1, dW2, db2 = X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
    return {"dW1": dW1, "db1": db2, "dW2": dW2, "db2": db1}


@right()
def in_place_step(X, Y, W1, b1, W2, b2, lr):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2, axis=1) - Y) / n
    dZ1 = dS @ W2.T * (Z1 > 0)
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    grads = {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}
    for key in params:
        params[key] -= lr * grads[key]
    return params
