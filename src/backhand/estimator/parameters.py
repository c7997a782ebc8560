"""The constructor's parameters: what each may be, and the training that they describe.

They are checked when training begins, as scikit-learn requires.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from backhand.choices import PrecisionName, names
from backhand.constraints import (
    Choice,
    Constraint,
    Exactly,
    Flag,
    Integer,
    Number,
    Or,
    Weights,
    check,
    check_all,
)
from backhand.engines import Objective, Rows
from backhand.errors import BackhandWarning, InputError
from backhand.estimator.reporting import warn
from backhand.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from backhand.training.checkpoints.checkpoint import Checkpoint
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import EarlyStopping

OTHER_ACTIVATIONS = ("identity", "logistic", "tanh")
"""scikit-learn's, which Backhand does not have."""

DEFAULT_BATCH_SIZE = 200
"""What "auto" means, as in scikit-learn."""

CONSTRAINTS: Mapping[str, Constraint] = {
    "activation": Choice(("relu",)),
    "solver": Choice(("lbfgs", "sgd", "adam")),
    "learning_rate": Choice(("constant", "invscaling", "adaptive")),
    "alpha": Number(0),
    "power_t": Number(0),
    "tol": Number(0),
    "max_iter": Integer(1),
    "max_fun": Integer(1),
    "verbose": Or(Flag(), Integer(0)),
    "learning_rate_init": Number(0, above=True),
    "momentum": Number(0, 1),
    "batch_size": Or(Exactly("auto"), Integer(1)),
    "n_iter_no_change": Or(Exactly(math.inf), Integer(1)),
    "shuffle": Flag(),
    "warm_start": Flag(),
    "nesterovs_momentum": Flag(),
    "early_stopping": Flag(),
    "validation_fraction": Number(0, 1, below=True),
    "dropout": Number(0, 1, below=True),
    "beta_1": Number(0, 1, below=True),
    "beta_2": Number(0, 1, below=True),
    "epsilon": Number(0, above=True),
    "class_weight": Or(Exactly(None), Or(Exactly("balanced"), Weights())),
    "precision": Choice(names(PrecisionName)),
}
"""Constraints of the parameters; `make_engine` checks engine, device and threads."""


@lru_cache(maxsize=32)
def _config_of(**settings: Any) -> TrainConfig:
    """The config with these settings: a loop of `partial_fit` has the same one in each call."""
    return TrainConfig(**settings)


class ConstructorParameters:
    """The parameters of `MLPClassifier`, and the training that they describe."""

    hidden_layer_sizes: Any
    activation: str
    solver: str
    alpha: float
    batch_size: Any
    learning_rate: Any
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    random_state: Any
    dropout: float
    class_weight: Any
    precision: str

    def _check_parameters(self) -> None:
        """Raise InputError for the first parameter that is not allowed."""
        self._hidden_units()
        if self.activation in OTHER_ACTIVATIONS:
            raise InputError(
                f"activation is '{self.activation}'; Backhand's hidden units are ReLU, whose "
                "gradient is written out by hand: use activation='relu', or scikit-learn's own "
                "class."
            )
        check_all(self, CONSTRAINTS)
        if self.precision != "auto" and self.solver == "lbfgs":
            raise InputError(
                f"solver='lbfgs' searches along a line by small differences of the loss, which "
                f"precision='{self.precision}' does not have; use solver='adam' or 'sgd', or "
                "precision='auto'."
            )
        if self.dropout and self.solver == "lbfgs":
            raise InputError(
                "dropout draws a new network for each update, and solver='lbfgs' needs the same "
                "loss throughout; use solver='adam' or 'sgd', or dropout=0."
            )

    def _hidden_units(self) -> int:
        """H, the only one of `hidden_layer_sizes`."""
        sizes = self.hidden_layer_sizes
        given = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
        if len(given) != 1:
            raise InputError(
                f"hidden_layer_sizes is {sizes!r}; Backhand's network has exactly one hidden "
                "layer, whose gradients are written out by hand: pass one size, such as (100,)."
            )
        check("hidden_layer_sizes", given[0], Integer(1))
        return int(given[0])

    def _checkpoint(self) -> Checkpoint | None:
        """The `Checkpoint` among the callbacks that were set, if there is one."""
        callbacks = getattr(self, "_skl_callbacks", ())
        found = [c for c in callbacks if isinstance(c, Checkpoint)]
        if not found:
            return None
        if len(found) > 1:
            raise InputError("two Checkpoints are set as callbacks; a training has one.")
        if self.solver == "lbfgs":
            raise InputError("solver='lbfgs' saves no checkpoints; take solver='adam' or 'sgd'.")
        if self.random_state is None:
            raise InputError(
                "random_state is None, which draws other numbers each time: a checkpoint could not "
                "be resumed. Pass an integer."
            )
        return found[0]

    def _config(self, batch_size: int, epochs: int, *, validated: bool) -> TrainConfig:
        """The settings of a training by epochs."""
        rule: Any = self._rule()  # for mypy a protocol is not hashable
        return _config_of(
            learning_rate=float(self.learning_rate_init),
            epochs=int(epochs),
            batch_size=batch_size,
            optimizer=rule,
            # Adam has a constant learning rate, in scikit-learn too.
            schedule=self.learning_rate if self.solver == "sgd" else "constant",
            power_t=float(self.power_t),
            alpha=float(self.alpha),
            dropout=float(self.dropout),
            early_stopping=self._stopping_rule(validated=validated),
            shuffle=bool(self.shuffle),
        )

    def _objective(self, config: TrainConfig, data: Rows, classes: int) -> Objective:
        """Return the objective, in scikit-learn's form."""
        return Objective(
            alpha=config.alpha, dropout=config.dropout, dropout_seed=config.seed,
            # scikit-learn's loss is that of P cut off at eps; its gradient, like ours, is not.
            loss_cap=-float(np.log(np.finfo(data.X.dtype).eps)),
            first_class_fixed=classes == 2,
        )  # fmt: skip

    def _batch_size(self, rows: int) -> int:
        """Return the rows per batch, of that many rows."""
        if self.batch_size == "auto":
            return DEFAULT_BATCH_SIZE
        if self.batch_size > rows:
            warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                f"clipped: batch_size is {self.batch_size} and there are {rows} rows, so a batch "
                "is all of them.",
                BackhandWarning,
            )
        return int(self.batch_size)

    def _rule(self) -> Optimizer:
        """The update rule of solver "adam" or "sgd"."""
        if self.solver == "adam":
            return Adam(float(self.beta_1), float(self.beta_2), float(self.epsilon))
        if self.momentum == 0:
            return SGD()
        rule = Nesterov if self.nesterovs_momentum else Momentum
        return rule(float(self.momentum))

    def _stopping_rule(self, *, validated: bool) -> EarlyStopping:
        """scikit-learn's rule: it stops after more than `n_iter_no_change` bad epochs in a row."""
        return EarlyStopping(
            self.n_iter_no_change + 1,
            float(self.tol),
            "validation_accuracy" if self.early_stopping else "loss",
            best="validation_accuracy" if validated else None,
            or_equal=True,
        )
