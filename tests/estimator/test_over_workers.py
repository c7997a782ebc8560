"""`RayMLPClassifier` on workers that are threads of this process.

LightGBM's list of tests of its Dask estimators (tests/python_package_test/test_dask.py), with what
corresponds to each here; "Ray" means that it is in test_over_ray.py (too).

test_classifier
    test_any_number_of_workers_gives_the_same_bits (Ray),
    test_lists_of_parts_give_what_the_rows_in_one_piece_give
test_eval_set_no_early_stopping
    test_validation_rows_may_be_in_fewer_parts_than_the_rows_to_learn_from
test_training_works_if_client_not_provided_or_set_after_construction
    test_the_cluster_may_be_named_after_construction (Ray)
test_model_and_local_version_are_picklable_whether_or_not_client_set_explicitly
    test_it_can_be_pickled_fitted_or_not (Ray)
test_errors
    test_what_is_wrong_in_a_part_is_reported_with_its_place (Ray)
test_training_succeeds_even_if_some_workers_do_not_have_any_data
    test_parts_without_rows_change_nothing, test_workers_without_parts_are_reported
test_network_params_not_required_but_respected_if_given, test_machines_should_be_used_if_provided
    test_a_port_where_something_else_listens_is_refused (Ray)
test_dask_classes_and_sklearn_equivalents_have_identical_constructors_except_client_arg
    test_the_constructor_is_that_of_the_local_class_and_two_more
test_dask_methods_and_sklearn_equivalents_have_similar_signatures
    test_methods_have_the_arguments_of_the_local_class
test_dask_fit_rejects_prebuilt_dataset
    test_labels_and_weights_must_be_in_as_many_parts_as_the_rows
test_training_succeeds_when_data_is_dataframe_and_label_is_column_array
    test_tables_with_labels_in_a_column_are_parts_too
test_init_score
    test_warm_start_and_partial_fit_continue_as_the_local_class_does
test_sklearn_integration, test_parameters_default_constructible
    test_scikit_learns_own_checks
test_predict_with_raw_score, test_predict_returns_expected_dtypes
    test_predictions_of_parts_are_those_of_the_rows (Ray)
a class that is missing in a part (from LightGBM's issues)
    test_a_class_may_be_missing_in_a_part
two fits at once (from LightGBM's issues)
    test_two_fits_at_once_do_not_disturb_each_other (Ray)

Regressors, rankers, what is special to trees (test_classifier_pred_contrib, test_predict_stump) and
parameters that there are none of here (tree_learner, quantized gradients) have no counterpart.
"""

import inspect
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import backhand
from backhand import BackhandWarning, Checkpoint, InputError, MLPClassifier, RayMLPClassifier
from backhand.estimator import ray_classifier
from backhand.estimator.reporting import Tasks
from helpers.lossy_workers import LossyWorkers

# Most fits here are cut short on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
ORDER = RNG.permutation(150)
X, Y = load_iris().data[ORDER], load_iris().target[ORDER]
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
W = RNG.uniform(0.5, 2, 150)
CUTS = [0, 9, 10, 70, 150]
"""Where the parts begin: of 9, 1, 60 and 80 rows."""


def parts(rows, cuts=CUTS) -> list:
    return [rows[a:b] for a, b in pairwise(cuts)]


def classifier(num_workers=2, **settings) -> RayMLPClassifier:
    settings = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0} | settings
    return RayMLPClassifier(num_workers=num_workers, address="threads", **settings)


def local(clf) -> MLPClassifier:
    """An untrained local classifier with the same parameters."""
    return clone(clf).to_local()


def numbers(clf) -> list:
    return [*clf.coefs_, *clf.intercepts_, clf.loss_curve_]


def same(one, other) -> bool:
    return all(map(np.array_equal, numbers(one), numbers(other)))


def close(one, other) -> bool:
    pairs = zip(numbers(one), numbers(other), strict=True)
    return all(np.allclose(a, b, rtol=1e-6, atol=1e-7) for a, b in pairs)


# The same numbers.

SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "batch_size": 20},
    "class weight": {"class_weight": "balanced", "batch_size": 32, "alpha": 0.1},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_any_number_of_workers_gives_the_same_bits(settings) -> None:
    found = [classifier(n, **settings).fit(X, NAMES, W) for n in (1, 2, 3)]
    assert same(found[0], found[1]) and same(found[0], found[2])
    assert close(found[0], local(found[0]).fit(X, NAMES, W))


