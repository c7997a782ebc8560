"""`MLPClassifier` as scikit-learn knows it, and what is new in it."""

import copy
import inspect
import pickle
import tracemalloc

import joblib
import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

import backhand
from backhand import MLPClassifier
from helpers.optional_packages import new_scikit_learn, optional

ProgressBar = optional("sklearn.callback").callback.ProgressBar
ScoringMonitor = optional("sklearn.callback").callback.ScoringMonitor

# Most fits here are cut short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, WINE, DIGITS = (load(return_X_y=True) for load in (load_iris, load_wine, load_digits))
X_IRIS, Y_IRIS = IRIS
NAMES = np.array(["setosa", "versicolor", "virginica"], dtype=object)[Y_IRIS]


def weights(clf) -> list:
    return [*clf.coefs_, *clf.intercepts_]


def same(a, b) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(weights(a), weights(b), strict=True))


def relative(a, b) -> float:
    return float(np.linalg.norm(np.subtract(a, b)) / np.linalg.norm(b))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([
    MLPClassifier(max_iter=100),
    MLPClassifier(solver="sgd", max_iter=100),
    MLPClassifier(solver="lbfgs"),
])  # fmt: skip
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


# The same numbers.


def test_the_constructor_is_scikit_learns_and_what_is_new() -> None:
    theirs = inspect.signature(sklearn.neural_network.MLPClassifier).parameters
    ours = inspect.signature(MLPClassifier).parameters
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default, name
        assert ours[name].kind == parameter.kind, name
    new = ["class_weight", "dropout", "engine", "device", "threads", "precision"]
    assert list(ours) == [*theirs, *new]


@pytest.mark.parametrize("alpha", [0, 1e-2])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("data", [IRIS, WINE, DIGITS], ids=["iris", "wine", "digits"])
def test_losses_and_weights_follow_scikit_learns(data, solver, learning_rate, shuffle, alpha):
    settings = {"solver": solver, "learning_rate": learning_rate, "shuffle": shuffle,
                "alpha": alpha, "max_iter": 30, "random_state": 0}  # fmt: skip
    ours = MLPClassifier(**settings).fit(*data)
    theirs = sklearn.neural_network.MLPClassifier(**settings).fit(*data)
    assert ours.n_iter_ == theirs.n_iter_ and ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    assert np.isclose(ours.best_loss_, theirs.best_loss_, rtol=1e-9)
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        assert relative(a, b) < 1e-9


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2, "tol": 1e-3},
        {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1, "batch_size": 32},
        {"tol": 0.01, "n_iter_no_change": 3},
        {"tol": 0, "max_iter": 150, "alpha": 0.1},
        {"batch_size": 7, "learning_rate_init": 0.01, "max_iter": 20},
    ],
)
def test_training_ends_where_scikit_learns_ends(settings) -> None:
    settings = {"max_iter": 1000, "random_state": 3, "hidden_layer_sizes": (20,)} | settings
    X = StandardScaler().fit_transform(X_IRIS)
    ours = MLPClassifier(**settings).fit(X, NAMES)
    theirs = sklearn.neural_network.MLPClassifier(**settings).fit(X, NAMES)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    assert np.array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("tol", [1e-4, 0.02])
def test_early_stopping_follows_scikit_learns_and_gives_back_the_same_weights(tol: float) -> None:
    settings = {"early_stopping": True, "random_state": 1, "tol": tol, "max_iter": 500}
    ours = MLPClassifier(**settings).fit(*DIGITS)
    theirs = sklearn.neural_network.MLPClassifier(**settings).fit(*DIGITS)
    assert ours.n_iter_ == theirs.n_iter_ < 500
    assert ours.validation_scores_ == pytest.approx(theirs.validation_scores_, abs=1e-12)
    assert ours.best_validation_score_ == max(ours.validation_scores_) < 1
    assert ours.best_loss_ is None and len(ours.validation_loss_curve_) == ours.n_iter_
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        assert relative(a, b) < 1e-9


