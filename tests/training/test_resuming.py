"""`MLPClassifier` in parts: short fits and calls of `partial_fit` learn what one long fit does."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from backhand import EarlyStopping, History, MLPClassifier
from backhand.training.early_stopping import EarlyStoppingState

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = StandardScaler().fit_transform(X_IRIS)
X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)
# Some labels are wrong, so that no score is perfect.
VALIDATION = {"X_val": X_IRIS[::3], "y_val": np.where(np.arange(50) % 7, Y_IRIS[::3], 0)}
NEVER = 10**6


def weights(clf) -> list:
    return [*clf.coefs_, *clf.intercepts_]


def same(a, b) -> bool:
    return all(map(np.array_equal, weights(a), weights(b)))


@pytest.mark.parametrize(
    ("settings", "validation"),
    [
        ({"early_stopping": True}, {}),
        ({}, VALIDATION),
        ({"early_stopping": True, "dropout": 0.3}, VALIDATION),
        ({"dropout": 0.5}, {}),
        ({"solver": "sgd", "learning_rate": "adaptive", "tol": 0.01, "n_iter_no_change": 2}, {}),
        ({"solver": "sgd", "learning_rate": "invscaling", "early_stopping": True}, {}),
    ],
)
@pytest.mark.parametrize("epochs", [1, 10])
def test_short_fits_are_one_long_fit_to_the_bit(settings, validation, epochs: int) -> None:
    settings = {"n_iter_no_change": NEVER, "shuffle": False, "random_state": 0,
                "learning_rate_init": 0.02} | settings  # fmt: skip
    whole = MLPClassifier((8,), max_iter=30, **settings).fit(X_IRIS, Y_IRIS, **validation)
    parts = MLPClassifier((8,), max_iter=epochs, warm_start=True, **settings)
    for _ in range(30 // epochs):
        parts = pickle.loads(pickle.dumps(parts.fit(X_IRIS, Y_IRIS, **validation)))
    assert same(parts, whole) and parts.loss_curve_ == whole.loss_curve_
    assert len(parts.loss_curve_) == 30 and parts.t_ == whole.t_
    assert parts.validation_scores_ == whole.validation_scores_
    assert parts.best_validation_score_ == whole.best_validation_score_


def test_a_loop_of_short_fits_learns_digits_as_one_long_fit_does() -> None:
    X, X_test, y, y_test = train_test_split(X_DIGITS, Y_DIGITS, random_state=0)
    settings = {"early_stopping": True, "random_state": 0}
    long = MLPClassifier((20,), max_iter=150, n_iter_no_change=np.inf, **settings).fit(X, y)
    loop = MLPClassifier((20,), max_iter=1, warm_start=True, **settings)
    for _ in range(150):
        loop.fit(X, y)
    assert len(loop.validation_scores_) == 150
    assert loop.best_validation_score_ == max(loop.validation_scores_)
    assert abs(loop.score(X_test, y_test) - long.score(X_test, y_test)) < 0.02


def test_fits_with_early_stopping_hold_out_the_same_rows() -> None:
    """With a generator, scikit-learn's would draw new ones; rows learned from would then judge."""
    clf = MLPClassifier((8,), early_stopping=True, warm_start=True, max_iter=1, dropout=0.2,
                        random_state=np.random.RandomState(0))  # fmt: skip
    held_out = []
    for _ in range(3):
        clf.fit(X_IRIS, Y_IRIS)
        clf = pickle.loads(pickle.dumps(clf))
        held_out.append(clf._held_out.get_state()[1])
    assert all(np.array_equal(held_out[0], state) for state in held_out[1:])
    fresh = clone(clf).set_params(random_state=1).fit(X_IRIS, Y_IRIS)
    assert not np.array_equal(fresh._held_out.get_state()[1], held_out[0])


def test_a_fit_that_does_not_validate_begins_with_the_weights_that_were_given_back() -> None:
    settings = {"learning_rate_init": 0.05, "random_state": 0, "warm_start": True, "max_iter": 40}
    clf = MLPClassifier((8,), **settings).fit(X_IRIS, Y_IRIS, **VALIDATION)
    before = [w.copy() for w in weights(clf)]
    last = clf._optimizer.last.params
    assert not np.array_equal(before[0], last.W1), "the last epoch was not the best"
    clf.set_params(learning_rate_init=1e-12, max_iter=1)
    for go_on in (MLPClassifier.fit, MLPClassifier.partial_fit):
        went_on = go_on(copy.deepcopy(clf), X_IRIS, Y_IRIS)
        for a, b in zip(weights(went_on), before, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-9)


def test_settings_may_change_between_fits() -> None:
    """Validation by other rules keeps what was best; L-BFGS begins with the weights alone."""
    clf = MLPClassifier((8,), random_state=0, warm_start=True, max_iter=20, learning_rate_init=0.05)
    clf.fit(X_IRIS, Y_IRIS, **VALIDATION)
    best = clf.best_validation_score_
    for changed in ({"early_stopping": True}, {"alpha": 0.1, "batch_size": 20}, {"max_iter": 1},
                    {"early_stopping": False}, {"beta_1": 0.5}, {"dropout": 0.5},
                    {"solver": "sgd"}, {"momentum": 0.0}):  # fmt: skip
        clf.set_params(**changed).fit(X_IRIS, Y_IRIS, **VALIDATION)
        assert clf.score(VALIDATION["X_val"], VALIDATION["y_val"]) == clf.best_validation_score_
        assert clf.best_validation_score_ >= best
        best = clf.best_validation_score_
    clf.set_params(solver="lbfgs", dropout=0.0, max_iter=5).fit(X_IRIS, Y_IRIS)
    loss = clf.loss_
    clf.fit(X_IRIS, Y_IRIS)
    assert clf.loss_ < loss
    clf.set_params(solver="adam").fit(X_IRIS, Y_IRIS, sample_weight=np.linspace(0, 1, 150))
    assert np.isfinite(clf.loss_)


def test_early_stopping_continues_with_the_figures_that_both_rules_look_at() -> None:
    history = History(*(np.array(x) for x in ([3.0, 4.0], [0, 0], [1.0, 1.0], [0.5, 0.25])))
    first = EarlyStoppingState(EarlyStopping(9, monitor="loss", best="validation_accuracy"))
    once, best = first.step(1, history)
    seen, better = once.step(2, history)
    assert best and not better and once.lowest == 3
    other = seen.under(EarlyStopping(9, monitor="validation_accuracy"))
    assert other.best == 0.5 and other.num_bad_epochs == 0
    plain = seen.under(EarlyStopping(5, monitor="loss"))
    assert plain.best is None and plain.num_bad_epochs == 1 and plain.lowest == 3
    assert plain.rule.patience == 5


def test_lbfgs_does_not_end_in_weights_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match="L-BFGS made parameters that are not finite"):
        MLPClassifier((4,), solver="lbfgs").fit(X_IRIS, Y_IRIS, np.full(150, 1e-300))
