"""What `MLPClassifier` says while it trains: filters for scikit-learn's words hold for it."""

import importlib
import sys
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from backhand import MissingDependencyError, MLPClassifier

X, Y = load_iris(return_X_y=True)
THEIRS = sklearn.neural_network.MLPClassifier
MAX_ITER = {"max_iter": 2}
BATCH = {"max_iter": 500, "tol": 0.5, "batch_size": 999}
LBFGS = {"solver": "lbfgs", "max_iter": 2}


def told(cls, settings, **ignored) -> list:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if ignored:
            warnings.filterwarnings("ignore", **ignored)
        cls(random_state=0, **settings).fit(X, Y)
    return caught


@pytest.mark.parametrize("settings", [MAX_ITER, BATCH, LBFGS])
@pytest.mark.parametrize(
    "ignored",
    [
        {},
        {"category": ConvergenceWarning},
        {"category": UserWarning},
        {"module": "sklearn"},
        {"module": r"sklearn\.neural_network"},
        {"module": r"sklearn\.neural_network\._multilayer_perceptron\Z"},
        {"message": "Stochastic Optimizer"},
        {"message": "Got `batch_size` less than 1 or larger than sample size"},
        {"message": "lbfgs failed to converge"},
        {"category": ConvergenceWarning, "module": "sklearn"},
    ],
)
def test_filters_for_scikit_learns_warnings_hold(settings, ignored) -> None:
    assert len(told(MLPClassifier, settings, **ignored)) == len(told(THEIRS, settings, **ignored))


@pytest.mark.parametrize("settings", [MAX_ITER, BATCH, LBFGS])
def test_a_warning_begins_with_scikit_learns_words_and_names_the_line_that_called(settings) -> None:
    (ours,), (theirs,) = told(MLPClassifier, settings), told(THEIRS, settings)
    words = str(theirs.message).split("\n")[0]
    assert str(ours.message).startswith(words)
    assert issubclass(ours.category, theirs.category)
    assert ours.filename == __file__ and ours.lineno == told.__code__.co_firstlineno + 5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
def test_verbose_prints_what_scikit_learn_prints(capsys, learning_rate, early_stopping) -> None:
    settings = {"solver": "sgd", "learning_rate": learning_rate, "tol": 0.05, "verbose": True,
                "n_iter_no_change": 3, "random_state": 0,
                "early_stopping": early_stopping}  # fmt: skip
    X_noisy = X + np.random.RandomState(0).randn(*X.shape) * 3  # no validation score of 1
    said = []
    for cls in (MLPClassifier, THEIRS):
        cls((8,), **settings).fit(X_noisy, Y)
        said.append(capsys.readouterr().out.splitlines())
    assert [line[:40] for line in said[0]] == [line[:40] for line in said[1]]
    assert [line[-30:] for line in said[0] if "tol" in line] == \
        [line[-30:] for line in said[1] if "tol" in line]  # fmt: skip
    assert any("Setting learning rate to" in line for line in said[0]) == (
        learning_rate == "adaptive"
    )


def test_where_scikit_learn_is_too_old_a_sentence_says_so(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "backhand.estimator")
    monkeypatch.setattr("backhand.support.optional.version", lambda package: "1.6.1")
    with pytest.raises(
        MissingDependencyError, match=r"need scikit-learn 1\.7 or newer, and .* is inst"
    ):
        importlib.import_module("backhand.estimator")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_before_scikit_learn_19_all_but_callbacks_and_the_search_works(monkeypatch) -> None:
    now = MLPClassifier((5,), max_iter=3, random_state=0).fit(X, Y)
    ours = [name for name in sys.modules if name.startswith("backhand.estimator")]
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    older = importlib.import_module("backhand.estimator")
    before = older.MLPClassifier((5,), max_iter=3, random_state=0).set_callbacks().fit(X, Y)
    assert before.loss_curve_ == now.loss_curve_
    for refused in (
        lambda: before.set_callbacks("any"),
        lambda: older.GridSearchCV(before, {"alpha": [0, 1]}).fit(X, Y),
    ):
        with pytest.raises(MissingDependencyError, match=r"needs scikit-learn 1\.9 or newer"):
            refused()
