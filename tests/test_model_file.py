"""The model file: what goes in comes out, and whatever else is there is told."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import backhand
from backhand import History
from backhand.errors import InputError, MissingFileError
from backhand.model import Model
from backhand.tables.schema.columns import Category, Number
from backhand.tables.schema.schema import Schema
from helpers.optional_packages import needs, optional

torch = optional("torch")
save_file = optional("safetensors.numpy").numpy.save_file
ConvergenceWarning = optional("sklearn.exceptions").exceptions.ConvergenceWarning

SCHEMA = Schema("t", (Number("n ☃", 1.5, 2.0, True), Category("c", ("x", 'y"'), False)))


def model(**changes) -> Model:
    values = {
        "params": backhand.init(4, 5, 3),
        "classes": ("a", "b", "ç"),
        "schema": SCHEMA,
        "hyperparameters": {"hidden": 5},
        "metrics": {"accuracy": 0.5},
        "history": History(*(np.array([0.5, np.nan]) for _ in range(4))),
    }
    return Model(**(values | changes))


def test_save_and_load(tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    before = model()
    backhand.save(before, path)
    after = backhand.load(path)
    for name in ("classes", "schema", "hyperparameters", "metrics", "versions"):
        assert getattr(after, name) == getattr(before, name)
    for a, b in zip(after.params, before.params, strict=True):
        assert np.array_equal(a, b) and a.dtype == b.dtype
    assert np.array_equal(after.history.loss, before.history.loss, equal_nan=True)
    X = np.ones((2, 4), np.float32)
    assert np.array_equal(after.predict_proba(X), before.predict_proba(X))
    for engine in ("reference", "fused", "torch"):
        P = after.predict_proba(torch.tensor(X), engine)
        np.testing.assert_allclose(P, after.predict_proba(X), rtol=1e-5)
    with pytest.raises(InputError, match="nan at row 0, column 0"):
        after.predict(X * np.nan)
    assert after.predict(X).tolist() == np.array(before.classes)[
        backhand.forward(before.params, X).P.argmax(axis=1)].tolist()  # fmt: skip


def test_equal_models_give_equal_bytes(tmp_path) -> None:
    for name in "ab":
        backhand.save(model(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"], "no temporary file is left"


@needs("sklearn")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whatever_holds_parameters_can_be_saved(tmp_path, dtype) -> None:
    X, y = np.random.default_rng(0).standard_normal((30, 4)).astype(dtype), np.arange(30) % 3
    params = backhand.init(4, 5, 3, dtype=dtype)
    with pytest.warns(ConvergenceWarning):
        fitted = backhand.MLPClassifier((5,), max_iter=3).fit(X, y)
    for thing in (params, backhand.train(params, X, y, epochs=3), fitted):
        backhand.save(thing, tmp_path / "m")
        loaded = backhand.load(tmp_path / "m")
        assert loaded.classes == (0, 1, 2) and loaded.params.W1.dtype == dtype
    assert np.array_equal(loaded.predict(X), fitted.predict(X))


def test_what_cannot_be_saved_is_told(tmp_path) -> None:
    for thing, said in ((3, "int cannot be saved"), ({"W1": 1}, "a dict cannot be saved")):
        with pytest.raises(InputError, match=said):
            backhand.save(thing, tmp_path / "m")
    with pytest.raises(InputError, match=r"the class .* is a tuple"):
        backhand.save(model(classes=(("a",), "b", "c")), tmp_path / "m")
    with pytest.raises(InputError, match="is a folder"):
        backhand.save(model(), tmp_path)
    with pytest.raises(InputError, match="does not exist; create it first"):
        backhand.save(model(), tmp_path / "no" / "m")
    for changes in ({"metrics": {"a": float("nan")}}, {"hyperparameters": {"a": np.float32(1)}}):
        with pytest.raises(InputError, match="must be JSON values"):
            backhand.save(model(**changes), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
import backhand
from backhand.cli.app import app
{action}
"""


