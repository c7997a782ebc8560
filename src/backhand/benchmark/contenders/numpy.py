"""The step in plain NumPy, as an experienced NumPy user would write it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem
from backhand.equations import Parameters


def by_hand(problem: Problem, threads: int) -> Run:  # noqa: ARG001
    """Train in float32 with updates in place; BLAS reads its threads from the environment."""
    X, y, eta = problem.X, problem.y, problem.learning_rate

    def run(epochs: int) -> Trace:
        params = Parameters(*(value.copy() for value in problem.params))
        loss, accuracy = np.empty(epochs), np.empty(epochs)
        for epoch in range(epochs):
            loss[epoch], accuracy[epoch], gradients = loss_and_gradients(params, X, y)
            for value, gradient in zip(params, gradients, strict=True):
                value -= eta * gradient
        return Trace(loss, accuracy)

    return run


def loss_and_gradients(
    params: Parameters, X: NDArray[Any], y: NDArray[Any]
) -> tuple[float, float, Parameters]:
    """Return loss, accuracy, and the gradients in the order of the parameters."""
    W1, b1, W2, b2 = params
    N, rows = len(X), np.arange(len(X))
    Z1 = X @ W1 + b1
    H1 = np.maximum(Z1, 0)
    S = H1 @ W2 + b2
    S -= S.max(axis=1, keepdims=True)
    accuracy = np.mean(S.argmax(axis=1) == y)
    P = np.exp(S)
    total = P.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - S[rows, y])
    P /= total
    dS = P
    dS[rows, y] -= 1
    dS /= N
    dZ1 = dS @ W2.T
    dZ1 *= Z1 > 0
    gradients = Parameters(X.T @ dZ1, dZ1.sum(axis=0), H1.T @ dS, dS.sum(axis=0))
    return float(loss), float(accuracy), gradients