def test_a_generator_that_is_passed_in_ends_where_scikit_learns_leaves_it() -> None:
    left = []
    for kind in (MLPClassifier, sklearn.neural_network.MLPClassifier):
        generator = np.random.RandomState(5)
        kind(tol=0.5, max_iter=300, random_state=generator).fit(X_IRIS, Y_IRIS)
        left.append(generator.randint(2**31))
    assert left[0] == left[1]


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("engine", ["fused", "reference", "torch"])
def test_two_classes_follow_scikit_learns_one_output(engine, solver, early_stopping) -> None:
    """The first class's logit stays 0, and the second's is scikit-learn's only one."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    settings = {"solver": solver, "max_iter": 30, "random_state": 0, "alpha": 0.01,
                "early_stopping": early_stopping}  # fmt: skip
    theirs = sklearn.neural_network.MLPClassifier(**settings).fit(X, y)
    ours = MLPClassifier(engine=engine, **settings).fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    assert ours.n_outputs_ == 2 and ours.out_activation_ == "softmax"
    (W1, W2), (b1, b2) = ours.coefs_, ours.intercepts_
    assert not W2[:, 0].any() and not b2[0]
    for a, b in zip((W1, W2[:, 1:], b1, b2[1:]), weights(theirs), strict=True):
        assert relative(a, b) < 1e-9
    assert relative(ours.predict_proba(X), theirs.predict_proba(X)) < 1e-9


def test_lbfgs_begins_as_scikit_learns() -> None:
    """Where its steps are many, rounding leads two L-BFGS apart."""
    for X, y in (IRIS, load_breast_cancer(return_X_y=True)):
        X = StandardScaler().fit_transform(X)
        settings = {"solver": "lbfgs", "max_iter": 10, "random_state": 0, "alpha": 0.1}
        theirs = sklearn.neural_network.MLPClassifier(**settings).fit(X, y)
        ours = MLPClassifier(**settings).fit(X, y)
        assert ours.n_iter_ == theirs.n_iter_ == 10
        assert np.isclose(ours.loss_, theirs.loss_, rtol=1e-9)
        assert relative(ours.coefs_[0], theirs.coefs_[0]) < 1e-9
        assert len(ours.loss_curve_) == 10 and ours.loss_curve_[-1] == ours.loss_


# Data of all kinds.


def test_digits_are_learned_in_a_pipeline() -> None:
    X, y = DIGITS
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=100, random_state=0))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.92


def test_labels_of_any_kind_come_back() -> None:
    with pytest.warns(ConvergenceWarning):
        clf = MLPClassifier((16,), max_iter=150, learning_rate_init=0.01, random_state=0,
                            n_iter_no_change=150).fit(X_IRIS, NAMES)  # fmt: skip
    assert clf.score(X_IRIS, NAMES) > 0.95
    assert set(clf.predict(X_IRIS)) == {"setosa", "versicolor", "virginica"}
    P = clf.predict_proba(X_IRIS)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_allclose(clf.predict_log_proba(X_IRIS), np.log(P))
    assert [a.shape for a in weights(clf)] == [(4, 16), (16, 3), (16,), (3,)]
    assert len(clf.loss_curve_) == clf.n_iter_ == 150
    assert clf.parameters_ == backhand.Parameters(
        clf.coefs_[0], clf.intercepts_[0], clf.coefs_[1], clf.intercepts_[1]
    )


@pytest.mark.parametrize(
    "library", ["pandas", pytest.param("polars", marks=new_scikit_learn), "pyarrow"]
)
def test_tables(library: str) -> None:
    frames = pytest.importorskip(library)
    columns = {name: X_IRIS[:, i] for i, name in enumerate("abcd")}
    if library == "pyarrow":
        frame, labels = frames.table(columns), frames.array(NAMES)
    else:
        frame, labels = frames.DataFrame(columns), frames.Series(NAMES)
    settings = {"max_iter": 20, "random_state": 0}
    clf = MLPClassifier(**settings).fit(frame, labels, X_val=frame, y_val=labels)
    assert clf.feature_names_in_.tolist() == list("abcd")
    plain = MLPClassifier(**settings).fit(X_IRIS, NAMES, X_val=X_IRIS, y_val=NAMES)
    assert np.array_equal(clf.predict_proba(frame), plain.predict_proba(X_IRIS))
    if library == "pandas":
        with pytest.raises(ValueError, match="feature names"):
            clf.predict(frame.rename(columns={"a": "z"}))


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("engine", ["fused", "reference", "torch"])
def test_sparse_rows_are_the_same_rows(solver: str, engine: str) -> None:
    X, y = DIGITS
    settings = {"solver": solver, "engine": engine, "max_iter": 5, "random_state": 0}
    dense = MLPClassifier(**settings).fit(X[:300], y[:300])
    for kind in (scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array):
        sparse = MLPClassifier(**settings).fit(kind(X[:300]), y[:300])
        for a, b in zip(weights(sparse), weights(dense), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(sparse.predict_proba(kind(X)), dense.predict_proba(X),
                                   rtol=1e-7)  # fmt: skip


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("engine", ["fused", "reference"])
def test_sparse_rows_are_never_all_made_dense(solver: str, engine: str) -> None:
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((30_000, 3000), density=0.001, format="csr", random_state=rng)
    y = rng.integers(0, 3, 30_000)
    clf = MLPClassifier((2,), solver=solver, engine=engine, max_iter=1, early_stopping=True)
    tracemalloc.start()
    try:
        clf.fit(X, y).predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 150e6 < 30_000 * 3000 * 8


@pytest.mark.parametrize(("array", "place", "value"), [
    ("indices", 7, 4), ("indices", 7, -1), ("indptr", 5, 10**6), ("indptr", 5, 0),
    ("indptr", -1, 10**6), ("indptr", 0, 4),
])  # fmt: skip
def test_a_sparse_matrix_that_is_damaged_is_told(array: str, place: int, value: int) -> None:
    X = scipy.sparse.csr_array(X_IRIS)
    clf = MLPClassifier(max_iter=1).fit(X, Y_IRIS)
    getattr(X, array)[place] = value
    for use in (clf.predict, lambda X: clf.fit(X, Y_IRIS)):
        with pytest.raises(ValueError, match=r"indices point elsewhere|indptr|index"):
            use(X)


def test_read_only_and_memory_mapped_arrays(tmp_path) -> None:
    X, y = X_IRIS.copy(), Y_IRIS.copy()
    plain = MLPClassifier(max_iter=5, random_state=0).fit(X, y)
    for array in (X, y):
        array.setflags(write=False)
    assert same(plain, MLPClassifier(max_iter=5, random_state=0).fit(X, y))
    joblib.dump((X, y), tmp_path / "data")
    mapped = joblib.load(tmp_path / "data", mmap_mode="r")
    assert same(plain, MLPClassifier(max_iter=5, random_state=0).fit(*mapped))


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_float32_stays_float32(solver: str) -> None:
    X, y = DIGITS
    clf = MLPClassifier(solver=solver, max_iter=10, random_state=0).fit(X.astype(np.float32), y)
    assert {a.dtype for a in weights(clf)} == {np.dtype(np.float32)}
    assert clf.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert MLPClassifier(max_iter=1).fit(X.astype(np.int16), y).coefs_[0].dtype == np.float64


def test_the_same_random_state_gives_the_same_bits() -> None:
    X, y = DIGITS
    X_train, X_test, y_train, _ = train_test_split(X.astype(np.float32), y, random_state=0)
    fits = [MLPClassifier(max_iter=20, random_state=s).fit(X_train, y_train) for s in (0, 0, 1)]
    one, two, other = (clf.predict_proba(X_test) for clf in fits)
    assert np.array_equal(one, two) and not np.array_equal(one, other)


# Going on.


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("way", ["warm_start", "partial_fit", "pickled"])
def test_training_continues_as_if_it_had_not_stopped(solver: str, way: str) -> None:
    settings = {"solver": solver, "shuffle": False, "random_state": 0, "n_iter_no_change": np.inf}
    whole = MLPClassifier(max_iter=20, **settings).fit(X_IRIS, Y_IRIS)
    clf = MLPClassifier(max_iter=10, warm_start=True, **settings).fit(X_IRIS, Y_IRIS)
    if way == "pickled":
        clf = pickle.loads(pickle.dumps(clf))
    if way == "partial_fit":
        for _ in range(10):
            clf.partial_fit(X_IRIS, Y_IRIS)
        assert clf.n_iter_ == 1
    else:
        clf.fit(X_IRIS, Y_IRIS)
        assert clf.n_iter_ == 10
    assert same(clf, whole)
    np.testing.assert_array_equal(clf.loss_curve_, whole.loss_curve_)
    assert clf.t_ == whole.t_ == 20 * 150


def test_weights_that_somebody_sets_are_those_that_training_continues_from() -> None:
    clf = MLPClassifier(max_iter=5, random_state=0, shuffle=False).fit(X_IRIS, Y_IRIS)
    clf.coefs_[0] = np.zeros_like(clf.coefs_[0])
    np.testing.assert_allclose(clf.predict_proba(X_IRIS).std(axis=0), 0, atol=1e-12)
    clf.partial_fit(X_IRIS, Y_IRIS)
    assert np.abs(clf.coefs_[0]).max() < 0.01


def test_what_training_cannot_continue_from_is_reported() -> None:
    clf = MLPClassifier((8,), max_iter=3, warm_start=True).fit(X_IRIS, Y_IRIS)
    clf.set_params(hidden_layer_sizes=(9,))
    for go_on in (clf.fit, clf.partial_fit):
        with pytest.raises(backhand.InputError, match="have 8 hidden units"):
            go_on(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="expecting 4 features"):
        clf.fit(X_IRIS[:, :3], Y_IRIS)


def test_partial_fit_with_early_stopping_keeps_the_best_and_continues_from_the_last() -> None:
    X, y = DIGITS
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    clf = MLPClassifier((20,), early_stopping=True, learning_rate_init=0.05, random_state=0,
                        n_iter_no_change=5)  # fmt: skip
    plain = clone(clf).set_params(early_stopping=False)
    seen = []
    while not (seen and clf.stopped_):
        clf.partial_fit(X, y, classes=np.arange(10), X_val=X_val, y_val=y_val)
        plain.partial_fit(X, y, classes=np.arange(10))
        seen.append([w.copy() for w in weights(plain)])
    assert clf.best_validation_score_ == max(clf.validation_scores_) == clf.score(X_val, y_val)
    best = int(np.argmax(clf.validation_scores_))
    assert best < len(seen) - 5 and len(clf.loss_curve_) == len(seen)
    assert all(map(np.array_equal, weights(clf), seen[best]))


def test_another_solver_continues_from_the_weights_alone() -> None:
    X = StandardScaler().fit_transform(X_IRIS)
    clf = MLPClassifier((8,), early_stopping=True, warm_start=True, random_state=0, max_iter=60,
                        learning_rate_init=0.05).fit(X, Y_IRIS)  # fmt: skip
    before = [w.copy() for w in weights(clf)]
    clf.set_params(solver="sgd", learning_rate_init=1e-9, max_iter=2).fit(X, Y_IRIS)
    for a, b in zip(weights(clf), before, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    clf.set_params(nesterovs_momentum=False).fit(X, Y_IRIS).fit(X, Y_IRIS)


def test_what_was_best_on_other_rows_is_scored_on_the_present_ones() -> None:
    X = StandardScaler().fit_transform(X_IRIS)
    easy, hard, V = Y_IRIS < 1, Y_IRIS < 2, slice(None, None, 5)
    clf = MLPClassifier((8,), warm_start=True, random_state=0, learning_rate_init=0.05,
                        max_iter=60).fit(X, easy, X_val=X[V], y_val=easy[V])  # fmt: skip
    assert clf.best_validation_score_ == 1 and clf.n_iter_ < 60
    clf.fit(X, hard, X_val=X[V], y_val=hard[V])
    assert clf.n_iter_ > 1 and clf.score(X[V], hard[V]) == clf.best_validation_score_ > 0.9
    clf.partial_fit(X, easy, X_val=X[V], y_val=easy[V])
    assert clf.best_validation_score_ == clf.score(X[V], easy[V])


def test_a_call_that_fails_leaves_a_classifier_that_predicts() -> None:
    clf = MLPClassifier(max_iter=5, random_state=0).fit(X_IRIS, NAMES)
    P = clf.predict_proba(X_IRIS)
    with pytest.raises(ValueError, match="sample_weight"):
        clf.fit(X_IRIS, Y_IRIS % 2, sample_weight=-np.ones(150))
    assert np.array_equal(clf.predict_proba(X_IRIS), P) and len(clf.classes_) == 3
    fresh = MLPClassifier(random_state=0)
    with pytest.raises(ValueError, match="NaN"):
        fresh.partial_fit(np.full((2, 4), np.nan), [0, 1], classes=[0, 1])
    fresh.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])


def test_a_copy_keeps_its_own_curves_and_an_edit_in_place_is_noticed() -> None:
    clf = MLPClassifier(random_state=0).partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    copied = copy.copy(clf).partial_fit(X_IRIS, Y_IRIS)
    assert len(clf.loss_curve_) == clf.n_iter_ == 1 and len(copied.loss_curve_) == 2
    clf.fit(X_IRIS, Y_IRIS, X_val=X_IRIS, y_val=Y_IRIS)
    clf.coefs_[0][:] = 0
    clf.coefs_[1][:] = 0
    clf.partial_fit(X_IRIS, Y_IRIS, X_val=X_IRIS, y_val=Y_IRIS)
    assert np.abs(clf.coefs_[0]).max() < 0.01
    assert clf.best_validation_score_ == clf.score(X_IRIS, Y_IRIS)


def test_adaptive_cuts_belong_to_their_learning_rate() -> None:
    settings = {"solver": "sgd", "tol": 10, "n_iter_no_change": 1, "warm_start": True}
    clf = MLPClassifier(learning_rate="adaptive", learning_rate_init=0.1, max_iter=9, **settings)
    assert clf.fit(X_IRIS, Y_IRIS)._optimizer.learning_rate < 0.1
    clf.set_params(learning_rate_init=0.5, max_iter=1, n_iter_no_change=50).fit(X_IRIS, Y_IRIS)
    assert clf._optimizer.learning_rate == 0.5


def test_ctrl_c_stops_a_loop_of_partial_fit(monkeypatch) -> None:
    clf = MLPClassifier(random_state=0).partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    before = [w.copy() for w in weights(clf)]

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("backhand.engines.fused.engine.FusedSession.advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X_IRIS, Y_IRIS)
    assert all(map(np.array_equal, weights(clf), before))


def test_partial_fit_says_which_class_it_does_not_know() -> None:
    clf = MLPClassifier(random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(X_IRIS, NAMES)
    clf.partial_fit(X_IRIS, NAMES, classes=["setosa", "versicolor", "virginica"])
    with pytest.raises(backhand.InputError, match="y holds 'rose', which is not"):
        clf.partial_fit(X_IRIS[:2], ["rose", "setosa"])
    with pytest.raises(backhand.InputError, match="without X_val"):
        clf.set_params(early_stopping=True).partial_fit(X_IRIS, NAMES)
    with pytest.raises(backhand.InputError, match="'balanced'"):
        clf.set_params(early_stopping=False, class_weight="balanced").partial_fit(X_IRIS, NAMES)
    assert not hasattr(clf.set_params(solver="lbfgs"), "partial_fit")


# Validation.


def test_rows_to_validate_on_give_back_the_best_weights_and_both_curves() -> None:
    X, y = DIGITS
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    settings = {"learning_rate_init": 0.02, "max_iter": 40, "random_state": 1}
    clf = MLPClassifier((20,), **settings).fit(X, y, X_val=X_val, y_val=y_val)
    plain = MLPClassifier((20,), **settings).fit(X, y)
    assert clf.loss_curve_ == plain.loss_curve_, "they change nothing else"
    assert len(clf.validation_scores_) == len(clf.validation_loss_curve_) == clf.n_iter_
    assert clf.score(X_val, y_val) == max(clf.validation_scores_) > clf.validation_scores_[-1]
    assert clf.best_loss_ == min(clf.loss_curve_)
    weighted = MLPClassifier((20,), **settings).fit(
        X, y, X_val=X_val, y_val=y_val, sample_weight_val=(y_val == 3) + 1e-9
    )
    threes = y_val == 3
    assert np.isclose(weighted.score(X_val[threes], y_val[threes]), weighted.best_validation_score_)


def test_training_stops_at_a_perfect_validation_score() -> None:
    X = StandardScaler().fit_transform(X_IRIS[:100])
    clf = MLPClassifier(early_stopping=True, random_state=0, learning_rate_init=0.01)
    clf.fit(X, Y_IRIS[:100])
    scores = clf.validation_scores_
    assert scores[-1] == 1 and max(scores[:-1], default=0) < 1 and clf.n_iter_ == len(scores)
    assert clf.stopped_


def test_validation_rows_must_fit() -> None:
    for wrong, said in (
        ({"X_val": X_IRIS}, "must be passed together"),
        ({"y_val": Y_IRIS}, "must be passed together"),
        ({"X_val": X_IRIS[:, :2], "y_val": Y_IRIS}, "features"),
        ({"X_val": X_IRIS, "y_val": Y_IRIS + 1}, "y_val holds 3"),
        ({"X_val": X_IRIS, "y_val": Y_IRIS.astype(str)}, "holds '0', '1', '2'"),
        ({"sample_weight_val": Y_IRIS}, "sample_weight_val"),
        ({"X_val": X_IRIS, "y_val": Y_IRIS, "sample_weight_val": [1.0]}, "sample_weight"),
    ):
        with pytest.raises(ValueError, match=said):
            MLPClassifier(max_iter=2).fit(X_IRIS, Y_IRIS, **wrong)
    with pytest.raises(backhand.InputError, match="solver='lbfgs'"):
        MLPClassifier(solver="lbfgs").fit(X_IRIS, Y_IRIS, X_val=X_IRIS, y_val=Y_IRIS)


# Class weights and dropout.


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 2: 0.5}])
def test_class_weights_are_sample_weights(solver: str, class_weight) -> None:
    X, y = X_IRIS[20:], Y_IRIS[20:]
    settings = {"solver": solver, "max_iter": 20, "random_state": 0}
    w = compute_sample_weight(class_weight, y)
    by_class = MLPClassifier(class_weight=class_weight, **settings).fit(X, y)
    by_row = MLPClassifier(**settings).fit(X, y, sample_weight=w)
    for a, b in zip(weights(by_class), weights(by_row), strict=True):
        assert relative(a, b) < 1e-12
    assert not same(by_class, MLPClassifier(**settings).fit(X, y))
    both = MLPClassifier(class_weight={1: 2.0}, **settings).fit(X, y, sample_weight=w)
    product = MLPClassifier(**settings).fit(X, y, sample_weight=w * np.where(y == 1, 2, 1))
    assert relative(both.coefs_[0], product.coefs_[0]) < 1e-12


def test_class_weights_help_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(2000) < 0.05).astype(int)
    X = rng.standard_normal((2000, 2)) + 1.2 * y[:, None]
    plain, balanced = (
        MLPClassifier((8,), class_weight=w, random_state=0, max_iter=50).fit(X, y)
        for w in (None, "balanced")
    )
    assert balanced.predict(X)[y == 1].mean() > 0.6 > 0.3 > plain.predict(X)[y == 1].mean()


def test_dropout_holds_overfitting_down_and_repeats() -> None:
    X, y = DIGITS
    X, X_test, y, y_test = train_test_split(X, y, train_size=200, random_state=0)
    settings = {"hidden_layer_sizes": (200,), "max_iter": 100, "random_state": 0}
    plain, one, two = (MLPClassifier(dropout=p, **settings).fit(X, y) for p in (0, 0.5, 0.5))
    assert same(one, two) and not same(one, plain)
    assert one.loss_curve_[-1] > plain.loss_curve_[-1]
    assert one.score(X_test, y_test) > 0.9
    threaded = MLPClassifier(dropout=0.5, engine="reference", **settings).fit(X, y)
    assert relative(threaded.coefs_[0], one.coefs_[0]) < 1e-6, "the same units in every engine"


# In scikit-learn's company.


class Listener:
    """A callback of scikit-learn's protocol: `hears` is told of everything."""

    def setup(self, estimator, context):
        self.hears("setup", estimator, context)

    def teardown(self, estimator, context):
        self.hears("teardown", estimator, context)

    def on_fit_task_begin(self, estimator, context):
        self.hears("begin", estimator, context)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        return self.hears("end", fitted_estimator, context)


