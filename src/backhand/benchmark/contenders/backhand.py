"""Backhand, through the public function `backhand.train`."""

from __future__ import annotations

import backhand as package
from backhand.benchmark.contenders import Run, Trace
from backhand.benchmark.problem import Problem
from backhand.engines import make_engine


def backhand(problem: Problem, threads: int, engine: str = "auto", precision: str = "auto") -> Run:
    """Time the whole call, with its checks of the arguments and its copy of the parameters."""
    made = make_engine(engine, threads=threads, precision=precision)

    def run(epochs: int) -> Trace:
        result = package.train(
            problem.params, problem.X, problem.y, learning_rate=problem.learning_rate,
            epochs=epochs, batch_size=None, engine=made,
        )  # fmt: skip
        return Trace(result.history.loss, result.history.accuracy)

    return run


def in_bf16(problem: Problem, threads: int) -> Run:
    """The same with `precision="bf16"`."""
    return backhand(problem, threads, precision="bf16")
