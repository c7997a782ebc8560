"""`Checkpoint`: where and how often a training is saved, and whether to resume it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backhand.constraints import Span, seconds_in
from backhand.engines import Engine
from backhand.errors import InputError
from backhand.support.trusted_folders import check_private, clear
from backhand.training.checkpoints.file_format import found_in
from backhand.training.checkpoints.fleet_manager import FleetManager
from backhand.training.checkpoints.lock import FOLDER, locked, usable
from backhand.training.checkpoints.manager import CheckpointManager
from backhand.training.checkpoints.members import files_in
from backhand.training.checkpoints.owner import Kind, Owner


class Checkpoint:
    """Where and how often a training is saved.

    Pass it to `train` as `checkpoint`, to `MLPClassifier` by `set_callbacks`.

    Parameters
    ----------
    folder : path
        Created if it does not exist, for this user only; no other user may have write access. It
        contains the checkpoints of one training run.
    every : str, default="30s"
        Time or epochs between two checkpoints: "30s", "5min", "1h", "2epochs".
    resume : bool, default=False
        Whether to resume from the last checkpoint in the folder, if there is one. Data and settings
        must be those of the training run that saved it: then the result is bit-identical to that of
        an uninterrupted run.
    notify : callable, optional
        Called with a sentence on how much was restored, before training continues, or that the
        folder has nothing to resume.

    Raises
    ------
    InputError
        If `every` is not such a span.

    Examples
    --------
    >>> import backhand
    >>> import tempfile
    >>> import numpy as np
    >>> params = backhand.init(3, 4, 3, dtype=np.float64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = backhand.train(params, np.eye(3), np.arange(3), epochs=4,
    ...                            checkpoint=backhand.Checkpoint(folder, "2epochs"))
    ...     again = backhand.train(params, np.eye(3), np.arange(3), epochs=4,
    ...                            checkpoint=backhand.Checkpoint(folder, resume=True))
    >>> bool((saved.params.W1 == again.params.W1).all())
    True
    """

    def __init__(
        self,
        folder: str | Path,
        every: str = "30s",
        *,
        resume: bool = False,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.folder, self.every, self.resume = Path(folder), every, resume
        self._notify = notify
        self._owner: Owner | None = None  # the search that it is a part of
        epochs = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*epochs?\s*", str(every))
        if epochs is None and not Span().allows(every):
            raise InputError(
                f"every (--every) is '{every}'; expected a span such as 30s, 5min or 2epochs."
            )
        if epochs is not None and (float(epochs[1]) < 1 or not float(epochs[1]).is_integer()):
            raise InputError(f"every (--every) is '{every}'; expected whole epochs, 1 or more.")
        self.seconds = seconds_in(every)
        self.epochs = None if epochs is None else int(float(epochs[1]))

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.folder)!r}, {self.every!r}, resume={self.resume})"

    # scikit-learn recognises a callback by these; `fit` finds a Checkpoint and saves by itself.

    def setup(self, estimator: Any, context: Any) -> None:
        """Nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any, **_: Any) -> None:
        """Nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any, **_: Any) -> None:
        """Nothing: training continues."""

    def check(self, kind: Kind = "training run", resume: str = "pass resume=True") -> None:
        """Check that the folder can be used before any work is done.

        Parameters
        ----------
        kind : {"training run", "fleet", "search"}
            What is to be saved.
        resume : str
            How the user resumes, for the message.

        Raises
        ------
        InputError
            If it is a file or a link, cannot be created or written to, is writable by other users,
            or holds checkpoints that are not to be resumed, or those of another kind; for a fleet
            or a search, if `every` is a number of epochs.
        OutputError
            If the system reports an error.
        """
        if kind != "training run" and self.seconds is None:
            one = "network of a search" if kind == "search" else "member of a fleet"
            raise InputError(
                f"every (--every) is '{self.every}', but each {one} has epochs of its own; "
                "expected a time such as 30s or 5min."
            )
        with usable(self.folder):
            self._check(kind, resume)

    def _check(self, kind: Kind, resume: str) -> None:
        folder, parent = self.folder, self.folder.parent
        if folder.exists() and not folder.is_dir():
            raise InputError(f"the checkpoint folder {folder} is a file; name a folder.")
        there = folder if folder.exists() else parent
        if not there.is_dir():
            raise InputError(
                f"the checkpoint folder {folder} cannot be made: the folder {parent} does not "
                "exist; make it first."
            )
        if not os.access(there, os.W_OK):
            raise InputError(
                f"the checkpoint folder {folder}: no permission to write in the folder {there}."
            )
        if os.path.lexists(folder):
            check_private(folder, FOLDER)
        if folder.exists():
            self._check_content(kind, resume)

    def _check_content(self, kind: Kind, resume: str) -> None:
        there = self._kind_of_content()
        if there is not None and there != kind:
            raise InputError(
                f"{self.folder} contains checkpoints of a {there}, and this is a {kind}; name "
                "another folder."
            )
        if there is not None and not self.resume:
            raise InputError(
                f"{self.folder} already contains checkpoints of a {there}. To resume it, {resume}; "
                "to begin a new one, delete the folder or name another one."
            )

    def _kind_of_content(self) -> Kind | None:
        """What the folder has checkpoints of; a search has a folder for each of its fleets."""
        if found_in(self.folder):
            return "training run"
        if files_in(self.folder):
            return "fleet"
        inner = [path for path in self.folder.iterdir() if path.is_dir()]
        return "search" if any(map(files_in, inner)) else None

    @contextmanager
    def open(
        self, engine: Engine, settings: Mapping[str, Any], data: Mapping[str, Any]
    ) -> Iterator[CheckpointManager]:
        """Lock the folder while the context lasts, for a training with these settings and data.

        Both are JSON values by name; a checkpoint with others is not resumed. One that was made by
        another version or on another CPU is resumed with a warning: the last digits may differ from
        those of an uninterrupted training.

        Raises
        ------
        InputError
            If another training has locked the folder, or it cannot be used; if there are
            checkpoints in it and they are not to be resumed.
        OutputError
            If the folder cannot be made or locked.
        """
        self.check()
        with self._locked():
            yield CheckpointManager(self.folder, self.seconds, self.epochs, {
                "settings": dict(settings), "data": dict(data),
                "made_by": _maker(engine),
            }, Owner(self.folder, "training run", self._notify, resume=self.resume))  # fmt: skip

    @contextmanager
    def open_fleet(self, engine: Engine) -> Iterator[FleetManager]:
        """Lock the folder while the context lasts, for a fleet.

        Raises
        ------
        InputError
            As `open` does; or if `every` is a number of epochs.
        OutputError
            If the folder cannot be made or locked.
        """
        self.check("fleet")
        assert self.seconds is not None
        with self._locked():
            owner = self._owner or Owner(self.folder, "fleet", self._notify, resume=self.resume)
            yield FleetManager(self.folder, self.seconds, _maker(engine), owner)
            if self._owner is None:  # a search does so at its own end
                owner.tell()

    @contextmanager
    def open_stages(self) -> Iterator[Callable[[str], Checkpoint]]:
        """Lock the folder while the context lasts, for fleets that follow each other.

        The function that is returned makes the checkpoint of one of them, by a name: it saves in a
        folder of its own inside this one.

        Raises
        ------
        InputError, OutputError
            As `open_fleet` does.
        """
        self.check("search")
        owner = Owner(self.folder, "search", self._notify, resume=self.resume)

        def stage(name: str) -> Checkpoint:
            made = Checkpoint(self.folder / name, self.every, resume=self.resume)
            made._owner = owner
            return made

        with self._locked():
            yield stage
            owner.tell()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with locked(self.folder):
            clear(self.folder, "part")  # of a training that was killed while it saved
            yield


def _maker(engine: Engine) -> dict[str, str]:
    """What the bits of a training depend on besides its settings and data."""
    return {"Backhand": version("backhand"), **engine.depends_on()}


def check_checkpoint(checkpoint: object) -> None:
    """Check that the argument is a Checkpoint or None.

    Raises
    ------
    InputError
        If it is not.
    """
    if not isinstance(checkpoint, Checkpoint | None):
        raise InputError(
            f"checkpoint is a {type(checkpoint).__name__}; expected a Checkpoint, such as "
            "backhand.Checkpoint(FOLDER)."
        )