@pytest.mark.slow
@pytest.mark.parametrize("form", [np.float32, scipy.sparse.csr_matrix, pd.DataFrame])
@pytest.mark.parametrize("settings", [*SETTINGS.values(), {"dropout": 0.3}, {"shuffle": False}])
def test_any_number_of_workers_gives_the_same_bits_in_every_form(form, settings) -> None:
    rows = form(X)
    if form is pd.DataFrame:
        rows.columns = list("abcd")
    found = [classifier(n, **settings).fit(rows, Y) for n in (1, 2, 3, 5)]
    assert all(same(found[0], other) for other in found[1:])
    if "dropout" not in settings:  # which drops other units
        assert close(found[0], local(found[0]).fit(rows, Y)) or form is np.float32


def test_precision_is_that_of_the_local_class() -> None:
    found = [classifier(n, precision="bf16").fit(X, Y) for n in (1, 3)]
    assert same(*found) and found[0].coefs_[0].dtype == np.float32
    expected = local(found[0]).fit(X, Y)
    assert np.allclose(found[0].coefs_[0], expected.coefs_[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_lists_of_parts_give_what_the_rows_in_one_piece_give(solver) -> None:
    clf = classifier(3, solver=solver).fit(parts(X), parts(NAMES), parts(W))
    assert close(clf, local(clf).fit(X, NAMES, W))
    assert clf.n_features_in_ == 4 and clf.classes_.tolist() == sorted(set(NAMES))
    assert same(clf, classifier(2, solver=solver).fit(parts(X), parts(NAMES), parts(W)))


def test_many_parts_are_put_together_where_they_are_held() -> None:
    each = list(range(0, 151, 5))
    for form in (np.asarray, scipy.sparse.csr_array):
        found = [
            classifier(n).fit([form(rows) for rows in parts(X, each)], parts(Y, each))
            for n in (1, 3)
        ]
        assert same(*found) and close(found[0], local(found[0]).fit(form(X), Y))


# Uneven parts.


def test_a_class_may_be_missing_in_a_part() -> None:
    order = np.argsort(Y, kind="stable")
    clf = classifier(3).fit(
        parts(X[order], [0, 50, 100, 150]), parts(NAMES[order], [0, 50, 100, 150])
    )
    assert close(clf, local(clf).fit(X[order], NAMES[order]))


def test_parts_without_rows_change_nothing() -> None:
    cuts = [0, 0, 70, 70, 150, 150]
    clf = classifier(2).fit(parts(X, cuts), parts(Y, cuts))
    assert close(clf, local(clf).fit(X, Y))
    with pytest.raises(InputError, match="none of these parts has rows"):
        classifier().fit([X[:0], X[:0]], [Y[:0], Y[:0]])


def test_workers_without_parts_are_reported() -> None:
    with pytest.warns(BackhandWarning, match="2 workers have no rows"):
        clf = classifier(4).fit(parts(X, [0, 70, 150]), parts(Y, [0, 70, 150]))
    assert close(clf, local(clf).fit(X, Y))


def test_validation_rows_may_be_in_fewer_parts_than_the_rows_to_learn_from() -> None:
    forms = (X[:40], Y[:40]), ([X[:7], X[7:40]], [Y[:7], Y[7:40]])
    expected = local(classifier()).fit(X, Y, X_val=X[:40], y_val=Y[:40])
    for rows, labels in forms:
        clf = classifier(3).fit(parts(X), parts(Y), X_val=rows, y_val=labels)
        assert close(clf, expected)
        assert clf.validation_scores_ == pytest.approx(expected.validation_scores_)


def test_tables_with_labels_in_a_column_are_parts_too() -> None:
    table = pd.DataFrame(X, columns=list("abcd"))
    with pytest.warns(DataConversionWarning):
        clf = classifier().fit(parts(table), parts(Y[:, None]))
    assert clf.feature_names_in_.tolist() == list("abcd")
    assert close(clf, local(clf).fit(table, Y))
    assert np.array_equal(np.concatenate(clf.predict(parts(table))), clf.predict(table))


@pytest.mark.slow
@pytest.mark.parametrize("library, name", [("pyarrow", "table"), ("polars", "DataFrame")])
def test_parts_may_be_tables_of_other_libraries(library, name) -> None:
    table = getattr(pytest.importorskip(library), name)
    tables = [table(dict(zip("abcd", part.T.copy(), strict=True))) for part in parts(X)]
    clf = classifier().fit(tables, parts(NAMES))
    assert clf.feature_names_in_.tolist() == list("abcd")
    assert close(clf, local(clf).fit(pd.DataFrame(X, columns=list("abcd")), NAMES))


def test_float32_and_float64_in_several_parts_train_in_float64() -> None:
    rows = [X[:70].astype(np.float32).astype(float), X[70:]]
    clf = classifier().fit([rows[0].astype(np.float32), rows[1]], [Y[:70], Y[70:]])
    assert clf.coefs_[0].dtype == np.float64
    assert close(clf, local(clf).fit(np.concatenate(rows), Y))


# What is wrong in a part.


def test_labels_and_weights_must_be_in_as_many_parts_as_the_rows() -> None:
    for y in (Y, parts(Y)[:-1], [1, 2, 0, 1], backhand.Parameters(*[Y] * 4)[0]):
        with pytest.raises(InputError, match="X is a list of 4 parts, and its labels are not"):
            classifier().fit(parts(X), y)
    with pytest.raises(InputError, match="its weights are not"):
        classifier().fit(parts(X), parts(Y), W)


def with_part(number, rows, values=X) -> list:
    found = parts(values)
    found[number] = rows
    return found


@pytest.mark.parametrize(
    "rows, message",
    [
        (np.full((80, 4), np.nan), r"^X\[3\]: Input X contains NaN"),
        (X[:80, :3], r"^X\[3\] has 3 columns, and X\[0\] has 4 columns"),
        (
            X[:79],
            r"^X\[3\]: Found input variables with inconsistent numbers of samples: \[79, 80\]",
        ),
        (scipy.sparse.csr_array(X[:80]), r"^X\[3\] is a sparse matrix, and X\[0\] is not"),
        (
            pd.DataFrame(X[:80], columns=list("abcd")),
            r"^X\[3\] has the columns a, b, c, d, and X\[0\] has columns without names",
        ),
    ],
)
def test_what_is_wrong_in_a_part_is_reported_with_its_place(rows, message) -> None:
    with pytest.raises(InputError, match=message):
        classifier().fit(with_part(3, rows), parts(Y))


def test_labels_of_two_kinds_are_refused() -> None:
    with pytest.raises(InputError, match=r"labels of X\[3\] are <U\d+, and those of X\[0\] int64"):
        classifier().fit(parts(X), with_part(3, Y[:80].astype(str), Y))


def test_weights_of_another_number_are_reported_with_their_part() -> None:
    with pytest.raises(InputError, match=r"^X\[1\]: Found input variables with inconsistent"):
        classifier().fit(parts(X), parts(Y), with_part(1, W[:2], W))


def test_weights_of_which_the_rows_to_learn_from_have_none_are_refused_as_locally() -> None:
    clf, w = classifier(early_stopping=True, validation_fraction=0.5), np.zeros(20)
    said = set()
    for row in range(20):  # it is held out, or all others weigh nothing
        w[:], w[row] = 0, 1
        for one in (clf, local(clf)):
            with pytest.raises(InputError, match="not all of them 0") as caught:
                one.fit(X[:20], Y[:20] > 0, w)
            said.add(str(caught.value))
    assert len(said) == 1


def test_validation_rows_with_other_columns_are_reported_as_those() -> None:
    with pytest.raises(InputError, match=r"^X_val\[1\]: X has 3 features, but MLPClassifier"):
        classifier().fit(X, Y, X_val=[X[:9], X[:9, :3]], y_val=[Y[:9], Y[:9]])


@pytest.mark.parametrize("settings", [{"num_workers": 0}, {"num_workers": 1.5}, {"address": 3}])
def test_parameters_of_its_own_are_checked(settings) -> None:
    (name,) = settings
    with pytest.raises(InputError, match=f"^{name} is"):
        RayMLPClassifier(**settings).fit(X, Y)


def test_without_an_address_it_is_the_cluster_that_there_is_or_one_of_its_own(monkeypatch) -> None:
    fake = SimpleNamespace(is_initialized=lambda: True)
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert ray_classifier._usual_address() == "local"
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert ray_classifier._usual_address() == "auto"
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setitem(sys.modules, "ray", fake)
    assert ray_classifier._usual_address() == "auto"
    monkeypatch.setattr(fake, "is_initialized", lambda: False)
    assert ray_classifier._usual_address() == "local"


# An estimator like others.


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore:num_workers is")
@parametrize_with_checks([
    RayMLPClassifier(max_iter=100, address="threads"),
    RayMLPClassifier(solver="lbfgs", address="threads", num_workers=3),
])  # fmt: skip
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


def test_the_constructor_is_that_of_the_local_class_and_two_more() -> None:
    ours = inspect.signature(RayMLPClassifier).parameters
    theirs = inspect.signature(MLPClassifier).parameters
    assert list(ours) == [*theirs, "num_workers", "address"]
    assert all(ours[name] == parameter for name, parameter in theirs.items())
    expected = {**MLPClassifier().get_params(), "num_workers": 2, "address": None}
    assert RayMLPClassifier().get_params() == expected


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "predict_proba", "score"])
def test_methods_have_the_arguments_of_the_local_class(method) -> None:
    ours, theirs = (
        inspect.signature(getattr(kind, method)).parameters
        for kind in (RayMLPClassifier, MLPClassifier)
    )
    assert list(ours.items()) == list(theirs.items())


