"""`train_fleet`: trains many prepared trainings, shared out over threads.

The caller's thread waits, calls callbacks and handles signals. Each worker thread takes the next
member that has not begun, and drives it (or a group, where the engine advances several at once)
block by block. A member has a session only while it is under way.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Condition, Thread

from backhand.engines import Engine
from backhand.support.threads import join_all
from backhand.training.callbacks import StopTraining
from backhand.training.early_stopping import DivergenceError
from backhand.training.fleet.progress import FleetCallback, FleetProgress, UnderWay
from backhand.training.loop import Driver, Pace
from backhand.training.prepared import Training
from backhand.training.result import TrainResult

WAIT_SECONDS = 0.1
"""Time between two calls of the callbacks."""


@dataclass(frozen=True)
class Planned:
    """A training of a fleet, which is made when its turn comes.

    Attributes
    ----------
    make : callable
        Returns the training; the same in every call.
    epochs : int
        The epochs that it may take.
    work : float
        What an epoch costs, in any unit that is the same for all members, such as rows times
        weights. It decides who begins first and the length of blocks, and changes no result.
    """

    make: Callable[[], Training]
    epochs: int
    work: float


class Fleet:
    """What the threads of a fleet share: who is next, who is under way, and the results.

    Parameters
    ----------
    planned : sequence of Planned
    until : int, optional
        The number of epochs after which each member is paused.
    """

    def __init__(self, planned: Sequence[Planned], until: int | None) -> None:
        self.planned, self.until = planned, until
        longest_first = sorted(range(len(planned)), key=lambda n: -_cost(planned[n], until))
        self._waiting = deque(longest_first)
        self._under_way: dict[int, Driver] = {}
        self._results: dict[int, TrainResult] = {}
        self._changed = Condition()
        self._began = time.perf_counter()
        self.error: BaseException | None = None
        self.stopping = False

    def take(self) -> int | None:
        """Return the number of the next member; None if none is left, or the fleet is to stop."""
        with self._changed:
            return self._waiting.popleft() if self._waiting and not self.stopping else None

    def begin(self, number: int, driver: Driver) -> None:
        """Note that a member is under way."""
        with self._changed:
            self._under_way[number] = driver

    def end(self, number: int, result: TrainResult) -> None:
        """Keep the result of a member, whose session is no longer needed."""
        with self._changed:
            self._results[number] = result
            del self._under_way[number]
            if self.finished:
                self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Stop because of an exception in a worker; the first is raised."""
        with self._changed:
            self.error = self.error or error
            self.stopping = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Let the workers end after the blocks under way."""
        self.stopping = True

    @property
    def finished(self) -> bool:
        """Whether every member has a result."""
        return len(self._results) == len(self.planned)

    def wait(self, seconds: float | None) -> bool:
        """Wait until all members have ended, a worker failed or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.finished or self.error is not None, seconds)
            return self.finished or self.error is not None

    def progress(self) -> FleetProgress:
        """Return how far the fleet is."""
        with self._changed:
            under_way = dict(self._under_way)
            done = len(self._results)
        return FleetProgress(
            done, len(self.planned),
            tuple(UnderWay(n, len(d.state.history), d.controller.plan.epochs)
                  for n, d in sorted(under_way.items())),
            time.perf_counter() - self._began,
        )  # fmt: skip

    def results(self, ended: str) -> list[TrainResult]:
        """Return a result for each member, in order.

        Parameters
        ----------
        ended : str
            Why the others ended: those under way, as they are now, and those that have not begun,
            as they would have.
        """
        for number, driver in self._under_way.items():
            driver.state = replace(driver.state, ended=driver.state.ended or ended)
            self._results[number] = driver.result()
        for number in self._waiting:
            training = self.planned[number].make()
            schedule = training.controller().schedule(training.start)
            state = replace(training.start, ended=training.start.ended or ended)
            self._results[number] = TrainResult(state, schedule, 0.0)
        return [self._results[number] for number in range(len(self.planned))]


