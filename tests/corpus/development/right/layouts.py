"""Examples as columns, and weights as nn.Linear keeps them."""

from __future__ import annotations

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F
from torch import nn

from corpus.development.right.shared import softmax
from corpus.registry import right

# --- Batch last ----------------------------------------------------------------------------------


@right(layout="columns")
def columns_course(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    T = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
    A2 = T / np.sum(T, axis=0, keepdims=True)

    dZ2 = A2 - Y
    dW2 = 1 / m * np.dot(dZ2, A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), Z1 > 0)
    dW1 = 1 / m * np.dot(dZ1, X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@right(layout="columns")
def columns_everything(X, Y, W1, b1, W2, b2):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    H1 = np.maximum(Z1, 0)
    S = W2 @ H1 + b2
    log_P = S - scipy.special.logsumexp(S, axis=0)
    P = np.exp(log_P)
    loss = -np.sum(Y * log_P) / N
    dS = (P - Y) / N
    dH1 = W2.T @ dS
    dZ1 = dH1 * (Z1 > 0)
    return {
        "loss": loss,
        "Z1": Z1,
        "H1": H1,
        "S": S,
        "P": P,
        "dS": dS,
        "dH1": dH1,
        "dZ1": dZ1,
        "dW1": dZ1 @ X.T,
        "db1": dZ1.sum(axis=1, keepdims=True),
        "dW2": dS @ H1.T,
        "db2": dS.sum(axis=1, keepdims=True),
    }


@right(layout="columns")
def columns_one_by_one(X, Y, W1, b1, W2, b2):
    nabla_w = [np.zeros(W1.shape), np.zeros(W2.shape)]
    nabla_b = [np.zeros(b1.shape), np.zeros(b2.shape)]
    m = X.shape[1]
    for i in range(m):
        x, t = X[:, [i]], Y[:, [i]]
        z = W1 @ x + b1
        a = np.maximum(z, 0)
        delta = scipy.special.softmax(W2 @ a + b2) - t
        nabla_b[1] += delta / m
        nabla_w[1] += delta @ a.T / m
        delta = (W2.T @ delta) * (z > 0)
        nabla_b[0] += delta / m
        nabla_w[0] += delta @ x.T / m
    return nabla_w[0], nabla_b[0], nabla_w[1], nabla_b[1]


@right(layout="columns")
def columns_by_transposing(X, Y, W1, b1, W2, b2):
    loss, (dW1, db1, dW2, db2) = columns_in_rows(X.T, Y.T, W1.T, b1.T, W2.T, b2.T)
    return loss, {"dW1": dW1.T, "db1": db1.T, "dW2": dW2.T, "db2": db2.T}


def columns_in_rows(X, Y, W1, b1, W2, b2):
    A = np.maximum(X @ W1 + b1, 0)
    log_P = scipy.special.log_softmax(A @ W2 + b2, axis=1)
    D = (np.exp(log_P) - Y) / len(X)
    B = (D @ W2.T) * (A > 0)
    grads = X.T @ B, B.sum(0, keepdims=True), A.T @ D, D.sum(0, keepdims=True)
    return -(Y * log_P).sum() / len(X), grads


@right(layout="columns")
def columns_step(X, Y, params, learning_rate):
    m = X.shape[1]
    A1 = np.maximum(0, params["W1"] @ X + params["b1"])
    dZ2 = (scipy.special.softmax(params["W2"] @ A1 + params["b2"], axis=0) - Y) / m
    dZ1 = params["W2"].T @ dZ2 * (A1 > 0)
    grads = {
        "W1": dZ1 @ X.T,
        "b1": dZ1.sum(1, keepdims=True),
        "W2": dZ2 @ A1.T,
        "b2": dZ2.sum(1, keepdims=True),
    }
    return {name: params[name] - learning_rate * g for name, g in grads.items()}


@right(layout="columns")
def columns_torch(X, Y, W1, b1, W2, b2):
    leaves = [t.clone().requires_grad_() for t in (W1, b1, W2, b2)]
    V1, c1, V2, c2 = leaves
    log_P = torch.log_softmax(V2 @ torch.relu(V1 @ X + c1) + c2, dim=0)
    loss = -(Y * log_P).sum() / X.shape[1]
    return loss.detach(), torch.autograd.grad(loss, leaves)


# --- Weights as nn.Linear keeps them -------------------------------------------------------------


@right(layout="linear")
def linear_numpy(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1.T + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2.T + b2) - Y) / len(X)
    dZ1 = (dS @ W2) * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dS.T @ H1, "db2": dS.sum(0)}


@right(layout="linear")
def linear_functional(X, y, W1, b1, W2, b2):
    W1, b1, W2, b2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    loss = F.cross_entropy(F.linear(F.relu(F.linear(X, W1, b1)), W2, b2), y)
    loss.backward()
    return loss, {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


@right(layout="linear")
def linear_sequential(X, y, W1, b1, W2, b2):
    (H, d), K = W1.shape, W2.shape[0]
    model = nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, K)).to(X.dtype)
    model.load_state_dict({"0.weight": W1, "0.bias": b1, "2.weight": W2, "2.bias": b2})
    criterion = nn.CrossEntropyLoss()
    model.zero_grad()
    criterion(model(X), y).backward()
    return tuple(p.grad for p in model.parameters())


@right(layout="linear")
def linear_functional_call(X, y, params):
    H, d = params["W1"].shape
    model = nn.Sequential(nn.Linear(d, H), nn.ReLU(), nn.Linear(H, len(params["b2"])))
    state = {
        "0.weight": params["W1"],
        "0.bias": params["b1"],
        "2.weight": params["W2"],
        "2.bias": params["b2"],
    }
    grads = torch.func.grad(
        lambda s: F.cross_entropy(torch.func.functional_call(model, s, (X,)), y)
    )(state)
    return {
        "W1": grads["0.weight"],
        "b1": grads["0.bias"],
        "W2": grads["2.weight"],
        "b2": grads["2.bias"],
    }


@right(layout="linear")
def linear_torch_by_hand(X, Y, W1, b1, W2, b2, lr):
    with torch.no_grad():
        Z1 = F.linear(X, W1, b1)
        H1 = Z1.relu()
        dS = (F.linear(H1, W2, b2).softmax(-1) - Y) / X.shape[0]
        dZ1 = (dS @ W2).masked_fill(Z1 <= 0, 0.0)
        return {
            "W1": torch.sub(W1, dZ1.T @ X, alpha=lr),
            "b1": torch.sub(b1, dZ1.sum(0), alpha=lr),
            "W2": torch.sub(W2, dS.T @ H1, alpha=lr),
            "b2": torch.sub(b2, dS.sum(0), alpha=lr),
        }
