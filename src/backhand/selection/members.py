"""The members of a selection: how each is trained, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Engine, Rows
from backhand.equations import Parameters
from backhand.functional import init
from backhand.selection.chosen import Trial
from backhand.selection.folds import InnerFolds
from backhand.selection.initial import kinks_among_rows
from backhand.selection.recipe import Recipe
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.config import TrainConfig
from backhand.training.fleet.progress import FleetProgress
from backhand.training.fleet.shared import Planned
from backhand.training.fleet.train_fleet import train_fleet
from backhand.training.history import History
from backhand.training.plan import make_sampler
from backhand.training.prepared import Training
from backhand.training.result import TrainResult
from backhand.training.state import TrainState
from backhand.training.train import objective_of


@dataclass(frozen=True)
class Member:
    """A network to train.

    Attributes
    ----------
    config : TrainConfig
        With its own λ and seed.
    fold : int or None
        The fold that it is measured on; None: it learns from all rows.
    """

    config: TrainConfig
    fold: int | None = None


def candidate(recipe: Recipe, l2: float, fold: int) -> Member:
    """Return the member of a penalty and a fold, which early stopping on that fold ends."""
    seed = recipe.seed_of(fold)
    return Member(replace(recipe.config, l2=l2, seed=seed, early_stopping=recipe.rule), fold)


def refit(recipe: Recipe, l2: float, number: int) -> Member:
    """Return a member that learns from all rows."""
    seed = recipe.seed_of(number)
    return Member(replace(recipe.config, l2=l2, seed=seed, early_stopping=None))


@dataclass(frozen=True)
class Trained:
    """A member after its training.

    Attributes
    ----------
    member : Member
    params : Parameters
        Of the best epoch; the last good ones, where it diverged.
    history : History
    best_epoch : int
        The epoch whose parameters these are.
    ended : str
        As of `TrainResult`.
    """

    member: Member
    params: Parameters
    history: History
    best_epoch: int
    ended: str

    @classmethod
    def of(cls, member: Member, result: TrainResult) -> Trained:
        """Return what a selection needs of a result."""
        best = result.best_epoch or len(result.history)
        return cls(member, result.params, result.history, best, result.ended)

    @property
    def loss(self) -> float:
        """The loss of its fold at the best epoch; infinite where it diverged."""
        if self.ended == "diverged":
            return math.inf
        return float(self.history.validation_loss[self.best_epoch - 1])

    @property
    def trial(self) -> Trial:
        """What is recorded of a member that has a fold."""
        assert self.member.fold is not None
        accuracy = math.nan
        if self.ended != "diverged":
            accuracy = float(self.history.validation_accuracy[self.best_epoch - 1])
        return Trial(
            self.member.config.l2, self.member.fold, len(self.history), self.best_epoch, self.loss,
            accuracy,
        )  # fmt: skip


@dataclass(frozen=True)
class Trainer:
    """Trains members on the rows of their folds.

    Attributes
    ----------
    data : Rows
        All rows.
    folds : InnerFolds
    recipe : Recipe
    shares : ndarray of shape (K,)
        Logarithm of the class shares.
    dtype : dtype
        Of the parameters.
    engine : Engine
    checkpoint : callable, optional
        Returns the checkpoint of a stage.
    suffix : str
        Of the names of its stages.
    """

    data: Rows
    folds: InnerFolds
    recipe: Recipe
    shares: NDArray[np.float64]
    dtype: Any
    engine: Engine
    checkpoint: Callable[[str], Checkpoint] | None = None
    suffix: str = ""

    def train(
        self,
        stage: str,
        members: Sequence[Member],
        watch: Callable[[FleetProgress], None],
        counted: Callable[[FleetProgress], str],
        until: int | None = None,
    ) -> list[Trained]:
        """Train members; they begin in their order.

        Parameters
        ----------
        stage : str
            The name under which they are saved.
        members : sequence of Member
        watch : callable
            Called several times per second; `StopTraining` ends all members that are not done.
        counted : callable
            Returns how much of the search is done in words.
        until : int, optional
            The epoch after which all end, before the last one of their schedules.
        """
        planned = [
            Planned(partial(self._training, member), member.config.epochs, work=1.0)
            for member in members
        ]
        return train_fleet(
            planned, self.engine, lambda number, result: Trained.of(members[number], result),
            callbacks=[watch], until=until, counted=counted,
            checkpoint=None if self.checkpoint is None else self.checkpoint(stage + self.suffix),
        )  # fmt: skip

    def rows(self, numbers: NDArray[np.int32]) -> Rows:
        """Return these rows, without a copy of X."""
        return self.data.select(numbers)

    def _training(self, member: Member) -> Training:
        data, validation, config = self.data, None, member.config
        if member.fold is not None:
            data = self.rows(self.folds.training(member.fold))
            validation = self.rows(self.folds.validation(member.fold))
        d, K = self.data.X.shape[1], len(self.shares)
        params = init(d, self.recipe.hidden, K, config.seed, self.dtype)
        params = params._replace(b2=self.shares.astype(self.dtype))
        if self.recipe.kinks_among_rows:
            params = params._replace(b1=kinks_among_rows(params.W1, data, config.seed))
        return Training(
            start=TrainState.initial(params, config), data=data, config=config,
            sampler=make_sampler(config, data), objective=objective_of(config),
            validation=validation,
        )  # fmt: skip
