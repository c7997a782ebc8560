"""With a penalty, and with an update."""

from __future__ import annotations

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F
from torch import nn

from corpus.development.right.shared import Bag, Weights, softmax
from corpus.registry import right

# --- Another convention: λ‖W‖² without the half, in the loss and in the gradients alike ----------


@right()
def penalty_without_the_half(X, y, W1, b1, W2, b2, l2):
    W1, b1, W2, b2 = (t.detach().clone().requires_grad_() for t in (W1, b1, W2, b2))
    data_loss = F.cross_entropy(F.relu(X @ W1 + b1) @ W2 + b2, y)
    loss = data_loss + l2 * (W1.pow(2).sum() + W2.pow(2).sum())
    loss.backward()
    return loss.item(), {"W1": W1.grad, "b1": b1.grad, "W2": W2.grad, "b2": b2.grad}


# --- Penalty and update --------------------------------------------------------------------------


@right()
def penalised(X, Y, W1, b1, W2, b2, l2):
    N = X.shape[0]
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    log_P = S - scipy.special.logsumexp(S, axis=1, keepdims=True)
    loss = -np.sum(Y * log_P) / N + l2 / 2 * (np.sum(W1**2) + np.sum(W2**2))
    dS = (np.exp(log_P) - Y) / N
    dZ1 = (dS @ W2.T) * (Z1 > 0)
    return {
        "loss": loss,
        "dW1": X.T @ dZ1 + l2 * W1,
        "db1": dZ1.sum(0),
        "dW2": H1.T @ dS + l2 * W2,
        "db2": dS.sum(0),
    }


@right()
def penalty_optional(X, y, W1, b1, W2, b2, l2=0.0):
    N = len(y)
    h = np.maximum(0, X @ W1 + b1)
    p = softmax(h @ W2 + b2)
    loss = -np.log(p[np.arange(N), y]).mean() + 0.5 * l2 * (
        np.linalg.norm(W1) ** 2 + np.linalg.norm(W2) ** 2
    )
    p[np.arange(N), y] -= 1
    p /= N
    g = (p @ W2.T) * (h > 0)
    dW1, dW2 = X.T @ g, h.T @ p
    if l2:
        dW1 += l2 * W1
        dW2 += l2 * W2
    return loss, {"dW1": dW1, "db1": g.sum(0), "dW2": dW2, "db2": p.sum(0)}


@right()
def penalty_called_weight_decay(params, X, Y, weight_decay):
    W1, b1, W2, b2 = params.W1, params.b1, params.W2, params.b2
    h = np.maximum(0, X @ W1 + b1)
    e = (softmax(h @ W2 + b2) - Y) / len(X)
    g = np.where(h > 0, e @ W2.T, 0)
    return X.T @ g + weight_decay * W1, g.sum(0), h.T @ e + weight_decay * W2, e.sum(0)


@right()
def new_parameters(X, Y, W1, b1, W2, b2, learning_rate):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    return {
        "W1": W1 - learning_rate * (X.T @ dZ1),
        "b1": b1 - learning_rate * dZ1.sum(0),
        "W2": W2 - learning_rate * (H1.T @ dS),
        "b2": b2 - learning_rate * dS.sum(0),
    }


@right()
def steps_along_the_error(X, y, W1, b1, W2, b2, lr):
    rate = lr / len(y)
    H1 = np.maximum(0, X @ W1 + b1)
    error = np.eye(len(b2))[y] - softmax(H1 @ W2 + b2)
    back = (error @ W2.T) * (H1 > 0)
    W2, b2 = W2 + rate * H1.T @ error, b2 + rate * error.sum(0)
    W1, b1 = W1 + rate * X.T @ back, b1 + rate * back.sum(0)
    return Weights(W1, b1, W2, b2)


@right()
def copies_then_steps(params, X, Y, eta):
    new = {name: params[name].copy() for name in ("W1", "b1", "W2", "b2")}
    H1 = np.maximum(0, X @ new["W1"] + new["b1"])
    dS = (softmax(H1 @ new["W2"] + new["b2"]) - Y) / len(X)
    dZ1 = (dS @ new["W2"].T) * (H1 > 0)
    new["W1"] -= eta * X.T @ dZ1
    new["b1"] -= eta * dZ1.sum(0)
    new["W2"] -= eta * H1.T @ dS
    new["b2"] -= eta * dS.sum(0)
    return new


@right()
def shrinks_then_steps(X, Y, W1, b1, W2, b2, learning_rate, weight_decay):
    H1 = np.maximum(0, X @ W1 + b1)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    keep = 1 - learning_rate * weight_decay
    new = Bag()
    new.W1 = keep * W1 - learning_rate * X.T @ dZ1
    new.b1 = b1 - learning_rate * dZ1.sum(0)
    new.W2 = keep * W2 - learning_rate * H1.T @ dS
    new.b2 = b2 - learning_rate * dS.sum(0)
    return new


@right()
def torch_optimiser(X, y, W1, b1, W2, b2, lr, l2):
    W1, b1, W2, b2 = (nn.Parameter(a.detach().clone()) for a in (W1, b1, W2, b2))
    optimiser = torch.optim.SGD(
        [{"params": [W1, W2], "weight_decay": l2}, {"params": [b1, b2]}], lr=lr
    )
    optimiser.zero_grad()
    F.cross_entropy(torch.relu(X @ W1 + b1) @ W2 + b2, y).backward()
    optimiser.step()
    return {"W1": W1.data, "b1": b1.data, "W2": W2.data, "b2": b2.data}
