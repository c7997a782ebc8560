"""`CheckpointManager`: saves checkpoints of one training, and restores the latest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from backhand.errors import InputError, OutputError, warn
from backhand.support.atomic_files import replacing
from backhand.support.logs import Log
from backhand.support.safetensors_io import write_tensors
from backhand.training.checkpoints.comparison import check_same, warn_of_other_maker
from backhand.training.checkpoints.consistency import Consistency
from backhand.training.checkpoints.file_format import (
    FORMAT,
    DamagedError,
    Tensors,
    checksum,
    found_in,
    number_of,
    path_of,
    read,
    to_tensors,
)
from backhand.training.checkpoints.lock import usable
from backhand.training.checkpoints.owner import Owner
from backhand.training.state import TrainState

LOG = Log(__name__)


KEPT = 2
"""Number of checkpoints of one training that are kept."""


class CheckpointManager:
    """Saves checkpoints of one training in a folder that is locked, and restores the latest.

    Parameters
    ----------
    folder : path
    seconds, epochs : float or None, int or None
        Time or epochs between two checkpoints: one of the two.
    about : dict
        The training's `settings` and `data`, which a checkpoint must have to be restored, and what
        it is `made_by`.
    owner : Owner
    """

    def __init__(
        self,
        folder: Path,
        seconds: float | None,
        epochs: int | None,
        about: dict[str, Any],
        owner: Owner,
    ) -> None:
        self.folder, self._seconds, self.period = folder, seconds, epochs
        self._about, self.owner = about, owner
        self._last = time.monotonic()
        self._epoch = 0
        self._number = 0
        self._damaged: set[Path] = set()

    def due(self, epoch: int, share: float) -> bool:
        """Return whether to save a checkpoint after `epoch` epochs and that share of the next."""
        if self._seconds is not None:
            return time.monotonic() - self._last >= self._seconds
        assert self.period is not None
        return not share and epoch % self.period == 0 and epoch > self._epoch

    def save(self, state: TrainState) -> None:
        """Write a checkpoint, whole or not at all, and remove those that are too old.

        Raises
        ------
        OutputError
            If it cannot be written; those before it stay.
        """
        tensors, header = to_tensors(state)
        about = {"format": FORMAT, **header, **self._about}
        checked = about | {"checksum": checksum(tensors, about)}
        number, began = self._number + 1, time.monotonic()
        try:
            with replacing(path_of(self.folder, number)) as temporary:
                write_tensors(temporary, tensors, checked)
        except OutputError as error:
            raise OutputError(
                f"{error} The checkpoints before it are whole: fix that, and resume."
            ) from error
        self._number, self._last, self._epoch = number, time.monotonic(), len(state.history)
        LOG.info("%s saved after %d epochs in %.3f s", path_of(self.folder, number),
                 self._epoch, self._last - began)  # fmt: skip
        with suppress(OSError):  # the new one is whole; what stays now is removed after the next
            found = found_in(self.folder)
            whole = [path for path in found if path not in self._damaged]
            for old in set(found) - set(whole[-KEPT:]):
                old.unlink()

    def restore_latest(self, consistency: Consistency) -> TrainState | None:
        """Return the state in the latest intact checkpoint; None if there is no checkpoint.

        Raises
        ------
        InputError
            If all checkpoints in the folder are damaged or could not be of the training, or they
            are of other data or settings.
        """
        with usable(self.folder):
            found = found_in(self.folder)[::-1]
        if not found:
            return None
        self._number = number_of(found[0])
        damage: list[str] = []
        for path in found:
            try:
                tensors, about = read(path)
                check_same(self.owner, about, self._about, made_by=about["made_by"])
                state = _checked_state(path, consistency, tensors, about)
            except DamagedError as error:
                damage.append(str(error))
                self._damaged.add(path)
                continue
            if damage:
                warn(
                    f"{damage[-1]} Training resumes from the checkpoint before it."
                )  # fmt: skip
            warn_of_other_maker(self.folder, about["made_by"], self._about["made_by"])
            self._epoch = len(state.history)
            return state
        raise InputError(f"no checkpoint in {self.folder} can be read: {damage[0]}")


def _checked_state(
    path: Path, consistency: Consistency, tensors: Tensors, header: Mapping[str, Any]
) -> TrainState:
    try:
        return consistency.state(tensors, header)
    except InputError as error:
        raise DamagedError(
            f"{path} is damaged or was not written by Backhand: {str(error).rstrip('.')}."
        ) from error
