"""torch on the CPU: by hand, with autograd, and compiled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem
from backhand.equations import Parameters


def by_hand(problem: Problem, threads: int) -> Run:
    """Train by the equations without autograd, in as few calls as torch allows."""
    torch.set_num_threads(threads)
    X, y = _data(problem)

    def run(epochs: int) -> Trace:
        params = Parameters(*(torch.tensor(value) for value in problem.params))
        loss, accuracy = np.empty(epochs), np.empty(epochs)
        with torch.no_grad():
            for epoch in range(epochs):
                loss[epoch], accuracy[epoch], gradients = loss_and_gradients(params, X, y)
                for value, gradient in zip(params, gradients, strict=True):
                    tensor: Any = value
                    tensor.sub_(gradient, alpha=problem.learning_rate)
        return Trace(loss, accuracy)

    return run


def loss_and_gradients(params: Parameters, X: Any, y: Any) -> tuple[float, float, Parameters]:
    """Return loss, accuracy, and the gradients in the order of the parameters."""
    W1, b1, W2, b2 = params
    N, rows = len(X), torch.arange(len(X))
    Z1 = torch.addmm(b1, X, W1)
    H1 = torch.relu(Z1)
    S = torch.addmm(b2, H1, W2)
    log_P = torch.log_softmax(S, dim=1)
    loss = -log_P[rows, y].mean().item()
    accuracy = (S.argmax(dim=1) == y).float().mean().item()
    dS = log_P.exp_()
    dS[rows, y] -= 1
    dS /= N
    dZ1 = dS @ W2.T * (Z1 > 0)
    gradients = Parameters(X.T @ dZ1, dZ1.sum(dim=0), H1.T @ dS, dS.sum(dim=0))
    return loss, accuracy, gradients


def autograd(problem: Problem, threads: int, *, bf16: bool = False) -> Run:
    """Train eagerly with `nn.Sequential`, `CrossEntropyLoss`, `backward()` and `optim.SGD`."""
    from backhand.torch_twin import to_torch

    torch.set_num_threads(threads)
    X, y = _data(problem, bf16=bf16)
    criterion = torch.nn.CrossEntropyLoss()

    def run(epochs: int) -> Trace:
        model = to_torch(problem.params)
        optimizer = torch.optim.SGD(model.parameters(), lr=problem.learning_rate)
        losses, accuracy = np.empty(epochs), np.empty(epochs)
        for epoch in range(epochs):
            with _cast(bf16=bf16):
                S = model(X)
                loss = criterion(S, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[epoch] = loss.item()
            accuracy[epoch] = (S.argmax(dim=1) == y).float().mean().item()
        return Trace(losses, accuracy)

    return run


def autocast(problem: Problem, threads: int) -> Run:
    """Train as `autograd` does, under torch's autocast to bf16; X is converted once, before."""
    return autograd(problem, threads, bf16=True)


def compiled_autocast(problem: Problem, threads: int) -> Run:
    """Train as `compiled` does, under torch's autocast to bf16; X is converted once, before."""
    return compiled(problem, threads, bf16=True)


def compiled(problem: Problem, threads: int, *, bf16: bool = False) -> Run:
    """Train with the autograd step, update included, compiled as one graph.

    `loss.backward()` would split the graph in three, each entered from Python; `grad_and_value`
    keeps it whole, which is about three times faster on small shapes.
    """
    # The compiler's worker processes would compete with the measurement.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    torch.set_num_threads(threads)
    X, y = _data(problem, bf16=bf16)
    eta = problem.learning_rate

    def loss_of(theta: list[Any]) -> Any:
        with _cast(bf16=bf16):
            return loss_and_accuracy(theta, X, y)

    def step(theta: list[Any]) -> Any:
        gradients, figures = torch.func.grad_and_value(loss_of, has_aux=True)(theta)
        for value, gradient in zip(theta, gradients, strict=True):
            value.sub_(gradient, alpha=eta)
        return figures

    fast_step = torch.compile(step, dynamic=False)

    def run(epochs: int) -> Trace:
        theta = [torch.tensor(value) for value in problem.params]
        losses, accuracies = np.empty(epochs), np.empty(epochs)
        for epoch in range(epochs):
            loss, accuracy = fast_step(theta)
            losses[epoch], accuracies[epoch] = loss.item(), accuracy.item()
        return Trace(losses, accuracies)

    return run


def loss_and_accuracy(theta: Sequence[Any], X: Any, y: Any) -> tuple[Any, Any]:
    """Return the loss, which is differentiated, and the accuracy, which is recorded."""
    W1, b1, W2, b2 = theta
    S = torch.relu(X @ W1 + b1) @ W2 + b2
    return torch.nn.functional.cross_entropy(S, y), (S.argmax(dim=1) == y).float().mean()


def _data(problem: Problem, *, bf16: bool = False) -> tuple[Any, Any]:
    X = torch.tensor(problem.X)
    return X.to(torch.bfloat16) if bf16 else X, torch.tensor(problem.y)


def _cast(*, bf16: bool) -> Any:
    return torch.autocast("cpu", torch.bfloat16, enabled=bf16)
