"""`GridSearchCV`: its results are those of scikit-learn's own search over the same classifier."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
import sklearn.model_selection
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    HalvingGridSearchCV,
    ParameterGrid,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from backhand import GridSearchCV, InputError, MLPClassifier
from backhand.estimator import search_fits
from backhand.training import samplers
from helpers.optional_packages import new_scikit_learn

pytestmark = [
    new_scikit_learn,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::backhand.errors.BackhandWarning"),
]

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["a", "b", "c"])[Y]
Theirs = sklearn.model_selection.GridSearchCV


def net(**settings):
    return MLPClassifier(**{"hidden_layer_sizes": 6, "max_iter": 8, "random_state": 0} | settings)


@pytest.fixture
def trained(monkeypatch) -> list[int]:
    """The numbers of trainings in each call of `train_fleet`."""
    calls = []
    train_fleet = search_fits.train_fleet

    def counted(planned, engine, **arguments):
        calls.append(len(planned))
        return train_fleet(planned, engine, **arguments)

    monkeypatch.setattr(search_fits, "train_fleet", counted)
    return calls


def both(estimator, grid, X=X, y=Y, fit=None, **settings):
    """Our search and scikit-learn's, fitted; their results are the same."""
    ours, theirs = (cls(estimator, grid, **{"cv": 3} | settings) for cls in (GridSearchCV, Theirs))
    for search in (theirs, ours):
        search.fit(X, y, **(fit or {}))
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, values in theirs.cv_results_.items():
        if not name.endswith("_time"):
            found, expected = np.asarray(ours.cv_results_[name]), np.asarray(values)
            assert found.dtype == expected.dtype, name
            assert str(found.tolist()) == str(expected.tolist()), name
        else:
            assert (ours.cv_results_[name] >= 0).all()
    told = {name for name in vars(theirs) if name.endswith("_")}
    assert told == {name for name in vars(ours) if name.endswith("_")}
    if settings.get("refit", True):
        assert repr(ours.best_params_) == repr(theirs.best_params_)
        assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert "_run" not in vars(ours)
    return ours, theirs


