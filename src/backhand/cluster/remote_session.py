"""`RemoteSession`: a session that lives on a worker, and is begun again on another if that is lost.

The driver has its last state: after every block it is received with the figures. Engines are
deterministic, so a block that is done again from there gives the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np

from backhand.cluster import networks
from backhand.cluster.homes import Home, Homes
from backhand.cluster.networks import Beginning, PackedState, Rows, Used, copied
from backhand.cluster.parts import SECONDS
from backhand.cluster.transport import Call, Transport, WorkerLost, told
from backhand.engines import Block, BlockMetrics, Data, Engine, Objective, OptimizerState
from backhand.engines.argument_checks import check_precision, check_start, check_state
from backhand.engines.batching import session_repr
from backhand.engines.contract import are_zeros, zeros_like
from backhand.equations import Parameters
from backhand.errors import BackhandError
from backhand.optimizers import Optimizer

MOST_SHARED = 8
"""Arrays that stay on the machines for sessions to come."""

MOST_LOSSES = 5
"""Workers that may be lost in a row with one call."""

_families = count()


class Workers:
    """The workers that an engine's sessions live on, and the arrays that are on their machines.

    Parameters
    ----------
    transport : Transport
    engines : sequence of Engine
        That of each worker.
    """

    def __init__(self, transport: Transport, engines: Sequence[Engine]) -> None:
        self.transport, self.engines = transport, engines
        self.homes, self.family, self.numbers = Homes(transport), next(_families), count()
        self._shared: deque[tuple[Any, int, Any]] = deque(maxlen=MOST_SHARED)
        self._sharing = Lock()

    def __len__(self) -> int:
        return len(self.engines)

    def on_each(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Return `function(memory, engine, *args)` of each worker, with its own engine."""
        submit, engines = self.transport.submit, enumerate(self.engines)
        calls = [submit(worker, function, engine, *args) for worker, engine in engines]
        return [self.answer(worker, call) for worker, call in enumerate(calls)]

    def answer(self, worker: int, call: Call) -> Any:
        """Wait for what a worker returns.

        Raises
        ------
        WorkerLost
            If it is lost.
        BackhandError
            What it raises; an error that is not Backhand's own, as a sentence.
        """
        try:
            return call.result(SECONDS)
        except Exception as error:
            raise told(error, f"worker {worker + 1} ({self.transport.places[worker]})") from error

    def rows(self, data: Data) -> tuple[Rows, list[Any]]:
        """Return rows as they are sent, and what stands for their arrays, which are shared once."""
        numbers, there = zip(*map(self._share, data[:3]), strict=True)
        return Rows(numbers, data.numbers), list(there)

    def _share(self, array: Any) -> tuple[int | None, Any]:
        if array is None:
            return None, None
        with self._sharing:
            for known, number, there in self._shared:
                if known is array:
                    return number, there
            # A memory map would be opened again by its path, which another machine does not have.
            plain = np.asarray(array) if isinstance(array, np.memmap) else array
            number, there = next(self.numbers), self.transport.share(plain)
            self._shared.append((array, number, there))
            return number, there


class RemoteSession:
    """A training under way on a worker; see `contract.Session`.

    Parameters
    ----------
    workers : Workers
    worker : int
        The one that it is begun on.
    engine : Engine
        That of the driver.
    state, data, optimizer, objective, validation
        As for `Engine.start`.
    """

    def __init__(
        self,
        workers: Workers,
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

    def evaluate(self, data: Data) -> tuple[float, float]:
        rows, arrays = self._workers.rows(data)
        figures: tuple[float, float] = _use([self], networks.evaluate, rows.selected, *arrays)
        return figures

    def _to_restore(self, home: Home) -> PackedState | None:
        """Return the state that the session has to be put in first, if it is not begun in it."""
        there = self._restored and self._home is home
        return PackedState.of(self._state) if there else None

    def _begin(self, home: Home) -> Call:
        """Begin the session in its last state."""
        self._forget()
        workers, self._number = self._workers, next(self._workers.numbers)
        forget = self._forget = finalize(self, home.ended.append, self._number)
        forget.atexit = False
        data, arrays = workers.rows(self._data)
        validation = None
        if self._validation is not None:
            validation, others = workers.rows(self._validation)
            arrays += others
        given = Beginning(
            PackedState.of(self._state), self._optimizer, self._objective, data, validation
        )
        return workers.transport.submit(
            home.worker, networks.begin, workers.family, workers.engines[home.worker],
            self._number, given, *arrays,
        )  # fmt: skip


def advance_together(
    sessions: Sequence[RemoteSession], blocks: Sequence[Block]
) -> list[BlockMetrics]:
    """Advance sessions of one worker by a block each, in one call."""
    metrics, states = _use(sessions, networks.advance, blocks)
    for session, state in zip(sessions, states, strict=True):
        session._state = state
    return [BlockMetrics(*map(np.array, some)) for some in metrics]


def _use(sessions: Sequence[RemoteSession], function: Callable[..., Any], *args: Any) -> Any:
    """Return the function's value of sessions of one worker, which are begun again if it is lost.

    Raises
    ------
    BackhandError
        What the function raised, or if workers are lost again and again.
    """
    workers, worker = sessions[0]._workers, sessions[0]._worker
    losses: list[WorkerLost] = []
    while len(losses) < MOST_LOSSES:
        home = workers.homes.of(worker)
        try:
            found = _use_in(home, sessions, function, args)
        except WorkerLost as error:
            losses += [error] * workers.homes.lose(home, error)
        else:
            if not isinstance(found, networks.Unknown):
                for session in sessions:
                    session._restored = False
                return found
        for session in sessions:
            session._home = None
    raise BackhandError(
        f"workers were lost {MOST_LOSSES} times in a row in one block of a training; at last, "
        f"{losses[-1]} If their memory does not suffice, use fewer workers on each machine."
    ) from losses[-1]


def _use_in(
    home: Home, sessions: Sequence[RemoteSession], function: Callable[..., Any], args: Sequence[Any]
) -> Any:
    """Call the function; sessions that are not in this home are begun there."""
    workers, worker = sessions[0]._workers, home.worker
    new = [session for session in sessions if session._home is not home]
    begun = [session._begin(home) for session in new]
    used = [Used(session._number, session._to_restore(home)) for session in sessions]
    call = workers.transport.submit(
        worker, networks.use, workers.family, home.take_ended(), used, function, *args
    )
    for session, beginning in zip(new, begun, strict=True):
        workers.answer(worker, beginning)
        session._home = home
    return workers.answer(worker, call)


def _copy_of(state: OptimizerState) -> OptimizerState:
    """Return a copy; slots of zeros stay as they are, since nobody can change them."""
    slots = tuple(slot if are_zeros(slot) else copied(slot) for slot in state.slots)
    return OptimizerState(copied(state.params), slots, state.updates)