def test_callbacks_are_told_of_each_epoch() -> None:
    monitor = ScoringMonitor(scoring="accuracy")
    clf = MLPClassifier(max_iter=12, random_state=0).set_callbacks(monitor)
    clf.fit(X_IRIS, NAMES)
    log = monitor.get_logs().data
    epochs = [row for row in log if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in epochs] == list(range(12))
    assert np.isclose(epochs[-1]["accuracy"], clf.score(X_IRIS, NAMES))
    assert same(clf, MLPClassifier(max_iter=12, random_state=0).fit(X_IRIS, NAMES))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_can_stop_the_fit_and_has_as_many_ends_as_beginnings(solver: str) -> None:
    calls = []

    class Stopper(Listener):
        def hears(self, call, estimator, context):
            calls.append(call)
            if call == "end" and estimator is not None and context.parent is not None:
                assert len(estimator.predict(X_IRIS)) == 150
                return context.task_id == 2
            return False

    clf = MLPClassifier(solver=solver, random_state=0).set_callbacks(Stopper())
    clf.fit(X_IRIS, Y_IRIS)
    assert clf.n_iter_ == 3
    assert calls[0] == "setup" and calls[-1] == "teardown"
    assert calls.count("begin") == calls.count("end") == 4


@new_scikit_learn
def test_a_progress_bar_over_a_search(capsys) -> None:
    search = GridSearchCV(MLPClassifier(max_iter=3), {"alpha": [0, 1]}, cv=2)
    search.set_callbacks(ProgressBar()).fit(X_IRIS, Y_IRIS)
    assert "MLPClassifier" in capsys.readouterr().out


