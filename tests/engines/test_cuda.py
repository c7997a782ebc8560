"""The torch engine on a CUDA device: what `test_engines.py` and others ask of it on the CPU.

`pytest -m cuda tests/engines/test_cuda.py` runs them on a machine with a device, and so does
`benchmarks/gpu.py`, which measures as well.
"""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import torch

import backhand
from backhand import Member
from backhand.engines import Block, Data, OptimizerState
from backhand.engines.torch import TorchEngine, graphs
from backhand.optimizers import make_optimizer
from helpers.torch_blocks import SMOOTH, Problem, assert_advanced_alike

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
WAYS = {
    "eager": {"graphs": False},
    "graphs": {},
    "triton": {"graphs": False, "kernels": "triton"},
    "triton-graphs": {"kernels": "triton"},
}


@pytest.fixture(params=WAYS)
def engine(request: pytest.FixtureRequest) -> TorchEngine:
    way = WAYS[request.param]
    if "kernels" in way and find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    return TorchEngine("cuda", **way)


KINDS = [
    {"ordered": False, "epochs": 40},
    {"rule": "momentum", "weighted": True, "l2": 0.1, "selected": True},
    {"rule": "nesterov", "dropout": 0.5, "members": 3, "selected": True, "ordered": False},
    {"rule": SMOOTH, "dropout": 0.5, "weighted": True, "members": 5, "l2": 0.01, "loss_cap": 1.0},
    {"rule": SMOOTH, "first_class_fixed": True, "K": 2, "l2": 0.1, "validated": True},
    {"rule": SMOOTH, "rows": 300, "d": 70, "H": 130, "K": 10, "batch_size": 128},
    {"rows": 128, "d": 20, "H": 64, "K": 5, "batch_size": 128, "members": 300},
    {"kind": np.uint8, "rows": 65, "batch_size": 65, "d": 33, "H": 33, "K": 33},
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("of", KINDS)
def test_blocks_are_those_of_the_reference(engine: TorchEngine, dtype: type, of: dict) -> None:
    """To rounding, and every graph was captured: a fall-back would warn."""
    tolerance = 2e-5 if dtype is np.float32 else 1e-9
    if of.get("kind") is np.uint8:  # numbers up to 255, so that logits and their rounding are large
        tolerance *= 50
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reference = backhand.make_engine("reference")
        assert_advanced_alike(Problem(dtype=dtype, **of), reference, engine, tolerance)


@pytest.mark.parametrize("members", [1, 5])
def test_the_same_call_has_the_same_bits(engine: TorchEngine, members: int) -> None:
    problem = Problem(members=members, rows=500, d=40, H=70, batch_size=64, dtype=np.float32,
                      rule=SMOOTH, dropout=0.2, weighted=True)  # fmt: skip
    results = []
    for _ in range(2):
        sessions = problem.sessions(engine)
        for _ in range(2):
            figures = engine.advance_all(sessions, problem.blocks())
        results.append([*(f.loss for f in figures), *(s.state().params.W1 for s in sessions)])
    assert all(map(np.array_equal, *results))


def test_short_blocks_are_a_long_one_to_the_bit(engine: TorchEngine) -> None:
    """Also where some updates of the long one are in one graph."""
    problem = Problem(rows=64, batch_size=64, ordered=False, epochs=40, dtype=np.float32)
    whole, parts = problem.sessions(engine)[0], problem.sessions(engine)[0]
    block = problem.blocks()[0]
    expected = whole.advance(block)
    found = [
        parts.advance(Block(64, block.learning_rate[n : n + 5], block.l2[n : n + 5]))
        for n in range(0, 40, 5)
    ]
    assert np.array_equal(np.concatenate([f.loss for f in found]), expected.loss)
    assert all(map(np.array_equal, whole.state().params, parts.state().params))


def test_a_fleet_is_trained_as_on_the_cpu(engine: TorchEngine) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((100, 8)).astype(np.float32), rng.integers(0, 3, 100)
    members = [
        Member(hidden=16, epochs=20, batch_size=32, learning_rate=0.01 * (m + 1), seed=m)
        for m in range(12)
    ]
    found = backhand.train_many(members, X, y, engine=engine)
    expected = backhand.train_many(members, X, y, engine="reference")
    for ours, theirs in zip(found, expected, strict=True):
        assert np.allclose(ours.history.loss, theirs.history.loss, rtol=1e-4)


def test_updates_wait_for_nothing() -> None:
    """torch itself says so, when an operation that waits is an error."""
    engine = TorchEngine("cuda")
    problem = Problem(rows=64, batch_size=16, dropout=0.3, l2=0.1, weighted=True, selected=True,
                      first_class_fixed=True)  # fmt: skip
    sessions, block = problem.sessions(engine), problem.blocks()[0]
    sessions[0].advance(block)
    with engine.computing():
        updates = sessions[0]._tensors.stacked._updates
        updates._step._work.counter.zero_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is a prototype, torch says
            torch.cuda.set_sync_debug_mode("error")
        try:
            updates.do(graphs.Run(16, 3))
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_gradients_and_predictions_are_those_of_the_reference(engine: TorchEngine) -> None:
    rng = np.random.default_rng(1)
    data = Data(rng.standard_normal((300, 20)), rng.integers(0, 4, 300))
    params, rule = backhand.init(20, 32, 4, dtype=np.float64), make_optimizer("adam")
    reference = backhand.make_engine("reference")
    results = []
    for one in (engine, reference):
        session = one.start(OptimizerState.initial(params, rule), data, rule)
        loss, gradient = session.gradient()
        results.append(
            [loss, *gradient, *session.evaluate(data), one.predict_proba(params, data.X)]
        )
    for a, b in zip(*results, strict=True):
        assert np.allclose(a, b, rtol=1e-9, atol=1e-12)
