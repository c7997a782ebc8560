"""Functions and classes that several files share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


def _c_forward(X, W1, b1, W2, b2, N, d, H, K):
    z = [[0.0] * H for _ in range(N)]
    p = [[0.0] * K for _ in range(N)]
    for n in range(N):
        for j in range(H):
            acc = b1[j]
            for i in range(d):
                acc += X[n][i] * W1[i][j]
            z[n][j] = acc
        tot = 0.0
        for k in range(K):
            acc = b2[k]
            for j in range(H):
                acc += max(0.0, z[n][j]) * W2[j][k]
            p[n][k] = math.exp(acc)
            tot += p[n][k]
        for k in range(K):
            p[n][k] /= tot
    return z, p


@dataclass
class GradientBundle:
    """What a backward pass gives back."""

    dW1: Any
    db1: Any
    dW2: Any
    db2: Any


class Dense:
    """A fully connected layer that remembers its input."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW = self.x.T @ g
        self.db = g.sum(axis=0)
        return g @ self.W.T


class Rectifier:
    """The positive part, with the mask kept."""

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0)

    def backward(self, g):
        return g * self.mask
