"""`precision="bf16"` on its way: training, fleets, checkpoints, estimators, tables, commands."""

import json
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand import (
    BackhandWarning,
    Checkpoint,
    EarlyStopping,
    GridSearchCV,
    InputError,
    Member,
    MLPClassifier,
    MLPClassifierCV,
)
from backhand.engines import EngineOptions, EngineSpec, make_engine, register_engine, registry
from backhand.engines.fused import engine as fused
from backhand.engines.fused.arithmetic import bf16_products
from backhand.engines.fused.llvm.precision import CONVERSION, bf16_precision
from backhand.engines.reference import ReferenceEngine
from backhand.errors import warn_once
from helpers.command_line import run
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")
clone = optional("sklearn.base").base.clone
make_pipeline = optional("sklearn.pipeline").pipeline.make_pipeline
StandardScaler = optional("sklearn.preprocessing").preprocessing.StandardScaler

RNG = np.random.default_rng(0)
X = RNG.standard_normal((240, 6)).astype(np.float32)
Y = np.abs(X[:, :3]).argmax(axis=1)
PARAMS = backhand.init(6, 12, 3)
SETTINGS = {"epochs": 12, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.02,
            "dropout": 0.1}  # fmt: skip


def trained(**change) -> backhand.TrainResult:
    given = {"precision": "bf16", "validation": (X[200:], Y[200:]), **SETTINGS, **change}
    return backhand.train(PARAMS, X[:200], Y[:200], **given)


def same(one: backhand.TrainResult, other: backhand.TrainResult) -> bool:
    return np.array_equal(one.history.loss, other.history.loss) and all(
        map(np.array_equal, one.params, other.params)
    )


def test_training_in_bf16_learns_and_is_not_training_in_float32() -> None:
    found, exact = trained(), trained(precision="auto")
    assert found.params.W1.dtype == np.float32
    assert not same(found, exact)
    np.testing.assert_allclose(found.history.loss, exact.history.loss, rtol=0.02)
    assert found.history.loss[-1] < 0.8 * found.history.loss[0]


def test_the_precision_of_an_engine_is_its_own() -> None:
    engine = make_engine(precision="bf16")
    assert same(trained(precision="auto", engine=engine), trained())
    with pytest.raises(InputError, match="give them to `make_engine`"):
        trained(engine=engine)


def test_a_result_continues_in_either_precision() -> None:
    rounded = trained()
    for precision in ("auto", "bf16"):
        more = {"precision": precision, "optimizer": "adam", "state": rounded.last}
        result = backhand.train(rounded.params, X, Y, **more)
        assert np.isfinite(result.history.loss).all() and result.params.W1.dtype == np.float32


def test_bf16_by_conversion_warns_once_that_float32_is_faster(monkeypatch) -> None:
    warn_once.cache_clear()
    compiled = bf16_precision(bf16_products())  # as elsewhere here: another would be compiled
    monkeypatch.setattr(fused, "bf16_products", lambda: CONVERSION)
    monkeypatch.setattr(fused, "bf16_precision", lambda _: compiled)
    with pytest.warns(BackhandWarning, match="no instructions for bf16.*'auto' is faster") as told:
        trained(engine="fused")
        trained(engine="fused")
        trained(engine="fused", precision="auto")
        backhand.train_many([Member(hidden=3, epochs=1)], X, Y, precision="bf16", threads=1)
    assert [Path(one.filename).name for one in told] == [Path(__file__).name]
    assert make_engine("fused", precision="bf16").depends_on()["bf16"] == CONVERSION


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_float64_and_sparse_rows_are_refused() -> None:
    double = backhand.init(6, 12, 3, dtype=np.float64)
    with pytest.raises(InputError, match="the parameters are float64; precision='bf16' trains"):
        backhand.train(double, X, Y, precision="bf16")
    clf = MLPClassifier((4,), max_iter=2, warm_start=True, random_state=0, tol=0)
    clf.fit(X.astype(np.float64), Y).set_params(precision="bf16")
    with pytest.raises(InputError, match="the arrays of coefs_ and intercepts_"):
        clf.fit(X, Y)
    clf.coefs_ = [W.astype(np.float32) for W in clf.coefs_]
    clf.intercepts_ = [b.astype(np.float32) for b in clf.intercepts_]
    assert clf.fit(X, Y).coefs_[0].dtype == np.float32
    with pytest.raises(InputError, match=r"dtype is float64; .* omit it"):
        backhand.train_many([Member(hidden=3)], X, Y, dtype=np.float64, precision="bf16")
    sparse = scipy.sparse.csr_array(X)
    for call in (
        lambda: MLPClassifier(precision="bf16").fit(sparse, Y),
        lambda: MLPClassifierCV(hidden=4, precision="bf16").fit(sparse, Y),
    ):
        with pytest.raises(InputError, match="X is sparse; precision='bf16' trains on dense rows"):
            call()


