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
    return BlockMetrics(np.array(losses), *(np.full(len(losses), x) for x in (0.5, np.nan, np.nan)))


def after(made: Controller, state: TrainState, losses, validation=None):
    """The decision after a block of these losses, and of one validation after its last epoch."""
    block, found = made.next_block(state, len(losses)), metrics(*losses)
    assert block.epochs == len(losses)
    if validation is not None:
        assert block.validated.tolist() == [False] * (block.epochs - 1) + [True]
        found.validation_loss[-1], found.validation_accuracy[-1] = validation
    return made.record(state, block, found)


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
    [(3, 0, 10, [3, 6, 9, 10]), (3, 0, 2, []), (3, 4, 4, [6]), (3, 9, 1, [10]), (1, 4, 2, [5, 6])],
)
def test_validation_is_due_every_so_many_epochs_and_at_the_end(
    every, done, epochs, expected
) -> None:
    made = controller(every=every)
    state = replace(begin(made), done=done)
    block = made.next_block(state, epochs)
    assert block.validated.shape == (epochs,)
    assert (done + 1 + np.flatnonzero(block.validated)).tolist() == expected
    assert made.replay(state, epochs).validated is None
    assert controller().next_block(state, epochs).validated is None


@pytest.mark.parametrize(
    ("patience", "bad", "monitor", "every", "done", "expected"),
    [(4, 0, "loss", 3, 2, 4), (4, 3, "loss", None, 2, 1), (np.inf, 5, "loss", None, 2, 8),
     (1, 0, "validation_loss", 3, 0, 3), (2, 0, "validation_loss", 3, 0, 6),
     (2, 1, "validation_loss", 3, 4, 2), (9, 0, "validation_loss", 3, 0, 10)],
)  # fmt: skip
def test_no_block_goes_beyond_where_patience_may_run_out(
    patience, bad, monitor, every, done, expected
) -> None:
    made = controller(every=every, early_stopping=EarlyStopping(patience, monitor=monitor))
    state = begin(made)
    seen = replace(state.early_stopping, num_bad_epochs=bad)
    state = replace(state, done=done, early_stopping=seen)
    assert made.next_block(state, 99).epochs == expected


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
    ("blocks", "epoch"),
    [
        ([[3, 2], [2, 2]], 4),
        ([[1, 2], [2]], 3),
        (
            [
                [1, 0],
                [1],
                [0.5],
            ],
            4,
        ),
    ],
)
def test_patience_ends_training_after_the_very_epoch(blocks, epoch) -> None:
    made = controller(early_stopping=STOP)
    state = begin(made)
    for losses in blocks:
        assert not state.ended
        found = after(made, state, [float(x) for x in losses])
        state = found.state
    assert (state.ended, found.rewind, found.best) == ("patience", False, None)
    assert len(state.history) == state.done == epoch


def test_the_adaptive_schedule_cuts_the_rate_instead() -> None:
    made = controller(early_stopping=STOP, schedule="adaptive", learning_rate=1e-5)
    first = after(made, begin(made), [1.0, 1.0])
    cut = after(made, first.state, [1.0])
    assert (cut.state.ended, cut.state.cuts, cut.rewind) == ("", (3,), False)
    assert made.schedule(cut.state).of_epoch(3) == 1e-5 / 5
    assert cut.state.early_stopping.num_bad_epochs == 0
    again = after(made, cut.state, [1.0, 1.0])
    assert again.state.cuts == (3, 5) and not again.rewind
    end = after(made, again.state, [1.0, 1.0])
    assert (end.state.ended, end.state.done, end.rewind) == ("patience", 7, False)


@pytest.mark.parametrize(
    ("scores", "best", "ended"),
    [([0.5], [1], ""), ([0.5, 0.4], [1, None], ""), ([0.5, 0.4, 0.4], [1, None, None], "patience"),
     ([0.5, 0.6], [1, 2], ""), ([0.5, 1.0], [1, 2], "perfect")],
)  # fmt: skip
def test_the_best_epoch_is_to_be_kept(scores, best, ended) -> None:
    stop = EarlyStopping(patience=2, monitor="validation_accuracy")
    made = controller(1, every=1, early_stopping=stop)
    state, found = begin(made), []
    for score in scores:
        decision = after(made, state, [1.0], (1.0, score))
        state = decision.state
        found.append(decision.best)
    assert found == best and state.ended == ended


@pytest.mark.parametrize(
    ("scores", "best", "ended", "done"),
    [([0.5, 0.6, 0.5], 2, "", 3), ([0.5, 1.0, 1.0], 2, "perfect", 2), ([0.3, 0.3, 0.3], 1, "", 3),
     ([0.2, 0.1, 0.1], None, "", 3), ([0.5, 0.6, 0.7], 3, "", 3)],
)  # fmt: skip
def test_the_best_epoch_may_be_inside_a_block(scores, best, ended, done) -> None:
    made = controller(every=1, early_stopping=EarlyStopping(4, monitor="validation_accuracy"))
    state = begin(made)
    state = replace(state, early_stopping=replace(state.early_stopping, lowest_best=-0.25))
    found = metrics(1.0, 1.0, 1.0)
    found.validation_accuracy[:] = scores
    decision = made.record(state, made.next_block(state, 3), found)
    assert (decision.state.ended, decision.state.done, decision.best) == (ended, done, best)
    assert len(decision.state.history) == done and decision.rewind is (done < 3)


def test_a_loss_that_is_not_finite_is_a_divergence() -> None:
    made = controller()
    state = after(made, begin(made), [3.0, 2.0]).state
    assert made.divergence(after(made, state, [1.0, 0.5]).state) is None
    found = made.divergence(after(made, state, [1.0, np.nan]).state)
    assert (found.epoch, found.finite_parts) == (4, 3)
    assert found.history.loss.tolist() == [3, 2, 1]


def test_an_end_before_the_loss_stops_being_finite_is_an_end() -> None:
    made = controller(every=1, early_stopping=EarlyStopping(monitor="validation_accuracy"))
    state = begin(made)
    found = metrics(1.0, 1.0, np.nan)
    found.validation_accuracy[:] = 1.0
    decision = made.record(state, made.next_block(state, 5), found)
    assert made.divergence(decision.state) is None
    assert (decision.state.ended, decision.state.done, decision.rewind) == ("perfect", 1, True)


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
    bad = made.divergence(made.record(half, second, metrics(np.inf)).state)
    assert (bad.epoch, bad.finite_parts, len(bad.history)) == (1, 1, 0)
    bad = made.divergence(made.record(begin(made), first, metrics(np.inf)).state)
    assert (bad.epoch, bad.finite_parts, len(bad.history)) == (1, 0, 0)


def test_following_a_history_leads_to_the_state_that_recording_led_to() -> None:
    stop = EarlyStopping(patience=2, monitor="loss", best="validation_loss")
    made = controller(2, every=2, early_stopping=stop, schedule="adaptive")
    state, best = begin(made), None
    while not state.ended:
        decision = after(made, state, [1.0, 0.5], (1.0 / (1 + state.done % 4), 0.5))
        state = decision.state
        best = decision.best or best
    followed, best_epoch = made.follow(begin(made), state.history)
    assert (followed.ended, followed.cuts, best_epoch) == (state.ended, state.cuts, best)
    assert followed.early_stopping == state.early_stopping


def test_a_history_that_continues_after_its_end_is_impossible() -> None:
    made = controller(early_stopping=STOP)
    with pytest.raises(InputError, match="continues after training had ended"):
        made.follow(begin(made), History(*(np.ones(6),) * 4))
