"""Checkpoints: where a training stands is written down, so that nothing can lose it.

A folder holds the last two, each in one safetensors file with a checksum, and belongs to one
training at a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine, is_sparse
from backhand.equations import Parameters
from backhand.errors import BackhandWarning, InputError, OutputError, listed
from backhand.support.atomic_files import replacing
from backhand.support.safetensors_io import Entry, read_tensors, write_tensors
from backhand.support.trusted_folders import check_private, clear, opened
from backhand.training.checkpoints.consistency import Agreement
from backhand.training.state import Standing

FORMAT = 1
"""Version of the header's layout."""

KEPT = 2
"""Checkpoints of one training that are kept."""

STRETCH_BYTES = 2**22
"""Read at a time."""

FOLDER = "the checkpoint folder"

LOCK = "held-by"
"""The file that the training which has the folder holds locked; it says which one that is."""

NAME = re.compile(r"checkpoint-\d{8,18}\.safetensors")

HEADER: dict[str, type] = {
    "format": int, "checksum": str, "settings": dict, "data": dict, "made_by": dict, "done": int,
    "ended": str, "cuts": list, "updates": int, "best_updates": object,
}  # fmt: skip
"""What the header holds, and of which types; `best_updates` is an integer or null."""

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Checkpoint:
    """Where and how often a training is written down.

    `train` takes it as `checkpoint`, `MLPClassifier` by `set_callbacks`.

    Parameters
    ----------
    folder : path
        Made if it is not there, for this user alone; nobody else may be able to write to it. One
        training's alone.
    every : str
        Seconds or epochs between two checkpoints: "30s", "5min", "2epochs".
    resume : bool
        Go on from the last checkpoint in the folder, if there is one. Data and settings must be
        those of the training that wrote it: then the result is, bit for bit, what it would have
        been without the break.

    Raises
    ------
    InputError
        If `every` says nothing of the kind.
    """

    def __init__(self, folder: str | Path, every: str = "30s", *, resume: bool = False) -> None:
        self.folder, self.every, self.resume = Path(folder), every, resume
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|epochs?)\s*", str(every))
        if found is None or float(found.group(1)) <= 0:
            raise InputError(
                f"every (--every) is '{every}'; expected a span such as 30s, 5min or 2epochs."
            )
        number, unit = float(found.group(1)), found.group(2)
        self.seconds = number * UNITS[unit] if unit in UNITS else None
        self.epochs = None if unit in UNITS else int(number)
        if self.epochs == 0 or (self.epochs is not None and self.epochs != number):
            raise InputError(f"every (--every) is '{every}'; expected whole epochs, 1 or more.")

    # scikit-learn knows a callback by these; `fit` looks for a Checkpoint and writes by itself.

    def setup(self, estimator: Any, context: Any) -> None:
        """Nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any, **_: Any) -> None:
        """Nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any, **_: Any) -> None:
        """Nothing: training goes on."""

    def check(self) -> None:
        """Whether the folder can be used, before any work is done for it.

        Raises
        ------
        InputError
            If it is a file or a link, cannot be made or written to, can be written to by others, or
            holds checkpoints that are not to be resumed.
        OutputError
            If the system does not say.
        """
        with _usable(self.folder):
            self._check()

    def _check(self) -> None:
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
        if folder.exists() and not self.resume and _found(folder):
            raise InputError(
                f"{folder} already holds checkpoints of a training; go on from them with "
                "resume=True (--resume), or name another folder."
            )

    @contextmanager
    def opened(
        self, engine: Engine, settings: Mapping[str, Any], data: Mapping[str, Any]
    ) -> Iterator[Keeper]:
        """The folder, held while the context lasts, for a training with these settings and data.

        Both are JSON values by name; a checkpoint with others is not resumed. Of one that another
        version or another CPU has made, training goes on with a warning: the numbers of an unbroken
        run may differ in their last digits.

        Raises
        ------
        InputError
            If another training holds the folder, or it cannot be used; if there are checkpoints
            in it and they are not to be resumed.
        OutputError
            If the folder cannot be made or locked.
        """
        self.check()
        with _held(self.folder):
            clear(self.folder, "part")  # of a training that was killed while it wrote
            yield Keeper(self, {
                "settings": {**settings, "engine": engine.name}, "data": dict(data),
                "made_by": {"Backhand": version("backhand"), **engine.depends_on()},
            })  # fmt: skip


