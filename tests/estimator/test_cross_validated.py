"""`MLPClassifierCV`: the network for X as it was passed, folds of all kinds, what is kept."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import backhand
from backhand import InputError, MLPClassifierCV
from backhand.engines import Data, make_engine
from backhand.estimator.inner_folds import inner_folds
from backhand.estimator.scaling import Scaling
from backhand.selection import select
from backhand.stratified import NONE

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["a", "b", "c"])[Y]


def net(**settings):
    return MLPClassifierCV(
        **{"hidden": 8, "penalties": (0.002, 0.01), "cv": 3, "max_iter": 120, "random_state": 0}
        | settings
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([MLPClassifierCV(hidden=16, penalties=(0.002,), cv=2, max_iter=40)])
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([MLPClassifierCV(), MLPClassifierCV(members=1)])
def test_scikit_learns_own_checks_with_the_defaults(estimator, check) -> None:
    check(estimator)


def test_it_predicts_for_x_as_it_was_passed() -> None:
    shifted = X * [1e3, 1.0, 1e-4, 10.0] + [1e6, 0.0, 5.0, -20.0]
    clf, plain = net().fit(shifted, NAMES), net().fit(X, NAMES)
    assert clf.score(shifted, NAMES) > 0.7
    np.testing.assert_allclose(clf.predict_proba(shifted), plain.predict_proba(X), atol=1e-6)
    S = clf.decision_function(shifted)
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(P, clf.predict_proba(shifted), rtol=1e-9)
    assert clf.coefs_[0].shape == (4, 5 * 8) and clf.coefs_[0].dtype == np.float64


def test_the_network_is_that_of_the_selection_on_standardised_columns() -> None:
    clf = net().fit(X, NAMES)
    Z = StandardScaler().fit_transform(X)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    folds = inner_folds(3, X, Y, None, seed)
    found = select(Data(Z, Y), folds, 3, clf._recipe(folds, seed), make_engine(), dtype=np.float64)
    P = make_engine().predict_proba(found.params, Z)
    np.testing.assert_allclose(clf.predict_proba(X), P, atol=1e-9)
    assert (clf.penalty_, clf.n_iter_) == (found.chosen.l2, found.chosen.epochs)
    assert clf.temperature_ == found.chosen.temperature


def test_out_of_fold_figures_are_of_all_rows() -> None:
    w = np.linspace(0.5, 2, 150)
    clf = net().fit(X, NAMES, sample_weight=w)
    P = clf.out_of_fold_proba_
    assert P.shape == (150, 3) and P.dtype == np.float32
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-5)
    assert np.isclose(clf.out_of_fold_score_, np.average(P.argmax(axis=1) == Y, weights=w))
    losses = -np.log(P[np.arange(150), Y])
    assert np.isclose(clf.out_of_fold_loss_, np.average(losses, weights=w), rtol=1e-5)
    table = clf.cv_results_
    assert set(table) == {"penalty", "fold", "epochs", "best_epoch", "loss", "accuracy"}
    assert len(table["fold"]) == 6 and set(table["penalty"]) == {0.002, 0.01}
    chosen = table["penalty"] == clf.penalty_
    assert round(np.median(table["best_epoch"][chosen])) == clf.n_iter_


def test_members_are_trained_again_on_all_rows() -> None:
    clf = net(members=2).fit(X, NAMES)
    assert clf.coefs_[0].shape == (4, 16)
    assert np.isfinite(clf.out_of_fold_proba_).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64, int])
def test_sparse_columns_are_scaled_and_not_centred(kind) -> None:
    dense = (X * (X > 1.5) * 10).astype(kind)
    clf = net().fit(scipy.sparse.csc_array(dense), NAMES)
    assert np.array_equal(clf.predict(scipy.sparse.csr_array(dense)), clf.predict(dense))
    scaling = Scaling.of(scipy.sparse.csr_array(dense.astype(float)), None)
    assert not scaling.mean.any()
    np.testing.assert_allclose(scaling.scale, dense.std(axis=0, dtype=float))


def test_a_constant_column_and_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd")).assign(e=7)
    clf = net().fit(frame, pandas.Series(NAMES))
    assert clf.feature_names_in_.tolist() == list("abcde") and clf.score(frame, NAMES) > 0.7
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[list("edcba")])


def test_weights_of_classes() -> None:
    even = net(class_weight={"a": 1.0, "b": 1.0, "c": 1.0}).fit(X, NAMES)
    balanced = net(class_weight="balanced").fit(X, NAMES)
    plain = net().fit(X, NAMES)
    for clf in (even, balanced):
        np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(X), atol=1e-9)
    heavy = net(class_weight={"a": 1.0, "b": 1.0, "c": 50.0}).fit(X, NAMES)
    assert (heavy.predict(X) == "c").sum() > (plain.predict(X) == "c").sum()


def test_rows_that_weigh_nothing_are_not_learned_from() -> None:
    w = np.r_[np.ones(100), np.zeros(50)]
    broken = X.copy()
    broken[100:] = 1e3
    a = net(cv=[(np.arange(50, 100), np.arange(50)), (np.arange(50), np.arange(50, 100))])
    with pytest.raises(InputError, match="nor all before it"):
        a.fit(X, NAMES)
    found = [net().fit(some, NAMES, sample_weight=w).predict_proba(X) for some in (X, broken)]
    np.testing.assert_allclose(*found, atol=1e-9)


# Folds.


def test_folds_are_those_of_the_splitter() -> None:
    groups = np.arange(150) // 10
    warnings.filterwarnings("ignore", "The groups parameter is ignored")
    for cv in (KFold(4), StratifiedKFold(5, shuffle=True, random_state=1), GroupKFold(3),
               LeaveOneGroupOut(), list(KFold(3).split(X))):  # fmt: skip
        folds = inner_folds(cv, X, Y, groups, 0)
        splits = cv if isinstance(cv, list) else list(cv.split(X, Y, groups))
        assert len(folds.measured) == len(splits) and not folds.forward
        for number, (train, test) in enumerate(splits):
            assert np.array_equal(np.flatnonzero(folds.of_row == number), np.sort(test))
            assert np.array_equal(np.sort(folds.training(number)), np.sort(train))


def test_a_time_series_learns_from_the_past() -> None:
    folds = inner_folds(TimeSeriesSplit(4), X, Y, None, 0)
    assert folds.forward and folds.measured == [1, 2, 3, 4]
    order = np.random.default_rng(0).permutation(150)
    clf = net(cv=TimeSeriesSplit(3)).fit(X[order], NAMES[order])
    assert np.isnan(clf.out_of_fold_proba_[:36]).all() and clf.score(X, NAMES) > 0.7


def test_groups_are_kept_together() -> None:
    groups = np.repeat(np.arange(30), 5)
    of_row = inner_folds(5, X, Y, groups, 0).of_row
    assert all(len(set(of_row[groups == group])) == 1 for group in range(30))
    clf = net().fit(X, NAMES, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), net().set_fit_request(groups=True))
        pipeline.fit(X, NAMES, groups=groups)
    assert clf.cv_results_["loss"].shape == pipeline[-1].cv_results_["loss"].shape


def test_one_split_is_enough() -> None:
    clf = net(cv=ShuffleSplit(1, test_size=0.3, random_state=0)).fit(X, NAMES)
    assert np.isnan(clf.out_of_fold_proba_).any(axis=1).sum() == 105


def test_a_class_of_one_row_is_in_no_fold() -> None:
    y = NAMES.astype(object)
    y[7] = "rare"
    clf = net().fit(X, y)
    assert "rare" in clf.classes_ and np.isnan(clf.out_of_fold_proba_[7]).all()
    assert inner_folds(3, X, np.searchsorted(clf.classes_, y), None, 0).of_row[7] == NONE


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        (1, r"cv is 1; expected 2\.\.200 folds"),
        (True, "cv is True; expected a number of folds"),
        (ShuffleSplit(3, random_state=0), "a row in the test sets of two splits"),
        ([], "cv makes 0 splits"),
        (KFold(3).split(X[:90]), "neither all rows outside its test set"),
        (LeaveOneGroupOut(), "'groups' parameter should not be None"),
        (300, r"cv is 300; expected 2\.\.200 folds"),
        ("five", "Expected `?cv`? as an integer"),
        (KFold(999), "Cannot have number of splits"),
    ],
)
def test_other_splits_are_refused(cv, said) -> None:
    with pytest.raises(ValueError, match=said):
        net(cv=cv).fit(X, NAMES)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden": 0}, "hidden is 0"),
        ({"hidden": (8,)}, r"hidden is \(8,\)"),
        ({"penalties": ()}, "penalties are"),
        ({"penalties": (0.1, -1.0)}, "penalties are"),
        ({"penalties": "small"}, "penalties are"),
        ({"penalties": (0.1, 0.1)}, "penalties are"),
        ({"members": 0}, "members is 0"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"budget": 30}, "budget is 30; expected .*30s"),
        ({"budget": "soon"}, "budget is 'soon'"),
        ({"class_weight": "balance"}, "class_weight is 'balance'"),
        ({"class_weight": {"a": 1.0, "z": 2.0}}, "class_weight names 'z', which is not a class"),
        ({"engine": "numpy"}, "engine is 'numpy'"),
        ({"threads": 0}, "threads is 0"),
        ({"verbose": "yes"}, "verbose is 'yes'"),
        ({"random_state": "x"}, "cannot be used to seed"),
    ],
)
def test_wrong_parameters_are_named(settings, said) -> None:
    with pytest.raises(ValueError, match=said):
        net(**settings).fit(X, NAMES)


def test_wrong_rows_are_named() -> None:
    with pytest.raises(InputError, match="y has 1 class, 'a'; expected two or more"):
        net().fit(X[:50], NAMES[:50])
    huge = X.copy()
    huge[:, 2] *= 1e200
    with pytest.raises(InputError, match="column 2 of X holds numbers whose squares"):
        net().fit(huge, NAMES)
    with pytest.raises(ValueError, match="NaN"):
        net().fit(np.where(X[3, 0] == X, np.nan, X), NAMES)
    with pytest.raises(InputError, match="0 or more"):
        net().fit(X, NAMES, sample_weight=-np.ones(150))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        net().fit(X, NAMES, groups=[1, 2])


# What is made of it.


def test_what_it_prints(capsys) -> None:
    net(verbose=True).fit(X, NAMES)
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(" of 11 members, " in line for line in lines)
    net().fit(X, NAMES)
    assert not capsys.readouterr().out


def test_it_goes_where_a_classifier_goes(tmp_path) -> None:
    clf = net().fit(X, NAMES)
    again = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert clone(clf).get_params() == clf.get_params()
    assert cross_val_score(net(), X, NAMES, cv=2).min() > 0.7
    model = clf.to_model()
    assert model.chosen is not None and model.chosen.l2 == clf.penalty_ and len(model.history)
    backhand.save(clf, tmp_path / "m.safetensors")
    loaded = backhand.load(tmp_path / "m.safetensors")
    assert all(map(np.array_equal, loaded.params, clf.parameters_))
    assert loaded.chosen == model.chosen


def test_it_is_exported(tmp_path) -> None:
    pytest.importorskip("onnxruntime")
    torch = pytest.importorskip("torch")
    clf = net().fit(X, NAMES)
    clf.to_onnx(tmp_path / "m.onnx")
    with torch.inference_mode():
        P = clf.to_torch(softmax=True)(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(P, clf.predict_proba(X), atol=1e-6)


def test_a_budget_ends_the_search() -> None:
    clf = net(budget="1s", max_iter=100_000, penalties=(0.002,)).fit(X, NAMES)
    assert clf.score(X, NAMES) > 0.7
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(random_state=None).fit(X, NAMES)
