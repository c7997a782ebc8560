"""`train`: blocks of updates, cut where somebody needs to look, until done, stopped or diverged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backhand.engines import Data, Engine, Run, State, make_engine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.optimizers import Optimizer, make_optimizer
from backhand.training.events import Callback, Progress, StopTraining, announce, period
from backhand.training.history import History
from backhand.training.inputs import (
    check_callbacks,
    check_early_stopping,
    check_finite,
    check_number,
    check_settings,
    check_validation,
    host_parameters,
    make_data,
)
from backhand.training.orders import SeededOrder
from backhand.training.plan import Plan, batches_of
from backhand.training.schedules import Schedule
from backhand.training.starting import first_state, going_on
from backhand.training.stopping import DivergenceError, EarlyStopping, Watch

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
    last : State
        Where training ended, with the optimizer's memory: what `train` takes to go on.
    best : State or None
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
    last: State
    best: State | None
    ended: str
    schedule: Schedule


def train(
    params: Parameters,
    X: Any,
    y: Any,
    *,
    learning_rate: float = 0.1,
    epochs: int = 100,
    batch_size: int | None = None,
    optimizer: str | Optimizer = "sgd",
    schedule: str = "constant",
    warmup: float = 0.0,
    power_t: float = 0.5,
    l2: float = 0.0,
    alpha: float = 0.0,
    dropout: float = 0.0,
    sample_weight: Any = None,
    validation: tuple[Any, ...] | None = None,
    validation_every: int = 1,
    early_stopping: EarlyStopping | None = None,
    callbacks: Sequence[Callback] = (),
    engine: str | Engine = "auto",
    device: str | None = None,
    threads: int | None = None,
    seed: int = 0,
    shuffle: bool = True,
    state: State | None = None,
) -> TrainResult:
    """Train from `params`, which stay as they are.

    The same arguments give the same bits on one machine, with the fused engine for any number of
    threads (with the others for the same number: their libraries may add up in another order for
    another).

    Parameters
    ----------
    params : Parameters
        Where to start, float32 or float64; everything is computed in their dtype.
    X : (N, d)
        Rows, of any real dtype, NumPy or torch; memory-mapped is fine.
    y : (N,) class indices 0..K-1, or (N, K) one-hot
    learning_rate : float
        η, or its peak where a schedule moves it.
    epochs : int
        Passes over the rows.
    batch_size : int, optional
        Rows an update. None: all of them, in order. The last batch of an epoch may be short; its
        mean is taken over its own rows.
    optimizer : {"sgd", "momentum", "nesterov", "adam"} or one of `backhand.optimizers`
    schedule : {"constant", "cosine", "invscaling", "adaptive"}
        What η does after the warm-up: stay; fall to 0 along half a cosine; fall as
        η / (t + 1)^power_t, t being the rows seen in whole epochs; or be divided by 5 each time the
        patience of `early_stopping` runs out, until it is 1e-6 or less.
    warmup : float
        Share of all updates, 0..1, over which η rises to its peak.
    l2 : float
        λ: adds λ/2 (‖W1‖² + ‖W2‖²) to the loss.
    alpha : float
        scikit-learn's way to say it: adds alpha / Σw to λ, Σw being the batch's rows or weights.
    dropout : float
        p, 0 or more and below 1: the share of hidden units that each row does without in each
        update; the others count 1 / (1 - p) times. Loss and accuracy in the history are measured
        so too; validation and the trained network use all units.
    sample_weight : (N,), optional
        Weights of the rows: means become weighted means.
    validation : (X, y) or (X, y, sample_weight), optional
        Rows to measure on every `validation_every` epochs; they change nothing, except through
        `early_stopping`.
    early_stopping : EarlyStopping, optional
    callbacks : sequence of callables
        Each is called with a `Progress` after each epoch (but see `Every`); one that raises
        `StopTraining` ends training.
    engine : {"auto", "fused", "reference", "torch"} or an engine
    device, threads
        As for `backhand.engines.make_engine`.
    seed : int
        Of the shuffles and of dropout.
    shuffle : bool
        Whether mini-batches are drawn anew each epoch; False takes the rows as they stand.

    Raises
    ------
    InputError
        If an argument is not what it should be.
    DivergenceError
        If the loss stops being finite; it holds the epoch and the last good parameters.
    """
    theta = host_parameters(params)
    data = make_data(theta, X, y, sample_weight)
    check_settings(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
                   schedule=schedule, warmup=warmup, power_t=power_t, l2=l2, alpha=alpha,
                   dropout=dropout, seed=seed)  # fmt: skip
    check_number("validation_every", validation_every, 1)
    check_early_stopping(early_stopping, schedule, validation)
    check_callbacks(callbacks)
    rule = make_optimizer(optimizer)
    if isinstance(engine, str):
        engine = make_engine(engine, device, threads)
    elif device is not None or threads is not None:
        raise InputError("device and threads are the engine's own; give them to `make_engine`.")
    held_out = None
    if validation is not None:
        check_validation(validation)
        held_out = make_data(theta, *validation)
    size, updates = batches_of(data.rows, batch_size)
    shuffled = shuffle and batch_size is not None
    plan = Plan(
        schedule=Schedule(name=schedule, peak=learning_rate, epochs=epochs, updates=updates,
                          rows=data.rows, warmup=warmup, power_t=power_t),
        batch_size=size, order=SeededOrder(data.rows, seed) if shuffled else None,
        l2=l2, alpha=alpha, weights=data.sample_weight, dropout=dropout, dropout_seed=seed,
    )  # fmt: skip
    start = first_state(theta, rule) if state is None else going_on(theta, rule, state)
    watch = None if early_stopping is None else Watch(early_stopping)
    run = engine.start(theta, data, rule)
    run.restore(start)
    return carry_out(run, data, plan, validation=held_out, validation_every=validation_every,
                     watch=watch, callbacks=callbacks)  # fmt: skip


def carry_out(
    run: Run,
    data: Data,
    plan: Plan,
    *,
    validation: Data | None = None,
    validation_every: int = 1,
    watch: Watch | None = None,
    callbacks: Sequence[Callback] = (),
    keep_interrupted: bool = False,
) -> TrainResult:
    """Do what the plan says, with arguments that are known to be right; else as `train`.

    With `keep_interrupted`, Ctrl-C ends training at the last whole block, as a callback would.
    """
    training = _Training(run, data, plan, validation, validation_every, watch, callbacks)
    return training.to_the_end(keep_interrupted)


class _Training:
    """One training under way: the run, what it has recorded, and how to step back in it."""

    def __init__(
        self,
        run: Run,
        data: Data,
        plan: Plan,
        validation: Data | None,
        validation_every: int,
        watch: Watch | None,
        callbacks: Sequence[Callback],
    ) -> None:
        self._run, self._data, self._plan = run, data, plan
        self._validation, self._watch, self._callbacks = validation, watch, callbacks
        periods = [every for every in map(period, callbacks) if every is not None]
        self._borders = periods if validation is None else [*periods, validation_every]
        self._validation_every = validation_every
        self._began = time.perf_counter()
        self._block_epochs = 0
        self._block_seconds = 0.0
        self._ended = ""
        self.history = History()
        self._best: State | None = None
        # The states before the last two blocks, with the number of epochs done there: from one of
        # them every epoch since can be reached again, since engine and plan are deterministic.
        self._before: list[tuple[int, State]] = []

    def to_the_end(self, keep_interrupted: bool) -> TrainResult:
        try:
            while not self._ended:
                self._next_block()
                announce(self._callbacks, self._progress())
        except StopTraining:
            self._ended = self._ended or "callback"
        except KeyboardInterrupt:
            if not keep_interrupted:
                raise
            self._ended = "interrupt"
            self._go_to(len(self.history))  # the block in hand may be done, or half done
        return self._result()

    def _result(self) -> TrainResult:
        last = self._run.state()
        if not all(np.isfinite(value).all() for value in last.params) and self._best is None:
            epoch = len(self.history)
            what = f"the last update, of epoch {epoch}, made parameters that are not finite"
            raise self._divergence(epoch, self.history, what)
        if self._plan.order is not None:
            self._plan.order.settle(0, len(self.history))
        best_epoch = self._watch.best_epoch if self._watch is not None else None
        given = last if self._best is None else self._best
        seconds = time.perf_counter() - self._began
        return TrainResult(given.params, self.history, best_epoch, seconds, last, self._best,
                           self._ended, self._plan.schedule)  # fmt: skip

    def _next_block(self) -> None:
        done = len(self.history)
        block = self._plan.block(done, self._block_length(done))
        self._before = [*self._before[-1:], (done, self._run.state())]
        if self._plan.order is not None:
            self._plan.order.settle(self._before[0][0])
        began = time.perf_counter()
        record = self._run.advance(block)
        self._block_epochs, self._block_seconds = block.epochs, time.perf_counter() - began
        if not np.isfinite(record.loss[-1]):
            history = self.history.extended(record.loss[:-1], record.accuracy[:-1])
            epoch = done + len(record.loss)
            what = f"the loss stopped being finite in epoch {epoch}"
            raise self._divergence(epoch, history, what)
        self.history = self.history.extended(*record, self._validate(done + block.epochs))
        if self._watch is not None:
            self._ended = self._stopped_in(done, self._watch)
        if not self._ended and len(self.history) == self._plan.epochs:
            self._ended = "done"

    def _block_length(self, done: int) -> int:
        """Epochs until somebody wants to look, or until about `BLOCK_SECONDS` have passed."""
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
            if watch.perfect or watch.impatient:
                if epoch < len(self.history):
                    self._go_to(epoch)
                    self.history = self.history.first(epoch)
                slower = None if watch.perfect else self._plan.slower(epoch)
                if slower is None:
                    return "perfect" if watch.perfect else "patience"
                self._plan = slower
                watch.begin_again()
                return ""
        return ""

    def _go_to(self, epoch: int) -> None:
        """Bring the run back to where it stood after that epoch."""
        done, state = max((past for past in self._before if past[0] <= epoch), key=lambda p: p[0])
        self._run.restore(state)
        if epoch > done:
            self._run.advance(self._plan.block(done, epoch - done))

    def _divergence(self, epoch: int, history: History, what: str) -> DivergenceError:
        """The error that says so, with the parameters that the last finite loss was measured with.

        `history` is that of the epochs whose loss was finite; those parameters began its last one.
        """
        check_finite(self._data.X, self._before[-1][1].params.W1.dtype)
        self._go_to(max(0, len(history) - 1))
        return DivergenceError(
            f"{what}. Try a smaller learning rate (it was {self._plan.schedule.peak:g}), a warm-up "
            "or columns scaled to about -3..3.",
            epoch, self._run.state().params, history,
        )  # fmt: skip

    def _progress(self) -> Progress:
        return Progress(
            len(self.history),
            self._plan.epochs,
            self._data.rows,
            time.perf_counter() - self._began,
            self.history,
            bool(self._ended),
            lambda: self._run.state().params,
        )
