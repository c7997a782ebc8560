"""What the constructor was given, checked when training begins, as scikit-learn wants it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from backhand.errors import InputError, did_you_mean
from backhand.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from backhand.training import Checkpoint
from backhand.training.data import check_number

SOLVERS = ("lbfgs", "sgd", "adam")
LEARNING_RATES = ("constant", "invscaling", "adaptive")
OTHER_ACTIVATIONS = ("identity", "logistic", "tanh")


def check_parameters(estimator: Any) -> None:
    """Raise `InputError` for the first constructor parameter that is not what it should be."""
    hidden_units(estimator.hidden_layer_sizes)
    _check_activation(estimator.activation)
    _check_choice("solver", estimator.solver, SOLVERS)
    _check_choice("learning_rate", estimator.learning_rate, LEARNING_RATES)
    for name, least in (("alpha", 0.0), ("power_t", 0.0), ("tol", 0.0), ("max_iter", 1),
                        ("max_fun", 1)):  # fmt: skip
        check_number(name, getattr(estimator, name), least)
    if not isinstance(estimator.verbose, bool | np.bool_):
        check_number("verbose", estimator.verbose, 0)
    check_number("learning_rate_init", estimator.learning_rate_init, 0.0, above=True)
    check_number("momentum", estimator.momentum, 0.0, 1.0)
    if isinstance(estimator.batch_size, str) and estimator.batch_size != "auto":
        raise InputError(
            f"batch_size is {estimator.batch_size!r}; expected 'auto' or an integer of 1 or more."
        )
    if estimator.batch_size != "auto":
        check_number("batch_size", estimator.batch_size, 1)
    if estimator.n_iter_no_change != math.inf:
        check_number("n_iter_no_change", estimator.n_iter_no_change, 1)
    for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
        if not isinstance(getattr(estimator, name), bool | np.bool_):
            raise InputError(f"{name} is {getattr(estimator, name)!r}; expected True or False.")
    for name in ("validation_fraction", "dropout", "beta_1", "beta_2"):
        _check_share(name, getattr(estimator, name))
    check_number("epsilon", estimator.epsilon, 0.0, above=True)
    _check_class_weight(estimator.class_weight)
    if estimator.dropout and estimator.solver == "lbfgs":
        raise InputError(
            "dropout draws a new network for each update, and solver='lbfgs' needs one and the "
            "same loss all along; take solver='adam' or 'sgd', or dropout=0."
        )


def checkpoint_of(estimator: Any) -> Checkpoint | None:
    """The `Checkpoint` among the callbacks that were set, if there is one."""
    found = [c for c in getattr(estimator, "_skl_callbacks", ()) if isinstance(c, Checkpoint)]
    if not found:
        return None
    if len(found) > 1:
        raise InputError("two Checkpoints are set as callbacks; a training has one.")
    if estimator.solver == "lbfgs":
        raise InputError("solver='lbfgs' writes no checkpoints; take solver='adam' or 'sgd'.")
    if estimator.random_state is None:
        raise InputError(
            "random_state is None, which draws other numbers each time: a checkpoint could not be "
            "resumed. Pass an integer."
        )
    return found[0]


def hidden_units(sizes: Any) -> int:
    """H, of `hidden_layer_sizes`."""
    given = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
    if len(given) != 1:
        raise InputError(
            f"hidden_layer_sizes is {sizes!r}; Backhand's network has exactly one hidden layer, "
            "whose gradients are written out by hand: give one size, such as (100,)."
        )
    check_number("hidden_layer_sizes", given[0], 1)
    return int(given[0])


def rule_of(estimator: Any) -> Optimizer:
    """The update rule of solver "adam" or "sgd"."""
    if estimator.solver == "adam":
        return Adam(estimator.beta_1, estimator.beta_2, estimator.epsilon)
    if estimator.momentum == 0:
        return SGD()
    rule = Nesterov if estimator.nesterovs_momentum else Momentum
    return rule(estimator.momentum)


def schedule_of(estimator: Any) -> str:
    """What the learning rate does; Adam has it constant, in scikit-learn too."""
    return str(estimator.learning_rate) if estimator.solver == "sgd" else "constant"


def _check_activation(activation: Any) -> None:
    if activation in OTHER_ACTIVATIONS:
        raise InputError(
            f"activation is '{activation}'; Backhand's hidden units are ReLU, whose gradient is "
            "written out by hand: take activation='relu', or scikit-learn's own class."
        )
    _check_choice("activation", activation, ("relu",))


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} is {value!r}. {did_you_mean(str(value), choices)}")


def _check_share(name: str, value: Any) -> None:
    if not isinstance(value, Real) or not 0 <= float(value) < 1:
        raise InputError(f"{name} is {value!r}; expected a share of 0 or more and below 1.")


def _check_class_weight(value: Any) -> None:
    if isinstance(value, Mapping):
        for name, weight in value.items():
            if not isinstance(weight, Real) or not 0 <= float(weight) < math.inf:
                raise InputError(
                    f"class_weight gives {name!r} the weight {weight!r}; expected a number of 0 or "
                    "more."
                )
    elif value is not None and not (isinstance(value, str) and value == "balanced"):
        raise InputError(
            f"class_weight is {value!r}; expected None, 'balanced' or a dict from class to weight."
        )
