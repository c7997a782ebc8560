"""`Model.predict_proba` of arrays: the predictor that a model keeps, and what it refuses."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

import backhand
from backhand.engines.fused.engine import FusedEngine
from backhand.errors import InputError
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")


def model(**kept: object) -> backhand.Model:
    return backhand.Model(backhand.init(6, 9, 3, seed=1), ("a", "b", "c"), **kept)


def rows(N: int = 7) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((N, 6)).astype(np.float32)


def test_a_predictor_is_made_once_and_belongs_to_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = FusedEngine.predictor

    def counted(self, params):
        made.append(params)
        return make(self, params)

    monkeypatch.setattr(FusedEngine, "predictor", counted)
    ours, fresh, X = model(), model(), rows()
    P = ours.predict_proba(X, "fused")
    assert np.array_equal(ours.predict_proba(X[:3], "fused"), P[:3])
    assert len(made) == 1
    assert repr(ours) == repr(fresh)
    assert vars(pickle.loads(pickle.dumps(ours))).keys() == vars(fresh).keys()
    for other in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert np.array_equal(other.predict_proba(X, "fused"), P)
    assert len(made) == 4
    opposite = replace(ours, params=type(ours.params)(*(-value for value in ours.params)))
    assert not np.array_equal(opposite.predict_proba(X, "fused"), P)


def test_weights_that_are_changed_in_place_count_at_once() -> None:
    ours, X = model(), rows()
    before = ours.predict_proba(X)
    ours.params.b2[0] += 100
    after = ours.predict_proba(X)
    assert np.allclose(after, [1, 0, 0], atol=1e-6)
    assert not np.allclose(before, after)


def test_arrays_of_any_kind_are_predicted() -> None:
    ours, X = model(), rows()
    P = ours.predict_proba(X)
    assert P.dtype == np.float32
    for same in (
        X.astype(np.float64), X.tolist(), np.asfortranarray(X), scipy.sparse.csr_array(X),
        scipy.sparse.csr_matrix(X), np.ascontiguousarray(X[::-1])[::-1], X.astype(">f4"),
        np.ma.masked_array(X),
    ):  # fmt: skip
        assert np.array_equal(ours.predict_proba(same), P)


@pytest.mark.parametrize(
    ("X", "why"),
    [
        (rows()[:, :5], "5 columns where W1 expects 6"),
        (rows()[0], "expected 2 dimensions"),
        (rows()[:0], "no rows"),
        (scipy.sparse.csr_array((0, 6)), "no rows"),
        (scipy.sparse.csr_array((2, 5)), "5 columns where W1 expects 6"),
        (scipy.sparse.coo_array(rows()), "expected a NumPy array or a sparse matrix in CSR form"),
        (scipy.sparse.csc_array(rows()), "sparse matrix in CSR form"),
        (scipy.sparse.csr_array(rows()[0]), "expected two dimensions"),
        ({}, r"X is a dict; expected an array \(numpy.asarray converts a list\)"),
        (np.full((2, 6), "x"), "real numbers"),
        (np.full((2, 6), np.nan), "X holds nan at row 0, column 0"),
        (np.full((2, 6), 1e39), "finite numbers that float32 can hold"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_is_refused(X, why: str) -> None:
    for engine in ("fused", "reference"):
        with pytest.raises(InputError, match=why):
            model().predict_proba(X, engine)
