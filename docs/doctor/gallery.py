"""The ten backward passes of docs/doctor.md, which are wrong."""

import numpy as np


def softmax(S, axis=1):
    E = np.exp(S - S.max(axis=axis, keepdims=True))
    return E / E.sum(axis=axis, keepdims=True)


def no_mean(X, y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2)
    loss = -np.log(P[np.arange(len(y)), y]).mean()
    dS = P.copy()
    dS[np.arange(len(y)), y] -= 1
    dZ1 = dS @ W2.T * (H1 > 0)
    return loss, {"W1": X.T @ dZ1, "b1": dZ1.sum(0), "W2": H1.T @ dS, "b2": dS.sum(0)}


def softmax_over_the_batch(X, Y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2, axis=0)
    dS = (P - Y) / len(X)
    dZ1 = dS @ W2.T * (H1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def relu_of_the_gradient(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dH1 = dS @ W2.T
    dZ1 = np.maximum(dH1, 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def bias_that_never_learns(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dZ1 = dS @ W2.T * (Z1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, np.sum(dS)


def after_the_update(X, Y, W1, b1, W2, b2, learning_rate):
    H1 = np.maximum(X @ W1 + b1, 0)
    dS = (softmax(H1 @ W2 + b2) - Y) / len(X)
    dW2 = H1.T @ dS
    W2 = W2 - learning_rate * dW2
    dZ1 = dS @ W2.T * (H1 > 0)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dS.sum(0)}


def bias_as_mean(X, Y, W1, b1, W2, b2):
    """With examples as columns: X (d, N), Y (K, N), W1 (H, d), W2 (K, H)."""
    m = X.shape[1]
    A1 = np.maximum(W1 @ X + b1, 0)
    A2 = softmax(W2 @ A1 + b2, axis=0)
    dZ2 = (A2 - Y) / m
    dZ1 = W2.T @ dZ2 * (A1 > 0)
    return {
        "dW2": dZ2 @ A1.T,
        "db2": np.sum(dZ2, axis=1, keepdims=True),
        "dW1": dZ1 @ X.T,
        "db1": np.mean(dZ1, axis=1, keepdims=True),
    }


def labels_from_one(X, y, W1, b1, W2, b2):
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2)
    dscores = P.copy()
    dscores[np.arange(len(y)), y - 1] -= 1
    dscores /= len(y)
    dZ1 = dscores @ W2.T * (H1 > 0)
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dscores, dscores.sum(0)


def penalty_twice(X, y, W1, b1, W2, b2, reg):
    H1 = np.maximum(X @ W1 + b1, 0)
    P = softmax(H1 @ W2 + b2)
    loss = -np.log(P[np.arange(len(y)), y]).mean()
    loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dS = (P - np.eye(len(b2))[y]) / len(y)
    dZ1 = dS @ W2.T * (H1 > 0)
    grads = {"b1": dZ1.sum(0), "b2": dS.sum(0)}
    grads["W2"] = H1.T @ dS + 2 * reg * W2
    grads["W1"] = X.T @ dZ1 + reg * W1
    return loss, grads


def two_at_once(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2)
    dS = (Y - P) / len(X)
    dZ1 = dS @ W2.T
    return X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)


def not_in_the_dictionary(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    P = softmax(H1 @ W2 + b2)
    dS = (P - Y) / len(X)
    dH1 = dS @ W2.T
    dH1[:, ::2] *= 1.3
    dZ1 = dH1 * (Z1 > 0)
    return {"P": P, "dW1": X.T @ dZ1, "db1": dZ1.sum(0), "dW2": H1.T @ dS, "db2": dS.sum(0)}
