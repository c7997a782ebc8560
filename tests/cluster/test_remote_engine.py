"""Networks shared out over workers: the bits of one machine, whatever happens to the workers."""

import random
import threading
from typing import Any

import numpy as np
import pytest

import backhand
from backhand import BackhandError, Checkpoint, InputError, Member
from backhand.cluster import networks
from backhand.cluster.in_process import InProcess
from backhand.cluster.remote_engine import RemoteEngine
from backhand.engines import Block, Data, Objective, OptimizerState
from backhand.optimizers import Adam
from helpers.lossy_workers import LossyWorkers
from helpers.optional_packages import optional
from training.test_fleet_checkpoints import long_fleet, stop_after
from training.test_fleets import D, K, N, assert_same, folds, rows_of

scipy = optional("scipy.sparse")

SLOW = pytest.mark.slow


def trained_over(transport: InProcess, members: list[Member], engine: str = "fused") -> list[Any]:
    try:
        remote = RemoteEngine(backhand.make_engine(engine, threads=1), transport)
        return backhand.train_many(members, *rows_of(), engine=remote)
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("engine", "workers"),
    [("fused", 2), ("reference", 3)] + [pytest.param("fused", n, marks=SLOW) for n in (1, 5)],
)
def test_a_fleet_has_the_same_bits_for_any_number_of_workers(engine: Any, workers: int) -> None:
    X, y = rows_of()
    members = [*folds(), Member(hidden=8, epochs=30, batch_size=16, dropout=0.3, alpha=0.1)]
    members = members if engine == "fused" else members[-2:]
    here = backhand.train_many(members, X, y, engine=engine)
    there = backhand.train_many(members, X, y, engine=engine, workers=workers)
    for one, other in zip(there, here, strict=True):
        assert_same(one, other)


def test_weights_and_float64_change_nothing_about_that() -> None:
    X, y = rows_of()
    how: Any = {"dtype": np.float64, "sample_weight": np.random.default_rng(1).random(N)}
    here = backhand.train_many(folds(), X, y, **how)
    for one, other in zip(backhand.train_many(folds(), X, y, workers=2, **how), here, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("spare", [0, pytest.param(2, marks=SLOW)])
def test_lost_workers_change_no_bit(spare: int) -> None:
    here = backhand.train_many(folds(), *rows_of())
    for seed in range(2):
        calls = random.Random(seed).sample(range(10), 2)
        transport = LossyWorkers(3, lambda _, number, calls=calls: number in calls, spare)
        for one, other in zip(trained_over(transport, folds()), here, strict=True):
            assert_same(one, other)
        assert transport.losses == 2


def test_short_trainings_are_advanced_together_on_other_processes() -> None:
    members = [Member(hidden=4, epochs=2, seed=seed) for seed in range(80)]
    calls = 0

    class Apart(InProcess):
        in_this_process = False

        def submit(self, worker: int, function: Any, *args: Any) -> Any:
            nonlocal calls
            calls += function is networks.use
            return super().submit(worker, function, *args)

    here = backhand.train_many(members, *rows_of())
    for one, other in zip(trained_over(Apart(1), members), here, strict=True):
        assert_same(one, other)
    assert calls < 60


def test_a_block_that_always_costs_a_worker_is_an_error() -> None:
    with pytest.raises(BackhandError, match="lost 5 times in a row at the same call") as caught:
        trained_over(LossyWorkers(2, lambda _, number: number > 5), folds())
    assert "a test has lost it" in str(caught.value)


def test_the_loss_of_the_last_worker_is_an_error() -> None:
    with pytest.raises(BackhandError, match=r"all workers are lost, the last one, [12], since: a"):
        trained_over(LossyWorkers(2, lambda _, number: number > 5, spare=0), folds())


def test_no_thread_is_left_after_a_fleet_whatever_ended_it() -> None:
    before = threading.active_count()
    X, y = rows_of()
    backhand.train_many(folds(), X, y, workers=3)

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backhand.train_many(long_fleet(), X, y, workers=3, callbacks=[interrupt])
    with pytest.raises(InputError, match="X holds nan"):
        backhand.train_many(
            [Member(hidden=4, epochs=3)] * 2, np.full_like(X, np.nan), y, workers=2
        )  # fmt: skip
    assert threading.active_count() == before


def test_a_fleet_resumes_with_other_workers_and_without_any(tmp_path) -> None:
    X, y = rows_of()
    members = long_fleet()[:5]
    whole = backhand.train_many(members, X, y)
    for done, workers in ((0, 3), (2, None), (3, 2), (100, None)):
        saved = Checkpoint(tmp_path / "fleet", "0.01s", resume=True)
        results = backhand.train_many(
            members, X, y, workers=workers, checkpoint=saved, callbacks=[stop_after(done)]
        )
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)


