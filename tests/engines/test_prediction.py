"""Prediction by the engines: the same for a row wherever it stands, and no copy of the weights."""

import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backhand import equations
from backhand.engines import make_engine
from backhand.engines.fused import prediction
from backhand.engines.fused.engine import FusedEngine
from backhand.engines.fused.kernels import operands
from backhand.engines.fused.kernels.unpacked_gemm import KC, TOGETHER
from backhand.equations import Parameters
from backhand.errors import InputError
from helpers.fused_checks import CPUS, run_on
from helpers.guard_pages import guarded
from helpers.optional_packages import optional

scipy = optional("scipy.sparse")

KINDS = [np.float32, np.float64]


def network(d: int, H: int, K: int, dtype: Any, seed: int = 0) -> Parameters:
    """Weights whose activations and logits are about 1."""
    rng = np.random.default_rng(seed)
    sizes, scales = ((d, H), H, (H, K), K), (d**-0.5, 1, H**-0.5, 1)
    return Parameters(*(
        (rng.standard_normal(size) * scale).astype(dtype)
        for size, scale in zip(sizes, scales, strict=True)
    ))  # fmt: skip


def exact(params: Parameters, X: Any) -> Any:
    wide = Parameters(*(value.astype(np.float64) for value in params))
    return equations.forward(wide, X.astype(np.float64)).P


def rows_with_zeros(N: int, d: int, dtype: Any) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal((N, d)) * (rng.random((N, d)) < 0.2)).astype(dtype)


def tolerance(dtype: Any) -> float:
    return 1e-6 if dtype == np.float32 else 1e-12


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("sizes", [(1, 1, 2), (37, 9, 3), (600, 100, 17), (300, 264, 2)])
def test_the_bits_of_a_row_do_not_depend_on_what_stands_beside_it(sizes, dtype) -> None:
    """Nor on the layout of X and of the parameters, on zeros left out, or on the threads."""
    assert KC < 600 and TOGETHER < 9
    params, X = network(*sizes, dtype), rows_with_zeros(300, sizes[0], dtype)
    P = FusedEngine(1).predict_proba(params, X)
    assert P.dtype == dtype
    assert np.abs(P - exact(params, X)).max() < tolerance(dtype)
    turned = Parameters(*map(np.asfortranarray, params))
    gaps = Parameters(*(np.repeat(value, 2, axis=-1)[..., ::2] for value in params))
    for N in (1, 2, 7, 130):
        parts = [slice(start, start + N) for start in range(0, 300, N)]
        for many in (X, np.asfortranarray(X), scipy.sparse.csr_array(X)):
            for theta in (params, turned, gaps):
                predictor = FusedEngine(1).predictor(theta)
                found = [predictor.predict_proba(many[rows]) for rows in parts[:12]]
                assert np.array_equal(np.concatenate(found), P[: 12 * N])


@pytest.mark.parametrize("dtype", KINDS)
def test_the_bits_do_not_depend_on_the_threads(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "THREAD_FLOPS", 1000)
    params, X = network(37, 20, 3, dtype), rows_with_zeros(300, 37, dtype)
    P = FusedEngine(1).predict_proba(params, X)
    for threads in (2, 3, 7):
        for many in (X, scipy.sparse.csr_array(X)):
            for N in (300, 5):
                found = FusedEngine(threads).predict_proba(params, many[:N])
                assert np.array_equal(found, P[:N])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", ["fused", "reference", "torch"])
def test_engines_agree_to_rounding(name: str, dtype: Any) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        d, H, K = (int(n) for n in rng.integers((1, 1, 2), (300, 150, 40)))
        params, X = network(d, H, K, dtype, seed), rows_with_zeros(40, d, dtype)
        P = make_engine(name).predict_proba(params, X)
        expected = exact(params, X)
        assert P.dtype == dtype
        assert np.abs(P - expected).max() < tolerance(dtype)
        # Labels differ only where two classes are as probable, to rounding.
        most = np.sort(expected, axis=1)
        clear = most[:, -1] - most[:, -2] > 2 * tolerance(dtype)
        assert np.array_equal(P.argmax(axis=1)[clear], expected.argmax(axis=1)[clear])


def check_bits(seed: int) -> None:
    """One random network and rows between pages that must not be touched, in every way."""
    rng = np.random.default_rng(seed)
    dtype, largest = KINDS[seed % 2], 700 if seed % 7 == 0 else 70
    d, H, K, N = (int(n) for n in rng.integers((1, 1, 2, 1), (largest, 90, 20, 60)))
    plain, X = network(d, H, K, dtype, seed), rows_with_zeros(N, d, dtype)
    params = Parameters(*(guarded(value, at_end=seed % 3 > 0) for value in plain))
    sparse = scipy.sparse.csr_array(X)
    for name in ("data", "indices", "indptr"):
        setattr(sparse, name, guarded(getattr(sparse, name)))
    P = FusedEngine(1).predict_proba(params, X)
    assert np.abs(P - exact(plain, X)).max() < 2 * tolerance(dtype)
    for threads in (1, 2, 5):
        predictor = FusedEngine(threads).predictor(params)
        for many in (guarded(X), guarded(X, at_end=False), guarded(X.astype(np.float64)), sparse):
            assert np.array_equal(predictor.predict_proba(many), P), seed
        assert np.array_equal(predictor.predict_proba(guarded(X[:1])), P[:1]), seed


def test_nothing_beside_the_arrays_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "THREAD_FLOPS", 20_000)
    for seed in range(30):
        check_bits(seed)


