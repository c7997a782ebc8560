"""Sessions on torch and their blocks, of many kinds, and two engines that advance them alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import backhand
from backhand.engines import Block, Data, Engine, Objective, OptimizerState, Session
from backhand.optimizers import Adam, make_optimizer

SMOOTH = Adam(epsilon=1e-2)
"""With the usual ε, an update is η times the sign of a gradient, also where that is rounding."""


@dataclass(frozen=True)
class Problem:
    """Members that are alike, each with parameters, order, η, λ and dropout of its own."""

    members: int = 1
    rows: int = 48
    d: int = 5
    H: int = 12
    K: int = 3
    batch_size: int = 20
    epochs: int = 3
    dtype: Any = np.float64
    kind: Any = None
    """The dtype of X, if it is not that of the parameters."""

    rule: Any = "sgd"
    dropout: float = 0.0
    l2: float = 0.0
    weighted: bool = False
    selected: bool = False
    """Whether the sessions have some of more rows."""

    ordered: bool = True
    validated: bool = False
    first_class_fixed: bool = False
    loss_cap: float = np.inf

    def data(self) -> Data:
        rng, N = np.random.default_rng(self.rows), 2 * self.rows
        X, y = rng.standard_normal((N, self.d)), rng.integers(0, self.K, N)
        w = rng.random(N).astype(self.dtype) if self.weighted else None
        whole = Data((2 * X).astype(self.kind or self.dtype), y, w)
        return whole.select(rng.permutation(N)[: self.rows]) if self.selected else whole.at(
            slice(0, self.rows)
        )  # fmt: skip

    def sessions(self, engine: Engine) -> list[Session]:
        found, data, rule = [], self.data(), make_optimizer(self.rule)
        for m in range(self.members):
            objective = Objective(
                dropout=self.dropout * (m + 1) / self.members, dropout_seed=m,
                loss_cap=self.loss_cap, first_class_fixed=self.first_class_fixed,
            )  # fmt: skip
            params = backhand.init(self.d, self.H, self.K, seed=m, dtype=self.dtype)
            state = OptimizerState.initial(params, rule)
            held = data.select(slice(0, 7)) if self.validated else None
            found.append(engine.start(state, data, rule, objective, held))
        return found

    def blocks(self) -> list[Block]:
        shape, found = (self.epochs, -(-self.rows // self.batch_size)), []
        for m in range(self.members):
            rng = np.random.default_rng(m)
            orders = np.stack([rng.permutation(self.rows) for _ in range(self.epochs)])
            found.append(Block(
                min(self.batch_size, self.rows), (0.5 + rng.random(shape)) / 20,
                np.full(shape, self.l2 * (m + 1)), orders if self.ordered else None,
                np.arange(self.epochs) % 2 == m % 2 if self.validated else None,
            ))  # fmt: skip
        return found


def assert_advanced_alike(
    problem: Problem, expected: Engine, engine: Engine, tolerance: float, times: int = 2
) -> None:
    """All at once on one engine, the sessions have what each has alone on another."""
    alone, together = problem.sessions(expected), problem.sessions(engine)
    for _ in range(times):
        blocks = problem.blocks()
        figures = engine.advance_all(together, blocks)
        for session, block, found in zip(alone, blocks, figures, strict=True):
            for a, b in zip(found, session.advance(block), strict=True):
                assert a.shape == b.shape
                assert np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    for one, other in zip(together, alone, strict=True):
        a, b = one.state(), other.state()
        assert a.updates == b.updates
        for values, others in zip((a.params, *a.slots), (b.params, *b.slots), strict=True):
            for x, y in zip(values, others, strict=True):
                assert x.dtype == y.dtype and x.shape == y.shape
                assert np.allclose(x, y, rtol=tolerance, atol=tolerance)
