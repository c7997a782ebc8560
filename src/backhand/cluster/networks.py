"""What a worker does for the sessions that live on it: the other end of `remote_engine`.

These functions run on workers. A worker has the sessions of an engine by their numbers, and each of
the arrays that they read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from backhand.cluster.transport import Memory
from backhand.engines import Block, BlockMetrics, Data, Engine, Objective, OptimizerState, Session
from backhand.engines.contract import are_zeros, zeros_like
from backhand.equations import Parameters
from backhand.optimizers import Optimizer

MOST_ARRAYS = 16
"""Arrays that a worker keeps for sessions to come; a session has its own in any case."""


class Unknown(NamedTuple):
    """The answer of a worker that lacks the session: it has taken the place of a lost one."""


@dataclass
class Networks:
    """The sessions on a worker, and the arrays that they share."""

    engine: Engine
    sessions: dict[int, Session] = field(default_factory=dict)
    arrays: dict[int, Any] = field(default_factory=dict)

    def array(self, number: int, value: Any) -> Any:
        """Return the array of a number: the same object each time, though it is received again.

        So what an engine finds out about an array, or has of it on a device, it has once.
        """
        found = self.arrays.setdefault(number, value)
        while len(self.arrays) > MOST_ARRAYS:
            del self.arrays[next(iter(self.arrays))]
        return found


class PackedState(NamedTuple):
    """An optimizer state as it is sent: None is a slot of zeros."""

    params: Parameters
    slots: tuple[Parameters | None, ...]
    updates: int

    @classmethod
    def of(cls, state: OptimizerState) -> PackedState:
        slots = tuple(None if are_zeros(slot) else slot for slot in state.slots)
        return cls(state.params, slots, state.updates)

    def unpacked(self) -> OptimizerState:
        zeros = zeros_like(self.params)
        slots = tuple(zeros if slot is None else slot for slot in self.slots)
        return OptimizerState(self.params, slots, self.updates)


def copied(values: Parameters) -> Parameters:
    """Return a copy, which may be changed: what is received may be read-only."""
    return Parameters(*map(np.array, values))


class Rows(NamedTuple):
    """Rows as they are sent: the numbers of X, y and sample_weight, and which rows are selected.

    The arrays themselves are sent beside it.
    """

    arrays: tuple[int | None, ...]
    selected: Any


class Beginning(NamedTuple):
    """What a session begins with, but for the arrays of its rows."""

    state: PackedState
    optimizer: Optimizer | None
    objective: Objective
    data: Rows
    validation: Rows | None


def begin(
    memory: Memory, family: int, engine: Engine, number: int, given: Beginning, *arrays: Any
) -> None:
    """Begin a session; `arrays` are X, y and sample_weight of its rows and validation rows."""
    networks = _networks(memory, family)
    if networks is None:
        networks = memory[_key(family)] = Networks(engine.divided(1)[0])
    data = _data(networks, given.data, arrays[:3])
    validation = None if given.validation is None else _data(networks, given.validation, arrays[3:])
    networks.sessions[number] = networks.engine.start(
        given.state.unpacked(), data, given.optimizer, given.objective, validation
    )


class Used(NamedTuple):
    """A session that a call is for, and the state that it is to be in, if not its own."""

    number: int
    restored: PackedState | None


def use(
    memory: Memory,
    family: int,
    ended: Sequence[int],
    used: Sequence[Used],
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    """Return `function(engine, sessions, *args)`; `ended` sessions are forgotten."""
    networks = _networks(memory, family)
    if networks is None or any(one.number not in networks.sessions for one in used):
        return Unknown()
    for number in ended:
        networks.sessions.pop(number, None)
    sessions = [networks.sessions[one.number] for one in used]
    for session, one in zip(sessions, used, strict=True):
        if one.restored is not None:
            session.restore(one.restored.unpacked())
    return function(networks.engine, sessions, *args)


def _key(family: int) -> tuple[str, int]:
    return "networks", family


def _networks(memory: Memory, family: int) -> Networks | None:
    found: Networks | None = memory.get(_key(family))
    return found


def _data(networks: Networks, rows: Rows, arrays: Sequence[Any]) -> Data:
    X, y, w = (
        None if number is None else networks.array(number, value)
        for number, value in zip(rows.arrays, arrays, strict=True)
    )
    return Data(X, y, w, rows.selected)  # type: ignore[arg-type]


def prepare(_: Memory, engine: Engine, dtype: Any) -> None:
    """Compile what the engine needs."""
    engine.prepare(dtype, lambda _: None)


def depends_on(_: Memory, engine: Engine) -> dict[str, str]:
    """Return what the bits that are computed on a worker depend on."""
    return {"Backhand": version("backhand"), **engine.depends_on()}


def advance(
    engine: Engine, sessions: Sequence[Session], blocks: Sequence[Block]
) -> tuple[list[BlockMetrics], list[OptimizerState]]:
    """Do blocks; return the states after them too, from which another worker can continue."""
    metrics = engine.advance_all(sessions, blocks)
    return metrics, [session.state() for session in sessions]


def gradient(
    _: Engine, sessions: Sequence[Session], rows: Any, l2: float | None
) -> tuple[float, Parameters]:
    """Return the loss and dθ of the one session."""
    (session,) = sessions
    return session.gradient(rows, l2)


def apply(
    _: Engine, sessions: Sequence[Session], dtheta: Parameters, learning_rate: float
) -> OptimizerState:
    """Do an update of the one session; return the state after it."""
    (session,) = sessions
    session.apply(dtheta, learning_rate)
    return session.state()


def evaluate(
    _: Engine, sessions: Sequence[Session], selected: Any, X: Any, y: Any, w: Any
) -> tuple[float, float]:
    """Return loss and accuracy of the one session on some rows."""
    (session,) = sessions
    return session.evaluate(Data(X, y, w, selected))
