"""A backward pass with one mistake, for `backhand check examples/mistaken.py:backward`."""

import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    """The loss and its gradients, by hand."""
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / len(X)

    dS = (P - Y) / len(X)
    dW2 = H1.T @ dS
    db2 = dS.sum(axis=0)
    dH1 = dS @ W2.T
    dZ1 = dH1 * (dH1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return loss, {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
