"""Fleets: many trainings in one call, each with the bits that it has alone."""

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import backhand
from backhand import EarlyStopping, InputError, Member, TrainResult
from backhand.engines import Data
from backhand.engines.fused.engine import FusedEngine
from backhand.training.config import TrainConfig
from backhand.training.fleet.shared import Planned
from backhand.training.fleet.train_fleet import train_fleet
from backhand.training.plan import make_sampler
from backhand.training.prepared import Training
from backhand.training.samplers import RandomStateSampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")

N, D, K = 90, 6, 3


def rows_of(seed: int = 0, n: int = N) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, D))
    return X, np.abs(X[:, :K]).argmax(axis=1)


def alone(member: Member, X: Any, y: Any, dtype: Any, w: Any = None, **how: Any) -> TrainResult:
    """What `train` returns with the same settings on copied rows."""
    X = X.astype(dtype)
    params = member.params or backhand.init(D, member.hidden, K, seed=member.seed, dtype=dtype)
    rows = slice(None) if member.rows is None else np.asarray(member.rows)
    some = [None if array is None else array[rows] for array in (X, y, w)]
    validation = None
    if member.validation is not None:
        chosen = np.asarray(member.validation)
        validation = tuple(array[chosen] for array in (X, y, w) if array is not None)
    settings = {name: getattr(member, name) for name in member.config.__dataclass_fields__}
    return backhand.train(
        params, some[0], some[1], sample_weight=some[2], validation=validation, **settings, **how
    )


def assert_same(one: TrainResult, other: TrainResult) -> None:
    """Every bit of what two trainings return is the same, but their durations."""
    assert (one.ended, one.best_epoch) == (other.ended, other.best_epoch)
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        np.testing.assert_array_equal(getattr(one.history, name), getattr(other.history, name))
    assert (one.best is None) == (other.best is None)
    pairs = [(one.last, other.last)]
    if one.best is not None and other.best is not None:
        pairs.append((one.best, other.best))
    for mine, theirs in pairs:
        assert mine.updates == theirs.updates
        for values, others in zip((mine.params, *mine.slots), (theirs.params, *theirs.slots),
                                  strict=True):  # fmt: skip
            for a, b in zip(values, others, strict=True):
                np.testing.assert_array_equal(a, b)


def folds() -> list[Member]:
    fold = np.arange(N) % 3
    return [
        Member(hidden=8 + 5 * k, epochs=40, batch_size=16, optimizer="adam", learning_rate=0.01,
               l2=l2, seed=k, rows=fold != k, validation=fold == k,
               early_stopping=EarlyStopping(patience=4))
        for l2 in (0.0, 0.01) for k in range(3)
    ]  # fmt: skip


