"""Where a training stands between two blocks: all that it needs to go on, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import OptimizerState
from backhand.equations import Parameters
from backhand.training.history import History


class PartFigures(NamedTuple):
    """Of a part of an epoch: what its rows weigh, and their mean loss and accuracy."""

    weight: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Standing:
    """The state of a training.

    Attributes
    ----------
    done : int
        Parts of epochs.
    ended : str
        As in `TrainResult`; empty while there is more to do.
    state : OptimizerState
        The run's.
    best : OptimizerState or None
        What early stopping would give back.
    history : History
        Of the whole epochs.
    part_figures : tuple of PartFigures
        Of the epoch under way.
    watch : (4,) or None
        What early stopping has seen: `Watch.memory`.
    cuts : tuple of int
        Epochs after which the learning rate was cut.
    order : dict of arrays
        `Order.memory`.
    """

    done: int
    ended: str
    state: OptimizerState
    best: OptimizerState | None
    history: History
    part_figures: tuple[PartFigures, ...]
    watch: NDArray[np.float64] | None
    cuts: tuple[int, ...]
    order: dict[str, NDArray[Any]] = field(default_factory=dict)

    def to_tensors(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays by name, and JSON values; `from_tensors` takes them."""
        tensors = _state_to_tensors("last", self.state)
        if self.best is not None:
            tensors |= _state_to_tensors("best", self.best)
        tensors["history"] = np.stack([getattr(self.history, name) for name in FIGURES])
        tensors["part_figures"] = np.array(self.part_figures, np.float64).reshape(-1, 3)
        if self.watch is not None:
            tensors["watch"] = self.watch
        tensors |= {f"order.{name}": value for name, value in self.order.items()}
        header = {
            "done": self.done, "ended": self.ended, "cuts": list(self.cuts),
            "updates": self.state.updates,
            "best_updates": None if self.best is None else self.best.updates,
        }  # fmt: skip
        return tensors, header

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], header: Mapping[str, Any]
    ) -> Standing:
        """The standing of `to_tensors`. That it is one, `Agreement.standing` has made sure of."""
        best = None
        if header["best_updates"] is not None:
            best = _state_of("best", tensors, header["best_updates"])
        return cls(
            header["done"], header["ended"], _state_of("last", tensors, header["updates"]), best,
            History(*tensors["history"]),
            tuple(PartFigures(*map(float, row)) for row in tensors["part_figures"]),
            tensors.get("watch"), tuple(header["cuts"]),
            {name.removeprefix("order."): value for name, value in tensors.items()
             if name.startswith("order.")},
        )  # fmt: skip


FIGURES = tuple(History.__dataclass_fields__)


def _state_to_tensors(name: str, state: OptimizerState) -> dict[str, NDArray[Any]]:
    sets = {"params": state.params} | {f"slot{i}": slot for i, slot in enumerate(state.slots)}
    return {
        f"{name}.{which}.{field}": value
        for which, values in sets.items()
        for field, value in values._asdict().items()
    }


def _state_of(name: str, tensors: Mapping[str, NDArray[Any]], updates: int) -> OptimizerState:
    def parameters(which: str) -> Parameters:
        return Parameters(*(tensors[f"{name}.{which}.{field}"] for field in Parameters._fields))

    slots = [key for key in tensors if key.startswith(f"{name}.slot") and key.endswith(".W1")]
    memory = tuple(parameters(f"slot{i}") for i in range(len(slots)))
    return OptimizerState(parameters("params"), memory, updates)