def test_verbose_prints_a_line_an_epoch(capsys) -> None:
    clf = MLPClassifier(verbose=True, max_iter=500, tol=0.05, early_stopping=True, random_state=0)
    clf.fit(*DIGITS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {clf.loss_curve_[0]:.8f}"
    assert sum(line.startswith("Validation score: ") for line in lines) == clf.n_iter_
    assert lines[-1].startswith("Validation score did not improve more than tol=0.05")


def test_metadata_is_routed() -> None:
    w = np.where(Y_IRIS == 0, 0.0, 1.0)
    with config_context(enable_metadata_routing=True):
        clf = MLPClassifier(max_iter=30, random_state=0)
        clf.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        clf.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, clf, transform_input=["X_val"])
        pipeline.fit(X_IRIS, Y_IRIS, sample_weight=w, X_val=X_IRIS, y_val=Y_IRIS)
        X = StandardScaler().fit_transform(X_IRIS)
        direct = MLPClassifier(max_iter=30, random_state=0)
        direct.fit(X, Y_IRIS, sample_weight=w, X_val=X, y_val=Y_IRIS)
        assert same(pipeline[-1], direct)
        search = GridSearchCV(clf.set_fit_request(X_val=False, y_val=False), {"alpha": [0, 1]})
        search.fit(X_IRIS, Y_IRIS, sample_weight=w)
        assert np.isfinite(search.best_score_)