@pytest.mark.parametrize("serializer", ["pickle", "joblib", "cloudpickle"])
def test_it_can_be_pickled_fitted_or_not(serializer, tmp_path) -> None:
    module = pytest.importorskip(serializer)
    for clf in (classifier(), classifier().fit(X, Y)):
        for some in (clf, clf.to_local()):
            with (tmp_path / "some").open("wb") as file:
                module.dump(some, file)
            with (tmp_path / "some").open("rb") as file:
                back = module.load(file)
            assert type(back) is type(some) and back.get_params() == some.get_params()
            assert not hasattr(clf, "coefs_") or same(back, clf)


def test_the_local_classifier_is_independent_and_predicts_the_same() -> None:
    clf = classifier().fit(X, NAMES)
    found = clf.to_local()
    assert type(found) is MLPClassifier and "address" not in found.get_params()
    assert np.array_equal(found.predict_proba(X), clf.predict_proba(X))
    found.coefs_[0][:] = 0
    assert not np.array_equal(found.predict_proba(X), clf.predict_proba(X))
    assert not hasattr(classifier().to_local(), "coefs_")


def test_warm_start_and_partial_fit_continue_as_the_local_class_does() -> None:
    clf = classifier(warm_start=True, early_stopping=True)
    expected = local(clf)
    for _ in range(2):
        assert close(clf.fit(parts(X), parts(Y)), expected.fit(X, Y))
    clf = classifier(3)
    expected = local(clf)
    for rows in (slice(0, 70), slice(70, 150)):
        clf.partial_fit(X[rows], Y[rows], classes=[0, 1, 2])
        expected.partial_fit(X[rows], Y[rows], classes=[0, 1, 2])
    assert close(clf, expected)
    clf.partial_fit(parts(X), parts(Y))
    assert close(clf, expected.partial_fit(X, Y))
    assert close(clf.to_local().partial_fit(X, Y), expected.partial_fit(X, Y))


