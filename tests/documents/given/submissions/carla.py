import numpy as np


def backward(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    E = np.exp(H1 @ W2 + b2)
    dS = (E / E.sum(axis=1, keepdims=True) - Y) / len(X)
    dZ1 = dS @ W2.T
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