@pytest.mark.slow
def test_the_bits_of_500_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "THREAD_FLOPS", 2000)
    for seed in range(1000):  # half of them in each dtype
        check_bits(seed)


@pytest.mark.slow
@pytest.mark.parametrize("cpu", CPUS)
def test_lesser_cpus_predict_the_same(cpu: str, tmp_path: Path) -> None:
    script = (
        "from engines.test_prediction import check_bits\n"
        "for seed in range(40): check_bits(seed)\n"
        "print('right')"
    )
    assert run_on(cpu, script, tmp_path) == "right\n"


@pytest.mark.parametrize("name", ["fused", "reference", "torch"])
def test_a_predictor_sees_weights_that_are_changed_in_place(name: str) -> None:
    params, X = network(20, 12, 3, np.float32), rows_with_zeros(9, 20, np.float32)
    predictor = make_engine(name).predictor(params)
    before = predictor.predict_proba(X)
    assert predictor.params is params
    for value in params:
        value *= -1
    after = predictor.predict_proba(X)
    assert np.array_equal(after, make_engine(name).predict_proba(params, X))
    assert not np.array_equal(after, before)


def test_several_threads_may_use_one_predictor() -> None:
    params, X = network(20, 12, 3, np.float32), rows_with_zeros(500, 20, np.float32)
    predictor = FusedEngine(1).predictor(params)
    P, wrong = predictor.predict_proba(X), []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(100):
            first, last = np.sort(rng.integers(0, 500, 2))
            if not np.array_equal(predictor.predict_proba(X[first:last]), P[first:last]):
                wrong.append((first, last))

    team = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert wrong == []


def test_long_inputs_are_predicted_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    params, X = network(20, 12, 3, np.float32), rows_with_zeros(100, 20, np.float32)
    P = FusedEngine(1).predict_proba(params, X)
    monkeypatch.setattr(prediction, "CALL_FLOPS", 7 * 2 * 12 * (20 + 3))
    monkeypatch.setattr(operands, "CONVERTED_NUMBERS", 100)
    for many in (X, *(kind(X) for kind in (scipy.sparse.csr_array, scipy.sparse.csr_matrix))):
        for data in (many, many.astype(np.float64)):
            assert np.array_equal(FusedEngine(1).predict_proba(params, data), P)
    indices = scipy.sparse.csr_array(X)
    indices.indices, indices.indptr = (
        x.astype(np.int64) for x in (indices.indices, indices.indptr)
    )
    assert np.array_equal(FusedEngine(1).predict_proba(params, indices), P)
    X[93, 4] = np.nan
    with pytest.raises(InputError, match="X holds nan at row 93, column 4"):
        FusedEngine(1).predict_proba(params, X)


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
    X = scipy.sparse.random_array(
        (rows, d), density=50 / d, format="csr", random_state=0, dtype=dtype
    )
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
    np.testing.assert_allclose(FusedEngine(1).predict_proba(params, X), exact(params, X), rtol=1e-3)
    params = Parameters(*(np.array(v, np.float32) for v in ([[0]], [0], [[0, 0]], [0, -100])))
    P = FusedEngine(1).predict_proba(params, X)
    assert P[0, 1] == np.float32(np.exp(-100.0)) > 0


@pytest.mark.parametrize("name", ["fused", "reference", "torch"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_is_refused(bad: float, name: str) -> None:
    """Also where every hidden unit of the row becomes 0, so that its P would be finite."""
    params = network(40, 12, 3, np.float32)
    params.W1[:] = -np.copysign(1, bad) * np.abs(params.W1)
    predictor = make_engine(name).predictor(params)
    for place in ((0, 0), (4, 7), (8, 39)):
        X = rows_with_zeros(9, 40, np.float64 if bad == 1e39 else np.float32)
        X[place] = bad
        for rows in (X, np.asfortranarray(X), scipy.sparse.csr_array(X)):
            with pytest.raises(InputError, match=f"at row {place[0]}, column {place[1]}"):
                predictor.predict_proba(rows)
        X[place] = 0
        assert np.isfinite(predictor.predict_proba(X)).all()


@pytest.mark.parametrize("name", ["fused", "reference", "torch"])
def test_finite_rows_whose_logits_overflow_are_refused(name: str) -> None:
    params, X = network(40, 12, 3, np.float32), rows_with_zeros(9, 40, np.float32)
    predictor = make_engine(name).predictor(params)
    X[7] = 3e38
    for rows in (X, scipy.sparse.csr_array(X)):
        with pytest.raises(InputError, match="numbers in row 7 so large that the logits exceed"):
            predictor.predict_proba(rows)
    in_double = Parameters(*(v.astype(np.float64) for v in params))
    assert np.isfinite(make_engine(name).predict_proba(in_double, X)).all()
    params.b2[1] = np.nan
    with pytest.raises(InputError, match="b2 holds numbers that are not finite"):
        make_engine(name).predict_proba(params, np.zeros((1, 40), np.float32))


def test_parameters_of_other_dtypes_are_refused() -> None:
    params, X = network(40, 12, 3, np.float32), rows_with_zeros(9, 40, np.float32)
    P = FusedEngine(1).predict_proba(params, X)
    assert np.array_equal(FusedEngine(1).predict_proba(params, X.astype(">f4")), P)
    with pytest.raises(InputError, match="byte order"):
        swapped = Parameters(*(value.astype(">f4") for value in params))
        FusedEngine(1).predict_proba(swapped, X)
    half = Parameters(*(value.astype(np.float16) for value in params))
    with pytest.raises(InputError, match="float32 or float64, not in float16"):
        FusedEngine(1).predict_proba(half, X)


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
