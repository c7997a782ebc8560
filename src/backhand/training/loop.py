"""Blocks of updates, cut where somebody needs to look, until done, stopped or diverged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from signal import SIGINT

import numpy as np

from backhand.engines import Block, BlockMetrics, Data, OptimizerState, Session
from backhand.equations import Parameters
from backhand.support import display
from backhand.support.signals import Interrupted, meant, signals_noted
from backhand.training.callbacks import Callback, Progress, StopTraining, announce, period
from backhand.training.checkpoints.consistency import Agreement
from backhand.training.checkpoints.manager import Keeper
from backhand.training.data import check_finite
from backhand.training.early_stopping import DivergenceError, Watch
from backhand.training.history import History
from backhand.training.plan import Plan
from backhand.training.schedules import Schedule
from backhand.training.state import PartFigures, Standing

BLOCK_SECONDS = 0.1
"""A block that nobody cuts lasts about this long, so that progress and Ctrl-C come through."""

GROWTH = 16
"""At most so many times the epochs of the block before it."""


@dataclass(frozen=True)
class TrainResult:
    """What training gives back.

    Attributes
    ----------
    params : Parameters
        NumPy arrays: the last, or with early stopping on a validation figure the best.
    history : History
        An entry an epoch.
    best_epoch : int or None
        With early stopping: the epoch, counted from 1, whose figure was best.
    seconds : float
        Wall time.
    last : OptimizerState
        Where training ended, with the optimizer's memory: what `train` takes to go on.
    best : OptimizerState or None
        Where a validation figure was best, if early stopping gives those parameters back.
    ended : {"done", "patience", "perfect", "callback", "interrupt"}
        All epochs done; or patience ran out, the validation accuracy was 1, a callback stopped it,
        or Ctrl-C did.
    schedule : Schedule
        The learning rate's, with the cuts that "adaptive" made.
    """

    params: Parameters
    history: History
    best_epoch: int | None
    seconds: float
    last: OptimizerState
    best: OptimizerState | None
    ended: str
    schedule: Schedule

    def __repr__(self) -> str:
        return display.as_text(*self._summary())

    def _repr_html_(self) -> str:
        return display.as_html(*self._summary(), self.history.loss)

    def _summary(self) -> tuple[str, list[tuple[str, ...]]]:
        (d, H), K = self.params.W1.shape, self.params.b2.shape[0]
        best = "" if self.best_epoch is None else f", best {self.best_epoch:,}"
        title = (
            f"TrainResult: d {d:,}, H {H:,}, K {K:,} in {self.params.W1.dtype}, "
            f"{len(self.history):,} epochs{best} in {self.seconds:.3g} s, ended by '{self.ended}'"
        )
        return title, self.history.figures()


def carry_out(
    run: Session,
    data: Data,
    plan: Plan,
    *,
    start: OptimizerState | None = None,
    validation: Data | None = None,
    validation_every: int = 1,
    watch: Watch | None = None,
    callbacks: Sequence[Callback] = (),
    keeper: Keeper | None = None,
    keep_interrupted: bool = False,
) -> TrainResult:
    """Do what the plan says, with arguments that are known to be right; else as `train`.

    `start` is the run's state, if that is at hand: to ask for it is a copy of all parameters. With
    a `keeper`, training goes on from where it stood when it was last written down, and is written
    down from time to time, at the end, and when a signal ends it after the block in hand. With
    `keep_interrupted`, Ctrl-C ends training at the last whole block, as a callback would.

    Raises
    ------
    Interrupted
        If a signal ended it, and where it stands was saved.
    """
    training = _Training(run, data, plan, start, validation, validation_every, watch, callbacks)
    if keeper is None:
        return training.to_the_end(training.go_on, keep_interrupted)
    training.keep_with(keeper)
    with signals_noted() as came:
        return training.to_the_end(lambda: training.go_on_kept(keeper, came), keep_interrupted)


class _Training:
    """One training under way: the run, what it has recorded, and how to step back in it.

    It is counted in parts of epochs, of which most trainings have one an epoch.
    """

    def __init__(
        self,
        run: Session,
        data: Data,
        plan: Plan,
        start: OptimizerState | None,
        validation: Data | None,
        validation_every: int,
        watch: Watch | None,
        callbacks: Sequence[Callback],
    ) -> None:
        self._run, self._data, self._plan, self._start = run, data, plan, start
        self._validation, self._watch, self._callbacks = validation, watch, callbacks
        periods = [every for every in map(period, callbacks) if every is not None]
        self._borders = periods if validation is None else [*periods, validation_every]
        self._validation_every = validation_every
        self._began = time.perf_counter()
        self._block_epochs = 0
        self._block_seconds = 0.0
        self._ended = ""
        self._done = 0
        self._part_figures: tuple[PartFigures, ...] = ()
        self.history = History()
        self._best: OptimizerState | None = None
        # The states before the last two blocks, with the number of parts done there: from one of
        # them every epoch since can be reached again, since engine and plan are deterministic.
        self._before: list[tuple[int, OptimizerState]] = []

    def keep_with(self, keeper: Keeper) -> None:
        """Begin where the keeper finds that it stood, and end blocks where it wants to write."""
        if keeper.period is not None:
            self._borders = [*self._borders, keeper.period]
        every = None if self._validation is None else self._validation_every
        agreement = Agreement(self._standing(), self._plan, self._watch, every)
        if (standing := keeper.find(agreement)) is not None:
            self._stand(standing)

    def go_on(self) -> None:
        """Do a block."""
        self._next_block()
        announce(self._callbacks, self._progress())

    def go_on_kept(self, keeper: Keeper, came: list[int]) -> None:
        """Do a block; write down where that leads if it is time, the end, or somebody's wish.

        What a callback raises, such as the loss of the output that it writes to, is such a wish.
        """
        self._next_block()
        try:
            announce(self._callbacks, self._progress())
        except StopTraining:
            raise
        except Exception as error:
            keeper.save(self._standing())
            saved = f"{self._done_of_all()} and saved in {keeper.folder}"
            error.add_note(f"{saved}; resume from there.")
            raise
        if came or self._ended or keeper.due(len(self.history), self._share):
            keeper.save(self._standing())
        if came and not self._ended:
            raise Interrupted(meant(came), f"{self._done_of_all()} and saved in {keeper.folder}")

    def _done_of_all(self) -> str:
        return f"{len(self.history)} of {self._plan.epochs} epochs are done"

    def _standing(self) -> Standing:
        order = self._plan.order
        return Standing(
            self._done, self._ended, self._run.state(), self._best, self.history,
            self._part_figures, None if self._watch is None else self._watch.memory(),
            self._plan.schedule.cuts,
            {} if order is None else order.memory(len(self.history)),
        )  # fmt: skip

    def _stand(self, standing: Standing) -> None:
        self._run.restore(standing.state)
        self._start = standing.state
        self._done, self._ended = standing.done, standing.ended
        self._best, self.history = standing.best, standing.history
        self._part_figures = standing.part_figures
        if self._watch is not None and standing.watch is not None:
            self._watch.remember(standing.watch)
        self._plan = replace(self._plan, schedule=replace(self._plan.schedule, cuts=standing.cuts))
        if self._plan.order is not None:
            self._plan.order.remember(len(self.history), standing.order)

    def to_the_end(self, go_on: Callable[[], None], keep_interrupted: bool) -> TrainResult:
        try:
            while not self._ended:
                go_on()
        except StopTraining:
            self._ended = self._ended or "callback"
        except KeyboardInterrupt as error:
            if not keep_interrupted or getattr(error, "signal", SIGINT) != SIGINT:
                raise
            self._ended = "interrupt"
            if self._before:  # the block in hand may be done, or half done
                self._go_to(self._done)
        return self._result()

    def _result(self) -> TrainResult:
        last = self._run.state()
        if not all(np.isfinite(value).all() for value in last.params) and self._best is None:
            epoch = len(self.history)
            what = f"the last update, of epoch {epoch}, made parameters that are not finite"
            raise self._divergence(epoch, self._done, self.history, what)
        if self._plan.order is not None:
            self._plan.order.settle(0, len(self.history))
        best_epoch = self._watch.best_epoch if self._watch is not None else None
        given = last if self._best is None else self._best
        seconds = time.perf_counter() - self._began
        return TrainResult(given.params, self.history, best_epoch, seconds, last, self._best,
                           self._ended, self._plan.schedule)  # fmt: skip

    def _next_block(self) -> None:
        done = self._done
        block = self._plan.block(done, self._block_length(done))
        state = self._run.state() if self._before or self._start is None else self._start
        self._before = [*self._before[-1:], (done, state)]
        if self._plan.order is not None:
            self._plan.order.settle(self._before[0][0] // self._plan.parts)
        began = time.perf_counter()
        record = self._run.advance(block)
        self._block_epochs, self._block_seconds = block.epochs, time.perf_counter() - began
        if not np.isfinite(record.loss[-1]):
            epoch = (done + len(record.loss) - 1) // self._plan.parts + 1
            history = self.history.extended(record.loss[:-1], record.accuracy[:-1])
            what = f"the loss stopped being finite in epoch {epoch}"
            raise self._divergence(epoch, done + len(record.loss) - 1, history, what)
        self._done += block.epochs
        if self._plan.parts > 1:
            whole = self._with_part(record, block)
            if whole is None:
                return
            record = whole
        self._take(record)

    def _take(self, record: BlockMetrics) -> None:
        """Whole epochs have been done."""
        before = len(self.history)
        epoch = before + len(record.loss)
        self.history = self.history.extended(*record, self._validate(epoch))
        if self._watch is not None:
            self._ended = self._stopped_in(before, self._watch)
        if not self._ended and len(self.history) == self._plan.epochs:
            self._ended = "done"

    def _with_part(self, record: BlockMetrics, block: Block) -> BlockMetrics | None:
        """The record of the epoch, if this was its last part; else it is kept until then."""
        assert block.order is not None
        w = self._data.sample_weight
        rows = block.order[0]
        weight = float(len(rows)) if w is None else float(w[rows].sum(dtype=np.float64))
        figures = PartFigures(weight, float(record.loss[0]), float(record.accuracy[0]))
        self._part_figures = (*self._part_figures, figures)
        if self._done % self._plan.parts:
            return None
        weights, losses, accuracies = map(np.array, zip(*self._part_figures, strict=True))
        self._part_figures = ()
        total = weights.sum()
        return BlockMetrics(
            np.array([(weights * losses).sum() / total]),
            np.array([(weights * accuracies).sum() / total]),
        )

    def _block_length(self, done: int) -> int:
        """Epochs until somebody wants to look, or until about `BLOCK_SECONDS` have passed.

        Where an epoch comes in parts: one part.
        """
        if self._plan.parts > 1:
            return 1
        lengths = [every - done % every for every in self._borders]
        # Begin with one epoch, then go by the last block's pace, in growing steps.
        timed = int(BLOCK_SECONDS / max(self._block_seconds, 1e-9) * self._block_epochs)
        timed = max(1, min(timed, GROWTH * self._block_epochs))
        return min(self._plan.epochs - done, timed, self._plan.most_epochs(), *lengths)

    def _validate(self, epoch: int) -> tuple[float, float] | None:
        if self._validation is None:
            return None
        if epoch % self._validation_every and epoch != self._plan.epochs:
            return None
        return self._run.evaluate(self._validation)

    def _stopped_in(self, done: int, watch: Watch) -> str:
        """Show the new epochs to the watch; step back to the one after which something changes.

        That is the end of training, said in a word, or a slower plan for the epochs that follow.
        """
        for epoch in range(done + 1, len(self.history) + 1):
            if watch.improves(epoch, self.history) and watch.rule.gives_back:
                self._best = self._run.state()
            ended, plan = self._plan.after(epoch, watch)
            if ended or plan is not self._plan:
                if epoch < len(self.history):
                    self._go_to(epoch * self._plan.parts)
                    self._done = epoch * self._plan.parts
                    self.history = self.history.first(epoch)
                self._plan = plan
                return ended
        return ""

    def _go_to(self, parts: int) -> None:
        """Bring the run back to where it stood when so many parts were done."""
        done, state = max((past for past in self._before if past[0] <= parts), key=lambda p: p[0])
        self._run.restore(state)
        if parts > done:
            self._run.advance(self._plan.block(done, parts - done))

    def _divergence(self, epoch: int, finite: int, history: History, what: str) -> DivergenceError:
        """The error that says so, with the parameters that the last finite loss was measured with.

        So many parts had a finite loss, `history` is of those that are whole epochs; the parameters
        began the last of them.
        """
        check_finite(self._data.X, self._run.state().params.W1.dtype)
        if self._before:  # not, if it is resumed where it had come to its end
            self._go_to(max(self._before[0][0], finite - 1))
        return DivergenceError(
            f"{what}. Try a smaller learning rate (it was {self._plan.schedule.peak:g}), a warm-up "
            "or columns scaled to about -3..3.",
            epoch, self._run.state().params, history,
        )  # fmt: skip

    @property
    def _share(self) -> float:
        """How much of the epoch under way is done."""
        return self._done % self._plan.parts / self._plan.parts

    def _progress(self) -> Progress:
        return Progress(
            len(self.history),
            self._plan.epochs,
            self._share,
            self._data.rows,
            time.perf_counter() - self._began,
            self.history,
            bool(self._ended),
            self._plan.schedule,
            lambda: self._run.state().params,
        )
