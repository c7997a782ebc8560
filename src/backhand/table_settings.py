"""The settings of a training on a table, with the defaults of `backhand train`.

Each is declared once: the options of the command line and the settings of `backhand.fit` are made
of these declarations. It imports no NumPy, so that `backhand train --help` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backhand.choices import (
    ClassWeightName,
    MonitorName,
    NumberEncodingName,
    OptimizerName,
    ScheduleName,
    names,
)
from backhand.constraints import (
    Choice,
    Constraint,
    Exactly,
    Flag,
    Integer,
    Number,
    Or,
    Span,
    seconds_in,
)
from backhand.errors import InputError
from backhand.option_names import given, named
from backhand.training.config import TrainConfig, check_settings, setting

if TYPE_CHECKING:
    from backhand.optimizers import Optimizer
    from backhand.selection import InnerFolds, Recipe
    from backhand.training.early_stopping import EarlyStopping

UPDATES = 8000
"""Number of updates that training aims at where the number of epochs is not given."""

FEWEST_EPOCHS, MOST_EPOCHS, MOST_SEARCHED = 10, 100, 400
"""Bounds of the number of epochs, where it is not given: of all trainings, of a single run, and of
a network that early stopping ends."""

VALIDATIONS = 50
"""Number of times, about, that the held-out rows are measured during a training, for display."""

TEST_SIZE, VALIDATION_FRACTION, PATIENCE = 0.2, 0.1, 10
"""The share of the rows that is held out; of the training rows, that early stopping watches; and
the number of measurements without improvement after which it ends training."""

L2 = 0.0002
"""λ of a single run, where it is not given."""

USUAL: dict[str, tuple[Any, Any]] = {
    "schedule": ("cosine", "constant"), "warmup": (0.05, 0.0), "beta_2": (0.999, 0.95),
}  # fmt: skip
"""Settings of a single run and of a search where they are not given, as measured (docs/recipe.md):
networks that early stopping ends are as good with a constant rate, after fewer epochs. Where it
should end none, since there are few epochs on many rows or no rows to measure, the rate falls as in
a single run."""

FEW_EPOCHS = 30
"""The number of epochs up to which the rate falls by default."""

LARGE, LARGE_FOLD = 2**24, 0.1
"""Training rows times features and classes from which a search trains one network, of one penalty;
and the fraction of the rows that stops it."""

MOST_FOLDS = 200
"""Maximum of `cv`: the fold of each row is one byte."""

CONSTANTS = {
    "momentum": ("momentum", "nesterov"),
    "beta_1": ("adam",), "beta_2": ("adam",), "epsilon": ("adam",),
}  # fmt: skip
"""The constants of update rules, and the rules that have them."""

STOPPING = ("patience", "tol", "monitor", "validation_fraction", "validation_every")
"""The settings of early stopping."""

OF_SEARCH = ("members", "budget")
"""The settings of the search alone."""

OF_SINGLE_RUN = {
    "monitor": "each network of the search is stopped by its validation loss",
    "validation_fraction": "each network of the search is stopped on a fold of the training rows",
    "validation_every": "each network of the search is measured after every epoch",
}
"""The settings of a single run alone, and what the search does instead."""


def optional(constraint: Constraint) -> Constraint:
    """None, or what the constraint allows."""
    return Or(Exactly(None), constraint)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a table is divided and a model trained on it; the settings are valid.

    The number of epochs, and of those between two measurements on rows that are not trained on,
    follow from the table: see `config_for`.

    Raises
    ------
    InputError
        If a setting is not what it should be, or two contradict.

    Examples
    --------
    >>> Settings(hidden=16).config_for(1000).epochs
    100
    """

    hidden: int = setting(128, "Number of hidden units, H.", Integer(1))
    epochs: int | None = setting(
        None,
        "Passes over the training rows; by default 10 to 400, and 10 to 100 with quick, for about\n"
        "8,000 updates.",
        optional(Integer(1)),
    )  # fmt: skip
    batch_size: int = setting(128, "Mini-batch size (rows per update).", Integer(1))
    learning_rate: float = setting(
        0.004, "Learning rate, η, or its peak where a schedule changes it.",
        Number(0, above=True),
    )  # fmt: skip
    optimizer: OptimizerName | Optimizer = setting(
        "adam", "The update rule: adam, sgd, momentum or nesterov."
    )
    l2: float | None = setting(
        None,
        "λ of the L2 penalty λ/2 (‖W1‖² + ‖W2‖²), which is added to the loss. By default the\n"
        f"search chooses it; with quick it is {L2}. This is not the decoupled weight decay of\n"
        "AdamW.",
        optional(Number(0)),
    )
    dropout: float = setting(
        0.0, "Fraction of hidden units that are dropped for each row in each update.",
        Number(0, 1, below=True),
    )  # fmt: skip
    class_weight: ClassWeightName | None = setting(
        None,
        "balanced: in training each class has the same total weight, however few its rows. The\n"
        "figures of the report do not have these weights.",
        optional(Choice(names(ClassWeightName))),
    )
    seed: int = setting(0, "Seed for the splits, initial parameters, shuffling and dropout.",
                        Integer(0))  # fmt: skip

    quick: bool = setting(
        False,
        "Train one network on all training rows, with the settings as they are. By default a\n"
        "search chooses: each network is trained without a fold of the training rows, and stopped\n"
        "by its loss there; with the penalty of the least loss, and as many epochs, networks are\n"
        "trained on all training rows and averaged into one.",
        Flag(),
    )
    members: int | None = setting(
        None,
        "Number of networks that are trained on all training rows, with the penalty and the\n"
        "number of epochs that the search chose, and averaged: 5 by default, 1 on large tables.",
        optional(Integer(1)),
    )
    budget: str | None = setting(
        None,
        "Time after which the search ends, such as 30s or 5min, with what it has found by then.\n"
        "The model is completed in any case.",
        optional(Span()),
    )
    number_encoding: NumberEncodingName = setting(
        "auto",
        "How a number becomes features: standard, by mean and standard deviation; bins, by its\n"
        "place in each of up to 8 bins, the cuts of a tree of that column alone. By default the\n"
        "search compares both, on tables that are not large; with quick it is standard.",
        Choice(names(NumberEncodingName)),
    )

    test_size: float | None = setting(
        None,
        f"Fraction of the rows held out for evaluation, {TEST_SIZE} by default: of each class, of\n"
        "the groups, or the last.",
        optional(Number(0, 0.95)),
    )
    validation: str | None = setting(
        None, "Second table with the same columns, whose rows are the held-out rows."
    )
    group: str | None = setting(
        None,
        "Column whose equal values keep rows together: no group has rows on both sides of the\n"
        "split. It is not a feature.",
    )
    time: str | None = setting(
        None,
        "Column of dates or numbers by which the last rows are held out. It stays a feature\n"
        "unless it is dropped.",
    )
    cv: int | None = setting(
        None,
        "Number of folds of a cross-validation: each part of the rows is held out once, and the\n"
        "figures are means with 95 % intervals. The model is then trained on all rows. With time,\n"
        "each fold is trained on the rows before it.",
        optional(Integer(2, MOST_FOLDS)),
    )

    early_stopping: bool = setting(
        False,
        "With quick: hold some of the training rows out, stop when the loss on these has not\n"
        "improved for some time, and return the parameters of the best epoch. Without quick every\n"
        "network of the search is stopped in this way.",
        Flag(),
    )
    patience: int | None = setting(
        None,
        f"Measurements without improvement after which training stops, {PATIENCE} by default.",
        optional(Integer(1)),
    )
    tol: float | None = setting(
        None, "Least improvement that counts, 0 by default.", optional(Number(0))
    )
    monitor: MonitorName | None = setting(
        None,
        "The figure that has to improve: validation_loss, validation_accuracy, or loss, which\n"
        "needs no rows and returns the last epoch's parameters.",
        optional(Choice(names(MonitorName))),
    )
    validation_fraction: float | None = setting(
        None,
        f"Fraction of the training rows that early stopping watches, {VALIDATION_FRACTION} by\n"
        "default; by group or time, where the held-out rows are.",
        optional(Number(0, 0.95, above=True)),
    )
    validation_every: int | None = setting(
        None, "Epochs between two measurements, 1 by default.", optional(Integer(1))
    )

    schedule: ScheduleName | None = setting(
        None,
        "What η does after the warm-up: it stays (constant, by default); falls to 0 along half a\n"
        "cosine (by default with quick, and up to 30 epochs); falls as η / (t + 1)^power_t, t\n"
        "being the rows visited in whole epochs; or, for adaptive, is divided by 5 each time the\n"
        "patience of early stopping runs out, down to 1e-6.",
        optional(Choice(names(ScheduleName))),
    )
    warmup: float | None = setting(
        None,
        "Fraction of all updates over which η rises to its peak, 0 by default, 0.05 with quick\n"
        "and up to 30 epochs.",
        optional(Number(0, 1)),
    )
    power_t: float | None = setting(
        None, "The exponent of the schedule invscaling, 0.5 by default.", optional(Number(0))
    )
    momentum: float | None = setting(
        None, "μ of the optimizers momentum and nesterov, 0.9 by default."
    )
    beta_1: float | None = setting(None, "β₁ of adam, 0.9 by default.")
    beta_2: float | None = setting(None, "β₂ of adam, 0.95 by default, 0.999 with quick.")
    epsilon: float | None = setting(None, "ε of adam, 1e-8 by default.")
    alpha: float = setting(
        0.0, "scikit-learn's form of the penalty: adds alpha / rows of the batch to λ.", Number(0)
    )
    shuffle: bool = setting(True, "Whether the rows are shuffled in each epoch.", Flag())

    def __post_init__(self) -> None:
        check_settings(self)
        self._check_search()
        self._check_split()
        self._check_dependent()
        _ = self.config

    def _check_search(self) -> None:
        """Raise InputError for a setting of a search in a single run, or the other way round."""
        for name in OF_SEARCH if self.quick else ():
            if getattr(self, name) is not None:
                raise InputError(f"{named(name)} is of the search; omit it or {named('quick')}.")
        for name, instead in () if self.quick else OF_SINGLE_RUN.items():
            if getattr(self, name) is not None:
                raise InputError(f"{instead}; omit {named(name)}, or add {given('quick')}.")
        if self.schedule == "adaptive" and not self.quick:
            raise InputError(
                "the schedule adaptive acts where early stopping would end the networks of the "
                f"search; use another one, or add {given('quick')}."
            )

    def _check_split(self) -> None:
        """Raise InputError if two settings say which rows are held out."""
        for first, second in (
            ("validation", "test_size"), ("validation", "cv"), ("validation", "group"),
            ("validation", "time"), ("cv", "test_size"), ("group", "time"),
        ):  # fmt: skip
            if getattr(self, first) is not None and getattr(self, second) is not None:
                raise InputError(
                    f"{named(first)} and {named(second)} both say which rows are held out; "
                    "give one of them."
                )

    def _check_dependent(self) -> None:
        """Raise InputError for a setting that another one makes void."""
        for name in STOPPING if self.quick else ():
            if getattr(self, name) is not None and not self.early_stopping:
                raise InputError(
                    f"{named(name)} is of early stopping; add {given('early_stopping')}."
                )
        if self.monitor == "loss" and self.validation_fraction is not None:
            raise InputError(
                f"{given('monitor', 'loss')} watches no rows; omit {named('validation_fraction')}."
            )
        if self.power_t is not None and self.schedule != "invscaling":
            raise InputError(
                f"{named('power_t')} is of the schedule invscaling, and the schedule is "
                f"{self.schedule or self._usual['schedule']}; "
                f"add {given('schedule', 'invscaling')}."
            )
        if self.schedule == "adaptive" and not self.early_stopping:
            raise InputError(
                "the schedule adaptive acts when early stopping would; "
                f"add {given('early_stopping')}."
            )
        for name, rules in CONSTANTS.items():
            if getattr(self, name) is not None and self.optimizer not in rules:
                raise InputError(
                    f"{named(name)} is of the optimizer {' or '.join(rules)}, and the optimizer "
                    f"is {self.optimizer}; add {given('optimizer', rules[0])}."
                )

    def check_one_training(self) -> None:
        """Check that there is one training only, which a checkpoint can be of.

        Raises
        ------
        InputError
            With `cv`.
        """
        if self.cv is not None:
            raise InputError(
                f"{named('checkpoint')} saves one training, and {named('cv')} has several; omit "
                "one of them."
            )

    @property
    def held_out_share(self) -> float:
        """Share of the table's rows that is held out: 0 with `validation` and `cv`."""
        if self.validation is not None or self.cv is not None:
            return 0.0
        return TEST_SIZE if self.test_size is None else self.test_size

    @property
    def stopping_share(self) -> float:
        """Share of the training rows that the early stopping of a single run watches."""
        rule = self.config.early_stopping
        if not self.quick or rule is None or not rule.needs_validation:
            return 0.0
        given = self.validation_fraction
        return VALIDATION_FRACTION if given is None else given

    @cached_property
    def config(self) -> TrainConfig:
        """The settings of each training, without what follows from the rows or the search."""
        own = {f.name for f in fields(self)} & {f.name for f in fields(TrainConfig)}
        given = {name: getattr(self, name) for name in own}
        given |= self._ungiven(self._usual)
        given |= {"optimizer": self._optimizer(), "early_stopping": self._early_stopping(),
                  "l2": L2 if self.l2 is None else self.l2}  # fmt: skip
        return TrainConfig(**{name: value for name, value in given.items() if value is not None})

    def _optimizer(self) -> OptimizerName | Optimizer:
        given = {name: getattr(self, name) for name in CONSTANTS}
        given = {name: value for name, value in given.items() if value is not None}
        if self.optimizer == "adam":
            given = {name: self._usual[name] for name in CONSTANTS if name in USUAL} | given
        if not given:
            return self.optimizer
        from backhand.optimizers import OPTIMIZERS

        rule: Optimizer = OPTIMIZERS[str(self.optimizer)](**given)
        return rule

    @property
    def _usual(self) -> dict[str, Any]:
        """The settings that depend on whether there is a search, where they are not given."""
        return {name: values[0 if self.quick else 1] for name, values in USUAL.items()}

    def _early_stopping(self) -> EarlyStopping | None:
        """The rule of a single run, or of the networks of a search."""
        if self.quick and not self.early_stopping:
            return None
        from backhand.training.early_stopping import EarlyStopping

        return EarlyStopping(
            self.patience or PATIENCE, self.tol or 0.0, self.monitor or "validation_loss"
        )

    def recipe_for(self, folds: InnerFolds) -> Recipe:
        """What a search on the training rows of these folds tries: one penalty if they are many."""
        from backhand.selection import MEMBERS, PENALTIES, Recipe

        many = len(folds.measured) == 1 and not folds.forward
        config = self.config_for(len(folds.of_row))
        if not folds.measured:
            epochs = self.epochs or min(config.epochs, MOST_EPOCHS)
            config = replace(config, epochs=epochs, **self._falling())
        return Recipe(
            config=config, hidden=self.hidden,
            members=self.members or (1 if many else MEMBERS),
            penalties=PENALTIES if self.l2 is None and not many else (self.config.l2,),
            seconds=None if self.budget is None else seconds_in(self.budget),
        )  # fmt: skip

    def epochs_for(self, rows: int) -> int:
        """Number of epochs on that many training rows."""
        if self.epochs is not None:
            return self.epochs
        updates = -(-rows // self.batch_size)
        most = MOST_EPOCHS if self.quick else MOST_SEARCHED
        return max(FEWEST_EPOCHS, min(round(UPDATES / updates), most))

    def config_for(self, rows: int) -> TrainConfig:
        """The config of a training on that many rows."""
        epochs = self.epochs_for(rows)
        every = self.validation_every or (
            1 if self.config.early_stopping else max(1, epochs // VALIDATIONS)
        )
        falling = self._falling() if epochs <= FEW_EPOCHS else {}
        return replace(self.config, epochs=epochs, validation_every=every, **falling)

    def _falling(self) -> dict[str, Any]:
        """The schedule of a single run, as far as it is not given."""
        return self._ungiven({name: values[0] for name, values in USUAL.items()})

    def _ungiven(self, usual: dict[str, Any]) -> dict[str, Any]:
        """Those of the usual settings of a `TrainConfig` that are not given."""
        return {
            name: value
            for name, value in usual.items()
            if name not in CONSTANTS and getattr(self, name) is None
        }

    def values(self, rows: int) -> dict[str, Any]:
        """All settings of a training on that many rows, as JSON values for the model file."""
        of_table = {"hidden": self.hidden, "test_size": self.held_out_share}
        for name in ("validation", "group", "time", "cv", "class_weight", *OF_SEARCH):
            if getattr(self, name) is not None:
                of_table[name] = getattr(self, name)
        if self.stopping_share:
            of_table["validation_fraction"] = self.stopping_share
        return of_table | self.config_for(rows).values()
