"""scikit-learn's MLPClassifier, set to do the same work."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem
from backhand.errors import InputError


def scikit_learn(problem: Problem, threads: int) -> Run:  # noqa: ARG001
    """Full batches in order, plain SGD, no penalty, never stopping by itself.

    It draws its own starting weights, records no accuracy (so it does a little less than the
    others), and with two classes has one output unit instead of two.
    """
    N, _, H, K = problem.shape
    if N < K:
        raise InputError(f"scikit-learn needs a row of each class; there are {N} rows.")

    def run(epochs: int) -> Trace:
        model = MLPClassifier(
            hidden_layer_sizes=(H,), solver="sgd", batch_size=N, shuffle=False, momentum=0,
            nesterovs_momentum=False, alpha=0, learning_rate_init=problem.learning_rate,
            max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(problem.X, problem.y)
        return Trace(model.loss_curve_, None)

    return run
