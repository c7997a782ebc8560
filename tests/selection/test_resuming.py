"""A selection that is stopped anywhere and resumed gives the bits of one that is not."""

import re
import shutil
import signal

import numpy as np
import pytest

import backhand
from backhand.engines import make_engine
from backhand.selection import InnerFolds, Recipe, SearchProgress, folds_for, select
from backhand.training.fleet import train_fleet
from selection.test_selection import CONFIG, noisy_rows

DATA = noisy_rows(300)
SQUARES = DATA._replace(X=np.concatenate([DATA.X, DATA.X**2], axis=1))
ENCODINGS = {"plain": DATA, "squares": SQUARES}
FOLDS = InnerFolds(folds_for(DATA.y, 0))


class Stopped(Exception):
    """Ends a selection as a failing display would."""


def run(folder=None, stop_at=None, members=5, data=DATA, **settings):
    recipe = Recipe(config=CONFIG, hidden=16, penalties=(0.001, 0.01), members=members)
    calls = 0

    def watch(_: SearchProgress) -> None:
        nonlocal calls
        calls += 1
        if stop_at is not None and calls > stop_at:
            raise Stopped

    saving = None if folder is None else backhand.Checkpoint(folder, "0.05s", **settings)
    engine = make_engine("fused", threads=2)
    return select(data, FOLDS, 2, recipe, engine, watch=watch, checkpoint=saving)


@pytest.mark.parametrize(("members", "data"), [(1, DATA), (5, DATA), (2, ENCODINGS)])
def test_a_selection_resumes_with_equal_bits(tmp_path, members, data):
    whole = run(members=members, data=data)
    folder, stops = tmp_path / "saved", 0
    for stop_at in (0, 1, 2, 3, 5, 8):
        try:
            run(folder, stop_at, members, data, resume=True)
        except Stopped:
            stops += 1
    resumed = run(folder, members=members, data=data, resume=True)
    assert stops
    for a, b in zip(whole.params, resumed.params, strict=True):
        assert np.array_equal(a, b)
    assert whole.chosen == resumed.chosen


def test_a_folder_with_a_selection_is_only_resumed(tmp_path):
    folder = tmp_path / "saved"
    run(folder)
    with pytest.raises(backhand.InputError, match="already contains checkpoints of a search"):
        run(folder)
    with pytest.raises(backhand.InputError, match="of a search, and this is a training run"):
        backhand.Checkpoint(folder, resume=True).check()


def test_a_resumed_selection_says_once_how_much_was_done(tmp_path):
    folder, said = tmp_path / "saved", []
    run(folder, notify=said.append)
    assert not said
    run(folder, resume=True, notify=said.append)
    shutil.rmtree(folder / "all-rows")
    run(folder, resume=True, notify=said.append)
    (folder / "first-folds").rename(folder / "kept")
    shutil.rmtree(folder / "other-folds")
    (folder / "kept").rename(folder / "first-folds")
    run(folder, resume=True, notify=said.append)
    counts = [re.fullmatch(r"resumed from .*saved: (\d+) of 15 networks were done\.", one)[1]
              for one in said]  # fmt: skip
    assert counts[:2] == ["15", "10"] and 4 <= int(counts[2]) < 10


def test_other_settings_are_named_with_the_folder_that_the_user_named(tmp_path):
    run(tmp_path / "saved", members=1)
    recipe = Recipe(config=CONFIG, hidden=8, penalties=(0.001, 0.01), members=1)
    saving = backhand.Checkpoint(tmp_path / "saved", resume=True)
    said = r"saved belongs to a search with other settings: hidden units: 16 then, 8 now\. Resume"
    with pytest.raises(backhand.InputError, match=said):
        select(DATA, FOLDS, 2, recipe, make_engine("fused"), checkpoint=saving)


def test_an_interrupted_search_counts_its_networks(tmp_path, monkeypatch):
    monkeypatch.setattr(train_fleet, "WAIT_SECONDS", 0.003)

    def interrupt(progress):
        if progress.under_way:
            signal.raise_signal(signal.SIGTERM)

    saving = backhand.Checkpoint(tmp_path / "saved")
    recipe = Recipe(config=CONFIG, hidden=16, penalties=(0.001, 0.01))
    said = r"\d+ of 15 networks are done and saved in \S*saved$"
    with pytest.raises(backhand.Interrupted, match=said):
        select(DATA, FOLDS, 2, recipe, make_engine("fused"), watch=interrupt, checkpoint=saving)


def test_a_span_of_epochs_is_refused(tmp_path):
    saving = backhand.Checkpoint(tmp_path / "saved", "2epochs")
    with pytest.raises(backhand.InputError, match="expected a time such as"):
        select(DATA, FOLDS, 2, Recipe(config=CONFIG), make_engine("reference"), checkpoint=saving)


def test_other_labels_are_reported_as_other_data(tmp_path):
    """The members begin with the class shares: their initial parameters change as well."""
    recipe, engine = Recipe(config=CONFIG, hidden=4, members=1), make_engine("fused", threads=1)
    saving = backhand.Checkpoint(tmp_path / "saved", "1s", resume=True)
    select(DATA, FOLDS, 2, recipe, engine, checkpoint=saving)
    changed = DATA.y.copy()
    changed[0] = 1 - changed[0]
    with pytest.raises(
        backhand.InputError, match="a search with other data: the numbers of y have"
    ):
        select(DATA._replace(y=changed), FOLDS, 2, recipe, engine, checkpoint=saving)
