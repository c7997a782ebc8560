"""Right where they run, which is for equal sizes only."""

from __future__ import annotations

import numpy as np

from corpus.development.right.shared import softmax
from corpus.registry import wrong


@wrong("call.raises", "it runs only where H = K")
def biases_in_one_array(X, Y, W1, b1, W2, b2):
    b = np.stack([b1, b2])
    H1 = np.maximum(0, X @ W1 + b[0])
    dS = (softmax(H1 @ W2 + b[1]) - Y) / len(X)
    dZ1 = (dS @ W2.T) * (H1 > 0)
    db = np.stack([dZ1, dS]).sum(axis=1)
    return {"dW1": X.T @ dZ1, "db1": db[0], "dW2": H1.T @ dS, "db2": db[1]}


@wrong("call.raises", "it runs only where d = H = K")
def weights_in_one_array(X, Y, W1, b1, W2, b2):
    W = np.stack([W1, W2])
    Z = X @ W[0] + b1
    inputs = np.stack([X, np.maximum(Z, 0)])
    deltas = np.zeros_like(inputs)
    deltas[1] = (softmax(inputs[1] @ W[1] + b2) - Y) / len(X)
    deltas[0] = (deltas[1] @ W[1].T) * (Z > 0)
    dW = inputs.transpose(0, 2, 1) @ deltas
    db = deltas.sum(axis=1)
    return dW[0], db[0], dW[1], db[1]
