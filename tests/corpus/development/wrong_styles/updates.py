"""Functions that return new parameters."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax
from torch import nn

from corpus.development.wrong_styles.shared import Net, _leaves, _sums
from corpus.registry import wrong


def _gradients(X, Y, W1, b1, W2, b2):
    return [g / len(X) for g in _sums(X, Y, W1, b1, W2, b2)]


@wrong("update.missing.step.b2", "b2 is not updated")
def step_without_b2(X, Y, W1, b1, W2, b2, learning_rate):
    dW1, db1, dW2, _ = _gradients(X, Y, W1, b1, W2, b2)
    W1 = W1 - learning_rate * dW1
    b1 = b1 - learning_rate * db1
    W2 = W2 - learning_rate * dW2
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("update.operand.db1_for_db2", "b2 is updated with b1's gradient")
def step_copy_paste(X, Y, W1, b1, W2, b2, lr):
    dW1, db1, dW2, _ = _gradients(X, Y, W1, b1, W2, b2)
    new = {}
    new["W1"] = W1 - lr * dW1
    new["b1"] = b1 - lr * db1
    new["W2"] = W2 - lr * dW2
    new["b2"] = b2 - lr * db1
    return new


@wrong("update.scale.eta_twice", "eta is multiplied in twice")
def step_eta_twice(X, Y, params, eta):
    names = ("W1", "b1", "W2", "b2")
    grads = _gradients(X, Y, *(params[n] for n in names))
    steps = {n: eta * g for n, g in zip(names, grads, strict=True)}
    return {n: params[n] - eta * steps[n] for n in names}


@wrong("update.missing.parameter", "the new parameters are the step alone, -eta dtheta")
def step_alone(X, Y, W1, b1, W2, b2, learning_rate):
    grads = _gradients(X, Y, W1, b1, W2, b2)
    minus = partial(np.multiply, -learning_rate)
    return dict(zip(("W1", "b1", "W2", "b2"), map(minus, grads), strict=True))


@wrong("update.scale.mean_twice", "the step is divided by N once more")
def step_divided(X, Y, W1, b1, W2, b2, lr):
    grads = _gradients(X, Y, W1, b1, W2, b2)
    rate = lr / len(X)
    W1, b1, W2, b2 = (p - rate * g for p, g in zip((W1, b1, W2, b2), grads, strict=True))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong(
    "update.penalty.decay", "the parameters are made smaller by weight decay that nobody asked for"
)
def step_decay(X, Y, W1, b1, W2, b2, lr):
    ws = [torch.nn.Parameter(torch.tensor(w)) for w in (W1, b1, W2, b2)]
    optimizer = torch.optim.SGD(ws, lr=lr, weight_decay=0.01)
    hidden = torch.relu(torch.from_numpy(X) @ ws[0] + ws[1])
    loss = F.cross_entropy(hidden @ ws[2] + ws[3], torch.from_numpy(Y))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return {n: w.detach().numpy() for n, w in zip(("W1", "b1", "W2", "b2"), ws, strict=True)}


@wrong("update.function.adam", "Adam's step instead of theta - eta dtheta", layout="linear")
def step_adam(X, y, W1, b1, W2, b2, learning_rate):
    net = Net(X.shape[1], W1.shape[0], W2.shape[0])
    net.load(W1, b1, W2, b2)
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    optimizer.zero_grad()
    F.cross_entropy(net(torch.as_tensor(X).double()), torch.as_tensor(y)).backward()
    optimizer.step()
    weights = (net.fc1.weight, net.fc1.bias, net.fc2.weight, net.fc2.bias)
    new = (w.detach().numpy() for w in weights)
    return dict(zip(("W1", "b1", "W2", "b2"), new, strict=True))


@wrong("update.scale.doubled", "optimizer.step() is called twice on the same gradients")
def step_twice(X, Y, W1, b1, W2, b2, lr):
    ws = dict(zip(("W1", "b1", "W2", "b2"), _leaves(W1, b1, W2, b2), strict=True))
    optimizer = torch.optim.SGD(ws.values(), lr=lr)
    X, Y = torch.as_tensor(X), torch.as_tensor(Y)
    scores = F.relu(X @ ws["W1"] + ws["b1"]) @ ws["W2"] + ws["b2"]
    loss = -(Y * scores.log_softmax(dim=1)).sum(dim=1).mean()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        loss = F.cross_entropy((X @ ws["W1"] + ws["b1"]).relu() @ ws["W2"] + ws["b2"], Y)
    optimizer.step()
    return {n: w.detach() for n, w in ws.items()}


_velocity: dict[Any, Any] = {}


@wrong("call.keeps_state", "the velocity of the calls before is in the step")
def step_momentum(X, Y, W1, b1, W2, b2, lr):
    old = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    new = {}
    for (name, p), g in zip(old.items(), _gradients(X, Y, W1, b1, W2, b2), strict=True):
        key = name, p.shape
        _velocity[key] = 0.9 * _velocity.get(key, 0.0) + g
        new[name] = p - lr * _velocity[key]
    return new


@wrong(
    "dH1.order.W2_after_its_update",
    "W2 is updated in place before dS is propagated back through it",
)
def step_in_place(X, Y, W1, b1, W2, b2, learning_rate):
    W1, b1, W2, b2 = W1.copy(), b1.copy(), W2.copy(), b2.copy()
    z1 = X @ W1 + b1
    h1 = np.maximum(z1, 0)
    ds = (softmax(h1 @ W2 + b2, axis=1) - Y) / len(X)
    W2 -= learning_rate * (h1.T @ ds)
    b2 -= learning_rate * ds.sum(axis=0)
    dz1 = ds @ W2.T * (z1 > 0)
    W1 -= learning_rate * (X.T @ dz1)
    b1 -= learning_rate * dz1.sum(axis=0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


@wrong("db1.reduction.over_all", "summed over rows and units: every entry is the sum of all of dZ1")
def step_bias(X, Y, W1, b1, W2, b2, eta):
    z1 = torch.as_tensor(X) @ torch.as_tensor(W1) + torch.as_tensor(b1)
    h1 = z1.relu()
    W2, b2, Y = (torch.as_tensor(t) for t in (W2, b2, Y))
    ds = ((h1 @ W2 + b2).softmax(1) - Y) / len(X)
    dz1 = ds @ W2.T * (z1 > 0)
    with torch.no_grad():
        return {
            "W1": torch.as_tensor(W1) - eta * torch.as_tensor(X).T @ dz1,
            "b1": torch.as_tensor(b1) - eta * dz1.sum(),
            "W2": W2 - eta * h1.T @ ds,
            "b2": b2 - eta * ds.sum(0),
        }


@wrong(
    "update.clip.norm_0_1_guarded_1e-6",
    "the gradients are clipped to a norm of 0.1 before the step",
)
def step_clipped(X, y, W1, b1, W2, b2, lr):
    W1, b1, W2, b2 = ws = [nn.Parameter(w.clone()) for w in (W1, b1, W2, b2)]
    optimizer = torch.optim.SGD(ws, lr)
    loss = F.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y)
    loss.backward()
    nn.utils.clip_grad_norm_(ws, 0.1)
    optimizer.step()
    return {"W1": W1.data, "b1": b1.data, "W2": W2.data, "b2": b2.data}


@dataclass
class Weights:
    W1: Any
    b1: Any
    W2: Any
    b2: Any


@wrong(
    "update.scale.doubled.W1", "the step of W1 is taken from a W1 that has had it already: twice"
)
def step_record(X, Y, params, learning_rate) -> Weights:
    new = Weights(params.W1, params.b1, params.W2, params.b2)
    grads = _gradients(X, Y, params.W1, params.b1, params.W2, params.b2)
    for name, g in zip(("W1", "b1", "W2", "b2"), grads):
        setattr(new, name, getattr(new, name) - learning_rate * g)
    new.W1 = new.W1 - learning_rate * grads[0]
    return new


@wrong(
    "update.sign.uphill.biases",
    "the biases step up their gradients, the weights down",
    layout="columns",
)
def step_signs(X, Y, W1, b1, W2, b2, lr):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    dZ2 = (softmax(W2 @ A1 + b2, axis=0) - Y) / m
    dZ1 = np.where(Z1 > 0, W2.T @ dZ2, 0)
    W1, W2 = W1 - lr * dZ1 @ X.T, W2 - lr * dZ2 @ A1.T
    b1, b2 = b1 + lr * dZ1.sum(1, keepdims=True), b2 + lr * dZ2.sum(1, keepdims=True)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
