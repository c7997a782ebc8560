"""Members of a search: what is trained, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine
from backhand.equations import Parameters
from backhand.functional import init
from backhand.selection.recipe import PATIENCE, Recipe
from backhand.training.callbacks import Every, Progress, StopTraining
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import DivergenceError, EarlyStopping
from backhand.training.history import History
from backhand.training.plan import make_sampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data

Watch = Callable[[int, Progress], None]
"""Called with the number of a member and how far its training is."""


@dataclass(frozen=True)
class Start:
    """How the parameters of a member begin: drawn, with the biases b2 (K,) of the classes."""

    d: int
    hidden: int
    b2: NDArray[np.float64]
    dtype: Any

    def draw(self, seed: int) -> Parameters:
        """Return initial parameters."""
        drawn = init(self.d, self.hidden, len(self.b2), seed, self.dtype)
        return drawn._replace(b2=self.b2.astype(self.dtype))


@dataclass(frozen=True)
class Member:
    """A network to train.

    Attributes
    ----------
    l2 : float
        λ.
    fold : int or None
        The fold that it is measured on; None: it learns from all rows.
    config : TrainConfig
        Its settings, with that λ and its seed.
    until : int or None
        The epoch after which it ends, before the last one of its schedule.
    """

    l2: float
    fold: int | None
    config: TrainConfig
    until: int | None = None


def candidate(recipe: Recipe, l2: float, fold: int) -> Member:
    """Return the member of a penalty and a fold, which early stopping on that fold ends."""
    rule = recipe.config.early_stopping or EarlyStopping(PATIENCE)
    seed = recipe.seed_of(fold)
    return Member(l2, fold, replace(recipe.config, l2=l2, seed=seed, early_stopping=rule))


def refit(recipe: Recipe, l2: float, number: int, epochs: int) -> Member:
    """Return a member that learns from all rows for so many epochs of the same schedule."""
    seed = recipe.seed_of(number)
    config = replace(recipe.config, l2=l2, seed=seed, early_stopping=None)
    return Member(l2, None, config, until=epochs)


@dataclass(frozen=True)
class Trained:
    """A member after its training; where it diverged, `params` are the last good ones."""

    member: Member
    params: Parameters
    history: History
    best_epoch: int | None
    seconds: float
    ended: str

    @property
    def loss(self) -> float:
        """The loss of its fold at the best epoch; infinite where it diverged."""
        return self._at_best(self.history.validation_loss, math.inf)

    @property
    def accuracy(self) -> float:
        """The accuracy on its fold at the best epoch."""
        return self._at_best(self.history.validation_accuracy, math.nan)

    def _at_best(self, figures: NDArray[np.float64], without: float) -> float:
        if self.ended == "diverged" or self.best_epoch is None:
            return without
        return float(figures[self.best_epoch - 1])


def train_members(
    members: Sequence[Member],
    rows: Callable[[int | None], tuple[Data, Data | None]],
    start: Start,
    engine: Engine,
    watch: Watch,
) -> list[Trained]:
    """Train members on the rows of their folds.

    Parameters
    ----------
    members : sequence of Member
    rows : callable
        Returns the training rows and the validation rows of a fold, or of None.
    start : Start
    engine : Engine
    watch : callable
        Called several times per second; `StopTraining` ends the member.

    Raises
    ------
    DivergenceError
        If a member of all rows diverges.
    """
    return [
        _train(number, member, rows(member.fold), start, engine, watch)
        for number, member in enumerate(members)
    ]


def _train(
    number: int,
    member: Member,
    rows: tuple[Data, Data | None],
    start: Start,
    engine: Engine,
    watch: Watch,
) -> Trained:
    (training, validation), config = rows, member.config
    callbacks: list[Any] = [Every(None, lambda progress: watch(number, progress))]
    if member.until is not None and member.until < config.epochs:
        callbacks.append(Every(member.until, _stop))
    try:
        result = train_data(
            TrainState.initial(start.draw(config.seed), config), training, config,
            sampler=make_sampler(config, training), objective=objective_of(config), engine=engine,
            validation=validation, callbacks=callbacks,
        )  # fmt: skip
    except DivergenceError as error:
        if member.fold is None:
            raise
        return Trained(member, error.params, error.history, None, 0.0, "diverged")
    return Trained(
        member, result.params, result.history, result.best_epoch, result.seconds, result.ended
    )


def _stop(_: Progress) -> None:
    raise StopTraining
