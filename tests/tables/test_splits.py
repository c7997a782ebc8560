"""Which rows are held out: by class, by group, in time, from a second table, in folds."""

import json
import warnings
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

import backhand
from backhand.stratified import NONE, folds
from backhand.table_settings import Settings
from backhand.tables.group_split import parts_of_groups, placed_greedily
from backhand.tables.reading.frames import as_table
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.targets import read_target
from backhand.tabular.cross_validation import cross_validate, interval_of
from backhand.tabular.splitting import splitter_of
from backhand.tabular.training import balanced_weights, prepare_table

pytestmark = pytest.mark.filterwarnings("ignore::backhand.BackhandWarning")
"""What few epochs give is warned of."""

QUICK = {"quick": True, "epochs": 2, "hidden": 4}


def columns(rows=300, seed=0):
    """Columns of which `t` is the target, `g` a group and `day` a time."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return {
        "x": x, "g": rng.choice([f"p{i}" for i in range(30)], rows),
        "day": rng.integers(0, 50, rows), "t": np.where(x + rng.normal(size=rows) > 0, "a", "b"),
    }  # fmt: skip


@pytest.fixture
def splitter():
    """Makes the splitter of columns, whose table stays open during a test."""
    with ExitStack() as tables:

        def make(data, **settings):
            table = tables.enter_context(as_table(data))
            target = read_target(table, "t")
            return splitter_of(table, target, Settings(**settings), ColumnChoices())

        yield make


@given(
    st.lists(st.integers(-1, 3), min_size=1, max_size=200).map(np.array),
    st.integers(2, 7), st.integers(0, 5),
)  # fmt: skip
def test_folds_are_even_in_each_class_and_in_all(y, count, seed) -> None:
    found = folds(y, count, seed)
    assert np.array_equal(found, folds(y, count, seed))
    assert ((found == NONE) == (y < 0)).all()
    for some in [y >= 0, *(y == k for k in range(4))]:
        sizes = np.bincount(found[some], minlength=count)
        assert sizes.max() - sizes.min() <= 1


@limits(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(-1, 12), st.integers(-1, 2)), min_size=1, max_size=120),
    st.sampled_from([(0.8, 0.2), (0.5, 0.5), (1 / 3,) * 3]), st.integers(0, 3),
)  # fmt: skip
def test_no_group_is_in_two_parts(pairs, shares, seed) -> None:
    codes, y = np.array(pairs, np.int32).T
    usable = (codes >= 0) & (y >= 0)
    if len(np.unique(codes[usable])) < len(shares):
        with pytest.raises(backhand.InputError, match=r"groups? in rows with a class"):
            parts_of_groups(codes, y, shares, seed)
        return
    parts = parts_of_groups(codes, y, shares, seed)
    assert np.array_equal(parts, parts_of_groups(codes, y, shares, seed))
    assert ((parts == NONE) == ~usable).all()
    assert set(parts[usable]) == set(range(len(shares)))
    for code in np.unique(codes[usable]):
        assert len(set(parts[usable & (codes == code)])) == 1


def test_groups_are_as_stratified_as_they_allow() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 100, 4000).astype(np.int32)
    y = rng.choice(3, 4000, p=[0.7, 0.25, 0.05])
    for seed in range(3):
        out = parts_of_groups(codes, y, (0.8, 0.2), seed) == 1
        assert abs(out.mean() - 0.2) < 0.005
        for k in range(3):
            assert abs(out[y == k].mean() - 0.2) < 0.03
    assert not np.array_equal(out, parts_of_groups(codes, y, (0.8, 0.2), 0) == 1)
    of_pairs = placed_greedily(np.array([[5, 0], [5, 0], [0, 5], [0, 5]]), (0.5, 0.5))
    assert sorted(of_pairs.tolist()) == [0, 0, 1, 1] and of_pairs[0] != of_pairs[1]


def test_many_small_groups_are_divided_too(monkeypatch) -> None:
    monkeypatch.setattr("backhand.tables.group_split.MOST_PLACED", 50)
    codes = np.repeat(np.arange(2000, dtype=np.int32), 2)
    y = np.tile([0, 1], 2000)
    parts = parts_of_groups(codes, y, (0.2,) * 5, 0)
    assert (np.abs(np.bincount(parts) - 800) < 80).all() and (parts[::2] == parts[1::2]).all()


@pytest.mark.parametrize(
    "options", [{}, {"quick": True, "early_stopping": True}, {"cv": 3}], ids=str
)
def test_a_group_is_on_one_side_of_every_split(splitter, options) -> None:
    data = columns()
    found = splitter(data, group="g", **options)
    splits = list(found.folds()) if "cv" in options else [found.split()]
    for split in splits:
        sides = [set(data["g"][mask]) for mask in split[:3]]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
        assert sides[0] and sides[2] and bool(sides[1]) == ("early_stopping" in options)
    if "cv" in options:
        assert (sum(split.held_out.astype(int) for split in splits) == 1).all()


def test_a_group_is_one_however_it_is_spelled_and_rows_without_one_are_divided_alone(
    splitter,
) -> None:
    data = columns()
    number = np.arange(300) % 20
    data["g"] = [None if n == 3 else f"{n}.0" if i % 2 else str(n) for i, n in enumerate(number)]
    found = splitter(data, group="g")
    split = found.split()
    assert not set(number[split.training]) & set(number[split.held_out]) - {3}
    assert 0 < split.held_out[number == 3].sum() < 15
    assert split.how == "3 of 19 groups of g" or split.how == "4 of 19 groups of g"


def test_the_group_is_no_feature_and_both_are_told() -> None:
    data = columns()
    data["g"] = [None if i < 4 else g for i, g in enumerate(data["g"])]
    with as_table(data) as table:
        prepared = prepare_table(table, "t", Settings(quick=True, group="g"))
    assert [c.name for c in prepared.schema.columns] == ["x", "day"]
    notes = {note.kind: note for note in prepared.notes}
    assert notes["dropped"].column == "g" == notes["missing"].column
    assert notes["missing"].what == "is missing in 4 rows, each of which is a group of its own"


DAYS = {
    "whole numbers": lambda day: day,
    "numbers": lambda day: day / 7,
    "ISO dates": lambda day: [str(np.datetime64("2020-01-30") + int(d)) for d in day],
    "dates": lambda day: np.datetime64("2020-01-30") + day.astype("timedelta64[D]"),
    "texts of numbers": lambda day: [f"{d}.50" for d in day],
}


@pytest.mark.parametrize("name", DAYS)
def test_the_last_rows_are_held_out_whatever_tells_the_time(splitter, name) -> None:
    data = columns()
    day = data["day"]
    split = splitter(data | {"day": DAYS[name](day)}, time="day").split()
    assert (split.training != split.held_out).all()
    assert day[split.training].max() < day[split.held_out].min(), "ties are together"
    nearest = min(abs((day >= d).mean() - 0.2) for d in range(1, 50))
    assert abs(split.held_out.mean() - 0.2) == nearest
    assert split.how.startswith("day from ") and split.how.endswith(" on")


def test_early_stopping_watches_the_last_training_rows_in_time(splitter) -> None:
    data = columns()
    day = data["day"]
    split = splitter(data, time="day", quick=True, early_stopping=True).split()
    assert day[split.training].max() < day[split.stopping].min()
    assert day[split.stopping].max() < day[split.held_out].min()


def test_folds_in_time_are_trained_on_what_was_before(splitter) -> None:
    data = columns()
    day = data["day"]
    found = list(splitter(data, time="day", cv=4).folds())
    assert len(found) == 4
    for i, split in enumerate(found):
        assert day[split.training].max() < day[split.held_out].min()
        assert abs(split.held_out.mean() - 0.2) < 0.05
        if i:
            assert (split.training == found[i - 1].training | found[i - 1].held_out).all()


def test_rows_without_a_time_are_on_neither_side_and_told() -> None:
    data = columns()
    data["day"] = [None if i < 5 else int(d) for i, d in enumerate(data["day"])]
    with as_table(data) as table:
        prepared = prepare_table(table, "t", Settings(quick=True, time="day"))
    assert prepared.training.rows + prepared.held_out.rows == 295
    notes = [
        (note.column, note.kind, note.advice) for note in prepared.notes if note.kind != "dropped"
    ]
    assert notes[:2] == [("day", "missing", ""), ("day", "time", "--drop 'day' leaves it out")]
    with as_table(columns()) as table:
        without = prepare_table(
            table, "t", Settings(quick=True, time="day"), ColumnChoices(drop=("day",))
        )
    assert not [note for note in without.notes if note.column == "day"]


WRONG = {
    "no such group": ({"group": "nope"}, {}, "no group column 'nope'"),
    "no such time": ({"time": "nope"}, {}, "no time column 'nope'"),
    "the target as group": ({"group": "t"}, {}, "group names the target 't'"),
    "the target as time": ({"time": "t"}, {}, "time names the target 't'"),
    "names as time": ({"time": "g"}, {}, "holds texts such as 'p"),
    "one time": ({"time": "same"}, {}, "column 'same' cannot divide the rows into 2 parts in time"),
    "two times for three folds": ({"time": "two", "cv": 3}, {}, "into 4 parts in time"),
    "too few groups": ({"group": "two", "cv": 3}, {}, "has 2 groups in rows with a class"),
    "a group that is kept": ({"group": "g"}, {"keep": ("g",)}, "cannot be kept"),
    "too few rows to watch": (
        {"early_stopping": True, "validation_fraction": 0.001}, {}, "raise validation_fraction"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_cannot_be_divided_are_an_error(name) -> None:
    settings, choices, said = WRONG[name]
    data = columns(60) | {"same": np.ones(60), "two": np.arange(60) // 30}
    with as_table(data) as table, pytest.raises(backhand.InputError, match=said):
        prepared = prepare_table(
            table, "t", Settings(quick=True, **settings), ColumnChoices(**choices)
        )
        if "cv" in settings:
            cross_validate(table, prepared, Settings(**QUICK, **settings), engine="reference")


def test_more_folds_than_rows_are_an_error() -> None:
    data = {"x": np.arange(6.0), "t": list("ababab")}
    with pytest.raises(backhand.InputError, match=r"has 6 rows with a class, too few for cv=7"):
        backhand.fit(data, "t", cv=7, **QUICK)


def test_a_class_that_no_training_row_has_is_told() -> None:
    data = columns()
    data["t"] = np.where(data["day"] > 45, "late", data["t"])
    with pytest.warns(backhand.BackhandWarning, match="no training row has the class 'late'"):
        backhand.fit(data, "t", time="day", drop="day", **QUICK)


def test_a_second_table_is_held_out_whole_and_teaches_nothing() -> None:
    data, other = columns(), columns(90, seed=1)
    other["x"] = other["x"] * 1000
    other["t"] = ["z" if i < 5 else None if i < 12 else t for i, t in enumerate(other["t"])]
    model = backhand.fit(data, "t", validation=other, **QUICK)
    alone = backhand.fit(data, "t", test_size=0, **QUICK)
    assert all(map(np.array_equal, model.params, alone.params)) and model.schema == alone.schema
    assert model.evaluation.rows == 83 and model.evaluation.unlabelled == 7
    assert model.evaluation.unknown == 5
    with pytest.raises(backhand.InputError, match=r"no value of 't' in the dict is a class"):
        backhand.fit(data, "t", validation=other | {"t": ["z"] * 90}, **QUICK)
    with pytest.raises(backhand.InputError, match=r"has no column 'x', which the model needs"):
        backhand.fit(data, "t", validation={n: v for n, v in other.items() if n != "x"}, **QUICK)


def test_the_figures_of_folds_are_their_mean_and_interval() -> None:
    assert interval_of([0.5, 0.7]) == pytest.approx((0.6, 0, 0.6 + 12.706 * 0.1), abs=1e-9)
    low, high = interval_of([0.9, 1.0, 1.0], 1.0)[1:]
    assert high == 1.0 and low == pytest.approx(0.96667 - 4.303 * 0.057735 / 3**0.5, abs=1e-4)
    many = interval_of(list(np.linspace(0, 1, 41)))
    assert many.high - many.mean == pytest.approx(2.0211 * np.std(np.linspace(0, 1, 41), ddof=1)
                                                  / 41**0.5, abs=1e-4)  # fmt: skip
    data = columns()
    settings = Settings(cv=4, **QUICK)
    with as_table(data) as table:
        prepared = prepare_table(table, "t", settings)
        found = cross_validate(table, prepared, settings, engine="reference")
    assert sum(fold.rows for fold in found.folds) == found.pooled.rows == 300
    mean = np.mean([fold.accuracy for fold in found.folds])
    assert found.figures()["accuracy"].mean == pytest.approx(mean) == found.pooled.accuracy
    metrics = found.metrics()
    assert metrics["held_out_accuracy"] == pytest.approx(mean) and metrics["held_out_rows"] == 300
    assert metrics["held_out_accuracy_low"] < mean < metrics["held_out_accuracy_high"]
    json.dumps(found.to_json(), allow_nan=False)


def test_each_fold_is_encoded_without_its_held_out_rows(splitter) -> None:
    data = columns(100)
    found = splitter(data, cv=5, **QUICK)
    with as_table(data) as table:
        settings = Settings(cv=5, **QUICK)
        prepared = prepare_table(table, "t", settings)
        models = []

        def evaluated(evaluation) -> None:
            models.append(evaluation)

        cross_validate(table, prepared, settings, engine="reference", evaluated=evaluated)
    split = next(iter(found.folds()))
    kept = {name: np.asarray(values)[split.training] for name, values in data.items()}
    out = {name: np.asarray(values)[split.held_out] for name, values in data.items()}
    alone = backhand.fit(kept, "t", validation=out, engine="reference", **QUICK)
    assert alone.evaluation.loss == models[0].loss
    assert (alone.evaluation.confusion == models[0].confusion).all()


def test_the_model_after_folds_is_that_of_all_rows() -> None:
    data = columns()
    model = backhand.fit(data, "t", cv=3, **QUICK)
    alone = backhand.fit(data, "t", test_size=0, **QUICK)
    assert all(map(np.array_equal, model.params, alone.params))
    assert model.hyperparameters["cv"] == 3 and model.metrics["training_rows"] == 300


def test_folds_warn_of_nothing_that_was_told_of_all_rows() -> None:
    data = columns() | {"code": [f"0{i % 5}" for i in range(300)]}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        backhand.fit(data, "t", cv=3, **QUICK)
    assert len({str(w.message) for w in told}) == len(told)


def test_balanced_classes_weigh_the_same_in_training_and_count_alike_in_figures() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    y = np.repeat([0, 1, 3], [60, 30, 10])
    weights = balanced_weights(np.bincount(y))
    theirs = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=y)
    assert weights[[0, 1, 3]] == pytest.approx(theirs) and weights[2] == 1
    data = columns()
    data["t"] = np.where(data["x"] > 1.2, "rare", "usual")
    with as_table(data) as table:
        prepared = prepare_table(
            table, "t", Settings(quick=True, class_weight="balanced", early_stopping=True)
        )
    for some in (prepared.training, prepared.stopping):
        assert some.sample_weight is not None and len(some.sample_weight) == some.rows
    sums = np.bincount(prepared.training.y, prepared.training.sample_weight)
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    assert prepared.held_out.sample_weight is None
    model = backhand.fit(
        data, "t", quick=True, class_weight="balanced", drop=["g", "day"], epochs=30, hidden=8
    )
    plain = backhand.fit(data, "t", quick=True, drop=["g", "day"], epochs=30, hidden=8)
    predicted = [(m.predict(pd.DataFrame(data)) == "rare").sum() for m in (model, plain)]
    assert predicted[0] >= predicted[1]
    right = (model.predict(data) == data["t"]).mean()
    n = model.metrics["training_rows"] + model.metrics["held_out_rows"]
    weighted = (model.metrics["training_accuracy"] * model.metrics["training_rows"]
                + model.metrics["held_out_accuracy"] * model.metrics["held_out_rows"])  # fmt: skip
    assert right == pytest.approx(weighted / n, abs=1e-6)


def test_early_stopping_returns_the_best_epoch_of_rows_of_its_own() -> None:
    data = columns(400)
    model = backhand.fit(
        data, "t", quick=True, early_stopping=True, patience=3, epochs=60, learning_rate=0.05
    )
    history, best = model.history, model.metrics["best_epoch"]
    assert len(history) < 60 == len(history) + 60 - model.hyperparameters["epochs"]
    assert best == int(np.nanargmin(history.validation_loss)) + 1 == len(history) - 3
    assert model.metrics["stopping_rows"] == 32 and model.metrics["training_rows"] == 288
    assert model.metrics["held_out_rows"] == 80
    watched = backhand.fit(
        data, "t", quick=True, early_stopping=True, monitor="loss", patience=2, epochs=5
    )
    assert watched.metrics["training_rows"] == 320
