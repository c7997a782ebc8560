"""Selection: what is chosen on inner folds, and the one network that comes of it."""

import json
import math
import tracemalloc
from dataclasses import fields, replace

import numpy as np
import pytest

import backhand
from backhand.engines import Data, make_engine
from backhand.errors import InputError
from backhand.selection import Chosen, InnerFolds, Recipe, folds_for, select
from backhand.selection.calibration import log_shares
from backhand.selection.initial import kinks_among_rows
from backhand.selection.members import Trainer, candidate
from backhand.stratified import NONE
from backhand.training.config import TrainConfig
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")

CONFIG = TrainConfig(
    learning_rate=0.01, epochs=20, batch_size=32, optimizer="adam", schedule="cosine", warmup=0.05
)
ENGINE = make_engine("reference")


def noisy_rows(N: int, seed: int = 0, noise: float = 1.0) -> Data:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, 5)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] + noise * rng.standard_normal(N) > 0.3).astype(np.int64)
    return Data(X, y)


def chosen(data, folds: InnerFolds | None = None, K: int = 2, **settings):
    recipe = Recipe(**{"config": CONFIG, "hidden": 8, "penalties": (0.001, 0.1)} | settings)
    return select(data, folds or InnerFolds(folds_for(data.y, 0)), K, recipe, ENGINE)


def test_the_same_arguments_give_the_same_bits():
    data = noisy_rows(120)
    first, second = chosen(data), chosen(data)
    for a, b in zip(first.params, second.params, strict=True):
        assert np.array_equal(a, b)
    assert first.out_of_fold.probabilities.tobytes() == second.out_of_fold.probabilities.tobytes()
    assert not first.chosen.cut


def test_threads_change_no_bit():
    data = noisy_rows(150)
    folds, recipe = InnerFolds(folds_for(data.y, 1)), Recipe(config=CONFIG, hidden=8)
    found = [
        select(data, folds, 2, recipe, make_engine("fused", threads=threads)) for threads in (1, 2)
    ]
    for a, b in zip(found[0].params, found[1].params, strict=True):
        assert np.array_equal(a, b)
    assert [t.loss for t in found[0].chosen.trials] == [t.loss for t in found[1].chosen.trials]


def test_selected_rows_give_the_bits_of_a_copy():
    data, rows = noisy_rows(150), np.arange(149, 20, -1)
    folds = InnerFolds(folds_for(data.y[rows], 0))
    first, second = chosen(data.select(rows), folds), chosen(data.at(rows), folds)
    for a, b in zip(first.params, second.params, strict=True):
        assert np.array_equal(a, b)


def test_progress_counts_members_up_to_the_end():
    seen, data = [], noisy_rows(100)
    recipe = Recipe(config=CONFIG, hidden=8, penalties=(0.001, 0.1))
    folds = InnerFolds(folds_for(data.y, 0))
    select(data, folds, 2, recipe, ENGINE, watch=seen.append)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].members == 15 and seen[-1].folds == 5
    for one in (m for p in seen for m in p.under_way):
        assert 0 <= one.fold <= 5 and one.l2 == recipe.penalties[one.penalty - 1]


def test_several_networks_become_one_and_all_rows_are_measured():
    data = noisy_rows(120)
    found = chosen(data)
    assert found.params.W1.shape == (5, 5 * 8) and found.chosen.networks == 5
    assert np.array_equal(found.out_of_fold.rows, np.arange(120))
    P = found.out_of_fold.probabilities.astype(np.float64)
    assert np.allclose(P.sum(axis=1), 1, atol=1e-6)
    measured = -np.log(P[np.arange(120), data.y]).mean()
    assert math.isclose(measured, found.out_of_fold.calibrated_loss, rel_tol=1e-5)


def test_the_out_of_fold_loss_is_the_mean_of_the_folds_of_the_chosen_penalty():
    data = noisy_rows(123)
    found = chosen(data)
    of_row = folds_for(data.y, 0)
    trials = [t for t in found.chosen.trials if t.l2 == found.chosen.l2]
    mean = sum(t.loss * (of_row == t.fold).sum() for t in trials) / 123
    assert math.isclose(mean, found.out_of_fold.loss, rel_tol=1e-5)
    by_penalty = {t.l2: [] for t in found.chosen.trials}
    for t in found.chosen.trials:
        by_penalty[t.l2].append(t.loss)
    complete = {l2: np.mean(losses) for l2, losses in by_penalty.items() if len(losses) == 5}
    assert complete[found.chosen.l2] <= min(complete.values()) * 1.01


