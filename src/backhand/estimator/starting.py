"""Starting weights as scikit-learn draws them, and what goes on from an earlier fit."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from backhand.engines import State
from backhand.equations import Parameters
from backhand.optimizers import Optimizer
from backhand.training.schedules import Schedule
from backhand.training.starting import first_state, going_on
from backhand.training.stopping import EarlyStopping, Watch


@dataclass
class Memory:
    """What the next fit goes on with.

    Attributes
    ----------
    rule : Optimizer
    given_back, last : State
        Parameters and the optimizer's memory: those given back, and where training ended. They
        differ where early stopping gave back an earlier epoch.
    watch : Watch
        What was best, and how long ago.
    schedule : Schedule
        Of the learning rate, with the cuts that "adaptive" made.
    learning_rate : float
        Of the epoch that would come next; scikit-learn's tests read it.
    """

    rule: Optimizer
    given_back: State
    last: State
    watch: Watch
    schedule: Schedule
    learning_rate: float


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


def state_to_go_on(
    params: Parameters, rule: Optimizer, memory: Memory | None, *, incremental: bool
) -> State:
    """Where training begins, given the estimator's present parameters.

    `fit` goes on from the parameters that were given back; `partial_fit` from where training ended,
    unless somebody has changed the estimator's parameters since.
    """
    if memory is None or memory.rule.name != rule.name:
        return first_state(params, rule)
    if any(a.shape != b.shape for a, b in zip(params, memory.last.params, strict=True)):
        return first_state(params, rule)
    unchanged = all(map(np.array_equal, params, memory.given_back.params))
    state = memory.last if incremental and unchanged else memory.given_back
    return going_on(state.params if unchanged else params, rule, state)


def watch_to_go_on(rule: EarlyStopping, memory: Memory | None) -> Watch:
    """The watch that has seen the epochs before, if it looks for the same."""
    if memory is None or memory.watch.rule.monitor != rule.monitor \
            or memory.watch.rule.gives_back != rule.gives_back:  # fmt: skip
        return Watch(rule)
    watch = copy(memory.watch)
    watch.rule = rule
    return watch
