"""Inner folds: which rows a member learns from, which it is measured on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backhand.selection.folds as module
from backhand.errors import InputError
from backhand.selection import InnerFolds, folds_for
from backhand.stratified import NONE

FOLDS = st.lists(st.sampled_from([0, 1, 2, 3, NONE]), min_size=1, max_size=40)


@given(FOLDS, st.integers(0, 3), st.booleans(), st.integers(1, 9))
def test_rows_are_those_of_the_folds(of_row, fold, forward, stretch):
    of = np.array(of_row, np.uint8)
    folds = InnerFolds(of, forward)
    learned = (of < fold) | (of == NONE) if forward else of != fold
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", stretch)
        assert np.array_equal(folds.training(fold), np.flatnonzero(learned))
        assert np.array_equal(folds.validation(fold), np.flatnonzero(of == fold))
        assert np.array_equal(folds.rows_in([0, 2], 100), np.flatnonzero(np.isin(of, [0, 2])))


@given(FOLDS, st.integers(1, 9), st.integers(1, 9))
def test_of_many_rows_evenly_spaced_ones_are_returned(of_row, most, stretch):
    of = np.array(of_row, np.uint8)
    all_rows = np.flatnonzero(np.isin(of, [0, 1, 2]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STRETCH", stretch)
        found = InnerFolds(of).rows_in([0, 1, 2], most)
    assert len(found) <= most
    assert np.array_equal(found, all_rows[:: max(1, -(-len(all_rows) // most))])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 5))
def test_classes_are_dealt_out_evenly(classes, seed):
    y = np.array(classes)
    of_row = folds_for(y, seed)
    counts = np.bincount(y)
    assert np.array_equal(of_row == NONE, counts[y] == 1)
    for k in np.flatnonzero(counts > 1):
        of_class = np.bincount(of_row[y == k], minlength=min(5, len(y)))
        assert of_class.max() - of_class.min() <= 1
    assert np.array_equal(of_row, folds_for(y, seed))


def test_folds_of_another_kind_are_refused():
    with pytest.raises(InputError, match="folds are int64"):
        InnerFolds(np.zeros(3, np.int64))
    with pytest.raises(InputError, match=r"of shape \(2, 2\)"):
        InnerFolds(np.zeros((2, 2), np.uint8))


def test_a_single_fold_measures_nothing():
    assert InnerFolds(np.zeros(4, np.uint8)).measured == []
    assert InnerFolds(np.full(4, NONE, np.uint8)).measured == []
    assert InnerFolds(np.zeros(4, np.uint8), forward=True).measured == []
    assert InnerFolds(np.array([0, 0, NONE], np.uint8)).measured == []
    assert InnerFolds(np.array([0, NONE, NONE], np.uint8)).measured == [0]
    assert InnerFolds(np.array([0, 2, 2], np.uint8), forward=True).measured == [2]