def test_members_learn_from_all_rows_for_the_median_of_the_chosen_epochs():
    data = noisy_rows(120)
    found, single = chosen(data), chosen(data, members=1)
    trials = [t for t in found.chosen.trials if t.l2 == found.chosen.l2]
    assert found.chosen.epochs == round(np.median([t.best_epoch for t in trials]))
    assert single.params.W1.shape == (5, 8)
    assert np.array_equal(single.params.W1, found.params.W1[:, :8])
    assert single.chosen == replace(found.chosen, networks=1)


def test_one_member_is_a_training_on_all_rows():
    data = noisy_rows(120)
    found = chosen(data, members=1, kinks_among_rows=False, penalties=(0.002,))
    recipe = Recipe(config=CONFIG, hidden=8)
    config = replace(CONFIG, l2=0.002, seed=recipe.seed_of(0))
    shares = log_shares(data, 2).astype(np.float32)
    start = backhand.init(5, 8, 2, config.seed)._replace(b2=shares)
    settings = {f.name: getattr(config, f.name) for f in fields(config)}

    def stop(progress) -> None:
        if progress.epoch == found.chosen.epochs:
            raise backhand.StopTraining

    alone = backhand.train(start, *data[:2], **settings, callbacks=[stop], engine=ENGINE)
    assert np.array_equal(alone.params.W1, found.params.W1)
    expected = alone.params.W2.astype(np.float64) / found.chosen.temperature
    assert np.allclose(expected, found.params.W2, rtol=1e-6)


def test_kinks_are_among_the_rows():
    data, W1 = noisy_rows(200), backhand.init(5, 64, 2).W1
    kinks = kinks_among_rows(W1, data, seed=3)
    Z = data.X @ W1 + kinks
    assert (Z > 0).any(axis=0).all() and (Z < 0).any(axis=0).all()
    csr = scipy.sparse.csr_array(data.X)
    assert np.allclose(kinks, kinks_among_rows(W1, data._replace(X=csr), seed=3), atol=1e-6)
    some = data.select(np.arange(50, 100))
    copied = Data(data.X[50:100], data.y[50:100])
    assert np.array_equal(kinks_among_rows(W1, some, 3), kinks_among_rows(W1, copied, 3))


def test_several_members_have_seeds_of_their_own():
    found = chosen(noisy_rows(100), members=2)
    assert found.params.W1.shape == (5, 16)
    assert not np.array_equal(found.params.W1[:, :8], found.params.W1[:, 8:])


def test_rows_in_the_order_of_time_are_measured_forward_and_all_are_learned_from():
    data = noisy_rows(120)
    blocks = np.repeat(np.arange(4, dtype=np.uint8), 30)
    found = chosen(data, InnerFolds(blocks, forward=True))
    assert {t.fold for t in found.chosen.trials} == {1, 2, 3}
    assert np.array_equal(found.out_of_fold.rows, np.arange(30, 120))


def test_a_table_without_information_gives_the_class_shares():
    rng = np.random.default_rng(3)
    data = Data(rng.standard_normal((60, 30)).astype(np.float32), (np.arange(60) % 3 == 0) * 1)
    found = chosen(data, penalties=(0.0,))
    shares = np.bincount(data.y) / 60
    base = -(shares * np.log(shares)).sum()
    assert found.out_of_fold.loss > base
    assert found.out_of_fold.calibrated_loss < base + 0.01
    P = backhand.forward(found.params, data.X).P
    assert np.abs(P - shares).max() < 0.1


def test_a_class_of_one_row_is_learned_by_every_member():
    data = noisy_rows(60)
    y = data.y.copy()
    y[7] = 2
    of_row = folds_for(y, 0)
    assert of_row[7] == NONE and set(of_row) == {0, 1, 2, 3, 4, NONE}
    found = chosen(data._replace(y=y), InnerFolds(of_row), K=3)
    assert 7 not in found.out_of_fold.rows and len(found.out_of_fold.rows) == 59


def test_where_no_row_can_be_held_out_networks_learn_from_all():
    data = Data(np.eye(3, dtype=np.float32), np.arange(3))
    found = chosen(data, InnerFolds(folds_for(data.y, 0)), K=3)
    assert found.chosen.trials == () and found.out_of_fold is None
    assert found.chosen.epochs == 20 and found.params.W1.shape == (3, 5 * 8)
    json.dumps(found.chosen.to_json(), allow_nan=False)


