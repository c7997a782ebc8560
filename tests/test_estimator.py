"""`MLPClassifier` as scikit-learn knows it."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import backhand
from backhand import MLPClassifier

# Most fits here are cut short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([MLPClassifier(max_iter=100), MLPClassifier(solver="sgd", max_iter=100)])
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


def test_digits_are_learned_in_a_pipeline() -> None:
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=100, random_state=0))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.92


def test_labels_of_any_kind_come_back() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    with pytest.warns(ConvergenceWarning):
        clf = MLPClassifier((16,), max_iter=150, learning_rate_init=0.01, random_state=0,
                            n_iter_no_change=150).fit(X, names)  # fmt: skip
    assert clf.score(X, names) > 0.95
    assert set(clf.predict(X)) == {"setosa", "versicolor", "virginica"}
    P = clf.predict_proba(X)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert [a.shape for a in clf.coefs_ + clf.intercepts_] == [(4, 16), (16, 3), (16,), (3,)]
    assert len(clf.loss_curve_) == clf.n_iter_ == 150


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library: str) -> None:
    frames = pytest.importorskip(library)
    X, y = load_iris(return_X_y=True)
    frame = frames.DataFrame({name: X[:, i] for i, name in enumerate("abcd")})
    clf = MLPClassifier(max_iter=20, random_state=0).fit(frame, frames.Series(y))
    assert clf.feature_names_in_.tolist() == list("abcd")
    plain = MLPClassifier(max_iter=20, random_state=0).fit(X, y)
    assert np.array_equal(clf.predict_proba(frame), plain.predict_proba(X))


def test_early_stopping_keeps_the_best_and_its_scores() -> None:
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier((32,), early_stopping=True, random_state=0, max_iter=500).fit(X, y)
    assert clf.n_iter_ < 500 and len(clf.validation_scores_) == clf.n_iter_
    assert max(clf.validation_scores_) > 0.9


def test_the_same_random_state_gives_the_same_bits() -> None:
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, _ = train_test_split(X.astype(np.float32), y, random_state=0)
    fits = [MLPClassifier(max_iter=20, random_state=s).fit(X_train, y_train) for s in (0, 0, 1)]
    one, two, other = (clf.predict_proba(X_test) for clf in fits)
    assert np.array_equal(one, two) and not np.array_equal(one, other)
    assert one.dtype == np.float32 and fits[0].coefs_[0].dtype == np.float32


def test_pickle_round_trip() -> None:
    X, y = load_iris(return_X_y=True)
    clf = MLPClassifier(max_iter=10, tol=0, n_iter_no_change=1, random_state=0).fit(X, y)
    assert np.array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden_layer_sizes": (10, 10)}, "exactly one hidden layer"),
        ({"solver": "newton"}, "expected 'adam' or 'sgd'"),
        ({"engine": "numpy"}, "engine is 'numpy'"),
    ],
)
def test_what_is_not_offered_is_told(settings, said) -> None:
    with pytest.raises(backhand.InputError, match=said):
        MLPClassifier(**settings).fit(*load_iris(return_X_y=True))
