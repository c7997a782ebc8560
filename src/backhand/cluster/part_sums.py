"""What a worker computes of the rows in its parts: the sums of an update, and loss and accuracy.

A worker has no state of a training: parameters and the number of updates come with each call.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.choices import PrecisionName
from backhand.cluster.parted_data import is_none
from backhand.cluster.transport import Memory
from backhand.cluster.tree import Node, Tree
from backhand.engines import (
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
    Sums,
    make_engine,
)
from backhand.engines.batching import total_weight
from backhand.equations import Parameters

SESSIONS = 4
"""Maximum number of sessions that a worker keeps: those of the trainings that go on at one time."""

Figures = NDArray[np.float64]
"""Σ w ℓ, Σ w over the rows that are classified correctly, and Σ w."""


@dataclass(frozen=True)
class EngineChoice:
    """The engine that each worker makes for itself: the arguments of `make_engine`."""

    name: str
    device: str | None = None
    threads: int | None = None
    precision: PrecisionName = "auto"

    def make(self) -> Engine:
        """Make the engine."""
        return make_engine(self.name, self.device, self.threads, self.precision)


@dataclass(frozen=True)
class Model:
    """The parameters, and what their sums depend on besides the rows.

    Attributes
    ----------
    params : Parameters
    updates : int
        Updates done, which dropout counts.
    objective : Objective
    """

    params: Parameters
    updates: int
    objective: Objective


def sums_of_parts(
    memories: dict[int, Memory],
    choice: EngineChoice,
    model: Model,
    name: str,
    count: int,
    given: dict[int, tuple[Any, int]],
) -> dict[Node, Sums | None]:
    """Return the nodes of the tree of `count` parts that these parts make up: sums of an update.

    `given` has, for each part, which of its rows are in the batch, and the place of the first.
    """
    session, tree = _session(choice, model, memories, name), Tree(count, added)
    for part, (rows, first) in given.items():
        here = memories[part]
        found = None if is_none(rows) else session.sums(rows, first, here[name])
        tree.put((0, part), found)
    return tree.nodes


def figures_of_parts(
    memories: dict[int, Memory],
    choice: EngineChoice,
    model: Model,
    name: str,
    count: int,
    given: dict[int, tuple[Any, int]],
) -> dict[Node, Figures | None]:
    """As `sums_of_parts`, without gradients, dropout and loss cap."""
    session = _session(choice, model, memories, name)
    tree: Tree[Figures] = Tree(count, np.add)
    for part, (rows, _) in given.items():
        here = memories[part]
        tree.put((0, part), None if is_none(rows) else _figures(session, here[name], rows))
    return tree.nodes


def added(one: Sums, other: Sums) -> Sums:
    """Return the sum; arrays that are writeable are changed."""
    with np.errstate(over="ignore", invalid="ignore"):
        gradient = Parameters(*(
            np.add(a, b, out=a if a.flags.writeable else None)
            for a, b in zip(one.gradient, other.gradient, strict=True)
        ))  # fmt: skip
    figures = (a + b for a, b in zip(one[1:], other[1:], strict=True))
    return Sums(gradient, *figures)


def _figures(session: Session, data: Data, rows: Any) -> Figures:
    whole = isinstance(rows, slice) and rows == slice(0, data.rows)
    some = data if whole else data.select(rows)
    weight = total_weight(some.weights, some.rows)
    if not weight > 0:
        return np.zeros(3)
    loss, accuracy = session.evaluate(some)
    hits = accuracy * weight
    # The accuracy of unweighted rows may be rounded; their number is whole.
    return np.array(
        [loss * weight, hits if some.sample_weight is not None else round(hits), weight]
    )


_kept = threading.local()


def _session(choice: EngineChoice, model: Model, memories: dict[int, Memory], name: str) -> Session:
    """Return a session of this thread with the model's parameters, for rows of these parts.

    An engine may keep what it has found out of rows. So other rows have other sessions, and the
    rows of a training that is over are not kept for long.
    """
    params, rows = model.params, (name, id(next(iter(memories.values()))))
    shapes = params.W1.shape, params.W2.shape, params.W1.dtype
    key: Hashable = choice, model.objective, shapes, rows
    sessions: dict[Hashable, Session] = _kept.__dict__.setdefault("sessions", {})
    state = OptimizerState(params, (), model.updates)
    if (session := sessions.pop(key, None)) is None:
        session = choice.make().start(state, stub(params), None, model.objective)
    else:
        session.restore(state)
    sessions[key] = session
    if len(sessions) > SESSIONS:
        del sessions[next(iter(sessions))]
    return session


def stub(params: Parameters) -> Data:
    """One row, for a session whose rows are given with each call."""
    return Data(np.zeros((1, params.W1.shape[0]), params.W1.dtype), np.zeros(1, np.int64))
