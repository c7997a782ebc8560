"""scikit-learn's MLPClassifier, configured for the same step."""

from __future__ import annotations

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem
from backhand.errors import InputError


def scikit_learn(problem: Problem, threads: int) -> Run:  # noqa: ARG001
    """Train on full batches in order, with plain SGD, no penalty and no early stopping.

    scikit-learn draws its own initial weights, records no accuracy (slightly less work than the
    others), and for two classes has one output unit instead of two.
    """
    N, _, H, K = problem.shape
    if N < K:
        raise InputError(f"scikit-learn needs a row per class; {N} rows, {K} classes.")

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
