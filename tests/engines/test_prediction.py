"""Prediction by the engines: the same for a row wherever it stands, and no copy of the weights."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from backhand import equations
from backhand.engines import make_engine
from backhand.engines.fused.engine import FusedEngine
from backhand.engines.fused.kernels import operands
from backhand.engines.fused.kernels.unpacked_gemm import KC, TOGETHER
from backhand.engines.fused.prediction import FEW_ROWS
from backhand.equations import Parameters
from backhand.errors import InputError

KINDS = [np.float32, np.float64]


def network(d: int, H: int, K: int, dtype: Any, seed: int = 0) -> Parameters:
    rng = np.random.default_rng(seed)
    sizes = ((d, H), H, (H, K), K)
    return Parameters(*(rng.standard_normal(size).astype(dtype) for size in sizes))


def exact(params: Parameters, X: Any) -> Any:
    wide = Parameters(*(value.astype(np.float64) for value in params))
    return equations.forward(wide, X.astype(np.float64)).P


def rows_with_zeros(N: int, d: int, dtype: Any) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal((N, d)) * (rng.random((N, d)) < 0.2)).astype(dtype)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("sizes", [(1, 1, 2), (37, 9, 3), (600, 100, 17), (300, 264, 2)])
def test_the_bits_of_a_row_do_not_depend_on_what_stands_beside_it(sizes, dtype) -> None:
    """Nor on the layout of X and of the parameters, on zeros left out, or on the threads."""
    assert KC < 600 and TOGETHER < 9
    params, X = network(*sizes, dtype), rows_with_zeros(300, sizes[0], dtype)
    P = FusedEngine(1).predict_proba(params, X)
    assert P.dtype == dtype
    assert np.abs(P - exact(params, X)).max() < (6e-8 if dtype is np.float32 else 1e-12)
    turned = Parameters(*map(np.asfortranarray, params))
    for N in (1, 2, FEW_ROWS, FEW_ROWS + 1, 7, 130):
        parts = [slice(start, start + N) for start in range(0, 300, N)]
        for many in (X, np.asfortranarray(X), scipy.sparse.csr_array(X)):
            for theta in (params, turned):
                found = [FusedEngine(1).predict_proba(theta, many[rows]) for rows in parts[:40]]
                assert np.array_equal(np.concatenate(found), P[: 40 * N])
    for threads in (2, 3):
        for many in (X, scipy.sparse.csr_array(X)):
            assert np.array_equal(FusedEngine(threads).predict_proba(params, many), P)


def test_long_inputs_are_predicted_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    params, X = network(20, 12, 3, np.float32), rows_with_zeros(100, 20, np.float32)
    P = FusedEngine(1).predict_proba(params, X)
    monkeypatch.setattr(operands, "ROWS_OF_A_CALL", 7)
    for many in (X, *(kind(X) for kind in (scipy.sparse.csr_array, scipy.sparse.csr_matrix))):
        for data in (many, many.astype(np.float64)):
            assert np.array_equal(FusedEngine(1).predict_proba(params, data), P)
    indices = scipy.sparse.csr_array(X)
    indices.indices, indices.indptr = (
        x.astype(np.int64) for x in (indices.indices, indices.indptr)
    )
    assert np.array_equal(FusedEngine(1).predict_proba(params, indices), P)


def extra_bytes(call: Callable[[], np.ndarray]) -> int:
    """Allocated at most during a call, beside its result."""
    call()
    tracemalloc.start()
    result = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return int(peak) - result.nbytes


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("rows", [1, 33, 300])
def test_no_weights_are_copied(rows: int, dtype: Any) -> None:
    """W1 is 8 or 16 MB; what a call takes has nothing to do with it."""
    d = 20_000
    params = network(d, 100, 5, dtype)
    X = scipy.sparse.random_array((rows, d), density=50 / d, format="csr", rng=0, dtype=dtype)
    turned = params._replace(W1=np.asfortranarray(params.W1))
    assert extra_bytes(lambda: FusedEngine(1).predict_proba(params, X)) < 1e6
    assert extra_bytes(lambda: FusedEngine(1).predict_proba(turned, X)) < 1e6
    dense = X[:20].toarray()
    assert extra_bytes(lambda: FusedEngine(1).predict_proba(params, dense)) < 1e6
    reference = make_engine("reference")  # of a sparse X, the weights that its rows meet
    assert extra_bytes(lambda: reference.predict_proba(params, X[:1])) < 1e6


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_a_sparse_x_whose_indices_point_elsewhere_is_refused(index: Any) -> None:
    params = network(6, 5, 3, np.float64)

    def rows(dtype: Any = np.float64, **changes: tuple[int, int]) -> Any:
        X = scipy.sparse.csr_array(rows_with_zeros(9, 6, dtype) + dtype(1.0))
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
        for name, (place, value) in changes.items():
            getattr(X, name)[place] = value
        return X

    assert FusedEngine(1).predict_proba(params, rows()).shape == (9, 3)
    far = np.iinfo(index).max
    for change in (
        {"indices": (7, 6)}, {"indices": (53, -1)}, {"indices": (0, far)}, {"indices": (1, -far)},
        {"indptr": (4, 60)}, {"indptr": (9, 55)}, {"indptr": (0, -1)}, {"indptr": (5, 6)},
        {"indptr": (9, far)},
    ):  # fmt: skip
        for dtype in KINDS:
            with pytest.raises(InputError, match="indices point elsewhere"):
                FusedEngine(1).predict_proba(params, rows(dtype, **change))
    short = rows()
    short.indptr = short.indptr[:-1]
    with pytest.raises(InputError, match="indices point elsewhere"):
        FusedEngine(1).predict_proba(params, short)


def test_shapes_that_do_not_fit_are_refused() -> None:
    params, X = network(6, 5, 3, np.float64), rows_with_zeros(9, 6, np.float64)
    with pytest.raises(InputError, match=r"X is \(9, 5\): it has 5 columns where W1 expects 6"):
        FusedEngine(1).predict_proba(params, X[:, :5])
    for name in ("b1", "W2", "b2"):
        wrong = params._replace(**{name: getattr(params, name)[:-1]})
        with pytest.raises(InputError, match="do not fit together"):
            FusedEngine(1).predict_proba(wrong, X)


def test_the_smallest_numbers_are_kept() -> None:
    """Subnormal ones, among the weights and in P; training takes them as 0."""
    tiny, X = np.float32(1e-42), np.array([[1e30]], np.float32)
    theta = [np.array(v, np.float32) for v in ([[tiny]], [0], [[1e12, 0]], [0, 0])]
    params = Parameters(*theta)
    np.testing.assert_allclose(FusedEngine(1).predict_proba(params, X), exact(params, X), rtol=1e-6)
    params = Parameters(*(np.array(v, np.float32) for v in ([[0]], [0], [[0, 0]], [0, -100])))
    P = FusedEngine(1).predict_proba(params, X)
    assert P[0, 1] == np.float32(np.exp(-100.0)) > 0


def test_what_is_not_finite_stays_in_its_row() -> None:
    params, X = network(40, 12, 3, np.float64), rows_with_zeros(9, 40, np.float64)
    P = FusedEngine(1).predict_proba(params, X)
    X[4, 7], X[6, 0] = np.nan, np.inf
    found = FusedEngine(1).predict_proba(params, X)
    assert np.isnan(found[4]).all() and np.isnan(found[6]).all()
    assert np.array_equal(np.delete(found, (4, 6), 0), np.delete(P, (4, 6), 0))


def test_parameters_of_other_dtypes() -> None:
    params, X = network(40, 12, 3, np.float32), rows_with_zeros(9, 40, np.float32)
    P = FusedEngine(1).predict_proba(params, X)
    assert np.array_equal(FusedEngine(1).predict_proba(params, X.astype(">f4")), P)
    with pytest.raises(InputError, match="byte order"):
        swapped = Parameters(*(value.astype(">f4") for value in params))
        FusedEngine(1).predict_proba(swapped, X)
    half = Parameters(*(value.astype(np.float16) for value in params))
    P = FusedEngine(1).predict_proba(half, X)
    assert P.dtype == np.float16
    assert np.abs(P - exact(half, X.astype(np.float16))).max() < 1e-3


@pytest.mark.parametrize("name", ["data", "indices", "indptr"])
def test_a_sparse_x_is_read_as_it_is_stored_whatever_its_strides(name: str) -> None:
    """scipy keeps arrays as they are assigned, also with gaps, and those that run backwards."""
    X = scipy.sparse.csr_array(rows_with_zeros(50, 9, np.float32))
    params = network(9, 12, 3, np.float32)
    backward, wide = (X.copy() for _ in range(2))
    setattr(backward, name, getattr(X, name)[::-1].copy()[::-1])
    setattr(wide, name, np.repeat(getattr(X, name), 2)[::2])
    expected = make_engine("fused").predict_proba(params, X)
    for same in (backward, wide):
        assert not getattr(same, name).flags.c_contiguous
        for N in (50, 7):
            found = make_engine("fused").predict_proba(params, same[:N] if N < 50 else same)
            assert np.array_equal(found, expected[:N])
