"""Each line of "What differs" in docs/from-scikit-learn.md, beside scikit-learn's own class."""

import warnings

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

import backhand
from backhand import InputError
from backhand.errors import BackhandWarning
from conftest import ROOT
from helpers.optional_packages import new_scikit_learn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

Ours, Theirs = backhand.MLPClassifier, sklearn.neural_network.MLPClassifier
X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
TWO = Y < 2
PAGE = (ROOT / "docs" / "from-scikit-learn.md").read_text()
LINES = [
    line.split("|")[1].strip()
    for line in PAGE.split("## What differs")[1].split("##")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| |", "| **"))
]
TESTED = []


def line(*begins: str):
    """The test is of the lines that begin so."""
    for begin in begins:
        assert any(text.startswith(begin) for text in LINES), f"no line begins with {begin}"
    TESTED.extend(begins)
    return lambda test: test


def fitted(cls, settings=None, X=X, y=Y, **fit):
    return cls(**{"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0} | (settings or {})
               ).fit(X, y, **fit)  # fmt: skip


@line("hidden layers", "`activation`", "multi-label classification, regression")
def test_the_network_is_one() -> None:
    labels = np.eye(3, dtype=int)[Y]
    for settings, y in (({"hidden_layer_sizes": (4, 4)}, Y), ({"activation": "tanh"}, Y),
                        ({}, labels)):  # fmt: skip
        fitted(Theirs, settings, y=y)
        with pytest.raises(InputError):
            fitted(Ours, settings, y=y)


@line("two classes", "one class only")
def test_there_is_an_output_a_class() -> None:
    ours, theirs = (fitted(cls, X=X[TWO], y=Y[TWO]) for cls in (Ours, Theirs))
    assert (ours.n_outputs_, theirs.n_outputs_) == (2, 1)
    assert ours.coefs_[1].shape == (4, 2) and not ours.coefs_[1][:, 0].any()
    np.testing.assert_allclose(ours.coefs_[1][:, 1:], theirs.coefs_[1])
    ours, theirs = (fitted(cls, X=X[:50], y=Y[:50]) for cls in (Ours, Theirs))
    assert ours.predict_proba(X).shape == (150, 1) and theirs.predict_proba(X).shape == (150, 2)


@line("`out_activation_`", "`decision_function`")
@pytest.mark.parametrize("rows", [TWO, Y < 3])
def test_logits_come_from_decision_function(rows) -> None:
    ours, theirs = (fitted(cls, X=X[rows], y=Y[rows]) for cls in (Ours, Theirs))
    theirs.out_activation_ = "identity"
    S = ours.decision_function(X)
    logits = theirs.predict_proba(X)
    np.testing.assert_allclose(S, logits[:, 1] if rows is TWO else logits, rtol=1e-9)
    with pytest.raises(AttributeError, match="decision_function"):
        ours.out_activation_ = "identity"
    assert not hasattr(Theirs, "decision_function")
    calibrated = [CalibratedClassifierCV(cls((4,), max_iter=20, random_state=0), cv=3)
                  .fit(X, Y).predict_proba(X) for cls in (Ours, Theirs)]  # fmt: skip
    assert np.abs(np.subtract(*calibrated)).max() > 1e-3


def test_decision_function_takes_what_predict_takes() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (np.float32, np.float64):
        clf = fitted(Ours, X=X.astype(kind))
        S = clf.decision_function(X.astype(kind))
        assert S.dtype == kind and S.shape == (150, 3)
        P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(P, clf.predict_proba(X), rtol=1e-5)
        assert np.array_equal(clf.decision_function(sparse.csr_array(X.astype(kind))), S)
        assert np.array_equal(clf.classes_[S.argmax(axis=1)], clf.predict(X))
    with pytest.raises(ValueError, match="not fitted"):
        Ours().decision_function(X)


@line("`early_stopping`")
def test_training_ends_at_a_perfect_score() -> None:
    settings = {"early_stopping": True, "max_iter": 200, "learning_rate_init": 0.05}
    ours, theirs = (fitted(cls, settings, X=X[TWO], y=Y[TWO]) for cls in (Ours, Theirs))
    assert ours.best_validation_score_ == theirs.best_validation_score_ == 1
    assert ours.n_iter_ < theirs.n_iter_


@line("`warm_start`, optimizer", "`warm_start` with", "the same, rows held out")
def test_warm_fits_go_on() -> None:
    settings = {"warm_start": True, "shuffle": False, "max_iter": 5, "early_stopping": True,
                "n_iter_no_change": 99}  # fmt: skip
    whole = fitted(Ours, settings | {"max_iter": 10})
    again = fitted(Ours, settings).fit(X, Y)
    assert np.array_equal(again.coefs_[0], whole.coefs_[0])
    whole, again = fitted(Theirs, settings | {"max_iter": 10}), fitted(Theirs, settings).fit(X, Y)
    assert not np.allclose(again.coefs_[0], whole.coefs_[0])
    assert again._optimizer.t == 5, "a new optimizer"


@line("`partial_fit` with `early_stopping`", "`partial_fit` with `warm_start=True`")
def test_partial_fit_stops_early_and_takes_any_batch() -> None:
    classes = {"classes": [0, 1, 2]}
    with pytest.raises(ValueError, match="does not support early_stopping"):
        Theirs(early_stopping=True).partial_fit(X, Y, **classes)
    clf = Ours(early_stopping=True).partial_fit(X, Y, X_val=X, y_val=Y, **classes)
    assert clf.validation_scores_ == [clf.score(X, Y)]
    for cls in (Ours, Theirs):
        clf = cls(warm_start=True).partial_fit(X, Y, **classes)
        if cls is Ours:
            clf.partial_fit(X[TWO], Y[TWO])
        else:
            with pytest.raises(ValueError, match="same classes"):
                clf.partial_fit(X[TWO], Y[TWO])


@line("another `learning_rate_init`")
@pytest.mark.parametrize("changed", [{"learning_rate_init": 0.5}, {"momentum": 0.0},
                                     {"solver": "adam"}])  # fmt: skip
def test_settings_take_effect_between_calls(changed) -> None:
    moved = []
    for cls in (Ours, Theirs):
        ends = []
        for other in ({}, changed):
            clf = cls((4,), solver="sgd", random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
            ends.append(clf.set_params(**other).partial_fit(X, Y).coefs_[0])
        moved.append(not np.array_equal(*ends))
    assert moved == [True, False]


@line("Ctrl-C in `partial_fit`")
def test_ctrl_c_ends_a_loop_of_partial_fit(monkeypatch) -> None:
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    clf = Theirs().partial_fit(X, Y, classes=[0, 1, 2])
    monkeypatch.setattr(clf, "_backprop", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf.partial_fit(X, Y)
    clf = Ours(engine="reference").partial_fit(X, Y, classes=[0, 1, 2])
    monkeypatch.setattr("backhand.engines.array_engine.ArraySession.advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, Y)


@line("a loss that is not finite")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_says_where() -> None:
    settings = {"solver": "sgd", "learning_rate_init": 1e200}
    with pytest.raises(backhand.DivergenceError, match="epoch") as caught:
        fitted(Ours, settings)
    assert all(np.isfinite(value).all() for value in caught.value.params)
    with pytest.raises(ValueError, match="non-finite"):
        fitted(Theirs, settings)


@line("`loss_curve_` with sample weights", "a batch whose weights", "negative sample weights")
def test_weights_of_rows() -> None:
    w = 1.0 + (np.arange(150) < 75)
    settings = {"shuffle": False, "batch_size": 75, "max_iter": 1, "learning_rate_init": 1e-12,
                "alpha": 0}  # fmt: skip
    ours, theirs = (fitted(cls, settings, sample_weight=w) for cls in (Ours, Theirs))
    losses = -np.log(ours.predict_proba(X)[np.arange(150), Y])
    assert np.isclose(ours.loss_, np.average(losses, weights=w))
    assert np.isclose(theirs.loss_, losses.mean())
    none = np.where(np.arange(150) < 75, 0.0, 1.0)
    assert np.isfinite(fitted(Ours, settings, sample_weight=none).loss_)
    with pytest.raises(ZeroDivisionError):
        fitted(Theirs, settings, sample_weight=none)
    fitted(Theirs, sample_weight=-w)
    with pytest.raises(InputError, match="0 or more"):
        fitted(Ours, sample_weight=-w)


@line("`lbfgs`", "fitted attributes", "`verbose` of `lbfgs`")
def test_lbfgs(capsys) -> None:
    settings = {"solver": "lbfgs", "verbose": True}
    ours, theirs = (fitted(cls, settings, X=X.astype(np.float32)) for cls in (Ours, Theirs))
    assert ours.coefs_[0].dtype == np.float32 and theirs.coefs_[0].dtype == np.float64
    assert len(ours.loss_curve_) == 3 and not hasattr(theirs, "loss_curve_")
    assert capsys.readouterr().out.count("Iteration ") == 3
    assert ours.best_loss_ == ours.loss_ and ours.validation_loss_curve_ is None
    assert not hasattr(theirs, "best_loss_") and not hasattr(theirs, "parameters_")
    # On columns that are not scaled, rows are as wrong as can be: theirs are cut off there.
    X_raw, y = load_breast_cancer(return_X_y=True)
    ours, theirs = (fitted(cls, {"solver": "lbfgs", "max_iter": 1}, X=X_raw * 1e3, y=y)
                    for cls in (Ours, Theirs))  # fmt: skip
    assert not np.isclose(ours.loss_, theirs.loss_)


@line("P of a float32 classifier", "`predict_log_proba` where P is 0")
def test_probabilities() -> None:
    ours, theirs = (fitted(cls, X=X.astype(np.float32)) for cls in (Ours, Theirs))
    assert ours.predict_proba(X).dtype == np.float32 and theirs.predict_proba(X).dtype == np.float64
    reference = fitted(Ours, {"engine": "reference"}, X=X.astype(np.float32))
    reference.coefs_, reference.intercepts_ = ours.coefs_, ours.intercepts_
    assert np.abs(ours.predict_proba(X) - reference.predict_proba(X)).max() <= 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isneginf(ours.predict_log_proba(X * 1e6)).any()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        theirs.predict_log_proba(X * 1e6)


@line("X of texts", "nan set into `coefs_`")
def test_what_is_not_a_number_is_refused() -> None:
    texts = np.full((2, 4), "a")
    for cls, said in ((Theirs, "dtype='numeric' is not"), (Ours, "could not convert string")):
        clf = fitted(cls)
        with pytest.raises(ValueError, match=said):
            clf.predict_proba(texts)
        clf.coefs_[0][0, 0] = np.nan
        if cls is Theirs:
            assert np.isnan(clf.predict_proba(X)).all()
        else:
            with pytest.raises(InputError, match="W1 holds numbers that are not finite"):
                clf.predict_proba(X)


@line("`isinstance(clf", "private attributes")
def test_it_is_another_class() -> None:
    ours, theirs = fitted(Ours), fitted(Theirs)
    assert not isinstance(ours, Theirs)
    for name in ("_forward_pass", "_label_binarizer", "_random_state"):
        assert hasattr(theirs, name) and not hasattr(ours, name)
    assert backhand.forward(ours.parameters_, X).H1.shape == (150, 4)


@new_scikit_learn
@line("wrong parameters", "warnings", "more classes than half")
def test_what_is_said() -> None:
    for settings in ({"alpha": -1}, {"solver": "newton"}):
        with pytest.raises(InvalidParameterError):
            fitted(Theirs, settings)
        with pytest.raises(InputError):
            fitted(Ours, settings)
    fitted(Theirs, {"batch_size": True})
    with pytest.raises(InputError, match="batch_size is True"):
        fitted(Ours, {"batch_size": True})
    for cls, category in ((Ours, BackhandWarning), (Theirs, UserWarning)):
        with pytest.warns(UserWarning, match="Got `batch_size`") as caught:
            fitted(cls, {"batch_size": 999})
        assert caught[0].category is category
        assert (caught[0].filename == __file__) == (cls is Ours)
    with pytest.warns(UserWarning, match="could represent a regression problem"):
        fitted(Ours, y=np.arange(150))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message="Stochastic Optimizer")
        fitted(Theirs, y=np.arange(150))


@line("threads")
def test_every_line_of_the_table_is_tested_here() -> None:
    """Of threads in test_threads.py."""
    untested = [text for text in LINES if not any(text.startswith(begin) for begin in TESTED)]
    assert not untested
