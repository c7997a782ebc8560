"""The loop of a training: it drives one session from a state to its end.

The `Controller` decides what comes next; this module has the session, the clock, the callbacks,
the signals and the files.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from signal import SIGINT

from backhand.engines import Block, BlockMetrics, OptimizerState, Rows, Session
from backhand.engines.argument_checks import is_finite
from backhand.support.logs import Log
from backhand.support.signals import Interrupted, meant, signals_noted
from backhand.training.callbacks import Callback, Progress, StopTraining, call_callbacks
from backhand.training.checkpoints.manager import CheckpointManager
from backhand.training.controller import Controller, Decision, Divergence
from backhand.training.early_stopping import DivergenceError
from backhand.training.result import TrainResult
from backhand.training.state import TrainState, no_parts

LOG = Log(__name__)


BLOCK_SECONDS = 0.1
"""Target duration of a block, so that progress and Ctrl-C stay responsive."""

OVERHEAD = 0.1
"""Share of a block that what is done beside its updates may take; blocks are longer for that."""

GROWTH = 16
"""A block has at most this many times the work of the block before it."""

SLOW_UPDATE, SLOW_RATE = 1e-4, 1e9
"""Seconds per update, and operations per second, of a slow engine: the first block is estimated
with them."""


@dataclass
class Pace:
    """The work of a block: what takes about `BLOCK_SECONDS`, estimated from the last one."""

    work: float = 0.0

    @classmethod
    def before(cls, updates: int, operations: float) -> Pace:
        """Return an estimate of the pace, before the first epoch, from an epoch's updates and work.

        An eighth of a block is planned, so that short trainings are one block, which saves the time
        between blocks, and a wrong estimate does not make the first block long.
        """
        return cls(BLOCK_SECONDS / 8 / (updates * SLOW_UPDATE + operations / SLOW_RATE))

    def epochs(self, each: float = 1.0) -> int:
        """Return how many epochs of that much work each make a block: 1 or more."""
        return max(1, int(self.work / each))

    def measure(self, work: float, seconds: float, overhead: float = 0.0) -> None:
        """Update the estimate with a block's work and duration, and the engine's overhead."""
        wanted = max(BLOCK_SECONDS, overhead / OVERHEAD)
        self.work = min(wanted / max(seconds, 1e-9), GROWTH) * work


class Replay:
    """Returns a session to an earlier epoch, without a copy of every epoch's parameters.

    It keeps the states before the last two blocks, and before the one that has the best epoch.
    Engine and plan are deterministic: from one of these states, every later epoch is reached again
    by training it again.
    """

    def __init__(self, session: Session, controller: Controller) -> None:
        self._session, self._controller = session, controller
        self._before: list[TrainState] = []
        self._best: tuple[TrainState, int] | None = None

    def keep(self, state: TrainState) -> None:
        """Keep the state before the next block, and forget what is too old."""
        self._before = [*self._before[-1:], state]
        if self._controller.plan.sampler is not None:
            oldest = self._before[0] if self._best is None else self._best[0]
            self._controller.plan.sampler.settle(
                min(oldest.done, self._before[0].done) // self._controller.plan.parts
            )

    def keep_best(self, parts: int | None) -> None:
        """Keep how to reach the best epoch, after `parts` parts, of the last block; None: not."""
        self._best = None if parts is None else (self._before[-1], parts)

    def reaches_back(self, done: int) -> int:
        """How many parts before `done` the best epoch is reached from; 0 if it is not kept so."""
        return 0 if self._best is None else done - self._best[0].done

    def best(self, present: OptimizerState) -> OptimizerState:
        """Return the best epoch's state, and the session to its present one."""
        assert self._best is not None
        self._rewind(*self._best)
        found = self._session.state()
        self._session.restore(present)
        self._best = None
        return found

    def rewind_to(self, parts: int) -> None:
        """Return the session to the state after `parts` parts, or to the oldest one kept."""
        past = [state for state in self._before if state.done <= parts] or self._before[:1]
        if past:
            self._rewind(past[-1], parts)

    def _rewind(self, past: TrainState, parts: int) -> None:
        self._session.restore(past.optimizer)
        if parts > past.done:
            self._session.advance(self._controller.replay(past, parts - past.done))


