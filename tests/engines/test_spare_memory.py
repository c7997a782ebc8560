"""The memory of a training that has ended, which the next one of the same sizes works in."""

import gc
import threading
from collections import deque
from dataclasses import replace

import numpy as np
import pytest

import backhand
from backhand.choices import PrecisionName
from backhand.engines import Block, Data, OptimizerState
from backhand.engines.fused.engine import FusedEngine
from backhand.engines.fused.spare import Spares, size_of
from backhand.engines.fused.work import SPARES, Scratch
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


def test_a_state_that_was_read_and_replaced_can_be_restored() -> None:
    session = started(FusedEngine(1), PARAMS, DATA, ADAM)
    session.advance(BLOCK)
    early = session.state()
    session.advance(BLOCK)
    late = session.state()
    session.restore(early)
    session.restore(late)
    assert values(session.state()) == values(late)


def test_a_training_continues_from_its_own_slots_whatever_used_the_memory_in_between() -> None:
    other = trained(OptimizerState.initial(backhand.init(7, 21, 3, seed=5, dtype=np.float64), ADAM))
    once = trained(OptimizerState.initial(PARAMS, ADAM))
    FusedEngine(1).start(other, DATA, ADAM)  # and nothing is computed
    again = FusedEngine(1).start(once, DATA, ADAM).state()
    assert values(again) == values(once)


def test_slots_that_were_read_cannot_be_changed_by_any_flag() -> None:
    """Else the memory would be taken for them although they are no longer the same."""
    slots = trained(OptimizerState.initial(PARAMS, ADAM)).slots
    for value in (slots[0].W1, slots[1].b2[:]):
        with pytest.raises(ValueError, match="WRITEABLE"):
            value.flags.writeable = True


def test_random_steps_have_the_bits_of_an_engine_that_keeps_no_memory() -> None:
    kept = FusedEngine(1)
    results = []
    for engine in (kept, None):  # None: a new `Scratch`, so new memory, for each session
        rng = np.random.default_rng(0)
        states = [OptimizerState.initial(PARAMS, ADAM)]
        session = (engine or FusedEngine(1, Scratch())).start(states[0], DATA, ADAM)
        steps = ["restore", "start", "read", "advance", "apply"]
        for step in rng.choice(steps, size=400, p=[0.4, 0.2, 0.2, 0.1, 0.1]):
            state = states[-int(rng.integers(1, 1 + min(3, len(states))))]
            if step == "restore" and engine is not None:
                session.restore(state)
            elif step in ("restore", "start"):
                session = (engine or FusedEngine(1, Scratch())).start(state, DATA, ADAM)
            elif step == "advance":
                session.advance(BLOCK)
            elif step == "apply":
                session.apply(session.gradient()[1], 0.01)
            else:
                states.append(session.state())
        results.append([values(state) for state in states])
    assert results[0] == results[1]
    assert len(results[0]) > 50


@pytest.mark.parametrize("precision", ["auto", "bf16"])
@pytest.mark.parametrize("H", [21, 70])  # 70: a panel is a vector narrower than the other
def test_memory_of_a_training_that_diverged_is_like_new(H: int, precision: PrecisionName) -> None:
    engine, rule = FusedEngine(1, precision=precision), SGD()
    data = Data(X.astype(np.float32), DATA.y)
    begin = OptimizerState.initial(backhand.init(7, H, 3), rule)
    session = engine.start(begin, data, rule)
    expected = session.advance(BLOCK).loss
    session.advance(replace(BLOCK, learning_rate=np.full((2, 4), 1e39)))  # infinite in float32
    session.gradient(l2=0.1)
    session.restore(begin)
    np.testing.assert_array_equal(session.advance(BLOCK).loss, expected)
    session.advance(replace(BLOCK, learning_rate=np.full((2, 4), 1e39)))
    session.gradient(l2=0.1)
    del session
    assert len(SPARES._kept) == 1
    np.testing.assert_array_equal(engine.start(begin, data, rule).advance(BLOCK).loss, expected)


@pytest.mark.parametrize("precision", ["auto", "bf16"])
def test_nothing_that_a_training_left_in_its_memory_is_read(precision: PrecisionName) -> None:
    """Whatever it wrote is replaced by nan; zeros that it left are the padding."""
    engine, data = FusedEngine(1, precision=precision), Data(X.astype(np.float32), DATA.y)
    state = OptimizerState.initial(backhand.init(7, 70, 3), ADAM)
    block = replace(BLOCK, batch_size=13)
    first = engine.start(state, data, ADAM).advance(block).loss
    ((_, _, work),) = SPARES._kept
    for record in (work.buffers, *(chunk.record for chunk in work._scratch._chunks.values())):
        spoil(record)
    np.testing.assert_array_equal(engine.start(state, data, ADAM).advance(block).loss, first)


def spoil(record: tuple[object, ...]) -> None:
    for value in record:
        if isinstance(value, tuple):
            spoil(value)
        elif isinstance(value, np.ndarray) and value.dtype != np.int64:  # counters: claimed
            nan = np.nan if value.dtype.kind == "f" else 0x7FC07FC0  # a pair in bf16
            value[value != 0] = nan


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
    monkeypatch.setattr("backhand.engines.fused.work.run_threads", interrupted)
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
    assert spares.take("d") is None, "which is too large alone"
    assert spares.take("c") == "c"
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


def test_a_deque_that_another_thread_changes_is_read_again() -> None:
    """Without the GIL, a thread may do so in the middle of a loop over it."""

    class Changing(deque):
        changes = 2

        def __iter__(self):
            self.changes -= 1
            if self.changes >= 0:
                raise RuntimeError("deque mutated during iteration")
            return super().__iter__()

    spares: Spares[str] = Spares(100)
    spares._kept = Changing()
    for name in ("first", "second"):
        spares.give(name, 60, name)
    assert [name for name, _, _ in spares._kept] == ["second"]
