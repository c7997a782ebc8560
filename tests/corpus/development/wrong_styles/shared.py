"""Functions and classes that several files share."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax
from torch import nn


def _leaves(*tensors):
    return [torch.as_tensor(t).detach().clone().requires_grad_(True) for t in tensors]


class Net(nn.Module):
    def __init__(self, d, H, K):
        super().__init__()
        self.fc1 = nn.Linear(d, H, dtype=torch.float64)
        self.fc2 = nn.Linear(H, K, dtype=torch.float64)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))

    def load(self, W1, b1, W2, b2):
        with torch.no_grad():
            self.fc1.weight.copy_(torch.as_tensor(W1))
            self.fc1.bias.copy_(torch.as_tensor(b1))
            self.fc2.weight.copy_(torch.as_tensor(W2))
            self.fc2.bias.copy_(torch.as_tensor(b2))

    def grads(self):
        layers = {"1": self.fc1, "2": self.fc2}
        weights = {f"W{i}": fc.weight.grad.numpy().copy() for i, fc in layers.items()}
        return weights | {f"b{i}": fc.bias.grad.numpy().copy() for i, fc in layers.items()}


def _sums(X, Y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    dS = softmax(H1 @ W2 + b2, axis=1) - Y
    dZ1 = dS @ W2.T * (Z1 > 0)
    return [X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0)]