@dataclass
class Driver:
    """One training under way.

    Attributes
    ----------
    session : Session
    controller : Controller
    state : TrainState
        The state of training; the session's own state is its `optimizer`. Its `best` is that of
        the best epoch once `settle_best` has been called.
    data : Rows
        Training rows.
    callbacks : sequence of callables
    manager : CheckpointManager or None
    received_signals : list of int
        Signals that arrived since training began, if it has a checkpoint.
    """

    session: Session
    controller: Controller
    state: TrainState
    data: Rows
    callbacks: Sequence[Callback] = ()
    manager: CheckpointManager | None = None
    received_signals: Sequence[int] = ()
    began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        (d, H), K = self.state.optimizer.params.W1.shape, len(self.state.optimizer.params.b2)
        operations = self.data.rows * (4.0 * d * H + 6.0 * H * K)
        self.pace = Pace.before(self.controller.plan.schedule.updates, operations)
        self.replay = Replay(self.session, self.controller)
        self.resumed_after = len(self.state.history)

    def run(self) -> None:
        """Train block by block to the end, or until an exception.

        Raises
        ------
        DivergenceError
            If a loss is not finite.
        StopTraining
            By a callback.
        Interrupted
            After a signal, if there is a checkpoint; the state is saved.
        """
        while not self.state.ended:
            block = self.begin_block(self.pace.epochs())
            began = time.perf_counter()
            metrics = self.session.advance(block)
            self.pace.measure(block.epochs, time.perf_counter() - began)
            self.end_block(block, metrics)
            self._call_callbacks()
            self._checkpoint()

    def begin_block(self, most_epochs: int) -> Block:
        """Return the next block, of at most `most_epochs` epochs; the session does it next."""
        self.replay.keep(self.state)
        return self.controller.next_block(self.state, most_epochs)

    def end_block(self, block: Block, metrics: BlockMetrics) -> None:
        """Take what follows from the block that the session has done.

        Raises
        ------
        DivergenceError
            If a loss is not finite. The state is then the one before that, as `_diverged` says.
        """
        decision = self.controller.record(self.state, block, metrics)
        if (divergence := self.controller.divergence(decision.state)) is None:
            self._stop_or_rewind(decision)
            return
        if finite := len(metrics.loss) - 1:
            metrics = BlockMetrics(*(figures[:finite] for figures in metrics))
            decision = self.controller.record(self.state, block, metrics)
            if decision.best is not None:
                self.replay.keep_best(decision.best)
            self.state = decision.state
        raise self._diverged(divergence)

    def _stop_or_rewind(self, decision: Decision) -> None:
        """Adopt the decided state, with the session's tensors in that state."""
        state = decision.state
        if decision.rewind:
            self.replay.rewind_to(state.done)
        present = self.session.state()
        self.state = replace(state, optimizer=present)
        if decision.best == state.done:
            self.state = replace(self.state, best=present)
            self.replay.keep_best(None)
        elif decision.best is not None:
            self.replay.keep_best(decision.best)
        # A sampler may have to store the order of every epoch that can be reached again.
        if self.replay.reaches_back(state.done) > self.controller.plan.most_epochs:
            self.settle_best()

    def settle_best(self) -> None:
        """Make the state's `best` that of the best epoch, which is trained again if need be."""
        if self.replay.reaches_back(self.state.done):
            best = self.replay.best(self.state.optimizer)
            self.state = replace(self.state, best=best)

    def _call_callbacks(self) -> None:
        """Call the callbacks that are due; if one fails, save a checkpoint and note where."""
        if not self.callbacks:
            return
        try:
            call_callbacks(self.callbacks, self._progress())
        except StopTraining:
            raise
        except Exception as error:
            if self.manager is not None:
                self.manager.save(self.saved())
                error.add_note(f"{self._saved_where()}; resume from there.")
            raise

    def _checkpoint(self) -> None:
        """Save a checkpoint if due, at the end, or after a signal, which then ends training."""
        if self.manager is None:
            return
        due = self.manager.due(len(self.state.history), self.controller.share(self.state))
        if self.received_signals or self.state.ended or due:
            self.manager.save(self.saved())
        if self.received_signals and not self.state.ended:
            raise Interrupted(meant(self.received_signals), self._saved_where())

    def saved(self) -> TrainState:
        """Return the state as it is saved: with the order of the rows."""
        self.settle_best()
        state, sampler = self.state, self.controller.plan.sampler
        if sampler is None:
            return state
        return replace(state, sampler=sampler.state_dict(len(state.history)))

    def _saved_where(self) -> str:
        assert self.manager is not None
        epochs, of = len(self.state.history), self.controller.plan.epochs
        return f"{epochs} of {of} epochs are done and saved in {self.manager.folder}"

    def result(self) -> TrainResult:
        """What training returns.

        Raises
        ------
        DivergenceError
            If the last update made parameters that are not finite, and no best state is restored.
        """
        self.settle_best()
        state = self.state
        if state.best is None and not all(map(is_finite, state.optimizer.params)):
            raise self._diverged(Divergence(len(state.history), state.done, state.history), False)
        if (sampler := self.controller.plan.sampler) is not None:
            sampler.settle(0, len(state.history))
        schedule = self.controller.schedule(state)
        return TrainResult(state, schedule, time.perf_counter() - self.began, self.resumed_after)

    def _diverged(self, found: Divergence, by_loss: bool = True) -> DivergenceError:
        """End at the last parameters whose loss is finite, and return the error that says so."""
        self.data.check_finite(self.state.optimizer.params.W1.dtype)
        self.replay.rewind_to(found.finite_parts - 1)
        self.state = replace(
            self.state, optimizer=self.session.state(), history=found.history,
            done=len(found.history) * self.controller.plan.parts, part_figures=no_parts(),
            ended="diverged",
        )  # fmt: skip
        what = (
            f"the loss stopped being finite in epoch {found.epoch}" if by_loss else
            f"the last update, of epoch {found.epoch}, made parameters that are not finite"
        )  # fmt: skip
        return DivergenceError(
            f"{what}. Try a smaller learning rate (it was {self.controller.plan.schedule.peak:g}), "
            "a warm-up or columns scaled to about -3..3.",
            found.epoch, self.state.optimizer.params, found.history,
        )  # fmt: skip

    def _progress(self) -> Progress:
        return Progress(
            epoch=len(self.state.history),
            epochs=self.controller.plan.epochs,
            share=self.controller.share(self.state),
            rows=self.data.rows,
            seconds=time.perf_counter() - self.began,
            history=self.state.history,
            finished=bool(self.state.ended),
            schedule=self.controller.schedule(self.state),
            parameters=self.session.parameters,
        )


def drive(driver: Driver, keep_interrupted: bool = False) -> TrainResult:
    """Run a training to its end, whatever ends it.

    Parameters
    ----------
    driver : Driver
    keep_interrupted : bool
        Whether Ctrl-C ends training at the last whole block, as a callback would, and does not
        raise.

    Raises
    ------
    DivergenceError, Interrupted
        As of `Driver.run`.
    """
    try:
        if driver.manager is None:
            driver.run()
        else:
            with signals_noted() as driver.received_signals:
                driver.run()
    except StopTraining:
        driver.state = replace(driver.state, ended=driver.state.ended or "callback")
    except KeyboardInterrupt as error:
        if not keep_interrupted or getattr(error, "signal", SIGINT) != SIGINT:
            raise
        driver.state = replace(driver.state, ended="interrupt")
    found = driver.result()
    epochs = driver.controller.plan.epochs
    LOG.info("trained %d of %d epochs on %d rows in %.2f s (%s)", len(found.history), epochs,
             driver.data.rows, found.seconds, found.ended)  # fmt: skip
    return found