def test_weights_count_like_repeated_rows_in_the_figures():
    data = noisy_rows(100)
    w = np.where(np.arange(100) % 2, 1.0, 3.0).astype(np.float32)
    found = chosen(data._replace(sample_weight=w))
    P = found.out_of_fold.probabilities.astype(np.float64)
    measured = np.average(-np.log(P[np.arange(100), data.y]), weights=w)
    assert math.isclose(measured, found.out_of_fold.calibrated_loss, rel_tol=1e-5)


def test_a_fold_that_weighs_nothing_is_not_measured():
    data = noisy_rows(100)
    of_row = folds_for(data.y, 0)
    w = (of_row != 2).astype(np.float32)
    found = chosen(data._replace(sample_weight=w), InnerFolds(of_row))
    assert {t.fold for t in found.chosen.trials} == {0, 1, 3, 4}
    assert np.array_equal(found.out_of_fold.rows, np.flatnonzero(w))


def test_folds_of_other_rows_are_refused():
    data = noisy_rows(20)
    with pytest.raises(backhand.InputError, match="folds are of 19 rows and the data of 20"):
        chosen(data, InnerFolds(folds_for(data.y[1:], 0)))


def test_a_penalty_whose_members_diverge_is_not_chosen():
    data = noisy_rows(80)
    wild = TrainConfig(learning_rate=5.0, epochs=200, batch_size=16)
    found = chosen(data, config=wild, penalties=(50.0, 0.0))
    assert found.chosen.l2 == 0.0
    assert all(t.loss == math.inf for t in found.chosen.trials if t.l2 == 50.0)
    json.dumps(found.chosen.to_json(), allow_nan=False)


def test_if_all_members_diverge_it_is_an_error():
    wild = TrainConfig(learning_rate=5.0, epochs=200, batch_size=16)
    with pytest.raises(backhand.DivergenceError, match=r"each penalty.* smaller learning rate"):
        chosen(noisy_rows(80), config=wild, penalties=(50.0, 60.0))


def test_time_cuts_the_search_and_not_the_first_member():
    found = chosen(noisy_rows(100), seconds=0.0)
    assert found.chosen.cut and 1 <= len(found.chosen.trials) <= 4, "the first two folds at most"
    assert found.params.W1.shape[1] == 8 * found.chosen.networks


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"penalties": ()}, "penalties are"),
        ({"penalties": (0.1, 0.1)}, "penalties are"),
        ({"penalties": (-0.1,)}, "penalties are"),
        ({"penalties": [0.1]}, "penalties are"),
        ({"penalties": ("a",)}, "penalties are"),
        ({"penalties": (math.nan,)}, "penalties are"),
        ({"hidden": 0}, "hidden is 0"),
        ({"members": 0}, "members is 0"),
        ({"seconds": -1}, "seconds is -1"),
        ({"config": TrainConfig(early_stopping=backhand.EarlyStopping(monitor="loss"))}, "returns"),
        (
            {"config": TrainConfig(schedule="adaptive", early_stopping=backhand.EarlyStopping())},
            "adaptive",
        ),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(settings, message):
    with pytest.raises(backhand.InputError, match=message):
        Recipe(**settings)


def rings(N: int = 300, seed: int = 0) -> Data:
    """Rows whose class depends on their squares."""
    data = noisy_rows(N, seed)
    return data._replace(y=((data.X**2).sum(axis=1) > data.X.shape[1]).astype(np.int64))


def with_squares(data: Data) -> Data:
    return data._replace(X=np.concatenate([data.X, data.X**2], axis=1))


def test_the_encoding_with_the_least_loss_is_chosen_and_its_bits_are_those_alone():
    data = rings()
    squared, folds = with_squares(data), InnerFolds(folds_for(data.y, 0))
    for encodings in ({"plain": data, "squares": squared}, {"squares": squared, "plain": data}):
        both, alone = chosen(encodings, folds), chosen(squared, folds)
        compared = both.chosen.encodings
        assert compared.chosen == "squares" and compared.folds == 2, "the other one is given up"
        losses = dict(compared.losses)
        assert list(losses) == list(encodings) and losses["squares"] < losses["plain"]
        assert replace(both.chosen, encodings=None) == alone.chosen
        for a, b in zip(both.params, alone.params, strict=True):
            assert np.array_equal(a, b)
        assert Chosen.from_json(json.loads(json.dumps(both.chosen.to_json()))) == both.chosen


