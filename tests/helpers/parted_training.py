"""Trainings whose rows are shared out over workers, by settings that a test can list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import backhand
from backhand import Checkpoint, TrainResult
from backhand.cluster.connect import connect
from backhand.cluster.parted_data import PartedData, share_out
from backhand.cluster.parted_engine import PartedEngine
from backhand.cluster.parts import Parts, part_count
from backhand.cluster.transport import Transport
from backhand.engines import Data, Engine, Objective, make_engine
from backhand.training.config import TrainConfig
from backhand.training.plan import make_sampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")


@dataclass(frozen=True)
class Case:
    """A training, and how its rows are cut into parts.

    Attributes
    ----------
    settings : dict
        Those of `TrainConfig` beside the defaults here.
    shape : (N, d, H, K)
    dtype : str
        That of parameters and X.
    engine, precision : str
    weighted : bool
        Whether rows have weights, of which a fifth are 0.
    sparse : bool
    validated : bool
        Whether there are validation rows.
    lengths : sequence of int, optional
        Rows of each part; None: equal ones.
    selected : bool
        Whether the rows are a selection, out of order.
    objective : dict
        What the objective has beside that of the settings.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, int, int, int] = (97, 5, 11, 3)
    dtype: str = "float32"
    engine: str = "fused"
    precision: Any = "auto"
    weighted: bool = False
    sparse: bool = False
    validated: bool = False
    lengths: Sequence[int] | None = None
    selected: bool = False
    objective: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> TrainConfig:
        """The settings."""
        defaults = {"learning_rate": 0.02, "epochs": 6, "batch_size": 16, "optimizer": "adam"}
        return TrainConfig(**{**defaults, **self.settings})

    def rows(self, N: int, seed: int) -> Data:
        """Rows of three classes or so that can be learnt."""
        d, K = self.shape[1], self.shape[3]
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((N, d)).astype(self.dtype)
        y = np.abs(X[:, : min(d, K)]).argmax(axis=1).astype(np.int64)
        w = np.where(rng.random(N) < 0.2, 0, rng.random(N)).astype(self.dtype)
        return Data(
            scipy.sparse.csr_array(X * (X > -0.5)) if self.sparse else X, y,
            w if self.weighted else None,
        )  # fmt: skip

    def begin(self) -> TrainState:
        """Return the state before the first epoch."""
        _, d, H, K = self.shape
        params = backhand.init(d, H, K, seed=1, dtype=np.dtype(self.dtype).type)
        return TrainState.initial(params, self.config)

    def train(self, engine: Engine, data: Any, validation: Any, **others: Any) -> TrainResult:
        """Train on rows, wherever they are."""
        if self.selected:
            order = np.random.default_rng(5).permutation(data.rows)[: data.rows * 2 // 3]
            data = data.select(order)
        objective: Objective = replace(objective_of(self.config), **self.objective)
        return train_data(
            self.begin(), data, self.config, sampler=make_sampler(self.config, data),
            objective=objective, engine=engine, validation=validation, **others,
        )  # fmt: skip

    def plain(self, **others: Any) -> TrainResult:
        """Train without workers."""
        engine = make_engine(self.engine, precision=self.precision)
        validation = self.rows(31, 2) if self.validated else None
        return self.train(engine, self.rows(self.shape[0], 0), validation, **others)

    def parted(
        self, workers: int, connected: Callable[[int], Any] = connect, **others: Any
    ) -> TrainResult:
        """Train with the rows shared out over so many workers."""
        with connected(workers) as transport:
            data = self.shared_out(transport)
            validation = None
            if self.validated:
                validation = share_out(data.parts, self.rows(31, 2), "validation")
            engine = PartedEngine(data.parts, self.engine, precision=self.precision)
            return self.train(engine, data, validation, **others)

    def shared_out(self, transport: Transport) -> PartedData:
        """The rows, in parts."""
        data = self.rows(self.shape[0], 0)
        count = part_count(data.rows, self.config.batch_size)
        parts = Parts(transport, count if self.lengths is None else len(self.lengths), self.lengths)
        return share_out(parts, data, "training", self.lengths)


def leaves(result: TrainResult) -> dict[str, Any]:
    """The numbers of a result, by name."""
    states = {"last": result.last, "best": result.best}
    found = {
        f"{name} {place}": value
        for name, state in states.items() if state is not None
        for place, value in enumerate((*state.params, *(v for slot in state.slots for v in slot)))
    }  # fmt: skip
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        found[name] = getattr(result.history, name)
    return {**found, "updates": result.last.updates, "ended": result.ended}


def differing(one: TrainResult, other: TrainResult) -> list[str]:
    """The names of the numbers of which any bit differs."""
    ours, theirs = leaves(one), leaves(other)
    assert ours.keys() == theirs.keys()
    return [name for name in ours if not same(ours[name], theirs[name])]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, to the bit if they are arrays."""
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    return bool(one == other)


def resumed(case: Case, folder: Any, workers: Sequence[int], epochs: int = 2) -> TrainResult:
    """The result of a training that stops after some epochs, and is resumed with other workers."""

    def stop(progress: backhand.Progress) -> None:
        if progress.epoch == epochs:
            raise backhand.StopTraining

    case.parted(workers[0], checkpoint=Checkpoint(folder, "1epochs"), callbacks=(stop,))
    return case.parted(workers[1], checkpoint=Checkpoint(folder, "1epochs", resume=True))
