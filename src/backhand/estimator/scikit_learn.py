"""A fitted classifier as scikit-learn's own, and back: weights, what was measured, the optimizer.

scikit-learn has one output for two classes, whose sigmoid is P of the second. Here there are two:
the sigmoid of s is the softmax of 0 and s.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from backhand.engines import OptimizerState
from backhand.equations import Parameters
from backhand.errors import InputError
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import EarlyStopping, EarlyStoppingState
from backhand.training.result import TrainResult
from backhand.training.schedules import FACTOR, Schedule
from backhand.training.state import TrainState

CURVES = ("loss_curve_", "validation_scores_")
"""Fitted attributes that are lists, or None."""

FIGURES = ("loss_", "best_loss_", "best_validation_score_", "n_iter_", "t_", "n_features_in_",
           "feature_names_in_")  # fmt: skip
"""Fitted attributes that mean the same in both classes."""


def to_sklearn(ours: Any) -> Theirs:
    """scikit-learn's classifier with the same P; see `MLPClassifier.to_sklearn`."""
    check_is_fitted(ours)
    K = len(ours.classes_)
    if K < 2:
        raise InputError(
            "the classifier has one class only, for which scikit-learn has two columns of "
            "probabilities; expected two classes or more."
        )
    shared = Theirs().get_params()
    theirs = Theirs(**{n: v for n, v in ours.get_params(deep=False).items() if n in shared})
    for name in (*CURVES, *FIGURES):
        if hasattr(ours, name):
            value = getattr(ours, name)
            setattr(theirs, name, list(value) if isinstance(value, list) else value)
    if theirs.best_loss_ is None and not ours.early_stopping:
        theirs.best_loss_ = np.inf  # as before the first epoch
    theirs.classes_ = np.array(ours.classes_)
    theirs._label_binarizer = LabelBinarizer().fit(theirs.classes_)
    theirs._random_state = check_random_state(ours.random_state)
    arrays = _their_arrays(ours.parameters_)
    theirs.coefs_, theirs.intercepts_ = arrays[:2], arrays[2:]
    theirs._best_coefs, theirs._best_intercepts = map(_copied, (arrays[:2], arrays[2:]))
    theirs._no_improvement_count = ours._no_improvement_count
    theirs.n_layers_, theirs.n_outputs_ = 3, arrays[1].shape[1]
    theirs.out_activation_ = "logistic" if K == 2 else "softmax"
    trained: TrainResult | None = ours._trained
    if trained is not None and trained.config.rule == ours._rule():
        theirs._optimizer = _their_optimizer(ours, trained, arrays)
    return theirs


def from_sklearn(kind: Any, theirs: Any, **settings: Any) -> Any:
    """A classifier of `kind` with the same P; see `MLPClassifier.from_sklearn`."""
    _check_fits(theirs)
    shared = kind().get_params()
    given = {n: v for n, v in theirs.get_params(deep=False).items() if n in shared}
    ours = kind(**{**given, **settings})
    ours.classes_ = np.array(theirs.classes_)
    ours._reset(_our_parameters([*theirs.coefs_, *theirs.intercepts_]))
    for name in (*CURVES, *FIGURES):
        if hasattr(theirs, name):
            value = getattr(theirs, name)
            setattr(ours, name, list(value) if isinstance(value, list) else value)
    optimizer = getattr(theirs, "_optimizer", None)
    if optimizer is not None and ours.solver in ("adam", "sgd"):
        ours._trained = _our_result(ours, theirs, optimizer)
    return ours


def _check_fits(theirs: Any) -> None:
    if not isinstance(theirs, Theirs):
        raise InputError(
            f"from_sklearn expects scikit-learn's MLPClassifier, not a {type(theirs).__name__}; "
            "pass the last step of a pipeline."
        )
    check_is_fitted(theirs)
    if theirs.n_layers_ != 3 or theirs.activation != "relu":
        raise InputError(
            f"the classifier has {theirs.n_layers_ - 2} hidden layers of activation "
            f"'{theirs.activation}'; expected one, of 'relu'."
        )
    K = len(theirs.classes_)
    if K < 2 or theirs.n_outputs_ != (1 if K == 2 else K) or (
        K > 2 and theirs.out_activation_ != "softmax"
    ):  # fmt: skip
        raise InputError(
            f"the classifier has {K} classes and {theirs.n_outputs_} outputs of activation "
            f"'{theirs.out_activation_}'; expected one label per row, of two classes or more."
        )


