"""The estimator as scikit-learn's own class and back, and in libraries that know only that one."""

import importlib
import pickle
import sys
import types
import warnings
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import backhand
from backhand import InputError
from backhand import MLPClassifier as Ours
from backhand.errors import BackhandWarning
from backhand.estimator import integrations
from helpers.optional_packages import new_scikit_learn

SETTINGS = [
    {"solver": "adam"},
    {"solver": "adam", "early_stopping": True, "n_iter_no_change": 2, "tol": 0.1},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0},
    {"solver": "lbfgs"},
]


@pytest.fixture(autouse=True)
def _few_epochs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def rows(K: int, dtype: Any = np.float64) -> tuple[Any, Any]:
    X, y = (load_iris if K == 3 else load_breast_cancer)(return_X_y=True)
    return StandardScaler().fit_transform(X).astype(dtype), np.array(["a", "b", "c"])[y]


def fitted(kind: Any, K: int, dtype: Any = np.float64, **settings: Any) -> Any:
    return kind((5,), max_iter=12, random_state=0, **settings).fit(*rows(K, dtype))


@new_scikit_learn
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
def test_to_sklearn_and_back_give_the_same_numbers_and_train_on(
    settings: dict[str, Any], K: int
) -> None:
    X, y = rows(K)
    ours, model = fitted(Ours, K, **settings), fitted(Theirs, K, **settings)
    theirs = ours.to_sklearn()
    back = Ours.from_sklearn(theirs)
    assert type(theirs) is Theirs
    for one in (theirs, back):
        check_is_fitted(one)
        assert np.abs(one.predict_proba(X) - ours.predict_proba(X)).max() < 1e-14
        assert (one.predict(X) == ours.predict(X)).all() and one.score(X, y) == ours.score(X, y)
    new = set(vars(model)) - set(vars(theirs)) - {"_coef_indptr", "_intercept_indptr"}
    assert not new, "attributes that scikit-learn's own has"
    for name in ("t_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_", "loss_curve_"):
        if settings["solver"] != "lbfgs":  # whose curve and count of rows are its own
            assert getattr(theirs, name) == pytest.approx(getattr(model, name)), name
    assert vars(back).keys() == vars(ours).keys()
    if settings["solver"] == "lbfgs" or "early_stopping" in settings:
        return
    for _ in range(2):
        for one in (ours, theirs, back):
            one.partial_fit(X, y)
    for one in (theirs, back):
        assert np.abs(one.predict_proba(X) - ours.predict_proba(X)).max() < 1e-9
        assert one.loss_curve_ == pytest.approx(ours.loss_curve_, rel=1e-9)
        assert one.t_ == ours.t_ and one.best_loss_ == pytest.approx(ours.best_loss_)


def test_what_is_made_of_a_classifier_is_independent_of_it() -> None:
    X, y = rows(2, np.float32)
    ours = fitted(Ours, 2, np.float32)
    before = ours.predict_proba(X)
    theirs = ours.to_sklearn()
    assert theirs.coefs_[0].dtype == np.float32 and theirs.coefs_[1].shape == (5, 1)
    assert np.abs(theirs.predict_proba(X) - before).max() < 1e-6
    back = Ours.from_sklearn(theirs, dropout=0.1, max_iter=7)
    assert (back.dropout, back.max_iter) == (0.1, 7)
    theirs.partial_fit(X, y)
    back.fit(X, y)
    assert (ours.predict_proba(X) == before).all()


def test_weights_without_a_training_go_over_too() -> None:
    X, y = rows(2)
    params = backhand.init(30, 4, 2, seed=1, dtype=np.float64)  # the first class is not at 0
    ours = fitted(Ours, 2)
    ours.hidden_layer_sizes = (4,)
    ours.parameters_ = params
    theirs = ours.drop_optimizer_state().to_sklearn()
    assert not hasattr(theirs, "_optimizer")
    assert np.abs(theirs.predict_proba(X) - ours.predict_proba(X)).max() < 1e-14
    theirs.partial_fit(X, y)