GRIDS = {
    "adam": (net(), {"alpha": [1e-4, 1.0], "learning_rate_init": [0.01, 0.1]}, {}),
    "sgd": (
        net(solver="sgd", learning_rate_init=0.1),
        {"learning_rate": ["constant", "invscaling", "adaptive"], "momentum": [0.0, 0.9]},
        {},
    ),
    "lbfgs": (net(), {"solver": ["lbfgs", "adam"], "max_iter": [3, 20]}, {}),
    "early_stopping": (
        net(max_iter=60, learning_rate_init=0.05, n_iter_no_change=2),
        {"early_stopping": [True, False], "hidden_layer_sizes": [4, (7,)]},
        {"y": NAMES},
    ),
    "class_weight": (
        net(),
        {"class_weight": [None, "balanced", {0: 1.0, 1: 2.0, 2: 0.5}], "dropout": [0.0, 0.3]},
        {},
    ),
    "warm_start": (net(), {"warm_start": [True, False], "shuffle": [True, False]}, {}),
    "sparse": (net(), {"alpha": [0.0, 1.0]}, {"X": scipy.sparse.csc_array(X), "y": NAMES}),
    "float32": (net(), {"batch_size": [10, 30]}, {"X": X.astype(np.float32)}),
    "reference": (net(engine="reference"), {"alpha": [0.0, 1.0]}, {}),
    "two classes": (
        net(), {"early_stopping": [True, False]}, {"X": X[:100], "y": NAMES[:100].astype(object)}
    ),
    "lists": (net(), {"alpha": [0.0, 1.0]}, {"X": X.tolist(), "y": NAMES.tolist()}),
    "generators": (net(random_state=np.random.RandomState(3)),
                   {"random_state": [np.random.RandomState(5), 1]}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", GRIDS)
def test_the_results_are_those_of_scikit_learns_search(case, trained) -> None:
    estimator, grid, data = GRIDS[case]
    both(estimator, grid, **data, return_train_score=True)
    assert len(trained) == 1, "one call trains all"


def test_a_data_frame_keeps_its_names(trained) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    ours, _ = both(net(), {"alpha": [0.0, 1.0]}, X=frame, y=pandas.Series(NAMES, dtype="category"))
    assert ours.feature_names_in_.tolist() == list("abcd") and trained == [6]


def test_each_fit_has_the_bits_that_it_has_alone(monkeypatch) -> None:
    taken = []
    give_to = search_fits.Fit.give_to

    def given(fit, estimator):
        give_to(fit, estimator)
        taken.append(estimator)

    monkeypatch.setattr(search_fits.Fit, "give_to", given)
    grid = ParameterGrid([
        {"solver": ["adam", "sgd"], "early_stopping": [True, False], "dropout": [0.0, 0.2]},
        {"solver": ["lbfgs"]},
    ])  # fmt: skip
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    GridSearchCV(net(), grid.param_grid, cv=cv, n_jobs=2, refit=False).fit(X, NAMES)
    assert len(taken) == 3 * len(grid)
    fits = iter(taken)
    for parameters in grid:
        for train, _ in cv.split(X, NAMES):
            alone = clone(net()).set_params(**parameters).fit(X[train], NAMES[train])
            found = next(fits)
            assert all(map(np.array_equal, found.parameters_, alone.parameters_))
            assert found.loss_curve_ == alone.loss_curve_
            assert found.validation_scores_ == alone.validation_scores_
            assert vars(found).keys() == vars(alone).keys()


def test_scorers_are_the_users() -> None:
    def two(estimator, X, y):
        return {"hits": float((estimator.predict(X) == y).sum()), "rows": len(y)}

    grid = {"alpha": [1e-4, 1.0, 100.0]}
    both(net(), grid, scoring="neg_log_loss")
    both(net(), grid, scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss")
    both(net(), grid, scoring={"a": "f1_macro", "b": "roc_auc_ovr"}, refit=False)
    both(net(), grid, scoring=two, refit="hits")
    both(net(), grid, refit=lambda results: 2)


def test_sample_weights_groups_and_validation_rows_reach_the_fits(trained) -> None:
    w = np.random.default_rng(0).uniform(0.1, 3, 150)
    grid = {"alpha": [1e-4, 1.0], "solver": ["adam", "lbfgs"]}
    both(net(), grid, fit={"sample_weight": w})
    both(net(), grid, fit={"sample_weight": w.tolist(), "groups": np.arange(150) % 5},
         cv=GroupKFold(4))  # fmt: skip
    both(net(), {"alpha": [1e-4, 1.0]}, fit={"X_val": X[:20], "y_val": Y[:20]})
    assert trained == [6, 8, 6]


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3, random_state=None, train_size=60),
        [(np.arange(150) % 3 > 0, np.arange(150) % 3 == 0)],
        [(np.arange(-100, 0), np.arange(50)), ([*range(0, 150, 2)], [*range(1, 150, 2)])],
    ],
    ids=["random", "masks", "numbers"],
)
def test_splits_of_all_kinds(cv) -> None:
    if isinstance(cv, list):
        both(net(), {"alpha": [1e-4, 1.0]}, cv=cv)
        return
    found = GridSearchCV(net(), {"alpha": [0.1, 0.1]}, cv=cv).fit(X, Y).cv_results_
    assert (found["split0_test_score"][0] == found["split0_test_score"][1]).all()


def pipelines():
    steps = [("scale", StandardScaler()), ("pca", PCA(random_state=0)), ("net", net())]
    return [
        (make_pipeline(StandardScaler(), net()), {"mlpclassifier__alpha": [1e-4, 1.0]}),
        (
            Pipeline(steps),
            {"pca__n_components": [2, 3], "net__hidden_layer_sizes": [4, 8],
             "scale": ["passthrough", StandardScaler(with_std=False)]},
        ),
        (Pipeline([("net", net())]), {"net__solver": ["lbfgs", "sgd"]}),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(3))
def test_pipelines_are_fitted_per_split(number, trained) -> None:
    pipeline, grid = pipelines()[number]
    last = pipeline.steps[-1][0]
    both(pipeline, grid, fit={f"{last}__sample_weight": np.linspace(1, 2, 150)})
    assert len(trained) == 1


class Counted(TransformerMixin, BaseEstimator):
    fits = 0

    def fit(self, X, y=None):
        Counted.fits += 1
        self.mean_ = X.mean()
        return self

    def transform(self, X):
        return X - self.mean_


def test_candidates_share_the_earlier_steps() -> None:
    grid = {"mlpclassifier__alpha": [1e-4, 1e-3, 1e-2, 1e-1]}
    search = GridSearchCV(make_pipeline(Counted(), net()), grid, cv=3, refit=False)
    Counted.fits = 0
    search.fit(X, Y)
    assert Counted.fits == 3


