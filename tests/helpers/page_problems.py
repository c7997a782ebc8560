"""Problems for tests of the page, and what Python's equations say about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backhand import equations
from backhand.equations import Gradients, Parameters
from backhand.explanation.problem import Problem


def problem_of(N: int, d: int, H: int, K: int, seed: int = 0, **settings: float) -> Problem:
    """A problem of random rows and parameters, biases included, with the classes in turn."""
    rng = np.random.default_rng(seed)
    params = equations.init(d, H, K, seed=seed, dtype=np.float64)
    params = params._replace(b1=0.3 * rng.standard_normal(H), b2=0.3 * rng.standard_normal(K))
    return Problem(params, rng.standard_normal((N, d)), np.eye(K)[np.arange(N) % K], **settings)


def three_problems() -> dict[str, Problem]:
    """As of penguins; of two features; with weights of the rows, a mask and a penalty."""
    rng = np.random.default_rng(5)
    weighted = problem_of(6, 3, 5, 2, seed=2, l2=0.1)
    return {
        "penguins": problem_of(8, 4, 8, 3),
        "two features": problem_of(24, 2, 6, 3, seed=1),
        "weighted": replace(weighted, sample_weight=rng.uniform(0.5, 2, 6),
                            mask=2.0 * (rng.random((6, 5)) < 0.7)),
    }  # fmt: skip


def loss_of(problem: Problem, params: Parameters | None = None) -> float:
    """L, the penalty included."""
    params = problem.params if params is None else params
    S = equations.forward(params, problem.X, problem.mask).S
    L = equations.cross_entropy(S, problem.Y, problem.sample_weight)
    return float(L + equations.penalty(params, problem.l2))


def gradients_of(problem: Problem, params: Parameters | None = None) -> Gradients:
    params = problem.params if params is None else params
    acts = equations.forward(params, problem.X, problem.mask)
    return equations.backward(params, problem.X, problem.Y, acts, problem.sample_weight,
                              problem.l2, problem.mask)  # fmt: skip


def after_steps(problem: Problem, steps: int) -> Parameters:
    """The parameters after some updates."""
    params = problem.params
    for _ in range(steps):
        params = equations.sgd(params, gradients_of(problem, params), problem.learning_rate)
    return params


def predicted_classes(params: Parameters, X: NDArray[np.float64]) -> NDArray[np.intp]:
    """The class of each row, without dropout."""
    return np.argmax(equations.forward(params, X).S, axis=1)
