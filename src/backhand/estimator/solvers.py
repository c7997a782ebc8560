"""The two ways to train a classifier: epoch by epoch (sgd, adam), and by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from backhand.engines import Engine, Objective, OptimizerState, Rows
from backhand.equations import Parameters
from backhand.estimator.reporting import Tasks, warn
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import DivergenceError
from backhand.training.history import History
from backhand.training.lbfgs import Minimum, minimise
from backhand.training.prepared import Training
from backhand.training.result import TrainResult
from backhand.training.samplers import Sampler
from backhand.training.state import Keep, TrainState
from backhand.training.train import train_data

KEPT = Keep.PARAMETERS | Keep.OPTIMIZER | Keep.EARLY_STOPPING
"""The parts of a state that `warm_start` and `partial_fit` keep; for "adaptive" also the cuts."""


@dataclass(frozen=True, kw_only=True)
class EpochTraining:
    """A training by epochs that begins, or continues an earlier one.

    Attributes
    ----------
    params : Parameters
        The classifier's weights.
    past : TrainResult or None
        The earlier training, whose optimizer's memory, patience and learning rate are kept.
    rows_seen : int
        Rows that were visited in all earlier trainings.
    data, validation : Rows
        Rows to learn from, and rows to score after each epoch, if any.
    config : TrainConfig
    objective : Objective
    sampler : Sampler or None
        It is left where the last epoch left it.
    engine : Engine
    """

    params: Parameters
    past: TrainResult | None
    rows_seen: int
    data: Rows
    validation: Rows | None
    config: TrainConfig
    objective: Objective
    sampler: Sampler | None
    engine: Engine

    def run(
        self,
        callbacks: Sequence[Callback] = (),
        checkpoint: Checkpoint | None = None,
        *,
        keep_interrupted: bool = False,
    ) -> TrainResult:
        """Train, and return the result, from which the next training continues.

        Raises
        ------
        DivergenceError
            If the loss stops being finite.
        """
        return train_data(
            self._start(), self.data, self.config, sampler=self.sampler, objective=self.objective,
            engine=self.engine, validation=self.validation, callbacks=callbacks,
            checkpoint=checkpoint, keep_interrupted=keep_interrupted,
        )  # fmt: skip

    def prepared(self) -> Training:
        """Return the training as a fleet takes it, which may begin it again."""
        training = Training(
            start=self._start(), data=self.data, config=self.config, sampler=self.sampler,
            objective=self.objective, validation=self.validation,
        )  # fmt: skip
        return replace(training, start=training.begin)

    def _start(self) -> TrainState:
        """Return the starting state, with what is kept of the past.

        If the past training returned the best state on validation rows, and this one validates
        too, it continues from the last state of that one, and keeps the best until a better one
        is found. Otherwise it continues from the classifier's weights.
        """
        start = TrainState.initial(self.params, self.config, self.rows_seen)
        if self.past is None:
            return start
        (returned, last), keep = self._past_optimizers(self.past), self._kept_of(self.past)
        if self.validation is not None:
            past = replace(self.past.state, optimizer=last, best=returned)
            state = start.continue_from(past, keep)
            if state.best is not None and state.early_stopping is not None:  # on other rows, maybe
                rows: Any = self.validation  # of the engine's own kind
                figures = self.engine.evaluate(state.best.params, rows)
                return replace(state, early_stopping=state.early_stopping.rescore_best(*figures))
        past = self.past.state
        if returned is not past.optimizer:
            past = replace(past, optimizer=returned)
        return start.continue_from(past, keep)

    def _past_optimizers(self, past: TrainResult) -> tuple[OptimizerState, OptimizerState]:
        """Return the returned and the last state of the past training, as far as they can be kept.

        Weights that were set since replace those that were returned. Another update rule starts
        again.
        """
        returned, last = past.state.returned, past.state.optimizer
        shapes = [value.shape for value in last.params]
        if [value.shape for value in self.params] != shapes or not self._same_rule(past):
            returned = last = OptimizerState.initial(self.params, self.config.rule)
        elif not all(map(np.array_equal, self.params, returned.params)):
            returned = last = returned._replace(params=self.params)
        return returned, last

    def _kept_of(self, past: TrainResult) -> Keep:
        same_rate = past.config.learning_rate == self.config.learning_rate
        cut = self.config.schedule == "adaptive" and same_rate
        return KEPT | Keep.SCHEDULE if cut else KEPT

    def _same_rule(self, past: TrainResult) -> bool:
        return past.config.rule.name == self.config.rule.name


def with_dropout_seed(
    config: TrainConfig, past: TrainResult | None, random_state: Any
) -> TrainConfig:
    """Return the config with the seed of the dropped units, if there is dropout.

    The seed is drawn for a new optimizer. Later trainings continue its count of updates, so that
    each update drops other units.
    """
    if not config.dropout:
        return config
    if past is not None and past.config.seed and past.config.rule.name == config.rule.name:
        return replace(config, seed=past.config.seed)
    return replace(config, seed=int(random_state.randint(2**31 - 1)))


def train_by_lbfgs(
    params: Parameters,
    data: Rows,
    engine: Engine,
    *,
    alpha: float,
    first_class_fixed: bool,
    iterations: int,
    evaluations: int,
    gtol: float,
    tasks: Tasks | None,
    verbose: bool,
) -> tuple[Minimum, list[float]]:
    """Train from these parameters on, all rows at once: the minimum, and the loss of each step.

    Raises
    ------
    DivergenceError
        If its numbers are not finite.
    """
    losses: list[float] = []
    total = data.rows if data.sample_weight is None else float(data.sample_weight.sum())
    objective = Objective(l2=alpha / total, first_class_fixed=first_class_fixed)
    rows: Any = data  # of the engine's own kind
    session = engine.start(OptimizerState.initial(params, None), rows, None, objective)
    minimum = minimise(
        session, params, iterations=iterations, evaluations=evaluations, gtol=gtol,
        after_each=_after_each_step(losses, tasks, verbose=verbose),
    )  # fmt: skip
    if not all(np.isfinite(value).all() for value in minimum.params):
        raise DivergenceError(
            "L-BFGS made parameters that are not finite. Scale the columns of X to about -3..3, "
            "and sample_weight to about 1.",
            minimum.iterations, params, History(),
        )  # fmt: skip
    return minimum, losses


def warn_of_minimum(minimum: Minimum) -> None:
    """Warn if L-BFGS ended before it had converged."""
    if minimum.result.status in (1, 2):  # a limit was reached, or no step down was found
        warn(
            f"lbfgs failed to converge after {minimum.iterations} iteration(s) "
            f"(status={minimum.result.status}):\n{minimum.result.message}\n"
            "Raise max_iter, max_fun or tol, or scale the columns of X.",
            ConvergenceWarning,
        )


def _after_each_step(
    losses: list[float], tasks: Tasks | None, *, verbose: bool
) -> Callable[[Parameters, float], None]:
    """Append the loss, print it, and call scikit-learn's callbacks, which may end the fit."""
    wanted = tasks if tasks is not None and tasks.wanted else None
    if wanted is not None:
        wanted.begin()

    def after_each(theta: Parameters, loss: float) -> None:
        losses.append(loss)
        if verbose:
            print(f"Iteration {len(losses)}, loss = {loss:.8f}")
        if wanted is not None:
            if wanted.end(lambda: theta):
                raise StopIteration
            wanted.begin()

    return after_each