def composites():
    clf = MLPClassifier((16,), max_iter=20, random_state=0)
    scaled = make_pipeline(StandardScaler(), clf)
    columns = ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", "passthrough", [2, 3])])
    return {
        "grid": GridSearchCV(scaled, {"mlpclassifier__alpha": [0, 0.1]}, cv=3),
        "pipeline": scaled,
        "calibrated": CalibratedClassifierCV(scaled, cv=3),
        "voting": VotingClassifier([("a", scaled), ("b", clf)], voting="soft"),
        "columns": make_pipeline(columns.set_params(n_jobs=2), clf),
    }


@pytest.mark.parametrize(("name", "backend"), [
    *((name, "threading") for name in composites()),
    *(pytest.param(name, "loky", marks=pytest.mark.slow if name != "voting" else ())
      for name in composites()),
])  # fmt: skip
def test_two_jobs_give_the_scores_of_one(name: str, backend: str) -> None:
    estimator = composites()[name]
    alone = cross_val_score(estimator, X_IRIS, NAMES, cv=3)
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=2)
    with joblib.parallel_config(backend=backend):
        if name == "grid":
            estimator.fit(X_IRIS, NAMES)
        together = cross_val_score(estimator, X_IRIS, NAMES, cv=3, n_jobs=2)
    assert np.array_equal(alone, together)


