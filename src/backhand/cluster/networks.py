"""What a worker does for the sessions that it holds: the other end of `remote_session`.

These functions run on workers. The sessions of an engine, and the arrays that they read, have
numbers, by which they are found again in later calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from backhand.cluster.transport import Memory
from backhand.engines import (
    Block,
    BlockMetrics,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
    Sums,
)
from backhand.engines.contract import are_zeros, zeros_like
from backhand.equations import Parameters
from backhand.optimizers import Optimizer


class PackedState(NamedTuple):
    """An optimizer state as it is sent: None is a slot of zeros."""

    params: Parameters
    slots: tuple[Parameters | None, ...]
    updates: int

    @classmethod
    def of(cls, state: OptimizerState) -> PackedState:
        """Return a state as it is sent."""
        slots = tuple(None if are_zeros(slot) else slot for slot in state.slots)
        return cls(state.params, slots, state.updates)

    def unpacked(self) -> OptimizerState:
        """Return the state."""
        zeros = zeros_like(self.params)
        slots = tuple(zeros if slot is None else slot for slot in self.slots)
        return OptimizerState(self.params, slots, self.updates)


def copied(values: Parameters) -> Parameters:
    """Return a copy, which may be changed: what is received may be read-only."""
    return Parameters(*map(np.array, values))


class SentRows(NamedTuple):
    """Rows as they are sent: the numbers of X, y and sample_weight, and which rows are selected."""

    arrays: tuple[int | None, ...]
    selected: Any


class Beginning(NamedTuple):
    """What a session begins with, besides its state; `validation` has one `SentRows`, or none."""

    optimizer: Optimizer | None
    objective: Objective
    data: SentRows
    validation: Sequence[SentRows]


class Used(NamedTuple):
    """A session that a call is for.

    Attributes
    ----------
    number : int
    beginning : Beginning or None
        Of a session that is not on the worker yet.
    state : PackedState or None
        What it is to begin with, or to be restored to.
    """

    number: int
    beginning: Beginning | None
    state: PackedState | None


class Unknown(NamedTuple):
    """The answer of a worker that lacks a session or an array of a call: it is a new one."""


class _Missing(Exception):
    """The worker lacks a session or an array."""


@dataclass
class Networks:
    """The sessions on a worker, and the arrays that they read, by their numbers."""

    engine: Engine
    arrays: dict[int, Any] = field(default_factory=dict)
    sessions: dict[int, Session] = field(default_factory=dict)

    def session(self, used: Used) -> Session:
        """Return a session, in the state that it is to have."""
        if used.beginning is not None:
            assert used.state is not None
            optimizer, objective, data, validation = used.beginning
            self.sessions[used.number] = self.engine.start(
                used.state.unpacked(), self.rows(data), optimizer, objective,
                *map(self.rows, validation),
            )  # fmt: skip
        elif used.number not in self.sessions:
            raise _Missing
        elif used.state is not None:
            self.sessions[used.number].restore(used.state.unpacked())
        return self.sessions[used.number]

    def rows(self, sent: SentRows) -> Data:
        """Return rows, whose arrays are the same objects in each session.

        So what an engine finds out about an array, or has of it on a device, it has once.
        """
        if any(number is not None and number not in self.arrays for number in sent.arrays):
            raise _Missing
        X, y, w = (None if number is None else self.arrays[number] for number in sent.arrays)
        return Data(X, y, w, sent.selected)  # type: ignore[arg-type]

    def forget(self, numbers: Iterable[int]) -> None:
        """Forget sessions and arrays."""
        for number in numbers:
            self.sessions.pop(number, None)
            self.arrays.pop(number, None)


def hold(memory: Memory, family: int, engine: Engine, number: int, array: Any) -> None:
    """Keep an array for sessions of an engine."""
    if _key(family) not in memory:
        memory[_key(family)] = Networks(engine.divided(1)[0])
    memory[_key(family)].arrays.setdefault(number, array)


def use(
    memory: Memory,
    family: int,
    ended: Sequence[int],
    used: Sequence[Used],
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    """Return `function(networks, sessions, *args)`; what has ended is forgotten."""
    networks: Networks | None = memory.get(_key(family))
    if networks is None:
        return Unknown()
    networks.forget(ended)
    try:
        return function(networks, [networks.session(one) for one in used], *args)
    except _Missing:
        return Unknown()


def _key(family: int) -> tuple[str, int]:
    return "networks", family


def prepare(_: Memory, engine: Engine, dtype: Any) -> None:
    """Compile what the engine needs."""
    engine.prepare(dtype, lambda _: None)


def depends_on(_: Memory, engine: Engine) -> dict[str, str]:
    """Return what the bits that are computed on a worker depend on."""
    return engine.depends_on()


def advance(
    networks: Networks, sessions: Sequence[Session], blocks: Sequence[Block]
) -> tuple[list[BlockMetrics], list[OptimizerState]]:
    """Do blocks; return the states after them too, from which another worker can continue."""
    metrics = networks.engine.advance_all(sessions, blocks)
    return metrics, [session.state() for session in sessions]


def gradient(
    _: Networks, sessions: Sequence[Session], rows: Any, l2: float | None
) -> tuple[float, Parameters]:
    """Return the loss and dθ of the one session."""
    (session,) = sessions
    return session.gradient(rows, l2)


def apply(
    _: Networks, sessions: Sequence[Session], dtheta: Parameters, learning_rate: float
) -> OptimizerState:
    """Do an update of the one session; return the state after it."""
    (session,) = sessions
    session.apply(dtheta, learning_rate)
    return session.state()


def sums(
    networks: Networks,
    sessions: Sequence[Session],
    rows: Any,
    first: int,
    sent: SentRows | None = None,
) -> Sums:
    """Return the sums of the one session over some rows."""
    (session,) = sessions
    return session.sums(rows, first, None if sent is None else networks.rows(sent))


def evaluate(
    networks: Networks, sessions: Sequence[Session], sent: SentRows
) -> tuple[float, float]:
    """Return loss and accuracy of the one session on some rows."""
    (session,) = sessions
    return session.evaluate(networks.rows(sent))
