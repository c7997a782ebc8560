"""`select`: from encoded rows to one network, with its penalty, epochs and temperature chosen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Engine, Rows
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.folding import fold
from backhand.selection.calibration import Calibration, calibrate, log_shares
from backhand.selection.chosen import MOST, Chosen, Encodings
from backhand.selection.folds import InnerFolds
from backhand.selection.members import Trained, Trainer, refit
from backhand.selection.out_of_fold import MOST_LOGITS, OutOfFold, held_out_logits, out_of_fold
from backhand.selection.progress import SearchProgress
from backhand.selection.recipe import Recipe
from backhand.selection.search import FIRST_FOLDS, Search, diverged, run
from backhand.support.logs import Log
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.history import History

LOG = Log(__name__)


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
    data: Rows | Mapping[str, Rows],
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
    these members' best epochs, and are folded into one. Of several encodings of the rows, the one
    with the least calibrated out-of-fold loss is chosen; one that is clearly behind on the first
    folds is given up there.

    Parameters
    ----------
    data : Rows or mapping of str to Rows
        Training rows; all figures are weighted by their weights. Or the same rows, with equal y and
        weights, in several encodings by name.
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
    encodings = data if isinstance(data, Mapping) else {"": data}
    rows = next(iter(encodings.values()))
    if len(folds.of_row) != rows.rows:
        raise InputError(
            f"folds are of {len(folds.of_row):,} rows and the data of {rows.rows:,}; expected the "
            "fold of each row."
        )
    folds = folds.measuring(rows.weights)
    _check_trials(folds, recipe)
    shares = log_shares(rows, K)
    with nullcontext() if checkpoint is None else checkpoint.open_stages() as stages:
        searches: list[Search] = []
        for name, encoded in encodings.items():
            trainer = Trainer(
                encoded, folds, recipe, shares, np.dtype(dtype), engine, stages,
                "-" * bool(name) + name,
            )  # fmt: skip
            searches.append(Search(trainer, watch, searches))
        return _selected(dict(zip(encodings, searches, strict=True)), shares)


def _check_trials(folds: InnerFolds, recipe: Recipe) -> None:
    """Check that a model file can record all trials."""
    if (trials := len(recipe.penalties) * len(folds.measured)) > MOST:
        raise InputError(
            f"{len(recipe.penalties):,} penalties on {len(folds.measured):,} folds are {trials:,} "
            f"networks; expected {MOST:,} or fewer. Use fewer penalties or folds."
        )


def _selected(searches: Mapping[str, Search], shares: NDArray[np.float64]) -> Selection:
    """Return what the searches find, and the network."""
    search, *_ = among = list(searches.values())
    best: list[Trained] = []
    calibration, found, encodings = Calibration(1.0, shares), None, None
    if search.trainer.folds.measured:
        run(among)
        (search, best, calibration, found), encodings = _best(searches, shares)
    members = _on_all_rows(search, best)
    params = calibration.folded(fold([one.params for one in members]))
    chosen = Chosen(
        l2=members[0].member.config.l2, networks=len(members), epochs=members[0].best_epoch,
        scale=calibration.scale, rows=0 if found is None else len(found.rows),
        loss=None if found is None else found.loss,
        calibrated_loss=None if found is None else found.calibrated_loss,
        cut=any(one.cut for one in among),
        trials=tuple(one.trial for one in search.trained.values()), encodings=encodings,
    )  # fmt: skip
    history = mean_history([one.history for one in best or members])
    LOG.info("chosen: l2 %g, %d epochs, %d networks folded into one, logits times %.3g", chosen.l2,
             chosen.epochs, chosen.networks, chosen.scale)  # fmt: skip
    return Selection(params, history, chosen, found, time.perf_counter() - among[0].began)


class _Found(NamedTuple):
    """What a search found: the members that it chose, their calibration, and what they say."""

    search: Search
    members: list[Trained]
    calibration: Calibration
    out_of_fold: OutOfFold


def _best(
    searches: Mapping[str, Search], shares: NDArray[np.float64]
) -> tuple[_Found, Encodings | None]:
    """Return what the best search found, and how all compare.

    Only those that came to the most folds are compared.

    Raises
    ------
    DivergenceError
        If in each, each penalty has a member that diverged.
    """
    finite = {name: one for name, one in searches.items() if math.isfinite(one.least)}
    if not finite:
        next(iter(searches.values())).chosen()  # raises
    chosen = {name: one.chosen() for name, one in finite.items()}
    count = max(map(len, chosen.values()))
    found = {
        name: _Found(finite[name], members, *_calibrated(finite[name].trainer, members, shares))
        for name, members in chosen.items() if len(members) == count
    }  # fmt: skip
    losses = {name: one.out_of_fold.calibrated_loss for name, one in found.items()}
    best = min(losses, key=lambda name: losses[name])
    if len(searches) == 1:
        return found[best], None
    if len(found) < len(searches):
        losses, count = {name: one.first_loss for name, one in searches.items()}, FIRST_FOLDS
    return found[best], Encodings(best, count, tuple(losses.items()))


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
