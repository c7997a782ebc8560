"""Blocks of updates on torch as a GPU does them: in place, without a transfer, replayed."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import backhand
from backhand.engines import Block, Data, Objective, OptimizerState
from backhand.engines.torch import TorchEngine, graphs, stack
from backhand.engines.torch.stack import Stack
from backhand.errors import InputError
from backhand.optimizers import make_optimizer
from helpers.torch_blocks import Problem, assert_advanced_alike


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Graphs that are kept as the calls that they would capture: how often each was replayed."""
    counts: list[int] = []

    def captured(update: Callable[[], None], pool: Any) -> tuple[Callable[[], None], Any]:
        number = len(counts)
        counts.append(0)

        def replay() -> None:
            counts[number] += 1
            update()

        return replay, pool

    monkeypatch.setattr(graphs, "captured", captured)
    monkeypatch.setattr(graphs, "warm_up", lambda update, device: update())
    return counts


@pytest.mark.parametrize("members", [1, 5])
def test_replayed_updates_are_those_of_the_equations(captures: list[int], members: int) -> None:
    problem = Problem(members=members, rule="adam", dropout=0.4, l2=0.1, weighted=True)
    assert_advanced_alike(problem, TorchEngine("cpu"), TorchEngine("cpu", graphs=True), 1e-12)
    assert len(captures) == 2  # of a full batch, and of the last


def test_graphs_are_captured_once_and_replayed_in_later_blocks(captures: list[int]) -> None:
    engine = TorchEngine("cpu", graphs=True)
    problem = Problem(rows=64, batch_size=64, epochs=40, ordered=False)
    session = problem.sessions(engine)[0]
    for _ in range(3):
        session.advance(problem.blocks()[0])
    # 40 updates are 2 graphs of 16 and 8 of one; each is replayed once more when it is compared.
    assert captures == [1 + 3 * 2, 1 + 3 * 8]
    assert session.state().updates == 120


def test_a_stack_is_kept_as_long_as_it_fits(captures: list[int]) -> None:
    engine = TorchEngine("cpu", graphs=True)
    problem = Problem(members=4, batch_size=16, rows=64)
    sessions = problem.sessions(engine)
    for size, expected in ((16, 1), (16, 1), (32, 2), (16, 3)):
        blocks = Problem(members=4, batch_size=size, rows=64).blocks()
        engine.advance_all(sessions, blocks)
        assert len(captures) == expected


@pytest.mark.parametrize("wrong", ["refused", "nothing"])
def test_what_cannot_be_captured_is_done_without_a_graph(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """A capture that fails, and one whose replay does nothing."""

    def captured(update: Callable[[], None], pool: Any) -> tuple[Callable[[], None], Any]:
        if wrong == "refused":
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        return lambda: None, pool

    monkeypatch.setattr(graphs, "captured", captured)
    monkeypatch.setattr(graphs, "warm_up", lambda update, device: update())
    problem = Problem(rows=64, batch_size=16)
    said = "not permitted when stream is capturing" if wrong == "refused" else "result is another"
    with pytest.warns(UserWarning, match=f"CUDA graph .*{said}"):
        assert_advanced_alike(problem, TorchEngine("cpu"), TorchEngine("cpu", graphs=True), 1e-12)


class Watched(TorchDispatchMode):
    """The operations of torch, with what they take from the host."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []
        self.from_host: list[tuple[str, tuple[int, ...]]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        self.operations.append(str(function))
        moves = any(name in str(function) for name in ("copy", ".to", "lift"))
        for value in tree_leaves((args, kwargs)):
            on_host = isinstance(value, torch.Tensor) and value.device.type != "meta"
            # A number among the operands of arithmetic is passed to the kernel as it is.
            if on_host and (value.ndim or moves):
                self.from_host.append((str(function), tuple(value.shape)))
        return function(*args, **(kwargs or {}))


class Called(TorchFunctionMode):
    """The functions of torch that are called by Python."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        self.names.add(getattr(function, "__name__", str(function)))
        return function(*args, **(kwargs or {}))


PUTTING = {"tensor", "as_tensor", "asarray", "from_numpy", "scalar_tensor", "to_numpy"}
"""Functions that make a tensor on the host first."""

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "item")
"""Operations of which the host, or the size of what comes out, waits for the device."""


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize(
    "of",
    [
        {"batch_size": 48, "ordered": False},
        {"l2": 0.1, "dropout": 0.3, "weighted": True},
        {"selected": True, "first_class_fixed": True, "loss_cap": 2.0},
        {"selected": True, "ordered": False, "members": 3, "weighted": True, "dropout": 0.3},
    ],
)
def test_an_update_takes_nothing_from_the_host_and_waits_for_nothing(rule: str, of: Any) -> None:
    """On the device `meta`, which has no numbers: whoever asks for one fails."""
    problem, engine = Problem(rule=rule, **of), TorchEngine("meta")
    sessions, block = problem.sessions(engine), problem.blocks()[0]
    with engine.computing():
        step = Stack(sessions, block, None)._updates._step
        with Called() as called, Watched() as watched:
            step(min(block.batch_size, problem.rows))
    assert not called.names & PUTTING
    assert len(watched.operations) > 50
    assert watched.from_host == []
    assert not [o for o in watched.operations if any(name in o for name in WAITING)]


