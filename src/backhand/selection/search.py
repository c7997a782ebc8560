"""The search: members of each fold and each penalty, trained until their own fold stops them.

Where the rows come in several encodings, each has a search of its own, and they take turns.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backhand.selection.members import Member, Trained, Trainer, candidate
from backhand.selection.progress import MemberProgress, SearchProgress
from backhand.support.logs import Log
from backhand.training.callbacks import StopTraining
from backhand.training.early_stopping import DivergenceError
from backhand.training.fleet.progress import FleetProgress

LOG = Log(__name__)


FIRST_FOLDS = 2
"""Folds on which all penalties are compared; only the better ones continue on the others."""

REACH = 0.05
"""A penalty continues if its loss on the first folds is at most this share above the least. An
encoding does so too, or if it is better on one of these folds."""


@dataclass
class Search:
    """A search in one encoding of the rows, and what it has found.

    Attributes
    ----------
    trainer : Trainer
    watch : callable
        Called with a `SearchProgress`, several times per second. `StopTraining` ends the search as
        the end of its time does.
    among : list of Search
        The searches in all encodings, this one too; the first of them trains one member at least.
    trained : dict
        The members that are done, by λ and fold.
    stopped : bool
        Whether it is to end.
    cut : bool
        Whether it ended before all members were done.
    first_loss : float
        The least loss on the first folds; infinite if not all members were done there.
    skipped : int
        Members that are not needed.
    """

    trainer: Trainer
    watch: Callable[[SearchProgress], None]
    among: list[Search]
    trained: dict[tuple[float, int], Trained] = field(default_factory=dict)
    stopped: bool = False
    cut: bool = False
    first_loss: float = math.inf
    skipped: int = 0
    began: float = field(default_factory=time.perf_counter)

    def first_folds(self) -> None:
        """Train all penalties on the first folds."""
        penalties, folds = self.trainer.recipe.penalties, self.trainer.folds.measured
        self._stage("first-folds", penalties, folds[:FIRST_FOLDS])
        self.first_loss = math.inf if self.cut else self.least

    def other_folds(self) -> None:
        """Train the penalties whose loss on the first folds is near the least on the others."""
        losses = {l2: self.loss(l2) for l2 in self.trainer.recipe.penalties}
        reach = min(losses.values()) * (1 + REACH)
        within = [l2 for l2, loss in losses.items() if math.isfinite(loss) and loss <= reach]
        others = self.trainer.folds.measured[FIRST_FOLDS:]
        self.skipped = (len(losses) - len(within)) * len(others)
        self._stage("other-folds", within, others)
        self.give_up()

    def give_up(self) -> None:
        """Train no more."""
        penalties, folds = self.trainer.recipe.penalties, self.trainer.folds.measured
        self.skipped = len(penalties) * len(folds) - len(self.trained)

    @property
    def least(self) -> float:
        """The least loss of a penalty; infinite if there is none."""
        return min(map(self.loss, self.trainer.recipe.penalties))

    def loss(self, l2: float) -> float:
        """Return the mean loss of a penalty's folds, weighted by their rows; infinite if none."""
        done = [one for (some, _), one in self.trained.items() if some == l2]
        weights = [self._weight(fold) for some, fold in self.trained if some == l2]
        losses = [one.loss for one in done]
        return float(np.average(losses, weights=weights)) if done else math.inf

    def chosen(self) -> list[Trained]:
        """Return the members of the penalty with the least loss, by their folds.

        Only the penalties that were trained on the most folds are compared.

        Raises
        ------
        DivergenceError
            If each has a member that diverged.
        """
        members = {l2: [one for (some, _), one in sorted(self.trained.items()) if some == l2]
                   for l2 in self.trainer.recipe.penalties}  # fmt: skip
        finite = [l2 for l2 in members if math.isfinite(self.loss(l2))]
        if not finite:
            first = next(one for one in self.trained.values() if not math.isfinite(one.loss))
            raise diverged(first, "with each penalty, on one fold or more")
        most = max(len(members[l2]) for l2 in finite)
        best = min((l2 for l2 in finite if len(members[l2]) == most), key=self.loss)
        return members[best]

    def _stage(self, name: str, penalties: Sequence[float], folds: Sequence[int]) -> None:
        """Train these penalties on these folds, fold by fold, until the time is over."""
        recipe = self.trainer.recipe
        members = [candidate(recipe, l2, fold) for fold in folds for l2 in penalties]
        limit = math.inf if recipe.seconds is None else recipe.seconds
        needed = self is self.among[0] and not self.trained

        def over() -> bool:
            return any(one.stopped for one in self.among) or self._seconds > limit

        if not members or (over() and not needed):
            self.cut = self.cut or bool(members)
            return

        def watch(progress: FleetProgress) -> None:
            self.report(members, progress)
            if over() and (progress.done or not needed):
                raise StopTraining

        for one in self.trainer.train(name, members, watch, self.counted):
            if one.ended == "callback":
                self.cut = True
            elif one.member.fold is not None:
                self.trained[one.member.config.l2, one.member.fold] = one
        LOG.info("%s: %d penalties on %d folds, least loss %.4g, %.2f s", name, len(penalties),
                 len(folds), self.least, self._seconds)  # fmt: skip

    def report(self, members: Sequence[Member], progress: FleetProgress) -> None:
        """Pass on how far some members are."""
        penalties, folds = list(self.trainer.recipe.penalties), self.trainer.folds.measured
        under_way = []
        for found in progress.under_way:
            member = members[found.member]
            fold = 0 if member.fold is None else folds.index(member.fold) + 1
            l2 = member.config.l2
            under_way.append(
                MemberProgress(fold, penalties.index(l2) + 1, l2, found.epoch, found.epochs)
            )
        done, whole = self._count(progress)
        try:
            self.watch(SearchProgress(
                done, whole, len(folds), len(penalties), tuple(under_way), self._seconds,
                any(member.fold is not None for member in members),
            ))  # fmt: skip
        except StopTraining:
            self.stopped = True

    def counted(self, progress: FleetProgress) -> str:
        """Return how much is done in words."""
        return "{} of {} networks".format(*self._count(progress))

    def _count(self, progress: FleetProgress) -> tuple[int, int]:
        """Return the members that are done or not needed, and all of them."""
        recipe, folds = self.trainer.recipe, self.trainer.folds.measured
        whole = len(self.among) * len(recipe.penalties) * len(folds) + recipe.members
        done = sum(len(one.trained) + one.skipped for one in self.among)
        return done + progress.done, whole

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self.among[0].began

    def _weight(self, fold: int) -> float:
        """Return the sum of the weights of a fold's rows."""
        data = self.trainer.rows(self.trainer.folds.validation(fold))
        return float(data.rows if data.weights is None else data.weights.sum(dtype=np.float64))


def run(searches: list[Search]) -> None:
    """Train all penalties in all encodings on the first folds, and the better ones on others."""
    for search in searches:
        search.first_folds()
    best = min(searches, key=lambda search: search.first_loss)
    for search in searches:
        if search.first_loss > best.first_loss * (1 + REACH) and _behind(search, best):
            search.give_up()
        else:
            search.other_folds()


def _behind(search: Search, best: Search) -> bool:
    """Return whether a search has the larger loss on each fold, each with its best penalty."""
    if not math.isfinite(search.least):
        return True
    pairs = zip(search.chosen(), best.chosen(), strict=False)
    return all(one.loss > other.loss for one, other in pairs)


def diverged(one: Trained, where: str) -> DivergenceError:
    """Return the error of a member whose loss stopped being finite."""
    epoch = len(one.history) + 1
    return DivergenceError(
        f"{where}, the loss stopped being finite in epoch {epoch}. Try a smaller learning rate (it "
        f"was {one.member.config.learning_rate:g}), a warm-up or columns scaled to about -3..3.",
        epoch, one.params, one.history,
    )  # fmt: skip
