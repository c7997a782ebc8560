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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, is_sparse
from backhand.equations import Parameters
from backhand.errors import BackhandWarning, InputError, OutputError
from backhand.files import replacing
from backhand.folders import check_private, clear, opened
from backhand.tensors import Entry, read_tensors, write_tensors
from backhand.training.standing import Standing

FORMAT = 1
"""Version of the header's layout."""

KEPT = 2
"""Checkpoints of one training that are kept."""

STRETCH_BYTES = 2**22
"""Read at a time."""

FOLDER = "the checkpoint folder"

LOCK = "held-by"
"""The file that the training which has the folder holds locked; it says which one that is."""

NAME = re.compile(r"checkpoint-(\d{8})\.safetensors")

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
    def opened(self, settings: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Keeper]:
        """The folder, held while the context lasts, for a training with these settings and data.

        Both are JSON values by name; a checkpoint with others is not resumed.

        Raises
        ------
        InputError
            If another training holds the folder, or it cannot be used; if there are checkpoints
            in it and they are not to be resumed, are all damaged, or are those of other data or
            settings.
        OutputError
            If the folder cannot be made or locked.
        """
        self.check()
        with _held(self.folder):
            clear(self.folder, "part")  # of a training that was killed while it wrote
            keeper = Keeper(self, {"settings": dict(settings), "data": dict(data)})
            keeper.find()
            yield keeper


class Keeper:
    """Writes checkpoints of one training, and knows the one to go on from.

    Attributes
    ----------
    standing : Standing or None
        Where the training stood when it was last written down.
    """

    def __init__(self, checkpoint: Checkpoint, about: dict[str, Any]) -> None:
        self._folder, self._epochs = checkpoint.folder, checkpoint.epochs
        self._seconds = checkpoint.seconds
        self._about = about
        self._last = time.monotonic()
        self._epoch = 0
        self._number = 0
        self.standing: Standing | None = None

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
            for old in sorted(_found(self._folder))[:-KEPT]:
                old.unlink()

    def find(self) -> None:
        """Look for the checkpoint to go on from."""
        with _usable(self._folder):
            found = sorted(_found(self._folder), reverse=True)
        if not found:
            return
        self._number = int(NAME.fullmatch(found[0].name).group(1))  # type: ignore[union-attr]
        damage: list[str] = []
        for path in found:
            try:
                standing, about = _read(path)
            except InputError as error:
                damage.append(str(error))
                continue
            if damage:
                warnings.warn(
                    f"{damage[-1]} Training goes on from the checkpoint before it.",
                    BackhandWarning, stacklevel=2,
                )  # fmt: skip
            self._check_same(path, about)
            self.standing, self._epoch = standing, len(standing.history)
            return
        raise InputError(f"no checkpoint in {self._folder} can be read: {damage[0]}")

    def _check_same(self, path: Path, about: Mapping[str, Any]) -> None:
        for what in ("settings", "data"):
            then, now = about[what], self._about[what]
            for name in [*now, *(name for name in then if name not in now)]:
                if then.get(name) != now.get(name):
                    raise InputError(
                        f"{path} is of a training with other {what}: "
                        f"{_difference(name, then.get(name), now.get(name))}. Resume with what it "
                        "was, or begin anew in another folder."
                    )


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


def _found(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if NAME.fullmatch(path.name)]


def _read(path: Path) -> tuple[Standing, dict[str, Any]]:
    tensors, header = read_tensors(path, expected=_as_expected, what="checkpoint", links=False)
    checksum = header.pop("checksum")
    if _checksum(tensors, header) != checksum:
        raise InputError(f"{path} is damaged: its checksum is not that of what it holds.")
    try:
        return Standing.from_tensors(tensors, header), header
    except InputError as error:
        raise InputError(f"{path} is damaged or was not written by Backhand: {error}.") from error


def _as_expected(_: Mapping[str, Entry], header: Any) -> dict[str, Any]:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"it is no checkpoint of format {FORMAT}")
    if not isinstance(header.get("checksum"), str):
        raise InputError("it has no checksum")
    if not all(isinstance(header.get(what), dict) for what in ("settings", "data")):
        raise InputError("it does not say of which training it is")
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
