"""What is decided in training: a table of states and figures, and what follows; no engine."""

from dataclasses import replace

import numpy as np
import pytest

import backhand
from backhand import EarlyStopping, History, InputError
from backhand.engines import BlockMetrics, Data
from backhand.training import samplers
from backhand.training.config import TrainConfig
from backhand.training.controller import Controller
from backhand.training.plan import make_plan, make_sampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of

ROWS = 40
DATA = Data(np.zeros((ROWS, 3), np.float32), np.zeros(ROWS, np.int64))
PARAMS = backhand.init(3, 2, 2)


def controller(
    *periods: int, every: int | None = None, data: Data = DATA, **settings
) -> Controller:
    config = TrainConfig(**({"epochs": 10, "batch_size": 10} | settings))
    plan = make_plan(config, data, objective_of(config), 0, make_sampler(config, data))
    return Controller(plan, periods, every)


def begin(made: Controller) -> TrainState:
    return TrainState.initial(PARAMS, made.plan.schedule.config)


def metrics(*losses: float) -> BlockMetrics:
    return BlockMetrics(np.array(losses), np.full(len(losses), 0.5))


def after(made: Controller, state: TrainState, losses, validation=None):
    block = made.next_block(state, len(losses))
    assert block.epochs == len(losses)
    return made.record(state, block, metrics(*losses), validation)


@pytest.mark.parametrize(
    ("done", "paced", "periods", "expected"),
    [
        (0, 1, (), 1), (0, 99, (), 10), (7, 99, (), 3),  # the last epoch
        (0, 99, (4,), 4), (4, 99, (4,), 4), (8, 99, (4,), 2), (5, 99, (4,), 3),  # a period's end
        (0, 99, (4, 3), 3), (3, 99, (4, 3), 1), (0, 2, (4, 3), 2),
    ],
)  # fmt: skip
def test_a_block_ends_where_something_is_due(done, paced, periods, expected) -> None:
    made = controller(*periods)
    assert made.next_block(replace(begin(made), done=done), paced).epochs == expected


@pytest.mark.parametrize(
    ("every", "done", "epochs", "expected"),
    [(None, 0, 10, False), (3, 0, 3, True), (3, 0, 2, False), (3, 9, 1, True), (1, 4, 1, True)],
)
def test_validation_is_due_every_so_many_epochs_and_at_the_end(
    every, done, epochs, expected
) -> None:
    made = controller(every=every)
    state = replace(begin(made), done=done)
    assert made.validates(state, made.replay(state, epochs)) is expected


def test_epochs_are_recorded_until_all_are_done() -> None:
    made = controller(every=4)
    first = after(made, begin(made), [3.0, 2.0, 1.0, 0.9], (0.8, 0.7))
    assert (first.state.done, first.state.ended, first.rewind) == (4, "", False)
    assert first.state.history.validation_loss[-1] == 0.8
    assert np.isnan(first.state.history.validation_loss[:-1]).all()
    last = after(made, first.state, [0.5] * 6)
    assert (last.state.done, last.state.ended, len(last.state.history)) == (10, "done", 10)
    assert first.state.done == 4, "a state is a value"


STOP = EarlyStopping(patience=2, monitor="loss")


@pytest.mark.parametrize(
    ("losses", "epoch", "rewind"),
    [([3, 2, 2, 2], 4, False), ([3, 2, 2, 2, 1], 4, True), ([1, 2, 2, 0, 0], 3, True)],
)
def test_patience_ends_training_after_the_very_epoch(losses, epoch, rewind) -> None:
    made = controller(early_stopping=STOP)
    found = after(made, begin(made), [float(x) for x in losses])
    assert (found.state.ended, found.rewind, found.improved) == ("patience", rewind, False)
    assert len(found.state.history) == found.state.done == epoch


def test_the_adaptive_schedule_cuts_the_rate_instead() -> None:
    made = controller(early_stopping=STOP, schedule="adaptive", learning_rate=1e-5)
    cut = after(made, begin(made), [1.0, 1.0, 1.0, 1.0])
    assert (cut.state.ended, cut.state.cuts, cut.rewind) == ("", (3,), True)
    assert made.schedule(cut.state).of_epoch(3) == 1e-5 / 5
    assert cut.state.early_stopping.num_bad_epochs == 0
    again = after(made, cut.state, [1.0, 1.0])
    assert again.state.cuts == (3, 5) and not again.rewind
    end = after(made, again.state, [1.0, 1.0, 1.0])
    assert (end.state.ended, end.state.done, end.rewind) == ("patience", 7, True)


@pytest.mark.parametrize(
    ("scores", "improved", "ended"),
    [([0.5], [True], ""), ([0.5, 0.4], [True, False], ""), ([0.5, 0.4, 0.4], [1, 0, 0], "patience"),
     ([0.5, 0.6], [True, True], ""), ([0.5, 1.0], [True, True], "perfect")],
)  # fmt: skip
def test_the_best_epoch_is_to_be_kept(scores, improved, ended) -> None:
    stop = EarlyStopping(patience=2, monitor="validation_accuracy")
    made = controller(1, every=1, early_stopping=stop)
    state, found = begin(made), []
    for score in scores:
        decision = after(made, state, [1.0], (1.0, score))
        state = decision.state
        found.append(decision.improved)
    assert found == [bool(x) for x in improved] and state.ended == ended


def test_a_loss_that_is_not_finite_is_a_divergence() -> None:
    made = controller()
    state = after(made, begin(made), [3.0, 2.0]).state
    assert made.divergence(state, metrics(1.0, 0.5)) is None
    found = made.divergence(state, metrics(1.0, np.nan))
    assert (found.epoch, found.finite_parts) == (4, 3)
    assert found.history.loss.tolist() == [3, 2, 1]


def test_parts_of_an_epoch_are_merged_by_weight(monkeypatch) -> None:
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 12 * 20)
    weights = np.arange(ROWS, dtype=np.float32)
    made = controller(data=DATA._replace(sample_weight=weights), epochs=2)
    assert made.plan.parts == 2
    state, first = begin(made), made.next_block(begin(made), 5)
    half = made.record(state, first, metrics(1.0)).state
    assert (half.done, len(half.history), made.share(half)) == (1, 0, 0.5)
    second = made.next_block(half, 5)
    assert sorted([*first.order[0], *second.order[0]]) == list(range(ROWS))
    whole = made.record(half, second, metrics(2.0)).state
    mass = [float(weights[block.order[0]].sum()) for block in (first, second)]
    assert whole.history.loss[0] == pytest.approx((mass[0] + 2 * mass[1]) / sum(mass))
    assert len(whole.part_figures) == 0 and made.share(whole) == 0
    assert made.divergence(half, metrics(np.inf)).epoch == 1


def test_following_a_history_leads_to_the_state_that_recording_led_to() -> None:
    stop = EarlyStopping(patience=2, monitor="loss", best="validation_loss")
    made = controller(2, every=2, early_stopping=stop, schedule="adaptive")
    state, best = begin(made), None
    while not state.ended:
        decision = after(made, state, [1.0, 0.5], (1.0 / (1 + state.done % 4), 0.5))
        state = decision.state
        best = state.done if decision.improved else best
    followed, best_epoch = made.follow(begin(made), state.history)
    assert (followed.ended, followed.cuts, best_epoch) == (state.ended, state.cuts, best)
    assert followed.early_stopping == state.early_stopping


def test_a_history_that_continues_after_its_end_is_impossible() -> None:
    made = controller(early_stopping=STOP)
    with pytest.raises(InputError, match="continues after training had ended"):
        made.follow(begin(made), History(*(np.ones(6),) * 4))