def test_an_error_of_a_worker_says_where_it_was(monkeypatch) -> None:
    def fail(*_: Any) -> Any:
        raise MemoryError("no room for dW1")

    monkeypatch.setattr(networks, "advance", fail)
    with pytest.raises(BackhandError, match=r"worker 1 \(this process\) failed: MemoryError: no"):
        backhand.train_many([Member(hidden=4)], *rows_of(), workers=1)


def test_a_worker_with_another_cpu_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    cpus = iter(["here", "here", "haswell"])
    monkeypatch.setattr(networks, "depends_on", lambda *_: {"CPU": next(cpus)})
    transport = InProcess(2)
    with pytest.warns(backhand.BackhandWarning, match="has CPU haswell, and this process here"):
        RemoteEngine(backhand.make_engine("reference"), transport)
    transport.close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"workers": 0}, "workers is 0"), ({"ray": "local"}, "ray needs workers")],
)
def test_wrong_workers_are_an_error_before_any_training(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        backhand.train_many([Member(hidden=4)], *rows_of(), **wrong)


class TestASession:
    """All that the contract of a session has, beside a session of the engine itself."""

    @pytest.fixture(params=["dense", "sparse"])
    def both(self, request: Any) -> Any:
        X, y = rows_of()
        if request.param == "sparse":
            X = scipy.sparse.csr_array(X * (abs(X) > 1))
        data = Data(X, y.astype(np.int64)).select(np.arange(3, N))
        state = OptimizerState.initial(backhand.init(D, 8, K, dtype=np.float64), Adam())
        engine, transport = backhand.make_engine("fused", threads=1), InProcess(2)
        remote = RemoteEngine(engine, transport)
        objective = Objective(l2=0.01)
        yield tuple(
            one.start(state, data, Adam(), objective, Data(X[:3], y[:3].astype(np.int64)))
            for one in (engine, remote)
        )
        transport.close()

    def test_has_the_gradients_updates_and_figures_of_a_session_here(self, both: Any) -> None:
        here, there = both
        block = Block(16, np.full((3, 6), 0.1), np.zeros((3, 6)), None, np.array([1, 0, 1], bool))
        X, y = rows_of(seed=3)
        other = Data(X, y.astype(np.int64))
        found = []
        for session in (here, there):
            figures = [session.advance(block), session.gradient(), session.gradient(slice(3, 9))]
            figures += [session.sums(slice(5, 9)), session.sums(slice(2, 4), 7, other)]
            figures += [session.parameters()]
            past = session.state()
            session.apply(figures[1][1], 0.1)
            figures += [session.evaluate(other), session.state()]
            session.restore(past)
            figures += [session.advance(block), session.state()]
            found.append(figures)
        for mine, theirs in zip(*map(flat, found), strict=True):
            np.testing.assert_array_equal(mine, theirs)

    def test_returns_arrays_that_may_be_changed(self, both: Any) -> None:
        _, there = both
        before = there.state()
        there.state().params.W1[:] = 7
        there.gradient()[1].W1[:] = 7
        for one, other in zip(there.state().params, before.params, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_reports_what_is_wrong_as_a_session_here_does(self, both: Any) -> None:
        messages = []
        for session in both:
            for wrong in (
                lambda s: s.advance(Block(200, np.ones((1, 1)), np.ones((1, 1)))),
                lambda s: s.gradient(slice(3, 3)),
                lambda s: s.apply(s.gradient()[1]._replace(b1=np.zeros(2)), 0.1),
                lambda s: s.restore(s.state()._replace(slots=())),
            ):
                with pytest.raises(InputError) as caught:
                    wrong(session)
                messages.append(str(caught.value))
        assert messages[:4] == messages[4:]


def flat(values: Any) -> list[Any]:
    if isinstance(values, tuple | list):
        return [leaf for value in values for leaf in flat(value)]
    return [values]