def test_predictions_of_parts_are_those_of_the_rows() -> None:
    clf = classifier().fit(X, NAMES)
    some = [X[:3], X[3:3], X[3:60]]
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found, expected = getattr(clf, method)(some), getattr(clf, method)(X[:60])
        assert isinstance(found, list) and [len(part) for part in found] == [3, 0, 57]
        assert np.array_equal(np.concatenate(found), expected), method
        assert {part.dtype for part in found} == {expected.dtype}, method
    two = classifier().fit(X, NAMES == "setosa")
    assert np.array_equal(
        np.concatenate(two.decision_function(some)), two.decision_function(X[:60])
    )
    labels = [NAMES[:3], NAMES[3:3], NAMES[3:60]]
    assert clf.score(some, labels) == pytest.approx(clf.score(X[:60], NAMES[:60]), abs=1e-15)
    weighted = clf.score(some, labels, [W[:3], W[3:3], W[3:60]])
    assert weighted == pytest.approx(clf.score(X[:60], NAMES[:60], W[:60]), abs=1e-15)


def test_pipelines_and_searches_take_it() -> None:
    search = GridSearchCV(make_pipeline(StandardScaler(), classifier()),
                          {"raymlpclassifier__alpha": [0.1, 1]}, cv=2).fit(X, Y)  # fmt: skip
    assert type(search.best_estimator_[-1]) is RayMLPClassifier and search.score(X, Y) > 0.2
    ours = backhand.GridSearchCV(classifier(), {"alpha": [0.1, 1]}, cv=2).fit(X, Y)
    assert type(ours.best_estimator_) is RayMLPClassifier