@needs("duckdb")
@pytest.mark.parametrize("command", ["train", "predict"])
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, penguins, command) -> None:
    """A limit on the size of files stands for the end of the disk."""
    backhand_command = [sys.executable, "-m", "backhand"]
    m, out = tmp_path / "m.safetensors", tmp_path / "p.csv"
    train = ["train", "--quick", str(penguins), "-t", "species", "-o", str(m), "--epochs", "2"]
    subprocess.run([*backhand_command, *train], check=True, capture_output=True)
    out.write_text("old")
    before = m.read_bytes()
    arguments = train if command == "train" else ["predict", str(m), str(penguins), "-o", str(out)]
    script = LIMITED.format(limit=2000, action=f"app({arguments})")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "could not be written" in done.stderr and "Traceback" not in done.stderr
    assert m.read_bytes() == before and out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors", "p.csv"]


def test_links_are_followed_and_what_is_no_file_is_left_alone(tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "folder" / "m")
    backhand.save(model(), link)
    assert link.is_symlink() and backhand.load(link).classes == ("a", "b", "ç")
    assert (tmp_path / "folder" / "m").is_file()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        backhand.save(model(), tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def tensors(**changes) -> dict:
    return backhand.init(4, 5, 3)._asdict() | changes


def header(**changes) -> dict:
    value = {"format": 1, "classes": ["a", "b", "c"], "schema": SCHEMA.to_json(), "metrics": {},
             "hyperparameters": {}, "versions": {}, "training_rows": None, "chosen": None,
             "history": {name: [] for name in History.__dataclass_fields__}}  # fmt: skip
    return {"backhand": json.dumps(value | changes)}


@pytest.mark.parametrize(
    ("arrays", "metadata", "said"),
    [
        (tensors(b1=np.full(5, np.nan, np.float32)), header(), "not all finite"),
        (tensors(), None, "safetensors file, but not a model file of Backhand"),
        ({"weight": np.ones(3)}, {"format": "pt"}, "it holds 'weight'"),
        (tensors(W1=np.ones((4, 6), np.float32)), header(), "do not fit together"),
        (tensors(W1=np.ones((4, 5), np.int32)), header(), "several dtypes"),
        (tensors(), header(classes=["a", "b"]), "names 2 classes"),
        (tensors(), header(schema={"target": "t", "columns": []}), "0 features"),
        (tensors(), header(schema={"target": "t"}), "damaged"),
        (tensors(), header(format=99), "its format is 99"),
        (tensors(), {"backhand": "{}"}, "damaged"),
        (tensors(), {"backhand": "[" * 10}, "damaged"),
        (tensors(), header(history=None), "damaged"),
    ],
)
def test_other_files_are_told(tmp_path, arrays, metadata, said) -> None:
    save_file(arrays, tmp_path / "m", metadata=metadata)
    with pytest.raises(InputError, match=said):
        backhand.load(tmp_path / "m")


@pytest.mark.parametrize("content", [b"", b"no model", b"\xff" * 100, b"{}" * 50])
def test_what_is_no_safetensors_file_is_told(tmp_path, content) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a model file"):
        backhand.load(tmp_path / "m")


def test_a_truncated_file_is_told(tmp_path) -> None:
    backhand.save(model(), tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    for length in (4, 40, len(content) // 2, len(content) - 1):
        (tmp_path / "m").write_bytes(content[:length])
        with pytest.raises(InputError, match="cannot be read as a model file"):
            backhand.load(tmp_path / "m")


def test_a_file_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(MissingFileError, match="does not exist; expected a model file"):
        backhand.load(tmp_path / "none")
    with pytest.raises(InputError, match="is a folder"):
        backhand.load(tmp_path)


def test_settings_that_are_numpys_numbers_are_saved(tmp_path) -> None:
    rng = np.random.default_rng(0)
    clf = backhand.MLPClassifier((np.int64(5),), alpha=np.float32(0.5), max_iter=20, tol=9.0)
    clf.fit(rng.standard_normal((30, 3)), np.arange(30) % 2)
    backhand.save(clf, tmp_path / "m.safetensors")
    settings = backhand.load(tmp_path / "m.safetensors").hyperparameters
    assert settings["hidden_layer_sizes"] == [5] and settings["alpha"] == 0.5
    assert settings["solver"] == "adam" and settings["shuffle"] is True