def test_a_fitted_classifier_can_be_stored_copied_and_shown(tmp_path) -> None:
    clf = MLPClassifier(max_iter=10, random_state=0).fit(X_IRIS, NAMES)
    P = clf.predict_proba(X_IRIS)
    assert np.array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X_IRIS), P)
    joblib.dump(clf, tmp_path / "clf")
    assert np.array_equal(joblib.load(tmp_path / "clf").predict_proba(X_IRIS), P)
    assert clone(clf).get_params() == clf.get_params() and not hasattr(clone(clf), "coefs_")
    assert "MLPClassifier" in clf._repr_html_()
    assert clf.__sklearn_tags__().input_tags.sparse
    backhand.save(clf, tmp_path / "clf.safetensors")
    model = backhand.load(tmp_path / "clf.safetensors")
    assert np.array_equal(model.predict_proba(X_IRIS), P)
    assert model.predict(X_IRIS[:1]) == clf.predict(X_IRIS[:1])


def test_ctrl_c_keeps_what_was_learned() -> None:
    class Interrupter(Listener):
        def hears(self, call, _, context):
            if call == "end" and context.task_id == 4 and context.parent is not None:
                raise KeyboardInterrupt

    clf = MLPClassifier(random_state=0).set_callbacks(Interrupter())
    with pytest.warns(backhand.errors.BackhandWarning, match="interrupted by user"):
        clf.fit(X_IRIS, Y_IRIS)
    assert clf.n_iter_ == len(clf.loss_curve_) == 5
    assert same(clf, MLPClassifier(random_state=0, max_iter=5).fit(X_IRIS, Y_IRIS))


