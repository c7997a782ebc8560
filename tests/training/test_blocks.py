"""Training in long blocks gives the bits of training epoch by epoch, and trains nothing in vain.

A callback ends a block after each epoch, where the best parameters are at hand. Without one, the
best epoch lies inside a block, and is trained again when it is asked for.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import backhand
from backhand import Checkpoint, DivergenceError, EarlyStopping, StopTraining, TrainResult
from backhand.engines import Data, make_engine
from backhand.engines.fused.engine import FusedSession
from backhand.training import plan
from backhand.training.config import TrainConfig
from backhand.training.plan import make_sampler
from backhand.training.samplers import RandomStateSampler
from backhand.training.state import TrainState
from backhand.training.train import objective_of, train_data

RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 6)).astype(np.float32)
Y = np.where(RNG.random(90) < 0.3, RNG.integers(0, 3, 90), X[:, :3].argmax(axis=1))
DATA, HELD = Data(X, Y).select(slice(60)), Data(X, Y).select(slice(60, None))
EASY = HELD.select(HELD.labels == 1)
PARAMS = backhand.init(6, 16, 3, seed=1)

STOPS = {
    "loss": {"early_stopping": EarlyStopping(4)},
    "never": {"early_stopping": EarlyStopping(np.inf, best="validation_accuracy")},
    "perfect": {"early_stopping": EarlyStopping(60, monitor="validation_accuracy")},
    "every third": {"early_stopping": EarlyStopping(3), "validation_every": 3},
    "adaptive": {"early_stopping": EarlyStopping(2, 0.01), "schedule": "adaptive"},
    "other figures": {"early_stopping": EarlyStopping(5, monitor="loss", best="validation_loss")},
    "diverging": {"early_stopping": EarlyStopping(40), "learning_rate": 1e4},
}


class Training:
    """A training with one of `STOPS`, in batches by a RandomState, or of all rows."""

    def __init__(self, stop: str, batch_size: int | None) -> None:
        settings = {"epochs": 70, "optimizer": "momentum", "learning_rate": 0.05, "alpha": 0.1}
        self.config = TrainConfig(**(settings | STOPS[stop]), batch_size=batch_size)
        self.validation = EASY if stop == "perfect" else HELD

    def run(self, *callbacks: Callable, saved: Checkpoint | None = None) -> TrainResult:
        sampler = make_sampler(self.config, DATA)
        if sampler is not None:
            sampler = RandomStateSampler(DATA.rows, np.random.RandomState(0))
        return train_data(
            TrainState.initial(PARAMS, self.config), DATA, self.config, sampler=sampler,
            engine=make_engine("fused", threads=1), objective=objective_of(self.config),
            validation=self.validation, callbacks=callbacks, checkpoint=saved,
        )  # fmt: skip


def every_epoch(_: backhand.Progress) -> None:
    """End the block."""


def stop_at_12(progress: backhand.Progress) -> None:
    if progress.epoch == 12:
        raise StopTraining


def bits(result: TrainResult) -> list[bytes]:
    """Everything that training returns but its duration."""
    values = [*result.params, *result.last.params, *vars(result.history).values()]
    values += [
        slot for state in (result.last, result.best) for part in state.slots for slot in part
    ]
    facts = f"{result.ended} {result.best_epoch} {result.best.updates} {result.schedule.cuts}"
    return [facts.encode(), *(value.tobytes() for value in values)]


@pytest.fixture
def advanced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Epochs of each block that is done, and whether it is one of the replays."""
    found: list[tuple[int, bool]] = []
    plain = FusedSession.advance

    def advance(self, block):
        found.append((block.epochs, block.validated is None))
        return plain(self, block)

    monkeypatch.setattr(FusedSession, "advance", advance)
    return found


@pytest.mark.parametrize("entries", [plan.ORDER_ENTRIES, 400])
@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("stop", [stop for stop in STOPS if stop != "diverging"])
def test_the_bits_are_those_of_training_epoch_by_epoch(
    stop: str, batch_size: int | None, entries: int, monkeypatch, advanced, tmp_path: Path
) -> None:
    monkeypatch.setattr(plan, "ORDER_ENTRIES", entries)
    training = Training(stop, batch_size)
    expected = training.run(every_epoch)
    assert max(epochs for epochs, _ in advanced) == 1 and not any(again for _, again in advanced)
    advanced.clear()
    found = training.run()
    assert bits(found) == bits(expected)
    trained = sum(epochs for epochs, again in advanced if not again)
    assert trained == len(found.history) or stop == "perfect"
    if entries == plan.ORDER_ENTRIES and batch_size is None:
        assert len(advanced) < len(found.history)
    short = training.run(stop_at_12, saved=Checkpoint(tmp_path, "5epochs"))
    resumed = training.run(saved=Checkpoint(tmp_path, "7epochs", resume=True))
    assert len(short.history) == min(12, len(expected.history))
    assert bits(resumed) == bits(expected)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_divergence_inside_a_block_gives_the_last_good_parameters(batch_size: int | None) -> None:
    training, errors = Training("diverging", batch_size), []
    for callbacks in ((every_epoch,), ()):
        with pytest.raises(DivergenceError) as error:
            training.run(*callbacks)
        errors.append(error.value)
    one, other = errors
    assert one.epoch == other.epoch
    assert all(map(np.array_equal, one.params, other.params))
    for name in ("loss", "validation_loss"):
        np.testing.assert_array_equal(*(getattr(error.history, name) for error in errors))


def test_the_best_epoch_is_trained_again_once(advanced, monkeypatch) -> None:
    training = Training("never", None)
    result = training.run()
    again = [epochs for epochs, replay in advanced if replay]
    assert len(again) == 1 and result.best_epoch < len(result.history) == 70
    training.config = replace(training.config, epochs=result.best_epoch)
    advanced.clear()
    assert same_best(training.run(), result) and not any(replay for _, replay in advanced)


def same_best(one: TrainResult, other: TrainResult) -> bool:
    return all(map(np.array_equal, one.params, other.params)) and one.best_epoch == other.best_epoch
