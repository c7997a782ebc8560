"""Faults in the update, and in what a call returns or changes."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax
from torch import nn

from corpus.registry import wrong
from corpus.test_a.held_out.shared import all_gradients, relu, stable_softmax, to_one_hot

# --- the update ----------------------------------------------------------------------------------


@wrong("update.sign.uphill", "plus instead of minus: the step goes uphill")
def gradient_ascent(X, Y, W1, b1, W2, b2, learning_rate):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (stable_softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "dS": dS,
        "dZ1": dZ1,
        "W1": W1 + learning_rate * X.T @ dZ1,
        "b1": b1 + learning_rate * dZ1.sum(axis=0),
        "W2": W2 + learning_rate * H1.T @ dS,
        "b2": b2 + learning_rate * dS.sum(axis=0),
    }


@wrong("update.scale.no_eta.biases", "the learning rate is left out for the biases")
def update_parameters(X, y, params, lr):
    grads = all_gradients(
        X, to_one_hot(y, params.W2.shape[1]), params.W1, params.b1, params.W2, params.b2
    )
    W1 = params["W1"] - lr * grads["W1"]
    b1 = params["b1"] - grads["b1"]
    W2 = params["W2"] - lr * grads["W2"]
    b2 = params["b2"] - grads["b2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("update.scale.mean_twice", "the step is divided by the batch size once more")
def sgd_over_batch(X, Y, W1, b1, W2, b2, eta):
    mini_batch = len(X)
    z = X @ W1 + b1
    a = relu(z)
    error = {}
    error["dS"] = (softmax(a @ W2 + b2, axis=1) - Y) / mini_batch
    error["dZ1"] = np.where(z > 0, error["dS"] @ W2.T, 0)
    W1 = W1 - (eta / mini_batch) * X.T @ error["dZ1"]
    b1 = b1 - (eta / mini_batch) * error["dZ1"].sum(axis=0)
    W2 = W2 - (eta / mini_batch) * a.T @ error["dS"]
    b2 = b2 - (eta / mini_batch) * error["dS"].sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2, **error}


# --- what a call does ----------------------------------------------------------------------------


@wrong("call.changes_inputs", "the parameters passed in are changed in place by the step")
def train_step(X, Y, W1, b1, W2, b2, learning_rate=0.1):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = stable_softmax(H1 @ W2 + b2)
    dS = (P - Y) / X.shape[0]
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    W1 -= learning_rate * dW1
    b1 -= learning_rate * db1
    W2 -= learning_rate * dW2
    b2 -= learning_rate * db2
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@functools.cache
def build_model(d, H, K):
    return nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, K)).double()


@wrong(
    "call.keeps_state",
    "zero_grad is forgotten: the cached model's gradients pile up from call to call",
    layout="linear",
)
def gradients_pile_up(X, y, W1, b1, W2, b2):
    model = build_model(X.shape[1], W1.shape[0], W2.shape[0])
    with torch.no_grad():
        for p, value in zip(model.parameters(), (W1, b1, W2, b2), strict=True):
            p.copy_(torch.as_tensor(value))
    loss = F.cross_entropy(model(torch.as_tensor(X)), torch.as_tensor(y))
    loss.backward()
    first, _, last = model
    return {
        "dW1": first.weight.grad.clone(),
        "db1": first.bias.grad.clone(),
        "dW2": last.weight.grad.clone(),
        "db2": last.bias.grad.clone(),
    }


@wrong(
    "call.changes_inputs",
    "the one-hot targets are subtracted from: Y is overwritten with the error",
)
def in_place_error(X, Y, W1, b1, W2, b2):
    pre = X @ W1 + b1
    act = np.maximum(pre, 0)
    prob = stable_softmax(act @ W2 + b2)
    err = np.subtract(prob, Y, out=Y)
    err /= X.shape[0]
    back = np.where(pre > 0, err @ W2.T, 0)
    return X.T @ back, back.sum(axis=0), act.T @ err, err.sum(axis=0)
