"""Cross-validation: each part of a table's rows is held out once, and a model trained on others."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from backhand.engines import Engine, make_engine
from backhand.errors import BackhandWarning, InputError
from backhand.evaluation import Evaluation, Tally
from backhand.model import Model
from backhand.option_names import given
from backhand.selection import SearchProgress
from backhand.stratified import class_counts
from backhand.table_settings import Settings
from backhand.tables.array_store import ArrayStore
from backhand.tables.schema.choices import ColumnChoices
from backhand.tables.schema.fitting import ANY
from backhand.tables.table import Table
from backhand.tabular.advice import Advice, advise_on_split
from backhand.tabular.splitting import splitter_of
from backhand.tabular.training import (
    Prepared,
    figures_of,
    fit_table,
    prepare_split,
)
from backhand.training.callbacks import Callback

T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
         2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
         2.052, 2.048, 2.045, 2.042)  # fmt: skip
"""97.5 % quantiles of Student's t with 1, 2, … degrees of freedom."""

Z_975 = 1.960
"""The same of the normal distribution."""


class Interval(NamedTuple):
    """The mean of a figure over the folds, and its 95 % interval."""

    mean: float
    low: float
    high: float


def interval_of(values: Sequence[float], most: float = math.inf) -> Interval:
    """Return the mean of n values and its 95 % interval, mean ± t s / √n, within 0..most."""
    n, mean = len(values), float(np.mean(values))
    # Beyond the table, the first two terms of its expansion: z + (z³ + z) / 4ν.
    t = T_975[n - 2] if n - 2 < len(T_975) else Z_975 + (Z_975**3 + Z_975) / (4 * (n - 1))
    half = t * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(mean, max(0.0, mean - half), min(mean + half, most))


@dataclass(frozen=True)
class CrossValidation:
    """The evaluation of each fold, that of the rows of all folds, and advice on the last split.

    Each fold's model is another one, so that the figures are those of models trained like the one
    that is trained on all rows, on fewer rows.
    """

    folds: list[Evaluation]
    pooled: Evaluation
    advice: list[Advice]

    def figures(self) -> dict[str, Interval]:
        """Return mean and interval of each figure that every fold has."""
        values = [evaluation.to_json() for evaluation in self.folds]
        names = [name for name in values[0]
                 if all(isinstance(fold.get(name), float) for fold in values)]  # fmt: skip
        return {
            name: interval_of([fold[name] for fold in values], math.inf if "loss" in name else 1.0)
            for name in names
        }

    def metrics(self) -> dict[str, Any]:
        """Return the figures that the model keeps: as held-out figures, the means of the folds."""
        found = figures_of("held_out", self.pooled)
        for name, interval in self.figures().items():
            if f"held_out_{name}" in found:
                found |= {
                    f"held_out_{name}": interval.mean,
                    f"held_out_{name}_low": interval.low,
                    f"held_out_{name}_high": interval.high,
                }
        return found

    def given_to(self, model: Model) -> Model:
        """Return the model of all rows with these figures."""
        return replace(model, metrics=model.metrics | self.metrics())

    def to_json(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            "folds": [evaluation.to_json() for evaluation in self.folds],
            "figures": {name: interval._asdict() for name, interval in self.figures().items()},
            "pooled": self.pooled.to_json(),
        }


def cross_validate(
    table: Table,
    prepared: Prepared,
    settings: Settings,
    choices: ColumnChoices = ANY,
    *,
    engine: str | Engine = "auto",
    matrices: Callable[[], ArrayStore] | None = None,
    callbacks: Sequence[Callback] = (),
    watch: Callable[[SearchProgress], None] = lambda _: None,
    evaluated: Callable[[Evaluation], None] = lambda _: None,
    notify: Callable[[str], None] = lambda _: None,
) -> CrossValidation:
    """Train and evaluate a model for each fold, with a schema that is fitted to its training rows.

    Parameters
    ----------
    table : Table
    prepared : Prepared
        All its rows, of `prepare_table`.
    settings, choices, engine, callbacks, watch
        As for the model of all rows.
    matrices : callable, optional
        Returns where to store the encoded rows of one fold; by default in memory.
    evaluated : callable
        Called with the evaluation of each fold.
    notify : callable
        Called with a few words on what is being done.

    Raises
    ------
    InputError
        If there are too few rows, groups or moments for so many folds.
    """
    engine = make_engine(engine) if isinstance(engine, str) else engine
    classes, folds = prepared.target.classes, list[Evaluation]()
    pooled = Tally(classes, class_counts(prepared.training.y, len(classes)).tolist())
    with table.unchanged(), warnings.catch_warnings():
        # What they would say of a fold was said of all rows.
        warnings.simplefilter("ignore", BackhandWarning)
        splitter = splitter_of(table, prepared.target, settings, choices)
        for split in splitter.folds():
            notify(f"fold {len(folds) + 1} of {settings.cv}")
            with ArrayStore(sys.maxsize) if matrices is None else matrices() as places:
                part = prepare_split(splitter, split, choices, places)
            _, evaluation = fit_table(
                part, settings, engine=engine, callbacks=callbacks, watch=watch, tallies=[pooled]
            )
            if evaluation is None:
                raise InputError(
                    f"{table.source} has {prepared.training.rows + prepared.stopping.rows:,} rows "
                    f"with a class, too few for {given('cv', settings.cv)}; use fewer folds."
                )
            folds.append(evaluation)
            evaluated(evaluation)
    return CrossValidation(folds, pooled.result(), advise_on_split(part, folds[-1]))
