"""A class, and what docs/doctor.md wraps: a loss on a tape, and an autograd Function."""

from __future__ import annotations

import numpy as np
import torch

from corpus.development.right.layers_and_tapes import Value


class TwoLayerNet:
    """As in the second half of CS231n's first assignment."""

    def __init__(self, input_size, hidden_size, output_size, std=1e-4):
        self.params = {}
        self.params["W1"] = std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N, _ = X.shape
        hidden = np.maximum(0, X.dot(W1) + b1)
        scores = hidden.dot(W2) + b2
        if y is None:
            return scores
        scores = scores - scores.max(axis=1, keepdims=True)
        probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        loss = -np.log(probs[np.arange(N), y]).mean()
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        dscores = probs.copy()
        dscores[np.arange(N), y] -= 1
        dscores /= N
        grads["W2"] = hidden.T.dot(dscores) + 2 * reg * W2
        grads["b2"] = dscores.sum(axis=0)
        dhidden = dscores.dot(W2.T)
        dhidden[hidden <= 0] = 0
        grads["W1"] = X.T.dot(dhidden) + 2 * reg * W1
        grads["b1"] = dhidden.sum(axis=0)
        return loss, grads


def loss_of(X, y, W1, b1, W2, b2):
    """The mean cross-entropy on a tape."""
    total = Value(0.0)
    for x, label in zip(X.tolist(), y.tolist(), strict=True):
        hidden = [sum((w * v for w, v in zip(W1[:, j], x, strict=True)), b1[j]).relu()
                  for j in range(len(b1))]  # fmt: skip
        scores = [sum((h * w for h, w in zip(hidden, W2[:, k], strict=True)), b2[k])
                  for k in range(len(b2))]  # fmt: skip
        partition = sum((s.exp() for s in scores), Value(0.0))
        total = total + partition.log() + scores[label] * -1.0
    return total * (1 / len(X))


class HandWritten(torch.autograd.Function):
    """The loss with a backward of its own."""

    @staticmethod
    def forward(ctx, X, y, W1, b1, W2, b2):
        H1 = torch.clamp(X @ W1 + b1, min=0)
        log_P = torch.log_softmax(H1 @ W2 + b2, dim=1)
        ctx.save_for_backward(X, y, H1, log_P, W2)
        return -log_P[torch.arange(len(y)), y].mean()

    @staticmethod
    def backward(ctx, outer):
        X, y, H1, log_P, W2 = ctx.saved_tensors
        dS = log_P.exp()
        dS[torch.arange(len(y)), y] -= 1
        dS = outer * dS / len(y)
        dZ1 = dS @ W2.T * (H1 > 0)
        return None, None, X.T @ dZ1, dZ1.sum(0), H1.T @ dS, dS.sum(0)
