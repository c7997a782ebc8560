"""Starting weights as scikit-learn draws them, and what goes on from an earlier fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backhand.engines import State
from backhand.equations import Parameters
from backhand.optimizers import Optimizer
from backhand.training.schedules import Schedule
from backhand.training.starting import first_state, going_on
from backhand.training.stopping import Watch


@dataclass
class Memory:
    """What the next fit goes on with.

    Attributes
    ----------
    rule : Optimizer
    given_back, last : State
        Parameters and the optimizer's memory: those given back, and where training ended. They
        differ where an earlier epoch was better on the validation rows.
    watch : Watch
        What was best, and how long ago.
    schedule : Schedule
        Of the learning rate, with the cuts that "adaptive" made.
    learning_rate : float
        Of the epoch that would come next; scikit-learn's tests read it.
    dropout_seed : int
        Of the masks of all updates since the optimizer began; 0 before one was drawn.
    """

    rule: Optimizer
    given_back: State
    last: State
    watch: Watch
    schedule: Schedule
    learning_rate: float
    dropout_seed: int = 0


def draw_parameters(d: int, H: int, K: int, random_state: Any, dtype: Any) -> Parameters:
    """Draw starting parameters in scikit-learn's order: the same generator gives the same numbers.

    Uniform between ±√(6 / (in + out)), biases too (Glorot and Bengio 2010, eq. 16). For two classes
    scikit-learn has one output w, whose sigmoid is P(second class); here W2 = [0, w], whose softmax
    is the same, and the first class is held there: one is measured against the other.
    """
    outputs = 1 if K == 2 else K
    W1, b1 = _layer(d, H, random_state)
    W2, b2 = _layer(H, outputs, random_state)
    if K == 2:
        W2, b2 = np.hstack([np.zeros_like(W2), W2]), np.hstack([np.zeros_like(b2), b2])
    return Parameters(*(value.astype(dtype, copy=False) for value in (W1, b1, W2, b2)))


def _layer(inputs: int, outputs: int, random_state: Any) -> tuple[Any, Any]:
    bound = np.sqrt(6.0 / (inputs + outputs))
    W = random_state.uniform(-bound, bound, (inputs, outputs))
    return W, random_state.uniform(-bound, bound, outputs)


def states_to_go_on(
    params: Parameters, rule: Optimizer, memory: Memory | None
) -> tuple[State, State]:
    """What an earlier fit gave back, and where it ended, given the estimator's present parameters.

    Both are the present parameters if somebody has changed them since. Another rule begins with
    the weights that were given back, and nothing else.
    """
    if memory is None or any(
        a.shape != b.shape for a, b in zip(params, memory.last.params, strict=True)
    ):
        return (first_state(params, rule),) * 2
    given_back, last = memory.given_back, memory.last
    if not all(map(np.array_equal, params, given_back.params)):
        given_back = last = given_back._replace(params=params)
    if memory.rule.name != rule.name:
        return (first_state(given_back.params, rule),) * 2
    return going_on(given_back.params, rule, given_back), going_on(last.params, rule, last)
