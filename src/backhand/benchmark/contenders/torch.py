"""Three ways with torch on the CPU: by hand, autograd as in every tutorial, and compiled."""

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
    """The equations without autograd, in the fewest calls that torch has for them."""
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
    """Loss, accuracy, and the gradients in the order of the parameters."""
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


def autograd(problem: Problem, threads: int) -> Run:
    """`nn.Sequential`, `CrossEntropyLoss`, `loss.backward()` and `optim.SGD`, eagerly."""
    from backhand.torch_twin import to_torch

    torch.set_num_threads(threads)
    X, y = _data(problem)
    criterion = torch.nn.CrossEntropyLoss()

    def run(epochs: int) -> Trace:
        model = to_torch(problem.params)
        optimizer = torch.optim.SGD(model.parameters(), lr=problem.learning_rate)
        losses, accuracy = np.empty(epochs), np.empty(epochs)
        for epoch in range(epochs):
            S = model(X)
            loss = criterion(S, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[epoch] = loss.item()
            accuracy[epoch] = (S.argmax(dim=1) == y).float().mean().item()
        return Trace(losses, accuracy)

    return run


def compiled(problem: Problem, threads: int) -> Run:
    """The autograd step compiled as one graph, update included.

    `loss.backward()` would cut the graph in three, each entered from Python; `grad_and_value` keeps
    it whole, which is about three times faster on small shapes.
    """
    # Its compiler forks helpers, which would compete with what is measured.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    torch.set_num_threads(threads)
    X, y = _data(problem)
    eta = problem.learning_rate

    def step(theta: list[Any]) -> Any:
        gradients, figures = torch.func.grad_and_value(loss_and_accuracy, has_aux=True)(theta, X, y)
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
    """For autograd's functional form: what is differentiated, and what is only recorded."""
    W1, b1, W2, b2 = theta
    S = torch.relu(X @ W1 + b1) @ W2 + b2
    return torch.nn.functional.cross_entropy(S, y), (S.argmax(dim=1) == y).float().mean()


def _data(problem: Problem) -> tuple[Any, Any]:
    return torch.tensor(problem.X), torch.tensor(problem.y)
