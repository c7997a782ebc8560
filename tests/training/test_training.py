"""`train`: batches, schedules, validation, stopping, events, divergence, equal bits."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

import backhand
from backhand import Checkpoint, EarlyStopping, Every, InputError, StopTraining, equations
from backhand.engines import Block, Data, Objective, make_engine
from backhand.engines.matrices import check_finite
from backhand.optimizers import Adam
from backhand.training import loop, samplers
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import EarlyStoppingState
from backhand.training.history import History
from backhand.training.plan import Plan, batches_of, make_sampler
from backhand.training.samplers import RandomStateSampler, SeededSampler
from backhand.training.schedules import Schedule
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data
from helpers.optional_packages import optional

pd = optional("pandas")
scipy = optional("scipy.sparse")
torch = optional("torch")
shuffle = optional("sklearn.utils").utils.shuffle

rng = np.random.default_rng(0)
CENTERS = 2 * rng.standard_normal((3, 6))
y = rng.integers(0, 3, 90)
X = (CENTERS[y] + rng.standard_normal((90, 6))).astype(np.float32)
PARAMS = backhand.init(6, 16, 3, seed=1)


def same(a, b) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def test_full_batch_training_is_gradient_descent() -> None:
    result = backhand.train(PARAMS, X, y, learning_rate=0.5, epochs=20)
    params = PARAMS
    for epoch in range(20):
        acts = backhand.forward(params, X)
        assert np.isclose(result.history.loss[epoch], backhand.cross_entropy(acts.S, y), rtol=1e-6)
        assert np.isclose(result.history.accuracy[epoch], backhand.accuracy(acts.S, y))
        params = backhand.sgd(params, backhand.backward(params, X, y, acts), 0.5)
    for a, b in zip(result.params, params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert result.history.loss[-1] < result.history.loss[0] / 3
    assert np.isnan(result.history.validation_loss).all() and len(result.history) == 20


def test_lists_and_frames_train_like_arrays() -> None:
    wide = X.astype(np.float64)
    expected = backhand.train(PARAMS, wide, y, sample_weight=y + 1.0, epochs=2,
                              validation=(wide[:9], y[:9]))  # fmt: skip
    for rows, labels in ((wide.tolist(), y.tolist()), (pd.DataFrame(wide), pd.Series(y))):
        weights, some = (y + 1.0).tolist(), (wide[:9].tolist(), tuple(y[:9].tolist()))
        found = backhand.train(
            PARAMS, rows, labels, sample_weight=weights, epochs=2, validation=some
        )
        assert same(found.params, expected.params)
        assert np.array_equal(found.history.validation_loss, expected.history.validation_loss)


@pytest.mark.parametrize(
    ("rows", "labels", "said"),
    [
        (X.tolist(), ["a"] * 90, "y is a list that is not an array of numbers"),
        ([*X[:89].tolist(), [1.0]], y, "X is a list that .* rows of one length"),
        (pd.DataFrame({"a": ["x", "y"]}), [0, 1], "X is a DataFrame that is not an array"),
        ({1.0}, y, "X is a set; expected an array"),
    ],
)
def test_lists_of_anything_else_are_refused(rows, labels, said: str) -> None:
    with pytest.raises(backhand.InputError, match=said):
        backhand.train(PARAMS, rows, labels)


def test_a_wrong_call_names_the_function_and_the_closest_keyword() -> None:
    with pytest.raises(TypeError) as caught:
        backhand.train(PARAMS, X, y, lerning_rate=0.1)
    assert str(caught.value) == (
        "train() got an unexpected keyword argument 'lerning_rate'. Did you mean 'learning_rate'?"
    )
    with pytest.raises(TypeError, match=r"^train\(\): missing a required argument: 'y'$"):
        backhand.train(PARAMS, X)
    with pytest.raises(TypeError, match=r"^backward\(\): missing a required argument: 'acts'$"):
        backhand.backward(PARAMS, X, y)
    with pytest.raises(TypeError, match=r"^forward\(\): too many positional arguments$"):
        backhand.forward(PARAMS, X, None, 1)


def test_parameters_passed_in_stay_as_they_are() -> None:
    before = [p.copy() for p in PARAMS]
    for optimizer in ("sgd", "momentum", "nesterov", "adam"):
        result = backhand.train(PARAMS, X, y, epochs=3, batch_size=32, optimizer=optimizer)
        assert same(before, PARAMS)
        assert not any(np.shares_memory(a, b) for a, b in zip(result.params, PARAMS, strict=True))


@pytest.mark.parametrize("engine", ["reference", "fused", "torch"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_bits(engine: str, dtype) -> None:
    params = backhand.init(6, 16, 3, dtype=dtype)

    def run(seed: int) -> backhand.TrainResult:
        return backhand.train(params, X, y, epochs=10, batch_size=32, optimizer="adam",
                              learning_rate=0.01, seed=seed, engine=engine)  # fmt: skip

    one, two, other = run(0), run(0), run(1)
    assert same(one.params, two.params) and not same(one.params, other.params)
    assert np.array_equal(one.history.loss, two.history.loss)
    assert one.params.W1.dtype == dtype


def test_blocks_may_be_cut_anywhere_without_changing_a_bit(monkeypatch) -> None:
    settings = {"epochs": 30, "batch_size": 16, "optimizer": "momentum", "schedule": "cosine",
                "warmup": 0.1}  # fmt: skip
    whole = backhand.train(PARAMS, X, y, **settings)
    each = backhand.train(PARAMS, X, y, **settings, callbacks=[lambda progress: None])
    monkeypatch.setattr(loop, "BLOCK_SECONDS", 1e-9)
    assert same(whole.params, each.params)
    assert same(whole.params, backhand.train(PARAMS, X, y, **settings).params)


def test_the_last_short_batch_counts_with_its_own_rows() -> None:
    """90 rows by 40: batches of 40, 40 and 10, the last one's mean over its 10."""
    result = backhand.train(PARAMS, X, y, epochs=1, batch_size=40, shuffle=False)
    params = PARAMS
    for start in (0, 40, 80):
        rows = slice(start, start + 40)
        acts = backhand.forward(params, X[rows])
        params = backhand.sgd(params, backhand.backward(params, X[rows], y[rows], acts), 0.1)
    for a, b in zip(result.params, params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def plan(rows: int = 90, batch_size: int = 32, *, shuffle: bool = True, weights=None,
         **objective) -> Plan:  # fmt: skip
    size, updates = batches_of(rows, batch_size)
    schedule = Schedule(config=TrainConfig(epochs=5), updates=updates, rows=rows)
    sampler = SeededSampler(rows, 0) if shuffle else None
    return Plan(schedule=schedule, batch_size=size, sampler=sampler, weights=weights,
                objective=Objective(**objective))  # fmt: skip


def blocks(plan: Plan, done: int, count: int) -> Block:
    return plan.block(plan.schedule, done, count)


def test_every_epoch_visits_every_row_once_in_a_new_order() -> None:
    orders = blocks(plan(), 0, 5).order
    assert all(sorted(order) == list(range(90)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    assert np.array_equal(blocks(plan(), 3, 1).order[0], orders[3])
    assert blocks(plan(shuffle=False), 0, 5).order is None


@pytest.mark.parametrize("shuffle", [False, True])
def test_alpha_is_divided_by_the_weight_of_its_batch(shuffle: bool) -> None:
    def block(weights):
        made = plan(rows=10, batch_size=4, l2=0.5, alpha=3.0, shuffle=shuffle, weights=weights)
        return blocks(made, 0, 2)

    np.testing.assert_allclose(block(None).l2, [[0.5 + 3 / 4, 0.5 + 3 / 4, 0.5 + 3 / 2]] * 2)
    weights = np.array([1.0, 2, 3, 0, 0, 0, 0, 0, 5, 1])
    found = block(weights)
    for epoch in range(2):
        order = np.arange(10) if found.order is None else found.order[epoch]
        sums = [weights[order[i : i + 4]].sum() for i in (0, 4, 8)]
        expected = [0.5 + (3 / total if total else 0) for total in sums]
        np.testing.assert_allclose(found.l2[epoch], expected)


def schedule(name: str, **changes) -> Schedule:
    facts = {"updates": 10, "rows": 90, "rows_seen": changes.pop("rows_seen", 0)}
    stop = EarlyStopping(monitor="loss")
    settings = {"learning_rate": 0.4, "epochs": 10, "early_stopping": stop} | changes
    return Schedule(config=TrainConfig(schedule=name, **settings), **facts)


def test_schedules() -> None:
    assert (schedule("constant").rates(1, 2) == 0.4).all()
    assert schedule("constant").rates(1, 2).shape == (2, 10)
    cosine = schedule("cosine", warmup=0.1).rates(0, 10).ravel()
    assert np.isclose(cosine[10], 0.4) and cosine.argmax() == 10
    assert (np.diff(cosine[:11]) > 0).all() and (np.diff(cosine[10:]) < 0).all()
    assert np.isclose(cosine[55], 0.2) and 0 < cosine[-1] < 1e-3 and cosine[0] > 0
    assert np.array_equal(cosine[30:50], schedule("cosine", warmup=0.1).rates(3, 2).ravel())


def test_the_rate_by_rows_seen_goes_on_where_an_earlier_training_ended() -> None:
    whole = schedule("invscaling", power_t=0.25).rates(0, 10)
    np.testing.assert_allclose(whole[:, 0], 0.4 / (90 * np.arange(10) + 1) ** 0.25)
    assert np.array_equal(
        whole[4:], schedule("invscaling", power_t=0.25, rows_seen=360).rates(0, 6)
    )


def test_a_rate_that_adapts_is_cut_until_it_is_too_small() -> None:
    whole = schedule("adaptive", learning_rate=2e-5)
    cut = replace(whole, cuts=(3,))
    assert whole.can_slow_down(3) and cut.can_slow_down(5)
    assert cut.rates(2, 2)[:, 0].tolist() == [2e-5, 2e-5 / 5]
    again = replace(cut, cuts=(3, 5))
    assert again.of_epoch(5) == 2e-5 / 5 / 5 < 1e-6 and not again.can_slow_down(7)
    assert not schedule("constant").can_slow_down(1)


def test_adaptive_training_divides_the_rate_where_others_stop() -> None:
    rule = EarlyStopping(patience=3, min_delta=0.02, monitor="loss")
    settings = {"learning_rate": 0.2, "epochs": 2000, "early_stopping": rule}
    stopped = backhand.train(PARAMS, X, y, **settings)
    adapted = backhand.train(PARAMS, X, y, **settings, schedule="adaptive")
    E, cuts = len(stopped.history), adapted.schedule.cuts
    assert cuts[0] == E < len(adapted.history) < 2000
    assert np.array_equal(adapted.history.loss[:E], stopped.history.loss)
    assert len(cuts) == 8 and adapted.schedule.of_epoch(2000) <= 1e-6 < 0.2 / 5**7
    assert adapted.ended == "patience"
    whole = [backhand.train(PARAMS, X, y, learning_rate=0.2, epochs=E)]
    for first, last in zip(cuts, (*cuts[1:], len(adapted.history)), strict=True):
        rate = 0.2 / 5 ** (cuts.index(first) + 1)
        whole.append(backhand.train(whole[-1].params, X, y, learning_rate=rate,
                                    epochs=last - first))  # fmt: skip
    for a, b in zip(adapted.params, whole[-1].params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    with pytest.raises(backhand.InputError, match="pass early_stopping"):
        backhand.train(PARAMS, X, y, schedule="adaptive")


@pytest.mark.parametrize("redrawn", [0, 50, samplers.REDRAWN_ROWS])
def test_an_order_that_shuffles_on_is_the_same_when_asked_again(redrawn, monkeypatch) -> None:
    """However seldom the generator's state is read."""
    monkeypatch.setattr(samplers, "REDRAWN_ROWS", redrawn)
    plain = np.random.RandomState(3)
    expected, rows = [], np.arange(20)
    for _ in range(6):
        rows = shuffle(rows, random_state=plain)
        expected.append(rows)
        if len(expected) == 4:
            after_four = plain.get_state(legacy=False)["state"]["pos"]
    state = np.random.RandomState(3)
    order = RandomStateSampler(20, state)
    assert np.array_equal(order.of_part(3, 0), expected[3])
    assert np.array_equal(order.of_part(1, 0), expected[1])
    order.settle(2)
    assert np.array_equal(order.of_part(5, 0), expected[5])
    assert np.array_equal(order.of_part(2, 0), expected[2])
    order.settle(2, 4)
    assert state.get_state(legacy=False)["state"]["pos"] == after_four
    assert np.array_equal(order.of_part(4, 0), expected[4]), "it goes on from there"


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_training_goes_on_with_what_the_optimizer_remembers(optimizer: str) -> None:
    settings = {"optimizer": optimizer, "learning_rate": 0.05}
    whole = backhand.train(PARAMS, X, y, epochs=20, **settings)
    half = backhand.train(PARAMS, X, y, epochs=10, **settings)
    rest = backhand.train(half.params, X, y, epochs=10, state=half.last, **settings)
    assert same(whole.params, rest.params)
    other = backhand.init(6, 8, 3)
    if optimizer != "sgd":
        with pytest.raises(backhand.InputError, match=f"not one of {optimizer}"):
            backhand.train(other, X, y, state=half.last, **settings)
    with pytest.raises(backhand.InputError, match="expected the `last`"):
        backhand.train(PARAMS, X, y, state=half.params, **settings)


def test_a_perfect_validation_accuracy_ends_training() -> None:
    rule = EarlyStopping(patience=50, monitor="validation_accuracy")
    result = backhand.train(PARAMS, X, y, learning_rate=0.5, epochs=500, validation=(X, y),
                            early_stopping=rule)  # fmt: skip
    accuracy = result.history.validation_accuracy
    assert result.ended == "perfect" and accuracy[-1] == 1 and (accuracy[:-1] < 1).all()
    assert result.best_epoch == len(result.history)


def test_the_best_may_be_judged_by_another_figure_than_the_end() -> None:
    noisy = np.where(rng.random(60) < 0.4, rng.integers(0, 3, 60), y[:60])
    rule = EarlyStopping(patience=5, min_delta=0.01, monitor="loss", best="validation_loss")
    result = backhand.train(PARAMS, X[:60], noisy, learning_rate=0.5, epochs=300,
                            validation=(X[60:], y[60:]), early_stopping=rule)  # fmt: skip
    history = result.history
    assert result.ended == "patience"
    assert result.best_epoch == history.validation_loss.argmin() + 1 < len(history)
    assert same(result.params, result.best.params) and not same(result.params, result.last.params)
    S = backhand.forward(result.params, X[60:]).S
    assert np.isclose(backhand.cross_entropy(S, y[60:]), history.validation_loss.min())


def test_an_improvement_by_exactly_the_least_counts_where_it_is_asked_for() -> None:
    history = History(np.array([1.0, 0.5, 0.5, 0.5]))
    for or_equal, bad_epochs in ((False, 2), (True, 0)):
        seen = EarlyStoppingState(EarlyStopping(patience=9, monitor="loss", or_equal=or_equal))
        for epoch in range(1, 5):
            seen, _ = seen.step(epoch, history)
        assert seen.num_bad_epochs == bad_epochs


def test_dropout_is_for_training_only_and_repeats() -> None:
    settings = {"learning_rate": 0.2, "epochs": 30, "batch_size": 16}
    one, two, other, none = (
        backhand.train(PARAMS, X, y, dropout=p, seed=s, **settings)
        for p, s in ((0.5, 0), (0.5, 0), (0.5, 1), (0.0, 0))
    )
    assert same(one.params, two.params)
    assert not same(one.params, other.params) and not same(one.params, none.params)
    assert one.history.loss[-5:].mean() > none.history.loss[-5:].mean(), "measured with it"
    for wrong in (1.0, -0.1, "half"):
        with pytest.raises(backhand.InputError, match="dropout"):
            backhand.train(PARAMS, X, y, dropout=wrong)


def test_validation_is_measured_and_changes_nothing() -> None:
    plain = backhand.train(PARAMS, X[:60], y[:60], epochs=10)
    watched = backhand.train(
        PARAMS, X[:60], y[:60], epochs=10, validation=(X[60:], y[60:]), validation_every=4
    )
    assert same(plain.params, watched.params)
    measured = ~np.isnan(watched.history.validation_loss)
    assert measured.nonzero()[0].tolist() == [3, 7, 9]
    S = backhand.forward(watched.params, X[60:]).S
    assert np.isclose(watched.history.validation_accuracy[-1], backhand.accuracy(S, y[60:]))
    assert np.isclose(watched.history.validation_loss[-1], backhand.cross_entropy(S, y[60:]))


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
def test_early_stopping_gives_back_the_best_parameters(monitor: str) -> None:
    noisy = np.where(rng.random(60) < 0.4, rng.integers(0, 3, 60), y[:60])
    seen = {}

    def keep(progress):
        seen[progress.epoch] = progress.parameters()

    result = backhand.train(
        PARAMS, X[:60], noisy, learning_rate=1.0, epochs=500, validation=(X[60:], y[60:]),
        early_stopping=EarlyStopping(patience=15, monitor=monitor), callbacks=[keep],
    )  # fmt: skip
    figures = getattr(result.history, monitor)
    best = figures.argmin() if monitor == "validation_loss" else figures.argmax()
    assert result.best_epoch == best + 1
    assert len(result.history) == result.best_epoch + 15 < 500
    assert same(result.params, seen[result.best_epoch])


def test_the_best_epoch_is_the_best_by_however_little() -> None:
    seen = EarlyStoppingState(EarlyStopping(patience=3, min_delta=0.1, monitor="loss"))
    history, improved = History(np.array([1.0, 0.95, 0.97, 0.93])), []
    for epoch in range(1, 5):
        seen, best = seen.step(epoch, history)
        improved.append(best)
    assert improved == [True, True, False, True]
    assert seen.best_epoch == 4
    assert seen.out_of_patience, "three times in a row by less than min_delta"


def test_patience_counts_what_was_measured() -> None:
    result = backhand.train(
        PARAMS, X[:60], y[:60], epochs=100, validation=(X[60:], y[60:]), validation_every=10,
        early_stopping=EarlyStopping(patience=3, min_delta=10.0),
    )  # fmt: skip
    assert len(result.history) == 40
    assert np.isfinite(result.history.validation_loss).sum() == 4
    assert result.best_epoch is not None and result.best_epoch % 10 == 0


@pytest.mark.parametrize("monitor", ["validation_loss", "loss"])
def test_callbacks_see_the_epoch_that_training_ends_with(monitor: str) -> None:
    each, tenth = [], []
    result = backhand.train(
        PARAMS, X[:60], y[:60], epochs=500, validation=(X[60:], y[60:]), learning_rate=0.5,
        early_stopping=EarlyStopping(patience=7, min_delta=0.01, monitor=monitor),
        callbacks=[lambda p: each.append(p), Every(10, lambda p: tenth.append(p))],
    )  # fmt: skip
    E = len(result.history)
    assert E < 500
    assert [p.epoch for p in each] == list(range(1, E + 1))
    assert [p.epoch for p in tenth] == sorted({*range(10, E + 1, 10), E})
    assert [p.finished for p in each] == [False] * (E - 1) + [True]


def test_blocks_grow_to_their_pace() -> None:
    """The first block is short on any machine, none is so many times longer than the one before."""
    ends = [0]
    backhand.train(PARAMS, X, y, epochs=3000,
                   callbacks=[Every(None, lambda p: ends.append(p.epoch))])  # fmt: skip
    lengths = np.diff(ends)
    assert lengths[0] * loop.SLOW_UPDATE < loop.BLOCK_SECONDS / 8
    assert (lengths[1:] <= loop.GROWTH * lengths[:-1]).all()
    assert len(lengths) < 300


def test_stopping_on_the_training_loss_ends_at_that_epoch_and_not_at_the_blocks_end() -> None:
    rule = EarlyStopping(patience=3, min_delta=0.01, monitor="loss")
    result = backhand.train(PARAMS, X, y, learning_rate=0.2, epochs=5000, early_stopping=rule)
    E = len(result.history)
    assert E < 5000
    assert same(result.params, backhand.train(PARAMS, X, y, learning_rate=0.2, epochs=E).params)


def test_callbacks_are_called_when_they_want() -> None:
    each, fifth, free = [], [], []
    backhand.train(
        PARAMS, X, y, epochs=12,
        callbacks=[lambda p: each.append(p.epoch), Every(5, lambda p: fifth.append(p.epoch)),
                   Every(None, lambda p: free.append(p.epoch))],
    )  # fmt: skip
    assert each == list(range(1, 13)) and fifth == [5, 10, 12] and free == each


def test_a_callback_that_cuts_no_block_is_called_seldom() -> None:
    free = []
    backhand.train(PARAMS, X, y, epochs=400, callbacks=[Every(None, lambda p: free.append(p))])
    assert len(free) < 100 and free[-1].epoch == 400
    assert len(free[-1].history) == 400 and free[-1].rows == 90


def test_a_callback_can_stop_training() -> None:
    def stop(progress):
        if progress.history.loss[-1] < 0.3:
            raise StopTraining

    result = backhand.train(PARAMS, X, y, learning_rate=0.5, epochs=500, callbacks=[stop])
    assert len(result.history) < 500
    assert result.history.loss[-1] < 0.3 <= result.history.loss[-2]


@pytest.mark.parametrize("first", [True, False])
def test_all_callbacks_see_the_epoch_in_which_one_of_them_stops(first) -> None:
    seen: list[int] = []

    def stop(progress):
        if progress.epoch == 3:
            raise StopTraining

    watching = [stop, lambda progress: seen.append(progress.epoch)]
    backhand.train(PARAMS, X, y, epochs=9, callbacks=watching if first else watching[::-1])
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(("callback", "said"), [
    (StopTraining, "a function that raises it ends training"),
    (backhand.TensorBoard, r"has the class TensorBoard; expected an object .*: TensorBoard\(…\)"),
    (Every(3, backhand.TensorBoard), "has the class TensorBoard"),
])  # fmt: skip
def test_a_class_is_no_callback(callback, said) -> None:
    with pytest.raises(backhand.InputError, match=said):
        backhand.train(PARAMS, X, y, epochs=1, callbacks=[callback])


@pytest.mark.parametrize("settings", [{}, {"batch_size": 16}, {"callbacks": [lambda p: None]}])
@pytest.mark.parametrize("learning_rate", [30.0, 1e3, 1e8, 1e38])
def test_divergence_names_the_epoch_and_keeps_the_last_good_parameters(
    settings, learning_rate
) -> None:
    wide = X * 1e3
    with pytest.raises(backhand.DivergenceError, match="smaller learning rate") as raised:
        backhand.train(PARAMS, wide, y, learning_rate=learning_rate, epochs=3000,
                       optimizer="momentum", l2=0.1, **settings)  # fmt: skip
    error = raised.value
    assert f"epoch {error.epoch}" in str(error)
    assert len(error.history) == error.epoch - 1 and np.isfinite(error.history.loss).all()
    with np.errstate(all="ignore"):
        acts = equations.forward(error.params, wide[:1])
        assert all(np.isfinite(p).all() for p in error.params)
        loss = equations.cross_entropy(acts.S, y[:1])
    assert np.isfinite(loss)
    if not settings and error.epoch > 2:
        before = backhand.train(PARAMS, wide, y, learning_rate=learning_rate,
                                epochs=error.epoch - 2, optimizer="momentum", l2=0.1)  # fmt: skip
        assert same(error.params, before.params)
    copy = pickle.loads(pickle.dumps(error))
    assert copy.epoch == error.epoch and same(copy.params, error.params)


def test_a_last_update_that_goes_wrong_is_no_result() -> None:
    with pytest.raises(backhand.DivergenceError, match="the last update, of epoch 1,") as raised:
        backhand.train(PARAMS, X * 1e20, y, learning_rate=1e38, epochs=1)
    assert same(raised.value.params, PARAMS) and raised.value.epoch == 1


def test_missing_values_in_X_are_named_rather_than_blamed_on_the_learning_rate() -> None:
    holes = X.copy()
    holes[7, 2] = np.nan
    with pytest.raises(backhand.InputError, match="nan at row 7, column 2"):
        backhand.train(PARAMS, holes, y)


def test_labels_may_be_one_hot_and_arrays_may_be_torch() -> None:
    plain = backhand.train(PARAMS, X, y, epochs=5)
    assert same(plain.params, backhand.train(PARAMS, X, np.eye(3)[y], epochs=5).params)
    tensors = backhand.Parameters(*map(torch.tensor, PARAMS))
    assert same(
        plain.params, backhand.train(tensors, torch.tensor(X), torch.tensor(y), epochs=5).params
    )


def test_sample_weights_weigh() -> None:
    w = np.where(y == 0, 0.0, 1.0)
    weighted = backhand.train(PARAMS, X, y, epochs=20, sample_weight=w)
    rows = y != 0
    without = backhand.train(PARAMS, X[rows], y[rows], epochs=20)
    np.testing.assert_allclose(weighted.history.loss, without.history.loss, rtol=1e-5)
    np.testing.assert_allclose(weighted.history.accuracy, without.history.accuracy, rtol=1e-6)


def test_memory_mapped_rows_are_taken_as_they_are(tmp_path) -> None:
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for engine in ("reference", "fused", "torch"):
        a = backhand.train(PARAMS, mapped, y, epochs=3, batch_size=16, engine=make_engine(engine))
        b = backhand.train(PARAMS, X, y, epochs=3, batch_size=16, engine=engine)
        assert same(a.params, b.params)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X": X[:, :4]}, r"X has 4 columns where W1 expects 6"),
        ({"X": X.astype(str)}, "expected real numbers"),
        ({"y": y[:5]}, r"y is \(5,\); expected \(90,\)"),
        ({"y": y + 1}, "from 1 to 3; with 3 classes"),
        ({"y": np.full((90, 3), 0.5)}, "row 0 of y is not a one-hot row"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "epochs is 1.5; expected an integer"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": 0}, "learning_rate is 0; expected a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"warmup": 2}, "at most 1"),
        ({"l2": -1}, "l2 is -1"),
        ({"optimizer": 3}, "optimizer is 3"),
        ({"optimizer": Adam}, "optimizer is <class"),
        ({"optimizer": Adam(beta_1=1)}, "beta_1 of adam is 1; expected a number of 0 or more"),
        ({"callbacks": [EarlyStopping()]}, "passed as early_stopping="),
        ({"callbacks": print}, "expected a list of callables"),
        ({"validation": (X,)}, "validation must be"),
        ({"engine": make_engine(), "threads": 2}, "give them to `make_engine`"),
        ({"X": X.astype(np.float64) * 1e300, "epochs": 2}, "float32 can hold"),
        ({"sample_weight": np.full(90, 1e-60)}, "not all of them 0"),
        ({"sample_weight": np.full(90, 3e38)}, "whose sum float32 can hold"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"optimizer": "adma"}, "Did you mean 'adam'"),
        ({"engine": "numpy"}, "engine is 'numpy'"),
        ({"sample_weight": -np.ones(90)}, "numbers of 0 or more"),
        ({"sample_weight": np.ones(3)}, "3 entries for 90 rows"),
        ({"early_stopping": EarlyStopping()}, "there are no validation rows"),
        ({"validation": (X[:, :2], y)}, "X has 2 columns"),
    ],
)
def test_wrong_arguments_are_told(change, said) -> None:
    with pytest.raises(backhand.InputError, match=said):
        backhand.train(**({"params": PARAMS, "X": X, "y": y} | change))


