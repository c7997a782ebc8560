"""`select`: from encoded rows to one network, with its penalty, epochs and temperature chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.folding import fold
from backhand.selection.calibration import Calibration, calibrate, log_shares
from backhand.selection.chosen import MOST, Chosen
from backhand.selection.folds import InnerFolds
from backhand.selection.members import Trained, Trainer, refit
from backhand.selection.out_of_fold import MOST_LOGITS, OutOfFold, held_out_logits, out_of_fold
from backhand.selection.progress import SearchProgress
from backhand.selection.recipe import Recipe
from backhand.selection.search import Search, diverged
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.history import History


@dataclass(frozen=True)
class Selection:
    """What `select` returns.

    Attributes
    ----------
    params : Parameters
        The network.
    history : History
        The mean over the members of the folds with the chosen penalty, up to the epoch in which the
        first of them ended.
    chosen : Chosen
        What was chosen, and from what.
    out_of_fold : OutOfFold or None
        None where no row could be held out.
    seconds : float
        Wall time of the search and of all training.
    """

    params: Parameters
    history: History
    chosen: Chosen
    out_of_fold: OutOfFold | None
    seconds: float


def select(
    data: Data,
    folds: InnerFolds,
    K: int,
    recipe: Recipe,
    engine: Engine,
    *,
    dtype: Any = np.float32,
    watch: Callable[[SearchProgress], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> Selection:
    """Choose penalty, epochs and temperature on inner folds, and make one network.

    Each member learns from the rows outside its fold until the loss on its fold no longer improves.
    The penalty with the least out-of-fold loss is chosen, and the temperature on the out-of-fold
    logits of its members. Then `recipe.members` networks learn from all rows, for the median of
    these members' best epochs, and are folded into one.

    Parameters
    ----------
    data : Data
        Training rows; all figures are weighted by their weights.
    folds : InnerFolds
        Rows of weight 0 are measured in none.
    K : int
        Number of classes.
    recipe : Recipe
    engine : Engine
    dtype : dtype, default=float32
        Of the parameters.
    watch : callable
        Called several times per second.
    checkpoint : Checkpoint, optional
        Where the members are saved, and whether to resume from there.

    Returns
    -------
    Selection
        Equal for equal arguments, bit for bit, unless it was cut.

    Raises
    ------
    DivergenceError
        If each penalty has a member that diverged, or one that learns from all rows does.
    Interrupted, InputError, OutputError
        As of `train_fleet`.
    """
    if len(folds.of_row) != data.rows:
        raise InputError(
            f"folds are of {len(folds.of_row):,} rows and the data of {data.rows:,}; expected the "
            "fold of each row."
        )
    folds = folds.measuring(data.weights)
    _check_trials(folds, recipe)
    shares = log_shares(data, K)
    with nullcontext() if checkpoint is None else checkpoint.open_stages() as stages:
        trainer = Trainer(data, folds, recipe, shares, np.dtype(dtype), engine, stages)
        return _selected(Search(trainer, watch), shares)


def _check_trials(folds: InnerFolds, recipe: Recipe) -> None:
    """Check that a model file can record all trials."""
    if (trials := len(recipe.penalties) * len(folds.measured)) > MOST:
        raise InputError(
            f"{len(recipe.penalties):,} penalties on {len(folds.measured):,} folds are {trials:,} "
            f"networks; expected {MOST:,} or fewer. Use fewer penalties or folds."
        )


def _selected(search: Search, shares: NDArray[np.float64]) -> Selection:
    """Return what a search finds, and the network."""
    best: list[Trained] = []
    calibration, found = Calibration(1.0, shares), None
    if search.trainer.folds.measured:
        search.run()
        best = search.chosen()
        calibration, found = _calibrated(search.trainer, best, shares)
    members = _on_all_rows(search, best)
    params = calibration.folded(fold([one.params for one in members]))
    chosen = Chosen(
        l2=members[0].member.config.l2, networks=len(members), epochs=members[0].best_epoch,
        scale=calibration.scale, rows=0 if found is None else len(found.rows),
        loss=None if found is None else found.loss,
        calibrated_loss=None if found is None else found.calibrated_loss, cut=search.cut,
        trials=tuple(one.trial for one in search.trained.values()),
    )  # fmt: skip
    history = mean_history([one.history for one in best or members])
    return Selection(params, history, chosen, found, time.perf_counter() - search.began)


def _calibrated(
    trainer: Trainer, members: Sequence[Trained], shares: NDArray[np.float64]
) -> tuple[Calibration, OutOfFold]:
    """Return the calibration of some members, and what they say of the rows of their folds."""
    nets = {one.member.fold: one.params for one in members if one.member.fold is not None}
    rows = trainer.folds.rows_in(list(nets), MOST_LOGITS // len(shares))
    held = held_out_logits(rows, trainer.data, trainer.folds, nets, trainer.engine)
    calibration = calibrate(held, shares)
    return calibration, out_of_fold(rows, held, calibration)


def _on_all_rows(search: Search, chosen: Sequence[Trained]) -> list[Trained]:
    """Train members on all rows, for the median of the chosen members' best epochs."""
    recipe = search.trainer.recipe
    l2 = chosen[0].member.config.l2 if chosen else recipe.penalties[0]
    epochs = round(median(one.best_epoch for one in chosen)) if chosen else None
    members = [refit(recipe, l2, number) for number in range(recipe.members)]
    trained = search.trainer.train(
        "all-rows", members, partial(search.report, members), search.counted, epochs
    )
    for one in trained:
        if one.ended == "diverged":
            raise diverged(one, "in the training on all rows")
    return trained


def mean_history(histories: Sequence[History]) -> History:
    """Return the mean of each figure over several trainings, up to the end of the shortest."""
    E = min(map(len, histories))
    return History(*(
        np.mean([getattr(history, name)[:E] for history in histories], axis=0)
        for name in History.__dataclass_fields__
    ))  # fmt: skip
