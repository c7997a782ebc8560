"""`select`: from encoded rows to one network, with its penalty, epochs and temperature chosen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.engines import Data, Engine
from backhand.equations import Parameters
from backhand.folding import fold
from backhand.selection.calibration import Calibration, calibrate, log_shares
from backhand.selection.folds import InnerFolds
from backhand.selection.members import Start, Trained, refit
from backhand.selection.out_of_fold import (
    OutOfFold,
    logits_of_rows,
    out_of_fold,
    rows_of_folds,
    rows_with_logits,
)
from backhand.selection.recipe import Recipe
from backhand.selection.search import Search, SearchProgress


@dataclass(frozen=True)
class Trial:
    """A member of the search.

    Attributes
    ----------
    l2 : float
    fold : int
    epochs : int
        Epochs done.
    best_epoch : int or None
        The one whose parameters are kept.
    loss, accuracy : float
        Of the fold, at the best epoch; infinite and nan where the member diverged.
    seconds : float
    """

    l2: float
    fold: int
    epochs: int
    best_epoch: int | None
    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Selection:
    """What `select` returns.

    Attributes
    ----------
    params : Parameters
        The network.
    l2 : float
        The chosen λ.
    epochs : tuple of int
        Epochs of each member of the network.
    calibration : Calibration
        Its temperature, and how far it is drawn towards the class shares.
    out_of_fold : OutOfFold or None
        None where no row could be held out.
    trials : tuple of Trial
    cut : bool
        Whether the search ended for lack of time.
    seconds : float
        Wall time of the search and of all training.
    """

    params: Parameters
    l2: float
    epochs: tuple[int, ...]
    calibration: Calibration
    out_of_fold: OutOfFold | None
    trials: tuple[Trial, ...]
    cut: bool
    seconds: float

    @property
    def temperature(self) -> float:
        """T, by which the logits are divided; infinite: the network answers the class shares."""
        return self.calibration.temperature

    def to_json(self) -> dict[str, Any]:
        """Return what was chosen, as JSON values for the model file."""
        calibration, found = self.calibration, self.out_of_fold
        return {
            "l2": self.l2,
            "epochs": list(self.epochs),
            "scale": calibration.scale,
            "shrinkage": calibration.shrinkage,
            "rows": 0 if found is None else len(found.rows),
            "loss": None if found is None else found.loss,
            "calibrated_loss": None if found is None else found.calibrated_loss,
            "cut": self.cut,
            "seconds": round(self.seconds, 3),
            "trials": [
                [t.l2, t.fold, t.epochs, t.best_epoch, *map(_finite, (t.loss, t.accuracy))]
                for t in self.trials
            ],
        }


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def select(
    data: Data,
    folds: InnerFolds,
    K: int,
    recipe: Recipe,
    engine: Engine,
    *,
    dtype: Any = np.float32,
    watch: Callable[[SearchProgress], None] = lambda _: None,
) -> Selection:
    """Choose penalty, epochs and temperature on inner folds, and make one network.

    Each member learns from the rows outside its fold until the loss on its fold no longer improves.
    The penalty with the least out-of-fold loss is chosen, and its members are folded into one
    network, calibrated on their out-of-fold logits. With `recipe.members`, and with rows in the
    order of time, that many networks learn from all rows instead, for the chosen number of epochs.

    Parameters
    ----------
    data : Data
        Training rows; all figures are weighted by their weights.
    folds : InnerFolds
    K : int
        Number of classes.
    recipe : Recipe
    engine : Engine
    dtype : dtype, default=float32
        Of the parameters.
    watch : callable
        Called several times per second.

    Returns
    -------
    Selection
        Equal for equal arguments, bit for bit, unless it was cut.

    Raises
    ------
    DivergenceError
        If each penalty has a member that diverged.
    """
    began = time.perf_counter()
    shares = log_shares(data.y, K, data.sample_weight)
    b2 = shares if recipe.start_at_shares else np.zeros(K)
    start = Start(data.X.shape[1], recipe.hidden, b2, dtype)
    search = Search(data, folds, recipe, start, engine, watch)
    calibration, found = Calibration(1.0, 0.0, shares), None
    if folds.measured:
        search.run()
        l2 = search.chosen()
        members = [search.trained[l2, number] for number in search.folds_of(l2)]
        calibration, found = _calibrated(search, members, shares)
        epochs = round(median(_epochs(one) for one in members))
    else:
        l2, members, epochs = recipe.penalties[0], [], recipe.config.epochs
    if recipe.members is not None or folds.forward or not members:
        count = recipe.members or max(1, len(members))
        members = search.train([refit(recipe, l2, number, epochs) for number in range(count)])
    return Selection(
        calibration.folded(fold([one.params for one in members])),
        l2, tuple(map(_epochs, members)), calibration, found,
        tuple(_trial(one) for one in search.trained.values()), search.cut,
        time.perf_counter() - began,
    )  # fmt: skip


def _calibrated(
    search: Search, members: list[Trained], shares: NDArray[np.float64]
) -> tuple[Calibration, OutOfFold]:
    """Return the calibration of some members, and what they say of the rows of their folds."""
    nets = [(one.member.fold, one.params) for one in members if one.member.fold is not None]
    rows = rows_of_folds(search.folds, [number for number, _ in nets], len(shares))
    S = logits_of_rows(rows, search.data, search.folds, nets, search.engine)
    held = rows_with_logits(rows, S, search.data)
    calibration = calibrate(held, shares)
    return calibration, out_of_fold(rows, held, calibration)


def _epochs(one: Trained) -> int:
    return one.best_epoch or len(one.history)


def _trial(one: Trained) -> Trial:
    assert one.member.fold is not None
    return Trial(
        one.member.l2, one.member.fold, len(one.history), one.best_epoch, one.loss, one.accuracy,
        one.seconds,
    )  # fmt: skip