@pytest.mark.parametrize("engine", ["fused", "reference"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_member_has_the_bits_that_it_has_alone(engine: Any, threads: int) -> None:
    X, y = rows_of()
    results = backhand.train_many(folds(), X, y, engine=engine, threads=threads)
    for member, result in zip(folds(), results, strict=True):
        expected = alone(member, X, y, np.float32, engine=engine, threads=threads)
        assert_same(result, expected)
        assert result.config == member.config


def test_results_are_in_the_order_of_the_members() -> None:
    X, y = rows_of()
    members = [Member(hidden=4, epochs=epochs) for epochs in (1, 30, 2, 20)]
    results = backhand.train_many(members, X, y, threads=2)
    assert [len(result.history) for result in results] == [1, 30, 2, 20]


def test_a_member_that_diverges_does_not_end_the_others() -> None:
    X, y = rows_of()
    rates = [0.1, 1e30, 0.1]
    members = [Member(hidden=8, learning_rate=eta, epochs=20) for eta in rates]
    results = backhand.train_many(members, X, y, threads=2)
    assert [result.ended for result in results] == ["done", "diverged", "done"]
    with pytest.raises(backhand.DivergenceError) as caught:
        alone(members[1], X, y, np.float32)
    np.testing.assert_array_equal(results[1].params.W1, caught.value.params.W1)
    np.testing.assert_array_equal(results[1].history.loss, caught.value.history.loss)


def test_what_is_not_finite_in_rows_of_others_is_no_cause_of_divergence() -> None:
    X, y = rows_of()
    X[7, 2] = np.nan
    without = np.delete(np.arange(N), 7)
    diverging = Member(hidden=8, learning_rate=1e30, epochs=20, rows=without)
    assert backhand.train_many([diverging], X, y)[0].ended == "diverged"
    with pytest.raises(InputError, match="X holds nan at row 7, column 2"):
        backhand.train_many([Member(hidden=8, rows=np.arange(5, 9))], X, y)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rows": np.ones(5, bool)}, r"rows is a mask \(5,\); X has 90 rows"),
    ({"rows": np.zeros(N, bool)}, "rows has no rows"),
    ({"rows": []}, "rows has no rows"),
    ({"rows": [0, 90]}, "rows has row numbers from 0 to 90"),
    ({"validation": [-1]}, "validation has row numbers from -1 to -1"),
    ({"rows": [0.5]}, "rows is a list of float64"),
    ({"validation": "all"}, "validation is a str"),
    ({"rows": np.ones((N, 1), bool)}, "rows is a mask"),
    ({"params": backhand.init(D + 1, 4, K)}, "params has W1"),
    ({"params": backhand.init(D, 4, 2)}, "params has W1"),
    ({"params": backhand.init(D, 4, K, dtype=np.float64)}, "params has W1 .* in float64"),
    ({"params": 3}, "params is a int"),
    ({"validation": (np.ones((4, D)), np.ones(4))}, "validation is a tuple; expected a mask"),
    ({"rows": {1: 2}}, "rows is a dict; expected a mask"),
    ({"rows": 3}, "rows is a int of int64"),
    ({"rows": (np.arange(N) % 2)}, "rows is 90 integers, all of them 0 or 1"),
    ({"validation": [1] * N}, "validation is 90 integers, all of them 0 or 1"),
    ({"rows": np.ma.masked_less(np.arange(9), 3)}, "a masked array has 3 masked entries of 9"),
    ({"hidden": 2**40}, "hidden is 1,099,511,627,776: with 6 features and 3 classes the"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_a_wrong_member_is_named_before_any_training(wrong: dict[str, Any], message: str) -> None:
    X, y = rows_of()
    members = [Member(hidden=4), Member(**{"hidden": 4, **wrong})]
    called: list[Any] = []
    with pytest.raises(InputError, match=f"member 1: {message}"):
        backhand.train_many(members, X, y, callbacks=[called.append])
    assert not called


@pytest.mark.parametrize("members", [[], None, 3, [Member(), 3], "members"])
def test_members_are_a_list_of_members(members: Any) -> None:
    X, y = rows_of()
    with pytest.raises(InputError, match="member"):
        backhand.train_many(members, X, y)


@pytest.mark.parametrize("y", [np.array(list("abc") * 30), list("abc" * 30), np.arange(90.0) % 3,
                               np.arange(90) % 2 > 0, np.zeros((90, 1), int)])  # fmt: skip
def test_a_y_that_is_not_of_class_indices_says_how_to_make_them(y: Any) -> None:
    X, _ = rows_of()
    with pytest.raises(InputError, match=r"classes, y = numpy.unique\(y, return_inverse") as caught:
        backhand.train_many([Member()], X, y)
    assert "0..1" not in str(caught.value) and "90, 2" not in str(caught.value)


def test_an_engine_is_a_name_or_an_engine() -> None:
    X, y = rows_of()
    for wrong in (True, {"name": "fused"}, FusedEngine):
        with pytest.raises(InputError, match=r"engine is a .*; expected a name or an Engine"):
            backhand.train_many([Member()], X, y, engine=wrong)  # type: ignore[arg-type]


def test_settings_of_a_member_are_checked_where_it_is_made() -> None:
    with pytest.raises(InputError, match="learning_rate is -1"):
        Member(learning_rate=-1)
    with pytest.raises(InputError, match="hidden is 0"):
        Member(hidden=0)
    with pytest.raises(InputError, match="there are no validation rows"):
        Member(early_stopping=EarlyStopping())


def test_a_fleet_reports_its_progress() -> None:
    X, y = rows_of()
    seen: list[backhand.FleetProgress] = []
    backhand.train_many([Member(hidden=4, epochs=3)] * 5, X, y, callbacks=[seen.append])
    assert seen[-1].finished
    assert (seen[-1].done, seen[-1].members, seen[-1].under_way) == (5, 5, ())


def test_stop_training_ends_a_fleet_with_what_there_is() -> None:
    X, y = rows_of()

    def stop(progress: backhand.FleetProgress) -> None:
        raise backhand.StopTraining

    members = [Member(hidden=64, epochs=10**7) for _ in range(4)]
    seen: list[backhand.FleetProgress] = []
    results = backhand.train_many(members, X, y, callbacks=[stop, seen.append], threads=2)
    assert len(seen) == 1
    assert [result.ended for result in results] == ["callback"] * 4
    assert [bool(len(result.history)) for result in results] == [True, True, False, False]
    np.testing.assert_array_equal(results[3].params.W1, backhand.init(D, 64, K).W1)


def test_an_exception_of_a_callback_is_raised_as_it_is() -> None:
    X, y = rows_of()

    def fail(progress: backhand.FleetProgress) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        backhand.train_many([Member(epochs=10**7)], X, y, callbacks=[fail])
    with pytest.raises(InputError, match="is an Every"):
        backhand.train_many([Member()], X, y, callbacks=[backhand.Every(3, fail)])  # type: ignore[list-item]


def test_an_exception_in_a_worker_is_raised_as_it_is() -> None:
    X, y = rows_of()
    X[3, 2] = np.nan
    with pytest.raises(InputError, match="row 3, column 2"):
        backhand.train_many([Member(epochs=10**7)] * 3, X, y, threads=2)


def random_member(rng: np.random.Generator, n: int) -> Member:
    """A member of any width, batch size, optimizer, schedule, dropout and early stopping."""
    validates = bool(rng.integers(2))
    schedule = str(rng.choice(["constant", "cosine", "invscaling", "adaptive"]))
    monitors = ["loss", "validation_loss", "validation_accuracy"] if validates else ["loss"]
    stops = schedule == "adaptive" or bool(rng.integers(2))
    rule = EarlyStopping(patience=int(rng.integers(1, 6)), monitor=str(rng.choice(monitors)))  # type: ignore[arg-type]
    rows = rng.integers(0, n, rng.integers(1, n)) if rng.integers(2) else rng.random(n) < 0.7
    return Member(
        hidden=int(rng.choice([1, 3, 16, 17, 40, 130])),
        epochs=int(rng.integers(1, 40)),
        batch_size=None if rng.integers(2) else int(rng.integers(1, n)),
        optimizer=str(rng.choice(["sgd", "momentum", "nesterov", "adam"])),  # type: ignore[arg-type]
        learning_rate=float(10 ** rng.uniform(-3, 0)),
        schedule=schedule,  # type: ignore[arg-type]
        warmup=float(rng.choice([0, 0.3])),
        l2=float(rng.choice([0, 0.01])),
        alpha=float(rng.choice([0, 0.1])),
        dropout=float(rng.choice([0, 0.4])),
        validation_every=int(rng.integers(1, 4)),
        early_stopping=rule if stops else None,
        seed=int(rng.integers(100)),
        shuffle=bool(rng.integers(2)),
        rows=None if rng.integers(4) == 0 else rows,
        validation=rng.permutation(n)[: rng.integers(1, n)] if validates else None,
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_random_fleet_has_the_bits_of_its_members_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rows_of(seed)
    w = rng.random(N) + 0.1 if seed % 2 else None
    dtype = (np.float32, np.float64)[seed // 2]
    members = [random_member(rng, N) for _ in range(12)]
    expected = []
    for member in members:
        try:
            expected.append(alone(member, X, y, dtype, w))
        except backhand.DivergenceError:
            expected.append(None)
    for threads in (1, 2, 3):
        results = backhand.train_many(members, X, y, sample_weight=w, dtype=dtype, threads=threads)
        for result, one in zip(results, expected, strict=True):
            if one is None:
                assert result.ended == "diverged"
            else:
                assert_same(result, one)


def prepared(X: Any, y: Any, rows: Any, config: TrainConfig) -> Planned:
    """A member of prepared rows, which may be sparse."""

    def make() -> Training:
        data = Data(X, y).select(rows)
        params = backhand.init(X.shape[1], 8, K, seed=config.seed)
        return Training(
            start=TrainState.initial(params, config), data=data, config=config,
            sampler=make_sampler(config, data), objective=objective_of(config),
        )  # fmt: skip

    return Planned(make, config.epochs, float(len(rows)))


def test_members_of_a_sparse_x_have_the_bits_that_they_have_alone() -> None:
    X, y = rows_of()
    sparse = scipy.sparse.csr_array(np.where(X > 0.3, X, 0).astype(np.float32))
    configs = [TrainConfig(epochs=9, batch_size=7, seed=seed, optimizer="adam")
               for seed in range(5)]  # fmt: skip
    chosen = [np.arange(seed, N, 2 + seed) for seed in range(5)]
    planned = [prepared(sparse, y, rows, config)
               for rows, config in zip(chosen, configs, strict=True)]  # fmt: skip
    results = train_fleet(planned, backhand.make_engine("fused", None, 3))
    for result, rows, config in zip(results, chosen, configs, strict=True):
        one = prepared(sparse[rows], y[rows], np.arange(len(rows)), config).make()
        assert_same(result, train_data(
            one.start, one.data, config, sampler=one.sampler, objective=one.objective,
            engine=backhand.make_engine("fused", None, 1),
        ))  # fmt: skip


def test_a_fleet_is_paused_and_continues_with_equal_bits() -> None:
    X, y = rows_of()
    planned = [
        prepared(X.astype(np.float32), y, np.arange(N), TrainConfig(
            epochs=epochs, batch_size=8, optimizer="adam", learning_rate=0.01,
            early_stopping=EarlyStopping(3, monitor="loss")))
        for epochs in (4, 10, 50, 60)
    ]  # fmt: skip
    engine = backhand.make_engine("fused", None, 2)
    whole, states = train_fleet(planned, engine), [None] * len(planned)
    for until in (4, 7, 20, None):
        parts = [replace(one, state=state) for one, state in zip(planned, states, strict=True)]
        results = train_fleet(parts, engine, until=until)
        states = [result.state for result in results]
        if until == 7:
            assert [result.ended for result in results] == ["done", "", "", ""]
            assert [len(result.history) for result in results] == [4, 7, 7, 7]
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)


def test_a_member_that_diverges_has_the_bits_that_it_has_without_pauses() -> None:
    X, y = rows_of()
    planned = [
        prepared(X.astype(np.float32), y, np.arange(N), TrainConfig(
            epochs=60, learning_rate=rate, batch_size=size,
            early_stopping=EarlyStopping(30, monitor="loss")))
        for rate in (20.0, 1e3, 1e9, 1e30) for size in (None, 30)
    ]  # fmt: skip
    engine = backhand.make_engine("fused", None, 1)
    whole = train_fleet(planned, engine)
    assert sum(result.ended == "diverged" for result in whole) >= 4
    assert len({len(result.history) for result in whole if result.ended == "diverged"}) > 1
    states: list[Any] = [None] * len(planned)
    for until in range(1, 61):
        parts = [replace(one, state=state) for one, state in zip(planned, states, strict=True)]
        results = train_fleet(parts, engine, until=until)
        states = [result.state for result in results]
    for one, other in zip(results, whole, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("rate", [0.05, 20.0, 1e4])
def test_the_orders_of_a_random_state_continue_after_a_pause(rate: float) -> None:
    """Also where a member begins again: it diverges in the first epoch after a pause."""
    X, y = rows_of()
    config = TrainConfig(epochs=12, batch_size=16, learning_rate=rate)

    def plan(state: Any = None) -> Planned:
        one = prepared(X.astype(np.float32), y, np.arange(N), config).make()
        one = replace(one, sampler=RandomStateSampler(N, np.random.RandomState(3)))
        one = replace(one, start=one.begin)
        return Planned(lambda: one, config.epochs, 1.0, state)

    engine = backhand.make_engine("fused", None, 1)
    (whole,) = train_fleet([plan()], engine)
    planned, state = plan(), None
    for until in range(1, 13):
        (result,) = train_fleet([replace(planned, state=state)], engine, until=until)
        state = result.state
    assert_same(result, whole)


def test_only_members_under_way_have_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = rows_of()
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0
    start = FusedEngine.start

    def counted(*args: Any, **how: Any) -> Any:
        nonlocal most
        session = start(*args, **how)
        alive.add(session)
        most = max(most, len(alive))
        return session

    monkeypatch.setattr(FusedEngine, "start", counted)
    gc.disable()
    try:
        backhand.train_many([Member(hidden=8, epochs=5)] * 40, X, y, threads=2, engine="fused")
    finally:
        gc.enable()
    assert most <= 4, "two at a time, and while the next begins the one before it"
    assert not alive


def test_a_member_is_equal_to_itself_alone() -> None:
    one, other = Member(hidden=4, rows=[1]), Member(hidden=9, rows=[2])
    same = Member(hidden=4, rows=[1])
    assert one == one and one != other and one != same and one != one.config
    assert {one: 1, other: 2, same: 3}[other] == 2
    assert [one, other].index(other) == 1


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_refused_before_training(name: str, value: Any) -> None:
    X, y = rows_of()
    params = backhand.init(D, 4, K)
    wrong = getattr(params, name).copy()
    wrong[-1] = value
    params = params._replace(**{name: wrong})
    with pytest.raises(InputError, match=f"params has {value} in {name}, at "):
        backhand.train(params, X.astype(np.float32), y, epochs=1)
    with pytest.raises(InputError, match=f"member 1: params has {value} in {name}, at "):
        backhand.train_many([Member(hidden=4, epochs=1), Member(params=params)], X, y)


@pytest.mark.parametrize("y", [np.arange(80) % 3 + 10**7, np.full(80, 2**62),
                               np.full(80, 2**64 - 1, np.uint64)])  # fmt: skip
def test_class_numbers_that_are_identifiers_are_refused(y: Any) -> None:
    with pytest.raises(InputError, match="Renumber them"):
        backhand.train_many([Member(hidden=2, epochs=1)], np.ones((80, 2)), y)


def test_masked_entries_are_refused() -> None:
    X, y = rows_of()
    for name in ("X", "y"):
        given = {"X": X, "y": y}
        given[name] = np.ma.masked_equal(given[name], given[name].flat[0])
        with pytest.raises(InputError, match="a masked array has"):
            backhand.train_many([Member(hidden=2, epochs=1)], **given)
    (one,) = backhand.train_many([Member(hidden=2, epochs=1)], np.ma.asarray(X), np.ma.asarray(y))
    assert_same(one, backhand.train_many([Member(hidden=2, epochs=1)], X, y)[0])