# To and from torch.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_torch_networks_come_and_go(dtype) -> None:
    torch = pytest.importorskip("torch")
    X = X_IRIS.astype(dtype)
    clf = MLPClassifier((8,), max_iter=30, random_state=0).fit(X, NAMES)
    network = clf.to_torch()
    assert [type(layer).__name__ for layer in network] == ["Linear", "ReLU", "Linear"]
    with torch.no_grad():
        P = torch.softmax(network(torch.from_numpy(X)), 1).numpy()
        assert np.array_equal(clf.to_torch(softmax=True)(torch.from_numpy(X)).numpy(), P)
    np.testing.assert_allclose(clf.predict_proba(X), P, atol=1e-6 if dtype == np.float32 else 1e-12)
    back = MLPClassifier.from_torch(network, classes=clf.classes_)
    assert same(back, clf) and np.array_equal(back.predict(X), clf.predict(X))
    assert back.hidden_layer_sizes == 8 and back.n_features_in_ == 4
    back.partial_fit(X, NAMES)
    one = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    with pytest.raises(backhand.InputError, match="one output; expected one per class"):
        MLPClassifier.from_torch(one)
    with pytest.raises(backhand.InputError, match="sorted"):
        MLPClassifier.from_torch(network, classes=["b", "a", "c"])


