"""Backhand, through the public function `backhand.train`."""

from __future__ import annotations

import backhand as package
from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem
from backhand.engines import make_engine


def backhand(problem: Problem, threads: int, engine: str = "auto") -> Run:
    """Time the whole call, with its checks of the arguments and its copy of the parameters."""

    def run(epochs: int) -> Trace:
        result = package.train(
            problem.params, problem.X, problem.y, learning_rate=problem.learning_rate,
            epochs=epochs, batch_size=None, engine=make_engine(engine, threads=threads),
        )  # fmt: skip
        return Trace(result.history.loss, result.history.accuracy)

    return run
