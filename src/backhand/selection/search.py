"""The search: members of each fold and each penalty, trained until their own fold stops them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backhand.engines import Data, Engine
from backhand.selection.folds import InnerFolds
from backhand.selection.members import Member, Start, Trained, candidate, train_members
from backhand.selection.recipe import Recipe
from backhand.training.callbacks import Progress, StopTraining
from backhand.training.early_stopping import DivergenceError

FIRST_FOLDS = 2
"""Folds on which all penalties are compared; only the better ones continue on the others."""

REACH = 0.02
"""A penalty continues if its loss on the first folds is at most this share above the least."""


@dataclass(frozen=True)
class SearchProgress:
    """How far a selection is.

    Attributes
    ----------
    member, members : int
        The number of the member that is trained, from 1, and how many there are in this stage.
    fold, folds : int
        The same of its fold; 0 where it learns from all rows.
    penalty, penalties : int
        The same of its λ.
    l2 : float
    training : Progress
        How far that member is.
    """

    member: int
    members: int
    fold: int
    folds: int
    penalty: int
    penalties: int
    l2: float
    training: Progress


@dataclass
class Search:
    """A search under way, and what it has found.

    Attributes
    ----------
    trained : dict
        The members that are done, by λ and fold.
    cut : bool
        Whether the time ended it before all members were done.
    """

    data: Data
    folds: InnerFolds
    recipe: Recipe
    start: Start
    engine: Engine
    watch: Callable[[SearchProgress], None]
    trained: dict[tuple[float, int], Trained] = field(default_factory=dict)
    cut: bool = False
    began: float = field(default_factory=time.perf_counter)

    def run(self) -> None:
        """Train all penalties on the first folds, and the better ones on the others."""
        first, others = np.split(np.array(self.folds.measured, int), [FIRST_FOLDS])
        self._stage(self.recipe.penalties, first.tolist())
        losses = {l2: self.loss(l2) for l2 in self.recipe.penalties}
        reach = min(losses.values()) * (1 + REACH)
        if others.size and self._late():
            self.cut = True
            return
        self._stage([l2 for l2, loss in losses.items() if loss <= reach], others.tolist())

    def loss(self, l2: float) -> float:
        """Return the mean loss of the folds of a penalty, weighted by their rows; inf without."""
        done = [one for (some, _), one in self.trained.items() if some == l2]
        losses = np.array([one.loss for one in done])
        if not done or not np.isfinite(losses).all():
            return math.inf
        weights = np.array([self.weight(one.member.fold) for one in done])
        return float(losses @ weights / weights.sum())

    def folds_of(self, l2: float) -> list[int]:
        """Return the folds on which a member of this penalty is done."""
        return sorted(fold for some, fold in self.trained if some == l2)

    def chosen(self) -> float:
        """Return the penalty with the least loss, of those that are done on the most folds.

        Raises
        ------
        DivergenceError
            If each has a member that diverged.
        """
        finite = [l2 for l2 in self.recipe.penalties if math.isfinite(self.loss(l2))]
        if not finite:
            raise self._diverged()
        most = max(len(self.folds_of(l2)) for l2 in finite)
        return min((l2 for l2 in finite if len(self.folds_of(l2)) == most), key=self.loss)

    def weight(self, fold: int | None) -> float:
        """Return the sum of the weights of a fold's rows."""
        assert fold is not None
        there, w = self.folds.validation(fold), self.data.sample_weight
        return float(there.sum() if w is None else w[there].sum(dtype=np.float64))

    def rows(self, fold: int | None) -> tuple[Data, Data | None]:
        """Return the training rows and the validation rows of a fold; of None, all rows."""
        if fold is None:
            return self.data, None
        return (
            self.data.at(self.folds.training(fold)),
            self.data.at(self.folds.validation(fold)),
        )

    def train(self, members: Sequence[Member], *, timed: bool = False) -> list[Trained]:
        """Train some members; where it is timed, none but the first continues after the time."""
        penalties, folds = list(self.recipe.penalties), self.folds.measured

        def watch(number: int, training: Progress) -> None:
            member = members[number]
            self.watch(SearchProgress(
                number + 1, len(members),
                0 if member.fold is None else folds.index(member.fold) + 1, len(folds),
                penalties.index(member.l2) + 1, len(penalties), member.l2, training,
            ))  # fmt: skip
            if timed and (number or self.trained) and self._late() and not training.finished:
                raise StopTraining

        return train_members(members, self.rows, self.start, self.engine, watch)

    def _stage(self, penalties: Sequence[float], folds: Sequence[int]) -> None:
        """Train these penalties on these folds, fold by fold."""
        members = [candidate(self.recipe, l2, fold) for fold in folds for l2 in penalties]
        for one in self.train(members, timed=True):
            if one.ended == "callback":
                self.cut = True
            elif one.member.fold is not None:
                self.trained[one.member.l2, one.member.fold] = one

    def _diverged(self) -> DivergenceError:
        first = next(one for one in self.trained.values() if one.ended == "diverged")
        rate = self.recipe.config.learning_rate
        return DivergenceError(
            "each penalty has a member whose loss stopped being finite; the first did in epoch "
            f"{len(first.history) + 1}. Try a smaller learning rate (it was {rate:g}), a warm-up "
            "or columns scaled to about -3..3.",
            len(first.history) + 1, first.params, first.history,
        )  # fmt: skip

    def _late(self) -> bool:
        limit = self.recipe.seconds
        return limit is not None and time.perf_counter() - self.began > limit
