"""A selection that is stopped anywhere and resumed gives the bits of one that is not."""

import numpy as np
import pytest

import backhand
from backhand.engines import make_engine
from backhand.selection import InnerFolds, Recipe, SearchProgress, folds_for, select
from selection.test_selection import CONFIG, noisy_rows

DATA = noisy_rows(300)
FOLDS = InnerFolds(folds_for(DATA.y, 0))


class Stopped(Exception):
    """Ends a selection as a failing display would."""


def run(folder=None, stop_at=None, members=5, **settings):
    recipe = Recipe(config=CONFIG, hidden=16, penalties=(0.001, 0.01), members=members)
    calls = 0

    def watch(_: SearchProgress) -> None:
        nonlocal calls
        calls += 1
        if stop_at is not None and calls > stop_at:
            raise Stopped

    saving = None if folder is None else backhand.Checkpoint(folder, "0.05s", **settings)
    engine = make_engine("fused", threads=2)
    return select(DATA, FOLDS, 2, recipe, engine, watch=watch, checkpoint=saving)


@pytest.mark.parametrize("members", [1, 5])
def test_a_selection_resumes_with_equal_bits(tmp_path, members):
    whole = run(members=members)
    folder, stops = tmp_path / "saved", 0
    for stop_at in (0, 1, 2, 3):
        try:
            run(folder, stop_at, members, resume=True)
        except Stopped:
            stops += 1
    resumed = run(folder, members=members, resume=True)
    assert stops
    for a, b in zip(whole.params, resumed.params, strict=True):
        assert np.array_equal(a, b)
    assert whole.chosen == resumed.chosen


def test_a_folder_with_a_selection_is_only_resumed(tmp_path):
    folder = tmp_path / "saved"
    run(folder)
    with pytest.raises(backhand.InputError, match="already contains checkpoints of a fleet"):
        run(folder)
    with pytest.raises(backhand.InputError, match=r"a fleet or search, and this is one training"):
        backhand.Checkpoint(folder, resume=True).check()


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
    with pytest.raises(backhand.InputError, match="other data: of member 0, the numbers of y have"):
        select(DATA._replace(y=changed), FOLDS, 2, recipe, engine, checkpoint=saving)