def test_a_member_that_diverges_stops_at_the_end_of_its_epoch() -> None:
    """In the middle of what is done between two transfers, and the others go on."""
    problem = Problem(members=5, rule="sgd", epochs=12)

    def blocks() -> list[Block]:
        found = problem.blocks()
        found[1].learning_rate[4:] = 1e200
        found[3].learning_rate[7:] = 1e200
        return found

    ours, theirs = problem.sessions(TorchEngine("cpu")), problem.sessions(TorchEngine("cpu"))
    found = ours[0]._engine.advance_all(ours, blocks())
    for session, other, block, metrics in zip(ours, theirs, blocks(), found, strict=True):
        expected = other.advance(block)
        assert len(metrics.loss) == len(expected.loss)
        assert session.state().updates == other.state().updates
        for a, b in zip(session.state().params, other.state().params, strict=True):
            assert np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
    assert len(found[1].loss) < len(found[3].loss) < len(found[0].loss) == 12


def test_blocks_longer_than_there_is_room_for_are_done_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = Problem(members=4, epochs=11, validated=True)
    whole, parts = (problem.sessions(TorchEngine("cpu")) for _ in range(2))
    expected = whole[0]._engine.advance_all(whole, problem.blocks())
    monkeypatch.setattr(stack, "MOST_EPOCHS", 3)
    found = parts[0]._engine.advance_all(parts, problem.blocks())
    for a, b in zip(found, expected, strict=True):
        assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))
    for one, other in zip(parts, whole, strict=True):
        assert all(map(np.array_equal, one.state().params, other.state().params))


def test_an_interrupt_leaves_the_sessions_with_the_updates_that_were_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = Problem(members=4, rows=64, batch_size=16, epochs=5)
    sessions = problem.sessions(TorchEngine("cpu"))
    runs: Iterator[int] = iter(range(10))
    do = graphs.Plain.do

    def interrupted(self: Any, run: Any) -> None:
        if next(runs) == 3:
            raise KeyboardInterrupt
        do(self, run)

    monkeypatch.setattr(graphs.Plain, "do", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sessions[0]._engine.advance_all(sessions, problem.blocks())
    assert [session.state().updates for session in sessions] == [12] * 4
    others = problem.sessions(TorchEngine("cpu"))
    for session, block in zip(others, problem.blocks(), strict=True):
        session.advance(Block(16, block.learning_rate[:3], block.l2[:3], block.order[:3]))
    for one, other in zip(sessions, others, strict=True):
        for a, b in zip(one.state().params, other.state().params, strict=True):
            assert np.allclose(a, b, rtol=1e-10)


def test_an_engine_says_what_its_kernels_may_be() -> None:
    with pytest.raises(InputError, match=r"kernels is 'trito'\. Did you mean 'triton'"):
        TorchEngine("cpu", kernels="trito")
    assert TorchEngine("cpu", graphs=True).depends_on()["updates"] == "CUDA graphs"
    assert "updates" not in TorchEngine("cpu").depends_on()


def test_sessions_that_are_not_dense_are_advanced_without_a_stack(captures: list[int]) -> None:
    import scipy.sparse

    rng = np.random.default_rng(0)
    X = scipy.sparse.csr_array(rng.random((20, 4)) * (rng.random((20, 4)) < 0.5))
    params, rule = backhand.init(4, 8, 3, dtype=np.float64), make_optimizer("sgd")
    state = OptimizerState.initial(params, rule)
    found = []
    for engine in (TorchEngine("cpu"), TorchEngine("cpu", graphs=True)):
        session = engine.start(state, Data(X, np.arange(20) % 3), rule, Objective())
        found.append(session.advance(Block(20, np.full((3, 1), 0.1), np.zeros((3, 1)))).loss)
    assert np.array_equal(*found) and captures == []