class Keeper:
    """Writes checkpoints of one training, and finds the one to go on from."""

    def __init__(self, checkpoint: Checkpoint, about: dict[str, Any]) -> None:
        self._folder, self._epochs = checkpoint.folder, checkpoint.epochs
        self._seconds = checkpoint.seconds
        self._about = about
        self._last = time.monotonic()
        self._epoch = 0
        self._number = 0
        self._damaged: set[Path] = set()

    @property
    def folder(self) -> Path:
        """Where checkpoints are."""
        return self._folder

    @property
    def period(self) -> int | None:
        """After how many epochs a block has to end."""
        return self._epochs

    def due(self, epoch: int, share: float) -> bool:
        """Whether it is time, so many epochs and that share of the next being done."""
        if self._seconds is not None:
            return time.monotonic() - self._last >= self._seconds
        assert self._epochs is not None
        return not share and epoch % self._epochs == 0 and epoch > self._epoch

    def save(self, standing: Standing) -> None:
        """Write a checkpoint, whole or not at all, and remove those that are too old.

        Raises
        ------
        OutputError
            If it cannot be written; those before stay.
        """
        tensors, header = standing.to_tensors()
        about = {"format": FORMAT, **header, **self._about}
        checked = about | {"checksum": _checksum(tensors, about)}
        number = self._number + 1
        try:
            with replacing(self._folder / f"checkpoint-{number:08}.safetensors") as temporary:
                write_tensors(temporary, tensors, checked)
        except OutputError as error:
            raise OutputError(
                f"{error} The checkpoints before it are whole: mend that, and resume."
            ) from error
        self._number, self._last, self._epoch = number, time.monotonic(), len(standing.history)
        with suppress(OSError):  # the new one is whole; what stays now is removed after the next
            found = _found(self._folder)
            whole = [path for path in found if path not in self._damaged]
            for old in set(found) - set(whole[-KEPT:]):
                old.unlink()

    def find(self, agreement: Agreement) -> Standing | None:
        """Where the training stood when it was last written down, if it was.

        Raises
        ------
        InputError
            If all checkpoints in the folder are damaged or could not be of the training, or they
            are of other data or settings.
        """
        with _usable(self._folder):
            found = _found(self._folder)[::-1]
        if not found:
            return None
        self._number = _number(found[0])
        damage: list[str] = []
        for path in found:
            try:
                tensors, about = _read(path)
                self._check_same(path, about)
                standing = _agreed(path, agreement, tensors, about)
            except _DamagedError as error:
                damage.append(str(error))
                self._damaged.add(path)
                continue
            if damage:
                warnings.warn(
                    f"{damage[-1]} Training goes on from the checkpoint before it.",
                    BackhandWarning, stacklevel=2,
                )  # fmt: skip
            self._tell_other_maker(path, about["made_by"])
            self._epoch = len(standing.history)
            return standing
        raise InputError(f"no checkpoint in {self._folder} can be read: {damage[0]}")

    def _check_same(self, path: Path, about: Mapping[str, Any]) -> None:
        for what in ("settings", "data"):
            then, now = about[what], self._about[what]
            for name in [*now, *(name for name in then if name not in now)]:
                if then.get(name) != now.get(name):
                    difference = _difference(name[:60], then.get(name), now.get(name))
                    raise InputError(
                        f"{path} is of a training with other {what}: {difference}. Resume with "
                        "what it was, or begin anew in another folder."
                    )

    def _tell_other_maker(self, path: Path, then: Mapping[str, Any]) -> None:
        now = self._about["made_by"]
        others = [name for name in now if then.get(name) != now[name]]
        if others:
            differences = "; ".join(_difference(name, then.get(name), now[name]) for name in others)
            warnings.warn(
                f"{path} was made by other means: {differences}. Training goes on; its last digits "
                "may differ from those of an unbroken run.",
                BackhandWarning, stacklevel=2,
            )  # fmt: skip


