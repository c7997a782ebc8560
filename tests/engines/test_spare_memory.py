"""The memory of a training that has ended, which the next one of the same sizes works in."""

import gc
import threading

import numpy as np
import pytest

import backhand
from backhand.engines import Block, Data, OptimizerState
from backhand.engines.fused.engine import SPARES, FusedEngine
from backhand.engines.fused.spare import Spares, size_of
from backhand.optimizers import SGD, Adam, Momentum
from helpers.sessions import started

X = np.random.default_rng(0).standard_normal((40, 7))
DATA = Data(X, np.arange(40) % 3)
PARAMS = backhand.init(7, 21, 3, dtype=np.float64)
BLOCK = Block(10, np.full((2, 4), 0.01), np.full((2, 4), 0.1))


@pytest.fixture(autouse=True)
def _no_spares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SPARES, "_kept", type(SPARES._kept)())


ADAM = Adam()


def trained(state: OptimizerState, rule=ADAM, data: Data = DATA) -> OptimizerState:
    session = FusedEngine(1).start(state, data, rule)
    session.advance(BLOCK)
    return session.state()


def values(state: OptimizerState) -> list[bytes]:
    return [v.tobytes() for values in (state.params, *state.slots) for v in values]


@pytest.mark.parametrize("rule", [SGD(), Momentum(0.9), Adam()])
def test_a_training_in_the_memory_of_another_has_the_same_bits(rule) -> None:
    begin = OptimizerState.initial(PARAMS, rule)
    first = trained(begin, rule)
    assert len(SPARES._kept) == 1
    other = backhand.init(7, 21, 3, seed=5, dtype=np.float64)
    trained(OptimizerState.initial(other, rule), rule, data=Data(100 * X, DATA.y))
    assert len(SPARES._kept) == 1, "the same memory"
    assert values(trained(begin, rule)) == values(first)


def test_what_was_read_last_need_not_be_written_and_what_was_not_is() -> None:
    begin = OptimizerState.initial(PARAMS, ADAM)
    once = trained(begin)
    expected = values(FusedEngine(1).start(once, DATA, ADAM).state())
    assert expected == values(once)
    twice = trained(once)
    trained(OptimizerState.initial(PARAMS, ADAM))  # works in that memory in between
    assert values(trained(once)) == values(twice)
    copied = OptimizerState(once.params, tuple(
        type(slot)(*(2 * v for v in slot)) for slot in once.slots), once.updates)  # fmt: skip
    assert values(trained(copied)) != values(twice)


def test_slots_that_are_read_cannot_be_changed_by_hand() -> None:
    """Else the memory would be taken for them although they are no longer the same."""
    slots = trained(OptimizerState.initial(PARAMS, ADAM)).slots
    with pytest.raises(ValueError, match="read-only"):
        slots[0].W1[0, 0] = 1


def test_sessions_at_the_same_time_have_memory_of_their_own() -> None:
    trained(OptimizerState.initial(PARAMS, SGD()), SGD())
    one, two = (started(FusedEngine(1), PARAMS, DATA, SGD()) for _ in range(2))
    assert one._work is not two._work
    one.advance(BLOCK)
    assert two.state().params.W1.tobytes() == PARAMS.W1.tobytes()


def test_a_training_that_was_interrupted_keeps_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    session = started(FusedEngine(1), PARAMS, DATA, SGD())
    monkeypatch.setattr("backhand.engines.fused.engine.run_threads", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.advance(BLOCK)
    del session
    gc.collect()
    assert not SPARES._kept


def test_no_data_are_kept() -> None:
    own = np.array(X)
    before = gc.get_referrers(own)
    trained(OptimizerState.initial(PARAMS, SGD()), SGD(), data=Data(own, DATA.y))
    assert len(gc.get_referrers(own)) == len(before)


def test_at_most_so_many_bytes_are_kept() -> None:
    spares: Spares[str] = Spares(100)
    for name in "abc":
        spares.give(name, 40, name)
    assert spares.take("a") is None
    assert (spares.take("b"), spares.take("b")) == ("b", None)
    spares.give("d", 101, "d")
    assert spares.take("d") is None and spares.take("c") is None
    assert size_of((np.zeros(3), (np.zeros(2, np.int32), 5), "x")) == 32


def test_threads_never_take_the_same_object() -> None:
    spares: Spares[int] = Spares()
    for number in range(2000):
        spares.give("key", 1, number)
    taken: list[list[int]] = [[] for _ in range(4)]

    def take(mine: list[int]) -> None:
        while (found := spares.take("key")) is not None:
            mine.append(found)

    team = [threading.Thread(target=take, args=(mine,)) for mine in taken]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert len({n for mine in taken for n in mine}) == sum(map(len, taken))
