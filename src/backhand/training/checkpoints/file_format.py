"""A checkpoint's file: a `TrainState` as tensors and a JSON header, with a checksum of both."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import OptimizerState
from backhand.equations import Parameters
from backhand.errors import InputError, listed
from backhand.support.safetensors_io import Entry, NewerFormatError, read_tensors
from backhand.training.early_stopping import EarlyStopping, EarlyStoppingState
from backhand.training.history import History
from backhand.training.state import TrainState

FORMAT = 2
"""Version of the header's layout."""

NAME = re.compile(r"checkpoint-\d{8,18}\.safetensors")

HEADER: dict[str, type] = {
    "format": int, "checksum": str, "settings": dict, "data": dict, "made_by": dict, "done": int,
    "ended": str, "cuts": list, "rows_seen": int, "updates": int, "best_updates": object,
}  # fmt: skip
"""The header's names and types; `best_updates` is an integer or null."""

FIGURES = tuple(History.__dataclass_fields__)

Tensors = Mapping[str, NDArray[Any]]


class DamagedError(InputError):
    """A checkpoint that cannot be resumed; the one before it may be."""


def found_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted((path for path in folder.iterdir() if NAME.fullmatch(path.name)), key=number_of)


def number_of(path: Path) -> int:
    """The number in a checkpoint's name."""
    return int(path.name.removeprefix("checkpoint-").removesuffix(".safetensors"))


def path_of(folder: Path, number: int) -> Path:
    """The checkpoint of that number."""
    return folder / f"checkpoint-{number:08}.safetensors"


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors and the header of a checkpoint.

    Raises
    ------
    NewerFormatError
        If a later version wrote it in a format of its own.
    DamagedError
        If it is not such a file, or its checksum does not match its content.
    """
    try:
        tensors, header = read_tensors(
            path, expected=_checked, what="checkpoint", newest=FORMAT, links=False
        )
    except NewerFormatError:
        raise
    except InputError as error:
        raise DamagedError(str(error)) from error
    found = header.pop("checksum")
    if checksum(tensors, header) != found:
        raise DamagedError(f"{path} is damaged: its checksum does not match its content.")
    return tensors, header


def _checked(_: Mapping[str, Entry], header: Any) -> dict[str, Any]:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"it is not a checkpoint of format {FORMAT}")
    if set(header) != set(HEADER):
        raise InputError(f"its header has {listed(header)}; expected {listed(HEADER)}")
    for name, kind in HEADER.items():
        if type(header[name]) is not kind and kind is not object:
            raise InputError(f"its {name} is not of type {kind.__name__}")
    return header


def checksum(tensors: Tensors, header: Mapping[str, Any]) -> str:
    """SHA-256 of the header and of all tensors by name."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def to_tensors(state: TrainState) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays by name, and JSON values by name; `from_tensors` reads them."""
    tensors = _tensors_of("last", state.optimizer)
    if state.best is not None:
        tensors |= _tensors_of("best", state.best)
    tensors["history"] = np.stack([getattr(state.history, name) for name in FIGURES])
    tensors["part_figures"] = state.part_figures
    if state.early_stopping is not None:
        tensors["early_stopping"] = _early_stopping_to_tensor(state.early_stopping)
    tensors |= {f"sampler.{name}": value for name, value in state.sampler.items()}
    header = {
        "done": state.done, "ended": state.ended, "cuts": list(state.cuts),
        "rows_seen": state.rows_seen, "updates": state.optimizer.updates,
        "best_updates": None if state.best is None else state.best.updates,
    }  # fmt: skip
    return tensors, header


def from_tensors(
    tensors: Tensors, header: Mapping[str, Any], rule: EarlyStopping | None
) -> TrainState:
    """The state of `to_tensors`, whose names, dtypes and shapes are checked (`consistency`)."""
    best = None
    if header["best_updates"] is not None:
        best = _state_of("best", tensors, header["best_updates"])
    seen = None
    if rule is not None:
        seen = _early_stopping_of(tensors["early_stopping"], rule)
    return TrainState(
        _state_of("last", tensors, header["updates"]), best, header["done"], header["ended"],
        History(*tensors["history"]), tensors["part_figures"], seen, tuple(header["cuts"]),
        header["rows_seen"],
        {name.removeprefix("sampler."): value for name, value in tensors.items()
         if name.startswith("sampler.")},
    )  # fmt: skip


def _early_stopping_to_tensor(seen: EarlyStoppingState) -> NDArray[np.float64]:
    """(4,): bad epochs, lowest, lowest of the best, best epoch or nan. JSON has no infinity."""
    best_epoch = math.nan if seen.best_epoch is None else seen.best_epoch
    return np.array([seen.num_bad_epochs, seen.lowest, seen.lowest_best, best_epoch], np.float64)


def _early_stopping_of(tensor: NDArray[np.float64], rule: EarlyStopping) -> EarlyStoppingState:
    bad_epochs, lowest, lowest_best, best_epoch = tensor.tolist()
    if not bad_epochs.is_integer() or not (math.isnan(best_epoch) or best_epoch.is_integer()):
        raise InputError("its state of early stopping has counts that are not whole numbers")
    return EarlyStoppingState(
        rule, int(bad_epochs), lowest, lowest_best,
        None if math.isnan(best_epoch) else int(best_epoch),
    )  # fmt: skip


def _tensors_of(name: str, state: OptimizerState) -> dict[str, NDArray[Any]]:
    sets = {"params": state.params} | {f"slot{i}": slot for i, slot in enumerate(state.slots)}
    return {
        f"{name}.{which}.{field}": value
        for which, values in sets.items()
        for field, value in values._asdict().items()
    }


def _state_of(name: str, tensors: Tensors, updates: int) -> OptimizerState:
    def parameters(which: str) -> Parameters:
        return Parameters(*(tensors[f"{name}.{which}.{field}"] for field in Parameters._fields))

    slots = [key for key in tensors if key.startswith(f"{name}.slot") and key.endswith(".W1")]
    return OptimizerState(
        parameters("params"), tuple(parameters(f"slot{i}") for i in range(len(slots))), updates
    )
