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
    validation: Data | None = None,
) -> Session:
    """A session of the engine from these parameters, with an optimizer that remembers nothing."""
    state = OptimizerState.initial(params, optimizer)
    return engine.start(state, data, optimizer, objective, validation)
