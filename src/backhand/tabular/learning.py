"""From encoded rows to a network: by a single training, or by a search on inner folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backhand.engines import Engine, Rows
from backhand.equations import Parameters
from backhand.functional import init
from backhand.selection import Chosen, InnerFolds, OutOfFold, SearchProgress, select
from backhand.table_settings import Settings
from backhand.training.callbacks import Callback
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.history import History
from backhand.training.plan import make_sampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data


@dataclass(frozen=True)
class Learned:
    """A network, and what a model file says of how it was made.

    Attributes
    ----------
    params : Parameters
    history : History
    settings, metrics : dict
        JSON values by name.
    chosen : Chosen or None
        What the search chose.
    out_of_fold : OutOfFold or None
        How its networks predict training rows that they did not learn from.
    """

    params: Parameters
    history: History
    settings: dict[str, Any]
    metrics: dict[str, Any]
    chosen: Chosen | None = None
    out_of_fold: OutOfFold | None = None


def train_once(
    training: Rows,
    watched: Rows,
    classes: list[str],
    settings: Settings,
    engine: Engine,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpoint | None = None,
) -> Learned:
    """Train one network.

    The `watched` rows, if there are any, are measured during training: for display only, or for
    early stopping, if the settings have it.
    """
    config = settings.config_for(training.rows)
    params = init(training.X.shape[1], settings.hidden, len(classes), config.seed)
    result = train_data(
        TrainState.initial(params, config), training, config,
        sampler=make_sampler(config, training), objective=objective_of(config), engine=engine,
        validation=watched if watched.rows else None, callbacks=callbacks, checkpoint=checkpoint,
    )  # fmt: skip
    metrics = {}
    if result.best_epoch is not None:
        metrics = {"stopping_rows": watched.rows, "best_epoch": result.best_epoch}
    values = settings.values(training.rows) | {"epochs": len(result.history)}
    return Learned(result.params, result.history, values, metrics)


def search(
    training: Rows | Mapping[str, Rows],
    folds: InnerFolds,
    classes: list[str],
    settings: Settings,
    engine: Engine,
    watch: Callable[[SearchProgress], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> Learned:
    """Choose penalty, epochs and temperature on inner folds, and make one network.

    Of several encodings of the training rows, by name, one is chosen too.
    """
    recipe = settings.recipe_for(folds)
    found = select(
        training, folds, len(classes), recipe, engine, watch=watch, checkpoint=checkpoint
    )
    values = settings.values(len(folds.of_row)) | recipe.config.values() | {"l2": found.chosen.l2}
    return Learned(found.params, found.history, values, {}, found.chosen, found.out_of_fold)
