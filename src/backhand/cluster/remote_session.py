"""`RemoteSession`: a session on a worker, which begins again on another if that is lost.

The driver has its last state: after every block it is received with the figures. Engines are
deterministic, so a block that is done again from there gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import finalize

import numpy as np

from backhand.cluster import networks
from backhand.cluster.homes import Home
from backhand.cluster.network_workers import NetworkWorkers
from backhand.cluster.networks import Beginning, PackedState, Unknown, Used, copied
from backhand.cluster.transport import Call
from backhand.engines import Block, BlockMetrics, Data, Engine, Objective, OptimizerState, Sums
from backhand.engines.argument_checks import check_precision, check_start, check_state
from backhand.engines.batching import session_repr
from backhand.engines.contract import are_zeros, zeros_like
from backhand.equations import Parameters
from backhand.optimizers import Optimizer


class RemoteSession:
    """A training under way on a worker; see `contract.Session`.

    Parameters
    ----------
    workers : NetworkWorkers
    worker : int
        The one that it is begun on.
    engine : Engine
        That of the driver.
    state, data, optimizer, objective, validation
        As for `Engine.start`.
    """

    def __init__(
        self,
        workers: NetworkWorkers,
        worker: int,
        engine: Engine,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective,
        validation: Data | None,
    ) -> None:
        check_start(state, data, optimizer, objective, validation)
        check_precision(engine.precision, state.params, data, validation)
        self._workers, self._worker, self._engine = workers, worker, engine
        self._data, self._validation = data, validation
        self._optimizer, self._objective = optimizer, objective
        self._like = zeros_like(state.params)
        self._state = _copy_of(state)
        self._home: Home | None = None
        self._number = 0
        self._restored = False
        self._forget: Callable[[], Any] = lambda: None

    def __repr__(self) -> str:
        name = f"remote {self._engine.name}"
        return session_repr(name, self._like, self._data.rows, self._state.updates)

    def state(self) -> OptimizerState:
        return _copy_of(self._state)

    def parameters(self) -> Parameters:
        return copied(self._state.params)

    def restore(self, state: OptimizerState) -> None:
        check_state(state, self._like, len(self._state.slots))
        self._state, self._restored = _copy_of(state), True

    def advance(self, block: Block) -> BlockMetrics:
        return advance_together([self], [block])[0]

    def gradient(self, rows: Any = None, l2: float | None = None) -> tuple[float, Parameters]:
        loss, dtheta = _use([self], networks.gradient, rows, l2)
        return loss, copied(dtheta)

    def apply(self, gradient: Parameters, learning_rate: float) -> None:
        self._state = _use([self], networks.apply, gradient, learning_rate)

    def sums(self, rows: Any = None, first: int = 0, data: Data | None = None) -> Sums:
        found = _use([self], networks.sums, rows, first, reading=data)
        return Sums(copied(found.gradient), *found[1:])

    def evaluate(self, data: Data) -> tuple[float, float]:
        figures: tuple[float, float] = _use([self], networks.evaluate, reading=data)
        return figures

    def _used(self, home: Home) -> tuple[Used, list[Call]]:
        """Return how a call names this session, and what is to be sent before it.

        A session that is not in this home is begun there, in its last state.
        """
        if self._home is home:
            to_restore = PackedState.of(self._state) if self._restored else None
            return Used(self._number, None, to_restore), []
        self._forget()
        self._number = next(self._workers.numbers)
        forget = self._forget = finalize(self, home.ended.append, self._number)
        forget.atexit = False
        some = (self._data,) if self._validation is None else (self._data, self._validation)
        rows, calls = self._workers.send(home, *some)
        beginning = Beginning(self._optimizer, self._objective, rows[0], rows[1:])
        return Used(self._number, beginning, PackedState.of(self._state)), calls


def advance_together(
    sessions: Sequence[RemoteSession], blocks: Sequence[Block]
) -> list[BlockMetrics]:
    """Advance sessions of one worker by a block each, in one call."""
    metrics, states = _use(sessions, networks.advance, blocks)
    for session, state in zip(sessions, states, strict=True):
        session._state = state
    return [BlockMetrics(*map(np.array, some)) for some in metrics]


def _use(
    sessions: Sequence[RemoteSession],
    function: Callable[..., Any],
    *args: Any,
    reading: Data | None = None,
) -> Any:
    """Return `function(networks, sessions, *args)` of sessions of one worker.

    Rows to read, if there are any, are sent before, and are another argument.

    Raises
    ------
    BackhandError
        What the function raised, or if workers are lost again and again.
    """

    def attempt(home: Home) -> Any:
        rows, calls = workers.send(home, *([] if reading is None else [reading]))
        return _use_in(home, sessions, calls, function, *args, *rows)

    workers = sessions[0]._workers
    return workers.persist(sessions[0]._worker, attempt)


def _use_in(
    home: Home,
    sessions: Sequence[RemoteSession],
    before: Sequence[Call],
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    """Call a function in a home, after the calls `before`; sessions that are not there begin."""
    workers = sessions[0]._workers
    used, sent = zip(*(session._used(home) for session in sessions), strict=True)
    for session in sessions:
        session._home = None
    call = workers.use(home, used, function, *args)
    for one in (*before, *(one for calls in sent for one in calls)):
        workers.answer(home, one)
    found = workers.answer(home, call)
    if not isinstance(found, Unknown):
        for session in sessions:
            session._home, session._restored = home, False
    return found


def _copy_of(state: OptimizerState) -> OptimizerState:
    """Return a copy; slots of zeros stay as they are, since nobody can change them."""
    slots = tuple(slot if are_zeros(slot) else copied(slot) for slot in state.slots)
    return OptimizerState(copied(state.params), slots, state.updates)