def test_arrays_of_every_make_are_taken() -> None:
    plain = backhand.train(PARAMS, X, y, epochs=3)
    tensor = torch.tensor(X, requires_grad=True)
    for odd in (
        X.astype(">f4"),
        X[::-1][::-1],
        np.asfortranarray(X),
        X.astype(np.longdouble),
        tensor,
    ):
        for engine in ("reference", "fused", "torch"):
            result = backhand.train(PARAMS, odd, y[::-1][::-1], epochs=3, engine=engine)
            np.testing.assert_allclose(result.history.loss, plain.history.loss, rtol=1e-6)
    with pytest.raises(backhand.InputError, match="bfloat16 cannot be used"):
        backhand.train(PARAMS, torch.tensor(X, dtype=torch.bfloat16), y)


def test_wrong_stopping_rules_are_told() -> None:
    with pytest.raises(backhand.InputError, match="min_delta is nan"):
        EarlyStopping(min_delta=float("nan"))
    with pytest.raises(backhand.InputError, match="expected None or an integer of 1 or more"):
        Every(0, print)
    with pytest.raises(backhand.InputError, match="patience is 0"):
        EarlyStopping(patience=0)
    with pytest.raises(backhand.InputError, match="monitor is 'val_loss'"):
        EarlyStopping(monitor="val_loss")


