"""`train_fleet`: trains many prepared trainings, shared out over threads.

The caller's thread waits, calls callbacks, saves checkpoints and handles signals. Each worker
thread takes the next member that has not begun, and drives it block by block. A member has a
session only while it is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from threading import Thread
from time import perf_counter
from typing import Any, overload

from backhand.engines import Engine
from backhand.support.logs import Log
from backhand.support.signals import Interrupted, meant, signals_noted
from backhand.support.threads import join_all
from backhand.training.callbacks import StopTraining, call_each
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.checkpoints.consistency import Consistency
from backhand.training.checkpoints.fingerprints import SharedDigest, data_fingerprint, settings_of
from backhand.training.checkpoints.fleet_manager import FleetManager, Known
from backhand.training.fleet.progress import FleetCallback, FleetProgress, in_members
from backhand.training.fleet.shared import Fleet, Kept, Planned
from backhand.training.fleet.worker import Worker
from backhand.training.prepared import Training
from backhand.training.result import TrainResult

LOG = Log(__name__)


WAIT_SECONDS = 0.1
"""Time between two calls of the callbacks, and after which a signal is noticed at the latest."""


@overload
def train_fleet(
    planned: Sequence[Planned],
    engine: Engine,
    *,
    callbacks: Sequence[FleetCallback] = (),
    checkpoint: Checkpoint | None = None,
    until: int | None = None,
) -> list[TrainResult]: ...


@overload
def train_fleet(
    planned: Sequence[Planned],
    engine: Engine,
    keep: Callable[[int, TrainResult], Kept],
    *,
    callbacks: Sequence[FleetCallback] = (),
    checkpoint: Checkpoint | None = None,
    until: int | None = None,
    counted: Callable[[FleetProgress], str] = in_members,
) -> list[Kept]: ...


def train_fleet(
    planned: Sequence[Planned],
    engine: Engine,
    keep: Callable[[int, TrainResult], Any] = lambda _, result: result,
    *,
    callbacks: Sequence[FleetCallback] = (),
    checkpoint: Checkpoint | None = None,
    until: int | None = None,
    counted: Callable[[FleetProgress], str] = in_members,
) -> list[Any]:
    """Train a fleet.

    Parameters
    ----------
    planned : sequence of Planned
    engine : Engine
        Its threads are shared out.
    keep : callable, optional
        Called in a worker's thread when a member has ended, with its number and its result. What it
        returns is kept instead of the result, which has the optimizer's slots.
    callbacks : sequence of callable
        Each is called with a `FleetProgress` about ten times per second and at the end, in the
        caller's thread.
    checkpoint : Checkpoint, optional
        Where the members are saved, and whether to resume from there.
    until : int, optional
        Pause each member after that many epochs, if it has not ended: its result has `ended` "",
        and `Planned.state` continues from its `state`.
    counted : callable
        Returns how much is done in words, for what is said of the checkpoint.

    Returns
    -------
    list of TrainResult, or of what `keep` returns
        In the order of `planned`. A member whose loss stopped being finite has `ended` "diverged".
        After `StopTraining`, those under way and those not begun have `ended` "callback".

    Raises
    ------
    Interrupted
        With a checkpoint, after a signal: all is saved.
    InputError, OutputError
        As of `Checkpoint.open_fleet`.
    """
    about = _About(engine)
    with nullcontext() if checkpoint is None else checkpoint.open_fleet(engine) as manager:
        fleet = Fleet(planned, keep, until, None if manager is None else about)
        saving = None if manager is None else _Saving(fleet, manager, counted)
        if saving is not None:
            _restore(saving, about)
        fleet.line_up()
        with (
            nullcontext(()) if manager is None else signals_noted() as signals,
            _working(fleet, engine),
        ):
            _watch(fleet, callbacks, saving, signals)
    if fleet.error is not None:
        raise fleet.error
    return fleet.results("callback")


@contextmanager
def _working(fleet: Fleet[Any], engine: Engine) -> Iterator[None]:
    """Run the workers while the context lasts; they end after the blocks under way."""
    workers = [Worker(fleet, one) for one in engine.divided(len(fleet.planned))]
    began = perf_counter()
    LOG.debug("%d networks in %d threads, up to %d in one call of the %s engine",
              len(fleet.planned), len(workers), engine.group, engine.name)  # fmt: skip
    team = [Thread(target=worker.run, daemon=True) for worker in workers]
    try:
        for thread in team:
            thread.start()
        yield
    finally:
        fleet.stop()
        join_all([thread for thread in team if thread.ident is not None])
        done = fleet.progress()
        LOG.info("%d of %d networks done in %.2f s", done.done, done.members,
                 perf_counter() - began)  # fmt: skip


def _watch(
    fleet: Fleet[Any],
    callbacks: Sequence[FleetCallback],
    saving: _Saving | None,
    signals: Sequence[int],
) -> None:
    """Call the callbacks and save checkpoints until the fleet has finished or is to stop."""
    ended = stopped = False
    while not ended and not stopped:
        ended = fleet.wait(WAIT_SECONDS)
        if fleet.error is not None:
            return
        stopped = _call(callbacks, fleet, saving)
        if saving is None:
            continue
        if ended or stopped or signals or saving.manager.due:
            saving.save()
        if signals and not ended:
            raise Interrupted(meant(signals), saving.where)


def _call(callbacks: Sequence[FleetCallback], fleet: Fleet[Any], saving: _Saving | None) -> bool:
    """Call the callbacks; return whether one stops the fleet. If one fails, save, and say where."""
    try:
        if callbacks:
            call_each(callbacks, fleet.progress())
    except StopTraining:
        return True
    except Exception as error:
        if saving is not None:
            saving.save()
            error.add_note(f"{saving.where}; resume from there.")
        raise
    return False


@dataclass(frozen=True)
class _Saving:
    """How a fleet is saved, and how much of it in words."""

    fleet: Fleet[Any]
    manager: FleetManager
    counted: Callable[[FleetProgress], str]

    def save(self) -> None:
        results, under_way = self.fleet.unsaved()
        if self.fleet.error is None:
            self.manager.save(results, under_way)

    @property
    def where(self) -> str:
        counted = self.counted(self.fleet.progress())
        return f"{counted} are done and saved in {self.manager.owner.folder}"


def _restore(saving: _Saving, about: _About) -> None:
    """Restore what was saved of the members, and say how much it is."""
    fleet, manager = saving.fleet, saving.manager

    def known(number: int) -> Known:
        training = fleet.planned[number].make()
        return Known(Consistency(training.begin, training.controller()), about(training))

    restored = manager.restore(len(fleet.planned), known, fleet.restore)
    manager.owner.note(saving.counted(fleet.progress()), restored=restored > 0)
    if not fleet.finished:
        manager.owner.tell()


class _About:
    """Returns what a checkpoint has about a training: its settings and its data."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._digest = engine, SharedDigest()

    def __call__(self, training: Training) -> dict[str, Any]:
        begin = training.begin
        return {
            "settings": settings_of(training.config, training.objective, begin, self._engine),
            "data": data_fingerprint(begin, training.data, training.validation, self._digest),
        }
