"""What identifies a training: its settings, its start and its data, as JSON values."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from backhand.cluster.parted_data import PartedData
from backhand.engines import Engine, Objective, Rows
from backhand.support.digests import digest
from backhand.training.config import TrainConfig
from backhand.training.state import TrainState


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
    data: Rows,
    validation: Rows | None,
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
    if isinstance(data, PartedData):
        about["parts"] = data.parts.count
    for name, some in (("", data), ("validation_", validation)):
        if some is not None:
            about |= {f"{name}X": some.digest_of_X(of_rows), f"{name}y": of_rows(some.y)}
            if some.sample_weight is not None:
                about[f"{name}sample_weight"] = of_rows(some.sample_weight)
            if some.numbers is not None:
                about[f"{name}selection"] = digest(some.numbers)
    return about


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
