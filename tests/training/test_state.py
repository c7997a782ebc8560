"""The one way to continue: each part of a past state is kept, or begins anew."""

from dataclasses import fields, replace

import numpy as np
import pytest

import backhand
from backhand import EarlyStopping, History, InputError, Parameters
from backhand.engines import OptimizerState
from backhand.training.config import TrainConfig
from backhand.training.early_stopping import EarlyStoppingState
from backhand.training.state import Keep, TrainState

RULE = EarlyStopping(monitor="validation_loss")
CONFIG = TrainConfig(optimizer="adam", early_stopping=RULE)
PARAMS = backhand.init(3, 4, 2)


def filled(value: float) -> Parameters:
    return Parameters(*(np.full_like(v, value) for v in PARAMS))


START = TrainState.initial(PARAMS, CONFIG, rows_seen=5)
PAST = TrainState(
    OptimizerState(filled(1), (filled(2), filled(3)), 7),
    best=OptimizerState(filled(4), (filled(5), filled(6)), 6),
    done=3, ended="patience", history=History(*(np.arange(3.0) for _ in range(4))),
    part_figures=np.ones((1, 3)), early_stopping=EarlyStoppingState(RULE, 2, 0.0, 0.0, 1),
    cuts=(1, 2), rows_seen=60, sampler={"rows": np.arange(3)},
)  # fmt: skip


def equal(one, other) -> bool:
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, History) and isinstance(other, History):
        return all(equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(History))
    if isinstance(one, dict):
        return set(one) == set(other) and all(equal(one[name], other[name]) for name in one)
    return one == other


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (Keep.PARAMETERS, {"optimizer": OptimizerState(filled(1), START.optimizer.slots, 0)}),
        (Keep.OPTIMIZER, {"optimizer": OptimizerState(PARAMS, (filled(2), filled(3)), 7)}),
        (Keep.PARAMETERS | Keep.OPTIMIZER, {"optimizer": PAST.optimizer}),
        (Keep.EARLY_STOPPING, {"early_stopping": PAST.early_stopping,
                               "best": OptimizerState(filled(4), START.optimizer.slots, 0)}),
        (Keep.SCHEDULE, {"cuts": (0, 0)}),
        (Keep.PROGRESS, {name: getattr(PAST, name) for name in
                         ("done", "ended", "history", "part_figures", "rows_seen")}),
        (Keep.PROGRESS | Keep.SCHEDULE, {"cuts": (1, 2)} | {
            name: getattr(PAST, name) for name in
            ("done", "ended", "history", "part_figures", "rows_seen")}),
        (Keep.SAMPLER, {"sampler": PAST.sampler}),
        (Keep.EVERYTHING, {f.name: getattr(PAST, f.name) for f in fields(TrainState)}),
        (Keep(0), {}),
    ],
)  # fmt: skip
def test_what_is_kept_is_the_pasts_and_the_rest_begins_anew(keep, kept) -> None:
    found = START.continue_from(PAST, keep)
    for field in fields(TrainState):
        expected = kept.get(field.name, getattr(START, field.name))
        assert equal(getattr(found, field.name), expected), field.name


def test_memory_is_in_the_dtype_of_the_parameters() -> None:
    start = TrainState.initial(backhand.init(3, 4, 2, dtype=np.float64), CONFIG)
    assert start.continue_from(PAST, Keep.OPTIMIZER).optimizer.slots[0].W1.dtype == np.float64


@pytest.mark.parametrize(
    "memory",
    [(filled(1),), (filled(1), backhand.init(3, 5, 2)), "none"],
    ids=["one slot", "other shapes", "no slots"],
)
def test_memory_that_does_not_fit_is_refused(memory) -> None:
    past = replace(PAST, optimizer=PAST.optimizer._replace(slots=memory))
    with pytest.raises(InputError):
        START.continue_from(past, Keep.OPTIMIZER)


def test_the_best_epoch_is_kept_only_where_the_new_rule_restores_one() -> None:
    for rule in (EarlyStopping(monitor="loss"), EarlyStopping(monitor="validation_accuracy")):
        start = TrainState.initial(PARAMS, replace(CONFIG, early_stopping=rule))
        assert start.continue_from(PAST, Keep.EARLY_STOPPING).best is None
    start = TrainState.initial(PARAMS, replace(CONFIG, early_stopping=None))
    assert start.continue_from(PAST, Keep.EVERYTHING).early_stopping is None
