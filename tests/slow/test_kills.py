"""Trainings and searches killed at random moments: none loses what it had saved, or a bit."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

import backhand
from backhand.engines import Data, make_engine
from backhand.selection import InnerFolds, Recipe, Selection, folds_for, select
from backhand.training import samplers
from backhand.training.config import TrainConfig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no fork"),
]

KILLS, KILLED_SEARCHES = 1000, 200


def trained(checkpoint: backhand.Checkpoint | None = None) -> backhand.TrainResult:
    """Some tenths of a second of training, with all that a checkpoint has to hold."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 8)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 1)
    return backhand.train(
        backhand.init(8, 16, 3, seed=0), X[:18_000], y[:18_000], epochs=60, batch_size=64,
        optimizer="adam", schedule="cosine", learning_rate=0.01, l2=1e-4, dropout=0.1, threads=1,
        validation=(X[18_000:], y[18_000:]), checkpoint=checkpoint,
        early_stopping=backhand.EarlyStopping(patience=50),
    )  # fmt: skip


def searched(members: int, checkpoint: backhand.Checkpoint | None = None) -> Selection:
    """Some tenths of a second of a search, in all its stages."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((3_000, 6)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] + 0.5 * rng.standard_normal(3_000) > 0).astype(np.int64)
    config = TrainConfig(epochs=40, batch_size=64, optimizer="adam", learning_rate=0.02,
                         schedule="cosine", dropout=0.1)  # fmt: skip
    recipe = Recipe(config=config, hidden=8, penalties=(1e-4, 1e-3, 1e-2), members=members)
    return select(
        Data(X, y), InnerFolds(folds_for(y, 0)), 2, recipe, make_engine("fused", threads=2),
        checkpoint=checkpoint,
    )  # fmt: skip


def killed_after(seconds: float, run: Callable[[], object]) -> bool:
    """Run in a process of its own, which is killed; whether that came before the end."""
    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("parts", [1, 5])
@pytest.mark.parametrize("every", ["3epochs", "0.01s"])
def test_nothing_is_lost(tmp_path, monkeypatch, parts, every) -> None:
    monkeypatch.setattr(samplers, "WINDOW_BYTES", 18_000 * 32 // parts)
    monkeypatch.setattr(samplers, "BLOCK_BYTES", 2000)
    rng, midway = np.random.default_rng(parts), 0
    for kill in range(KILLS // 4):
        if kill % 10 == 0:  # what else the machine does changes
            began = time.perf_counter()
            whole = trained()
            length = time.perf_counter() - began
        folder = tmp_path / str(kill)
        for _ in range(rng.integers(1, 4)):
            checkpoint = backhand.Checkpoint(folder, every, resume=True)
            midway += killed_after(length * rng.uniform(0.05, 1.0), partial(trained, checkpoint))
        result = trained(backhand.Checkpoint(folder, every, resume=True))
        assert np.array_equal(result.history.loss, whole.history.loss)
        assert result.best_epoch == whole.best_epoch
        for state, expected in ((result.last, whole.last), (result.best, whole.best)):
            assert state.updates == expected.updates
            for mine, theirs in zip((state.params, *state.slots),
                                    (expected.params, *expected.slots), strict=True):  # fmt: skip
                assert all(map(np.array_equal, mine, theirs))
        assert not list(folder.glob(".*.part"))
    assert midway >= KILLS // 8, "most were killed while they trained"


@pytest.mark.parametrize("members", [5, 2])
def test_a_killed_search_is_resumed_without_losing_a_bit(tmp_path, members) -> None:
    rng, midway = np.random.default_rng(7), 0
    for kill in range(KILLED_SEARCHES // 2):
        if kill % 10 == 0:  # what else the machine does changes
            began = time.perf_counter()
            whole = searched(members)
            length = time.perf_counter() - began
        checkpoint = backhand.Checkpoint(tmp_path / str(kill), "0.05s", resume=True)
        for _ in range(rng.integers(1, 4)):
            seconds = length * rng.uniform(0.05, 1.0)
            midway += killed_after(seconds, partial(searched, members, checkpoint))
        found = searched(members, checkpoint)
        assert found.chosen == whole.chosen
        assert all(map(np.array_equal, found.params, whole.params))
        assert all(map(np.array_equal, vars(found.history).values(), vars(whole.history).values()))
        assert np.array_equal(found.out_of_fold.probabilities, whole.out_of_fold.probabilities)
        assert not list((tmp_path / str(kill)).rglob(".*.part"))
    assert midway >= KILLED_SEARCHES // 4, "most were killed while they searched"
