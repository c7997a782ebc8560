"""`Fleet`: what the threads of a fleet share: who is next, who is under way, and the results."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Condition
from typing import Any, Generic, TypeVar

from backhand.training.checkpoints.members import Saved
from backhand.training.fleet.progress import FleetProgress, UnderWay
from backhand.training.loop import Driver
from backhand.training.prepared import Training
from backhand.training.result import TrainResult
from backhand.training.state import TrainState

Kept = TypeVar("Kept")

About = Mapping[str, Any]
"""A member's `settings` and `data`, as a checkpoint has them."""


@dataclass(frozen=True)
class Planned:
    """A training of a fleet, which is made when its turn comes.

    Attributes
    ----------
    make : callable
        Returns the training from its beginning; the same in every call. If it has a sampler with a
        state that is not new each time, its start has that state.
    epochs : int
        The epochs that it may take.
    work : float
        What an epoch costs, in any unit that is the same for all members, such as rows times
        weights. It decides who begins first and the length of blocks, and changes no result.
    state : TrainState, optional
        The state to continue from, of the same training when it was paused.
    """

    make: Callable[[], Training]
    epochs: int
    work: float
    state: TrainState | None = None

    def cost(self, until: int | None) -> float:
        """Return the work that is left, up to that number of epochs."""
        done = 0 if self.state is None else len(self.state.history)
        return self.work * (min(self.epochs, until or self.epochs) - done)


class Fleet(Generic[Kept]):
    """The members of a fleet that wait, those under way, and the results.

    Parameters
    ----------
    planned : sequence of Planned
    keep : callable
        Returns what is kept of a result, from the member's number and the result.
    until : int, optional
        The number of epochs after which each member is paused.
    about : callable, optional
        Returns what a checkpoint has about a training; None: nothing is saved.
    """

    def __init__(
        self,
        planned: Sequence[Planned],
        keep: Callable[[int, TrainResult], Kept],
        until: int | None = None,
        about: Callable[[Training], About] | None = None,
    ) -> None:
        self.planned, self.until = list(planned), until
        self._keep, self._about_of = keep, about
        self._waiting: deque[int] = deque()
        self._under_way: dict[int, Driver] = {}
        self._about: dict[int, About] = {}
        self._results: dict[int, Kept] = {}
        self._known: dict[int, Saved] = {}
        self._unsaved: dict[int, Saved] = {}
        self._workers: set[object] = set()
        self._asked: set[object] = set()
        self._answers: dict[int, Saved] = {}
        self._changed = Condition()
        self._began = time.perf_counter()
        self.error: BaseException | None = None
        self.stopping = False

    def line_up(self) -> None:
        """Put the members that have no result in line: those that continue, then the longest."""
        missing = [n for n in range(len(self.planned)) if n not in self._results]

        def place(number: int) -> tuple[bool, float]:
            one = self.planned[number]
            return one.state is None, -one.cost(self.until)

        self._waiting.extend(sorted(missing, key=place))

    def restore(self, number: int, saved: Saved) -> None:
        """Keep a member's saved state: it is the result, or where the member continues."""
        if self.is_over(saved.state):
            schedule = self.planned[number].make().controller().schedule(saved.state)
            state = replace(saved.state, sampler={})
            self._results[number] = self._keep(number, TrainResult(state, schedule, saved.seconds))
        else:
            self.planned[number] = replace(self.planned[number], state=saved.state)
            self._known[number] = saved

    def is_over(self, state: TrainState) -> bool:
        """Whether a member's training ends, or is paused, at a state."""
        return bool(state.ended) or (self.until is not None and len(state.history) >= self.until)

    def take(self) -> int | None:
        """Return the number of the next member; None if none is left, or the fleet is to stop."""
        with self._changed:
            return self._waiting.popleft() if self._waiting and not self.stopping else None

    def training(self, number: int) -> Training:
        """Return a member's training, from the state on where it continues."""
        planned = self.planned[number]
        training = planned.make()
        if self._about_of is not None:
            self._about[number] = self._about_of(training)
        return training.resumed(training.start if planned.state is None else planned.state)

    def begin(self, number: int, driver: Driver) -> None:
        """Note that a member is under way."""
        with self._changed:
            self._under_way[number] = driver

    def end(self, number: int, saved: Callable[[], TrainState], result: TrainResult) -> None:
        """Keep what is needed of a result, and the member's state until it is saved, if it is."""
        state = None if self._about_of is None else saved()
        kept = self._keep(number, result)
        with self._changed:
            self._results[number] = kept
            self.planned[number] = replace(self.planned[number], state=None)
            self._known.pop(number, None)
            del self._under_way[number]
            if state is not None:
                self._unsaved[number] = Saved(state, result.seconds, self._about.pop(number))
            if self.finished:
                self._changed.notify_all()

    def restart(self, number: int, diverged: TrainState) -> bool:
        """Let a member begin again that diverged at once where it continued; whether it does.

        The last good parameters are from before it was paused or saved.
        """
        past = self.planned[number].state
        if past is None or len(past.history) < len(diverged.history):
            return False
        with self._changed:
            self.planned[number] = replace(self.planned[number], state=None)
            self._known.pop(number, None)
            del self._under_way[number]
            self._waiting.appendleft(number)
        return True

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

    def wait(self, seconds: float) -> bool:
        """Wait until the fleet has finished or failed, or the time is over; whether it has."""
        with self._changed:
            self._changed.wait_for(lambda: self.finished or self.error is not None, seconds)
            return self.finished or self.error is not None

    def enter(self, worker: object) -> None:
        """Note a worker that will answer."""
        self._workers.add(worker)

    def leave(self, worker: object) -> None:
        """Note that a worker has ended."""
        with self._changed:
            self._workers.discard(worker)
            self._asked.discard(worker)
            self._changed.notify_all()

    def answer(self, worker: object, states: Callable[[], Mapping[int, TrainState]]) -> None:
        """Give the states of a worker's members, if they were asked for: it is after a block."""
        if worker not in self._asked:
            return
        found = states()
        with self._changed:
            self._asked.discard(worker)
            self._answers |= {n: self._saved(n, state) for n, state in found.items()}
            self._changed.notify_all()

    def _saved(self, number: int, state: TrainState) -> Saved:
        seconds = time.perf_counter() - self._under_way[number].began
        return Saved(state, seconds, self._about[number])

    def unsaved(self) -> tuple[dict[int, Saved], dict[int, Saved]]:
        """Return the results since the last call, and the members under way after their blocks.

        Members that continue from a state, and have not done a block since, count as under way.
        """
        with self._changed:
            self._answers, self._asked = {}, set(self._workers)
            self._changed.wait_for(lambda: not self._asked or self.error is not None)
            results, self._unsaved = self._unsaved, {}
            under_way = {n: one for n, one in self._answers.items() if n not in self._results}
            others = self._known.keys() - self._results.keys() - under_way.keys()
        return results, under_way | {n: self._known[n] for n in others}

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

    def results(self, ended: str) -> list[Kept]:
        """Return what is kept of each member's result, in order.

        Parameters
        ----------
        ended : str
            Why the others ended: those under way, as they are now, and those that have not begun,
            as they would have.
        """
        for number, driver in self._under_way.items():
            driver.state = replace(driver.state, ended=driver.state.ended or ended)
            self._results[number] = self._keep(number, driver.result())
        for number in self._waiting:
            training = self.training(number)
            schedule = training.controller().schedule(training.start)
            state = replace(training.start, ended=training.start.ended or ended)
            self._results[number] = self._keep(number, TrainResult(state, schedule, 0.0))
        return [self._results[number] for number in range(len(self.planned))]
