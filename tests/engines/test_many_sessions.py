"""`advance_all`: many sessions in one call, as each alone."""

import numpy as np
import pytest
import torch

import backhand
from backhand.engines import Block, Data, Engine, Objective, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import OPTIMIZERS, SGD, Adam, make_optimizer
from backhand.torch_twin import relative_difference
from helpers.sessions import started

ENGINES = ["reference", "fused", "torch"]
N, d, H, K = 60, 5, 12, 3


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return make_engine(request.param)


def rows(dtype: type, weighted: bool = False, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((N, d)).astype(dtype), rng.integers(0, K, N)
    return Data(X, y, rng.random(N).astype(dtype) if weighted else None)


def sessions_of(engine, data, rule="adam", members=5, dropout=0.0, **objective):
    """Members with their own parameters, dropout and number of updates."""
    dtype = data.X.dtype
    found = []
    for m in range(members):
        p = dropout * (m + 1) / members
        session = started(
            engine, backhand.init(d, H, K, seed=m, dtype=dtype), data, make_optimizer(rule),
            Objective(dropout=p, dropout_seed=m, **objective),
        )  # fmt: skip
        session.advance(Block(N, np.full((1 + m, 1), 0.01), np.zeros((1 + m, 1))))
        found.append(session)
    return found


def blocks_of(members=5, epochs=8, size=16, ordered=True, l2=0.01):
    """Blocks of members with their own order, η and λ."""
    found = []
    for m in range(members):
        rng = np.random.default_rng(100 + m)
        shape = epochs, -(-N // size)
        order = np.stack([rng.permutation(N) for _ in range(epochs)]) if ordered else None
        found.append(Block(size, rng.random(shape) / 50, np.full(shape, l2 * (m + 1)), order))
    return found


def check_alike(engine, make, blocks, tolerance):
    """All at once is each alone, in figures and states."""
    alone, together = make(), make()
    expected = [session.advance(block) for session, block in zip(alone, blocks, strict=True)]
    found = engine.advance_all(together, blocks)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.shape == y.shape and x.dtype == y.dtype == np.float64
            if tolerance == 0:
                assert np.array_equal(x, y)
            assert relative_difference(x, y) <= tolerance
    for one, other in zip(together, alone, strict=True):
        a, b = one.state(), other.state()
        assert a.updates == b.updates
        for p, q in zip((a.params, *a.slots), (b.params, *b.slots), strict=True):
            for x, y in zip(p, q, strict=True):
                assert x.dtype == y.dtype and relative_difference(x, y) <= tolerance


TOLERANCES = {np.float64: 1e-10, np.float32: 1e-5}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("ordered", [False, True])
def test_sessions_advance_together_as_alone(dtype, rule, weighted, dropout, ordered):
    for engine in map(make_engine, ENGINES):
        data = rows(dtype, weighted)
        check_alike(
            engine, lambda: sessions_of(engine, data, rule, dropout=dropout),
            blocks_of(ordered=ordered), TOLERANCES[dtype] if engine.name == "torch" else 0,
        )  # fmt: skip