def _cost(planned: Planned, until: int | None) -> float:
    return planned.work * min(planned.epochs, until or planned.epochs)


class Worker:
    """Drives members one after the other, or several at a time, on one engine."""

    def __init__(self, fleet: Fleet, engine: Engine) -> None:
        self._fleet, self._engine = fleet, engine
        self._group: dict[int, Driver] = {}
        self._pace = Pace()

    def run(self) -> None:
        """Train until no member is left or the fleet is to stop; an exception stops the fleet."""
        try:
            while self._fill():
                self._advance()
        except BaseException as error:
            self._fleet.fail(error)

    def _fill(self) -> bool:
        """Begin members while there is room; return whether there is something to do."""
        while len(self._group) < self._engine.group:
            if (number := self._fleet.take()) is None:
                break
            training = self._fleet.planned[number].make()
            driver = training.driver(self._engine, training.controller(self._fleet.until))
            self._group[number] = driver
            self._fleet.begin(number, driver)
            self._end_if_done(number, driver)
        return bool(self._group) and not self._fleet.stopping

    def _advance(self) -> None:
        """Do one block of each member of the group, all of one length."""
        drivers = list(self._group.values())
        each = sum(self._fleet.planned[number].work for number in self._group)
        most = self._pace.epochs(each)
        most = min(driver.controller.length(driver.state, most) for driver in drivers)
        blocks = [driver.begin_block(most) for driver in drivers]
        began = time.perf_counter()
        metrics = self._engine.advance_all([driver.session for driver in drivers], blocks)
        self._pace.measure(most * each, time.perf_counter() - began)
        for number, driver, block, figures in zip(
            list(self._group), drivers, blocks, metrics, strict=True
        ):
            try:
                driver.end_block(block, figures)
            except DivergenceError as error:
                driver.keep_diverged(error)
            self._end_if_done(number, driver)

    def _end_if_done(self, number: int, driver: Driver) -> None:
        until = self._fleet.until
        if not driver.state.ended and (until is None or len(driver.state.history) < until):
            return
        try:
            result = driver.result()
        except DivergenceError as error:
            driver.keep_diverged(error)
            result = driver.result()
        del self._group[number]
        self._fleet.end(number, result)


def train_fleet(
    planned: Sequence[Planned],
    engine: Engine,
    *,
    callbacks: Sequence[FleetCallback] = (),
    until: int | None = None,
) -> list[TrainResult]:
    """Train a fleet.

    Parameters
    ----------
    planned : sequence of Planned
    engine : Engine
        Its threads are shared out.
    callbacks : sequence of callable
        Each is called with a `FleetProgress` about ten times per second and at the end, in the
        caller's thread.
    until : int, optional
        Pause each member after that many epochs, if it has not ended. Its result has `ended` "";
        `Training.resumed` continues from its `state`.

    Returns
    -------
    list of TrainResult
        In the order of `planned`. A member whose loss stopped being finite has `ended` "diverged".
        After `StopTraining`, those under way and those not begun have `ended` "callback".
    """
    fleet = Fleet(planned, until)
    workers = [Worker(fleet, one) for one in engine.divided(len(planned))]
    team = [Thread(target=worker.run, daemon=True) for worker in workers]
    try:
        for thread in team:
            thread.start()
        _watch(fleet, callbacks)
    except StopTraining:
        pass
    finally:
        fleet.stop()
        join_all([thread for thread in team if thread.ident is not None])
    if fleet.error is not None:
        raise fleet.error
    return fleet.results("callback")


def _watch(fleet: Fleet, callbacks: Sequence[FleetCallback]) -> None:
    """Call the callbacks until the fleet has ended."""
    while not fleet.wait(WAIT_SECONDS if callbacks else None):
        for callback in callbacks:
            callback(fleet.progress())
    if fleet.error is None:
        for callback in callbacks:
            callback(fleet.progress())