@pytest.mark.parametrize("engine", ["fused", "reference", "torch"])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_training_on_selected_rows_is_training_on_their_copy(
    engine, kind, batch_size, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 6 * 4 * 20)
    monkeypatch.setattr(samplers, "BLOCK_BYTES", 6 * 4 * 3)
    weights = np.random.default_rng(2).random(90, np.float32)
    labels = np.where(np.arange(90) < 7, 99, y)  # what is not selected is not read
    config = TrainConfig(
        epochs=6, batch_size=batch_size, dropout=0.2, alpha=0.3, early_stopping=EarlyStopping()
    )
    rows = np.random.default_rng(3).permutation(np.arange(7, 90))
    results = []
    for take in (Data.select, Data.at):
        data = take(Data(kind(X), labels, weights), rows[:50])
        held = take(Data(kind(X), labels, weights), np.sort(rows[50:]))
        sampler = make_sampler(config, data)
        results.append(train_data(
            TrainState.initial(PARAMS, config), data, config, sampler=sampler, validation=held,
            objective=objective_of(config), engine=make_engine(engine, threads=1),
            checkpoint=Checkpoint(tmp_path / take.__name__, "2epochs"),
        ))  # fmt: skip
        if batch_size is not None and kind is np.asarray:
            assert sampler.parts > 1
    view, copy = results
    assert same(view.last.params, copy.last.params) and same(view.params, copy.params)
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert np.array_equal(getattr(view.history, name), getattr(copy.history, name))


