"""Checkpoints with a right checksum and contents that somebody made up.

    cd tests; python -m helpers.forged_checkpoints --count 20000

Each is drawn from its seed: a checkpoint of a short training, of which one or two things are
changed: a value of its header, a tensor's numbers, dtype, shape or name. Resuming it has to end in
an error of Backhand's; or it goes on, with the very bits of the unbroken training if nothing was
changed that training needs. What may be changed unseen are numbers as training itself might have
written them: weights, an optimizer's memory, losses, random numbers. So the fuzzer knows of
each change whether it can be seen, and if so it must be. Children make the calls, as of
`guard_pages`.
"""

from __future__ import annotations

import json
import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import backhand
from backhand.errors import BackhandError
from backhand.support.safetensors_io import read_tensors, write_tensors
from backhand.training import samplers
from backhand.training.checkpoints.file_format import checksum
from backhand.training.checkpoints.manager import CheckpointManager
from helpers.guard_pages import main

VALUES = [0, 1, -1, 2, 3, 624, 625, 2**31, 2**62, 2**64, 10**30, 1.5, -0.5, 1e308, None, True, "",
          "done", "patience", "perfect", "callback", "any text", "x" * 500, [], [1], [2, 1], {},
          {"a": 1}]  # fmt: skip
DTYPES = ["<f4", "<f8", "<i4", "<i8", "<u8", "u1", "<u4"]
FORMAT_OF_ITS_OWN = ("format", "checksum")
rng = np.random.default_rng(0)
X = rng.standard_normal((40, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def of_train(parts: int, **changed: Any) -> Any:
    def run(checkpoint: backhand.Checkpoint | None, stop: bool) -> Any:
        samplers.WINDOW_BYTES, before = 32 * 16 // parts, samplers.WINDOW_BYTES
        given = {"epochs": 8, "batch_size": 8, "optimizer": "adam", "learning_rate": 0.05,
                 "validation": (X[32:], Y[32:]), "validation_every": 2, "engine": "fused",
                 "early_stopping": backhand.EarlyStopping(patience=3)} | changed  # fmt: skip
        callbacks = [backhand.Every(None, _stop_after(3.4))] if stop else []
        try:
            result = backhand.train(backhand.init(4, 5, 2), X[:32], Y[:32], checkpoint=checkpoint,
                                    callbacks=callbacks, **given)  # fmt: skip
        finally:
            samplers.WINDOW_BYTES = before
        return [result.history.loss, *result.params, *result.last.params]

    return run


def of_a_classifier(**settings: Any) -> Any:
    def run(checkpoint: backhand.Checkpoint | None, stop: bool) -> Any:
        clf = backhand.MLPClassifier(
            (5,), random_state=0, max_iter=8, batch_size=16, tol=0, n_iter_no_change=3, threads=1,
            **settings,
        )  # fmt: skip
        if checkpoint is not None:
            clf.set_callbacks(checkpoint)
        if stop:
            with _stopping_after(3):
                clf.fit(X, Y)
        else:
            clf.fit(X, Y)
        return [np.array(clf.loss_curve_), *clf.coefs_, *clf.intercepts_]

    return run


TRAININGS = {
    "in parts": of_train(4),
    "whole epochs": of_train(1, optimizer="momentum", batch_size=32),
    "cut rates": of_train(1, schedule="adaptive", early_stopping=backhand.EarlyStopping(
        patience=1, min_delta=0.5, monitor="loss", best="validation_loss")),
    "plain": of_train(1, optimizer="sgd", batch_size=None, validation=None, early_stopping=None),
    "classifier": of_a_classifier(),
    "stopping early": of_a_classifier(early_stopping=True, validation_fraction=0.2),
}  # fmt: skip


class _Stop(Exception):
    pass


def _stop_after(epochs: float) -> Any:
    def stop(progress: backhand.Progress) -> None:
        if progress.epoch + progress.share >= epochs:
            raise _Stop

    return stop


class _stopping_after:
    """A fit ends, as if killed, after so many checkpoints."""

    def __init__(self, saves: int) -> None:
        self.left, self.save = saves, CheckpointManager.save

    def __enter__(self) -> None:
        def save(manager: Any, state: Any) -> None:
            self.save(manager, state)
            self.left -= 1
            if not self.left:
                raise _Stop

        CheckpointManager.save = save

    def __exit__(self, *_: object) -> bool:
        CheckpointManager.save = self.save
        return True


class Forger:
    """Makes checkpoints of one training, and resumes them.

    Parameters
    ----------
    name : str
        Which of `TRAININGS`.
    folder : path
        A checkpoint folder, emptied each time.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.run, self.folder = TRAININGS[name], folder
        folder.mkdir()
        self.whole = self.run(None, False)
        made = folder / "made"
        every = "0.0000001s" if "parts" in name else "1epochs"
        with suppress(_Stop):
            self.run(backhand.Checkpoint(made, every), True)
        path = sorted(made.glob("*.safetensors"))[-1]
        tensors, header = read_tensors(path, expected=lambda _, v: v, what="checkpoint")
        self.tensors, self.header = dict(tensors), header

    def outcome(self, seed: int) -> str:
        """Resume a forgery: "refused", "the same", or "other bits" where that may be."""
        rng = np.random.default_rng(seed)
        tensors = {name: value.copy() for name, value in self.tensors.items()}
        header = json.loads(json.dumps(self.header))
        seen = [self._change(rng, tensors, header) for _ in range(rng.integers(0, 3))]
        header.pop("checksum", None)
        header["checksum"] = checksum(tensors, header)
        path = self.folder / "checkpoint-00000001.safetensors"
        for old in self.folder.glob("checkpoint-*"):
            old.unlink()
        try:
            write_tensors(path, tensors, header)
        except BackhandError:
            return "cannot be written"
        changed = not _same_content(tensors, header, self.tensors, self.header)
        try:
            found = self.run(backhand.Checkpoint(self.folder, "1h", resume=True), False)
        except BackhandError as error:
            assert changed, f"refused what is right: {error}"
            return "refused"
        same = all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(found, self.whole, strict=True)
        )
        assert same or changed, "other bits, though nothing was changed"
        if isinstance(header["made_by"], dict):  # any maker may be named: another is told
            maker = {"made_by": self.header["made_by"]}
            changed = not _same_content(tensors, header | maker, self.tensors, self.header)
        assert not (changed and any(seen)), f"believed what can be seen to be wrong: {same=}"
        return "the same" if same else "other bits"

    def _change(self, rng: Any, tensors: dict[str, Any], header: dict[str, Any]) -> bool:
        """Change something; whether training itself could not have written it so."""
        if rng.random() < 0.4:
            return self._change_header(rng, header)
        name = rng.choice(sorted(tensors))
        value = tensors[name]
        match int(rng.integers(8)):
            case 0:
                del tensors[name]
            case 1:
                tensors[f"{name}x" if rng.random() < 0.5 else "last.slot9.W1"] = value
            case 2:
                other = rng.choice(sorted(tensors))
                tensors[name], tensors[other] = tensors[other], value
                return tensors[name].shape != value.shape or tensors[name].dtype != value.dtype
            case 3:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tensors[name] = value.astype(rng.choice(DTYPES))
                return tensors[name].dtype != value.dtype
            case 4:
                shape = [int(n) for n in rng.integers(0, 7, rng.integers(0, 4))]
                tensors[name] = (
                    np.resize(value, shape) if value.size else np.zeros(shape, value.dtype)
                )
                return tensors[name].shape != value.shape
            case 5:
                tensors[name] = value.reshape(-1) if value.ndim != 1 else value[:, None]
                return tensors[name].shape != value.shape
            case _:
                return self._change_number(rng, name, value)
        return True

    def _change_number(self, rng: Any, name: str, value: Any) -> bool:
        """One number becomes another; of these tensors each is followed by the others."""
        if not value.size:
            return False
        numbers = [0, 1, -1, 624, 625, 1e6, -5, 2**31, 1e300, np.nan, np.inf, rng.standard_normal()]
        place, old = rng.integers(value.size), value.copy()
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value.flat[place] = np.array(rng.choice(numbers)).astype(value.dtype)
        if np.array_equal(old, value, equal_nan=True):
            return False
        if name == "sampler.rest":
            pos, has_gauss, gauss = value.tolist()
            return not (pos in range(625) and has_gauss in (0, 1) and np.isfinite(gauss))
        return name in ("early_stopping", "sampler.rows")

    def _change_header(self, rng: Any, header: dict[str, Any]) -> bool:
        names = sorted(set(header) - set(FORMAT_OF_ITS_OWN))
        name, before = rng.choice(names), json.dumps(header, sort_keys=True)
        match int(rng.integers(6)):
            case 0:
                del header[name]
            case 1:
                header["another"] = 1
            case 2 if isinstance(header[name], dict) and header[name]:
                inner = rng.choice(sorted(header[name]))
                header[name][inner] = VALUES[rng.integers(len(VALUES))]
            case 3 if type(header[name]) is int:
                header[name] += int(rng.choice([-1, 1, 2, 5, 100]))
            case _:
                header[name] = VALUES[rng.integers(len(VALUES))]
        return json.dumps(header, sort_keys=True) != before


def _same_content(tensors: Any, header: Any, others: Any, other_header: Any) -> bool:
    if set(tensors) != set(others) or {**header, "checksum": 0} != {**other_header, "checksum": 0}:
        return False
    if any(type(header[name]) is not type(other_header[name]) for name in header):
        return False
    return all(
        value.dtype == others[name].dtype and np.array_equal(value, others[name], equal_nan=True)
        for name, value in tensors.items()
    )


def some_forgeries(
    first: int, count: int, current: Path | None = None
) -> tuple[Counter[str], list[str]]:
    """Resume the forgeries of so many seeds: a tally of how they ended, and what was wrong.

    `current` holds the seed of the one that is being resumed.
    """
    tally: Counter[str] = Counter()
    wrong = []
    with (
        warnings.catch_warnings(), np.errstate(all="ignore"), tempfile.TemporaryDirectory() as name,
        (current or Path("/dev/null")).open("w") as file,
    ):  # fmt: skip
        warnings.simplefilter("ignore")
        forgers = [Forger(training, Path(name) / training) for training in TRAININGS]
        for seed in range(first, first + count):
            file.seek(0)
            file.write(f"{seed:12}")
            file.flush()
            try:
                tally[forgers[seed % len(forgers)].outcome(seed)] += 1
            except Exception as error:
                at = traceback.extract_tb(error.__traceback__)[-1]
                said = str(error)[:200].replace("\n", " ")
                kind = f"{type(error).__name__} at {at.name}:{at.lineno}"
                wrong.append(f"seed {seed}: {kind}: {said}")
    return tally, wrong


if __name__ == "__main__":
    main("helpers.forged_checkpoints", __doc__ or "", some_forgeries)