def test_a_pipeline_whose_classifier_is_replaced_is_searched_by_scikit_learn(trained) -> None:
    pipeline = make_pipeline(StandardScaler(), net())
    both(pipeline, {"mlpclassifier": [net(), LogisticRegression()]})
    with parallel_config("threading"):
        both(LogisticRegression(), {"C": [0.1, 1.0]}, n_jobs=2)
    both(make_pipeline(StandardScaler(), LogisticRegression()), {"standardscaler": ["passthrough"]})
    assert not trained


def messages(search, y=Y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    return [(w.category, str(w.message).split("\n")[0]) for w in caught]


@pytest.mark.filterwarnings("ignore:One or more:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_fits_that_fail_fail_as_they_do_alone(trained) -> None:
    grid = {"alpha": [1e-4, -1.0], "hidden_layer_sizes": [5, (5, 5)]}
    both(net(), grid, error_score=-7.0)
    with pytest.warns(FitFailedWarning, match="9 fits failed out of a total of 12"):
        GridSearchCV(net(), grid, cv=3).fit(X, Y)
    for cls in (GridSearchCV, Theirs):
        with pytest.raises(ValueError, match=r"alpha is -1\.0"):
            cls(net(), {"alpha": [-1.0]}, error_score="raise").fit(X, Y)
        with pytest.raises(ValueError, match="All the 15 fits failed"):
            cls(net(), {"alpha": [-1.0, -2.0, -3.0]}).fit(X, Y)
        with pytest.raises(ValueError, match="Invalid parameter 'alhpa'"):
            cls(net(), {"alhpa": [1.0]}).fit(X, Y)
    assert trained == [3, 3]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more:UserWarning")
def test_a_fit_that_diverges_does_not_end_the_others(trained) -> None:
    both(net(solver="sgd"), {"learning_rate_init": [0.1, 1e200]})
    assert trained == [6]


@pytest.mark.filterwarnings("ignore:One or more:UserWarning")
def test_rows_that_one_split_rejects(trained) -> None:
    broken = X.copy()
    broken[0, 0] = np.nan
    for cls in (GridSearchCV, Theirs):
        search = cls(net(), {"alpha": [1e-4]}, cv=[(np.arange(75), np.arange(75, 150)),
                                                   (np.arange(75, 150), np.arange(1, 75))],
                     refit=False)  # fmt: skip
        with pytest.warns(FitFailedWarning, match="1 fits failed out of a total of 2"):
            search.fit(broken, Y)
        assert np.isnan(search.cv_results_["split0_test_score"]).all()
        assert np.isfinite(search.cv_results_["split1_test_score"]).all()
    assert not any(trained)


def test_warnings_are_those_of_the_fits() -> None:
    grid = {"max_iter": [2, 500], "tol": [1e-4, 10.0], "solver": ["adam", "lbfgs"]}
    ours, theirs = (messages(cls(net(), grid, cv=3)) for cls in (GridSearchCV, Theirs))
    assert ours == theirs and len(ours) > 6


def test_an_unseeded_search_follows_numpys_generator() -> None:
    found = []
    for _ in range(2):
        np.random.seed(4)
        search = GridSearchCV(net(random_state=None), {"alpha": [0.1, 0.1]}, cv=3, n_jobs=2,
                              scoring="neg_log_loss", refit=False).fit(X, Y)  # fmt: skip
        found.append(search.cv_results_["mean_test_score"])
    assert np.array_equal(*found) and found[0][0] != found[0][1]


def test_metadata_is_routed(trained) -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = net().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        w, groups = np.linspace(1, 3, 150), np.arange(150) % 6
        for one in (estimator, make_pipeline(StandardScaler().set_fit_request(sample_weight=True),
                                             estimator)):  # fmt: skip
            name = "mlpclassifier__alpha" if one is not estimator else "alpha"
            both(one, {name: [1e-4, 1.0]}, fit={"sample_weight": w, "groups": groups},
                 cv=GroupKFold(3))  # fmt: skip
    assert trained == [6, 6]


@pytest.mark.parametrize("estimator", [net(), make_pipeline(StandardScaler(), net())])
@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"param_grid": 5}, (X, Y)),
        ({"param_grid": []}, (X, Y)),
        ({"param_grid": {"alpha": 1.0}}, (X, Y)),
        ({"scoring": "acuracy"}, (X, Y)),
        ({"cv": 1}, (X, Y)),
        ({"cv": 99}, (X, Y)),
        ({"scoring": ["accuracy"]}, (X, Y)),
        ({"estimator": None}, (X, Y)),
        ({}, (X[:-1], Y)),
        ({}, (X, None)),
        ({"error_score": "none"}, (X, Y)),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_wrong_arguments_raise_what_scikit_learn_raises(estimator, settings, rows) -> None:
    raised = []
    for cls in (GridSearchCV, Theirs):
        arguments = {"estimator": estimator, "param_grid": {}, "cv": 3} | settings
        with pytest.raises(Exception) as caught:
            cls(**arguments).fit(*rows)
        raised.append((caught.type, str(caught.value).split("\n")[0]))
    assert raised[0] == raised[1]


