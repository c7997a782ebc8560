"""`Training`: all that a training needs before its first block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from backhand.engines import Engine, Objective, Rows, Session
from backhand.errors import InputError
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.manager import CheckpointManager
from backhand.training.config import TrainConfig
from backhand.training.controller import Controller
from backhand.training.loop import Driver
from backhand.training.plan import make_plan
from backhand.training.samplers import Sampler
from backhand.training.state import TrainState


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training that is ready to begin, on rows that are checked.

    Attributes
    ----------
    start : TrainState
        `TrainState.initial`, that with parts of a past state, or the state of a training that was
        paused.
    data : Rows
        `Data`, or what else the engine takes.
    config : TrainConfig
    sampler : Sampler or None
        The order of the rows, such as `make_sampler(config, data)`; None: as they are stored.
    objective : Objective
        What is minimised, such as `objective_of(config)`.
    validation : Rows or None
    """

    start: TrainState
    data: Rows
    config: TrainConfig
    sampler: Sampler | None
    objective: Objective
    validation: Rows | None = None

    @property
    def begin(self) -> TrainState:
        """The start with the sampler's state: a checkpoint is compared with it."""
        if self.sampler is None or self.start.sampler:
            return self.start
        return replace(self.start, sampler=self.sampler.state_dict(0))

    def controller(self, *periods: int | None) -> Controller:
        """Return what decides in this training; blocks end at multiples of the periods."""
        seen = self.start.rows_seen
        every = None if self.validation is None else self.config.validation_every
        plan = make_plan(self.config, self.data, self.objective, seen, self.sampler)
        return Controller(plan, tuple(n for n in periods if n is not None), every)

    def resumed(self, state: TrainState) -> Training:
        """Return the training from a later state on, with its sampler in that state's order."""
        if not state.sampler and state is self.start:
            return self
        if self.sampler is not None and state.sampler:
            self.sampler.load_state_dict(len(state.history), state.sampler)
        return replace(self, start=replace(state, sampler={}))

    def session(self, engine: Engine) -> Session:
        """Return a session of the engine that begins at the start."""
        rows: tuple[Any, Any] = self.data, self.validation
        return engine.start(
            self.start.optimizer, rows[0], self.config.rule, self.objective, rows[1]
        )

    def driver(
        self,
        engine: Engine,
        controller: Controller,
        callbacks: Sequence[Callback] = (),
        manager: CheckpointManager | None = None,
    ) -> Driver:
        """Return what drives a session of this training to its end."""
        session = self.session(engine)
        return Driver(session, controller, self.start, self.data, callbacks, manager)


def check_monitored(config: TrainConfig, has_validation: bool) -> None:
    """Check that early stopping has the validation rows that it needs.

    Raises
    ------
    InputError
        If there are none.
    """
    rule = config.early_stopping
    if rule is not None and rule.needs_validation and not has_validation:
        raise InputError(
            f"early stopping monitors the {rule.restore_best or rule.monitor}, and there are no "
            "validation rows. Pass validation=(X, y), or use monitor='loss'."
        )
