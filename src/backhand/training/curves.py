"""Callbacks that write the curves of a training where other programs show them."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterator
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backhand.errors import InputError
from backhand.support.optional import extra
from backhand.training.callbacks import AfterBlocks, Progress
from backhand.training.history import History

FIGURES = ("loss", "accuracy", "validation_loss", "validation_accuracy")

MOST_AT_ONCE = 1000
"""Figures that MLflow takes in one call."""

_files = count()


class Figure(NamedTuple):
    """What was measured in an epoch, counted from 1."""

    name: str
    epoch: int
    value: float


class Curves(AfterBlocks):
    """Passes the figures of each epoch on once, several times per second and at the end."""

    _done = 0

    def __call__(self, progress: Progress) -> None:
        """Write the epochs that have been done since the last call.

        Parameters
        ----------
        progress : Progress
            That of `train`.

        Raises
        ------
        InputError
            If it is the progress of a fleet or of a search.
        """
        if not isinstance(progress, Progress):
            raise InputError(
                f"{type(self).__name__} is called with a {type(progress).__name__}, which has no "
                "history: write(history) writes that of a model or of a result once it is there. "
                "(With quick=True, fit trains one network and calls it with its progress.)"
            )
        if len(progress.history) < self._done:  # of another training, which was ended early
            self._done = 0
        self._write(list(_figures(progress.history, self._done)))
        self._done = 0 if progress.finished else len(progress.history)

    def write(self, history: History) -> None:
        """Write all epochs of a history.

        Parameters
        ----------
        history : History
            That of a `TrainResult` or of a `Model`.
        """
        self._write(list(_figures(history, 0)))

    def _write(self, figures: list[Figure]) -> None:
        raise NotImplementedError


def _figures(history: History, done: int) -> Iterator[Figure]:
    for epoch in range(done, len(history)):
        for name in FIGURES:
            value = float(getattr(history, name)[epoch])
            if np.isfinite(value):  # else it was not measured
                yield Figure(name, epoch + 1, value)


class TensorBoard(Curves):
    """Writes the curves of a training for TensorBoard.

    Pass it to `train`, or to `fit` with `quick=True`, among the callbacks. It ends no block of
    updates; each figure takes some 20 µs to write. `tensorboard --logdir FOLDER` shows the curves
    while they grow.

    Parameters
    ----------
    folder : path
        Where the event file is written: a folder for each training.

    Raises
    ------
    InputError
        If the folder cannot be made.
    MissingDependencyError
        If tensorboardX is not installed, which writes the file.

    See Also
    --------
    MLflow : The same for MLflow.

    Examples
    --------
    >>> import backhand
    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> result = backhand.train(
    ...     backhand.init(3, 4, 3), np.eye(3), np.arange(3), epochs=20,
    ...     callbacks=[backhand.TensorBoard(folder.name)])
    >>> len(list(Path(folder.name).glob("events.out.tfevents.*")))
    1

    The curves of a result that is there already, such as each one of `train_many`:

    >>> backhand.TensorBoard(Path(folder.name) / "again").write(result.history)
    >>> folder.cleanup()
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        extra("tensorboardX", "TensorBoard")
        # Not SummaryWriter: its `flush` does not wait for its thread, which loses what it has not
        # written when the process ends.
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event

        self._folder, self._open, self._event = Path(folder), EventsWriter, Event
        self._events: Any = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            is_file = self._folder.exists() and not self._folder.is_dir()
            why = "it is a file" if is_file else error.strerror
            raise InputError(f"TensorBoard cannot write to the folder {folder}: {why}.") from error

    def _write(self, figures: list[Figure]) -> None:
        if self._events is None and figures:  # an empty file would be shown as a run
            suffix = f".{os.getpid()}.{next(_files)}"  # the name has the second and the machine
            self._events = self._open(str(self._folder / "events"), suffix)
            weakref.finalize(self, self._events.close)
        for name, epoch, value in figures:
            event = self._event(wall_time=time.time(), step=epoch)
            event.summary.value.add(tag=name, simple_value=value)
            self._events.write_event(event)
        if figures:
            self._events.flush()


class MLflow(Curves):
    """Records the curves of a training as metrics of a run of MLflow.

    Pass it to `train`, or to `fit` with `quick=True`, among the callbacks. It ends no block of
    updates. For `MLPClassifier`, `mlflow.sklearn.autolog` records parameters and the model.

    Parameters
    ----------
    run : str, optional
        The id of a run. None: the active run; if there is none, MLflow starts one.

    Raises
    ------
    MissingDependencyError
        If MLflow is not installed; mlflow-skinny suffices.

    See Also
    --------
    TensorBoard : The same for TensorBoard.

    Examples
    --------
    >>> import backhand
    >>> import tempfile
    >>> import numpy as np
    >>> import mlflow
    >>> folder = tempfile.TemporaryDirectory()
    >>> mlflow.set_tracking_uri(f"sqlite:///{folder.name}/mlflow.db")
    >>> with mlflow.start_run() as run:
    ...     result = backhand.train(
    ...         backhand.init(3, 4, 3), np.eye(3), np.arange(3), epochs=20,
    ...         callbacks=[backhand.MLflow()])
    >>> sorted(mlflow.get_run(run.info.run_id).data.metrics)
    ['accuracy', 'loss']

    The curves of a result that is there already, such as each one of `train_many`:

    >>> with mlflow.start_run():
    ...     backhand.MLflow().write(result.history)
    >>> folder.cleanup()
    """

    def __init__(self, run: str | None = None) -> None:
        self._mlflow: Any = extra("mlflow", "MLflow")
        self._run = run

    def _write(self, figures: list[Figure]) -> None:
        active = self._mlflow.active_run() if self._run is None else None
        run = self._run or (active or self._mlflow.start_run()).info.run_id
        now, kind = int(time.time() * 1000), self._mlflow.entities.Metric
        metrics = [kind(name, value, now, epoch) for name, epoch, value in figures]
        for first in range(0, len(metrics), MOST_AT_ONCE):
            self._mlflow.MlflowClient().log_batch(run, metrics[first : first + MOST_AT_ONCE])
