"""Nothing that a user or a file sets reaches compiled code, or NumPy's generators, unchecked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand import Checkpoint, MLPClassifier
from backhand.engines import Block, Data, Objective, OptimizerState, make_engine
from backhand.equations import Parameters
from backhand.errors import BackhandWarning, InputError
from backhand.optimizers import SGD, Adam
from backhand.support.safetensors_io import read_tensors, write_tensors
from backhand.training.checkpoints.file_format import checksum
from conftest import ROOT
from helpers.optional_packages import optional
from helpers.sessions import started

scipy = optional("scipy.sparse")
Theirs = optional("sklearn.neural_network").neural_network.MLPClassifier

needs_mprotect = pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")
rng = np.random.default_rng(0)
X = rng.standard_normal((300, 4))
Y = np.arange(300) % 3
PARAMS = Parameters(*(rng.standard_normal(s) for s in ((4, 8), 8, (8, 3), 3)))


def fuzzed(script: str, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"helpers.{script}", "--first", "7000000", "--count", str(count)],
        cwd=ROOT / "tests", capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(json.loads(done.stdout.splitlines()[0]).values()) == count


@needs_mprotect
def test_arguments_set_by_hand_are_refused_or_computed() -> None:
    fuzzed("guard_pages", 300)


def test_forged_checkpoints_are_refused_or_change_nothing() -> None:
    fuzzed("forged_checkpoints", 200)


@pytest.fixture(params=["fused", "reference", "torch"])
def engine(request):
    return make_engine(request.param)


def sparse(**changed) -> scipy.sparse.csr_array:
    made = scipy.sparse.csr_array(X * (rng.random(X.shape) < 0.5))
    for name, (place, value) in changed.items():
        getattr(made, name)[place] = value
    return made


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (Data(X[:, :3], Y), "it has 3 columns where W1 expects 4"),
        (Data(X.astype(complex), Y), "X is an array of complex128"),
        (Data(X[0], Y), "X is an array of float64 (4,); expected real numbers, (N, 4)"),
        (Data(X[:0], Y[:0]), "it has no rows"),
        (Data(X.tolist(), Y), "X is a list"),
        (Data(X, Y[:-1]), "y is (299,); expected (300,)"),
        (Data(X, Y + 1), "class indices from 1 to 3; with 3 classes"),
        (Data(X, Y - 2**62), "class indices from -46"),
        (Data(X, Y / 1), "y holds float64"),
        (Data(X, np.eye(3)[Y]), "expected 300 class indices"),
        (Data(X, Y, np.ones(299)), "sample_weight has 299 entries for 300 rows"),
        (Data(X, Y, "balanced"), "one weight per row. MLPClassifier(class_weight='balanced')"),
        (Data(X, Y, -np.ones(300)), "expected 300 numbers of 0 or more"),
        (Data(sparse().tocsc(), Y), "expected a sparse matrix in CSR form"),
        (Data(sparse().astype(complex), Y), "of float32, float64 or integers"),
        (Data(sparse(indices=(7, 4)), Y), "whose indices point elsewhere"),
        (Data(sparse(indptr=(7, 10**6)), Y), "whose indices point elsewhere"),
        (Data(X, Y, None, np.array([0, 300])), "the selection has row numbers from 0 to 300"),
        (Data(X, Y, None, np.array([-1, 3], np.int32)), "row numbers from -1 to 3; with 300 rows"),
        (Data(X, Y, None, np.zeros(0, int)), "the selection is (0,); expected one row or more"),
        (Data(X, Y, None, np.zeros((2, 1), int)), "the numbers of the selected rows are an array"),
        (Data(X, Y, None, Y == 1), "selected rows are an array of bool; expected int32 or int64"),
        (Data(X, Y, None, Y.astype(np.int16)), "an array of int16; expected int32 or int64"),
        (Data(X, Y, None, [1, 2]), "the numbers of the selected rows are a list"),
        (Data(X, Y + 1, None, np.flatnonzero(Y == 2)), "with 3 classes they must be in 0..2"),
        (Data(X, Y[:9], None, np.arange(9)), "y is (9,); expected (300,)"),
        (Data(X, Y + 1, None, np.flatnonzero(Y == 2)[:2]), "with 3 classes they must be in 0..2"),
        (Data(X, Y, Y == 1, np.flatnonzero(Y == 2)), "not all of them 0"),
        (Data(X, Y, 1.0 - Y, np.flatnonzero(Y == 2)[:3]), "expected 300 numbers of 0 or more"),
    ],
)  # fmt: skip
def test_rows_are_compared_with_the_network(engine, data: Data, said: str) -> None:
    calls = [lambda: engine.loss_and_gradients(PARAMS, data), lambda: engine.evaluate(PARAMS, data),
             lambda: started(engine, PARAMS, data, SGD()),
             lambda: started(engine, PARAMS, Data(X, Y), SGD()).evaluate(data)]  # fmt: skip
    if said.startswith("X") or "columns" in said or "sparse" in said or "indices point" in said:
        calls.append(lambda: engine.predict_proba(PARAMS, data.X))
    for call in calls:
        with pytest.raises(InputError, match=re.escape(said)):
            call()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"W1": np.zeros((4, 9))}, "do not fit together"),
        ({"b1": np.zeros(80)}, "do not fit together"),
        ({"W2": np.zeros((8, 3, 1))}, "expected 2 dimensions"),
        ({"b2": np.zeros(3, np.float32)}, "of several dtypes"),
        ({"W1": [[0.0] * 8] * 4}, "W1 is a list"),
        ({"W1": PARAMS.W1.astype(">f8")}, ">f8"),
    ],
)
def test_parameters_are_compared_with_one_another(engine, changed, said: str) -> None:
    params = PARAMS._replace(**changed)
    data = Data(X, Y)
    calls = (
        lambda: engine.predict_proba(params, X),
        lambda: engine.evaluate(params, data),
        lambda: engine.start(OptimizerState(params, (), 0), data, SGD()),
        lambda: started(engine, PARAMS, data, SGD()).restore(OptimizerState(params, (), 0)),
    )
    for call in calls:
        with pytest.raises(InputError, match=re.escape(said)):
            call()


ORDER = np.stack([rng.permutation(300) for _ in range(2)])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"order": np.where(ORDER == 7, 300, ORDER)}, "row numbers from 0 to 300"),
        ({"order": ORDER - 1}, "row numbers from -1 to 298"),
        ({"order": ORDER[:1]}, "a number for each batch"),
        ({"order": ORDER / 1}, "expected integers, (E, n)"),
        ({"batch_size": 0}, "expected an integer of 1..300"),
        ({"batch_size": 301}, "expected an integer of 1..300"),
        ({"batch_size": 99}, "expected (2, 4), a number for each batch of 99 of 300 rows"),
        ({"learning_rate": np.zeros((2, 4))}, "expected (2, 3)"),
        ({"l2": np.zeros((3, 3))}, "expected (2, 3)"),
        ({"l2": 0.1}, "l2 is a float"),
        ({"l2": np.full((2, 3), -1.0)}, "l2 has a minimum of -1.0"),
    ],
)
def test_a_block_is_compared_with_the_rows(engine, changed, said: str) -> None:
    given = {"batch_size": 100, "learning_rate": np.full((2, 3), 0.1), "l2": np.zeros((2, 3)),
             "order": ORDER} | changed  # fmt: skip
    run = started(engine, PARAMS, Data(X, Y), SGD())
    before = run.state().params
    with pytest.raises(InputError, match=re.escape(said)):
        run.advance(Block(**given))
    assert all(map(np.array_equal, run.state().params, before))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"l2": -0.5}, "l2 is -0.5"),
        ({"alpha": float("nan")}, "alpha is nan"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"dropout_seed": 1.5}, "dropout_seed is 1.5"),
        ({"loss_cap": "much"}, "loss_cap is 'much'"),
        ({"first_class_fixed": 2**40}, "first_class_fixed"),
    ],
)
def test_an_objective_is_checked_where_a_session_starts(engine, changed, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        started(engine, PARAMS, Data(X, Y), SGD(), Objective(**changed))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.array([3, 300]), "row numbers from 3 to 300"),
        (np.array([-1]), "row numbers from -1"),
        (slice(9, 9), "expected one row or more"),
        (slice(400, 500), "expected one row or more"),
        (Y < 1, "an array of bool; expected a slice or row numbers"),
        ([1, 2], "rows is a list"),
        (7, "rows is a int"),
        (np.array([0, 1]), "all have the weight 0"),
    ],
)
def test_the_rows_of_a_gradient_are_checked(engine, rows, said: str) -> None:
    session = started(engine, PARAMS, Data(X, Y, np.maximum(np.arange(300.0) - 5, 0)), SGD())
    with pytest.raises(InputError, match=re.escape(said)):
        session.gradient(rows)


@pytest.mark.parametrize(
    ("gradient", "learning_rate", "said"),
    [
        (PARAMS._replace(W1=np.zeros((4, 9))), 0.1, "do not fit together"),
        (Parameters(*(v.astype(np.float32) for v in PARAMS)), 0.1, "the session has W1 (4, 8)"),
        (None, 0.1, "NoneType"),
        (PARAMS, "much", "learning_rate is 'much'"),
        (PARAMS, float("nan"), "learning_rate is nan"),
    ],
)
def test_a_gradient_that_is_applied_is_checked(engine, gradient, learning_rate, said) -> None:
    session = started(engine, PARAMS, Data(X, Y), SGD())
    with pytest.raises(InputError, match=re.escape(said)):
        session.apply(gradient, learning_rate)
    assert session.state().updates == 0
    assert all(map(np.array_equal, session.state().params, PARAMS))


class Stranger:
    """Says that it is Adam, and has less memory."""

    name, slots, beta_1, beta_2, epsilon = "adam", 0, 0.9, 0.999, 1e-8


@pytest.mark.parametrize("what", ["y", "indices", "indptr"])
def test_arrays_that_somebody_writes_to_between_two_blocks_are_compared_again(what: str) -> None:
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((300, 6), density=0.5, format="csr", random_state=rng)
    y = rng.integers(0, 3, 300)

    run = started(make_engine("fused"), backhand.init(6, 8, 3), Data(X, y), SGD())
    block = Block(300, np.full((1, 1), 0.1), np.zeros((1, 1)))
    run.advance(block)
    (y if what == "y" else getattr(X, what))[7] = 2**30
    with pytest.raises(InputError, match=r"class indices|indices point elsewhere"):
        run.advance(block)


@pytest.mark.parametrize("what", ["indices", "indptr", "y", "sample_weight", "order"])
def test_arrays_that_hide_what_their_memory_holds_are_refused(what: str) -> None:
    """The least and the largest number of a masked array are not those of what is masked."""
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((300, 6), density=0.5, format="csr", random_state=rng)
    rows = {"y": rng.integers(0, 3, 300), "sample_weight": np.ones(300), "order": np.arange(300)}

    def hidden(array):
        array = array.copy()
        array[7] = 2**30 if array.dtype.kind == "i" else -1e9
        return np.ma.MaskedArray(array, mask=np.arange(len(array)) == 7)

    if what in rows:
        rows[what] = hidden(rows[what])
    else:
        setattr(X, what, hidden(getattr(X, what)))
    order = rows.pop("order").reshape(1, -1)
    with pytest.raises(InputError, match=r"MaskedArray|indices point elsewhere"):
        run = started(make_engine("fused"), backhand.init(6, 8, 3), Data(X, **rows), SGD())
        run.advance(Block(300, np.full((1, 1), 0.1), np.zeros((1, 1)), order=order))


def test_half_precision_is_refused_where_it_is_not_compiled() -> None:
    half = Parameters(*(v.astype(np.float16) for v in backhand.init(4, 5, 3)))
    with pytest.raises(InputError, match="float32 or float64, not in float16"):
        backhand.train(half, X, Y, epochs=1, engine="fused")


def test_only_the_four_rules_are_compiled(engine) -> None:
    with pytest.raises(InputError, match="optimizer is"):
        engine.start(OptimizerState(PARAMS, (), 0), Data(X, Y), Stranger())


ZEROS = Parameters(*map(np.zeros_like, PARAMS))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (OptimizerState(PARAMS, (ZEROS,), 0), "has 1 slots of memory; its optimizer has 2"),
        (OptimizerState(PARAMS, 5, 0), "slots are a int"),
        (OptimizerState(PARAMS, (ZEROS, None), 0), "params is a NoneType"),
        (OptimizerState(PARAMS, (ZEROS, ZEROS._replace(W1=np.zeros((4, 7)))), 0),
         "do not fit together"),
        (OptimizerState(PARAMS, (ZEROS, Parameters(*map(np.zeros, ((4, 7), 7, (7, 3), 3)))), 0),
         "the session has W1 (4, 8)"),
        (OptimizerState(PARAMS, (ZEROS, ZEROS), 2**62), "updates; expected an integer of 0..2**53"),
        (OptimizerState(PARAMS, (ZEROS, ZEROS), -1), "counts -1 updates"),
        (OptimizerState(PARAMS, (ZEROS, ZEROS), "7"), "counts '7' updates"),
        (OptimizerState(PARAMS, (ZEROS, ZEROS._replace(b2=-np.ones(3))), 0), "negative numbers"),
    ],
)  # fmt: skip
def test_an_optimizers_state_is_compared_with_the_run(state: OptimizerState, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        backhand.train(PARAMS, X, Y, epochs=1, optimizer=Adam(), state=state)
    if "negative" not in said:
        with pytest.raises(InputError, match=re.escape(said)):
            started(make_engine("fused"), PARAMS, Data(X, Y), Adam()).restore(state)


# Weights that are set on a classifier.


def fitted(K: int = 3, dtype: type = np.float64) -> MLPClassifier:
    clf = MLPClassifier((8,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clf.fit(X.astype(dtype), np.arange(300) % K)


@pytest.mark.parametrize(
    ("coefs", "intercepts"),
    [
        ({0: np.zeros((3, 8))}, {}),
        ({0: np.zeros((10**6, 8))}, {}),
        ({1: np.zeros((80, 3))}, {}),
        ({}, {0: np.zeros(80)}),
        ({1: np.zeros((8, 2))}, {1: np.zeros(2)}),
        ({1: np.zeros((8, 4))}, {1: np.zeros(4)}),
        ({1: np.zeros((8, 1))}, {1: np.zeros(1)}),
        ({0: np.zeros((4, 8, 1))}, {}),
        ({0: np.zeros((4, 8), complex)}, {}),
        ({0: np.full((4, 8), "x")}, {}),
        ({0: [[1.0], [1.0, 2.0]]}, {}),
        ({0: None}, {}),
        ({2: np.zeros((3, 3))}, {}),
    ],
)
@pytest.mark.parametrize("rows", [10, 300])
def test_weights_of_another_shape_are_told(coefs, intercepts, rows: int) -> None:
    clf = fitted()
    layers = [*clf.coefs_, None] if 2 in coefs else clf.coefs_
    clf.coefs_ = [coefs.get(i, value) for i, value in enumerate(layers)]
    clf.intercepts_ = [intercepts.get(i, value) for i, value in enumerate(clf.intercepts_)]
    for call in (clf.predict, clf.predict_proba, lambda X: clf.partial_fit(X, Y[:rows]),
                 lambda X: clf.set_params(warm_start=True).fit(X, Y[:rows]),
                 lambda _: clf.to_model()):  # fmt: skip
        with pytest.raises(InputError, match=r"coefs_|intercepts_"):
            call(X[:rows])


@pytest.mark.parametrize("rows", [10, 300])
def test_scikit_learns_one_output_for_two_classes_is_two(rows: int) -> None:
    clf, y = fitted(2), np.arange(300) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Theirs((8,), max_iter=3, random_state=1).fit(X, y)
    clf.coefs_, clf.intercepts_ = theirs.coefs_, theirs.intercepts_
    assert theirs.coefs_[1].shape == (8, 1)
    np.testing.assert_allclose(
        clf.predict_proba(X[:rows]), theirs.predict_proba(X[:rows]), rtol=1e-9
    )
    clf.set_params(solver="sgd", momentum=0, shuffle=False, batch_size=300).partial_fit(X, y)
    theirs.set_params(solver="sgd", momentum=0, shuffle=False, batch_size=300)
    del theirs._optimizer
    theirs._optimizer = None
    assert clf.coefs_[1].shape == (8, 2) and not clf.coefs_[1][:, 0].any()


def test_whole_numbers_and_lists_become_floating_point() -> None:
    clf = fitted()
    clf.coefs_ = [np.rint(4 * c).astype(int) for c in clf.coefs_]
    clf.intercepts_ = [np.rint(4 * b).astype(int).tolist() for b in clf.intercepts_]
    P = clf.predict_proba(X)
    assert P.dtype == np.float64
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_allclose(P, backhand.forward(clf.parameters_, X).P, rtol=1e-12)
    single = fitted(dtype=np.float32)
    single.coefs_[0] = np.ones((4, 8), int)
    assert {v.dtype for v in single.parameters_} == {np.dtype(np.float32)}


def test_a_model_has_as_many_classes_as_its_network() -> None:
    model = backhand.model.Model(PARAMS, ("a", "b"))
    with pytest.raises(InputError, match="2 classes"):
        model.predict(X)


# Checkpoints.


def train(checkpoint: Checkpoint | None = None, **changed) -> backhand.TrainResult:
    given = {"epochs": 6, "batch_size": 50, "optimizer": "adam", "threads": 1} | changed
    return backhand.train(PARAMS, X, Y, checkpoint=checkpoint, **given)


def forge(path: Path, *, header=None, tensors=None) -> None:
    held, told = read_tensors(path, expected=lambda _, value: value, what="checkpoint")
    held, told = {**held, **(tensors or {})}, {**told, **(header or {})}
    told.pop("checksum")
    told["checksum"] = checksum(held, told)
    write_tensors(path, held, told)


@pytest.mark.parametrize(
    ("forged", "said"),
    [
        ({"tensors": {"last.params.W1": np.zeros((1, 8))}}, "last.params.W1 is (1, 8) of float64"),
        ({"tensors": {"last.params.W2": np.zeros((8, 3, 1))}}, "expected (8, 3) of float64"),
        ({"tensors": {"last.slot0.b1": np.zeros(8, np.float32)}}, "of float32"),
        ({"tensors": {"last.slot1.b1": -np.ones(8)}}, "negative numbers"),
        ({"tensors": {"another": np.zeros(3)}}, "it holds 'another'"),
        ({"tensors": {"history": np.zeros((4, 5))}}, "history is (4, 5)"),
        ({"tensors": {"history": np.full((4, 6), np.inf)}}, "losses that are not finite"),
        ({"tensors": {"history": np.full((4, 6), 2.0)}}, "validation figures"),
        ({"header": {"updates": 2**62}}, "its updates are not the 36"),
        ({"header": {"updates": 36.0}}, "its updates is not of type int"),
        ({"header": {"done": -1}}, "more or less than 6 epochs"),
        ({"header": {"done": 10**30}}, "more or less than 6 epochs"),
        ({"header": {"ended": "any text"}}, "('any text')"),
        ({"header": {"ended": ""}}, "('')"),
        ({"header": {"cuts": [3]}}, "its cuts"),
        ({"header": {"cuts": ["3"]}}, "not all whole numbers"),
        ({"header": {"best_updates": 3}}, "a best state"),
        ({"header": {"another": 3}}, "its header has"),
    ],
)
def test_a_checkpoint_is_compared_with_its_training(tmp_path, forged, said: str) -> None:
    train(Checkpoint(tmp_path, "6epochs"))
    (path,) = tmp_path.glob("*.safetensors")
    forge(path, **forged)
    with pytest.raises(InputError, match=re.escape(said)):
        train(Checkpoint(tmp_path, resume=True))


@pytest.mark.parametrize("rest", [[1e6, 0, 0], [625, 0, 0], [-5, 0, 0], [1.5, 0, 0], [3, 2, 0],
                                  [3, 1, np.nan]])  # fmt: skip
def test_random_numbers_of_a_checkpoint_are_compared(tmp_path, rest) -> None:
    def fit(resume: bool) -> None:
        clf = MLPClassifier((5,), random_state=0, max_iter=3, n_iter_no_change=99, tol=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clf.set_callbacks(Checkpoint(tmp_path, "3epochs", resume=resume)).fit(X, Y)

    fit(False)
    (path,) = tmp_path.glob("*.safetensors")
    forge(path, tensors={"sampler.rest": np.array(rest, np.float64)})
    with pytest.raises(InputError, match="not one of NumPy's MT19937"):
        fit(True)
    forge(path, tensors={"sampler.rest": np.array([3.0, 0, 0]), "sampler.rows": np.zeros(300, int)})
    with pytest.raises(InputError, match="not a permutation"):
        fit(True)


def test_a_checkpoint_of_another_cpu_is_told_and_one_of_another_engine_refused(tmp_path) -> None:
    script = (
        "import sys, numpy as np, backhand\n"
        "X = np.random.default_rng(0).standard_normal((40, 4)); y = np.arange(40) % 3\n"
        "backhand.train(backhand.init(4, 5, 3), X, y, epochs=2, engine=sys.argv[1],\n"
        "    checkpoint=backhand.Checkpoint('kept', resume=True))\n"
    )

    def run(engine: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, engine], env=os.environ | environment, cwd=tmp_path,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == (1 if "InputError" in done.stderr else 0)
        return done.stderr

    assert run("fused") == "" == run("fused")
    said = run("fused", NUMBA_CPU_NAME="generic")
    assert "BackhandWarning" in said and "CPU: " in said and '"generic" now' in said
    said = run("reference")
    assert "InputError" in said and "engine: " in said


def test_of_two_checkpoints_a_damaged_one_does_not_count(tmp_path) -> None:
    class Stop(Exception):
        pass

    def stop(progress: backhand.Progress) -> None:
        if progress.epoch == 5:
            raise Stop

    with pytest.raises(Stop):
        train(Checkpoint(tmp_path, "1epochs"), callbacks=[stop])
    before, last = sorted(tmp_path.glob("*.safetensors"))
    last.write_bytes(last.read_bytes()[:-9])
    with pytest.warns(BackhandWarning, match="resumes from the checkpoint before it"):
        train(Checkpoint(tmp_path, "1h", resume=True))
    kept = sorted(tmp_path.glob("*.safetensors"))
    assert before in kept and last not in kept and len(kept) == 2


def test_numbers_of_checkpoints_have_no_end(tmp_path) -> None:
    train(Checkpoint(tmp_path, "3epochs"))
    _, last = sorted(tmp_path.glob("*.safetensors"))
    last.rename(tmp_path / "checkpoint-99999999.safetensors")
    train(Checkpoint(tmp_path, resume=True))
    (tmp_path / "checkpoint-99999999.safetensors").rename(
        tmp_path / "checkpoint-100000000.safetensors")  # fmt: skip
    whole = train(Checkpoint(tmp_path, resume=True))
    assert whole.ended == "done"


@pytest.mark.parametrize("n", [3, 250])
def test_labels_and_weights_of_rows_that_are_not_selected_may_be_anything(engine, n: int) -> None:
    labels, weights = np.where(np.arange(300) < n, Y, 99), np.where(np.arange(300) < n, 2.0, -1.0)
    rows = Data(X, labels, weights, np.arange(n))
    expected = engine.evaluate(PARAMS, Data(X[:n], Y[:n]))
    assert engine.evaluate(PARAMS, rows) == pytest.approx(expected)