def test_only_selected_rows_are_searched_for_what_is_not_finite() -> None:
    bad = X.copy()
    bad[[3, 8, 70], 2] = np.nan
    for rows in (bad, scipy.sparse.csr_array(bad)):
        check_finite(rows, np.float32, np.array([0, 4, 89]))
        with pytest.raises(InputError, match="nan at row 70, column 2"):
            check_finite(rows, np.float32, np.array([5, 70, 71]))
        with pytest.raises(InputError, match="nan at row 3, column 2"):
            check_finite(rows, np.float32)


def test_trainings_of_one_seed_share_their_orders() -> None:
    first, second = (SeededSampler(90, 5) for _ in range(2))
    order = first.of_part(3, 0)
    assert second.of_part(3, 0) is order and not order.flags.writeable
    assert np.array_equal(order, np.random.default_rng([5, 3]).permutation(90))
    many = SeededSampler(samplers.SHARED_ROWS + 1, 5)
    assert many.of_part(3, 0) is not many.of_part(3, 0)


def test_a_state_that_is_not_finite_is_refused() -> None:
    params, X, y = backhand.init(3, 4, 3), np.eye(3, dtype=np.float32), np.arange(3)
    last = backhand.train(params, X, y, epochs=1, optimizer="adam").last
    for number, value in ((0, np.inf), (1, np.nan)):
        slots = list(last.slots)
        slots[number] = slots[number]._replace(b1=np.full(4, value, np.float32))
        with pytest.raises(InputError, match="not finite"):
            backhand.train(
                params, X, y, epochs=1, optimizer="adam", state=last._replace(slots=tuple(slots))
            )
