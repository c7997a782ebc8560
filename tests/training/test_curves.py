"""Curves of a training in TensorBoard's event files and in MLflow, read back."""

from __future__ import annotations

import struct
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backhand
from backhand.errors import InputError, MissingDependencyError
from backhand.training.callbacks import period
from backhand.training.history import History

X, Y = np.eye(3, dtype=np.float32), np.arange(3)


def trained(*callbacks: Any, epochs: int = 30, **options: Any) -> backhand.TrainResult:
    return backhand.train(
        backhand.init(3, 4, 3), X, Y, epochs=epochs, engine="reference", callbacks=callbacks,
        **options,
    )  # fmt: skip


def events(folder: Path) -> dict[str, dict[int, float]]:
    """The curves in a folder's event files, by name and epoch."""
    event = pytest.importorskip("tensorboardX.proto.event_pb2").Event
    found: dict[str, dict[int, float]] = {}
    for path in folder.glob("events.out.tfevents.*"):
        data, at = path.read_bytes(), 0
        while at < len(data):  # a record: its length, a checksum, itself, a checksum
            (length,) = struct.unpack_from("<Q", data, at)
            one = event.FromString(data[at + 12 : at + 12 + length])
            for value in one.summary.value:
                curve = found.setdefault(value.tag, {})
                assert one.step not in curve
                curve[one.step] = value.simple_value
            at += 16 + length
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("tensorboardX")
    return tmp_path / "run"


def test_each_epoch_is_in_the_event_file_once(folder: Path) -> None:
    result = trained(backhand.TensorBoard(folder), validation=(X, Y), validation_every=10)
    curves, history = events(folder), result.history
    assert set(curves) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}
    assert list(curves["loss"]) == list(range(1, 31))
    assert np.allclose(list(curves["loss"].values()), history.loss, rtol=1e-6)
    assert list(curves["validation_loss"]) == [10, 20, 30], "nan is not a value"
    assert np.allclose(curves["validation_loss"][20], history.validation_loss[19], rtol=1e-6)


def test_what_was_measured_is_there_when_a_training_is_ended(folder: Path) -> None:
    def stop(progress: backhand.Progress) -> None:
        if progress.epoch == 7:
            raise backhand.StopTraining

    curves = backhand.TensorBoard(folder)
    trained(curves, backhand.Every(7, stop))
    assert list(events(folder)["loss"]) == list(range(1, 8))
    trained(curves, epochs=2)  # shorter than the one before
    assert curves._done == 0


def test_no_block_is_shortened(folder: Path) -> None:
    assert period(backhand.TensorBoard(folder)) is None
    calls: list[int] = []
    plain = trained(backhand.Every(None, lambda progress: calls.append(progress.epoch)))
    blocks = len(calls)
    result = trained(
        backhand.TensorBoard(folder), backhand.Every(None, lambda p: calls.append(p.epoch))
    )
    assert len(calls) <= 2 * blocks + 2 and np.array_equal(plain.params.W1, result.params.W1)


def test_a_history_can_be_written_later(folder: Path) -> None:
    """As that of each member of a fleet, or of a model that a search made."""
    results = backhand.train_many([backhand.Member(hidden=4, epochs=n) for n in (3, 5)], X, Y)
    for number, result in enumerate(results):
        backhand.TensorBoard(folder / str(number)).write(result.history)
    lengths = [len(events(folder / str(number))["loss"]) for number in range(2)]
    assert lengths == [3, 5]


def test_progress_without_a_history_is_refused(folder: Path) -> None:
    members = [backhand.Member(hidden=4)]
    with pytest.raises(InputError, match="TensorBoard is called with a FleetProgress"):
        backhand.train_many(members, X, Y, callbacks=[backhand.TensorBoard(folder)])
    assert not list(folder.iterdir()), "an empty file would be shown as a run"


def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(InputError, match=r"cannot write to the folder .*: it is a file"):
        backhand.TensorBoard(folder)
    with pytest.raises(InputError, match=r"cannot write to the folder .*: Not a directory"):
        backhand.TensorBoard(folder / "below")


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, extra, make in (
        ("tensorboardX", "tensorboard", lambda: backhand.TensorBoard(tmp_path)),
        ("mlflow", "mlflow", backhand.MLflow),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingDependencyError, match=rf"backhand\[{extra}\]"):
            make()


class Server:
    """MLflow as it is called, with one active run or none."""

    def __init__(self, active: str | None) -> None:
        self.active, self.calls = active, list[tuple[str, list[Any]]]()

    def module(self) -> types.ModuleType:
        def run(name: str) -> Any:
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id=name))

        found: Any = types.ModuleType("mlflow")
        found.active_run = lambda: self.active and run(self.active)
        found.start_run = lambda: run("started")
        found.entities = types.SimpleNamespace(Metric=lambda *values: values)
        found.MlflowClient = lambda: types.SimpleNamespace(
            log_batch=lambda name, metrics: self.calls.append((name, metrics))
        )
        return found


@pytest.mark.parametrize(
    ("active", "given", "expected"),
    [("active", None, "active"), (None, None, "started"), ("active", "given", "given")],
)
def test_metrics_go_to_a_run_of_mlflow(
    active: str | None, given: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(active)
    monkeypatch.setitem(sys.modules, "mlflow", server.module())
    result = trained(backhand.MLflow(given))
    assert {name for name, _ in server.calls} == {expected}
    metrics = [metric for _, some in server.calls for metric in some]
    losses = {epoch: value for name, value, _, epoch in metrics if name == "loss"}
    assert len(metrics) == 60 and losses[30] == result.history.loss[-1]


def test_mlflow_gets_no_more_at_once_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("active")
    monkeypatch.setitem(sys.modules, "mlflow", server.module())
    ones = np.ones(1200)
    backhand.MLflow().write(History(ones, ones, ones * np.nan, ones * np.nan))
    assert [len(metrics) for _, metrics in server.calls] == [1000, 1000, 400]


@pytest.mark.slow
def test_mlflow_returns_what_was_recorded(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    with mlflow.start_run() as run:
        result = trained(backhand.MLflow(), epochs=600, validation=(X, Y))
    found = mlflow.MlflowClient().get_metric_history(run.info.run_id, "validation_loss")
    assert [one.step for one in found] == list(range(1, 601))
    assert np.array_equal([one.value for one in found], result.history.validation_loss)