# What is wrong.


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden_layer_sizes": (10, 10)}, "exactly one hidden layer"),
        ({"hidden_layer_sizes": ()}, "exactly one hidden layer"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes is 0"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes is 2.5"),
        ({"hidden_layer_sizes": None}, "hidden_layer_sizes is None"),
        ({"shuffle": "no"}, "shuffle is 'no'; expected True or False"),
        ({"early_stopping": None}, "early_stopping is None"),
        ({"activation": "tanh"}, "use activation='relu'"),
        ({"activation": "rlu"}, "Did you mean 'relu'"),
        ({"solver": "newton"}, "'lbfgs', 'sgd' and 'adam'"),
        ({"solver": None}, "solver is None"),
        ({"learning_rate": "adaptiv"}, "Did you mean 'adaptive'"),
        ({"learning_rate_init": 0}, "learning_rate_init is 0"),
        ({"alpha": -1}, "alpha is -1"),
        ({"power_t": -1}, "power_t"),
        ({"tol": None}, "tol is None"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"max_iter": 1.5}, "max_iter is 1.5"),
        ({"max_fun": 0}, "max_fun is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": "all"}, "batch_size is 'all'; expected 'auto'"),
        ({"momentum": 1.5}, "momentum is 1.5"),
        ({"beta_1": 1}, "beta_1 is 1"),
        ({"epsilon": 0}, "epsilon is 0"),
        ({"n_iter_no_change": 0}, "n_iter_no_change is 0"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1"),
        ({"class_weight": "balance"}, "class_weight is 'balance'"),
        ({"class_weight": {0: 1.0, 7: 2.0}}, "class_weight names 7, which is not a class"),
        (
            {"class_weight": {0: -1.0}},
            "class_weight is {0: -1.0}; expected None or 'balanced' or a dict",
        ),
        ({"dropout": 1}, "dropout is 1"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "needs the same loss throughout"),
        ({"engine": "numpy"}, "engine is 'numpy'"),
        ({"threads": 0}, "threads is 0"),
        ({"random_state": "x"}, "cannot be used to seed"),
    ],
)
def test_what_is_not_offered_is_told(settings, said) -> None:
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**settings).fit(X_IRIS, Y_IRIS)


def test_several_labels_a_row_are_told() -> None:
    with pytest.raises(backhand.InputError, match="expected one label per row"):
        MLPClassifier(max_iter=1).fit(X_IRIS, np.eye(3)[Y_IRIS])


def test_a_fit_that_diverges_says_so() -> None:
    clf = MLPClassifier(solver="sgd", learning_rate_init=1e8)
    for X in (X_IRIS * 1e200, scipy.sparse.csr_array(X_IRIS * 1e200)):
        with pytest.raises(ValueError, match="smaller learning rate"):
            clf.fit(X, Y_IRIS)


def test_numbers_that_float32_cannot_hold_are_told() -> None:
    clf = MLPClassifier(max_iter=1).fit(X_IRIS.astype(np.float32), Y_IRIS)
    for kind in (np.asarray, scipy.sparse.csr_array):
        X = X_IRIS.copy()
        X[2, 1] = 1e39
        with pytest.raises(backhand.InputError, match=r"1e\+39 at row 2, column 1"):
            clf.predict(kind(X))


def test_a_batch_larger_than_the_data_is_told_and_clipped() -> None:
    settings = {"max_iter": 3, "random_state": 0}
    with pytest.warns(backhand.errors.BackhandWarning, match="a batch is all of them") as caught:
        clipped = MLPClassifier(batch_size=1000, **settings).fit(X_IRIS, Y_IRIS)
    assert caught[0].filename == __file__
    assert same(clipped, MLPClassifier(batch_size=150, **settings).fit(X_IRIS, Y_IRIS))