def described(params: Parameters, data: Data, validation: Data | None) -> dict[str, Any]:
    """What tells a training's shape and data from those of another, as JSON values."""
    d, H = params.W1.shape
    about: dict[str, Any] = {
        "dtype": str(params.W1.dtype), "d": int(d), "H": int(H), "K": len(params.b2),
        "rows": data.rows, "validation_rows": 0 if validation is None else validation.rows,
    }  # fmt: skip
    for name, some in (("", data), ("validation_", validation)):
        if some is not None:
            X = [some.X.data, some.X.indices, some.X.indptr] if is_sparse(some.X) else [some.X]
            about |= {f"{name}X": digest(*X), f"{name}y": digest(some.y)}
            if some.sample_weight is not None:
                about[f"{name}sample_weight"] = digest(some.sample_weight)
    return about


def digest(*arrays: NDArray[Any]) -> str:
    """Of all numbers of the arrays, a stretch of rows at a time."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        step = max(1, STRETCH_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), step):
            found.update(np.ascontiguousarray(array[start : start + step]).data)
    return found.hexdigest()


def _difference(name: str, then: Any, now: Any) -> str:
    texts = [json.dumps(value, ensure_ascii=False)[:60] for value in (then, now)]
    if all(re.fullmatch('"[0-9a-f]{32}"', text) for text in texts):
        return f"the numbers of {name} are not what they were"
    return f"{name} was {texts[0]}, and is {texts[1]} now"


class _DamagedError(InputError):
    """A checkpoint that cannot be gone on from; the one before it may be."""


def _found(folder: Path) -> list[Path]:
    """The checkpoints in the folder, oldest first."""
    return sorted((path for path in folder.iterdir() if NAME.fullmatch(path.name)), key=_number)


def _number(path: Path) -> int:
    return int(path.name.removeprefix("checkpoint-").removesuffix(".safetensors"))


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors and the header of a checkpoint, once they have its checksum."""
    try:
        tensors, header = read_tensors(path, expected=_as_expected, what="checkpoint", links=False)
    except InputError as error:
        raise _DamagedError(str(error)) from error
    checksum = header.pop("checksum")
    if _checksum(tensors, header) != checksum:
        raise _DamagedError(f"{path} is damaged: its checksum is not that of what it holds.")
    return tensors, header


def _agreed(
    path: Path, agreement: Agreement, tensors: Mapping[str, NDArray[Any]], header: dict[str, Any]
) -> Standing:
    """Where the training stood, once that is found to be a place where it can stand."""
    try:
        return agreement.standing(tensors, header)
    except InputError as error:
        raise _DamagedError(
            f"{path} is damaged or was not written by Backhand: {str(error).rstrip('.')}."
        ) from error


def _as_expected(_: Mapping[str, Entry], header: Any) -> dict[str, Any]:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"it is no checkpoint of format {FORMAT}")
    if set(header) != set(HEADER):
        raise InputError(f"its header is of {listed(header)}; expected {listed(HEADER)}")
    for name, kind in HEADER.items():
        if type(header[name]) is not kind and kind is not object:
            raise InputError(f"its {name} is no {kind.__name__}")
    return header


def _checksum(tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody else has the folder while the context lasts; the system frees it with the process."""
    with _usable(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        with opened(folder, FOLDER) as inside:
            lock = inside.open(LOCK, os.O_RDWR | os.O_CREAT)
    try:
        with _usable(folder):
            _lock(lock, folder)
        yield
    finally:
        with suppress(OSError):
            os.close(lock)


def _lock(lock: int, folder: Path) -> None:
    """Lock the file, unless it is locked or somebody else's, and say in it who has."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    holder = os.read(lock, 100)
    if holder and not holder.startswith(b"process "):
        raise InputError(
            f"{folder / LOCK} was not written by Backhand, which needs a file of that name; name "
            "another folder for the checkpoints."
        )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        who = holder.decode(errors="replace").strip() or "another process"
        raise InputError(
            f"{FOLDER} {folder} is held by {who}, which trains; wait for it, or name another "
            "folder."
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()} of {os.uname().nodename}".encode(), 0)


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """What the system says against the folder becomes a sentence."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{FOLDER} {folder} cannot be used: {error.strerror or error}. No checkpoint in it was "
            "changed; name another one."
        ) from error