@pytest.mark.parametrize(
    ("classifier", "says"),
    [
        (Theirs((5, 5), max_iter=2), "has 2 hidden layers of activation 'relu'"),
        (Theirs((5,), activation="tanh", max_iter=2), "of activation 'tanh'"),
    ],
)
def test_from_sklearn_refuses_another_network(classifier: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Ours.from_sklearn(classifier.fit(*rows(3)))


def test_from_sklearn_refuses_other_things() -> None:
    X, y = rows(3)
    several = Theirs((5,), max_iter=2).fit(X, np.column_stack([y == "a", y != "b"]))
    with pytest.raises(InputError, match="expected one label per row"):
        Ours.from_sklearn(several)
    with pytest.raises(InputError, match="not a Pipeline"):
        Ours.from_sklearn(make_pipeline(several))
    with pytest.raises(InputError, match="one class only"):
        fitted(Ours, 3).set_params(max_iter=1).fit(X, y == "d").to_sklearn()


def test_without_its_state_a_pickle_is_small_and_training_begins_anew() -> None:
    X, y = rows(3)
    ours = fitted(Ours, 3)
    P, whole = ours.predict_proba(X), len(pickle.dumps(ours))
    assert ours.drop_optimizer_state() is ours
    assert len(pickle.dumps(ours)) < whole - 2 * sum(value.nbytes for value in ours.parameters_)
    again = pickle.loads(pickle.dumps(ours))
    assert (again.predict_proba(X) == P).all() and not again.stopped_
    again.partial_fit(X, y)
    assert again._optimizer.last.updates == 1 and again.t_ == ours.t_ + len(X)


def test_skops_asks_to_trust_one_type() -> None:
    io = pytest.importorskip("skops.io")
    ours = fitted(Ours, 3).drop_optimizer_state()
    kept = io.dumps(ours)
    (wanted,) = io.get_untrusted_types(data=kept)
    again = io.loads(kept, trusted=[wanted])
    assert (again.predict_proba(rows(3)[0]) == ours.predict_proba(rows(3)[0])).all()
    assert not io.get_untrusted_types(data=io.dumps(ours.to_sklearn().set_params(solver="lbfgs")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("K", [2, 3])
def test_skl2onnx_converts_pipelines_with_it(K: int) -> None:
    skl2onnx = pytest.importorskip("skl2onnx")
    ort = pytest.importorskip("onnxruntime")
    X, y = rows(K, np.float32)
    for options in (None, {"zipmap": False}):
        found = []
        for kind in (Theirs, Ours):
            pipe = make_pipeline(StandardScaler(), kind((5,), max_iter=12, random_state=0))
            written = skl2onnx.to_onnx(pipe.fit(X, y), X[:1], options=options)
            labels, P = ort.InferenceSession(written.SerializeToString()).run(None, {"X": X})
            assert (labels == pipe.predict(X)).all()
            P = P if options else np.array([[row[c] for c in sorted(row)] for row in P])
            assert np.abs(P - pipe.predict_proba(X)).max() < 1e-5
            found.append(P)
        assert found[0].shape == found[1].shape


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_logs_what_it_logs_for_scikit_learns(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.sklearn")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("autolog", artifact_location=str(tmp_path / "artifacts"))
    mlflow.set_experiment("autolog")
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        found = []
        for kind in (Theirs, Ours):
            with mlflow.start_run() as run:
                fitted(kind, 3)
            found.append(mlflow.get_run(run.info.run_id).data)
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    assert found[0].metrics == pytest.approx(found[1].metrics)
    assert len(found[0].metrics) >= 7 and set(found[0].params) < set(found[1].params)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "a_library.py").write_text("entered = []\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = list(sys.meta_path)
    yield "a_library"
    sys.meta_path[:] = finders
    sys.modules.pop("a_library", None)


@pytest.mark.parametrize("first", [True, False])
def test_a_library_has_its_entry_in_whichever_order(module: str, first: bool) -> None:
    def enter() -> None:
        sys.modules[module].entered.append(1)  # type: ignore[attr-defined]

    if first:
        importlib.import_module(module)
    before = len(sys.meta_path)
    integrations._when_imported(module, enter)
    assert importlib.util.find_spec(module) is not None  # a look is no import
    assert importlib.import_module(module).entered == [1]
    assert len(sys.meta_path) == before
    integrations._when_imported("no_such_library", enter)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_library")


def test_a_library_that_has_changed_is_imported_with_a_warning(module: str) -> None:
    def enter() -> None:
        raise AttributeError("it has no such list any more")

    integrations._when_imported(module, enter)
    with pytest.warns(BackhandWarning, match=r"a_library.*no such list any more"):
        library = importlib.import_module(module)
    assert isinstance(library, types.ModuleType) and isinstance(library.__spec__, ModuleSpec)