def test_encodings_that_are_close_are_compared_out_of_fold():
    data = noisy_rows(300)
    both = chosen({"one": data, "two": data}, InnerFolds(folds_for(data.y, 0)))
    compared = both.chosen.encodings
    assert compared.chosen == "one", "the first of equals"
    assert compared.folds == 5
    assert set(dict(compared.losses).values()) == {both.chosen.calibrated_loss}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_encoding_that_diverges_is_not_chosen():
    data = noisy_rows(200)
    huge = data._replace(X=np.where(data.X > 0, np.float32(3e38), data.X))
    folds = InnerFolds(folds_for(data.y, 0))
    found = chosen({"huge": huge, "plain": data}, folds, kinks_among_rows=False).chosen
    assert found.encodings.chosen == "plain"
    assert dict(found.encodings.losses)["huge"] == math.inf
    assert Chosen.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_progress_counts_the_members_of_all_encodings():
    data, seen = noisy_rows(200), []
    recipe = Recipe(config=CONFIG, hidden=8, penalties=(0.001, 0.01))
    folds = InnerFolds(folds_for(data.y, 0))
    select({"a": data, "b": data}, folds, 2, recipe, make_engine("reference"), watch=seen.append)
    done = [one.done for one in seen]
    assert done == sorted(done) and done[-1] == 25, "and those that learn from all rows"
    assert all(one.members == 25 for one in seen)


def test_time_that_is_over_leaves_the_first_encoding():
    data = noisy_rows(200)
    recipe = Recipe(config=CONFIG, hidden=8, penalties=(0.001, 0.01), seconds=0)
    folds = InnerFolds(folds_for(data.y, 0))
    found = select({"a": data, "b": data}, folds, 2, recipe, make_engine("reference")).chosen
    assert found.cut and found.encodings.chosen == "a"
    assert 1 <= len(found.trials) <= 4, "the first two folds at most"


@pytest.mark.parametrize("wrong", [
    3, {}, {"chosen": "a", "folds": 2}, {"chosen": "c", "folds": 2, "losses": {"a": 1.0}},
    {"chosen": "a", "folds": 0, "losses": {"a": 1.0}}, {"chosen": 1, "folds": 2, "losses": {}},
    {"chosen": "a", "folds": 2, "losses": {"a": "x"}},
    {"chosen": "a", "folds": 2, "losses": {"a": -1.0}},
    {"chosen": "a", "folds": 2, "losses": [["a", 1.0]]},
    {"chosen": ["a"], "folds": 2, "losses": {"a": 1.0}},
])  # fmt: skip
def test_a_wrong_record_of_encodings_is_refused(wrong):
    value = chosen(noisy_rows(100)).chosen.to_json() | {"encodings": wrong}
    with pytest.raises(InputError, match="its record of what was chosen"):
        Chosen.from_json(value)


def test_a_stage_keeps_parameters_and_no_optimizer_state():
    X = np.ones((40, 3000), np.float32)
    data, config = Data(X, np.arange(40) % 2), replace(CONFIG, epochs=3)
    folds = InnerFolds(folds_for(data.y, 0))
    recipe = Recipe(config=config, hidden=32)
    trainer = Trainer(data, folds, recipe, np.zeros(2), np.dtype(np.float32), ENGINE)
    members = [candidate(recipe, l2, fold) for l2 in recipe.penalties for fold in range(5)]
    trainer.train("", members[:1], lambda _: None, str)  # which imports what it needs
    tracemalloc.start()
    try:
        trained = trainer.train("", members, lambda _: None, str)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = sum(value.nbytes for one in trained for value in one.params)
    assert size <= held < 1.2 * size
    assert peak < 3 * size  # with the optimizer's slots, of the last and the best epoch: 6


def test_more_networks_than_a_model_file_can_record_are_refused_before_the_search():
    with pytest.raises(backhand.InputError, match="members is 11000; expected an integer of 1"):
        Recipe(config=CONFIG, members=11_000)
    data, seen = noisy_rows(20), []
    recipe = Recipe(config=CONFIG, penalties=tuple(i / 3000 for i in range(2001)))
    with pytest.raises(backhand.InputError, match="2,001 penalties on 5 folds are 10,005 networks"):
        select(data, InnerFolds(folds_for(data.y, 0)), 2, recipe, ENGINE, watch=seen.append)
    assert not seen