def test_an_engine_that_knows_no_precision_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(ReferenceEngine):
        name = "other"

        def __init__(self, options: EngineOptions) -> None:
            super().__init__(options.threads)

    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    register_engine(EngineSpec("other", Other))
    assert make_engine("other").precision == "auto"
    with pytest.raises(InputError, match=(
        "the other engine does not train in precision 'bf16'; use engine='fused', "
        "engine='reference', engine='torch' or precision='auto'"
    )):  # fmt: skip
        make_engine("other", precision="bf16")


# Fleets and checkpoints.


@pytest.mark.parametrize("engine", ["fused", "reference"])
def test_a_member_of_a_fleet_is_its_own_training_to_the_bit(engine: str) -> None:
    fold = np.arange(240) % 3
    members = [
        Member(hidden=8 + 4 * k, seed=k, rows=fold != k, validation=fold == k,
               early_stopping=EarlyStopping(3), **SETTINGS)
        for k in range(3)
    ]  # fmt: skip
    results = backhand.train_many(members, X, Y, engine=engine, precision="bf16")
    for k, result in enumerate(results):
        alone = backhand.train(
            backhand.init(6, 8 + 4 * k, 3, seed=k), X[fold != k], Y[fold != k], seed=k,
            validation=(X[fold == k], Y[fold == k]), early_stopping=EarlyStopping(3),
            engine=engine, precision="bf16", **SETTINGS,
        )  # fmt: skip
        assert same(result, alone)


def stop_after(epochs: int):
    def stop(progress: backhand.Progress) -> None:
        if progress.epoch >= epochs:
            raise backhand.StopTraining

    return stop


def test_a_resumed_training_has_the_bits_of_one_that_was_not_broken_off(tmp_path) -> None:
    whole = trained()
    trained(callbacks=[stop_after(5)], checkpoint=Checkpoint(tmp_path, "1epochs"))
    resumed = trained(checkpoint=Checkpoint(tmp_path, "1epochs", resume=True))
    assert same(resumed, whole)


def test_a_checkpoint_of_the_other_precision_is_not_resumed(tmp_path) -> None:
    for name, (then, now) in {"a": ("bf16", "auto"), "b": ("auto", "bf16")}.items():
        folder = tmp_path / name
        trained(precision=then, callbacks=[stop_after(2)], checkpoint=Checkpoint(folder, "1epochs"))
        text = f'other settings: precision: "{then}" then, "{now}" now'
        with pytest.raises(InputError, match=text):
            trained(precision=now, checkpoint=Checkpoint(folder, "1epochs", resume=True))
    members = [Member(hidden=4, epochs=3)]
    backhand.train_many(members, X, Y, precision="bf16", checkpoint=Checkpoint(tmp_path / "c"))
    with pytest.raises(InputError, match='precision: "bf16" then, "auto" now'):
        backhand.train_many(members, X, Y, checkpoint=Checkpoint(tmp_path / "c", resume=True))


# Estimators.


def test_a_classifier_becomes_float32_and_predicts_in_it() -> None:
    rows = X.astype(np.float64)
    clf = MLPClassifier((8,), max_iter=5, random_state=0, precision="bf16")
    exact = clone(clf).set_params(precision="auto")
    with pytest.warns(match="Stochastic Optimizer"):
        clf.fit(rows, Y)
    assert clf.coefs_[0].dtype == np.float32 and clf.predict_proba(X).dtype == np.float32
    with pytest.warns(match="Stochastic Optimizer"):
        exact.fit(X, Y)
    np.testing.assert_allclose(clf.loss_curve_, exact.loss_curve_, rtol=0.02)
    assert not np.array_equal(clf.coefs_[0], exact.coefs_[0])
    P = backhand.forward(clf.parameters_, X).P
    np.testing.assert_allclose(clf.predict_proba(X), P, atol=1e-6)
    assert clf.to_model().hyperparameters["precision"] == "bf16"


def test_partial_fit_goes_on_in_bf16() -> None:
    clf = MLPClassifier((8,), random_state=0, precision="bf16")
    for part in np.split(X, 4):
        clf.partial_fit(part.astype(np.float64), np.arange(60) % 3, classes=[0, 1, 2])
    assert clf.coefs_[0].dtype == np.float32 and clf.t_ == 240


