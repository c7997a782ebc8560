"""Checkpoints: what is resumed is what was never broken off, and what cannot be is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand import Checkpoint
from backhand.errors import BackhandWarning, InputError, OutputError
from backhand.support.signals import Interrupted
from backhand.training import samplers
from conftest import ROOT
from helpers.optional_packages import needs

rng = np.random.default_rng(0)
X = rng.standard_normal((900, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def train(checkpoint: Checkpoint | None = None, hidden: int = 9, **changed) -> backhand.TrainResult:
    given = {
        "epochs": 12, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.01, "dropout": 0.2,
        "validation": (X[800:], Y[800:]), "sample_weight": np.linspace(0, 1, 800),
        "early_stopping": backhand.EarlyStopping(patience=50), "schedule": "adaptive",
    } | changed  # fmt: skip
    params = backhand.init(6, hidden, 2, seed=0)
    return backhand.train(params, X[:800], Y[:800], checkpoint=checkpoint, **given)


def stop_at(epoch: int):
    """A callback that sends the process what Ctrl-C does."""

    def stop(progress: backhand.Progress) -> None:
        if progress.epoch + progress.share >= epoch:
            os.kill(os.getpid(), signal.SIGINT)

    return backhand.Every(None, stop)


def assert_equal(one: backhand.TrainResult, other: backhand.TrainResult) -> None:
    assert np.array_equal(one.history.loss, other.history.loss)
    assert np.array_equal(one.history.validation_loss, other.history.validation_loss)
    assert (one.best_epoch, one.ended) == (other.best_epoch, other.ended)
    for a, b in ((one.last, other.last), (one.best, other.best)):
        for mine, theirs in zip((a.params, *a.slots), (b.params, *b.slots), strict=True):
            assert all(map(np.array_equal, mine, theirs))


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize("every", ["1epochs", "0.001s", "1h"])
@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
def test_a_resumed_training_is_the_one_that_was_never_broken_off(
    tmp_path, monkeypatch, parts, every, schedule
) -> None:
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 800 * 24 // parts)
    monkeypatch.setattr(samplers, "BLOCK_BYTES", 240)
    stopping = backhand.EarlyStopping(patience=2, monitor="loss", best="validation_loss")
    changed = {"schedule": schedule, "early_stopping": stopping, "epochs": 25}
    whole = train(**changed)
    with pytest.raises(Interrupted, match="epochs are done and saved in"):
        train(Checkpoint(tmp_path, every), callbacks=[stop_at(1)], **changed)
    with pytest.raises(Interrupted):
        train(Checkpoint(tmp_path, every, resume=True), callbacks=[stop_at(3)], **changed)
    resumed = train(Checkpoint(tmp_path, every, resume=True), **changed)
    assert_equal(resumed, whole)
    assert 0 < resumed.resumed_after <= len(resumed.history) and whole.resumed_after == 0
    assert f", those after {resumed.resumed_after} in " in str(resumed)
    assert "those after" not in str(whole)
    again = train(Checkpoint(tmp_path, every, resume=True), **changed)
    assert_equal(again, whole)
    kept = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert 1 <= len(kept) <= 2


@pytest.mark.parametrize(
    "settings",
    [{"solver": "adam"}, {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1},
     {"early_stopping": True}, {"shuffle": False, "dropout": 0.3}, {"dropout": 0.3}],
)  # fmt: skip
def test_a_classifier_resumes(tmp_path, settings) -> None:
    def clf(*callbacks) -> backhand.MLPClassifier:
        made = backhand.MLPClassifier((9,), max_iter=20, random_state=3, **settings)
        return made.set_callbacks(*callbacks)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of 20 epochs, and of being interrupted
        whole = clf().fit(X, Y)
        broken = clf(Checkpoint(tmp_path, "0.001s"), Stop(6)).fit(X, Y)
        assert broken.n_iter_ < whole.n_iter_
        resumed = clf(Checkpoint(tmp_path, resume=True)).fit(X, Y)
    assert resumed.loss_curve_ == whole.loss_curve_ and resumed.t_ == whole.t_
    assert all(map(np.array_equal, resumed.coefs_, whole.coefs_))
    assert resumed.validation_scores_ == whole.validation_scores_


class Stop:
    """A callback of scikit-learn's that interrupts after so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def setup(self, estimator, context) -> None: ...

    def teardown(self, estimator, context) -> None: ...

    def on_fit_task_begin(self, estimator, context, **_) -> None: ...

    def on_fit_task_end(self, estimator, context, **_) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def test_what_a_classifier_cannot_resume_is_told(tmp_path) -> None:
    for clf, words in (
        (backhand.MLPClassifier(), "random_state is None"),
        (backhand.MLPClassifier(solver="lbfgs", random_state=0), "lbfgs"),
    ):
        with pytest.raises(InputError, match=words):
            clf.set_callbacks(Checkpoint(tmp_path)).fit(X, Y)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"learning_rate": 0.02}, "other settings: learning_rate: 0.01 then, 0.02 now"),
        ({"hidden": 5}, "hidden units: "),
        ({"optimizer": "sgd"}, "optimizer: "),
        ({"epochs": 13}, "epochs: 12 then, 13 now"),
        ({"sample_weight": None}, "other data: sample_weight: "),
        ({"validation": (X[700:], Y[700:])}, "validation_rows: 100 then, 200 now"),
        ({"validation": (X[:100], Y[:100])}, "the numbers of validation_X"),
        ({"early_stopping": None, "schedule": "constant"}, "schedule: "),
    ],
)
def test_other_data_or_settings_are_not_resumed(tmp_path, changed, words) -> None:
    train(Checkpoint(tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    with pytest.raises(InputError, match=re.escape(words)):
        train(Checkpoint(tmp_path, resume=True), **changed)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == before


def test_a_checkpoint_leaves_a_fit_and_its_generator_as_they_are(tmp_path) -> None:
    """Also where dropout draws its seed from the same generator."""
    fitted = []
    for callbacks in ((), (Checkpoint(tmp_path, "2epochs"),)):
        clf = backhand.MLPClassifier((6,), max_iter=6, batch_size=50, dropout=0.3, random_state=3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of 6 epochs
            fitted.append(clf.set_callbacks(*callbacks).fit(X, Y))
    assert fitted[0].loss_curve_ == fitted[1].loss_curve_
    with pytest.raises(InputError, match="checkpoint is a PosixPath"):
        train(tmp_path)


def test_checkpoints_are_not_written_over(tmp_path) -> None:
    train(Checkpoint(tmp_path))
    with pytest.raises(InputError, match="already contains checkpoints"):
        train(Checkpoint(tmp_path))


@pytest.mark.parametrize("damage", ["a bit", "cut", "empty"])
def test_of_a_damaged_checkpoint_the_one_before_is_taken(tmp_path, damage) -> None:
    whole = train(Checkpoint(tmp_path, "3epochs"))
    before, last = sorted(tmp_path.glob("*.safetensors"))
    content = bytearray(last.read_bytes())
    if damage == "a bit":
        content[-20] ^= 1
    last.write_bytes({"a bit": content, "cut": content[:-40], "empty": b""}[damage])
    before_content = before.read_bytes()
    with pytest.warns(BackhandWarning, match="resumes from the checkpoint before it"):
        result = train(Checkpoint(tmp_path, "3epochs", resume=True))
    assert_equal(result, whole)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(before_content[:-9])
    with pytest.raises(InputError, match=r"no checkpoint in .* can be read"):
        train(Checkpoint(tmp_path, resume=True))


def test_two_trainings_do_not_share_a_folder(tmp_path) -> None:
    inside, done = threading.Event(), threading.Event()

    def wait(_: backhand.Progress) -> None:
        inside.set()
        done.wait(30)

    first = threading.Thread(
        target=train, args=(Checkpoint(tmp_path),), kwargs={"callbacks": [wait]}
    )
    first.start()
    inside.wait(30)
    try:
        with pytest.raises(
            InputError, match=rf"is locked by another training \(process {os.getpid()} of"
        ):
            train(Checkpoint(tmp_path, resume=True))
    finally:
        done.set()
        first.join()


def test_what_cannot_be_a_folder_is_told(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file; name a folder"):
        train(Checkpoint(tmp_path / "file"))
    with pytest.raises(InputError, match="cannot be made"):
        train(Checkpoint(tmp_path / "a" / "b"))
    for every in ("soon", "0s", "1.5epochs", "-1s", "2 weeks", 30):
        with pytest.raises(InputError, match=r"every \(--every\) is"):
            Checkpoint(tmp_path, every)


def test_a_checkpoint_that_does_not_fit_leaves_those_before(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    train(Checkpoint(tmp_path, "6epochs"), epochs=6)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("backhand.training.checkpoints.manager.write_tensors", full)
    with pytest.raises(OutputError, match=r"No space left.*The checkpoints before it are whole"):
        train(Checkpoint(tmp_path, "6epochs", resume=True), epochs=6)  # nothing left to write
        train(Checkpoint(tmp_path / "other", "6epochs"), epochs=6)
    assert sorted(path for path in tmp_path.iterdir() if path.is_file()) == before


@needs("duckdb")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_line_says_how_to_go_on(tmp_path, number, code) -> None:
    command = [
        sys.executable, "-m", "backhand", "train", "--quick", str(ROOT / "examples/penguins.csv"),
        "-t", "species", "--epochs", "300000", "--checkpoint", "kept", "--json",
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if '"progress"' in line:
                process.send_signal(number)
                break
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert "epochs are done and saved in kept" in said and "--resume" in said
    assert {path.name for path in tmp_path.iterdir()} == {"kept"}
    assert len(list(Path(tmp_path / "kept").glob("*.safetensors"))) >= 1
