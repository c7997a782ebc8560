"""Sessions of an engine that start at the first update."""

from __future__ import annotations

from backhand.engines import CROSS_ENTROPY, Data, Engine, Objective, OptimizerState, Session
from backhand.equations import Parameters
from backhand.optimizers import Optimizer


def started(
    engine: Engine,
    params: Parameters,
    data: Data,
    optimizer: Optimizer | None,
    objective: Objective = CROSS_ENTROPY,
) -> Session:
    """A session of the engine from these parameters, with an optimizer that remembers nothing."""
    return engine.start(OptimizerState.initial(params, optimizer), data, optimizer, objective)