def test_what_a_classifier_prints_comes_in_order(capsys) -> None:
    said = []
    for cls in (Theirs, GridSearchCV):
        cls(net(verbose=True, max_iter=2), {"alpha": [1e-4, 1.0]}, cv=2, refit=False).fit(X, Y)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_what_the_search_prints(capsys) -> None:
    said = []
    for cls in (Theirs, GridSearchCV):
        cls(net(), {"alpha": [1e-4, 1.0]}, cv=2, verbose=3, refit=False).fit(X, Y)
        lines = capsys.readouterr().out.splitlines()
        said.append([line.split("total time")[0].replace(".", "") for line in lines])
    assert said[0] == said[1] and len(said[0]) == 5


def test_fleets_are_cut_where_memory_is_short(monkeypatch, trained) -> None:
    monkeypatch.setattr(search_fits, "FLEET_BYTES", 8_000)
    both(net(), {"alpha": [1e-4, 1e-2, 1.0], "hidden_layer_sizes": [4, 9]})
    assert len(trained) > 2 and sum(trained) == 18
    trained.clear()
    both(net(), {"engine": ["fused", "reference"], "alpha": [1e-4, 1.0]})
    assert len(trained) >= 2 and sum(trained) == 12


@pytest.mark.parametrize(("factor", "most"), [(3, 20), (2, 9)])
def test_halving_continues_the_best_with_the_results_of_scikit_learns(factor, most) -> None:
    grid = {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [0.003, 0.03], "dropout": [0, 0.3],
            "early_stopping": [True, False]}  # fmt: skip
    estimator = net(max_iter=most, n_iter_no_change=3, tol=1e-2)
    ours = GridSearchCV(estimator, grid, cv=3, halving=True, factor=factor).fit(X, Y)
    theirs = HalvingGridSearchCV(
        estimator, grid, cv=3, factor=factor, resource="max_iter", max_resources=most,
        return_train_score=False,
    ).fit(X, Y)  # fmt: skip
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, values in theirs.cv_results_.items():
        if not name.endswith("_time"):
            found = np.asarray(ours.cv_results_[name])
            assert str(found.tolist()) == str(np.asarray(values).tolist()), name
    assert ours.best_params_ == theirs.best_params_ and ours.best_score_ == theirs.best_score_
    assert ours.n_resources_ == theirs.n_resources_ and ours.n_candidates_ == theirs.n_candidates_
    assert all(map(np.array_equal, ours.best_estimator_.coefs_, theirs.best_estimator_.coefs_))


def test_halving_trains_no_epoch_twice(monkeypatch) -> None:
    asked = []
    train_fleet = search_fits.train_fleet

    def counted(planned, engine, *, until):
        done = [0 if p.state is None else len(p.state.history) for p in planned]
        asked.append((len(planned), set(done), until))
        return train_fleet(planned, engine, until=until)

    monkeypatch.setattr(search_fits, "train_fleet", counted)
    grid = {"net__alpha": np.logspace(-5, -1, 9)}
    pipeline = Pipeline([("scale", StandardScaler()), ("net", net(max_iter=18, tol=0.0))])
    search = GridSearchCV(pipeline, grid, cv=2, halving=True).fit(X, Y)
    assert asked == [(18, {0}, 2), (6, {2}, 6), (2, {6}, 18)]
    assert search.best_params_["net__max_iter"] == 18
    assert search.n_resources_ == [2, 6, 18] and search.n_candidates_ == [9, 3, 1]
    again = GridSearchCV(pipeline, grid, cv=2, halving=True, min_epochs=10).fit(X, Y)
    assert again.n_resources_ == [10]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"estimator": LogisticRegression(), "param_grid": {"C": [1.0]}}, "not a LogisticRegress"),
        ({"param_grid": {"max_iter": [2]}}, "halving sets max_iter, and param_grid has it"),
        ({"min_epochs": 9}, "min_epochs is 9; expected at most the classifier's max_iter, which"),
        ({"min_epochs": 0}, "min_epochs is 0; expected"),
        ({"estimator": net(max_iter=0)}, "max_iter is 0; expected an integer of 1 or more"),
        ({"factor": 1}, "factor is 1; expected a number above 1"),
        ({"halving": "yes"}, "halving is 'yes'; expected True or False"),
        ({"scoring": ["accuracy"], "refit": False}, "by one score, and scoring has several"),
    ],
)
def test_halving_says_what_it_expects(settings, said) -> None:
    arguments = {"estimator": net(), "param_grid": {"alpha": [1.0]}, "halving": True} | settings
    with pytest.raises(InputError, match=said):
        GridSearchCV(**arguments).fit(X, Y)


