"""The predictor that a fitted classifier keeps, as long as its weights and settings stay."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone

from backhand import MLPClassifier
from backhand.engines.fused.engine import FusedEngine

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # after three epochs
)

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 4)), np.arange(60) % 3


def fitted(**settings: object) -> MLPClassifier:
    return MLPClassifier((8,), random_state=0, max_iter=3, **settings).fit(X, Y)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list:
    """The parameters of each predictor that is made."""
    of: list = []
    make = FusedEngine.predictor
    monkeypatch.setattr(
        FusedEngine, "predictor", lambda self, params: of.append(params) or make(self, params)
    )
    return of


def fresh(clf: MLPClassifier) -> np.ndarray:
    """P of the present weights, by a classifier that has kept nothing."""
    return copy.deepcopy(clf).predict_proba(X)


def test_it_is_made_once(made: list) -> None:
    clf = fitted()
    before = dict(vars(clf))
    P = clf.predict_proba(X)
    assert np.array_equal(clf.predict(X), P.argmax(axis=1))
    clf.score(X, Y)
    assert len(made) == 1
    assert vars(clf) == before
    for other in (copy.copy(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        assert np.array_equal(other.predict_proba(X), P)
    assert not hasattr(clone(clf), "coefs_")


@pytest.mark.parametrize("change", [
    lambda clf: setattr(clf, "coefs_", [-W for W in clf.coefs_]),
    lambda clf: setattr(clf, "intercepts_", [b + np.arange(len(b)) for b in clf.intercepts_]),
    lambda clf: clf.coefs_.__setitem__(1, 2 * clf.coefs_[1]),
    lambda clf: clf.coefs_[0].__imul__(-1),
    lambda clf: clf.intercepts_[1].__iadd__([1, 0, 0]),
    lambda clf: setattr(clf, "parameters_", clf.parameters_._replace(b2=np.array([9.0, 0, 0]))),
    lambda clf: clf.partial_fit(X, Y),
    lambda clf: clf.fit(X[:, ::-1], Y),
])  # fmt: skip
def test_new_weights_count_at_once(change) -> None:
    clf = fitted()
    before = clf.predict_proba(X)
    change(clf)
    after = clf.predict_proba(X)
    assert np.array_equal(after, fresh(clf))
    assert not np.array_equal(after, before)


def test_lists_that_are_set_as_weights_may_change_too() -> None:
    clf = fitted()
    clf.intercepts_ = [clf.intercepts_[0].tolist(), [0.0, 0.0, 0.0]]
    before = clf.predict_proba(X)
    clf.intercepts_[1][2] = 50.0
    assert clf.predict_proba(X)[:, 2].min() > 0.99 > before[:, 2].max()


def test_settings_that_are_new_count_at_once(made: list) -> None:
    clf = fitted()
    P = clf.predict_proba(X)
    clf.set_params(threads=1)
    assert np.array_equal(clf.predict_proba(X), P) and len(made) == 2
    clf.set_params(engine="reference")
    np.testing.assert_allclose(clf.predict_proba(X), P, rtol=1e-12)
    assert len(made) == 2


def test_it_ends_with_its_classifier() -> None:
    clf = fitted()
    clf.predict_proba(X)
    weights = weakref.ref(clf.coefs_[0])
    del clf
    gc.collect()
    assert weights() is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_in_scikit_learns_words(bad: float) -> None:
    clf, rows = fitted(), X.copy()
    rows[3, 1] = bad
    for method in (clf.predict_proba, clf.predict, clf.decision_function):
        for some in (rows, scipy.sparse.csr_array(rows), rows.astype(np.float32)):
            with pytest.raises(ValueError, match=r"^Input X contains (NaN|infinity)"):
                method(some)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        clf.predict_proba(X[:, :3])
    with pytest.raises(ValueError, match="0 sample"):
        clf.predict_proba(X[:0])
