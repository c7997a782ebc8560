"""`RemoteEngine`: an engine whose sessions are on workers, each of them whole on one.

Its `divided` engines each begin sessions on one worker, so the threads of a fleet keep all workers
busy. X is once on each machine. The training loop, fleets and checkpoints do not depend on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from backhand.cluster import networks
from backhand.cluster.connect import connect
from backhand.cluster.driver_engine import DriverEngine
from backhand.cluster.grouping import Grouping
from backhand.cluster.network_workers import NetworkWorkers
from backhand.cluster.other_machines import warn_of_others
from backhand.cluster.remote_session import RemoteSession, advance_together
from backhand.cluster.transport import Transport
from backhand.engines import (
    CROSS_ENTROPY,
    Block,
    BlockMetrics,
    Data,
    Engine,
    Objective,
    OptimizerState,
    Session,
)
from backhand.engines.argument_checks import check_group
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer

AHEAD = 2
"""Threads of a fleet for each worker: while one has figures to look at, the other one's session is
advanced."""

SLOW_LINK, MOST_OVERHEAD = 1e7, 1.0
"""Bytes per second with which states are sent back, as over 100 Mbit/s, and the most seconds of
that: blocks of a large network last some seconds, so that a link which is slow is seldom busy."""


class RemoteEngine(DriverEngine):
    """An engine over the workers of a transport; see `contract.Engine`.

    Sessions are on workers, and have the bits that they have on one machine with such a CPU. All
    else (predictions, evaluation) is computed here, by the engine itself.

    Parameters
    ----------
    engine : Engine
        What computes. Workers in this process share its threads; to others it is sent.
    transport : Transport
        The caller closes it.

    Warns
    -----
    BackhandWarning
        If a worker has another CPU or other versions, on which the bits depend.

    Examples
    --------
    >>> import backhand
    >>> import numpy as np
    >>> from backhand.cluster.in_process import InProcess
    >>> transport = InProcess(2)
    >>> engine = RemoteEngine(backhand.make_engine("reference"), transport)
    >>> results = backhand.train_many(
    ...     [backhand.Member(hidden=4, seed=seed) for seed in range(3)], np.eye(3), np.arange(3),
    ...     engine=engine)
    >>> transport.close()
    >>> [len(result.history) for result in results]
    [100, 100, 100]
    """

    def __init__(self, engine: Engine, transport: Transport) -> None:
        super().__init__(engine)
        self.group, self.overhead = engine.group, 0.0
        self._worker = 0
        self._workers = NetworkWorkers(transport, _engines(engine, transport))
        self._apart = not transport.in_this_process
        self._grouping: Grouping | None = None
        here, places = networks.depends_on({}, engine), self._workers.places
        found = self._workers.on_each(networks.depends_on)
        warn_of_others(here, zip(places, found, strict=True))

    def divided(self, parts: int) -> list[Engine]:
        found: list[Engine] = []
        threads = min(parts, AHEAD * len(self._workers))
        for n in range(threads):
            one = RemoteEngine.__new__(RemoteEngine)
            vars(one).update(vars(self), _worker=n % len(self._workers))
            alone = self._engine.group == 1 and self._apart
            one._grouping = Grouping.of(parts, threads) if alone else None
            found.append(one)
        return found

    def advance_all(
        self, sessions: Sequence[Session], blocks: Sequence[Block]
    ) -> list[BlockMetrics]:
        check_group(sessions, blocks)
        began = time.perf_counter()
        metrics = advance_together(cast(Sequence[RemoteSession], sessions), blocks)
        if self._grouping is not None:
            self._grouping.advanced(time.perf_counter() - began)
        return metrics

    def prepare(self, dtype: Any, notify: Callable[[str], None]) -> None:
        self._engine.prepare(dtype, notify)
        self._workers.on_each(networks.prepare, dtype)

    def depends_on(self) -> dict[str, str]:
        return self._engine.depends_on()

    def start(
        self,
        state: OptimizerState,
        data: Data,
        optimizer: Optimizer | None,
        objective: Objective = CROSS_ENTROPY,
        validation: Data | None = None,
    ) -> RemoteSession:
        session = RemoteSession(
            self._workers, self._worker, self._engine, state, data, optimizer, objective, validation
        )
        size = sum(value.nbytes for value in state.params) * (1 + len(state.slots))
        if self._grouping is not None:
            self._grouping.begun(size)
            self.group = self._grouping.size
        if self._apart:
            self.overhead = min(MOST_OVERHEAD, size / SLOW_LINK)
        return session

    def evaluate(self, params: Parameters, data: Data) -> tuple[float, float]:
        return self._engine.evaluate(params, data)


@contextmanager
def on_workers(
    engine: Engine, workers: int | None, ray: str | None, threads: int | None = None
) -> Iterator[Engine]:
    """Return a `RemoteEngine` over so many workers while the context lasts.

    Parameters
    ----------
    engine : Engine
    workers, ray
        As for `connect`. Without both, it is the engine itself.
    threads : int, optional
        Number of threads of each worker of Ray. Workers in this process share the engine's.

    Raises
    ------
    InputError
        If `ray` is given without `workers`; or as of `connect`.
    MissingDependencyError
        As of `connect`.
    """
    if workers is None:
        if ray is not None:
            raise InputError("ray needs workers; add their number, such as workers=4.")
        yield engine
        return
    with connect(workers, ray, None if ray is None else threads) as transport:
        yield RemoteEngine(engine, transport)


def _engines(engine: Engine, transport: Transport) -> list[Engine]:
    """Return the engine of each worker."""
    workers = len(transport.places)
    if not transport.in_this_process:
        return [engine] * workers
    engines = engine.divided(workers)
    return [engines[worker % len(engines)] for worker in range(workers)]