def test_what_bf16_does_not_do_is_told() -> None:
    with pytest.raises(InputError, match="solver='lbfgs' searches along a line"):
        MLPClassifier(solver="lbfgs", precision="bf16").fit(X, Y)
    with pytest.raises(InputError, match=r"precision is 'bf61'\. Did you mean 'bf16'"):
        MLPClassifier(precision="bf61").fit(X, Y)
    with pytest.raises(InputError, match="precision is 'half'"):
        MLPClassifierCV(precision="half").fit(X, Y)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("scaled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_search_over_precisions_has_the_fits_of_each(scaled: bool) -> None:
    clf = MLPClassifier((6,), max_iter=4, random_state=0)
    estimator = make_pipeline(StandardScaler(), clf) if scaled else clf
    name = "mlpclassifier__precision" if scaled else "precision"
    search = GridSearchCV(estimator, {name: ["auto", "bf16"]}, cv=3).fit(X.astype(np.float64), Y)
    for number, precision in enumerate(["auto", "bf16"]):
        one = clone(estimator).set_params(**{name: precision})
        alone = GridSearchCV(one, {}, cv=3).fit(X.astype(np.float64), Y)
        for split in range(3):
            scores = f"split{split}_test_score"
            assert search.cv_results_[scores][number] == alone.cv_results_[scores][0]
        last = alone.best_estimator_[-1] if scaled else alone.best_estimator_
        own = clone(one).fit(X.astype(np.float64), Y)
        assert np.array_equal(last.coefs_[0], (own[-1] if scaled else own).coefs_[0])
        assert last.coefs_[0].dtype == (np.float32 if precision == "bf16" else np.float64)


def test_a_search_on_inner_folds_is_in_bf16() -> None:
    settings = {"hidden": 6, "max_iter": 8, "members": 2, "cv": 3, "random_state": 0}
    found = MLPClassifierCV(**settings, precision="bf16").fit(X.astype(np.float64), Y)
    exact = MLPClassifierCV(**settings).fit(X, Y)
    assert not np.array_equal(found.coefs_[0], exact.coefs_[0])
    assert abs(found.out_of_fold_loss_ - exact.out_of_fold_loss_) < 0.05


# Tables and the command line.


FEW_EPOCHS = pytest.mark.filterwarnings("ignore:Accuracy .* is not clearly higher")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [",".join([*map(str, row), "abc"[y]]) for row, y in zip(X.tolist(), Y, strict=True)]
    path.write_text("\n".join(["a,b,c,d,e,f,kind", *lines]) + "\n")
    return path


@FEW_EPOCHS
def test_the_command_line_trains_in_bf16(table, tmp_path) -> None:
    output = tmp_path / "model.safetensors"
    train = ("train", table, "--target", "kind", "--quick", "--epochs", 3, "-o", output)
    printed = run(*train, "--precision", "bf16").output
    products = make_engine("fused", precision="bf16").depends_on()["bf16"]
    assert f"fused engine in bf16 ({products})" in printed
    settings = backhand.load(output).hyperparameters
    assert settings["precision"] == "bf16" and settings["bf16_products"] == products
    inspected = " ".join(run("inspect", output).output.split())
    assert f"float32, trained in bf16 ({products})" in inspected
    expected = backhand.fit(table, "kind", quick=True, epochs=3, precision="bf16")
    assert all(map(np.array_equal, backhand.load(output).params, expected.params))
    assert expected.hyperparameters["precision"] == "bf16"
    exact = backhand.fit(table, "kind", quick=True, epochs=3)
    assert "precision" not in exact.hyperparameters
    assert not np.array_equal(exact.params.W1, expected.params.W1)
    lines = map(json.loads, run(*train, "--json", "--precision", "bf16").stdout.splitlines())
    models = [line for line in lines if line.get("event") == "model"]
    assert [(one["precision"], one["bf16_products"]) for one in models] == [("bf16", products)]
    printed = run(*train, "--precision", "fp8", expect=2).output
    assert "precision is 'fp8'" in printed and "Traceback" not in printed


@pytest.mark.slow
def test_comparing_shows_what_the_rounding_does() -> None:
    options = ("compare", "--epochs", 4, "--every", 2, "--json", "--engine", "reference")
    exact, rounded = (
        [json.loads(line)["gradients"] for line in run(*options, *more).stdout.splitlines()]
        for more in ((), ("--precision", "bf16"))
    )
    assert max(exact) < 1e-5 < 1e-4 < min(rounded) < 0.1


def test_comparing_in_bf16_says_what_to_expect() -> None:
    options = ("compare", "--epochs", 2, "--every", 2, "--precision", "bf16")
    printed = run(*options).stdout
    assert "The\nlosses should agree to two or three digits" in printed
    refused = run(*options, "--dtype", "float64", expect=2)
    assert "leave out --dtype float64" in refused.stderr and refused.stdout == ""
