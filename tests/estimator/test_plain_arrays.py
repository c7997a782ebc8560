"""What is taken without scikit-learn's validation is what that returns unchanged."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import validate_data

import backhand
from backhand.estimator.inputs import DTYPES, features_and_labels, places_of, same_classes
from backhand.estimator.plain_arrays import are_plain_labels, is_plain_table, plain_classes
from backhand.estimator.random_states import copy_of, generator_of

X = np.random.default_rng(0).standard_normal((12, 3))
Y = np.arange(12) % 3

TABLES = [
    X, X.astype(np.float32), X[::2], X[:, ::-1], np.asfortranarray(X), X.astype(">f8"), X[:0],
    X.astype(int), X.tolist(), X.astype(np.float16), np.ma.masked_array(X), X[:, 0], X[None],
    np.where(X > 2, np.nan, X), np.full((2, 3), 1e308), X.astype(object), X > 0,
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_plain_is_returned_as_it_is(table) -> None:
    estimator = backhand.MLPClassifier()
    if is_plain_table(estimator, table, DTYPES, reset=True):
        found = validate_data(estimator, table, dtype=DTYPES, ensure_all_finite=False)
        assert found is table or np.shares_memory(found, table)
        assert (found.dtype, found.strides) == (table.dtype, table.strides)
    else:
        assert not (type(table) is np.ndarray and table.dtype in DTYPES and table.shape == X.shape)


@pytest.mark.parametrize(
    "labels",
    [Y, Y.astype(np.int8), Y.astype(np.uint16), Y > 0, Y * 1000 - 7, Y * 0, np.arange(12),
     np.arange(42) % 21, np.arange(42) % 22, np.arange(23) % 12, Y.astype(float), Y.astype(str),
     Y.astype(object), Y[:, None], Y.tolist(), Y[::-1], Y.astype(">i4"), Y[:0]],
)  # fmt: skip
def test_plain_labels_have_scikit_learns_classes(labels) -> None:
    classes = plain_classes(labels)
    if classes is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scikit-learn would have warned, or raised
        check_classification_targets(labels)
    theirs = unique_labels(labels)
    assert classes.dtype == theirs.dtype and np.array_equal(classes, theirs)
    assert np.array_equal(places_of(labels, classes, "y"), np.searchsorted(classes, labels))


def test_labels_that_are_not_plain_are_left_to_scikit_learn() -> None:
    assert plain_classes(Y) is not None
    for other in (
        Y.astype(str),
        Y.astype(float),
        np.arange(42) % 22,
        Y.tolist(),
        Y[:0],
        Y[:, None],
    ):
        assert plain_classes(other) is None
    assert not are_plain_labels(Y, 11)
    with pytest.warns(UserWarning, match="greater than 50%"):
        same_classes(np.arange(42) % 22, None)


def test_what_is_not_finite_and_other_numbers_of_columns_are_scikit_learns_errors() -> None:
    fitted = backhand.MLPClassifier((4,), max_iter=1, random_state=0, solver="lbfgs")
    with pytest.warns(match="failed to converge"):
        fitted.fit(X, Y)
    bad = X.copy()
    bad[3, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        features_and_labels(fitted, bad, Y, reset=True)
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 3"):
        features_and_labels(fitted, X[:, :2], Y, reset=False)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        features_and_labels(fitted, X, Y[:5], reset=True)
    huge = np.full((12, 3), 1e308)  # whose sum is not finite, though each number is
    assert features_and_labels(fitted, huge, Y, reset=True)[0] is huge


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, np.int64(5)])
def test_a_generator_has_the_numbers_of_its_seed(seed) -> None:
    ours, theirs = generator_of(seed), np.random.RandomState(seed)
    ours.normal(), theirs.normal()  # of which the second is kept
    for kept in (ours, copy_of(ours), pickle.loads(pickle.dumps(ours))):
        again = copy_of(theirs)
        assert kept.normal() == again.normal()
        assert np.array_equal(kept.permutation(50), again.permutation(50))


def test_other_random_states_are_scikit_learns() -> None:
    state = np.random.RandomState(3)
    assert generator_of(state) is state
    assert generator_of(None) is check_random_state(None)
    for wrong in (-1, 2**32, "seed"):
        with pytest.raises(ValueError, match=r"[Ss]eed|cannot be used"):
            generator_of(wrong)