def _copied(arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
    return [np.array(value) for value in arrays]


def _their_arrays(params: Parameters) -> list[NDArray[Any]]:
    """W1, W2, b1, b2 as scikit-learn has them, copied: it updates them in place."""
    W1, b1, W2, b2 = params
    if len(b2) == 2:
        W2, b2 = W2[:, 1:] - W2[:, :1], b2[1:] - b2[:1]
    return _copied([W1, W2, b1, b2])


def _our_parameters(arrays: list[NDArray[Any]]) -> Parameters:
    """Parameters of scikit-learn's W1, W2, b1, b2."""
    W1, W2, b1, b2 = _copied(arrays)
    if len(b2) == 1:
        W2, b2 = np.hstack([np.zeros_like(W2), W2]), np.hstack([np.zeros_like(b2), b2])
    return Parameters(W1, b1, W2, b2)


def _their_optimizer(ours: Any, trained: TrainResult, arrays: list[NDArray[Any]]) -> Any:
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

    # The first class's weights are fixed, so the optimizer's moments of them have no meaning.
    returned = trained.state.returned
    slots = [_their_arrays(_without_first_class(slot)) for slot in returned.slots]
    if ours.solver == "adam":
        adam = AdamOptimizer(
            arrays, ours.learning_rate_init, ours.beta_1, ours.beta_2, ours.epsilon
        )
        adam.t, (adam.ms, adam.vs) = returned.updates, slots
        return adam
    sgd = SGDOptimizer(arrays, ours.learning_rate_init, ours.learning_rate, ours.momentum,
                       ours.nesterovs_momentum, ours.power_t)  # fmt: skip
    sgd.learning_rate = trained.learning_rate
    if slots:
        (sgd.velocities,) = slots
    return sgd


def _without_first_class(slot: Parameters) -> Parameters:
    if len(slot.b2) != 2:
        return slot
    W2, b2 = np.array(slot.W2), np.array(slot.b2)
    W2[:, 0] = b2[0] = 0
    return slot._replace(W2=W2, b2=b2)


def _our_result(ours: Any, theirs: Any, optimizer: Any) -> TrainResult:
    """scikit-learn's optimizer and patience as the result of a training, to continue from."""
    validated = bool(ours.early_stopping)
    config: TrainConfig = ours._config(1, 1, validated=validated)
    slots, updates = [], 0
    if ours.solver == "adam":
        slots, updates = [optimizer.ms, optimizer.vs], optimizer.t
    elif config.rule.slots:
        slots = [optimizer.velocities]
    params = Parameters(*map(np.array, ours.parameters_))
    state = OptimizerState(params, tuple(_our_parameters(slot) for slot in slots), updates)
    schedule, cuts = Schedule(config=config, updates=1, rows=1, rows_seen=ours.t_), 0
    if schedule.name == "adaptive":
        cuts = max(0, round(math.log(schedule.peak / optimizer.learning_rate, FACTOR)))
    schedule = replace(schedule, cuts=(0,) * cuts)
    seen = _early_stopping_of(theirs, ours._stopping_rule(validated=validated))
    return TrainResult(TrainState(state, early_stopping=seen, cuts=schedule.cuts), schedule, 0.0)


def _early_stopping_of(theirs: Any, rule: EarlyStopping) -> EarlyStoppingState:
    scores = rule.restore_best is not None
    best = theirs.best_validation_score_ if scores else theirs.best_loss_
    if best is None:
        return EarlyStoppingState(rule)
    lowest = -best if scores else best
    return EarlyStoppingState(
        rule, theirs._no_improvement_count, lowest, lowest if scores else math.inf
    )