@pytest.mark.parametrize("most_bytes", [0, 2**26])
def test_orders_are_drawn_once_for_fits_with_the_same_start(monkeypatch, most_bytes) -> None:
    drawn = []
    of_part = samplers.RandomStateSampler.of_part

    def counted(sampler, epoch, part):
        drawn.append(id(sampler))
        return of_part(sampler, epoch, part)

    monkeypatch.setattr(samplers.RandomStateSampler, "of_part", counted)
    monkeypatch.setattr(samplers, "SHARED_BYTES", most_bytes)
    grid = {"hidden_layer_sizes": [4, 9], "alpha": [1e-4, 1e-3, 1e-2]}
    GridSearchCV(net(), grid, cv=3, refit=False).fit(X, Y)
    assert len(set(drawn)) == (2 if most_bytes else 18)


def test_callbacks_are_called_as_scikit_learn_does(trained) -> None:
    class Epochs:
        seen = 0

        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            Epochs.seen += 1

    counts = []
    for cls in (Theirs, GridSearchCV):
        search = cls(net(), {"alpha": [1e-4]}, cv=2, refit=False)
        Epochs.seen = 0
        search.set_callbacks(Epochs()).fit(X, Y)
        counts.append(Epochs.seen)
    assert counts[0] == counts[1] > 0 and not trained


def test_it_is_scikit_learns_class() -> None:
    search = GridSearchCV(net(), {"alpha": [1e-4, 1.0]}, cv=3, n_jobs=2)
    assert isinstance(search, Theirs)
    assert clone(search).get_params().keys() == search.get_params().keys()
    assert "_run" not in vars(search.fit(X, Y))
    again = pickle.loads(pickle.dumps(search))
    assert np.array_equal(again.predict(X), search.predict(X))
    assert search.best_estimator_.get_params()["alpha"] == search.best_params_["alpha"]
    with parallel_config("threading"), pytest.raises(ValueError, match="n_jobs == 0"):
        GridSearchCV(net(), {"alpha": [1.0]}, n_jobs=0).fit(X, Y)
    nested = sklearn.model_selection.cross_val_score(search, X, Y, cv=2)
    assert nested.shape == (2,)


def test_an_interrupt_ends_the_search(monkeypatch) -> None:
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    search = GridSearchCV(net(), {"alpha": [1e-4, 1.0]})
    monkeypatch.setattr("backhand.training.fleet.train_fleet._watch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert "_run" not in vars(search) and not hasattr(search, "cv_results_")


def test_an_error_before_training_is_that_of_the_fit() -> None:
    holed = np.where(np.arange(len(X))[:, None] % 7 == 0, np.nan, X)
    search = GridSearchCV(net(), {"alpha": [1e-4, 0.1]}, cv=2)
    with sklearn.config_context(assume_finite=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"All the 4 fits failed[\s\S]*X holds nan"):
            search.fit(holed, Y)


def test_halving_refuses_several_scores_without_a_name() -> None:
    def scores(clf, X, y) -> dict[str, float]:
        return {"a": clf.score(X, y), "b": 0.0}

    search = GridSearchCV(net(), {"alpha": [1e-4, 1e-3, 0.1]}, halving=True, scoring=scores, cv=2)
    with pytest.raises(InputError, match="scoring returns several"):
        search.fit(X, Y)


def test_jobs_multiply_the_threads_of_a_fit(monkeypatch) -> None:
    made, make = [], search_fits.make_engine

    def noted(name, device, threads, precision):
        made.append(threads)
        return make(name, device, threads, precision)

    monkeypatch.setattr(search_fits, "make_engine", noted)
    for n_jobs, threads in ((None, 1), (2, 1), (3, 2)):
        GridSearchCV(net(threads=threads), {"alpha": [0.1]}, cv=2, n_jobs=n_jobs).fit(X, Y)
    assert made == [1, 2, 6]
