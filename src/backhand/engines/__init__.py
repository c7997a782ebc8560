"""Engines: the equations on batches. Each has the same few methods, so they are interchangeable.

`make_engine(name)` makes one; `contract.Engine` is the protocol that each follows. No caller
depends on which engine it has.
"""

from __future__ import annotations

from backhand.engines.contract import (
    CROSS_ENTROPY,
    Block,
    BlockMetrics,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Predictor,
    Rows,
    Session,
    Sums,
)
from backhand.engines.matrices import is_sparse
from backhand.engines.registry import (
    ENGINES,
    EngineOptions,
    EngineSpec,
    engine_of,
    make_engine,
    register_engine,
)

__all__ = [
    "CROSS_ENTROPY",
    "ENGINES",
    "Block",
    "BlockMetrics",
    "Data",
    "Engine",
    "EngineOptions",
    "EngineSpec",
    "Objective",
    "OptimizerState",
    "Predictor",
    "Rows",
    "Session",
    "Sums",
    "engine_of",
    "is_sparse",
    "make_engine",
    "register_engine",
]
