"""What identifies a training: its settings, its start and its data, as JSON values."""

from __future__ import annotations

import hashlib
import operator
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine, Objective, is_sparse
from backhand.training.config import TrainConfig
from backhand.training.state import TrainState

STRETCH_BYTES = 2**22
"""Bytes that are read at a time."""


def settings_of(
    config: TrainConfig, objective: Objective, start: TrainState, engine: Engine
) -> dict[str, Any]:
    """Settings and start of a training: all of the config, and digests of the start's tensors.

    The bits of a training follow from these, from the data and from what the engine depends on.
    """
    d, H = start.optimizer.params.W1.shape
    found = {
        "features": int(d),
        "hidden units": int(H),
        "classes": len(start.optimizer.params.b2),
        **config.values(),
        "loss_cap": str(objective.loss_cap),
        "first_class_fixed": objective.first_class_fixed,
        "rows_seen": start.rows_seen,
        "cuts": list(start.cuts),
        "initial parameters": digest(*start.optimizer.params),
        "starting memory": digest(*(v for slot in start.optimizer.slots for v in slot)),
        "starting order": digest(*(start.sampler[name] for name in sorted(start.sampler))),
        "engine": engine.name,
    }
    if engine.precision != "auto":
        found["precision"] = engine.precision
    if start.best is not None:
        found["starting best parameters"] = digest(*start.best.params)
    return found


def data_fingerprint(
    start: TrainState,
    data: Data,
    validation: Data | None,
    of_rows: Callable[..., str] | None = None,
) -> dict[str, Any]:
    """Numbers of rows, and digests of its rows and of the validation rows.

    Selected rows have the digests of all rows, and one of the selection. `of_rows` returns the
    digest of all rows, such as a `SharedDigest`; None: `digest`.
    """
    of_rows = of_rows or digest
    about: dict[str, Any] = {
        "dtype": str(start.optimizer.params.W1.dtype),
        "rows": data.rows,
        "validation_rows": 0 if validation is None else validation.rows,
    }
    for name, some in (("", data), ("validation_", validation)):
        if some is not None:
            X = [some.X.data, some.X.indices, some.X.indptr] if is_sparse(some.X) else [some.X]
            about |= {f"{name}X": of_rows(*X), f"{name}y": of_rows(some.y)}
            if some.sample_weight is not None:
                about[f"{name}sample_weight"] = of_rows(some.sample_weight)
            if some.numbers is not None:
                about[f"{name}selection"] = digest(some.numbers)
    return about


def digest(*arrays: NDArray[Any]) -> str:
    """BLAKE2 digest of all numbers of the arrays, read a stretch of rows at a time."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        step = max(1, STRETCH_BYTES * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), step):
            found.update(np.ascontiguousarray(array[start : start + step]).data)
    return found.hexdigest()


class SharedDigest:
    """`digest`, which reads arrays once that many trainings share."""

    def __init__(self) -> None:
        self._known: deque[tuple[tuple[NDArray[Any], ...], str]] = deque(maxlen=8)
        self._lock = Lock()

    def __call__(self, *arrays: NDArray[Any]) -> str:
        with self._lock:
            for known, found in self._known:
                if len(known) == len(arrays) and all(map(operator.is_, known, arrays)):
                    return found
            found = digest(*arrays)
            self._known.append((arrays, found))
            return found