def test_a_model_file_says_nothing_of_the_cluster(tmp_path) -> None:
    clf = classifier().fit(X, NAMES)
    backhand.save(clf, tmp_path / "iris.safetensors")
    model = backhand.load(tmp_path / "iris.safetensors")
    assert np.array_equal(model.predict(X), clf.predict(X))
    assert not {"num_workers", "address"} & set(model.hyperparameters)


def test_a_checkpoint_is_resumed_by_another_number_of_workers(tmp_path, monkeypatch) -> None:
    def interrupt(progress) -> None:
        if progress.epoch == 3:
            raise RuntimeError("the driver ends here")

    settings = {"max_iter": 6, "early_stopping": True, "batch_size": 20}
    expected = classifier(2, **settings).fit(parts(X), parts(Y))
    with monkeypatch.context() as patched:
        patched.setattr(Tasks, "callbacks", lambda self: [interrupt])
        first = classifier(3, **settings).set_callbacks(Checkpoint(tmp_path / "c", "1epochs"))
        with pytest.raises(RuntimeError, match="the driver ends here"):
            first.fit(parts(X), parts(Y))
    again = Checkpoint(tmp_path / "c", "1epochs", resume=True)
    assert same(classifier(1, **settings).set_callbacks(again).fit(parts(X), parts(Y)), expected)
    with pytest.raises(InputError, match="other data"):
        classifier(1, **settings).set_callbacks(again).fit(parts(X + 1), parts(Y))


def score_of(clf, rows, labels) -> dict:
    return {"score": clf.score(rows, labels)}


def test_callbacks_of_scikit_learn_get_the_parts_as_they_were_passed() -> None:
    monitor = ScoringMonitor(scoring=score_of)
    clf = classifier(max_iter=2).set_callbacks(monitor).fit(parts(X), parts(Y))
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == 2 and epochs[-1]["score"] == pytest.approx(clf.score(X, Y))
    assert same(clf, classifier(max_iter=2).fit(parts(X), parts(Y)))
    assert clf.to_local()._skl_callbacks == [monitor]


def test_two_fits_at_once_do_not_disturb_each_other() -> None:
    expected = classifier(solver="lbfgs").fit(X, Y), classifier().fit(X[:90], Y[:90])
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(classifier(solver="lbfgs").fit, X, Y),
                 pool.submit(classifier().fit, X[:90], Y[:90])]  # fmt: skip
        assert all(same(call.result(60), one) for call, one in zip(calls, expected, strict=True))


def test_a_lost_worker_changes_no_bit(monkeypatch) -> None:
    expected = classifier(2, max_iter=8).fit(parts(X), parts(Y), X_val=X[:20], y_val=Y[:20])
    workers = LossyWorkers(2, lambda worker, number: number % 17 == 12 + worker)
    with monkeypatch.context() as patched:
        patched.setattr(ray_classifier, "connect", lambda *_: closing(workers))
        clf = classifier(2, max_iter=8).fit(parts(X), parts(Y), X_val=X[:20], y_val=Y[:20])
    assert workers.losses > 3 and same(clf, expected)
    assert clf.validation_loss_curve_ == expected.validation_loss_curve_


@pytest.mark.slow
def test_a_search_for_the_number_of_epochs_is_that_of_the_local_class() -> None:
    digits, labels = load_digits(return_X_y=True)
    settings = {"early_stopping": True, "max_iter": 60, "hidden_layer_sizes": 20, "tol": 1e-3}
    found = [classifier(n, **settings).fit(digits, labels) for n in (1, 2, 3, 5)]
    assert all(same(found[0], other) for other in found[1:])
    expected = local(found[0]).fit(digits, labels)
    assert found[0].n_iter_ == expected.n_iter_
    assert found[0].validation_scores_ == pytest.approx(expected.validation_scores_, abs=0.01)
